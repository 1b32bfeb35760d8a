/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The TS lane of a stream (design §4.5): messages of transport stream packets, the last seconds of them, and where a
 * newcomer starts.
 *
 * What comes from an SRT publisher is kept message by message, untouched. For a publisher of another protocol the
 * stream's frames are muxed, once for all. Frames carry the generation of their publisher, so the lane knows which of
 * them it has as packets already. When the publisher changes readers go on at the new one's first key frame, with its
 * tables and a discontinuity in front.
 *
 * Owner: the loop of the SRT thread. Lifetime: a lane is there from its first reader or its publisher to its last.
 * Not here: sockets (relay/out_srt), reading of packets (media/ts_demux).
 */
#ifndef ISARIBI_RELAY_TS_LANE_H
#define ISARIBI_RELAY_TS_LANE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/shared.h"
#include "media/ts_demux.h"
#include "relay/lag.h"
#include "relay/local.h"

struct ts_lane;
struct ts_lanes; /* all of a loop */
struct ts_reader;

enum {
	TS_LANE_MESSAGE_BYTES = 7 * TS_PACKET_BYTES,
};

int ts_lanes_create(struct ts_lanes **out, struct relay_local *local);
void ts_lanes_destroy(struct ts_lanes **lanes); /* when nobody is in any of them */
struct relay_local *ts_lanes_local(const struct ts_lanes *lanes);
/* After all that came at one time was put in: readers get it in one burst. */
void ts_lanes_flush(struct ts_lanes *lanes);

/* ---- readers ---- */

struct ts_reader_ops {
	/* There is something new. May detach and free this reader. */
	void (*flush)(struct ts_reader *reader);
	/* The stream is over; the reader has been detached. */
	void (*over)(struct ts_reader *reader, enum close_reason reason);
};

/* Embedded in whoever reads; zeroed but for ops. */
struct ts_reader {
	const struct ts_reader_ops *ops;
	struct ts_lane *lane; /* NULL: not attached */
	struct ts_reader *prev;
	struct ts_reader *next;
	bool is_placed;	      /* false: waits for a key frame */
	bool was_placed;      /* it has seen something: what follows is a discontinuity */
	uint64_t after_start; /* waits for a key frame with a higher number than this */
	uint64_t epoch;	      /* which publisher's packets it is in */
	uint64_t seq;	      /* the next message */
	struct shared *intro; /* what goes out before it; NULL: nothing */
	size_t intro_pos;
	struct lag lag;
};

struct ts_piece {
	const uint8_t *data;
	size_t len;
};

enum ts_piece_verdict {
	TS_PIECE_READY,
	TS_PIECE_NONE, /* nothing for now */
	TS_PIECE_TOO_SLOW,
};

/* Joins the stream, which need not exist yet. 0 or -ENOMEM. flush comes later, never inside this call. */
int ts_lane_attach(struct ts_lanes *lanes, const char *stream, struct ts_reader *reader);
void ts_lane_detach(struct ts_reader *reader); /* fine when not attached */
/* The next message to send, borrowed until the next call; asks for the lag rule first. */
enum ts_piece_verdict ts_lane_next(struct ts_reader *reader, struct ts_piece *out);
/* How many messages are before it, or would be if it were given its place now. */
size_t ts_lane_waiting(const struct ts_reader *reader);
/* It was sent. */
void ts_lane_advance(struct ts_reader *reader);
/* Something of what was sent is lost: on at the next key frame. True: that was one time too many. */
bool ts_lane_skip(struct ts_reader *reader);

/* ---- an SRT publisher ---- */

struct ts_direct;

/* generation: of the publisher (relay/publisher.h). 0 or -ENOMEM. */
int ts_direct_begin(struct ts_direct **out, struct ts_lanes *lanes, const char *stream, uint64_t generation);
void ts_direct_end(struct ts_direct **direct); /* NULL is fine */
/* One message as it came. first_packet: the number of the first packet that begins in it (ts_demux_next_packet). */
void ts_direct_message(
    struct ts_direct *direct, const uint8_t *data, size_t len, uint64_t first_packet, int64_t arrival_us);
/* An access unit where decoding can start began in this packet; the demultiplexer has its tables. */
void ts_direct_start(struct ts_direct *direct, uint64_t packet, const struct ts_demux *demux);

#endif
