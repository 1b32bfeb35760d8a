/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opus headers and packets. The first byte says which. Oracles: channels and mapping as the standard allows; a header
 * written and read again is the same; a packet lasts no longer than 120 ms, in steps of 2.5 ms; memory.
 */
#include <string.h>

#include "media/opus.h"
#include "tests/fuzz/fuzz.h"

enum { NO_STREAM = 255, STEP_SAMPLES = 120, HEAD_BYTES = 19, HEAD_MAX_BYTES = 21 + OPUS_MAX_CHANNELS };

static void check_mapping(const struct opus_config *c)
{
	FUZZ_CHECK(c->streams > 0 && c->coupled <= c->streams && c->streams + c->coupled <= UINT8_MAX);
	for (unsigned i = 0; i < c->channels; i++)
		FUZZ_CHECK(c->mapping[i] < c->streams + c->coupled || c->mapping[i] == NO_STREAM);
}

static void check_written(const struct opus_config *c)
{
	uint8_t buf[HEAD_MAX_BYTES];
	uint8_t dops[HEAD_MAX_BYTES];
	struct opus_config again;
	struct bytes_writer w;
	size_t head_len;

	bytes_writer_init_fixed(&w, buf, sizeof(buf));
	opus_config_write_head(c, &w);
	FUZZ_CHECK(!w.is_full && w.len >= HEAD_BYTES);
	head_len = w.len;
	FUZZ_CHECK(opus_config_parse(&again, buf, head_len) == PARSE_OK);
	FUZZ_CHECK(memcmp(&again, c, sizeof(again)) == 0);
	/* Every byte of it is needed. */
	FUZZ_CHECK(opus_config_parse(&again, buf, head_len - 1) == PARSE_BAD);
	bytes_writer_init_fixed(&w, dops, sizeof(dops));
	opus_config_write_dops(c, &w);
	FUZZ_CHECK(!w.is_full && w.len == head_len - 8); /* without its magic */
}

static void try_head(const uint8_t *data, size_t len)
{
	struct opus_config c;
	struct track *track;
	enum parse_result parsed = opus_config_parse(&c, data, len);
	int created = opus_track_create(&track, data, len);

	FUZZ_CHECK((created == PARSE_OK) == (track != NULL) && (created == PARSE_OK) == (parsed == PARSE_OK));
	if (!track)
		return;
	FUZZ_CHECK(c.channels > 0 && c.channels <= (c.mapping_family == 0 ? 2 : OPUS_MAX_CHANNELS));
	if (c.mapping_family != 0)
		check_mapping(&c);
	check_written(&c);
	FUZZ_CHECK(track->channels == c.channels && track->sample_rate_hz == OPUS_RATE_HZ);
	track_unref(track);
}

static void try_packet(const uint8_t *data, size_t len)
{
	uint32_t samples = opus_packet_samples(data, len);

	FUZZ_CHECK(samples <= OPUS_PACKET_MAX_SAMPLES && samples % STEP_SAMPLES == 0);
	if (len == 0)
		FUZZ_CHECK(samples == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	fuzz_heap_begin();
	if (len == 0)
		return 0;
	if (data[0] % 2 == 0)
		try_head(data + 1, len - 1);
	else
		try_packet(data + 1, len - 1);
	FUZZ_CHECK(fuzz_heap_peak() <= 4096);
	FUZZ_CHECK(fuzz_heap_now() == 0);
	return 0;
}
