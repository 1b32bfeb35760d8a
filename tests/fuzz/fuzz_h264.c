/* SPDX-License-Identifier: Apache-2.0 */
/*
 * H.264 headers. The first byte says as what the rest is read: a configuration record, one unit, parameter sets in band
 * over a track, or a payload in one of the framings. Oracles: sizes within bounds; a record written and read again is
 * the same; taking the same sets twice changes nothing the second time; 4-byte lengths and Annex B turn into each other
 * without loss; memory.
 */
#include <string.h>

#include "media/h264.h"
#include "tests/fuzz/fuzz.h"

enum { OUT_MAX_BYTES = 1 << 18, TRACK_BESIDE_BYTES = TRACK_CONFIG_MAX_BYTES + 1024 };

enum mode { MODE_RECORD, MODE_UNIT, MODE_IN_BAND, MODE_PAYLOAD, MODES };

static uint8_t bufs[3][OUT_MAX_BYTES];

static bool is_same(const struct bytes_writer *a, const struct bytes_writer *b)
{
	return a->len == b->len && memcmp(a->data, b->data, a->len) == 0;
}

static void check_track(const struct track *t)
{
	struct h264_config config;

	FUZZ_CHECK(t->width_px > 0 && t->width_px <= H264_MAX_SIDE_PX);
	FUZZ_CHECK(t->height_px > 0 && t->height_px <= H264_MAX_SIDE_PX);
	FUZZ_CHECK((t->fps_num == 0) == (t->fps_den == 0));
	FUZZ_CHECK(t->config_len <= TRACK_CONFIG_MAX_BYTES && strlen(t->codecs) == 11);
	h264_config_of_track(&config, t);
	FUZZ_CHECK(config.format == NAL_LENGTH_4);
}

static void try_record(const uint8_t *data, size_t len)
{
	struct h264_config config;
	struct bytes_writer first;
	struct bytes_writer second;
	struct track *track;
	enum parse_result parsed = h264_config_parse(&config, data, len);
	int created = h264_track_create(&track, data, len);

	FUZZ_CHECK((created == PARSE_OK) == (track != NULL));
	if (track) {
		FUZZ_CHECK(parsed == PARSE_OK);
		check_track(track);
	}
	track_unref(track);
	bytes_writer_init_fixed(&first, bufs[0], OUT_MAX_BYTES);
	bytes_writer_init_fixed(&second, bufs[1], OUT_MAX_BYTES);
	if (parsed != PARSE_OK || h264_config_write(&config, &first) != PARSE_OK)
		return;
	FUZZ_CHECK(!first.is_full);
	FUZZ_CHECK(h264_config_parse(&config, first.data, first.len) == PARSE_OK);
	FUZZ_CHECK(h264_config_write(&config, &second) == PARSE_OK && is_same(&first, &second));
}

static void try_unit(const uint8_t *data, size_t len)
{
	const struct nal nal = { .data = data, .len = len };
	struct h264_sps sps;

	FUZZ_CHECK(h264_unescape(bufs[0], len, data, len) <= len);
	(void)h264_is_recovery_point(&nal);
	if (h264_sps_parse(&nal, &sps) != PARSE_OK)
		return;
	FUZZ_CHECK(sps.width_px > 0 && sps.width_px <= H264_MAX_SIDE_PX);
	FUZZ_CHECK(sps.height_px > 0 && sps.height_px <= H264_MAX_SIDE_PX);
	FUZZ_CHECK(sps.id <= 31 && sps.chroma_format_idc <= 3);
	FUZZ_CHECK(sps.bit_depth_luma >= 8 && sps.bit_depth_luma <= 14);
	FUZZ_CHECK(sps.bit_depth_chroma >= 8 && sps.bit_depth_chroma <= 14);
	FUZZ_CHECK((sps.fps_num == 0) == (sps.fps_den == 0));
	if (sps.fps_den > 0) {
		FUZZ_CHECK((uint64_t)sps.fps_num <= (uint64_t)sps.fps_den * 300);
		FUZZ_CHECK((uint64_t)sps.fps_num * 10 >= sps.fps_den);
	}
}

