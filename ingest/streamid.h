/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an SRT caller says it wants: its stream id, up to 512 bytes of text, taken apart.
 *
 * Owner: pure functions, any thread; nothing is allocated. Lifetime: the slices borrow the text that was parsed.
 *
 *   #!::r=NAME,m=publish,s=TOKEN    libsrt's access control; m= is publish or request, t= is stream, others are read
 * over publish:KEY                     in short request:STREAM[:TOKEN]          also read: and play: KEY alone: a
 * publisher, as RTMP apps send it; play/STREAM is a player
 *
 * Nothing is percent-decoded and nothing unquoted: the wire has the text as it is meant, and no key, stream or token
 * has a character that would need it. Blanks and line ends around the whole are cut, and so is the "live/" before a key
 * and the "play/" before a stream (with or without a slash in front): that is what remains of a URL when a path is
 * pasted. Where `#!::` has no m= the access control's default is request, yet some phones send their key so: the mode
 * is UNSAID and whoever knows the keys decides (ingest/door.h). Not here: whether there is such a key or stream.
 */
#ifndef ISARIBI_INGEST_STREAMID_H
#define ISARIBI_INGEST_STREAMID_H

#include <stdbool.h>
#include <stddef.h>

enum { STREAMID_MAX_BYTES = 512 };

enum streamid_mode {
	STREAMID_PUBLISH,
	STREAMID_REQUEST,
	STREAMID_UNSAID,
	STREAMID_BAD_MODE, /* bidirectional, or a word nobody knows */
};

/* What is wrong with it. */
enum streamid_verdict {
	STREAMID_OK,
	STREAMID_TOO_LONG,
	STREAMID_EMPTY,
	STREAMID_CHARACTERS, /* a control character or a NUL */
	STREAMID_NESTED,     /* #!:{...} */
	STREAMID_SYNTAX,
	STREAMID_REPEATED, /* a member that counts, twice */
	STREAMID_NAMELESS,
	STREAMID_MEDIA_TYPE, /* t= is not stream */
	STREAMID_VERDICTS,
};

/* Not terminated. */
struct streamid_slice {
	const char *text;
	size_t len;
};

struct streamid {
	enum streamid_mode mode;
	struct streamid_slice name;  /* a key or a stream, at least one byte */
	struct streamid_slice token; /* text NULL: none */
};

/* *out is filled with STREAMID_OK only; a mode that is bad is no fault of the syntax. */
enum streamid_verdict streamid_parse(struct streamid *out, const char *text, size_t len);
/* Static; completes "a stream id that ...". */
const char *streamid_verdict_text(enum streamid_verdict verdict);

#endif
