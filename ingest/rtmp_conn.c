/* SPDX-License-Identifier: Apache-2.0 */
#include "ingest/rtmp_conn.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sodium.h>

#include "base/http_text.h"
#include "base/log.h"
#include "base/tcp.h"
#include "ingest/rtmp_command.h"
#include "ingest/rtmp_handshake.h"
#include "ingest/session.h"
#include "media/flv.h"
#include "media/rtmp_chunk.h"
#include "media/timeline.h"
#include "relay/out_rtmp.h"

enum {
	REPLIES_MAX_BYTES = 64 * 1024,
	STASH_MAX_BYTES = 128 * 1024, /* what a publisher sends before it was granted */
	TOKEN_MAX_BYTES = 128,
};

enum conn_state {
	CONN_HANDSHAKE,
	CONN_COMMANDS,
	CONN_ASKING,
	CONN_PUBLISHING,
	CONN_PLAYING,
	CONN_LINGERING,
	CONN_STATES,
};

/* What a publisher has beyond a connection; a player does not pay for it. */
struct publishing {
	struct session *session;
	struct flv_parser flv;
	struct bytes_writer stash; /* bytes that wait for the grant */
};

struct rtmp_conn {
	struct rtmp_conn *prev;
	struct rtmp_conn *next;
	struct relay_local *local;
	struct tcp_conn *tcp;
	rtmp_conn_gone_fn on_gone;
	void *arg;
	enum conn_state state;
	enum close_reason reason; /* why it ends; NONE while it does not */
	struct loop_reap reap;
	bool is_gone;
	int64_t since_us;    /* when it came to this state */
	uint64_t counted_in; /* bytes that are in the stats already */
	uint64_t counted_out;
	struct log_ctx log;
	const char *role; /* what it was in the end, for the log */
	uint64_t frames;
	unsigned skips;
	struct rtmp_handshake handshake;
	struct rtmp_chunk_reader reader;
	struct rtmp_command command;
	struct bytes_writer replies;
	struct publishing *publishing;
	struct out_rtmp *player;
	char *token; /* of the player, for when the plan changes; wiped */
};

static void set_state(struct rtmp_conn *c, enum conn_state state)
{
	static const unsigned legal[CONN_STATES] = {
		[CONN_HANDSHAKE] = 1u << CONN_COMMANDS | 1u << CONN_LINGERING,
		[CONN_COMMANDS] = 1u << CONN_ASKING | 1u << CONN_PLAYING | 1u << CONN_LINGERING,
		[CONN_ASKING] = 1u << CONN_PUBLISHING | 1u << CONN_COMMANDS | 1u << CONN_LINGERING,
		[CONN_PUBLISHING] = 1u << CONN_COMMANDS | 1u << CONN_LINGERING,
		[CONN_PLAYING] = 1u << CONN_LINGERING,
		[CONN_LINGERING] = 1u << CONN_LINGERING,
	};

	assert(legal[c->state] & 1u << state);
	c->state = state;
	c->since_us = local_now_us(c->local);
}

static void drop_publishing(struct rtmp_conn *c, enum close_reason reason)
{
	struct publishing *p = c->publishing;

	c->publishing = NULL;
	if (!p)
		return;
	if (p->session)
		c->frames += session_counts(p->session).frames;
	session_end(&p->session, reason);
	flv_parser_fini(&p->flv);
	bytes_writer_fini(&p->stash);
	free(p);
}

static void destroy(void *arg)
{
	struct rtmp_conn *c = arg;

	assert(!c->publishing && !c->player && !c->tcp);
	rtmp_handshake_fini(&c->handshake);
	rtmp_chunk_reader_fini(&c->reader);
	rtmp_command_fini(&c->command);
	bytes_writer_fini(&c->replies);
	if (c->token)
		sodium_memzero(c->token, strlen(c->token));
	free(c->token);
	free(c);
}

/* What came and went since it was last asked: a broadcast of hours shows while it lasts. */
static void count_bytes(struct rtmp_conn *c)
{
	struct stats *stats = c->local->setup->stats;
	const uint64_t in = tcp_conn_bytes_in(c->tcp);
	const uint64_t out = tcp_conn_bytes_out(c->tcp);

	stats_add(stats, STAT_RTMP_BYTES_IN, (int64_t)(in - c->counted_in));
	stats_add(stats, STAT_RTMP_BYTES_OUT, (int64_t)(out - c->counted_out));
	c->counted_in = in;
	c->counted_out = out;
}

