/* SPDX-License-Identifier: Apache-2.0 */
#include "packager/rec_writer.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/log.h"
#include "packager/rec_files.h"
#include "packager/rec_format.h"
#include "packager/rec_ring.h"

enum {
	IDS_PER_SECOND = 99,
	SAY_LOST_EVERY_MS = 10000,
	ROOM_SPARE_BYTES = 256 * 1024, /* for recording.json, the index and what the file system needs itself */
	ROOM_ENOUGH_BYTES = 1024 * 1024,
};

#define STRETCH_MAX_BYTES (UINT64_C(4) << 30)

struct rec_writer {
	struct rec_writer_config config;
	struct rec_info info;
	char folder[REC_PATH_SIZE]; /* "": there is none yet */
	struct rec_ring ring;
	struct rec_files files; /* of the last stretch of info, while it is open */
	unsigned next_number;
	int64_t stretch_90k; /* of its saved bytes */
	int64_t written_us;  /* when the oldest that is not synced was written */
	unsigned fails;	     /* in a row, without a sync that went well */
	int64_t retry_us;    /* no file is touched before */
	bool is_full;	     /* the last of them was for want of room */
	bool is_info_old;    /* recording.json is to be written again */
	bool is_info_dated;  /* it should be some day, too */
	int64_t info_due_us;
	bool is_started;
	bool is_ending;
	bool is_over;
	int64_t give_up_us;
	int64_t lost_unsaid_ms;
	int64_t say_lost_us;
	size_t waiting_said; /* in the metrics */
};

static void count_waiting(struct rec_writer *w)
{
	stats_add(w->config.stats, STAT_RECORDING_WAITING_BYTES, (int64_t)w->ring.bytes - (int64_t)w->waiting_said);
	w->waiting_said = w->ring.bytes;
}

void rec_writer_destroy(struct rec_writer **writer)
{
	struct rec_writer *w = *writer;

	*writer = NULL;
	if (!w)
		return;
	rec_ring_fini(&w->ring);
	count_waiting(w);
	rec_files_close(&w->files);
	rec_info_fini(&w->info);
	stats_add(w->config.stats, STAT_RECORDINGS, -1);
	free(w);
}

static void name_info(struct rec_writer *w, const char *stream, const char *epoch)
{
	snprintf(w->info.stream, sizeof(w->info.stream), "%s", stream);
	snprintf(w->info.epoch, sizeof(w->info.epoch), "%s", epoch);
	w->info.segment_ms = w->config.segment_ms;
	w->next_number = 1;
}

int rec_writer_create(
    struct rec_writer **out, const struct rec_writer_config *config, const char *stream, const char *epoch)
{
	struct rec_writer *w = calloc(1, sizeof(*w));

	*out = NULL;
	if (!w)
		return -ENOMEM;
	w->config = *config;
	if (w->config.ring_max_bytes == 0)
		w->config.ring_max_bytes = REC_RING_MAX_BYTES;
	if (w->config.stretch_max_bytes == 0)
		w->config.stretch_max_bytes = STRETCH_MAX_BYTES;
	rec_info_init(&w->info);
	rec_ring_init(&w->ring);
	rec_files_init(&w->files);
	name_info(w, stream, epoch);
	stats_add(w->config.stats, STAT_RECORDINGS, 1);
	*out = w;
	return 0;
}

void rec_writer_go_on(struct rec_writer *w, struct rec_info *info)
{
	assert(w->folder[0] == '\0' && w->info.n_stretches == 0);
	rec_info_fini(&w->info);
	w->info = *info;
	rec_info_init(info);
	if (w->info.n_stretches > 0)
		w->next_number = w->info.stretches[w->info.n_stretches - 1].number + 1;
	rec_path(w->folder, sizeof(w->folder), w->config.store.data_dir, w->info.id, NULL);
}

static int64_t now_us(const struct rec_writer *w)
{
	return clock_mono_us(w->config.clock);
}

static struct rec_stretch *stretch_of(struct rec_writer *w)
{
	return &w->info.stretches[w->info.n_stretches - 1];
}

