/* SPDX-License-Identifier: Apache-2.0 */
#include "ingest/rtmp_handshake.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sodium.h>

#include "base/attr.h"

enum { BLOCK = RTMP_HANDSHAKE_BLOCK_BYTES, ALL = 1 + 2 * BLOCK, DIGEST = 32 };

static const char player[] = "Genuine Adobe Flash Player 001";
static const char media_server[] = "Genuine Adobe Flash Media Server 001";
static const uint8_t key_tail[32] = { 0xf0, 0xee, 0xc2, 0x4a, 0x80, 0x68, 0xbe, 0xe8, 0x2e, 0x00, 0xd0, 0xd1, 0x02,
	0x9e, 0x7e, 0x57, 0x6e, 0xec, 0x5d, 0x2d, 0x29, 0x80, 0x6f, 0xab, 0x93, 0xb8, 0xe6, 0x36, 0xcf, 0xeb, 0x31,
	0xae };

/* The same bytes for everyone. */
static void count_up(void *ctx, void *buf, size_t len)
{
	uint8_t *p = buf;
	uint8_t *next = ctx;

	for (size_t i = 0; i < len; i++)
		p[i] = (*next)++;
}

static size_t offset_in(const uint8_t *block, size_t base)
{
	return base + 4 + ((size_t)block[base] + block[base + 1] + block[base + 2] + block[base + 3]) % 728;
}

static void sign(const uint8_t *block, size_t offset, const void *key, size_t key_len, uint8_t *digest)
{
	crypto_auth_hmacsha256_state st;

	crypto_auth_hmacsha256_init(&st, key, key_len);
	crypto_auth_hmacsha256_update(&st, block, offset);
	crypto_auth_hmacsha256_update(&st, block + offset + DIGEST, BLOCK - offset - DIGEST);
	crypto_auth_hmacsha256_final(&st, digest);
}

/* C0 C1 C2 and, when base is not 0, a digest of that scheme; sum is the value of each of its four bytes */
static void make_client(uint8_t *raw, uint8_t version, size_t base, uint8_t sum)
{
	uint8_t *c1 = raw + 1;

	for (size_t i = 0; i < ALL; i++)
		raw[i] = (uint8_t)(i * 31 >> 3);
	raw[0] = 3;
	memset(c1 + 4, 0, 4);
	c1[4] = version;
	if (base == 0)
		return;
	memset(c1 + base, sum, 4);
	sign(c1, offset_in(c1, base), player, sizeof(player) - 1, c1 + offset_in(c1, base));
}

/* Feeds in pieces; returns the last result, the reply in out, and how many bytes were taken. */
static enum parse_result shake(
    const uint8_t *raw, size_t len, size_t piece, struct bytes_writer *out, struct rtmp_handshake *handshake)
{
	enum parse_result result = PARSE_MORE;
	uint8_t next = 0;
	size_t total = 0;

	rtmp_handshake_init(handshake, count_up, &next);
	while (result == PARSE_MORE && total < len) {
		size_t consumed;

		result = rtmp_handshake_feed(
		    handshake, raw + total, len - total < piece ? len - total : piece, &consumed, out);
		total += consumed;
		/* nothing is said before C1 is complete, all of it at once then */
		assert_int_equal(out->len, total < 1 + BLOCK ? 0 : RTMP_HANDSHAKE_REPLY_BYTES);
		assert_true((handshake->c1 != NULL) == (total > 0 && total < 1 + BLOCK && result == PARSE_MORE));
	}
	if (result == PARSE_OK)
		assert_int_equal(total, ALL);
	rtmp_handshake_fini(handshake);
	return result;
}

