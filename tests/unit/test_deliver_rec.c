/* SPDX-License-Identifier: Apache-2.0 */
/* Recordings asked for through sockets, from a disk that does not answer any more. */
#include "packager/deliver_rec.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdatomic.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/http.h"
#include "base/loop.h"
#include "packager/rec_library.h"
#include "packager/rec_reader.h"
#include "tests/unit/http_raw.h"
#include "tests/unit/oom.h"
#include "tests/unit/rec_sample.h"

enum {
	DISK_WAIT_MS = 50,
	ANSWER_MAX_BYTES = 2 * 1024 * 1024,
};

#define ASK(path) "GET /" REC_SAMPLE_ID path " HTTP/1.1\r\nHost: x\r\n\r\n"

static const struct rec_sample_stretch stretch = {
	.number = 1, .seconds = 4, .has_video = true, .has_audio = true, .gop_frames = 60
};

static struct {
	struct rec_sample files;
	struct loop *loop;
	struct rec_reader *reader;
	struct rec_library *library;
	struct deliver_rec *rec;
	struct http_server *server;
	uint16_t port;
	atomic_bool is_started;
	atomic_bool is_ready; /* and everything was there */
	bool is_reading;
	char answer[ANSWER_MAX_BYTES];
} f;

static void handle(void *arg, struct http_request *request)
{
	(void)arg;
	deliver_rec_serve(f.rec, request, request->path + 1, DELIVER_REC_RECORDING);
}

/* On the loop's thread, where cmocka cannot jump: what is missing shows in f.is_ready. */
static void on_start(void *arg)
{
	const struct http_server_config server = { .host = "127.0.0.1", .handle = handle };
	struct deliver_rec_config config = { .wait_ms = DISK_WAIT_MS };

	(void)arg;
	if (rec_library_create(&f.library, f.loop, f.reader) == 0) {
		config.library = f.library;
		if (deliver_rec_create(&f.rec, f.loop, &config) == 0 &&
		    http_server_open(&f.server, f.loop, &server) == 0) {
			f.port = http_server_port(f.server);
			atomic_store(&f.is_ready, true);
		}
	}
	atomic_store(&f.is_started, true);
}

static void on_stop(void *arg)
{
	(void)arg;
	http_server_close(&f.server);
	deliver_rec_destroy(&f.rec);
	rec_library_destroy(&f.library);
}

static void stall_disk(void)
{
	if (f.is_reading)
		rec_reader_stop(f.reader);
	f.is_reading = false;
}

static int set_up(void **state)
{
	(void)state;
	memset(&f, 0, sizeof(f));
	rec_sample_init(&f.files);
	rec_sample_write(&f.files, &stretch);
	rec_sample_write_info(&f.files);
	if (loop_create(&f.loop, "test-deliver-rec") != 0 ||
	    rec_reader_create(&f.reader, f.loop, "reading", f.files.data_dir) != 0 || rec_reader_start(f.reader) != 0)
		return -1;
	f.is_reading = true;
	if (loop_start(f.loop, on_start, on_stop, NULL) != 0)
		return -1;
	for (unsigned i = 0; i < oom_wait_ms(WAIT_MS) && !atomic_load(&f.is_started); i++)
		nanosleep(&(struct timespec){ 0, 1000000 }, NULL);
	return atomic_load(&f.is_ready) ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	stall_disk();
	loop_stop(f.loop);
	loop_join(f.loop);
	rec_reader_destroy(&f.reader);
	loop_destroy(&f.loop);
	rec_sample_fini(&f.files);
	return 0;
}

static int status_of(int fd)
{
	assert_true(take_answer(fd, f.answer, sizeof(f.answer), false) > 0);
	assert_int_equal(strncmp(f.answer, "HTTP/1.1 ", 9), 0);
	return (f.answer[9] - '0') * 100 + (f.answer[10] - '0') * 10 + f.answer[11] - '0';
}

static int ask(const char *text)
{
	int fd = dial_port(f.port, 0);
	int status;

	say(fd, text);
	status = status_of(fd);
	close(fd);
	return status;
}

/* While the disk answers. At first it is not known yet which recordings there are. */
static void wait_served(const char *text)
{
	int status = 503;

	for (unsigned i = 0; i < oom_wait_ms(WAIT_MS) && status == 503; i++)
		status = ask(text);
	assert_int_equal(status, 200);
}

/* Who asked before it stalls or after, for a playlist or a file: 503 in time. What was made before is there. */
static void a_stalled_disk_is_answered_with_503(void **state)
{
	static const char *const questions[] = { ASK("/index.m3u8"), ASK("/0001.mp4"),
		ASK("/main.m3u8?_HLS_skip=YES") };
	int fds[3];

	(void)state;
	wait_served(ASK("/main.m3u8"));
	stall_disk();
	for (size_t i = 0; i < 3; i++) {
		fds[i] = dial_port(f.port, 0);
		say(fds[i], questions[i]);
	}
	assert_int_equal(ask(ASK("/main.m3u8")), 200);
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(status_of(fds[i]), 503);
		assert_non_null(strstr(f.answer, "Cache-Control: no-store\r\n"));
		close(fds[i]);
	}
}

/* Nobody is kept for a client that went while it waited. */
static void a_client_that_left_is_forgotten(void **state)
{
	int fd;

	(void)state;
	wait_served(ASK("/main.m3u8"));
	stall_disk();
	for (int i = 0; i < 3; i++) {
		fd = dial_port(f.port, 0);
		say(fd, i % 2 ? ASK("/0001.mp4") : ASK("/index.m3u8"));
		close(fd);
	}
	assert_int_equal(ask(ASK("/0001.mp4")), 503);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_stalled_disk_is_answered_with_503, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_client_that_left_is_forgotten, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
