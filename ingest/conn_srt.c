/* SPDX-License-Identifier: Apache-2.0 */
#include "ingest/conn_srt.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "ingest/door.h"
#include "ingest/session.h"
#include "media/timeline.h"
#include "relay/link_watch.h"
#include "relay/out_srt.h"
#include "relay/source_srt.h"

enum {
	DISCARDED_AT_ONCE = 512,
};

enum conn_state {
	CONN_NEW,
	CONN_ASKING,
	CONN_PUBLISHING,
	CONN_PLAYING,
	CONN_LINGERING,
	CONN_STATES,
};

struct conn_srt {
	struct poll_srt_watch watch; /* first: ready gets a pointer to it */
	struct conn_srt *prev;
	struct conn_srt *next;
	struct relay_local *local;
	struct poll_srt *poll;
	struct ts_lanes *lanes;
	conn_srt_gone_fn on_gone;
	void *arg;
	enum conn_state state;
	enum close_reason reason; /* why it ends; NONE while it does not */
	struct loop_reap reap;
	bool is_gone;
	bool is_unsupported;	  /* something in it is not relayed as frames */
	bool is_unreadable;	  /* more than a session bears */
	int64_t since_us;	  /* when it came to this state */
	struct source_srt source; /* of a publisher, from the grant on */
	struct log_ctx log;
	const char *role;
	uint64_t messages;
	uint64_t bytes;
	uint64_t frames;
	unsigned skips;
	struct link_watch link;
	struct session *session;
	struct ts_intake *intake;
	struct out_srt *player;
	char token[TOKEN_TEXT_SIZE]; /* of the player, for when the plan changes; wiped */
};

static void set_state(struct conn_srt *c, enum conn_state state)
{
	static const unsigned legal[CONN_STATES] = {
		[CONN_NEW] = 1u << CONN_ASKING | 1u << CONN_PLAYING,
		[CONN_ASKING] = 1u << CONN_PUBLISHING | 1u << CONN_LINGERING,
		[CONN_PUBLISHING] = 0,
		[CONN_PLAYING] = 1u << CONN_LINGERING,
		[CONN_LINGERING] = 0,
	};

	assert(legal[c->state] & 1u << state);
	c->state = state;
	c->since_us = local_now_us(c->local);
}

static void destroy(void *arg)
{
	struct conn_srt *c = arg;

	assert(!c->session && !c->intake && !c->player);
	explicit_bzero(c->token, sizeof(c->token));
	free(c);
}

static void log_end(const struct conn_srt *c)
{
	const enum log_level level = close_reason_is_error(c->reason) ? LOG_WARN : LOG_INFO;
	const struct link_figures *f = &c->link.last;

	log_line(level, &c->log,
	    "closed: %s (%s): %s, %llu frames, %llu messages, %llu bytes, %u skips; link: rtt %lld ms, %llu lost, "
	    "%llu sent again, %llu too late",
	    close_reason_name(c->reason), close_reason_text(c->reason), c->role, (unsigned long long)c->frames,
	    (unsigned long long)c->messages, (unsigned long long)c->bytes, c->skips, (long long)(f->rtt_us / 1000),
	    (unsigned long long)f->lost, (unsigned long long)f->retransmitted, (unsigned long long)f->dropped_late);
}

static void note_end(struct conn_srt *c, enum close_reason reason)
{
	if (c->reason != CLOSE_NONE)
		return;
	c->reason = reason;
	stats_closed(c->local->setup->stats, reason);
	link_watch_end(&c->link);
	ts_intake_destroy(&c->intake); /* before the session: its last frame goes there */
	if (c->session) {
		c->frames = session_counts(c->session).frames;
		c->messages = c->source.messages;
		c->bytes = c->source.bytes;
	}
	session_end(&c->session, reason);
	if (c->player) {
		const struct out_srt_counts counts = out_srt_counts(c->player);

		c->messages = counts.messages;
		c->bytes = counts.bytes;
		c->skips = counts.skips;
	}
	out_srt_destroy(&c->player);
	log_end(c);
}

/* The one way out. The memory goes at the end of the turn: callers further up the stack may still look at state. */
static void finish(struct conn_srt *c, enum close_reason reason)
{
	if (c->is_gone)
		return;
	note_end(c, reason);
	c->is_gone = true;
	poll_srt_remove(&c->watch);
	io_srt_close(c->watch.sock);
	c->on_gone(c->arg, c);
	loop_reap(c->local->loop, &c->reap, destroy, c);
}

/* What was sent is on its way for as long as the player's latency; a socket that closes at once takes it back. */
static void linger(struct conn_srt *c, enum close_reason reason)
{
	if (c->is_gone || c->state == CONN_LINGERING)
		return;
	note_end(c, reason);
	set_state(c, CONN_LINGERING);
	(void)poll_srt_change(&c->watch, 0);
}

/* ---- publishers ---- */

static void on_frame(void *arg, struct frame *frame)
{
	struct conn_srt *c = arg;

	session_frame(c->session, frame);
}

static void on_unsupported(void *arg, const char *codec_name)
{
	struct conn_srt *c = arg;

	c->is_unsupported = true;
	log_info(&c->log, "%s goes to SRT players only", codec_name);
}

