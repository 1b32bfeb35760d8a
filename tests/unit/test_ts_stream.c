/* SPDX-License-Identifier: Apache-2.0 */
#include "media/ts_stream.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/attr.h"
#include "tests/unit/oom.h"
#include "tests/unit/ts_fixture.h"

enum {
	START_90K = 900000,
	PID = 0x101,
	PES_HEADER_BYTES = 14, /* with a pts */
	ADTS_BYTES = 20,
	PES_BYTES = PES_HEADER_BYTES + ADTS_BYTES,
};

/* A stream of AAC; a PES packet with one frame in it; the packet that comes next. */
struct bench {
	struct ts_stream stream;
	struct ts_frames_ops ops;
	struct ts_stream_counts counts;
	struct ts_got got;
	uint8_t pes[PES_BYTES];
	struct ts_packet next;
	uint64_t n_packets;
};

static struct bench *start(bool has_length)
{
	static const uint8_t adts[ADTS_BYTES] = { 0xff, 0xf1, 0x4c, 0x80, ADTS_BYTES >> 3, (ADTS_BYTES & 7) << 5 | 0x1f,
		0xfc, 0x21 };
	static struct bench b;
	const struct ts_frames_config config = { .codec = CODEC_AAC, .ops = &b.ops, .ctx = &b.got };
	const struct ts_pes_header header = { .stream_id = TS_PES_AUDIO,
		.has_length = has_length,
		.has_pts = true,
		.pts_90k = START_90K,
		.payload_bytes = ADTS_BYTES };

	memset(&b, 0, sizeof(b));
	b.ops = (struct ts_frames_ops){ ts_got_ops.frame, ts_got_ops.unsupported, ts_got_ops.unreadable };
	assert_int_equal(ts_pes_write(b.pes, &header), PES_HEADER_BYTES);
	memcpy(b.pes + PES_HEADER_BYTES, adts, sizeof(adts));
	ts_stream_init(&b.stream, PID, &config, &b.counts);
	return &b;
}

static void stop(struct bench *b)
{
	ts_stream_fini(&b->stream);
	ts_got_clear(&b->got);
}

/* The next packet with these bytes; what was set in b->next is for it alone. */
static void send(struct bench *b, bool is_unit_start, const uint8_t *payload, size_t len)
{
	uint8_t continuity = b->next.continuity;

	b->next.is_unit_start = is_unit_start;
	b->next.payload = len > 0 ? payload : NULL;
	b->next.payload_len = len;
	ts_stream_take(&b->stream, &b->next, b->n_packets++, 0);
	b->next = (struct ts_packet){ .pid = PID, .continuity = (continuity + (len > 0)) & 0x0f };
}

static void send_whole(struct bench *b)
{
	send(b, true, b->pes, PES_BYTES);
}

/* ---- where a PES packet ends ---- */

static void a_pes_packet_in_pieces(void **state)
{
	(void)state;
	for (size_t piece = 1; piece <= PES_BYTES; piece++) {
		struct bench *b = start(true);

		for (size_t at = 0; at < PES_BYTES; at += piece)
			send(b, at == 0, b->pes + at, piece < PES_BYTES - at ? piece : PES_BYTES - at);
		assert_int_equal(b->got.n_frames, 1);
		assert_int_equal(b->got.frames[0]->dts_90k, START_90K);
		assert_int_equal(b->counts.pes_bad, 0);
		stop(b);
	}
}

static void bytes_behind_its_length_are_not_its_own(void **state)
{
	struct bench *b = start(true);
	uint8_t longer[PES_BYTES + 10];

	(void)state;
	memset(longer, 0xff, sizeof(longer));
	memcpy(longer, b->pes, PES_BYTES);
	send(b, true, longer, sizeof(longer));
	send(b, false, longer, 10); /* nor is what comes in packets of its own */
	send_whole(b);
	assert_int_equal(b->got.n_frames, 2);
	assert_int_equal(b->got.n_unreadable, 0);
	stop(b);
}

