/* SPDX-License-Identifier: Apache-2.0 */
#include "ingest/door_keeper.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	NOTES = 64, /* a power of two */
	CAME_IN = -1,
	RETIRED_MAX = 8,
};

/* What the receive thread has to say: whom it turned away, and whom not. */
struct note {
	struct door_refusal refusal; /* reason CLOSE_NONE: let in */
	int sock;
};

/* Let in, and not yet come out of io_srt_accept. */
struct expected {
	int sock;
	int64_t since_us;
	char peer[IO_SRT_PEER_TEXT_MAX];
};

struct door_keeper {
	const struct relay_local *local;
	const struct relay_setup *setup; /* what of it is immutable */
	uint32_t latency_ms;
	struct plan *_Atomic plan;    /* for the next question; the keeper holds a reference */
	struct plan *_Atomic in_hand; /* what a question is being answered out of */
	struct plan *retired[RETIRED_MAX];
	atomic_uint n_inside;
	atomic_uint notes_in;  /* written by the receive thread */
	atomic_uint notes_out; /* written by the loop */
	struct note notes[NOTES];
	struct expected expected[NOTES]; /* the loop's, oldest first */
	size_t n_expected;
};

void door_keeper_destroy(struct door_keeper **keeper)
{
	struct door_keeper *k = *keeper;

	*keeper = NULL;
	if (!k)
		return;
	plan_unref(atomic_load(&k->plan));
	for (int i = 0; i < RETIRED_MAX; i++)
		plan_unref(k->retired[i]);
	free(k);
}

int door_keeper_create(struct door_keeper **out, const struct relay_local *local, uint32_t latency_ms)
{
	struct door_keeper *k = calloc(1, sizeof(*k));

	*out = k;
	if (!k)
		return -ENOMEM;
	k->local = local;
	k->setup = local->setup;
	k->latency_ms = latency_ms;
	atomic_init(&k->plan, plan_ref(local->plan));
	return 0;
}

/* Lets go of old plans that the receive thread does not have in hand, and keeps this one if it does. */
static void retire(struct door_keeper *k, struct plan *old)
{
	/* A question is answered within microseconds: all places taken and the first still in hand does not happen
	 * twice. */
	do {
		const struct plan *in_hand = atomic_load(&k->in_hand);

		for (int i = 0; i < RETIRED_MAX; i++) {
			if (k->retired[i] && k->retired[i] != in_hand) {
				plan_unref(k->retired[i]);
				k->retired[i] = NULL;
			}
			if (!k->retired[i] && old) {
				k->retired[i] = old;
				old = NULL;
			}
		}
	} while (old);
}

void door_keeper_plan(struct door_keeper *k)
{
	retire(k, atomic_exchange(&k->plan, plan_ref(k->local->plan)));
	retire(k, NULL);
}

void door_keeper_set_inside(struct door_keeper *k, uint32_t n)
{
	atomic_store_explicit(&k->n_inside, n, memory_order_relaxed);
}

static bool next_note(struct door_keeper *k, struct note *out)
{
	const unsigned at = atomic_load_explicit(&k->notes_out, memory_order_relaxed);

	if (at == atomic_load_explicit(&k->notes_in, memory_order_acquire))
		return false;
	*out = k->notes[at % NOTES];
	atomic_store_explicit(&k->notes_out, at + 1, memory_order_release);
	return true;
}

/* When there is no room nobody will say that this one was turned away: a flood has its own lines. */
static void expect(struct door_keeper *k, const struct note *note)
{
	struct expected *expected = &k->expected[k->n_expected];

	if (k->n_expected == NOTES)
		return;
	expected->sock = note->sock;
	expected->since_us = local_now_us(k->local);
	memcpy(expected->peer, note->refusal.peer, sizeof(expected->peer));
	k->n_expected++;
}

static void forget(struct door_keeper *k, size_t i)
{
	k->n_expected--;
	memmove(&k->expected[i], &k->expected[i + 1], (k->n_expected - i) * sizeof(k->expected[0]));
}

