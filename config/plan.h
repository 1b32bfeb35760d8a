/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the control tells a node: keys and when they are valid, streams, channels, clips, pushes and pulls.
 *
 * Owner: immutable from the moment plan_parse() hands it out; any thread may read, ref and unref.
 * Lifetime: the last plan_unref frees and wipes what is secret. All pointers inside live as long as the plan.
 * Ids are `[a-z0-9][a-z0-9._-]{0,62}` (config/id.h): as '~' and '@' can never appear in one, no channel, push or link
 * can name a rehearsal stream (`<stream>~rehearsal`).
 * Times are ms since 1970; 0: no limit. A window is open from its `from` up to, not including, its `until`.
 * Every array is sorted by id (pushes by stream, then url; windows and on_air by from), so that looking up is a binary
 * search and comparing two plans is one walk. Not here: reading JSON (config/plan_parse.h), what changed
 * (config/plan_diff.h), acting on it.
 */
#ifndef ISARIBI_CONFIG_PLAN_H
#define ISARIBI_CONFIG_PLAN_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config/id.h"

enum {
	PLAN_HASH_BYTES = 32,
	PLAN_HASH_HEX_SIZE = 2 * PLAN_HASH_BYTES + 1,
	PLAN_KEY_TEXT_SIZE = 27, /* of a generated key: 128 bits in base32, and a NUL */
	PLAN_KEY_MIN_LEN = 16,
	PLAN_KEY_MAX_LEN = 128,
	PLAN_PASSPHRASE_MIN_LEN = 10, /* SRTO_PASSPHRASE: 10 to 79 bytes */
	PLAN_PASSPHRASE_SIZE = 80,
	PLAN_STREAM_ID_SIZE = 513, /* SRTO_STREAMID: up to 512 bytes */
	PLAN_LATENCY_MIN_MS = 20,
	PLAN_LATENCY_MAX_MS = 8000,
};

struct plan_window {
	int64_t from_ms;
	int64_t until_ms;
	bool is_rehearsal;
};

struct plan_key {
	char id[ID_SIZE];
	uint8_t hash[PLAN_HASH_BYTES];
	char stream[ID_SIZE];
	/* None: revoked. A key whose plan names no windows has one without limits. */
	struct plan_window *windows;
	size_t n_windows;
	char srt_passphrase[PLAN_PASSPHRASE_SIZE]; /* of its publisher; empty: none. Secret */
};

struct plan_stream {
	char id[ID_SIZE];
	bool is_recorded;
	bool is_private;
	char (*renditions)[ID_SIZE];
	size_t n_renditions;
	char srt_passphrase[PLAN_PASSPHRASE_SIZE]; /* of its SRT players; empty: none. Secret */
};

struct plan_clip {
	char id[ID_SIZE];
	char recording[ID_SIZE];
	int64_t in_ms;
	int64_t out_ms;
};

struct plan_on_air {
	int64_t from_ms;
	int64_t until_ms;
	char stream[ID_SIZE];
};

enum plan_override_kind {
	PLAN_OVERRIDE_NONE,
	PLAN_OVERRIDE_STREAM,
	PLAN_OVERRIDE_CLIP,
	PLAN_OVERRIDE_SLATE,
};

struct plan_override {
	enum plan_override_kind kind;
	char id[ID_SIZE]; /* of the stream or clip */
	int64_t from_ms;
	int64_t until_ms;
};

struct plan_channel {
	char id[ID_SIZE];
	char profile[ID_SIZE]; /* one of plan_profile_is_known; "720p30" when the plan names none */
	bool is_private;
	int64_t delay_ms;
	char slate[ID_SIZE]; /* empty: the built-in one */
	struct plan_on_air *on_air;
	size_t n_on_air;
	struct plan_override override;
	char (*filler)[ID_SIZE]; /* clips, in the order in which they are shown */
	size_t n_filler;
};

/* Nothing of that stream or clip which is older is shown any more, anywhere. */
struct plan_take_down {
	char id[ID_SIZE];
	int64_t before_ms;
};

