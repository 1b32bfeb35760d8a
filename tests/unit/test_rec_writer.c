/* SPDX-License-Identifier: Apache-2.0 */
#include "packager/rec_writer.h"

#include <errno.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/attr.h"
#include "packager/rec_format.h"
#include "tests/unit/rec_fixture.h"

enum {
	STEP_MS = 100,
	SHORT_RUN = 14, /* parts */
};

struct desk {
	struct rec_world *world;
	struct rec_writer *writer;
	size_t ring_max_bytes;
	uint64_t stretch_max_bytes;
};

static void begin(struct desk *d)
{
	const struct rec_writer_config config = {
		.store = d->world->store,
		.clock = &d->world->clock.clock,
		.events = &d->world->events,
		.stats = &d->world->stats,
		.segment_ms = 2000,
		.ring_max_bytes = d->ring_max_bytes,
		.stretch_max_bytes = d->stretch_max_bytes,
		.note = rec_world_note,
		.note_arg = d->world,
	};

	assert_int_equal(rec_writer_create(&d->writer, &config, "tanaka", "e1"), 0);
}

static void set_up(struct desk *d)
{
	*d = (struct desk){ .world = rec_world_create() };
}

static void tear_down(struct desk *d)
{
	rec_writer_destroy(&d->writer);
	assert_int_equal(fake_disk_open_fds(&d->world->disk), 0);
	rec_world_destroy(d->world);
}

/* Lets time pass as the recorder does it. */
static void pass(struct desk *d, int64_t ms)
{
	const int64_t end_us = d->world->clock.now_mono_us + ms * 1000;

	while (d->world->clock.now_mono_us < end_us) {
		clock_fake_advance(&d->world->clock, STEP_MS * 1000);
		if (rec_writer_due_us(d->writer) <= d->world->clock.now_mono_us)
			rec_writer_turn(d->writer);
	}
}

static struct part *give(struct desk *d)
{
	struct part *p = rec_world_part(d->world, 0);

	rec_writer_part(d->writer, p, 0);
	return p;
}

static void give_for(struct desk *d, int64_t ms)
{
	for (int64_t i = 0; i < ms / REC_PART_MS; i++) {
		pass(d, REC_PART_MS);
		give(d);
	}
}

static void end(struct desk *d)
{
	rec_writer_end(d->writer, "stream_over", 0);
	rec_writer_turn(d->writer);
	for (int ms = 0; !rec_writer_is_over(d->writer) && ms <= 2 * REC_GIVE_UP_MS; ms += STEP_MS)
		pass(d, STEP_MS);
	assert_true(rec_writer_is_over(d->writer));
	assert_true(rec_writer_due_us(d->writer) == INT64_MAX);
}

static const char *path_in(char path[160], const struct desk *d, const char *name)
{
	rec_path(path, 160, "/data", rec_writer_info(d->writer)->id, name);
	return path;
}

static void a_recording_is_its_parts(void **state)
{
	struct desk d;
	struct rec_found found;

	(void)state;
	set_up(&d);
	begin(&d);
	give_for(&d, 10000);
	assert_int_equal(d.world->said[EVENT_RECORDING_BEGUN], 1);
	assert_int_equal(stats_get(&d.world->stats, STAT_RECORDINGS), 1);
	end(&d);
	rec_world_law(d.world);
	found = rec_world_look(d.world);
	assert_int_equal(found.saved, 1);
	assert_int_equal(found.stretches, 1);
	assert_int_equal(rec_world_missing_ms(d.world), 0);
	assert_int_equal(rec_writer_info(d.writer)->stretches[0].duration_ms, 10000);
	assert_int_equal(rec_writer_info(d.writer)->stretches[0].begin_wall_ms, REC_WALL_MS);
	assert_string_equal(rec_writer_info(d.writer)->id, "tanaka-20260921-141320");
	assert_int_equal(
	    stats_get(&d.world->stats, STAT_RECORDED_BYTES), rec_info_saved_bytes(rec_writer_info(d.writer)));
	assert_int_equal(stats_get(&d.world->stats, STAT_RECORDING_ERRORS), 0);
	tear_down(&d);
}