static void log_end(const struct rtmp_conn *c)
{
	const enum log_level level = close_reason_is_error(c->reason) ? LOG_WARN : LOG_INFO;

	/* Scanners come by all day: what never got through the handshake is for developers. */
	log_line(c->state == CONN_HANDSHAKE ? LOG_DEBUG : level, &c->log,
	    "closed: %s (%s): %s, %llu frames, %llu bytes in, %llu bytes out, %u skips", close_reason_name(c->reason),
	    close_reason_text(c->reason), c->role, (unsigned long long)c->frames,
	    (unsigned long long)tcp_conn_bytes_in(c->tcp), (unsigned long long)tcp_conn_bytes_out(c->tcp), c->skips);
}

static void note_end(struct rtmp_conn *c, enum close_reason reason)
{
	if (c->reason != CLOSE_NONE)
		return;
	c->reason = reason;
	stats_closed(c->local->setup->stats, reason);
	drop_publishing(c, reason);
	if (c->player) {
		c->frames = out_rtmp_counts(c->player).frames;
		c->skips = out_rtmp_counts(c->player).skips;
	}
	log_end(c);
}

/* The one way out. The memory goes at the end of the turn: callers further up the stack may still look at state. */
static void finish(struct rtmp_conn *c, enum close_reason reason)
{
	if (c->is_gone)
		return;
	note_end(c, reason);
	c->is_gone = true;
	out_rtmp_destroy(&c->player);
	count_bytes(c);
	tcp_conn_destroy(&c->tcp);
	c->on_gone(c->arg, c);
	loop_reap(c->local->loop, &c->reap, destroy, c);
}

/* Sends what the command machine has written. */
static void send_replies(struct rtmp_conn *c)
{
	int err;

	if (c->is_gone || (c->replies.len == 0 && !c->replies.is_full))
		return;
	if (c->replies.is_full)
		err = -ENOBUFS;
	else if (c->player)
		err = out_rtmp_control(c->player, c->replies.data, c->replies.len);
	else
		err = tcp_conn_send(c->tcp, c->replies.data, c->replies.len);
	bytes_writer_fini(&c->replies);
	bytes_writer_init_growing(&c->replies, REPLIES_MAX_BYTES);
	if (err != 0)
		finish(c, err == -ENOBUFS ? CLOSE_REPLIES_UNREAD : close_reason_of_socket(err));
}

static bool is_drained(const struct rtmp_conn *c)
{
	return c->player ? out_rtmp_is_drained(c->player) : !tcp_conn_has_unsent(c->tcp);
}

/* Ends politely: replies go out, the peer may read them, then it closes or time is up. */
static void linger(struct rtmp_conn *c, enum close_reason reason)
{
	if (c->is_gone || c->state == CONN_LINGERING)
		return;
	if (c->player)
		out_rtmp_stop(c->player);
	send_replies(c);
	if (c->is_gone)
		return;
	note_end(c, reason);
	set_state(c, CONN_LINGERING);
	/* Bytes that nobody reads would make the kernel reset the connection, and the last reply be lost. */
	tcp_conn_pause_reading(c->tcp, false);
	if (is_drained(c))
		tcp_conn_shutdown(c->tcp);
}

static const char *publish_code_of(enum close_reason reason)
{
	return reason == CLOSE_STREAM_BUSY || reason == CLOSE_KEY_UNKNOWN ? "NetStream.Publish.BadName"
									  : "NetStream.Publish.Denied";
}

static void refuse_publish(struct rtmp_conn *c, enum close_reason reason)
{
	rtmp_command_publish_refused(&c->command, &c->replies, publish_code_of(reason), close_reason_text(reason));
	linger(c, reason);
}

static void feed(struct rtmp_conn *c, const uint8_t *data, size_t len);

static void on_granted(void *arg)
{
	struct rtmp_conn *c = arg;
	struct bytes_writer stash = c->publishing->stash;

	set_state(c, CONN_PUBLISHING);
	c->role = "publisher";
	log_info(&c->log, "publishing");
	rtmp_command_publish_accepted(&c->command, &c->replies);
	send_replies(c);
	if (c->is_gone)
		return;
	bytes_writer_init_growing(&c->publishing->stash, STASH_MAX_BYTES);
	tcp_conn_pause_reading(c->tcp, false);
	feed(c, stash.data, stash.len);
	bytes_writer_fini(&stash);
}

