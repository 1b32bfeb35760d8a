/* SPDX-License-Identifier: Apache-2.0 */
#include "packager/playlist.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/attr.h"

enum {
	LINE_MAX_BYTES = 512,
	/* EXT-X-MAP in a playlist of whole pictures asks for 6 (RFC 8216bis §8); nothing we write asks for more. */
	PLAYLIST_VERSION = 6,
};

static void put_line(struct bytes_writer *w, const char *format, ...) ATTR_PRINTF(2, 3);

static void put_line(struct bytes_writer *w, const char *format, ...)
{
	char line[LINE_MAX_BYTES];
	va_list args;
	int len;

	va_start(args, format);
	len = vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	assert(len >= 0 && (size_t)len < sizeof(line));
	bytes_put(w, line, (size_t)len);
	bytes_put_u8(w, '\n');
}

/* §4.4.4.6, in UTC with milliseconds */
static void put_date_time(struct bytes_writer *w, int64_t wall_ms)
{
	time_t seconds = (time_t)(wall_ms / 1000);
	char text[32];
	struct tm utc;

	if (!gmtime_r(&seconds, &utc) || strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &utc) == 0)
		return;
	put_line(w, "#EXT-X-PROGRAM-DATE-TIME:%s.%03dZ", text, (int)(wall_ms % 1000));
}

static void put_segment(struct bytes_writer *w, const struct playlist_media *p, size_t i)
{
	const struct playlist_segment *s = &p->segments[i];
	int64_t e5_s = (s->duration_90k * 10 + 4) / 9; /* hundred-thousandths of a second, rounded */

	if (s->is_discontinuity)
		put_line(w, "#EXT-X-DISCONTINUITY");
	if (i == 0 || s->is_discontinuity || s->init_version != p->segments[i - 1].init_version)
		put_line(w, "#EXT-X-MAP:URI=\"init-%s-%u.mp4\"", p->epoch, s->init_version);
	if (s->wall_ms >= 0)
		put_date_time(w, s->wall_ms);
	/* Issue 5: EXT-X-PART lines of this segment, if it is one of the newest, stand here. */
	put_line(w, "#EXTINF:%" PRId64 ".%05" PRId64 ",", e5_s / 100000, e5_s % 100000);
	put_line(w, "seg-%s-%" PRIu64 ".m4s", p->epoch, s->msn);
}

static bool are_all_independent(const struct playlist_media *p)
{
	for (size_t i = 0; i < p->segment_count; i++) {
		if (!p->segments[i].is_independent)
			return false;
	}
	return true;
}

int playlist_write_media(struct bytes_writer *w, const struct playlist_media *p)
{
	assert(p->segment_count > 0);
	put_line(w, "#EXTM3U");
	put_line(w, "#EXT-X-VERSION:%d", PLAYLIST_VERSION);
	put_line(w, "#EXT-X-TARGETDURATION:%u", p->target_duration_s);
	/* Issue 5: EXT-X-SERVER-CONTROL and EXT-X-PART-INF stand here. */
	put_line(w, "#EXT-X-MEDIA-SEQUENCE:%" PRIu64, p->segments[0].msn);
	put_line(w, "#EXT-X-DISCONTINUITY-SEQUENCE:%" PRIu64, p->discontinuity_sequence);
	if (are_all_independent(p))
		put_line(w, "#EXT-X-INDEPENDENT-SEGMENTS");
	for (size_t i = 0; i < p->segment_count; i++)
		put_segment(w, p, i);
	/* Issue 5: the parts of the open segment, EXT-X-PRELOAD-HINT and EXT-X-RENDITION-REPORT stand here. */
	if (p->is_ended)
		put_line(w, "#EXT-X-ENDLIST");
	return w->is_full ? -ENOMEM : 0;
}

/* §4.4.6.2: at most three decimals, rounded */
static uint64_t fps_milli_of(const struct playlist_variant *v)
{
	if (v->video->fps_num > 0 && v->video->fps_den > 0)
		return ((uint64_t)v->video->fps_num * 1000 + v->video->fps_den / 2) / v->video->fps_den;
	return v->fps_milli;
}

