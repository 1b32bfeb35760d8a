/* SPDX-License-Identifier: Apache-2.0 */
#include "packager/sequence.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/log.h"
#include "packager/sequence_file.h"

enum {
	SLOTS_PER_ROW = 2, /* written in turn: the one before stays whole while the next is being written */
	SLOTS = SEQUENCE_ROWS_MAX * SLOTS_PER_ROW,
	READ_TRIES = 1000,
	GOES_ON_MAX_MS = 12 * 3600 * 1000, /* cut short longer ago than this: another broadcast */
	/* What a copy may not know of yet, in numbers of any kind. */
	LOST_AT_LEAST = 1024,
	LOST_ONE_IN_MS = 100,
	LOST_AT_LEAST_MS = 60 * 1000, /* of media time: a publisher may be faster than the clock for a while */
	TICKS_PER_MS = 90,
};

#define MEMORY_DIR "/dev/shm"
/* Three years on the air: the lanes' times have room behind that. Beyond it a stream's media time begins anew. */
#define MEDIA_MAX_90K ((uint64_t)1 << 43)

/* A row as the packaging thread knows it. */
struct kept {
	struct sequence_row row;
	bool is_used; /* by a stream of this run */
};

struct sequence {
	struct sequence_map map;
	_Atomic uint64_t *image; /* map.image, or on the heap */
	struct kept rows[SEQUENCE_ROWS_MAX];
	atomic_ulong changes;
	unsigned long saved_changes;
	bool is_mapped;
	bool is_elsewhere; /* another process has this data directory */
	bool has_complained;
	char data_dir[SEQUENCE_PATH_MAX];
};

static bool is_empty(const struct sequence *seq)
{
	for (size_t i = 0; i < SEQUENCE_ROWS_MAX; i++) {
		if (seq->rows[i].row.generation > 0)
			return false;
	}
	return true;
}

void sequence_close(struct sequence **seq)
{
	struct sequence *s = *seq;

	*seq = NULL;
	if (!s)
		return;
	if (s->is_mapped && is_empty(s))
		(void)unlink(s->map.path);
	if (s->is_mapped)
		sequence_file_unmap(&s->map);
	else
		free((void *)s->image);
	free(s);
}

static void write_row(struct sequence *s, int row)
{
	struct sequence_row *r = &s->rows[row].row;

	r->generation++;
	sequence_slot_write(sequence_slot(s->image, (size_t)row * SLOTS_PER_ROW + r->generation % SLOTS_PER_ROW), r);
	atomic_fetch_add_explicit(&s->changes, 1, memory_order_relaxed);
}

/* The newer of a row's two slots. */
static bool read_row(const struct sequence *s, int row, struct sequence_row *out)
{
	bool is_found = false;

	for (size_t i = 0; i < SLOTS_PER_ROW; i++) {
		struct sequence_row r;

		if (!sequence_slot_read(sequence_slot(s->image, (size_t)row * SLOTS_PER_ROW + i), &r))
			continue;
		if (!is_found || r.generation > out->generation)
			*out = r;
		is_found = true;
	}
	return is_found;
}

/* ---- opening ---- */

static int open_memory(struct sequence *s, const char *memory_dir)
{
	const size_t words = sequence_image_words(SLOTS);
	int err = sequence_file_map(&s->map, memory_dir, s->data_dir, words);

	s->is_mapped = err == 0;
	s->is_elsewhere = err == -EWOULDBLOCK;
	if (s->is_elsewhere)
		log_warn(NULL, "another node has %s: the numbers of streams are kept by the wall clock", s->data_dir);
	else if (err != 0)
		log_warn(NULL, "the numbers of streams cannot be kept in %s, only in %s: %s", memory_dir, s->data_dir,
		    err_text(err));
	s->has_complained = err != 0;
	s->image = s->is_mapped ? s->map.image : calloc(words, sizeof(*s->image));
	return s->image ? 0 : -ENOMEM;
}

/* The machine went down since the copy was made: nobody knows how far the stream had got, but no further than this. */
static void skip_what_was_lost(struct sequence_row *row, int64_t wall_ms)
{
	int64_t passed_ms = wall_ms - row->noted_ms;
	uint64_t lost_ms = 0;
	uint64_t lost;

	if (passed_ms > 0)
		lost_ms = (uint64_t)(passed_ms < GOES_ON_MAX_MS ? passed_ms : GOES_ON_MAX_MS);
	lost = LOST_AT_LEAST + lost_ms / LOST_ONE_IN_MS;
	row->next.msn += lost;
	row->next.part += lost;
	row->next.init_version += lost;
	row->next.discontinuity_sequence += lost;
	if (row->next.media_90k > 0)
		row->next.media_90k += (LOST_AT_LEAST_MS + lost_ms) * TICKS_PER_MS;
}

