/* SPDX-License-Identifier: Apache-2.0 */
#include "relay/call_srt.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/err.h"
#include "base/log.h"
#include "relay/call_rules.h"
#include "relay/dial_srt.h"
#include "relay/link_watch.h"
#include "relay/mirror.h"
#include "relay/out_srt.h"
#include "relay/pull_srt.h"

enum {
	FRESH_US = 2 * 1000000,		/* a stream that brought no frame for so long has nothing to send */
	NOTHING_SENT_US = 10 * 1000000, /* up for so long and nothing to send: the stream ended while we dialled */
};

enum call_state {
	CALL_RESTING,
	CALL_WAITING,
	CALL_DIALLING,
	CALL_UP,
	CALL_LINGERING,
	CALL_STATES,
};

struct call_srt {
	struct poll_srt_watch watch; /* first: ready gets a pointer to it. sock -1: not connected */
	struct reader scout;	     /* while WAITING: sees when the stream has something to send */
	struct loop_reap reap;
	struct call_srt *prev;
	struct call_srt *next;
	struct relay_local *local;
	struct poll_srt *poll;
	struct ts_lanes *lanes;
	const struct plan_transfer *transfer; /* NULL: it leaves, and does not try again */
	call_srt_gone_fn on_gone;
	void *arg;
	bool is_push;
	bool is_gone;
	bool is_forgotten; /* nobody wants to hear of it any more */
	enum call_state state;
	int64_t since_us; /* when it came to this state */
	int64_t try_us;	  /* while RESTING: not before */
	struct call_rules rules;
	uint64_t attempts;
	struct dial_srt dial;
	struct log_ctx log;
	char reason[96]; /* of the last failure, as it was logged; "": none since it carried something */
	bool was_idle;	 /* the last connection carried nothing: the next one is worth no line */
	char name[CALL_SRT_NAME_SIZE];
	struct link_watch link;
	struct out_srt *player; /* these two while UP */
	struct pull_srt *pull;
};

static void destroy(void *arg)
{
	struct call_srt *c = arg;

	assert(!c->player && !c->pull && !c->scout.mirror && c->watch.sock < 0);
	free(c);
}

static void set_state(struct call_srt *c, enum call_state state)
{
	static const unsigned legal[CALL_STATES] = {
		[CALL_RESTING] = 1u << CALL_WAITING | 1u << CALL_DIALLING | 1u << CALL_RESTING,
		[CALL_WAITING] = 1u << CALL_DIALLING | 1u << CALL_RESTING,
		[CALL_DIALLING] = 1u << CALL_UP | 1u << CALL_RESTING,
		[CALL_UP] = 1u << CALL_LINGERING | 1u << CALL_RESTING,
		[CALL_LINGERING] = 1u << CALL_RESTING,
	};

	assert(legal[c->state] & 1u << state);
	c->state = state;
	c->since_us = local_now_us(c->local);
}

static void tell(const struct call_srt *c, enum event_call_state state, const char *reason)
{
	const struct event event = {
		.kind = EVENT_CALL,
		.stream = c->log.stream,
		.session_id = c->log.id,
		.link_name = c->name,
		.call = { .state = state, .attempts = c->attempts, .reason = reason },
	};

	events_emit(c->local->setup->events, &event);
}

static int64_t now_ms(const struct call_srt *c)
{
	return local_now_us(c->local) / 1000;
}

static uint32_t by_chance(void *arg)
{
	uint32_t value = 0;

	(void)arg;
	if (getrandom(&value, sizeof(value), GRND_NONBLOCK) != (ssize_t)sizeof(value))
		value = 0;
	return value;
}

/* ---- how it ends ---- */

static void close_socket(struct call_srt *c)
{
	if (c->watch.sock < 0)
		return;
	poll_srt_remove(&c->watch);
	io_srt_close(c->watch.sock);
	c->watch.sock = -1;
	if (c->state == CALL_UP || c->state == CALL_LINGERING)
		stats_add(c->local->setup->stats, STAT_SRT_CALLS, -1);
}

/* Another call may have its name from now on. */
static void tell_gone(struct call_srt *c)
{
	if (!c->is_forgotten)
		tell(c, EVENT_CALL_GONE, "");
	c->is_forgotten = true;
}

/* The memory goes at the end of the turn: callers further up the stack may still look at state. */
static void go(struct call_srt *c)
{
	if (c->is_gone)
		return;
	c->is_gone = true;
	tell_gone(c);
	c->on_gone(c->arg, c);
	loop_reap(c->local->loop, &c->reap, destroy, c);
}

static void rest(struct call_srt *c, int64_t for_ms)
{
	close_socket(c);
	mirror_detach(&c->scout);
	dial_srt_stop(&c->dial);
	set_state(c, CALL_RESTING);
	c->try_us = local_now_us(c->local) + for_ms * 1000;
	if (!c->transfer)
		go(c);
}

