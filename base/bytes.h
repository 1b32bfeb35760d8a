/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bounds-checked reading and writing of bytes and bits, big-endian unless the name says little.
 *
 * Owner: the caller; nothing is allocated but by a growing writer. Lifetime: a reader borrows its input.
 * A reader never fails in the middle: reading past the end yields zeros and sets `is_short`, so a parser reads a whole
 * structure and asks once. The same holds for a writer and `is_full`.
 * Not here: formats. Those live in media/.
 */
#ifndef ISARIBI_BASE_BYTES_H
#define ISARIBI_BASE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bytes_reader {
	const uint8_t *pos;
	const uint8_t *end;
	bool is_short; /* something was asked for that is not there */
};

void bytes_reader_init(struct bytes_reader *r, const void *data, size_t len);
size_t bytes_left(const struct bytes_reader *r);
uint8_t bytes_u8(struct bytes_reader *r);
uint16_t bytes_u16(struct bytes_reader *r);
uint32_t bytes_u24(struct bytes_reader *r);
uint32_t bytes_u32(struct bytes_reader *r);
uint32_t bytes_u32_little(struct bytes_reader *r);
uint64_t bytes_u64(struct bytes_reader *r);
double bytes_f64(struct bytes_reader *r);
/* Borrowed pointer to the next len bytes, or NULL (and is_short) when there are fewer. */
const uint8_t *bytes_take(struct bytes_reader *r, size_t len);
void bytes_skip(struct bytes_reader *r, size_t len);

/*
 * A writer into a buffer that grows up to max_bytes (bytes_writer_init_growing) or that the caller owns
 * (bytes_writer_init_fixed). After the bound, or when memory is out, nothing is written and is_full is set.
 */
struct bytes_writer {
	uint8_t *data;
	size_t len;
	size_t capacity;
	size_t max_bytes;
	bool is_growing;
	bool is_full;
};

void bytes_writer_init_fixed(struct bytes_writer *w, void *buf, size_t size_bytes);
void bytes_writer_init_growing(struct bytes_writer *w, size_t max_bytes);
void bytes_writer_fini(struct bytes_writer *w);	 /* frees what a growing writer holds */
void bytes_writer_reset(struct bytes_writer *w); /* keeps the memory */
void bytes_put_u8(struct bytes_writer *w, uint8_t v);
void bytes_put_u16(struct bytes_writer *w, uint16_t v);
void bytes_put_u24(struct bytes_writer *w, uint32_t v);
void bytes_put_u32(struct bytes_writer *w, uint32_t v);
void bytes_put_u32_little(struct bytes_writer *w, uint32_t v);
void bytes_put_u64(struct bytes_writer *w, uint64_t v);
void bytes_put_f64(struct bytes_writer *w, double v);
void bytes_put(struct bytes_writer *w, const void *data, size_t len);
void bytes_put_zeros(struct bytes_writer *w, size_t len);
/* The next len bytes, unset, for the caller to fill before anything else is written; NULL (and is_full) when there is
 * no room for all of them. */
uint8_t *bytes_reserve(struct bytes_writer *w, size_t len);
/* Overwrites four bytes written before, at an offset from the start: for sizes known only at the end. */
void bytes_patch_u32(struct bytes_writer *w, size_t offset, uint32_t v);

/* Bits, most significant first. Exp-Golomb as in H.264 §9.1. */
struct bits_reader {
	const uint8_t *data;
	size_t size_bits;
	size_t pos_bits;
	bool is_short;
};

void bits_reader_init(struct bits_reader *b, const void *data, size_t len_bytes);
uint32_t bits_u(struct bits_reader *b, unsigned n_bits); /* n_bits 0..32 */
bool bits_flag(struct bits_reader *b);
uint32_t bits_ue(struct bits_reader *b); /* a code of more than 32 leading zeros sets is_short */
int32_t bits_se(struct bits_reader *b);
size_t bits_left(const struct bits_reader *b);
void bits_skip(struct bits_reader *b, size_t n_bits);

#endif
