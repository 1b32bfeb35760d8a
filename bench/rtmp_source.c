/* SPDX-License-Identifier: Apache-2.0 */
/* Publishes one FLV file as one or many streams in real time; every video frame says when it was written. */
#include "tests/tools/endpoint.h"
#include "tests/tools/flv_file.h"
#include "tests/tools/stamp.h"

#include "tests/tools/client.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	EVENTS = 64,
	STREAM_SIZE = 96,
	BODY_MAX_BYTES = 1 << 20,
	SPREAD_US = 2000000, /* the first frames of many streams are spread over one GOP */
	WAIT_MAX_US = 50000,
	READ_BYTES = 64 * 1024,
};

struct source {
	int fd;
	char stream[STREAM_SIZE];
	struct client_config cfg;
	struct client client;
	int64_t start_us; /* when its media began; 0: not yet */
	uint32_t base_ms; /* of the present round through the file */
	size_t at;	  /* next tag */
};

struct house {
	const char *url;
	const char *file_name;
	size_t n;
	int64_t run_us;
	struct endpoint endpoint;
	struct flv_file file;
	struct source *sources;
	int epoll_fd;
	size_t n_running;
	uint8_t body[BODY_MAX_BYTES];
};

static bool is_header(const struct flv_tag *t)
{
	return t->type == 18 || (t->size_bytes > 1 && t->type == 8 && t->body[1] == 0) ||
	    (t->size_bytes > 1 && t->type == 9 && t->body[1] != 1);
}

static uint32_t round_ms(const struct flv_file *f)
{
	return f->tags[f->n_tags - 1].timestamp_ms - f->tags[0].timestamp_ms + 33;
}

static void send_tag(struct house *h, struct source *s, const struct flv_tag *t, uint32_t timestamp_ms)
{
	const uint8_t *body = t->body;
	size_t len = t->size_bytes;

	if (t->type == 9 && stamp_fits(body, len) && len + STAMP_BYTES <= BODY_MAX_BYTES) {
		memcpy(h->body, body, STAMP_AT);
		memcpy(h->body + STAMP_AT + STAMP_BYTES, body + STAMP_AT, len - STAMP_AT);
		stamp_write(h->body + STAMP_AT, endpoint_now_us());
		body = h->body;
		len += STAMP_BYTES;
	}
	client_send_media(&s->client, t->type, timestamp_ms, body, len);
}

static void next_tag(const struct flv_file *f, struct source *s)
{
	do {
		if (++s->at == f->n_tags) {
			s->at = 0;
			s->base_ms += round_ms(f);
		}
	} while (s->base_ms > 0 && is_header(&f->tags[s->at]));
}

/* Sends what is due; returns when the next tag is, or a negative errno. */
static int64_t run_source(struct house *h, struct source *s, int64_t now_us)
{
	for (;;) {
		const struct flv_tag *t = &h->file.tags[s->at];
		uint32_t media_ms = s->base_ms + t->timestamp_ms;
		int64_t due_us = s->start_us + (int64_t)media_ms * 1000;
		int err;

		if (due_us > now_us)
			return due_us;
		send_tag(h, s, t, media_ms);
		err = endpoint_flush(s->fd, &s->client.out);
		if (err < 0)
			return err;
		next_tag(&h->file, s);
	}
}

static int on_readable(struct house *h, struct source *s)
{
	static uint8_t buf[READ_BYTES];
	ssize_t n = recv(s->fd, buf, sizeof(buf), 0);

	if (n < 0 && (errno == EAGAIN || errno == EINTR || errno == ENOTCONN))
		return 0;
	if (n <= 0)
		return -ECONNRESET;
	client_feed(&s->client, buf, (size_t)n);
	if (s->client.state == CLIENT_REFUSED || s->client.state == CLIENT_BROKEN)
		return -EPROTO;
	if (s->client.state == CLIENT_RUNNING && s->start_us == 0) {
		h->n_running++;
		s->start_us =
		    endpoint_now_us() + (int64_t)(s - h->sources) * SPREAD_US / (int64_t)h->n * (h->n > 1 ? 1 : 0);
		if (h->n_running == h->n) {
			puts("running");
			fflush(stdout);
		}
	}
	return endpoint_flush(s->fd, &s->client.out);
}

