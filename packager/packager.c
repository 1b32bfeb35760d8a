/* SPDX-License-Identifier: Apache-2.0 */
#include "packager/packager.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/loop.h"
#include "base/mailbox.h"

enum {
	MAILBOX_FRAMES = 16384,
	MAILBOX_RESERVE = 16384,
	BUCKETS = 256,
	LINGER_MS = 20, /* so much later may a part be out than its last frame was in */
	LATE_US = 50000,
};

enum packager_mail_kind {
	PACKAGER_BEGIN,
	PACKAGER_FRAME,
	PACKAGER_PAUSE,
	PACKAGER_END,
};

struct packager_mail {
	enum packager_mail_kind kind;
	uint64_t stream_id;
	struct frame *frame;
	int64_t begin_wall_ms;
	int64_t begin_mono_us;
	char name[SEGMENT_STORE_NAME_MAX];
};

struct packaged_stream {
	struct packaged_stream *next; /* in its bucket */
	uint64_t id;
	struct cutter *cutter;
	int row; /* of what the sequence remembers */
	uint64_t epoch;
	void *sink_streams[PACKAGER_SINKS_MAX]; /* what each sink calls it; NULL: does not take it */
	char name[SEGMENT_STORE_NAME_MAX];
};

struct packager {
	struct packager_config config;
	struct mailbox *mailbox;
	struct packaged_stream *buckets[BUCKETS]; /* by id, which counts up */
	int64_t drops_seen;			  /* of STAT_FRAMES_UNPACKAGED, by the packaging thread */
};

static void end_sinks(struct packager *p, struct packaged_stream *s)
{
	for (size_t i = 0; i < p->config.n_sinks; i++) {
		if (s->sink_streams[i])
			p->config.sinks[i].end(p->config.sinks[i].arg, s->sink_streams[i]);
	}
}

static void destroy_stream(struct packager *p, struct packaged_stream *s)
{
	end_sinks(p, s);
	cutter_destroy(&s->cutter);
	free(s);
}

void packager_destroy(struct packager **packager)
{
	struct packager *p = *packager;

	*packager = NULL;
	if (!p)
		return;
	mailbox_destroy(&p->mailbox);
	for (size_t i = 0; i < BUCKETS; i++) {
		while (p->buckets[i]) {
			struct packaged_stream *s = p->buckets[i];

			p->buckets[i] = s->next;
			destroy_stream(p, s);
		}
	}
	free(p);
}

/* The stream with this id, and in *link what points to it. */
static struct packaged_stream *find(struct packager *p, uint64_t id, struct packaged_stream ***link)
{
	struct packaged_stream **at = &p->buckets[id % BUCKETS];

	while (*at && (*at)->id != id)
		at = &(*at)->next;
	if (link)
		*link = at;
	return *at;
}

/*
 * What the wall clock numbers a stream's first segment with. A segment is hardly ever shorter than segment_ms, so this
 * comes after all that were counted before, also where nothing is remembered of them.
 */
static uint64_t clock_msn(const struct packager *p, int64_t wall_ms)
{
	return wall_ms > 0 ? (uint64_t)wall_ms / p->config.segment_ms : 0;
}

static struct cutter *make_cutter(
    const struct packager *p, const struct packager_mail *mail, const struct sequence_start *start)
{
	const struct cutter_config config = {
		.part_ms = p->config.part_ms,
		.segment_ms = p->config.segment_ms,
		.mono_zero_wall_ms = mail->begin_wall_ms - mail->begin_mono_us / 1000,
		.first_msn = start->next.msn,
		.discontinuity_sequence = start->next.discontinuity_sequence,
		.last_sequence = (uint32_t)(start->next.part - 1),
		.last_init_version = (unsigned)(start->next.init_version - 1),
		.media_end_90k = (int64_t)start->next.media_90k,
		.is_continued = start->is_continued,
	};

	return cutter_create(&config);
}

