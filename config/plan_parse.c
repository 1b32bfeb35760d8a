/* SPDX-License-Identifier: Apache-2.0 */
#include "config/plan_parse.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/attr.h"
#include "base/err.h"
#include "config/link_url.h"
#include "config/plan_check.h"
#include "config/plan_scan.h"
#include "config/text_file.h"

enum {
	PLAN_VERSION = 1,
	PATH_SIZE = 128,
	MAX_THINGS = 16384, /* of each kind */
	MAX_WINDOWS = 1024,
	MAX_ON_AIR = 8192,
	MAX_FILLER = 1024,
	MAX_RENDITIONS = 8,
	MAX_URL_LEN = 1023,
	MIN_VIEW_KEY_LEN = 16,
	MAX_VIEW_KEY_LEN = 256,
	MAX_DELAY_MS = 120000,
};

/* The end of the year 9999: beyond it somebody wrote microseconds. */
#define MAX_TIME_MS 253402300799999

/* A walk through the tree. path names the value in hand, "keys[3].windows[0]". */
struct walk {
	struct plan *plan;
	const char *file;
	struct config_errors *errors;
	char path[PATH_SIZE];
	size_t path_len;
	bool is_out_of_memory;
};

typedef void read_element_fn(struct walk *w, const json_t *json, void *element);

struct list {
	const char *name;
	size_t max_count;
	size_t size_bytes; /* of an element */
	read_element_fn *read;
	const char *required; /* a string without which an element is none; NULL: there is no such */
};

static void extend_path(struct walk *w, const char *fmt, ...) ATTR_PRINTF(2, 3);

static void extend_path(struct walk *w, const char *fmt, ...)
{
	size_t room = sizeof(w->path) - w->path_len;
	va_list args;
	int len;

	va_start(args, fmt);
	len = vsnprintf(w->path + w->path_len, room, fmt, args);
	va_end(args);
	if (len > 0)
		w->path_len += (size_t)len < room ? (size_t)len : room - 1;
}

static void cut_path(struct walk *w, size_t len)
{
	w->path_len = len;
	w->path[len] = '\0';
}

/* An error of the value in hand, or of one of its members when name is not NULL. */
static struct config_error *add_error(struct walk *w, const char *name)
{
	struct config_error *err = config_errors_add(w->errors, w->file);

	if (name)
		config_error_where(err, "%s%s%s", w->path, w->path_len > 0 ? "." : "", name);
	else
		config_error_where(err, "%s", w->path);
	return err;
}

static void say(struct walk *w, const char *name, const char *ja, const char *en)
{
	struct config_error *err = add_error(w, name);

	config_error_ja(err, "%s", ja);
	config_error_en(err, "%s", en);
}

static bool want_object(struct walk *w, const json_t *json)
{
	if (json_is_object(json))
		return true;
	say(w, NULL, "オブジェクト { } が必要です", "expected an object { }");
	return false;
}

/* The member if it is a string; NULL when it is missing, or is something else (an error then). */
static const json_t *string_member(struct walk *w, const json_t *object, const char *name, bool is_required)
{
	const json_t *json = json_object_get(object, name);

	if (json_is_string(json))
		return json;
	if (json || is_required)
		say(w, name, "文字列が必要です", "expected a string");
	return NULL;
}

static void take_id(struct walk *w, const char *name, const json_t *json, char out[ID_SIZE])
{
	const char *text = json_string_value(json);
	size_t len = json_string_length(json);

	if (id_is_valid(text, len)) {
		memcpy(out, text, len + 1);
		return;
	}
	/* The text is not shown: whoever mistook the members may have put a key here. */
	say(w, name, "英小文字か数字で始まり . _ - を含む 63 文字までの名前が必要です",
	    "expected a name of up to 63 characters a-z 0-9 . _ - that begins with a letter or digit");
}

static void read_id(struct walk *w, const json_t *object, const char *name, char out[ID_SIZE])
{
	const json_t *json = string_member(w, object, name, true);

	if (json)
		take_id(w, name, json, out);
}

/* Missing or empty: out stays as it is. */
static void read_optional_id(struct walk *w, const json_t *object, const char *name, char out[ID_SIZE])
{
	const json_t *json = string_member(w, object, name, false);

	if (json && json_string_length(json) > 0)
		take_id(w, name, json, out);
}

