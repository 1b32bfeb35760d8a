/* SPDX-License-Identifier: Apache-2.0 */
#include "ingest/rtmp_command.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/attr.h"
#include "ingest/rtmp_reply.h"
#include "media/amf0.h"

enum { ACK_WINDOW_MIN_BYTES = 4096 /* a peer that asks for more acknowledgements does not get them */ };

struct rtmp_command_names {
	char app[RTMP_APP_MAX_BYTES + 1];
	char app_query[RTMP_APP_QUERY_MAX_BYTES + 1];
	char name[RTMP_NAME_MAX_BYTES + 1]; /* "name\0query": cut in place */
};

/* One command being obeyed. */
struct call {
	struct rtmp_command *m;
	struct bytes_writer *out;
	struct rtmp_action *action;
	struct amf0_reader args; /* behind the transaction id: the command object comes next */
	double transaction;
};

typedef void command_fn(struct call *call);

static void forget_names(struct rtmp_command *m)
{
	if (m->names)
		explicit_bzero(m->names, sizeof(*m->names));
	free(m->names);
	m->names = NULL;
}

void rtmp_command_fini(struct rtmp_command *m)
{
	forget_names(m);
}

void rtmp_command_init(struct rtmp_command *m)
{
	*m = (struct rtmp_command){ .state = RTMP_STATE_NEW, .chunk_size = RTMP_CHUNK_SIZE_DEFAULT };
}

const char *rtmp_command_error_text(enum rtmp_command_error error)
{
	static const char *const texts[RTMP_COMMAND_ERRORS] = {
		[RTMP_COMMAND_FINE] = "no error",
		[RTMP_COMMAND_MALFORMED] = "malformed command",
		[RTMP_COMMAND_BAD_CONTROL] = "protocol control message without its fields",
		[RTMP_COMMAND_NOT_CONNECTED] = "command before connect",
		[RTMP_COMMAND_CONNECTED_TWICE] = "second connect",
		[RTMP_COMMAND_STARTED_TWICE] = "second publish or play",
		[RTMP_COMMAND_BAD_NAME] = "app or stream name too long or with control characters",
		[RTMP_COMMAND_NO_MEMORY] = "out of memory",
	};

	return (unsigned)error < ARRAY_LEN(texts) ? texts[error] : "unknown";
}

static void set_state(struct rtmp_command *m, enum rtmp_command_state state)
{
	static const unsigned legal[RTMP_STATES] = {
		[RTMP_STATE_NEW] = 1u << RTMP_STATE_CONNECTED,
		[RTMP_STATE_CONNECTED] = 1u << RTMP_STATE_ASKED_PUBLISH | 1u << RTMP_STATE_ASKED_PLAY,
		[RTMP_STATE_ASKED_PUBLISH] =
		    1u << RTMP_STATE_PUBLISHING | 1u << RTMP_STATE_CONNECTED | 1u << RTMP_STATE_ENDED,
		[RTMP_STATE_PUBLISHING] = 1u << RTMP_STATE_CONNECTED | 1u << RTMP_STATE_ENDED,
		[RTMP_STATE_ASKED_PLAY] = 1u << RTMP_STATE_PLAYING | 1u << RTMP_STATE_ENDED,
		[RTMP_STATE_PLAYING] = 1u << RTMP_STATE_ENDED,
		[RTMP_STATE_ENDED] = 0,
	};

	assert(legal[m->state] & 1u << state);
	m->state = state;
}

static void set_bad(struct rtmp_action *action, enum rtmp_command_error error)
{
	action->kind = RTMP_ACTION_BAD;
	action->error = error;
}

/* --- names --- */

static bool is_clean(struct amf0_string text)
{
	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.data[i];

		if (c < 0x20 || c == 0x7f)
			return false;
	}
	return true;
}

static bool copy_text(char *to, size_t size, struct amf0_string text)
{
	if (text.len >= size || !is_clean(text))
		return false;
	memcpy(to, text.data, text.len);
	to[text.len] = '\0';
	return true;
}

