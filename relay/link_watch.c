/* SPDX-License-Identifier: Apache-2.0 */
#include "relay/link_watch.h"

#include "relay/io_srt.h"

enum { LOOK_EVERY_US = 2 * 1000000 };

void link_watch_init(struct link_watch *w)
{
	w->looked_us = local_now_us(w->local);
	link_advice_init(&w->advice);
	w->advice.is_call = w->name != NULL;
}

static void emit_note(void *arg, const struct link_note *note)
{
	const struct link_watch *w = arg;
	const struct event event = {
		.kind = EVENT_ADVICE,
		.stream = w->stream,
		.session_id = w->session_id,
		.link_name = w->name,
		.advice_code = note->code,
		.text_ja = note->ja,
		.text_en = note->en,
		.is_on = note->is_on,
	};

	events_emit(w->local->setup->events, &event);
}

static void tell(struct link_watch *w, const struct link_figures *figures, int64_t now_us)
{
	const struct event event = {
		.kind = EVENT_LINK,
		.stream = w->stream,
		.session_id = w->session_id,
		.link_name = w->name,
		.link = { .figures = *figures, .wanted_latency_ms = w->advice.latency_ms },
	};

	link_advice_take(&w->advice, figures, now_us, emit_note, w);
	events_emit(w->local->setup->events, &event);
}

static uint64_t look(struct link_watch *w, int64_t now_us)
{
	struct stats *stats = w->local->setup->stats;
	struct link_figures figures;
	uint64_t late;

	if (io_srt_figures(w->sock, w->is_receiving, &figures) != 0)
		return 0;
	late = figures.dropped_late - w->last.dropped_late;
	if (w->is_receiving)
		stats_add(stats, STAT_SRT_LOST, (int64_t)(figures.lost - w->last.lost));
	stats_add(stats, w->is_receiving ? STAT_SRT_LATE : STAT_SRT_UNSENT, (int64_t)late);
	w->last = figures;
	if (w->is_told)
		tell(w, &figures, now_us);
	return late;
}

uint64_t link_watch_tick(struct link_watch *w)
{
	const int64_t now_us = local_now_us(w->local);

	if (now_us - w->looked_us < LOOK_EVERY_US)
		return 0;
	w->looked_us = now_us;
	return look(w, now_us);
}

bool link_watch_has_arrived(const struct link_watch *w, int64_t waited_us)
{
	return io_srt_unsent(w->sock) == 0 && waited_us > (int64_t)w->last.latency_ms * 1000;
}

void link_watch_end(struct link_watch *w)
{
	if (w->local)
		(void)look(w, local_now_us(w->local));
}