static const char *reason_text(enum close_reason reason)
{
	switch ((int)reason) {
	case CLOSE_CLIENT_CLOSED: return "the far side ended the connection or fell silent";
	case CLOSE_SLOT_OVER: return "the plan does not name it any more";
	case CLOSE_TOO_SLOW: return "the link fell behind again and again";
	case CLOSE_TAKEN_OVER: return "the same pull runs elsewhere now";
	}
	return close_reason_text(reason);
}

/* It did not come to a connection. The same again is worth no second line. */
static void fail(struct call_srt *c, const char *reason)
{
	const uint32_t wait_ms = call_rules_ended(&c->rules, now_ms(c));
	const bool is_new = strcmp(c->reason, reason) != 0;

	snprintf(c->reason, sizeof(c->reason), "%s", reason);
	log_line(is_new ? LOG_WARN : LOG_DEBUG, &c->log, "%s did not come about: %s; attempt %llu, the next in %u ms",
	    c->name, reason, (unsigned long long)c->attempts, wait_ms);
	tell(c, EVENT_CALL_DOWN, reason);
	rest(c, wait_ms);
}

struct carried {
	uint64_t messages;
	uint64_t bytes;
};

static struct carried carried_by(const struct call_srt *c)
{
	if (c->player) {
		const struct out_srt_counts counts = out_srt_counts(c->player);

		return (struct carried){ counts.messages, counts.bytes };
	} else {
		const struct pull_srt_counts counts = pull_srt_counts(c->pull);

		return (struct carried){ counts.messages, counts.bytes };
	}
}

static void log_end(const struct call_srt *c, enum log_level level, const char *reason, const struct carried *carried)
{
	const struct link_figures *f = &c->link.last;

	log_line(level, &c->log,
	    "%s is down: %s; %llu messages, %llu bytes; link: rtt %lld ms, %llu lost, %llu sent again, %llu too late",
	    c->name, reason, (unsigned long long)carried->messages, (unsigned long long)carried->bytes,
	    (long long)(f->rtt_us / 1000), (unsigned long long)f->lost, (unsigned long long)f->retransmitted,
	    (unsigned long long)f->dropped_late);
}

/* The connection has nothing more to do; its socket is still there. */
static void note_end(struct call_srt *c, enum close_reason reason)
{
	const struct carried carried = carried_by(c);
	const char *text = reason_text(reason);
	const bool is_told = carried.messages == 0 && strcmp(c->reason, text) == 0;
	const enum log_level level = close_reason_is_error(reason) ? LOG_WARN : LOG_INFO;

	link_watch_end(&c->link);
	log_end(c, is_told ? LOG_DEBUG : level, text, &carried);
	snprintf(c->reason, sizeof(c->reason), "%s", carried.messages == 0 ? text : "");
	c->was_idle = carried.messages == 0;
	out_srt_destroy(&c->player);
	pull_srt_destroy(&c->pull, reason);
	tell(c, EVENT_CALL_DOWN, text);
}

static uint32_t wait_after(struct call_srt *c, enum close_reason reason)
{
	/* An end that is no failure says nothing about the far side. */
	if (!close_reason_is_error(reason) && reason != CLOSE_CLIENT_CLOSED)
		call_rules_init(&c->rules, by_chance, NULL);
	return call_rules_ended(&c->rules, now_ms(c));
}

static void hang_up(struct call_srt *c, enum close_reason reason)
{
	note_end(c, reason);
	rest(c, wait_after(c, reason));
}

/* What was sent is on its way for as long as the receiver's latency; a socket that closes at once takes it back. */
static void hang_up_politely(struct call_srt *c, enum close_reason reason)
{
	if (!c->player || io_srt_state(c->watch.sock) != IO_SRT_CONNECTED) {
		hang_up(c, reason);
		return;
	}
	note_end(c, reason);
	set_state(c, CALL_LINGERING);
	c->try_us = c->since_us + (int64_t)wait_after(c, reason) * 1000;
	(void)poll_srt_change(&c->watch, 0);
}

static void stop_lingering(struct call_srt *c)
{
	const int64_t left_ms = (c->try_us - local_now_us(c->local)) / 1000;

	rest(c, left_ms > 0 ? left_ms : 0);
}

/* ---- the connection ---- */

static void on_player_over(void *arg, enum close_reason reason)
{
	hang_up_politely(arg, reason);
}

static void on_pull_over(void *arg, enum close_reason reason)
{
	hang_up(arg, reason);
}

