/* SPDX-License-Identifier: Apache-2.0 */
#include "ingest/rtmp_handshake.h"

#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "base/attr.h"

enum {
	VERSION_PLAIN = 3,
	VERSION_RTMPE = 6,
	BLOCK = RTMP_HANDSHAKE_BLOCK_BYTES,
	C1_END = 1 + BLOCK,
	C2_END = 1 + 2 * BLOCK,
	DIGEST = crypto_auth_hmacsha256_BYTES,
	CLIENT_TEXT_BYTES = 30, /* what clients sign with */
	SERVER_TEXT_BYTES = 36, /* what servers sign S1 with; S2 takes the whole key */
	DIGEST_SPAN = 728,	/* a digest begins at base + 4 + (sum of the four bytes at base) mod 728 */
};

/* Where the four bytes stand that lead to the digest: the two schemes of Flash Player. */
static const size_t digest_bases[] = { 8, 772 };

/* "Genuine Adobe Flash Player 001" and "Genuine Adobe Flash Media Server 001", both followed by the same 32 bytes. */
static const uint8_t client_key[CLIENT_TEXT_BYTES + 1] = "Genuine Adobe Flash Player 001";
static const uint8_t server_key[SERVER_TEXT_BYTES + 32] = { 'G', 'e', 'n', 'u', 'i', 'n', 'e', ' ', 'A', 'd', 'o', 'b',
	'e', ' ', 'F', 'l', 'a', 's', 'h', ' ', 'M', 'e', 'd', 'i', 'a', ' ', 'S', 'e', 'r', 'v', 'e', 'r', ' ', '0',
	'0', '1', 0xf0, 0xee, 0xc2, 0x4a, 0x80, 0x68, 0xbe, 0xe8, 0x2e, 0x00, 0xd0, 0xd1, 0x02, 0x9e, 0x7e, 0x57, 0x6e,
	0xec, 0x5d, 0x2d, 0x29, 0x80, 0x6f, 0xab, 0x93, 0xb8, 0xe6, 0x36, 0xcf, 0xeb, 0x31, 0xae };
/* ffmpeg looks for a digest in S1 when the first of these is at least 3 */
static const uint8_t server_version[4] = { 4, 5, 0, 1 };

void rtmp_handshake_init(struct rtmp_handshake *handshake, rtmp_random_fn *random, void *random_ctx)
{
	*handshake = (struct rtmp_handshake){ .random = random, .random_ctx = random_ctx };
}

void rtmp_handshake_fini(struct rtmp_handshake *handshake)
{
	free(handshake->c1);
	handshake->c1 = NULL;
}

const char *rtmp_handshake_error_text(enum rtmp_handshake_error error)
{
	static const char *const texts[RTMP_HANDSHAKE_ERRORS] = {
		[RTMP_HANDSHAKE_FINE] = "no error",
		[RTMP_HANDSHAKE_ENCRYPTED] = "encrypted RTMP (RTMPE) is not offered",
		[RTMP_HANDSHAKE_NOT_RTMP] = "not an RTMP handshake",
		[RTMP_HANDSHAKE_NO_MEMORY] = "out of memory",
	};

	return (unsigned)error < ARRAY_LEN(texts) ? texts[error] : "unknown";
}

enum rtmp_handshake_error rtmp_handshake_error(const struct rtmp_handshake *handshake)
{
	return handshake->error;
}

static enum parse_result fail(struct rtmp_handshake *handshake, enum rtmp_handshake_error error)
{
	handshake->error = error;
	return PARSE_BAD;
}

static size_t digest_offset(const uint8_t *block, size_t base)
{
	size_t sum = (size_t)block[base] + block[base + 1] + block[base + 2] + block[base + 3];

	return base + 4 + sum % DIGEST_SPAN;
}

/* HMAC-SHA256 of a block without the 32 bytes at offset */
static void sign_around(const uint8_t *block, size_t offset, const uint8_t *key, size_t key_len, uint8_t *digest)
{
	crypto_auth_hmacsha256_state st;

	crypto_auth_hmacsha256_init(&st, key, key_len);
	crypto_auth_hmacsha256_update(&st, block, offset);
	crypto_auth_hmacsha256_update(&st, block + offset + DIGEST, BLOCK - offset - DIGEST);
	crypto_auth_hmacsha256_final(&st, digest);
}

/* The base of the scheme whose digest in C1 is right, or 0. */
static size_t find_digest_base(const uint8_t *c1)
{
	uint8_t digest[DIGEST];

	for (size_t i = 0; i < ARRAY_LEN(digest_bases); i++) {
		size_t offset = digest_offset(c1, digest_bases[i]);

		sign_around(c1, offset, client_key, CLIENT_TEXT_BYTES, digest);
		if (memcmp(digest, c1 + offset, DIGEST) == 0)
			return digest_bases[i];
	}
	return 0;
}

