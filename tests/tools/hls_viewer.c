/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/tools/hls_viewer.h"

#include <string.h>

enum {
	STALL_US = 1000000,
	BEHIND_SEGMENTS = 3,
	BEHIND_PARTS = 3,
};

static bool is_before(uint64_t msn, unsigned part, uint64_t other_msn, unsigned other_part)
{
	return msn != other_msn ? msn < other_msn : part < other_part;
}

static bool is_wanted_kind(const struct hls_viewer *v, const struct hls_item *item)
{
	return item->kind == (v->is_low_latency ? HLS_PART : HLS_SEGMENT);
}

/* How many items of his kind the playlist has. */
static size_t count_items(const struct hls_viewer *v, struct hls_text t)
{
	struct hls_item item;
	size_t n = 0;

	while (hls_text_next(&t, &item) != HLS_END)
		n += is_wanted_kind(v, &item);
	return n;
}

static void begin(struct hls_viewer *v, struct hls_text t)
{
	size_t n = count_items(v, t);
	struct hls_item item;

	for (size_t i = 0; hls_text_next(&t, &item) != HLS_END;) {
		if (!is_wanted_kind(v, &item))
			continue;
		i++;
		if (v->is_low_latency && !item.is_independent)
			continue;
		if (!v->is_begun || i + (v->is_low_latency ? BEHIND_PARTS : BEHIND_SEGMENTS) <= n + 1) {
			v->is_begun = true;
			v->next_msn = item.msn;
			v->next_part = item.part;
		}
	}
}

static void push(struct hls_viewer *v, const struct hls_item *item)
{
	/* The one behind the last of a segment has the next segment's number; then this one is before it, too. */
	v->next_msn = item->part == HLS_WHOLE_SEGMENT ? item->msn + 1 : item->msn;
	v->next_part = item->part == HLS_WHOLE_SEGMENT ? HLS_WHOLE_SEGMENT : item->part + 1;
	if (v->hinted[0] != '\0' && strcmp(item->uri, v->hinted) == 0) {
		/* Only now is it known how long it is; it may be here already. */
		if (v->plays_until_us > 0)
			v->plays_until_us += item->duration_us;
		return;
	}
	v->queue[v->n_queued++] = *item;
}

static void push_hint(struct hls_viewer *v, const struct hls_item *hint)
{
	if (!v->has_hints || v->n_queued == HLS_QUEUE_MAX || strcmp(hint->uri, v->hinted) == 0)
		return;
	memcpy(v->hinted, hint->uri, sizeof(v->hinted));
	v->queue[v->n_queued++] = *hint;
}

static void note_last(struct hls_viewer *v, const struct hls_item *item)
{
	v->ask_msn = item->kind == HLS_SEGMENT ? item->msn + 1 : item->msn;
	v->ask_part = item->kind == HLS_SEGMENT ? 0 : item->part + 1;
}

void hls_viewer_read(struct hls_viewer *v, const char *text, size_t len)
{
	struct hls_item item;
	struct hls_text t;

	hls_text_init(&t, text, len);
	if (!v->is_begun)
		begin(v, t);
	while (hls_text_next(&t, &item) != HLS_END) {
		if (item.kind == HLS_HINT) {
			push_hint(v, &item);
			continue;
		}
		note_last(v, &item);
		if (v->is_begun && is_wanted_kind(v, &item) && v->n_queued < HLS_QUEUE_MAX &&
		    !is_before(item.msn, item.part, v->next_msn, v->next_part))
			push(v, &item);
	}
	v->target_s = t.target_s;
	v->is_ended = t.is_ended;
}

bool hls_viewer_take(struct hls_viewer *v, struct hls_item *out)
{
	if (v->n_queued == 0)
		return false;
	*out = v->queue[0];
	memmove(v->queue, v->queue + 1, --v->n_queued * sizeof(v->queue[0]));
	return true;
}

static void note_silence(struct hls_viewer *v, int64_t now_us)
{
	if (v->plays_until_us > 0 && now_us - v->plays_until_us > STALL_US)
		v->n_stalls++;
}

void hls_viewer_note(struct hls_viewer *v, const struct hls_item *item, int64_t now_us)
{
	note_silence(v, now_us);
	if (now_us > v->plays_until_us)
		v->plays_until_us = now_us;
	v->plays_until_us += item->duration_us;
	v->last_media_us = now_us;
	v->n_media++;
}

void hls_viewer_end(struct hls_viewer *v, int64_t now_us)
{
	if (!v->is_ended)
		note_silence(v, now_us);
}
