/* SPDX-License-Identifier: Apache-2.0 */
/* Many viewers of one HLS stream in one thread: fetches what players would, keeps nothing, says in JSON what they saw.
 */
#define _GNU_SOURCE /* memmem */
#include "tests/tools/endpoint.h"
#include "tests/tools/hls_report.h"
#include "tests/tools/hls_viewer.h"
#include "tests/tools/http_peer.h"
#include "tests/tools/stamp.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

enum {
	EVENTS = 512,
	TICK_MS = 5,
	PATH_SIZE = 512,
	LIVE_TARGETS = 4, /* media came within so many target durations: alive */
};

struct load_options {
	const char *url;
	const char *answers_path; /* NULL: none */
	bool is_low_latency;
	bool has_hints;
	size_t n_viewers;
	size_t n_sampled; /* of these the age of the newest access unit is noted */
	int64_t run_us;
	int64_t ramp_us;
	int64_t from_us; /* the window that bytes and times are counted in, on the monotonic clock */
	int64_t to_us;
};

enum line_task { TASK_NONE, TASK_PLAYLIST, TASK_MEDIA };

/* A connection and what it is busy with. */
struct line {
	struct http_peer peer;
	struct watcher *watcher;
	enum line_task task;
	bool is_blocking; /* the playlist was asked for with a part */
	bool wants_out;
	uint64_t msn; /* which part */
	unsigned part;
	struct hls_item item;
};

/*
 * A viewer and his connections. A low-latency one has a second one for media: on the first the next playlist is
 * waited for meanwhile.
 */
struct watcher {
	struct load *load;
	struct hls_viewer viewer;
	struct line lines[2];
	bool is_sampled;
	bool is_broken;
	int64_t reload_us;
};

struct load {
	struct load_options opt;
	struct http_url url;
	size_t dir_len; /* of url.path, with its last '/' */
	int epoll_fd;
	int64_t now_us;
	size_t n_started;
	struct watcher *watchers;
	struct hls_report report;
};

static bool is_in_window(const struct load *load)
{
	return load->now_us >= load->opt.from_us && load->now_us < load->opt.to_us;
}

static struct line *media_line(struct watcher *w)
{
	return &w->lines[w->viewer.is_low_latency ? 1 : 0];
}

static void give_up(struct watcher *w, int status)
{
	if (w->is_broken)
		return;
	w->is_broken = true;
	w->load->report.n_errors++;
	w->load->report.last_error_status = status;
	hls_viewer_end(&w->viewer, w->load->now_us);
	for (size_t i = 0; i < 2; i++)
		http_peer_close(&w->lines[i].peer);
}

static void watch_line(struct line *line, int op)
{
	struct epoll_event ev = { .data.ptr = line, .events = EPOLLIN | (line->wants_out ? EPOLLOUT : 0u) };

	epoll_ctl(line->watcher->load->epoll_fd, op, line->peer.fd, &ev);
}

static bool open_line(struct watcher *w, struct line *line, bool has_stamps)
{
	line->watcher = w;
	if (http_peer_open(&line->peer, &w->load->url, has_stamps) != 0)
		return false;
	line->wants_out = true; /* until it is connected */
	watch_line(line, EPOLL_CTL_ADD);
	return true;
}

static void ask(struct line *line, enum line_task task, const char *path, bool is_body_kept)
{
	struct watcher *w = line->watcher;

	line->task = task;
	w->load->report.n_requests++;
	if (http_peer_ask(&line->peer, w->load->url.host, path, is_body_kept) != 0) {
		give_up(w, 0);
		return;
	}
	if (line->peer.out.len > 0 && !line->wants_out) {
		line->wants_out = true;
		watch_line(line, EPOLL_CTL_MOD);
	}
}

static void ask_playlist(struct watcher *w)
{
	struct line *line = &w->lines[0];
	char path[PATH_SIZE];

	line->is_blocking = w->viewer.is_low_latency && w->viewer.is_begun;
	line->msn = w->viewer.ask_msn;
	line->part = w->viewer.ask_part;
	if (line->is_blocking)
		snprintf(path, sizeof(path), "%s?_HLS_msn=%llu&_HLS_part=%u", w->load->url.path,
		    (unsigned long long)line->msn, line->part);
	else
		snprintf(path, sizeof(path), "%s", w->load->url.path);
	ask(line, TASK_PLAYLIST, path, true);
}

static void ask_media(struct watcher *w, struct line *line)
{
	char path[PATH_SIZE];

	snprintf(path, sizeof(path), "%.*s%s", (int)w->load->dir_len, w->load->url.path, line->item.uri);
	ask(line, TASK_MEDIA, path, w->is_sampled);
}

