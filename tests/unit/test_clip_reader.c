/* SPDX-License-Identifier: Apache-2.0 */
/* Clips as parts: from files of a real cutter through the reading thread to another cutter. The test turns the loop. */
#include "packager/clip_reader.h"

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

enum {
	WAIT_MS = 10000,
	SECONDS = 8,
	FPS = 30,
	TICKS = 90000,
};

struct house {
	struct rec_sample files;
	struct loop *loop;
	struct clip_reader *reader;
	struct clip *clip;
	struct fixture_parts parts;
	unsigned ends;
	int err;
	bool is_forbidden;
	size_t close_at; /* closes the clip when so many parts have come; 0: never */
	char stream[REC_STREAM_SIZE];
	int64_t begin_wall_ms;
};

static void write_sample(struct rec_sample *files, unsigned number, int64_t begin_90k)
{
	const struct rec_sample_stretch stretch = { .number = number,
		.seconds = SECONDS,
		.has_video = true,
		.has_audio = true,
		.gop_frames = 2 * FPS,
		.begin_90k = begin_90k };

	rec_sample_write(files, &stretch);
}

static int setup(void **state)
{
	struct house *h = calloc(1, sizeof(*h));
	struct clip_reader_config config = { .part_ms = REC_SAMPLE_PART_MS, .segment_ms = REC_SAMPLE_SEGMENT_MS };

	assert_non_null(h);
	rec_sample_init(&h->files);
	write_sample(&h->files, 1, 5 * TICKS);
	write_sample(&h->files, 2, 900 * TICKS);
	rec_sample_write_info(&h->files);
	assert_int_equal(loop_create(&h->loop, "test-packaging"), 0);
	config.loop = h->loop;
	config.data_dir = h->files.data_dir;
	assert_int_equal(clip_reader_create(&h->reader, &config), 0);
	assert_int_equal(clip_reader_start(h->reader), 0);
	*state = h;
	return 0;
}

static int teardown(void **state)
{
	struct house *h = *state;

	clip_close(&h->clip);
	clip_reader_stop(h->reader);
	clip_reader_destroy(&h->reader);
	loop_destroy(&h->loop);
	rec_sample_fini(&h->files);
	fixture_parts_fini(&h->parts);
	free(h);
	return 0;
}

static bool may_show(void *arg, const char *stream, int64_t begin_wall_ms)
{
	struct house *h = arg;

	memcpy(h->stream, stream, strlen(stream) + 1);
	h->begin_wall_ms = begin_wall_ms;
	return !h->is_forbidden;
}

static void on_part(void *arg, struct part *part)
{
	struct house *h = arg;

	assert_non_null(h->clip);
	assert_true(h->parts.count < sizeof(h->parts.parts) / sizeof(h->parts.parts[0]));
	h->parts.parts[h->parts.count++] = part_ref(part);
	if (h->parts.count == h->close_at)
		clip_close(&h->clip);
}

static void on_end(void *arg, int err)
{
	struct house *h = arg;

	assert_non_null(h->clip);
	h->ends++;
	h->err = err;
}

static void open_clip(struct house *h, const char *recording, int64_t in_ms, int64_t out_ms)
{
	struct clip_config config = {
		.span = { in_ms, out_ms },
		.ops = { .arg = h, .may_show = may_show, .part = on_part, .end = on_end },
	};

	memcpy(config.recording, recording, strlen(recording) + 1);
	assert_int_equal(clip_open(&h->clip, h->reader, &config), 0);
}

static void turn(struct house *h)
{
	loop_turn(h->loop);
	nanosleep(&(struct timespec){ 0, 1000000 }, NULL);
}

/* Until it has ended, or was closed. */
static void read_all(struct house *h)
{
	for (unsigned i = 0; i < oom_wait_ms(WAIT_MS) && h->clip && h->ends == 0; i++) {
		clip_want(h->clip);
		turn(h);
	}
	assert_true(!h->clip || h->ends == 1);
}

static size_t count_samples(const struct house *h, enum track_kind kind)
{
	size_t n = 0;

	for (size_t i = 0; i < h->parts.count; i++) {
		for (size_t k = 0; k < h->parts.parts[i]->run_count; k++) {
			if (h->parts.parts[i]->runs[k].kind == kind)
				n += h->parts.parts[i]->runs[k].sample_count;
		}
	}
	return n;
}

static int64_t duration_90k(const struct house *h)
{
	int64_t sum = 0;

	for (size_t i = 0; i < h->parts.count; i++)
		sum += h->parts.parts[i]->duration_90k;
	return sum;
}

