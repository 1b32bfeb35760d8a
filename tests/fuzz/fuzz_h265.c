/* SPDX-License-Identifier: Apache-2.0 */
/*
 * H.265 headers. The first byte says as what the rest is read: a configuration record, one unit, or parameter sets in
 * band over a track. Oracles: sizes within bounds; a track's record makes the same track again; taking the same sets
 * twice changes nothing the second time; memory.
 */
#include <string.h>

#include "media/h265.h"
#include "tests/fuzz/fuzz.h"

enum { INPUT_MAX_BYTES = 1 << 16, TRACK_BESIDE_BYTES = TRACK_CONFIG_MAX_BYTES + 1024 };

enum mode { MODE_RECORD, MODE_UNIT, MODE_IN_BAND, MODES };

static void check_rate(uint32_t num, uint32_t den)
{
	FUZZ_CHECK((num == 0) == (den == 0));
	FUZZ_CHECK((uint64_t)num <= (uint64_t)den * 300);
	FUZZ_CHECK((uint64_t)num * 10 >= den);
}

static void check_track(const struct track *t)
{
	struct h265_config config;
	struct track *again;

	FUZZ_CHECK(t->width_px > 0 && t->width_px <= H265_MAX_SIDE_PX);
	FUZZ_CHECK(t->height_px > 0 && t->height_px <= H265_MAX_SIDE_PX);
	check_rate(t->fps_num, t->fps_den);
	FUZZ_CHECK(t->config_len <= TRACK_CONFIG_MAX_BYTES && strlen(t->codecs) < TRACK_CODECS_TEXT_MAX - 1);
	FUZZ_CHECK(strncmp(t->codecs, "hvc1.", 5) == 0);
	h265_config_of_track(&config, t);
	FUZZ_CHECK(config.format == NAL_LENGTH_4);
	FUZZ_CHECK(h265_track_create(&again, t->config, t->config_len) == PARSE_OK);
	FUZZ_CHECK(track_is_same(again, t) && strcmp(again->codecs, t->codecs) == 0);
	track_unref(again);
}

static void try_record(const uint8_t *data, size_t len)
{
	struct h265_config config;
	struct track *track;
	enum parse_result parsed = h265_config_parse(&config, data, len);
	int created = h265_track_create(&track, data, len);

	FUZZ_CHECK((created == PARSE_OK) == (track != NULL));
	if (!track)
		return;
	FUZZ_CHECK(parsed == PARSE_OK);
	check_track(track);
	track_unref(track);
}

static void try_unit(const uint8_t *data, size_t len)
{
	const struct nal nal = { .data = data, .len = len };
	struct h265_sps sps;
	char text[TRACK_CODECS_TEXT_MAX];

	if (h265_sps_parse(&nal, &sps) != PARSE_OK)
		return;
	FUZZ_CHECK(sps.width_px > 0 && sps.width_px <= H265_MAX_SIDE_PX);
	FUZZ_CHECK(sps.height_px > 0 && sps.height_px <= H265_MAX_SIDE_PX);
	FUZZ_CHECK(sps.id <= 15 && sps.chroma_format_idc <= 3);
	FUZZ_CHECK(sps.temporal_layers >= 1 && sps.temporal_layers <= 7);
	FUZZ_CHECK(sps.bit_depth_luma >= 8 && sps.bit_depth_luma <= 15);
	FUZZ_CHECK(sps.bit_depth_chroma >= 8 && sps.bit_depth_chroma <= 15);
	check_rate(sps.fps_num, sps.fps_den);
	h265_codecs_text(&sps, text);
	FUZZ_CHECK(strlen(text) < sizeof(text) - 1);
}

static void collect(struct h265_config *sets, const uint8_t *data, size_t len)
{
	struct nal_walk walk;
	struct nal nal;

	memset(sets, 0, sizeof(*sets));
	nal_walk_init(&walk, data, len, NAL_ANNEX_B);
	while (nal_walk_next(&walk, &nal))
		(void)h265_config_add(sets, &nal);
	FUZZ_CHECK(sets->count[H265_VPS] <= 16 && sets->count[H265_SPS] <= 16);
	FUZZ_CHECK(sets->count[H265_PPS] <= H265_MAX_SETS);
}

/* Two access units one after the other: the first one's length is in the first two bytes. */
static void try_in_band(const uint8_t *data, size_t len)
{
	struct h265_config sets;
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
	if (h265_track_update(&old, NULL, &sets) != PARSE_OK) {
		FUZZ_CHECK(!old);
		return;
	}
	check_track(old);
	collect(&sets, data + first_len, len - first_len);
	if (h265_track_update(&next, old, &sets) == PARSE_OK && next) {
		check_track(next);
		FUZZ_CHECK(h265_track_update(&again, next, &sets) == PARSE_OK);
		FUZZ_CHECK(!again || track_is_same(again, next));
		track_unref(again);
	}
	track_unref(next);
	track_unref(old);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	fuzz_heap_begin();
	if (len == 0 || len > INPUT_MAX_BYTES)
		return 0;
	switch ((enum mode)(data[0] % MODES)) {
	case MODE_RECORD: try_record(data + 1, len - 1); break;
	case MODE_UNIT: try_unit(data + 1, len - 1); break;
	case MODE_IN_BAND: try_in_band(data + 1, len - 1); break;
	case MODES: break;
	}
	FUZZ_CHECK(fuzz_heap_peak() <= 8 * len + 3 * TRACK_BESIDE_BYTES);
	FUZZ_CHECK(fuzz_heap_now() == 0);
	return 0;
}
