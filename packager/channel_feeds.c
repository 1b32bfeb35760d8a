/* SPDX-License-Identifier: Apache-2.0 */
#include "packager/channel_feeds.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define AHEAD_90K      ((int64_t)3 * 90000) /* of the clip that is wanted */
#define NEXT_AHEAD_90K ((int64_t)1 * 90000) /* of the one behind it */

static void clear(struct channel_feed *feed)
{
	struct channel_feeds *feeds = feed->feeds;

	clip_close(&feed->clip);
	for (; feed->count > 0; feed->count--) {
		part_unref(feed->parts[feed->first]);
		feed->first = (feed->first + 1) % CHANNEL_FEED_PARTS;
	}
	*feed = (struct channel_feed){ .feeds = feeds };
}

void channel_feeds_fini(struct channel_feeds *f)
{
	for (size_t i = 0; i < 2; i++)
		clear(&f->feeds[i]);
}

void channel_feeds_init(struct channel_feeds *f, const struct channel_feeds_config *config)
{
	*f = (struct channel_feeds){ .config = *config };
	for (size_t i = 0; i < 2; i++)
		f->feeds[i].feeds = f;
}

static struct channel_feed *on(struct channel_feeds *f)
{
	return &f->feeds[f->on];
}

static struct channel_feed *next(struct channel_feeds *f)
{
	return &f->feeds[!f->on];
}

/* ---- what the clip says ---- */

static bool may_show(void *arg, const char *stream, int64_t begin_wall_ms)
{
	struct channel_feed *feed = arg;
	const struct channel_feeds_config *config = &feed->feeds->config;

	(void)snprintf(feed->stream, sizeof(feed->stream), "%s", stream);
	feed->begin_wall_ms = begin_wall_ms;
	return config->may_show(config->arg, feed->id, stream, begin_wall_ms);
}

static void tell(struct channel_feed *feed)
{
	struct channel_feeds *f = feed->feeds;

	if (feed == on(f))
		f->config.news(f->config.arg);
}

static void end(struct channel_feed *feed, int err)
{
	clip_close(&feed->clip);
	feed->has_ended = true;
	feed->err = err;
}

static void on_part(void *arg, struct part *part)
{
	struct channel_feed *feed = arg;

	if (feed->count == CHANNEL_FEED_PARTS) {
		end(feed, -EFBIG); /* no fragment has so many */
	} else {
		feed->parts[(feed->first + feed->count++) % CHANNEL_FEED_PARTS] = part_ref(part);
		feed->held_90k += part->duration_90k;
	}
	tell(feed);
}

static void on_end(void *arg, int err)
{
	struct channel_feed *feed = arg;

	end(feed, err);
	tell(feed);
}

/* ---- which clip ---- */

static void open_feed(struct channel_feed *feed, const char *id, const struct plan_clip *clip)
{
	struct clip_config config = {
		.ops = { .arg = feed, .may_show = may_show, .part = on_part, .end = on_end },
	};
	int err = -ENOENT;

	clear(feed);
	(void)snprintf(feed->id, sizeof(feed->id), "%s", id);
	if (clip) {
		memcpy(config.recording, clip->recording, sizeof(config.recording));
		config.span = (struct rec_span){ clip->in_ms, clip->out_ms };
		err = clip_open(&feed->clip, feed->feeds->config.reader, &config);
	}
	if (err != 0)
		end(feed, err);
	else
		clip_want(feed->clip);
}

void channel_feeds_want(struct channel_feeds *f, const char *id, const struct plan_clip *clip)
{
	bool is_expected = id && clip && strcmp(next(f)->id, id) == 0;

	clear(on(f));
	if (is_expected)
		f->on = !f->on;
	else if (id)
		open_feed(on(f), id, clip);
}

bool channel_feeds_has_been_read(const struct channel_feeds *f)
{
	const struct channel_feed *feed = &f->feeds[f->on];

	return feed->id[0] != '\0' && feed->has_ended && feed->err == 0;
}

void channel_feeds_expect(struct channel_feeds *f, const struct plan_clip *clip)
{
	if (clip && strcmp(next(f)->id, clip->id) == 0)
		return;
	if (clip)
		open_feed(next(f), clip->id, clip);
	else
		clear(next(f));
}

void channel_feeds_forget_next(struct channel_feeds *f)
{
	clear(next(f));
}

/* ---- what comes of it ---- */

enum channel_feeds_news channel_feeds_take(struct channel_feeds *f, struct part **part, int *err)
{
	struct channel_feed *feed = on(f);

	if (feed->count > 0) {
		*part = feed->parts[feed->first];
		feed->first = (feed->first + 1) % CHANNEL_FEED_PARTS;
		feed->count--;
		feed->held_90k -= (*part)->duration_90k;
		return CHANNEL_FEEDS_PART;
	}
	if (!feed->has_ended || feed->is_end_told)
		return CHANNEL_FEEDS_NOTHING;
	feed->is_end_told = true;
	*err = feed->err;
	return CHANNEL_FEEDS_END;
}

void channel_feeds_read(struct channel_feeds *f, int64_t held_90k)
{
	if (on(f)->clip && on(f)->held_90k + held_90k < AHEAD_90K)
		clip_want(on(f)->clip);
	if (next(f)->clip && next(f)->held_90k < NEXT_AHEAD_90K)
		clip_want(next(f)->clip);
}

static bool is_forbidden(const struct channel_feed *feed)
{
	const struct channel_feeds_config *config = &feed->feeds->config;

	return feed->stream[0] != '\0' && !config->may_show(config->arg, feed->id, feed->stream, feed->begin_wall_ms);
}

bool channel_feeds_check(struct channel_feeds *f)
{
	if (is_forbidden(next(f)))
		clear(next(f));
	if (!is_forbidden(on(f)))
		return false;
	clear(on(f));
	return true;
}
