/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/tools/link_emulator/path.h"

#include <assert.h>

enum {
	WANDER_MIN_NS = 10000000, /* the steps of the jitter that keeps order */
	/* What waits while nothing moves belongs into the sender's own buffers, where it would be on a real link. */
	STREAM_QUEUE_BYTES = 256 * 1024,
};

void path_drop_all(struct path *path)
{
	struct packet *packet = NULL;

	while (path->head) {
		packet = path->head;
		path->head = packet->next;
		packet_destroy(path->budget, &packet);
	}
	while ((packet = heap_pop(&path->heap)))
		packet_destroy(path->budget, &packet);
	path->queue_bytes = 0;
	path->is_sending = false;
	path->stats.waiting = 0;
}

void path_fini(struct path *path)
{
	path_drop_all(path);
	heap_fini(&path->heap);
}

void path_init(struct path *path, const struct path_config *config)
{
	uint64_t seed = config->seed, way = config->way;

	*path = (struct path){
		.is_stream = config->is_stream,
		.budget = config->budget,
		.origin_ns = config->now_ns,
		.jitter = dice_make(seed, way, DICE_JITTER),
		.wander = dice_make(seed, way, DICE_WANDER),
		.reorder = dice_make(seed, way, DICE_REORDER),
		.duplicate = dice_make(seed, way, DICE_DUPLICATE),
		.corrupt = dice_make(seed, way, DICE_CORRUPT),
		.flip = dice_make(seed, way, DICE_FLIP),
	};
	settings_init(&path->settings);
	loss_init(&path->loss, seed, way);
	heap_init(&path->heap);
}

static void drop(struct path *path, struct packet *packet, uint64_t *counter)
{
	(*counter)++;
	packet_destroy(path->budget, &packet);
}

/* One to three neighbouring bits of one byte. The kernel makes a new checksum, so that they reach the receiver. */
static void corrupt(struct path *path, struct packet *packet)
{
	uint64_t where = dice_draw(&path->flip);
	unsigned mask = (2u << (where & 1) << (where >> 1 & 1)) - 1;
	unsigned shift = where >> 2 & 7;

	if (packet->size_bytes == 0)
		return;
	packet->data[(where >> 5) % packet->size_bytes] ^= (uint8_t)(mask << shift | mask >> (8 - shift));
	path->stats.corrupted++;
}

/* Every purpose draws for every packet, so that one setting does not move the decisions of another. */
static enum loss_fate cast_dice(struct path *path, struct packet *packet)
{
	const struct settings *s = &path->settings;
	enum loss_fate fate = loss_next(&path->loss, s->loss, &s->bursts);

	packet->jitter = 2 * dice_unit(&path->jitter) - 1;
	packet->is_held_back = dice_is(&path->reorder, s->reorder) && !path->is_stream;
	packet->is_twice = dice_is(&path->duplicate, s->duplicate) && !path->is_stream;
	packet->is_stalled = path->is_stream && fate != LOSS_NONE;
	packet->is_corrupt = dice_is(&path->corrupt, s->corrupt) && !path->is_stream;
	return fate;
}

static void enqueue(struct path *path, struct packet *packet)
{
	packet->next = NULL;
	if (path->head)
		path->tail->next = packet;
	else
		path->head = packet;
	path->tail = packet;
	path->queue_bytes += packet->wire_bytes;
	path->stats.waiting++;
}

static struct packet *dequeue(struct path *path)
{
	struct packet *packet = path->head;

	path->head = packet->next;
	path->queue_bytes -= packet->wire_bytes;
	path->stats.waiting--;
	return packet;
}

/*
 * A noise with a value every few milliseconds and straight lines between them: -1 to 1. In a step of twice the jitter
 * the delay changes by at most that much, so a packet never overtakes the one before it.
 */
static double wander_at(const struct path *path, int64_t at_ns)
{
	int64_t step_ns = 2 * path->settings.jitter_ns;
	int64_t since_ns = at_ns > path->origin_ns ? at_ns - path->origin_ns : 0;
	uint64_t place = 0;
	double part = 0, from = 0, to = 0;

	if (step_ns < WANDER_MIN_NS)
		step_ns = WANDER_MIN_NS;
	place = (uint64_t)(since_ns / step_ns);
	part = (double)(since_ns % step_ns) / (double)step_ns;
	from = dice_at(&path->wander, place);
	to = dice_at(&path->wander, place + 1);
	return 2 * (from + (to - from) * part) - 1;
}

static int64_t delay_of(const struct path *path, const struct packet *packet, int64_t depart_ns)
{
	const struct settings *s = &path->settings;
	bool is_free = s->may_reorder && !path->is_stream;
	double jitter = 0;
	int64_t delay_ns = s->delay_ns;

	if (s->jitter_ns > 0) {
		jitter = is_free ? packet->jitter : wander_at(path, depart_ns);
		delay_ns += (int64_t)(jitter * (double)s->jitter_ns);
	}
	return delay_ns > 0 ? delay_ns : 0;
}

static void put_on_wire(struct path *path, struct packet *packet)
{
	packet->seq = path->seq++;
	if (heap_push(&path->heap, packet) < 0)
		drop(path, packet, &path->stats.dropped_memory);
	else
		path->stats.waiting++;
}

