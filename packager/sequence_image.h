/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How the numbers of streams stand in memory that outlives the process, and in a file: a header and slots of 64-bit
 * words, each slot with a checksum of its own.
 *
 * Owner: the caller; one thread writes, any may read meanwhile: a slot that is being written does not read. Lifetime:
 * nothing is kept. Pure. Not here: files, which row is whose (packager/sequence).
 *
 * Words are in the machine's byte order: an image of another kind of machine is one of another version.
 */
#ifndef ISARIBI_PACKAGER_SEQUENCE_IMAGE_H
#define ISARIBI_PACKAGER_SEQUENCE_IMAGE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	SEQUENCE_NAME_MAX = 80, /* of a stream, with its NUL */
	SEQUENCE_HEADER_WORDS = 8,
	SEQUENCE_SLOT_WORDS = 20,
};

/* What comes next in a stream. */
struct sequence_numbers {
	uint64_t epoch;
	uint64_t msn;
	uint64_t part;			 /* counts from 1 in an epoch */
	uint64_t init_version;		 /* the same */
	uint64_t discontinuity_sequence; /* so many there have been */
	uint64_t media_90k;		 /* media time: no sample was given out that ends behind this */
};

struct sequence_row {
	uint64_t generation; /* counts how often the row was written; 0: there is none */
	int64_t noted_ms;    /* wall clock then */
	bool is_over;	     /* the playlist of this epoch has its end */
	struct sequence_numbers next;
	char name[SEQUENCE_NAME_MAX];
};

size_t sequence_image_words(size_t slots);
static inline _Atomic uint64_t *sequence_slot(_Atomic uint64_t *image, size_t slot)
{
	return image + SEQUENCE_HEADER_WORDS + slot * SEQUENCE_SLOT_WORDS;
}

/* is_exact: nothing has happened since that it does not hold. */
void sequence_header_write(_Atomic uint64_t *image, size_t slots, bool is_exact);
/* False: not ours, another version, or not whole. */
bool sequence_header_read(const _Atomic uint64_t *image, size_t *slots, bool *is_exact);
void sequence_slot_write(_Atomic uint64_t *slot, const struct sequence_row *row);
/* Nothing was ever written to it. */
bool sequence_slot_is_empty(const _Atomic uint64_t *slot);
/* False: empty or torn. */
bool sequence_slot_read(const _Atomic uint64_t *slot, struct sequence_row *row);

#endif
