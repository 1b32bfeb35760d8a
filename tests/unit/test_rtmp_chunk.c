/* SPDX-License-Identifier: Apache-2.0 */
#include "media/rtmp_chunk.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/attr.h"

enum { SEEN_MAX = 64 };

struct seen {
	uint32_t csid;
	uint32_t type;
	uint32_t timestamp_ms;
	uint32_t stream_id;
	uint32_t len;
	uint32_t hash;
};

/* What a feed of some bytes came to. */
struct outcome {
	enum parse_result result;
	enum rtmp_chunk_error error;
	size_t messages;
	struct seen seen[SEEN_MAX];
};

static uint32_t hash_of(const uint8_t *data, size_t len)
{
	uint32_t hash = 2166136261u;

	for (size_t i = 0; i < len; i++)
		hash = (hash ^ data[i]) * 16777619u;
	return hash;
}

static void note(struct outcome *outcome, const struct rtmp_message *message)
{
	struct seen *seen = &outcome->seen[outcome->messages % SEEN_MAX];

	outcome->messages++;
	*seen = (struct seen){
		message->csid,
		message->type,
		message->timestamp_ms,
		message->stream_id,
		(uint32_t)message->len,
		hash_of(message->payload, message->len),
	};
}

/* Each piece lies in a heap block of its own size, freed before the next: nothing may be borrowed longer. */
static void feed_piece(struct rtmp_chunk_reader *reader, const uint8_t *data, size_t len, struct outcome *outcome)
{
	uint8_t *piece = malloc(len ? len : 1);
	size_t pos = 0;

	assert_non_null(piece);
	memcpy(piece, data, len);
	do {
		struct rtmp_message message;
		size_t consumed;

		outcome->result = rtmp_chunk_reader_feed(reader, piece + pos, len - pos, &consumed, &message);
		assert_true(consumed <= len - pos);
		pos += consumed;
		if (outcome->result == PARSE_OK)
			note(outcome, &message);
		if (outcome->result == PARSE_MORE)
			assert_int_equal(pos, len);
	} while (outcome->result == PARSE_OK);
	free(piece);
}

static struct outcome feed_in_pieces(const uint8_t *data, size_t len, size_t piece)
{
	struct rtmp_chunk_reader reader;
	struct outcome outcome;

	memset(&outcome, 0, sizeof(outcome));
	outcome.result = PARSE_MORE;
	rtmp_chunk_reader_init(&reader);
	for (size_t pos = 0; pos < len && outcome.result == PARSE_MORE; pos += piece)
		feed_piece(&reader, data + pos, len - pos < piece ? len - pos : piece, &outcome);
	outcome.error = rtmp_chunk_reader_error(&reader);
	rtmp_chunk_reader_fini(&reader);
	return outcome;
}

/* The outcome, which must not depend on how the bytes arrive. */
static struct outcome feed_all(const void *data, size_t len)
{
	static const size_t pieces[] = { 1, 7 };
	struct outcome whole = feed_in_pieces(data, len, len ? len : 1);

	for (size_t i = 0; i < ARRAY_LEN(pieces); i++) {
		struct outcome other = feed_in_pieces(data, len, pieces[i]);

		assert_memory_equal(&other, &whole, sizeof(whole));
	}
	return whole;
}

struct text_case {
	const char *what;
	const char *raw;
	size_t len;
	enum rtmp_chunk_error error;
	size_t messages;
	struct seen last; /* hash is not compared */
};

#define RAW(text) text, sizeof(text) - 1

static void check_cases(const struct text_case *cases, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct outcome got = feed_all(cases[i].raw, cases[i].len);
		const struct seen *want = &cases[i].last;
		const struct seen *last = &got.seen[got.messages ? got.messages - 1 : 0];

		print_message("%s\n", cases[i].what);
		assert_int_equal(got.error, cases[i].error);
		assert_int_equal(got.result, cases[i].error == RTMP_CHUNK_FINE ? PARSE_MORE : PARSE_BAD);
		assert_int_equal(got.messages, cases[i].messages);
		if (got.messages == 0)
			continue;
		assert_int_equal(last->csid, want->csid);
		assert_int_equal(last->type, want->type);
		assert_int_equal(last->timestamp_ms, want->timestamp_ms);
		assert_int_equal(last->stream_id, want->stream_id);
		assert_int_equal(last->len, want->len);
	}
}

