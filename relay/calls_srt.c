/* SPDX-License-Identifier: Apache-2.0 */
#include "relay/calls_srt.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "relay/call_srt.h"

struct calls_srt {
	struct relay_local *local;
	struct poll_srt *poll;
	struct ts_lanes *lanes;
	struct plan *plan; /* the transfers of the calls lie in it */
	struct call_srt *calls;
	bool is_stopping;
};

void calls_srt_destroy(struct calls_srt **calls)
{
	struct calls_srt *s = *calls;

	*calls = NULL;
	if (!s)
		return;
	assert(!s->calls);
	plan_unref(s->plan);
	free(s);
}

static void on_gone(void *arg, struct call_srt *call)
{
	struct calls_srt *s = arg;

	call_srt_unlink(&s->calls, call);
}

static void for_all(struct calls_srt *s, void (*fn)(struct call_srt *))
{
	struct call_srt *next;

	for (struct call_srt *c = s->calls; c; c = next) {
		next = call_srt_next(c);
		fn(c);
	}
}

/* ---- following the plan ---- */

/* The order of a plan's arrays. */
static int by_stream_and_url(const void *a, const void *b)
{
	const struct plan_transfer *x = a;
	const struct plan_transfer *y = b;
	const int order = strcmp(x->stream, y->stream);

	return order != 0 ? order : strcmp(x->url, y->url);
}

static bool is_same(const struct plan_transfer *a, const struct plan_transfer *b)
{
	return a->is_srt && b->is_srt && a->latency_ms == b->latency_ms && strcmp(a->stream_id, b->stream_id) == 0 &&
	    strcmp(a->passphrase, b->passphrase) == 0;
}

/* One of the plan's two lists, and which of it have a call already. */
struct transfers {
	const struct plan_transfer *list;
	size_t n;
	bool *has_call;
	bool is_push;
};

static const struct plan_transfer *find(const struct transfers *in, const struct plan_transfer *like)
{
	const struct plan_transfer *found =
	    in->n > 0 ? bsearch(like, in->list, in->n, sizeof(in->list[0]), by_stream_and_url) : NULL;

	return found && is_same(found, like) ? found : NULL;
}

static bool has_name(const struct calls_srt *s, const char *stream, const char *name)
{
	for (const struct call_srt *c = s->calls; c; c = call_srt_next(c)) {
		if (call_srt_transfer(c) && strcmp(call_srt_stream(c), stream) == 0 &&
		    strcmp(call_srt_name(c), name) == 0)
			return true;
	}
	return false;
}

/* Two pushes of a stream to one server differ in the stream id, which nobody may see: they are counted. */
static void make_name(
    const struct calls_srt *s, const struct plan_transfer *to, bool is_push, char out[CALL_SRT_NAME_SIZE])
{
	const bool is_bracketed = strchr(to->host, ':') != NULL;
	const int len = snprintf(out, CALL_SRT_NAME_SIZE, "%s %s%s%s:%u", is_push ? "push" : "pull",
	    is_bracketed ? "[" : "", to->host, is_bracketed ? "]" : "", to->port);

	for (unsigned i = 2; has_name(s, to->stream, out); i++)
		snprintf(out + len, CALL_SRT_NAME_SIZE - (size_t)len, "#%u", i);
}

static void begin_call(struct calls_srt *s, const struct plan_transfer *to, bool is_push)
{
	char name[CALL_SRT_NAME_SIZE];
	const struct call_srt_config config = {
		.poll = s->poll,
		.lanes = s->lanes,
		.transfer = to,
		.is_push = is_push,
		.name = name,
		.on_gone = on_gone,
		.arg = s,
	};
	struct call_srt *call;

	make_name(s, to, is_push, name);
	if (call_srt_create(&call, &config) != 0) {
		log_error(NULL, "no memory for %s of stream %s", name, to->stream);
		return;
	}
	call_srt_link(&s->calls, call);
	call_srt_begin(call);
}

static void keep_or_end(struct calls_srt *s, const struct transfers *in)
{
	struct call_srt *next;

	for (struct call_srt *c = s->calls; c; c = next) {
		const struct plan_transfer *before = call_srt_transfer(c);
		const struct plan_transfer *after;

		next = call_srt_next(c);
		if (!before || call_srt_is_push(c) != in->is_push)
			continue;
		after = find(in, before);
		if (after) {
			call_srt_rebase(c, after);
			in->has_call[after - in->list] = true;
		} else {
			call_srt_leave(c);
		}
	}
}

static void follow_list(struct calls_srt *s, const struct transfers *in)
{
	keep_or_end(s, in);
	for (size_t i = 0; i < in->n; i++) {
		if (in->list[i].is_srt && !in->has_call[i])
			begin_call(s, &in->list[i], in->is_push);
	}
}

static void follow(struct calls_srt *s)
{
	struct plan *plan = s->local->plan;
	bool *has_call = calloc(plan->n_pushes + plan->n_pulls + 1, sizeof(has_call[0]));
	const struct transfers pushes = { plan->pushes, plan->n_pushes, has_call, true };
	const struct transfers pulls = { plan->pulls, plan->n_pulls, has_call + plan->n_pushes, false };

	if (!has_call) {
		log_error(NULL, "no memory for the plan's pushes and pulls: the old ones stay; send SIGHUP again");
		return;
	}
	follow_list(s, &pushes);
	follow_list(s, &pulls);
	free(has_call);
	plan_unref(s->plan); /* the calls have let go of it */
	s->plan = plan_ref(plan);
}

/* ---- the guest ---- */

static void on_tick(void *arg)
{
	for_all(arg, call_srt_tick);
}

static void on_plan(void *arg)
{
	struct calls_srt *s = arg;

	if (s->poll && !s->is_stopping)
		follow(s);
}

static void on_stop(void *arg)
{
	struct calls_srt *s = arg;

	s->is_stopping = true;
	for_all(s, call_srt_stop);
}

int calls_srt_create(struct calls_srt **out, struct hub *hub)
{
	struct calls_srt *s = calloc(1, sizeof(*s));
	const struct hub_guest guest = { .on_tick = on_tick, .on_plan = on_plan, .on_stop = on_stop, .arg = s };

	*out = s;
	if (!s)
		return -ENOMEM;
	s->local = hub_local(hub);
	hub_add_guest(hub, &guest);
	return 0;
}

void calls_srt_start(struct calls_srt *s, struct poll_srt *poll, struct ts_lanes *lanes)
{
	s->poll = poll;
	s->lanes = lanes;
	follow(s);
}

void calls_srt_end(struct calls_srt *s)
{
	s->is_stopping = true;
	for_all(s, call_srt_abort);
}