static int begin_push(struct call_srt *c)
{
	static const struct out_srt_ops ops = { .over = on_player_over };
	const struct out_srt_config config = {
		.stream = c->log.stream,
		.watch = &c->watch,
		.ops = &ops,
		.arg = c,
	};

	return out_srt_create(&c->player, c->lanes, &config);
}

static int begin_pull(struct call_srt *c)
{
	static const struct pull_srt_ops ops = { .over = on_pull_over };
	const struct pull_srt_config config = {
		.stream = c->log.stream,
		.log = &c->log,
		.watch = &c->watch,
		.ops = &ops,
		.arg = c,
	};

	return pull_srt_create(&c->pull, c->lanes, &config);
}

static void serve_push(struct call_srt *c, unsigned events)
{
	if (io_srt_state(c->watch.sock) == IO_SRT_OVER)
		hang_up(c, CLOSE_CLIENT_CLOSED);
	else if (events & IO_SRT_OUT)
		out_srt_writable(c->player);
}

static void serve_pull(struct call_srt *c)
{
	const enum close_reason reason = pull_srt_readable(c->pull);

	if (reason != CLOSE_NONE)
		hang_up(c, reason);
}

static void on_ready(struct poll_srt_watch *watch, unsigned events)
{
	struct call_srt *c = (struct call_srt *)(void *)watch;

	switch (c->state) {
	case CALL_UP:
		if (c->is_push)
			serve_push(c, events);
		else
			serve_pull(c);
		break;
	case CALL_LINGERING:
		if (io_srt_state(watch->sock) == IO_SRT_OVER)
			stop_lingering(c);
		break;
	case CALL_RESTING:
	case CALL_WAITING:
	case CALL_DIALLING:
	case CALL_STATES: break;
	}
}

/* ---- dialling ---- */

static void come_up(struct call_srt *c)
{
	set_state(c, CALL_UP);
	stats_add(c->local->setup->stats, STAT_SRT_CALLS, 1);
	call_rules_connected(&c->rules, now_ms(c));
	c->link = (struct link_watch){
		.local = c->local,
		.sock = c->watch.sock,
		.is_receiving = !c->is_push,
		.is_told = true,
		.stream = c->log.stream,
		.name = c->name,
		.session_id = c->log.id,
	};
	link_watch_init(&c->link);
	log_line(c->was_idle ? LOG_DEBUG : LOG_INFO, &c->log, "%s is up, attempt %llu", c->name,
	    (unsigned long long)c->attempts);
	tell(c, EVENT_CALL_UP, "");
}

static void on_connected(void *arg, int sock)
{
	struct call_srt *c = arg;
	int err;

	c->watch = (struct poll_srt_watch){ .sock = sock, .ready = on_ready };
	err = poll_srt_add(c->poll, &c->watch);
	if (err == 0)
		err = c->is_push ? begin_push(c) : begin_pull(c);
	if (err != 0)
		fail(c, err_text(err));
	else
		come_up(c);
}

static void on_failed(void *arg, const char *reason)
{
	fail(arg, reason);
}

static const struct dial_srt_ops dial_ops = { .connected = on_connected, .failed = on_failed };

static void dial(struct call_srt *c)
{
	c->attempts++;
	stats_add(c->local->setup->stats, STAT_SRT_CALL_ATTEMPTS, 1);
	set_state(c, CALL_DIALLING);
	tell(c, EVENT_CALL_DIALLING, "");
	dial_srt_try(&c->dial, c->transfer);
}

static struct call_srt *call_of(struct reader *scout)
{
	return (struct call_srt *)(void *)((uint8_t *)scout - offsetof(struct call_srt, scout));
}

/* What a publisher left behind that is gone is not worth a call. */
static bool has_something_now(const struct call_srt *c, const struct ring *ring)
{
	uint64_t seq;

	return ring_start(ring, &seq) &&
	    local_now_us(c->local) - ring_frame(ring, ring->head - 1)->arrival_us < FRESH_US;
}

static void on_scout_flush(struct reader *scout)
{
	struct call_srt *c = call_of(scout);

	if (!has_something_now(c, mirror_ring(scout->mirror)))
		return;
	mirror_detach(scout);
	dial(c);
}

/* The stream was forgotten: it may come again, and is waited for from the next tick on. */
static void on_scout_over(struct reader *scout, enum close_reason reason)
{
	(void)reason;
	rest(call_of(scout), 0);
}

static const struct reader_ops scout_ops = { .flush = on_scout_flush, .over = on_scout_over };

static void wait_for_stream(struct call_srt *c)
{
	set_state(c, CALL_WAITING);
	tell(c, EVENT_CALL_WAITING, "");
	if (mirror_attach(c->local, c->log.stream, &c->scout) != 0)
		fail(c, close_reason_text(CLOSE_NO_MEMORY));
}

