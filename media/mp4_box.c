/* SPDX-License-Identifier: Apache-2.0 */
#include "media/mp4_box.h"

#include "base/attr.h"

size_t mp4_box_begin(struct bytes_writer *w, const char type[static 4])
{
	size_t start = w->len;

	bytes_put_u32(w, 0);
	bytes_put(w, type, 4);
	return start;
}

size_t mp4_full_box_begin(struct bytes_writer *w, const char type[static 4], uint8_t version, uint32_t flags)
{
	size_t start = mp4_box_begin(w, type);

	bytes_put_u8(w, version);
	bytes_put_u24(w, flags);
	return start;
}

void mp4_box_end(struct bytes_writer *w, size_t start)
{
	bytes_patch_u32(w, start, (uint32_t)(w->len - start));
}

void mp4_box_matrix(struct bytes_writer *w)
{
	static const uint32_t unity[9] = { 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000 };

	for (size_t i = 0; i < ARRAY_LEN(unity); i++)
		bytes_put_u32(w, unity[i]);
}

void mp4_box_hdlr(struct bytes_writer *w, enum track_kind kind)
{
	size_t box = mp4_full_box_begin(w, "hdlr", 0, 0);

	bytes_put_u32(w, 0);
	bytes_put(w, kind == TRACK_VIDEO ? "vide" : "soun", 4);
	bytes_put_zeros(w, 12);
	bytes_put(w, kind == TRACK_VIDEO ? "video" : "audio", 6);
	mp4_box_end(w, box);
}

void mp4_box_media_header(struct bytes_writer *w, enum track_kind kind)
{
	bool is_video = kind == TRACK_VIDEO;
	size_t box = mp4_full_box_begin(w, is_video ? "vmhd" : "smhd", 0, is_video ? 1 : 0);

	bytes_put_zeros(w, is_video ? 8 : 4);
	mp4_box_end(w, box);
}

/* §8.7.1: the data is in this very file */
void mp4_box_dinf(struct bytes_writer *w)
{
	size_t dinf = mp4_box_begin(w, "dinf");
	size_t dref = mp4_full_box_begin(w, "dref", 0, 0);
	size_t url;

	bytes_put_u32(w, 1);
	url = mp4_full_box_begin(w, "url ", 0, 1);
	mp4_box_end(w, url);
	mp4_box_end(w, dref);
	mp4_box_end(w, dinf);
}