/* Cuts text at its '?'; what stands behind it comes back. */
static struct amf0_string split_query(struct amf0_string *text)
{
	const char *mark = text->len ? memchr(text->data, '?', text->len) : NULL;
	struct amf0_string query = { "", 0 };

	if (!mark)
		return query;
	query.data = mark + 1;
	query.len = text->len - (size_t)(query.data - text->data);
	text->len = (size_t)(mark - text->data);
	return query;
}

static struct amf0_string trim_slashes(struct amf0_string text)
{
	while (text.len > 0 && text.data[0] == '/') {
		text.data++;
		text.len--;
	}
	while (text.len > 0 && text.data[text.len - 1] == '/')
		text.len--;
	return text;
}

static bool keep_app(struct rtmp_command_names *names, struct amf0_string app)
{
	struct amf0_string query = split_query(&app);

	return copy_text(names->app, sizeof(names->app), trim_slashes(app)) &&
	    copy_text(names->app_query, sizeof(names->app_query), query);
}

/* "live/KEY" and no name: OBS and others with the whole URL in the server field */
static void take_name_from_app(struct rtmp_command_names *names)
{
	char *slash = strchr(names->app, '/');
	size_t len;

	if (!slash)
		return;
	len = strlen(slash + 1);
	_Static_assert(sizeof(names->name) >= sizeof(names->app), "a part of the app fits");
	memcpy(names->name, slash + 1, len + 1);
	explicit_bzero(slash, len + 1);
}

/* Fills the action with app, name and query. */
static bool keep_name(struct rtmp_command_names *names, struct amf0_string name, struct rtmp_action *action)
{
	struct amf0_string query;
	char *query_at;

	if (name.len > RTMP_NAME_MAX_BYTES)
		return false;
	query = split_query(&name);
	name = trim_slashes(name);
	if (!copy_text(names->name, sizeof(names->name), name))
		return false;
	/* name, NUL and query are never longer than name, '?' and query were */
	query_at = names->name + name.len + 1;
	if (query.len > 0 && !copy_text(query_at, sizeof(names->name) - name.len - 1, query))
		return false;
	action->query = query.len > 0 ? query_at : names->app_query;
	if (name.len == 0 && query.len == 0)
		take_name_from_app(names);
	action->app = names->app;
	action->name = names->name;
	return true;
}

/* --- commands --- */

static const struct {
	const char *name;
	uint32_t flag;
} fourccs[] = {
	{ "hvc1", RTMP_FOURCC_HVC1 },
	{ "av01", RTMP_FOURCC_AV01 },
	{ "vp09", RTMP_FOURCC_VP09 },
	{ "Opus", RTMP_FOURCC_OPUS },
	{ "*", RTMP_FOURCC_ALL },
};

/* Enhanced RTMP v2, FourCcInfoMask: who can only encode a codec is no player of it. */
static bool can_receive(double mask)
{
	const double can_encode = 2; /* the others are 1, can decode, and 4, can forward */

	return mask != 0 && mask != can_encode;
}

/* An element of fourCcList, or a member of videoFourCcInfoMap or audioFourCcInfoMap. */
static enum parse_result see_fourcc(void *ctx, struct amf0_string name, const struct amf0_value *value)
{
	struct amf0_string fourcc = name.len > 0 ? name : value->string;
	uint32_t *flags = ctx;

	if (name.len > 0 && value->type == AMF0_NUMBER && !can_receive(value->number))
		return PARSE_OK;
	for (size_t i = 0; i < ARRAY_LEN(fourccs); i++) {
		if (amf0_string_is(fourcc, fourccs[i].name))
			*flags |= fourccs[i].flag;
	}
	return PARSE_OK;
}

static void read_fourccs(const struct amf0_value *list, uint32_t *flags)
{
	struct amf0_reader r;

	amf0_reader_init(&r, list->raw, list->raw_len);
	*flags |= RTMP_FOURCC_ANNOUNCED;
	/* a list of another shape announces nothing */
	(void)amf0_visit(&r, see_fourcc, flags);
}

static enum parse_result see_connect_member(void *ctx, struct amf0_string name, const struct amf0_value *value)
{
	struct call *call = ctx;

