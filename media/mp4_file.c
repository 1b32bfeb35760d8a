/* SPDX-License-Identifier: Apache-2.0 */
#include "media/mp4_file.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "media/mp4_box.h"

enum {
	TABLE_MAX_BYTES = 512 * 1024 * 1024,
	ENTRY_MAX_BYTES = 64 * 1024,
	RUN_BYTES = 8,	  /* of stts and ctts */
	CHUNK_BYTES = 12, /* of stsc */
	LARGE_HEADER_BYTES = 16,
};

static void table_init(struct mp4_table *t)
{
	*t = (struct mp4_table){ .is_all_keys = true };
	bytes_writer_init_growing(&t->entries, ENTRY_MAX_BYTES);
	bytes_writer_init_growing(&t->durations, TABLE_MAX_BYTES);
	bytes_writer_init_growing(&t->offsets, TABLE_MAX_BYTES);
	bytes_writer_init_growing(&t->keys, TABLE_MAX_BYTES);
	bytes_writer_init_growing(&t->sizes, TABLE_MAX_BYTES);
	bytes_writer_init_growing(&t->chunks, TABLE_MAX_BYTES);
	bytes_writer_init_growing(&t->places, TABLE_MAX_BYTES);
}

static void table_fini(struct mp4_table *t)
{
	bytes_writer_fini(&t->entries);
	bytes_writer_fini(&t->durations);
	bytes_writer_fini(&t->offsets);
	bytes_writer_fini(&t->keys);
	bytes_writer_fini(&t->sizes);
	bytes_writer_fini(&t->chunks);
	bytes_writer_fini(&t->places);
}

void mp4_file_init(struct mp4_file *f)
{
	for (size_t kind = 0; kind < TRACK_KINDS; kind++)
		table_init(&f->tables[kind]);
}

void mp4_file_fini(struct mp4_file *f)
{
	for (size_t kind = 0; kind < TRACK_KINDS; kind++)
		table_fini(&f->tables[kind]);
}

static bool is_full(const struct mp4_table *t)
{
	return t->entries.is_full || t->durations.is_full || t->offsets.is_full || t->keys.is_full ||
	    t->sizes.is_full || t->chunks.is_full || t->places.is_full;
}

/* ---- samples ---- */

static uint32_t read_u32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* Which of the entries is this one, from 1; 0: none. */
static uint32_t find_entry(const struct mp4_table *t, const uint8_t *entry, size_t len)
{
	uint32_t n = 1;

	for (size_t at = 0; at < t->entries.len; n++) {
		size_t size = read_u32(t->entries.data + at);

		if (size == len && memcmp(t->entries.data + at, entry, len) == 0)
			return n;
		at += size;
	}
	return 0;
}

void mp4_file_use_entry(struct mp4_file *f, enum track_kind kind, const uint8_t *entry, size_t len, uint32_t timescale)
{
	struct mp4_table *t = &f->tables[kind];

	assert(len >= RUN_BYTES && read_u32(entry) == len && timescale > 0);
	assert(t->timescale == 0 || t->timescale == timescale);
	t->timescale = timescale;
	t->entry = find_entry(t, entry, len);
	if (t->entry > 0)
		return;
	bytes_put(&t->entries, entry, len);
	t->entry = ++t->n_entries;
}

/* One more of this value: counted where the last run is of the same. */
static void count_value(struct bytes_writer *w, uint32_t value)
{
	size_t last = w->len > 0 ? w->len - RUN_BYTES : 0;

	if (w->is_full)
		return;
	if (w->len > 0 && read_u32(w->data + last + 4) == value) {
		bytes_patch_u32(w, last, read_u32(w->data + last) + 1);
		return;
	}
	bytes_put_u32(w, 1);
	bytes_put_u32(w, value);
}

static void settle_last(struct mp4_table *t)
{
	if (t->has_last)
		count_value(&t->durations, (uint32_t)t->last_duration);
	t->has_last = false;
}

void mp4_file_begin_run(struct mp4_file *f, enum track_kind kind, uint64_t place, int64_t time)
{
	struct mp4_table *t = &f->tables[kind];
	int64_t hole = time - t->end;

	assert(t->entry > 0 && t->in_chunk == 0);
	bytes_put_u64(&t->places, place);
	t->n_chunks++;
	if (t->n_samples == 0) {
		t->start = t->end = time > 0 ? time : 0;
		return;
	}
	if (hole < 1 - t->last_duration) /* times went back: as near as can be, the next run may be in place again */
		hole = 1 - t->last_duration;
	if (hole > UINT32_MAX - t->last_duration)
		hole = UINT32_MAX - t->last_duration;
	t->last_duration += hole;
	t->end += hole;
}

void mp4_file_add_sample(struct mp4_file *f, enum track_kind kind, const struct fmp4_sample *s)
{
	struct mp4_table *t = &f->tables[kind];

	settle_last(t);
	t->n_samples++;
	t->in_chunk++;
	t->last_duration = s->duration;
	t->has_last = true;
	t->end += s->duration;
	bytes_put_u32(&t->sizes, s->size_bytes);
	count_value(&t->offsets, (uint32_t)s->composition_offset);
	t->is_all_keys = t->is_all_keys && s->is_key;
	if (s->is_key)
		bytes_put_u32(&t->keys, t->n_samples);
}

