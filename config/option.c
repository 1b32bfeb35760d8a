/* SPDX-License-Identifier: Apache-2.0 */
#include "config/option.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/attr.h"

#define FIELD(name) .offset = offsetof(struct options, name), .size_bytes = sizeof(((struct options *)NULL)->name)

static const char *const web_schemes[] = { "http", "https", NULL };
static const char *const dial_schemes[] = { "ws", "wss", "http", "https", NULL };
/* In the order of enum log_level. */
static const char *const log_levels[] = { "error", "warn", "info", "debug", NULL };

const struct option option_table[] = {
	{ .section = "node",
	    .key = "name",
	    .type = OPTION_ID,
	    FIELD(node_name),
	    .default_text = "island",
	    .help_ja = "このノードの名前（英小文字・数字・. _ -）",
	    .help_en = "the name of this node (a-z 0-9 . _ -)" },
	{ .section = "node",
	    .key = "data_dir",
	    .type = OPTION_PATH,
	    FIELD(data_dir),
	    .default_text = "/var/lib/isaribi",
	    .help_ja = "録画と、最後に受け取った計画を置くフォルダー",
	    .help_en = "the folder for recordings and the last plan received" },
	{ .section = "node",
	    .key = "threads",
	    .type = OPTION_INTEGER,
	    FIELD(threads),
	    .default_text = "0",
	    .max = 256,
	    .unit = "",
	    .help_ja = "中継スレッドの数（0 = CPU コアごとに 1 つ）",
	    .help_en = "how many relay threads (0: one per core)" },
	{ .section = "node",
	    .key = "batch_ms",
	    .type = OPTION_INTEGER,
	    FIELD(batch_ms),
	    .default_text = "0",
	    .max = 1000,
	    .unit = "ms",
	    .help_ja = "視聴者への書き込みをまとめる間隔（0 = 混み具合に合わせる）",
	    .help_en = "how long writes to players are gathered (0: as the load asks)" },
	{ .section = "node",
	    .key = "grace_ms",
	    .type = OPTION_INTEGER,
	    FIELD(grace_ms),
	    .default_text = "15000",
	    .min = 100,
	    .max = 600000,
	    .unit = "ms",
	    .help_ja = "配信が途切れたとき、視聴者をつないだまま戻りを待つ時間",
	    .help_en = "how long players stay connected while a lost publisher may come back" },
	{ .section = "node",
	    .key = "max_connections",
	    .type = OPTION_INTEGER,
	    FIELD(max_connections),
	    .default_text = "10000",
	    .min = 1,
	    .max = 1000000,
	    .unit = "",
	    .help_ja = "同時に受け付ける接続の上限",
	    .help_en = "how many connections are accepted at a time" },
	{ .section = "rtmp",
	    .key = "listen",
	    .type = OPTION_LISTEN,
	    FIELD(rtmp_listen),
	    .default_text = "0.0.0.0:1935",
	    .may_be_empty = true,
	    .help_ja = "RTMP の待ち受け（空 = 使わない）",
	    .help_en = "where RTMP listens (empty: off)" },
	{ .section = "rtmps",
	    .key = "listen",
	    .type = OPTION_LISTEN,
	    FIELD(rtmps_listen),
	    .default_text = "",
	    .may_be_empty = true,
	    .help_ja = "RTMPS の待ち受け（空 = 使わない。[tls] の証明書が必要）",
	    .help_en = "where RTMPS listens (empty: off; needs the certificate of [tls])" },
	{ .section = "srt",
	    .key = "listen",
	    .type = OPTION_LISTEN,
	    FIELD(srt_listen),
	    .default_text = "0.0.0.0:8890",
	    .may_be_empty = true,
	    .help_ja = "SRT の待ち受け（UDP、空 = 使わない）",
	    .help_en = "where SRT listens (UDP; empty: off)" },
	{ .section = "srt",
	    .key = "latency_ms",
	    .type = OPTION_INTEGER,
	    FIELD(srt_latency_ms),
	    .default_text = "1500",
	    .min = 20,
	    .max = 8000,
	    .unit = "ms",
	    .help_ja = "SRT の配信者に求める遅延（失われたパケットを送り直してもらう時間。視聴者は自分で決める）",
	    .help_en =
		"the latency asked of SRT publishers: time to send lost packets again (players choose their own)" },
	{ .section = "http",
	    .key = "listen",
	    .type = OPTION_LISTEN,
	    FIELD(http_listen),
	    .default_text = "0.0.0.0:8081",
	    .may_be_empty = true,
	    .help_ja = "HLS・録画・/healthz・/metrics の待ち受け（空 = 使わない）",
	    .help_en = "where HLS, recordings, /healthz and /metrics listen (empty: off)" },
	{ .section = "http",
	    .key = "part_ms",
	    .type = OPTION_INTEGER,
	    FIELD(part_ms),
	    .default_text = "500",
	    .min = 200,
	    .max = 2000,
	    .unit = "ms",
	    .help_ja = "HLS のパートの長さ",
	    .help_en = "the length of a part of HLS" },
	{ .section = "http",
	    .key = "segment_ms",
	    .type = OPTION_INTEGER,
	    FIELD(segment_ms),
	    .default_text = "2000",
	    .min = 1000,
	    .max = 4000,
	    .unit = "ms",
	    .help_ja = "HLS のセグメントを区切る最短の長さ",
	    .help_en = "the shortest length after which a segment of HLS is cut" },
	{ .section = "record",
	    .key = "keep_days",
	    .type = OPTION_INTEGER,
	    FIELD(keep_days),
	    .default_text = "0",
	    .max = 36500,
	    .unit = "days",
	    .help_ja = "録画を残す日数（0 = ずっと残す）。残す印のある録画とクリップの元は消さない",
	    .help_en = "how many days recordings stay (0: for ever); pinned ones and those of clips always do" },
	{ .section = "record",
	    .key = "min_free_mb",
	    .type = OPTION_INTEGER,
	    FIELD(min_free_mb),
	    .default_text = "2048",
	    .max = 100000000,
	    .unit = "MB",
	    .help_ja = "空きがこれより少ないと警告し、keep_days が 0 でなければ古い録画から消す",
	    .help_en = "with less room than this: an alarm, and unless keep_days is 0 the oldest recordings go" },
	{ .section = "control",
	    .key = "listen",
	    .type = OPTION_LISTEN,
	    FIELD(control_listen),
	    .default_text = "0.0.0.0:8080",
	    .may_be_empty = true,
	    .help_ja = "画面と WebSocket の待ち受け（空 = 使わない）",
	    .help_en = "where pages and the WebSocket listen (empty: off)" },
	{ .section = "site",
	    .key = "public_url",
	    .type = OPTION_URL,
	    FIELD(public_url),
	    .default_text = "",
	    .is_live = true,
	    .may_be_empty = true,
	    .words = web_schemes,
	    .help_ja = "リンク・カード・QR コードに書く URL（例 https://live.example.jp）",
	    .help_en = "what links, cards and QR codes say, e.g. https://live.example.jp" },
	{ .section = "site",
	    .key = "media_url",
	    .type = OPTION_URL,
	    FIELD(media_url),
	    .default_text = "",
	    .is_live = true,
	    .may_be_empty = true,
	    .words = web_schemes,
	    .help_ja = "視聴者がこのノードを見つける URL（空 = public_url のホストと [http] のポート）",
	    .help_en = "where players find the node (empty: host of public_url, port of [http])" },
	{ .section = "site",
	    .key = "control_url",
	    .type = OPTION_URL,
	    FIELD(control_url),
	    .default_text = "",
	    .may_be_empty = true,
	    .words = dial_schemes,
	    .help_ja = "ノードがつなぎに行く管理サーバーの URL（空 = つながない）",
	    .help_en = "on a node: the control to dial out to (empty: none)" },
	{ .section = "site",
	    .key = "token_file",
	    .type = OPTION_PATH,
	    FIELD(token_file),
	    .default_text = "",
	    .may_be_empty = true,
	    .help_ja = "ノードの秘密のトークンを書いたファイル",
	    .help_en = "on a node: the file with its secret token" },
	{ .section = "tls",
	    .key = "cert",
	    .type = OPTION_PATH,
	    FIELD(tls_cert),
	    .default_text = "",
	    .is_live = true,
	    .may_be_empty = true,
	    .help_ja = "証明書ファイル（PEM、中間証明書も含む）",
	    .help_en = "the certificate file (PEM, with the chain)" },
	{ .section = "tls",
	    .key = "key",
	    .type = OPTION_PATH,
	    FIELD(tls_key),
	    .default_text = "",
	    .is_live = true,
	    .may_be_empty = true,
	    .help_ja = "証明書の秘密鍵ファイル（PEM）",
	    .help_en = "the file with the certificate's private key (PEM)" },
	{ .section = "log",
	    .key = "level",
	    .type = OPTION_WORD,
	    FIELD(log_level),
	    .default_text = "info",
	    .is_live = true,
	    .words = log_levels,
	    .help_ja = "ログの詳しさ（error, warn, info, debug）",
	    .help_en = "how much is logged (error, warn, info, debug)" },
};

