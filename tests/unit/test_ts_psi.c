/* SPDX-License-Identifier: Apache-2.0 */
#include "media/ts_psi.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/attr.h"
#include "tests/unit/ts_fixture.h"

enum {
	PMT_PID = 0x1000,
	VIDEO_PID = 0x100,
	CRC_BYTES = 4,
	PMT_STREAMS_AT = 12,
};

/* ---- sections ---- */

struct sections {
	struct ts_section building;
	size_t n;
	size_t len; /* of the last one */
	uint8_t last[TS_SECTION_MAX_BYTES];
};

static void on_section(void *ctx, const uint8_t *section, size_t len)
{
	struct sections *s = ctx;

	s->n++;
	s->len = len;
	memcpy(s->last, section, len);
}

static unsigned take(struct sections *s, bool is_start, const uint8_t *payload, size_t len)
{
	const struct ts_packet p = { .is_unit_start = is_start, .payload = payload, .payload_len = len };

	return ts_section_take(&s->building, &p, on_section, s);
}

/* A table nobody knows, with the long header, len bytes in all. */
static void make_section(uint8_t *section, size_t len)
{
	memset(section, 0x55, len);
	section[0] = 0x40;
	section[1] = (uint8_t)(0xb0 | (len - 3) >> 8);
	section[2] = (uint8_t)(len - 3);
	ts_fixture_set_crc(section, len);
}

static void sections_of_every_length(void **state)
{
	uint8_t section[TS_SECTION_MAX_BYTES];
	uint8_t raw[TS_SECTION_MAX_PACKETS][TS_PACKET_BYTES];
	static struct sections s;

	(void)state;
	memset(&s, 0, sizeof(s));
	for (size_t len = 12; len <= TS_SECTION_MAX_BYTES; len++) {
		const struct ts_packet first = { .pid = PMT_PID, .continuity = 14 };
		size_t n;

		make_section(section, len);
		n = ts_section_write(raw, section, len, &first);
		assert_int_equal(n, ts_section_packets(len));
		for (size_t i = 0; i < n; i++) {
			struct ts_packet p;

			assert_int_equal(ts_packet_parse(&p, raw[i]), PARSE_OK);
			assert_int_equal(p.continuity, (14 + i) & 0x0f);
			assert_int_equal(ts_section_take(&s.building, &p, on_section, &s), 0);
		}
		assert_int_equal(s.n, len - 11);
		assert_int_equal(s.len, len);
		assert_memory_equal(s.last, section, len);
	}
}

/* Three behind each other and the beginning of a fourth, cut into packets anywhere; pointers as they must be. */
static void sections_lie_behind_each_other(void **state)
{
	enum { LEN = 20, N = 3 };
	uint8_t bytes[N * LEN];

	(void)state;
	for (size_t i = 0; i < N; i++)
		make_section(bytes + i * LEN, LEN);
	for (size_t at = 1; at < sizeof(bytes); at++) {
		static struct sections s;
		uint8_t payload[1 + sizeof(bytes)] = { 0 };
		size_t rest = (LEN - at % LEN) % LEN; /* of the section that goes on */
		bool is_start = sizeof(bytes) - at > rest;

		memset(&s, 0, sizeof(s));
		memcpy(payload + 1, bytes, at);
		assert_int_equal(take(&s, true, payload, 1 + at), 0);
		assert_int_equal(s.n, at / LEN);
		payload[0] = (uint8_t)rest;
		memcpy(payload + 1, bytes + at, sizeof(bytes) - at);
		if (is_start)
			assert_int_equal(take(&s, true, payload, 1 + sizeof(bytes) - at), 0);
		else
			assert_int_equal(take(&s, false, payload + 1, sizeof(bytes) - at), 0);
		assert_int_equal(s.n, N);
	}
}