static void read_integer(struct walk *w, const json_t *object, const char *name, int64_t max, int64_t *out)
{
	const json_t *json = json_object_get(object, name);
	struct config_error *err;

	if (!json)
		return;
	if (json_is_integer(json) && json_integer_value(json) >= 0 && json_integer_value(json) <= max) {
		*out = json_integer_value(json);
		return;
	}
	err = add_error(w, name);
	config_error_ja(err, "0 から %" PRId64 " までの整数が必要です", max);
	config_error_en(err, "expected a whole number from 0 to %" PRId64, max);
}

static void read_bool(struct walk *w, const json_t *object, const char *name, bool *out)
{
	const json_t *json = json_object_get(object, name);

	if (json_is_boolean(json))
		*out = json_is_true(json);
	else if (json)
		say(w, name, "true か false が必要です", "expected true or false");
}

/* from and until of whatever has them; 0 is no limit. */
static void read_span(struct walk *w, const json_t *object, int64_t *from_ms, int64_t *until_ms)
{
	size_t before = w->errors->total;

	read_integer(w, object, "from", MAX_TIME_MS, from_ms);
	read_integer(w, object, "until", MAX_TIME_MS, until_ms);
	if (w->errors->total == before && *until_ms != 0 && *until_ms <= *from_ms)
		say(w, "until", "from より後の時刻が必要です（0 = 限りなし）",
		    "expected a time after from (0: no limit)");
}

static bool has_required(const struct list *list, const json_t *json)
{
	return !list->required || json_is_string(json_object_get(json, list->required));
}

/* Of "1,1,1" or "{},{},{}" the places would take far more memory than the tree: what has no name gets none. */
static size_t count_places(const struct list *list, const json_t *array)
{
	size_t n = 0;

	for (size_t i = 0; i < json_array_size(array); i++)
		n += has_required(list, json_array_get(array, i));
	return n;
}

static void *create_places(struct walk *w, const struct list *list, const json_t *array)
{
	size_t n = count_places(list, array);
	void *places = n > 0 ? calloc(n, list->size_bytes) : NULL;

	if (n > 0 && !places)
		w->is_out_of_memory = true;
	return places;
}

/* Into the next place, or an error when it has none. */
static void read_element(struct walk *w, const struct list *list, const json_t *json, char *places, size_t *count)
{
	if (has_required(list, json))
		list->read(w, json, places + (*count)++ * list->size_bytes);
	else if (want_object(w, json))
		say(w, list->required, "文字列が必要です", "expected a string");
}

/* The elements, count and all; NULL and 0 when the member is missing, empty, no array or too long. */
static void *read_list(struct walk *w, const json_t *object, const struct list *list, size_t *count)
{
	const json_t *array = json_object_get(object, list->name);
	size_t start = w->path_len;
	size_t n = json_array_size(array);
	struct config_error *err;
	char *places;

	*count = 0;
	if (array && (!json_is_array(array) || n > list->max_count)) {
		err = add_error(w, list->name);
		config_error_ja(err, "配列 [ ]（%zu 個まで）が必要です", list->max_count);
		config_error_en(err, "expected an array [ ] of up to %zu elements", list->max_count);
	}
	if (n == 0 || n > list->max_count)
		return NULL;
	places = create_places(w, list, array);
	if (w->is_out_of_memory)
		return places;
	for (size_t i = 0; i < n; i++) {
		extend_path(w, "%s%s[%zu]", start > 0 ? "." : "", list->name, i);
		read_element(w, list, json_array_get(array, i), places, count);
		cut_path(w, start);
	}
	return places;
}

static void read_name_element(struct walk *w, const json_t *json, void *element)
{
	if (json_is_string(json))
		take_id(w, NULL, json, element);
	else
		say(w, NULL, "文字列が必要です", "expected a string");
}

static void read_window(struct walk *w, const json_t *json, void *element)
{
	struct plan_window *window = element;

	if (!want_object(w, json))
		return;
	read_span(w, json, &window->from_ms, &window->until_ms);
	read_bool(w, json, "rehearsal", &window->is_rehearsal);
}

