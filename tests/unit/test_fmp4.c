/* SPDX-License-Identifier: Apache-2.0 */
#include "media/fmp4.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/attr.h"
#include "media/opus.h"

enum {
	MAX_BYTES = 100000,
};

/* A record as short as it may be: the writer does not look into it. */
static const uint8_t avcc[] = { 1, 0x42, 0xc0, 0x1e, 0xff, 0xe1, 0, 2, 0x67, 0x42, 1, 0, 1, 0x68 };
static const uint8_t asc[] = { 0x11, 0x90 };

static struct track *video(void)
{
	struct track *t = track_create(TRACK_VIDEO, CODEC_H264, avcc, sizeof(avcc));

	assert_non_null(t);
	assert_non_null(t);
	t->width_px = 640;
	t->height_px = 360;
	return t;
}

static struct track *audio(enum track_codec codec, uint32_t rate_hz)
{
	struct track *t = track_create(TRACK_AUDIO, codec, asc, codec == CODEC_AAC ? sizeof(asc) : 0);

	assert_non_null(t);
	assert_non_null(t);
	t->sample_rate_hz = rate_hz;
	t->channels = 2;
	return t;
}

/* The payload of the box at a path such as "moov/trak/mdia", the n-th of its last element; false when it is not there.
 */
static bool find_box(struct bytes_reader in, const char *path, unsigned n, struct bytes_reader *out)
{
	for (;;) {
		bool is_last = strlen(path) == 4;
		bool is_match;
		uint32_t size;
		const uint8_t *type;

		if (bytes_left(&in) < 8)
			return false;
		size = bytes_u32(&in);
		type = bytes_take(&in, 4);
		assert_true(size >= 8 && size - 8 <= bytes_left(&in));
		is_match = memcmp(type, path, 4) == 0;
		if (is_match && !is_last) {
			bytes_reader_init(&in, type + 4, size - 8);
			path += 5;
			continue;
		}
		if (is_match && n-- == 0) {
			bytes_reader_init(out, type + 4, size - 8);
			return true;
		}
		bytes_skip(&in, size - 8);
	}
}

static bool find(const struct bytes_writer *w, const char *path, unsigned n, struct bytes_reader *out)
{
	struct bytes_reader all;

	bytes_reader_init(&all, w->data, w->len);
	return find_box(all, path, n, out);
}

static void init_describes_both_tracks(void **state)
{
	struct track *v = video();
	struct track *a = audio(CODEC_AAC, 48000);
	const struct track *tracks[] = { v, a };
	struct bytes_writer w;
	struct bytes_reader r;

	(void)state;
	bytes_writer_init_growing(&w, MAX_BYTES);
	assert_int_equal(fmp4_write_init(&w, tracks, 2), 0);
	assert_true(find(&w, "ftyp", 0, &r));
	assert_memory_equal(r.pos, "iso6", 4);
	assert_true(find(&w, "moov/mvex/trex", 1, &r));
	bytes_skip(&r, 4);
	assert_int_equal(bytes_u32(&r), 2);
	assert_true(find(&w, "moov/trak/tkhd", 0, &r));
	bytes_skip(&r, 12);
	assert_int_equal(bytes_u32(&r), 1);
	bytes_skip(&r, 60);
	assert_int_equal(bytes_u32(&r), 640u << 16);
	assert_int_equal(bytes_u32(&r), 360u << 16);
	assert_int_equal(bytes_left(&r), 0);
	assert_true(find(&w, "moov/trak/mdia/mdhd", 0, &r));
	bytes_skip(&r, 12);
	assert_int_equal(bytes_u32(&r), 90000);
	assert_true(find(&w, "moov/trak/mdia/minf/stbl/stsd", 0, &r));
	bytes_skip(&r, 8 + 8 + 78 + 8);
	assert_memory_equal(r.pos - 4, "avcC", 4);
	assert_memory_equal(r.pos, avcc, sizeof(avcc));
	assert_int_equal(bytes_left(&r), sizeof(avcc));
	bytes_writer_fini(&w);
	track_unref(v);
	track_unref(a);
}

