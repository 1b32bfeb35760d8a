/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stream ids. Oracle: no heap; what is accepted lies inside the text, whole and printable, within the limit, and counts
 * no member twice; written again in the long form it says the same; what is refused leaves no trace.
 */
#include <stdio.h>
#include <string.h>

#include "ingest/streamid.h"
#include "tests/fuzz/fuzz.h"

enum { INPUT_MAX_BYTES = STREAMID_MAX_BYTES + 64 };

static bool is_inside(struct streamid_slice slice, const char *text, size_t len)
{
	return slice.text >= text && slice.len <= len && (size_t)(slice.text - text) <= len - slice.len;
}

static void check_slice(struct streamid_slice slice, const char *text, size_t len)
{
	FUZZ_CHECK(slice.len > 0 && is_inside(slice, text, len));
	for (size_t i = 0; i < slice.len; i++)
		FUZZ_CHECK((unsigned char)slice.text[i] >= 0x20 && slice.text[i] != 0x7f);
}

/* By another way than the parser's: how many members of that letter there are. */
static size_t count_members(const char *text, size_t len, char letter)
{
	size_t n = 0;

	for (size_t i = 4; i + 1 < len; i++)
		n += text[i] == letter && text[i + 1] == '=' && (i == 4 || text[i - 1] == ',');
	return n;
}

static bool is_equal(struct streamid_slice a, struct streamid_slice b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.text, b.text, a.len) == 0);
}

/* A path in front, so that a name that looks like one is not cut again. */
static void check_again(const struct streamid *id)
{
	bool is_publish = id->mode == STREAMID_PUBLISH;
	char text[2 * STREAMID_MAX_BYTES];
	struct streamid again;
	int len;

	if ((!is_publish && id->mode != STREAMID_REQUEST) || memchr(id->name.text, ',', id->name.len) ||
	    (id->token.text && memchr(id->token.text, ',', id->token.len)))
		return;
	len = snprintf(text, sizeof(text), "#!::m=%s,s=%.*s,r=%s/%.*s,", is_publish ? "publish" : "request",
	    (int)id->token.len, id->token.text ? id->token.text : "", is_publish ? "live" : "play", (int)id->name.len,
	    id->name.text);
	FUZZ_CHECK(len > 0 && (size_t)len < sizeof(text));
	if (len > STREAMID_MAX_BYTES)
		return;
	FUZZ_CHECK(streamid_parse(&again, text, (size_t)len) == STREAMID_OK);
	FUZZ_CHECK(again.mode == id->mode && is_equal(again.name, id->name) && is_equal(again.token, id->token));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const char letters[] = "rmst";
	const char *text = (const char *)data;
	struct streamid id = { 0 };
	enum streamid_verdict verdict;

	if (len > INPUT_MAX_BYTES)
		return 0;
	fuzz_heap_begin();
	verdict = streamid_parse(&id, text, len);
	FUZZ_CHECK(fuzz_heap_peak() == 0);
	FUZZ_CHECK((unsigned)verdict < STREAMID_VERDICTS && streamid_verdict_text(verdict));
	FUZZ_CHECK((verdict == STREAMID_OK) == (id.name.text != NULL));
	if (verdict != STREAMID_OK)
		return 0;
	FUZZ_CHECK(len <= STREAMID_MAX_BYTES);
	check_slice(id.name, text, len);
	if (id.token.text)
		check_slice(id.token, text, len);
	for (size_t i = 0; len > 4 && memcmp(text, "#!::", 4) == 0 && letters[i]; i++)
		FUZZ_CHECK(count_members(text, len, letters[i]) <= 1);
	check_again(&id);
	return 0;
}
