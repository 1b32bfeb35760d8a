/* SPDX-License-Identifier: Apache-2.0 */
/*
 * View tokens (design §5): an HMAC-SHA-256 over the stream's name and an expiry, in a form that fits into a path.
 *
 * Form: `<expiry, ms since 1970, hexadecimal>-<first 128 bits of the HMAC, hexadecimal>`, lower case.
 * Owner: pure functions. Not here: who may have a token (the control), where it stands in a URL.
 */
#ifndef ISARIBI_RELAY_TOKEN_H
#define ISARIBI_RELAY_TOKEN_H

#include <stddef.h>
#include <stdint.h>

enum { TOKEN_TEXT_SIZE = 16 + 1 + 32 + 1 };

enum token_verdict {
	TOKEN_GOOD,
	TOKEN_BAD,     /* malformed, of another stream or of another key */
	TOKEN_EXPIRED, /* was good */
};

struct token_question {
	const char *view_key;
	const char *stream;
	const char *text; /* need not be terminated */
	size_t len;
	int64_t now_ms;
};

void token_make(const char *view_key, const char *stream, int64_t until_ms, char out[TOKEN_TEXT_SIZE]);
/* Takes the same time for every wrong HMAC. *until_ms (may be NULL) is set with TOKEN_GOOD. */
enum token_verdict token_check(const struct token_question *question, int64_t *until_ms);

#endif
