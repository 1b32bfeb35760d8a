/* SPDX-License-Identifier: Apache-2.0 */
#include "base/bytes.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

void bytes_reader_init(struct bytes_reader *r, const void *data, size_t len)
{
	r->pos = data;
	r->end = len == 0 ? r->pos : r->pos + len;
	r->is_short = false;
}

size_t bytes_left(const struct bytes_reader *r)
{
	return (size_t)(r->end - r->pos);
}

const uint8_t *bytes_take(struct bytes_reader *r, size_t len)
{
	const uint8_t *taken = r->pos;

	if (len > bytes_left(r)) {
		r->is_short = true;
		r->pos = r->end;
		return NULL;
	}
	if (len > 0)
		r->pos += len;
	return taken;
}

void bytes_skip(struct bytes_reader *r, size_t len)
{
	(void)bytes_take(r, len);
}

static uint64_t read_big(struct bytes_reader *r, size_t n)
{
	const uint8_t *p = bytes_take(r, n);
	uint64_t v = 0;

	if (!p)
		return 0;
	for (size_t i = 0; i < n; i++)
		v = v << 8 | p[i];
	return v;
}

uint8_t bytes_u8(struct bytes_reader *r)
{
	return (uint8_t)read_big(r, 1);
}

uint16_t bytes_u16(struct bytes_reader *r)
{
	return (uint16_t)read_big(r, 2);
}

uint32_t bytes_u24(struct bytes_reader *r)
{
	return (uint32_t)read_big(r, 3);
}

uint32_t bytes_u32(struct bytes_reader *r)
{
	return (uint32_t)read_big(r, 4);
}

uint64_t bytes_u64(struct bytes_reader *r)
{
	return read_big(r, 8);
}

uint32_t bytes_u32_little(struct bytes_reader *r)
{
	uint32_t v = bytes_u32(r);

	return v >> 24 | (v >> 8 & 0xff00u) | (v << 8 & 0xff0000u) | v << 24;
}

double bytes_f64(struct bytes_reader *r)
{
	uint64_t bits = bytes_u64(r);
	double v;

	memcpy(&v, &bits, sizeof(v));
	return v;
}

void bytes_writer_init_fixed(struct bytes_writer *w, void *buf, size_t size_bytes)
{
	*w = (struct bytes_writer){ .data = buf, .capacity = size_bytes, .max_bytes = size_bytes };
}

void bytes_writer_init_growing(struct bytes_writer *w, size_t max_bytes)
{
	*w = (struct bytes_writer){ .max_bytes = max_bytes, .is_growing = true };
}

void bytes_writer_fini(struct bytes_writer *w)
{
	if (w->is_growing)
		free(w->data);
	*w = (struct bytes_writer){ 0 };
}

void bytes_writer_reset(struct bytes_writer *w)
{
	w->len = 0;
	w->is_full = false;
}

static bool make_room(struct bytes_writer *w, size_t len)
{
	size_t wanted;
	uint8_t *bigger;

	if (w->is_full || len > w->max_bytes - w->len) {
		w->is_full = true;
		return false;
	}
	if (len <= w->capacity - w->len)
		return true;
	assert(w->is_growing);
	wanted = w->capacity < 64 ? 64 : w->capacity * 2;
	if (wanted < w->len + len)
		wanted = w->len + len;
	if (wanted > w->max_bytes)
		wanted = w->max_bytes;
	bigger = realloc(w->data, wanted);
	if (!bigger) {
		w->is_full = true;
		return false;
	}
	w->data = bigger;
	w->capacity = wanted;
	return true;
}

void bytes_put(struct bytes_writer *w, const void *data, size_t len)
{
	if (len == 0 || !make_room(w, len))
		return;
	memcpy(w->data + w->len, data, len);
	w->len += len;
}