static void read_windows(struct walk *w, const json_t *object, struct plan_key *key)
{
	static const struct list list = { "windows", MAX_WINDOWS, sizeof(struct plan_window), read_window, NULL };

	if (json_object_get(object, "windows")) {
		key->windows = read_list(w, object, &list, &key->n_windows);
		return;
	}
	key->windows = calloc(1, sizeof(key->windows[0]));
	key->n_windows = key->windows ? 1 : 0;
	if (!key->windows)
		w->is_out_of_memory = true;
}

static void read_hash(struct walk *w, const json_t *object, struct plan_key *key)
{
	const json_t *json = string_member(w, object, "hash", true);
	size_t len = 0;

	if (!json)
		return;
	if (json_string_length(json) == PLAN_HASH_HEX_SIZE - 1 &&
	    sodium_hex2bin(key->hash, sizeof(key->hash), json_string_value(json), json_string_length(json), NULL, &len,
		NULL) == 0 &&
	    len == sizeof(key->hash))
		return;
	say(w, "hash", "16 進数 64 桁が必要です（isaribi-node hash-key で作れます）",
	    "expected 64 hexadecimal digits (isaribi-node hash-key makes them)");
}

static void read_clear_key(struct walk *w, const json_t *object, struct plan_key *key)
{
	const json_t *json = string_member(w, object, "key", true);

	if (!json)
		return;
	if (plan_key_text_is_valid(json_string_value(json), json_string_length(json)))
		plan_hash(key->hash, json_string_value(json), json_string_length(json));
	else
		say(w, "key", "英数字と . _ ~ - の 16 文字以上 128 文字以下が必要です",
		    "expected 16 to 128 characters of A-Z a-z 0-9 . _ ~ -");
}

/* Missing or empty: out stays as it is. */
static void read_passphrase(struct walk *w, const json_t *object, const char *name, char out[PLAN_PASSPHRASE_SIZE])
{
	const json_t *json = string_member(w, object, name, false);
	size_t len = json_string_length(json);

	if (len == 0)
		return;
	if (len >= PLAN_PASSPHRASE_MIN_LEN && len < PLAN_PASSPHRASE_SIZE && !memchr(json_string_value(json), '\0', len))
		memcpy(out, json_string_value(json), len + 1);
	else
		say(w, name, "10 から 79 バイトの文字列か、空が必要です",
		    "expected a string of 10 to 79 bytes, or nothing");
}

static void read_key(struct walk *w, const json_t *json, void *element)
{
	struct plan_key *key = element;
	bool has_hash = json_object_get(json, "hash") != NULL;
	bool has_clear = json_object_get(json, "key") != NULL;

	if (!want_object(w, json))
		return;
	read_id(w, json, "id", key->id);
	read_id(w, json, "stream", key->stream);
	if (has_hash == has_clear)
		say(w, NULL, "hash か key のどちらか一つが必要です", "expected either hash or key");
	else if (has_hash)
		read_hash(w, json, key);
	else
		read_clear_key(w, json, key);
	read_windows(w, json, key);
	read_passphrase(w, json, "srt_passphrase", key->srt_passphrase);
}

static void read_play(struct walk *w, const json_t *object, bool *is_private)
{
	const json_t *play = string_member(w, object, "play", false);

	*is_private = play && strcmp(json_string_value(play), "private") == 0;
	if (play && !*is_private && strcmp(json_string_value(play), "public") != 0)
		say(w, "play", "\"public\" か \"private\" が必要です", "expected \"public\" or \"private\"");
}

static void read_stream(struct walk *w, const json_t *json, void *element)
{
	static const struct list renditions = { "renditions", MAX_RENDITIONS, ID_SIZE, read_name_element, NULL };
	struct plan_stream *stream = element;

	if (!want_object(w, json))
		return;
	read_id(w, json, "id", stream->id);
	read_bool(w, json, "record", &stream->is_recorded);
	read_play(w, json, &stream->is_private);
	stream->renditions = read_list(w, json, &renditions, &stream->n_renditions);
	read_passphrase(w, json, "srt_passphrase", stream->srt_passphrase);
}