	if (amf0_string_is(name, "app") && value->type == AMF0_STRING && !keep_app(call->m->names, value->string)) {
		set_bad(call->action, RTMP_COMMAND_BAD_NAME);
		return PARSE_BAD;
	}
	if (amf0_string_is(name, "fourCcList") || amf0_string_is(name, "videoFourCcInfoMap") ||
	    amf0_string_is(name, "audioFourCcInfoMap"))
		read_fourccs(value, &call->m->fourcc_flags);
	return PARSE_OK;
}

/* §7.2.1.1 */
static void on_connect(struct call *call)
{
	struct rtmp_command *m = call->m;

	if (m->state != RTMP_STATE_NEW) {
		set_bad(call->action, RTMP_COMMAND_CONNECTED_TWICE);
		return;
	}
	m->names = calloc(1, sizeof(*m->names));
	if (!m->names) {
		set_bad(call->action, RTMP_COMMAND_NO_MEMORY);
		return;
	}
	if (amf0_visit(&call->args, see_connect_member, call) != PARSE_OK) {
		forget_names(m);
		if (call->action->kind != RTMP_ACTION_BAD)
			set_bad(call->action, RTMP_COMMAND_MALFORMED);
		return;
	}
	rtmp_reply_control(call->out, RTMP_TYPE_WINDOW_ACK_SIZE, RTMP_WINDOW_ACK_BYTES);
	rtmp_reply_peer_bandwidth(call->out, RTMP_WINDOW_ACK_BYTES);
	rtmp_reply_control(call->out, RTMP_TYPE_SET_CHUNK_SIZE, RTMP_CHUNK_SIZE_OUT);
	m->chunk_size = RTMP_CHUNK_SIZE_OUT;
	rtmp_reply_connected(call->out, m->chunk_size, call->transaction);
	set_state(m, RTMP_STATE_CONNECTED);
}

/* §7.2.1.3; a second one gets the same stream */
static void on_create_stream(struct call *call)
{
	if (call->m->state == RTMP_STATE_NEW)
		set_bad(call->action, RTMP_COMMAND_NOT_CONNECTED);
	else
		rtmp_reply_number(call->out, call->m->chunk_size, call->transaction, RTMP_STREAM_ID);
}

static void on_release_stream(struct call *call)
{
	rtmp_reply_result(call->out, call->m->chunk_size, call->transaction);
}

static void on_fc_publish(struct call *call)
{
	rtmp_reply_fc(call->out, call->m->chunk_size, "onFCPublish", "NetStream.Publish.Start");
	rtmp_reply_result(call->out, call->m->chunk_size, call->transaction);
}

static void on_fc_subscribe(struct call *call)
{
	rtmp_reply_fc(call->out, call->m->chunk_size, "onFCSubscribe", "NetStream.Play.Start");
	rtmp_reply_result(call->out, call->m->chunk_size, call->transaction);
}

static void on_get_stream_length(struct call *call)
{
	rtmp_reply_number(call->out, call->m->chunk_size, call->transaction, 0);
}

static void end_stream(struct call *call)
{
	struct rtmp_command *m = call->m;

	switch (m->state) {
	case RTMP_STATE_PUBLISHING:
		rtmp_reply_status(
		    call->out, m->chunk_size, "status", "NetStream.Unpublish.Success", "no longer published");
		set_state(m, RTMP_STATE_CONNECTED);
		break;
	case RTMP_STATE_ASKED_PUBLISH: set_state(m, RTMP_STATE_CONNECTED); break;
	case RTMP_STATE_ASKED_PLAY:
	case RTMP_STATE_PLAYING: set_state(m, RTMP_STATE_ENDED); break;
	case RTMP_STATE_NEW:
	case RTMP_STATE_CONNECTED:
	case RTMP_STATE_ENDED:
	case RTMP_STATES: return;
	}
	call->action->kind = RTMP_ACTION_END_STREAM;
}

static void on_fc_unpublish(struct call *call)
{
	rtmp_reply_fc(call->out, call->m->chunk_size, "onFCUnpublish", "NetStream.Unpublish.Success");
	rtmp_reply_result(call->out, call->m->chunk_size, call->transaction);
	end_stream(call);
}

