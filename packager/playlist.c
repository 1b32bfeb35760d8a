/* SPDX-License-Identifier: Apache-2.0 */
#include "packager/playlist.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "packager/playlist_line.h"

enum {
	/* EXT-X-MAP in a playlist of whole pictures asks for 6, EXT-X-SKIP for 9 (RFC 8216bis §8). */
	PLAYLIST_VERSION = 6,
	PLAYLIST_VERSION_DELTA = 9,
	HOLD_BACK_TARGETS = 3, /* target durations, and parts for the low-latency one */
};

/* Hundred-thousandths of a second, rounded: a longer time is never written as a shorter one. */
static int64_t e5_of(int64_t duration_90k)
{
	return (duration_90k * 10 + 4) / 9;
}

struct seconds_text {
	char text[32];
};

static struct seconds_text seconds_of(int64_t e5)
{
	struct seconds_text s;

	(void)snprintf(s.text, sizeof(s.text), "%" PRId64 ".%05" PRId64, e5 / 100000, e5 % 100000);
	return s;
}

/* What stands before a segment and, while it is open, before its first part. before: NULL when none is in the text. */
static void put_segment_tags(struct bytes_writer *w, const struct playlist_media *p, const struct playlist_segment *s,
    const struct playlist_segment *before)
{
	if (s->is_discontinuity)
		playlist_line(w, "#EXT-X-DISCONTINUITY");
	if (!before || s->is_discontinuity || s->init_version != before->init_version)
		playlist_line(w, "#EXT-X-MAP:URI=\"init-%s-%u.mp4\"", p->epoch, s->init_version);
	if (s->wall_ms >= 0)
		playlist_line_date_time(w, s->wall_ms);
}

static void put_parts(struct bytes_writer *w, const struct playlist_media *p, const struct playlist_segment *s)
{
	for (size_t i = 0; i < s->part_count; i++) {
		const struct playlist_part *part = &s->parts[i];

		playlist_line(w, "#EXT-X-PART:DURATION=%s,URI=\"part-%s-%" PRIu32 ".m4s\"%s",
		    seconds_of(e5_of(part->duration_90k)).text, p->epoch, part->sequence,
		    part->is_independent ? ",INDEPENDENT=YES" : "");
	}
}

/* The first segment whose parts are written: RFC 8216bis §6.2.2 wants those of the last three target durations. */
static size_t first_with_parts(const struct playlist_media *p)
{
	int64_t behind_90k = p->open ? p->open->duration_90k : 0;
	size_t i = p->segment_count;

	if (p->part_target_90k == 0)
		return i;
	while (i > 0 && behind_90k < (int64_t)HOLD_BACK_TARGETS * p->target_duration_s * 90000)
		behind_90k += p->segments[--i].duration_90k;
	return i;
}

static int64_t longest_part_e5(const struct playlist_segment *s, int64_t least_e5)
{
	for (size_t i = 0; i < s->part_count; i++) {
		if (least_e5 < e5_of(s->parts[i].duration_90k))
			least_e5 = e5_of(s->parts[i].duration_90k);
	}
	return least_e5;
}

/* A frame that stands for longer than a part makes a longer part (§4.4.3.7: the target is the longest). */
static int64_t part_target_e5(const struct playlist_media *p, size_t first)
{
	int64_t e5 = e5_of(p->part_target_90k);

	for (size_t i = first; i < p->segment_count; i++)
		e5 = longest_part_e5(&p->segments[i], e5);
	return p->open ? longest_part_e5(p->open, e5) : e5;
}

static void put_server_control(struct bytes_writer *w, const struct playlist_media *p, size_t first_with_parts)
{
	int64_t target_e5 = part_target_e5(p, first_with_parts);
	bool has_parts = p->part_target_90k > 0;
	char skip[64] = "";

	if (!has_parts && p->skip_until_s == 0)
		return;
	if (p->skip_until_s > 0)
		(void)snprintf(skip, sizeof(skip), "CAN-SKIP-UNTIL=%u,", p->skip_until_s);
	if (!has_parts) {
		playlist_line(
		    w, "#EXT-X-SERVER-CONTROL:%sHOLD-BACK=%u", skip, HOLD_BACK_TARGETS * p->target_duration_s);
		return;
	}
	playlist_line(w, "#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,%sPART-HOLD-BACK=%s,HOLD-BACK=%u", skip,
	    seconds_of(HOLD_BACK_TARGETS * target_e5).text, HOLD_BACK_TARGETS * p->target_duration_s);
	playlist_line(w, "#EXT-X-PART-INF:PART-TARGET=%s", seconds_of(target_e5).text);
}

static void put_reports(struct bytes_writer *w, const struct playlist_media *p)
{
	for (size_t i = 0; i < p->report_count; i++) {
		const struct playlist_report *r = &p->reports[i];
		char part[40] = "";

		if (r->last_part >= 0)
			(void)snprintf(part, sizeof(part), ",LAST-PART=%" PRId64, r->last_part);
		playlist_line(
		    w, "#EXT-X-RENDITION-REPORT:URI=\"%s\",LAST-MSN=%" PRIu64 "%s", r->uri, r->last_msn, part);
	}
}

size_t playlist_count_skippable(const struct playlist_media *p)
{
	int64_t behind_90k = 0;

	if (p->skip_until_s == 0)
		return 0;
	for (size_t i = p->segment_count; i-- > 0;) {
		if (behind_90k >= (int64_t)p->skip_until_s * 90000)
			return i + 1;
		behind_90k += p->segments[i].duration_90k;
	}
	return 0;
}