static void read_clip(struct walk *w, const json_t *json, void *element)
{
	struct plan_clip *clip = element;
	size_t before = w->errors->total;

	if (!want_object(w, json))
		return;
	read_id(w, json, "id", clip->id);
	read_id(w, json, "recording", clip->recording);
	read_integer(w, json, "in", MAX_TIME_MS, &clip->in_ms);
	read_integer(w, json, "out", MAX_TIME_MS, &clip->out_ms);
	if (w->errors->total == before && clip->out_ms != 0 && clip->out_ms <= clip->in_ms)
		say(w, "out", "in より後の時刻が必要です（0 = 最後まで）", "expected a time after in (0: to the end)");
}

static void read_on_air(struct walk *w, const json_t *json, void *element)
{
	struct plan_on_air *on_air = element;

	if (!want_object(w, json))
		return;
	read_id(w, json, "stream", on_air->stream);
	read_span(w, json, &on_air->from_ms, &on_air->until_ms);
}

static void read_override_members(struct walk *w, const json_t *json, struct plan_override *override)
{
	bool has_stream = json_object_get(json, "stream") != NULL;
	bool has_clip = json_object_get(json, "clip") != NULL;
	bool is_slate = false;

	read_bool(w, json, "slate", &is_slate);
	if (has_stream + has_clip + is_slate != 1) {
		say(w, NULL, "stream、clip、\"slate\": true のうち一つが必要です",
		    "expected one of stream, clip and \"slate\": true");
		return;
	}
	override->kind = has_stream ? PLAN_OVERRIDE_STREAM : has_clip ? PLAN_OVERRIDE_CLIP : PLAN_OVERRIDE_SLATE;
	if (!is_slate)
		read_id(w, json, has_stream ? "stream" : "clip", override->id);
	read_span(w, json, &override->from_ms, &override->until_ms);
}

static void read_override(struct walk *w, const json_t *object, struct plan_override *override)
{
	const json_t *json = json_object_get(object, "override");
	size_t start = w->path_len;

	if (!json || json_is_null(json))
		return;
	extend_path(w, ".override");
	if (want_object(w, json))
		read_override_members(w, json, override);
	cut_path(w, start);
}

/* A name that is not known would leave the channel without any live picture, and nobody would know why. */
static void read_profile(struct walk *w, const json_t *object, char out[ID_SIZE])
{
	size_t before = w->errors->total;

	strcpy(out, "720p30"); /* design §8.4 */
	read_optional_id(w, object, "profile", out);
	if (w->errors->total == before && !plan_profile_is_known(out))
		say(w, "profile", "480p30、720p30、720p60、1080p30、1080p60 のうち一つが必要です",
		    "expected one of 480p30, 720p30, 720p60, 1080p30 and 1080p60");
}

static void read_channel(struct walk *w, const json_t *json, void *element)
{
	static const struct list on_air = { "on_air", MAX_ON_AIR, sizeof(struct plan_on_air), read_on_air, "stream" };
	static const struct list filler = { "filler", MAX_FILLER, ID_SIZE, read_name_element, NULL };
	struct plan_channel *channel = element;

	if (!want_object(w, json))
		return;
	read_id(w, json, "id", channel->id);
	read_profile(w, json, channel->profile);
	read_play(w, json, &channel->is_private);
	read_integer(w, json, "delay_ms", MAX_DELAY_MS, &channel->delay_ms);
	read_optional_id(w, json, "slate", channel->slate);
	channel->on_air = read_list(w, json, &on_air, &channel->n_on_air);
	read_override(w, json, &channel->override);
	channel->filler = read_list(w, json, &filler, &channel->n_filler);
}

static void read_take_down(struct walk *w, const json_t *json, void *element)
{
	struct plan_take_down *take_down = element;

	if (!want_object(w, json))
		return;
	read_id(w, json, "id", take_down->id);
	if (json_object_get(json, "before"))
		read_integer(w, json, "before", MAX_TIME_MS, &take_down->before_ms);
	else
		say(w, "before", "時刻が必要です", "expected a time");
}

