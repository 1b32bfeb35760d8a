/* SPDX-License-Identifier: Apache-2.0 */
#include "packager/rec_info.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/attr.h"
#include "packager/rec_format.h"

enum { INFO_VERSION = 1 };

static const char *const state_names[REC_STATES] = { "recording", "saved", "damaged" };

void rec_info_fini(struct rec_info *info)
{
	free(info->stretches);
	rec_info_init(info);
}

void rec_info_init(struct rec_info *info)
{
	*info = (struct rec_info){ 0 };
}

struct rec_stretch *rec_info_add(struct rec_info *info)
{
	struct rec_stretch *bigger = info->stretches;

	/* Room for 8, 16, 32 … */
	if ((info->n_stretches & (info->n_stretches - 1)) == 0 && (info->n_stretches == 0 || info->n_stretches >= 8)) {
		const size_t room = info->n_stretches == 0 ? 8 : 2 * info->n_stretches;

		bigger = realloc(info->stretches, room * sizeof(*bigger));
		if (!bigger)
			return NULL;
		info->stretches = bigger;
	}
	bigger[info->n_stretches] = (struct rec_stretch){ 0 };
	return &bigger[info->n_stretches++];
}

uint64_t rec_info_saved_bytes(const struct rec_info *info)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < info->n_stretches; i++)
		sum += info->stretches[i].saved_bytes;
	return sum;
}

enum rec_state rec_info_verdict(const struct rec_info *info)
{
	for (size_t i = 0; i < info->n_stretches; i++) {
		if (info->stretches[i].is_damaged)
			return REC_DAMAGED;
	}
	return info->lost_ms > 0 ? REC_DAMAGED : REC_SAVED;
}

const char *rec_state_name(enum rec_state state)
{
	return state_names[state];
}

static json_t *format_stretch(const struct rec_stretch *s)
{
	char file[REC_FILE_SIZE];

	rec_file_name(file, REC_FILE_MEDIA, s->number);
	return json_pack("{s:s, s:I, s:I, s:I, s:I, s:I, s:b}", "file", file, "begin_wall_ms",
	    (json_int_t)s->begin_wall_ms, "duration_ms", (json_int_t)s->duration_ms, "bytes", (json_int_t)s->bytes,
	    "saved_bytes", (json_int_t)s->saved_bytes, "lost_ms_before", (json_int_t)s->lost_ms_before, "damaged",
	    (int)s->is_damaged);
}

static json_t *format_stretches(const struct rec_info *info)
{
	json_t *array = json_array();

	for (size_t i = 0; array && i < info->n_stretches; i++) {
		/* Takes the reference, and NULL for a failure. */
		if (json_array_append_new(array, format_stretch(&info->stretches[i])) != 0) {
			json_decref(array);
			return NULL;
		}
	}
	return array;
}

char *rec_info_format(const struct rec_info *info, size_t *len)
{
	json_t *stretches = format_stretches(info);
	json_t *root;
	char *text = NULL;

	if (!stretches)
		return NULL;
	root = json_pack("{s:i, s:s, s:s, s:s, s:s, s:b, s:I, s:I, s:I, s:s, s:I, s:O}", "isaribi_recording",
	    INFO_VERSION, "id", info->id, "stream", info->stream, "epoch", info->epoch, "state",
	    rec_state_name(info->state), "pinned", (int)info->is_pinned, "segment_ms", (json_int_t)info->segment_ms,
	    "begin_wall_ms", (json_int_t)info->begin_wall_ms, "end_wall_ms", (json_int_t)info->end_wall_ms,
	    "end_reason", info->end_reason, "lost_ms", (json_int_t)info->lost_ms, "stretches", stretches);
	if (root)
		text = json_dumps(root, JSON_INDENT(1));
	json_decref(root);
	json_decref(stretches);
	*len = text ? strlen(text) : 0;
	return text;
}

static int read_text(const json_t *object, const char *key, char *out, size_t size)
{
	const json_t *value = json_object_get(object, key);

	if (!json_is_string(value) || json_string_length(value) >= size)
		return -EINVAL;
	memcpy(out, json_string_value(value), json_string_length(value) + 1);
	return 0;
}

