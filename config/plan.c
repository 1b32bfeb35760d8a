/* SPDX-License-Identifier: Apache-2.0 */
#include "config/plan.h"

#include <assert.h>
#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "base/attr.h"

_Static_assert(PLAN_HASH_BYTES == crypto_generichash_BYTES, "a plan holds hashes of libsodium's default length");

static void free_secret(char *text)
{
	if (text)
		sodium_memzero(text, strlen(text));
	free(text);
}

static void free_transfers(struct plan_transfer *transfers, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free_secret(transfers[i].url);
		free_secret(transfers[i].stream_id);
		free(transfers[i].host);
	}
	if (transfers)
		sodium_memzero(transfers, n * sizeof(transfers[0]));
	free(transfers);
}

static void plan_destroy(struct plan *plan)
{
	for (size_t i = 0; i < plan->n_keys; i++)
		free(plan->keys[i].windows);
	if (plan->keys)
		sodium_memzero(plan->keys, plan->n_keys * sizeof(plan->keys[0]));
	free(plan->keys);
	for (size_t i = 0; i < plan->n_streams; i++)
		free(plan->streams[i].renditions);
	if (plan->streams)
		sodium_memzero(plan->streams, plan->n_streams * sizeof(plan->streams[0]));
	free(plan->streams);
	free(plan->clips);
	for (size_t i = 0; i < plan->n_channels; i++) {
		free(plan->channels[i].on_air);
		free(plan->channels[i].filler);
	}
	free(plan->channels);
	free(plan->taken_down);
	free_transfers(plan->pushes, plan->n_pushes);
	free_transfers(plan->pulls, plan->n_pulls);
	free_secret(plan->view_key);
	free(plan);
}

void plan_unref(struct plan *plan)
{
	if (plan && atomic_fetch_sub_explicit(&plan->refs, 1, memory_order_acq_rel) == 1)
		plan_destroy(plan);
}

struct plan *plan_create(void)
{
	struct plan *plan = calloc(1, sizeof(*plan));

	if (plan)
		atomic_init(&plan->refs, 1);
	return plan;
}

struct plan *plan_ref(struct plan *plan)
{
	if (plan)
		atomic_fetch_add_explicit(&plan->refs, 1, memory_order_relaxed);
	return plan;
}

/* All of these begin with their id, and so does a bare id that is looked for. */
static int compare_ids(const void *a, const void *b)
{
	return strcmp(a, b);
}

_Static_assert(offsetof(struct plan_key, id) == 0 && offsetof(struct plan_stream, id) == 0 &&
	offsetof(struct plan_clip, id) == 0 && offsetof(struct plan_channel, id) == 0 &&
	offsetof(struct plan_take_down, id) == 0,
    "compare_ids takes the first member");

static int compare_times(int64_t a, int64_t b)
{
	return a < b ? -1 : a > b;
}

static int compare_windows(const void *a, const void *b)
{
	const struct plan_window *x = a;
	const struct plan_window *y = b;
	int by_from = compare_times(x->from_ms, y->from_ms);

	return by_from != 0 ? by_from : compare_times(x->until_ms, y->until_ms);
}

static int compare_on_air(const void *a, const void *b)
{
	const struct plan_on_air *x = a;
	const struct plan_on_air *y = b;

	return compare_times(x->from_ms, y->from_ms);
}

static int compare_transfers(const void *a, const void *b)
{
	const struct plan_transfer *x = a;
	const struct plan_transfer *y = b;
	int by_stream = strcmp(x->stream, y->stream);

	return by_stream != 0 ? by_stream : strcmp(x->url, y->url);
}

/* qsort of no elements still wants a pointer. */
static void sort(void *base, size_t n, size_t size_bytes, int (*compare)(const void *, const void *))
{
	if (n > 1)
		qsort(base, n, size_bytes, compare);
}

void plan_sort(struct plan *plan)
{
	for (size_t i = 0; i < plan->n_keys; i++)
		sort(plan->keys[i].windows, plan->keys[i].n_windows, sizeof(struct plan_window), compare_windows);
	for (size_t i = 0; i < plan->n_channels; i++)
		sort(plan->channels[i].on_air, plan->channels[i].n_on_air, sizeof(struct plan_on_air), compare_on_air);
	sort(plan->keys, plan->n_keys, sizeof(plan->keys[0]), compare_ids);
	sort(plan->streams, plan->n_streams, sizeof(plan->streams[0]), compare_ids);
	sort(plan->clips, plan->n_clips, sizeof(plan->clips[0]), compare_ids);
	sort(plan->channels, plan->n_channels, sizeof(plan->channels[0]), compare_ids);
	sort(plan->taken_down, plan->n_taken_down, sizeof(plan->taken_down[0]), compare_ids);
	sort(plan->pushes, plan->n_pushes, sizeof(plan->pushes[0]), compare_transfers);
	sort(plan->pulls, plan->n_pulls, sizeof(plan->pulls[0]), compare_transfers);
}

static const void *find(const void *base, size_t n, size_t size_bytes, const char *id)
{
	return n > 0 ? bsearch(id, base, n, size_bytes, compare_ids) : NULL;
}

const struct plan_stream *plan_stream_find(const struct plan *plan, const char *id)
{
	return find(plan->streams, plan->n_streams, sizeof(plan->streams[0]), id);
}

const struct plan_channel *plan_channel_find(const struct plan *plan, const char *id)
{
	return find(plan->channels, plan->n_channels, sizeof(plan->channels[0]), id);
}

const struct plan_clip *plan_clip_find(const struct plan *plan, const char *id)
{
	return find(plan->clips, plan->n_clips, sizeof(plan->clips[0]), id);
}

