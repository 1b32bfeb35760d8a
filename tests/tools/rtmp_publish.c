/* SPDX-License-Identifier: Apache-2.0 */
/* A publisher made of librtmp: sends an FLV file in its own time, as the many programs built on that library do. */
#include "tests/tools/endpoint.h"
#include "tests/tools/flv_file.h"

#include <getopt.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <librtmp/log.h>
#include <librtmp/rtmp.h>

struct publish_options {
	char *url;
	const char *file;
	double seconds; /* of media; 0: the file once */
	double speed;	/* 0: as fast as it goes */
	uint32_t offset_ms;
};

static void wait_until(int64_t when_us)
{
	struct timespec ts = { .tv_sec = when_us / 1000000, .tv_nsec = when_us % 1000000 * 1000 };

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL) != 0)
		;
}

/* Enhanced RTMP: the packet type stands in the first byte, and 0 begins a sequence. */
static bool is_enhanced(const struct flv_tag *t)
{
	return t->size_bytes > 0 && (t->type == 9 ? t->body[0] & 0x80 : t->body[0] >> 4 == 9);
}

static bool is_header(const struct flv_tag *t)
{
	if (is_enhanced(t))
		return (t->body[0] & 0x0f) == 0;
	return t->type == 18 || (t->size_bytes > 1 && t->type == 8 && t->body[1] == 0) ||
	    (t->size_bytes > 1 && t->type == 9 && t->body[1] != 1);
}

/* Milliseconds from the first tag of one round to the first of the next. */
static uint32_t round_ms(const struct flv_file *f)
{
	return f->n_tags ? f->tags[f->n_tags - 1].timestamp_ms - f->tags[0].timestamp_ms + 33 : 0;
}

/* Sends the file again and again until the time is over; the headers go only in the first round. */
static int send_file(RTMP *rtmp, struct flv_file *f, const struct publish_options *opt)
{
	int64_t start_us = endpoint_now_us();
	uint32_t base_ms = 0;

	for (;; base_ms += round_ms(f)) {
		for (size_t i = 0; i < f->n_tags; i++) {
			struct flv_tag *t = &f->tags[i];
			uint32_t media_ms = base_ms + t->timestamp_ms;

			if (opt->seconds > 0 && media_ms > opt->seconds * 1e3)
				return 0;
			if (base_ms > 0 && is_header(t))
				continue;
			if (opt->speed > 0)
				wait_until(start_us + (int64_t)(media_ms * 1e3 / opt->speed));
			flv_tag_set_timestamp(t, media_ms + opt->offset_ms);
			if (!RTMP_IsConnected(rtmp) || RTMP_Write(rtmp, (char *)t->tag, (int)t->size_bytes + 15) <= 0)
				return 1;
		}
		if (opt->seconds <= 0 || f->n_tags == 0)
			return 0;
	}
}

static int publish(const struct publish_options *opt, struct flv_file *f)
{
	RTMP *rtmp = RTMP_Alloc();
	int res = 1;

	if (!rtmp)
		return 1;
	RTMP_LogSetLevel(RTMP_LOGERROR);
	RTMP_Init(rtmp);
	if (!RTMP_SetupURL(rtmp, opt->url))
		goto free_rtmp;
	RTMP_EnableWrite(rtmp);
	if (!RTMP_Connect(rtmp, NULL) || !RTMP_ConnectStream(rtmp, 0)) {
		fputs("rtmp_publish: refused\n", stderr);
		res = 3;
		goto close_rtmp;
	}
	res = send_file(rtmp, f, opt);
	if (res)
		fputs("rtmp_publish: cut off\n", stderr);
close_rtmp:
	RTMP_Close(rtmp);
free_rtmp:
	RTMP_Free(rtmp);
	return res;
}

static bool parse_options(struct publish_options *opt, int argc, char **argv)
{
	static const struct option options[] = {
		{ "url", required_argument, NULL, 'u' },
		{ "file", required_argument, NULL, 'f' },
		{ "seconds", required_argument, NULL, 's' },
		{ "offset-ms", required_argument, NULL, 'o' },
		{ "speed", required_argument, NULL, 'x' },
		{ NULL, 0, NULL, 0 },
	};
	int c = 0;

	*opt = (struct publish_options){ .speed = 1 };
	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (c) {
		case 'u': opt->url = optarg; break;
		case 'f': opt->file = optarg; break;
		case 's': opt->seconds = strtod(optarg, NULL); break;
		case 'o': opt->offset_ms = (uint32_t)strtoull(optarg, NULL, 10); break;
		case 'x': opt->speed = strtod(optarg, NULL); break;
		default: return false;
		}
	}
	return opt->url && opt->file && optind == argc;
}

int main(int argc, char **argv)
{
	struct publish_options opt;
	struct flv_file file;
	int res = 0;

	if (!parse_options(&opt, argc, argv)) {
		fputs("usage: rtmp_publish --url URL --file FLV [--seconds S] [--offset-ms MS] [--speed X]\n", stderr);
		return 2;
	}
	if (flv_file_open(&file, opt.file) < 0) {
		fprintf(stderr, "rtmp_publish: %s: not an FLV file\n", opt.file);
		return 2;
	}
	signal(SIGPIPE, SIG_IGN);
	res = publish(&opt, &file);
	flv_file_close(&file);
	return res;
}