static void what_is_not_whole_is_dropped(void **state)
{
	static struct sections s;
	uint8_t section[100];
	uint8_t payload[101] = { 0 };

	(void)state;
	memset(&s, 0, sizeof(s));
	make_section(section, sizeof(section));
	memcpy(payload + 1, section, sizeof(section));
	/* No beginning was seen. */
	assert_int_equal(take(&s, false, section, sizeof(section)), 0);
	/* Packets in between were lost. */
	assert_int_equal(take(&s, true, payload, 50), 0);
	ts_section_drop(&s.building);
	assert_int_equal(take(&s, false, section + 49, 51), 0);
	assert_int_equal(s.n, 0);
	/* A new one begins before the old one ended. */
	assert_int_equal(take(&s, true, payload, 50), 0);
	assert_int_equal(take(&s, true, payload, sizeof(payload)), 0);
	assert_int_equal(s.n, 1);
	/* Behind the last one there is stuffing, or nothing; neither goes on in a packet without a pointer. */
	assert_int_equal(take(&s, false, section, sizeof(section)), 0);
	assert_int_equal(s.n, 1);
}

static void bad_sections_are_counted(void **state)
{
	static struct sections s;
	uint8_t payload[1 + 40] = { 0 };
	uint8_t pointer[] = { 2, 0 };

	(void)state;
	memset(&s, 0, sizeof(s));
	make_section(payload + 1, 40);
	payload[20] ^= 1;
	assert_int_equal(take(&s, true, payload, sizeof(payload)), 1); /* checksum */
	make_section(payload + 1, 11);
	assert_int_equal(take(&s, true, payload, 12), 1); /* too short for its header and a checksum */
	make_section(payload + 1, 40);
	payload[2] = 0xb3;
	payload[3] = 0xfd; /* 1021 and three: the longest */
	assert_int_equal(take(&s, true, payload, sizeof(payload)), 0);
	payload[2] = 0xb3;
	payload[3] = 0xfe; /* 1025 */
	assert_int_equal(take(&s, true, payload, sizeof(payload)), 1);
	assert_int_equal(take(&s, true, payload, 4), 1);	       /* its header alone says it already */
	assert_int_equal(take(&s, true, pointer, sizeof(pointer)), 1); /* a pointer behind the packet's end */
	assert_int_equal(take(&s, true, pointer, 0), 1);
	assert_int_equal(s.n, 0);
	make_section(payload + 1, 40);
	payload[2] &= 0x7f; /* the short header: for somebody else */
	assert_int_equal(take(&s, true, payload, sizeof(payload)), 0);
	assert_int_equal(s.n, 0);
}

/* ---- program association table ---- */

static const struct {
	const char *name;
	size_t at;
	uint8_t byte;
	enum parse_result want;
	bool has_program;
} pat_changes[] = {
	{ "nothing", 0, 0x00, PARSE_OK, true },
	{ "another table", 0, 0x02, PARSE_MORE, false },
	{ "not yet valid", 5, 0xc0, PARSE_MORE, false },
	{ "the second section", 6, 1, PARSE_MORE, false },
	{ "the network's table alone", 9, 0, PARSE_OK, false },
};

static void association_tables(void **state)
{
	const struct ts_pat in = { .has_program = true, .program = 7, .pmt_pid = PMT_PID };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(pat_changes); i++) {
		uint8_t section[TS_SECTION_MAX_BYTES];
		struct ts_pat out;
		size_t len = ts_pat_write(section, &in);

		section[pat_changes[i].at] = pat_changes[i].byte;
		if (ts_pat_parse(&out, section, len) != pat_changes[i].want)
			fail_msg("%s: result", pat_changes[i].name);
		if (out.has_program != pat_changes[i].has_program)
			fail_msg("%s: program", pat_changes[i].name);
		if (out.has_program)
			assert_int_equal(out.pmt_pid, PMT_PID);
	}
}

static void the_first_program_is_taken(void **state)
{
	uint8_t section[24] = { 0, 0xb0, 21, 0, 1, 0xc1, 0, 0, 0, 0, 0xe0, 0x10, 0, 2, 0xf0, 0x20, 0, 3, 0xf0, 0x30 };
	struct ts_pat pat;

	(void)state;
	assert_int_equal(ts_pat_parse(&pat, section, sizeof(section)), PARSE_OK);
	assert_int_equal(pat.program, 2);
	assert_int_equal(pat.pmt_pid, 0x1020);
}

