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
	char stream[GATE_STREAM_SIZE];
	char advice_code[ADVICE_CODE_SIZE];
};

struct known_stream {
	struct known_stream *next;
	char name[GATE_STREAM_SIZE];
	struct event_health health;
	bool has_link; /* it comes over SRT */
	struct event_link link;
	size_t n_advice;
	char advice[ADVICE_CODES_MAX][ADVICE_CODE_SIZE];
};

struct node_events {
	struct events sink;
	struct mailbox *mailbox;
	struct known_stream *streams;
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
	free(e);
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
	case EVENT_KINDS: break;
	}
}

/* The next one comes in 2 s. */
static bool is_figure(enum event_kind kind)
{
	return kind == EVENT_STREAM_HEALTH || kind == EVENT_LINK;
}

static void emit(void *arg, const struct event *event)
{
	struct node_events *e = arg;
	struct event_mail mail = {
		.kind = event->kind, .is_on = event->is_on, .health = event->health, .link = event->link
	};

	write_log(event);
	snprintf(mail.stream, sizeof(mail.stream), "%s", event->stream);
	snprintf(mail.advice_code, sizeof(mail.advice_code), "%s", event->advice_code ? event->advice_code : "");
	if (!mailbox_post(e->mailbox, &mail, is_figure(event->kind) ? MAIL_DROPPABLE : MAIL_MUST))
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

static void note_link(struct known_stream *s, const struct event_mail *mail)
{
	s->has_link = true;
	s->link = mail->link;
}

/* Another publisher: what was said about the one before is not about it. */
static void begin_anew(struct known_stream *s)
{
	s->n_advice = 0;
	s->has_link = false;
}

static void take_event(void *arg, void *item)
{
	struct node_events *e = arg;
	const struct event_mail *mail = item;
	struct known_stream *s;

	if (mail->kind == EVENT_STREAM_AWAY || mail->kind == EVENT_STREAM_OVER) {
		forget(find(e, mail->stream));
		return;
	}
	s = find_or_add(e, mail->stream);
	if (!s)
		return;
	if (mail->kind == EVENT_STREAM_HEALTH)
		s->health = mail->health;
	else if (mail->kind == EVENT_LINK)
		note_link(s, mail);
	else if (mail->kind == EVENT_ADVICE)
		note_advice(s, mail);
	else if (mail->kind == EVENT_STREAM_UP)
		begin_anew(s);
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

static long long link_rtt_us(const struct event_link *l)
{
	return l->figures.rtt_us;
}

static long long link_latency_ms(const struct event_link *l)
{
	return l->figures.latency_ms;
}

static long long link_wanted_ms(const struct event_link *l)
{
	return l->wanted_latency_ms;
}

static long long link_bandwidth_kbps(const struct event_link *l)
{
	return l->figures.bandwidth_kbps;
}

static long long link_packets(const struct event_link *l)
{
	return (long long)l->figures.packets;
}

static long long link_lost(const struct event_link *l)
{
	return (long long)l->figures.lost;
}

static long long link_retransmitted(const struct event_link *l)
{
	return (long long)l->figures.retransmitted;
}

static long long link_late(const struct event_link *l)
{
	return (long long)l->figures.dropped_late;
}

static const struct {
	const char *name;
	const char *type;
	const char *help;
	long long (*value)(const struct event_link *);
} link_metrics[] = {
	{ "isaribi_link_rtt_us", "gauge", "round-trip time to an SRT publisher", link_rtt_us },
	{ "isaribi_link_latency_ms", "gauge", "latency agreed with an SRT publisher", link_latency_ms },
	{ "isaribi_link_wanted_latency_ms", "gauge", "latency this link needs, 0: not known yet", link_wanted_ms },
	{ "isaribi_link_bandwidth_kbps", "gauge", "what the link could carry, estimated", link_bandwidth_kbps },
	{ "isaribi_link_packets_total", "counter", "packets from an SRT publisher", link_packets },
	{ "isaribi_link_lost_total", "counter", "packets reported missing", link_lost },
	{ "isaribi_link_retransmitted_total", "counter", "packets that came again", link_retransmitted },
	{ "isaribi_link_late_total", "counter", "packets that did not come in time", link_late },
};

static void write_links(const struct node_events *e, struct bytes_writer *out)
{
	for (size_t i = 0; i < ARRAY_LEN(link_metrics); i++) {
		stats_printf(out, "# HELP %s %s\n# TYPE %s %s\n", link_metrics[i].name, link_metrics[i].help,
		    link_metrics[i].name, link_metrics[i].type);
		for (const struct known_stream *s = e->streams; s; s = s->next) {
			if (s->has_link)
				stats_printf(out, "%s{stream=\"%s\"} %lld\n", link_metrics[i].name, s->name,
				    link_metrics[i].value(&s->link));
		}
	}
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
	write_links(e, out);
}
