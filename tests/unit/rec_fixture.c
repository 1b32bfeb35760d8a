/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/rec_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "packager/rec_format.h"
#include "tests/unit/part_fixture.h"

enum {
	MOOF_BYTES = 40,
	HEAD_BYTES = 8,
	PARTS_PER_GOP = 4,
};

void rec_world_destroy(struct rec_world *w)
{
	for (size_t i = 0; i < w->n_parts; i++)
		part_unref(w->parts[i]);
	part_init_unref(w->inits[0]);
	part_init_unref(w->inits[1]);
	fake_disk_fini(&w->disk);
	free(w);
}

static void emit(void *arg, const struct event *event)
{
	struct rec_world *w = arg;

	assert_int_equal(event->kind, EVENT_RECORDING);
	assert_true(event->stream && event->recording.id && event->recording.reason);
	w->said[event->recording.state]++;
	if (event->recording.state == EVENT_RECORDING_LOST)
		w->said_lost_ms += event->recording.lost_ms;
	snprintf(w->said_reason, sizeof(w->said_reason), "%s", event->recording.reason);
}

struct rec_world *rec_world_create(void)
{
	struct rec_world *w = calloc(1, sizeof(*w));
	struct track *video = fixture_video();
	struct track *large = fixture_video_large();

	assert_true(w && video && large);
	clock_fake_init(&w->clock, REC_WALL_MS);
	fake_disk_init(&w->disk, &w->clock);
	w->store = (struct rec_store){ &w->disk.disk, "/data" };
	stats_init(&w->stats);
	w->events = (struct events){ emit, w };
	w->part_bytes = 100;
	assert_int_equal(part_init_create(&w->inits[0], 1, video, NULL), 0);
	assert_int_equal(part_init_create(&w->inits[1], 2, large, NULL), 0);
	track_unref(video);
	track_unref(large);
	return w;
}

void rec_world_note(void *arg, const struct rec_note *note)
{
	struct rec_world *w = arg;

	w->notes++;
	w->note = *note;
}

static void fill_box(struct shared *box, const char *kind, size_t number)
{
	assert_non_null(box);
	memset(box->data, (int)(number % 251), box->size_bytes);
	for (int i = 0; i < 4; i++)
		box->data[i] = (uint8_t)(box->size_bytes >> (24 - 8 * i));
	memcpy(box->data + 4, kind, 4);
	memcpy(box->data + HEAD_BYTES, &number, sizeof(number));
}

struct part *rec_world_part(struct rec_world *w, unsigned stream)
{
	const size_t number = w->n_parts;
	const uint32_t sequence = (uint32_t)(w->at_90k[stream] / 90 / REC_PART_MS);
	struct part *p = part_create(0);

	assert_true(p && number < REC_PARTS_MAX && stream < REC_STREAMS_MAX);
	p->moof = shared_create(MOOF_BYTES);
	p->mdat = shared_create(2 * HEAD_BYTES + w->part_bytes + number % 7);
	fill_box(p->moof, "moof", number);
	fill_box(p->mdat, "mdat", number);
	p->bytes = p->moof->size_bytes + p->mdat->size_bytes;
	p->init = part_init_ref(w->inits[0]);
	p->sequence = sequence + 1;
	p->msn = sequence / PARTS_PER_GOP;
	p->index = sequence % PARTS_PER_GOP;
	p->is_segment_start = p->index == 0;
	p->is_independent = p->index == 0;
	p->is_segment_end = p->index == PARTS_PER_GOP - 1;
	p->start_90k = w->at_90k[stream];
	p->duration_90k = REC_PART_MS * 90;
	p->wall_ms = clock_wall_ms(&w->clock.clock) - REC_PART_MS;
	w->at_90k[stream] += p->duration_90k;
	w->parts[w->n_parts] = p;
	w->stream_of[w->n_parts++] = stream;
	return p;
}

static bool begins_with(const uint8_t *data, size_t len, const struct shared *bytes)
{
	return len >= bytes->size_bytes && memcmp(data, bytes->data, bytes->size_bytes) == 0;
}

/* How many bytes the next part takes; 0: none of ours stands there. */
static size_t find_part(struct rec_world *w, const uint8_t *data, size_t len, size_t *from)
{
	for (size_t i = *from; i < w->n_parts; i++) {
		const struct part *p = w->parts[i];

		if (!begins_with(data, len, p->moof) ||
		    !begins_with(data + p->moof->size_bytes, len - p->moof->size_bytes, p->mdat))
			continue;
		assert_false(w->is_saved[i]); /* twice */
		w->is_saved[i] = true;
		*from = i + 1;
		return p->bytes;
	}
	return 0;
}