static void on_session_over(void *arg, enum close_reason reason)
{
	refuse_publish(arg, reason);
}

static const struct session_protocol session_protocol = { STAT_RTMP_PUBLISHERS, TIMELINE_MODULUS_RTMP };

static const struct session_ops session_ops = { .granted = on_granted, .over = on_session_over };

static void start_publish(struct rtmp_conn *c, const struct rtmp_action *action)
{
	struct publishing *p;
	const struct session_config config = {
		.protocol = &session_protocol,
		.key = action->name,
		.key_len = strlen(action->name),
		.log = &c->log,
		.ops = &session_ops,
		.arg = c,
	};
	enum close_reason reason;

	if (strcmp(action->app, "live") != 0) {
		refuse_publish(c, CLOSE_APP_BAD);
		return;
	}
	p = calloc(1, sizeof(*p));
	if (!p) {
		refuse_publish(c, CLOSE_NO_MEMORY);
		return;
	}
	flv_parser_init(&p->flv);
	bytes_writer_init_growing(&p->stash, STASH_MAX_BYTES);
	c->publishing = p;
	reason = session_begin(&p->session, c->local, &config);
	if (reason != CLOSE_NONE) {
		refuse_publish(c, reason);
		return;
	}
	set_state(c, CONN_ASKING);
	tcp_conn_pause_reading(c->tcp, true);
}

/* The refusals must look the same: who has no token learns nothing about names. */
static void refuse_play(struct rtmp_conn *c, enum close_reason reason)
{
	rtmp_command_play_refused(&c->command, &c->replies, "NetStream.Play.StreamNotFound",
	    close_reason_text(reason == CLOSE_APP_BAD ? CLOSE_APP_BAD : CLOSE_STREAM_UNKNOWN));
	linger(c, reason);
}

/* A player that is gone or does not read: a farewell would wait in vain. */
static bool is_beyond_words(enum close_reason reason)
{
	return reason == CLOSE_CLIENT_CLOSED || reason == CLOSE_CONNECTION_BROKEN || reason == CLOSE_REPLIES_UNREAD ||
	    reason == CLOSE_TOO_SLOW;
}

static void on_player_over(void *arg, enum close_reason reason)
{
	struct rtmp_conn *c = arg;

	if (is_beyond_words(reason)) {
		finish(c, reason);
		return;
	}
	if (reason == CLOSE_CODEC_NOT_ANNOUNCED)
		rtmp_command_play_failed(&c->command, &c->replies, close_reason_text(reason));
	else
		rtmp_command_stream_eof(&c->command, &c->replies);
	linger(c, reason);
}

static const struct out_rtmp_ops player_ops = { .over = on_player_over };

static enum close_reason may_play(const struct rtmp_conn *c)
{
	const struct gate_viewer viewer = {
		.stream = c->log.stream, .token = c->token, .token_len = c->token ? strlen(c->token) : 0
	};

	return gate_play(c->local->plan, &viewer, local_wall_ms(c->local));
}

static enum close_reason take_play(struct rtmp_conn *c, const struct rtmp_action *action)
{
	size_t token_len = 0;
	const char *token = http_query_value(action->query, "token", &token_len);

	if (strcmp(action->app, "play") != 0)
		return CLOSE_APP_BAD;
	/* A name that is too long is no stream's; it may be somebody's key, so it is not kept. */
	if (strlen(action->name) >= GATE_STREAM_SIZE)
		return CLOSE_STREAM_UNKNOWN;
	if (token && token_len <= TOKEN_MAX_BYTES)
		c->token = strndup(token, token_len);
	snprintf(c->log.stream, sizeof(c->log.stream), "%s", action->name);
	return may_play(c);
}

static unsigned announced_codecs(uint32_t fourcc_flags)
{
	return (fourcc_flags & RTMP_FOURCC_HVC1 ? 1u << CODEC_H265 : 0) |
	    (fourcc_flags & RTMP_FOURCC_OPUS ? 1u << CODEC_OPUS : 0);
}