static void esds_holds_the_configuration(void **state)
{
	struct track *a = audio(CODEC_AAC, 44100);
	const struct track *tracks[] = { a };
	struct bytes_writer w;
	struct bytes_reader r;
	uint32_t es_length;

	(void)state;
	bytes_writer_init_growing(&w, MAX_BYTES);
	assert_int_equal(fmp4_write_init(&w, tracks, 1), 0);
	assert_true(find(&w, "moov/trak/tkhd", 0, &r));
	bytes_skip(&r, 12);
	assert_int_equal(bytes_u32(&r), 2); /* audio alone keeps its id */
	assert_true(find(&w, "moov/trak/mdia/mdhd", 0, &r));
	bytes_skip(&r, 12);
	assert_int_equal(bytes_u32(&r), 44100);
	assert_true(find(&w, "moov/trak/mdia/minf/stbl/stsd", 0, &r));
	bytes_skip(&r, 8 + 8 + 28 + 8);
	assert_memory_equal(r.pos - 4, "esds", 4);
	bytes_skip(&r, 4);
	assert_int_equal(bytes_u8(&r), 3);
	es_length = bytes_u32(&r);
	assert_int_equal(es_length, 0x80808000u + bytes_left(&r)); /* the descriptor ends with the box */
	bytes_skip(&r, 3);
	assert_int_equal(bytes_u8(&r), 4);
	assert_int_equal(bytes_u32(&r), 0x80808000u + 13 + 5 + sizeof(asc));
	bytes_skip(&r, 13);
	assert_int_equal(bytes_u8(&r), 5);
	assert_int_equal(bytes_u32(&r), 0x80808000u + sizeof(asc));
	assert_memory_equal(bytes_take(&r, sizeof(asc)), asc, sizeof(asc));
	bytes_writer_fini(&w);
	track_unref(a);
}

static void other_codecs_have_their_boxes(void **state)
{
	struct track *v = track_create(TRACK_VIDEO, CODEC_H265, avcc, sizeof(avcc));
	struct track *a = audio(CODEC_OPUS, 48000);
	const struct track *tracks[] = { v, a };
	struct bytes_writer w;
	struct bytes_reader r;

	assert_non_null(v);
	(void)state;
	bytes_writer_init_growing(&w, MAX_BYTES);
	assert_int_equal(fmp4_write_init(&w, tracks, 2), 0);
	assert_true(find(&w, "moov/trak/mdia/minf/stbl/stsd", 0, &r));
	assert_memory_equal(r.pos + 12, "hvc1", 4);
	assert_true(find(&w, "moov/trak", 1, &r));
	assert_true(find_box(r, "mdia/minf/stbl/stsd", 0, &r));
	assert_memory_equal(r.pos + 12, "Opus", 4);
	assert_memory_equal(r.pos + 16 + 28 + 4, "dOps", 4);
	bytes_writer_fini(&w);
	track_unref(v);
	track_unref(a);
}

/* The configuration goes in as it is, Opus with its bytes turned round and always at 48 kHz. */
static void h265_and_opus_are_described(void **state)
{
	static const uint8_t dops[] = { 0, 1, 0x12, 0x34, 0, 0, 0x3e, 0x80, 0xff, 0xfe, 0 };
	const struct opus_config config = {
		.channels = 1, .pre_skip = 0x1234, .input_rate_hz = 16000, .output_gain = 0xfffe
	};
	struct track *v = track_create(TRACK_VIDEO, CODEC_H265, avcc, sizeof(avcc));
	struct track *a;
	const struct track *tracks[] = { v, NULL };
	struct bytes_writer w;
	struct bytes_reader r;

	assert_non_null(v);
	(void)state;
	assert_int_equal(opus_track_create_from_config(&a, &config), PARSE_OK);
	tracks[1] = a;
	assert_int_equal(fmp4_timescale(a), 48000);
	bytes_writer_init_growing(&w, MAX_BYTES);
	assert_int_equal(fmp4_write_init(&w, tracks, 2), 0);
	assert_true(find(&w, "moov/trak/mdia/minf/stbl/stsd", 0, &r));
	bytes_skip(&r, 8 + 8 + 78);
	assert_int_equal(bytes_u32(&r), 8 + sizeof(avcc));
	assert_memory_equal(bytes_take(&r, 4), "hvcC", 4);
	assert_memory_equal(bytes_take(&r, sizeof(avcc)), avcc, sizeof(avcc));
	assert_true(find(&w, "moov/trak", 1, &r));
	assert_true(find_box(r, "mdia/minf/stbl/stsd", 0, &r));
	bytes_skip(&r, 8 + 8 + 16);
	assert_int_equal(bytes_u16(&r), 1); /* channels */
	bytes_skip(&r, 6);
	assert_int_equal(bytes_u32(&r), 48000u << 16);
	assert_int_equal(bytes_u32(&r), 8 + sizeof(dops));
	assert_memory_equal(bytes_take(&r, 4), "dOps", 4);
	assert_memory_equal(bytes_take(&r, sizeof(dops)), dops, sizeof(dops));
	bytes_writer_fini(&w);
	track_unref(v);
	track_unref(a);
}

static void what_cannot_be_described_is_refused(void **state)
{
	struct track *v = track_create(TRACK_VIDEO, CODEC_H264, NULL, 0);
	struct track *a = track_create(TRACK_AUDIO, CODEC_AAC, NULL, 0);
	struct track *fine = video();
	const struct track *tracks[] = { v, a, fine };
	struct bytes_writer w;
	uint8_t small[100];

	assert_non_null(v);
	assert_non_null(a);
	(void)state;
	bytes_writer_init_fixed(&w, small, sizeof(small));
	assert_int_equal(fmp4_write_init(&w, &tracks[0], 1), -EINVAL);
	assert_int_equal(fmp4_write_init(&w, &tracks[1], 1), -EINVAL);
	assert_int_equal(w.len, 0);
	assert_int_equal(fmp4_write_init(&w, &tracks[2], 1), -ENOMEM);
	track_unref(v);
	track_unref(a);
	track_unref(fine);
}