static bool is_url(const char *text, size_t len)
{
	static const char *const schemes[] = { "rtmp://", "rtmps://", "srt://" };

	if (len > MAX_URL_LEN)
		return false;
	for (size_t i = 0; i < len; i++) {
		if ((unsigned char)text[i] <= 0x20 || text[i] == 0x7f)
			return false;
	}
	for (size_t i = 0; i < ARRAY_LEN(schemes); i++) {
		size_t scheme_len = strlen(schemes[i]);

		if (len > scheme_len && strncmp(text, schemes[i], scheme_len) == 0)
			return true;
	}
	return false;
}

static void read_latency(struct walk *w, const json_t *object, int32_t *out)
{
	const json_t *json = json_object_get(object, "latency_ms");
	json_int_t ms = json_integer_value(json);

	if (!json || (json_is_integer(json) && ms == 0))
		return;
	if (json_is_integer(json) && ms >= PLAN_LATENCY_MIN_MS && ms <= PLAN_LATENCY_MAX_MS)
		*out = (int32_t)ms;
	else
		say(w, "latency_ms", "20 から 8000 までの整数（ミリ秒）か、0 が必要です",
		    "expected a whole number from 20 to 8000 (ms), or 0");
}

static void read_stream_id(struct walk *w, const json_t *object, char out[PLAN_STREAM_ID_SIZE])
{
	const json_t *json = string_member(w, object, "stream_id", false);
	size_t len = json_string_length(json);

	if (len == 0)
		return;
	if (plan_stream_id_is_valid(json_string_value(json), len))
		memcpy(out, json_string_value(json), len + 1);
	else
		say(w, "stream_id", "制御文字を含まない 512 バイトまでの文字列が必要です",
		    "expected a string of up to 512 bytes without control characters");
}

/* The query of an srt:// URL, and the members that stand beside it. */
static void read_link(struct walk *w, const json_t *json, struct plan_transfer *transfer)
{
	struct link_url link;
	enum link_url_result result = link_url_parse(&link, transfer->url);

	if (result != LINK_URL_OK)
		say(w, "url", link_url_ja(result), link_url_en(result));
	read_passphrase(w, json, "passphrase", link.passphrase);
	read_latency(w, json, &link.latency_ms);
	read_stream_id(w, json, link.stream_id);
	transfer->is_srt = true;
	transfer->port = link.port;
	transfer->latency_ms = link.latency_ms;
	memcpy(transfer->passphrase, link.passphrase, sizeof(transfer->passphrase));
	transfer->host = strdup(link.host);
	transfer->stream_id = strdup(link.stream_id);
	if (!transfer->host || !transfer->stream_id)
		w->is_out_of_memory = true;
	sodium_memzero(&link, sizeof(link));
}

/* A passphrase that nobody asks for would be a promise not kept. */
static void refuse_link_members(struct walk *w, const json_t *json)
{
	static const char *const names[] = { "passphrase", "latency_ms", "stream_id" };

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		if (json_object_get(json, names[i]))
			say(w, names[i], "srt:// の URL でだけ使えます", "only an srt:// URL can have this");
	}
}

static void read_transfer(struct walk *w, const json_t *json, void *element)
{
	struct plan_transfer *transfer = element;
	const json_t *url;

	if (!want_object(w, json))
		return;
	read_id(w, json, "stream", transfer->stream);
	url = string_member(w, json, "url", true);
	if (!url)
		return;
	if (!is_url(json_string_value(url), json_string_length(url))) {
		say(w, "url", "rtmp://、rtmps://、srt:// で始まる URL が必要です",
		    "expected a URL that begins with rtmp://, rtmps:// or srt://");
		return;
	}
	transfer->url = strdup(json_string_value(url));
	if (!transfer->url)
		w->is_out_of_memory = true;
	else if (strncmp(transfer->url, "srt://", 6) == 0)
		read_link(w, json, transfer);
	else
		refuse_link_members(w, json);
}

static void read_view_key(struct walk *w, const json_t *tokens, struct plan *plan)
{
	const json_t *json = json_object_get(tokens, "view_key");
	size_t len = json_string_length(json);

	if (!json || json_is_null(json))
		return;
	if (!json_is_string(json) || len < MIN_VIEW_KEY_LEN || len > MAX_VIEW_KEY_LEN ||
	    memchr(json_string_value(json), '\0', len)) {
		say(w, "tokens.view_key", "16 から 256 バイトの文字列が必要です",
		    "expected a string of 16 to 256 bytes");
		return;
	}
	plan->view_key = strdup(json_string_value(json));
	if (!plan->view_key)
		w->is_out_of_memory = true;
}

