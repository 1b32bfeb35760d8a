/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the video usability information of H.264 (§E.1.1) and of H.265 (§E.2.1) have in common.
 *
 * Owner: pure. Not here: what stands between the two pieces, which differs (media/h264, media/h265).
 */
#ifndef ISARIBI_MEDIA_VUI_H
#define ISARIBI_MEDIA_VUI_H

#include <stdint.h>

#include "base/bytes.h"

/* From the aspect ratio to the location of chroma. */
void vui_skip_display(struct bits_reader *b);
/*
 * The timing, when it is there. A picture lasts so many ticks: 2 in H.264, where a tick is a field. *num and *den are
 * set to lowest terms, and stay as they are when the stream does not say or says nonsense (above 300, below 1/10).
 */
void vui_read_rate(struct bits_reader *b, unsigned ticks_per_picture, uint32_t *num, uint32_t *den);

#endif