static void begin(struct packager *p, const struct packager_mail *mail)
{
	const struct sequence_start start =
	    sequence_begin(p->config.sequence, mail->name, mail->begin_wall_ms, clock_msn(p, mail->begin_wall_ms));
	struct packaged_stream **bucket = &p->buckets[mail->stream_id % BUCKETS];
	struct packaged_stream *s = calloc(1, sizeof(*s));
	char epoch[PLAYLIST_EPOCH_MAX];
	const struct segment_store_begin shelf = { .name = mail->name, .epoch = epoch };

	if (s)
		s->cutter = make_cutter(p, mail, &start);
	if (!s || !s->cutter) {
		log_error(NULL, "no memory to package stream %s", mail->name);
		sequence_end(p->config.sequence, start.row, mail->begin_wall_ms);
		free(s);
		return;
	}
	s->id = mail->stream_id;
	s->row = start.row;
	s->epoch = start.next.epoch;
	snprintf(s->name, sizeof(s->name), "%s", mail->name);
	s->next = *bucket;
	*bucket = s;
	playlist_epoch_format(start.next.epoch, epoch);
	if (start.is_same_epoch)
		log_info(NULL, "stream %s goes on where the node was cut short: epoch %s, segment %llu", mail->name,
		    epoch, (unsigned long long)start.next.msn);
	shelf_begin(p->config.shelf, &shelf);
	for (size_t i = 0; i < p->config.n_sinks; i++)
		s->sink_streams[i] = p->config.sinks[i].begin(p->config.sinks[i].arg, s->name, epoch);
}

static void tell_sinks_of_key(struct packager *p, struct packaged_stream *s)
{
	int64_t pts_90k;

	if (!cutter_take_key(s->cutter, &pts_90k))
		return;
	for (size_t i = 0; i < p->config.n_sinks; i++) {
		if (s->sink_streams[i] && p->config.sinks[i].key)
			p->config.sinks[i].key(p->config.sinks[i].arg, s->sink_streams[i], pts_90k);
	}
}

static void feed_sinks(struct packager *p, struct packaged_stream *s, struct part *part)
{
	for (size_t i = 0; i < p->config.n_sinks; i++) {
		if (s->sink_streams[i])
			p->config.sinks[i].part(p->config.sinks[i].arg, s->sink_streams[i], part);
	}
}

/* Before anybody gets the part: a number that was seen is never given again. */
static void note_numbers(struct packager *p, struct packaged_stream *s, const struct part *part)
{
	const struct sequence_numbers next = {
		.epoch = s->epoch,
		.msn = part->msn + 1,
		.part = (uint64_t)part->sequence + 1,
		.init_version = (uint64_t)part->init->version + 1,
		.discontinuity_sequence = part->discontinuity_sequence,
		.media_90k = (uint64_t)part_end_90k(part),
	};

	sequence_note(p->config.sequence, s->row, &next, clock_wall_ms(p->config.clock));
}

static void count_part(struct packager *p, const struct frame *frame)
{
	int64_t delay_us = clock_mono_us(p->config.clock) - frame->arrival_us;

	stats_add(p->config.stats, STAT_PARTS, 1);
	stats_add(p->config.stats, STAT_PART_DELAY_US, delay_us);
	stats_add(p->config.stats, STAT_PARTS_LATE, delay_us > LATE_US);
}

/* All that is complete now, by this frame (NULL: by an order). */
static void ship(struct packager *p, struct packaged_stream *s, const struct frame *frame)
{
	struct part *part;

	for (;;) {
		int err = cutter_pop(s->cutter, &part);

		if (part) {
			note_numbers(p, s, part);
			if (frame)
				count_part(p, frame);
			feed_sinks(p, s, part);
			shelf_part(p->config.shelf, s->name, part);
		}
		tell_sinks_of_key(p, s);
		if (!part && err == 0)
			return;
	}
}

static void flush(struct packager *p, struct packaged_stream *s)
{
	cutter_flush(s->cutter);
	ship(p, s, NULL);
}

/* Some stream's frames were lost, we cannot know whose: all of them end their segment and wait for a key frame. */
static void note_drops(struct packager *p)
{
	int64_t dropped = stats_get(p->config.stats, STAT_FRAMES_UNPACKAGED);

	if (dropped == p->drops_seen)
		return;
	log_warn(NULL, "packaging could not keep up, %lld frames lost", (long long)(dropped - p->drops_seen));
	p->drops_seen = dropped;
	for (size_t i = 0; i < BUCKETS; i++) {
		for (struct packaged_stream *s = p->buckets[i]; s; s = s->next)
			flush(p, s);
	}
}

