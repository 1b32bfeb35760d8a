/* SPDX-License-Identifier: Apache-2.0 */
#include "packager/playlist.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/attr.h"
#include "tests/unit/part_fixture.h"

static void assert_text(const struct bytes_writer *w, const char *expected)
{
	if (w->len != strlen(expected) || memcmp(w->data, expected, w->len) != 0)
		fail_msg("expected\n%s\nbut it is\n%.*s", expected, (int)w->len, (const char *)w->data);
}

static void media_playlist_line_by_line(void **state)
{
	static const struct playlist_segment segments[] = {
		{ .msn = 41,
		    .duration_90k = 180000,
		    .wall_ms = 1790000000007,
		    .init_version = 1,
		    .is_independent = true },
		{ .msn = 42,
		    .duration_90k = 63001,
		    .wall_ms = 1790000002007,
		    .init_version = 1,
		    .is_independent = true },
		{ .msn = 43,
		    .duration_90k = 360000,
		    .wall_ms = -1,
		    .init_version = 2,
		    .is_discontinuity = true,
		    .is_independent = true },
	};
	struct playlist_media p = { .epoch = "k3z",
		.target_duration_s = 4,
		.discontinuity_sequence = 5,
		.segments = segments,
		.segment_count = 3,
		.is_ended = true };
	struct bytes_writer w;

	(void)state;
	bytes_writer_init_growing(&w, PLAYLIST_MAX_BYTES);
	assert_int_equal(playlist_write_media(&w, &p), 0);
	assert_text(&w,
	    "#EXTM3U\n#EXT-X-VERSION:6\n#EXT-X-TARGETDURATION:4\n#EXT-X-MEDIA-SEQUENCE:41\n"
	    "#EXT-X-DISCONTINUITY-SEQUENCE:5\n#EXT-X-INDEPENDENT-SEGMENTS\n"
	    "#EXT-X-MAP:URI=\"init-k3z-1.mp4\"\n#EXT-X-PROGRAM-DATE-TIME:2026-09-21T14:13:20.007Z\n"
	    "#EXTINF:2.00000,\nseg-k3z-41.m4s\n"
	    "#EXT-X-PROGRAM-DATE-TIME:2026-09-21T14:13:22.007Z\n#EXTINF:0.70001,\nseg-k3z-42.m4s\n"
	    "#EXT-X-DISCONTINUITY\n#EXT-X-MAP:URI=\"init-k3z-2.mp4\"\n#EXTINF:4.00000,\nseg-k3z-43.m4s\n"
	    "#EXT-X-ENDLIST\n");
	bytes_writer_fini(&w);
}

/* Segments of 4 s with two parts of 2 s each, and an open one with one. */
static void fill_low_latency(struct playlist_media *p, struct playlist_segment *segments, struct playlist_part *parts)
{
	for (size_t i = 0; i < 6; i++) {
		for (size_t k = 0; k < 2; k++)
			parts[2 * i + k] = (struct playlist_part){ .sequence = (uint32_t)(101 + 2 * i + k),
				.is_independent = k == 0,
				.duration_90k = 180000 };
		segments[i] = (struct playlist_segment){ .msn = 10 + i,
			.duration_90k = i < 5 ? 360000 : 180000,
			.wall_ms = -1,
			.init_version = 1,
			.is_independent = true,
			.parts = &parts[2 * i],
			.part_count = i < 5 ? 2 : 1 };
	}
	*p = (struct playlist_media){ .epoch = "k",
		.target_duration_s = 4,
		.segments = segments,
		.segment_count = 5,
		.part_target_90k = 180000,
		.open = &segments[5],
		.hint_sequence = 112 };
}

