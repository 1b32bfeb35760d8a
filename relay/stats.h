/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the relay and its protocols count, for /metrics.
 *
 * Owner: nobody; every counter is atomic, any thread adds and reads. Lifetime: the composition root's, longer than all
 * threads. Few labels: reasons, protocols and stream names come out of tables and plans, never addresses.
 * Not here: per-stream numbers (relay/events.h carries those), HTTP's own counters (base/http).
 */
#ifndef ISARIBI_RELAY_STATS_H
#define ISARIBI_RELAY_STATS_H

#include <stdatomic.h>
#include <stdint.h>

#include "base/bytes.h"
#include "relay/close_reasons.h"

/* STAT(id, metric name, type, help). A gauge goes down, too. */
#define STATS(STAT)                                                                                                    \
	STAT(RTMP_CONNECTIONS, "isaribi_rtmp_connections", "gauge", "RTMP connections open now")                       \
	STAT(RTMP_ACCEPTED, "isaribi_rtmp_accepted_total", "counter", "RTMP connections accepted")                     \
	STAT(RTMP_PUBLISHERS, "isaribi_rtmp_publishers", "gauge", "RTMP publishers on now")                            \
	STAT(RTMP_PLAYERS, "isaribi_rtmp_players", "gauge", "RTMP players on now")                                     \
	STAT(RTMP_BYTES_IN, "isaribi_rtmp_received_bytes_total", "counter", "bytes read from RTMP peers")              \
	STAT(RTMP_BYTES_OUT, "isaribi_rtmp_sent_bytes_total", "counter", "bytes written to RTMP peers")                \
	STAT(RTMP_WRITES, "isaribi_rtmp_media_writes_total", "counter", "gathered writes of media to RTMP players")    \
	STAT(SRT_CONNECTIONS, "isaribi_srt_connections", "gauge", "SRT connections open now")                          \
	STAT(SRT_ACCEPTED, "isaribi_srt_accepted_total", "counter", "SRT connections accepted")                        \
	STAT(SRT_PUBLISHERS, "isaribi_srt_publishers", "gauge", "SRT publishers and pulls on now")                     \
	STAT(SRT_PLAYERS, "isaribi_srt_players", "gauge", "SRT players and pushes on now")                             \
	STAT(SRT_CALLS, "isaribi_srt_calls", "gauge", "pushes and pulls with an SRT connection now")                   \
	STAT(SRT_CALL_ATTEMPTS, "isaribi_srt_call_attempts_total", "counter", "times a push or pull dialled")          \
	STAT(SRT_BYTES_IN, "isaribi_srt_received_bytes_total", "counter", "bytes of media read from SRT peers")        \
	STAT(SRT_BYTES_OUT, "isaribi_srt_sent_bytes_total", "counter", "bytes of media given to SRT peers")            \
	STAT(SRT_LOST, "isaribi_srt_lost_packets_total", "counter", "SRT packets reported missing on the way in")      \
	STAT(SRT_LATE, "isaribi_srt_late_packets_total", "counter",                                                    \
	    "SRT packets that did not come in time, lost for good")                                                    \
	STAT(SRT_UNSENT, "isaribi_srt_unsent_packets_total", "counter",                                                \
	    "SRT packets given up because a player's link is too slow")                                                \
	STAT(FRAMES_UNMUXED, "isaribi_frames_unmuxed_total", "counter",                                                \
	    "frames that a transport stream has no words for")                                                         \
	STAT(STREAMS, "isaribi_streams", "gauge", "streams known now, with or without a publisher")                    \
	STAT(STREAMS_LIVE, "isaribi_streams_live", "gauge", "streams with a publisher")                                \
	STAT(TAKEOVERS, "isaribi_takeovers_total", "counter", "publishers replaced by a newer one with the same key")  \
	STAT(FRAMES_IN, "isaribi_frames_total", "counter", "frames taken into streams")                                \
	STAT(FRAMES_DROPPED, "isaribi_frames_dropped_total", "counter", "frames dropped because a mailbox was full")   \
	STAT(FRAMES_UNREADABLE, "isaribi_frames_unreadable_total", "counter", "media messages that could not be read") \
	STAT(FRAMES_UNPACKAGED, "isaribi_frames_unpackaged_total", "counter",                                          \
	    "frames lost to HLS because packaging could not keep up")                                                  \
	STAT(PARTS, "isaribi_hls_parts_total", "counter", "parts of HLS that a frame has completed")                   \
	STAT(PART_DELAY_US, "isaribi_hls_part_delay_us_total", "counter",                                              \
	    "sum of the times from the arrival of that frame until the part was made, in us")                          \
	STAT(                                                                                                          \
	    PARTS_LATE, "isaribi_hls_parts_late_total", "counter", "parts made more than 50 ms after that frame came") \
	STAT(RECORDINGS, "isaribi_recordings", "gauge", "recordings running now")                                      \
	STAT(RECORDED_BYTES, "isaribi_recorded_bytes_total", "counter", "bytes of recordings that were synced")        \
	STAT(RECORDING_LOST_MS, "isaribi_recording_lost_ms_total", "counter", "media that is missing in recordings")   \
	STAT(RECORDING_ERRORS, "isaribi_recording_disk_errors_total", "counter",                                       \
	    "times the disk refused or failed a recording")                                                            \
	STAT(RECORDING_WAITING_BYTES, "isaribi_recording_waiting_bytes", "gauge",                                      \
	    "bytes in memory that are not known to be on the disk yet")                                                \
	STAT(DISK_FREE_BYTES, "isaribi_disk_free_bytes", "gauge", "room for recordings")                               \
	STAT(DISK_HOURS_LEFT, "isaribi_disk_hours_left", "gauge",                                                      \
	    "until the disk is full at the rate of now, -1 when nothing grows")                                        \
	STAT(TIME_JUMPS, "isaribi_time_jumps_total", "counter", "jumps in publishers' timestamps")                     \
	STAT(PLAYER_SKIPS, "isaribi_player_skips_total", "counter",                                                    \
	    "times a slow player was moved to the newest key frame")

enum stat {
#define STAT(id, name, type, help) STAT_##id,
	STATS(STAT)
#undef STAT
	    STAT_COUNT,
};

struct stats {
	atomic_int_fast64_t values[STAT_COUNT];
	atomic_int_fast64_t closed[CLOSE_REASON_COUNT]; /* sessions by reason */
};

static inline void stats_add(struct stats *s, enum stat which, int64_t n)
{
	atomic_fetch_add_explicit(&s->values[which], n, memory_order_relaxed);
}

static inline int64_t stats_get(struct stats *s, enum stat which)
{
	return atomic_load_explicit(&s->values[which], memory_order_relaxed);
}

void stats_init(struct stats *s);
void stats_closed(struct stats *s, enum close_reason reason);
/* Prometheus text exposition format 0.0.4. */
void stats_write(struct stats *s, struct bytes_writer *out);
/* printf into a writer: for whoever adds lines of its own to the metrics. */
void stats_printf(struct bytes_writer *out, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
