/* SPDX-License-Identifier: Apache-2.0 */
#include "config/plan_diff.h"

#include <string.h>

#include "base/attr.h"

/* One kind of thing: two sorted arrays, how to order, compare and tell. */
struct kind {
	const void *before;
	size_t n_before;
	const void *after;
	size_t n_after;
	size_t size_bytes;
	int (*order)(const void *a, const void *b);
	unsigned (*compare)(const void *a, const void *b); /* enum plan_change */
	void (*tell)(const struct plan_diff_visitor *v, const void *before, const void *after, unsigned changes);
};

static int order_by_id(const void *a, const void *b)
{
	return strcmp(a, b);
}

static int order_transfers(const void *a, const void *b)
{
	const struct plan_transfer *x = a;
	const struct plan_transfer *y = b;
	int order = strcmp(x->stream, y->stream);

	return order != 0 ? order : strcmp(x->url, y->url);
}

static bool is_same_windows(const struct plan_key *a, const struct plan_key *b)
{
	if (a->n_windows != b->n_windows)
		return false;
	for (size_t i = 0; i < a->n_windows; i++) {
		const struct plan_window *x = &a->windows[i];
		const struct plan_window *y = &b->windows[i];

		if (x->from_ms != y->from_ms || x->until_ms != y->until_ms || x->is_rehearsal != y->is_rehearsal)
			return false;
	}
	return true;
}

static bool is_same_ids(char (*a)[ID_SIZE], size_t n_a, char (*b)[ID_SIZE], size_t n_b)
{
	if (n_a != n_b)
		return false;
	for (size_t i = 0; i < n_a; i++) {
		if (strcmp(a[i], b[i]) != 0)
			return false;
	}
	return true;
}

static bool is_same_on_air(const struct plan_channel *a, const struct plan_channel *b)
{
	if (a->n_on_air != b->n_on_air)
		return false;
	for (size_t i = 0; i < a->n_on_air; i++) {
		const struct plan_on_air *x = &a->on_air[i];
		const struct plan_on_air *y = &b->on_air[i];

		if (x->from_ms != y->from_ms || x->until_ms != y->until_ms || strcmp(x->stream, y->stream) != 0)
			return false;
	}
	return true;
}

static bool is_same_override(const struct plan_override *a, const struct plan_override *b)
{
	return a->kind == b->kind && a->from_ms == b->from_ms && a->until_ms == b->until_ms &&
	    strcmp(a->id, b->id) == 0;
}

static unsigned when(bool is_same, enum plan_change change)
{
	return is_same ? 0 : (unsigned)change;
}

static unsigned compare_keys(const void *before, const void *after)
{
	const struct plan_key *a = before;
	const struct plan_key *b = after;

	return when(memcmp(a->hash, b->hash, sizeof(a->hash)) == 0, PLAN_KEY_HASH) |
	    when(strcmp(a->stream, b->stream) == 0, PLAN_KEY_STREAM) | when(is_same_windows(a, b), PLAN_KEY_WINDOWS) |
	    when(strcmp(a->srt_passphrase, b->srt_passphrase) == 0, PLAN_KEY_PASSPHRASE);
}

static unsigned compare_streams(const void *before, const void *after)
{
	const struct plan_stream *a = before;
	const struct plan_stream *b = after;

	return when(a->is_private == b->is_private, PLAN_STREAM_PLAY) |
	    when(a->is_recorded == b->is_recorded, PLAN_STREAM_RECORD) |
	    when(is_same_ids(a->renditions, a->n_renditions, b->renditions, b->n_renditions), PLAN_STREAM_RENDITIONS) |
	    when(strcmp(a->srt_passphrase, b->srt_passphrase) == 0, PLAN_STREAM_PASSPHRASE);
}

static unsigned compare_clips(const void *before, const void *after)
{
	const struct plan_clip *a = before;
	const struct plan_clip *b = after;

	return when(
	    strcmp(a->recording, b->recording) == 0 && a->in_ms == b->in_ms && a->out_ms == b->out_ms, PLAN_CLIP_RANGE);
}

static unsigned compare_channels(const void *before, const void *after)
{
	const struct plan_channel *a = before;
	const struct plan_channel *b = after;

	return when(strcmp(a->profile, b->profile) == 0, PLAN_CHANNEL_PROFILE) |
	    when(a->is_private == b->is_private, PLAN_CHANNEL_PLAY) |
	    when(a->delay_ms == b->delay_ms, PLAN_CHANNEL_DELAY) |
	    when(strcmp(a->slate, b->slate) == 0, PLAN_CHANNEL_SLATE) |
	    when(is_same_on_air(a, b), PLAN_CHANNEL_ON_AIR) |
	    when(is_same_override(&a->override, &b->override), PLAN_CHANNEL_OVERRIDE) |
	    when(is_same_ids(a->filler, a->n_filler, b->filler, b->n_filler), PLAN_CHANNEL_FILLER);
}