/* The reply to raw, the same for any pieces; extra bytes behind C2 must be left alone. */
static void reply_to(const uint8_t *raw, uint8_t *reply, bool *has_digest)
{
	static const size_t pieces[] = { ALL + 5, ALL, 1, 7, 1536, 1537 };
	uint8_t buf[RTMP_HANDSHAKE_REPLY_BYTES];
	uint8_t more[ALL + 5] = { 0 };

	memcpy(more, raw, ALL);
	for (size_t i = 0; i < ARRAY_LEN(pieces); i++) {
		struct rtmp_handshake handshake;
		struct bytes_writer out;

		bytes_writer_init_fixed(&out, buf, sizeof(buf));
		assert_int_equal(shake(more, sizeof(more), pieces[i], &out, &handshake), PARSE_OK);
		if (i == 0)
			memcpy(reply, buf, sizeof(buf));
		assert_memory_equal(reply, buf, sizeof(buf));
		*has_digest = handshake.has_digest;
	}
}

static void expect_plain(const uint8_t *raw)
{
	uint8_t reply[RTMP_HANDSHAKE_REPLY_BYTES];
	bool has_digest;

	reply_to(raw, reply, &has_digest);
	assert_false(has_digest);
	assert_int_equal(reply[0], 3);
	assert_memory_equal(reply + 1, "\0\0\0\0\0\0\0\0", 8);
	assert_memory_equal(reply + 1 + BLOCK, raw + 1, BLOCK);
}

static void expect_digest(const uint8_t *raw, size_t base)
{
	uint8_t reply[RTMP_HANDSHAKE_REPLY_BYTES];
	uint8_t server_key[sizeof(media_server) - 1 + sizeof(key_tail)];
	uint8_t digest[DIGEST];
	uint8_t key[DIGEST];
	const uint8_t *s1 = reply + 1;
	const uint8_t *s2 = reply + 1 + BLOCK;
	crypto_auth_hmacsha256_state st;
	bool has_digest;

	memcpy(server_key, media_server, sizeof(media_server) - 1);
	memcpy(server_key + sizeof(media_server) - 1, key_tail, sizeof(key_tail));
	reply_to(raw, reply, &has_digest);
	assert_true(has_digest);
	assert_int_equal(reply[0], 3);
	assert_true(s1[4] >= 3);
	sign(s1, offset_in(s1, base), media_server, sizeof(media_server) - 1, digest);
	assert_memory_equal(s1 + offset_in(s1, base), digest, DIGEST);
	crypto_auth_hmacsha256_init(&st, server_key, sizeof(server_key));
	crypto_auth_hmacsha256_update(&st, raw + 1 + offset_in(raw + 1, base), DIGEST);
	crypto_auth_hmacsha256_final(&st, key);
	sign(s2, BLOCK - DIGEST, key, sizeof(key), digest);
	assert_memory_equal(s2 + BLOCK - DIGEST, digest, DIGEST);
}

static void plain_clients_get_their_bytes_back(void **state)
{
	uint8_t raw[ALL];

	(void)state;
	make_client(raw, 0, 0, 0);
	expect_plain(raw);
	/* a digest without a version is not looked for */
	make_client(raw, 0, 8, 1);
	expect_plain(raw);
	/* a version without a digest */
	make_client(raw, 9, 0, 0);
	expect_plain(raw);
	/* a digest with one wrong bit */
	make_client(raw, 9, 8, 1);
	raw[ALL / 2] ^= 1;
	expect_plain(raw);
}

static void both_digest_schemes_are_answered(void **state)
{
	static const size_t bases[] = { 8, 772 };
	static const uint8_t sums[] = { 0, 1, 181, 182, 255 }; /* 4 * 182 = 728: wraps */
	uint8_t raw[ALL];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bases); i++) {
		for (size_t k = 0; k < ARRAY_LEN(sums); k++) {
			make_client(raw, 9, bases[i], sums[k]);
			expect_digest(raw, bases[i]);
		}
	}
}

