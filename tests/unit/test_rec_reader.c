/* SPDX-License-Identifier: Apache-2.0 */
/* The reading thread and what delivery knows through it. Delivery's loop is turned by the test. */
#include "packager/rec_library.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "base/loop.h"
#include "base/shared.h"
#include "tests/unit/oom.h"
#include "tests/unit/rec_sample.h"

enum { WAIT_MS = 10000 };

static const struct rec_sample_stretch stretch = {
	.number = 1, .seconds = 8, .has_video = true, .has_audio = true, .gop_frames = 60
};

struct house {
	struct rec_sample files;
	struct loop *loop;
	struct rec_reader *reader;
	struct rec_library *library;
};

/* What one answer said. */
struct heard {
	unsigned n;
	int err;
	uint64_t size_bytes;
	uint64_t version;
	struct shared *data;
	bool is_gzip;
	bool is_open;
};

static void build(struct house *h, bool is_started)
{
	memset(h, 0, sizeof(*h));
	rec_sample_init(&h->files);
	rec_sample_write(&h->files, &stretch);
	rec_sample_write_info(&h->files);
	assert_int_equal(loop_create(&h->loop, "test-delivery"), 0);
	assert_int_equal(rec_reader_create(&h->reader, h->loop, "reading", h->files.data_dir), 0);
	assert_int_equal(rec_library_create(&h->library, h->loop, h->reader), 0);
	if (is_started)
		assert_int_equal(rec_reader_start(h->reader), 0);
}

static void clear(struct house *h, bool is_started)
{
	rec_library_destroy(&h->library);
	if (is_started)
		rec_reader_stop(h->reader);
	rec_reader_destroy(&h->reader);
	loop_destroy(&h->loop);
	rec_sample_fini(&h->files);
}

static void turn(struct house *h)
{
	loop_turn(h->loop);
	nanosleep(&(struct timespec){ 0, 1000000 }, NULL);
}

static void wait_ready(struct house *h)
{
	for (unsigned i = 0; i < oom_wait_ms(WAIT_MS) && !rec_library_is_ready(h->library); i++)
		turn(h);
	assert_true(rec_library_is_ready(h->library));
}

static void wait_heard(struct house *h, const struct heard *heard, unsigned n)
{
	for (unsigned i = 0; i < oom_wait_ms(WAIT_MS) && heard->n < n; i++)
		turn(h);
	assert_int_equal(heard->n, n);
}

static void on_job(void *arg, struct rec_job *job)
{
	struct heard *heard = arg;

	heard->n++;
	heard->err = job->err;
	heard->size_bytes = job->size_bytes;
	heard->version = job->version;
	shared_unref(heard->data);
	heard->data = shared_ref(job->data);
}

static void on_playlist(void *arg, const struct rec_playlist_answer *answer)
{
	struct heard *heard = arg;

	heard->n++;
	heard->err = answer->err;
	heard->is_gzip = answer->is_gzip;
	heard->is_open = answer->is_open;
	shared_unref(heard->data);
	heard->data = shared_ref(answer->text);
}

static struct rec_job *job_of(enum rec_job_kind kind, struct heard *heard)
{
	struct rec_job *job = rec_job_create(kind, on_job, heard);

	assert_non_null(job);
	memcpy(job->wish.id, REC_SAMPLE_ID, sizeof(REC_SAMPLE_ID));
	job->stretch = 1;
	return job;
}

static void recordings_are_found_by_name_and_stream(void **state)
{
	const struct rec_list_entry *entry;
	struct house h;

	(void)state;
	build(&h, true);
	wait_ready(&h);
	entry = rec_library_find(h.library, REC_SAMPLE_ID, strlen(REC_SAMPLE_ID));
	assert_non_null(entry);
	assert_string_equal(entry->stream, REC_SAMPLE_STREAM);
	assert_int_equal(entry->state, REC_SAVED);
	assert_null(rec_library_find(h.library, REC_SAMPLE_ID, strlen(REC_SAMPLE_ID) - 1));
	assert_null(rec_library_find(h.library, "zzz", 3));
	assert_null(rec_library_find(h.library, "", 0));
	assert_ptr_equal(rec_library_newest(h.library, "tanaka-and-more", 6), entry);
	assert_null(rec_library_newest(h.library, "tanak", 5));
	clear(&h, true);
}