static void look_at_stretch(struct rec_world *w, const char *id, const struct rec_stretch *s, size_t *from)
{
	char path[160];
	char name[REC_FILE_SIZE];
	size_t len;
	size_t at;
	const uint8_t *data;

	if (s->saved_bytes == 0)
		return;
	rec_file_name(name, REC_FILE_MEDIA, s->number);
	rec_path(path, sizeof(path), "/data", id, name);
	data = fake_disk_file(&w->disk, path, &len);
	assert_non_null(data);
	assert_true(s->saved_bytes <= len);
	assert_true(begins_with(data, len, w->inits[0]->bytes) || begins_with(data, len, w->inits[1]->bytes));
	at = begins_with(data, len, w->inits[0]->bytes) ? w->inits[0]->bytes->size_bytes
							: w->inits[1]->bytes->size_bytes;
	while (at < s->saved_bytes) {
		size_t part_bytes = find_part(w, data + at, (size_t)s->saved_bytes - at, from);

		assert_true(part_bytes > 0);
		at += part_bytes;
	}
	assert_int_equal(at, s->saved_bytes);
}

struct looking {
	struct rec_world *world;
	struct rec_found found;
};

static void look_at(void *ctx, const char *name)
{
	struct looking *l = ctx;
	struct rec_info info;
	size_t from = 0;

	rec_info_init(&info);
	if (rec_store_load(&l->world->store, name, &info) != 0)
		return;
	for (size_t i = 0; i < info.n_stretches; i++)
		look_at_stretch(l->world, name, &info.stretches[i], &from);
	l->found.recordings++;
	l->found.running += info.state == REC_RECORDING;
	l->found.saved += info.state == REC_SAVED;
	l->found.damaged += info.state == REC_DAMAGED;
	l->found.stretches += info.n_stretches;
	l->found.lost_ms += info.lost_ms;
	rec_info_fini(&info);
}

struct rec_found rec_world_look(struct rec_world *w)
{
	struct looking l = { .world = w };

	memset(w->is_saved, 0, sizeof(w->is_saved));
	(void)w->disk.disk.list(&w->disk, "/data/rec", look_at, &l);
	return l.found;
}

static void mend_running(void *ctx, const char *name)
{
	struct rec_world *w = ctx;
	struct rec_info info;

	rec_info_init(&info);
	if (rec_store_load(&w->store, name, &info) == 0 && info.state == REC_RECORDING) {
		assert_int_equal(rec_store_mend(&w->store, &info), 0);
		assert_int_equal(rec_store_save(&w->store, &info), 0);
	}
	rec_info_fini(&info);
}

void rec_world_mend(struct rec_world *w)
{
	(void)w->disk.disk.list(&w->disk, "/data/rec", mend_running, w);
}

int64_t rec_world_missing_ms(const struct rec_world *w)
{
	int64_t ms = 0;

	for (size_t i = 0; i < w->n_parts; i++)
		ms += w->is_saved[i] ? 0 : REC_PART_MS;
	return ms;
}

void rec_world_law(struct rec_world *w)
{
	struct rec_found found;
	int64_t missing_ms;

	assert_int_equal(fake_disk_open_fds(&w->disk), 0);
	fake_disk_power_cut(&w->disk);
	w->disk.room_bytes = SIZE_MAX / 2;
	found = rec_world_look(w);
	if (found.running > 0) { /* the disk did not even take the last word: as the next start finds it */
		rec_world_mend(w);
		found = rec_world_look(w);
	}
	missing_ms = rec_world_missing_ms(w);
	/* More may be there than we dared to say, when the disk took no more orders. */
	if (found.running > 0)
		assert_true(missing_ms <= stats_get(&w->stats, STAT_RECORDING_LOST_MS));
	else
		assert_int_equal(stats_get(&w->stats, STAT_RECORDING_LOST_MS), missing_ms);
	assert_int_equal(w->said_lost_ms, stats_get(&w->stats, STAT_RECORDING_LOST_MS));
	if (found.recordings > 0 && found.running == 0)
		assert_int_equal(found.lost_ms, missing_ms);
	if (missing_ms > 0)
		assert_int_equal(found.saved, 0);
	assert_int_equal(w->said[EVENT_RECORDING_SAVED], found.saved);
	assert_int_equal(w->said[EVENT_RECORDING_DAMAGED], found.damaged);
	assert_int_equal(stats_get(&w->stats, STAT_RECORDING_WAITING_BYTES), 0);
}
