/* SPDX-License-Identifier: Apache-2.0 */
/*
 * View tokens. The input is xored over a token that we made: only all zeros leave it as it is. Oracle: what is accepted
 * is letter by letter the one spelling of a token we make; the input alone, not knowing the key, never is one.
 */
#include <string.h>

#include "relay/token.h"
#include "tests/fuzz/fuzz.h"

enum { INPUT_MAX_BYTES = 128 };

static const char view_key[] = "the-key-that-no-viewer-knows-000";

static void check(const char *text, size_t len, int64_t now_ms, bool may_be_good)
{
	const struct token_question question = {
		.view_key = view_key, .stream = "tanaka", .text = text, .len = len, .now_ms = now_ms
	};
	char made[TOKEN_TEXT_SIZE];
	int64_t until_ms = -1;
	enum token_verdict verdict = token_check(&question, &until_ms);
	struct token_question other = question;

	FUZZ_CHECK(verdict != TOKEN_BAD || until_ms == -1);
	if (verdict == TOKEN_BAD)
		return;
	FUZZ_CHECK(may_be_good);
	token_make(view_key, "tanaka", until_ms, made);
	FUZZ_CHECK(strlen(made) == len && memcmp(made, text, len) == 0);
	FUZZ_CHECK((verdict == TOKEN_GOOD) == (now_ms < until_ms));
	other.stream = "tanak";
	FUZZ_CHECK(token_check(&other, NULL) == TOKEN_BAD);
	other = question;
	other.view_key = "the-key-that-no-viewer-knows-001";
	FUZZ_CHECK(token_check(&other, NULL) == TOKEN_BAD);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	const int64_t until_ms = INT64_C(1790000000000);
	char made[TOKEN_TEXT_SIZE];
	char mixed[INPUT_MAX_BYTES + TOKEN_TEXT_SIZE] = "";
	bool is_changed = false;
	size_t made_len;

	if (len > INPUT_MAX_BYTES)
		return 0;
	fuzz_heap_begin();
	check((const char *)data, len, 0, false);
	token_make(view_key, "tanaka", until_ms, made);
	made_len = strlen(made);
	memcpy(mixed, made, made_len);
	for (size_t i = 0; i < len; i++) {
		mixed[i] = (char)(mixed[i] ^ (char)data[i]);
		is_changed |= data[i] != 0;
	}
	if (len <= made_len) {
		check(mixed, made_len, until_ms - 1, !is_changed);
		check(mixed, made_len, until_ms, !is_changed);
	} else {
		check(mixed, len, 0, false);
	}
	check(made, len < made_len ? len : made_len, 0, len >= made_len);
	FUZZ_CHECK(fuzz_heap_peak() == 0);
	return 0;
}