static void low_latency_line_by_line(void **state)
{
	static const struct playlist_report reports[] = {
		{ .uri = "../480p/main.m3u8", .last_msn = 15, .last_part = 0 },
		{ .uri = "audio.m3u8", .last_msn = 14, .last_part = -1 },
	};
	struct playlist_segment segments[6];
	struct playlist_part parts[12];
	struct playlist_media p;
	struct bytes_writer w;

	(void)state;
	fill_low_latency(&p, segments, parts);
	p.reports = reports;
	p.report_count = 2;
	segments[5].is_discontinuity = true;
	segments[5].init_version = 2;
	segments[5].wall_ms = 1790000000007;
	bytes_writer_init_growing(&w, PLAYLIST_MAX_BYTES);
	assert_int_equal(playlist_write_media(&w, &p), 0);
	assert_text(&w,
	    "#EXTM3U\n#EXT-X-VERSION:6\n#EXT-X-TARGETDURATION:4\n"
	    "#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,PART-HOLD-BACK=6.00000,HOLD-BACK=12\n"
	    "#EXT-X-PART-INF:PART-TARGET=2.00000\n"
	    "#EXT-X-MEDIA-SEQUENCE:10\n#EXT-X-DISCONTINUITY-SEQUENCE:0\n#EXT-X-INDEPENDENT-SEGMENTS\n"
	    "#EXT-X-MAP:URI=\"init-k-1.mp4\"\n#EXTINF:4.00000,\nseg-k-10.m4s\n"
	    "#EXTINF:4.00000,\nseg-k-11.m4s\n"
	    "#EXT-X-PART:DURATION=2.00000,URI=\"part-k-105.m4s\",INDEPENDENT=YES\n"
	    "#EXT-X-PART:DURATION=2.00000,URI=\"part-k-106.m4s\"\n#EXTINF:4.00000,\nseg-k-12.m4s\n"
	    "#EXT-X-PART:DURATION=2.00000,URI=\"part-k-107.m4s\",INDEPENDENT=YES\n"
	    "#EXT-X-PART:DURATION=2.00000,URI=\"part-k-108.m4s\"\n#EXTINF:4.00000,\nseg-k-13.m4s\n"
	    "#EXT-X-PART:DURATION=2.00000,URI=\"part-k-109.m4s\",INDEPENDENT=YES\n"
	    "#EXT-X-PART:DURATION=2.00000,URI=\"part-k-110.m4s\"\n#EXTINF:4.00000,\nseg-k-14.m4s\n"
	    "#EXT-X-DISCONTINUITY\n#EXT-X-MAP:URI=\"init-k-2.mp4\"\n"
	    "#EXT-X-PROGRAM-DATE-TIME:2026-09-21T14:13:20.007Z\n"
	    "#EXT-X-PART:DURATION=2.00000,URI=\"part-k-111.m4s\",INDEPENDENT=YES\n"
	    "#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"part-k-112.m4s\"\n"
	    "#EXT-X-RENDITION-REPORT:URI=\"../480p/main.m3u8\",LAST-MSN=15,LAST-PART=0\n"
	    "#EXT-X-RENDITION-REPORT:URI=\"audio.m3u8\",LAST-MSN=14\n");
	bytes_writer_fini(&w);
}

static const char *written(struct bytes_writer *w, const struct playlist_media *p)
{
	bytes_writer_reset(w);
	assert_int_equal(playlist_write_media(w, p), 0);
	bytes_put_u8(w, 0);
	assert_false(w->is_full);
	return (const char *)w->data;
}

static void part_target_is_the_longest_part_in_it(void **state)
{
	struct playlist_segment segments[6];
	struct playlist_part parts[12];
	struct playlist_media p;
	struct bytes_writer w;

	(void)state;
	fill_low_latency(&p, segments, parts);
	bytes_writer_init_growing(&w, PLAYLIST_MAX_BYTES);
	p.part_target_90k = 45000;
	for (size_t i = 0; i < 12; i++)
		parts[i].duration_90k = 45000;
	parts[10].duration_90k = 45001; /* rounded as it is written: 0.50001 */
	assert_non_null(
	    strstr(written(&w, &p), "PART-HOLD-BACK=1.50003,HOLD-BACK=12\n#EXT-X-PART-INF:PART-TARGET=0.50001\n"));
	parts[10].duration_90k = 100;
	parts[9].duration_90k = 90000;
	assert_non_null(
	    strstr(written(&w, &p), "PART-HOLD-BACK=3.00000,HOLD-BACK=12\n#EXT-X-PART-INF:PART-TARGET=1.00000\n"));
	parts[9].duration_90k = 45000;
	parts[3].duration_90k = 90000; /* of a segment whose parts are not written any more */
	assert_non_null(strstr(written(&w, &p), "PART-TARGET=0.50000\n"));
	bytes_writer_fini(&w);
}

