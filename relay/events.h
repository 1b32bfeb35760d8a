/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the control hears about a node: the interface that relay, ingest and packager report through.
 *
 * Owner: events_emit may be called on any thread; the sink that the composition root plugs in copies, posts and
 * returns. Lifetime: the sink outlives all loops. An event is valid during the call. Not here: transport (the node's
 * link) and counting (relay/stats.h).
 */
#ifndef ISARIBI_RELAY_EVENTS_H
#define ISARIBI_RELAY_EVENTS_H

#include <stdbool.h>
#include <stdint.h>

#include "relay/close_reasons.h"
#include "relay/link_figures.h"

enum event_kind {
	EVENT_STREAM_UP,     /* a publisher is on */
	EVENT_STREAM_AWAY,   /* the publisher is gone, the stream waits for its return: reason */
	EVENT_STREAM_OVER,   /* nobody came back */
	EVENT_ADVICE,	     /* a plain sentence for the publisher: advice_code, text_ja, text_en, is_on */
	EVENT_STREAM_HEALTH, /* every few seconds while a publisher is on: health */
	EVENT_LINK,	     /* every few seconds while a stream comes or goes over SRT: link */
	EVENT_CALL,	     /* a push or pull is at another point: link_name, call */
	EVENT_RECORDING,     /* a recording, or with stream "" the disk they are on: recording */
	EVENT_CHANNEL,	     /* what a channel shows, stream "@ID": channel, and text_ja, text_en of its why */
	EVENT_KINDS,
};

struct event_health {
	uint32_t video_kbps;
	uint32_t audio_kbps;
	uint32_t width_px;
	uint32_t height_px;
	uint32_t fps_milli;
	uint32_t key_interval_ms; /* 0: not known yet */
};

struct event_link {
	struct link_figures figures;
	uint32_t wanted_latency_ms; /* recommended; 0: not known yet */
};

enum event_call_state {
	EVENT_CALL_WAITING, /* a push, for its stream to have something to send */
	EVENT_CALL_DIALLING,
	EVENT_CALL_UP,
	EVENT_CALL_DOWN, /* and will try again: reason */
	EVENT_CALL_GONE, /* the plan does not name it any more */
};

struct event_call {
	enum event_call_state state;
	uint64_t attempts;  /* so far */
	const char *reason; /* why it is down, "" otherwise; never holds a secret */
};

enum event_recording_state {
	EVENT_RECORDING_BEGUN,
	EVENT_RECORDING_TROUBLE, /* the disk failed, and it goes on in a new file or waits for room: reason */
	EVENT_RECORDING_LOST,	 /* lost_ms more of it are in no file */
	EVENT_RECORDING_SAVED,	 /* over, all of it on the disk: reason of its end */
	EVENT_RECORDING_DAMAGED, /* over, with holes or failed files: reason of its end */
	EVENT_RECORDING_DELETED, /* by rule: reason */
	EVENT_RECORDING_DISK,	 /* another level of alarm: reason, hours_left */
	EVENT_RECORDING_STATES,
};

struct event_recording {
	enum event_recording_state state;
	const char *id; /* "" of the disk, and before there is one */
	const char *reason;
	int64_t lost_ms;
	int64_t hours_left; /* until the disk is full at the rate of now; -1: not known, or not soon */
};

enum event_channel_news {
	EVENT_CHANNEL_CHANGED, /* on, id, why, misfit or pending is another */
	EVENT_CHANNEL_FIGURES, /* about once a second */
	EVENT_CHANNEL_GONE,    /* the plan does not name it any more */
};

/* The texts are words for machines; none of them is a secret. */
struct event_channel {
	enum event_channel_news news;
	const char *on;	     /* "live", "clip" or "slate" */
	const char *id;	     /* of the stream or clip that is on; "": slate */
	const char *pending; /* what comes next; "": nothing is waited for */
	const char *why;
	const char *misfit; /* what of it does not fit the profile; "" for every other why */
	int64_t since_wall_ms;
	int64_t ahead_ms; /* media published minus the wall clock */
	uint64_t switches;
	uint64_t slate_ms; /* of the slate that was shown */
};

struct event {
	enum event_kind kind;
	const char *stream;
	uint64_t session_id; /* as in the log, 0: none */
	enum close_reason reason;
	const char *advice_code; /* "key_interval", a label in /metrics */
	const char *text_ja;
	const char *text_en;
	bool is_on; /* false: what was advised about is over */
	struct event_health health;
	struct event_link link;
	const char *link_name; /* of LINK, CALL and ADVICE: "push HOST:PORT"; NULL: of the stream's publisher */
	struct event_call call;
	struct event_recording recording;
	struct event_channel channel;
};

struct events {
	void (*emit)(void *arg, const struct event *event);
	void *arg;
};

static inline void events_emit(const struct events *events, const struct event *event)
{
	if (events && events->emit)
		events->emit(events->arg, event);
}

#endif