static void header_forms(void **state)
{
	static const struct text_case cases[] = {
		{ "type 0", RAW("\4\0\0\5\0\0\1\x08\1\0\0\0a"), 0, 1, { 4, 8, 5, 1, 1, 0 } },
		{ "two bytes of basic header", RAW("\0\xff\0\0\5\0\0\1\x08\1\0\0\0a"), 0, 1, { 319, 8, 5, 1, 1, 0 } },
		{ "three bytes of basic header", RAW("\1\xff\xff\0\0\5\0\0\1\x08\1\0\0\0a"), 0, 1,
		    { 65599, 8, 5, 1, 1, 0 } },
		{ "stream id is little-endian", RAW("\4\0\0\5\0\0\1\x08\1\2\3\4a"), 0, 1,
		    { 4, 8, 5, 0x04030201, 1, 0 } },
		{ "empty message", RAW("\4\0\0\5\0\0\0\x08\1\0\0\0"), 0, 1, { 4, 8, 5, 1, 0, 0 } },
		{ "type 1 adds, keeps the stream id",
		    RAW("\4\0\0\5\0\0\1\x08\1\0\0\0a\x44\0\0\7\0\0\2\x09"
			"ab"),
		    0, 2, { 4, 9, 12, 1, 2, 0 } },
		{ "type 2 keeps length and type", RAW("\4\0\0\5\0\0\1\x08\1\0\0\0a\x84\0\0\7b"), 0, 2,
		    { 4, 8, 12, 1, 1, 0 } },
		{ "type 3 repeats the delta",
		    RAW("\4\0\0\5\0\0\1\x08\1\0\0\0a\x84\0\0\7b\xc4"
			"c"),
		    0, 3, { 4, 8, 19, 1, 1, 0 } },
		{ "type 3 after type 0: its timestamp",
		    RAW("\4\0\0\x17\0\0\1\x08\1\0\0\0a\xc4"
			"b"),
		    0, 2, { 4, 8, 0x2e, 1, 1, 0 } },
		{ "type 3 after type 0 at 1000 ms",
		    RAW("\4\0\3\xe8\0\0\1\x08\1\0\0\0a\xc4"
			"b"),
		    0, 2, { 4, 8, 2000, 1, 1, 0 } },
		{ "type 3 after a later type 0: the same time",
		    RAW("\4\0\3\xe9\0\0\1\x08\1\0\0\0a\xc4"
			"b"),
		    0, 2, { 4, 8, 1001, 1, 1, 0 } },
		{ "type 1 first", RAW("\x42\0\0\1\0\0\2\4\0\6"), 0, 1, { 2, 4, 1, 0, 2, 0 } },
		{ "type 2 first", RAW("\x82\0\0\1"), RTMP_CHUNK_NO_FULL_HEADER, 0, { 0 } },
		{ "type 3 first", RAW("\xc2"), RTMP_CHUNK_NO_FULL_HEADER, 0, { 0 } },
		{ "time wraps",
		    RAW("\4\xff\xff\xff\0\0\1\x08\1\0\0\0\xff\xff\xff\xff"
			"a\x84\0\0\2b"),
		    0, 2, { 4, 8, 1, 1, 1, 0 } },
	};

	(void)state;
	check_cases(cases, ARRAY_LEN(cases));
}

/* Chunk size 2, a message of 5 bytes at 0x01000000 in three chunks, another one after it. */
#define SIZE_2	"\2\0\0\0\0\0\4\1\0\0\0\0\0\0\0\2"
#define FIRST	"\4\xff\xff\xff\0\0\5\x08\1\0\0\0"
#define AFTER	"\x84\0\0\1xy\xc4zz\xc4z"
#define AFTER_3 "\x84\0\0\1xy\xc4z"