const size_t option_count = ARRAY_LEN(option_table);

void options_fini(struct options *options)
{
	memset(options, 0, sizeof(*options));
}

void options_init_defaults(struct options *options)
{
	memset(options, 0, sizeof(*options));
	for (size_t i = 0; i < option_count; i++) {
		int err = option_set(options, &option_table[i], option_table[i].default_text, NULL);

		assert(err == 0);
		(void)err;
	}
}

const struct option *option_find(const char *section, const char *key)
{
	for (size_t i = 0; i < option_count; i++) {
		if (strcmp(option_table[i].section, section) == 0 && strcmp(option_table[i].key, key) == 0)
			return &option_table[i];
	}
	return NULL;
}

/* Signed decimal of at most 10 digits. */
static bool parse_integer(const char *text, int64_t *out)
{
	bool is_negative = *text == '-';
	int64_t v = 0;
	size_t n = 0;

	for (text += is_negative; text[n]; n++) {
		if (text[n] < '0' || text[n] > '9' || n == 10)
			return false;
		v = v * 10 + (text[n] - '0');
	}
	*out = is_negative ? -v : v;
	return n > 0;
}

/*
 * Text that comes out of a file as it went in: no control characters, no blank at either end, nothing that inih takes
 * for a comment.
 */
static bool is_plain_text(const char *text)
{
	size_t len = strlen(text);

	if (len == 0)
		return true;
	if (text[0] == ' ' || text[0] == ';' || text[len - 1] == ' ')
		return false;
	for (size_t i = 0; i < len; i++) {
		if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f)
			return false;
		if (i > 0 && text[i] == ';' && text[i - 1] == ' ')
			return false;
	}
	return true;
}