static struct log_ctx context(const struct rec_writer *w)
{
	struct log_ctx ctx = { .protocol = "recording" };

	snprintf(ctx.stream, sizeof(ctx.stream), "%s", w->info.stream);
	return ctx;
}

/* recording.json is to be written again soon. */
static void age_info(struct rec_writer *w)
{
	w->is_info_old = true;
	w->info_due_us = now_us(w) + REC_INFO_AFTER_MS * INT64_C(1000);
}

static void say(const struct rec_writer *w, enum event_recording_state state, const char *reason, int64_t lost_ms)
{
	const struct event event = {
		.kind = EVENT_RECORDING,
		.stream = w->info.stream,
		.recording = { .state = state,
		    .id = w->info.id,
		    .reason = reason,
		    .lost_ms = lost_ms,
		    .hours_left = -1 },
	};

	events_emit(w->config.events, &event);
}

static void say_note(const struct rec_writer *w)
{
	const struct rec_note note = {
		.id = w->info.id,
		.state = w->info.state,
		.stretch = w->info.n_stretches > 0 ? w->info.stretches[w->info.n_stretches - 1].number : 0,
		.saved_bytes = w->info.n_stretches > 0 ? w->info.stretches[w->info.n_stretches - 1].saved_bytes : 0,
	};

	if (w->config.note)
		w->config.note(w->config.note_arg, &note);
}

static void lose(struct rec_writer *w, int64_t ms)
{
	w->info.lost_ms += ms;
	w->lost_unsaid_ms += ms;
	w->is_info_dated = true;
	stats_add(w->config.stats, STAT_RECORDING_LOST_MS, ms);
}

static void say_lost(struct rec_writer *w)
{
	const struct log_ctx ctx = context(w);

	if (w->lost_unsaid_ms == 0)
		return;
	log_error(&ctx, "%lld ms of recording %s are lost", (long long)w->lost_unsaid_ms, w->info.id);
	say(w, EVENT_RECORDING_LOST, "", w->lost_unsaid_ms);
	w->lost_unsaid_ms = 0;
	w->say_lost_us = now_us(w) + SAY_LOST_EVERY_MS * INT64_C(1000);
}

/* The file of now is never touched again. What was synced of it stays; when that is nothing, so may its place. */
static void abandon_file(struct rec_writer *w)
{
	struct rec_stretch *s = stretch_of(w);

	rec_ring_unwrite(&w->ring);
	rec_files_close(&w->files);
	if (s->saved_bytes > 0) {
		s->is_damaged = true;
	} else {
		rec_files_unlink(w->config.store.disk, w->folder, s->number);
		w->next_number = s->number;
		w->info.n_stretches--;
	}
	age_info(w);
}

static void fail(struct rec_writer *w, const char *what, int err)
{
	const struct log_ctx ctx = context(w);

	stats_add(w->config.stats, STAT_RECORDING_ERRORS, 1);
	if (w->fails++ == 0) {
		log_error(&ctx, "recording %s: cannot %s: %s; on in a new file", w->info.id, what, err_text(err));
		say(w, EVENT_RECORDING_TROUBLE, err_text(err), 0);
	}
	w->is_full = err == -ENOSPC || err == -EDQUOT;
	w->retry_us = now_us(w) + (w->fails == 1 ? 0 : REC_RETRY_MS * INT64_C(1000));
	if (rec_files_is_open(&w->files))
		abandon_file(w);
}

static bool may_try(const struct rec_writer *w)
{
	return now_us(w) >= w->retry_us;
}

static bool sync_now(struct rec_writer *w)
{
	struct rec_stretch *s = stretch_of(w);
	int err = rec_files_sync(&w->files);

	if (err != 0) {
		fail(w, "sync", err);
		return false;
	}
	stats_add(w->config.stats, STAT_RECORDED_BYTES, (int64_t)(s->bytes - s->saved_bytes));
	for (size_t i = 0; i < w->ring.written; i++)
		w->stretch_90k += w->ring.entries[w->ring.first + i].part->duration_90k;
	s->duration_ms = w->stretch_90k / 90;
	s->saved_bytes = s->bytes;
	rec_ring_note_synced(&w->ring);
	w->fails = 0;
	w->is_full = false;
	w->is_info_dated = true;
	say_note(w);
	return true;
}

