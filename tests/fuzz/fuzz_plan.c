/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The plan, JSON. Oracles: a plan or errors, never both; ids are ids and lie in order; every key's windows are windows;
 * reading it twice gives plans without a difference; the heap stays below what config/plan_parse.h promises.
 */
#include <errno.h>
#include <string.h>

#include "config/plan_diff.h"
#include "config/plan_parse.h"
#include "config/plan_scan.h"
#include "tests/fuzz/fuzz.h"

enum {
	TEXT_MAX_BYTES = 1 << 16,
	/* A tree of jansson takes up to 71 x its text ("{},{},{},"); then there is the plan itself. */
	TREE_FACTOR = 80,
	BESIDE_BYTES = 1 << 16,
};

static void check_id(const char *id)
{
	FUZZ_CHECK(memchr(id, '\0', ID_SIZE) && id_is_valid(id, strlen(id)));
}

static void check_keys(const struct plan *plan)
{
	for (size_t i = 0; i < plan->n_keys; i++) {
		const struct plan_key *key = &plan->keys[i];

		check_id(key->id);
		check_id(key->stream);
		FUZZ_CHECK(i == 0 || strcmp(plan->keys[i - 1].id, key->id) < 0);
		for (size_t j = 0; j < key->n_windows; j++) {
			const struct plan_window *window = &key->windows[j];

			FUZZ_CHECK(window->until_ms == 0 || window->from_ms < window->until_ms);
			FUZZ_CHECK(j == 0 || key->windows[j - 1].from_ms <= window->from_ms);
		}
	}
}

static void check_channels(const struct plan *plan)
{
	for (size_t i = 0; i < plan->n_channels; i++) {
		check_id(plan->channels[i].id);
		FUZZ_CHECK(i == 0 || strcmp(plan->channels[i - 1].id, plan->channels[i].id) < 0);
		FUZZ_CHECK(plan_channel_find(plan, plan->channels[i].id) == &plan->channels[i]);
	}
	for (size_t i = 0; i < plan->n_streams; i++) {
		check_id(plan->streams[i].id);
		FUZZ_CHECK(plan_stream_find(plan, plan->streams[i].id) == &plan->streams[i]);
	}
	for (size_t i = 0; i < plan->n_clips; i++) {
		check_id(plan->clips[i].id);
		FUZZ_CHECK(plan_clip_find(plan, plan->clips[i].id) == &plan->clips[i]);
	}
}

static void check_transfers(const struct plan_transfer *transfers, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct plan_transfer *t = &transfers[i];
		size_t passphrase_len = strnlen(t->passphrase, sizeof(t->passphrase));

		check_id(t->stream);
		FUZZ_CHECK(t->is_srt == (strncmp(t->url, "srt://", 6) == 0));
		FUZZ_CHECK(t->is_srt == (t->port != 0) && t->is_srt == (t->host && t->host[0]));
		FUZZ_CHECK(passphrase_len == 0 || (passphrase_len >= 10 && passphrase_len <= 79));
		FUZZ_CHECK(t->latency_ms == 0 || (t->latency_ms >= 20 && t->latency_ms <= 8000));
		FUZZ_CHECK(!t->is_srt || strlen(t->stream_id) <= 512);
	}
}

/* By our own count; what is no JSON counts as it looks. */
static bool is_flat(const char *text, size_t len)
{
	size_t depth = 0;
	bool is_in_string = false;

	for (size_t i = 0; i < len; i++) {
		if (is_in_string && text[i] == '\\')
			i++;
		else if (text[i] == '"')
			is_in_string = !is_in_string;
		else if (!is_in_string && (text[i] == '[' || text[i] == '{') && ++depth > PLAN_MAX_DEPTH)
			return false;
		else if (!is_in_string && (text[i] == ']' || text[i] == '}') && depth > 0)
			depth--;
	}
	return true;
}

static void check_errors(const struct config_errors *errors)
{
	FUZZ_CHECK(errors->count > 0 && errors->total >= errors->count);
	for (size_t i = 0; i < errors->count; i++)
		FUZZ_CHECK(errors->list[i].ja[0] && errors->list[i].en[0]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const struct plan_diff_visitor nobody;
	static struct config_errors errors;
	struct plan *plan = NULL;
	struct plan *again = NULL;
	int result;

	if (len > TEXT_MAX_BYTES)
		return 0;
	config_errors_init(&errors);
	fuzz_heap_begin();
	result = plan_parse(&plan, (const char *)data, len, "fuzz.json", &errors);
	FUZZ_CHECK(fuzz_heap_peak() <= TREE_FACTOR * len + BESIDE_BYTES);
	FUZZ_CHECK((result == 0) == (plan != NULL));
	if (result != 0) {
		FUZZ_CHECK(result == -EINVAL || result == -EFBIG);
		check_errors(&errors);
		return 0;
	}
	FUZZ_CHECK(errors.total == 0 && is_flat((const char *)data, len));
	check_keys(plan);
	check_channels(plan);
	check_transfers(plan->pushes, plan->n_pushes);
	check_transfers(plan->pulls, plan->n_pulls);
	FUZZ_CHECK(plan_parse(&again, (const char *)data, len, NULL, &errors) == 0);
	FUZZ_CHECK(plan_diff(plan, again, &nobody) == 0);
	(void)plan_diff(NULL, plan, &nobody);
	plan_unref(plan);
	plan_unref(again);
	FUZZ_CHECK(fuzz_heap_now() == 0);
	return 0;
}