/* Asks for what is due on connections that have nothing to do. */
static void go_on(struct watcher *w)
{
	struct line *media = media_line(w);

	if (!w->is_broken && media->task == TASK_NONE && hls_viewer_take(&w->viewer, &media->item))
		ask_media(w, media);
	if (w->is_broken || w->viewer.is_ended || w->lines[0].task != TASK_NONE)
		return;
	if ((w->viewer.is_low_latency && w->viewer.is_begun) || w->load->now_us >= w->reload_us)
		ask_playlist(w);
}

static void on_playlist(struct watcher *w, struct line *line)
{
	struct load *load = w->load;
	const struct http_peer *peer = &line->peer;
	size_t len;
	const char *text = http_peer_body(peer, &len);

	hls_viewer_read(&w->viewer, text, len);
	/* RFC 8216bis §6.3.4 lets a player ask again after half a target duration at the earliest. */
	w->reload_us = peer->asked_us + (int64_t)w->viewer.target_s * 500000;
	if (!is_in_window(load))
		return;
	if (line->is_blocking)
		hls_report_answer(&load->report,
		    &(struct hls_answer){ .msn = line->msn,
			.part = line->part,
			.asked_us = peer->asked_us,
			.arrived_us = peer->arrived_us,
			.read_us = load->now_us });
	else
		hls_report_time(&load->report, HLS_TIME_PLAYLIST, load->now_us - peer->asked_us);
}

/* The last stamp in the bytes, or -1. */
static int64_t newest_stamp_us(const uint8_t *data, size_t len)
{
	int64_t written_us, newest_us = -1;
	const uint8_t *at;

	while ((at = memmem(data, len, stamp_mark, STAMP_MARK_BYTES))) {
		size_t skipped = (size_t)(at - data);

		if (stamp_find(at, len - skipped, &written_us) && written_us > newest_us)
			newest_us = written_us;
		data = at + 1;
		len -= skipped + 1;
	}
	return newest_us;
}

static void on_media(struct watcher *w, struct line *line)
{
	struct load *load = w->load;
	size_t len;
	const uint8_t *body = (const uint8_t *)http_peer_body(&line->peer, &len);
	int64_t newest_us = line->peer.is_body_kept ? newest_stamp_us(body, len) : -1;

	hls_viewer_note(&w->viewer, &line->item, load->now_us);
	if (!is_in_window(load))
		return;
	if (line->item.kind != HLS_HINT)
		hls_report_time(&load->report, HLS_TIME_MEDIA, load->now_us - line->peer.asked_us);
	if (newest_us >= 0)
		hls_report_time(&load->report, HLS_TIME_AGE, load->now_us - newest_us);
}

static void on_answer(struct line *line)
{
	struct watcher *w = line->watcher;
	enum line_task task = line->task;

	line->task = TASK_NONE;
	w->load->report.n_window_requests += is_in_window(w->load);
	if (line->peer.head.status != 200 || line->peer.head.is_closing) {
		give_up(w, line->peer.head.status);
		return;
	}
	if (task == TASK_PLAYLIST)
		on_playlist(w, line);
	else
		on_media(w, line);
	go_on(w);
}

static void read_line(struct line *line)
{
	struct load *load = line->watcher->load;
	size_t n = 0;
	enum http_peer_step step = http_peer_read(&line->peer, &n);

	load->now_us = endpoint_now_us();
	load->report.size_bytes += n;
	load->report.window_bytes += is_in_window(load) ? n : 0;
	switch (step) {
	case HTTP_PEER_MORE: return;
	case HTTP_PEER_DONE: on_answer(line); return;
	case HTTP_PEER_BROKEN: give_up(line->watcher, 0); return;
	}
}

static void on_event(struct line *line, uint32_t events)
{
	if (line->watcher->is_broken)
		return;
	if (events & EPOLLOUT) {
		if (http_peer_flush(&line->peer) != 0) {
			give_up(line->watcher, 0);
			return;
		}
		line->wants_out = line->peer.out.len > 0;
		watch_line(line, EPOLL_CTL_MOD);
	}
	if (events & (EPOLLIN | EPOLLHUP | EPOLLERR))
		read_line(line);
}

static void start_watcher(struct load *load, size_t i)
{
	struct watcher *w = &load->watchers[i];

	w->load = load;
	w->viewer.is_low_latency = load->opt.is_low_latency;
	w->viewer.has_hints = load->opt.has_hints;
	w->is_sampled = i < load->opt.n_sampled;
	if (!open_line(w, &w->lines[0], load->opt.is_low_latency) ||
	    (load->opt.is_low_latency && !open_line(w, &w->lines[1], false)))
		give_up(w, 0);
	else
		go_on(w);
}

static void start_due(struct load *load, int64_t start_us)
{
	size_t due = endpoint_due(load->opt.n_viewers, load->now_us - start_us, load->opt.ramp_us);

	while (load->n_started < due)
		start_watcher(load, load->n_started++);
}