static void a_clip_is_all_frames_in_new_parts(void **state)
{
	struct house *h = *state;
	size_t discontinuities = 0;

	open_clip(h, REC_SAMPLE_ID, 0, 0);
	read_all(h);
	assert_int_equal(h->err, 0);
	assert_string_equal(h->stream, REC_SAMPLE_STREAM);
	assert_int_equal(h->begin_wall_ms, h->files.info.begin_wall_ms);
	assert_int_equal(count_samples(h, TRACK_VIDEO), 2 * SECONDS * FPS);
	assert_in_range(count_samples(h, TRACK_AUDIO), 2 * SECONDS * 48000 / 1024 - 2, 2 * SECONDS * 48000 / 1024 + 2);
	assert_in_range(duration_90k(h), (2 * SECONDS - 1) * TICKS, (2 * SECONDS + 1) * TICKS);
	assert_true(h->parts.parts[0]->is_independent);
	assert_int_equal(h->parts.parts[0]->start_90k, 5 * TICKS);
	for (size_t i = 0; i < h->parts.count; i++) {
		const struct part *p = h->parts.parts[i];

		assert_true(p->duration_90k <= REC_SAMPLE_PART_MS * 90);
		discontinuities += p->is_discontinuity;
		if (p->is_discontinuity)
			assert_int_equal(p->start_90k, 900 * TICKS);
	}
	assert_int_equal(discontinuities, 1);
}

/* The same pictures and sounds, byte for byte: of one stretch the parts are those it was made of. */
static void payload_is_what_was_recorded(void **state)
{
	struct house *h = *state;
	size_t len;
	size_t at = 0;
	uint8_t *file = rec_sample_read(&h->files, REC_FILE_MEDIA, 1, &len);

	open_clip(h, REC_SAMPLE_ID, 0, SECONDS * 1000);
	read_all(h);
	assert_int_equal(h->err, 0);
	for (size_t i = 0; i < h->parts.count; i++) {
		const struct shared *mdat = h->parts.parts[i]->mdat;

		while (at + mdat->size_bytes <= len && memcmp(file + at, mdat->data, mdat->size_bytes) != 0)
			at++;
		assert_true(at + mdat->size_bytes <= len);
		at += mdat->size_bytes;
	}
	assert_true(at == len);
	free(file);
}

static void it_begins_with_the_key_frame_before_in(void **state)
{
	struct house *h = *state;

	open_clip(h, REC_SAMPLE_ID, 3100, 5000);
	read_all(h);
	assert_int_equal(h->err, 0);
	assert_int_equal(h->parts.parts[0]->start_90k, 7 * TICKS); /* key frames stand at 5 + 2 n s */
	assert_true(h->parts.parts[0]->is_independent);
	assert_in_range(duration_90k(h), 29 * TICKS / 10, 31 * TICKS / 10);
	assert_true(h->parts.count >= 6);
}

static void each_want_is_one_fragment(void **state)
{
	struct house *h = *state;

	open_clip(h, REC_SAMPLE_ID, 0, 0);
	for (unsigned i = 0; i < 50; i++)
		turn(h);
	assert_int_equal(h->parts.count, 0); /* nobody wants anything */
	clip_want(h->clip);
	clip_want(h->clip);
	for (unsigned i = 0; i < 50; i++)
		turn(h);
	assert_in_range(h->parts.count, 0, 1);
	assert_int_equal(h->ends, 0);
	read_all(h);
	assert_int_equal(h->err, 0);
	clip_want(h->clip); /* over: nothing happens */
	for (unsigned i = 0; i < 20; i++)
		turn(h);
	assert_int_equal(h->ends, 1);
}

static void what_is_not_there_is_named(void **state)
{
	static const struct {
		const char *recording;
		int64_t in_ms;
		int64_t out_ms;
		bool is_forbidden;
		int want;
	} rows[] = {
		{ "nobody-20260901-120000", 0, 0, false, -ENOENT },
		{ REC_SAMPLE_ID, 60000, 0, false, -ENOENT },
		{ REC_SAMPLE_ID, 60000, 70000, false, -ENOENT },
		{ REC_SAMPLE_ID, 0, 0, true, -EACCES },
	};
	struct house *h = *state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		h->ends = 0;
		h->is_forbidden = rows[i].is_forbidden;
		open_clip(h, rows[i].recording, rows[i].in_ms, rows[i].out_ms);
		read_all(h);
		assert_int_equal(h->err, rows[i].want);
		assert_int_equal(h->parts.count, 0);
		assert_string_not_equal(clip_end_en(h->err), clip_end_en(0));
		assert_string_not_equal(clip_end_ja(h->err), clip_end_ja(0));
		clip_close(&h->clip);
	}
	assert_string_equal(clip_end_en(-EMFILE), clip_end_en(-EIO));
}

