/* SPDX-License-Identifier: Apache-2.0 */
#include "packager/segment_store.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "base/bytes.h"

enum {
	STORE_BUCKETS = 256,
	WINDOW_MIN_SEGMENTS = 6,
	WINDOW_TARGETS = 6,
	DEFAULT_STREAM_MAX_BYTES = 64 << 20,
	GZIP_WINDOW_BITS = 15 + 16, /* zlib: 16 more means a gzip header */
	GZIP_OVERHEAD_BYTES = 64,
};

struct segment {
	uint64_t msn;
	uint64_t discontinuity_sequence;
	int64_t start_90k;
	int64_t duration_90k;
	int64_t wall_ms;
	bool is_discontinuity;
	bool is_independent;
	size_t bytes;
	size_t video_frames;
	struct part_init *init;
	struct body *body; /* when complete */
	struct part **parts;
	size_t part_count;
	size_t part_capacity;
};

/* A playlist as it is now; NULL until somebody asks. */
struct rendering {
	struct body *plain;
	struct body *gzip;
};

struct stream {
	struct stream *next; /* in its bucket */
	char name[SEGMENT_STORE_NAME_MAX];
	char epoch[PLAYLIST_EPOCH_MAX];
	int64_t ended_us;
	bool is_ended;
	bool is_independent; /* every segment so far */
	uint64_t peak_bps;
	struct segment **segments; /* complete ones, oldest first */
	size_t segment_count;
	size_t segment_capacity;
	size_t listed; /* the first of them that is in the playlist */
	size_t bytes;  /* of complete segments and the open one */
	struct segment *open;
	struct rendering main;
	struct rendering media;
	struct body *init_body; /* of the init segment asked for last */
};

struct segment_store {
	struct stream *buckets[STORE_BUCKETS];
	int64_t window_90k;
	unsigned target_duration_s;
	size_t stream_max_bytes;
	uint64_t segments_capped;
	bool has_owner;
	pthread_t owner;
};

static void rendering_clear(struct rendering *r)
{
	body_unref(r->plain);
	body_unref(r->gzip);
	*r = (struct rendering){ 0 };
}

static void segment_destroy(struct segment **s)
{
	if (!*s)
		return;
	for (size_t i = 0; i < (*s)->part_count; i++)
		part_unref((*s)->parts[i]);
	free((*s)->parts);
	part_init_unref((*s)->init);
	body_unref((*s)->body);
	free(*s);
	*s = NULL;
}

static void stream_destroy(struct stream **s)
{
	if (!*s)
		return;
	for (size_t i = 0; i < (*s)->segment_count; i++)
		segment_destroy(&(*s)->segments[i]);
	free((*s)->segments);
	segment_destroy(&(*s)->open);
	rendering_clear(&(*s)->main);
	rendering_clear(&(*s)->media);
	body_unref((*s)->init_body);
	free(*s);
	*s = NULL;
}

void segment_store_destroy(struct segment_store **store)
{
	if (!*store)
		return;
	for (size_t i = 0; i < STORE_BUCKETS; i++) {
		while ((*store)->buckets[i]) {
			struct stream *s = (*store)->buckets[i];

			(*store)->buckets[i] = s->next;
			stream_destroy(&s);
		}
	}
	free(*store);
	*store = NULL;
}

struct segment_store *segment_store_create(const struct segment_store_config *config)
{
	struct segment_store *store = calloc(1, sizeof(*store));

	assert(config->target_duration_s > 0);
	if (!store)
		return NULL;
	store->target_duration_s = config->target_duration_s;
	store->window_90k = (int64_t)WINDOW_TARGETS * config->target_duration_s * 90000;
	store->stream_max_bytes = config->stream_max_bytes ? config->stream_max_bytes : DEFAULT_STREAM_MAX_BYTES;
	return store;
}

/* The first thread that calls owns the store. */
static void assert_owner(struct segment_store *store)
{
	if (!store->has_owner) {
		store->owner = pthread_self();
		store->has_owner = true;
	}
	assert(pthread_equal(store->owner, pthread_self()));
}

/* ---- names ---- */

/* FNV-1a */
static size_t bucket_of(const char *name, size_t len)
{
	uint32_t hash = 2166136261u;

	for (size_t i = 0; i < len; i++)
		hash = (hash ^ (uint8_t)name[i]) * 16777619u;
	return hash % STORE_BUCKETS;
}

