/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a player needs of a media playlist, item by item. A second opinion: nothing of packager/ is used here.
 *
 * Owner: the caller; pure. Lifetime: borrows the text. Not here: checking it (tests/lib), what to do with it
 * (hls_viewer).
 */
#ifndef ISARIBI_TESTS_TOOLS_HLS_TEXT_H
#define ISARIBI_TESTS_TOOLS_HLS_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	HLS_URI_MAX = 64,
	HLS_WHOLE_SEGMENT = UINT16_MAX, /* as a part's number: the segment itself */
};

enum hls_item_kind {
	HLS_END, /* nothing follows */
	HLS_SEGMENT,
	HLS_PART,
	HLS_HINT,
};

struct hls_item {
	enum hls_item_kind kind;
	uint64_t msn;
	unsigned part; /* of a part: from 0 in its segment */
	int64_t duration_us;
	bool is_independent; /* of a part */
	char uri[HLS_URI_MAX];
};

struct hls_text {
	const char *pos;
	const char *end;
	uint64_t msn; /* of the segment under way */
	unsigned part;
	int64_t duration_us;
	/* What was seen so far. */
	unsigned target_s;
	int64_t part_target_us; /* 0: no parts */
	bool is_ended;
};

void hls_text_init(struct hls_text *t, const char *text, size_t len);
/* HLS_END at the end. A line that is not understood or too long is stepped over. */
enum hls_item_kind hls_text_next(struct hls_text *t, struct hls_item *item);

#endif
