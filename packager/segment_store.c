/* SPDX-License-Identifier: Apache-2.0 */
#include "packager/segment_store.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "packager/window.h"

enum {
	STORE_BUCKETS = 256,
	WINDOW_TARGETS = 6,
	PATIENCE_TARGETS = 3,
	DEFAULT_PART_MS = 500,
	DEFAULT_STREAM_MAX_BYTES = 64 << 20,
};

struct stream {
	struct stream *next; /* in its bucket */
	char name[SEGMENT_STORE_NAME_MAX];
	bool is_expected;	  /* it has not begun; the window is empty and has no epoch */
	int64_t since_us;	  /* when it ended, or was expected */
	struct list_node waiters; /* of struct segment_store_waiter */
	struct window window;
};

/* What is older than that must not be shown. */
struct withdrawal {
	char id[ID_SIZE];
	int64_t before_ms;
};

struct segment_store {
	struct stream *buckets[STORE_BUCKETS];
	struct withdrawal *withdrawals; /* by id */
	size_t n_withdrawals;
	size_t withdrawal_capacity;
	struct window_rules rules;
	uint64_t segments_capped; /* of streams that are gone */
	bool has_owner;
	pthread_t owner;
};

static void stream_destroy(struct stream **s)
{
	if (!*s)
		return;
	assert(list_is_empty(&(*s)->waiters));
	window_fini(&(*s)->window);
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
	free((*store)->withdrawals);
	free(*store);
	*store = NULL;
}

struct segment_store *segment_store_create(const struct segment_store_config *config)
{
	struct segment_store *store = calloc(1, sizeof(*store));

	assert(config->target_duration_s > 0);
	if (!store)
		return NULL;
	store->rules = (struct window_rules){
		.duration_90k = (int64_t)WINDOW_TARGETS * config->target_duration_s * 90000,
		.target_duration_s = config->target_duration_s,
		.part_ms = config->part_ms ? config->part_ms : DEFAULT_PART_MS,
		.max_bytes = config->stream_max_bytes ? config->stream_max_bytes : DEFAULT_STREAM_MAX_BYTES,
	};
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
	return *find_place((struct segment_store *)store, name, len);
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

/* ---- who waits ---- */

static bool is_of_epoch(const struct stream *s, const struct playlist_name *name)
{
	return strlen(s->window.epoch) == name->epoch_len && memcmp(s->window.epoch, name->epoch, name->epoch_len) == 0;
}

/* The answer to a request for a playlist or a part: now, later, or never. The multivariant playlist has no query. */
static enum live_answer judge(const struct stream *s, const struct live_edge *edge, const struct playlist_name *name,
    const struct playlist_query *query)
{
	if (name->kind == PLAYLIST_MAIN && s->window.is_main_fixed)
		return LIVE_NOW;
	if (name->kind == PLAYLIST_MEDIA || name->kind == PLAYLIST_MAIN)
		return live_edge_judge_playlist(edge, query);
	assert(name->kind == PLAYLIST_PART);
	if (!is_of_epoch(s, name))
		return LIVE_NEVER;
	return window_find_part(&s->window, name->number) ? LIVE_NOW : live_edge_judge_part(edge, name->number);
}

/*
 * One after the other from the front, each off the list before it is called: a call may take others off, or add to the
 * stream's own list.
 */
static void wake_all(struct list_node *woken)
{
	while (!list_is_empty(woken)) {
		struct segment_store_waiter *waiter = LIST_ENTRY(woken->next, struct segment_store_waiter, node);

		list_remove(&waiter->node);
		waiter->wake(waiter);
	}
}

static void wake_answered(const struct segment_store *store, struct stream *s)
{
	const struct live_edge edge = window_edge(&s->window, &store->rules);
	struct list_node woken;
	struct list_node *next;

	list_init(&woken);
	for (struct list_node *node = s->waiters.next; node != &s->waiters; node = next) {
		const struct segment_store_waiter *waiter = LIST_ENTRY(node, struct segment_store_waiter, node);

		next = node->next;
		if (judge(s, &edge, &waiter->name, &waiter->query) == LIVE_LATER)
			continue;
		list_remove(node);
		list_append(&woken, node);
	}
	wake_all(&woken);
}

void segment_store_wait(
    struct segment_store *store, const struct segment_store_ask *ask, struct segment_store_waiter *waiter)
{
	struct stream *s = find_stream(store, ask->stream, ask->stream_len);
	struct live_edge edge;

