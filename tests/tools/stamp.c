/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/tools/stamp.h"

#include <string.h>

/* H.264 §7.3.2.3, §D.1.7: NAL type 6, payload type 5 (user data unregistered), 32 bytes of payload, a UUID first. */
const uint8_t stamp_mark[STAMP_MARK_BYTES] = { 6, 5, 32, 'i', 's', 'a', 'r', 'i', 'b', 'i', '-', 'b', 'e', 'n', 'c',
	'h', '-', 'u', 's' };

enum { LENGTH_BYTES = 4, HEAD_BYTES = LENGTH_BYTES + STAMP_MARK_BYTES };

bool stamp_fits(const uint8_t *body, size_t len)
{
	return len > STAMP_AT && (body[0] & 0x8f) == 7 && body[1] == 1;
}

void stamp_write_digits(uint8_t out[STAMP_DIGITS], int64_t now_us)
{
	uint64_t left = (uint64_t)now_us;

	for (size_t i = STAMP_DIGITS; i-- > 0;) {
		out[i] = (uint8_t)('0' + left % 10);
		left /= 10;
	}
}

static bool read_digits(const uint8_t *s, int64_t *written_us)
{
	*written_us = 0;
	for (size_t i = 0; i < STAMP_DIGITS; i++) {
		if (s[i] < '0' || s[i] > '9')
			return false;
		*written_us = *written_us * 10 + (s[i] - '0');
	}
	return true;
}

void stamp_write(uint8_t out[STAMP_BYTES], int64_t now_us)
{
	static const uint8_t length[LENGTH_BYTES] = { 0, 0, 0, STAMP_BYTES - LENGTH_BYTES };

	memcpy(out, length, sizeof(length));
	memcpy(out + LENGTH_BYTES, stamp_mark, sizeof(stamp_mark));
	stamp_write_digits(out + HEAD_BYTES, now_us);
	out[STAMP_BYTES - 1] = 0x80; /* rbsp_trailing_bits */
}

bool stamp_find(const uint8_t *data, size_t len, int64_t *written_us)
{
	for (size_t i = 0; i + STAMP_MARK_BYTES + STAMP_DIGITS <= len; i++)
		if (memcmp(data + i, stamp_mark, sizeof(stamp_mark)) == 0)
			return read_digits(data + i + STAMP_MARK_BYTES, written_us);
	return false;
}

bool stamp_read(const uint8_t *body, size_t len, int64_t *written_us)
{
	const uint8_t *s = body + STAMP_AT;

	if (!stamp_fits(body, len) || len < STAMP_AT + STAMP_BYTES || s[3] != STAMP_BYTES - LENGTH_BYTES ||
	    memcmp(s + LENGTH_BYTES, stamp_mark, sizeof(stamp_mark)) != 0)
		return false;
	return read_digits(s + HEAD_BYTES, written_us);
}