/* ---- program map table ---- */

/* One stream of that type with these descriptors. Returns the section's length. */
static size_t make_pmt(uint8_t *section, uint8_t type, const uint8_t *descriptors, size_t len)
{
	const uint8_t head[] = { 2, 0xb0, (uint8_t)(9 + 5 + len + CRC_BYTES), 0, 1, 0xc1, 0, 0, 0xe1, 0, 0xf0, 0, type,
		0xe1, 0, 0xf0, (uint8_t)len };

	memcpy(section, head, sizeof(head));
	if (len > 0)
		memcpy(section + sizeof(head), descriptors, len);
	ts_fixture_set_crc(section, sizeof(head) + len + CRC_BYTES);
	return sizeof(head) + len + CRC_BYTES;
}

static const struct {
	uint8_t type;
	uint8_t descriptors[12];
	size_t len;
	enum ts_stream_kind kind;
	enum track_codec codec; /* CODECS: not relayed */
	const char *name;
} types[] = {
	{ 0x1b, { 0 }, 0, TS_STREAM_VIDEO, CODEC_H264, "h264" },
	{ 0x24, { 0 }, 0, TS_STREAM_VIDEO, CODEC_H265, "h265" },
	{ 0x0f, { 0 }, 0, TS_STREAM_AUDIO, CODEC_AAC, "aac" },
	{ 0x02, { 0 }, 0, TS_STREAM_VIDEO, CODECS, "mpeg2-video" },
	{ 0x03, { 0 }, 0, TS_STREAM_AUDIO, CODECS, "mpeg-audio" },
	{ 0x86, { 0 }, 0, TS_STREAM_DATA, CODECS, NULL }, /* cues */
	{ 0x06, { 0 }, 0, TS_STREAM_DATA, CODECS, NULL },
	{ 0x06, { 5, 4, 'H', 'E', 'V', 'C' }, 6, TS_STREAM_VIDEO, CODEC_H265, "h265" },
	{ 0x06, { 5, 4, 'A', 'V', '0', '1' }, 6, TS_STREAM_VIDEO, CODECS, "av1" },
	{ 0x06, { 5, 4, 'C', 'U', 'E', 'I' }, 6, TS_STREAM_DATA, CODECS, NULL },
	{ 0x06, { 5, 3, 'A', 'V', '0' }, 5, TS_STREAM_DATA, CODECS, NULL },
	{ 0x06, { 0x6a, 0 }, 2, TS_STREAM_AUDIO, CODECS, "ac3" },
	{ 0x06, { 0x7a, 0 }, 2, TS_STREAM_AUDIO, CODECS, "eac3" },
	{ 0x06, { 0x7b, 0 }, 2, TS_STREAM_AUDIO, CODECS, "dts" },
	{ 0x06, { 0x0a, 4, 'j', 'p', 'n', 0 }, 6, TS_STREAM_DATA, CODECS, NULL }, /* a language */
	{ 0x06, { 0x0a, 9, 'j' }, 3, TS_STREAM_DATA, CODECS, NULL },		  /* longer than all */
	{ 0x06, { 0x6a, 0, 0x0a }, 3, TS_STREAM_AUDIO, CODECS, "ac3" },		  /* half a descriptor behind */
	{ 0x06, { 5, 4, 'O', 'p', 'u', 's' }, 6, TS_STREAM_AUDIO, CODECS, "opus" },
	{ 0x06, { 5, 4, 'O', 'p', 'u', 's', 0x7f, 2, 0x80, 2 }, 10, TS_STREAM_AUDIO, CODEC_OPUS, "opus" },
	{ 0x06, { 5, 4, 'O', 'p', 'u', 's', 0x7f, 2, 0x81, 2 }, 10, TS_STREAM_AUDIO, CODECS, "opus" },
	{ 0x06, { 5, 4, 'O', 'p', 'u', 's', 0x7f, 1, 0x80 }, 9, TS_STREAM_AUDIO, CODECS, "opus" },
	{ 0x06, { 5, 4, 'A', 'C', '-', '3', 0x7f, 2, 0x80, 2 }, 10, TS_STREAM_AUDIO, CODECS, "ac3" },
	{ 0x06, { 0x7f, 2, 0x80, 2 }, 4, TS_STREAM_DATA, CODECS, NULL },
};

