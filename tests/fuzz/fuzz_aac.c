/* SPDX-License-Identifier: Apache-2.0 */
/* AudioSpecificConfig. Oracles: what is accepted lies in the tables of the standard; the track says the same. */
#include <string.h>

#include "media/aac.h"
#include "tests/fuzz/fuzz.h"

enum { RATE_MIN_HZ = 7350, RATE_MAX_HZ = 96000, TRACK_BESIDE_BYTES = 512 };

static void check_config(const struct aac_config *c)
{
	FUZZ_CHECK(c->core_object_type == AAC_OBJECT_MAIN || c->core_object_type == AAC_OBJECT_LC ||
	    c->core_object_type == AAC_OBJECT_LTP);
	FUZZ_CHECK(c->core_rate_hz >= RATE_MIN_HZ && c->sample_rate_hz <= RATE_MAX_HZ);
	FUZZ_CHECK(c->sample_rate_hz == c->core_rate_hz || c->sample_rate_hz == 2 * c->core_rate_hz);
	FUZZ_CHECK(c->core_samples == 1024 || c->core_samples == 960);
	FUZZ_CHECK(c->samples_per_frame * (uint64_t)c->core_rate_hz == c->core_samples * (uint64_t)c->sample_rate_hz);
	FUZZ_CHECK(c->channels >= 1 && c->channels <= 8);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct aac_config c;
	struct track *track;
	int created;

	fuzz_heap_begin();
	created = aac_track_create(&track, data, len);
	FUZZ_CHECK((created == PARSE_OK) == (track != NULL));
	FUZZ_CHECK(aac_config_parse(&c, data, len) == (track ? PARSE_OK : PARSE_BAD));
	if (track) {
		check_config(&c);
		FUZZ_CHECK(track->sample_rate_hz == c.sample_rate_hz && track->channels == c.channels);
		FUZZ_CHECK(track->samples_per_frame == c.samples_per_frame);
		FUZZ_CHECK(track->config_len == len && memcmp(track->config, data, len) == 0);
	}
	track_unref(track);
	FUZZ_CHECK(fuzz_heap_peak() <= 8 * len + TRACK_BESIDE_BYTES && fuzz_heap_now() == 0);
	return 0;
}
