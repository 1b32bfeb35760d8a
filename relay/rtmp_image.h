/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a frame looks like on every RTMP player's wire: chunk headers made once, the payload shared.
 *
 * RTMP 1.0 §5.3: a full header each time, one chunk size, one message stream id, so the bytes are the same for all.
 * Owner: any thread; the image is a rendering of the frame (media/frame.h) and immutable. Lifetime: the frame's.
 * Not here: sequence headers and metadata (relay/rtmp_intro.h), sockets.
 */
#ifndef ISARIBI_RELAY_RTMP_IMAGE_H
#define ISARIBI_RELAY_RTMP_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "media/flv.h"
#include "media/frame.h"
#include "media/rtmp_chunk.h"

struct rtmp_image {
	struct rtmp_wire_header wire;
	uint8_t tag[FLV_HEADER_MAX_BYTES];
	uint8_t tag_len;
	size_t wire_bytes; /* headers, tag and payload together */
};

/* Borrowed for as long as the frame is held; NULL when memory is out. */
const struct rtmp_image *rtmp_image_of(struct frame *frame);
/* A list of pointers that is being filled. */
struct rtmp_image_list {
	struct iovec *iov;
	int max;
	int len;
	size_t bytes; /* what the first len entries hold */
};

/*
 * Appends the wire bytes from offset on (offset < wire_bytes) as pointers into frame and image. Returns whether all of
 * them found room; if not, as much as did is in the list.
 */
bool rtmp_image_append(
    struct rtmp_image_list *list, const struct rtmp_image *image, const struct frame *frame, size_t offset);

#endif
