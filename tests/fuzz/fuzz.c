/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/fuzz/fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if defined(__SANITIZE_ADDRESS__)
#define HAS_METER 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define HAS_METER 1
#endif
#endif
#ifndef HAS_METER
#define HAS_METER 0
#endif

/* libFuzzer has a thread of its own, which frees something when it likes. */
static _Thread_local bool is_metered;
static size_t heap_bytes;
static size_t heap_base;
static size_t heap_peak;

void fuzz_fail(const char *condition, const char *file, int line)
{
	fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, condition);
	abort();
}

#if HAS_METER
/* sanitizer/allocator_interface.h, which GCC does not install */
int __sanitizer_install_malloc_and_free_hooks(
    void (*malloc_hook)(const volatile void *, size_t), void (*free_hook)(const volatile void *));
size_t __sanitizer_get_allocated_size(const volatile void *p);

static void on_malloc(const volatile void *p, size_t size)
{
	(void)p;
	if (!is_metered)
		return;
	heap_bytes += size;
	if (heap_bytes > heap_peak)
		heap_peak = heap_bytes;
}

static void on_free(const volatile void *p)
{
	size_t size = p && is_metered ? __sanitizer_get_allocated_size(p) : 0;

	/* what was there before the hooks is not counted */
	heap_bytes = heap_bytes > size ? heap_bytes - size : 0;
}

static void install(void)
{
	static bool is_installed;

	if (!is_installed)
		FUZZ_CHECK(__sanitizer_install_malloc_and_free_hooks(on_malloc, on_free) > 0);
	is_installed = true;
}
#else
static void install(void)
{
}
#endif

bool fuzz_heap_is_metered(void)
{
	return HAS_METER != 0;
}

void fuzz_heap_begin(void)
{
	install();
	is_metered = true;
	/* Far from 0, so that old blocks being freed do not take the meter below it. */
	heap_bytes = heap_base = heap_peak = (size_t)1 << 40;
}

size_t fuzz_heap_now(void)
{
	return heap_bytes > heap_base ? heap_bytes - heap_base : 0;
}

size_t fuzz_heap_peak(void)
{
	return heap_peak - heap_base;
}

void fuzz_transcript_init(struct fuzz_transcript *t)
{
	*t = (struct fuzz_transcript){ .hash = UINT64_C(0xcbf29ce484222325) };
}

/* Multiplication wraps on purpose: that is the hash. */
void fuzz_note(struct fuzz_transcript *t, const void *data, size_t len)
{
	const uint8_t *bytes = data;

	for (size_t i = 0; i < len; i++)
		t->hash = (t->hash ^ bytes[i]) * UINT64_C(0x100000001b3);
	t->n_notes++;
}

void fuzz_note_number(struct fuzz_transcript *t, uint64_t number)
{
	fuzz_note(t, &number, sizeof(number));
}

void fuzz_note_text(struct fuzz_transcript *t, const char *text)
{
	fuzz_note(t, text, strlen(text));
}

bool fuzz_transcript_is_equal(const struct fuzz_transcript *a, const struct fuzz_transcript *b)
{
	return a->hash == b->hash && a->n_notes == b->n_notes;
}

size_t fuzz_piece_bytes(unsigned split, size_t len)
{
	static const size_t pieces[FUZZ_SPLITS] = { SIZE_MAX, 7, 1 };

	return len < pieces[split] ? len : pieces[split];
}
