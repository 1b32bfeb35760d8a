/* SPDX-License-Identifier: Apache-2.0 */
/* What an RTMP player reads, however slowly: whole messages in order, replies between them, skips to key frames. */
#include "relay/out_rtmp.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/burst.h"
#include "media/rtmp_chunk.h"
#include "relay_fixture.h"
#include "relay_house.h"

enum {
	SECOND_MS = 1000,
	PICTURE_BYTES = 20000,
	SMALL_BUFFER = 4096, /* of the socket: nearly every write is short */
	ALL = 1 << 30,
	REPLY_TYPE = RTMP_TYPE_USER_CONTROL,
};

static const char name[] = "tanaka";

/* What the player at the other end of the socket has made of its bytes. */
struct client {
	int fd;
	struct rtmp_chunk_reader reader;
	unsigned pictures;
	unsigned sounds;
	unsigned replies;
	unsigned metadata;
	unsigned configs;
	unsigned skips; /* the picture's time leapt */
	uint8_t config_variant;
	unsigned pictures_at_config; /* how many had come before the last one */
	uint32_t last_ms;
};

struct fixture {
	struct house house;
	struct plan *plan;
	struct track *video;
	struct track *audio;
	struct house_publisher publisher;
	unsigned loop;
	int server_fd; /* the connection's */
	struct tcp_conn *conn;
	struct out_rtmp *player;
	struct client client;
	unsigned replies_sent;
	bool is_closed;
	bool is_over;
	enum close_reason reason;
};

static void on_bytes(void *arg, const uint8_t *data, size_t len)
{
	(void)arg;
	(void)data;
	(void)len;
}

static void on_writable(void *arg)
{
	struct fixture *f = arg;

	if (f->player)
		out_rtmp_writable(f->player);
}

static void on_closed(void *arg, int err)
{
	(void)err;
	((struct fixture *)arg)->is_closed = true;
}

static const struct tcp_conn_ops conn_ops = { on_bytes, on_writable, on_closed };

static void on_over(void *arg, enum close_reason reason)
{
	struct fixture *f = arg;

	f->is_over = true;
	f->reason = reason;
	/* As connections do with a player that is too slow. */
	if (reason == CLOSE_TOO_SLOW)
		out_rtmp_destroy(&f->player);
}

static const struct out_rtmp_ops player_ops = { on_over };

static void client_init(struct client *c, int fd)
{
	const struct rtmp_message_header header = { .csid = RTMP_CSID_CONTROL, .type = RTMP_TYPE_SET_CHUNK_SIZE };
	const uint8_t size[] = { 0, 0, RTMP_CHUNK_SIZE_OUT >> 8, RTMP_CHUNK_SIZE_OUT & 0xff };
	uint8_t buf[64];
	struct bytes_writer w;
	struct rtmp_message message;
	size_t consumed;

	c->fd = fd;
	rtmp_chunk_reader_init(&c->reader);
	bytes_writer_init_fixed(&w, buf, sizeof(buf));
	rtmp_chunk_write(&w, &header, size, sizeof(size), RTMP_CHUNK_SIZE_DEFAULT);
	assert_int_equal(rtmp_chunk_reader_feed(&c->reader, buf, w.len, &consumed, &message), PARSE_MORE);
}

static bool has_bursts; /* the second time that the tests run */

