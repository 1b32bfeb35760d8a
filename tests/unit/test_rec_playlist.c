/* SPDX-License-Identifier: Apache-2.0 */
#include "packager/rec_playlist.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/attr.h"
#include "tests/unit/part_fixture.h"

/* An index without files: fragments of 1000 bytes and 0.5 s, independent ones every `gop`th. */
static void add_stretch(struct rec_index *index, unsigned number, size_t fragments, size_t gop, bool has_video)
{
	struct rec_index_stretch *s = rec_index_add_stretch(index, number);

	assert_non_null(s);
	s->has_init = true;
	s->init.bytes = 700;
	s->tracks[TRACK_VIDEO] = has_video ? fixture_video() : NULL;
	s->tracks[TRACK_AUDIO] = fixture_audio();
	s->fragments = calloc(fragments, sizeof(*s->fragments));
	assert_non_null(s->fragments);
	s->count = s->capacity = fragments;
	for (size_t i = 0; i < fragments; i++)
		s->fragments[i] = (struct rec_fragment){ .offset = 700 + 1000 * i,
			.moof_bytes = 100,
			.mdat_bytes = 900,
			.start_90k = (int64_t)i * 45000,
			.duration_90k = 45000,
			.wall_ms = INT64_C(1788264000000) + (int64_t)number * 100000 + (int64_t)i * 500,
			.is_independent = i % gop == 0 };
}

static void begin(struct rec_index *index, enum rec_state state)
{
	rec_index_init(index);
	index->info.segment_ms = 2000;
	index->info.state = state;
}

static char *write_text(const struct rec_index *index, struct rec_playlist p, const struct rec_range *range)
{
	struct rec_segments segments;
	struct bytes_writer w;
	char *text;

	rec_segments_init(&segments);
	assert_int_equal(rec_segments_make(&segments, index, range), 0);
	p.index = index;
	p.segments = &segments;
	p.is_open = range->is_open;
	bytes_writer_init_growing(&w, REC_PLAYLIST_MAX_BYTES);
	assert_int_equal(rec_playlist_write_media(&w, &p), 0);
	text = calloc(1, w.len + 1);
	assert_non_null(text);
	memcpy(text, w.data, w.len);
	bytes_writer_fini(&w);
	rec_segments_fini(&segments);
	return text;
}

static void a_finished_recording_is_an_event_that_ended(void **state)
{
	static const char wanted[] = "#EXTM3U\n"
				     "#EXT-X-VERSION:6\n"
				     "#EXT-X-TARGETDURATION:4\n"
				     "#EXT-X-PLAYLIST-TYPE:EVENT\n"
				     "#EXT-X-MEDIA-SEQUENCE:0\n"
				     "#EXT-X-START:TIME-OFFSET=0\n"
				     "#EXT-X-SERVER-CONTROL:CAN-SKIP-UNTIL=24.0\n"
				     "#EXT-X-MAP:URI=\"0001.mp4\",BYTERANGE=\"700@0\"\n"
				     "#EXT-X-PROGRAM-DATE-TIME:2026-09-01T12:01:40.000Z\n"
				     "#EXTINF:2.00000,\n"
				     "#EXT-X-BYTERANGE:4000@700\n"
				     "0001.mp4\n"
				     "#EXT-X-PROGRAM-DATE-TIME:2026-09-01T12:01:42.000Z\n"
				     "#EXTINF:0.50000,\n"
				     "#EXT-X-BYTERANGE:1000@4700\n"
				     "0001.mp4\n"
				     "#EXT-X-DISCONTINUITY\n"
				     "#EXT-X-MAP:URI=\"0003.mp4\",BYTERANGE=\"700@0\"\n"
				     "#EXT-X-PROGRAM-DATE-TIME:2026-09-01T12:05:00.000Z\n"
				     "#EXTINF:1.00000,\n"
				     "#EXT-X-BYTERANGE:2000@700\n"
				     "0003.mp4\n"
				     "#EXT-X-ENDLIST\n";
	struct rec_playlist p = { .prefix = "" };
	struct rec_index index;
	struct rec_range range;
	char *text;

	(void)state;
	begin(&index, REC_SAVED);
	add_stretch(&index, 1, 5, 4, true);
	add_stretch(&index, 2, 0, 1, true); /* nothing in it: it is not named */
	add_stretch(&index, 3, 2, 4, true);
	range = rec_range_whole(&index);
	text = write_text(&index, p, &range);
	assert_string_equal(text, wanted);
	free(text);
	rec_index_fini(&index);
}