static bool finish_file(struct rec_writer *w)
{
	if (w->ring.written > 0 && !sync_now(w))
		return false;
	rec_files_sync_index(&w->files);
	rec_files_close(&w->files);
	age_info(w);
	return true;
}

static int64_t begin_wall_ms(const struct rec_writer *w, const struct part *first)
{
	int64_t wall_ms = first->wall_ms >= 0 ? first->wall_ms : clock_wall_ms(w->config.clock);

	return wall_ms >= 0 ? wall_ms : 0;
}

/* A folder that no other recording has, and what it is written in it: from now on a restarted node finds it. */
static int make_folder(struct rec_writer *w, const struct part *first)
{
	const struct log_ctx ctx = context(w);
	int err = -EEXIST;

	w->info.begin_wall_ms = begin_wall_ms(w, first);
	for (unsigned nth = 1; nth <= IDS_PER_SECOND && err == -EEXIST; nth++) {
		rec_id_make(w->info.id, w->info.stream, w->info.begin_wall_ms, nth);
		err = rec_store_make(&w->config.store, w->info.id);
	}
	if (err == 0)
		err = rec_store_save(&w->config.store, &w->info);
	if (err != 0) {
		if (err != -EEXIST)
			(void)rec_store_delete(&w->config.store, w->info.id);
		return err;
	}
	rec_path(w->folder, sizeof(w->folder), w->config.store.data_dir, w->info.id, NULL);
	w->info_due_us = now_us(w) + REC_INFO_EVERY_MS * INT64_C(1000);
	log_info(&ctx, "recording %s begins", w->info.id);
	say(w, EVENT_RECORDING_BEGUN, "", 0);
	return 0;
}

/* Saved or damaged is what its files are, once recording.json says it, too. */
static int conclude(struct rec_writer *w)
{
	const struct log_ctx ctx = context(w);
	int err;

	say_lost(w);
	if (w->folder[0] == '\0')
		return 0;
	w->info.state = rec_info_verdict(&w->info);
	err = rec_store_save(&w->config.store, &w->info);
	if (err != 0) {
		w->info.state = REC_RECORDING;
		return err;
	}
	log_info(&ctx, "recording %s is %s: %s, %llu bytes in %zu files, %lld ms lost", w->info.id,
	    rec_state_name(w->info.state), w->info.end_reason, (unsigned long long)rec_info_saved_bytes(&w->info),
	    w->info.n_stretches, (long long)w->info.lost_ms);
	say(w, w->info.state == REC_SAVED ? EVENT_RECORDING_SAVED : EVENT_RECORDING_DAMAGED, w->info.end_reason,
	    w->info.lost_ms);
	say_note(w);
	return 0;
}

/* After 9999 files: another recording of the same stream. */
static void start_over(struct rec_writer *w)
{
	char stream[REC_STREAM_SIZE];
	char epoch[REC_EPOCH_SIZE];

	snprintf(w->info.end_reason, sizeof(w->info.end_reason), "too_many_files");
	w->info.end_wall_ms = clock_wall_ms(w->config.clock);
	(void)conclude(w);
	memcpy(stream, w->info.stream, sizeof(stream));
	memcpy(epoch, w->info.epoch, sizeof(epoch));
	rec_info_fini(&w->info);
	name_info(w, stream, epoch);
	w->folder[0] = '\0';
}

/* Without room a file is not even tried: each attempt would leave its pieces behind. */
static bool has_room(const struct rec_writer *w)
{
	const struct rec_disk *disk = w->config.store.disk;
	uint64_t wanted = w->ring.bytes < ROOM_ENOUGH_BYTES ? w->ring.bytes : ROOM_ENOUGH_BYTES;
	struct rec_space space;

	if (!w->is_full || disk->space(disk->arg, w->config.store.data_dir, &space) != 0)
		return true;
	return space.free_bytes >= wanted + ROOM_SPARE_BYTES;
}