static bool has_scheme_of(const char *text, const char *const *words)
{
	for (; *words; words++) {
		size_t len = strlen(*words);

		if (strncmp(text, *words, len) == 0 && strncmp(text + len, "://", 3) == 0)
			return text[len + 3] != '\0' && text[len + 3] != '/';
	}
	return false;
}

/* "a, b, c" */
static void join_words(const char *const *words, char *buf, size_t size_bytes)
{
	size_t len = 0;

	buf[0] = '\0';
	for (size_t i = 0; words[i] && len < size_bytes; i++)
		len += (size_t)snprintf(buf + len, size_bytes - len, "%s%s", i > 0 ? ", " : "", words[i]);
}

static int set_text(void *field, size_t size_bytes, const char *text)
{
	size_t len = strlen(text);

	if (len >= size_bytes)
		return -EINVAL;
	memset(field, 0, size_bytes);
	memcpy(field, text, len);
	return 0;
}

static int set_url(void *field, const struct option *option, const char *text)
{
	char url[OPTION_TEXT_SIZE];
	size_t len = strlen(text);

	if (len >= sizeof(url) || strchr(text, ' ') || (len > 0 && !has_scheme_of(text, option->words)))
		return -EINVAL;
	memcpy(url, text, len + 1);
	while (len > 0 && url[len - 1] == '/')
		url[--len] = '\0';
	return set_text(field, option->size_bytes, url);
}

static int set_number(int32_t *field, const struct option *option, const char *text)
{
	int64_t v;

	if (!parse_integer(text, &v) || v < option->min || v > option->max)
		return -EINVAL;
	*field = (int32_t)v;
	return 0;
}

static int set_word(int32_t *field, const struct option *option, const char *text)
{
	for (int32_t i = 0; option->words[i]; i++) {
		if (strcmp(option->words[i], text) == 0) {
			*field = i;
			return 0;
		}
	}
	return -EINVAL;
}