static void its_index_tells_where_they_are(void **state)
{
	struct desk d;
	char path[160];
	struct rec_index_header header;
	const uint8_t *index;
	size_t len;
	size_t at;

	(void)state;
	set_up(&d);
	begin(&d);
	give_for(&d, 4000);
	end(&d);
	index = fake_disk_file(&d.world->disk, path_in(path, &d, "0001.idx"), &len);
	assert_int_equal(len, 9 * REC_RECORD_BYTES);
	assert_int_equal(rec_header_decode(&header, index, len), PARSE_OK);
	assert_int_equal(header.stretch, 1);
	assert_int_equal(header.segment_ms, 2000);
	at = header.init_bytes;
	for (size_t i = 0; i < 8; i++) {
		const struct part *p = d.world->parts[i];
		struct rec_fragment f;

		assert_int_equal(
		    rec_fragment_decode(&f, index + (i + 1) * REC_RECORD_BYTES, REC_RECORD_BYTES), PARSE_OK);
		assert_true(
		    f.offset == at && f.moof_bytes == p->moof->size_bytes && f.mdat_bytes == p->mdat->size_bytes);
		assert_true(f.start_90k == p->start_90k && f.duration_90k == p->duration_90k);
		assert_true(f.msn == p->msn && f.sequence == p->sequence && f.wall_ms == p->wall_ms);
		assert_true(f.is_independent == p->is_independent && f.is_segment_start == p->is_segment_start);
		at += p->bytes;
	}
	assert_int_equal(d.world->note.saved_bytes, at); /* all 8 of them */
	assert_int_equal(d.world->note.state, REC_SAVED);
	assert_int_equal(d.world->note.stretch, 1);
	tear_down(&d);
}

static void begins_where_decoding_can(void **state)
{
	struct desk d;
	struct rec_found found;

	(void)state;
	set_up(&d);
	rec_world_part(d.world, 0); /* independent, and not for us */
	begin(&d);
	give_for(&d, 5000);
	end(&d);
	fake_disk_power_cut(&d.world->disk);
	found = rec_world_look(d.world);
	assert_int_equal(found.saved, 1);
	for (size_t i = 0; i < d.world->n_parts; i++)
		assert_int_equal(d.world->is_saved[i], i >= 4);
	assert_int_equal(found.lost_ms, 0);
	tear_down(&d);
}

static void without_a_part_there_is_nothing(void **state)
{
	struct desk d;

	(void)state;
	set_up(&d);
	begin(&d);
	pass(&d, 5000);
	end(&d);
	assert_int_equal(d.world->disk.calls[FAKE_ANY], 0);
	rec_world_law(d.world);
	tear_down(&d);
}

/* What a stretch cannot go on over. */
static void new_stretches(void **state)
{
	struct desk d;
	struct part *p;

	(void)state;
	set_up(&d);
	begin(&d);
	give_for(&d, 2000);
	p = rec_world_part(d.world, 0);
	p->is_discontinuity = true;
	rec_writer_part(d.writer, p, 0);
	give_for(&d, 1000);
	assert_int_equal(rec_writer_info(d.writer)->n_stretches, 2);
	for (int i = 0; i < 3; i++) {
		p = rec_world_part(d.world, 0);
		part_init_unref(p->init);
		p->init = part_init_ref(d.world->inits[1]);
		rec_writer_part(d.writer, p, 0);
	}
	assert_int_equal(rec_writer_info(d.writer)->n_stretches, 3);
	rec_writer_part(d.writer, rec_world_part(d.world, 0), 1500); /* another init, and a loss */
	rec_writer_part(d.writer, rec_world_part(d.world, 0), 0);
	assert_int_equal(rec_writer_info(d.writer)->n_stretches, 4);
	assert_int_equal(rec_writer_info(d.writer)->stretches[3].lost_ms_before, 1500);
	rec_writer_part(d.writer, rec_world_part(d.world, 0), 500);
	assert_int_equal(rec_writer_info(d.writer)->n_stretches, 5);
	end(&d);
	assert_int_equal(rec_world_look(d.world).damaged, 1);
	assert_int_equal(rec_world_missing_ms(d.world), 0);
	assert_int_equal(rec_writer_info(d.writer)->lost_ms, 2000);
	assert_int_equal(d.world->said_lost_ms, 2000);
	tear_down(&d);
}

