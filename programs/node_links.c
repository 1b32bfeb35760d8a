/* SPDX-License-Identifier: Apache-2.0 */
#include "programs/node_links.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/attr.h"
#include "relay/gate.h"
#include "relay/stats.h"

enum {
	ADVICE_MAX = 4,
	ADVICE_CODE_SIZE = 32,
	LABELS_SIZE = GATE_STREAM_SIZE + NODE_LINK_NAME_SIZE + 64,
};

struct node_link {
	struct node_link *next;
	char stream[GATE_STREAM_SIZE];
	char name[NODE_LINK_NAME_SIZE];
	bool has_figures;
	struct event_link figures;
	bool is_call;
	enum event_call_state state;
	uint64_t attempts;
	char reason[NODE_LINK_REASON_SIZE]; /* of the last failure; "": none since it was up */
	size_t n_advice;
	char advice[ADVICE_MAX][ADVICE_CODE_SIZE];
};

static struct node_link **find(struct node_links *links, const char *stream, const char *name)
{
	struct node_link **at = &links->first;

	while (*at && (strcmp((*at)->stream, stream) != 0 || strcmp((*at)->name, name) != 0))
		at = &(*at)->next;
	return at;
}

void node_links_forget(struct node_links *links, const char *stream, const char *name)
{
	struct node_link **at = find(links, stream, name);
	struct node_link *link = *at;

	if (!link)
		return;
	*at = link->next;
	free(link);
}

void node_links_fini(struct node_links *links)
{
	while (links->first)
		node_links_forget(links, links->first->stream, links->first->name);
}

static struct node_link *find_or_add(struct node_links *links, const char *stream, const char *name)
{
	struct node_link **at = find(links, stream, name);

	if (!*at) {
		*at = calloc(1, sizeof(**at));
		if (*at) {
			snprintf((*at)->stream, sizeof((*at)->stream), "%s", stream);
			snprintf((*at)->name, sizeof((*at)->name), "%s", name);
		}
	}
	return *at;
}

/* Of a call only what it said itself makes it known: a last figure may come behind its end. */
static struct node_link *find_for_figures(struct node_links *links, const char *stream, const char *name)
{
	return name[0] == '\0' ? find_or_add(links, stream, name) : *find(links, stream, name);
}

void node_links_figures(
    struct node_links *links, const char *stream, const char *name, const struct event_link *figures)
{
	struct node_link *link = find_for_figures(links, stream, name);

	if (!link)
		return;
	link->has_figures = true;
	link->figures = *figures;
}

void node_links_advice(struct node_links *links, const char *stream, const char *name, const char *code, bool is_on)
{
	struct node_link *link = find_for_figures(links, stream, name);
	size_t i = 0;

	if (!link)
		return;
	while (i < link->n_advice && strcmp(link->advice[i], code) != 0)
		i++;
	if (is_on && i == link->n_advice && i < ADVICE_MAX)
		snprintf(link->advice[link->n_advice++], ADVICE_CODE_SIZE, "%s", code);
	else if (!is_on && i < link->n_advice)
		memmove(link->advice[i], link->advice[--link->n_advice], ADVICE_CODE_SIZE);
}

void node_links_call(struct node_links *links, const char *stream, const char *name, const struct event_call *call)
{
	struct node_link *link;

	if (call->state == EVENT_CALL_GONE) {
		node_links_forget(links, stream, name);
		return;
	}
	link = find_or_add(links, stream, name);
	if (!link)
		return;
	link->is_call = true;
	link->state = call->state;
	link->attempts = call->attempts;
	if (call->state == EVENT_CALL_UP)
		link->reason[0] = '\0';
	else if (call->reason[0] != '\0')
		snprintf(link->reason, sizeof(link->reason), "%s", call->reason);
	if (call->state != EVENT_CALL_UP) {
		link->has_figures = false;
		link->n_advice = 0;
	}
}

/* ---- writing ---- */

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
} metrics[] = {
	{ "isaribi_link_rtt_us", "gauge", "round-trip time to an SRT publisher, push or pull", link_rtt_us },
	{ "isaribi_link_latency_ms", "gauge", "latency agreed with it", link_latency_ms },
	{ "isaribi_link_wanted_latency_ms", "gauge", "latency this link needs, 0: not known yet", link_wanted_ms },
	{ "isaribi_link_bandwidth_kbps", "gauge", "what the link could carry, estimated", link_bandwidth_kbps },
	{ "isaribi_link_packets_total", "counter", "packets that came, of a push: that went", link_packets },
	{ "isaribi_link_lost_total", "counter", "packets reported missing", link_lost },
	{ "isaribi_link_retransmitted_total", "counter", "packets that came or went again", link_retransmitted },
	{ "isaribi_link_late_total", "counter", "packets that did not come in time", link_late },
};