/* Where the pointer to the stream stands, or where one would be put. */
static struct stream **find_place(struct segment_store *store, const char *name, size_t len)
{
	struct stream **place = &store->buckets[bucket_of(name, len)];

	while (*place && (strlen((*place)->name) != len || memcmp((*place)->name, name, len) != 0))
		place = &(*place)->next;
	return place;
}

static struct stream *find_stream(const struct segment_store *store, const char *name, size_t len)
{
	const struct stream *s = store->buckets[bucket_of(name, len)];

	while (s && (strlen(s->name) != len || memcmp(s->name, name, len) != 0))
		s = s->next;
	return (struct stream *)s;
}

static bool is_name_fine(const char *name)
{
	size_t len = strlen(name);

	if (len == 0 || len >= SEGMENT_STORE_NAME_MAX)
		return false;
	for (size_t i = 0; i < len; i++) {
		if (name[i] <= ' ' || name[i] == '/' || name[i] == '?' || name[i] == '#' || name[i] == 0x7f)
			return false;
	}
	return true;
}

static bool is_epoch_fine(const char *epoch)
{
	size_t len = strlen(epoch);

	return len > 0 && len < PLAYLIST_EPOCH_MAX && strspn(epoch, "0123456789abcdefghijklmnopqrstuvwxyz") == len;
}

int segment_store_begin(struct segment_store *store, const struct segment_store_begin *begin)
{
	struct stream *s;

	assert_owner(store);
	if (!is_name_fine(begin->name) || !is_epoch_fine(begin->epoch))
		return -EINVAL;
	s = calloc(1, sizeof(*s));
	if (!s)
		return -ENOMEM;
	memcpy(s->name, begin->name, strlen(begin->name) + 1);
	memcpy(s->epoch, begin->epoch, strlen(begin->epoch) + 1);
	s->is_independent = true;
	segment_store_remove(store, begin->name);
	*find_place(store, s->name, strlen(s->name)) = s;
	return 0;
}

static void remove_at(struct stream **place)
{
	struct stream *s = *place;

	*place = s->next;
	stream_destroy(&s);
}

void segment_store_remove(struct segment_store *store, const char *name)
{
	struct stream **place = find_place(store, name, strlen(name));

	assert_owner(store);
	if (*place)
		remove_at(place);
}

void segment_store_expire(struct segment_store *store, int64_t now_us)
{
	int64_t keep_us = 2 * store->window_90k * 100 / 9;

	assert_owner(store);
	for (size_t i = 0; i < STORE_BUCKETS; i++) {
		struct stream **place = &store->buckets[i];

		while (*place) {
			if ((*place)->is_ended && now_us - (*place)->ended_us > keep_us)
				remove_at(place);
			else
				place = &(*place)->next;
		}
	}
}

/* ---- the window ---- */

static void changed(struct stream *s)
{
	rendering_clear(&s->main);
	rendering_clear(&s->media);
}

static void drop_oldest(struct stream *s)
{
	assert(s->segment_count > 0);
	s->bytes -= s->segments[0]->bytes;
	segment_destroy(&s->segments[0]);
	s->segment_count--;
	memmove(s->segments, s->segments + 1, s->segment_count * sizeof(s->segments[0]));
	if (s->listed > 0)
		s->listed--;
}

static int64_t duration_between(const struct stream *s, size_t from, size_t to)
{
	int64_t sum = 0;

	for (size_t i = from; i < to; i++)
		sum += s->segments[i]->duration_90k;
	return sum;
}

/* Of segments[from..to): how many of the oldest can go so that a window is left? */
static size_t count_beyond_window(const struct segment_store *store, const struct stream *s, size_t from, size_t to)
{
	int64_t left_90k = duration_between(s, from, to);
	size_t n = 0;

	while (
	    to - from - n > WINDOW_MIN_SEGMENTS && left_90k - s->segments[from + n]->duration_90k >= store->window_90k)
		left_90k -= s->segments[from + n++]->duration_90k;
	return n;
}

static void trim(struct segment_store *store, struct stream *s)
{
	s->listed += count_beyond_window(store, s, s->listed, s->segment_count);
	for (size_t n = count_beyond_window(store, s, 0, s->listed); n > 0; n--)
		drop_oldest(s);
	while (s->bytes > store->stream_max_bytes && s->segment_count > 1) {
		drop_oldest(s);
		store->segments_capped++;
	}
}