static void extended_timestamps(void **state)
{
	static const struct text_case cases[] = {
		{ "repeated", RAW(SIZE_2 FIRST "\1\0\0\0ab\xc4\1\0\0\0cd\xc4\1\0\0\0e" AFTER), 0, 2,
		    { 4, 8, 0x01000001, 1, 5, 0 } },
		{ "left out",
		    RAW(SIZE_2 FIRST "\1\0\0\0ab\xc4"
				     "cd\xc4"
				     "e" AFTER),
		    0, 2, { 4, 8, 0x01000001, 1, 5, 0 } },
		{ "left out, payload begins alike", RAW(SIZE_2 FIRST "\1\0\0\0ab\xc4\1\0\xc4\1" AFTER), 0, 2,
		    { 4, 8, 0x01000001, 1, 5, 0 } },
		{ "delta, repeated as it is",
		    RAW(SIZE_2 "\4\0\0\3\0\0\1\x08\1\0\0\0a\x44\xff\xff\xff\0\0\3\x08\1\0\0\0ab\xc4\1\0\0\0c" AFTER_3),
		    0, 3, { 4, 8, 0x01000004, 1, 3, 0 } },
		{ "delta, repeated as the absolute time",
		    RAW(SIZE_2 "\4\0\0\3\0\0\1\x08\1\0\0\0a\x44\xff\xff\xff\0\0\3\x08\1\0\0\0ab\xc4\1\0\0\3c" AFTER_3),
		    0, 3, { 4, 8, 0x01000004, 1, 3, 0 } },
		{ "a small one in the long form", RAW("\4\xff\xff\xff\0\0\1\x08\1\0\0\0\0\0\0\7a"), 0, 1,
		    { 4, 8, 7, 1, 1, 0 } },
		{ "type 3 begins a message, repeated", RAW("\4\xff\xff\xff\0\0\1\x08\1\0\0\0\1\0\0\0a\xc4\1\0\0\0b"), 0,
		    2, { 4, 8, 0x01000000, 1, 1, 0 } },
		{ "type 3 begins a message, left out",
		    RAW("\4\xff\xff\xff\0\0\1\x08\1\0\0\0\1\0\0\0a\xc4"
			"b"),
		    0, 2, { 4, 8, 0x01000000, 1, 1, 0 } },
	};

	(void)state;
	check_cases(cases, ARRAY_LEN(cases));
}

static void a_wrong_guess_loses_no_byte(void **state)
{
	/* the payload of both is "ab" 01 00 01; the second repeats the time */
	static const char left_out[] = SIZE_2 FIRST "\1\0\0\0ab\xc4\1\0\xc4\1";
	static const char repeated[] = SIZE_2 FIRST "\1\0\0\0ab\xc4\1\0\0\0\1\0\xc4\1\0\0\0\1";
	struct outcome a, b;

	(void)state;
	/* The last byte looks like the beginning of a timestamp: only the next chunk tells. */
	a = feed_all(left_out, sizeof(left_out) - 1);
	assert_int_equal(a.messages, 0);
	a = feed_all(RAW(SIZE_2 FIRST "\1\0\0\0ab\xc4\1\0\xc4\1" AFTER));
	b = feed_all(repeated, sizeof(repeated) - 1);
	assert_int_equal(a.messages, 2);
	assert_int_equal(b.messages, 1);
	assert_int_equal(a.seen[0].hash, b.seen[0].hash);
	assert_int_equal(a.seen[0].hash, hash_of((const uint8_t *)"ab\1\0\1", 5));
}

