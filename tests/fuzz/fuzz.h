/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What fuzz targets share: a check that ends the run, a meter of the heap, and a transcript to compare two runs by.
 *
 * A target is one file fuzz_NAME.c with one LLVMFuzzerTestOneInput, linked with libFuzzer (fuzz_NAME) or with replay.c
 * (replay_NAME). Not here: inputs; those stand in corpus/.
 */
#ifndef ISARIBI_TESTS_FUZZ_FUZZ_H
#define ISARIBI_TESTS_FUZZ_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"

/* Like assert(), but says what it is: a finding of a fuzz target. */
#define FUZZ_CHECK(condition) ((condition) ? (void)0 : fuzz_fail(#condition, __FILE__, __LINE__))

ATTR_NORETURN void fuzz_fail(const char *condition, const char *file, int line);

/* By name for libFuzzer. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/*
 * Bytes that malloc and its kin have given out and not got back, and the most of it since fuzz_heap_begin(). Only
 * AddressSanitizer tells: without it both are 0 and fuzz_heap_is_metered() says so.
 */
bool fuzz_heap_is_metered(void);
void fuzz_heap_begin(void);
size_t fuzz_heap_now(void);  /* since fuzz_heap_begin */
size_t fuzz_heap_peak(void); /* since fuzz_heap_begin */

/* What a run did, as a running hash (FNV-1a) and a count: two runs are alike when both are equal. */
struct fuzz_transcript {
	uint64_t hash;
	uint64_t n_notes;
};

void fuzz_transcript_init(struct fuzz_transcript *t);
void fuzz_note(struct fuzz_transcript *t, const void *data, size_t len);
void fuzz_note_number(struct fuzz_transcript *t, uint64_t number);
void fuzz_note_text(struct fuzz_transcript *t, const char *text);
bool fuzz_transcript_is_equal(const struct fuzz_transcript *a, const struct fuzz_transcript *b);

/* How a stream of bytes may arrive: whole, in sevens, one by one. */
enum { FUZZ_SPLITS = 3 };
size_t fuzz_piece_bytes(unsigned split, size_t len);

#endif