/*
 * RFC 8216bis §4.4.6.2: the peak is taken over runs of segments that last between 0.5 and 1.5 times the target. Here
 * those that end with the newest one.
 */
static void note_peak(const struct segment_store *store, struct stream *s)
{
	int64_t target_90k = (int64_t)store->target_duration_s * 90000;
	int64_t duration_90k = 0;
	uint64_t bytes = 0;

	for (size_t i = s->segment_count; i-- > 0;) {
		uint64_t bps;

		duration_90k += s->segments[i]->duration_90k;
		bytes += s->segments[i]->bytes;
		if (duration_90k * 2 > target_90k * 3)
			return;
		if (duration_90k * 2 < target_90k)
			continue;
		bps = bytes * 8 * 90000 / (uint64_t)duration_90k;
		if (s->peak_bps < bps)
			s->peak_bps = bps;
	}
}

static struct body *make_body(const struct segment *segment)
{
	struct shared **pieces = calloc(segment->part_count * 2, sizeof(*pieces));
	struct body *body;

	if (!pieces)
		return NULL;
	for (size_t i = 0; i < segment->part_count; i++) {
		pieces[2 * i] = segment->parts[i]->moof;
		pieces[2 * i + 1] = segment->parts[i]->mdat;
	}
	body = body_create(pieces, segment->part_count * 2);
	free(pieces);
	return body;
}

static int make_room(struct stream *s)
{
	size_t wanted = s->segment_capacity == 0 ? 32 : s->segment_capacity * 2;
	struct segment **bigger;

	if (s->segment_count < s->segment_capacity)
		return 0;
	bigger = realloc(s->segments, wanted * sizeof(*bigger));
	if (!bigger)
		return -ENOMEM;
	s->segments = bigger;
	s->segment_capacity = wanted;
	return 0;
}

/* A segment is missing: media sequence numbers must not jump inside a playlist, so it begins anew behind the hole. */
static void unlist_all(struct stream *s)
{
	s->listed = s->segment_count;
	changed(s);
}

static void discard_open(struct stream *s)
{
	if (s->open)
		s->bytes -= s->open->bytes;
	segment_destroy(&s->open);
}

static int complete_open(struct segment_store *store, struct stream *s)
{
	struct segment *segment = s->open;

	segment->body = make_body(segment);
	if (!segment->body || make_room(s) != 0) {
		discard_open(s);
		unlist_all(s);
		return -ENOMEM;
	}
	if (s->segment_count > 0 && s->segments[s->segment_count - 1]->msn + 1 != segment->msn)
		unlist_all(s);
	s->segments[s->segment_count++] = segment;
	s->open = NULL;
	s->is_independent = s->is_independent && segment->is_independent;
	note_peak(store, s);
	trim(store, s);
	changed(s);
	return 0;
}

static struct segment *open_segment(const struct part *part)
{
	struct segment *segment = calloc(1, sizeof(*segment));

	if (!segment)
		return NULL;
	segment->msn = part->msn;
	segment->discontinuity_sequence = part->discontinuity_sequence;
	segment->start_90k = part->start_90k;
	segment->wall_ms = part->wall_ms;
	segment->is_discontinuity = part->is_discontinuity;
	segment->is_independent = part->is_independent;
	segment->init = part_init_ref(part->init);
	return segment;
}

static int append_part(struct segment *segment, struct part *part)
{
	if (segment->part_count == segment->part_capacity) {
		size_t wanted = segment->part_capacity == 0 ? 8 : segment->part_capacity * 2;
		struct part **bigger = realloc(segment->parts, wanted * sizeof(*bigger));

		if (!bigger)
			return -ENOMEM;
		segment->parts = bigger;
		segment->part_capacity = wanted;
	}
	segment->parts[segment->part_count++] = part_ref(part);
	segment->duration_90k += part->duration_90k;
	segment->bytes += part->bytes;
	for (size_t i = 0; i < part->run_count; i++) {
		if (part->runs[i].kind == TRACK_VIDEO)
			segment->video_frames += part->runs[i].sample_count;
	}
	return 0;
}

