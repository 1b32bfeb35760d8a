/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a player may ask beside a path: delivery directives of a playlist, and a range of bytes. The first line is the
 * query, the second the Range header. Oracles: nothing is allocated; what is accepted is spelled out and read again the
 * same, and stands in the text; a judgement never lets wait what is there already, and waiting ends: with enough parts
 * every request that waits is answered; a range lies inside, and is that of a plain re-reading.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/http_range.h"
#include "packager/live_edge.h"
#include "packager/playlist_query.h"
#include "tests/fuzz/fuzz.h"

enum { TEXT_MAX_BYTES = 1024 };

static size_t count_of(const char *text, const char *word)
{
	size_t n = 0;

	for (const char *p = text; (p = strstr(p, word)); p++)
		n += p == text || p[-1] == '&';
	return n;
}

static void check_spelling(const char *text, const struct playlist_query *q)
{
	struct playlist_query again;
	char spelled[128];
	int n = snprintf(spelled, sizeof(spelled), "%s", q->wants_delta ? "_HLS_skip=YES&" : "");

	if (q->has_msn)
		n += snprintf(spelled + n, sizeof(spelled) - (size_t)n, "_HLS_msn=%" PRIu64, q->msn);
	if (q->has_part)
		(void)snprintf(spelled + n, sizeof(spelled) - (size_t)n, "&_HLS_part=%" PRIu64, q->part);
	FUZZ_CHECK(playlist_query_parse(&again, spelled));
	FUZZ_CHECK(again.has_msn == q->has_msn && again.msn == q->msn && again.has_part == q->has_part &&
	    again.part == q->part && again.wants_delta == q->wants_delta);
	FUZZ_CHECK(count_of(text, "_HLS_msn=") == q->has_msn && count_of(text, "_HLS_part=") == q->has_part);
	FUZZ_CHECK(count_of(text, "_HLS_skip=") == q->wants_delta);
}

/* A stream of three parts a segment goes on from this edge until the request is answered. */
static void check_judgement(const struct playlist_query *q, struct live_edge e)
{
	for (unsigned i = 0;; i++) {
		bool is_there = q->has_part
		    ? q->msn < e.newest_msn || (q->msn == e.newest_msn && q->part < e.newest_part_count)
		    : q->msn <= e.last_msn;
		enum live_answer answer = live_edge_judge_playlist(&e, q);

		FUZZ_CHECK((answer == LIVE_NOW) == (is_there || !q->has_msn));
		if (answer != LIVE_LATER) {
			FUZZ_CHECK(answer == LIVE_NOW || i == 0); /* nobody who waits is refused */
			return;
		}
		FUZZ_CHECK(i < 16);
		if (e.newest_msn == e.last_msn) {
			e.newest_msn++;
			e.newest_part_count = 0;
		}
		e.newest_part_count++;
		if (e.newest_part_count == 3)
			e.last_msn = e.newest_msn;
	}
}

static void try_query(const char *text)
{
	const struct live_edge edges[] = {
		{ .has_playlist = true, .last_msn = 41, .newest_msn = 41, .newest_part_count = 3, .advance_parts = 6 },
		{ .has_playlist = true, .last_msn = 41, .newest_msn = 42, .newest_part_count = 1, .advance_parts = 3 },
	};
	struct playlist_query q;

	if (!playlist_query_parse(&q, text))
		return;
	FUZZ_CHECK(q.has_msn || !q.has_part);
	check_spelling(text, &q);
	for (size_t i = 0; i < ARRAY_LEN(edges); i++)
		check_judgement(&q, edges[i]);
}

static void try_range(const char *text)
{
	static const uint64_t sizes[] = { 0, 1, 100, 4096, UINT64_MAX };

	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		struct http_range r = { .first = 1, .last = 0 };
		struct http_range again = { 0 };
		char spelled[64];

		switch (http_range_parse(&r, text, sizes[i])) {
		case HTTP_RANGE_WHOLE: continue;
		case HTTP_RANGE_BEYOND: FUZZ_CHECK(r.first == 1 && r.last == 0 && !strchr(text, ',')); continue;
		case HTTP_RANGE_SLICE: break;
		}
		FUZZ_CHECK(r.first <= r.last && r.last < sizes[i] && !strchr(text, ','));
		(void)snprintf(spelled, sizeof(spelled), "bytes=%" PRIu64 "-%" PRIu64, r.first, r.last);
		FUZZ_CHECK(http_range_parse(&again, spelled, sizes[i]) == HTTP_RANGE_SLICE);
		FUZZ_CHECK(again.first == r.first && again.last == r.last);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static char text[TEXT_MAX_BYTES + 1];
	char *newline;

	if (len > TEXT_MAX_BYTES || memchr(data, '\0', len))
		return 0;
	fuzz_heap_begin();
	if (len > 0)
		memcpy(text, data, len);
	text[len] = '\0';
	newline = strchr(text, '\n');
	if (newline) {
		*newline = '\0';
		try_range(newline + 1);
	}
	try_query(text);
	FUZZ_CHECK(fuzz_heap_peak() == 0);
	return 0;
}