static int create_files(struct rec_writer *w, const struct part *first)
{
	const struct rec_disk *disk = w->config.store.disk;
	int err;

	do
		err = rec_files_create(&w->files, disk, w->folder, w->next_number++, w->config.segment_ms, first);
	while (err == -EEXIST && w->next_number <= REC_STRETCH_MAX);
	if (err != 0 && err != -EEXIST)
		w->next_number--;
	if (err != 0)
		return err;
	if (!rec_info_add(&w->info)) {
		rec_files_close(&w->files);
		rec_files_unlink(disk, w->folder, --w->next_number);
		return -ENOMEM;
	}
	return 0;
}

static bool open_file(struct rec_writer *w)
{
	const struct rec_entry *e = rec_ring_next(&w->ring);
	int err;

	if (w->next_number > REC_STRETCH_MAX)
		start_over(w);
	err = has_room(w) ? 0 : -ENOSPC;
	if (err == 0 && w->folder[0] == '\0')
		err = make_folder(w, e->part);
	if (err == 0)
		err = create_files(w, e->part);
	if (err != 0) {
		fail(w, "begin a file", err);
		return false;
	}
	*stretch_of(w) = (struct rec_stretch){
		.number = w->files.stretch,
		.begin_wall_ms = e->part->wall_ms,
		.bytes = w->files.bytes,
		.lost_ms_before = e->lost_ms_before,
	};
	w->stretch_90k = 0;
	age_info(w);
	return true;
}

static bool fits_file(const struct rec_writer *w, const struct rec_entry *e)
{
	return rec_files_is_open(&w->files) && e->lost_ms_before == 0 && !e->part->is_discontinuity &&
	    e->part->init->version == w->files.init->version &&
	    w->files.bytes + e->part->bytes <= w->config.stretch_max_bytes;
}

static void write_next(struct rec_writer *w)
{
	int err;

	if (!fits_file(w, rec_ring_next(&w->ring))) {
		if (rec_files_is_open(&w->files) && !finish_file(w))
			return;
		if (!open_file(w))
			return;
	}
	err = rec_files_write(&w->files, rec_ring_next(&w->ring)->part);
	if (err != 0) {
		fail(w, "write", err);
		return;
	}
	if (w->ring.written == 0)
		w->written_us = now_us(w);
	rec_ring_note_written(&w->ring);
	stretch_of(w)->bytes = w->files.bytes;
}

/* Ends: what fails twice must wait. */
static void write_pending(struct rec_writer *w)
{
	while (rec_ring_next(&w->ring) && may_try(w))
		write_next(w);
}

static void make_room(struct rec_writer *w)
{
	while (w->ring.bytes > w->config.ring_max_bytes && w->ring.count > 0) {
		if (w->ring.written == 0)
			lose(w, rec_ring_drop_oldest(&w->ring));
		else if (!sync_now(w))
			write_pending(w);
	}
}

void rec_writer_part(struct rec_writer *w, struct part *part, int64_t lost_ms)
{
	assert(!w->is_ending);
	if (!w->is_started && !part->is_independent && !part->is_segment_start)
		return;
	if (w->is_started && lost_ms > 0) {
		lose(w, lost_ms);
		rec_ring_note_lost(&w->ring, lost_ms);
	}
	w->is_started = true;
	if (rec_ring_push(&w->ring, part) != 0)
		lose(w, rec_part_ms(part));
	write_pending(w);
	make_room(w);
	count_waiting(w);
}

void rec_writer_end(struct rec_writer *w, const char *reason, int64_t lost_ms)
{
	assert(!w->is_ending);
	if (w->is_started && lost_ms > 0)
		lose(w, lost_ms);
	w->is_ending = true;
	w->give_up_us = now_us(w) + REC_GIVE_UP_MS * INT64_C(1000);
	w->info_due_us = now_us(w);
	w->info.end_wall_ms = clock_wall_ms(w->config.clock);
	snprintf(w->info.end_reason, sizeof(w->info.end_reason), "%s", reason);
}

