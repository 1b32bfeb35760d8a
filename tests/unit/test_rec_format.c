/* SPDX-License-Identifier: Apache-2.0 */
#include "packager/rec_format.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/attr.h"
#include "packager/rec_info.h"

#define WALL_MS 1790000000123 /* 2026-09-21 14:13:20 UTC */

static void ids_are_ids(void **state)
{
	static const struct {
		const char *stream;
		int64_t wall_ms;
		unsigned nth;
		const char *id;
	} rows[] = {
		{ "tanaka", WALL_MS, 1, "tanaka-20260921-141320" },
		{ "tanaka", WALL_MS, 0, "tanaka-20260921-141320" },
		{ "tanaka", WALL_MS, 2, "tanaka-20260921-141320-2" },
		{ "tanaka", WALL_MS, 99, "tanaka-20260921-141320-99" },
		{ "tanaka~rehearsal", WALL_MS, 1, "tanaka-rehearsal-20260921-141320" },
		{ "a.b_c-d", 0, 1, "a.b_c-d-19700101-000000" },
		{ "", 0, 1, "x-19700101-000000" },
		{ "-x", 0, 1, "xx-19700101-000000" },
		{ "@main", 0, 1, "xmain-19700101-000000" },
		{ "a/../b", 0, 1, "a-..-b-19700101-000000" },
		{ "0123456789012345678901234567890123456789too-long", WALL_MS, 99,
		    "0123456789012345678901234567890123456789-20260921-141320-99" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char id[ID_SIZE];

		rec_id_make(id, rows[i].stream, rows[i].wall_ms, rows[i].nth);
		assert_string_equal(id, rows[i].id);
		assert_true(id_is_valid(id, strlen(id)));
	}
}

static void names_go_both_ways(void **state)
{
	static const struct {
		const char *name;
		bool is_ours;
		enum rec_file file;
		unsigned stretch;
	} rows[] = {
		{ "0001.mp4", true, REC_FILE_MEDIA, 1 },
		{ "9999.mp4", true, REC_FILE_MEDIA, 9999 },
		{ "0012.idx", true, REC_FILE_INDEX, 12 },
		{ "recording.json", true, REC_FILE_INFO, 0 },
		{ "recording.json.new", true, REC_FILE_INFO_NEW, 0 },
		{ "0000.mp4", false, REC_FILE_MEDIA, 0 },
		{ "001.mp4", false, REC_FILE_MEDIA, 0 },
		{ "00001.mp4", false, REC_FILE_MEDIA, 0 },
		{ "0001.mp4x", false, REC_FILE_MEDIA, 0 },
		{ "0001.mp", false, REC_FILE_MEDIA, 0 },
		{ "+001.mp4", false, REC_FILE_MEDIA, 0 },
		{ "../1.mp4", false, REC_FILE_MEDIA, 0 },
		{ "", false, REC_FILE_MEDIA, 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		enum rec_file file = REC_FILE_INFO;
		unsigned stretch = 77;
		char name[REC_FILE_SIZE];

		assert_int_equal(rec_file_parse(rows[i].name, strlen(rows[i].name), &file, &stretch), rows[i].is_ours);
		if (!rows[i].is_ours)
			continue;
		assert_int_equal(file, rows[i].file);
		assert_int_equal(stretch, rows[i].stretch);
		rec_file_name(name, file, stretch);
		assert_string_equal(name, rows[i].name);
	}
}

static void paths_say_what_they_need(void **state)
{
	char path[64];
	char tiny[8];
	char file[REC_PATH_SIZE];
	char folder[REC_PATH_SIZE];

	(void)state;
	assert_int_equal(rec_path(path, sizeof(path), "/data", "x-1", "0001.mp4"), 22);
	assert_string_equal(path, "/data/rec/x-1/0001.mp4");
	assert_int_equal(rec_path(path, sizeof(path), "/data", "x-1", NULL), 13);
	assert_string_equal(path, "/data/rec/x-1");
	assert_int_equal(rec_path(path, sizeof(path), "/data", NULL, NULL), 9);
	assert_string_equal(path, "/data/rec");
	assert_int_equal(rec_path(tiny, sizeof(tiny), "/data", "x-1", NULL), 13);
	assert_string_equal(tiny, "/data/r");
	assert_int_equal(rec_file_path(file, "/data/rec/x-1", REC_FILE_INDEX, 12), 0);
	assert_string_equal(file, "/data/rec/x-1/0012.idx");
	memset(folder, 'x', sizeof(folder));
	folder[REC_PATH_SIZE - sizeof("/0001.mp4")] = '\0';
	assert_int_equal(rec_file_path(file, folder, REC_FILE_MEDIA, 1), 0);
	assert_int_equal(rec_file_path(file, folder, REC_FILE_INFO, 0), -ENAMETOOLONG);
}

static const struct rec_fragment fragment = {
	.offset = 0x123456789a,
	.moof_bytes = 1234,
	.mdat_bytes = 0xfedcba98,
	.start_90k = 0x1fffffffff,
	.duration_90k = 45000,
	.wall_ms = WALL_MS,
	.msn = 0xabcdef0123,
	.sequence = 4000000000,
	.is_independent = true,
};

static void records_go_both_ways(void **state)
{
	const struct rec_index_header header = {
		.init_bytes = 1300, .stretch = 7, .segment_ms = 2000, .begin_wall_ms = -1
	};
	struct rec_index_header read_header;
	struct rec_fragment read;
	uint8_t record[REC_RECORD_BYTES];

	(void)state;
	rec_header_encode(record, &header);
	assert_int_equal(rec_header_decode(&read_header, record, sizeof(record)), PARSE_OK);
	assert_int_equal(read_header.init_bytes, 1300);
	assert_int_equal(read_header.stretch, 7);
	assert_int_equal(read_header.segment_ms, 2000);
	assert_int_equal(read_header.begin_wall_ms, -1);
	assert_int_equal(rec_fragment_decode(&read, record, sizeof(record)), PARSE_BAD);

	rec_fragment_encode(record, &fragment);
	assert_int_equal(rec_fragment_decode(&read, record, sizeof(record)), PARSE_OK);
	assert_true(read.offset == fragment.offset && read.moof_bytes == fragment.moof_bytes);
	assert_true(read.mdat_bytes == fragment.mdat_bytes && read.start_90k == fragment.start_90k);
	assert_true(read.duration_90k == fragment.duration_90k && read.wall_ms == fragment.wall_ms);
	assert_true(read.msn == fragment.msn && read.sequence == fragment.sequence);
	assert_true(read.is_independent && !read.is_segment_start);
	assert_int_equal(rec_header_decode(&read_header, record, sizeof(record)), PARSE_BAD);
}

static void no_flipped_bit_passes(void **state)
{
	uint8_t record[REC_RECORD_BYTES];
	struct rec_fragment read;

	(void)state;
	for (size_t bit = 0; bit < 8 * sizeof(record); bit++) {
		rec_fragment_encode(record, &fragment);
		record[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_int_equal(rec_fragment_decode(&read, record, sizeof(record)), PARSE_BAD);
	}
	for (size_t len = 0; len < sizeof(record); len++)
		assert_int_equal(rec_fragment_decode(&read, record, len), PARSE_MORE);
	memset(record, 0, sizeof(record));
	assert_int_equal(rec_fragment_decode(&read, record, sizeof(record)), PARSE_BAD);
}

static void absurd_values_are_bad(void **state)
{
	struct rec_fragment absurd[4] = { fragment, fragment, fragment, fragment };
	uint8_t record[REC_RECORD_BYTES];

	(void)state;
	absurd[1].offset = UINT64_MAX;
	absurd[2].duration_90k = -1;
	absurd[3].start_90k = -1;
	for (size_t i = 0; i < ARRAY_LEN(absurd); i++) {
		struct rec_fragment read;

		rec_fragment_encode(record, &absurd[i]);
		assert_int_equal(rec_fragment_decode(&read, record, sizeof(record)), i == 0 ? PARSE_OK : PARSE_BAD);
	}
	for (uint32_t stretch = 0; stretch <= REC_STRETCH_MAX + 1; stretch += REC_STRETCH_MAX + 1) {
		struct rec_index_header header = { .stretch = stretch };

		rec_header_encode(record, &header);
		assert_int_equal(rec_header_decode(&header, record, sizeof(record)), PARSE_BAD);
	}
}

static void fill(struct rec_info *info, size_t n_stretches)
{
	rec_info_init(info);
	strcpy(info->id, "tanaka-20260921-141320");
	strcpy(info->stream, "tanaka");
	strcpy(info->epoch, "mpk2x4");
	strcpy(info->end_reason, "stream_over");
	info->state = REC_DAMAGED;
	info->is_pinned = true;
	info->segment_ms = 2000;
	info->begin_wall_ms = WALL_MS;
	info->end_wall_ms = WALL_MS + 60000;
	info->lost_ms = 1500;
	for (size_t i = 0; i < n_stretches; i++) {
		struct rec_stretch *s = rec_info_add(info);

		assert_non_null(s);
		*s = (struct rec_stretch){
			.number = (unsigned)i + 1,
			.begin_wall_ms = i == 0 ? -1 : WALL_MS,
			.duration_ms = 4000,
			.bytes = 1000000,
			.saved_bytes = 999000 + i,
			.lost_ms_before = (int64_t)i,
			.is_damaged = i == 1,
		};
	}
}

static void info_goes_both_ways(void **state)
{
	(void)state;
	for (size_t n = 0; n < 70; n += 23) {
		struct rec_info info;
		struct rec_info read;
		size_t len;
		char *text;

		fill(&info, n);
		text = rec_info_format(&info, &len);
		assert_non_null(text);
		rec_info_init(&read);
		assert_int_equal(rec_info_parse(&read, text, len), 0);
		assert_string_equal(read.id, info.id);
		assert_string_equal(read.stream, info.stream);
		assert_string_equal(read.epoch, info.epoch);
		assert_string_equal(read.end_reason, info.end_reason);
		assert_true(read.state == info.state && read.is_pinned && read.segment_ms == 2000);
		assert_true(read.begin_wall_ms == info.begin_wall_ms && read.end_wall_ms == info.end_wall_ms);
		assert_true(read.lost_ms == info.lost_ms && read.n_stretches == n);
		assert_true(rec_info_saved_bytes(&read) == rec_info_saved_bytes(&info));
		for (size_t i = 0; i < n; i++)
			assert_memory_equal(&read.stretches[i], &info.stretches[i], sizeof(read.stretches[i]));
		rec_info_fini(&read);
		rec_info_fini(&info);
		free(text);
	}
}

static void replace(char *text, const char *from, const char *to)
{
	char *at = strstr(text, from);

	assert_non_null(at);
	assert_int_equal(strlen(from), strlen(to));
	memcpy(at, to, strlen(to));
}

static void bad_info_is_refused(void **state)
{
	static const struct {
		const char *from;
		const char *to;
	} rows[] = {
		{ "\"isaribi_recording\": 1", "\"isaribi_recording\": 2" },
		{ "\"id\": \"tanaka", "\"id\": \"../../" },
		{ "\"state\": \"damaged\"", "\"state\": \"Damaged\"" },
		{ "\"stretches\"", "\"Stretches\"" },
		{ "0002.mp4", "0001.mp4" },
		{ "0002.mp4", "0002.idx" },
		{ "0002.mp4", "/etc/pwd" },
		{ "\"bytes\": 1000000", "\"bytes\": 0000001" },
		{ "\"lost_ms\": 1500", "\"lost_ms\": -150" },
		{ "\"segment_ms\": 2000", "\"segment_ms\":    0" },
		{ "\"epoch\": ", "\"epoch\":1" },
		{ "{", "[" },
	};
	struct rec_info info;
	size_t len;
	char *text;

	(void)state;
	fill(&info, 3);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct rec_info read;

		text = rec_info_format(&info, &len);
		assert_non_null(text);
		replace(text, rows[i].from, rows[i].to);
		rec_info_init(&read);
		assert_int_not_equal(rec_info_parse(&read, text, len), 0);
		assert_null(read.stretches);
		free(text);
	}
	info.stretches[1].saved_bytes = info.stretches[1].bytes + 1;
	text = rec_info_format(&info, &len);
	assert_non_null(text);
	rec_info_fini(&info);
	assert_int_not_equal(rec_info_parse(&info, text, len), 0);
	free(text);
}

static void half_an_info_is_none(void **state)
{
	struct rec_info info;
	struct rec_info read;
	size_t len;
	char *text;

	(void)state;
	fill(&info, 2);
	text = rec_info_format(&info, &len);
	assert_non_null(text);
	rec_info_init(&read);
	for (size_t cut = 0; cut < len; cut++)
		assert_int_not_equal(rec_info_parse(&read, text, cut), 0);
	assert_int_equal(rec_info_parse(&read, text, len), 0);
	assert_int_not_equal(rec_info_parse(&read, text, (size_t)REC_INFO_MAX_BYTES + 1), 0);
	rec_info_fini(&read);
	rec_info_fini(&info);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ids_are_ids),
		cmocka_unit_test(names_go_both_ways),
		cmocka_unit_test(paths_say_what_they_need),
		cmocka_unit_test(records_go_both_ways),
		cmocka_unit_test(no_flipped_bit_passes),
		cmocka_unit_test(absurd_values_are_bad),
		cmocka_unit_test(info_goes_both_ways),
		cmocka_unit_test(bad_info_is_refused),
		cmocka_unit_test(half_an_info_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
