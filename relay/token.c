/* SPDX-License-Identifier: Apache-2.0 */
#include "relay/token.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <sodium.h>

enum {
	MAC_BYTES = 16,
	EXPIRY_MAX_DIGITS = 15, /* fits into an int64_t */
};

static void mac_of(const char *view_key, const char *stream, const char *expiry, uint8_t mac[MAC_BYTES])
{
	crypto_auth_hmacsha256_state state;
	uint8_t full[crypto_auth_hmacsha256_BYTES];

	crypto_auth_hmacsha256_init(&state, (const uint8_t *)view_key, strlen(view_key));
	/* The terminating NUL keeps "ab" + "c" and "a" + "bc" apart. */
	crypto_auth_hmacsha256_update(&state, (const uint8_t *)stream, strlen(stream) + 1);
	crypto_auth_hmacsha256_update(&state, (const uint8_t *)expiry, strlen(expiry) + 1);
	crypto_auth_hmacsha256_final(&state, full);
	memcpy(mac, full, MAC_BYTES);
}

void token_make(const char *view_key, const char *stream, int64_t until_ms, char out[TOKEN_TEXT_SIZE])
{
	char expiry[EXPIRY_MAX_DIGITS + 1];
	char hex[2 * MAC_BYTES + 1];
	uint8_t mac[MAC_BYTES];

	assert(until_ms >= 0 && until_ms < INT64_C(1) << (4 * EXPIRY_MAX_DIGITS));
	snprintf(expiry, sizeof(expiry), "%" PRIx64, (uint64_t)until_ms);
	mac_of(view_key, stream, expiry, mac);
	sodium_bin2hex(hex, sizeof(hex), mac, sizeof(mac));
	snprintf(out, TOKEN_TEXT_SIZE, "%s-%s", expiry, hex);
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return -1;
}

/* Splits and decodes; only the one spelling that token_make writes is accepted. */
static int parse(const char *text, size_t len, char expiry[EXPIRY_MAX_DIGITS + 1], uint8_t mac[MAC_BYTES])
{
	const char *dash = memchr(text, '-', len);
	size_t n_digits = dash ? (size_t)(dash - text) : 0;

	if (n_digits == 0 || n_digits > EXPIRY_MAX_DIGITS || len != n_digits + 1 + 2 * MAC_BYTES)
		return -1;
	for (size_t i = 0; i < n_digits; i++) {
		if (hex_digit(text[i]) < 0)
			return -1;
	}
	memcpy(expiry, text, n_digits);
	expiry[n_digits] = '\0';
	for (size_t i = 0; i < MAC_BYTES; i++) {
		int high = hex_digit(dash[1 + 2 * i]);
		int low = hex_digit(dash[2 + 2 * i]);

		if (high < 0 || low < 0)
			return -1;
		mac[i] = (uint8_t)(high << 4 | low);
	}
	return 0;
}

enum token_verdict token_check(const struct token_question *question, int64_t *until_ms)
{
	char expiry[EXPIRY_MAX_DIGITS + 1];
	uint8_t given[MAC_BYTES];
	uint8_t wanted[MAC_BYTES];
	int64_t until = 0;

	if (!question->view_key || !question->text || parse(question->text, question->len, expiry, given) != 0)
		return TOKEN_BAD;
	mac_of(question->view_key, question->stream, expiry, wanted);
	if (sodium_memcmp(given, wanted, MAC_BYTES) != 0)
		return TOKEN_BAD;
	for (const char *c = expiry; *c; c++)
		until = until << 4 | hex_digit(*c);
	if (until_ms)
		*until_ms = until;
	return question->now_ms < until ? TOKEN_GOOD : TOKEN_EXPIRED;
}
