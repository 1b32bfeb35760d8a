/* SPDX-License-Identifier: Apache-2.0 */
#include "relay/source_srt.h"

#include <errno.h>

#include "relay/io_srt.h"

enum {
	MESSAGES_AT_ONCE = 512, /* per look: the others come next */
	/* libsrt does not say whether the peer hung up or fell silent; one that is not heard for nearly as long as
	   libsrt waits fell silent. */
	SILENT_US = (IO_SRT_IDLE_MS - 1000) * 1000,
};

void source_srt_init(struct source_srt *s, struct relay_local *local, int sock)
{
	struct link_figures figures;

	*s = (struct source_srt){ .local = local, .sock = sock, .heard_us = local_now_us(local) };
	if (io_srt_figures(sock, true, &figures) == 0)
		s->latency_us = (int64_t)figures.latency_ms * 1000;
}

static bool fell_silent(const struct source_srt *s)
{
	const int64_t until_us = s->ended_us != 0 ? s->ended_us : local_now_us(s->local);

	return until_us - s->heard_us >= SILENT_US;
}

enum close_reason source_srt_reason(const struct source_srt *s, int err)
{
	if (err != -ENOTCONN)
		return close_reason_of_socket(err);
	return fell_silent(s) ? CLOSE_CONNECTION_BROKEN : CLOSE_CLIENT_CLOSED;
}

/*
 * The publisher has hung up, and what it sent last still waits for its time: libsrt hands it out when that comes, and
 * says each time before that the connection is over.
 */
static bool waits_for_the_rest(struct source_srt *s, int64_t now_us)
{
	if (s->ended_us == 0)
		s->ended_us = now_us;
	return !fell_silent(s) && now_us - s->ended_us < s->latency_us;
}

enum close_reason source_srt_read(struct source_srt *s, struct ts_intake *intake, const bool *is_enough)
{
	uint8_t message[IO_SRT_MESSAGE_MAX];
	const int64_t now_us = local_now_us(s->local);
	const uint64_t before = s->bytes;
	ssize_t n = 0;

	for (int i = 0; i < MESSAGES_AT_ONCE && !*is_enough; i++) {
		n = io_srt_receive(s->sock, message, sizeof(message));
		if (n < 0)
			break;
		s->heard_us = now_us;
		s->messages++;
		s->bytes += (uint64_t)n;
		ts_intake_message(intake, message, (size_t)n, now_us);
	}
	stats_add(s->local->setup->stats, STAT_SRT_BYTES_IN, (int64_t)(s->bytes - before));
	if (n >= 0 || n == -EAGAIN || (n == -ENOTCONN && waits_for_the_rest(s, now_us)))
		return CLOSE_NONE;
	return source_srt_reason(s, (int)n);
}