static void control_messages_are_obeyed(void **state)
{
	static const struct text_case cases[] = {
		{ "chunk size 1",
		    RAW("\2\0\0\0\0\0\4\1\0\0\0\0\0\0\0\1\4\0\0\0\0\0\2\x08\1\0\0\0a\xc4"
			"b"),
		    0, 1, { 4, 8, 0, 1, 2, 0 } },
		{ "chunk size 2^31-1", RAW("\2\0\0\0\0\0\4\1\0\0\0\0\x7f\xff\xff\xff\4\0\0\0\0\0\1\x08\1\0\0\0a"), 0, 1,
		    { 4, 8, 0, 1, 1, 0 } },
		{ "top bit is no bit",
		    RAW("\2\0\0\0\0\0\4\1\0\0\0\0\x80\0\0\1\4\0\0\0\0\0\2\x08\1\0\0\0a\xc4"
			"b"),
		    0, 1, { 4, 8, 0, 1, 2, 0 } },
		{ "chunk size 0", RAW("\2\0\0\0\0\0\4\1\0\0\0\0\0\0\0\0"), RTMP_CHUNK_BAD_CONTROL, 0, { 0 } },
		{ "chunk size 2^31", RAW("\2\0\0\0\0\0\4\1\0\0\0\0\x80\0\0\0"), RTMP_CHUNK_BAD_CONTROL, 0, { 0 } },
		{ "chunk size, empty", RAW("\2\0\0\0\0\0\0\1\0\0\0\0"), RTMP_CHUNK_BAD_CONTROL, 0, { 0 } },
		{ "chunk size, three bytes", RAW("\2\0\0\0\0\0\3\1\0\0\0\0\0\0\1"), RTMP_CHUNK_BAD_CONTROL, 0, { 0 } },
		{ "abort, empty", RAW("\2\0\0\0\0\0\0\2\0\0\0\0"), RTMP_CHUNK_BAD_CONTROL, 0, { 0 } },
		{ "abort of nothing", RAW("\2\0\0\0\0\0\4\2\0\0\0\0\0\0\0\x09\4\0\0\0\0\0\1\x08\1\0\0\0a"), 0, 1,
		    { 4, 8, 0, 1, 1, 0 } },
		{ "abort of half a message, then a new header",
		    RAW(SIZE_2 "\4\0\0\0\0\0\5\x08\1\0\0\0ab\2\0\0\0\0\0\4\2\0\0\0\0\0\0\xc2\0\4"
			       "\4\0\0\7\0\0\1\x08\1\0\0\0z"),
		    0, 1, { 4, 8, 7, 1, 1, 0 } },
	};

	(void)state;
	check_cases(cases, ARRAY_LEN(cases));
}

static void a_half_read_message_is_not_replaced(void **state)
{
	/* librtmp's heap overflow: a second header with another length on the same chunk stream */
	static const struct text_case cases[] = {
		{ "type 0", RAW(SIZE_2 "\4\0\0\0\0\0\5\x08\1\0\0\0ab\4"), RTMP_CHUNK_MESSAGE_INTERRUPTED, 0, { 0 } },
		{ "type 1", RAW(SIZE_2 "\4\0\0\0\0\0\5\x08\1\0\0\0ab\x44\0\0\0\1\0\0\x08"),
		    RTMP_CHUNK_MESSAGE_INTERRUPTED, 0, { 0 } },
		{ "type 2", RAW(SIZE_2 "\4\0\0\0\0\0\5\x08\1\0\0\0ab\x84"), RTMP_CHUNK_MESSAGE_INTERRUPTED, 0, { 0 } },
		{ "another chunk stream between",
		    RAW(SIZE_2 "\4\0\0\0\0\0\3\x08\1\0\0\0ab\6\0\0\1\0\0\3\x09\1\0\0\0cd\xc4"
			       "e\xc6"
			       "f"),
		    0, 2, { 6, 9, 1, 1, 3, 0 } },
	};

	(void)state;
	check_cases(cases, ARRAY_LEN(cases));
}

static void lengths_end_at_their_limits(void **state)
{
	static const struct {
		uint8_t type;
		uint32_t limit;
	} cases[] = {
		{ RTMP_TYPE_VIDEO, RTMP_VIDEO_MAX_BYTES },
		{ RTMP_TYPE_AUDIO, RTMP_AUDIO_MAX_BYTES },
		{ RTMP_TYPE_COMMAND_AMF0, RTMP_OTHER_MAX_BYTES },
		{ RTMP_TYPE_COMMAND_AMF3, RTMP_OTHER_MAX_BYTES },
		{ RTMP_TYPE_DATA_AMF0, RTMP_OTHER_MAX_BYTES },
		{ RTMP_TYPE_SET_CHUNK_SIZE, RTMP_OTHER_MAX_BYTES },
		{ RTMP_TYPE_AGGREGATE, RTMP_OTHER_MAX_BYTES },
		{ 255, RTMP_OTHER_MAX_BYTES },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const uint32_t lens[] = { 1, cases[i].limit, cases[i].limit + 1, 0xffffff };

		for (size_t k = 0; k < ARRAY_LEN(lens); k++) {
			uint8_t raw[12] = { 4, 0, 0, 0, (uint8_t)(lens[k] >> 16), (uint8_t)(lens[k] >> 8),
				(uint8_t)lens[k], cases[i].type };
			struct outcome got = feed_all(raw, sizeof(raw));

			assert_int_equal(
			    got.error, lens[k] <= cases[i].limit ? RTMP_CHUNK_FINE : RTMP_CHUNK_MESSAGE_TOO_LONG);
		}
	}
	/* a length inherited by type 2 and 3 is judged by its type, too */
	assert_int_equal(feed_all(RAW("\4\0\0\0\1\0\1\x08\1\0\0\0")).error, RTMP_CHUNK_MESSAGE_TOO_LONG);
}

