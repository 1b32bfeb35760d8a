/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The server's side of the RTMP handshake (RTMP 1.0 §5.2), plain and with Adobe's digests.
 *
 * Owner: one connection; one thread at a time. Lifetime: init/fini; 1.5 KB of heap between the first byte and S2.
 * A client whose C1 names version 0 gets the plain handshake. One that names a version and carries a valid digest (in
 * either of the two known places) gets S1 and S2 with digests, as Flash and ffmpeg check them; without one: plain.
 * The content of C2 is not checked: real clients differ.
 * Not here: RTMPE (refused), sockets, deadlines, the source of randomness.
 */
#ifndef ISARIBI_INGEST_RTMP_HANDSHAKE_H
#define ISARIBI_INGEST_RTMP_HANDSHAKE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/err.h"

enum {
	RTMP_HANDSHAKE_BLOCK_BYTES = 1536,				 /* C1, C2, S1, S2 */
	RTMP_HANDSHAKE_REPLY_BYTES = 1 + 2 * RTMP_HANDSHAKE_BLOCK_BYTES, /* S0 S1 S2 */
};

enum rtmp_handshake_error {
	RTMP_HANDSHAKE_FINE,
	RTMP_HANDSHAKE_ENCRYPTED, /* C0 asks for RTMPE */
	RTMP_HANDSHAKE_NOT_RTMP,  /* C0 is something else: HTTP, TLS, a port scan */
	RTMP_HANDSHAKE_NO_MEMORY, /* of ours, or in the writer */
	RTMP_HANDSHAKE_ERRORS,
};

/* Static text in plain words. */
const char *rtmp_handshake_error_text(enum rtmp_handshake_error error);

/* Fills buf with len unpredictable bytes; may not fail. */
typedef void rtmp_random_fn(void *ctx, void *buf, size_t len);

struct rtmp_handshake {
	rtmp_random_fn *random;
	void *random_ctx;
	uint8_t *c1;	 /* NULL but while C1 arrives */
	uint32_t taken;	 /* bytes of C0 C1 C2 so far */
	bool has_digest; /* the client was answered with digests */
	enum rtmp_handshake_error error;
};

void rtmp_handshake_init(struct rtmp_handshake *handshake, rtmp_random_fn *random, void *random_ctx);
void rtmp_handshake_fini(struct rtmp_handshake *handshake);
/*
 * Takes C0 C1 C2 in any pieces; *consumed says how much of data belonged to the handshake. When C1 is complete S0 S1 S2
 * are written to out, once. PARSE_OK when C2 is complete: what follows in data is chunks. PARSE_BAD: the error says
 * why.
 */
enum parse_result rtmp_handshake_feed(
    struct rtmp_handshake *handshake, const uint8_t *data, size_t len, size_t *consumed, struct bytes_writer *out);
enum rtmp_handshake_error rtmp_handshake_error(const struct rtmp_handshake *handshake);

#endif