/* S1: time 0, a version, random bytes, and our digest where the client's scheme looks for it */
static void make_digest_s1(uint8_t *s1, size_t base)
{
	size_t offset = digest_offset(s1, base);

	memset(s1, 0, 4);
	memcpy(s1 + 4, server_version, sizeof(server_version));
	sign_around(s1, offset, server_key, SERVER_TEXT_BYTES, s1 + offset);
}

/* S2: random bytes signed with a key made from the client's digest */
static void make_digest_s2(uint8_t *s2, const uint8_t *c1, size_t base)
{
	uint8_t key[DIGEST];
	crypto_auth_hmacsha256_state st;

	crypto_auth_hmacsha256_init(&st, server_key, sizeof(server_key));
	crypto_auth_hmacsha256_update(&st, c1 + digest_offset(c1, base), DIGEST);
	crypto_auth_hmacsha256_final(&st, key);
	sign_around(s2, BLOCK - DIGEST, key, sizeof(key), s2 + BLOCK - DIGEST);
}

static void reply(struct rtmp_handshake *handshake, struct bytes_writer *out)
{
	static const uint8_t no_version[4] = { 0 };
	const uint8_t *c1 = handshake->c1;
	uint8_t block[BLOCK];
	size_t base = memcmp(c1 + 4, no_version, 4) == 0 ? 0 : find_digest_base(c1);

	handshake->has_digest = base != 0;
	bytes_put_u8(out, VERSION_PLAIN);
	handshake->random(handshake->random_ctx, block, BLOCK);
	if (base != 0)
		make_digest_s1(block, base);
	else
		memset(block, 0, 8); /* time and zero: RTMP 1.0 §5.2.3 */
	bytes_put(out, block, BLOCK);
	if (base == 0) {
		bytes_put(out, c1, BLOCK); /* §5.2.4; librtmp compares every byte, the second time included */
		return;
	}
	handshake->random(handshake->random_ctx, block, BLOCK);
	make_digest_s2(block, c1, base);
	bytes_put(out, block, BLOCK);
}

static enum parse_result take_c0(struct rtmp_handshake *handshake, uint8_t version)
{
	if (version == VERSION_RTMPE)
		return fail(handshake, RTMP_HANDSHAKE_ENCRYPTED);
	if (version != VERSION_PLAIN)
		return fail(handshake, RTMP_HANDSHAKE_NOT_RTMP);
	handshake->c1 = malloc(BLOCK);
	if (!handshake->c1)
		return fail(handshake, RTMP_HANDSHAKE_NO_MEMORY);
	handshake->taken = 1;
	return PARSE_OK;
}

/* How many of len bytes belong to what ends at byte end of the handshake. */
static size_t part_of(const struct rtmp_handshake *handshake, size_t end, size_t len)
{
	size_t wanted = end - handshake->taken;

	return wanted < len ? wanted : len;
}

/* Takes some of C1; when it is complete the answer is written and its memory freed. */
static enum parse_result take_c1(
    struct rtmp_handshake *handshake, const uint8_t *data, size_t len, struct bytes_writer *out)
{
	if (len > 0)
		memcpy(handshake->c1 + handshake->taken - 1, data, len);
	handshake->taken += (uint32_t)len;
	if (handshake->taken < C1_END)
		return PARSE_MORE;
	reply(handshake, out);
	rtmp_handshake_fini(handshake);
	return out->is_full ? fail(handshake, RTMP_HANDSHAKE_NO_MEMORY) : PARSE_OK;
}

enum parse_result rtmp_handshake_feed(
    struct rtmp_handshake *handshake, const uint8_t *data, size_t len, size_t *consumed, struct bytes_writer *out)
{
	enum parse_result result;
	size_t n;

	*consumed = 0;
	if (handshake->error != RTMP_HANDSHAKE_FINE)
		return PARSE_BAD;
	if (handshake->taken == 0) {
		if (len == 0)
			return PARSE_MORE;
		*consumed = 1;
		if (take_c0(handshake, data[0]) != PARSE_OK)
			return PARSE_BAD;
	}
	if (handshake->taken < C1_END) {
		n = part_of(handshake, C1_END, len - *consumed);
		result = take_c1(handshake, data + *consumed, n, out);
		*consumed += n;
		if (result != PARSE_OK)
			return result;
	}
	n = part_of(handshake, C2_END, len - *consumed);
	handshake->taken += (uint32_t)n;
	*consumed += n;
	return handshake->taken == C2_END ? PARSE_OK : PARSE_MORE;
}