static void put_variant(struct bytes_writer *w, const struct playlist_variant *v)
{
	char codecs[2 * TRACK_CODECS_TEXT_MAX + 1];
	char video[128] = "";
	uint64_t fps_milli = v->video ? fps_milli_of(v) : 0;
	int len = 0;

	(void)snprintf(codecs, sizeof(codecs), "%s%s%s", v->video ? v->video->codecs : "",
	    v->video && v->audio ? "," : "", v->audio ? v->audio->codecs : "");
	if (v->video && v->video->width_px > 0 && v->video->height_px > 0)
		len = snprintf(
		    video, sizeof(video), ",RESOLUTION=%" PRIu32 "x%" PRIu32, v->video->width_px, v->video->height_px);
	if (fps_milli > 0)
		(void)snprintf(video + len, sizeof(video) - (size_t)len, ",FRAME-RATE=%" PRIu64 ".%03" PRIu64,
		    fps_milli / 1000, fps_milli % 1000);
	put_line(w, "#EXT-X-STREAM-INF:BANDWIDTH=%" PRIu64 ",AVERAGE-BANDWIDTH=%" PRIu64 ",CODECS=\"%s\"%s",
	    v->peak_bps, v->average_bps, codecs, video);
	put_line(w, "%s", v->uri);
}

int playlist_write_main(struct bytes_writer *w, const struct playlist_main *p)
{
	put_line(w, "#EXTM3U");
	put_line(w, "#EXT-X-VERSION:%d", PLAYLIST_VERSION);
	if (p->is_independent)
		put_line(w, "#EXT-X-INDEPENDENT-SEGMENTS");
	for (size_t i = 0; i < p->variant_count; i++)
		put_variant(w, &p->variants[i]);
	return w->is_full ? -ENOMEM : 0;
}

/* ---- names ---- */

static bool skip_text(struct bytes_reader *r, const char *text)
{
	size_t len = strlen(text);

	if (bytes_left(r) < len || memcmp(r->pos, text, len) != 0)
		return false;
	bytes_skip(r, len);
	return true;
}

static bool is_epoch_letter(uint8_t c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z');
}

static bool read_epoch(struct bytes_reader *r, struct playlist_name *name)
{
	name->epoch = (const char *)r->pos;
	while (bytes_left(r) > 0 && is_epoch_letter(*r->pos) && name->epoch_len < PLAYLIST_EPOCH_MAX) {
		bytes_skip(r, 1);
		name->epoch_len++;
	}
	return name->epoch_len > 0 && name->epoch_len < PLAYLIST_EPOCH_MAX;
}

static bool read_number(struct bytes_reader *r, uint64_t *number)
{
	size_t digits = 0;

	*number = 0;
	while (bytes_left(r) > 0 && *r->pos >= '0' && *r->pos <= '9') {
		unsigned digit = bytes_u8(r) - (unsigned)'0';

		if (digits++ > 0 && *number == 0) /* a leading zero would be a second name for the same thing */
			return false;
		if (*number > (UINT64_MAX - digit) / 10)
			return false;
		*number = *number * 10 + digit;
	}
	return digits > 0;
}

static bool read_numbered(struct bytes_reader r, const char *prefix, const char *suffix, struct playlist_name *name)
{
	return skip_text(&r, prefix) && read_epoch(&r, name) && skip_text(&r, "-") && read_number(&r, &name->number) &&
	    skip_text(&r, suffix) && bytes_left(&r) == 0;
}

struct playlist_name playlist_name_parse(const char *text, size_t len)
{
	struct playlist_name name = { .kind = PLAYLIST_NONE };
	struct bytes_reader r;

	bytes_reader_init(&r, text, len);
	if (len == strlen("index.m3u8") && memcmp(text, "index.m3u8", len) == 0)
		return (struct playlist_name){ .kind = PLAYLIST_MAIN };
	if (len == strlen("main.m3u8") && memcmp(text, "main.m3u8", len) == 0)
		return (struct playlist_name){ .kind = PLAYLIST_MEDIA };
	if (read_numbered(r, "seg-", ".m4s", &name)) {
		name.kind = PLAYLIST_SEGMENT;
		return name;
	}
	name = (struct playlist_name){ .kind = PLAYLIST_NONE };
	if (read_numbered(r, "init-", ".mp4", &name)) {
		name.kind = PLAYLIST_INIT;
		return name;
	}
	return (struct playlist_name){ .kind = PLAYLIST_NONE };
}