static void write_head(struct bytes_writer *out, const char *name, const char *type, const char *help)
{
	stats_printf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

/* stream="x", and of a call link="push HOST:PORT". Neither ids nor hosts hold what a label must escape. */
static const char *labels(const struct node_link *link, char buf[LABELS_SIZE])
{
	int len = snprintf(buf, LABELS_SIZE, "stream=\"%s\"", link->stream);

	if (link->name[0] != '\0')
		snprintf(buf + len, LABELS_SIZE - (size_t)len, ",link=\"%s\"", link->name);
	return buf;
}

/* stream="x",direction="push",peer="HOST:PORT" */
static const char *call_labels(const struct node_link *link, char buf[LABELS_SIZE])
{
	const size_t direction_len = strcspn(link->name, " ");

	snprintf(buf, LABELS_SIZE, "stream=\"%s\",direction=\"%.*s\",peer=\"%s\"", link->stream, (int)direction_len,
	    link->name, link->name + direction_len + (link->name[direction_len] == ' '));
	return buf;
}

static void write_figures(const struct node_links *links, struct bytes_writer *out)
{
	char text[LABELS_SIZE];

	for (size_t i = 0; i < ARRAY_LEN(metrics); i++) {
		write_head(out, metrics[i].name, metrics[i].type, metrics[i].help);
		for (const struct node_link *l = links->first; l; l = l->next) {
			if (l->has_figures)
				stats_printf(out, "%s{%s} %lld\n", metrics[i].name, labels(l, text),
				    metrics[i].value(&l->figures));
		}
	}
}

static void write_advice(const struct node_links *links, struct bytes_writer *out)
{
	char text[LABELS_SIZE];

	write_head(out, "isaribi_link_advice", "gauge", "what would make a push or pull better");
	for (const struct node_link *l = links->first; l; l = l->next) {
		for (size_t i = 0; i < l->n_advice; i++)
			stats_printf(out, "isaribi_link_advice{%s,advice=\"%s\"} 1\n", labels(l, text), l->advice[i]);
	}
}

static void write_calls(const struct node_links *links, struct bytes_writer *out)
{
	static const char *const states[] = {
		[EVENT_CALL_WAITING] = "waiting",
		[EVENT_CALL_DIALLING] = "dialling",
		[EVENT_CALL_UP] = "up",
		[EVENT_CALL_DOWN] = "down",
		[EVENT_CALL_GONE] = "gone",
	};
	char text[LABELS_SIZE];

	write_head(out, "isaribi_call_up", "gauge", "1: this push or pull is connected");
	for (const struct node_link *l = links->first; l; l = l->next) {
		if (l->is_call)
			stats_printf(out, "isaribi_call_up{%s} %d\n", call_labels(l, text), l->state == EVENT_CALL_UP);
	}
	write_head(out, "isaribi_call_state", "gauge",
	    "where a push or pull is: waiting for its stream, dialling, up, or down until it tries again");
	for (const struct node_link *l = links->first; l; l = l->next) {
		if (l->is_call)
			stats_printf(
			    out, "isaribi_call_state{%s,state=\"%s\"} 1\n", call_labels(l, text), states[l->state]);
	}
	write_head(out, "isaribi_call_attempts_total", "counter", "times this push or pull dialled");
	for (const struct node_link *l = links->first; l; l = l->next) {
		if (l->is_call)
			stats_printf(out, "isaribi_call_attempts_total{%s} %llu\n", call_labels(l, text),
			    (unsigned long long)l->attempts);
	}
	write_head(out, "isaribi_call_down_reason", "gauge", "why this push or pull was last down; gone once it is up");
	for (const struct node_link *l = links->first; l; l = l->next) {
		if (l->is_call && l->reason[0] != '\0')
			stats_printf(
			    out, "isaribi_call_down_reason{%s,reason=\"%s\"} 1\n", call_labels(l, text), l->reason);
	}
}

void node_links_write(const struct node_links *links, struct bytes_writer *out)
{
	write_figures(links, out);
	write_advice(links, out);
	write_calls(links, out);
}
