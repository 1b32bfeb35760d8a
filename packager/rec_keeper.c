/* SPDX-License-Identifier: Apache-2.0 */
#include "packager/rec_keeper.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/log.h"
#include "packager/rec_format.h"

struct rec_known {
	struct rec_known *next;
	char id[ID_SIZE];
	char stream[REC_STREAM_SIZE];
	char epoch[REC_EPOCH_SIZE];
	enum rec_state state;
	uint32_t segment_ms;
	int64_t end_wall_ms;
	bool is_stuck; /* it could not be deleted: it is not tried again in this run */
};

void rec_keeper_fini(struct rec_keeper *k)
{
	while (k->known) {
		struct rec_known *r = k->known;

		k->known = r->next;
		free(r);
	}
}

void rec_keeper_init(struct rec_keeper *k, const struct rec_store *store, const struct events *events)
{
	*k = (struct rec_keeper){ .store = *store, .events = events };
}

static void say(const struct rec_keeper *k, const char *stream, const char *id, enum event_recording_state state,
    const char *reason)
{
	const struct event event = {
		.kind = EVENT_RECORDING,
		.stream = stream,
		.recording = { .state = state, .id = id, .reason = reason, .hours_left = -1 },
	};

	events_emit(k->events, &event);
}

void rec_keeper_add(struct rec_keeper *k, const struct rec_info *info)
{
	struct rec_known **at = &k->known;
	struct rec_known *r = calloc(1, sizeof(*r));

	if (!r) {
		log_warn(NULL, "recording %s: no memory to look after it until the next start", info->id);
		return;
	}
	snprintf(r->id, sizeof(r->id), "%s", info->id);
	snprintf(r->stream, sizeof(r->stream), "%s", info->stream);
	snprintf(r->epoch, sizeof(r->epoch), "%s", info->epoch);
	r->state = info->state;
	r->segment_ms = info->segment_ms;
	r->end_wall_ms = info->end_wall_ms;
	while (*at && (*at)->end_wall_ms <= r->end_wall_ms)
		at = &(*at)->next;
	r->next = *at;
	*at = r;
}

static void forget(struct rec_known **at)
{
	struct rec_known *r = *at;

	*at = r->next;
	free(r);
}

static void look_at(void *ctx, const char *name)
{
	struct rec_keeper *k = ctx;
	struct rec_info info;
	int err;

	if (!id_is_valid(name, strlen(name)))
		return;
	rec_info_init(&info);
	err = rec_store_load(&k->store, name, &info);
	if (err == 0)
		rec_keeper_add(k, &info);
	else
		log_warn(NULL, "%s/rec/%s is no recording: %s", k->store.data_dir, name, err_text(err));
	rec_info_fini(&info);
}

int rec_keeper_scan(struct rec_keeper *k)
{
	char path[REC_PATH_SIZE];
	int err;

	if (rec_path(path, sizeof(path), k->store.data_dir, NULL, NULL) >= sizeof(path))
		return -ENAMETOOLONG;
	err = k->store.disk->list(k->store.disk->arg, path, look_at, k);
	return err == -ENOENT ? 0 : err;
}

/* Loaded and mended, or false. */
static bool bring_back(const struct rec_keeper *k, const struct rec_known *r, struct rec_info *info)
{
	int err;

	rec_info_init(info);
	err = rec_store_load(&k->store, r->id, info);
	if (err == 0)
		err = rec_store_mend(&k->store, info);
	if (err == 0)
		return true;
	log_warn(NULL, "recording %s stays unfinished: %s", r->id, err_text(err));
	rec_info_fini(info);
	return false;
}

static bool may_go_on(const struct rec_known *r, const struct rec_keeper_wish *wish)
{
	return r->state == REC_RECORDING && strcmp(r->stream, wish->stream) == 0 &&
	    strcmp(r->epoch, wish->epoch) == 0 && r->segment_ms >= wish->segment_ms;
}

