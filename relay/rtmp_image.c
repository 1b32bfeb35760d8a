/* SPDX-License-Identifier: Apache-2.0 */
#include "relay/rtmp_image.h"

#include <assert.h>
#include <string.h>

static size_t wire_size(const struct rtmp_image *image, size_t body_len)
{
	size_t n_chunks = body_len == 0 ? 1 : (body_len + RTMP_CHUNK_SIZE_OUT - 1) / RTMP_CHUNK_SIZE_OUT;

	return image->wire.first_len + (n_chunks - 1) * image->wire.next_len + body_len;
}

static struct shared *make(const struct frame *frame)
{
	const bool is_video = frame_is_video(frame);
	const struct rtmp_message_header header = {
		.csid = is_video ? RTMP_CSID_VIDEO : RTMP_CSID_AUDIO,
		.type = is_video ? RTMP_TYPE_VIDEO : RTMP_TYPE_AUDIO,
		.timestamp_ms = (uint32_t)(frame->dts_90k / 90),
		.stream_id = RTMP_STREAM_ID,
	};
	struct shared *made = shared_create(sizeof(struct rtmp_image));
	struct rtmp_image image = { 0 };
	struct bytes_writer tag;

	if (!made)
		return NULL;
	bytes_writer_init_fixed(&tag, image.tag, sizeof(image.tag));
	flv_write_header(&tag, frame);
	assert(!tag.is_full);
	image.tag_len = (uint8_t)tag.len;
	image.wire = rtmp_wire_header_make(&header, tag.len + frame->size_bytes);
	image.wire_bytes = wire_size(&image, tag.len + frame->size_bytes);
	memcpy(made->data, &image, sizeof(image));
	return made;
}

const struct rtmp_image *rtmp_image_of(struct frame *frame)
{
	struct shared *image = frame_rendering_get(frame, RENDERING_RTMP);

	if (!image) {
		image = make(frame);
		if (image)
			image = frame_rendering_offer(frame, RENDERING_RTMP, image);
	}
	return image ? (const struct rtmp_image *)(const void *)image->data : NULL;
}

/* One piece of the wire, minus what of it stands before the offset. False when the list is full. */
static bool append_piece(struct rtmp_image_list *list, size_t *skip, const uint8_t *data, size_t len)
{
	if (len <= *skip) {
		*skip -= len;
		return true;
	}
	if (list->len == list->max)
		return false;
	/* The kernel reads through iov_base only. */
	list->iov[list->len++] = (struct iovec){ (void *)(uintptr_t)(data + *skip), len - *skip };
	list->bytes += len - *skip;
	*skip = 0;
	return true;
}

bool rtmp_image_append(
    struct rtmp_image_list *list, const struct rtmp_image *image, const struct frame *frame, size_t offset)
{
	const struct rtmp_wire_header *wire = &image->wire;
	size_t in_first = RTMP_CHUNK_SIZE_OUT - (size_t)image->tag_len;
	size_t skip = offset;
	size_t pos;

	assert(offset < image->wire_bytes);
	if (in_first > frame->size_bytes)
		in_first = frame->size_bytes;
	if (!append_piece(list, &skip, wire->first, wire->first_len) ||
	    !append_piece(list, &skip, image->tag, image->tag_len) || !append_piece(list, &skip, frame->data, in_first))
		return false;
	for (pos = in_first; pos < frame->size_bytes; pos += RTMP_CHUNK_SIZE_OUT) {
		size_t left = frame->size_bytes - pos;

		if (!append_piece(list, &skip, wire->next, wire->next_len) ||
		    !append_piece(
			list, &skip, frame->data + pos, left < RTMP_CHUNK_SIZE_OUT ? left : RTMP_CHUNK_SIZE_OUT))
			return false;
	}
	return true;
}