static void on_unreadable(void *arg)
{
	struct conn_srt *c = arg;

	c->is_unreadable = session_unreadable(c->session) != CLOSE_NONE;
}

static const struct ts_intake_ops intake_ops = {
	.frame = on_frame,
	.unsupported = on_unsupported,
	.unreadable = on_unreadable,
};

static void on_granted(void *arg)
{
	struct conn_srt *c = arg;
	const struct ts_intake_config config = {
		.lanes = c->lanes,
		.stream = session_stream(c->session),
		.generation = session_generation(c->session),
		.ops = &intake_ops,
		.arg = c,
	};

	if (c->is_gone)
		return;
	set_state(c, CONN_PUBLISHING);
	c->role = "publisher";
	source_srt_init(&c->source, c->local, c->watch.sock);
	if (ts_intake_create(&c->intake, &config) != 0 || poll_srt_change(&c->watch, IO_SRT_IN) != 0)
		finish(c, CLOSE_NO_MEMORY);
	else
		log_info(&c->log, "publishes");
}

/* One that is turned away right behind the door may not have heard yet that it is in: libsrt would take no notice of
   an end then, and the publisher would go on for as long as it bears silence. So it stays for a moment. */
static void on_session_over(void *arg, enum close_reason reason)
{
	struct conn_srt *c = arg;

	if (c->state == CONN_ASKING)
		linger(c, reason);
	else
		finish(c, reason);
}

static const struct session_ops session_ops = { .granted = on_granted, .over = on_session_over };

static void receive(struct conn_srt *c)
{
	enum close_reason reason = source_srt_read(&c->source, c->intake, &c->is_unreadable);

	if (c->is_unreadable)
		reason = CLOSE_MEDIA_BAD;
	if (reason != CLOSE_NONE)
		finish(c, reason);
}

static enum close_reason begin_publishing(struct conn_srt *c, const char *stream_id, size_t len)
{
	static const struct session_protocol protocol = { STAT_SRT_PUBLISHERS, TIMELINE_MODULUS_TS };
	struct streamid id;
	struct session_config config = { .protocol = &protocol, .log = &c->log, .ops = &session_ops, .arg = c };

	if (streamid_parse(&id, stream_id, len) != STREAMID_OK)
		return CLOSE_STREAMID_BAD;
	config.key = id.name.text;
	config.key_len = id.name.len;
	c->role = "publisher that never started";
	set_state(c, CONN_ASKING);
	return session_begin(&c->session, c->local, &config);
}

/* ---- players ---- */

static void on_player_over(void *arg, enum close_reason reason)
{
	struct conn_srt *c = arg;

	if (io_srt_state(c->watch.sock) == IO_SRT_CONNECTED)
		linger(c, reason);
	else
		finish(c, CLOSE_CLIENT_CLOSED);
}

static enum close_reason begin_playing(struct conn_srt *c, const struct door_answer *answer)
{
	static const struct out_srt_ops ops = { .over = on_player_over };
	const struct out_srt_config config = {
		.stream = answer->stream,
		.watch = &c->watch,
		.ops = &ops,
		.arg = c,
	};

	snprintf(c->log.stream, sizeof(c->log.stream), "%s", answer->stream);
	memcpy(c->token, answer->token, sizeof(c->token));
	c->role = "player";
	set_state(c, CONN_PLAYING);
	if (out_srt_create(&c->player, c->lanes, &config) != 0)
		return CLOSE_NO_MEMORY;
	log_info(&c->log, "plays");
	return CLOSE_NONE;
}

static enum close_reason may_play(const struct conn_srt *c)
{
	const struct gate_viewer viewer = {
		.stream = c->log.stream, .token = c->token[0] ? c->token : NULL, .token_len = strlen(c->token)
	};

	return gate_play(c->local->plan, &viewer, local_wall_ms(c->local));
}

/* A player has nothing to say; what it says is thrown away. */
static void discard(struct conn_srt *c)
{
	uint8_t message[IO_SRT_MESSAGE_MAX];
	ssize_t n = 0;

	for (int i = 0; i < DISCARDED_AT_ONCE && n >= 0; i++)
		n = io_srt_receive(c->watch.sock, message, sizeof(message));
	if (n < 0 && n != -EAGAIN)
		finish(c, n == -ENOTCONN ? CLOSE_CLIENT_CLOSED : close_reason_of_socket((int)n));
}

/* ---- all ---- */

static void on_ready(struct poll_srt_watch *watch, unsigned events)
{
	struct conn_srt *c = (struct conn_srt *)(void *)watch;

	switch (c->state) {
	case CONN_PUBLISHING: receive(c); break;
	case CONN_PLAYING:
		if (io_srt_state(watch->sock) == IO_SRT_OVER)
			discard(c);
		else if (events & IO_SRT_OUT)
			out_srt_writable(c->player);
		break;
	case CONN_NEW:
	case CONN_ASKING:
	case CONN_LINGERING:
		if (io_srt_state(watch->sock) == IO_SRT_OVER)
			finish(c, CLOSE_CLIENT_CLOSED);
		break;
	case CONN_STATES: break;
	}
}

