/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Boxes of MP4 (ISO 14496-12), and those that say the same in fragmented and in plain files.
 *
 * Owner: the caller; nothing is kept. Not here: files as a whole (media/fmp4, media/mp4_file).
 */
#ifndef ISARIBI_MEDIA_MP4_BOX_H
#define ISARIBI_MEDIA_MP4_BOX_H

#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "media/track.h"

/* Returns where the box begins, for mp4_box_end. */
size_t mp4_box_begin(struct bytes_writer *w, const char type[static 4]);
size_t mp4_full_box_begin(struct bytes_writer *w, const char type[static 4], uint8_t version, uint32_t flags);
/* Its size is known now. */
void mp4_box_end(struct bytes_writer *w, size_t start);

void mp4_box_matrix(struct bytes_writer *w);				 /* unity, not in a box */
void mp4_box_hdlr(struct bytes_writer *w, enum track_kind kind);	 /* §8.4.3 */
void mp4_box_media_header(struct bytes_writer *w, enum track_kind kind); /* vmhd or smhd */
void mp4_box_dinf(struct bytes_writer *w);				 /* §8.7.1: the data is in this very file */

#endif