static void streams_say_what_they_are(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(types); i++) {
		uint8_t section[64];
		struct ts_pmt pmt;
		const struct ts_pmt_stream *s = &pmt.streams[0];
		size_t len = make_pmt(section, types[i].type, types[i].descriptors, types[i].len);

		assert_int_equal(ts_pmt_parse(&pmt, section, len), PARSE_OK);
		assert_int_equal(pmt.n_streams, 1);
		assert_int_equal(s->pid, VIDEO_PID);
		if (s->kind != types[i].kind || s->codec != types[i].codec ||
		    s->is_relayed != (types[i].codec != CODECS))
			fail_msg("row %zu", i);
		if (types[i].name)
			assert_string_equal(s->codec_name, types[i].name);
		else
			assert_null(s->codec_name);
	}
}

/* channel_config_code */
static const struct {
	uint8_t code;
	bool is_known;
	uint8_t channels, family, streams, coupled, last; /* last: of the mapping */
} layouts[] = {
	{ 0, true, 2, 0, 0, 0, 0 },
	{ 1, true, 1, 0, 0, 0, 0 },
	{ 2, true, 2, 0, 0, 0, 0 },
	{ 3, true, 3, 1, 2, 1, 1 },
	{ 6, true, 6, 1, 4, 2, 5 },
	{ 8, true, 8, 1, 5, 3, 7 },
	{ 9, false, 0, 0, 0, 0, 0 },
	{ 0x12, false, 0, 0, 0, 0, 0 },
	{ 0x81, false, 0, 0, 0, 0, 0 }, /* spelled out */
	{ 0x82, true, 2, 1, 2, 0, 1 },
	{ 0x88, true, 8, 1, 8, 0, 7 },
	{ 0x89, false, 0, 0, 0, 0, 0 },
	{ 0xff, false, 0, 0, 0, 0, 0 },
};

static void opus_layouts_are_told_by_a_code(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(layouts); i++) {
		const uint8_t descriptors[] = { 5, 4, 'O', 'p', 'u', 's', 0x7f, 2, 0x80, layouts[i].code };
		uint8_t section[64];
		struct ts_pmt pmt;
		const struct opus_config *c = &pmt.streams[0].opus;
		size_t len = make_pmt(section, 0x06, descriptors, sizeof(descriptors));

		assert_int_equal(ts_pmt_parse(&pmt, section, len), PARSE_OK);
		assert_int_equal(pmt.streams[0].is_relayed, layouts[i].is_known);
		if (!layouts[i].is_known)
			continue;
		assert_int_equal(c->channels, layouts[i].channels);
		assert_int_equal(c->mapping_family, layouts[i].family);
		if (c->mapping_family == 0)
			continue;
		assert_int_equal(c->streams, layouts[i].streams);
		assert_int_equal(c->coupled, layouts[i].coupled);
		assert_int_equal(c->mapping[c->channels - 1], layouts[i].last);
	}
}

/* Every code that is known comes back; 0 as the pair that it is. A layout that no code names keeps its channels. */
static void opus_layouts_are_written_and_read_again(void **state)
{
	struct ts_pmt in = { .program = 1, .pcr_pid = VIDEO_PID, .n_streams = 1 };
	struct ts_pmt out;
	uint8_t section[TS_SECTION_MAX_BYTES];

	(void)state;
	for (unsigned code = 1; code <= 0x88; code++) {
		const uint8_t descriptors[] = { 5, 4, 'O', 'p', 'u', 's', 0x7f, 2, 0x80, (uint8_t)code };

		assert_int_equal(ts_pmt_parse(&in, section, make_pmt(section, 6, descriptors, 10)), PARSE_OK);
		if (!in.streams[0].is_relayed)
			continue;
		assert_int_equal(ts_pmt_parse(&out, section, ts_pmt_write(section, &in)), PARSE_OK);
		assert_true(opus_config_is_equal(&out.streams[0].opus, &in.streams[0].opus));
	}
	in.streams[0].opus.channels = in.streams[0].opus.streams = 3;
	in.streams[0].opus.coupled = 0;
	in.streams[0].opus.mapping[2] = 0;
	assert_int_equal(ts_pmt_parse(&out, section, ts_pmt_write(section, &in)), PARSE_OK);
	assert_int_equal(out.streams[0].opus.channels, 3);
	assert_int_equal(out.streams[0].opus.streams, 2);
}

