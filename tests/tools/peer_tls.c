/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/tools/peer_tls.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/ssl.h>

struct peer_tls {
	SSL *ssl;
};

/* One for all of the process; never freed. */
static SSL_CTX *shared_context(void)
{
	static SSL_CTX *context;

	if (!context) {
		context = SSL_CTX_new(TLS_client_method());
		if (context)
			SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	}
	return context;
}

void peer_tls_destroy(struct peer_tls **tls)
{
	struct peer_tls *t = *tls;

	*tls = NULL;
	if (!t)
		return;
	SSL_free(t->ssl);
	free(t);
}

struct peer_tls *peer_tls_create(int fd)
{
	struct peer_tls *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->ssl = shared_context() ? SSL_new(shared_context()) : NULL;
	if (!t->ssl || SSL_set_fd(t->ssl, fd) != 1) {
		peer_tls_destroy(&t);
		return NULL;
	}
	SSL_set_connect_state(t->ssl);
	return t;
}

/* What a call that did not succeed means. */
static ssize_t result_of(struct peer_tls *t, int result)
{
	switch (SSL_get_error(t->ssl, result)) {
	case SSL_ERROR_WANT_READ:
	case SSL_ERROR_WANT_WRITE: return -EAGAIN;
	case SSL_ERROR_ZERO_RETURN: return 0;
	/* The connect is still under way. */
	case SSL_ERROR_SYSCALL: return errno == ENOTCONN ? -EAGAIN : -ECONNRESET;
	default: return -EPROTO;
	}
}

ssize_t peer_tls_read(struct peer_tls *t, void *buf, size_t size_bytes)
{
	int n = SSL_read(t->ssl, buf, (int)size_bytes);

	return n > 0 ? n : result_of(t, n);
}

int peer_tls_flush(struct peer_tls *t, struct bytes_writer *w)
{
	while (w->len > 0) {
		int n = SSL_write(t->ssl, w->data, (int)w->len);

		if (n <= 0) {
			ssize_t err = result_of(t, n);

			return err == -EAGAIN ? 0 : err == 0 ? -ECONNRESET : (int)err;
		}
		memmove(w->data, w->data + n, w->len - (size_t)n);
		w->len -= (size_t)n;
	}
	return 0;
}

bool peer_tls_wants_room(const struct peer_tls *t)
{
	return !SSL_want_read(t->ssl);
}