/* Zeros where a fragment should begin: the index is sure of it. What was read before is shown. */
static void damage_ends_it(void **state)
{
	struct house *h = *state;
	size_t len;
	uint8_t *file = rec_sample_read(&h->files, REC_FILE_MEDIA, 1, &len);

	memset(file + len / 2, 0, len / 2);
	rec_sample_replace(&h->files, REC_FILE_MEDIA, 1, file, len);
	free(file);
	open_clip(h, REC_SAMPLE_ID, 0, 0);
	read_all(h);
	assert_int_equal(h->err, -EBADMSG);
	assert_in_range(duration_90k(h), 2 * TICKS, 5 * TICKS);
}

static void a_file_that_goes_away_ends_it(void **state)
{
	struct house *h = *state;

	open_clip(h, REC_SAMPLE_ID, 0, 0);
	rec_sample_remove(&h->files, REC_FILE_MEDIA, 2);
	rec_sample_remove(&h->files, REC_FILE_MEDIA, 1);
	read_all(h);
	assert_int_equal(h->err, -ENOENT);
}

/* Until it is synced it may yet be written again elsewhere. */
static void of_a_running_recording_it_is_what_is_synced(void **state)
{
	struct house *h = *state;
	struct rec_note note = { .id = REC_SAMPLE_ID, .state = REC_RECORDING, .stretch = 1 };
	size_t len;
	uint8_t *file = rec_sample_read(&h->files, REC_FILE_MEDIA, 1, &len);

	free(file);
	h->files.info.state = REC_RECORDING;
	h->files.info.end_wall_ms = 0;
	h->files.info.n_stretches = 1;
	rec_sample_remove(&h->files, REC_FILE_MEDIA, 2);
	rec_sample_remove(&h->files, REC_FILE_INDEX, 2);
	rec_sample_write_info(&h->files);
	note.saved_bytes = len / 2;
	clip_reader_note(h->reader, &note);
	/* The note came first, but mailboxes are not in order with each other: until it is seen. */
	for (unsigned i = 0; i < 50 && (i == 0 || duration_90k(h) > 5 * TICKS); i++) {
		clip_close(&h->clip);
		fixture_parts_fini(&h->parts);
		h->ends = 0;
		open_clip(h, REC_SAMPLE_ID, 0, 0);
		read_all(h);
		assert_int_equal(h->err, 0);
	}
	assert_in_range(duration_90k(h), 3 * TICKS, 5 * TICKS);
}

static void it_can_be_closed_from_its_own_part(void **state)
{
	struct house *h = *state;

	h->close_at = 3;
	open_clip(h, REC_SAMPLE_ID, 0, 0);
	read_all(h);
	assert_null(h->clip);
	assert_int_equal(h->parts.count, 3);
	assert_int_equal(h->ends, 0);
}

static void it_can_be_closed_while_it_is_read(void **state)
{
	struct house *h = *state;

	open_clip(h, REC_SAMPLE_ID, 0, 0);
	clip_want(h->clip);
	clip_close(&h->clip);
	for (unsigned i = 0; i < 50; i++)
		turn(h);
	assert_int_equal(h->parts.count, 0);
	assert_int_equal(h->ends, 0);
	open_clip(h, REC_SAMPLE_ID, 0, 0);
	clip_want(h->clip); /* and the reader may go while somebody waits */
}

#define WITH_HOUSE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_HOUSE(a_clip_is_all_frames_in_new_parts),
		WITH_HOUSE(payload_is_what_was_recorded),
		WITH_HOUSE(it_begins_with_the_key_frame_before_in),
		WITH_HOUSE(each_want_is_one_fragment),
		WITH_HOUSE(what_is_not_there_is_named),
		WITH_HOUSE(damage_ends_it),
		WITH_HOUSE(a_file_that_goes_away_ends_it),
		WITH_HOUSE(of_a_running_recording_it_is_what_is_synced),
		WITH_HOUSE(it_can_be_closed_from_its_own_part),
		WITH_HOUSE(it_can_be_closed_while_it_is_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
