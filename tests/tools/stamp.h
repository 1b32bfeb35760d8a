/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A clock in the bitstream: an SEI that says when its frame was written, so that any player can tell the delay.
 *
 * Owner: anyone, pure. Lifetime: none. Digits are ASCII: no byte of it needs H.264's emulation prevention.
 * Not here: which clock. Writer and reader must use the same; on one machine CLOCK_MONOTONIC is.
 */
#ifndef ISARIBI_TESTS_TOOLS_STAMP_H
#define ISARIBI_TESTS_TOOLS_STAMP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	STAMP_AT = 5,	  /* in an FLV video body: behind frame type, packet type and composition time */
	STAMP_BYTES = 40, /* a 4-byte length and the SEI */
	STAMP_MARK_BYTES = 19,
	STAMP_DIGITS = 16,
};

/* What every stamp begins with behind its length or start code; the digits follow, then one byte. */
extern const uint8_t stamp_mark[STAMP_MARK_BYTES];

/* Body of an FLV AVC tag with NAL units in it, not a sequence header. */
bool stamp_fits(const uint8_t *body, size_t len);
void stamp_write(uint8_t out[STAMP_BYTES], int64_t now_us);
/* The digits alone, of a stamp that is there already. */
void stamp_write_digits(uint8_t out[STAMP_DIGITS], int64_t now_us);
/* Looks for a stamp anywhere in the bytes, for streams where the NAL units in front of it are somebody else's. */
bool stamp_find(const uint8_t *data, size_t len, int64_t *written_us);
/* False: the first NAL unit of the body is no stamp of ours. */
bool stamp_read(const uint8_t *body, size_t len, int64_t *written_us);

#endif