static int start_source(struct house *h, struct source *s)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.ptr = s };

	endpoint_stream_name(&h->endpoint, (size_t)(s - h->sources), s->stream, sizeof(s->stream));
	s->cfg = (struct client_config){
		.is_publisher = true,
		.app = h->endpoint.app,
		.tc_url = h->endpoint.tc_url,
		.stream = s->stream,
	};
	client_init(&s->client, &s->cfg);
	s->fd = endpoint_connect(&h->endpoint);
	if (s->fd < 0)
		return s->fd;
	return epoll_ctl(h->epoll_fd, EPOLL_CTL_ADD, s->fd, &ev) < 0 ? -errno : 0;
}

/* When the next tag of any source is due, or a negative errno. */
static int64_t run_all(struct house *h, int64_t now_us)
{
	int64_t next_us = now_us + WAIT_MAX_US;

	for (size_t i = 0; i < h->n; i++) {
		struct source *s = &h->sources[i];
		int64_t due_us = s->start_us ? run_source(h, s, now_us) : next_us;

		if (due_us < 0)
			return due_us;
		/* C0 and C1 wait for the connection, other bytes for room. */
		if (s->client.out.len > 0 && endpoint_flush(s->fd, &s->client.out) < 0)
			return -ECONNRESET;
		if (s->client.out.len > 0 && due_us > now_us + 1000)
			due_us = now_us + 1000;
		if (due_us < next_us)
			next_us = due_us;
	}
	return next_us;
}

static int run(struct house *h)
{
	int64_t start_us = endpoint_now_us();

	for (size_t i = 0; i < h->n; i++) {
		int err = start_source(h, &h->sources[i]);

		if (err < 0)
			return err;
	}
	for (int64_t now_us = start_us; now_us - start_us < h->run_us; now_us = endpoint_now_us()) {
		struct epoll_event events[EVENTS];
		int64_t next_us = run_all(h, now_us);
		int n;

		if (next_us < 0)
			return (int)next_us;
		n = epoll_wait(h->epoll_fd, events, EVENTS, (int)((next_us - now_us + 999) / 1000));
		for (int i = 0; i < n; i++) {
			int err = on_readable(h, events[i].data.ptr);

			if (err < 0)
				return err;
		}
	}
	return 0;
}

static bool parse_options(struct house *h, int argc, char **argv)
{
	static const struct option options[] = {
		{ "url", required_argument, NULL, 'u' },
		{ "file", required_argument, NULL, 'f' },
		{ "streams", required_argument, NULL, 'n' },
		{ "seconds", required_argument, NULL, 's' },
		{ NULL, 0, NULL, 0 },
	};
	int c = 0;

	h->n = 1;
	h->run_us = 3600000000;
	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (c) {
		case 'u': h->url = optarg; break;
		case 'f': h->file_name = optarg; break;
		case 'n': h->n = strtoul(optarg, NULL, 10); break;
		case 's': h->run_us = (int64_t)(strtod(optarg, NULL) * 1e6); break;
		default: return false;
		}
	}
	return h->url && h->file_name && h->n > 0 && optind == argc && endpoint_parse(&h->endpoint, h->url) == 0;
}

static void close_all(struct house *h)
{
	for (size_t i = 0; h->sources && i < h->n; i++) {
		if (h->sources[i].fd > 0)
			close(h->sources[i].fd);
		client_fini(&h->sources[i].client);
	}
	free(h->sources);
	flv_file_close(&h->file);
	close(h->epoll_fd);
}

int main(int argc, char **argv)
{
	static struct house house;
	struct house *h = &house;
	int err;

	if (!parse_options(h, argc, argv)) {
		fputs("usage: rtmp_source --url rtmp://A.B.C.D:PORT/APP/STREAM --file FLV [--streams N] [--seconds S]\n"
		      "       {n} in STREAM: the number of the stream, from 0\n",
		    stderr);
		return 2;
	}
	if (flv_file_open(&h->file, h->file_name) < 0 || h->file.n_tags == 0) {
		fprintf(stderr, "rtmp_source: %s: not an FLV file\n", h->file_name);
		return 2;
	}
	h->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	h->sources = calloc(h->n, sizeof(*h->sources));
	err = h->sources && h->epoll_fd >= 0 ? run(h) : -ENOMEM;
	if (err < 0)
		fprintf(stderr, "rtmp_source: %s\n", strerror(-err));
	close_all(h);
	return err < 0;
}
