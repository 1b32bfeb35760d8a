/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A row of ADTS frames. Oracles: lengths lie in their bounds; a configuration that makes a track can be written, and
 * what is written is read as the same. No heap but the tracks.
 */
#include <string.h>

#include "media/aac.h"
#include "media/adts.h"
#include "tests/fuzz/fuzz.h"

static void check_header(const struct adts_header *h)
{
	FUZZ_CHECK(h->header_bytes == ADTS_HEADER_BYTES || h->header_bytes == ADTS_HEADER_BYTES + 2);
	FUZZ_CHECK(h->frame_bytes > h->header_bytes && h->frame_bytes <= ADTS_FRAME_MAX_BYTES);
	FUZZ_CHECK(h->core_rate_hz >= 7350 && h->core_rate_hz <= 96000);
}

static void write_back(const struct adts_header *h)
{
	struct track *track;
	struct adts_format format;
	struct adts_header again;
	uint8_t raw[ADTS_HEADER_BYTES];
	size_t payload_bytes = h->frame_bytes - h->header_bytes;

	if (aac_track_create(&track, h->config, sizeof(h->config)) != PARSE_OK)
		return;
	FUZZ_CHECK(adts_format_of_track(&format, track) == PARSE_OK);
	adts_write(raw, &format, payload_bytes);
	FUZZ_CHECK(adts_parse(&again, raw, sizeof(raw)) == PARSE_OK);
	FUZZ_CHECK(again.frame_bytes == payload_bytes + ADTS_HEADER_BYTES && again.core_rate_hz == h->core_rate_hz);
	FUZZ_CHECK(memcmp(again.config, h->config, sizeof(h->config)) == 0);
	track_unref(track);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	fuzz_heap_begin();
	while (len > 0) {
		struct adts_header h;
		size_t n = 1;

		if (adts_parse(&h, data, len) == PARSE_OK) {
			check_header(&h);
			write_back(&h);
			n = h.frame_bytes < len ? h.frame_bytes : len;
		}
		data += n;
		len -= n;
	}
	FUZZ_CHECK(fuzz_heap_now() == 0);
	return 0;
}
