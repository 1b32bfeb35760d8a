/* SPDX-License-Identifier: Apache-2.0 */
/*
 * splice_flv OUT.mp4 IN.flv...: a channel that switches between files and the slate twenty times, as one fragmented MP4
 * with the first init segment alone, as players that ignore all others see it.
 *
 * Each item begins at a key frame that lies inside a part where it can, and is cut in the middle of one. On standard
 * output: "pictures N", "sounds N" and "lasts TICKS" of 90 kHz, in all.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "packager/splice.h"
#include "tests/tools/flv_parts.h"

enum {
	SWITCHES = 20,
	PARTS_PER_ITEM = 3,
	MAX_FILES = 8,
	MAX_PARTS = 64,
	CUT_90K = 31 * 1000, /* after so much of its last part */
};

struct file {
	struct part *parts[MAX_PARTS];
	size_t count;
};

struct tool {
	FILE *out;
	struct slate *slate;
	struct splice splice;
	struct file files[MAX_FILES];
	size_t file_count;
	uint32_t sequence;
	uint64_t pictures;
	uint64_t sounds;
	int64_t lasts_90k;
	bool has_init;
	bool is_failed;
};

static void keep_part(void *arg, struct part *part)
{
	struct file *file = arg;

	if (file->count < MAX_PARTS)
		file->parts[file->count++] = part;
	else
		part_unref(part);
}

static void write_part(struct tool *t, const struct part *p)
{
	const struct shared *init = p->init->bytes;

	if (!t->has_init)
		(void)fwrite(init->data, 1, init->size_bytes, t->out);
	t->has_init = true;
	(void)fwrite(p->moof->data, 1, p->moof->size_bytes, t->out);
	(void)fwrite(p->mdat->data, 1, p->mdat->size_bytes, t->out);
	for (size_t i = 0; i < p->run_count; i++)
		*(p->runs[i].kind == TRACK_VIDEO ? &t->pictures : &t->sounds) += p->runs[i].sample_count;
	t->lasts_90k += p->duration_90k;
}

static void take(struct tool *t, const struct part *part, int64_t until_90k)
{
	const struct splice_slice slice = { .part = part, .from_90k = INT64_MIN, .until_90k = until_90k };
	struct part *made = NULL;

	if (splice_part(&t->splice, &slice, ++t->sequence, &made) != 0 || !made)
		t->is_failed = true;
	else
		write_part(t, made);
	part_unref(made);
}

/* The last key frame in it; of a part without pictures its begin. False: it has none. */
static bool find_key(const struct part *p, int64_t *pts_90k)
{
	const struct fmp4_run *run = &p->runs[0];
	int64_t dts_90k = (int64_t)run->base_decode_time;
	bool is_found = run->kind == TRACK_AUDIO;

	*pts_90k = p->start_90k;
	for (uint32_t i = 0; run->kind == TRACK_VIDEO && i < run->sample_count; i++) {
		if (run->samples[i].is_key)
			*pts_90k = dts_90k + run->samples[i].composition_offset;
		is_found |= run->samples[i].is_key;
		dts_90k += run->samples[i].duration;
	}
	return is_found;
}

static void show_file(struct tool *t, const struct file *file, size_t round)
{
	size_t first = round % (file->count - PARTS_PER_ITEM);
	int64_t pts_90k;

	while (first > 0 && !find_key(file->parts[first], &pts_90k))
		first--;
	(void)find_key(file->parts[first], &pts_90k);
	if (splice_begin_run(&t->splice, file->parts[first]->init->tracks, pts_90k) != 0)
		t->is_failed = true;
	for (size_t i = first; i < first + PARTS_PER_ITEM; i++) {
		bool is_last = i + 1 == first + PARTS_PER_ITEM;

		take(t, file->parts[i], is_last ? file->parts[i]->start_90k + CUT_90K : INT64_MAX);
	}
}

static void show_slate(struct tool *t)
{
	struct track *const tracks[TRACK_KINDS] = { slate_track(t->slate), NULL };
	struct part *part;

	if (splice_begin_run(&t->splice, tracks, 0) != 0)
		t->is_failed = true;
	for (uint32_t first = 0; first < 45 && !t->is_failed; first += 15) {
		if (slate_part(t->slate, first, 45000, &part) != 0)
			t->is_failed = true;
		else
			take(t, part, INT64_MAX);
		part_unref(part);
	}
}

static bool read_files(struct tool *t, int argc, char **argv)
{
	const struct cutter_config config = { .part_ms = 500, .segment_ms = 2000 };

	for (int i = 2; i < argc && t->file_count < MAX_FILES; i++) {
		struct file *file = &t->files[t->file_count++];

		if (!flv_parts_read(argv[i], &config, keep_part, file) || file->count <= PARTS_PER_ITEM)
			return false;
	}
	t->out = argc > 2 ? fopen(argv[1], "wb") : NULL;
	return t->out && slate_create_built_in(&t->slate) == 0;
}

int main(int argc, char **argv)
{
	static struct tool t;

	if (!read_files(&t, argc, argv)) {
		(void)fprintf(stderr, "usage: splice_flv OUT.mp4 IN.flv...\n");
		return 2;
	}
	splice_init(&t.splice, t.slate, 0, 0);
	for (size_t i = 0; i < SWITCHES && !t.is_failed; i++) {
		if (i % (t.file_count + 1) == t.file_count)
			show_slate(&t);
		else
			show_file(&t, &t.files[i % (t.file_count + 1)], i);
	}
	if (fclose(t.out) != 0)
		t.is_failed = true;
	printf("pictures %" PRIu64 "\nsounds %" PRIu64 "\nlasts %" PRId64 "\n", t.pictures, t.sounds, t.lasts_90k);
	splice_fini(&t.splice);
	slate_destroy(&t.slate);
	for (size_t i = 0; i < t.file_count; i++) {
		for (size_t k = 0; k < t.files[i].count; k++)
			part_unref(t.files[i].parts[k]);
	}
	return t.is_failed ? 1 : 0;
}