static void try_now(struct call_srt *c)
{
	if (c->is_push)
		wait_for_stream(c);
	else
		dial(c);
}

/* ---- all ---- */

int call_srt_create(struct call_srt **out, const struct call_srt_config *config)
{
	const struct plan_transfer *to = config->transfer;
	struct call_srt *c = calloc(1, sizeof(*c));

	*out = c;
	if (!c)
		return -ENOMEM;
	*c = (struct call_srt){
		.watch = { .sock = -1 },
		.scout = { .ops = &scout_ops },
		.local = ts_lanes_local(config->lanes),
		.poll = config->poll,
		.lanes = config->lanes,
		.transfer = to,
		.on_gone = config->on_gone,
		.arg = config->arg,
		.is_push = config->is_push,
		.log = { .id = log_next_session_id(), .protocol = "srt" },
	};
	c->dial = (struct dial_srt){ .loop = c->local->loop, .poll = c->poll, .ops = &dial_ops, .arg = c };
	dial_srt_init(&c->dial);
	call_rules_init(&c->rules, by_chance, NULL);
	snprintf(c->log.stream, sizeof(c->log.stream), "%s", to->stream);
	snprintf(c->name, sizeof(c->name), "%s", config->name);
	c->since_us = local_now_us(c->local);
	return 0;
}

void call_srt_begin(struct call_srt *c)
{
	try_now(c);
}

static void tick_push(struct call_srt *c)
{
	if (link_watch_tick(&c->link) > 0)
		out_srt_lost(c->player);
	else if (!out_srt_has_started(c->player) && local_now_us(c->local) - c->since_us > NOTHING_SENT_US)
		hang_up(c, CLOSE_NO_MEDIA);
}

static void tick_pull(struct call_srt *c)
{
	const enum close_reason reason = pull_srt_tick(c->pull);

	(void)link_watch_tick(&c->link);
	if (reason != CLOSE_NONE)
		hang_up(c, reason);
}

void call_srt_tick(struct call_srt *c)
{
	const int64_t now_us = local_now_us(c->local);
	const int64_t waited_us = now_us - c->since_us;

	switch (c->state) {
	case CALL_RESTING:
		if (now_us >= c->try_us)
			try_now(c);
		break;
	case CALL_WAITING: break;
	case CALL_DIALLING: dial_srt_tick(&c->dial); break;
	case CALL_UP:
		if (c->is_push)
			tick_push(c);
		else
			tick_pull(c);
		break;
	case CALL_LINGERING:
		if (waited_us > CALL_SRT_LINGER_US || link_watch_has_arrived(&c->link, waited_us))
			stop_lingering(c);
		break;
	case CALL_STATES: break;
	}
}

void call_srt_rebase(struct call_srt *c, const struct plan_transfer *transfer)
{
	c->transfer = transfer;
	dial_srt_rebase(&c->dial, transfer);
}

static void end(struct call_srt *c, enum close_reason reason)
{
	switch (c->state) {
	case CALL_UP: hang_up_politely(c, reason); break;
	case CALL_LINGERING: break;
	case CALL_RESTING:
	case CALL_WAITING:
	case CALL_DIALLING: rest(c, 0); break;
	case CALL_STATES: break;
	}
}

void call_srt_leave(struct call_srt *c)
{
	c->transfer = NULL;
	end(c, CLOSE_SLOT_OVER);
	tell_gone(c);
}

void call_srt_stop(struct call_srt *c)
{
	c->transfer = NULL;
	/* A push hears of the end from its stream, behind the last frames. */
	if (c->state != CALL_UP || !c->is_push)
		end(c, CLOSE_SHUTDOWN);
}

void call_srt_abort(struct call_srt *c)
{
	c->transfer = NULL;
	if (c->state == CALL_UP)
		hang_up(c, CLOSE_SHUTDOWN);
	else
		rest(c, 0);
}

const struct plan_transfer *call_srt_transfer(const struct call_srt *c)
{
	return c->transfer;
}

bool call_srt_is_push(const struct call_srt *c)
{
	return c->is_push;
}

const char *call_srt_stream(const struct call_srt *c)
{
	return c->log.stream;
}

const char *call_srt_name(const struct call_srt *c)
{
	return c->name;
}

struct call_srt *call_srt_next(const struct call_srt *c)
{
	return c->next;
}

void call_srt_link(struct call_srt **list, struct call_srt *c)
{
	c->prev = NULL;
	c->next = *list;
	if (*list)
		(*list)->prev = c;
	*list = c;
}

void call_srt_unlink(struct call_srt **list, struct call_srt *c)
{
	if (c->prev)
		c->prev->next = c->next;
	else
		*list = c->next;
	if (c->next)
		c->next->prev = c->prev;
}