/* False: it is of another version, or not whole. */
static bool take_copy(struct sequence *s, const _Atomic uint64_t *copy, size_t words, int64_t wall_ms)
{
	size_t slots;
	bool is_exact;
	int taken = 0;

	if (words < SEQUENCE_HEADER_WORDS || !sequence_header_read(copy, &slots, &is_exact))
		return false;
	for (size_t i = 0; i < slots && sequence_image_words(i + 1) <= words && taken < SEQUENCE_ROWS_MAX; i++) {
		struct sequence_row *row = &s->rows[taken].row;

		if (!sequence_slot_read(copy + (sequence_slot(s->image, i) - s->image), row))
			continue;
		if (!is_exact)
			skip_what_was_lost(row, wall_ms);
		write_row(s, taken++);
	}
	return true;
}

static void read_copy(struct sequence *s, int64_t wall_ms)
{
	_Atomic uint64_t *copy;
	size_t words;
	int err = sequence_file_load(s->data_dir, sequence_image_words(SLOTS), &copy, &words);

	if (err != 0 && !s->has_complained) {
		log_warn(NULL, "the numbers of streams in %s cannot be read: %s", s->data_dir, err_text(err));
		s->has_complained = true;
	}
	if (copy && !take_copy(s, copy, words, wall_ms))
		log_warn(NULL,
		    "the numbers of streams in %s are damaged or of another version: the wall clock numbers them",
		    s->data_dir);
	free((void *)copy);
}

static void read_image(struct sequence *s, int64_t wall_ms)
{
	size_t slots;
	bool is_exact;

	if (sequence_header_read(s->image, &slots, &is_exact) && slots == SLOTS) {
		for (int row = 0; row < SEQUENCE_ROWS_MAX; row++)
			(void)read_row(s, row, &s->rows[row].row);
		return;
	}
	for (size_t i = 0; i < sequence_image_words(SLOTS); i++)
		atomic_store_explicit(&s->image[i], 0, memory_order_relaxed);
	if (!s->is_elsewhere)
		read_copy(s, wall_ms);
	sequence_header_write(s->image, SLOTS, true);
}

int sequence_open(struct sequence **out, const struct sequence_config *config)
{
	struct sequence *s = calloc(1, sizeof(*s));

	*out = NULL;
	if (!s)
		return -ENOMEM;
	(void)snprintf(s->data_dir, sizeof(s->data_dir), "%s", config->data_dir);
	if (open_memory(s, config->memory_dir ? config->memory_dir : MEMORY_DIR) != 0) {
		sequence_close(&s);
		return -ENOMEM;
	}
	read_image(s, config->wall_ms);
	*out = s;
	return 0;
}

/* ---- saving ---- */

/* The packaging thread writes meanwhile: twice during one look, once in a long while. */
static bool read_row_in_use(const struct sequence *s, int row, struct sequence_row *out)
{
	for (int tries = 0; tries < READ_TRIES; tries++) {
		if (read_row(s, row, out))
			return true;
		if (sequence_slot_is_empty(sequence_slot(s->image, (size_t)row * SLOTS_PER_ROW)) &&
		    sequence_slot_is_empty(sequence_slot(s->image, (size_t)row * SLOTS_PER_ROW + 1)))
			return false;
	}
	return false;
}

static size_t gather(const struct sequence *s, _Atomic uint64_t *copy, bool is_exact)
{
	size_t n = 0;

	for (int row = 0; row < SEQUENCE_ROWS_MAX; row++) {
		struct sequence_row r;

		if (read_row_in_use(s, row, &r))
			sequence_slot_write(sequence_slot(copy, n++), &r);
	}
	sequence_header_write(copy, n, is_exact);
	return n;
}

static int save(struct sequence *s, bool is_exact)
{
	_Atomic uint64_t *copy = calloc(sequence_image_words(SEQUENCE_ROWS_MAX), sizeof(*copy));
	int err = -ENOMEM;

	if (copy) {
		size_t n = gather(s, copy, is_exact);

		err = sequence_file_store(s->data_dir, copy, sequence_image_words(n));
	}
	free((void *)copy);
	if (err != 0 && !s->has_complained) {
		log_warn(NULL, "the numbers of streams cannot be written to %s: %s", s->data_dir, err_text(err));
		s->has_complained = true;
	}
	return err;
}

void sequence_save(struct sequence *seq)
{
	unsigned long changes = atomic_load_explicit(&seq->changes, memory_order_relaxed);

	if (!seq->is_elsewhere && changes != seq->saved_changes && save(seq, false) == 0)
		seq->saved_changes = changes;
}