static int read_number(const json_t *object, const char *key, int64_t min, int64_t max, int64_t *out)
{
	const json_t *value = json_object_get(object, key);

	if (!json_is_integer(value) || json_integer_value(value) < min || json_integer_value(value) > max)
		return -EINVAL;
	*out = json_integer_value(value);
	return 0;
}

static int read_size(const json_t *object, const char *key, uint64_t *out)
{
	int64_t value;

	if (read_number(object, key, 0, INT64_MAX / 2, &value) != 0)
		return -EINVAL;
	*out = (uint64_t)value;
	return 0;
}

static int read_stretch(struct rec_info *info, const json_t *json)
{
	const unsigned before = info->n_stretches > 0 ? info->stretches[info->n_stretches - 1].number : 0;
	struct rec_stretch *s = rec_info_add(info);
	char file[REC_FILE_SIZE];
	enum rec_file kind;

	if (!s)
		return -ENOMEM;
	s->is_damaged = json_is_true(json_object_get(json, "damaged"));
	if (read_text(json, "file", file, sizeof(file)) != 0 ||
	    !rec_file_parse(file, strlen(file), &kind, &s->number) || kind != REC_FILE_MEDIA || s->number <= before ||
	    read_number(json, "begin_wall_ms", -1, INT64_MAX / 2, &s->begin_wall_ms) != 0 ||
	    read_number(json, "duration_ms", 0, INT64_MAX / 2, &s->duration_ms) != 0 ||
	    read_number(json, "lost_ms_before", 0, INT64_MAX / 2, &s->lost_ms_before) != 0 ||
	    read_size(json, "bytes", &s->bytes) != 0 || read_size(json, "saved_bytes", &s->saved_bytes) != 0 ||
	    s->saved_bytes > s->bytes)
		return -EINVAL;
	return 0;
}

static int read_stretches(struct rec_info *info, const json_t *array)
{
	int err = json_is_array(array) ? 0 : -EINVAL;

	for (size_t i = 0; err == 0 && i < json_array_size(array); i++)
		err = read_stretch(info, json_array_get(array, i));
	return err;
}

static int read_state(struct rec_info *info, const json_t *root)
{
	char name[REC_REASON_SIZE];

	if (read_text(root, "state", name, sizeof(name)) != 0)
		return -EINVAL;
	for (size_t i = 0; i < ARRAY_LEN(state_names); i++) {
		if (strcmp(state_names[i], name) == 0) {
			info->state = (enum rec_state)i;
			return 0;
		}
	}
	return -EINVAL;
}

static int read_info(struct rec_info *info, const json_t *root)
{
	int64_t version;
	int64_t segment_ms;

	if (read_number(root, "isaribi_recording", INFO_VERSION, INFO_VERSION, &version) != 0 ||
	    read_text(root, "id", info->id, sizeof(info->id)) != 0 || !id_is_valid(info->id, strlen(info->id)) ||
	    read_text(root, "stream", info->stream, sizeof(info->stream)) != 0 ||
	    read_text(root, "epoch", info->epoch, sizeof(info->epoch)) != 0 || read_state(info, root) != 0 ||
	    read_number(root, "segment_ms", 1, UINT16_MAX, &segment_ms) != 0 ||
	    read_number(root, "begin_wall_ms", 0, INT64_MAX / 2, &info->begin_wall_ms) != 0 ||
	    read_number(root, "end_wall_ms", 0, INT64_MAX / 2, &info->end_wall_ms) != 0 ||
	    read_text(root, "end_reason", info->end_reason, sizeof(info->end_reason)) != 0 ||
	    read_number(root, "lost_ms", 0, INT64_MAX / 2, &info->lost_ms) != 0)
		return -EINVAL;
	info->segment_ms = (uint32_t)segment_ms;
	info->is_pinned = json_is_true(json_object_get(root, "pinned"));
	return read_stretches(info, json_object_get(root, "stretches"));
}

int rec_info_parse(struct rec_info *info, const char *text, size_t len)
{
	json_t *root = len <= REC_INFO_MAX_BYTES ? json_loadb(text, len, JSON_REJECT_DUPLICATES, NULL) : NULL;
	int err = -EINVAL;

	rec_info_fini(info);
	if (json_is_object(root))
		err = read_info(info, root);
	json_decref(root);
	if (err != 0)
		rec_info_fini(info);
	return err;
}