void bytes_put_zeros(struct bytes_writer *w, size_t len)
{
	if (len == 0 || !make_room(w, len))
		return;
	memset(w->data + w->len, 0, len);
	w->len += len;
}

uint8_t *bytes_reserve(struct bytes_writer *w, size_t len)
{
	uint8_t *room;

	if (!make_room(w, len))
		return NULL;
	room = w->data + w->len;
	w->len += len;
	return room;
}

static void write_big(struct bytes_writer *w, uint64_t v, size_t n)
{
	uint8_t raw[8];

	for (size_t i = 0; i < n; i++)
		raw[i] = (uint8_t)(v >> (8 * (n - 1 - i)));
	bytes_put(w, raw, n);
}

void bytes_put_u8(struct bytes_writer *w, uint8_t v)
{
	write_big(w, v, 1);
}

void bytes_put_u16(struct bytes_writer *w, uint16_t v)
{
	write_big(w, v, 2);
}

void bytes_put_u24(struct bytes_writer *w, uint32_t v)
{
	write_big(w, v, 3);
}

void bytes_put_u32(struct bytes_writer *w, uint32_t v)
{
	write_big(w, v, 4);
}

void bytes_put_u64(struct bytes_writer *w, uint64_t v)
{
	write_big(w, v, 8);
}

void bytes_put_u32_little(struct bytes_writer *w, uint32_t v)
{
	const uint8_t raw[4] = { (uint8_t)v, (uint8_t)(v >> 8), (uint8_t)(v >> 16), (uint8_t)(v >> 24) };

	bytes_put(w, raw, sizeof(raw));
}

void bytes_put_f64(struct bytes_writer *w, double v)
{
	uint64_t bits;

	memcpy(&bits, &v, sizeof(bits));
	bytes_put_u64(w, bits);
}

void bytes_patch_u32(struct bytes_writer *w, size_t offset, uint32_t v)
{
	if (w->is_full)
		return;
	assert(offset + 4 <= w->len);
	for (size_t i = 0; i < 4; i++)
		w->data[offset + i] = (uint8_t)(v >> (8 * (3 - i)));
}

void bits_reader_init(struct bits_reader *b, const void *data, size_t len_bytes)
{
	assert(len_bytes <= SIZE_MAX / 8);
	*b = (struct bits_reader){ .data = data, .size_bits = len_bytes * 8 };
}

size_t bits_left(const struct bits_reader *b)
{
	return b->size_bits - b->pos_bits;
}

void bits_skip(struct bits_reader *b, size_t n_bits)
{
	if (n_bits > bits_left(b)) {
		b->is_short = true;
		b->pos_bits = b->size_bits;
		return;
	}
	b->pos_bits += n_bits;
}

uint32_t bits_u(struct bits_reader *b, unsigned n_bits)
{
	uint32_t v = 0;

	assert(n_bits <= 32);
	if (n_bits > bits_left(b)) {
		b->is_short = true;
		b->pos_bits = b->size_bits;
		return 0;
	}
	for (unsigned i = 0; i < n_bits; i++) {
		uint32_t byte = b->data[b->pos_bits / 8];

		v = v << 1 | (byte >> (7 - b->pos_bits % 8) & 1u);
		b->pos_bits++;
	}
	return v;
}

bool bits_flag(struct bits_reader *b)
{
	return bits_u(b, 1) != 0;
}

uint32_t bits_ue(struct bits_reader *b)
{
	unsigned zeros = 0;

	while (!b->is_short && !bits_flag(b)) {
		if (++zeros > 31) {
			b->is_short = true;
			return 0;
		}
	}
	if (b->is_short)
		return 0;
	return (uint32_t)((1ull << zeros) - 1 + bits_u(b, zeros));
}

int32_t bits_se(struct bits_reader *b)
{
	uint32_t k = bits_ue(b);
	int64_t magnitude = ((int64_t)k + 1) / 2;

	return (int32_t)(k % 2 ? magnitude : -magnitude);
}
