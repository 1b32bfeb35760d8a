/* SPDX-License-Identifier: Apache-2.0 */
#include "programs/node.h"

#include <errno.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/attr.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/tcp.h"
#include "base/tls.h"
#include "ingest/in_rtmp.h"
#include "packager/packager.h"
#include "packager/sequence.h"
#include "programs/node_channels.h"
#include "programs/node_delivery.h"
#include "programs/node_record.h"
#include "programs/node_srt.h"
#include "relay/hub.h"

enum {
	HOLD_MS = 60000, /* without a slot a stream ends so long after its publisher */
	DRAIN_MAX_MS = 3000,
	DRAIN_STEP_MS = 10,
};

/* One loop of the relay and what lives on it. */
struct relay_thread {
	struct loop *loop;
	struct hub *hub;
	struct in_rtmp *rtmp;
	struct in_rtmp *rtmps;
};

struct node {
	struct options options;
	struct node_ports ports;
	struct stats stats;
	struct tls_context *tls; /* of RTMPS, NULL: off */
	struct node_delivery *delivery;
	struct node_record *record;
	struct loop *packaging;
	struct sequence *sequence;
	struct packager *packager;
	struct node_channels *channels;
	struct stream_tap taps[1];
	struct placement placement;
	struct relay_setup setup;
	struct relay_thread relays[COURIER_LOOPS_MAX];
	struct node_srt *srt;
	uint64_t tidied_at; /* sessions closed by then */
	bool is_running;
};

static unsigned n_relays(const struct node *node)
{
	return node->setup.courier.n_homes;
}

void node_destroy(struct node **node_out)
{
	struct node *node = *node_out;

	*node_out = NULL;
	if (!node)
		return;
	/* The order of design §4: who posts goes before who is posted to. */
	for (unsigned i = 0; i < n_relays(node); i++) {
		in_rtmp_destroy(&node->relays[i].rtmp);
		in_rtmp_destroy(&node->relays[i].rtmps);
	}
	node_srt_destroy(&node->srt);
	for (unsigned i = 0; i < n_relays(node); i++)
		hub_destroy(&node->relays[i].hub);
	packager_destroy(&node->packager);
	node_channels_destroy(&node->channels);
	for (unsigned i = 0; i < n_relays(node); i++)
		loop_destroy(&node->relays[i].loop);
	loop_destroy(&node->packaging);
	sequence_close(&node->sequence);
	node_record_destroy(&node->record);
	node_delivery_destroy(&node->delivery);
	tls_context_destroy(&node->tls);
	free(node);
}

static unsigned wanted_loops(const struct options *options)
{
	long n = options->threads > 0 ? options->threads : sysconf(_SC_NPROCESSORS_ONLN);

	if (n < 1)
		return 1;
	/* One is for SRT. */
	return n > COURIER_LOOPS_MAX - 1 ? COURIER_LOOPS_MAX - 1 : (unsigned)n;
}

static void note_recording(void *arg, const struct rec_note *note)
{
	const struct node *node = arg;

	node_delivery_note_recording(node->delivery, note);
	node_channels_note_recording(node->channels, note);
}

static int create_record(struct node *node, struct plan *plan)
{
	const struct node_record_config config = {
		.options = &node->options,
		.events = node_delivery_events(node->delivery),
		.stats = &node->stats,
		.note = note_recording,
		.note_arg = node,
	};

	return node_record_create(&node->record, &config, plan);
}

static int create_channels(struct node *node, struct plan *plan)
{
	const struct node_channels_config config = {
		.options = &node->options,
		.packaging = node->packaging,
		.sequence = node->sequence,
		.shelf = node_delivery_shelf(node->delivery),
		.events = node_delivery_events(node->delivery),
	};

	return node_channels_create(&node->channels, &config, plan);
}

static int create_packaging(struct node *node, struct plan *plan)
{
	const struct sequence_config sequence = {
		.data_dir = node->options.data_dir,
		.wall_ms = clock_wall_ms(clock_real()),
	};
	struct packager_config config = {
		.clock = clock_real(),
		.part_ms = (uint32_t)node->options.part_ms,
		.segment_ms = (uint32_t)node->options.segment_ms,
		.shelf = node_delivery_shelf(node->delivery),
		.n_sinks = 2,
		.stats = &node->stats,
	};
	int err = sequence_open(&node->sequence, &sequence);

	if (err == 0)
		err = loop_create(&node->packaging, "packaging");
	if (err == 0)
		err = create_channels(node, plan);
	if (err != 0)
		return err;
	config.sinks[0] = node_record_sink(node->record);
	config.sinks[1] = node_channels_sink(node->channels);
	config.sequence = node->sequence;
	config.loop = node->packaging;
	err = packager_create(&node->packager, &config);
	if (err == 0)
		node->taps[0] = packager_tap(node->packager);
	return err;
}