static void chunk_streams_end_at_16(void **state)
{
	struct bytes_writer w;
	struct outcome got;

	(void)state;
	bytes_writer_init_growing(&w, 4096);
	for (uint32_t i = 0; i < RTMP_CHUNK_STREAMS_MAX; i++)
		rtmp_chunk_write(&w, &(struct rtmp_message_header){ .csid = 60 + i * 17, .type = 8 }, "a", 1, 128);
	/* a known one is fine */
	rtmp_chunk_write(&w, &(struct rtmp_message_header){ .csid = 60, .type = 8 }, "a", 1, 128);
	got = feed_all(w.data, w.len);
	assert_int_equal(got.error, RTMP_CHUNK_FINE);
	assert_int_equal(got.messages, RTMP_CHUNK_STREAMS_MAX + 1);
	rtmp_chunk_write(&w, &(struct rtmp_message_header){ .csid = 2, .type = 8 }, "a", 1, 128);
	got = feed_all(w.data, w.len);
	assert_int_equal(got.error, RTMP_CHUNK_TOO_MANY_STREAMS);
	assert_int_equal(got.messages, RTMP_CHUNK_STREAMS_MAX + 1);
	bytes_writer_fini(&w);
}

static void half_read_bytes_end_at_6_mb(void **state)
{
	static uint8_t block[3 * 1024 * 1024];
	struct rtmp_chunk_reader reader;
	struct outcome outcome = { 0 };
	struct bytes_writer w;
	uint8_t head[64];

	(void)state;
	rtmp_chunk_reader_init(&reader);
	bytes_writer_init_fixed(&w, head, sizeof(head));
	rtmp_chunk_write(&w, &(struct rtmp_message_header){ .csid = 2, .type = 1 }, "\0\x30\0\0", 4, 128);
	feed_piece(&reader, w.data, w.len, &outcome);
	for (uint8_t csid = 4; csid < 6; csid++) {
		const uint8_t header[12] = { csid, 0, 0, 0, 0x40, 0, 0, RTMP_TYPE_VIDEO, 1 };

		feed_piece(&reader, header, sizeof(header), &outcome);
		feed_piece(&reader, block, sizeof(block), &outcome);
		assert_int_equal(outcome.result, PARSE_MORE);
	}
	assert_true(rtmp_chunk_reader_memory(&reader) <= 2 * 4u * 1024 * 1024 + 2048);
	feed_piece(&reader, (const uint8_t *)"\6\0\0\0\0\0\1\x09\1\0\0\0a", 13, &outcome);
	assert_int_equal(outcome.result, PARSE_BAD);
	assert_int_equal(rtmp_chunk_reader_error(&reader), RTMP_CHUNK_HALF_READ_TOO_MUCH);
	/* and it stays so */
	feed_piece(&reader, (const uint8_t *)"\6", 1, &outcome);
	assert_int_equal(outcome.result, PARSE_BAD);
	rtmp_chunk_reader_fini(&reader);
}