static void moof_points_into_the_mdat(void **state)
{
	static const struct fmp4_sample pictures[] = { { 3000, 100, 0, true }, { 3000, 50, -6000, false },
		{ 3001, 60, 3000, false } };
	static const struct fmp4_sample sounds[] = { { 1024, 20, 0, true }, { 1024, 21, 0, true } };
	const struct fmp4_run runs[] = {
		{ TRACK_VIDEO, UINT64_C(0x123456789a), 0, ARRAY_LEN(pictures), pictures },
		{ TRACK_AUDIO, 480000, 210, ARRAY_LEN(sounds), sounds },
	};
	struct bytes_writer w;
	struct bytes_reader traf;
	struct bytes_reader r;

	(void)state;
	bytes_writer_init_growing(&w, MAX_BYTES);
	bytes_put_zeros(&w, 13); /* whatever stands before the moof must not matter */
	assert_int_equal(fmp4_write_moof(&w, 77, runs, 2), 0);
	bytes_reader_init(&r, w.data + 13, w.len - 13);
	assert_true(find_box(r, "moof/traf", 0, &traf));
	assert_true(find_box(r, "moof/mfhd", 0, &r));
	bytes_skip(&r, 4);
	assert_int_equal(bytes_u32(&r), 77);
	assert_true(find_box(traf, "tfhd", 0, &r));
	assert_int_equal(bytes_u32(&r), 0x020020);
	assert_int_equal(bytes_u32(&r), 1);
	assert_true(find_box(traf, "tfdt", 0, &r));
	assert_int_equal(bytes_u32(&r), 0x01000000);
	assert_true(bytes_u64(&r) == UINT64_C(0x123456789a));
	assert_true(find_box(traf, "trun", 0, &r));
	assert_int_equal(bytes_u32(&r), 0x01000f01);
	assert_int_equal(bytes_u32(&r), 3);
	assert_int_equal(bytes_u32(&r), w.len - 13 + 8);
	assert_int_equal(bytes_u32(&r), 3000);
	assert_int_equal(bytes_u32(&r), 100);
	assert_int_equal(bytes_u32(&r), 0x02000000);
	assert_int_equal(bytes_u32(&r), 0);
	bytes_skip(&r, 8);
	assert_int_equal(bytes_u32(&r), 0x01010000);
	assert_int_equal((int32_t)bytes_u32(&r), -6000);
	bytes_reader_init(&r, w.data + 13, w.len - 13);
	assert_true(find_box(r, "moof/traf", 1, &traf));
	assert_true(find_box(traf, "trun", 0, &r));
	assert_int_equal(bytes_u32(&r), 0x01000301);
	assert_int_equal(bytes_u32(&r), 2);
	assert_int_equal(bytes_u32(&r), w.len - 13 + 8 + 210);
	bytes_writer_fini(&w);
}

static void an_empty_run_is_left_out(void **state)
{
	static const struct fmp4_sample sounds[] = { { 1024, 20, 0, true } };
	const struct fmp4_run runs[] = { { .kind = TRACK_VIDEO }, { TRACK_AUDIO, 0, 0, 1, sounds } };
	struct bytes_writer w;
	struct bytes_reader r;

	(void)state;
	bytes_writer_init_growing(&w, MAX_BYTES);
	assert_int_equal(fmp4_write_moof(&w, 1, runs, 2), 0);
	assert_true(find(&w, "moof/traf/tfhd", 0, &r));
	bytes_skip(&r, 4);
	assert_int_equal(bytes_u32(&r), 2);
	assert_false(find(&w, "moof/traf", 1, &r));
	bytes_writer_fini(&w);
}

static void mdat_header_counts_itself(void **state)
{
	static const uint8_t expected[] = { 0, 0, 1, 8, 'm', 'd', 'a', 't' };
	uint8_t buf[8];
	struct bytes_writer w;

	(void)state;
	bytes_writer_init_fixed(&w, buf, sizeof(buf));
	fmp4_write_mdat_header(&w, 256);
	assert_memory_equal(buf, expected, sizeof(expected));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(init_describes_both_tracks),
		cmocka_unit_test(esds_holds_the_configuration),
		cmocka_unit_test(other_codecs_have_their_boxes),
		cmocka_unit_test(h265_and_opus_are_described),
		cmocka_unit_test(what_cannot_be_described_is_refused),
		cmocka_unit_test(moof_points_into_the_mdat),
		cmocka_unit_test(an_empty_run_is_left_out),
		cmocka_unit_test(mdat_header_counts_itself),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