/* publish §7.2.2.6 and play §7.2.2.1 begin alike: what follows the name (type, start, duration, reset) changes nothing
 */
static void ask(struct call *call, enum rtmp_command_state state, enum rtmp_action_kind kind)
{
	struct rtmp_command *m = call->m;
	struct amf0_string name = { "", 0 };
	unsigned marker;

	if (m->state == RTMP_STATE_NEW) {
		set_bad(call->action, RTMP_COMMAND_NOT_CONNECTED);
		return;
	}
	if (m->state != RTMP_STATE_CONNECTED) {
		set_bad(call->action, RTMP_COMMAND_STARTED_TWICE);
		return;
	}
	if (amf0_skip_value(&call->args) != PARSE_OK) {
		set_bad(call->action, RTMP_COMMAND_MALFORMED);
		return;
	}
	marker = amf0_peek(&call->args);
	if (marker != AMF0_END && marker != AMF0_NULL && marker != AMF0_UNDEFINED &&
	    amf0_read_string(&call->args, &name) != PARSE_OK) {
		set_bad(call->action, RTMP_COMMAND_MALFORMED);
		return;
	}
	if (!keep_name(m->names, name, call->action)) {
		set_bad(call->action, RTMP_COMMAND_BAD_NAME);
		return;
	}
	call->action->kind = kind;
	set_state(m, state);
}

static void on_publish(struct call *call)
{
	ask(call, RTMP_STATE_ASKED_PUBLISH, RTMP_ACTION_PUBLISH);
}

static void on_play(struct call *call)
{
	ask(call, RTMP_STATE_ASKED_PLAY, RTMP_ACTION_PLAY);
}

/* §7.2.2.8 */
static void on_pause(struct call *call)
{
	bool is_paused;

	if (call->m->state != RTMP_STATE_PLAYING)
		return;
	if (amf0_skip_value(&call->args) != PARSE_OK || amf0_read_bool(&call->args, &is_paused) != PARSE_OK) {
		set_bad(call->action, RTMP_COMMAND_MALFORMED);
		return;
	}
	call->action->kind = RTMP_ACTION_PAUSE;
	call->action->is_paused = is_paused;
}

/* §7.2.2.7: live goes on where it is, but ffmpeg waits for the word and gives up on an error */
static void on_seek(struct call *call)
{
	if (call->m->state == RTMP_STATE_PLAYING)
		rtmp_reply_status(call->out, call->m->chunk_size, "status", "NetStream.Seek.Notify", "live");
}

static void on_answer(struct call *call)
{
	(void)call; /* we ask nothing of clients */
}

static const struct {
	const char *name;
	command_fn *run;
} commands[] = {
	{ "connect", on_connect },
	{ "createStream", on_create_stream },
	{ "releaseStream", on_release_stream },
	{ "FCPublish", on_fc_publish },
	{ "publish", on_publish },
	{ "FCUnpublish", on_fc_unpublish },
	{ "FCSubscribe", on_fc_subscribe },
	{ "getStreamLength", on_get_stream_length },
	{ "play", on_play },
	{ "pause", on_pause },
	{ "seek", on_seek },
	{ "closeStream", end_stream },
	{ "deleteStream", end_stream },
	{ "_result", on_answer },
	{ "_error", on_answer },
	{ "onStatus", on_answer },
};

static void run_command(struct call *call, struct amf0_string name)
{
	for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
		if (amf0_string_is(name, commands[i].name)) {
			commands[i].run(call);
			return;
		}
	}
	/* checkBandwidth, receiveVideo, set_playlist and what may come: nothing to do, but nobody shall wait */
	rtmp_reply_result(call->out, call->m->chunk_size, call->transaction);
}

/* AMF3 messages carry AMF0 behind a zero byte; some clients send the byte with AMF0 types or leave it out. */
static void open_amf(struct amf0_reader *r, const struct rtmp_message *message)
{
	size_t skipped = message->len > 0 && message->payload[0] == 0 ? 1 : 0;

	if (message->len == 0)
		amf0_reader_init(r, NULL, 0);
	else
		amf0_reader_init(r, message->payload + skipped, message->len - skipped);
}

