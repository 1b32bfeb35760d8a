/* SPDX-License-Identifier: Apache-2.0 */
#include "media/vui.h"

enum { EXTENDED_SAR = 255 };

void vui_skip_display(struct bits_reader *b)
{
	if (bits_flag(b) && bits_u(b, 8) == EXTENDED_SAR)
		bits_skip(b, 32);
	if (bits_flag(b)) /* overscan */
		bits_skip(b, 1);
	if (bits_flag(b)) { /* video signal */
		bits_skip(b, 4);
		if (bits_flag(b))
			bits_skip(b, 24);
	}
	if (bits_flag(b)) { /* chroma location */
		(void)bits_ue(b);
		(void)bits_ue(b);
	}
}

static uint64_t greatest_divisor(uint64_t a, uint64_t b)
{
	while (b != 0) {
		uint64_t rest = a % b;

		a = b;
		b = rest;
	}
	return a;
}

void vui_read_rate(struct bits_reader *b, unsigned ticks_per_picture, uint32_t *num_out, uint32_t *den_out)
{
	uint64_t num;
	uint64_t den;
	uint64_t divisor;

	if (!bits_flag(b))
		return;
	den = (uint64_t)bits_u(b, 32) * ticks_per_picture;
	num = bits_u(b, 32);
	if (b->is_short || num == 0 || den == 0 || num > den * 300 || num * 10 < den)
		return;
	divisor = greatest_divisor(num, den);
	if (den / divisor > UINT32_MAX)
		return;
	*num_out = (uint32_t)(num / divisor);
	*den_out = (uint32_t)(den / divisor);
}