void sequence_stop(struct sequence *seq)
{
	if (seq->is_elsewhere || is_empty(seq) || save(seq, true) != 0)
		return;
	if (seq->is_mapped)
		(void)unlink(seq->map.path);
}

/* ---- numbering ---- */

static int find_row(const struct sequence *s, const char *name)
{
	for (int row = 0; row < SEQUENCE_ROWS_MAX; row++) {
		if (s->rows[row].row.generation > 0 && strcmp(s->rows[row].row.name, name) == 0)
			return row;
	}
	return SEQUENCE_NO_ROW;
}

/* An empty one, else that of the stream that was away longest. */
static int find_room(const struct sequence *s)
{
	int best = SEQUENCE_NO_ROW;

	for (int row = 0; row < SEQUENCE_ROWS_MAX; row++) {
		const struct kept *k = &s->rows[row];

		if (k->row.generation == 0)
			return row;
		if (!k->is_used && (best < 0 || k->row.noted_ms < s->rows[best].row.noted_ms))
			best = row;
	}
	return best;
}

static void begin_epoch(struct sequence_numbers *n, int64_t wall_ms, uint64_t clock_msn)
{
	uint64_t epoch = wall_ms > 0 ? (uint64_t)wall_ms : 1;

	n->epoch = epoch > n->epoch ? epoch : n->epoch + 1;
	n->part = 1;
	n->init_version = 1;
	if (n->msn < clock_msn)
		n->msn = clock_msn;
}

/* An epoch of so many numbers that 32 bits (of mfhd) get narrow is over, too. */
static bool goes_on(const struct sequence_row *row, int64_t wall_ms)
{
	return !row->is_over && wall_ms - row->noted_ms <= GOES_ON_MAX_MS && row->next.part < INT32_MAX &&
	    row->next.init_version < INT32_MAX && row->next.media_90k <= MEDIA_MAX_90K;
}

void sequence_each_cut_short(
    const struct sequence *seq, int64_t wall_ms, void (*visit)(void *arg, const char *name), void *arg)
{
	for (int row = 0; row < SEQUENCE_ROWS_MAX; row++) {
		const struct sequence_row *r = &seq->rows[row].row;

		if (r->generation > 0 && goes_on(r, wall_ms))
			visit(arg, r->name);
	}
}

/* It goes on over an end, too: who missed that must not see time go back. */
static uint64_t media_to_go_on_from(const struct sequence_row *row, int64_t wall_ms)
{
	bool is_long_ago = wall_ms - row->noted_ms > GOES_ON_MAX_MS;

	return is_long_ago || row->next.media_90k > MEDIA_MAX_90K ? 0 : row->next.media_90k;
}

struct sequence_start sequence_begin(struct sequence *seq, const char *name, int64_t wall_ms, uint64_t clock_msn)
{
	struct sequence_start start = { .row = find_row(seq, name) };
	struct kept *k;

	if (start.row != SEQUENCE_NO_ROW && !seq->rows[start.row].is_used) {
		start.is_continued = true;
		start.noted_ms = seq->rows[start.row].row.noted_ms;
		start.is_same_epoch = goes_on(&seq->rows[start.row].row, wall_ms);
		start.next = seq->rows[start.row].row.next;
		start.next.media_90k = media_to_go_on_from(&seq->rows[start.row].row, wall_ms);
	} else {
		start.row =
		    strlen(name) < SEQUENCE_NAME_MAX && start.row == SEQUENCE_NO_ROW ? find_room(seq) : SEQUENCE_NO_ROW;
	}
	if (!start.is_same_epoch)
		begin_epoch(&start.next, wall_ms, clock_msn);
	if (start.row == SEQUENCE_NO_ROW)
		return start;
	k = &seq->rows[start.row];
	k->is_used = true;
	k->row.is_over = false;
	(void)snprintf(k->row.name, sizeof(k->row.name), "%s", name);
	sequence_note(seq, start.row, &start.next, wall_ms);
	return start;
}

void sequence_note(struct sequence *seq, int row, const struct sequence_numbers *next, int64_t wall_ms)
{
	if (row == SEQUENCE_NO_ROW)
		return;
	assert(row >= 0 && row < SEQUENCE_ROWS_MAX && seq->rows[row].is_used);
	seq->rows[row].row.next = *next;
	seq->rows[row].row.noted_ms = wall_ms;
	write_row(seq, row);
}

void sequence_end(struct sequence *seq, int row, int64_t wall_ms)
{
	if (row == SEQUENCE_NO_ROW)
		return;
	assert(row >= 0 && row < SEQUENCE_ROWS_MAX && seq->rows[row].is_used);
	seq->rows[row].is_used = false;
	seq->rows[row].row.is_over = true;
	seq->rows[row].row.noted_ms = wall_ms;
	write_row(seq, row);
}