static void start_play(struct rtmp_conn *c, const struct rtmp_action *action)
{
	const struct out_rtmp_config config = {
		.stream = c->log.stream,
		.conn = c->tcp,
		.ops = &player_ops,
		.arg = c,
		.announced_codecs = announced_codecs(c->command.fourcc_flags),
	};
	enum close_reason reason = take_play(c, action);

	if (reason != CLOSE_NONE) {
		c->log.stream[0] = '\0';
		refuse_play(c, reason);
		return;
	}
	rtmp_command_play_accepted(&c->command, &c->replies);
	send_replies(c);
	if (c->is_gone)
		return;
	set_state(c, CONN_PLAYING);
	c->role = "player";
	log_info(&c->log, "playing");
	if (out_rtmp_create(&c->player, c->local, &config) != 0)
		linger(c, CLOSE_NO_MEMORY);
}

static void end_stream(struct rtmp_conn *c)
{
	if (c->state == CONN_PLAYING) {
		linger(c, CLOSE_CLIENT_ENDED);
		return;
	}
	if (!c->publishing)
		return;
	/* The connection stays: some encoders publish again on it. */
	log_info(&c->log, "the publisher ended its stream");
	drop_publishing(c, CLOSE_CLIENT_ENDED);
	c->log.stream[0] = '\0';
	set_state(c, CONN_COMMANDS);
}

static enum close_reason reason_of_command(enum rtmp_command_error error)
{
	switch (error) {
	case RTMP_COMMAND_FINE:
	case RTMP_COMMAND_ERRORS:
	case RTMP_COMMAND_MALFORMED: break;
	case RTMP_COMMAND_BAD_CONTROL: return CLOSE_COMMAND_CONTROL;
	case RTMP_COMMAND_NOT_CONNECTED:
	case RTMP_COMMAND_CONNECTED_TWICE:
	case RTMP_COMMAND_STARTED_TWICE: return CLOSE_COMMAND_ORDER;
	case RTMP_COMMAND_BAD_NAME: return CLOSE_NAME_BAD;
	case RTMP_COMMAND_NO_MEMORY: return CLOSE_NO_MEMORY;
	}
	return CLOSE_COMMAND_BAD;
}

static void act(struct rtmp_conn *c, const struct rtmp_action *action)
{
	switch (action->kind) {
	case RTMP_ACTION_NONE:
	case RTMP_ACTION_METADATA: break; /* what players are told is made from the tracks themselves */
	case RTMP_ACTION_PUBLISH: start_publish(c, action); break;
	case RTMP_ACTION_PLAY: start_play(c, action); break;
	case RTMP_ACTION_PAUSE:
		if (!c->player)
			break;
		rtmp_command_pause_done(&c->command, &c->replies, action->is_paused);
		out_rtmp_pause(c->player, action->is_paused);
		break;
	case RTMP_ACTION_END_STREAM: end_stream(c); break;
	case RTMP_ACTION_BAD: linger(c, reason_of_command(action->error)); break;
	}
}

static void take_media(struct rtmp_conn *c, const struct rtmp_message *message)
{
	const struct flv_message flv = {
		.body = message->payload,
		.len = message->len,
		.timestamp_ms = message->timestamp_ms,
		.arrival_us = local_now_us(c->local),
	};
	struct publishing *p = c->publishing;
	struct flv_parsed parsed;
	int result;

	result = message->type == RTMP_TYPE_VIDEO ? flv_parse_video(&p->flv, &flv, &parsed)
						  : flv_parse_audio(&p->flv, &flv, &parsed);
	if (result == -ENOMEM) {
		linger(c, CLOSE_NO_MEMORY);
	} else if (result != PARSE_OK) {
		enum close_reason reason = session_unreadable(p->session);

		if (reason != CLOSE_NONE)
			linger(c, reason);
	} else if (parsed.kind == FLV_FRAME) {
		session_frame(p->session, parsed.frame);
	} else if (parsed.kind == FLV_UNSUPPORTED) {
		log_warn(&c->log, "codec %s is not relayed", parsed.codec_name);
		linger(c, CLOSE_CODEC_UNSUPPORTED);
	}
}

static bool is_media(const struct rtmp_message *message)
{
	return message->type == RTMP_TYPE_AUDIO || message->type == RTMP_TYPE_VIDEO;
}