bool rec_keeper_take(struct rec_keeper *k, const struct rec_keeper_wish *wish, struct rec_info *out)
{
	struct rec_known **at = &k->known;
	bool is_there;

	while (*at && !may_go_on(*at, wish))
		at = &(*at)->next;
	if (!*at)
		return false;
	is_there = bring_back(k, *at, out);
	if (is_there)
		forget(at);
	return is_there;
}

/* When it ended: with the last that is there. */
static int64_t end_of(const struct rec_info *info)
{
	const struct rec_stretch *last = info->n_stretches > 0 ? &info->stretches[info->n_stretches - 1] : NULL;

	return last && last->begin_wall_ms >= 0 ? last->begin_wall_ms + last->duration_ms : info->begin_wall_ms;
}

static void close_one(struct rec_keeper *k, struct rec_known *r)
{
	struct rec_info info;
	int err;

	if (!bring_back(k, r, &info))
		return;
	info.state = rec_info_verdict(&info);
	info.end_wall_ms = end_of(&info);
	snprintf(info.end_reason, sizeof(info.end_reason), "node_died");
	err = rec_store_save(&k->store, &info);
	if (err == 0) {
		log_info(NULL, "recording %s was cut off: %s", r->id, rec_state_name(info.state));
		r->state = info.state;
		r->end_wall_ms = info.end_wall_ms;
		say(k, r->stream, r->id, info.state == REC_SAVED ? EVENT_RECORDING_SAVED : EVENT_RECORDING_DAMAGED,
		    info.end_reason);
	} else {
		log_warn(NULL, "recording %s stays unfinished: %s", r->id, err_text(err));
	}
	rec_info_fini(&info);
}

void rec_keeper_close(struct rec_keeper *k, const char *stream)
{
	for (struct rec_known *r = k->known; r; r = r->next) {
		if (r->state == REC_RECORDING && (!stream || strcmp(r->stream, stream) == 0))
			close_one(k, r);
	}
}

static bool is_in_a_clip(const struct plan *plan, const char *id)
{
	for (size_t i = 0; plan && i < plan->n_clips; i++) {
		if (strcmp(plan->clips[i].recording, id) == 0)
			return true;
	}
	return false;
}

/* As recording.json says it now: somebody may have pinned it. What may not go in any case is not read. */
static const char *rule_for(const struct rec_keeper *k, const struct rec_known *r, const struct rec_keeper_round *round)
{
	struct disk_candidate candidate = {
		.state = r->state, .end_wall_ms = r->end_wall_ms, .is_pinned = is_in_a_clip(round->plan, r->id)
	};
	struct rec_info info;
	const char *rule;

	if (r->is_stuck || !disk_guard_may_delete(round->rules, &candidate, round->wall_ms, round->free_bytes))
		return NULL;
	rec_info_init(&info);
	if (rec_store_load(&k->store, r->id, &info) != 0)
		return NULL;
	candidate.state = info.state;
	candidate.is_pinned = candidate.is_pinned || info.is_pinned;
	rule = disk_guard_may_delete(round->rules, &candidate, round->wall_ms, round->free_bytes);
	rec_info_fini(&info);
	return rule;
}

static bool delete_known(
    struct rec_keeper *k, struct rec_known *r, const char *rule, const struct rec_keeper_round *round)
{
	int err;

	/* First of all nobody may begin to read it. */
	if (round->gone)
		round->gone(round->arg, r->id);
	err = rec_store_delete(&k->store, r->id);
	if (err != 0) {
		r->is_stuck = true;
		log_warn(NULL, "recording %s cannot be deleted: %s", r->id, err_text(err));
		return false;
	}
	log_info(NULL, "recording %s is deleted by %s", r->id, rule);
	say(k, r->stream, r->id, EVENT_RECORDING_DELETED, rule);
	return true;
}

bool rec_keeper_delete_one(struct rec_keeper *k, const struct rec_keeper_round *round)
{
	for (struct rec_known **at = &k->known; *at; at = &(*at)->next) {
		const char *rule = rule_for(k, *at, round);

		if (rule && delete_known(k, *at, rule, round)) {
			forget(at);
			return true;
		}
	}
	return false;
}
