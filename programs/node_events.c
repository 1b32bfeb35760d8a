/* SPDX-License-Identifier: Apache-2.0 */
#include "programs/node_events.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/attr.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/mailbox.h"
#include "programs/node_links.h"
#include "programs/node_on_air.h"
#include "relay/gate.h"
#include "relay/stats.h"

enum {
	MAILBOX_EVENTS = 1024,
	ADVICE_CODES_MAX = 16,
	ADVICE_CODE_SIZE = 32,
};

struct event_mail {
	enum event_kind kind;
	bool is_on;
	struct event_health health;
	struct event_link link;
	struct node_on_air_figures on_air;
	enum event_call_state call_state;
	uint64_t call_attempts;
	char stream[GATE_STREAM_SIZE];
	char advice_code[ADVICE_CODE_SIZE];
	char link_name[NODE_LINK_NAME_SIZE];
	char reason[NODE_LINK_REASON_SIZE];
};

struct known_stream {
	struct known_stream *next;
	char name[GATE_STREAM_SIZE];
	struct event_health health;
	size_t n_advice;
	char advice[ADVICE_CODES_MAX][ADVICE_CODE_SIZE];
};

struct node_events {
	struct events sink;
	struct mailbox *mailbox;
	struct known_stream *streams;
	struct node_links links;
	struct node_on_air on_air;
};

static void forget_all(struct node_events *e)
{
	while (e->streams) {
		struct known_stream *s = e->streams;

		e->streams = s->next;
		free(s);
	}
}

void node_events_destroy(struct node_events **events)
{
	struct node_events *e = *events;

	*events = NULL;
	if (!e)
		return;
	mailbox_destroy(&e->mailbox);
	forget_all(e);
	node_links_fini(&e->links);
	node_on_air_fini(&e->on_air);
	free(e);
}

static void write_channel(const struct log_ctx *ctx, const struct event *event)
{
	const struct event_channel *c = &event->channel;

	switch (c->news) {
	case EVENT_CHANNEL_CHANGED:
		log_info(ctx, "event channel: %s%s%s%s%s, %s%s%s: %s / %s", c->on, c->id[0] ? " " : "", c->id,
		    c->pending[0] ? ", next " : "", c->pending, c->why, c->misfit[0] ? " " : "", c->misfit,
		    event->text_ja, event->text_en);
		break;
	case EVENT_CHANNEL_FIGURES:
		log_debug(ctx, "event channel: %lld ms ahead, %llu switches", (long long)c->ahead_ms,
		    (unsigned long long)c->switches);
		break;
	case EVENT_CHANNEL_GONE: log_info(ctx, "event channel: it is over"); break;
	}
}

static void write_log(const struct event *event)
{
	struct log_ctx ctx = { .id = event->session_id, .protocol = "session" };

	snprintf(ctx.stream, sizeof(ctx.stream), "%s", event->stream);
	switch (event->kind) {
	case EVENT_STREAM_UP: log_info(&ctx, "event stream_up"); break;
	case EVENT_STREAM_AWAY: log_info(&ctx, "event stream_away: %s", close_reason_name(event->reason)); break;
	case EVENT_STREAM_OVER: log_info(&ctx, "event stream_over"); break;
	case EVENT_ADVICE:
		if (event->is_on)
			log_info(&ctx, "event advice %s: %s / %s", event->advice_code, event->text_ja, event->text_en);
		else
			log_info(&ctx, "event advice %s: over", event->advice_code);
		break;
	case EVENT_STREAM_HEALTH:
		log_debug(&ctx, "event health: %u kbit/s video, %u kbit/s audio, %ux%u", event->health.video_kbps,
		    event->health.audio_kbps, event->health.width_px, event->health.height_px);
		break;
	case EVENT_LINK:
		log_debug(&ctx, "event link: rtt %lld ms, %llu lost, %llu too late, latency %u ms, recommended %u ms",
		    (long long)(event->link.figures.rtt_us / 1000), (unsigned long long)event->link.figures.lost,
		    (unsigned long long)event->link.figures.dropped_late, event->link.figures.latency_ms,
		    event->link.wanted_latency_ms);
		break;
	case EVENT_CALL: /* its own lines say it (relay/call_srt) */
		log_debug(&ctx, "event call: %s, state %d", event->link_name, (int)event->call.state);
		break;
	case EVENT_RECORDING: /* as do recordings' (packager/rec_writer, recorder) */
		log_debug(&ctx, "event recording: %s, state %d", event->recording.id, (int)event->recording.state);
		break;
	case EVENT_CHANNEL: write_channel(&ctx, event); break;
	case EVENT_KINDS: break;
	}
}

/* The next one comes in 2 s at most. */
static bool is_figure(const struct event *event)
{
	return event->kind == EVENT_STREAM_HEALTH || event->kind == EVENT_LINK ||
	    (event->kind == EVENT_CHANNEL && event->channel.news == EVENT_CHANNEL_FIGURES);
}

static void emit(void *arg, const struct event *event)
{
	struct node_events *e = arg;
	struct event_mail mail = {
		.kind = event->kind,
		.is_on = event->is_on,
		.health = event->health,
		.link = event->link,
		.on_air = node_on_air_copy(&event->channel),
		.call_state = event->call.state,
		.call_attempts = event->call.attempts,
	};

	write_log(event);
	snprintf(mail.stream, sizeof(mail.stream), "%s", event->stream);
	snprintf(mail.advice_code, sizeof(mail.advice_code), "%s", event->advice_code ? event->advice_code : "");
	snprintf(mail.link_name, sizeof(mail.link_name), "%s", event->link_name ? event->link_name : "");
	snprintf(mail.reason, sizeof(mail.reason), "%s", event->call.reason ? event->call.reason : "");
	if (!mailbox_post(e->mailbox, &mail, is_figure(event) ? MAIL_DROPPABLE : MAIL_MUST))
		log_debug(NULL, "event for /metrics lost");
}