static int set_up(void **state)
{
	static struct fixture f;
	struct out_rtmp_config config = { .stream = name, .ops = &player_ops, .arg = &f };
	const int small = SMALL_BUFFER;
	int fds[2];

	memset(&f, 0, sizeof(f));
	f.plan = plan_create();
	assert_non_null(f.plan);
	f.video = fixture_video_track(0);
	f.audio = fixture_audio_track(0);
	house_open(&f.house, f.plan);
	f.loop = house_loop(&f.house, name, 1);
	if (has_bursts)
		assert_int_equal(burst_create(&house_local(&f.house, f.loop)->burst), 0);
	f.publisher.video_bytes = PICTURE_BYTES;
	house_publish(&f.house, &f.publisher, &(struct house_publish){ house_loop(&f.house, name, 2), name, 1, 0 });
	house_pump(&f.house);
	assert_true(f.publisher.is_granted);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
	assert_int_equal(setsockopt(fds[0], SOL_SOCKET, SO_SNDBUF, &small, sizeof(small)), 0);
	f.server_fd = fds[0];
	assert_int_equal(tcp_conn_create(&f.conn, f.house.loops[f.loop], fds[0], &conn_ops, &f), 0);
	client_init(&f.client, fds[1]);
	config.conn = f.conn;
	assert_int_equal(out_rtmp_create(&f.player, house_local(&f.house, f.loop), &config), 0);
	*state = &f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	out_rtmp_destroy(&f->player);
	tcp_conn_destroy(&f->conn);
	close(f->client.fd);
	rtmp_chunk_reader_fini(&f->client.reader);
	publisher_end(&f->publisher.publisher, CLOSE_CLIENT_CLOSED);
	house_close(&f->house);
	assert_int_equal(stats_get(&f->house.stats, STAT_RTMP_PLAYERS), 0);
	assert_int_equal(atomic_load(&f->video->refs), 1);
	assert_int_equal(atomic_load(&f->audio->refs), 1);
	track_unref(f->video);
	track_unref(f->audio);
	plan_unref(f->plan);
	return 0;
}

static void take_picture(struct client *c, const struct rtmp_message *message)
{
	if (message->payload[1] == 0) { /* a sequence header; the variant is its last byte */
		c->configs++;
		c->config_variant = message->payload[message->len - 1];
		c->pictures_at_config = c->pictures;
		return;
	}
	assert_int_equal(message->len, 5 + PICTURE_BYTES);
	for (size_t i = 0; i < PICTURE_BYTES; i++) {
		if (message->payload[5 + i] != (uint8_t)(i * 31 + (i >> 8)))
			fail_msg("byte %zu of a picture is wrong", i);
	}
	assert_true(c->configs > 0);
	if (c->pictures == 0) {
		assert_int_equal(message->payload[0], 0x17);
	} else if (message->timestamp_ms != c->last_ms + HOUSE_STEP_MS) {
		assert_true(message->timestamp_ms > c->last_ms);
		assert_int_equal(message->payload[0], 0x17);
		c->skips++;
	}
	c->last_ms = message->timestamp_ms;
	c->pictures++;
}

static void take(struct client *c, const struct rtmp_message *message)
{
	switch (message->type) {
	case RTMP_TYPE_VIDEO: take_picture(c, message); break;
	case RTMP_TYPE_AUDIO: c->sounds += message->payload[1] == 1; break;
	case RTMP_TYPE_DATA_AMF0: c->metadata++; break;
	case REPLY_TYPE: c->replies++; break;
	default: fail_msg("a message of type %u", message->type);
	}
}

/* Reads up to max bytes. Returns how many there were. */
static size_t client_read(struct client *c, size_t max)
{
	static uint8_t buf[65536];
	size_t total = 0;

	while (total < max) {
		ssize_t n = recv(c->fd, buf, max - total < sizeof(buf) ? max - total : sizeof(buf), 0);
		struct rtmp_message message;
		size_t consumed;
		size_t pos = 0;

		if (n <= 0)
			break;
		while (
		    rtmp_chunk_reader_feed(&c->reader, buf + pos, (size_t)n - pos, &consumed, &message) == PARSE_OK) {
			pos += consumed;
			take(c, &message);
		}
		assert_int_equal(rtmp_chunk_reader_error(&c->reader), RTMP_CHUNK_FINE);
		total += (size_t)n;
	}
	return total;
}