static void set_up_relay(struct node *node)
{
	const unsigned n_homes = wanted_loops(&node->options);

	node->setup = (struct relay_setup){
		.courier = {
			.n_loops = n_homes + 1,
			.n_homes = n_homes,
			.placement = &node->placement,
		},
		.clock = clock_real(),
		.events = node_delivery_events(node->delivery),
		.stats = &node->stats,
		.taps = node->taps,
		.n_taps = 1,
		.limits = {
			.grace_us = (int64_t)node->options.grace_ms * 1000,
			.hold_us = (int64_t)HOLD_MS * 1000,
			.batch_ms = (uint32_t)node->options.batch_ms,
			.has_bursts = true,
		},
	};
	node->setup.limits.max_sessions =
	    ((uint32_t)node->options.max_connections + n_relays(node) - 1) / n_relays(node);
	placement_init(&node->placement, n_relays(node), node->setup.limits.max_sessions);
}

static int create_relay(struct node *node, unsigned index, struct plan *plan)
{
	struct relay_thread *relay = &node->relays[index];
	char name[24];
	int err;

	snprintf(name, sizeof(name), "relay/%u", index);
	err = loop_create(&relay->loop, name);
	if (err == 0)
		err = hub_create(&relay->hub, &node->setup, relay->loop, index, plan);
	return err;
}

/* Every loop listens on the same port and sends on what it accepts (relay/placement). */
static int listen_on(struct node *node, const struct listen_address *listen, uint16_t *port, struct tls_context *tls)
{
	const char *what = tls ? "RTMPS" : "RTMP";
	int fds[COURIER_LOOPS_MAX];
	int err;

	if (!listen->is_on)
		return 0;
	err = tcp_listen_sockets(listen->host, listen->port, fds, n_relays(node), port);
	if (err != 0) {
		log_error(
		    NULL, "cannot listen for %s on %s port %u: %s", what, listen->host, listen->port, err_text(err));
		return err;
	}
	/* Each takes its descriptor, also when it fails; none may be left over. */
	for (unsigned i = 0; i < n_relays(node); i++) {
		struct relay_thread *relay = &node->relays[i];

		if (in_rtmp_create(tls ? &relay->rtmps : &relay->rtmp, relay->hub, fds[i], tls) != 0)
			err = -ENOMEM;
	}
	return err;
}

static int listen_for_rtmps(struct node *node)
{
	const struct options *options = &node->options;
	char error[TLS_ERROR_TEXT_SIZE];
	int err;

	if (!options->rtmps_listen.is_on)
		return 0;
	if (options->tls_cert[0] == '\0') {
		log_error(NULL, "[rtmps] listen: [tls] cert と key が必要です / needs [tls] cert and key");
		return -EINVAL;
	}
	err = tls_context_create(&node->tls, options->tls_cert, options->tls_key, error);
	if (err != 0) {
		log_error(NULL, "[tls]: %s", err == -EINVAL ? error : err_text(err));
		return err;
	}
	return listen_on(node, &options->rtmps_listen, &node->ports.rtmps, node->tls);
}

void node_reload_certificate(struct node *node)
{
	char error[TLS_ERROR_TEXT_SIZE];

	if (!node->tls)
		return;
	if (tls_context_reload(node->tls, error) == 0)
		log_info(NULL, "[tls]: the certificate was read again");
	else
		log_error(NULL, "[tls]: %s: the old certificate stays", error);
}

int node_create(struct node **out, const struct options *options, struct plan *plan)
{
	struct node *node = calloc(1, sizeof(*node));
	int err;

	*out = NULL;
	if (!node)
		return -ENOMEM;
	node->options = *options;
	stats_init(&node->stats);
	err = node_delivery_create(&node->delivery, options, plan, &node->stats);
	if (err == 0)
		err = create_record(node, plan);
	if (err == 0)
		err = create_packaging(node, plan);
	if (err == 0) {
		set_up_relay(node);
		for (unsigned i = 0; i < n_relays(node) && err == 0; i++)
			err = create_relay(node, i, plan);
	}
	if (err == 0)
		err = listen_on(node, &node->options.rtmp_listen, &node->ports.rtmp, NULL);
	if (err == 0)
		err = listen_for_rtmps(node);
	if (err == 0)
		err = node_srt_create(&node->srt, &node->setup, options, plan, &node->ports.srt);
	if (err != 0) {
		node_destroy(&node);
		return err;
	}
	*out = node;
	return 0;
}

