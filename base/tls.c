/* SPDX-License-Identifier: Apache-2.0 */
#include "base/tls.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

struct tls_context {
	pthread_mutex_t lock; /* guards current; held for a reference count only */
	SSL_CTX *current;
	char *cert_path;
	char *key_path;
};

struct tls_session {
	SSL *ssl;
	bool wants_write;
	bool is_broken; /* after a fatal error OpenSSL must not be asked again */
	uint8_t *held;	/* a record's plain bytes that were taken but not written; NULL: none */
	size_t held_len;
};

void tls_context_destroy(struct tls_context **context)
{
	struct tls_context *c = *context;

	*context = NULL;
	if (!c)
		return;
	SSL_CTX_free(c->current);
	pthread_mutex_destroy(&c->lock);
	free(c->cert_path);
	free(c->key_path);
	free(c);
}

/* OpenSSL's reason in words; its data part may quote files, so it is left out. */
static void explain(char error[TLS_ERROR_TEXT_SIZE], const char *what, const char *path)
{
	const char *reason = ERR_reason_error_string(ERR_get_error());

	snprintf(error, TLS_ERROR_TEXT_SIZE, "%s %.80s: %.50s", what, path, reason ? reason : "unreadable");
	ERR_clear_error();
}

/* A key with a passphrase would else be asked for on the terminal. */
static int no_passphrase(char *buf, int size, int is_writing, void *arg)
{
	(void)buf;
	(void)size;
	(void)is_writing;
	(void)arg;
	return 0;
}

static int load(SSL_CTX **out, const struct tls_context *c, char error[TLS_ERROR_TEXT_SIZE])
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
	bool is_good = false;

	if (!ctx)
		return -ENOMEM;
	SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
	SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_IGNORE_UNEXPECTED_EOF);
	SSL_CTX_set_default_passwd_cb(ctx, no_passphrase);
	if (SSL_CTX_use_certificate_chain_file(ctx, c->cert_path) != 1)
		explain(error, "certificate", c->cert_path);
	else if (SSL_CTX_use_PrivateKey_file(ctx, c->key_path, SSL_FILETYPE_PEM) != 1)
		explain(error, "key", c->key_path);
	else if (SSL_CTX_check_private_key(ctx) != 1)
		explain(error, "the key does not belong to the certificate", c->cert_path);
	else
		is_good = true;
	if (!is_good) {
		SSL_CTX_free(ctx);
		return -EINVAL;
	}
	*out = ctx;
	return 0;
}

int tls_context_create(
    struct tls_context **out, const char *cert_path, const char *key_path, char error[TLS_ERROR_TEXT_SIZE])
{
	struct tls_context *c = calloc(1, sizeof(*c));
	int err = -ENOMEM;

	*out = NULL;
	error[0] = '\0';
	if (!c)
		return -ENOMEM;
	pthread_mutex_init(&c->lock, NULL);
	c->cert_path = strdup(cert_path);
	c->key_path = strdup(key_path);
	if (c->cert_path && c->key_path)
		err = load(&c->current, c, error);
	if (err != 0) {
		tls_context_destroy(&c);
		return err;
	}
	*out = c;
	return 0;
}

int tls_context_reload(struct tls_context *c, char error[TLS_ERROR_TEXT_SIZE])
{
	SSL_CTX *fresh = NULL;
	SSL_CTX *old;
	int err;

	error[0] = '\0';
	err = load(&fresh, c, error);
	if (err != 0)
		return err;
	pthread_mutex_lock(&c->lock);
	old = c->current;
	c->current = fresh;
	pthread_mutex_unlock(&c->lock);
	SSL_CTX_free(old); /* sessions hold references of their own */
	return 0;
}

void tls_session_destroy(struct tls_session **session)
{
	struct tls_session *s = *session;

	*session = NULL;
	if (!s)
		return;
	SSL_free(s->ssl);
	free(s->held);
	free(s);
}

int tls_session_create(struct tls_session **out, struct tls_context *context, int fd)
{
	struct tls_session *s = calloc(1, sizeof(*s));

	*out = NULL;
	if (!s)
		return -ENOMEM;
	pthread_mutex_lock(&context->lock);
	s->ssl = SSL_new(context->current);
	pthread_mutex_unlock(&context->lock);
	if (!s->ssl || SSL_set_fd(s->ssl, fd) != 1) {
		tls_session_destroy(&s);
		return -ENOMEM;
	}
	SSL_set_accept_state(s->ssl);
	*out = s;
	return 0;
}

