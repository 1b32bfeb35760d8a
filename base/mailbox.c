/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mailbox.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "base/loop.h"

enum { FIRST_ITEMS = 64 };

struct batch {
	uint8_t *items;
	size_t len; /* items */
	size_t max;
};

struct mailbox {
	struct mailbox_config config;
	struct loop *loop;
	uv_async_t wake;
	struct loop_timer *visits; /* NULL without linger_ms */
	pthread_mutex_t lock;	   /* guards `queued` and the two that follow */
	struct batch queued;
	bool is_woken;	       /* a wake is under way that has not been answered */
	bool is_visited;       /* the receiver looks by itself: what is lazy needs no wake */
	struct batch draining; /* the loop's alone */
	atomic_ulong refused;
};

static void drop_batch(struct mailbox *mb, struct batch *batch)
{
	for (size_t i = 0; mb->config.drop && i < batch->len; i++)
		mb->config.drop(batch->items + i * mb->config.item_bytes);
	free(batch->items);
}

static void free_mailbox(uv_handle_t *handle)
{
	struct mailbox *mb = handle->data;

	drop_batch(mb, &mb->queued);
	drop_batch(mb, &mb->draining);
	pthread_mutex_destroy(&mb->lock);
	free(mb);
}

void mailbox_destroy(struct mailbox **mb_out)
{
	struct mailbox *mb = *mb_out;

	*mb_out = NULL;
	if (!mb)
		return;
	loop_assert_owner(mb->loop);
	loop_timer_destroy(&mb->visits);
	uv_close((uv_handle_t *)&mb->wake, free_mailbox);
}

/* Takes over what is queued. Visits go on for as long as they find something. */
static struct batch take_queued(struct mailbox *mb)
{
	struct batch full;
	bool is_visited;

	pthread_mutex_lock(&mb->lock);
	full = mb->queued;
	mb->queued = mb->draining;
	mb->draining = (struct batch){ 0 };
	mb->is_woken = false;
	is_visited = mb->visits && full.len > 0;
	mb->is_visited = is_visited;
	pthread_mutex_unlock(&mb->lock);

	if (is_visited && !loop_timer_is_running(mb->visits))
		loop_timer_start(mb->visits, mb->config.linger_ms, mb->config.linger_ms);
	else if (mb->visits && !is_visited)
		loop_timer_stop(mb->visits);
	return full;
}

void mailbox_drain(struct mailbox *mb)
{
	struct batch full = take_queued(mb);

	for (size_t i = 0; i < full.len; i++)
		mb->config.handle(mb->config.arg, full.items + i * mb->config.item_bytes);
	full.len = 0;
	free(mb->draining.items); /* of a drain inside this one */
	mb->draining = full;
}

static void on_wake(uv_async_t *handle)
{
	mailbox_drain(handle->data);
}

static void on_visit(void *arg)
{
	mailbox_drain(arg);
}

int mailbox_create(struct mailbox **out, struct loop *loop, const struct mailbox_config *config)
{
	struct mailbox *mb = calloc(1, sizeof(*mb));

	loop_assert_owner(loop);
	*out = NULL;
	if (!mb)
		return -ENOMEM;
	mb->config = *config;
	mb->loop = loop;
	if (config->linger_ms > 0 && loop_timer_create(&mb->visits, loop, on_visit, mb) != 0) {
		free(mb);
		return -ENOMEM;
	}
	pthread_mutex_init(&mb->lock, NULL);
	uv_async_init(loop_uv(loop), &mb->wake, on_wake);
	mb->wake.data = mb;
	*out = mb;
	return 0;
}

static bool grow(struct batch *batch, size_t item_bytes, size_t limit)
{
	size_t bigger = batch->max ? batch->max * 2 : FIRST_ITEMS;
	uint8_t *items;

	if (bigger > limit)
		bigger = limit;
	items = realloc(batch->items, bigger * item_bytes);
	if (!items)
		return false;
	batch->items = items;
	batch->max = bigger;
	return true;
}

bool mailbox_post(struct mailbox *mb, const void *item, enum mail_class mail_class)
{
	const size_t item_bytes = mb->config.item_bytes;
	const size_t limit = mb->config.capacity + (mail_class == MAIL_MUST ? mb->config.reserve : 0);
	struct batch *queued = &mb->queued;
	bool needs_wake = false;
	bool is_taken;

	pthread_mutex_lock(&mb->lock);
	is_taken = queued->len < limit &&
	    (queued->len < queued->max || grow(queued, item_bytes, mb->config.capacity + mb->config.reserve));
	if (is_taken) {
		memcpy(queued->items + queued->len * item_bytes, item, item_bytes);
		queued->len++;
		needs_wake = !mb->is_woken && !(mail_class == MAIL_LAZY && mb->is_visited);
		mb->is_woken = mb->is_woken || needs_wake;
	}
	pthread_mutex_unlock(&mb->lock);

	if (!is_taken)
		atomic_fetch_add_explicit(&mb->refused, 1, memory_order_relaxed);
	else if (needs_wake)
		uv_async_send(&mb->wake);
	return is_taken;
}

unsigned long mailbox_refused(const struct mailbox *mb)
{
	return atomic_load_explicit(&mb->refused, memory_order_relaxed);
}
