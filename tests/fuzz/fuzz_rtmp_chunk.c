/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The chunk reader. Oracles: the same messages and the same end however the bytes are split; memory as it reports it is
 * memory as the heap knows it, and at most 8 x the input; a refusal is final; what our writer makes of a message is
 * read back as that message.
 */
#include <string.h>

#include "media/rtmp_chunk.h"
#include "tests/fuzz/fuzz.h"

enum {
	MEMORY_BESIDE_BYTES = 2048, /* the table of chunk streams, however little was sent */
	WIRE_MAX_BYTES = 1 << 18,
	/* Behind an input that ends in this byte come zeros: messages as long as their limit without inputs that long.
	 */
	TAIL_MARK = 0xee,
	TAIL_BYTES = 32000,
	NOTES_READ_BACK = 5 * 32, /* of each message there are five */
};

static uint8_t wire[WIRE_MAX_BYTES];
static const uint8_t tail[TAIL_BYTES];

static void read_back(const struct rtmp_message *message, uint32_t chunk_size)
{
	const struct rtmp_message_header header = {
		.csid = message->csid,
		.type = message->type,
		.timestamp_ms = message->timestamp_ms,
		.stream_id = message->stream_id,
	};
	struct rtmp_chunk_reader reader;
	struct rtmp_message again;
	struct bytes_writer w;
	size_t consumed;

	bytes_writer_init_fixed(&w, wire, sizeof(wire));
	rtmp_chunk_write(&w, &header, message->payload, message->len, chunk_size);
	if (w.is_full)
		return;
	rtmp_chunk_reader_init(&reader);
	reader.chunk_size = chunk_size;
	FUZZ_CHECK(rtmp_chunk_reader_feed(&reader, w.data, w.len, &consumed, &again) == PARSE_OK);
	FUZZ_CHECK(consumed == w.len || (message->len == 0 && consumed <= w.len));
	FUZZ_CHECK(again.csid == message->csid && again.type == message->type && again.len == message->len);
	FUZZ_CHECK(again.timestamp_ms == message->timestamp_ms && again.stream_id == message->stream_id);
	if (message->len > 0)
		FUZZ_CHECK(memcmp(again.payload, message->payload, message->len) == 0);
	rtmp_chunk_reader_fini(&reader);
}

static size_t limit_of(uint8_t type)
{
	return type == RTMP_TYPE_VIDEO ? RTMP_VIDEO_MAX_BYTES
	    : type == RTMP_TYPE_AUDIO  ? RTMP_AUDIO_MAX_BYTES
				       : RTMP_OTHER_MAX_BYTES;
}

static void note_message(struct fuzz_transcript *t, const struct rtmp_message *message)
{
	FUZZ_CHECK(message->csid >= 2 && message->csid <= 65599);
	FUZZ_CHECK((message->payload == NULL) == (message->len == 0));
	FUZZ_CHECK(message->type != RTMP_TYPE_SET_CHUNK_SIZE && message->type != RTMP_TYPE_ABORT);
	FUZZ_CHECK(message->len <= limit_of(message->type));
	fuzz_note_number(t, message->csid);
	fuzz_note_number(t, message->type);
	fuzz_note_number(t, message->timestamp_ms);
	fuzz_note_number(t, message->stream_id);
	fuzz_note(t, message->payload, message->len);
}

static void check_memory(const struct rtmp_chunk_reader *reader, size_t fed)
{
	size_t held = rtmp_chunk_reader_memory(reader);

	FUZZ_CHECK(reader->streams_used <= RTMP_CHUNK_STREAMS_MAX);
	FUZZ_CHECK(held <= 8 * fed + MEMORY_BESIDE_BYTES);
	if (fuzz_heap_is_metered())
		FUZZ_CHECK(fuzz_heap_now() == held && fuzz_heap_peak() <= 8 * fed + MEMORY_BESIDE_BYTES);
}

static void check_final(struct rtmp_chunk_reader *reader, const uint8_t *data, size_t len)
{
	enum rtmp_chunk_error error = rtmp_chunk_reader_error(reader);
	struct rtmp_message message;
	size_t consumed;

	FUZZ_CHECK(error != RTMP_CHUNK_FINE && error < RTMP_CHUNK_ERRORS);
	FUZZ_CHECK(rtmp_chunk_reader_feed(reader, data, len, &consumed, &message) == PARSE_BAD && consumed == 0);
	FUZZ_CHECK(rtmp_chunk_reader_error(reader) == error);
}

/* One piece to its end. False: the reader has refused. */
static bool feed(struct rtmp_chunk_reader *reader, struct fuzz_transcript *t, const uint8_t *data, size_t len)
{
	size_t pos = 0;

	for (;;) {
		struct rtmp_message message;
		size_t consumed;
		enum parse_result result = rtmp_chunk_reader_feed(reader, data + pos, len - pos, &consumed, &message);

		FUZZ_CHECK(consumed <= len - pos);
		pos += consumed;
		if (result == PARSE_BAD)
			return false;
		if (result == PARSE_MORE) {
			FUZZ_CHECK(pos == len);
			return true;
		}
		note_message(t, &message);
		if (t->n_notes < NOTES_READ_BACK)
			read_back(&message, t->n_notes % 2 == 0 ? RTMP_CHUNK_SIZE_DEFAULT : RTMP_CHUNK_SIZE_OUT);
	}
}

/* One way to split the input. */
struct run {
	struct rtmp_chunk_reader reader;
	struct fuzz_transcript *t;
	unsigned split;
	size_t fed;
};

/* All of it in pieces; in sevens memory is checked after each. False: the reader has refused. */
static bool feed_all(struct run *run, const uint8_t *data, size_t len)
{
	for (size_t pos = 0; pos < len;) {
		size_t n = fuzz_piece_bytes(run->split, len - pos);

		if (!feed(&run->reader, run->t, data + pos, n))
			return false;
		pos += n;
		run->fed += n;
		if (run->split == 1)
			check_memory(&run->reader, run->fed);
	}
	return true;
}

/* Zeros up to the end of the first message they complete; all of them would cost more than all the rest. */
static bool feed_tail(struct run *run)
{
	struct rtmp_message message;
	size_t consumed;
	enum parse_result result = rtmp_chunk_reader_feed(&run->reader, tail, sizeof(tail), &consumed, &message);

	if (result == PARSE_OK)
		note_message(run->t, &message);
	run->fed += consumed;
	check_memory(&run->reader, run->fed);
	return result != PARSE_BAD;
}

static void read_split(struct fuzz_transcript *t, const uint8_t *data, size_t len, unsigned split)
{
	struct run run = { .t = t, .split = split };
	bool is_fine;

	fuzz_transcript_init(t);
	fuzz_heap_begin();
	rtmp_chunk_reader_init(&run.reader);
	is_fine = feed_all(&run, data, len);
	if (is_fine && len > 0 && data[len - 1] == TAIL_MARK)
		is_fine = feed_tail(&run);
	if (!is_fine)
		check_final(&run.reader, data, len);
	fuzz_note_number(t, rtmp_chunk_reader_error(&run.reader));
	fuzz_note_number(t, run.reader.chunk_size);
	rtmp_chunk_reader_fini(&run.reader);
	FUZZ_CHECK(fuzz_heap_now() == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct fuzz_transcript runs[FUZZ_SPLITS];

	for (unsigned split = 0; split < FUZZ_SPLITS; split++) {
		read_split(&runs[split], data, len, split);
		FUZZ_CHECK(fuzz_transcript_is_equal(&runs[0], &runs[split]));
	}
	return 0;
}