static void relay_begins(void *arg)
{
	struct relay_thread *relay = arg;
	int err;

	hub_start(relay->hub);
	err = relay->rtmp ? in_rtmp_start(relay->rtmp) : 0;
	if (err == 0 && relay->rtmps)
		err = in_rtmp_start(relay->rtmps);
	if (err != 0)
		log_error(NULL, "%s does not accept connections: %s", loop_name(relay->loop), err_text(err));
}

static void relay_ends(void *arg)
{
	struct relay_thread *relay = arg;

	if (relay->rtmp)
		in_rtmp_end(relay->rtmp);
	if (relay->rtmps)
		in_rtmp_end(relay->rtmps);
	hub_end(relay->hub);
}

static void packaging_begins(void *arg)
{
	struct node *node = arg;

	node_channels_begin(node->channels);
}

static void packaging_ends(void *arg)
{
	struct node *node = arg;

	packager_drain(node->packager);
}

/* On the recording thread: the main one must not wait for a disk, it hears the signals. */
static void keep_numbers(void *arg)
{
	const struct node *node = arg;

	sequence_save(node->sequence);
}

int node_start(struct node *node)
{
	int err = node_delivery_start(node->delivery);

	node->is_running = true;
	if (err == 0)
		err = node_record_start(node->record, keep_numbers, node);
	if (err == 0)
		err = node_channels_start(node->channels);
	if (err == 0)
		err = loop_start(node->packaging, packaging_begins, packaging_ends, node);
	for (unsigned i = 0; i < n_relays(node) && err == 0; i++)
		err = loop_start(node->relays[i].loop, relay_begins, relay_ends, &node->relays[i]);
	if (err == 0)
		err = node_srt_start(node->srt);
	node->ports.http = node_delivery_port(node->delivery);
	return err;
}

struct node_ports node_ports(const struct node *node)
{
	return node->ports;
}

void node_take_plan(struct node *node, struct plan *plan)
{
	node_delivery_take_plan(node->delivery, plan);
	node_record_take_plan(node->record, plan);
	node_channels_take_plan(node->channels, plan);
	for (unsigned i = 0; i < node->setup.courier.n_loops; i++) {
		struct mail mail = { .kind = MAIL_PLAN, .plan = plan_ref(plan) };

		if (!courier_post(&node->setup.courier, i, &mail))
			log_error(NULL, "loop %u of the relay is too busy to take the new plan; send SIGHUP again", i);
	}
}

static bool has_sessions(struct node *node)
{
	static const enum stat connections[] = { STAT_RTMP_CONNECTIONS, STAT_SRT_CONNECTIONS, STAT_SRT_CALLS };

	for (size_t i = 0; i < ARRAY_LEN(connections); i++) {
		if (stats_get(&node->stats, connections[i]) > 0)
			return true;
	}
	return false;
}

/*
 * An SRT connection has some hundred KB of lists while it lasts, and the allocator keeps what lies between things that
 * stay. One walk over its arenas is worth it after many sessions.
 */
static void give_back_memory(struct node *node)
{
	enum { WORTH_SESSIONS = 64 };
	uint64_t n_closed = 0;

	for (int i = 0; i < CLOSE_REASON_COUNT; i++)
		n_closed += (uint64_t)atomic_load_explicit(&node->stats.closed[i], memory_order_relaxed);
	if (n_closed - node->tidied_at < WORTH_SESSIONS && (n_closed == node->tidied_at || has_sessions(node)))
		return;
	node->tidied_at = n_closed;
	malloc_trim(0);
}

void node_tidy(struct node *node)
{
	give_back_memory(node);
}

static void sleep_ms(long ms)
{
	const struct timespec wait = { .tv_nsec = ms * 1000000 };

	nanosleep(&wait, NULL);
}

/* Sessions say goodbye on their loops; the main thread has nothing else to do than to look whether they have. */
static void drain_sessions(struct node *node)
{
	for (unsigned i = 0; i < node->setup.courier.n_loops; i++) {
		struct mail mail = { .kind = MAIL_STOP };

		(void)courier_post(&node->setup.courier, i, &mail);
	}
	for (int ms = 0; ms < DRAIN_MAX_MS && has_sessions(node); ms += DRAIN_STEP_MS)
		sleep_ms(DRAIN_STEP_MS);
}

void node_stop(struct node *node)
{
	if (!node->is_running)
		return;
	node->is_running = false;
	drain_sessions(node);
	for (unsigned i = 0; i < n_relays(node); i++)
		loop_stop(node->relays[i].loop);
	node_srt_stop(node->srt);
	for (unsigned i = 0; i < n_relays(node); i++)
		loop_join(node->relays[i].loop);
	node_srt_join(node->srt);
	loop_stop(node->packaging);
	loop_join(node->packaging);
	node_record_stop(node->record);
	sequence_stop(node->sequence);
	node_channels_stop(node->channels);
	node_delivery_stop(node->delivery);
}