static void load_run(struct load *load)
{
	int64_t start_us = endpoint_now_us(), ticked_us = 0;
	struct epoll_event events[EVENTS];

	load->now_us = start_us;
	while (load->now_us - start_us < load->opt.run_us) {
		int n;

		start_due(load, start_us);
		if (load->now_us - ticked_us >= TICK_MS * 1000) {
			ticked_us = load->now_us;
			for (size_t i = 0; i < load->n_started; i++)
				go_on(&load->watchers[i]);
		}
		n = epoll_wait(load->epoll_fd, events, EVENTS, TICK_MS);
		load->now_us = endpoint_now_us();
		for (int i = 0; i < n; i++)
			on_event(events[i].data.ptr, events[i].events);
	}
}

static struct hls_run sum_up(struct load *load)
{
	struct hls_run run = { .n_viewers = load->opt.n_viewers };

	for (size_t i = 0; i < load->n_started; i++) {
		struct watcher *w = &load->watchers[i];
		int64_t lately_us = (int64_t)w->viewer.target_s * LIVE_TARGETS * 1000000;

		if (!w->is_broken)
			hls_viewer_end(&w->viewer, load->now_us);
		run.n_broken += w->is_broken;
		run.n_live +=
		    !w->is_broken && w->viewer.n_media > 0 && load->now_us - w->viewer.last_media_us <= lately_us;
		run.n_media += w->viewer.n_media;
		run.n_stalls += w->viewer.n_stalls;
	}
	return run;
}

static int usage(void)
{
	fputs("usage: hls_load --url http://A.B.C.D:PORT/PATH/main.m3u8 [--mode plain|ll] [--hints] [--viewers N]\n"
	      "                [--sampled K] [--seconds S] [--ramp-ms MS] [--from-us T --to-us T] [--answers FILE]\n",
	    stderr);
	return 2;
}

static bool set_mode(struct load_options *opt, const char *mode)
{
	opt->is_low_latency = strcmp(mode, "ll") == 0;
	return opt->is_low_latency || strcmp(mode, "plain") == 0;
}

static bool parse_options(struct load_options *opt, int argc, char **argv)
{
	static const struct option options[] = {
		{ "url", required_argument, NULL, 'u' },
		{ "mode", required_argument, NULL, 'm' },
		{ "hints", no_argument, NULL, 'h' },
		{ "viewers", required_argument, NULL, 'v' },
		{ "sampled", required_argument, NULL, 'k' },
		{ "seconds", required_argument, NULL, 's' },
		{ "ramp-ms", required_argument, NULL, 'r' },
		{ "from-us", required_argument, NULL, 'a' },
		{ "to-us", required_argument, NULL, 'b' },
		{ "answers", required_argument, NULL, 'f' },
		{ NULL, 0, NULL, 0 },
	};
	int c;

	*opt = (struct load_options){ .n_viewers = 1, .run_us = 10000000, .to_us = INT64_MAX };
	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (c) {
		case 'u': opt->url = optarg; break;
		case 'm':
			if (!set_mode(opt, optarg))
				return false;
			break;
		case 'h': opt->has_hints = true; break;
		case 'v': opt->n_viewers = strtoul(optarg, NULL, 10); break;
		case 'k': opt->n_sampled = strtoul(optarg, NULL, 10); break;
		case 's': opt->run_us = (int64_t)(strtod(optarg, NULL) * 1e6); break;
		case 'r': opt->ramp_us = strtol(optarg, NULL, 10) * 1000; break;
		case 'a': opt->from_us = strtoll(optarg, NULL, 10); break;
		case 'b': opt->to_us = strtoll(optarg, NULL, 10); break;
		case 'f': opt->answers_path = optarg; break;
		default: return false;
		}
	}
	return opt->url && opt->n_viewers > 0 && optind == argc;
}

static void load_fini(struct load *load)
{
	for (size_t i = 0; i < load->n_started; i++)
		for (size_t k = 0; k < 2; k++)
			http_peer_close(&load->watchers[i].lines[k].peer);
	close(load->epoll_fd);
	hls_report_fini(&load->report);
	free(load->watchers);
}

int main(int argc, char **argv)
{
	struct load load = { 0 };
	int64_t start_us = endpoint_now_us();
	struct hls_run run;
	int err = 0;

	if (!parse_options(&load.opt, argc, argv) || http_url_parse(&load.url, load.opt.url) != 0)
		return usage();
	load.dir_len = (size_t)(strrchr(load.url.path, '/') - load.url.path) + 1;
	endpoint_raise_descriptor_limit();
	load.watchers = calloc(load.opt.n_viewers, sizeof(*load.watchers));
	load.epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (hls_report_init(&load.report) != 0 || !load.watchers || load.epoll_fd < 0) {
		load_fini(&load);
		return 1;
	}
	load_run(&load);
	run = sum_up(&load);
	run.wall_us = endpoint_now_us() - start_us;
	run.cpu_us = endpoint_cpu_us();
	hls_report_print(&load.report, &run);
	if (load.opt.answers_path && hls_report_write_answers(&load.report, load.opt.answers_path) != 0)
		err = 1;
	load_fini(&load);
	return err;
}