static bool is_like_last_chunk(const struct mp4_table *t)
{
	const uint8_t *last;

	if (t->chunks.len < CHUNK_BYTES)
		return false;
	last = t->chunks.data + t->chunks.len - CHUNK_BYTES;
	return read_u32(last + 4) == t->in_chunk && read_u32(last + 8) == t->entry;
}

void mp4_file_end_run(struct mp4_file *f, enum track_kind kind)
{
	struct mp4_table *t = &f->tables[kind];

	if (!is_like_last_chunk(t)) {
		bytes_put_u32(&t->chunks, t->n_chunks);
		bytes_put_u32(&t->chunks, t->in_chunk);
		bytes_put_u32(&t->chunks, t->entry);
	}
	t->in_chunk = 0;
}

static int64_t to_90k(const struct mp4_table *t, int64_t time)
{
	return t->timescale > 0 ? time * MP4_FILE_TIMESCALE / t->timescale : 0;
}

int64_t mp4_file_end_90k(const struct mp4_file *f)
{
	int64_t end_90k = 0;

	for (size_t kind = 0; kind < TRACK_KINDS; kind++) {
		const struct mp4_table *t = &f->tables[kind];

		if (end_90k < to_90k(t, t->end))
			end_90k = to_90k(t, t->end);
	}
	return end_90k;
}

/* ---- boxes ---- */

static void put_mvhd(struct bytes_writer *w, const struct mp4_file *f)
{
	size_t box = mp4_full_box_begin(w, "mvhd", 1, 0);

	bytes_put_zeros(w, 16);
	bytes_put_u32(w, MP4_FILE_TIMESCALE);
	bytes_put_u64(w, (uint64_t)mp4_file_end_90k(f));
	bytes_put_u32(w, 0x00010000);
	bytes_put_u16(w, 0x0100);
	bytes_put_zeros(w, 10);
	mp4_box_matrix(w);
	bytes_put_zeros(w, 24);
	bytes_put_u32(w, TRACK_KINDS + 1);
	mp4_box_end(w, box);
}

static void put_tkhd(struct bytes_writer *w, const struct mp4_table *t, enum track_kind kind)
{
	size_t box = mp4_full_box_begin(w, "tkhd", 1, 3);

	bytes_put_zeros(w, 16);
	bytes_put_u32(w, fmp4_track_id(kind));
	bytes_put_zeros(w, 4);
	bytes_put_u64(w, (uint64_t)to_90k(t, t->end));
	bytes_put_zeros(w, 8 + 2 + 2);
	bytes_put_u16(w, kind == TRACK_VIDEO ? 0 : 0x0100);
	bytes_put_u16(w, 0);
	mp4_box_matrix(w);
	bytes_put_u32(w, t->width_px << 16);
	bytes_put_u32(w, t->height_px << 16);
	mp4_box_end(w, box);
}

/* §8.6.6: nothing until the track begins, then all of it */
static void put_edts(struct bytes_writer *w, const struct mp4_table *t)
{
	size_t edts;
	size_t box;

	if (t->start == 0)
		return;
	edts = mp4_box_begin(w, "edts");
	box = mp4_full_box_begin(w, "elst", 1, 0);
	bytes_put_u32(w, 2);
	bytes_put_u64(w, (uint64_t)to_90k(t, t->start));
	bytes_put_u64(w, UINT64_MAX); /* -1: empty */
	bytes_put_u32(w, 0x00010000);
	bytes_put_u64(w, (uint64_t)to_90k(t, t->end - t->start));
	bytes_put_u64(w, 0);
	bytes_put_u32(w, 0x00010000);
	mp4_box_end(w, box);
	mp4_box_end(w, edts);
}

static void put_mdhd(struct bytes_writer *w, const struct mp4_table *t)
{
	size_t box = mp4_full_box_begin(w, "mdhd", 1, 0);

	bytes_put_zeros(w, 16);
	bytes_put_u32(w, t->timescale);
	bytes_put_u64(w, (uint64_t)(t->end - t->start));
	bytes_put_u16(w, 0x55c4); /* "und" */
	bytes_put_u16(w, 0);
	mp4_box_end(w, box);
}

/* A table with its count in front. */
static void put_table(
    struct bytes_writer *w, const char type[static 4], uint8_t version, const struct bytes_writer *table, size_t row)
{
	size_t box = mp4_full_box_begin(w, type, version, 0);

	bytes_put_u32(w, (uint32_t)(table->len / row));
	bytes_put(w, table->data, table->len);
	mp4_box_end(w, box);
}