static void take_message(struct rtmp_conn *c, const struct rtmp_message *message)
{
	struct rtmp_action action;

	if (!is_media(message)) {
		rtmp_command_message(&c->command, message, &c->replies, &action);
		act(c, &action);
	} else if (c->state == CONN_PUBLISHING) {
		take_media(c, message);
	} else if (c->state == CONN_PLAYING || message->len == 0 || c->command.state == RTMP_STATE_CONNECTED) {
		/* Players have nothing to say here; after its end a publisher's last frames may still come in. */
	} else {
		linger(c, CLOSE_MEDIA_EARLY);
	}
}

static enum close_reason reason_of_chunks(enum rtmp_chunk_error error)
{
	switch (error) {
	case RTMP_CHUNK_TOO_MANY_STREAMS: return CLOSE_CHUNK_STREAMS;
	case RTMP_CHUNK_NO_FULL_HEADER: return CLOSE_CHUNK_HEADER;
	case RTMP_CHUNK_MESSAGE_TOO_LONG: return CLOSE_CHUNK_TOO_LONG;
	case RTMP_CHUNK_MESSAGE_INTERRUPTED: return CLOSE_CHUNK_INTERRUPTED;
	case RTMP_CHUNK_HALF_READ_TOO_MUCH: return CLOSE_CHUNK_HALF_READ;
	case RTMP_CHUNK_NO_MEMORY: return CLOSE_NO_MEMORY;
	case RTMP_CHUNK_BAD_CONTROL:
	case RTMP_CHUNK_FINE:
	case RTMP_CHUNK_ERRORS: break;
	}
	return CLOSE_CHUNK_CONTROL;
}

/* Returns how much of data it took: all, unless the handshake ended inside it. */
static size_t feed_handshake(struct rtmp_conn *c, const uint8_t *data, size_t len)
{
	size_t consumed = 0;

	switch (rtmp_handshake_feed(&c->handshake, data, len, &consumed, &c->replies)) {
	case PARSE_OK: set_state(c, CONN_COMMANDS); break;
	case PARSE_MORE: break;
	case PARSE_BAD: finish(c, CLOSE_HANDSHAKE_BAD); return len;
	}
	send_replies(c);
	return consumed;
}

static size_t feed_chunks(struct rtmp_conn *c, const uint8_t *data, size_t len)
{
	struct rtmp_message message;
	size_t consumed = 0;

	switch (rtmp_chunk_reader_feed(&c->reader, data, len, &consumed, &message)) {
	case PARSE_OK: take_message(c, &message); break;
	case PARSE_MORE: break;
	case PARSE_BAD: linger(c, reason_of_chunks(rtmp_chunk_reader_error(&c->reader))); return len;
	}
	return consumed;
}

static void feed(struct rtmp_conn *c, const uint8_t *data, size_t len)
{
	size_t pos = 0;

	while (pos < len && !c->is_gone && c->state != CONN_LINGERING) {
		if (c->state == CONN_ASKING) {
			bytes_put(&c->publishing->stash, data + pos, len - pos);
			if (c->publishing->stash.is_full)
				linger(c, CLOSE_MEDIA_EARLY);
			return;
		}
		if (c->state == CONN_HANDSHAKE)
			pos += feed_handshake(c, data + pos, len - pos);
		else
			pos += feed_chunks(c, data + pos, len - pos);
	}
	if (c->is_gone || c->state == CONN_LINGERING)
		return;
	rtmp_command_bytes_received(&c->command, tcp_conn_bytes_in(c->tcp), &c->replies);
	send_replies(c);
}

static void on_bytes(void *arg, const uint8_t *data, size_t len)
{
	feed(arg, data, len);
}

static void on_writable(void *arg)
{
	struct rtmp_conn *c = arg;

	if (c->player)
		out_rtmp_writable(c->player);
	if (!c->is_gone && c->state == CONN_LINGERING && is_drained(c))
		tcp_conn_shutdown(c->tcp);
}

static void on_closed(void *arg, int err)
{
	finish(arg, close_reason_of_socket(err));
}

static const struct tcp_conn_ops tcp_ops = { .on_bytes = on_bytes, .on_writable = on_writable, .on_closed = on_closed };