static void take_command(struct call *call, const struct rtmp_message *message)
{
	struct amf0_string name;

	open_amf(&call->args, message);
	if (amf0_read_string(&call->args, &name) != PARSE_OK) {
		set_bad(call->action, RTMP_COMMAND_MALFORMED);
		return;
	}
	if (amf0_peek(&call->args) == AMF0_NUMBER && amf0_read_number(&call->args, &call->transaction) != PARSE_OK) {
		set_bad(call->action, RTMP_COMMAND_MALFORMED);
		return;
	}
	run_command(call, name);
}

/* Metadata is a courtesy: what cannot be read is passed over, never a reason to end a broadcast. */
static void take_data(struct call *call, const struct rtmp_message *message)
{
	struct amf0_reader *r = &call->args;
	struct amf0_string name;
	const uint8_t *start;

	if (call->m->state != RTMP_STATE_PUBLISHING)
		return;
	open_amf(r, message);
	start = r->in.pos;
	if (amf0_read_string(r, &name) != PARSE_OK)
		return;
	if (amf0_string_is(name, "@setDataFrame")) {
		start = r->in.pos;
		if (amf0_read_string(r, &name) != PARSE_OK)
			return;
	}
	if (!amf0_string_is(name, "onMetaData"))
		return;
	while (amf0_peek(r) != AMF0_END) {
		if (amf0_skip_value(r) != PARSE_OK)
			return;
	}
	call->action->kind = RTMP_ACTION_METADATA;
	call->action->payload = start;
	call->action->payload_len = (size_t)(r->in.end - start);
}

static void take_user_control(struct call *call, struct bytes_reader *r)
{
	uint16_t event = bytes_u16(r);
	uint32_t value = 0;

	if (event == RTMP_CONTROL_PING_REQUEST)
		value = bytes_u32(r);
	if (r->is_short)
		set_bad(call->action, RTMP_COMMAND_BAD_CONTROL);
	else if (event == RTMP_CONTROL_PING_REQUEST)
		rtmp_reply_user_control(call->out, RTMP_CONTROL_PING_RESPONSE, value);
}

static void take_window(struct call *call, struct bytes_reader *r)
{
	uint32_t window = bytes_u32(r);

	if (r->is_short) {
		set_bad(call->action, RTMP_COMMAND_BAD_CONTROL);
		return;
	}
	if (window > 0 && window < ACK_WINDOW_MIN_BYTES)
		window = ACK_WINDOW_MIN_BYTES;
	call->m->ack_window_bytes = window;
}

void rtmp_command_message(
    struct rtmp_command *m, const struct rtmp_message *message, struct bytes_writer *out, struct rtmp_action *action)
{
	struct call call = { .m = m, .out = out, .action = action };
	struct bytes_reader r;

	*action = (struct rtmp_action){ .kind = RTMP_ACTION_NONE, .app = "", .name = "", .query = "" };
	bytes_reader_init(&r, message->payload, message->len);
	switch (message->type) {
	case RTMP_TYPE_COMMAND_AMF0:
	case RTMP_TYPE_COMMAND_AMF3: take_command(&call, message); break;
	case RTMP_TYPE_DATA_AMF0:
	case RTMP_TYPE_DATA_AMF3: take_data(&call, message); break;
	case RTMP_TYPE_USER_CONTROL: take_user_control(&call, &r); break;
	case RTMP_TYPE_WINDOW_ACK_SIZE: take_window(&call, &r); break;
	case RTMP_TYPE_ACK:
	case RTMP_TYPE_SET_PEER_BANDWIDTH:
		/* the kernel's window is the one we obey */
		if (message->len < 4)
			set_bad(action, RTMP_COMMAND_BAD_CONTROL);
		break;
	default: break;
	}
	if (out->is_full)
		set_bad(action, RTMP_COMMAND_NO_MEMORY);
}