/* The packet has left the queue at depart_ns and now travels. */
static void launch(struct path *path, struct packet *packet, int64_t depart_ns)
{
	const struct settings *s = &path->settings;
	struct flow *flow = packet->flow;
	struct packet *twin = NULL;

	if (!path->is_stream && settings_is_out(s, depart_ns)) {
		drop(path, packet, &path->stats.lost_outage);
		return;
	}
	packet->release_ns = depart_ns + delay_of(path, packet, depart_ns);
	if (packet->is_stalled) {
		packet->release_ns += s->rto_ns;
		path->stats.stalled++;
	}
	if (packet->is_held_back) {
		packet->release_ns += s->reorder_by_ns;
		path->stats.reordered++;
	} else if (!s->may_reorder || path->is_stream) {
		if (packet->release_ns < flow->last_release_ns)
			packet->release_ns = flow->last_release_ns;
		flow->last_release_ns = packet->release_ns;
	}
	if (packet->is_twice)
		twin = packet_copy(path->budget, packet);
	put_on_wire(path, packet);
	if (twin) {
		path->stats.duplicated++;
		put_on_wire(path, twin);
	}
}

/* When the queue's head starts to be sent; it may be now, later, or PATH_NEVER. */
static int64_t start_of_head(const struct path *path)
{
	int64_t at_ns = path->head->in_ns > path->free_at_ns ? path->head->in_ns : path->free_at_ns;

	return settings_blocked_until(&path->settings, path->is_stream, at_ns);
}

/* Moves what the rate has let through by now. Departures are exact, however late we come. */
static void advance(struct path *path, int64_t now_ns)
{
	while (path->head) {
		int64_t start_ns = 0;

		if (!path->is_sending) {
			start_ns = start_of_head(path);
			if (start_ns > now_ns)
				return;
			path->depart_ns = start_ns + settings_send_ns(&path->settings, path->head->wire_bytes);
			path->is_sending = true;
		}
		if (path->depart_ns > now_ns)
			return;
		path->is_sending = false;
		path->free_at_ns = path->depart_ns;
		launch(path, dequeue(path), path->depart_ns);
	}
}

/* NULL, or the counter of why the packet goes no further. */
static uint64_t *refuse(struct path *path, const struct packet *packet, enum loss_fate fate, int64_t now_ns)
{
	const struct settings *s = &path->settings;
	struct stats *stats = &path->stats;

	if (path->is_stream)
		return NULL;
	if (settings_is_out(s, now_ns))
		return &stats->lost_outage;
	if (s->mtu_bytes > 0 && packet->wire_bytes > s->mtu_bytes)
		return &stats->dropped_mtu;
	if (fate != LOSS_NONE)
		return fate == LOSS_BURST ? &stats->lost_burst : &stats->lost_random;
	if (path->head && path->queue_bytes + packet->wire_bytes > settings_queue_bytes(s))
		return &stats->dropped_queue;
	return NULL;
}

void path_offer(struct path *path, struct packet *packet, int64_t now_ns)
{
	struct stats *stats = &path->stats;
	uint64_t *reason = NULL;
	enum loss_fate fate = LOSS_NONE;

	advance(path, now_ns);
	stats->in++;
	if (!packet) {
		stats->dropped_memory++;
		return;
	}
	stats->in_bytes += packet->size_bytes;
	packet->in_ns = now_ns;
	if (packet->kind == PACKET_DATA)
		fate = cast_dice(path, packet);
	reason = refuse(path, packet, fate, now_ns);
	if (reason) {
		drop(path, packet, reason);
		return;
	}
	if (packet->is_corrupt)
		corrupt(path, packet);
	enqueue(path, packet);
	advance(path, now_ns);
}

struct packet *path_take(struct path *path, int64_t now_ns)
{
	const struct packet *first = NULL;

	advance(path, now_ns);
	first = heap_first(&path->heap);
	if (!first || first->release_ns > now_ns)
		return NULL;
	stats_see_due(&path->stats, first->in_ns, first->release_ns, now_ns);
	path->stats.waiting--;
	return heap_pop(&path->heap);
}

int64_t path_next_ns(struct path *path, int64_t now_ns)
{
	const struct packet *first = NULL;
	int64_t next_ns = PATH_NEVER;

	advance(path, now_ns);
	first = heap_first(&path->heap);
	if (path->head)
		next_ns = path->is_sending ? path->depart_ns : start_of_head(path);
	return first && first->release_ns < next_ns ? first->release_ns : next_ns;
}

/* What stood still until this moment cannot have left before it. */
static void note_thaw(struct path *path, bool was_blocked, int64_t now_ns)
{
	if (was_blocked && path->free_at_ns < now_ns)
		path->free_at_ns = now_ns;
	advance(path, now_ns);
}

static bool is_blocked(const struct path *path, int64_t now_ns)
{
	return settings_blocked_until(&path->settings, path->is_stream, now_ns) > now_ns;
}

void path_change(struct path *path, const struct change *change, struct dice *dice, int64_t now_ns)
{
	bool was_blocked = false;

	advance(path, now_ns);
	was_blocked = is_blocked(path, now_ns);
	change_apply(change, &path->settings, dice, now_ns);
	note_thaw(path, was_blocked, now_ns);
}

void path_clear(struct path *path, int64_t now_ns)
{
	bool was_blocked = false;

	advance(path, now_ns);
	was_blocked = is_blocked(path, now_ns);
	settings_init(&path->settings);
	note_thaw(path, was_blocked, now_ns);
}

bool path_has_room(const struct path *path)
{
	size_t limit = settings_queue_bytes(&path->settings);

	return path->queue_bytes < (limit < STREAM_QUEUE_BYTES ? limit : STREAM_QUEUE_BYTES);
}