/* Those who came in take no room from who was turned away. */
static void drop_settled(struct door_keeper *k, unsigned end)
{
	unsigned at = atomic_load_explicit(&k->notes_out, memory_order_relaxed);

	while (at != end && k->notes[at % NOTES].sock == CAME_IN)
		at++;
	atomic_store_explicit(&k->notes_out, at, memory_order_release);
}

/* Notes of refusals stay for next_refusal; this one is among the last that were let in. */
void door_keeper_came_in(struct door_keeper *k, int sock)
{
	const unsigned end = atomic_load_explicit(&k->notes_in, memory_order_acquire);

	for (unsigned at = atomic_load_explicit(&k->notes_out, memory_order_relaxed); at != end; at++) {
		if (k->notes[at % NOTES].sock == sock)
			k->notes[at % NOTES].sock = CAME_IN;
	}
	drop_settled(k, end);
	for (size_t i = 0; i < k->n_expected; i++) {
		if (k->expected[i].sock == sock) {
			forget(k, i);
			return;
		}
	}
}

static bool next_lost(struct door_keeper *k, struct door_refusal *out)
{
	const struct expected *oldest = &k->expected[0];

	if (k->n_expected == 0 || local_now_us(k->local) - oldest->since_us < DOOR_KEEPER_ACCEPT_US)
		return false;
	*out = (struct door_refusal){ .reason = CLOSE_PASSPHRASE };
	memcpy(out->peer, oldest->peer, sizeof(out->peer));
	forget(k, 0);
	stats_closed(k->setup->stats, out->reason);
	return true;
}

bool door_keeper_next_refusal(struct door_keeper *k, struct door_refusal *out)
{
	struct note note;

	while (next_note(k, &note)) {
		if (note.refusal.reason != CLOSE_NONE) {
			*out = note.refusal;
			return true;
		}
		if (note.sock != CAME_IN)
			expect(k, &note);
	}
	return next_lost(k, out);
}

/* ---- on libsrt's receive thread ---- */

static struct plan *take_in_hand(struct door_keeper *k)
{
	struct plan *plan;

	do {
		plan = atomic_load(&k->plan);
		atomic_store(&k->in_hand, plan);
	} while (plan != atomic_load(&k->plan));
	return plan;
}

static void remember(struct door_keeper *k, const struct io_srt_caller *caller, const struct door_answer *answer)
{
	const unsigned at = atomic_load_explicit(&k->notes_in, memory_order_relaxed);
	struct note *note = &k->notes[at % NOTES];

	if (at - atomic_load_explicit(&k->notes_out, memory_order_acquire) >= NOTES)
		return;
	note->sock = caller->sock;
	note->refusal.reason = answer->reason;
	note->refusal.streamid = answer->streamid;
	io_srt_format_peer(caller->peer, note->refusal.peer);
	atomic_store_explicit(&k->notes_in, at + 1, memory_order_release);
}

static void ask(const struct plan *plan, const struct io_srt_caller *caller, int64_t now_ms, struct door_answer *answer)
{
	const struct door_question question = {
		.plan = plan,
		.streamid = caller->stream_id,
		.streamid_len = caller->stream_id_len,
		.now_ms = now_ms,
		.handshake_version = caller->handshake_version,
	};

	door_ask(answer, &question);
}

void door_keeper_answer(void *arg, const struct io_srt_caller *caller, struct io_srt_answer *out)
{
	struct door_keeper *k = arg;
	struct door_answer answer = { .verdict = DOOR_REFUSE, .reason = CLOSE_TOO_MANY };

	if (atomic_load_explicit(&k->n_inside, memory_order_relaxed) < k->setup->limits.max_sessions) {
		ask(take_in_hand(k), caller, clock_wall_ms(k->setup->clock), &answer);
		if (answer.verdict != DOOR_REFUSE)
			snprintf(out->passphrase, sizeof(out->passphrase), "%s", answer.passphrase);
		atomic_store(&k->in_hand, NULL);
	}
	remember(k, caller, &answer);
	if (answer.verdict == DOOR_REFUSE) {
		stats_closed(k->setup->stats, answer.reason);
		out->reject_code = (int)door_reject_of(answer.reason);
	}
	out->latency_ms = answer.verdict == DOOR_PUBLISH ? (int)k->latency_ms : 0;
	out->is_receiver = answer.verdict == DOOR_PLAY;
}
