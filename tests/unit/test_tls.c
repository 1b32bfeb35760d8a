/* SPDX-License-Identifier: Apache-2.0 */
/* A TLS session over a socket pair: what is taken arrives once, whole and in order, however little the socket takes. */
#include "base/tls.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

enum { SENT_BYTES = 700000 };

struct files {
	char dir[32];
	char cert[64];
	char key[64];
};

static void write_pem(const struct files *f, EVP_PKEY *key, X509 *cert)
{
	FILE *key_file = fopen(f->key, "w");
	FILE *cert_file = fopen(f->cert, "w");

	assert_non_null(key_file);
	assert_non_null(cert_file);
	assert_int_equal(PEM_write_PrivateKey(key_file, key, NULL, NULL, 0, NULL, NULL), 1);
	assert_int_equal(PEM_write_X509(cert_file, cert), 1);
	fclose(key_file);
	fclose(cert_file);
}

static void make_certificate(const struct files *f, long serial)
{
	EVP_PKEY *key = EVP_RSA_gen(2048);
	X509 *cert = X509_new();

	assert_non_null(key);
	X509_set_version(cert, X509_VERSION_3);
	ASN1_INTEGER_set(X509_get_serialNumber(cert), serial);
	X509_gmtime_adj(X509_getm_notBefore(cert), -60);
	X509_gmtime_adj(X509_getm_notAfter(cert), 3600);
	X509_set_pubkey(cert, key);
	assert_true(X509_sign(cert, key, EVP_sha256()) > 0);
	write_pem(f, key, cert);
	X509_free(cert);
	EVP_PKEY_free(key);
}

static int set_up(void **state)
{
	static struct files f;

	snprintf(f.dir, sizeof(f.dir), "/tmp/isaribi-tls-XXXXXX");
	if (!mkdtemp(f.dir))
		return -1;
	snprintf(f.cert, sizeof(f.cert), "%s/cert.pem", f.dir);
	snprintf(f.key, sizeof(f.key), "%s/key.pem", f.dir);
	make_certificate(&f, 1);
	*state = &f;
	return 0;
}

static int tear_down(void **state)
{
	const struct files *f = *state;

	unlink(f->cert);
	unlink(f->key);
	return rmdir(f->dir);
}

/* Both ends of a connection on one thread, each non-blocking. */
struct pair {
	struct tls_context *context;
	struct tls_session *server;
	SSL_CTX *client_context;
	SSL *client;
	int fds[2];
};

static void pair_open(struct pair *p, const struct files *f)
{
	char error[TLS_ERROR_TEXT_SIZE];
	int small = 4096;

	assert_int_equal(tls_context_create(&p->context, f->cert, f->key, error), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, p->fds), 0);
	for (int i = 0; i < 2; i++) {
		fcntl(p->fds[i], F_SETFL, O_NONBLOCK);
		setsockopt(p->fds[i], SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
	}
	assert_int_equal(tls_session_create(&p->server, p->context, p->fds[0]), 0);
	p->client_context = SSL_CTX_new(TLS_client_method());
	p->client = SSL_new(p->client_context);
	SSL_set_fd(p->client, p->fds[1]);
	SSL_set_connect_state(p->client);
}

static void pair_close(struct pair *p)
{
	tls_session_destroy(&p->server);
	tls_context_destroy(&p->context);
	SSL_free(p->client);
	SSL_CTX_free(p->client_context);
	close(p->fds[0]);
	close(p->fds[1]);
}

static void shake_hands(struct pair *p)
{
	uint8_t nothing[16];

	for (int i = 0; i < 100 && !SSL_is_init_finished(p->client); i++) {
		SSL_do_handshake(p->client);
		assert_int_equal(tls_session_read(p->server, nothing, sizeof(nothing)), -EAGAIN);
	}
	assert_true(SSL_is_init_finished(p->client));
}

/* Offers the rest in pieces of odd sizes. */
static size_t offer(struct tls_session *server, const uint8_t *data, size_t left)
{
	struct iovec iov[5];
	int n = 0;
	size_t pos = 0;
	ssize_t taken;

	while (n < 5 && pos < left) {
		size_t len = (size_t)(n * 7919 % 5000) + 1;

		if (len > left - pos)
			len = left - pos;
		iov[n++] = (struct iovec){ (void *)(uintptr_t)(data + pos), len };
		pos += len;
	}
	taken = tls_session_writev(server, iov, n);
	assert_true(taken >= 0);
	return (size_t)taken;
}