static void files_have_an_end(void **state)
{
	struct desk d;

	(void)state;
	set_up(&d);
	d.stretch_max_bytes = 3000;
	begin(&d);
	give_for(&d, 20000);
	end(&d);
	assert_in_range(rec_writer_info(d.writer)->n_stretches, 3, 20);
	for (size_t i = 0; i < rec_writer_info(d.writer)->n_stretches; i++)
		assert_true(rec_writer_info(d.writer)->stretches[i].saved_bytes <= 3000);
	rec_world_law(d.world);
	assert_int_equal(d.world->said[EVENT_RECORDING_SAVED], 1);
	tear_down(&d);
}

static void run_short(struct desk *d)
{
	begin(d);
	for (int i = 0; i < SHORT_RUN; i++) {
		struct part *p;

		pass(d, REC_PART_MS);
		p = rec_world_part(d->world, 0);
		p->is_discontinuity = i == SHORT_RUN / 2;
		rec_writer_part(d->writer, p, 0);
	}
	end(d);
}

/* Every call of every kind fails once, or for a while, with every error; the law holds. */
static void no_failing_call_breaks_the_law(void **state)
{
	static const enum fake_call calls[] = { FAKE_CREATE, FAKE_WRITE, FAKE_SYNC, FAKE_RENAME, FAKE_UNLINK,
		FAKE_MAKE_DIR, FAKE_SYNC_DIR, FAKE_SPACE, FAKE_ANY };
	static const struct {
		size_t in_a_row;
		int err;
		bool is_short;
	} ways[] = { { 1, EIO, false }, { 1, ENOSPC, true }, { 5, ENOSPC, false }, { 9, EIO, true },
		{ 100000, EIO, false } };
	unsigned runs = 0;

	(void)state;
	for (size_t c = 0; c < ARRAY_LEN(calls); c++) {
		for (size_t way = 0; way < ARRAY_LEN(ways); way++) {
			bool was_hit = true;

			for (size_t nth = 1; was_hit; nth++) {
				struct desk d;

				set_up(&d);
				fake_disk_fail(&d.world->disk, calls[c], nth, ways[way].in_a_row, ways[way].err);
				d.world->disk.is_short = ways[way].is_short;
				run_short(&d);
				was_hit = d.world->disk.was_hit;
				rec_world_law(d.world);
				/* One failure costs nothing but a file. */
				if (ways[way].in_a_row == 1)
					assert_int_equal(rec_world_missing_ms(d.world), 0);
				tear_down(&d);
				runs++;
			}
		}
	}
	assert_in_range(runs, 500, 100000);
}

/* The node is killed at every call: what was written whole is found, and what it says is saved is. */
static void a_killed_node_leaves_what_was_written(void **state)
{
	(void)state;
	for (size_t at = 1;; at++) {
		struct desk d;
		struct rec_info info;
		size_t written = 0;
		char id[ID_SIZE];

		set_up(&d);
		d.world->disk.off_at = at;
		begin(&d);
		for (int i = 0; i < SHORT_RUN && !d.world->disk.is_off; i++) {
			pass(&d, REC_PART_MS);
			give(&d);
			written = d.world->disk.is_off ? written : d.world->n_parts;
		}
		if (!d.world->disk.is_off) {
			tear_down(&d);
			assert_in_range(at, 50, 1000);
			break;
		}
		memcpy(id, rec_writer_info(d.writer)->id, sizeof(id));
		rec_writer_destroy(&d.writer);
		fake_disk_kill(&d.world->disk);
		rec_info_init(&info);
		if (rec_store_load(&d.world->store, id, &info) == 0) {
			assert_int_equal(info.state, REC_RECORDING);
			assert_int_equal(rec_store_mend(&d.world->store, &info), 0);
			assert_int_equal(rec_store_save(&d.world->store, &info), 0);
			fake_disk_power_cut(&d.world->disk);
		} else {
			assert_int_equal(written, 0);
		}
		rec_world_look(d.world);
		for (size_t i = 0; i < written; i++)
			assert_true(d.world->is_saved[i]);
		rec_info_fini(&info);
		tear_down(&d);
	}
}

