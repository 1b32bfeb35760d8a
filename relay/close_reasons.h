/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every way in which a session ends: one table that log lines, metrics and replies come from.
 *
 * CLOSE_REASON(id, name, is_error, text): the name is the label in /metrics; is_error says whether the peer or we did
 * something wrong; the text completes "closed: ...".
 * Not here: what is sent to the client (ingest/ decides by reason).
 */
#ifndef ISARIBI_RELAY_CLOSE_REASONS_H
#define ISARIBI_RELAY_CLOSE_REASONS_H

#include <stdbool.h>

#define CLOSE_REASONS(CLOSE_REASON)                                                                              \
	CLOSE_REASON(NONE, "none", false, "not closed")                                                          \
	CLOSE_REASON(CLIENT_CLOSED, "client_closed", false, "the client closed the connection")                  \
	CLOSE_REASON(CLIENT_ENDED, "client_ended", false, "the client ended its stream")                         \
	CLOSE_REASON(STREAM_OVER, "stream_over", false, "the stream is over")                                    \
	CLOSE_REASON(SLOT_OVER, "slot_over", false, "the key's window has ended")                                \
	CLOSE_REASON(TAKEN_OVER, "taken_over", false, "the same key publishes from elsewhere now")               \
	CLOSE_REASON(SHUTDOWN, "shutdown", false, "the server is stopping")                                      \
	CLOSE_REASON(CONNECTION_BROKEN, "connection_broken", true, "the connection broke")                       \
	CLOSE_REASON(HANDSHAKE_BAD, "handshake_bad", true, "not an RTMP handshake we speak")                     \
	CLOSE_REASON(HANDSHAKE_LATE, "handshake_late", true, "no complete handshake in time")                    \
	CLOSE_REASON(START_LATE, "start_late", true, "neither publish nor play in time")                         \
	CLOSE_REASON(SILENT, "silent", true, "nothing was heard for too long")                                   \
	CLOSE_REASON(CHUNK_STREAMS, "chunk_streams", true, "too many chunk streams")                             \
	CLOSE_REASON(CHUNK_HEADER, "chunk_header", true, "a chunk without the header it refers to")              \
	CLOSE_REASON(CHUNK_TOO_LONG, "chunk_too_long", true, "a message above the limit of its type")            \
	CLOSE_REASON(CHUNK_INTERRUPTED, "chunk_interrupted", true, "a new header inside a half-read message")    \
	CLOSE_REASON(CHUNK_HALF_READ, "chunk_half_read", true, "too many bytes in half-read messages")           \
	CLOSE_REASON(CHUNK_CONTROL, "chunk_control", true, "a bad Set Chunk Size or Abort")                      \
	CLOSE_REASON(COMMAND_BAD, "command_bad", true, "a command that is not AMF0 or beyond its limits")        \
	CLOSE_REASON(COMMAND_CONTROL, "command_control", true, "a control message without its fields")           \
	CLOSE_REASON(COMMAND_ORDER, "command_order", true, "a command at the wrong time")                        \
	CLOSE_REASON(NAME_BAD, "name_bad", true, "a name too long or with control characters")                   \
	CLOSE_REASON(APP_BAD, "app_bad", true, "publish goes to the app live, play to the app play")             \
	CLOSE_REASON(STREAMID_BAD, "streamid_bad", true, "a stream id that cannot be read")                      \
	CLOSE_REASON(MODE_BAD, "mode_bad", true, "neither publish nor request")                                  \
	CLOSE_REASON(MEDIA_TYPE, "media_type", true, "a stream id that asks for another type than stream")       \
	CLOSE_REASON(PEER_OLD, "peer_old", true, "the peer's SRT is older than 1.3.0")                           \
	CLOSE_REASON(PASSPHRASE, "passphrase", true, "the passphrase is wrong, missing or not wanted")           \
	CLOSE_REASON(MEDIA_EARLY, "media_early", true, "media before publish was granted")                       \
	CLOSE_REASON(MEDIA_BAD, "media_bad", true, "too much media that cannot be read")                         \
	CLOSE_REASON(CODEC_UNSUPPORTED, "codec_unsupported", true, "a codec that is not relayed")                \
	CLOSE_REASON(CODEC_NOT_ANNOUNCED, "codec_not_announced", true, "the player did not announce this codec") \
	CLOSE_REASON(KEY_UNKNOWN, "key_unknown", true, "no such key")                                            \
	CLOSE_REASON(KEY_EARLY, "key_early", true, "the key's window is not open yet")                           \
	CLOSE_REASON(KEY_EXPIRED, "key_expired", true, "the key's window is over")                               \
	CLOSE_REASON(KEY_REVOKED, "key_revoked", true, "the key was revoked")                                    \
	CLOSE_REASON(STREAM_BUSY, "stream_busy", true, "another key is publishing to this stream")               \
	CLOSE_REASON(STREAM_UNKNOWN, "stream_unknown", true, "no such stream")                                   \
	CLOSE_REASON(CHANNEL_ELSEWHERE, "channel_elsewhere", true, "a channel is watched over HLS")              \
	CLOSE_REASON(TOKEN_BAD, "token_bad", true, "no valid view token")                                        \
	CLOSE_REASON(TOKEN_EXPIRED, "token_expired", true, "the view token has expired")                         \
	CLOSE_REASON(NO_MEDIA, "no_media", true, "the stream did not begin in time")                             \
	CLOSE_REASON(TOO_SLOW, "too_slow", true, "the player fell behind again and again")                       \
	CLOSE_REASON(REPLIES_UNREAD, "replies_unread", true, "the peer does not read our replies")               \
	CLOSE_REASON(TOO_MANY, "too_many", true, "too many connections")                                         \
	CLOSE_REASON(OVERLOAD, "overload", true, "the server could not keep up")                                 \
	CLOSE_REASON(NO_MEMORY, "no_memory", true, "memory is out")

enum close_reason {
#define CLOSE_REASON(id, name, is_error, text) CLOSE_##id,
	CLOSE_REASONS(CLOSE_REASON)
#undef CLOSE_REASON
	    CLOSE_REASON_COUNT,
};

/* Static texts; the reason must be in the table. */
const char *close_reason_name(enum close_reason reason);
const char *close_reason_text(enum close_reason reason);
bool close_reason_is_error(enum close_reason reason);
/* What a socket's end means: 0 (end of file) or a negative errno. Hanging up is the peer's right, seen by whichever of
 * read and write comes first. */
enum close_reason close_reason_of_socket(int err);

#endif