/* One byte of a PMT with one stream is another; the stream's entry begins at 12. */
static const struct {
	const char *name;
	size_t at;
	uint8_t byte;
	enum parse_result want;
	size_t n_streams;
} pmt_changes[] = {
	{ "nothing", 0, 2, PARSE_OK, 1 },
	{ "another table", 0, 0, PARSE_MORE, 0 },
	{ "not yet valid", 5, 0xc0, PARSE_MORE, 0 },
	{ "descriptors of the program longer than all", 11, 6, PARSE_BAD, 0 },
	{ "descriptors of the program in the stream's place", 11, 5, PARSE_OK, 0 },
	{ "descriptors of the stream longer than all", PMT_STREAMS_AT + 4, 1, PARSE_BAD, 0 },
};

static void map_tables_whose_lengths_lie(void **state)
{
	uint8_t section[TS_SECTION_MAX_BYTES];
	struct ts_pmt pmt;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(pmt_changes); i++) {
		size_t len = make_pmt(section, 0x1b, NULL, 0);

		section[pmt_changes[i].at] = pmt_changes[i].byte;
		if (ts_pmt_parse(&pmt, section, len) != pmt_changes[i].want)
			fail_msg("%s: result", pmt_changes[i].name);
		if (pmt.n_streams != pmt_changes[i].n_streams)
			fail_msg("%s: %zu streams", pmt_changes[i].name, pmt.n_streams);
	}
	make_pmt(section, 0x1b, NULL, 0);
	assert_int_equal(ts_pmt_parse(&pmt, section, 8 + 3 + CRC_BYTES), PARSE_BAD); /* no room for its own header */
}

static void no_more_than_32_streams_are_looked_at(void **state)
{
	struct ts_pmt in = { .program = 1, .pcr_pid = VIDEO_PID, .n_streams = TS_PMT_MAX_STREAMS };
	uint8_t section[TS_SECTION_MAX_BYTES];
	struct ts_pmt out;
	size_t len;

	(void)state;
	for (size_t i = 0; i < TS_PMT_MAX_STREAMS; i++)
		in.streams[i] = (struct ts_pmt_stream){ .pid = (uint16_t)(VIDEO_PID + i), .codec = CODEC_AAC };
	len = ts_pmt_write(section, &in);
	memcpy(section + len - CRC_BYTES, section + PMT_STREAMS_AT, 5);
	assert_int_equal(ts_pmt_parse(&out, section, len + 5), PARSE_OK);
	assert_int_equal(out.n_streams, TS_PMT_MAX_STREAMS);
	assert_int_equal(out.streams[TS_PMT_MAX_STREAMS - 1].pid, VIDEO_PID + TS_PMT_MAX_STREAMS - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sections_of_every_length),
		cmocka_unit_test(sections_lie_behind_each_other),
		cmocka_unit_test(what_is_not_whole_is_dropped),
		cmocka_unit_test(bad_sections_are_counted),
		cmocka_unit_test(association_tables),
		cmocka_unit_test(the_first_program_is_taken),
		cmocka_unit_test(streams_say_what_they_are),
		cmocka_unit_test(opus_layouts_are_told_by_a_code),
		cmocka_unit_test(opus_layouts_are_written_and_read_again),
		cmocka_unit_test(map_tables_whose_lengths_lie),
		cmocka_unit_test(no_more_than_32_streams_are_looked_at),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