static void save_info(struct rec_writer *w)
{
	int err = w->folder[0] != '\0' ? rec_store_save(&w->config.store, &w->info) : 0;
	const struct log_ctx ctx = context(w);

	w->info_due_us = now_us(w) + (err == 0 ? REC_INFO_EVERY_MS : REC_RETRY_MS) * INT64_C(1000);
	if (err == 0) {
		w->is_info_old = false;
		w->is_info_dated = false;
		say_note(w);
		return;
	}
	stats_add(w->config.stats, STAT_RECORDING_ERRORS, 1);
	log_warn(&ctx, "recording %s: cannot write recording.json: %s", w->info.id, err_text(err));
}

static bool is_sync_due(const struct rec_writer *w)
{
	return w->ring.written > 0 && (w->is_ending || now_us(w) >= w->written_us + REC_SYNC_AFTER_MS * INT64_C(1000));
}

static bool is_info_due(const struct rec_writer *w)
{
	return w->folder[0] != '\0' && (w->is_info_old || w->is_info_dated) && now_us(w) >= w->info_due_us;
}

/* All that came is on the disk: the file closes, and recording.json says how it went. */
static void end_well(struct rec_writer *w)
{
	if (rec_files_is_open(&w->files) && finish_file(w))
		w->info_due_us = now_us(w);
	if (rec_files_is_open(&w->files) || w->ring.count > 0 || now_us(w) < w->info_due_us)
		return;
	if (conclude(w) == 0) {
		w->is_over = true;
		return;
	}
	stats_add(w->config.stats, STAT_RECORDING_ERRORS, 1);
	w->info_due_us = now_us(w) + REC_RETRY_MS * INT64_C(1000);
}

void rec_writer_turn(struct rec_writer *w)
{
	if (w->is_over)
		return;
	write_pending(w);
	if (is_sync_due(w) && !sync_now(w))
		write_pending(w);
	if (w->is_ending && w->ring.count == 0)
		end_well(w);
	else if (is_info_due(w))
		save_info(w);
	if (now_us(w) >= w->say_lost_us)
		say_lost(w);
	count_waiting(w);
	if (w->is_ending && !w->is_over && now_us(w) >= w->give_up_us)
		rec_writer_give_up(w);
}

void rec_writer_give_up(struct rec_writer *w)
{
	const struct log_ctx ctx = context(w);
	int err;

	if (w->is_over)
		return;
	w->retry_us = 0;
	write_pending(w);
	if (rec_files_is_open(&w->files) && !finish_file(w)) {
		w->retry_us = 0;
		write_pending(w);
		if (rec_files_is_open(&w->files))
			(void)finish_file(w);
	}
	while (w->ring.count > 0)
		lose(w, rec_ring_drop_oldest(&w->ring));
	err = conclude(w);
	if (err != 0)
		log_error(&ctx, "recording %s: nothing says that it is over: %s", w->info.id, err_text(err));
	w->is_over = true;
	count_waiting(w);
}

static int64_t earlier(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

int64_t rec_writer_due_us(const struct rec_writer *w)
{
	int64_t due_us = w->is_ending ? w->give_up_us : INT64_MAX;

	if (w->is_over)
		return INT64_MAX;
	if (rec_ring_next(&w->ring))
		due_us = earlier(due_us, w->retry_us);
	if (w->ring.written > 0)
		due_us = earlier(due_us, w->is_ending ? 0 : w->written_us + REC_SYNC_AFTER_MS * INT64_C(1000));
	if (w->lost_unsaid_ms > 0)
		due_us = earlier(due_us, w->say_lost_us);
	if ((w->is_ending && w->ring.count == 0) || (w->folder[0] != '\0' && (w->is_info_old || w->is_info_dated)))
		due_us = earlier(due_us, w->info_due_us);
	return due_us;
}

bool rec_writer_is_over(const struct rec_writer *w)
{
	return w->is_over;
}

size_t rec_writer_waiting_bytes(const struct rec_writer *w)
{
	return w->ring.bytes;
}

const struct rec_info *rec_writer_info(const struct rec_writer *w)
{
	return &w->info;
}