static void without_a_length_it_ends_at_the_next(void **state)
{
	struct bench *b = start(false);

	(void)state;
	send_whole(b);
	assert_int_equal(b->got.n_frames, 0);
	send_whole(b);
	assert_int_equal(b->got.n_frames, 1);
	stop(b);
}

static void one_that_is_shorter_than_it_said_is_bad(void **state)
{
	static const size_t lengths[] = { 5, 10, PES_HEADER_BYTES, PES_BYTES - 1 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(lengths) * 2; i++) {
		bool has_length = i % 2 == 0;
		struct bench *b = start(has_length);
		bool is_bad = has_length || lengths[i / 2] < PES_HEADER_BYTES;

		send(b, true, b->pes, lengths[i / 2]);
		send_whole(b);
		assert_int_equal(b->counts.pes_bad, is_bad);
		assert_int_equal(b->got.n_unreadable, is_bad);
		assert_int_equal(b->got.n_frames, has_length ? 1 : 0);
		stop(b);
	}
}

static void one_that_is_no_pes_packet_is_bad(void **state)
{
	struct bench *b = start(true);
	uint8_t padding[] = { 0, 0, 1, 0xbe, 0, 3, 0xff, 0xff, 0xff };

	(void)state;
	send(b, true, padding, sizeof(padding));
	send(b, false, padding, sizeof(padding)); /* its rest is nobody's */
	assert_int_equal(b->counts.pes_bad, 1);
	send_whole(b);
	assert_int_equal(b->got.n_frames, 1);
	stop(b);
}

static void one_that_is_too_long_is_bad(void **state)
{
	struct bench *b = start(false);
	uint8_t rest[TS_PAYLOAD_MAX_BYTES] = { 0 };

	(void)state;
	send_whole(b);
	for (size_t len = PES_BYTES; len + sizeof(rest) <= TS_PES_AUDIO_MAX_BYTES; len += sizeof(rest))
		send(b, false, rest, sizeof(rest));
	assert_int_equal(b->counts.pes_bad, 0);
	send(b, false, rest, sizeof(rest));
	assert_int_equal(b->counts.pes_bad, 1);
	send(b, false, rest, sizeof(rest));
	assert_int_equal(b->counts.pes_bad, 1);
	stop(b);
}

static void without_memory_it_is_lost(void **state)
{
	struct bench *b = start(true);

	(void)state;
	oom_arm(1, true);
	send_whole(b);
	oom_disarm(NULL);
	assert_int_equal(b->counts.pes_bad, 1);
	send_whole(b);
	assert_int_equal(b->got.n_frames, 1);
	stop(b);
}

/* ---- counters ---- */