/* How long each segment is, in fragments, by the cutter's rule. */
static void segments_are_cut_by_the_cutters_rule(void **state)
{
	static const struct {
		size_t fragments;
		size_t gop;
		bool has_video;
		size_t lengths[6];
	} table[] = {
		{ 12, 4, true, { 4, 4, 4 } },  /* a key frame every 2 s */
		{ 12, 1, true, { 4, 4, 4 } },  /* every 0.5 s: after 2 s all the same */
		{ 15, 5, true, { 5, 5, 5 } },  /* every 2.5 s: the first one after 2 s */
		{ 20, 7, true, { 7, 7, 6 } },  /* every 3.5 s */
		{ 20, 20, true, { 8, 8, 4 } }, /* every 10 s: at 4 s without one */
		{ 10, 1, false, { 4, 4, 2 } }, /* sound alone */
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct rec_segments segments;
		struct rec_index index;
		struct rec_range range;
		uint64_t offset = 700;

		begin(&index, REC_SAVED);
		add_stretch(&index, 1, table[i].fragments, table[i].gop, table[i].has_video);
		range = rec_range_whole(&index);
		rec_segments_init(&segments);
		assert_int_equal(rec_segments_make(&segments, &index, &range), 0);
		for (size_t n = 0; n < segments.count; n++) {
			assert_int_equal(segments.list[n].bytes, table[i].lengths[n] * 1000);
			assert_int_equal(segments.list[n].offset, offset);
			offset += segments.list[n].bytes;
		}
		assert_int_equal(offset, 700 + 1000 * table[i].fragments);
		rec_segments_fini(&segments);
		rec_index_fini(&index);
	}
}

/* Each playlist of a growing recording is the beginning of the next one, and never names what may still change. */
static void a_running_recording_only_grows(void **state)
{
	struct rec_playlist p = { .prefix = "" };
	char *before = NULL;

	(void)state;
	for (size_t n = 5; n < 60; n++) {
		struct rec_index index;
		struct rec_range range;
		char *text;

		begin(&index, REC_RECORDING);
		add_stretch(&index, 1, n < 30 ? n : 30, 5, true);
		if (n > 30)
			add_stretch(&index, 2, n - 30, 5, true);
		range = rec_range_whole(&index);
		if (n == 5) {
			struct rec_segments none;

			rec_segments_init(&none);
			assert_int_equal(rec_segments_make(&none, &index, &range), 0);
			assert_int_equal(none.count, 0);
			rec_segments_fini(&none);
			rec_index_fini(&index);
			continue;
		}
		text = write_text(&index, p, &range);
		assert_non_null(strstr(text, "#EXT-X-PLAYLIST-TYPE:EVENT\n"));
		assert_null(strstr(text, "ENDLIST"));
		assert_null(strstr(text, "INDEPENDENT-SEGMENTS"));
		assert_true(!before || strncmp(text, before, strlen(before)) == 0);
		free(before);
		before = text;
		if (n == 59) {
			index.info.state = REC_SAVED;
			range = rec_range_whole(&index);
			text = write_text(&index, p, &range);
			assert_int_equal(strncmp(text, before, strlen(before)), 0);
			assert_non_null(strstr(text + strlen(before), "#EXT-X-ENDLIST\n"));
			free(text);
		}
		rec_index_fini(&index);
	}
	free(before);
}

/* Whatever comes, while it comes: RFC 8216bis §6.2.1. */
static void the_target_duration_of_a_running_recording_is_constant(void **state)
{
	struct rec_playlist p = { .prefix = "" };
	struct rec_index index;
	struct rec_range range;
	char *text;

	(void)state;
	begin(&index, REC_RECORDING);
	add_stretch(&index, 1, 12, 4, true);
	index.stretches[0].fragments[2].duration_90k = 6 * 90000;
	range = rec_range_whole(&index);
	text = write_text(&index, p, &range);
	assert_non_null(strstr(text, "#EXT-X-TARGETDURATION:4\n"));
	free(text);
	index.info.state = REC_SAVED;
	range = rec_range_whole(&index);
	text = write_text(&index, p, &range);
	assert_non_null(strstr(text, "#EXT-X-TARGETDURATION:6\n"));
	free(text);
	rec_index_fini(&index);
}