static void put_stsz(struct bytes_writer *w, const struct mp4_table *t)
{
	size_t box = mp4_full_box_begin(w, "stsz", 0, 0);

	bytes_put_u32(w, 0);
	bytes_put_u32(w, t->n_samples);
	bytes_put(w, t->sizes.data, t->sizes.len);
	mp4_box_end(w, box);
}

/* §8.7.5: first_byte is where the mdat's payload begins in the file */
static void put_places(struct bytes_writer *w, const struct mp4_table *t, uint64_t first_byte, bool is_large)
{
	size_t box = mp4_full_box_begin(w, is_large ? "co64" : "stco", 0, 0);
	struct bytes_reader r;

	bytes_reader_init(&r, t->places.data, t->places.len);
	bytes_put_u32(w, t->n_chunks);
	for (uint32_t i = 0; i < t->n_chunks; i++) {
		uint64_t place = bytes_u64(&r) + first_byte;

		if (is_large)
			bytes_put_u64(w, place);
		else
			bytes_put_u32(w, (uint32_t)place);
	}
	mp4_box_end(w, box);
}

static bool has_offsets(const struct mp4_table *t)
{
	return t->offsets.len != RUN_BYTES || read_u32(t->offsets.data + 4) != 0;
}

static void put_stbl(struct bytes_writer *w, const struct mp4_table *t, uint64_t first_byte, bool is_large)
{
	size_t stbl = mp4_box_begin(w, "stbl");
	size_t box = mp4_full_box_begin(w, "stsd", 0, 0);

	bytes_put_u32(w, t->n_entries);
	bytes_put(w, t->entries.data, t->entries.len);
	mp4_box_end(w, box);
	put_table(w, "stts", 0, &t->durations, RUN_BYTES);
	if (has_offsets(t))
		put_table(w, "ctts", 1, &t->offsets, RUN_BYTES); /* version 1: they may be negative */
	if (!t->is_all_keys)
		put_table(w, "stss", 0, &t->keys, 4);
	put_table(w, "stsc", 0, &t->chunks, CHUNK_BYTES);
	put_stsz(w, t);
	put_places(w, t, first_byte, is_large);
	mp4_box_end(w, stbl);
}

static void put_trak(
    struct bytes_writer *w, const struct mp4_table *t, enum track_kind kind, uint64_t first_byte, bool is_large)
{
	size_t trak = mp4_box_begin(w, "trak");
	size_t mdia;
	size_t minf;

	put_tkhd(w, t, kind);
	put_edts(w, t);
	mdia = mp4_box_begin(w, "mdia");
	put_mdhd(w, t);
	mp4_box_hdlr(w, kind);
	minf = mp4_box_begin(w, "minf");
	mp4_box_media_header(w, kind);
	mp4_box_dinf(w);
	put_stbl(w, t, first_byte, is_large);
	mp4_box_end(w, minf);
	mp4_box_end(w, mdia);
	mp4_box_end(w, trak);
}

static void put_head(struct bytes_writer *w, const struct mp4_file *f, uint64_t first_byte, bool is_large)
{
	size_t box = mp4_box_begin(w, "ftyp");

	bytes_put(w, "isom", 4);
	bytes_put_u32(w, 0x200);
	bytes_put(w, "isomiso4mp41", 12); /* iso4: ctts of version 1 */
	mp4_box_end(w, box);
	box = mp4_box_begin(w, "moov");
	put_mvhd(w, f);
	for (size_t kind = 0; kind < TRACK_KINDS; kind++) {
		if (f->tables[kind].n_samples > 0)
			put_trak(w, &f->tables[kind], (enum track_kind)kind, first_byte, is_large);
	}
	mp4_box_end(w, box);
}

static void put_mdat_header(struct bytes_writer *w, uint64_t payload_bytes, bool is_large)
{
	if (!is_large) {
		fmp4_write_mdat_header(w, (size_t)payload_bytes);
		return;
	}
	bytes_put_u32(w, 1); /* §4.2: the size follows in 64 bits */
	bytes_put(w, "mdat", 4);
	bytes_put_u64(w, payload_bytes + LARGE_HEADER_BYTES);
}

/* Twice: how long the head is decides what stands in it, and its length does not depend on that. */
int mp4_file_write_head(struct bytes_writer *w, struct mp4_file *f, uint64_t payload_bytes)
{
	bool is_large = payload_bytes > UINT32_MAX - (uint64_t)TABLE_MAX_BYTES;
	size_t header_bytes = is_large ? LARGE_HEADER_BYTES : FMP4_MDAT_HEADER_BYTES;
	size_t head_bytes;

	assert(w->len == 0);
	for (size_t kind = 0; kind < TRACK_KINDS; kind++) {
		settle_last(&f->tables[kind]);
		if (is_full(&f->tables[kind]))
			return -ENOMEM;
	}
	put_head(w, f, 0, is_large);
	if (w->is_full)
		return -ENOMEM;
	head_bytes = w->len;
	bytes_writer_reset(w);
	put_head(w, f, head_bytes + header_bytes, is_large);
	put_mdat_header(w, payload_bytes, is_large);
	return w->is_full ? -ENOMEM : 0;
}
