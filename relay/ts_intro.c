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

static const struct ts_packet *find(const struct pids *pids, uint16_t pid)
{
	for (size_t i = 0; i < pids->n; i++) {
		if (pids->first[i].pid == pid)
			return &pids->first[i];
	}
	return NULL;
}

static void note(struct pids *pids, const uint8_t *raw)
{
	struct ts_packet p;

	if (pids->n == PIDS_MAX || ts_packet_parse(&p, raw) != PARSE_OK ||
	    (p.pid < TS_PID_FIRST_FREE && p.pid != TS_PID_PAT) || p.pid == TS_PID_NULL || !p.payload ||
	    find(pids, p.pid))
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

/* How many of the tables' packets from this one on have its PID. */
static unsigned n_tables_from(const struct ts_intro *intro, size_t from, uint16_t pid)
{
	struct ts_packet p;
	unsigned n = 0;

	for (size_t i = from; i < intro->n_psi; i++)
		n += ts_packet_parse(&p, intro->psi[i]) == PARSE_OK && p.pid == pid;
	return n;
}

/* Numbered so that they lead to the next packet of their PID, when it is there. */
static void put_table(struct bytes_writer *w, const struct ts_intro *intro, size_t i, const struct pids *pids)
{
	uint8_t raw[TS_PACKET_BYTES];
	const struct ts_packet *ahead;
	struct ts_packet p;

	memcpy(raw, intro->psi[i], sizeof(raw));
	if (ts_packet_parse(&p, raw) != PARSE_OK)
		return;
	ahead = find(pids, p.pid);
	if (ahead)
		p.continuity = (uint8_t)(ahead->continuity - n_tables_from(intro, i, p.pid)) & 15;
	raw[3] = (uint8_t)((raw[3] & 0xf0) | p.continuity);
	if (intro->is_discontinuity && n_tables_from(intro, 0, p.pid) == n_tables_from(intro, i, p.pid))
		put_discontinuity(w, &p);
	bytes_put(w, raw, sizeof(raw));
}

struct shared *ts_intro_make(const struct ts_intro *intro)
{
	struct pids pids = { 0 };
	struct shared *made = NULL;
	struct bytes_writer w;

	bytes_writer_init_growing(&w, INTRO_MAX_BYTES);
	look_ahead(&pids, intro);
	for (size_t i = 0; i < intro->n_psi; i++)
		put_table(&w, intro, i, &pids);
	for (size_t i = 0; intro->is_discontinuity && i < pids.n; i++) {
		if (!pids.first[i].is_discontinuity && n_tables_from(intro, 0, pids.first[i].pid) == 0)
			put_discontinuity(&w, &pids.first[i]);
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