void rtmp_command_bytes_received(struct rtmp_command *m, uint64_t total, struct bytes_writer *out)
{
	if (m->ack_window_bytes == 0 || total - m->acked_bytes < m->ack_window_bytes)
		return;
	/* §5.4.3: the field wraps with the count */
	rtmp_reply_control(out, RTMP_TYPE_ACK, (uint32_t)total);
	m->acked_bytes = total;
}

/* --- the owner's answers --- */

static int written(const struct bytes_writer *out)
{
	return out->is_full ? -ENOMEM : 0;
}

int rtmp_command_publish_accepted(struct rtmp_command *m, struct bytes_writer *out)
{
	if (m->state != RTMP_STATE_ASKED_PUBLISH)
		return -EINVAL;
	explicit_bzero(m->names->name, sizeof(m->names->name));
	rtmp_reply_user_control(out, RTMP_CONTROL_STREAM_BEGIN, RTMP_STREAM_ID);
	rtmp_reply_status(out, m->chunk_size, "status", "NetStream.Publish.Start", "published");
	set_state(m, RTMP_STATE_PUBLISHING);
	return written(out);
}

int rtmp_command_publish_refused(
    struct rtmp_command *m, struct bytes_writer *out, const char *code, const char *description)
{
	if (m->state != RTMP_STATE_ASKED_PUBLISH && m->state != RTMP_STATE_PUBLISHING)
		return -EINVAL;
	forget_names(m);
	rtmp_reply_status(out, m->chunk_size, "error", code, description);
	set_state(m, RTMP_STATE_ENDED);
	return written(out);
}

int rtmp_command_play_accepted(struct rtmp_command *m, struct bytes_writer *out)
{
	if (m->state != RTMP_STATE_ASKED_PLAY)
		return -EINVAL;
	forget_names(m);
	rtmp_reply_user_control(out, RTMP_CONTROL_STREAM_BEGIN, RTMP_STREAM_ID);
	rtmp_reply_status(out, m->chunk_size, "status", "NetStream.Play.Reset", "playing");
	rtmp_reply_status(out, m->chunk_size, "status", "NetStream.Play.Start", "playing");
	rtmp_reply_sample_access(out, m->chunk_size);
	set_state(m, RTMP_STATE_PLAYING);
	return written(out);
}

int rtmp_command_play_refused(
    struct rtmp_command *m, struct bytes_writer *out, const char *code, const char *description)
{
	if (m->state != RTMP_STATE_ASKED_PLAY)
		return -EINVAL;
	forget_names(m);
	rtmp_reply_status(out, m->chunk_size, "error", code, description);
	set_state(m, RTMP_STATE_ENDED);
	return written(out);
}

int rtmp_command_pause_done(struct rtmp_command *m, struct bytes_writer *out, bool is_paused)
{
	if (m->state != RTMP_STATE_PLAYING)
		return -EINVAL;
	if (is_paused)
		rtmp_reply_status(out, m->chunk_size, "status", "NetStream.Pause.Notify", "paused");
	else
		rtmp_reply_status(out, m->chunk_size, "status", "NetStream.Unpause.Notify", "playing");
	return written(out);
}

/* GStreamer ends at the user control, ffmpeg and librtmp at either status. */
int rtmp_command_stream_eof(struct rtmp_command *m, struct bytes_writer *out)
{
	if (m->state != RTMP_STATE_PLAYING)
		return -EINVAL;
	rtmp_reply_user_control(out, RTMP_CONTROL_STREAM_EOF, RTMP_STREAM_ID);
	rtmp_reply_status(out, m->chunk_size, "status", "NetStream.Play.UnpublishNotify", "no longer published");
	rtmp_reply_status(out, m->chunk_size, "status", "NetStream.Play.Stop", "stopped");
	set_state(m, RTMP_STATE_ENDED);
	return written(out);
}

int rtmp_command_play_failed(struct rtmp_command *m, struct bytes_writer *out, const char *description)
{
	if (m->state != RTMP_STATE_PLAYING)
		return -EINVAL;
	rtmp_reply_status(out, m->chunk_size, "error", "NetStream.Play.Failed", description);
	return rtmp_command_stream_eof(m, out);
}