static void a_full_disk_is_waited_for(void **state)
{
	struct desk d;
	int64_t room_us;
	uint64_t saved;

	(void)state;
	set_up(&d);
	d.world->part_bytes = 10000;
	d.ring_max_bytes = 200000; /* 10 s */
	begin(&d);
	give_for(&d, 5000);
	d.world->disk.room_bytes = d.world->disk.used_bytes + 5000;
	give_for(&d, 7000);
	assert_int_equal(d.world->said[EVENT_RECORDING_TROUBLE], 1);
	assert_int_equal(rec_writer_info(d.writer)->lost_ms, 0);
	give_for(&d, 60000);
	assert_true(rec_writer_info(d.writer)->lost_ms > 50000);
	assert_int_equal(d.world->said_lost_ms > 40000, true); /* said every 10 s */
	assert_true(rec_writer_waiting_bytes(d.writer) <= 200000);
	assert_in_range(fake_disk_count(&d.world->disk), 5, 7); /* no litter */
	saved = rec_info_saved_bytes(rec_writer_info(d.writer));
	/* Room again: within 5 s it goes on, from memory. */
	d.world->disk.room_bytes = SIZE_MAX / 2;
	room_us = d.world->clock.now_mono_us;
	while (rec_info_saved_bytes(rec_writer_info(d.writer)) == saved)
		give_for(&d, REC_PART_MS);
	assert_true(d.world->clock.now_mono_us - room_us <= 5000000);
	assert_true(rec_info_saved_bytes(rec_writer_info(d.writer)) - saved > 150000);
	give_for(&d, 2000);
	end(&d);
	rec_world_law(d.world);
	assert_int_equal(d.world->said[EVENT_RECORDING_DAMAGED], 1);
	tear_down(&d);
}

static void an_ended_one_waits_for_room_but_not_for_ever(void **state)
{
	struct desk d;

	(void)state;
	for (int has_room = 0; has_room < 2; has_room++) {
		set_up(&d);
		begin(&d);
		give_for(&d, 5000);
		d.world->disk.room_bytes = d.world->disk.used_bytes;
		give_for(&d, 3000);
		rec_writer_end(d.writer, "stream_over", 0);
		pass(&d, REC_GIVE_UP_MS / 2);
		assert_false(rec_writer_is_over(d.writer));
		if (has_room)
			d.world->disk.room_bytes = SIZE_MAX / 2;
		pass(&d, has_room ? 5000 : REC_GIVE_UP_MS);
		assert_true(rec_writer_is_over(d.writer));
		rec_world_law(d.world);
		assert_int_equal(rec_world_missing_ms(d.world) > 0, !has_room);
		tear_down(&d);
	}
}

/* The sync fails and the data is gone from the cache: it stands in the next file, and nothing was asked twice. */
static void a_failed_sync_is_written_again(void **state)
{
	struct desk d;

	(void)state;
	set_up(&d);
	begin(&d);
	give_for(&d, 5000);
	fake_disk_fail(&d.world->disk, FAKE_SYNC, 1, 1, EIO);
	give_for(&d, 5000);
	assert_int_equal(rec_writer_info(d.writer)->n_stretches, 2);
	assert_true(rec_writer_info(d.writer)->stretches[0].is_damaged);
	assert_true(
	    rec_writer_info(d.writer)->stretches[0].saved_bytes < rec_writer_info(d.writer)->stretches[0].bytes);
	end(&d);
	rec_world_law(d.world);
	assert_int_equal(rec_world_missing_ms(d.world), 0);
	assert_int_equal(d.world->said[EVENT_RECORDING_DAMAGED], 1);
	tear_down(&d);
}

