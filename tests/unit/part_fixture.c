/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/part_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "media/aac.h"
#include "media/h264.h"

enum {
	FIXTURE_FRAME_BYTES = 40,
};

static struct track *video_of(const uint8_t *avcc, size_t len)
{
	struct track *t;

	assert_int_equal(h264_track_create(&t, avcc, len), PARSE_OK);
	return t;
}

struct track *fixture_video(void)
{
	static const uint8_t avcc[] = { 0x01, 0x42, 0xc0, 0x1e, 0xff, 0xe1, 0x00, 0x19, 0x67, 0x42, 0xc0, 0x1e, 0xd9,
		0x00, 0xa0, 0x2f, 0xf9, 0x70, 0x11, 0x00, 0x00, 0x03, 0x00, 0x01, 0x00, 0x00, 0x03, 0x00, 0x3c, 0x0f,
		0x16, 0x2e, 0x48, 0x01, 0x00, 0x05, 0x68, 0xcb, 0x83, 0xcb, 0x20 };

	return video_of(avcc, sizeof(avcc));
}

struct track *fixture_video_large(void)
{
	static const uint8_t avcc[] = { 0x01, 0x4d, 0x40, 0x1f, 0xff, 0xe1, 0x00, 0x19, 0x67, 0x4d, 0x40, 0x1f, 0xec,
		0xa0, 0x28, 0x02, 0xdd, 0x80, 0x88, 0x00, 0x00, 0x03, 0x00, 0x08, 0x00, 0x00, 0x03, 0x01, 0x90, 0x78,
		0xc1, 0x8c, 0xb0, 0x01, 0x00, 0x05, 0x68, 0xeb, 0xe3, 0xcb, 0x20 };

	return video_of(avcc, sizeof(avcc));
}

static struct track *audio_of(uint8_t first, uint8_t second)
{
	const uint8_t asc[] = { first, second };
	struct track *t;

	assert_int_equal(aac_track_create(&t, asc, sizeof(asc)), PARSE_OK);
	return t;
}

struct track *fixture_audio(void)
{
	return audio_of(0x11, 0x90);
}

struct track *fixture_audio_44100(void)
{
	return audio_of(0x12, 0x10);
}

static void fill(struct frame *f)
{
	for (size_t i = 0; i < f->size_bytes; i++)
		f->data[i] = (uint8_t)(i + (size_t)(f->dts_90k / 90));
	if (f->track->kind == TRACK_AUDIO)
		return;
	assert_true(f->size_bytes > 5);
	f->data[0] = (uint8_t)((f->size_bytes - 4) >> 24);
	f->data[1] = (uint8_t)((f->size_bytes - 4) >> 16);
	f->data[2] = (uint8_t)((f->size_bytes - 4) >> 8);
	f->data[3] = (uint8_t)(f->size_bytes - 4);
	f->data[4] = frame_is_key(f) ? 0x65 : 0x41;
}

struct frame *fixture_frame_sized(struct track *track, int64_t dts_90k, unsigned flags, size_t size_bytes)
{
	struct frame *f = frame_create(track, size_bytes);

	assert_non_null(f);
	f->flags = flags;
	f->dts_90k = dts_90k;
	f->pts_90k = dts_90k;
	fill(f);
	return f;
}

struct frame *fixture_frame(struct track *track, int64_t dts_90k, int64_t pts_90k, unsigned flags)
{
	struct frame *f = fixture_frame_sized(track, dts_90k, flags, FIXTURE_FRAME_BYTES);

	f->pts_90k = pts_90k;
	return f;
}

void fixture_parts_fini(struct fixture_parts *p)
{
	for (size_t i = 0; i < p->count; i++)
		part_unref(p->parts[i]);
	p->count = 0;
}

void fixture_drain(struct cutter *c, struct fixture_parts *out)
{
	struct part *part;

	do {
		assert_int_equal(cutter_pop(c, &part), 0);
		if (part) {
			assert_true(out->count < sizeof(out->parts) / sizeof(out->parts[0]));
			out->parts[out->count++] = part;
		}
	} while (part);
}

void fixture_push(struct cutter *c, struct fixture_parts *out, struct frame *frame)
{
	cutter_push(c, frame);
	frame_unref(frame);
	fixture_drain(c, out);
}
