/* SPDX-License-Identifier: Apache-2.0 */
#include "config/plan_check.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/attr.h"

/* Something that must not be there twice, and where it stood. */
struct entry {
	const void *value;
	size_t index;
};

struct check {
	const struct plan *plan;
	const char *file;
	struct config_errors *errors;
	struct entry *entries; /* room for the longest list */
	struct entry *hashes;  /* of the keys, sorted */
	size_t n_hashes;
};

static struct config_error *add_error(struct check *c)
{
	return config_errors_add(c->errors, c->file);
}

static int by_index(const struct entry *a, const struct entry *b)
{
	return a->index < b->index ? -1 : a->index > b->index;
}

static int compare_texts(const void *a, const void *b)
{
	const struct entry *x = a;
	const struct entry *y = b;
	int order = strcmp(x->value, y->value);

	return order != 0 ? order : by_index(x, y);
}

static int compare_hashes(const void *a, const void *b)
{
	const struct entry *x = a;
	const struct entry *y = b;
	int order = memcmp(x->value, y->value, PLAN_HASH_BYTES);

	return order != 0 ? order : by_index(x, y);
}

static int compare_pushes(const void *a, const void *b)
{
	const struct entry *x = a;
	const struct entry *y = b;
	const struct plan_transfer *p = x->value;
	const struct plan_transfer *q = y->value;
	int order = strcmp(p->stream, q->stream);

	if (order == 0)
		order = strcmp(p->url, q->url);
	return order != 0 ? order : by_index(x, y);
}

static int compare_starts(const void *a, const void *b)
{
	const struct entry *x = a;
	const struct entry *y = b;
	const struct plan_on_air *p = x->value;
	const struct plan_on_air *q = y->value;

	if (p->from_ms != q->from_ms)
		return p->from_ms < q->from_ms ? -1 : 1;
	return by_index(x, y);
}

static void sort(struct entry *entries, size_t n, int (*compare)(const void *, const void *))
{
	if (n > 1)
		qsort(entries, n, sizeof(entries[0]), compare);
}

/* A list of the plan whose elements begin with an id. */
struct texts {
	const char *list;
	const char *member; /* what the file calls the id */
	const void *base;
	size_t count;
	size_t stride;
};

/* Empty ids were refused when they were read, and are passed over. */
static void check_texts(struct check *c, const struct texts *t)
{
	size_t n = 0;

	for (size_t i = 0; i < t->count; i++) {
		const char *text = (const char *)t->base + i * t->stride;

		if (text[0] != '\0')
			c->entries[n++] = (struct entry){ .value = text, .index = i };
	}
	sort(c->entries, n, compare_texts);
	for (size_t i = 1; i < n; i++) {
		struct config_error *err;

		if (strcmp(c->entries[i].value, c->entries[i - 1].value) != 0)
			continue;
		err = add_error(c);
		config_error_where(err, "%s[%zu].%s", t->list, c->entries[i].index, t->member);
		config_error_ja(err, "%s[%zu] と同じです", t->list, c->entries[i - 1].index);
		config_error_en(err, "is the same as in %s[%zu]", t->list, c->entries[i - 1].index);
	}
}

static void check_pushes(struct check *c)
{
	const struct plan *plan = c->plan;
	size_t n = 0;

	for (size_t i = 0; i < plan->n_pushes; i++) {
		if (plan->pushes[i].url)
			c->entries[n++] = (struct entry){ .value = &plan->pushes[i], .index = i };
	}
	sort(c->entries, n, compare_pushes);
	for (size_t i = 1; i < n; i++) {
		const struct plan_transfer *a = c->entries[i - 1].value;
		const struct plan_transfer *b = c->entries[i].value;
		struct config_error *err;

		if (strcmp(a->stream, b->stream) != 0 || strcmp(a->url, b->url) != 0)
			continue;
		err = add_error(c);
		config_error_where(err, "pushes[%zu]", c->entries[i].index);
		config_error_ja(err, "pushes[%zu] と同じです", c->entries[i - 1].index);
		config_error_en(err, "is the same as pushes[%zu]", c->entries[i - 1].index);
	}
}

static void check_hashes(struct check *c)
{
	static const uint8_t unread[PLAN_HASH_BYTES] = { 0 };
	const struct plan *plan = c->plan;

	for (size_t i = 0; i < plan->n_keys; i++) {
		if (memcmp(plan->keys[i].hash, unread, sizeof(unread)) != 0)
			c->hashes[c->n_hashes++] = (struct entry){ .value = plan->keys[i].hash, .index = i };
	}
	sort(c->hashes, c->n_hashes, compare_hashes);
	for (size_t i = 1; i < c->n_hashes; i++) {
		struct config_error *err;

		if (memcmp(c->hashes[i].value, c->hashes[i - 1].value, PLAN_HASH_BYTES) != 0)
			continue;
		err = add_error(c);
		config_error_where(err, "keys[%zu]", c->hashes[i].index);
		config_error_ja(err, "keys[%zu] と同じ鍵です", c->hashes[i - 1].index);
		config_error_en(err, "is the same key as keys[%zu]", c->hashes[i - 1].index);
	}
}