int segment_store_add(struct segment_store *store, const char *name, struct part *part)
{
	struct stream *s = find_stream(store, name, strlen(name));
	int err = 0;

	assert_owner(store);
	if (!s || s->is_ended)
		return -ENOENT;
	if (s->open && s->open->msn != part->msn)
		err = complete_open(store, s); /* it broke off; what it has is all there will be */
	if (!s->open && !part->is_segment_start)
		return err ? err : -ENOMEM; /* its beginning was lost */
	if (!s->open)
		s->open = open_segment(part);
	if (!s->open || append_part(s->open, part) != 0) {
		discard_open(s);
		return -ENOMEM;
	}
	s->bytes += part->bytes;
	if (part->is_segment_end && complete_open(store, s) != 0)
		err = -ENOMEM;
	return err;
}

int segment_store_note_end(struct segment_store *store, const char *name, int64_t now_us)
{
	struct stream *s = find_stream(store, name, strlen(name));
	int err = 0;

	assert_owner(store);
	if (!s)
		return -ENOENT;
	if (s->open)
		err = complete_open(store, s);
	if (!s->is_ended)
		s->ended_us = now_us;
	s->is_ended = true;
	changed(s);
	return err;
}

/* ---- playlists ---- */

static struct body *body_of_bytes(const void *data, size_t len)
{
	struct shared *bytes = shared_copy(data, len);
	struct body *body = bytes ? body_create(&bytes, 1) : NULL;

	shared_unref(bytes);
	return body;
}

static struct body *render_media(const struct segment_store *store, const struct stream *s)
{
	size_t n = s->segment_count - s->listed;
	struct playlist_segment *lines = calloc(n, sizeof(*lines));
	const struct segment *first = s->segments[s->listed];
	struct playlist_media p = {
		.epoch = s->epoch,
		.target_duration_s = store->target_duration_s,
		.discontinuity_sequence = first->discontinuity_sequence - (first->is_discontinuity ? 1 : 0),
		.is_ended = s->is_ended,
		.segments = lines,
		.segment_count = n,
	};
	struct body *body = NULL;
	struct bytes_writer w;

	if (!lines)
		return NULL;
	for (size_t i = 0; i < n; i++) {
		const struct segment *segment = s->segments[s->listed + i];

		lines[i] = (struct playlist_segment){
			.msn = segment->msn,
			.duration_90k = segment->duration_90k,
			.wall_ms = segment->wall_ms,
			.init_version = segment->init->version,
			.is_discontinuity = segment->is_discontinuity,
			.is_independent = segment->is_independent,
		};
	}
	bytes_writer_init_growing(&w, PLAYLIST_MAX_BYTES);
	if (playlist_write_media(&w, &p) == 0)
		body = body_of_bytes(w.data, w.len);
	bytes_writer_fini(&w);
	free(lines);
	return body;
}

static struct playlist_variant describe_variant(const struct stream *s)
{
	const struct segment *newest = s->segments[s->segment_count - 1];
	struct playlist_variant v = {
		.uri = "main.m3u8",
		.video = newest->init->tracks[TRACK_VIDEO],
		.audio = newest->init->tracks[TRACK_AUDIO],
	};
	uint64_t bytes = 0;
	uint64_t frames = 0;
	int64_t duration_90k = 0;

	for (size_t i = s->listed; i < s->segment_count; i++) {
		bytes += s->segments[i]->bytes;
		frames += s->segments[i]->video_frames;
		duration_90k += s->segments[i]->duration_90k;
	}
	if (duration_90k > 0) {
		v.average_bps = bytes * 8 * 90000 / (uint64_t)duration_90k;
		v.fps_milli = (uint32_t)(frames * 90000 * 1000 / (uint64_t)duration_90k);
	}
	v.peak_bps = s->peak_bps > v.average_bps ? s->peak_bps : v.average_bps;
	return v;
}

static struct body *render_main(const struct stream *s)
{
	struct playlist_variant variant = describe_variant(s);
	struct playlist_main p = { .variants = &variant, .variant_count = 1, .is_independent = s->is_independent };
	struct body *body = NULL;
	struct bytes_writer w;

	bytes_writer_init_growing(&w, PLAYLIST_MAX_BYTES);
	if (playlist_write_main(&w, &p) == 0)
		body = body_of_bytes(w.data, w.len);
	bytes_writer_fini(&w);
	return body;
}

