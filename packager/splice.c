/* SPDX-License-Identifier: Apache-2.0 */
#include "packager/splice.h"

#include <assert.h>
#include <errno.h>

#include "base/attr.h"
#include "base/bytes.h"
#include "media/aac.h"
#include "media/fmp4.h"

enum {
	TICKS_PER_MS = 90,
	DEFAULT_FRAME_SAMPLES = 1024,
};

static const int64_t base_wall_ms = INT64_C(1735689600000); /* 2025-01-01T00:00:00Z */

void splice_fini(struct splice *s)
{
	for (size_t i = 0; i < SPLICE_INITS; i++)
		part_init_unref(s->inits[i]);
	track_unref(s->silent_track);
	*s = (struct splice){ 0 };
}

int64_t splice_position_90k(int64_t wall_ms)
{
	return (wall_ms - base_wall_ms) * TICKS_PER_MS;
}

int64_t splice_wall_ms(int64_t position_90k)
{
	return base_wall_ms + position_90k / TICKS_PER_MS;
}

void splice_init(struct splice *s, const struct slate *slate, int64_t start_90k, unsigned last_init_version)
{
	assert(start_90k >= 0);
	*s = (struct splice){
		.end_90k = start_90k,
		.audio_end_90k = start_90k,
		.shown_until_90k = start_90k,
		.last_init_version = last_init_version,
		.slate = slate,
	};
}

void splice_jump(struct splice *s, int64_t to_90k)
{
	assert(to_90k >= s->end_90k);
	s->end_90k = to_90k;
	if (s->audio_end_90k < to_90k)
		s->audio_end_90k = to_90k;
	s->run = (struct splice_run){ 0 };
}

/* ---- init segments ---- */

static struct part_init *find_init(const struct splice *s, struct track *const tracks[TRACK_KINDS])
{
	for (size_t i = 0; i < SPLICE_INITS; i++) {
		struct part_init *init = s->inits[i];

		if (init && track_is_same(init->tracks[TRACK_VIDEO], tracks[TRACK_VIDEO]) &&
		    track_is_same(init->tracks[TRACK_AUDIO], tracks[TRACK_AUDIO]))
			return init;
	}
	return NULL;
}

/* The oldest one makes room, but never the one in use. */
static int add_init(struct splice *s, struct track *const tracks[TRACK_KINDS])
{
	struct part_init *made;
	int err =
	    part_init_create_for_channel(&made, s->last_init_version + 1, tracks[TRACK_VIDEO], tracks[TRACK_AUDIO]);

	if (err)
		return err;
	s->last_init_version++;
	if (s->init && s->inits[s->next_init] == s->init)
		s->next_init = (s->next_init + 1) % SPLICE_INITS;
	part_init_unref(s->inits[s->next_init]);
	s->inits[s->next_init] = made;
	s->next_init = (s->next_init + 1) % SPLICE_INITS;
	s->init = made;
	return 0;
}

static int choose_init(struct splice *s, struct track *const tracks[TRACK_KINDS])
{
	struct part_init *known = find_init(s, tracks);

	if (!known)
		return add_init(s, tracks);
	s->init = known;
	return 0;
}

/* ---- runs ---- */

/* AAC-LC, 48 kHz, stereo */
static int make_silent_track(struct splice *s)
{
	static const uint8_t config[] = { 0x11, 0x90 };

	if (s->silent_track)
		return 0;
	return aac_track_create(&s->silent_track, config, sizeof(config)) == PARSE_OK ? 0 : -ENOMEM;
}

/* How the sound of this track counts, and what its silence is. */
static void describe_sound(struct splice_run *run, const struct track *audio)
{
	struct aac_config config;
	struct bytes_writer w;

	run->audio_rate = fmp4_timescale(audio);
	run->frame_samples = audio->samples_per_frame > 0 ? audio->samples_per_frame : DEFAULT_FRAME_SAMPLES;
	if (audio->codec != CODEC_AAC || aac_config_parse(&config, audio->config, audio->config_len) != PARSE_OK ||
	    config.core_channels > 2)
		return;
	bytes_writer_init_fixed(&w, run->silence, sizeof(run->silence));
	aac_write_silence(&w, config.core_channels);
	run->silence_bytes = (uint32_t)w.len;
}

int splice_begin_run(struct splice *s, struct track *const tracks[TRACK_KINDS], int64_t source_pts_90k)
{
	struct track *shown[TRACK_KINDS] = { tracks[TRACK_VIDEO], tracks[TRACK_AUDIO] };
	int err = make_silent_track(s);

	if (err)
		return err;
	if (!shown[TRACK_VIDEO])
		shown[TRACK_VIDEO] = slate_track(s->slate);
	if (!shown[TRACK_AUDIO])
		shown[TRACK_AUDIO] = s->silent_track;
	err = choose_init(s, shown);
	if (err)
		return err;
	s->run = (struct splice_run){
		.is_on = true,
		.has_video = tracks[TRACK_VIDEO] != NULL,
		.has_audio = tracks[TRACK_AUDIO] != NULL,
		.source_90k = source_pts_90k,
	};
	describe_sound(&s->run, shown[TRACK_AUDIO]);
	if (s->end_90k < s->shown_until_90k)
		s->end_90k = s->shown_until_90k;
	return 0;
}