static int set_field(struct options *options, const struct option *option, const char *text)
{
	void *field = (char *)options + option->offset;

	if (!is_plain_text(text) || (*text == '\0' && !option->may_be_empty))
		return -EINVAL;
	switch (option->type) {
	case OPTION_ID: return id_is_valid(text, strlen(text)) ? set_text(field, option->size_bytes, text) : -EINVAL;
	case OPTION_PATH: return set_text(field, option->size_bytes, text);
	case OPTION_URL: return set_url(field, option, text);
	case OPTION_LISTEN: return listen_address_parse(field, text);
	case OPTION_INTEGER: return set_number(field, option, text);
	case OPTION_WORD: return set_word(field, option, text);
	case OPTION_TYPES: break;
	}
	assert(option->type < OPTION_TYPES);
	return -EINVAL;
}

static void say_expected(const struct option *option, const char *text, struct config_error *err)
{
	char quoted[CONFIG_QUOTE_SIZE];
	char words[64];
	const char *empty_ja = option->may_be_empty ? "、または空" : "";
	const char *empty_en = option->may_be_empty ? ", or nothing" : "";

	config_error_quote(quoted, text);
	switch (option->type) {
	case OPTION_ID:
		config_error_ja(err, "英小文字か数字で始まり . _ - を含む 63 文字までの名前が必要です: \"%s\"", quoted);
		config_error_en(err,
		    "expected a name of up to 63 characters a-z 0-9 . _ - that begins with a letter or digit: \"%s\"",
		    quoted);
		return;
	case OPTION_PATH:
		config_error_ja(
		    err, "ファイルの場所（%d バイトまで）%sが必要です: \"%s\"", OPTION_TEXT_SIZE - 1, empty_ja, quoted);
		config_error_en(
		    err, "expected a path of up to %d bytes%s: \"%s\"", OPTION_TEXT_SIZE - 1, empty_en, quoted);
		return;
	case OPTION_URL:
		join_words(option->words, words, sizeof(words));
		config_error_ja(err, "URL（%s のどれか、%d バイトまで）%sが必要です: \"%s\"", words,
		    OPTION_TEXT_SIZE - 1, empty_ja, quoted);
		config_error_en(err, "expected a URL (one of %s; up to %d bytes)%s: \"%s\"", words,
		    OPTION_TEXT_SIZE - 1, empty_en, quoted);
		return;
	case OPTION_LISTEN:
		config_error_ja(
		    err, "IP アドレス:ポート（例 0.0.0.0:1935、[::]:1935）%sが必要です: \"%s\"", empty_ja, quoted);
		config_error_en(
		    err, "expected ADDRESS:PORT, e.g. 0.0.0.0:1935 or [::]:1935%s: \"%s\"", empty_en, quoted);
		return;
	case OPTION_INTEGER:
		config_error_ja(err, "%" PRId32 " から %" PRId32 " までの整数%s%sが必要です: \"%s\"", option->min,
		    option->max, option->unit[0] ? "、単位 " : "", option->unit, quoted);
		config_error_en(err, "expected a whole number from %" PRId32 " to %" PRId32 "%s%s: \"%s\"", option->min,
		    option->max, option->unit[0] ? ", in " : "", option->unit, quoted);
		return;
	case OPTION_WORD:
		join_words(option->words, words, sizeof(words));
		config_error_ja(err, "%s のどれかが必要です: \"%s\"", words, quoted);
		config_error_en(err, "expected one of %s: \"%s\"", words, quoted);
		return;
	case OPTION_TYPES: break;
	}
	assert(option->type < OPTION_TYPES);
}

int option_set(struct options *options, const struct option *option, const char *text, struct config_error *err)
{
	int result = set_field(options, option, text);

	if (result != 0 && err)
		say_expected(option, text, err);
	return result;
}

void option_format(const struct options *options, const struct option *option, char *buf, size_t size_bytes)
{
	const void *field = (const char *)options + option->offset;

	switch (option->type) {
	case OPTION_ID:
	case OPTION_PATH:
	case OPTION_URL: (void)snprintf(buf, size_bytes, "%s", (const char *)field); return;
	case OPTION_LISTEN: listen_address_format(field, buf, size_bytes); return;
	case OPTION_INTEGER: (void)snprintf(buf, size_bytes, "%" PRId32, *(const int32_t *)field); return;
	case OPTION_WORD: (void)snprintf(buf, size_bytes, "%s", option->words[*(const int32_t *)field]); return;
	case OPTION_TYPES: break;
	}
	assert(option->type < OPTION_TYPES);
}