static void an_ended_playlist_hints_at_nothing(void **state)
{
	struct playlist_segment segments[6];
	struct playlist_part parts[12];
	struct playlist_media p;
	struct bytes_writer w;

	(void)state;
	fill_low_latency(&p, segments, parts);
	bytes_writer_init_growing(&w, PLAYLIST_MAX_BYTES);
	p.open = NULL;
	p.is_ended = true;
	assert_null(strstr(written(&w, &p), "PRELOAD-HINT"));
	assert_non_null(strstr(written(&w, &p), "seg-k-14.m4s\n#EXT-X-ENDLIST\n"));
	p.is_ended = false;
	assert_non_null(
	    strstr(written(&w, &p), "seg-k-14.m4s\n#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"part-k-112.m4s\"\n"));
	p.open = &segments[5];
	segments[5].is_independent = false;
	assert_null(strstr(written(&w, &p), "INDEPENDENT-SEGMENTS"));
	bytes_writer_fini(&w);
}

static void delta_updates_leave_out_what_is_old(void **state)
{
	struct playlist_segment segments[20];
	struct playlist_media p = {
		.epoch = "k", .target_duration_s = 4, .segments = segments, .segment_count = 20, .skip_until_s = 24
	};
	struct bytes_writer w;

	(void)state;
	for (size_t i = 0; i < 20; i++)
		segments[i] = (struct playlist_segment){ .msn = i,
			.duration_90k = 180000,
			.wall_ms = -1,
			.init_version = i < 4 ? 1 : 2,
			.is_independent = true };
	segments[4].is_discontinuity = true;
	bytes_writer_init_growing(&w, PLAYLIST_MAX_BYTES);
	/* segment 7 ends 24 s before the end */
	assert_int_equal(playlist_count_skippable(&p), 8);
	assert_non_null(strstr(written(&w, &p),
	    "#EXT-X-VERSION:6\n#EXT-X-TARGETDURATION:4\n"
	    "#EXT-X-SERVER-CONTROL:CAN-SKIP-UNTIL=24,HOLD-BACK=12\n"));
	assert_null(strstr(written(&w, &p), "#EXT-X-SKIP"));
	assert_non_null(strstr(written(&w, &p), "seg-k-0.m4s"));
	p.is_delta = true;
	assert_non_null(strstr(written(&w, &p), "#EXT-X-VERSION:9\n"));
	assert_non_null(strstr(written(&w, &p),
	    "#EXT-X-MEDIA-SEQUENCE:0\n#EXT-X-DISCONTINUITY-SEQUENCE:0\n"
	    "#EXT-X-INDEPENDENT-SEGMENTS\n#EXT-X-SKIP:SKIPPED-SEGMENTS=8\n"
	    "#EXT-X-MAP:URI=\"init-k-2.mp4\"\n#EXTINF:2.00000,\nseg-k-8.m4s\n"));
	segments[19].duration_90k -= 1; /* now it ends a hair later than that */
	assert_int_equal(playlist_count_skippable(&p), 7);
	p.segment_count = 12;
	assert_int_equal(playlist_count_skippable(&p), 0);
	assert_non_null(strstr(written(&w, &p), "#EXT-X-VERSION:6\n"));
	assert_null(strstr(written(&w, &p), "#EXT-X-SKIP"));
	p.skip_until_s = 0;
	p.segment_count = 20;
	assert_int_equal(playlist_count_skippable(&p), 0);
	assert_null(strstr(written(&w, &p), "SERVER-CONTROL"));
	bytes_writer_fini(&w);
}