static struct body *compress_body(const struct body *plain)
{
	const struct shared *text = plain->pieces[0];
	size_t max_bytes = text->size_bytes + text->size_bytes / 100 + GZIP_OVERHEAD_BYTES;
	uint8_t *packed = malloc(max_bytes);
	struct body *body = NULL;
	z_stream z = { 0 };

	if (!packed)
		return NULL;
	if (deflateInit2(&z, Z_DEFAULT_COMPRESSION, Z_DEFLATED, GZIP_WINDOW_BITS, 8, Z_DEFAULT_STRATEGY) == Z_OK) {
		z.next_in = (Bytef *)text->data;
		z.avail_in = (uInt)text->size_bytes;
		z.next_out = packed;
		z.avail_out = (uInt)max_bytes;
		if (deflate(&z, Z_FINISH) == Z_STREAM_END)
			body = body_of_bytes(packed, z.total_out);
		(void)deflateEnd(&z);
	}
	free(packed);
	return body;
}

static bool find_playlist(
    const struct segment_store *store, struct stream *s, bool wants_gzip, struct segment_store_found *out)
{
	struct rendering *r = out->kind == PLAYLIST_MAIN ? &s->main : &s->media;

	if (s->listed == s->segment_count)
		return false;
	if (!r->plain)
		r->plain = out->kind == PLAYLIST_MAIN ? render_main(s) : render_media(store, s);
	if (r->plain && wants_gzip && !r->gzip)
		r->gzip = compress_body(r->plain);
	out->is_gzip = wants_gzip && r->gzip;
	out->body = out->is_gzip ? r->gzip : r->plain;
	return out->body != NULL;
}

/* ---- requests ---- */

static bool find_init(struct stream *s, uint64_t version, struct segment_store_found *out)
{
	for (size_t i = s->segment_count; i-- > 0;) {
		struct part_init *init = s->segments[i]->init;

		if (init->version != version)
			continue;
		if (!s->init_body || s->init_body->pieces[0] != init->bytes) {
			body_unref(s->init_body);
			s->init_body = body_create(&init->bytes, 1);
		}
		out->body = s->init_body;
		return out->body != NULL;
	}
	return false;
}

static bool find_segment(const struct stream *s, uint64_t msn, struct segment_store_found *out)
{
	for (size_t i = s->segment_count; i-- > 0;) {
		if (s->segments[i]->msn == msn) {
			out->body = s->segments[i]->body;
			return true;
		}
	}
	return false;
}

static bool find_resource(const struct segment_store *store, struct stream *s, const struct playlist_name *name,
    bool wants_gzip, struct segment_store_found *out)
{
	switch (name->kind) {
	case PLAYLIST_NONE: return false;
	case PLAYLIST_MAIN:
	case PLAYLIST_MEDIA: return find_playlist(store, s, wants_gzip, out);
	case PLAYLIST_INIT:
	case PLAYLIST_SEGMENT: break;
	}
	out->is_immutable = true;
	if (strlen(s->epoch) != name->epoch_len || memcmp(s->epoch, name->epoch, name->epoch_len) != 0)
		return false;
	if (name->kind == PLAYLIST_INIT)
		return find_init(s, name->number, out);
	return find_segment(s, name->number, out);
}

bool segment_store_find(struct segment_store *store, const char *name, size_t name_len, const char *last,
    size_t last_len, bool wants_gzip, struct segment_store_found *out)
{
	struct playlist_name wanted = playlist_name_parse(last, last_len);
	struct stream *s = find_stream(store, name, name_len);

	assert_owner(store);
	*out = (struct segment_store_found){ .kind = wanted.kind };
	if (s) {
		out->is_ended = s->is_ended;
		if (find_resource(store, s, &wanted, wants_gzip, out))
			return true;
	}
	*out = (struct segment_store_found){ .kind = PLAYLIST_NONE };
	return false;
}

bool segment_store_has(const struct segment_store *store, const char *name, size_t name_len)
{
	return find_stream(store, name, name_len) != NULL;
}

void segment_store_stats(const struct segment_store *store, struct segment_store_stats *out)
{
	*out = (struct segment_store_stats){ .segments_capped = store->segments_capped };
	for (size_t i = 0; i < STORE_BUCKETS; i++) {
		for (const struct stream *s = store->buckets[i]; s; s = s->next) {
			out->streams++;
			out->segments += s->segment_count;
			out->bytes += s->bytes;
		}
	}
}