static struct known_stream **find(struct node_events *e, const char *name)
{
	struct known_stream **at = &e->streams;

	while (*at && strcmp((*at)->name, name) != 0)
		at = &(*at)->next;
	return at;
}

static void forget(struct known_stream **at)
{
	struct known_stream *s = *at;

	if (!s)
		return;
	*at = s->next;
	free(s);
}

static struct known_stream *find_or_add(struct node_events *e, const char *name)
{
	struct known_stream **at = find(e, name);

	if (!*at) {
		*at = calloc(1, sizeof(**at));
		if (*at)
			snprintf((*at)->name, sizeof((*at)->name), "%s", name);
	}
	return *at;
}

static void note_advice(struct known_stream *s, const struct event_mail *mail)
{
	size_t i = 0;

	while (i < s->n_advice && strcmp(s->advice[i], mail->advice_code) != 0)
		i++;
	if (mail->is_on && i == s->n_advice && i < ADVICE_CODES_MAX)
		memcpy(s->advice[s->n_advice++], mail->advice_code, ADVICE_CODE_SIZE);
	else if (!mail->is_on && i < s->n_advice)
		memmove(s->advice[i], s->advice[--s->n_advice], ADVICE_CODE_SIZE);
}

/* What is about a link and not about the stream. */
static bool take_link_event(struct node_links *links, const struct event_mail *mail)
{
	const struct event_call call = { mail->call_state, mail->call_attempts, mail->reason };

	if (mail->kind == EVENT_CALL)
		node_links_call(links, mail->stream, mail->link_name, &call);
	else if (mail->kind == EVENT_LINK)
		node_links_figures(links, mail->stream, mail->link_name, &mail->link);
	else if (mail->kind == EVENT_ADVICE && mail->link_name[0] != '\0')
		node_links_advice(links, mail->stream, mail->link_name, mail->advice_code, mail->is_on);
	else
		return false;
	return true;
}

static void take_event(void *arg, void *item)
{
	struct node_events *e = arg;
	const struct event_mail *mail = item;
	struct known_stream *s;

	if (take_link_event(&e->links, mail) || mail->kind == EVENT_RECORDING)
		return;
	if (mail->kind == EVENT_CHANNEL) {
		node_on_air_take(&e->on_air, mail->stream, &mail->on_air);
		return;
	}
	/* Another publisher, or none: what was said about the one before is not about it. */
	if (mail->kind == EVENT_STREAM_UP || mail->kind == EVENT_STREAM_AWAY || mail->kind == EVENT_STREAM_OVER)
		node_links_forget(&e->links, mail->stream, "");
	if (mail->kind == EVENT_STREAM_AWAY || mail->kind == EVENT_STREAM_OVER) {
		forget(find(e, mail->stream));
		return;
	}
	s = find_or_add(e, mail->stream);
	if (!s)
		return;
	if (mail->kind == EVENT_STREAM_HEALTH)
		s->health = mail->health;
	else if (mail->kind == EVENT_ADVICE)
		note_advice(s, mail);
	else if (mail->kind == EVENT_STREAM_UP)
		s->n_advice = 0;
}

int node_events_create(struct node_events **out, struct loop *delivery_loop)
{
	struct node_events *e = calloc(1, sizeof(*e));
	const struct mailbox_config config = {
		.item_bytes = sizeof(struct event_mail),
		.capacity = MAILBOX_EVENTS,
		.reserve = MAILBOX_EVENTS,
		.handle = take_event,
		.arg = e,
	};

	*out = NULL;
	if (!e)
		return -ENOMEM;
	e->sink = (struct events){ .emit = emit, .arg = e };
	if (mailbox_create(&e->mailbox, delivery_loop, &config) != 0) {
		free(e);
		return -ENOMEM;
	}
	*out = e;
	return 0;
}

const struct events *node_events_sink(const struct node_events *e)
{
	return &e->sink;
}

static void write_gauge(const struct node_events *e, struct bytes_writer *out, const char *name, const char *help,
    uint32_t (*value)(const struct event_health *))
{
	stats_printf(out, "# HELP %s %s\n# TYPE %s gauge\n", name, help, name);
	for (const struct known_stream *s = e->streams; s; s = s->next)
		stats_printf(out, "%s{stream=\"%s\"} %u\n", name, s->name, value(&s->health));
}

static uint32_t video_kbps(const struct event_health *h)
{
	return h->video_kbps;
}

static uint32_t audio_kbps(const struct event_health *h)
{
	return h->audio_kbps;
}

static uint32_t key_interval_ms(const struct event_health *h)
{
	return h->key_interval_ms;
}

void node_events_write(const struct node_events *e, struct bytes_writer *out)
{
	write_gauge(e, out, "isaribi_stream_video_kbps", "video bit rate of the publisher", video_kbps);
	write_gauge(e, out, "isaribi_stream_audio_kbps", "audio bit rate of the publisher", audio_kbps);
	write_gauge(e, out, "isaribi_stream_key_interval_ms", "time between key frames", key_interval_ms);
	stats_printf(out,
	    "# HELP isaribi_stream_advice what the publisher should change\n"
	    "# TYPE isaribi_stream_advice gauge\n");
	for (const struct known_stream *s = e->streams; s; s = s->next) {
		for (size_t i = 0; i < s->n_advice; i++)
			stats_printf(
			    out, "isaribi_stream_advice{stream=\"%s\",advice=\"%s\"} 1\n", s->name, s->advice[i]);
	}
	node_links_write(&e->links, out);
	node_on_air_write(&e->on_air, out);
}