/* Who asks while it is being made hears the same bytes; who asks later gets what was made. */
static void a_playlist_is_made_once(void **state)
{
	struct rec_wish wish = { .id = REC_SAMPLE_ID };
	struct heard heard[3] = { { 0 } };
	struct rec_waiter waiters[4];
	struct house h;

	(void)state;
	memset(waiters, 0, sizeof(waiters));
	build(&h, true);
	wait_ready(&h);
	for (size_t i = 0; i < 3; i++) {
		waiters[i].fn = on_playlist;
		waiters[i].arg = &heard[i];
	}
	waiters[3] = (struct rec_waiter){ .fn = on_playlist, .arg = &heard[2] };
	rec_library_ask(h.library, &wish, &waiters[0]);
	rec_library_ask(h.library, &wish, &waiters[3]);
	rec_library_ask(h.library, &wish, &waiters[1]);
	rec_library_leave(&waiters[3]); /* from the middle */
	assert_in_range(rec_reader_jobs(h.reader), 0, 2);
	wait_heard(&h, &heard[0], 1);
	wait_heard(&h, &heard[1], 1);
	assert_int_equal(heard[2].n, 0);
	assert_int_equal(heard[0].err, 0);
	assert_false(heard[0].is_open);
	assert_ptr_equal(heard[0].data, heard[1].data);
	rec_library_ask(h.library, &wish, &waiters[2]);
	assert_int_equal(heard[2].n, 1); /* at once */
	assert_ptr_equal(heard[0].data, heard[2].data);
	wish.wants_gzip = true;
	rec_library_ask(h.library, &wish, &waiters[2]);
	wait_heard(&h, &heard[2], 2);
	assert_true(heard[2].is_gzip && heard[2].data->size_bytes < heard[0].data->size_bytes);
	memcpy(wish.id, "nobody", 7);
	rec_library_ask(h.library, &wish, &waiters[2]);
	assert_int_equal(heard[2].err, -ENOENT);
	for (size_t i = 0; i < 3; i++)
		shared_unref(heard[i].data);
	clear(&h, true);
}

/* The reading thread looks whether there is more, and makes a text again only then. */
static void a_text_is_made_once_for_each_change(void **state)
{
	const uint64_t none = 0;
	struct heard heard = { 0 };
	uint64_t version;
	struct rec_job *job;
	struct house h;

	(void)state;
	build(&h, false);
	h.files.info.state = REC_RECORDING;
	rec_sample_write_info(&h.files);
	assert_int_equal(rec_reader_start(h.reader), 0);
	assert_int_equal(rec_reader_ask(h.reader, job_of(REC_JOB_PLAYLIST, &heard)), 0);
	wait_heard(&h, &heard, 1);
	assert_int_equal(heard.err, 0);
	assert_non_null(heard.data);
	version = heard.version;
	assert_int_not_equal(version, none);
	job = job_of(REC_JOB_PLAYLIST, &heard);
	job->version = version;
	assert_int_equal(rec_reader_ask(h.reader, job), 0);
	wait_heard(&h, &heard, 2);
	assert_int_equal(heard.err, 0);
	assert_null(heard.data);
	assert_true(heard.version == version);
	h.files.info.state = REC_SAVED; /* now the last segment counts, too */
	rec_sample_write_info(&h.files);
	for (unsigned i = 3; !heard.data; i++) {
		assert_in_range(i, 3, oom_wait_ms(WAIT_MS));
		job = job_of(REC_JOB_PLAYLIST, &heard);
		job->version = version;
		assert_int_equal(rec_reader_ask(h.reader, job), 0);
		wait_heard(&h, &heard, i);
		turn(&h);
	}
	assert_true(heard.version != version);
	shared_unref(heard.data);
	clear(&h, true);
}

/* Who asks when it is looked at again gets the bytes that were made before, when they are still right. */
static void the_library_keeps_what_did_not_change(void **state)
{
	const struct rec_wish wish = { .id = REC_SAMPLE_ID };
	struct heard heard = { 0 };
	struct rec_waiter waiter = { .fn = on_playlist, .arg = &heard };
	struct shared *first;
	unsigned n = 1;
	struct house h;

	(void)state;
	build(&h, false);
	h.files.info.state = REC_RECORDING;
	rec_sample_write_info(&h.files);
	assert_int_equal(rec_reader_start(h.reader), 0);
	wait_ready(&h);
	rec_library_ask(h.library, &wish, &waiter);
	wait_heard(&h, &heard, 1);
	assert_true(heard.err == 0 && heard.is_open);
	first = shared_ref(heard.data);
	while (heard.n == n) { /* at once, while it is fresh */
		assert_in_range(n, 1, 100 * WAIT_MS);
		turn(&h);
		rec_library_ask(h.library, &wish, &waiter);
		n++;
	}
	wait_heard(&h, &heard, n);
	assert_true(heard.err == 0 && heard.is_open);
	assert_ptr_equal(heard.data, first);
	shared_unref(first);
	shared_unref(heard.data);
	clear(&h, true);
}

