/* SPDX-License-Identifier: Apache-2.0 */
#include "media/track.h"

#include <stdlib.h>
#include <string.h>

#include "base/attr.h"

void track_unref(struct track *t)
{
	if (t && atomic_fetch_sub_explicit(&t->refs, 1, memory_order_acq_rel) == 1)
		free(t);
}

struct track *track_create(enum track_kind kind, enum track_codec codec, const void *config, size_t config_len)
{
	struct track *t;

	if (config_len > TRACK_CONFIG_MAX_BYTES)
		return NULL;
	t = calloc(1, sizeof(*t) + config_len);
	if (!t)
		return NULL;
	atomic_init(&t->refs, 1);
	t->kind = kind;
	t->codec = codec;
	t->config_len = config_len;
	if (config_len > 0)
		memcpy(t->config, config, config_len);
	return t;
}

struct track *track_ref(struct track *t)
{
	if (t)
		atomic_fetch_add_explicit(&t->refs, 1, memory_order_relaxed);
	return t;
}

bool track_is_same(const struct track *a, const struct track *b)
{
	if (a == b)
		return true;
	if (!a || !b || a->codec != b->codec || a->config_len != b->config_len)
		return false;
	return memcmp(a->config, b->config, a->config_len) == 0;
}

const char *track_codec_name(enum track_codec codec)
{
	static const char *const names[CODECS] = {
		[CODEC_H264] = "h264",
		[CODEC_H265] = "h265",
		[CODEC_AAC] = "aac",
		[CODEC_OPUS] = "opus",
	};

	return (unsigned)codec < ARRAY_LEN(names) ? names[codec] : "unknown";
}
