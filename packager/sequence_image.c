/* SPDX-License-Identifier: Apache-2.0 */
#include "packager/sequence_image.h"

#include <string.h>
#include <zlib.h>

enum {
	IMAGE_VERSION = 2,
	NAME_WORDS = SEQUENCE_NAME_MAX / 8,
	FLAG_OVER = 1,
};

#define IMAGE_MAGIC UINT64_C(0x6973617269736571) /* "isariseq" */

enum header_word {
	HEADER_MAGIC,
	HEADER_VERSION, /* and below it the words of a slot */
	HEADER_SLOTS,
	HEADER_EXACT,
	HEADER_CHECKSUM,
};

enum slot_word {
	SLOT_GENERATION,
	SLOT_NOTED_MS,
	SLOT_FLAGS,
	SLOT_EPOCH,
	SLOT_MSN,
	SLOT_PART,
	SLOT_INIT_VERSION,
	SLOT_DISCONTINUITIES,
	SLOT_MEDIA_90K,
	SLOT_NAME,
	SLOT_CHECKSUM = SLOT_NAME + NAME_WORDS,
};

_Static_assert((int)SLOT_CHECKSUM + 1 == (int)SEQUENCE_SLOT_WORDS, "a slot is its words");
_Static_assert((int)HEADER_CHECKSUM < (int)SEQUENCE_HEADER_WORDS, "a header has room");

/* The complement is kept, so that zeros are no valid slot. */
static uint64_t checksum(const uint64_t *words, size_t n)
{
	return ~(uint64_t)crc32(crc32(0, NULL, 0), (const unsigned char *)words, (unsigned)(n * sizeof(*words)));
}

static void store(_Atomic uint64_t *to, const uint64_t *from, size_t n)
{
	for (size_t i = 0; i < n; i++)
		atomic_store_explicit(&to[i], from[i], memory_order_relaxed);
}

static void load(uint64_t *to, const _Atomic uint64_t *from, size_t n)
{
	for (size_t i = 0; i < n; i++)
		to[i] = atomic_load_explicit(&from[i], memory_order_relaxed);
}

size_t sequence_image_words(size_t slots)
{
	return SEQUENCE_HEADER_WORDS + slots * SEQUENCE_SLOT_WORDS;
}

void sequence_header_write(_Atomic uint64_t *image, size_t slots, bool is_exact)
{
	uint64_t words[SEQUENCE_HEADER_WORDS] = {
		[HEADER_MAGIC] = IMAGE_MAGIC,
		[HEADER_VERSION] = (uint64_t)IMAGE_VERSION << 32 | SEQUENCE_SLOT_WORDS,
		[HEADER_SLOTS] = slots,
		[HEADER_EXACT] = is_exact,
	};

	words[HEADER_CHECKSUM] = checksum(words, HEADER_CHECKSUM);
	store(image, words, SEQUENCE_HEADER_WORDS);
}

bool sequence_header_read(const _Atomic uint64_t *image, size_t *slots, bool *is_exact)
{
	uint64_t words[SEQUENCE_HEADER_WORDS];

	load(words, image, SEQUENCE_HEADER_WORDS);
	*slots = words[HEADER_SLOTS];
	*is_exact = words[HEADER_EXACT] != 0;
	return words[HEADER_MAGIC] == IMAGE_MAGIC &&
	    words[HEADER_VERSION] == ((uint64_t)IMAGE_VERSION << 32 | SEQUENCE_SLOT_WORDS) &&
	    words[HEADER_CHECKSUM] == checksum(words, HEADER_CHECKSUM);
}

void sequence_slot_write(_Atomic uint64_t *slot, const struct sequence_row *row)
{
	uint64_t words[SEQUENCE_SLOT_WORDS] = {
		[SLOT_GENERATION] = row->generation,
		[SLOT_NOTED_MS] = (uint64_t)row->noted_ms,
		[SLOT_FLAGS] = row->is_over ? FLAG_OVER : 0,
		[SLOT_EPOCH] = row->next.epoch,
		[SLOT_MSN] = row->next.msn,
		[SLOT_PART] = row->next.part,
		[SLOT_INIT_VERSION] = row->next.init_version,
		[SLOT_DISCONTINUITIES] = row->next.discontinuity_sequence,
		[SLOT_MEDIA_90K] = row->next.media_90k,
	};

	memcpy(&words[SLOT_NAME], row->name, sizeof(row->name));
	words[SLOT_CHECKSUM] = checksum(words, SLOT_CHECKSUM);
	store(slot, words, SEQUENCE_SLOT_WORDS);
}

bool sequence_slot_is_empty(const _Atomic uint64_t *slot)
{
	return atomic_load_explicit(&slot[SLOT_GENERATION], memory_order_relaxed) == 0;
}

bool sequence_slot_read(const _Atomic uint64_t *slot, struct sequence_row *row)
{
	uint64_t words[SEQUENCE_SLOT_WORDS];

	load(words, slot, SEQUENCE_SLOT_WORDS);
	if (words[SLOT_GENERATION] == 0 || words[SLOT_CHECKSUM] != checksum(words, SLOT_CHECKSUM))
		return false;
	*row = (struct sequence_row){
		.generation = words[SLOT_GENERATION],
		.noted_ms = (int64_t)words[SLOT_NOTED_MS],
		.is_over = (words[SLOT_FLAGS] & FLAG_OVER) != 0,
		.next = {
			.epoch = words[SLOT_EPOCH],
			.msn = words[SLOT_MSN],
			.part = words[SLOT_PART],
			.init_version = words[SLOT_INIT_VERSION],
			.discontinuity_sequence = words[SLOT_DISCONTINUITIES],
			.media_90k = words[SLOT_MEDIA_90K],
		},
	};
	memcpy(row->name, &words[SLOT_NAME], sizeof(row->name));
	row->name[SEQUENCE_NAME_MAX - 1] = '\0';
	return true;
}