/* What an answer of OpenSSL other than success means: 0 at the peer's end, -EAGAIN, or -EPROTO and no more. */
static int outcome(struct tls_session *s, int result)
{
	switch (SSL_get_error(s->ssl, result)) {
	case SSL_ERROR_WANT_READ: return -EAGAIN;
	case SSL_ERROR_WANT_WRITE: s->wants_write = true; return -EAGAIN;
	case SSL_ERROR_ZERO_RETURN: return 0;
	}
	s->is_broken = true;
	ERR_clear_error();
	return -EPROTO;
}

ssize_t tls_session_read(struct tls_session *s, void *buf, size_t len)
{
	int n;

	if (s->is_broken)
		return -EPROTO;
	s->wants_write = false;
	ERR_clear_error();
	n = SSL_read(s->ssl, buf, len > TLS_RECORD_MAX_BYTES ? TLS_RECORD_MAX_BYTES : (int)len);
	return n > 0 ? n : outcome(s, n);
}

/* Writes one record, or the rest of one that was begun: OpenSSL wants the same bytes again then. */
static int write_record(struct tls_session *s, const uint8_t *data, size_t len)
{
	int n;

	if (s->is_broken)
		return -EPROTO;
	ERR_clear_error();
	n = SSL_write(s->ssl, data, (int)len);
	if (n > 0)
		return 0;
	n = outcome(s, n);
	return n == 0 ? -EPIPE : n;
}

int tls_session_flush(struct tls_session *s)
{
	int err;

	if (!s->held)
		return 0;
	err = write_record(s, s->held, s->held_len);
	if (err != 0)
		return err;
	free(s->held);
	s->held = NULL;
	return 0;
}

/* A record's worth of the bytes behind the first skip ones. */
static size_t gather(uint8_t record[TLS_RECORD_MAX_BYTES], const struct iovec *iov, int n_iov, size_t skip)
{
	size_t len = 0;

	for (int i = 0; i < n_iov && len < TLS_RECORD_MAX_BYTES; i++) {
		size_t passed = skip < iov[i].iov_len ? skip : iov[i].iov_len;
		size_t left = iov[i].iov_len - passed;
		size_t room = TLS_RECORD_MAX_BYTES - len;
		size_t n = left < room ? left : room;

		skip -= passed;
		if (n > 0)
			memcpy(record + len, (const uint8_t *)iov[i].iov_base + passed, n);
		len += n;
	}
	return len;
}

/* The bytes count as taken although the socket is full: keeps them until there is room. */
static int hold_back(struct tls_session *s, const uint8_t *data, size_t len)
{
	s->held = malloc(len);
	if (!s->held) {
		s->is_broken = true;
		return -ENOMEM;
	}
	memcpy(s->held, data, len);
	s->held_len = len;
	return 0;
}

ssize_t tls_session_writev(struct tls_session *s, const struct iovec *iov, int n_iov)
{
	static _Thread_local uint8_t record[TLS_RECORD_MAX_BYTES];
	size_t taken = 0;
	size_t len;
	int err = tls_session_flush(s);

	while (err == 0 && !s->held && (len = gather(record, iov, n_iov, taken)) > 0) {
		err = write_record(s, record, len);
		if (err == -EAGAIN)
			err = hold_back(s, record, len);
		if (err == 0)
			taken += len;
	}
	if (taken > 0 || err == -EAGAIN)
		return (ssize_t)taken;
	return err;
}

bool tls_session_has_unsent(const struct tls_session *s)
{
	return s->held != NULL;
}

bool tls_session_has_unread(const struct tls_session *s)
{
	return !s->is_broken && SSL_pending(s->ssl) > 0;
}

bool tls_session_wants_write(const struct tls_session *s)
{
	return s->wants_write && !s->is_broken;
}

void tls_session_shutdown(struct tls_session *s)
{
	if (s->is_broken || !SSL_is_init_finished(s->ssl))
		return;
	ERR_clear_error();
	if (SSL_shutdown(s->ssl) < 0)
		ERR_clear_error();
}