static void one_dependent_segment_takes_the_tag_away(void **state)
{
	static const struct playlist_segment segments[] = {
		{ .msn = 1, .duration_90k = 180000, .wall_ms = -1, .init_version = 1, .is_independent = true },
		{ .msn = 2, .duration_90k = 180000, .wall_ms = -1, .init_version = 1 },
	};
	const struct playlist_media p = {
		.epoch = "a", .target_duration_s = 4, .segments = segments, .segment_count = 2
	};
	struct bytes_writer w;
	uint8_t small[100];

	(void)state;
	bytes_writer_init_growing(&w, PLAYLIST_MAX_BYTES);
	assert_int_equal(playlist_write_media(&w, &p), 0);
	bytes_put_u8(&w, 0);
	assert_null(strstr((const char *)w.data, "INDEPENDENT"));
	assert_null(strstr((const char *)w.data, "ENDLIST"));
	bytes_writer_fini(&w);
	bytes_writer_init_fixed(&w, small, sizeof(small));
	assert_int_equal(playlist_write_media(&w, &p), -ENOMEM);
}

static void main_playlist_names_what_is_in_it(void **state)
{
	struct track *video = fixture_video();
	struct track *audio = fixture_audio();
	const struct playlist_variant variants[] = {
		{ .uri = "main.m3u8", .video = video, .audio = audio, .peak_bps = 2000000, .average_bps = 1500000 },
		{ .uri = "audio.m3u8", .audio = audio, .peak_bps = 130000, .average_bps = 128000, .fps_milli = 30000 },
	};
	const struct playlist_main p = { .variants = variants, .variant_count = 2, .is_independent = true };
	struct bytes_writer w;

	(void)state;
	bytes_writer_init_growing(&w, PLAYLIST_MAX_BYTES);
	assert_int_equal(playlist_write_main(&w, &p), 0);
	assert_text(&w,
	    "#EXTM3U\n#EXT-X-VERSION:6\n#EXT-X-INDEPENDENT-SEGMENTS\n"
	    "#EXT-X-STREAM-INF:BANDWIDTH=2000000,AVERAGE-BANDWIDTH=1500000,CODECS=\"avc1.42C01E,mp4a.40.2\","
	    "RESOLUTION=640x360,FRAME-RATE=30.000\nmain.m3u8\n"
	    "#EXT-X-STREAM-INF:BANDWIDTH=130000,AVERAGE-BANDWIDTH=128000,CODECS=\"mp4a.40.2\"\naudio.m3u8\n");
	bytes_writer_fini(&w);
	track_unref(video);
	track_unref(audio);
}

static void frame_rate_is_measured_when_the_stream_is_silent(void **state)
{
	struct track *video = fixture_video();
	struct playlist_variant variant = {
		.uri = "main.m3u8", .video = video, .peak_bps = 1, .average_bps = 1, .fps_milli = 29985
	};
	const struct playlist_main p = { .variants = &variant, .variant_count = 1 };
	struct bytes_writer w;

	(void)state;
	video->fps_num = 0;
	video->fps_den = 0;
	bytes_writer_init_growing(&w, PLAYLIST_MAX_BYTES);
	assert_int_equal(playlist_write_main(&w, &p), 0);
	bytes_put_u8(&w, 0);
	assert_non_null(strstr((const char *)w.data, ",FRAME-RATE=29.985\n"));
	video->fps_num = 30000;
	video->fps_den = 1001;
	bytes_writer_reset(&w);
	assert_int_equal(playlist_write_main(&w, &p), 0);
	bytes_put_u8(&w, 0);
	assert_non_null(strstr((const char *)w.data, ",FRAME-RATE=29.970\n"));
	assert_null(strstr((const char *)w.data, "INDEPENDENT"));
	bytes_writer_fini(&w);
	track_unref(video);
}