static void reply(struct fixture *f)
{
	const struct rtmp_message_header header = { .csid = RTMP_CSID_CONTROL, .type = REPLY_TYPE };
	const uint8_t ping[] = { 0, 7, 0, 0, 0, 1 };
	uint8_t buf[64];
	struct bytes_writer w;

	bytes_writer_init_fixed(&w, buf, sizeof(buf));
	rtmp_chunk_write(&w, &header, ping, sizeof(ping), RTMP_CHUNK_SIZE_OUT);
	assert_int_equal(out_rtmp_control(f->player, buf, w.len), 0);
	f->replies_sent++;
}

/* The publisher sends for so long; the player reads so much after each step, and the rest of the socket never. */
static void play_for(struct fixture *f, int64_t ms, size_t bytes_per_step)
{
	for (; ms > 0; ms -= HOUSE_STEP_MS) {
		size_t left = bytes_per_step;
		size_t n;

		house_send(&f->publisher, f->video, f->audio);
		house_pump(&f->house);
		do {
			n = client_read(&f->client, left < 5000 ? left : 5000);
			left -= n;
			house_pump(&f->house);
		} while (n > 0 && left > 0);
		house_advance(&f->house, HOUSE_STEP_MS);
	}
}

static void read_the_rest(struct fixture *f)
{
	while (client_read(&f->client, 5000) > 0)
		house_pump(&f->house);
}

static void a_player_that_reads_gets_all_of_it(void **state)
{
	struct fixture *f = *state;

	play_for(f, 10 * SECOND_MS, ALL);
	assert_int_equal(f->client.pictures, 100);
	assert_in_range(f->client.sounds, 99, 100);
	assert_int_equal(f->client.skips, 0);
	/* It was there before the stream: told once with the first picture, and again when the sound came. */
	assert_int_equal(f->client.metadata, 2);
	assert_int_equal(f->client.configs, 2);
	assert_true(out_rtmp_has_started(f->player));
	assert_in_range(out_rtmp_counts(f->player).frames, 199, 200);
	assert_int_equal(out_rtmp_counts(f->player).skips, 0);
}

static void replies_stand_between_messages(void **state)
{
	struct fixture *f = *state;

	/* It reads a little less than comes, so that a message is half sent at nearly every reply. */
	for (int i = 0; i < 40; i++) {
		reply(f);
		play_for(f, HOUSE_STEP_MS, 19500);
		reply(f);
	}
	read_the_rest(f);
	assert_int_equal(f->client.replies, f->replies_sent);
	assert_int_equal(f->client.pictures, 40);
	assert_int_equal(f->client.skips, 0);
}

static void a_player_that_rests_goes_on_at_a_key_frame(void **state)
{
	struct fixture *f = *state;
	unsigned before;

	play_for(f, 2 * SECOND_MS, ALL);
	play_for(f, 4 * SECOND_MS, 0);
	assert_int_equal(out_rtmp_counts(f->player).skips, 0);
	play_for(f, 2 * SECOND_MS, 0);
	assert_int_equal(out_rtmp_counts(f->player).skips, 1);
	before = f->client.pictures;
	play_for(f, 2 * SECOND_MS, ALL);
	read_the_rest(f);
	assert_int_equal(f->client.skips, 1);
	assert_true(f->client.pictures > before + 20);
	assert_int_equal(stats_get(&f->house.stats, STAT_PLAYER_SKIPS), 1);
	assert_false(f->is_over);
}

static void a_player_that_never_reads_is_closed(void **state)
{
	struct fixture *f = *state;

	play_for(f, 2 * SECOND_MS, ALL);
	play_for(f, 15 * SECOND_MS, 0);
	assert_false(f->is_over);
	play_for(f, 2 * SECOND_MS, 0);
	assert_true(f->is_over);
	assert_int_equal(f->reason, CLOSE_TOO_SLOW);
	assert_null(f->player);
	play_for(f, SECOND_MS, 0);
}