static void read_root(struct walk *w, const json_t *root)
{
	static const struct list keys = { "keys", MAX_THINGS, sizeof(struct plan_key), read_key, "id" };
	static const struct list streams = { "streams", MAX_THINGS, sizeof(struct plan_stream), read_stream, "id" };
	static const struct list clips = { "clips", MAX_THINGS, sizeof(struct plan_clip), read_clip, "id" };
	static const struct list channels = { "channels", MAX_THINGS, sizeof(struct plan_channel), read_channel, "id" };
	static const struct list taken_down = { "taken_down", MAX_THINGS, sizeof(struct plan_take_down), read_take_down,
		"id" };
	static const struct list pushes = { "pushes", MAX_THINGS, sizeof(struct plan_transfer), read_transfer,
		"stream" };
	static const struct list pulls = { "pulls", MAX_THINGS, sizeof(struct plan_transfer), read_transfer, "stream" };
	const json_t *version = json_object_get(root, "isaribi_plan");
	const json_t *tokens = json_object_get(root, "tokens");
	struct plan *plan = w->plan;

	if (!want_object(w, root))
		return;
	/* What another version means by its members nobody knows. */
	if (!json_is_integer(version) || json_integer_value(version) != PLAN_VERSION) {
		say(w, "isaribi_plan", "\"isaribi_plan\": 1 が必要です", "expected \"isaribi_plan\": 1");
		return;
	}
	read_integer(w, root, "rev", INT64_MAX, &plan->rev);
	plan->keys = read_list(w, root, &keys, &plan->n_keys);
	plan->streams = read_list(w, root, &streams, &plan->n_streams);
	plan->clips = read_list(w, root, &clips, &plan->n_clips);
	plan->channels = read_list(w, root, &channels, &plan->n_channels);
	plan->taken_down = read_list(w, root, &taken_down, &plan->n_taken_down);
	plan->pushes = read_list(w, root, &pushes, &plan->n_pushes);
	plan->pulls = read_list(w, root, &pulls, &plan->n_pulls);
	if (tokens && !json_is_object(tokens))
		say(w, "tokens", "オブジェクト { } が必要です", "expected an object { }");
	read_view_key(w, tokens, plan);
}

static void wipe_string(const json_t *json)
{
	if (json_is_string(json))
		sodium_memzero((char *)json_string_value(json), json_string_length(json));
}

static void wipe_members(const json_t *root, const char *list, const char *name)
{
	const json_t *array = json_object_get(root, list);

	for (size_t i = 0; i < json_array_size(array); i++)
		wipe_string(json_object_get(json_array_get(array, i), name));
}

static void free_tree(json_t *root)
{
	static const char *const secrets[] = { "url", "passphrase", "stream_id" }; /* of pushes and pulls */

	wipe_members(root, "keys", "key");
	wipe_members(root, "keys", "srt_passphrase");
	wipe_members(root, "streams", "srt_passphrase");
	for (size_t i = 0; i < ARRAY_LEN(secrets); i++) {
		wipe_members(root, "pushes", secrets[i]);
		wipe_members(root, "pulls", secrets[i]);
	}
	wipe_string(json_object_get(json_object_get(root, "tokens"), "view_key"));
	json_decref(root);
}

static int out_of_memory(const char *file, struct config_errors *errors)
{
	struct config_error *err = config_errors_add(errors, file);

	config_error_ja(err, "メモリーが足りません");
	config_error_en(err, "out of memory");
	return -ENOMEM;
}