static unsigned compare_taken_down(const void *before, const void *after)
{
	const struct plan_take_down *a = before;
	const struct plan_take_down *b = after;

	return when(a->before_ms == b->before_ms, PLAN_TAKE_DOWN_TIME);
}

/* Only srt:// URLs have a link; what a text says and what it is are the same for the others. */
static bool is_same_link(const struct plan_transfer *a, const struct plan_transfer *b)
{
	if (!a->is_srt || !b->is_srt)
		return a->is_srt == b->is_srt;
	return a->latency_ms == b->latency_ms && strcmp(a->stream_id, b->stream_id) == 0 &&
	    strcmp(a->passphrase, b->passphrase) == 0;
}

static unsigned compare_pushes(const void *before, const void *after)
{
	return when(is_same_link(before, after), PLAN_LINK);
}

static unsigned compare_pulls(const void *before, const void *after)
{
	const struct plan_transfer *a = before;
	const struct plan_transfer *b = after;

	return when(strcmp(a->url, b->url) == 0, PLAN_PULL_URL) | when(is_same_link(a, b), PLAN_LINK);
}

static void tell_key(const struct plan_diff_visitor *v, const void *before, const void *after, unsigned changes)
{
	if (v->key)
		v->key(v->ctx, before, after, changes);
}

static void tell_stream(const struct plan_diff_visitor *v, const void *before, const void *after, unsigned changes)
{
	if (v->stream)
		v->stream(v->ctx, before, after, changes);
}

static void tell_clip(const struct plan_diff_visitor *v, const void *before, const void *after, unsigned changes)
{
	if (v->clip)
		v->clip(v->ctx, before, after, changes);
}

static void tell_channel(const struct plan_diff_visitor *v, const void *before, const void *after, unsigned changes)
{
	if (v->channel)
		v->channel(v->ctx, before, after, changes);
}

static void tell_take_down(const struct plan_diff_visitor *v, const void *before, const void *after, unsigned changes)
{
	if (v->take_down)
		v->take_down(v->ctx, before, after, changes);
}

static void tell_push(const struct plan_diff_visitor *v, const void *before, const void *after, unsigned changes)
{
	if (v->push)
		v->push(v->ctx, before, after, changes);
}

static void tell_pull(const struct plan_diff_visitor *v, const void *before, const void *after, unsigned changes)
{
	if (v->pull)
		v->pull(v->ctx, before, after, changes);
}

/* One walk over both arrays. */
static size_t diff_kind(const struct kind *k, const struct plan_diff_visitor *v)
{
	const char *a = k->before;
	const char *b = k->after;
	size_t i = 0;
	size_t j = 0;
	size_t n = 0;

	while (i < k->n_before || j < k->n_after) {
		const char *x = i < k->n_before ? a + i * k->size_bytes : NULL;
		const char *y = j < k->n_after ? b + j * k->size_bytes : NULL;
		int order = !x ? 1 : !y ? -1 : k->order(x, y);
		unsigned changes = order == 0 ? k->compare(x, y) : 0;

		if (order != 0 || changes != 0) {
			k->tell(v, order <= 0 ? x : NULL, order >= 0 ? y : NULL, changes);
			n++;
		}
		i += order <= 0;
		j += order >= 0;
	}
	return n;
}

static size_t diff_view_key(const struct plan *before, const struct plan *after, const struct plan_diff_visitor *v)
{
	const char *a = before->view_key;
	const char *b = after->view_key;

	if (a == b || (a && b && strcmp(a, b) == 0))
		return 0;
	if (v->view_key)
		v->view_key(v->ctx);
	return 1;
}

#define ARRAYS(name, n_name) before->name, before->n_name, after->name, after->n_name, sizeof(before->name[0])

static size_t diff_plans(const struct plan *before, const struct plan *after, const struct plan_diff_visitor *v)
{
	const struct kind kinds[] = {
		{ ARRAYS(keys, n_keys), order_by_id, compare_keys, tell_key },
		{ ARRAYS(streams, n_streams), order_by_id, compare_streams, tell_stream },
		{ ARRAYS(clips, n_clips), order_by_id, compare_clips, tell_clip },
		{ ARRAYS(channels, n_channels), order_by_id, compare_channels, tell_channel },
		{ ARRAYS(taken_down, n_taken_down), order_by_id, compare_taken_down, tell_take_down },
		{ ARRAYS(pushes, n_pushes), order_transfers, compare_pushes, tell_push },
		{ ARRAYS(pulls, n_pulls), order_by_id, compare_pulls, tell_pull },
	};
	size_t n = diff_view_key(before, after, v);

	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		n += diff_kind(&kinds[i], v);
	return n;
}

size_t plan_diff(const struct plan *before, const struct plan *after, const struct plan_diff_visitor *visitor)
{
	static const struct plan nothing;

	return diff_plans(before ? before : &nothing, after ? after : &nothing, visitor);
}
