/* SPDX-License-Identifier: Apache-2.0 */
#include "relay/out_srt.h"

#include <errno.h>
#include <stdlib.h>

#include "relay/send_window.h"

struct out_srt {
	struct ts_reader reader; /* first: its ops get a pointer to it */
	struct relay_local *local;
	struct poll_srt_watch *watch;
	const struct out_srt_ops *ops;
	void *arg;
	struct send_window window;
	struct out_srt_counts counts;
};

void out_srt_destroy(struct out_srt **player)
{
	struct out_srt *p = *player;

	*player = NULL;
	if (!p)
		return;
	ts_lane_detach(&p->reader);
	stats_add(p->local->setup->stats, STAT_SRT_PLAYERS, -1);
	free(p);
}

static void end(struct out_srt *p, enum close_reason reason)
{
	ts_lane_detach(&p->reader);
	p->ops->over(p->arg, reason);
}

static enum close_reason reason_of(int err)
{
	return err == -ENOMEM ? CLOSE_NO_MEMORY : close_reason_of_socket(err);
}

/* Whether it was the window that ended a run. */
static void note_window(struct out_srt *p, enum ts_piece_verdict verdict)
{
	if (verdict == TS_PIECE_READY)
		send_window_hold(&p->window, ts_lane_waiting(&p->reader), local_now_us(p->local));
	else
		send_window_pass(&p->window);
}

/* Sends what there is, as far as the socket takes it. */
static void run(struct out_srt *p)
{
	struct stats *stats = p->local->setup->stats;
	enum ts_piece_verdict verdict;
	struct ts_piece piece;
	uint64_t bytes = 0;
	size_t left = send_window_room(&p->window, io_srt_unsent(p->watch->sock));
	int err = 0;

	while ((verdict = ts_lane_next(&p->reader, &piece)) == TS_PIECE_READY && left-- > 0) {
		err = io_srt_send(p->watch->sock, piece.data, piece.len);
		if (err != 0)
			break;
		ts_lane_advance(&p->reader);
		p->counts.messages++;
		bytes += piece.len;
	}
	p->counts.bytes += bytes;
	stats_add(stats, STAT_SRT_BYTES_OUT, (int64_t)bytes);
	if (err == 0)
		note_window(p, verdict);
	/* One that is held by its window is looked at again with the next look: its socket has room. */
	if (err == 0 || err == -EAGAIN)
		err = poll_srt_change(p->watch, verdict == TS_PIECE_READY ? IO_SRT_OUT : 0);
	if (verdict == TS_PIECE_TOO_SLOW)
		end(p, CLOSE_TOO_SLOW);
	else if (err != 0)
		end(p, reason_of(err));
}

static struct out_srt *player_of(struct ts_reader *reader)
{
	return (struct out_srt *)(void *)reader;
}

static void on_flush(struct ts_reader *reader)
{
	run(player_of(reader));
}

static void on_over(struct ts_reader *reader, enum close_reason reason)
{
	struct out_srt *p = player_of(reader);

	p->ops->over(p->arg, reason);
}

static const struct ts_reader_ops reader_ops = { .flush = on_flush, .over = on_over };

int out_srt_create(struct out_srt **out, struct ts_lanes *lanes, const struct out_srt_config *config)
{
	struct out_srt *p = calloc(1, sizeof(*p));
	int err;

	*out = NULL;
	if (!p)
		return -ENOMEM;
	*p = (struct out_srt){
		.reader = { .ops = &reader_ops },
		.local = ts_lanes_local(lanes),
		.watch = config->watch,
		.ops = config->ops,
		.arg = config->arg,
	};
	send_window_init(&p->window);
	stats_add(p->local->setup->stats, STAT_SRT_PLAYERS, 1);
	err = ts_lane_attach(lanes, config->stream, &p->reader);
	if (err != 0) {
		out_srt_destroy(&p);
		return err;
	}
	*out = p;
	return 0;
}

void out_srt_writable(struct out_srt *p)
{
	run(p);
}

void out_srt_lost(struct out_srt *p)
{
	if (p->reader.is_placed)
		stats_add(p->local->setup->stats, STAT_PLAYER_SKIPS, 1);
	if (ts_lane_skip(&p->reader))
		end(p, CLOSE_TOO_SLOW);
}

bool out_srt_has_started(const struct out_srt *p)
{
	return p->counts.messages > 0;
}

struct out_srt_counts out_srt_counts(const struct out_srt *p)
{
	struct out_srt_counts counts = p->counts;

	counts.skips = p->reader.lag.n_skips;
	return counts;
}
