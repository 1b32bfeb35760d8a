/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The commands of one RTMP connection (RTMP 1.0 §7, and what Flash Media Server taught the clients): messages in,
 * replies and at most one action out.
 *
 * Owner: one connection; one thread at a time. Lifetime: init/fini; under 1 KB of heap from connect on, freed when a
 * play begins. Names may be keys: they are wiped when no longer needed and never leave but in an action.
 * Whether a publish or play may begin is decided outside: the machine waits in an "asked" state until the owner says
 * accepted or refused. Meanwhile the owner should not feed it media; commands are fine.
 *
 * Where clients differ:
 * - One message stream per connection, always id 1. createStream may be missing or repeated.
 * - The key may sit in the app ("live/KEY", empty name): then the app is cut at its first slash.
 * - A query may hang on the name or on the app; the name's wins.
 * - Commands we do not know are answered with an empty _result, because ffmpeg gives up on _error.
 * - After the end of a publish the client may publish again. A play is the only one of its connection.
 *
 * Not here: what replies look like (rtmp_reply), audio and video messages, Set Chunk Size and Abort (media/rtmp_chunk),
 * gates, deadlines.
 */
#ifndef ISARIBI_INGEST_RTMP_COMMAND_H
#define ISARIBI_INGEST_RTMP_COMMAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "media/rtmp_chunk.h"

enum {
	RTMP_APP_MAX_BYTES = 128, /* without its query */
	RTMP_APP_QUERY_MAX_BYTES = 256,
	RTMP_NAME_MAX_BYTES = 512, /* with its query */
	RTMP_WINDOW_ACK_BYTES = 2500000,
};

enum rtmp_command_state {
	RTMP_STATE_NEW,	      /* nothing but the handshake has happened */
	RTMP_STATE_CONNECTED, /* connect was answered */
	RTMP_STATE_ASKED_PUBLISH,
	RTMP_STATE_PUBLISHING,
	RTMP_STATE_ASKED_PLAY,
	RTMP_STATE_PLAYING,
	RTMP_STATE_ENDED, /* refused, or a play that is over: only to be closed */
	RTMP_STATES,
};

enum rtmp_command_error {
	RTMP_COMMAND_FINE,
	RTMP_COMMAND_MALFORMED,	    /* not AMF0, or beyond its limits */
	RTMP_COMMAND_BAD_CONTROL,   /* a protocol control message without its fields */
	RTMP_COMMAND_NOT_CONNECTED, /* publish or play before connect */
	RTMP_COMMAND_CONNECTED_TWICE,
	RTMP_COMMAND_STARTED_TWICE, /* publish or play while one is asked for or going on, or after a play */
	RTMP_COMMAND_BAD_NAME,	    /* app or name too long or with control characters */
	RTMP_COMMAND_NO_MEMORY,	    /* of ours, or in the writer */
	RTMP_COMMAND_ERRORS,
};

/* Static text in plain words. */
const char *rtmp_command_error_text(enum rtmp_command_error error);

/* What a client says about codecs beyond FLV's own (Enhanced RTMP: fourCcList, videoFourCcInfoMap, ...). */
enum rtmp_fourcc_flags {
	RTMP_FOURCC_ANNOUNCED = 1 << 0, /* a list was there at all */
	RTMP_FOURCC_HVC1 = 1 << 1,
	RTMP_FOURCC_AV01 = 1 << 2,
	RTMP_FOURCC_VP09 = 1 << 3,
	RTMP_FOURCC_OPUS = 1 << 4,
	RTMP_FOURCC_ALL = RTMP_FOURCC_HVC1 | RTMP_FOURCC_AV01 | RTMP_FOURCC_VP09 | RTMP_FOURCC_OPUS, /* "*" */
};

enum rtmp_action_kind {
	RTMP_ACTION_NONE,
	RTMP_ACTION_PUBLISH,	/* app, name, query: answer with publish_accepted or publish_refused */
	RTMP_ACTION_PLAY,	/* app, name, query: answer with play_accepted or play_refused */
	RTMP_ACTION_PAUSE,	/* is_paused: answer with pause_done */
	RTMP_ACTION_END_STREAM, /* the publish or play (asked for or going on) is over by the client's will */
	RTMP_ACTION_METADATA,	/* payload: "onMetaData" and its values, as in a script tag of FLV */
	RTMP_ACTION_BAD,	/* error: close */
};

/* Borrowed until the next call on the machine; payload as long as the message it came from. */
struct rtmp_action {
	enum rtmp_action_kind kind;
	const char *app;   /* without slashes around it; may be empty */
	const char *name;  /* may be empty: the gate refuses that */
	const char *query; /* what stood behind '?', or "" */
	bool is_paused;
	const uint8_t *payload;
	size_t payload_len;
	enum rtmp_command_error error;
};

struct rtmp_command_names; /* private */

struct rtmp_command {
	enum rtmp_command_state state;
	struct rtmp_command_names *names; /* from connect to play_accepted or fini */
	uint32_t fourcc_flags;		  /* of rtmp_fourcc_flags, known from connect on: what it can receive */
	uint32_t chunk_size;		  /* ours, out */
	uint32_t ack_window_bytes;	  /* what the peer asked for; 0: no acknowledgements */
	uint64_t acked_bytes;
};

void rtmp_command_init(struct rtmp_command *m);
void rtmp_command_fini(struct rtmp_command *m);
/*
 * One complete message of a type other than audio and video; types that are none of ours do nothing. Replies go to out,
 * chunked, and must be sent before anything else. *action is always filled.
 */
void rtmp_command_message(
    struct rtmp_command *m, const struct rtmp_message *message, struct bytes_writer *out, struct rtmp_action *action);
/* Writes an Acknowledgement when the peer's window is used up. total counts all bytes read, handshake included. */
void rtmp_command_bytes_received(struct rtmp_command *m, uint64_t total, struct bytes_writer *out);

/*
 * The owner's answers. Each returns 0, or -EINVAL and writes nothing when the client has moved on since (it may close a
 * stream that is only asked for), or -ENOMEM when out is full. code as in "NetStream.Publish.BadName"; code and
 * description at most 256 bytes each. publish_refused also ends a publish that is going on (slot over, taken over).
 */
int rtmp_command_publish_accepted(struct rtmp_command *m, struct bytes_writer *out);
int rtmp_command_publish_refused(
    struct rtmp_command *m, struct bytes_writer *out, const char *code, const char *description);
/*
 * The shared media may follow directly. Metadata should carry timestamp 0: of later data messages ffmpeg makes a
 * subtitle track.
 */
int rtmp_command_play_accepted(struct rtmp_command *m, struct bytes_writer *out);
int rtmp_command_play_refused(
    struct rtmp_command *m, struct bytes_writer *out, const char *code, const char *description);
int rtmp_command_pause_done(struct rtmp_command *m, struct bytes_writer *out, bool is_paused);
/* The stream a player watches is over; flush and close after it. */
int rtmp_command_stream_eof(struct rtmp_command *m, struct bytes_writer *out);
/* The player cannot have what comes: an error that says why, then as stream_eof. */
int rtmp_command_play_failed(struct rtmp_command *m, struct bytes_writer *out, const char *description);

#endif