static void what_is_over_does_not_count_as_half_read(void **state)
{
	static uint8_t block[3 * 1024 * 1024];
	static const uint8_t header[12] = { 4, 0, 0, 0, 0x30, 0, 0, RTMP_TYPE_VIDEO, 1 };
	struct rtmp_chunk_reader reader;
	struct outcome outcome = { 0 };

	(void)state;
	rtmp_chunk_reader_init(&reader);
	feed_piece(&reader, (const uint8_t *)"\2\0\0\0\0\0\4\1\0\0\0\0\x7f\0\0\0", 16, &outcome);
	for (size_t i = 0; i < 4; i++) {
		feed_piece(&reader, header, sizeof(header), &outcome);
		feed_piece(&reader, block, 100, &outcome);
		feed_piece(&reader, block, sizeof(block) - 100, &outcome);
		assert_int_equal(outcome.result, PARSE_MORE);
		assert_int_equal(outcome.messages, i + 1);
	}
	rtmp_chunk_reader_fini(&reader);

	rtmp_chunk_reader_init(&reader);
	feed_piece(&reader, (const uint8_t *)"\2\0\0\0\0\0\4\1\0\0\0\0\0\x20\0\0", 16, &outcome);
	for (size_t i = 0; i < 4; i++) {
		feed_piece(&reader, header, sizeof(header), &outcome);
		feed_piece(&reader, block, 2 * 1024 * 1024, &outcome);
		feed_piece(&reader, (const uint8_t *)"\2\0\0\0\0\0\4\2\0\0\0\0\0\0\0\4", 16, &outcome);
		assert_int_equal(outcome.result, PARSE_MORE);
		assert_true(rtmp_chunk_reader_memory(&reader) < 1024);
	}
	rtmp_chunk_reader_fini(&reader);
}

static void memory_follows_what_arrives(void **state)
{
	static uint8_t payload[RTMP_VIDEO_MAX_BYTES];
	struct rtmp_chunk_reader reader;
	struct outcome outcome = { 0 };
	struct bytes_writer w;

	(void)state;
	rtmp_chunk_reader_init(&reader);
	assert_int_equal(rtmp_chunk_reader_memory(&reader), 0);
	assert_true(sizeof(reader) < 100);
	bytes_writer_init_growing(&w, 8u << 20);
	rtmp_chunk_write(
	    &w, &(struct rtmp_message_header){ .csid = 6, .type = RTMP_TYPE_VIDEO }, payload, sizeof(payload), 128);
	for (size_t pos = 0; pos < w.len; pos += 1000) {
		feed_piece(&reader, w.data + pos, w.len - pos < 1000 ? w.len - pos : 1000, &outcome);
		assert_true(rtmp_chunk_reader_memory(&reader) <= 512 + 2 * (pos + 1000));
	}
	assert_int_equal(outcome.messages, 1);
	assert_true(rtmp_chunk_reader_memory(&reader) < 1024);

	/* a small video message keeps its buffer, a command does not */
	bytes_writer_reset(&w);
	rtmp_chunk_write(&w, &(struct rtmp_message_header){ .csid = 6, .type = RTMP_TYPE_VIDEO }, payload, 20000, 128);
	feed_piece(&reader, w.data, w.len, &outcome);
	assert_true(rtmp_chunk_reader_memory(&reader) > 20000);
	bytes_writer_reset(&w);
	rtmp_chunk_write(&w, &(struct rtmp_message_header){ .csid = 6, .type = 20 }, payload, 16000, 128);
	feed_piece(&reader, w.data, w.len, &outcome);
	assert_true(rtmp_chunk_reader_memory(&reader) < 1024);
	assert_int_equal(outcome.messages, 3);
	bytes_writer_fini(&w);
	rtmp_chunk_reader_fini(&reader);
}

static void what_is_written_reads_back(void **state)
{
	static const uint32_t csids[] = { 2, 3, 63, 64, 319, 320, 65599 };
	static const uint32_t times[] = { 0, 0xfffffe, 0xffffff, 0x1000000, UINT32_MAX };
	static const uint32_t chunk_sizes[] = { 1, 128, 4096 };
	static const size_t lens[] = { 0, 1, 128, 129, 4096, 10000 };
	uint8_t payload[10000];

	(void)state;
	for (size_t i = 0; i < sizeof(payload); i++)
		payload[i] = (uint8_t)(i * 7);
	for (size_t n = 0; n < ARRAY_LEN(csids) * ARRAY_LEN(times) * ARRAY_LEN(chunk_sizes) * ARRAY_LEN(lens); n++) {
		size_t rest = n / ARRAY_LEN(csids);
		struct rtmp_message_header header = { .csid = csids[n % ARRAY_LEN(csids)],
			.type = RTMP_TYPE_AUDIO,
			.timestamp_ms = times[rest % ARRAY_LEN(times)],
			.stream_id = RTMP_STREAM_ID };
		uint32_t chunk_size = chunk_sizes[rest / ARRAY_LEN(times) % ARRAY_LEN(chunk_sizes)];
		size_t len = lens[rest / ARRAY_LEN(times) / ARRAY_LEN(chunk_sizes)];
		uint8_t size_raw[4] = { 0, 0, (uint8_t)(chunk_size >> 8), (uint8_t)chunk_size };
		struct bytes_writer w;
		struct outcome got;

		bytes_writer_init_growing(&w, 1u << 20);
		rtmp_chunk_write(&w, &(struct rtmp_message_header){ .csid = 2, .type = 1 }, size_raw, 4, 128);
		rtmp_chunk_write(&w, &header, payload, len, chunk_size);
		assert_false(w.is_full);
		got = feed_all(w.data, w.len);
		assert_int_equal(got.result, PARSE_MORE);
		assert_int_equal(got.messages, 1);
		assert_int_equal(got.seen[0].csid, header.csid);
		assert_int_equal(got.seen[0].timestamp_ms, header.timestamp_ms);
		assert_int_equal(got.seen[0].stream_id, RTMP_STREAM_ID);
		assert_int_equal(got.seen[0].len, len);
		assert_int_equal(got.seen[0].hash, hash_of(payload, len));
		bytes_writer_fini(&w);
	}
}

