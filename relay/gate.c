/* SPDX-License-Identifier: Apache-2.0 */
#include "relay/gate.h"

#include <stdio.h>
#include <string.h>

#include <sodium.h>

#include "relay/token.h"

static enum close_reason reason_of(enum key_verdict verdict)
{
	switch (verdict) {
	case KEY_OPEN: return CLOSE_NONE;
	case KEY_EARLY: return CLOSE_KEY_EARLY;
	case KEY_EXPIRED: return CLOSE_KEY_EXPIRED;
	case KEY_REVOKED: return CLOSE_KEY_REVOKED;
	}
	return CLOSE_KEY_UNKNOWN;
}

static void fill_pass(
    struct gate_pass *pass, const struct plan *plan, const struct plan_key *key, const struct plan_window *window)
{
	bool is_rehearsal = window && window->is_rehearsal;

	pass->key_place = (size_t)(key - plan->keys);
	snprintf(pass->key_id, sizeof(pass->key_id), "%s", key->id);
	memcpy(pass->key_hash, key->hash, sizeof(pass->key_hash));
	snprintf(pass->stream, sizeof(pass->stream), "%s%s", key->stream, is_rehearsal ? GATE_REHEARSAL_SUFFIX : "");
	pass->is_rehearsal = is_rehearsal;
	pass->until_ms = window ? window->until_ms : 0;
}

enum close_reason gate_publish(
    const struct plan *plan, const char *key_text, size_t key_len, int64_t now_ms, struct gate_pass *pass)
{
	const struct plan_key *key = plan_key_find(plan, key_text, key_len);
	const struct plan_window *window = NULL;
	enum key_verdict verdict;

	memset(pass, 0, sizeof(*pass));
	if (!key)
		return CLOSE_KEY_UNKNOWN;
	verdict = plan_window_at(key, now_ms, &window);
	if (verdict == KEY_OPEN)
		fill_pass(pass, plan, key, window);
	return reason_of(verdict);
}

static bool has_hash(const struct plan_key *key, const uint8_t hash[PLAN_HASH_BYTES])
{
	return sodium_memcmp(key->hash, hash, PLAN_HASH_BYTES) == 0;
}

/* Every publisher asks twice a second: mostly its key stands where it stood. */
static const struct plan_key *find_again(const struct plan *plan, const struct gate_pass *pass)
{
	if (pass->key_place < plan->n_keys && has_hash(&plan->keys[pass->key_place], pass->key_hash))
		return &plan->keys[pass->key_place];
	for (size_t i = 0; i < plan->n_keys; i++) {
		if (has_hash(&plan->keys[i], pass->key_hash))
			return &plan->keys[i];
	}
	return NULL;
}

/* No key of a plan is this text's: a ':' cannot stand in one. */
static void hash_of_pull(const char *stream, uint8_t hash[PLAN_HASH_BYTES])
{
	char text[sizeof("pull:") + GATE_STREAM_SIZE];

	snprintf(text, sizeof(text), "pull:%s", stream);
	plan_hash(hash, text, strlen(text));
}

void gate_pull(const char *stream, struct gate_pass *pass)
{
	memset(pass, 0, sizeof(*pass));
	snprintf(pass->stream, sizeof(pass->stream), "%s", stream);
	hash_of_pull(stream, pass->key_hash);
}

static bool is_pulled(const struct plan *plan, const char *stream)
{
	for (size_t i = 0; i < plan->n_pulls; i++) {
		if (strcmp(plan->pulls[i].stream, stream) == 0)
			return true;
	}
	return false;
}

static enum close_reason pull_again(const struct plan *plan, const struct gate_pass *pass)
{
	uint8_t hash[PLAN_HASH_BYTES];

	hash_of_pull(pass->stream, hash);
	return memcmp(hash, pass->key_hash, sizeof(hash)) == 0 && is_pulled(plan, pass->stream) ? CLOSE_NONE
												: CLOSE_KEY_REVOKED;
}