static void names_are_read_as_they_are_written(void **state)
{
	static const struct {
		const char *text;
		enum playlist_kind kind;
		const char *epoch;
		uint64_t number;
	} cases[] = {
		{ "index.m3u8", PLAYLIST_MAIN, "", 0 },
		{ "main.m3u8", PLAYLIST_MEDIA, "", 0 },
		{ "init-k3z-1.mp4", PLAYLIST_INIT, "k3z", 1 },
		{ "seg-k3z-0.m4s", PLAYLIST_SEGMENT, "k3z", 0 },
		{ "seg-0-18446744073709551615.m4s", PLAYLIST_SEGMENT, "0", UINT64_MAX },
		{ "seg-abcdefghijklmno-7.m4s", PLAYLIST_SEGMENT, "abcdefghijklmno", 7 },
		{ "part-k3z-9.m4s", PLAYLIST_PART, "k3z", 9 },
		{ "part-k3z-18446744073709551615.m4s", PLAYLIST_PART, "k3z", UINT64_MAX },
		{ "part-k3z-09.m4s", PLAYLIST_NONE, "", 0 },
		{ "part-k3z-9.mp4", PLAYLIST_NONE, "", 0 },
		{ "part-k3z-9-1.m4s", PLAYLIST_NONE, "", 0 },
		{ "part-9.m4s", PLAYLIST_NONE, "", 0 },
		{ "", PLAYLIST_NONE, "", 0 },
		{ "index.m3u8 ", PLAYLIST_NONE, "", 0 },
		{ "INDEX.M3U8", PLAYLIST_NONE, "", 0 },
		{ "main.m3u", PLAYLIST_NONE, "", 0 },
		{ "seg-k3z-01.m4s", PLAYLIST_NONE, "", 0 },
		{ "seg-k3z-00.m4s", PLAYLIST_NONE, "", 0 },
		{ "seg-k3z-+1.m4s", PLAYLIST_NONE, "", 0 },
		{ "seg-k3z--1.m4s", PLAYLIST_NONE, "", 0 },
		{ "seg-k3z-1.m4s2", PLAYLIST_NONE, "", 0 },
		{ "seg-k3z-1.mp4", PLAYLIST_NONE, "", 0 },
		{ "seg-k3z-.m4s", PLAYLIST_NONE, "", 0 },
		{ "seg--1.m4s", PLAYLIST_NONE, "", 0 },
		{ "seg-K3Z-1.m4s", PLAYLIST_NONE, "", 0 },
		{ "seg-k/z-1.m4s", PLAYLIST_NONE, "", 0 },
		{ "seg-abcdefghijklmnop-7.m4s", PLAYLIST_NONE, "", 0 },
		{ "seg-0-18446744073709551616.m4s", PLAYLIST_NONE, "", 0 },
		{ "seg-0-99999999999999999999999.m4s", PLAYLIST_NONE, "", 0 },
		{ "init-k3z-1.m4s", PLAYLIST_NONE, "", 0 },
		{ "seg-", PLAYLIST_NONE, "", 0 },
		{ "seg", PLAYLIST_NONE, "", 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct playlist_name name = playlist_name_parse(cases[i].text, strlen(cases[i].text));

		if (name.kind != cases[i].kind || name.number != cases[i].number ||
		    name.epoch_len != strlen(cases[i].epoch) ||
		    (name.epoch_len > 0 && memcmp(name.epoch, cases[i].epoch, name.epoch_len) != 0))
			fail_msg("%s", cases[i].text);
	}
	assert_int_equal(playlist_name_parse("seg-k-1.m4s\0", 12).kind, PLAYLIST_NONE);
	assert_int_equal(playlist_name_parse("seg-k-1.m4sXXX", 11).kind, PLAYLIST_SEGMENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(media_playlist_line_by_line),
		cmocka_unit_test(low_latency_line_by_line),
		cmocka_unit_test(part_target_is_the_longest_part_in_it),
		cmocka_unit_test(an_ended_playlist_hints_at_nothing),
		cmocka_unit_test(delta_updates_leave_out_what_is_old),
		cmocka_unit_test(one_dependent_segment_takes_the_tag_away),
		cmocka_unit_test(main_playlist_names_what_is_in_it),
		cmocka_unit_test(frame_rate_is_measured_when_the_stream_is_silent),
		cmocka_unit_test(names_are_read_as_they_are_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