static void wire_headers_have_their_sizes(void **state)
{
	struct rtmp_wire_header wire;

	(void)state;
	wire = rtmp_wire_header_make(
	    &(struct rtmp_message_header){ .csid = 6, .type = 9, .timestamp_ms = 0x10203, .stream_id = 1 }, 0x40506);
	assert_int_equal(wire.first_len, 12);
	assert_memory_equal(wire.first, "\6\1\2\3\4\5\6\x09\1\0\0\0", 12);
	assert_int_equal(wire.next_len, 1);
	assert_memory_equal(wire.next, "\xc6", 1);
	wire = rtmp_wire_header_make(
	    &(struct rtmp_message_header){ .csid = 65599, .type = 9, .timestamp_ms = 0xffffff, .stream_id = 1 }, 1);
	assert_int_equal(wire.first_len, 18);
	assert_memory_equal(wire.first + 14, "\0\xff\xff\xff", 4);
	assert_int_equal(wire.next_len, 7);
	assert_memory_equal(wire.next, "\xc1\xff\xff\0\xff\xff\xff", 7);
}

/* Random bytes, biased to few chunk streams and small lengths so that they get somewhere. */
static void noise_is_read_the_same_in_any_pieces(void **state)
{
	uint32_t seed = 1;
	uint8_t raw[600];

	(void)state;
	for (int round = 0; round < 3000; round++) {
		for (size_t i = 0; i < sizeof(raw); i++) {
			seed = seed * 1664525u + 1013904223u;
			raw[i] = (uint8_t)(seed >> 24);
			if (seed >> 16 & 3)
				raw[i] &= 0xc7;
			if ((seed >> 18 & 3) == 0)
				raw[i] = 0;
			if ((seed >> 18 & 15) == 1)
				raw[i] = 0xff;
		}
		(void)feed_all(raw, sizeof(raw));
	}
}

static void every_error_has_a_text(void **state)
{
	(void)state;
	for (int e = 0; e < RTMP_CHUNK_ERRORS; e++)
		assert_non_null(rtmp_chunk_error_text((enum rtmp_chunk_error)e));
	assert_string_equal(rtmp_chunk_error_text(RTMP_CHUNK_ERRORS), "unknown");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(header_forms),
		cmocka_unit_test(extended_timestamps),
		cmocka_unit_test(a_wrong_guess_loses_no_byte),
		cmocka_unit_test(control_messages_are_obeyed),
		cmocka_unit_test(a_half_read_message_is_not_replaced),
		cmocka_unit_test(lengths_end_at_their_limits),
		cmocka_unit_test(chunk_streams_end_at_16),
		cmocka_unit_test(half_read_bytes_end_at_6_mb),
		cmocka_unit_test(what_is_over_does_not_count_as_half_read),
		cmocka_unit_test(memory_follows_what_arrives),
		cmocka_unit_test(what_is_written_reads_back),
		cmocka_unit_test(wire_headers_have_their_sizes),
		cmocka_unit_test(noise_is_read_the_same_in_any_pieces),
		cmocka_unit_test(every_error_has_a_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