/* The door has let it in with the plan of that moment; which of the two it is, and whether it still may. */
static enum close_reason begin(struct conn_srt *c)
{
	char stream_id[IO_SRT_STREAM_ID_MAX + 1];
	const struct door_question question = {
		.plan = c->local->plan,
		.streamid = stream_id,
		.streamid_len = io_srt_stream_id(c->watch.sock, stream_id),
		.now_ms = local_wall_ms(c->local),
		.handshake_version = DOOR_HANDSHAKE_VERSION,
	};
	struct door_answer answer;
	enum close_reason reason;

	door_ask(&answer, &question);
	if (answer.verdict == DOOR_PUBLISH)
		reason = begin_publishing(c, stream_id, question.streamid_len);
	else
		reason = answer.verdict == DOOR_PLAY ? begin_playing(c, &answer) : answer.reason;
	explicit_bzero(&answer, sizeof(answer));
	explicit_bzero(stream_id, sizeof(stream_id));
	return reason;
}

int conn_srt_create(struct conn_srt **out, const struct conn_srt_config *config)
{
	struct conn_srt *c = calloc(1, sizeof(*c));
	int err;

	*out = NULL;
	if (!c) {
		io_srt_close(config->sock);
		return -ENOMEM;
	}
	*c = (struct conn_srt){
		.watch = { .sock = config->sock, .ready = on_ready },
		.local = config->local,
		.poll = config->poll,
		.lanes = config->lanes,
		.on_gone = config->on_gone,
		.arg = config->arg,
		.since_us = local_now_us(config->local),
		.log = { .id = log_next_session_id(), .protocol = "srt" },
		.role = "never started",
	};
	snprintf(c->log.peer, sizeof(c->log.peer), "%s", config->peer);
	err = poll_srt_add(config->poll, &c->watch);
	if (err != 0) {
		io_srt_close(config->sock);
		free(c);
		return err;
	}
	*out = c;
	return 0;
}

void conn_srt_begin(struct conn_srt *c)
{
	const enum close_reason reason = begin(c);

	c->link = (struct link_watch){
		.local = c->local,
		.sock = c->watch.sock,
		.is_receiving = c->state == CONN_ASKING,
		.is_told = c->state == CONN_ASKING,
		.stream = c->log.stream,
		.session_id = c->log.id,
	};
	link_watch_init(&c->link);
	if (reason != CLOSE_NONE)
		finish(c, reason);
}

void conn_srt_tick(struct conn_srt *c)
{
	const int64_t waited_us = local_now_us(c->local) - c->since_us;
	enum close_reason reason = CLOSE_NONE;

	switch (c->state) {
	case CONN_NEW: break;
	case CONN_ASKING:
		if (waited_us > CONN_SRT_GRANT_US)
			finish(c, CLOSE_OVERLOAD);
		break;
	case CONN_PUBLISHING:
		(void)link_watch_tick(&c->link);
		reason = session_tick(c->session);
		if (reason == CLOSE_SILENT && c->is_unsupported)
			reason = CLOSE_CODEC_UNSUPPORTED;
		if (reason != CLOSE_NONE)
			finish(c, reason);
		break;
	case CONN_PLAYING:
		if (link_watch_tick(&c->link) > 0)
			out_srt_lost(c->player);
		if (c->state != CONN_PLAYING || c->is_gone)
			break;
		if (waited_us > CONN_SRT_MEDIA_US && !out_srt_has_started(c->player))
			on_player_over(c, CLOSE_NO_MEDIA);
		else if (c->token[0] != '\0')
			conn_srt_plan(c); /* tokens expire */
		break;
	case CONN_LINGERING:
		if (waited_us > CONN_SRT_LINGER_US || link_watch_has_arrived(&c->link, waited_us))
			finish(c, c->reason);
		break;
	case CONN_STATES: break;
	}
}

void conn_srt_plan(struct conn_srt *c)
{
	enum close_reason reason = CLOSE_NONE;

	if (c->session)
		reason = session_tick(c->session);
	if (reason != CLOSE_NONE)
		finish(c, reason);
	if (c->state == CONN_PLAYING && !c->is_gone)
		reason = may_play(c);
	if (c->state == CONN_PLAYING && !c->is_gone && reason != CLOSE_NONE)
		on_player_over(c, reason);
}

void conn_srt_stop(struct conn_srt *c)
{
	if (c->state == CONN_NEW)
		finish(c, CLOSE_SHUTDOWN);
}

void conn_srt_abort(struct conn_srt *c, enum close_reason reason)
{
	finish(c, reason);
}

struct conn_srt *conn_srt_next(const struct conn_srt *c)
{
	return c->next;
}

void conn_srt_link(struct conn_srt **list, struct conn_srt *c)
{
	c->prev = NULL;
	c->next = *list;
	if (*list)
		(*list)->prev = c;
	*list = c;
}

void conn_srt_unlink(struct conn_srt **list, struct conn_srt *c)
{
	if (c->prev)
		c->prev->next = c->next;
	else
		*list = c->next;
	if (c->next)
		c->next->prev = c->prev;
}