static void random_bytes(void *ctx, void *buf, size_t len)
{
	(void)ctx;
	randombytes_buf(buf, len);
}

int rtmp_conn_create(struct rtmp_conn **out, const struct rtmp_conn_config *config)
{
	struct rtmp_conn *c = calloc(1, sizeof(*c));
	int err;

	*out = NULL;
	if (!c) {
		close(config->fd);
		return -ENOMEM;
	}
	*c = (struct rtmp_conn){
		.local = config->local,
		.on_gone = config->on_gone,
		.arg = config->arg,
		.since_us = local_now_us(config->local),
		.log = { .id = log_next_session_id(), .protocol = config->tls ? "rtmps" : "rtmp" },
		.role = "never started",
	};
	snprintf(c->log.peer, sizeof(c->log.peer), "%s", config->peer);
	rtmp_handshake_init(&c->handshake, random_bytes, NULL);
	rtmp_chunk_reader_init(&c->reader);
	rtmp_command_init(&c->command);
	bytes_writer_init_growing(&c->replies, REPLIES_MAX_BYTES);
	err = tcp_conn_create(&c->tcp, config->local->loop, config->fd, &tcp_ops, c);
	if (err == 0 && config->tls)
		err = tcp_conn_start_tls(c->tcp, config->tls);
	if (err != 0) {
		tcp_conn_destroy(&c->tcp);
		destroy(c);
		return err;
	}
	*out = c;
	return 0;
}

void rtmp_conn_tick(struct rtmp_conn *c)
{
	const int64_t waited_us = local_now_us(c->local) - c->since_us;
	enum close_reason reason = CLOSE_NONE;

	count_bytes(c);
	switch (c->state) {
	case CONN_HANDSHAKE:
		if (waited_us > RTMP_CONN_HANDSHAKE_US)
			finish(c, CLOSE_HANDSHAKE_LATE);
		break;
	case CONN_COMMANDS:
		if (waited_us > RTMP_CONN_START_US)
			linger(c, CLOSE_START_LATE);
		break;
	case CONN_ASKING:
		if (waited_us > RTMP_CONN_START_US)
			refuse_publish(c, CLOSE_OVERLOAD);
		break;
	case CONN_PUBLISHING:
		reason = session_tick(c->publishing->session);
		if (reason != CLOSE_NONE)
			refuse_publish(c, reason);
		break;
	case CONN_PLAYING:
		if (waited_us > RTMP_CONN_MEDIA_US && !out_rtmp_has_started(c->player))
			on_player_over(c, CLOSE_NO_MEDIA);
		else if (c->token)
			rtmp_conn_plan(c); /* tokens expire */
		break;
	case CONN_LINGERING:
		if (waited_us > RTMP_CONN_LINGER_US)
			finish(c, c->reason);
		break;
	case CONN_STATES: break;
	}
}

void rtmp_conn_plan(struct rtmp_conn *c)
{
	enum close_reason reason = CLOSE_NONE;

	if (c->state == CONN_PUBLISHING || c->state == CONN_ASKING)
		reason = session_tick(c->publishing->session);
	if (reason != CLOSE_NONE)
		refuse_publish(c, reason);
	if (c->state == CONN_PLAYING)
		reason = may_play(c);
	if (c->state == CONN_PLAYING && reason != CLOSE_NONE)
		on_player_over(c, reason);
}

void rtmp_conn_stop(struct rtmp_conn *c)
{
	if (c->state == CONN_HANDSHAKE)
		finish(c, CLOSE_SHUTDOWN);
	else if (c->state == CONN_COMMANDS)
		linger(c, CLOSE_SHUTDOWN);
}

void rtmp_conn_abort(struct rtmp_conn *c, enum close_reason reason)
{
	finish(c, reason);
}

struct rtmp_conn *rtmp_conn_next(const struct rtmp_conn *c)
{
	return c->next;
}

void rtmp_conn_link(struct rtmp_conn **list, struct rtmp_conn *c)
{
	c->prev = NULL;
	c->next = *list;
	if (*list)
		(*list)->prev = c;
	*list = c;
}

void rtmp_conn_unlink(struct rtmp_conn **list, struct rtmp_conn *c)
{
	if (c->prev)
		c->prev->next = c->next;
	else
		*list = c->next;
	if (c->next)
		c->next->prev = c->prev;
}