static void bytes_arrive_once_and_in_order(void **state)
{
	static uint8_t sent[SENT_BYTES];
	static uint8_t got[SENT_BYTES];
	struct pair p;
	size_t n_sent = 0;
	size_t n_got = 0;
	unsigned held = 0;

	for (size_t i = 0; i < SENT_BYTES; i++)
		sent[i] = (uint8_t)(i * 31 >> 4);
	pair_open(&p, *state);
	shake_hands(&p);
	while (n_got < SENT_BYTES) {
		int n;

		if (n_sent < SENT_BYTES)
			n_sent += offer(p.server, sent + n_sent, SENT_BYTES - n_sent);
		else
			assert_true(tls_session_flush(p.server) == 0 || tls_session_has_unsent(p.server));
		held += tls_session_has_unsent(p.server);
		n = SSL_read(p.client, got + n_got, 3000);
		if (n > 0)
			n_got += (size_t)n;
	}
	assert_memory_equal(sent, got, SENT_BYTES);
	assert_true(held > 0); /* else this has shown nothing about a full socket */
	assert_false(tls_session_has_unsent(p.server));
	tls_session_shutdown(p.server);
	assert_int_equal(SSL_read(p.client, got, 1), 0);
	assert_int_equal(SSL_get_error(p.client, 0), SSL_ERROR_ZERO_RETURN);
	pair_close(&p);
}

static void what_is_decrypted_is_known_of(void **state)
{
	struct pair p;
	uint8_t buf[100];

	pair_open(&p, *state);
	shake_hands(&p);
	assert_int_equal(SSL_write(p.client, "0123456789", 10), 10);
	assert_false(tls_session_has_unread(p.server));
	assert_int_equal(tls_session_read(p.server, buf, 4), 4);
	assert_true(tls_session_has_unread(p.server));
	assert_int_equal(tls_session_read(p.server, buf, sizeof(buf)), 6);
	assert_false(tls_session_has_unread(p.server));
	SSL_shutdown(p.client);
	assert_int_equal(tls_session_read(p.server, buf, sizeof(buf)), 0);
	pair_close(&p);
}

static void what_is_no_tls_is_an_error_for_good(void **state)
{
	struct pair p;
	uint8_t buf[100];

	pair_open(&p, *state);
	assert_int_equal(write(p.fds[1], "GET / HTTP/1.1\r\n\r\n", 18), 18);
	assert_int_equal(tls_session_read(p.server, buf, sizeof(buf)), -EPROTO);
	assert_int_equal(tls_session_read(p.server, buf, sizeof(buf)), -EPROTO);
	assert_int_equal(tls_session_writev(p.server, &(struct iovec){ buf, 5 }, 1), -EPROTO);
	tls_session_shutdown(p.server);
	pair_close(&p);
}

static void files_are_checked(void **state)
{
	const struct files *f = *state;
	struct tls_context *context;
	char error[TLS_ERROR_TEXT_SIZE];
	FILE *broken;

	assert_int_equal(tls_context_create(&context, "/nowhere.pem", f->key, error), -EINVAL);
	assert_null(context);
	assert_non_null(strstr(error, "/nowhere.pem"));
	assert_int_equal(tls_context_create(&context, f->cert, f->cert, error), -EINVAL);
	assert_int_equal(tls_context_create(&context, f->cert, f->key, error), 0);
	assert_int_equal(tls_context_reload(context, error), 0);
	broken = fopen(f->cert, "w");
	fputs("nonsense", broken);
	fclose(broken);
	assert_int_equal(tls_context_reload(context, error), -EINVAL);
	assert_true(error[0] != '\0');
	tls_context_destroy(&context);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(bytes_arrive_once_and_in_order, set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_is_decrypted_is_known_of, set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_is_no_tls_is_an_error_for_good, set_up, tear_down),
		cmocka_unit_test_setup_teardown(files_are_checked, set_up, tear_down),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
