/* SPDX-License-Identifier: Apache-2.0 */
#include "relay/ts_intro.h"

#include <string.h>

#include "base/bytes.h"

enum {
	PIDS_MAX = 16,
	LOOK_AHEAD_MESSAGES = 64, /* longer than any multiplexer waits with the next packet of a stream */
	INTRO_MAX_BYTES = 64 * 1024,
};

/* PIDs that were seen, each with its first packet. */
struct pids {
	size_t n;
	struct ts_packet first[PIDS_MAX];
};

static bool is_known(const struct pids *pids, uint16_t pid)
{
	for (size_t i = 0; i < pids->n; i++) {
		if (pids->first[i].pid == pid)
			return true;
	}
	return false;
}

static void note(struct pids *pids, const uint8_t *raw)
{
	struct ts_packet p;

	if (pids->n == PIDS_MAX || ts_packet_parse(&p, raw) != PARSE_OK || p.pid < TS_PID_FIRST_FREE ||
	    p.pid == TS_PID_NULL || !p.payload || is_known(pids, p.pid))
		return;
	pids->first[pids->n++] = p;
}

static void look_ahead(struct pids *pids, const struct ts_intro *intro)
{
	size_t pos = intro->offset;

	for (uint64_t seq = intro->seq; seq < intro->ring->head && seq < intro->seq + LOOK_AHEAD_MESSAGES; seq++) {
		const struct shared *bytes = ts_ring_message(intro->ring, seq)->bytes;

		for (; pos + TS_PACKET_BYTES <= bytes->size_bytes; pos += TS_PACKET_BYTES)
			note(pids, bytes->data + pos);
		pos = 0;
	}
}

static bool is_table(const struct ts_intro *intro, uint16_t pid)
{
	for (size_t i = 0; i < intro->n_psi; i++) {
		struct ts_packet p;

		if (ts_packet_parse(&p, intro->psi[i]) == PARSE_OK && p.pid == pid)
			return true;
	}
	return false;
}

/* A packet without payload does not count: the next one with payload has the number that it has. */
static void put_discontinuity(struct bytes_writer *w, const struct ts_packet *first)
{
	const struct ts_packet word = {
		.pid = first->pid, .continuity = (first->continuity + 15) & 15, .is_discontinuity = true
	};
	uint8_t raw[TS_PACKET_BYTES];

	ts_packet_write(raw, &word);
	bytes_put(w, raw, sizeof(raw));
}

struct shared *ts_intro_make(const struct ts_intro *intro)
{
	struct pids pids = { 0 };
	struct shared *made = NULL;
	struct bytes_writer w;

	bytes_writer_init_growing(&w, INTRO_MAX_BYTES);
	for (size_t i = 0; i < intro->n_psi; i++)
		bytes_put(&w, intro->psi[i], TS_PACKET_BYTES);
	if (intro->is_discontinuity) {
		look_ahead(&pids, intro);
		for (size_t i = 0; i < pids.n; i++) {
			if (!pids.first[i].is_discontinuity && !is_table(intro, pids.first[i].pid))
				put_discontinuity(&w, &pids.first[i]);
		}
	}
	if (intro->offset > 0) {
		const struct shared *bytes = ts_ring_message(intro->ring, intro->seq)->bytes;

		bytes_put(&w, bytes->data + intro->offset, bytes->size_bytes - intro->offset);
	}
	if (!w.is_full)
		made = shared_copy(w.data, w.len);
	bytes_writer_fini(&w);
	return made;
}