bool option_is_equal(const struct options *a, const struct options *b, const struct option *option)
{
	char a_text[OPTION_TEXT_SIZE];
	char b_text[OPTION_TEXT_SIZE];

	option_format(a, option, a_text, sizeof(a_text));
	option_format(b, option, b_text, sizeof(b_text));
	return strcmp(a_text, b_text) == 0;
}

static bool is_filled(const struct option *o)
{
	static const size_t sizes[OPTION_TYPES] = {
		[OPTION_ID] = ID_SIZE,
		[OPTION_PATH] = OPTION_TEXT_SIZE,
		[OPTION_URL] = OPTION_TEXT_SIZE,
		[OPTION_LISTEN] = sizeof(struct listen_address),
		[OPTION_INTEGER] = sizeof(int32_t),
		[OPTION_WORD] = sizeof(int32_t),
	};

	return o->section && o->section[0] && o->key && o->key[0] && o->help_ja && o->help_en && o->default_text &&
	    (unsigned)o->type < OPTION_TYPES && o->size_bytes == sizes[o->type];
}

static bool is_complete_for_type(const struct option *o)
{
	if (o->type == OPTION_INTEGER)
		return o->unit && o->min < o->max;
	if (o->type == OPTION_WORD || o->type == OPTION_URL)
		return o->words && o->words[0];
	return true;
}

const char *option_table_check(void)
{
	struct options scratch = { 0 };

	if (option_count > OPTION_MAX_COUNT)
		return "more than 30 keys";
	for (size_t i = 0; i < option_count; i++) {
		const struct option *o = &option_table[i];

		if (!is_filled(o) || !is_complete_for_type(o))
			return "a key that is not filled in";
		if (option_find(o->section, o->key) != o)
			return "a key that is there twice";
		for (size_t j = 0; j < i; j++) {
			if (option_table[j].offset == o->offset)
				return "two keys with one field";
			if (strcmp(option_table[j].section, o->section) == 0 &&
			    strcmp(option_table[i - 1].section, o->section) != 0)
				return "a section that is not in one piece";
		}
		if (option_set(&scratch, o, o->default_text, NULL) != 0)
			return "a default that the key itself refuses";
	}
	return NULL;
}

/* SRT is UDP and never in the way of the others. */
static void check_listens(const struct options *options, struct config_errors *errors)
{
	const struct option *seen[OPTION_MAX_COUNT];
	size_t n_seen = 0;

	for (size_t i = 0; i < option_count; i++) {
		const struct option *o = &option_table[i];
		const char *base = (const char *)options;

		if (o->type != OPTION_LISTEN || o->offset == offsetof(struct options, srt_listen))
			continue;
		for (size_t j = 0; j < n_seen; j++) {
			const struct listen_address *mine = (const void *)(base + o->offset);
			const struct listen_address *other = (const void *)(base + seen[j]->offset);
			struct config_error *err;

			if (!listen_address_is_clash(mine, other))
				continue;
			err = config_errors_add(errors, NULL);
			config_error_where(err, "[%s] %s", o->section, o->key);
			config_error_ja(
			    err, "[%s] %s と同じポート %u です", seen[j]->section, seen[j]->key, (unsigned)mine->port);
			config_error_en(err, "uses the same port %u as [%s] %s", (unsigned)mine->port, seen[j]->section,
			    seen[j]->key);
		}
		seen[n_seen++] = o;
	}
}

int options_check(const struct options *options, struct config_errors *errors)
{
	size_t before = errors->total;
	struct config_error *err;

	if ((options->tls_cert[0] == '\0') != (options->tls_key[0] == '\0')) {
		err = config_errors_add(errors, NULL);
		config_error_where(err, "[tls]");
		config_error_ja(err, "cert と key は両方書くか、両方空にしてください");
		config_error_en(err, "cert and key go together: give both or none");
	}
	if (options->segment_ms < options->part_ms) {
		err = config_errors_add(errors, NULL);
		config_error_where(err, "[http] segment_ms");
		config_error_ja(err, "part_ms (%" PRId32 ") 以上にしてください", options->part_ms);
		config_error_en(err, "must not be less than part_ms (%" PRId32 ")", options->part_ms);
	}
	check_listens(options, errors);
	return errors->total == before ? 0 : -EINVAL;
}
