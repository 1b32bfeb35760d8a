/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a server says to RTMP clients, ready for the wire: control messages, results, statuses.
 *
 * Owner: the caller; nothing is kept. Lifetime: none. Each writes one message into out, in chunks of chunk_size where
 * it can be longer than the smallest chunk size; when out gets full: ask out->is_full. Not here: when to say what
 * (rtmp_command).
 */
#ifndef ISARIBI_INGEST_RTMP_REPLY_H
#define ISARIBI_INGEST_RTMP_REPLY_H

#include <stdint.h>

#include "base/bytes.h"

enum { RTMP_STATUS_TEXT_MAX_BYTES = 256 };

/* RTMP 1.0 §7.1.7 */
enum rtmp_user_control {
	RTMP_CONTROL_STREAM_BEGIN = 0,
	RTMP_CONTROL_STREAM_EOF = 1,
	RTMP_CONTROL_PING_REQUEST = 6,
	RTMP_CONTROL_PING_RESPONSE = 7,
};

/* Set Chunk Size, Acknowledgement, Window Acknowledgement Size: §5.4 */
void rtmp_reply_control(struct bytes_writer *out, uint8_t type, uint32_t value);
void rtmp_reply_peer_bandwidth(struct bytes_writer *out, uint32_t window_bytes);
void rtmp_reply_user_control(struct bytes_writer *out, enum rtmp_user_control event, uint32_t value);

/* _result of connect */
void rtmp_reply_connected(struct bytes_writer *out, uint32_t chunk_size, double transaction);
/* _result without a value; nothing for transaction 0, where nobody waits: §7.2.1 */
void rtmp_reply_result(struct bytes_writer *out, uint32_t chunk_size, double transaction);
void rtmp_reply_number(struct bytes_writer *out, uint32_t chunk_size, double transaction, double number);
/* "onFCPublish" and the like: Flash Media Server's own, some encoders wait for them */
void rtmp_reply_fc(struct bytes_writer *out, uint32_t chunk_size, const char *command, const char *code);
/* onStatus of the one message stream, level "status" or "error": §7.2.2; texts up to RTMP_STATUS_TEXT_MAX_BYTES */
void rtmp_reply_status(
    struct bytes_writer *out, uint32_t chunk_size, const char *level, const char *code, const char *description);
/* Flash wants to be told that it may look at samples; others pass over it. */
void rtmp_reply_sample_access(struct bytes_writer *out, uint32_t chunk_size);

#endif