/*
 * A push sends the stream to url; a pull feeds the stream from it. Of an srt:// URL the rest says what its query and
 * the members beside it ask for, members before query; of another it is zero.
 */
struct plan_transfer {
	char stream[ID_SIZE];
	char *url; /* may hold a key of another service. Secret */
	bool is_srt;
	uint16_t port;
	int32_t latency_ms;		       /* 0: not said */
	char *host;			       /* a name or an address, without brackets */
	char *stream_id;		       /* "": none. Secret */
	char passphrase[PLAN_PASSPHRASE_SIZE]; /* "": none. Secret */
};

struct plan {
	atomic_uint refs;
	int64_t rev;
	struct plan_key *keys;
	size_t n_keys;
	struct plan_stream *streams;
	size_t n_streams;
	struct plan_clip *clips;
	size_t n_clips;
	struct plan_channel *channels;
	size_t n_channels;
	struct plan_take_down *taken_down;
	size_t n_taken_down;
	struct plan_transfer *pushes;
	size_t n_pushes;
	struct plan_transfer *pulls;
	size_t n_pulls;
	char *view_key; /* NULL: private streams cannot be played. Secret */
};

void plan_unref(struct plan *plan);	  /* NULL is fine */
struct plan *plan_create(void);		  /* empty, one reference: nobody may publish. NULL when memory is out */
struct plan *plan_ref(struct plan *plan); /* returns plan; NULL is fine */
/* For whoever has just filled a plan that nobody else holds: puts its arrays into order. */
void plan_sort(struct plan *plan);

/*
 * The key a publisher sent, whole and as it came, or NULL. Every key is looked at, whichever it is: the time taken
 * tells nothing (design §5).
 */
const struct plan_key *plan_key_find(const struct plan *plan, const char *text, size_t len);
/* NULL: the plan says nothing about it, that is: public, not recorded, no renditions. */
const struct plan_stream *plan_stream_find(const struct plan *plan, const char *id);
const struct plan_channel *plan_channel_find(const struct plan *plan, const char *id);
const struct plan_clip *plan_clip_find(const struct plan *plan, const char *id);
const struct plan_take_down *plan_take_down_find(const struct plan *plan, const char *id);
/* Is what this stream (or its rehearsal) or clip showed at that time taken down? At -1, a time nobody knows, too. */
bool plan_is_taken_down(const struct plan *plan, const char *id, int64_t wall_ms);
/* Is a channel's profile spelt like one that packager/channel_profile can judge? */
bool plan_profile_is_known(const char *name);

enum key_verdict {
	KEY_OPEN,
	KEY_EARLY,
	KEY_EXPIRED,
	KEY_REVOKED,
};

/*
 * May this key publish at that time? *window (borrowed; may be NULL) is the open one, of several a broadcast before a
 * rehearsal, then the one that ends last; when none is open the next to come; when none comes the last that was; NULL
 * when the key is revoked.
 */
enum key_verdict plan_window_at(const struct plan_key *key, int64_t now_ms, const struct plan_window **window);

/* BLAKE2b-256 of a key, without a secret: what a plan holds in its place. */
void plan_hash(uint8_t out[PLAN_HASH_BYTES], const char *text, size_t len);
/* The same in hexadecimal, for `hash-key`. -EINVAL when no plan would accept such a key (plan_key_text_is_valid). */
int plan_hash_key(const char *text, char out[PLAN_HASH_HEX_SIZE]);
/* 16 to 128 characters of A-Z a-z 0-9 . _ ~ -: what passes through a URL and a stream id of SRT unharmed. */
bool plan_key_text_is_valid(const char *text, size_t len);
/* Up to 512 bytes without a control character; "" is one. */
bool plan_stream_id_is_valid(const char *text, size_t len);
/* A fresh key: base32 (a-z2-7) of 128 random bits. */
void plan_key_generate(char out[PLAN_KEY_TEXT_SIZE]);

#endif