/* Gives up the fixture's picture for one in H.265. */
static void film_in_h265(struct fixture *f)
{
	const uint8_t config[] = { 1, 1, 0x60 };

	track_unref(f->video);
	f->video = track_create(TRACK_VIDEO, CODEC_H265, config, sizeof(config));
	assert_non_null(f->video);
}

static void a_codec_that_was_not_announced_closes(void **state)
{
	struct fixture *f = *state;

	film_in_h265(f);
	play_for(f, SECOND_MS, ALL);
	assert_true(f->is_over);
	assert_int_equal(f->reason, CLOSE_CODEC_NOT_ANNOUNCED);
	assert_false(out_rtmp_has_started(f->player));
	assert_int_equal(f->client.metadata, 0);
	assert_true(out_rtmp_is_drained(f->player));
}

/* What was sent before the change is whole, and nothing of the change is. */
static void a_change_to_such_a_codec_closes(void **state)
{
	struct fixture *f = *state;

	play_for(f, SECOND_MS, ALL);
	assert_false(f->is_over);
	film_in_h265(f);
	play_for(f, 2 * SECOND_MS, ALL);
	assert_true(f->is_over);
	assert_int_equal(f->reason, CLOSE_CODEC_NOT_ANNOUNCED);
	assert_int_equal(f->client.pictures, 10);
	assert_int_equal(f->client.metadata, 2);
	assert_int_equal(f->client.skips, 0);
}

static void after_a_pause_it_goes_on_at_a_key_frame(void **state)
{
	struct fixture *f = *state;
	unsigned before;

	play_for(f, 1500, ALL);
	out_rtmp_pause(f->player, true);
	read_the_rest(f);
	before = f->client.pictures;
	play_for(f, 20 * SECOND_MS, ALL);
	assert_int_equal(f->client.pictures, before);
	out_rtmp_pause(f->player, false);
	play_for(f, 2 * SECOND_MS, ALL);
	assert_int_equal(f->client.skips, 1);
	assert_true(f->client.pictures >= before + 20);
	assert_int_equal(out_rtmp_counts(f->player).skips, 0);
}

static void a_new_configuration_is_told_before_its_first_picture(void **state)
{
	struct fixture *f = *state;
	unsigned before;

	play_for(f, SECOND_MS, ALL);
	before = f->client.configs;
	track_unref(f->video);
	f->video = fixture_video_track(9);
	play_for(f, SECOND_MS, ALL);
	assert_int_equal(f->client.configs, before + 1);
	assert_int_equal(f->client.config_variant, 9);
	assert_int_equal(f->client.pictures, 20);
	assert_int_equal(f->client.skips, 0);
}

static void one_write_never_crosses_a_change_of_configuration(void **state)
{
	struct fixture *f = *state;

	play_for(f, SECOND_MS, ALL);
	/* Old and new pictures wait for the player's loop together. */
	f->house.asleep = 1u << f->loop;
	play_for(f, 3 * HOUSE_STEP_MS, 0);
	track_unref(f->video);
	f->video = fixture_video_track(9);
	play_for(f, 3 * HOUSE_STEP_MS, 0);
	f->house.asleep = 0;
	play_for(f, 4 * HOUSE_STEP_MS, ALL);
	assert_int_equal(f->client.pictures, 20);
	assert_int_equal(f->client.config_variant, 9);
	assert_int_equal(f->client.pictures_at_config, 13);
}