/* jansson's own text is not passed on: it quotes the input, and that may be a key. */
static void say_syntax(const json_error_t *problem, const char *file, struct config_errors *errors)
{
	struct config_error *err = config_errors_add(errors, file);

	if (problem->line > 0)
		err->line = (unsigned)problem->line;
	if (problem->column > 0)
		err->column = (unsigned)problem->column;
	switch ((int)json_error_code(problem)) {
	case json_error_duplicate_key:
		config_error_ja(err, "同じ名前が一つのオブジェクトに二度あります");
		config_error_en(err, "the same name is twice in one object");
		return;
	case json_error_premature_end_of_input:
		config_error_ja(err, "JSON が途中で終わっています");
		config_error_en(err, "the JSON ends too early");
		return;
	case json_error_end_of_input_expected:
		config_error_ja(err, "JSON の終わりのあとに余分な文字があります");
		config_error_en(err, "there is more text after the end of the JSON");
		return;
	case json_error_invalid_utf8:
		config_error_ja(err, "UTF-8 の文字が必要です");
		config_error_en(err, "expected UTF-8");
		return;
	case json_error_numeric_overflow:
		config_error_ja(err, "数が大きすぎます");
		config_error_en(err, "the number is too big");
		return;
	default:
		config_error_ja(err, "JSON として読めません");
		config_error_en(err, "this is not JSON");
		return;
	}
}

static int check_bounds(const char *text, size_t len, const char *file, struct config_errors *errors)
{
	struct plan_scan_place place;
	struct config_error *err;
	enum plan_scan_result result;

	if (len > PLAN_FILE_MAX_BYTES) {
		err = config_errors_add(errors, file);
		config_error_ja(err, "計画が大きすぎます（%d バイトまで）", PLAN_FILE_MAX_BYTES);
		config_error_en(err, "the plan is too big (up to %d bytes)", PLAN_FILE_MAX_BYTES);
		return -EFBIG;
	}
	result = plan_scan(text, len, &place);
	if (result == PLAN_SCAN_OK)
		return 0;
	err = config_errors_add(errors, file);
	err->line = place.line;
	err->column = place.column;
	if (result == PLAN_SCAN_TOO_DEEP) {
		config_error_ja(err, "入れ子が深すぎます（%d 段まで）", PLAN_MAX_DEPTH);
		config_error_en(err, "nested too deep (up to %d levels)", PLAN_MAX_DEPTH);
	} else {
		config_error_ja(err, "値が多すぎます");
		config_error_en(err, "too many values");
	}
	return -EINVAL;
}

static int build(struct plan *plan, const json_t *root, const char *file, struct config_errors *errors)
{
	struct walk w = { .plan = plan, .file = file, .errors = errors };
	size_t before = errors->total;
	int err;

	read_root(&w, root);
	if (w.is_out_of_memory)
		return out_of_memory(file, errors);
	err = plan_check(plan, file, errors);
	if (err == -ENOMEM)
		return out_of_memory(file, errors);
	if (errors->total > before)
		return -EINVAL;
	plan_sort(plan);
	return 0;
}

int plan_parse(struct plan **out, const char *text, size_t len, const char *file, struct config_errors *errors)
{
	json_error_t problem;
	struct plan *plan;
	json_t *root;
	int err;

	if (sodium_init() < 0)
		return -ENOSYS;
	err = check_bounds(text, len, file, errors);
	if (err != 0)
		return err;
	root = json_loadb(text, len, JSON_REJECT_DUPLICATES, &problem);
	if (!root && json_error_code(&problem) == json_error_out_of_memory)
		return out_of_memory(file, errors);
	if (!root) {
		say_syntax(&problem, file, errors);
		return -EINVAL;
	}
	plan = plan_create();
	err = plan ? build(plan, root, file, errors) : out_of_memory(file, errors);
	free_tree(root);
	if (err == 0)
		*out = plan;
	else
		plan_unref(plan);
	return err;
}

int plan_load_file(struct plan **out, const char *path, struct config_errors *errors)
{
	struct config_error *problem;
	char *text;
	size_t len;
	int err = text_file_read(path, PLAN_FILE_MAX_BYTES, &text, &len);

	if (err == 0) {
		err = plan_parse(out, text, len, path, errors);
		sodium_memzero(text, len);
		free(text);
		return err;
	}
	problem = config_errors_add(errors, path);
	if (err == -EFBIG) {
		config_error_ja(problem, "計画が大きすぎます（%d バイトまで）", PLAN_FILE_MAX_BYTES);
		config_error_en(problem, "the plan is too big (up to %d bytes)", PLAN_FILE_MAX_BYTES);
	} else {
		config_error_ja(problem, "計画を読めません: %s", err_text(err));
		config_error_en(problem, "cannot read the plan: %s", err_text(err));
	}
	return err;
}
