/* SPDX-License-Identifier: Apache-2.0 */
#include "programs/node_on_air.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/attr.h"
#include "relay/stats.h"

struct node_channel {
	struct node_channel *next;
	char id[ID_SIZE]; /* without the '@' */
	struct node_on_air_figures figures;
};

static struct node_channel **find(struct node_on_air *o, const char *id)
{
	struct node_channel **at = &o->first;

	while (*at && strcmp((*at)->id, id) != 0)
		at = &(*at)->next;
	return at;
}

static void forget(struct node_channel **at)
{
	struct node_channel *c = *at;

	if (!c)
		return;
	*at = c->next;
	free(c);
}

void node_on_air_fini(struct node_on_air *o)
{
	while (o->first)
		forget(&o->first);
}

struct node_on_air_figures node_on_air_copy(const struct event_channel *channel)
{
	struct node_on_air_figures f = {
		.news = channel->news,
		.since_wall_ms = channel->since_wall_ms,
		.ahead_ms = channel->ahead_ms,
		.switches = channel->switches,
		.slate_ms = channel->slate_ms,
	};

	(void)snprintf(f.on, sizeof(f.on), "%s", channel->on ? channel->on : "");
	(void)snprintf(f.id, sizeof(f.id), "%s", channel->id ? channel->id : "");
	(void)snprintf(f.why, sizeof(f.why), "%s", channel->why ? channel->why : "");
	return f;
}

void node_on_air_take(struct node_on_air *o, const char *name, const struct node_on_air_figures *figures)
{
	const char *id = name[0] == '@' ? name + 1 : name;
	struct node_channel **at = find(o, id);

	if (figures->news == EVENT_CHANNEL_GONE) {
		forget(at);
		return;
	}
	if (!*at) {
		*at = calloc(1, sizeof(**at));
		if (!*at)
			return;
		(void)snprintf((*at)->id, sizeof((*at)->id), "%s", id);
	}
	(*at)->figures = *figures;
}

static void write_head(struct bytes_writer *out, const char *name, const char *type, const char *help)
{
	stats_printf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static double since_s(const struct node_on_air_figures *f)
{
	return (double)f->since_wall_ms / 1000;
}

static double ahead_ms(const struct node_on_air_figures *f)
{
	return (double)f->ahead_ms;
}

static double switches(const struct node_on_air_figures *f)
{
	return (double)f->switches;
}

static double slate_s(const struct node_on_air_figures *f)
{
	return (double)f->slate_ms / 1000;
}

void node_on_air_write(const struct node_on_air *o, struct bytes_writer *out)
{
	static const struct {
		const char *name;
		const char *type;
		const char *help;
		double (*value)(const struct node_on_air_figures *);
	} rows[] = {
		{ "isaribi_channel_since_seconds", "gauge", "when what the channel shows came on, in Unix time",
		    since_s },
		{ "isaribi_channel_ahead_ms", "gauge", "media published minus the wall clock", ahead_ms },
		{ "isaribi_channel_switches_total", "counter", "changes of what the channel shows", switches },
		{ "isaribi_channel_slate_seconds_total", "counter", "how much of the slate was shown", slate_s },
	};

	write_head(out, "isaribi_channel_on", "gauge", "what the channel shows, and why");
	for (const struct node_channel *c = o->first; c; c = c->next)
		stats_printf(out, "isaribi_channel_on{channel=\"%s\",kind=\"%s\",id=\"%s\",why=\"%s\"} 1\n", c->id,
		    c->figures.on, c->figures.id, c->figures.why);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		write_head(out, rows[i].name, rows[i].type, rows[i].help);
		for (const struct node_channel *c = o->first; c; c = c->next)
			stats_printf(out, "%s{channel=\"%s\"} %.3f\n", rows[i].name, c->id, rows[i].value(&c->figures));
	}
}