/* 30 s at 8 Mbit/s wait in memory; more than that: the oldest go. */
static void a_disk_that_does_nothing_for_30_s(void **state)
{
	struct desk d;

	(void)state;
	for (int seconds = 30; seconds <= 60; seconds += 30) {
		set_up(&d);
		d.world->part_bytes = 500000;
		begin(&d);
		give_for(&d, 4000);
		fake_disk_fail(&d.world->disk, FAKE_ANY, 1, SIZE_MAX, EAGAIN);
		give_for(&d, seconds * 1000);
		fake_disk_fail(&d.world->disk, FAKE_ANY, 0, 0, 0);
		give_for(&d, 4000);
		end(&d);
		rec_world_law(d.world);
		if (seconds == 30) {
			assert_int_equal(rec_world_missing_ms(d.world), 0);
		} else {
			size_t first = 0;

			assert_in_range(rec_world_missing_ms(d.world), 20000, 35000);
			while (d.world->is_saved[first])
				first++;
			for (size_t i = first; i < d.world->n_parts; i++) /* one hole, the oldest */
				assert_int_equal(d.world->is_saved[i],
				    i >= first + (size_t)rec_world_missing_ms(d.world) / REC_PART_MS);
		}
		tear_down(&d);
	}
}

static void goes_on_after_the_node_died(void **state)
{
	struct desk d;
	struct rec_info info;
	char id[ID_SIZE];

	(void)state;
	set_up(&d);
	begin(&d);
	give_for(&d, 6000);
	memcpy(id, rec_writer_info(d.writer)->id, sizeof(id));
	rec_writer_destroy(&d.writer);
	fake_disk_kill(&d.world->disk);
	rec_info_init(&info);
	assert_int_equal(rec_store_load(&d.world->store, id, &info), 0);
	assert_int_equal(rec_store_mend(&d.world->store, &info), 0);
	begin(&d);
	rec_writer_go_on(d.writer, &info);
	give_for(&d, 6000);
	end(&d);
	assert_int_equal(rec_world_look(d.world).recordings, 1);
	assert_int_equal(rec_writer_info(d.writer)->n_stretches, 2);
	assert_int_equal(rec_world_missing_ms(d.world), 0);
	assert_int_equal(rec_writer_info(d.writer)->state, REC_SAVED);
	tear_down(&d);
}

static void two_of_one_second_have_two_names(void **state)
{
	struct desk d;
	struct desk other;

	(void)state;
	set_up(&d);
	begin(&d);
	give(&d);
	other = d;
	begin(&other);
	rec_writer_part(other.writer, rec_world_part(d.world, 0), 0);
	assert_string_equal(rec_writer_info(other.writer)->id, ""); /* not independent: it waits */
	for (int i = 0; i < 4; i++)
		give(&other);
	assert_string_equal(rec_writer_info(other.writer)->id, "tanaka-20260921-141319-2");
	rec_writer_destroy(&other.writer);
	tear_down(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_recording_is_its_parts),
		cmocka_unit_test(its_index_tells_where_they_are),
		cmocka_unit_test(begins_where_decoding_can),
		cmocka_unit_test(without_a_part_there_is_nothing),
		cmocka_unit_test(new_stretches),
		cmocka_unit_test(files_have_an_end),
		cmocka_unit_test(no_failing_call_breaks_the_law),
		cmocka_unit_test(a_killed_node_leaves_what_was_written),
		cmocka_unit_test(a_full_disk_is_waited_for),
		cmocka_unit_test(an_ended_one_waits_for_room_but_not_for_ever),
		cmocka_unit_test(a_failed_sync_is_written_again),
		cmocka_unit_test(a_disk_that_does_nothing_for_30_s),
		cmocka_unit_test(goes_on_after_the_node_died),
		cmocka_unit_test(two_of_one_second_have_two_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
