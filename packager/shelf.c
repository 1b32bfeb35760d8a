/* SPDX-License-Identifier: Apache-2.0 */
#include "packager/shelf.h"

#include <errno.h>
#include <malloc.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/loop.h"
#include "base/mailbox.h"

enum {
	MAILBOX_PARTS = 4096,
	MAILBOX_RESERVE = 4096,
	EXPIRE_EVERY_MS = 5000,
};

enum shelf_mail_kind {
	SHELF_EXPECT,
	SHELF_BEGIN,
	SHELF_PART,
	SHELF_END,
	SHELF_WITHDRAW,
};

struct shelf_mail {
	enum shelf_mail_kind kind;
	char stream[SEGMENT_STORE_NAME_MAX];
	char epoch[PLAYLIST_EPOCH_MAX];
	struct part *part;
	struct shared *main;
	int64_t before_ms;
};

struct shelf {
	struct segment_store *store;
	const struct clock *clock;
	struct mailbox *mailbox;
	struct loop_timer *expiry;
	atomic_ulong dropped;
};

void shelf_destroy(struct shelf **shelf)
{
	struct shelf *s = *shelf;

	*shelf = NULL;
	if (!s)
		return;
	loop_timer_destroy(&s->expiry);
	mailbox_destroy(&s->mailbox);
	free(s);
}

static void drop_mail(void *item)
{
	struct shelf_mail *mail = item;

	part_unref(mail->part);
	shared_unref(mail->main);
}

static int take_begin(struct shelf *s, const struct shelf_mail *mail)
{
	const struct segment_store_begin begin = { .name = mail->stream, .epoch = mail->epoch, .main = mail->main };

	return segment_store_begin(s->store, &begin);
}

static void open_mail(void *arg, void *item)
{
	struct shelf *s = arg;
	struct shelf_mail *mail = item;
	int err = 0;

	switch (mail->kind) {
	case SHELF_EXPECT: err = segment_store_expect(s->store, mail->stream, clock_mono_us(s->clock)); break;
	case SHELF_BEGIN: err = take_begin(s, mail); break;
	case SHELF_PART: err = segment_store_add(s->store, mail->stream, mail->part); break;
	case SHELF_END: err = segment_store_note_end(s->store, mail->stream, clock_mono_us(s->clock)); break;
	case SHELF_WITHDRAW: err = segment_store_withdraw(s->store, mail->stream, mail->before_ms); break;
	}
	drop_mail(mail);
	if (err != 0 && err != -ENOENT)
		log_warn(NULL, "stream %s cannot be delivered over HLS: %s", mail->stream,
		    err == -ENOMEM ? "no memory" : "bad name");
}

/* A stream's window is most of what a node holds; when one has gone its memory goes back to the system, too. */
static void expire(void *arg)
{
	struct shelf *s = arg;

	if (segment_store_expire(s->store, clock_mono_us(s->clock)) > 0)
		malloc_trim(0);
}

int shelf_create(struct shelf **out, struct loop *loop, const struct clock *clock, struct segment_store *store)
{
	struct shelf *s = calloc(1, sizeof(*s));
	const struct mailbox_config config = {
		.item_bytes = sizeof(struct shelf_mail),
		.capacity = MAILBOX_PARTS,
		.reserve = MAILBOX_RESERVE,
		.handle = open_mail,
		.drop = drop_mail,
		.arg = s,
	};

	*out = NULL;
	if (!s)
		return -ENOMEM;
	s->store = store;
	s->clock = clock;
	if (mailbox_create(&s->mailbox, loop, &config) != 0 || loop_timer_create(&s->expiry, loop, expire, s) != 0) {
		shelf_destroy(&s);
		return -ENOMEM;
	}
	loop_timer_start(s->expiry, EXPIRE_EVERY_MS, EXPIRE_EVERY_MS);
	*out = s;
	return 0;
}

static void post(struct shelf *s, struct shelf_mail *mail, const char *stream, enum mail_class mail_class)
{
	snprintf(mail->stream, sizeof(mail->stream), "%s", stream);
	if (mailbox_post(s->mailbox, mail, mail_class))
		return;
	drop_mail(mail);
	atomic_fetch_add_explicit(&s->dropped, 1, memory_order_relaxed);
}

void shelf_expect(struct shelf *s, const char *stream)
{
	struct shelf_mail mail = { .kind = SHELF_EXPECT };

	post(s, &mail, stream, MAIL_MUST);
}

void shelf_begin(struct shelf *s, const struct segment_store_begin *begin)
{
	struct shelf_mail mail = { .kind = SHELF_BEGIN };

	snprintf(mail.epoch, sizeof(mail.epoch), "%s", begin->epoch);
	mail.main = begin->main ? shared_ref(begin->main) : NULL;
	post(s, &mail, begin->name, MAIL_MUST);
}

void shelf_part(struct shelf *s, const char *stream, struct part *part)
{
	struct shelf_mail mail = { .kind = SHELF_PART, .part = part };

	post(s, &mail, stream, MAIL_DROPPABLE);
}

void shelf_end(struct shelf *s, const char *stream)
{
	struct shelf_mail mail = { .kind = SHELF_END };

	post(s, &mail, stream, MAIL_MUST);
}

void shelf_withdraw(struct shelf *s, const char *id, int64_t before_ms)
{
	struct shelf_mail mail = { .kind = SHELF_WITHDRAW, .before_ms = before_ms };

	post(s, &mail, id, MAIL_MUST);
}

unsigned long shelf_dropped(const struct shelf *s)
{
	return atomic_load_explicit(&s->dropped, memory_order_relaxed);
}