const struct plan_take_down *plan_take_down_find(const struct plan *plan, const char *id)
{
	return find(plan->taken_down, plan->n_taken_down, sizeof(plan->taken_down[0]), id);
}

bool plan_is_taken_down(const struct plan *plan, const char *id, int64_t wall_ms)
{
	const struct plan_take_down *take_down;
	size_t len = strcspn(id, "~"); /* a rehearsal goes with its stream */
	char base[ID_SIZE];

	if (len == 0 || len >= sizeof(base))
		return false;
	memcpy(base, id, len);
	base[len] = '\0';
	take_down = plan_take_down_find(plan, base);
	return take_down && wall_ms < take_down->before_ms;
}

bool plan_profile_is_known(const char *name)
{
	static const char *const known[] = { "480p30", "720p30", "720p60", "1080p30", "1080p60" };

	for (size_t i = 0; i < ARRAY_LEN(known); i++) {
		if (strcmp(known[i], name) == 0)
			return true;
	}
	return false;
}

const struct plan_key *plan_key_find(const struct plan *plan, const char *text, size_t len)
{
	uint8_t hash[PLAN_HASH_BYTES];
	size_t found = SIZE_MAX;

	plan_hash(hash, text, len);
	for (size_t i = 0; i < plan->n_keys; i++) {
		/* All ones when equal; no branch depends on it. */
		size_t mask = (size_t)0 - (size_t)(sodium_memcmp(hash, plan->keys[i].hash, sizeof(hash)) == 0);

		found = (found & ~mask) | (i & mask);
	}
	return found < plan->n_keys ? &plan->keys[found] : NULL;
}

static bool is_over(const struct plan_window *w, int64_t now_ms)
{
	return w->until_ms != 0 && now_ms >= w->until_ms;
}

static bool is_open(const struct plan_window *w, int64_t now_ms)
{
	return now_ms >= w->from_ms && !is_over(w, now_ms);
}

static int64_t end_of(const struct plan_window *w)
{
	return w->until_ms == 0 ? INT64_MAX : w->until_ms;
}

/* Both are open: a broadcast before a rehearsal, then the one that ends last. */
static bool is_better(const struct plan_window *w, const struct plan_window *best)
{
	if (w->is_rehearsal != best->is_rehearsal)
		return !w->is_rehearsal;
	return end_of(w) > end_of(best);
}

enum key_verdict plan_window_at(const struct plan_key *key, int64_t now_ms, const struct plan_window **window)
{
	const struct plan_window *open = NULL;
	const struct plan_window *next = NULL;
	const struct plan_window *last = NULL;

	for (size_t i = 0; i < key->n_windows; i++) {
		const struct plan_window *w = &key->windows[i];

		if (is_open(w, now_ms)) {
			if (!open || is_better(w, open))
				open = w;
		} else if (is_over(w, now_ms)) {
			if (!last || w->until_ms > last->until_ms)
				last = w;
		} else if (!next || w->from_ms < next->from_ms) {
			next = w;
		}
	}
	if (window)
		*window = open ? open : next ? next : last;
	if (open)
		return KEY_OPEN;
	return next ? KEY_EARLY : last ? KEY_EXPIRED : KEY_REVOKED;
}

void plan_hash(uint8_t out[PLAN_HASH_BYTES], const char *text, size_t len)
{
	int failed = crypto_generichash(out, PLAN_HASH_BYTES, (const unsigned char *)text, len, NULL, 0);

	assert(failed == 0);
	(void)failed;
}

bool plan_key_text_is_valid(const char *text, size_t len)
{
	if (len < PLAN_KEY_MIN_LEN || len > PLAN_KEY_MAX_LEN)
		return false;
	for (size_t i = 0; i < len; i++) {
		bool is_letter = (text[i] >= 'a' && text[i] <= 'z') || (text[i] >= 'A' && text[i] <= 'Z');
		bool is_digit = text[i] >= '0' && text[i] <= '9';

		/* RFC 3986 §2.3: unreserved */
		if (!is_letter && !is_digit && (text[i] == '\0' || !strchr("._~-", text[i])))
			return false;
	}
	return true;
}

bool plan_stream_id_is_valid(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f)
			return false;
	}
	return len < PLAN_STREAM_ID_SIZE;
}

int plan_hash_key(const char *text, char out[PLAN_HASH_HEX_SIZE])
{
	uint8_t hash[PLAN_HASH_BYTES];

	if (!plan_key_text_is_valid(text, strlen(text)))
		return -EINVAL;
	plan_hash(hash, text, strlen(text));
	sodium_bin2hex(out, PLAN_HASH_HEX_SIZE, hash, sizeof(hash));
	return 0;
}

void plan_key_generate(char out[PLAN_KEY_TEXT_SIZE])
{
	static const char alphabet[] = "abcdefghijklmnopqrstuvwxyz234567"; /* RFC 4648 §6, in lower case */
	uint8_t raw[17] = { 0 }; /* one more than is used, so that the last character reads zeros */
	int failed = sodium_init();

	assert(failed >= 0);
	(void)failed;
	randombytes_buf(raw, 16);
	for (size_t i = 0; i < PLAN_KEY_TEXT_SIZE - 1; i++) {
		size_t bit = i * 5;
		unsigned pair = (unsigned)raw[bit / 8] << 8 | raw[bit / 8 + 1];

		out[i] = alphabet[pair >> (11 - bit % 8) & 31u];
	}
	out[PLAN_KEY_TEXT_SIZE - 1] = '\0';
	sodium_memzero(raw, sizeof(raw));
}