static void ffmpeg_gets_a_digest(void **state)
{
	uint8_t raw[ALL] = { 0 };
	FILE *f = fopen("tests/unit/data/rtmp/ffmpeg_c0c1.hex", "r");
	size_t base = 0;
	unsigned byte;

	(void)state;
	assert_non_null(f);
	for (size_t i = 0; i < 1 + BLOCK; i++) {
		assert_int_equal(fscanf(f, "%2x", &byte), 1);
		raw[i] = (uint8_t)byte;
	}
	fclose(f);
	for (size_t k = 8; k <= 772 && base == 0; k += 764) {
		uint8_t digest[DIGEST];

		sign(raw + 1, offset_in(raw + 1, k), player, sizeof(player) - 1, digest);
		if (memcmp(digest, raw + 1 + offset_in(raw + 1, k), DIGEST) == 0)
			base = k;
	}
	assert_int_not_equal(base, 0);
	expect_digest(raw, base);
}

static void other_versions_are_refused(void **state)
{
	uint8_t buf[RTMP_HANDSHAKE_REPLY_BYTES];

	(void)state;
	for (unsigned version = 0; version < 256; version++) {
		uint8_t raw[2] = { (uint8_t)version, 0 };
		struct rtmp_handshake handshake;
		struct bytes_writer out;
		enum parse_result result;

		bytes_writer_init_fixed(&out, buf, sizeof(buf));
		result = shake(raw, sizeof(raw), 1, &out, &handshake);
		assert_int_equal(result, version == 3 ? PARSE_MORE : PARSE_BAD);
		assert_int_equal(rtmp_handshake_error(&handshake),
		    version == 3       ? RTMP_HANDSHAKE_FINE
			: version == 6 ? RTMP_HANDSHAKE_ENCRYPTED
				       : RTMP_HANDSHAKE_NOT_RTMP);
		assert_int_equal(out.len, 0);
	}
}

static void cut_handshakes_wait_and_free(void **state)
{
	uint8_t raw[ALL];
	uint8_t buf[RTMP_HANDSHAKE_REPLY_BYTES];

	(void)state;
	make_client(raw, 9, 8, 1);
	for (size_t len = 0; len < ALL; len += 13) {
		struct rtmp_handshake handshake;
		struct bytes_writer out;

		bytes_writer_init_fixed(&out, buf, sizeof(buf));
		assert_int_equal(shake(raw, len, 100, &out, &handshake), PARSE_MORE);
	}
}

static void a_full_writer_is_an_error(void **state)
{
	uint8_t raw[ALL];
	uint8_t buf[RTMP_HANDSHAKE_REPLY_BYTES - 1];
	struct rtmp_handshake handshake;
	struct bytes_writer out;
	uint8_t next = 0;
	size_t consumed;

	(void)state;
	make_client(raw, 0, 0, 0);
	bytes_writer_init_fixed(&out, buf, sizeof(buf));
	rtmp_handshake_init(&handshake, count_up, &next);
	assert_int_equal(rtmp_handshake_feed(&handshake, raw, ALL, &consumed, &out), PARSE_BAD);
	assert_int_equal(rtmp_handshake_error(&handshake), RTMP_HANDSHAKE_NO_MEMORY);
	assert_int_equal(rtmp_handshake_feed(&handshake, raw, ALL, &consumed, &out), PARSE_BAD);
	assert_int_equal(consumed, 0);
	rtmp_handshake_fini(&handshake);
	rtmp_handshake_fini(&handshake);
	for (int e = 0; e < RTMP_HANDSHAKE_ERRORS; e++)
		assert_non_null(rtmp_handshake_error_text((enum rtmp_handshake_error)e));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plain_clients_get_their_bytes_back),
		cmocka_unit_test(both_digest_schemes_are_answered),
		cmocka_unit_test(ffmpeg_gets_a_digest),
		cmocka_unit_test(other_versions_are_refused),
		cmocka_unit_test(cut_handshakes_wait_and_free),
		cmocka_unit_test(a_full_writer_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