/* What is left out and what is there are the whole. */
static void a_delta_leaves_out_what_is_old(void **state)
{
	struct rec_playlist p = { .prefix = "" };
	struct rec_index index;
	struct rec_range range;
	unsigned skipped = 0;
	const char *at;
	char *whole;
	char *delta;

	(void)state;
	begin(&index, REC_RECORDING);
	add_stretch(&index, 1, 401, 4, true);
	range = rec_range_whole(&index);
	whole = write_text(&index, p, &range);
	p.wants_skip = true;
	delta = write_text(&index, p, &range);
	assert_non_null(strstr(whole, "#EXT-X-SERVER-CONTROL:CAN-SKIP-UNTIL=24.0\n"));
	assert_null(strstr(whole, "#EXT-X-SKIP"));
	assert_non_null(strstr(delta, "#EXT-X-VERSION:9\n"));
	at = strstr(delta, "#EXT-X-SKIP:SKIPPED-SEGMENTS=");
	assert_non_null(at);
	assert_int_equal(sscanf(at, "#EXT-X-SKIP:SKIPPED-SEGMENTS=%u", &skipped), 1);
	assert_int_equal(skipped, 100 - 12); /* 24 s stay */
	at = strchr(at, '\n') + 1;
	assert_string_equal(at, whole + strlen(whole) - strlen(at));
	free(delta);

	index.info.state = REC_SAVED; /* what is over has no delta */
	range = rec_range_whole(&index);
	delta = write_text(&index, p, &range);
	assert_null(strstr(delta, "EXT-X-SKIP"));
	free(delta);
	free(whole);
	rec_index_fini(&index);
}

static void the_multivariant_playlist_says_what_is_in_it(void **state)
{
	struct rec_segments segments;
	struct rec_index index;
	struct rec_range range;
	struct rec_playlist p = { .index = &index, .segments = &segments, .prefix = "x/" };
	struct bytes_writer w;
	char text[512];

	(void)state;
	begin(&index, REC_SAVED);
	add_stretch(&index, 1, 4, 1, false);
	add_stretch(&index, 2, 8, 4, true);
	track_unref(index.stretches[1].tracks[TRACK_VIDEO]);
	index.stretches[1].tracks[TRACK_VIDEO] = fixture_video_large();
	index.stretches[1].fragments[0].mdat_bytes = 4900;
	range = rec_range_whole(&index);
	rec_segments_init(&segments);
	assert_int_equal(rec_segments_make(&segments, &index, &range), 0);
	bytes_writer_init_fixed(&w, text, sizeof(text) - 1);
	assert_int_equal(rec_playlist_write_main(&w, &p), 0);
	text[w.len] = '\0';
	assert_string_equal(text,
	    "#EXTM3U\n#EXT-X-VERSION:6\n#EXT-X-INDEPENDENT-SEGMENTS\n"
	    "#EXT-X-STREAM-INF:BANDWIDTH=32000,AVERAGE-BANDWIDTH=21333,CODECS=\"avc1.4D401F,mp4a.40.2\","
	    "RESOLUTION=1280x720,FRAME-RATE=25.000\nx/main.m3u8\n");
	segments.count = 0;
	bytes_writer_reset(&w);
	assert_int_equal(rec_playlist_write_main(&w, &p), -ENOENT);
	assert_int_equal(rec_playlist_write_media(&w, &p), -ENOENT);
	rec_segments_fini(&segments);
	rec_index_fini(&index);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_finished_recording_is_an_event_that_ended),
		cmocka_unit_test(segments_are_cut_by_the_cutters_rule),
		cmocka_unit_test(a_running_recording_only_grows),
		cmocka_unit_test(the_target_duration_of_a_running_recording_is_constant),
		cmocka_unit_test(a_delta_leaves_out_what_is_old),
		cmocka_unit_test(the_multivariant_playlist_says_what_is_in_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