static void take_frame(struct packager *p, struct packager_mail *mail)
{
	struct packaged_stream *s = find(p, mail->stream_id, NULL);

	note_drops(p);
	if (s) {
		cutter_push(s->cutter, mail->frame);
		ship(p, s, mail->frame);
	}
	frame_unref(mail->frame);
}

static void end(struct packager *p, uint64_t id)
{
	struct packaged_stream **link;
	struct packaged_stream *s = find(p, id, &link);

	if (!s)
		return;
	flush(p, s);
	sequence_end(p->config.sequence, s->row, clock_wall_ms(p->config.clock));
	shelf_end(p->config.shelf, s->name);
	*link = s->next;
	destroy_stream(p, s);
}

static void open_mail(void *arg, void *item)
{
	struct packager *p = arg;
	struct packager_mail *mail = item;
	struct packaged_stream *s;

	switch (mail->kind) {
	case PACKAGER_BEGIN: begin(p, mail); break;
	case PACKAGER_FRAME: take_frame(p, mail); break;
	case PACKAGER_PAUSE:
		s = find(p, mail->stream_id, NULL);
		if (s)
			flush(p, s);
		break;
	case PACKAGER_END: end(p, mail->stream_id); break;
	}
}

static void drop_mail(void *item)
{
	struct packager_mail *mail = item;

	frame_unref(mail->frame);
}

static void expect(void *arg, const char *name)
{
	struct packager *p = arg;

	shelf_expect(p->config.shelf, name);
}

int packager_create(struct packager **out, const struct packager_config *config)
{
	struct packager *p = calloc(1, sizeof(*p));
	const struct mailbox_config mailbox = {
		.item_bytes = sizeof(struct packager_mail),
		.capacity = MAILBOX_FRAMES,
		.reserve = MAILBOX_RESERVE,
		.linger_ms = LINGER_MS,
		.handle = open_mail,
		.drop = drop_mail,
		.arg = p,
	};

	*out = NULL;
	if (!p)
		return -ENOMEM;
	p->config = *config;
	if (mailbox_create(&p->mailbox, config->loop, &mailbox) != 0) {
		free(p);
		return -ENOMEM;
	}
	sequence_each_cut_short(config->sequence, clock_wall_ms(config->clock), expect, p);
	*out = p;
	return 0;
}

void packager_drain(struct packager *p)
{
	mailbox_drain(p->mailbox);
}

static void post_order(struct packager *p, const struct packager_mail *mail)
{
	if (!mailbox_post(p->mailbox, mail, MAIL_MUST))
		log_error(NULL, "packaging takes no more orders: stream %llu is not packaged rightly",
		    (unsigned long long)mail->stream_id);
}

static void tap_begin(void *arg, const struct tap_stream *stream)
{
	struct packager_mail mail = {
		.kind = PACKAGER_BEGIN,
		.stream_id = stream->id,
		.begin_wall_ms = stream->begin_wall_ms,
		.begin_mono_us = stream->begin_mono_us,
	};

	snprintf(mail.name, sizeof(mail.name), "%s", stream->name);
	post_order(arg, &mail);
}

static void tap_frame(void *arg, uint64_t stream_id, struct frame *frame)
{
	struct packager *p = arg;
	const struct packager_mail mail = { .kind = PACKAGER_FRAME, .stream_id = stream_id, .frame = frame_ref(frame) };

	if (mailbox_post(p->mailbox, &mail, MAIL_LAZY))
		return;
	frame_unref(frame);
	stats_add(p->config.stats, STAT_FRAMES_UNPACKAGED, 1);
}

static void tap_pause(void *arg, uint64_t stream_id)
{
	const struct packager_mail mail = { .kind = PACKAGER_PAUSE, .stream_id = stream_id };

	post_order(arg, &mail);
}

static void tap_end(void *arg, uint64_t stream_id)
{
	const struct packager_mail mail = { .kind = PACKAGER_END, .stream_id = stream_id };

	post_order(arg, &mail);
}

struct stream_tap packager_tap(struct packager *p)
{
	return (struct stream_tap){
		.name = "packager",
		.arg = p,
		.stream_begin = tap_begin,
		.frame = tap_frame,
		.stream_pause = tap_pause,
		.stream_end = tap_end,
	};
}