/* More pointers than one write can have: the list ends inside a message, and the socket takes all of it. */
static void a_write_may_end_inside_a_small_message(void **state)
{
	struct fixture *f = *state;
	const int big = 200 * 1024;
	unsigned before;

	play_for(f, SECOND_MS, ALL);
	before = f->client.sounds;
	assert_int_equal(setsockopt(f->server_fd, SOL_SOCKET, SO_SNDBUF, &big, sizeof(big)), 0);
	f->house.asleep = 1u << f->loop;
	for (int i = 0; i < 400; i++) {
		struct frame *frame = fixture_frame(f->audio, (int64_t)(f->publisher.raw_ms + 1) * 90, 50, FRAME_KEY);

		f->publisher.raw_ms += 10;
		frame->arrival_us = f->house.clock.now_mono_us;
		assert_true(publisher_push(f->publisher.publisher, frame));
		house_advance(&f->house, 10);
	}
	house_pump(&f->house);
	f->house.asleep = 0;
	house_pump(&f->house);
	play_for(f, HOUSE_STEP_MS, ALL);
	read_the_rest(f);
	assert_in_range(f->client.sounds, before + 400, before + 402);
	assert_int_equal(f->client.skips, 1); /* the pictures were not sent for 4 s */
}

static void when_stopped_the_last_message_is_finished(void **state)
{
	struct fixture *f = *state;
	unsigned pictures;

	play_for(f, SECOND_MS, ALL);
	play_for(f, SECOND_MS, 0);
	assert_false(out_rtmp_is_drained(f->player));
	out_rtmp_stop(f->player);
	reply(f);
	pictures = f->client.pictures;
	play_for(f, 2 * SECOND_MS, ALL);
	read_the_rest(f);
	/* What the socket had and the half-sent one; then the reply, and nothing behind it. */
	assert_in_range(f->client.pictures, pictures + 1, pictures + 4);
	assert_int_equal(f->client.replies, 1);
	assert_int_equal(f->client.reader.half_read_bytes, 0);
	assert_true(out_rtmp_is_drained(f->player));
	assert_false(f->is_over);
}

static void the_end_of_the_stream_leaves_nothing_half(void **state)
{
	struct fixture *f = *state;

	play_for(f, 2 * SECOND_MS, ALL);
	publisher_end(&f->publisher.publisher, CLOSE_CLIENT_ENDED);
	house_pump(&f->house);
	house_advance(&f->house, 16 * SECOND_MS);
	assert_true(f->is_over);
	assert_int_equal(f->reason, CLOSE_STREAM_OVER);
	reply(f);
	read_the_rest(f);
	assert_int_equal(f->client.pictures, 20);
	assert_int_equal(f->client.replies, 1);
	assert_true(out_rtmp_is_drained(f->player));
}

static void a_peer_that_is_gone_ends_it(void **state)
{
	struct fixture *f = *state;

	play_for(f, SECOND_MS, ALL);
	shutdown(f->client.fd, SHUT_RDWR);
	play_for(f, SECOND_MS, 0);
	assert_true(f->is_over || f->is_closed);
	if (f->is_over)
		assert_int_equal(f->reason, CLOSE_CLIENT_CLOSED);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_player_that_reads_gets_all_of_it),
		TEST(replies_stand_between_messages),
		TEST(a_player_that_rests_goes_on_at_a_key_frame),
		TEST(a_player_that_never_reads_is_closed),
		TEST(a_codec_that_was_not_announced_closes),
		TEST(a_change_to_such_a_codec_closes),
		TEST(after_a_pause_it_goes_on_at_a_key_frame),
		TEST(a_new_configuration_is_told_before_its_first_picture),
		TEST(one_write_never_crosses_a_change_of_configuration),
		TEST(a_write_may_end_inside_a_small_message),
		TEST(when_stopped_the_last_message_is_finished),
		TEST(the_end_of_the_stream_leaves_nothing_half),
		TEST(a_peer_that_is_gone_ends_it),
	};

	struct burst *burst;
	int n_failed = cmocka_run_group_tests_name("one write each", tests, NULL, NULL);

	if (burst_create(&burst) != 0)
		return n_failed; /* where the kernel does not let us have it the second way does not exist */
	burst_destroy(&burst);
	has_bursts = true;
	return n_failed + cmocka_run_group_tests_name("in bursts", tests, NULL, NULL);
}