static bool are_all_independent(const struct playlist_media *p)
{
	for (size_t i = 0; i < p->segment_count; i++) {
		if (!p->segments[i].is_independent)
			return false;
	}
	return !p->open || p->open->is_independent;
}

static void put_head(struct bytes_writer *w, const struct playlist_media *p, size_t skipped, size_t first_with_parts)
{
	playlist_line(w, "#EXTM3U");
	playlist_line(w, "#EXT-X-VERSION:%d", skipped > 0 ? PLAYLIST_VERSION_DELTA : PLAYLIST_VERSION);
	playlist_line(w, "#EXT-X-TARGETDURATION:%u", p->target_duration_s);
	put_server_control(w, p, first_with_parts);
	playlist_line(w, "#EXT-X-MEDIA-SEQUENCE:%" PRIu64, p->segments[0].msn);
	playlist_line(w, "#EXT-X-DISCONTINUITY-SEQUENCE:%" PRIu64, p->discontinuity_sequence);
	if (are_all_independent(p))
		playlist_line(w, "#EXT-X-INDEPENDENT-SEGMENTS");
	if (skipped > 0)
		playlist_line(w, "#EXT-X-SKIP:SKIPPED-SEGMENTS=%zu", skipped);
}

static void put_segments(
    struct bytes_writer *w, const struct playlist_media *p, size_t skipped, size_t first_with_parts)
{
	const struct playlist_segment *before = NULL;

	for (size_t i = skipped; i < p->segment_count; i++) {
		const struct playlist_segment *s = &p->segments[i];

		put_segment_tags(w, p, s, before);
		if (i >= first_with_parts)
			put_parts(w, p, s);
		playlist_line_extinf(w, s->duration_90k);
		playlist_line(w, "seg-%s-%" PRIu64 ".m4s", p->epoch, s->msn);
		before = s;
	}
	if (p->open) {
		put_segment_tags(w, p, p->open, before);
		put_parts(w, p, p->open);
	}
}

int playlist_write_media(struct bytes_writer *w, const struct playlist_media *p)
{
	size_t skipped = p->is_delta ? playlist_count_skippable(p) : 0;
	size_t with_parts = first_with_parts(p);

	assert(p->segment_count > 0);
	assert(!p->open || p->part_target_90k > 0);
	put_head(w, p, skipped, with_parts);
	put_segments(w, p, skipped, with_parts);
	if (p->part_target_90k > 0 && !p->is_ended)
		playlist_line(
		    w, "#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"part-%s-%" PRIu32 ".m4s\"", p->epoch, p->hint_sequence);
	put_reports(w, p);
	if (p->is_ended)
		playlist_line(w, "#EXT-X-ENDLIST");
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
	playlist_line(w, "#EXT-X-STREAM-INF:BANDWIDTH=%" PRIu64 ",AVERAGE-BANDWIDTH=%" PRIu64 ",CODECS=\"%s\"%s",
	    v->peak_bps, v->average_bps, codecs, video);
	playlist_line(w, "%s", v->uri);
}

int playlist_write_main(struct bytes_writer *w, const struct playlist_main *p)
{
	playlist_line(w, "#EXTM3U");
	playlist_line(w, "#EXT-X-VERSION:%d", PLAYLIST_VERSION);
	if (p->is_independent)
		playlist_line(w, "#EXT-X-INDEPENDENT-SEGMENTS");
	for (size_t i = 0; i < p->variant_count; i++)
		put_variant(w, &p->variants[i]);
	return w->is_full ? -ENOMEM : 0;
}

/* ---- names ---- */

void playlist_epoch_format(uint64_t epoch, char out[PLAYLIST_EPOCH_MAX])
{
	static const char digits[] = "0123456789abcdefghijklmnopqrstuvwxyz";
	char reversed[PLAYLIST_EPOCH_MAX];
	size_t len = 0;

	do {
		reversed[len++] = digits[epoch % 36];
		epoch /= 36;
	} while (epoch > 0 && len < PLAYLIST_EPOCH_MAX - 1);
	for (size_t i = 0; i < len; i++)
		out[i] = reversed[len - 1 - i];
	out[len] = '\0';
}

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
	static const struct {
		const char *prefix;
		const char *suffix;
		enum playlist_kind kind;
	} numbered[] = {
		{ "part-", ".m4s", PLAYLIST_PART },
		{ "seg-", ".m4s", PLAYLIST_SEGMENT },
		{ "init-", ".mp4", PLAYLIST_INIT },
	};
	struct bytes_reader r;

	bytes_reader_init(&r, text, len);
	if (len == strlen("index.m3u8") && memcmp(text, "index.m3u8", len) == 0)
		return (struct playlist_name){ .kind = PLAYLIST_MAIN };
	if (len == strlen("main.m3u8") && memcmp(text, "main.m3u8", len) == 0)
		return (struct playlist_name){ .kind = PLAYLIST_MEDIA };
	for (size_t i = 0; i < ARRAY_LEN(numbered); i++) {
		struct playlist_name name = { .kind = numbered[i].kind };

		if (read_numbered(r, numbered[i].prefix, numbered[i].suffix, &name))
			return name;
	}
	return (struct playlist_name){ .kind = PLAYLIST_NONE };
}
