/* SPDX-License-Identifier: Apache-2.0 */
#include "media/access_unit.h"

#include <assert.h>
#include <string.h>

static bool is_kept(enum track_codec codec, const struct nal *nal)
{
	return codec == CODEC_H265 ? nal_h265_type(nal) != NAL_H265_AUD : nal_h264_type(nal) != NAL_H264_AUD;
}

static void see_h264(struct access_unit *au, const struct nal *nal)
{
	au->has_slice |= nal_h264_is_slice(nal);
	au->has_random_access |= nal_h264_is_idr(nal);
	au->has_sets |= h264_config_add(&au->sets.h264, nal);
	au->has_open_start |= h264_is_recovery_point(nal) || au->sets.h264.n_sps > 0;
}

static void see_h265(struct access_unit *au, const struct nal *nal)
{
	au->has_slice |= nal_h265_is_slice(nal);
	au->has_random_access |= nal_h265_is_irap(nal);
	au->has_sets |= h265_config_add(&au->sets.h265, nal);
}

enum parse_result access_unit_look(
    struct access_unit *au, enum track_codec codec, const uint8_t *payload, size_t len, enum nal_format format)
{
	struct nal_walk walk;
	struct nal nal;

	assert(codec == CODEC_H264 || codec == CODEC_H265);
	memset(au, 0, sizeof(*au));
	au->codec = codec;
	au->format = format;
	au->payload = payload;
	au->len = len;
	nal_walk_init(&walk, payload, len, format);
	while (nal_walk_next(&walk, &nal)) {
		if (!is_kept(codec, &nal))
			continue;
		au->size_bytes += 4 + nal.len;
		if (codec == CODEC_H265)
			see_h265(au, &nal);
		else
			see_h264(au, &nal);
	}
	return walk.is_bad ? PARSE_BAD : PARSE_OK;
}

int access_unit_track(struct track **out, const struct access_unit *au, const struct track *old)
{
	*out = NULL;
	if (!au->has_sets)
		return PARSE_OK;
	if (au->codec == CODEC_H265)
		return h265_track_update(out, old, &au->sets.h265);
	return h264_track_update(out, old, &au->sets.h264);
}

void access_unit_write(const struct access_unit *au, struct bytes_writer *w)
{
	struct nal_walk walk;
	struct nal nal;

	nal_walk_init(&walk, au->payload, au->len, au->format);
	while (nal_walk_next(&walk, &nal)) {
		if (is_kept(au->codec, &nal))
			nal_write(w, &nal);
	}
}
