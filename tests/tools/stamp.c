/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/tools/stamp.h"

#include <string.h>

/* H.264 §7.3.2.3, §D.1.7: NAL type 6, payload type 5 (user data unregistered), 32 bytes of payload, a UUID first. */
static const uint8_t head[] = { 0, 0, 0, STAMP_BYTES - 4, 6, 5, 32, 'i', 's', 'a', 'r', 'i', 'b', 'i', '-', 'b', 'e',
	'n', 'c', 'h', '-', 'u', 's' };

bool stamp_fits(const uint8_t *body, size_t len)
{
	return len > STAMP_AT && (body[0] & 0x8f) == 7 && body[1] == 1;
}

void stamp_write(uint8_t out[STAMP_BYTES], int64_t now_us)
{
	uint64_t left = (uint64_t)now_us;

	memcpy(out, head, sizeof(head));
	for (size_t i = STAMP_BYTES - 1; i-- > sizeof(head);) {
		out[i] = (uint8_t)('0' + left % 10);
		left /= 10;
	}
	out[STAMP_BYTES - 1] = 0x80; /* rbsp_trailing_bits */
}

bool stamp_read(const uint8_t *body, size_t len, int64_t *written_us)
{
	const uint8_t *s = body + STAMP_AT;

	if (!stamp_fits(body, len) || len < STAMP_AT + STAMP_BYTES || memcmp(s, head, sizeof(head)) != 0)
		return false;
	*written_us = 0;
	for (size_t i = sizeof(head); i < STAMP_BYTES - 1; i++) {
		if (s[i] < '0' || s[i] > '9')
			return false;
		*written_us = *written_us * 10 + (s[i] - '0');
	}
	return true;
}