static void collect(struct h264_config *sets, const uint8_t *data, size_t len)
{
	struct nal_walk walk;
	struct nal nal;

	memset(sets, 0, sizeof(*sets));
	nal_walk_init(&walk, data, len, NAL_ANNEX_B);
	while (nal_walk_next(&walk, &nal))
		(void)h264_config_add(sets, &nal);
	FUZZ_CHECK(!walk.is_bad && sets->n_sps <= H264_MAX_SPS && sets->n_pps <= H264_MAX_PPS);
}

/* Two access units one after the other: their length is in the first two bytes. */
static void try_in_band(const uint8_t *data, size_t len)
{
	struct h264_config sets;
	struct track *old;
	struct track *next;
	struct track *again;
	size_t first_len;

	if (len < 2)
		return;
	first_len = (size_t)data[0] << 8 | data[1];
	data += 2;
	len -= 2;
	first_len = first_len < len ? first_len : len;
	collect(&sets, data, first_len);
	if (h264_track_update(&old, NULL, &sets) != PARSE_OK) {
		FUZZ_CHECK(!old);
		return;
	}
	check_track(old);
	collect(&sets, data + first_len, len - first_len);
	if (h264_track_update(&next, old, &sets) == PARSE_OK && next) {
		check_track(next);
		FUZZ_CHECK(h264_track_update(&again, next, &sets) == PARSE_OK);
		FUZZ_CHECK(!again || track_is_same(again, next));
		track_unref(again);
	}
	track_unref(next);
	track_unref(old);
}

static void try_payload(const uint8_t *data, size_t len)
{
	static const enum nal_format formats[] = { NAL_ANNEX_B, NAL_LENGTH_1, NAL_LENGTH_2, NAL_LENGTH_4 };
	enum nal_format format = len > 0 ? formats[data[0] % ARRAY_LEN(formats)] : NAL_ANNEX_B;
	struct bytes_writer lengths;
	struct bytes_writer codes;
	struct bytes_writer again;
	enum parse_result result;

	if (len == 0)
		return;
	data++;
	len--;
	bytes_writer_init_fixed(&lengths, bufs[0], OUT_MAX_BYTES);
	bytes_writer_init_fixed(&codes, bufs[1], OUT_MAX_BYTES);
	bytes_writer_init_fixed(&again, bufs[2], OUT_MAX_BYTES);
	result = nal_write_all(&lengths, data, len, format);
	FUZZ_CHECK(2 * lengths.len <= 5 * len);
	FUZZ_CHECK(result == PARSE_OK || format != NAL_ANNEX_B);
	/* what was written before a fault is whole units, too */
	FUZZ_CHECK(nal_write_annex_b(&codes, lengths.data, lengths.len) == PARSE_OK);
	FUZZ_CHECK(codes.len == lengths.len);
	if (format != NAL_ANNEX_B) /* its units may hold start codes */
		return;
	FUZZ_CHECK(nal_write_all(&again, codes.data, codes.len, NAL_ANNEX_B) == PARSE_OK);
	FUZZ_CHECK(is_same(&lengths, &again));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	fuzz_heap_begin();
	if (len == 0 || len > OUT_MAX_BYTES / 4)
		return 0;
	switch ((enum mode)(data[0] % MODES)) {
	case MODE_RECORD: try_record(data + 1, len - 1); break;
	case MODE_UNIT: try_unit(data + 1, len - 1); break;
	case MODE_IN_BAND: try_in_band(data + 1, len - 1); break;
	case MODE_PAYLOAD: try_payload(data + 1, len - 1); break;
	case MODES: break;
	}
	FUZZ_CHECK(fuzz_heap_peak() <= 8 * len + 3 * TRACK_BESIDE_BYTES);
	FUZZ_CHECK(fuzz_heap_now() == 0);
	return 0;
}
