/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/tools/link_emulator/link.h"

#include "tests/tools/link_emulator/profile.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

void link_fini(struct link *link)
{
	link->ops->close(link);
	for (size_t i = 0; i < LINK_WAYS; i++)
		path_fini(&link->paths[i]);
	script_destroy(&link->script);
	script_destroy(&link->profile);
}

void link_init(struct link *link, const struct link_config *config)
{
	*link = (struct link){
		.ops = config->ops,
		.poller = config->poller,
		.listen = config->listen,
		.target = config->target,
		.seed = dice_seed_of(config->seed, config->name),
	};
	snprintf(link->name, sizeof(link->name), "%s", config->name);
	for (size_t i = 0; i < LINK_WAYS; i++)
		path_init(&link->paths[i],
		    &(struct path_config){ .seed = link->seed,
			.way = i,
			.is_stream = config->ops->is_stream,
			.budget = config->budget,
			.now_ns = config->now_ns });
	link->dice = dice_make(link->seed, SCRIPT_MAX_TRACKS, DICE_EVENTS);
}

void link_start_script(struct link *link, struct script *script, int64_t now_ns)
{
	script_destroy(&link->script);
	link->script = script;
	timeline_start(&link->script_line, script, link->seed, DICE_EVENTS, now_ns);
}

static void clear(struct link *link, unsigned ways, int64_t now_ns)
{
	for (size_t i = 0; i < LINK_WAYS; i++)
		if (ways & 1u << i)
			path_clear(&link->paths[i], now_ns);
	if (ways != (CHANGE_UP | CHANGE_DOWN))
		return;
	timeline_start(&link->profile_line, NULL, 0, DICE_PROFILE_EVENTS, now_ns);
	script_destroy(&link->profile);
}

static void say_profiles(const char *found, char error[LINK_ERROR_SIZE])
{
	int len = snprintf(error, LINK_ERROR_SIZE, "expected a profile:");
	const struct profile *profile = NULL;

	for (size_t i = 0; (profile = profile_at(i)) && len < LINK_ERROR_SIZE; i++)
		len += snprintf(error + len, LINK_ERROR_SIZE - (size_t)len, "%s %s", i ? "," : "", profile->name);
	if (len < LINK_ERROR_SIZE)
		snprintf(error + len, LINK_ERROR_SIZE - (size_t)len, "; found \"%.40s\"", found);
}

static int start_profile(struct link *link, const char *name, int64_t now_ns, char error[LINK_ERROR_SIZE])
{
	const struct profile *profile = profile_find(name);
	struct script_error why;
	int res = 0;

	if (!profile) {
		say_profiles(name, error);
		return -EINVAL;
	}
	clear(link, CHANGE_UP | CHANGE_DOWN, now_ns);
	res = script_parse(&link->profile, profile->script, &why);
	if (res < 0) {
		snprintf(error, LINK_ERROR_SIZE, "profile %s: %.240s", name, why.text);
		return res;
	}
	timeline_start(&link->profile_line, link->profile, link->seed, DICE_PROFILE_EVENTS, now_ns);
	return 0;
}

static int rebind(struct link *link, const struct change *change, char error[LINK_ERROR_SIZE])
{
	struct address host;
	int res = 0;

	if (change->key == CHANGE_REBIND_TO && address_parse(&host, change->word) < 0) {
		snprintf(
		    error, LINK_ERROR_SIZE, "expected an address such as 127.0.0.2, found \"%.40s\"", change->word);
		return -EINVAL;
	}
	res = link->ops->rebind(link, change->key == CHANGE_REBIND_TO ? &host : NULL);
	if (res < 0)
		snprintf(error, LINK_ERROR_SIZE, "cannot rebind: %s", strerror(-res));
	return res;
}

static int set_target(struct link *link, const char *text, char error[LINK_ERROR_SIZE])
{
	struct address target;

	if (address_parse(&target, text) == 0 && address_port(&target) > 0) {
		link->target = target;
		return 0;
	}
	snprintf(error, LINK_ERROR_SIZE, "expected a target such as 127.0.0.1:9000, found \"%.40s\"", text);
	return -EINVAL;
}

static int change_one(
    struct link *link, const struct change *change, struct dice *dice, int64_t now_ns, char error[LINK_ERROR_SIZE])
{
	if (change_is_setting(change)) {
		for (size_t i = 0; i < LINK_WAYS; i++)
			if (change->ways & 1u << i)
				path_change(&link->paths[i], change, dice, now_ns);
		return 0;
	}
	if (change->key == CHANGE_CLEAR)
		clear(link, change->ways, now_ns);
	else if (change->key == CHANGE_PROFILE)
		return start_profile(link, change->word, now_ns, error);
	else if (change->key == CHANGE_TARGET)
		return set_target(link, change->word, error);
	else if (change->key == CHANGE_RESET)
		link->ops->reset(link);
	else
		return rebind(link, change, error);
	return 0;
}

static int make_changes(struct link *link, const struct timeline_event *event, char error[LINK_ERROR_SIZE])
{
	int res = 0;

	for (size_t i = 0; res == 0 && i < event->changes->n; i++)
		res = change_one(link, &event->changes->list[i], event->dice, event->at_ns, error);
	return res;
}

static void run_line(struct link *link, struct timeline *line, int64_t now_ns)
{
	struct timeline_event event;
	char error[LINK_ERROR_SIZE];

	while (timeline_take(line, now_ns, &event)) {
		if (make_changes(link, &event, error) < 0)
			fprintf(stderr, "link_emulator: %s: in the script: %s\n", link->name, error);
		link->ops->changed(link, now_ns);
	}
}

int link_change(struct link *link, const struct change_list *changes, int64_t now_ns, char error[LINK_ERROR_SIZE])
{
	struct timeline_event event = { .changes = changes, .dice = &link->dice, .at_ns = now_ns };
	int res = make_changes(link, &event, error);

	/* A profile's first lines belong to the change: they hold when it is acknowledged. */
	run_line(link, &link->profile_line, now_ns);
	link->ops->changed(link, now_ns);
	return res;
}

size_t link_trigger(struct link *link, const char *name, int64_t now_ns)
{
	size_t n = timeline_trigger(&link->script_line, name, now_ns);

	run_line(link, &link->script_line, now_ns);
	return n;
}

void link_run(struct link *link, int64_t now_ns)
{
	run_line(link, &link->script_line, now_ns);
	run_line(link, &link->profile_line, now_ns);
	link->ops->run(link, now_ns);
}

static int64_t earlier(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

int64_t link_next_ns(struct link *link, int64_t now_ns)
{
	int64_t next_ns = earlier(timeline_next_ns(&link->script_line), timeline_next_ns(&link->profile_line));

	for (size_t i = 0; i < LINK_WAYS; i++)
		next_ns = earlier(next_ns, path_next_ns(&link->paths[i], now_ns));
	return next_ns;
}

void link_print(const struct link *link, FILE *out)
{
	fprintf(out, "{\"kind\": \"%s\"", link->ops->kind);
	link->ops->print(link, out);
	fputs(", \"up\": ", out);
	stats_print(&link->paths[LINK_UP].stats, out);
	fputs(", \"down\": ", out);
	stats_print(&link->paths[LINK_DOWN].stats, out);
	fputc('}', out);
}
