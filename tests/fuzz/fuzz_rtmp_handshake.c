/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The server's side of the handshake. Oracles: the same answer and the same end however the bytes are split; an answer
 * is whole and comes once; a plain one repeats C1; a refusal is final; 1.5 KB of heap and not more.
 */
#include <string.h>

#include "ingest/rtmp_handshake.h"
#include "tests/fuzz/fuzz.h"

enum {
	HEAP_MAX_BYTES = RTMP_HANDSHAKE_BLOCK_BYTES,
	C1_END = 1 + RTMP_HANDSHAKE_BLOCK_BYTES,
	C2_END = 1 + 2 * RTMP_HANDSHAKE_BLOCK_BYTES,
};

/* Chance that is the same each time. */
static void count_up(void *ctx, void *buf, size_t len)
{
	uint8_t *next = ctx;
	uint8_t *bytes = buf;

	for (size_t i = 0; i < len; i++)
		bytes[i] = (*next)++;
}

static void check_reply(const struct rtmp_handshake *h, const struct bytes_writer *out, const uint8_t *data, size_t fed)
{
	FUZZ_CHECK(!out->is_full && out->len == (fed >= C1_END ? (size_t)RTMP_HANDSHAKE_REPLY_BYTES : 0));
	if (out->len == 0)
		return;
	FUZZ_CHECK(out->data[0] == 3);
	if (!h->has_digest)
		FUZZ_CHECK(memcmp(out->data + C1_END, data + 1, RTMP_HANDSHAKE_BLOCK_BYTES) == 0);
}

static void run(struct fuzz_transcript *t, const uint8_t *data, size_t len, unsigned split)
{
	static uint8_t reply[2 * RTMP_HANDSHAKE_REPLY_BYTES];
	struct rtmp_handshake h;
	struct bytes_writer out;
	enum parse_result result = PARSE_MORE;
	uint8_t chance = 0;
	size_t consumed = 0;
	size_t pos = 0;

	fuzz_transcript_init(t);
	fuzz_heap_begin();
	bytes_writer_init_fixed(&out, reply, sizeof(reply));
	rtmp_handshake_init(&h, count_up, &chance);
	while (pos < len && result == PARSE_MORE) {
		size_t n = fuzz_piece_bytes(split, len - pos);

		result = rtmp_handshake_feed(&h, data + pos, n, &consumed, &out);
		FUZZ_CHECK(consumed <= n && (result != PARSE_MORE || consumed == n));
		pos += consumed;
		if (result != PARSE_BAD)
			check_reply(&h, &out, data, pos);
	}
	FUZZ_CHECK((result == PARSE_OK) == (pos == C2_END));
	if (result == PARSE_BAD) {
		FUZZ_CHECK(rtmp_handshake_error(&h) != RTMP_HANDSHAKE_FINE && out.len == 0);
		FUZZ_CHECK(rtmp_handshake_feed(&h, data, len, &consumed, &out) == PARSE_BAD && consumed == 0);
	}
	fuzz_note(t, out.data, out.len);
	fuzz_note_number(t, (uint64_t)result);
	fuzz_note_number(t, rtmp_handshake_error(&h));
	fuzz_note_number(t, pos);
	fuzz_note_number(t, h.has_digest);
	rtmp_handshake_fini(&h);
	FUZZ_CHECK(fuzz_heap_peak() <= HEAP_MAX_BYTES && fuzz_heap_now() == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct fuzz_transcript runs[FUZZ_SPLITS];

	for (unsigned split = 0; split < FUZZ_SPLITS; split++) {
		run(&runs[split], data, len, split);
		FUZZ_CHECK(fuzz_transcript_is_equal(&runs[0], &runs[split]));
	}
	return 0;
}
