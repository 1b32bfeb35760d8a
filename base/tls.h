/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TLS under a connection: OpenSSL 3, server side, TLS 1.2 and newer, on a non-blocking socket that somebody else
 * watches.
 *
 * A context is a certificate and its key. Owner: any thread may use it; tls_context_reload swaps what new sessions get,
 * and sessions that are on go on with what they began with. Lifetime: longer than its sessions. A session belongs to
 * the loop of its connection. SIGPIPE must be ignored by the program. Not here: descriptors (base/tcp.h owns them),
 * clients, certificates of others.
 */
#ifndef ISARIBI_BASE_TLS_H
#define ISARIBI_BASE_TLS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <sys/uio.h>

struct tls_context;
struct tls_session;

enum {
	TLS_RECORD_MAX_BYTES = 16 * 1024, /* RFC 8446 §5.1 */
	TLS_ERROR_TEXT_SIZE = 256,
};

/* PEM files. 0, -ENOMEM, or -EINVAL with a text (never with what is in the files) in error. */
int tls_context_create(
    struct tls_context **out, const char *cert_path, const char *key_path, char error[TLS_ERROR_TEXT_SIZE]);
/* Reads the files again; when something is wrong with them the old ones stay. */
int tls_context_reload(struct tls_context *context, char error[TLS_ERROR_TEXT_SIZE]);
void tls_context_destroy(struct tls_context **context);

/* The descriptor is borrowed. 0 or -ENOMEM. */
int tls_session_create(struct tls_session **out, struct tls_context *context, int fd);
void tls_session_destroy(struct tls_session **session);
/* Bytes read, 0 at the peer's end, -EAGAIN, or another negative errno. Does the handshake on the way. */
ssize_t tls_session_read(struct tls_session *s, void *buf, size_t len);
/*
 * Takes records while the socket does. The last one may be held back then and goes with tls_session_flush: bytes that
 * were taken are never to be offered again. Bytes taken, 0 when it takes none now, or a negative errno.
 */
ssize_t tls_session_writev(struct tls_session *s, const struct iovec *iov, int n_iov);
/* 0: nothing is held back any more, -EAGAIN, or another negative errno. */
int tls_session_flush(struct tls_session *s);
bool tls_session_has_unsent(const struct tls_session *s);
/* Decrypted bytes wait that no event of the socket will tell of. */
bool tls_session_has_unread(const struct tls_session *s);
/* The handshake waits for room to write. */
bool tls_session_wants_write(const struct tls_session *s);
/* Says goodbye to the peer as far as the socket takes it. */
void tls_session_shutdown(struct tls_session *s);

#endif
