/* SPDX-License-Identifier: Apache-2.0 */
#include "relay/rtmp_intro.h"

#include "media/amf0.h"
#include "media/flv.h"
#include "media/rtmp_chunk.h"

enum { METADATA_MAX_BYTES = 1024 };

/* FLV 10.1 §E.5; what we do not know is left out, and a live stream has no duration. */
static void put_metadata(struct bytes_writer *w, const struct track *video, const struct track *audio)
{
	amf0_put_string(w, "onMetaData");
	amf0_put_ecma_array_start(w, 0);
	if (video) {
		amf0_put_member_number(w, "width", video->width_px);
		amf0_put_member_number(w, "height", video->height_px);
		if (video->fps_den != 0)
			amf0_put_member_number(w, "framerate", (double)video->fps_num / video->fps_den);
		amf0_put_member_number(w, "videocodecid", flv_codec_id(video->codec));
	}
	if (audio) {
		amf0_put_member_number(w, "audiosamplerate", audio->sample_rate_hz);
		amf0_put_member_number(w, "audiochannels", audio->channels);
		amf0_put_member_bool(w, "stereo", audio->channels == 2);
		amf0_put_member_number(w, "audiocodecid", flv_codec_id(audio->codec));
	}
	amf0_put_member_string(w, "encoder", "isaribi");
	amf0_put_object_end(w);
}

static void put_config(struct bytes_writer *w, const struct track *track, uint32_t timestamp_ms)
{
	const bool is_video = track->kind == TRACK_VIDEO;
	const struct rtmp_message_header header = {
		.csid = is_video ? RTMP_CSID_VIDEO : RTMP_CSID_AUDIO,
		.type = is_video ? RTMP_TYPE_VIDEO : RTMP_TYPE_AUDIO,
		.timestamp_ms = timestamp_ms,
		.stream_id = RTMP_STREAM_ID,
	};
	struct bytes_writer body;

	bytes_writer_init_growing(&body, TRACK_CONFIG_MAX_BYTES + FLV_HEADER_MAX_BYTES);
	flv_write_config(&body, track);
	if (body.is_full)
		w->is_full = true;
	else
		rtmp_chunk_write(w, &header, body.data, body.len, RTMP_CHUNK_SIZE_OUT);
	bytes_writer_fini(&body);
}

void rtmp_intro_write(
    struct bytes_writer *w, const struct track *video, const struct track *audio, uint32_t timestamp_ms)
{
	/* At time 0, as file writers put it: with another time some make a track of its own of it. */
	const struct rtmp_message_header header = {
		.csid = RTMP_CSID_DATA,
		.type = RTMP_TYPE_DATA_AMF0,
		.timestamp_ms = 0,
		.stream_id = RTMP_STREAM_ID,
	};
	uint8_t buf[METADATA_MAX_BYTES];
	struct bytes_writer metadata;

	bytes_writer_init_fixed(&metadata, buf, sizeof(buf));
	put_metadata(&metadata, video, audio);
	rtmp_chunk_write(w, &header, metadata.data, metadata.len, RTMP_CHUNK_SIZE_OUT);
	if (video)
		put_config(w, video, timestamp_ms);
	if (audio)
		put_config(w, audio, timestamp_ms);
}