/*
 * Names are seen by viewers and stand in logs, so a name that is somebody's key gives it away (design §5). As only
 * hashes are known the names are hashed, too. A name shorter than any key cannot be one.
 */
static bool is_key(const struct check *c, const char *name)
{
	uint8_t hash[PLAN_HASH_BYTES];
	size_t low = 0;
	size_t high = c->n_hashes;

	if (strlen(name) < PLAN_KEY_MIN_LEN)
		return false;
	plan_hash(hash, name, strlen(name));
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = memcmp(c->hashes[middle].value, hash, sizeof(hash));

		if (order == 0)
			return true;
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return false;
}

static void check_names(struct check *c, const struct texts *t)
{
	for (size_t i = 0; i < t->count; i++) {
		struct config_error *err;

		if (!is_key(c, (const char *)t->base + i * t->stride))
			continue;
		err = add_error(c);
		config_error_where(err, "%s[%zu].%s", t->list, i, t->member);
		config_error_ja(err, "名前が配信の鍵と同じです。鍵が漏れるので変えてください");
		config_error_en(err, "the name is also a key to publish with: whoever sees the name has the key");
	}
}

/* A channel shows one stream at a time. */
static void check_on_air(struct check *c, size_t channel_index)
{
	const struct plan_channel *channel = &c->plan->channels[channel_index];
	int64_t end_ms = 0;
	size_t holder = 0;

	for (size_t i = 0; i < channel->n_on_air; i++)
		c->entries[i] = (struct entry){ .value = &channel->on_air[i], .index = i };
	sort(c->entries, channel->n_on_air, compare_starts);
	for (size_t i = 0; i < channel->n_on_air; i++) {
		const struct plan_on_air *slot = c->entries[i].value;
		struct config_error *err;

		if (i > 0 && slot->from_ms < end_ms) {
			err = add_error(c);
			config_error_where(err, "channels[%zu].on_air[%zu]", channel_index, c->entries[i].index);
			config_error_ja(err, "on_air[%zu] と時間が重なっています", holder);
			config_error_en(err, "overlaps with on_air[%zu]", holder);
		}
		if (i == 0 || slot->until_ms == 0 || slot->until_ms > end_ms) {
			end_ms = slot->until_ms == 0 ? INT64_MAX : slot->until_ms;
			holder = c->entries[i].index;
		}
	}
}

static void check_all(struct check *c)
{
	const struct plan *p = c->plan;
	const struct texts keys = { "keys", "id", p->keys, p->n_keys, sizeof(p->keys[0]) };
	const struct texts streams = { "streams", "id", p->streams, p->n_streams, sizeof(p->streams[0]) };
	const struct texts clips = { "clips", "id", p->clips, p->n_clips, sizeof(p->clips[0]) };
	const struct texts channels = { "channels", "id", p->channels, p->n_channels, sizeof(p->channels[0]) };
	const struct texts taken_down = { "taken_down", "id", p->taken_down, p->n_taken_down,
		sizeof(p->taken_down[0]) };
	const struct texts pulls = { "pulls", "stream", p->pulls, p->n_pulls, sizeof(p->pulls[0]) };
	const struct texts targets = { "keys", "stream", p->keys ? p->keys[0].stream : NULL, p->n_keys,
		sizeof(p->keys[0]) };

	check_texts(c, &keys);
	check_texts(c, &streams);
	check_texts(c, &clips);
	check_texts(c, &channels);
	check_texts(c, &taken_down);
	check_texts(c, &pulls);
	check_pushes(c);
	check_hashes(c);
	check_names(c, &keys);
	check_names(c, &targets);
	check_names(c, &streams);
	check_names(c, &channels);
	check_names(c, &pulls);
	for (size_t i = 0; i < p->n_channels; i++)
		check_on_air(c, i);
}

static size_t longest_list(const struct plan *p)
{
	const size_t fixed[] = { p->n_keys, p->n_streams, p->n_clips, p->n_channels, p->n_taken_down, p->n_pushes,
		p->n_pulls };
	size_t n = 1;

	for (size_t i = 0; i < ARRAY_LEN(fixed); i++)
		n = fixed[i] > n ? fixed[i] : n;
	for (size_t i = 0; i < p->n_channels; i++)
		n = p->channels[i].n_on_air > n ? p->channels[i].n_on_air : n;
	return n;
}

int plan_check(const struct plan *plan, const char *file, struct config_errors *errors)
{
	struct check c = { .plan = plan, .file = file, .errors = errors };
	size_t before = errors->total;
	bool has_memory;

	c.entries = calloc(longest_list(plan), sizeof(c.entries[0]));
	c.hashes = calloc(plan->n_keys + 1, sizeof(c.hashes[0]));
	has_memory = c.entries && c.hashes;
	if (has_memory)
		check_all(&c);
	free(c.entries);
	free(c.hashes);
	if (!has_memory)
		return -ENOMEM;
	return errors->total == before ? 0 : -EINVAL;
}