enum close_reason gate_publish_again(const struct plan *plan, struct gate_pass *pass, int64_t now_ms)
{
	const struct plan_key *key = find_again(plan, pass);
	const struct plan_window *window = NULL;
	struct gate_pass renewed = { 0 };
	enum key_verdict verdict;

	if (!key)
		return pull_again(plan, pass);
	verdict = plan_window_at(key, now_ms, &window);
	if (verdict == KEY_REVOKED)
		return CLOSE_KEY_REVOKED;
	if (verdict != KEY_OPEN)
		return CLOSE_SLOT_OVER;
	fill_pass(&renewed, plan, key, window);
	/* The rehearsal is over and the broadcast begins, or the key belongs to another stream now: come in again. */
	if (strcmp(renewed.stream, pass->stream) != 0)
		return CLOSE_SLOT_OVER;
	*pass = renewed;
	return CLOSE_NONE;
}

static bool is_known(const struct plan *plan, const char *stream)
{
	if (plan_stream_find(plan, stream))
		return true;
	for (size_t i = 0; i < plan->n_keys; i++) {
		if (strcmp(plan->keys[i].stream, stream) == 0)
			return true;
	}
	return is_pulled(plan, stream);
}

/* Cuts the suffix of a rehearsal. False when the name cannot be a stream's at all. */
static bool base_name(const char *stream, char base[ID_SIZE], bool *is_rehearsal)
{
	const size_t suffix_len = sizeof(GATE_REHEARSAL_SUFFIX) - 1;
	size_t len = strnlen(stream, GATE_STREAM_SIZE);

	*is_rehearsal = len > suffix_len && strcmp(stream + len - suffix_len, GATE_REHEARSAL_SUFFIX) == 0;
	if (*is_rehearsal)
		len -= suffix_len;
	if (len == 0 || len >= ID_SIZE)
		return false;
	memcpy(base, stream, len);
	base[len] = '\0';
	return true;
}

const struct plan_stream *gate_stream(const struct plan *plan, const char *stream)
{
	char base[ID_SIZE];
	bool is_rehearsal;

	return base_name(stream, base, &is_rehearsal) ? plan_stream_find(plan, base) : NULL;
}

static enum close_reason check_token(const struct plan *plan, const struct gate_viewer *viewer, int64_t now_ms)
{
	const struct token_question question = { plan->view_key, viewer->stream, viewer->token, viewer->token_len,
		now_ms };

	switch (token_check(&question, NULL)) {
	case TOKEN_GOOD: return CLOSE_NONE;
	case TOKEN_EXPIRED: return CLOSE_TOKEN_EXPIRED;
	case TOKEN_BAD: break;
	}
	return CLOSE_TOKEN_BAD;
}

static enum close_reason play_channel(const struct plan *plan, const struct gate_viewer *viewer, int64_t now_ms)
{
	const struct plan_channel *channel = plan_channel_find(plan, viewer->stream + 1);

	if (!channel)
		return CLOSE_STREAM_UNKNOWN;
	if (!viewer->has_channels)
		return CLOSE_CHANNEL_ELSEWHERE;
	return channel->is_private ? check_token(plan, viewer, now_ms) : CLOSE_NONE;
}

enum close_reason gate_play(const struct plan *plan, const struct gate_viewer *viewer, int64_t now_ms)
{
	const struct plan_stream *stream;
	char base[ID_SIZE];
	bool is_rehearsal;

	if (viewer->stream[0] == '@')
		return play_channel(plan, viewer, now_ms);
	if (!base_name(viewer->stream, base, &is_rehearsal) || !is_known(plan, base))
		return CLOSE_STREAM_UNKNOWN;
	stream = plan_stream_find(plan, base);
	return is_rehearsal || (stream && stream->is_private) ? check_token(plan, viewer, now_ms) : CLOSE_NONE;
}