	assert_owner(store);
	assert(s);
	waiter->name = playlist_name_parse(ask->resource, ask->resource_len);
	(void)playlist_query_parse(&waiter->query, waiter->name.kind == PLAYLIST_MEDIA ? ask->query : "");
	edge = window_edge(&s->window, &store->rules);
	assert(judge(s, &edge, &waiter->name, &waiter->query) == LIVE_LATER);
	list_append(&s->waiters, &waiter->node);
}

void segment_store_unwait(struct segment_store_waiter *waiter)
{
	list_remove(&waiter->node);
}

int64_t segment_store_patience_us(const struct segment_store *store)
{
	return (int64_t)PATIENCE_TARGETS * store->rules.target_duration_s * 1000000;
}

/* ---- what comes and goes ---- */

/* waiters: where those of the stream go. */
static void remove_at(struct segment_store *store, struct stream **place, struct list_node *waiters)
{
	struct stream *s = *place;

	*place = s->next;
	list_append_all(waiters, &s->waiters);
	store->segments_capped += s->window.capped;
	stream_destroy(&s);
}

static struct stream *stream_create(const char *name, const char *epoch)
{
	struct stream *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	memcpy(s->name, name, strlen(name) + 1);
	list_init(&s->waiters);
	window_init(&s->window, epoch);
	return s;
}

int segment_store_expect(struct segment_store *store, const char *name, int64_t now_us)
{
	struct stream **place = find_place(store, name, strlen(name));

	assert_owner(store);
	if (!is_name_fine(name))
		return -EINVAL;
	if (*place)
		return 0;
	*place = stream_create(name, "");
	if (!*place)
		return -ENOMEM;
	(*place)->is_expected = true;
	(*place)->since_us = now_us;
	return 0;
}

int segment_store_begin(struct segment_store *store, const struct segment_store_begin *begin)
{
	struct stream **place;
	struct stream *s;

	assert_owner(store);
	if (!is_name_fine(begin->name) || !is_epoch_fine(begin->epoch))
		return -EINVAL;
	s = stream_create(begin->name, begin->epoch);
	if (!s)
		return -ENOMEM;
	if (begin->main && window_fix_main(&s->window, begin->main) != 0) {
		stream_destroy(&s);
		return -ENOMEM;
	}
	place = find_place(store, s->name, strlen(s->name));
	if (*place)
		remove_at(store, place, &s->waiters);
	s->next = *place;
	*place = s;
	wake_answered(store, s);
	return 0;
}

void segment_store_remove(struct segment_store *store, const char *name)
{
	struct stream **place = find_place(store, name, strlen(name));
	struct list_node woken;

	assert_owner(store);
	list_init(&woken);
	if (*place)
		remove_at(store, place, &woken);
	wake_all(&woken);
}

size_t segment_store_expire(struct segment_store *store, int64_t now_us)
{
	int64_t keep_us = 2 * store->rules.duration_90k * 100 / 9;
	struct list_node woken;
	size_t forgotten = 0;

	assert_owner(store);
	list_init(&woken);
	for (size_t i = 0; i < STORE_BUCKETS; i++) {
		struct stream **place = &store->buckets[i];

		while (*place) {
			const struct stream *s = *place;

			if ((s->window.is_ended || s->is_expected) && now_us - s->since_us > keep_us) {
				remove_at(store, place, &woken);
				forgotten++;
			} else {
				place = &(*place)->next;
			}
		}
	}
	wake_all(&woken);
	return forgotten;
}

/* ---- what is withdrawn ---- */

static bool is_withdrawal_of(const struct segment_store *store, size_t i, const char *id, size_t len)
{
	return i < store->n_withdrawals && strncmp(store->withdrawals[i].id, id, len) == 0 &&
	    store->withdrawals[i].id[len] == '\0';
}

/* Where it stands, or would stand. */
static size_t find_withdrawal(const struct segment_store *store, const char *id, size_t len)
{
	size_t low = 0;
	size_t high = store->n_withdrawals;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (is_withdrawal_of(store, middle, id, len))
			return middle;
		if (strncmp(store->withdrawals[middle].id, id, len) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* A rehearsal goes with its stream. */
static size_t id_len(const char *name)
{
	return strcspn(name, "~");
}

static bool is_withdrawn(const struct segment_store *store, const struct stream *s, const struct part *part)
{
	const char *id = part->origin[0] != '\0' ? part->origin : s->name;
	size_t i = find_withdrawal(store, id, id_len(id));

	return is_withdrawal_of(store, i, id, id_len(id)) && part->wall_ms < store->withdrawals[i].before_ms;
}

static int remember_withdrawal(struct segment_store *store, const char *id, int64_t before_ms)
{
	size_t i = find_withdrawal(store, id, strlen(id));
	size_t wanted = store->withdrawal_capacity == 0 ? 16 : store->withdrawal_capacity * 2;
	struct withdrawal *bigger;

	if (is_withdrawal_of(store, i, id, strlen(id))) {
		store->withdrawals[i].before_ms = before_ms;
		return 0;
	}
	if (store->n_withdrawals == store->withdrawal_capacity) {
		bigger = realloc(store->withdrawals, wanted * sizeof(*bigger));
		if (!bigger)
			return -ENOMEM;
		store->withdrawals = bigger;
		store->withdrawal_capacity = wanted;
	}
	memmove(store->withdrawals + i + 1, store->withdrawals + i,
	    (store->n_withdrawals - i) * sizeof(store->withdrawals[0]));
	store->n_withdrawals++;
	store->withdrawals[i] = (struct withdrawal){ .before_ms = before_ms };
	memcpy(store->withdrawals[i].id, id, strlen(id) + 1);
	return 0;
}

static void withdraw_from(struct segment_store *store, struct stream *s, const char *id, int64_t before_ms)
{
	if (s->name[0] == '@')
		window_withdraw(&s->window, id, before_ms);
	else if (id_len(s->name) == strlen(id) && strncmp(s->name, id, strlen(id)) == 0)
		window_withdraw(&s->window, "", before_ms);
	else
		return;
	wake_answered(store, s);
}

int segment_store_withdraw(struct segment_store *store, const char *id, int64_t before_ms)
{
	assert_owner(store);
	assert(id[0] != '\0' && strlen(id) < ID_SIZE);
	for (size_t i = 0; i < STORE_BUCKETS && before_ms > 0; i++) {
		for (struct stream *s = store->buckets[i]; s; s = s->next)
			withdraw_from(store, s, id, before_ms);
	}
	return remember_withdrawal(store, id, before_ms);
}

/* ---- parts ---- */

int segment_store_add(struct segment_store *store, const char *name, struct part *part)
{
	struct stream *s = find_stream(store, name, strlen(name));
	int err;

	assert_owner(store);
	if (!s || s->is_expected || s->window.is_ended)
		return -ENOENT;
	if (is_withdrawn(store, s, part))
		err = window_pass_over(&s->window, &store->rules, part);
	else
		err = window_add(&s->window, &store->rules, part);
	wake_answered(store, s);
	return err;
}

int segment_store_note_end(struct segment_store *store, const char *name, int64_t now_us)
{
	struct stream *s = find_stream(store, name, strlen(name));
	int err;

	assert_owner(store);
	if (!s || s->is_expected)
		return -ENOENT;
	if (s->window.is_ended)
		return 0;
	s->since_us = now_us;
	err = window_end(&s->window, &store->rules);
	wake_answered(store, s);
	return err;
}

/* ---- requests ---- */

static enum segment_store_status take(struct body *body, struct segment_store_found *out)
{
	out->body = body;
	return body ? SEGMENT_STORE_FOUND : SEGMENT_STORE_NOT_FOUND;
}

static enum segment_store_status take_rendering(struct rendering *r, bool wants_gzip, struct segment_store_found *out)
{
	struct body *gzip = r && wants_gzip ? rendering_gzip(r) : NULL;

	out->is_gzip = gzip != NULL;
	return take(gzip || !r ? gzip : r->plain, out);
}

static struct live_edge edge_for(
    const struct segment_store *store, const struct stream *s, const struct segment_store_ask *ask)
{
	struct live_edge edge = window_edge(&s->window, &store->rules);

	edge.is_short = edge.is_short && !ask->takes_short;
	return edge;
}

static enum segment_store_status find_main(
    struct segment_store *store, struct stream *s, const struct segment_store_ask *ask, struct segment_store_found *out)
{
	const struct live_edge edge = edge_for(store, s, ask);
	const struct playlist_query plain = { 0 };

	if (!s->window.is_main_fixed && live_edge_judge_playlist(&edge, &plain) == LIVE_LATER)
		return SEGMENT_STORE_NOT_YET;
	return take_rendering(window_main(&s->window), ask->wants_gzip, out);
}

static enum segment_store_status find_media(
    struct segment_store *store, struct stream *s, const struct segment_store_ask *ask, struct segment_store_found *out)
{
	const struct live_edge edge = edge_for(store, s, ask);
	struct playlist_query query;

	if (!playlist_query_parse(&query, ask->query))
		return SEGMENT_STORE_BAD;
	out->is_specific = query.has_msn;
	switch (live_edge_judge_playlist(&edge, &query)) {
	case LIVE_NOW: return take_rendering(window_media(&s->window, &store->rules), ask->wants_gzip, out);
	case LIVE_LATER: return SEGMENT_STORE_NOT_YET;
	case LIVE_TOO_FAR: return SEGMENT_STORE_BAD;
	case LIVE_NEVER: break;
	}
	return SEGMENT_STORE_NOT_FOUND;
}

static enum segment_store_status find_part(
    struct segment_store *store, struct stream *s, const struct playlist_name *name, struct segment_store_found *out)
{
	struct live_edge edge;
	struct body *body;

	if (!is_of_epoch(s, name))
		return SEGMENT_STORE_NOT_FOUND;
	body = window_find_part(&s->window, name->number);
	if (body)
		return take(body, out);
	edge = window_edge(&s->window, &store->rules);
	return live_edge_judge_part(&edge, name->number) == LIVE_LATER ? SEGMENT_STORE_NOT_YET
								       : SEGMENT_STORE_NOT_FOUND;
}

static enum segment_store_status find_in(struct segment_store *store, struct stream *s,
    const struct playlist_name *name, const struct segment_store_ask *ask, struct segment_store_found *out)
{
	switch (name->kind) {
	case PLAYLIST_NONE: break;
	case PLAYLIST_MAIN: return find_main(store, s, ask, out);
	case PLAYLIST_MEDIA: return find_media(store, s, ask, out);
	case PLAYLIST_INIT: return take(is_of_epoch(s, name) ? window_find_init(&s->window, name->number) : NULL, out);
	case PLAYLIST_SEGMENT:
		return take(is_of_epoch(s, name) ? window_find_segment(&s->window, name->number) : NULL, out);
	case PLAYLIST_PART: return find_part(store, s, name, out);
	}
	return SEGMENT_STORE_NOT_FOUND;
}

enum segment_store_status segment_store_find(
    struct segment_store *store, const struct segment_store_ask *ask, struct segment_store_found *out)
{
	struct playlist_name name = playlist_name_parse(ask->resource, ask->resource_len);
	struct stream *s = find_stream(store, ask->stream, ask->stream_len);
	enum segment_store_status status = SEGMENT_STORE_NOT_FOUND;

	assert_owner(store);
	*out = (struct segment_store_found){ .kind = name.kind };
	if (s)
		status = find_in(store, s, &name, ask, out);
	if (status != SEGMENT_STORE_FOUND)
		*out = (struct segment_store_found){ .kind = PLAYLIST_NONE };
	return status;
}

bool segment_store_has(const struct segment_store *store, const char *name, size_t name_len)
{
	const struct stream *s = find_stream(store, name, name_len);

	return s && !s->is_expected;
}

void segment_store_stats(const struct segment_store *store, struct segment_store_stats *out)
{
	*out = (struct segment_store_stats){ .segments_capped = store->segments_capped };
	for (size_t i = 0; i < STORE_BUCKETS; i++) {
		for (const struct stream *s = store->buckets[i]; s; s = s->next) {
			out->streams += !s->is_expected;
			out->segments += s->window.segment_count;
			out->bytes += s->window.bytes;
			out->segments_capped += s->window.capped;
		}
	}
}