static void files_are_read_as_far_as_they_go(void **state)
{
	struct heard heard = { 0 };
	struct rec_job *job;
	struct house h;
	uint8_t *media;
	size_t len;

	(void)state;
	build(&h, true);
	media = rec_sample_read(&h.files, REC_FILE_MEDIA, 1, &len);
	assert_int_equal(rec_reader_ask(h.reader, job_of(REC_JOB_SIZE, &heard)), 0);
	wait_heard(&h, &heard, 1);
	assert_int_equal(heard.err, 0);
	assert_int_equal(heard.size_bytes, len);
	job = job_of(REC_JOB_READ, &heard);
	job->offset = 100;
	job->max_bytes = 5000;
	assert_int_equal(rec_reader_ask(h.reader, job), 0);
	wait_heard(&h, &heard, 2);
	assert_int_equal(heard.err, 0);
	assert_memory_equal(heard.data->data, media + 100, 5000);
	job = job_of(REC_JOB_READ, &heard);
	job->offset = len - 10;
	job->max_bytes = 11;
	assert_int_equal(rec_reader_ask(h.reader, job), 0);
	wait_heard(&h, &heard, 3);
	assert_int_equal(heard.err, -EIO);
	job = job_of(REC_JOB_SIZE, &heard);
	job->stretch = 2;
	assert_int_equal(rec_reader_ask(h.reader, job), 0);
	wait_heard(&h, &heard, 4);
	assert_int_equal(heard.err, -ENOENT);
	job = job_of(REC_JOB_READ, &heard);
	job->is_cancelled = true;
	job->max_bytes = 1;
	assert_int_equal(rec_reader_ask(h.reader, job), 0);
	shared_unref(heard.data);
	free(media);
	clear(&h, true);
	assert_int_equal(heard.n, 4);
}

/* A disk that never answers: nobody waits for it here, what is too much is refused, and what was asked is let go. */
static void a_disk_that_stalls_holds_nobody_up(void **state)
{
	struct heard heard = { 0 };
	unsigned asked = 0;
	struct house h;

	(void)state;
	build(&h, false);
	assert_false(rec_library_is_ready(h.library));
	assert_null(rec_library_find(h.library, REC_SAMPLE_ID, strlen(REC_SAMPLE_ID)));
	for (;; asked++) {
		struct rec_job *job = job_of(REC_JOB_SIZE, &heard);

		if (rec_reader_ask(h.reader, job) == 0)
			continue;
		rec_job_destroy(&job);
		break;
	}
	assert_in_range(asked, REC_READER_JOBS_MAX - 1, REC_READER_JOBS_MAX);
	assert_int_equal(rec_reader_jobs(h.reader), REC_READER_JOBS_MAX);
	turn(&h);
	assert_int_equal(heard.n, 0);
	clear(&h, false);
}

/* The recorder's notes: what is not synced is not named. */
static void playlists_name_what_is_synced(void **state)
{
	struct rec_note note = { .id = REC_SAMPLE_ID, .state = REC_RECORDING, .stretch = 1 };
	struct heard heard = { 0 };
	struct house h;
	uint64_t all;

	(void)state;
	build(&h, false);
	h.files.info.state = REC_RECORDING;
	rec_sample_write_info(&h.files);
	all = h.files.info.stretches[0].bytes;
	note.saved_bytes = all / 2;
	rec_reader_note(h.reader, &note);
	assert_int_equal(rec_reader_start(h.reader), 0);
	/* The note came first, but mailboxes are not in order with each other: until it is seen. */
	for (unsigned i = 1; i < 200; i++) {
		assert_int_equal(rec_reader_ask(h.reader, job_of(REC_JOB_SIZE, &heard)), 0);
		wait_heard(&h, &heard, i);
		assert_int_equal(heard.err, 0);
		if (heard.size_bytes <= all / 2)
			break;
		turn(&h);
	}
	assert_in_range(heard.size_bytes, all / 4, all / 2);
	clear(&h, true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(recordings_are_found_by_name_and_stream),
		cmocka_unit_test(a_playlist_is_made_once),
		cmocka_unit_test(a_text_is_made_once_for_each_change),
		cmocka_unit_test(the_library_keeps_what_did_not_change),
		cmocka_unit_test(files_are_read_as_far_as_they_go),
		cmocka_unit_test(a_disk_that_stalls_holds_nobody_up),
		cmocka_unit_test(playlists_name_what_is_synced),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
