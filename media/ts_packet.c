/* SPDX-License-Identifier: Apache-2.0 */
#include "media/ts_packet.h"

#include <assert.h>
#include <string.h>

#include "media/ts_bitstream.h"

enum {
	HEADER_BYTES = 4,
	FLAGS_BYTES = 2, /* the adaptation field's length and flags */
	PCR_BYTES = 6,
	ADAPTATION_OPCR = 0x08,
	ADAPTATION_SPLICING = 0x04,
	ADAPTATION_REST = 0x03, /* private data, extension */
};

/* What stands behind the known fields up to the end is stuffing. With private data or an extension nobody counts. */
static bool is_field_stuffed(const uint8_t *raw, size_t field_len)
{
	size_t used = 1;

	if (field_len == 0)
		return true;
	if (raw[5] & ADAPTATION_REST)
		return false;
	used += tsaf_has_pcr(raw) ? PCR_BYTES : 0;
	used += raw[5] & ADAPTATION_OPCR ? PCR_BYTES : 0;
	used += raw[5] & ADAPTATION_SPLICING ? 1 : 0;
	return field_len > used;
}

static void read_adaptation(struct ts_packet *out, const uint8_t *raw, size_t field_len)
{
	out->is_stuffed = is_field_stuffed(raw, field_len);
	if (field_len == 0)
		return;
	out->is_discontinuity = tsaf_has_discontinuity(raw);
	out->is_random_access = tsaf_has_randomaccess(raw);
	if (tsaf_has_pcr(raw) && field_len >= 1 + PCR_BYTES) {
		out->has_pcr = true;
		out->pcr_27m = (int64_t)(tsaf_get_pcr(raw) * 300 + tsaf_get_pcrext(raw) % 300);
	}
}

enum parse_result ts_packet_parse(struct ts_packet *out, const uint8_t raw[TS_PACKET_BYTES])
{
	size_t at = HEADER_BYTES;

	*out = (struct ts_packet){ 0 };
	if (!ts_validate(raw))
		return PARSE_BAD;
	out->pid = ts_get_pid(raw);
	out->continuity = ts_get_cc(raw);
	out->is_error = ts_get_transporterror(raw);
	out->is_unit_start = ts_get_unitstart(raw);
	out->is_scrambled = ts_get_scrambling(raw) != 0;
	if (ts_has_adaptation(raw)) {
		size_t field_len = ts_get_adaptation(raw);

		at += 1 + field_len;
		if (at > TS_PACKET_BYTES)
			return PARSE_BAD;
		read_adaptation(out, raw, field_len);
	}
	if (ts_has_payload(raw) && at < TS_PACKET_BYTES) {
		out->payload = raw + at;
		out->payload_len = TS_PACKET_BYTES - at;
	}
	return PARSE_OK;
}

static size_t fields_bytes(const struct ts_packet *p)
{
	if (p->has_pcr)
		return FLAGS_BYTES + PCR_BYTES;
	return p->is_discontinuity || p->is_random_access ? FLAGS_BYTES : 0;
}

size_t ts_packet_room(const struct ts_packet *p)
{
	return TS_PAYLOAD_MAX_BYTES - fields_bytes(p);
}

uint8_t *ts_packet_write(uint8_t raw[TS_PACKET_BYTES], const struct ts_packet *p)
{
	size_t adaptation = TS_PAYLOAD_MAX_BYTES - p->payload_len; /* with its length byte */

	assert(p->payload_len <= ts_packet_room(p));
	ts_init(raw);
	ts_set_pid(raw, p->pid);
	ts_set_cc(raw, p->continuity);
	if (p->is_unit_start)
		ts_set_unitstart(raw);
	if (p->payload_len > 0)
		ts_set_payload(raw);
	if (adaptation > 0)
		ts_set_adaptation(raw, (uint8_t)(adaptation - 1));
	if (p->is_discontinuity)
		tsaf_set_discontinuity(raw);
	if (p->is_random_access)
		tsaf_set_randomaccess(raw);
	if (p->has_pcr) {
		tsaf_set_pcr(raw, (uint64_t)p->pcr_27m / 300);
		tsaf_set_pcrext(raw, (uint16_t)(p->pcr_27m % 300));
	}
	return raw + HEADER_BYTES + adaptation;
}