static void jumps_of_the_counter(void **state)
{
	static const struct {
		const char *name;
		bool is_in_pes, is_announced, is_unit_start;
		uint64_t errors;
		size_t n_frames; /* of the one before, which ends with the next or with its length */
	} rows[] = {
		{ "between two", false, false, true, 1, 1 },
		{ "between two, announced", false, true, true, 0, 1 },
		{ "inside", true, false, false, 1, 0 },
		{ "inside, announced", true, true, false, 0, 0 },
		{ "the rest is missing", true, false, true, 1, 1 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct bench *b = start(true);

		send(b, true, b->pes, rows[i].is_in_pes ? PES_BYTES - 4 : PES_BYTES);
		b->got.n_unreadable = 0;
		b->next.continuity = 9;
		b->next.is_discontinuity = rows[i].is_announced;
		if (rows[i].is_unit_start)
			send_whole(b);
		else
			send(b, false, b->pes + PES_BYTES - 4, 4);
		if (b->counts.continuity_errors != rows[i].errors)
			fail_msg("%s: errors", rows[i].name);
		if (b->got.n_frames != rows[i].n_frames + !rows[i].is_in_pes)
			fail_msg("%s: %zu frames", rows[i].name, b->got.n_frames);
		stop(b);
	}
}

/* A PES packet without a length that ends with the jump is whole when the jump was announced. */
static void an_announced_jump_ends_a_pes_packet(void **state)
{
	(void)state;
	for (unsigned is_announced = 0; is_announced < 2; is_announced++) {
		struct bench *b = start(false);

		send_whole(b);
		b->next.continuity = 9;
		b->next.is_discontinuity = is_announced;
		send_whole(b);
		assert_int_equal(b->got.n_frames, is_announced);
		stop(b);
	}
}

/* An adaptation field alone counts nothing on, but may announce from where it is counted. */
static void fields_alone(void **state)
{
	(void)state;
	for (unsigned is_announced = 0; is_announced < 2; is_announced++) {
		struct bench *b = start(true);

		send_whole(b);
		b->next.continuity = 8;
		b->next.is_discontinuity = is_announced;
		send(b, false, NULL, 0);
		b->next.continuity = 9;
		send_whole(b);
		assert_int_equal(b->counts.continuity_errors, !is_announced);
		assert_int_equal(b->got.n_frames, 2);
		stop(b);
	}
}

static void repeated_packets(void **state)
{
	struct bench *b = start(true);

	(void)state;
	send_whole(b);
	b->next.continuity = 0;
	send_whole(b); /* the same */
	assert_int_equal(b->got.n_frames, 1);
	b->next.continuity = 0;
	b->next.is_discontinuity = true;
	send_whole(b); /* another, by announcement */
	assert_int_equal(b->got.n_frames, 2);
	b->next.continuity = 0;
	send(b, true, b->pes, PES_BYTES - 1); /* another: its length tells */
	assert_int_equal(b->counts.continuity_errors, 1);
	stop(b);
	b = start(true);
	send(b, false, b->pes, 10); /* behind nothing: wanted by nobody, and nothing to compare with */
	b->next.continuity = 0;
	send(b, false, b->pes, 10);
	assert_int_equal(b->counts.continuity_errors, 0);
	stop(b);
}

static void scrambled_packets_cut_what_is_open(void **state)
{
	struct bench *b = start(true);

	(void)state;
	send(b, true, b->pes, 20);
	b->next.is_scrambled = true;
	send(b, false, b->pes + 20, PES_BYTES - 20);
	assert_int_equal(b->counts.scrambled_packets, 1);
	b->next.continuity = 12; /* from here on it is counted anew */
	send_whole(b);
	assert_int_equal(b->counts.continuity_errors, 0);
	assert_int_equal(b->got.n_frames, 1);
	stop(b);
}

/* ---- the end ---- */

static void what_is_complete_comes_out_at_the_end(void **state)
{
	static const struct {
		bool has_length, is_stuffed;
		size_t len;
		size_t n_frames;
	} rows[] = {
		{ false, true, PES_BYTES, 1 },
		{ false, false, PES_BYTES, 0 }, /* there may have been more */
		{ false, true, 10, 0 },
		{ true, true, PES_BYTES - 1, 0 },
		{ true, true, PES_BYTES, 1 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct bench *b = start(rows[i].has_length);

		b->next.is_stuffed = rows[i].is_stuffed;
		send(b, true, b->pes, rows[i].len);
		ts_stream_flush(&b->stream);
		ts_stream_flush(&b->stream);
		assert_int_equal(b->got.n_frames, rows[i].n_frames);
		b->next.continuity = 5; /* whoever comes next counts from where he likes */
		send_whole(b);
		assert_int_equal(b->counts.continuity_errors, 0);
		stop(b);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_pes_packet_in_pieces),
		cmocka_unit_test(bytes_behind_its_length_are_not_its_own),
		cmocka_unit_test(without_a_length_it_ends_at_the_next),
		cmocka_unit_test(one_that_is_shorter_than_it_said_is_bad),
		cmocka_unit_test(one_that_is_no_pes_packet_is_bad),
		cmocka_unit_test(one_that_is_too_long_is_bad),
		cmocka_unit_test(without_memory_it_is_lost),
		cmocka_unit_test(jumps_of_the_counter),
		cmocka_unit_test(an_announced_jump_ends_a_pes_packet),
		cmocka_unit_test(fields_alone),
		cmocka_unit_test(repeated_packets),
		cmocka_unit_test(scrambled_packets_cut_what_is_open),
		cmocka_unit_test(what_is_complete_comes_out_at_the_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
