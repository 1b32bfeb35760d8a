/* SPDX-License-Identifier: Apache-2.0 */
#include "config/ini.h"

#include <assert.h>
#include <errno.h>
#include <ini.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "config/nearest.h"
#include "config/text_file.h"

#define ENVIRONMENT_PREFIX "ISARIBI_"

enum { ENVIRONMENT_NAME_SIZE = 64 };

/*
 * inih pulls lines from us one at a time and calls back at once, so `line` and `text` are always those of the key in
 * hand: that is how a callback without a position gets line and column. It never sees a line that begins with a blank
 * (so its multi-line values never happen), that is a comment, or that it would cut.
 */
struct reading {
	const char *file;
	const char *rest;
	size_t rest_len;
	const char *text; /* the present line without its end, blanks in front left out */
	size_t text_len;
	size_t n_blanks; /* characters left out in front */
	unsigned line;
	bool has_section;		      /* there was a line of one, known or not */
	bool is_section_known;		      /* otherwise its keys are passed over: one error is enough */
	unsigned seen_line[OPTION_MAX_COUNT]; /* where each key was first, 0: not yet */
	struct options *options;
	struct config_errors *errors;
};

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* offset is in bytes of the present line, columns count characters. */
static unsigned column_of(const struct reading *r, size_t offset)
{
	size_t column = r->n_blanks + 1;

	for (size_t i = 0; i < offset; i++)
		column += ((unsigned char)r->text[i] & 0xc0u) != 0x80;
	return (unsigned)column;
}

static struct config_error *add_error(struct reading *r, size_t offset)
{
	struct config_error *err = config_errors_add(r->errors, r->file);

	err->line = r->line;
	err->column = column_of(r, offset);
	return err;
}

/* Where the first of chars stands before an inline comment (as inih sees one: ';' after a blank), or text_len. */
static size_t find_char(const struct reading *r, const char *chars)
{
	for (size_t i = 0; i < r->text_len; i++) {
		if (strchr(chars, r->text[i]))
			return i;
		if (i > 0 && r->text[i] == ';' && is_blank(r->text[i - 1]))
			break;
	}
	return r->text_len;
}

static bool next_line(struct reading *r)
{
	static const char byte_order_mark[] = "\xef\xbb\xbf";
	const char *end;

	if (r->line == 0 && r->rest_len >= 3 && memcmp(r->rest, byte_order_mark, 3) == 0) {
		r->rest += 3;
		r->rest_len -= 3;
	}
	if (r->rest_len == 0)
		return false;
	end = memchr(r->rest, '\n', r->rest_len);
	r->text = r->rest;
	r->text_len = end ? (size_t)(end - r->rest) : r->rest_len;
	r->rest += r->text_len + (end != NULL);
	r->rest_len -= r->text_len + (end != NULL);
	r->line++;
	r->n_blanks = 0;
	while (r->text_len > 0 && (is_blank(r->text[r->text_len - 1]) || r->text[r->text_len - 1] == '\r'))
		r->text_len--;
	while (r->text_len > 0 && is_blank(r->text[0])) {
		r->text++;
		r->text_len--;
		r->n_blanks++;
	}
	return true;
}

static bool has_control_char(const struct reading *r, size_t *where)
{
	for (size_t i = 0; i < r->text_len; i++) {
		if (((unsigned char)r->text[i] < 0x20 && r->text[i] != '\t') || r->text[i] == 0x7f) {
			*where = i;
			return true;
		}
	}
	return false;
}

/* NULL when none is near. */
static const char *nearest_section(const char *section)
{
	const char *best = option_table[0].section;

	for (size_t i = 1; i < option_count; i++) {
		if (nearest_distance(option_table[i].section, section) < nearest_distance(best, section))
			best = option_table[i].section;
	}
	return nearest_is_close(section, nearest_distance(best, section)) ? best : NULL;
}

static bool is_section(const char *section)
{
	for (size_t i = 0; i < option_count; i++) {
		if (strcmp(option_table[i].section, section) == 0)
			return true;
	}
	return false;
}

static void say_unknown_section(struct config_error *err, const char *section)
{
	const char *nearest = nearest_section(section);
	char quoted[CONFIG_QUOTE_SIZE];

	config_error_quote(quoted, section);
	if (nearest) {
		config_error_ja(err, "知らないセクション [%s] です。[%s] のことですか？", quoted, nearest);
		config_error_en(err, "unknown section [%s]; did you mean [%s]?", quoted, nearest);
	} else {
		config_error_ja(err, "知らないセクション [%s] です", quoted);
		config_error_en(err, "unknown section [%s]", quoted);
	}
}

/* The present line begins with '['. False: it has an error and is not for inih. */
static bool check_section_line(struct reading *r)
{
	size_t end = find_char(r, "]");
	char section[OPTION_TEXT_SIZE];
	struct config_error *err;

	r->has_section = true;
	r->is_section_known = false;
	if (end == r->text_len) {
		err = add_error(r, r->text_len);
		config_error_ja(err, "セクション名を閉じる ] が必要です");
		config_error_en(err, "expected a ] that ends the section's name");
		return false;
	}
	for (size_t i = end + 1; i < r->text_len; i++) {
		if (r->text[i] == ';' || r->text[i] == '#')
			break;
		if (is_blank(r->text[i]))
			continue;
		err = add_error(r, i);
		config_error_ja(err, "] のあとには何も書けません");
		config_error_en(err, "expected nothing after the ]");
		return false;
	}
	(void)snprintf(section, sizeof(section), "%.*s", (int)(end - 1), r->text + 1);
	r->is_section_known = is_section(section);
	if (!r->is_section_known)
		say_unknown_section(add_error(r, 1), section);
	return r->is_section_known;
}

static bool check_key_line(struct reading *r)
{
	struct config_error *err;

	if (find_char(r, "=:") < r->text_len && r->has_section)
		return r->is_section_known;
	err = add_error(r, 0);
	if (!r->has_section) {
		config_error_ja(err, "最初に [%s] のようなセクションが必要です", option_table[0].section);
		config_error_en(err, "expected a section such as [%s] first", option_table[0].section);
		return false;
	}
	config_error_ja(err, "「名前 = 値」、[セクション]、または ; で始まる注釈が必要です");
	config_error_en(err, "expected NAME = VALUE, a [section], or a comment that begins with ;");
	return false;
}

/* Is the present line something that inih should see? Errors in its form are reported here. */
static bool check_line(struct reading *r, size_t max_len)
{
	struct config_error *err;
	size_t where;

	if (r->text_len == 0 || r->text[0] == ';' || r->text[0] == '#')
		return false;
	if (has_control_char(r, &where)) {
		err = add_error(r, where);
		config_error_ja(err, "制御文字は使えません");
		config_error_en(err, "control characters are not allowed");
		return false;
	}
	if (r->text_len > max_len) {
		err = add_error(r, max_len);
		config_error_ja(err, "行が長すぎます（%zu バイトまで）", max_len);
		config_error_en(err, "the line is too long (up to %zu bytes)", max_len);
		return false;
	}
	return r->text[0] == '[' ? check_section_line(r) : check_key_line(r);
}

/* An ini_reader: like fgets. */
static char *give_line(char *str, int num, void *stream)
{
	struct reading *r = stream;
	size_t max_len = num > 3 ? (size_t)num - 3 : 0; /* what inih asks to keep free for the line's end */

	while (next_line(r)) {
		if (!check_line(r, max_len))
			continue;
		memcpy(str, r->text, r->text_len);
		str[r->text_len] = '\n';
		str[r->text_len + 1] = '\0';
		return str;
	}
	return NULL;
}

/* The key that was probably meant: one of the same section, or of the same name elsewhere. */
static const struct option *nearest_key(const char *section, const char *key)
{
	const struct option *best = NULL;
	unsigned best_distance = NEAREST_MAX_LEN;

	for (size_t i = 0; i < option_count; i++) {
		bool is_here = strcmp(option_table[i].section, section) == 0;
		unsigned distance = nearest_distance(option_table[i].key, key) + (is_here ? 0 : 1);

		if (distance < best_distance) {
			best = &option_table[i];
			best_distance = distance;
		}
	}
	return best && nearest_is_close(key, best_distance) ? best : NULL;
}

static void say_unknown_key(struct config_error *err, const char *section, const char *key)
{
	const struct option *nearest = nearest_key(section, key);
	char quoted[CONFIG_QUOTE_SIZE];

	config_error_quote(quoted, key);
	config_error_where(err, "[%s]", section);
	if (nearest) {
		config_error_ja(
		    err, "知らない項目 \"%s\" です。[%s] %s のことですか？", quoted, nearest->section, nearest->key);
		config_error_en(
		    err, "unknown key \"%s\"; did you mean [%s] %s?", quoted, nearest->section, nearest->key);
	} else {
		config_error_ja(err, "知らない項目 \"%s\" です", quoted);
		config_error_en(err, "unknown key \"%s\"", quoted);
	}
}

static size_t value_offset(const struct reading *r)
{
	size_t separator = find_char(r, "=:");
	size_t offset = separator + 1;

	while (offset < r->text_len && is_blank(r->text[offset]))
		offset++;
	return offset < r->text_len && r->text[offset] != ';' ? offset : separator + 1;
}

static void take_value(struct reading *r, const struct option *option, const char *value)
{
	unsigned *seen_line = &r->seen_line[option - option_table];
	struct config_error problem = { 0 };
	struct config_error *err;

	if (*seen_line > 0) {
		err = add_error(r, 0);
		config_error_where(err, "[%s] %s", option->section, option->key);
		config_error_ja(err, "同じ項目が %u 行目にもあります", *seen_line);
		config_error_en(err, "the same key is in line %u already", *seen_line);
		return;
	}
	*seen_line = r->line;
	if (option_set(r->options, option, value, &problem) == 0)
		return;
	err = add_error(r, value_offset(r));
	config_error_where(err, "[%s] %s", option->section, option->key);
	config_error_ja(err, "%s", problem.ja);
	config_error_en(err, "%s", problem.en);
}

/* An ini_handler. */
static int take_key(void *user, const char *section, const char *name, const char *value)
{
	struct reading *r = user;
	const struct option *option = option_find(section, name);

	if (option)
		take_value(r, option, value);
	else
		say_unknown_key(add_error(r, 0), section, name);
	return 1;
}

static void say_unreadable_line(struct config_errors *errors, const char *file)
{
	struct config_error *err = config_errors_add(errors, file);

	config_error_ja(err, "読み取れない行があります");
	config_error_en(err, "there is a line that cannot be read");
}

int options_parse(struct options *options, const char *text, size_t len, const char *file, struct config_errors *errors)
{
	struct options wanted = *options;
	struct reading r = { .file = file, .rest = text, .rest_len = len, .options = &wanted, .errors = errors };
	size_t before = errors->total;
	int failed;

	assert(option_count <= OPTION_MAX_COUNT);
	failed = ini_parse_stream(give_line, &r, take_key, &r);
	if (failed != 0 && errors->total == before)
		say_unreadable_line(errors, file);
	if (errors->total > before)
		return -EINVAL;
	*options = wanted;
	return 0;
}

static void environment_name(const struct option *option, char out[ENVIRONMENT_NAME_SIZE])
{
	(void)snprintf(out, ENVIRONMENT_NAME_SIZE, ENVIRONMENT_PREFIX "%s_%s", option->section, option->key);
	for (char *c = out; *c; c++) {
		if (*c >= 'a' && *c <= 'z')
			*c = (char)(*c - 'a' + 'A');
	}
}

static bool has_name(const char *entry, const char *name)
{
	size_t len = strlen(name);

	return strncmp(entry, name, len) == 0 && entry[len] == '=';
}

/* "ISARIBI_RTMP_LISTNE" is a typo, "ISARIBI_TEST_DIR" is somebody else's. */
static bool begins_like_ours(const char *entry)
{
	for (size_t i = 0; i < option_count; i++) {
		char name[ENVIRONMENT_NAME_SIZE];
		size_t len = strlen(ENVIRONMENT_PREFIX) + strlen(option_table[i].section) + 1;

		environment_name(&option_table[i], name);
		if (strncmp(entry, name, len) == 0)
			return true;
	}
	return false;
}

static void say_unknown_variable(const char *entry, struct config_errors *errors)
{
	struct config_error *err = config_errors_add(errors, NULL);
	char best[ENVIRONMENT_NAME_SIZE];
	char mine[ENVIRONMENT_NAME_SIZE];

	(void)snprintf(mine, sizeof(mine), "%.*s", (int)strcspn(entry, "="), entry);
	environment_name(&option_table[0], best);
	for (size_t i = 1; i < option_count; i++) {
		char name[ENVIRONMENT_NAME_SIZE];

		environment_name(&option_table[i], name);
		if (nearest_distance(name, mine) < nearest_distance(best, mine))
			memcpy(best, name, sizeof(best));
	}
	config_error_where(err, "%s", mine);
	config_error_ja(err, "知らない環境変数です。%s のことですか？", best);
	config_error_en(err, "unknown variable; did you mean %s?", best);
}

static void take_variable(struct options *options, const char *entry, struct config_errors *errors)
{
	struct config_error problem = { 0 };
	char name[ENVIRONMENT_NAME_SIZE];
	struct config_error *err;

	for (size_t i = 0; i < option_count; i++) {
		environment_name(&option_table[i], name);
		if (!has_name(entry, name))
			continue;
		if (option_set(options, &option_table[i], entry + strlen(name) + 1, &problem) == 0)
			return;
		err = config_errors_add(errors, NULL);
		config_error_where(err, "%s", name);
		config_error_ja(err, "%s", problem.ja);
		config_error_en(err, "%s", problem.en);
		return;
	}
	if (begins_like_ours(entry))
		say_unknown_variable(entry, errors);
}

int options_apply_environment(struct options *options, const char *const *environment, struct config_errors *errors)
{
	struct options wanted = *options;
	size_t before = errors->total;

	for (; environment && *environment; environment++) {
		if (strncmp(*environment, ENVIRONMENT_PREFIX, strlen(ENVIRONMENT_PREFIX)) == 0)
			take_variable(&wanted, *environment, errors);
	}
	if (errors->total > before)
		return -EINVAL;
	*options = wanted;
	return 0;
}

static int load_file(struct options *options, const char *path, struct config_errors *errors)
{
	struct config_error *problem;
	char *text;
	size_t len;
	int err = text_file_read(path, INI_FILE_MAX_BYTES, &text, &len);

	if (err == 0) {
		err = options_parse(options, text, len, path, errors);
		free(text);
		return err;
	}
	problem = config_errors_add(errors, path);
	if (err == -EFBIG) {
		config_error_ja(problem, "ファイルが大きすぎます（%d バイトまで）", INI_FILE_MAX_BYTES);
		config_error_en(problem, "the file is too big (up to %d bytes)", INI_FILE_MAX_BYTES);
	} else {
		config_error_ja(problem, "ファイルを読めません: %s", err_text(err));
		config_error_en(problem, "cannot read the file: %s", err_text(err));
	}
	return err;
}

int options_load(struct options *out, const char *path, const char *const *environment, struct config_errors *errors)
{
	struct options wanted;
	int file_err = 0;
	int environment_err;

	options_init_defaults(&wanted);
	if (path)
		file_err = load_file(&wanted, path, errors);
	environment_err = options_apply_environment(&wanted, environment, errors);
	/* A rule between keys says nothing useful while one of them could not be read. */
	if (file_err == 0 && environment_err == 0)
		environment_err = options_check(&wanted, errors);
	if (file_err == 0 && environment_err == 0)
		*out = wanted;
	options_fini(&wanted);
	return file_err != 0 ? file_err : environment_err;
}

static void dump_option(const struct options *options, const struct option *option, FILE *out)
{
	char value[OPTION_TEXT_SIZE];

	option_format(options, option, value, sizeof(value));
	(void)fprintf(out, "; %s\n; %s\n", option->help_ja, option->help_en);
	if (option->type == OPTION_INTEGER)
		(void)fprintf(out, "; %d - %d%s%s\n", (int)option->min, (int)option->max, option->unit[0] ? " " : "",
		    option->unit);
	if (!option->is_live)
		(void)fprintf(out, "; 変更には再起動が必要 (a change needs a restart)\n");
	(void)fprintf(out, "%s =%s%s\n", option->key, value[0] ? " " : "", value);
}

int options_dump(const struct options *options, FILE *out)
{
	const char *section = "";

	(void)fprintf(out,
	    "; isaribi (漁火) の設定。値の書き方と説明は各項目の上にあります。\n"
	    "; Settings of isaribi. What a key takes stands above it. Environment variables named\n"
	    "; " ENVIRONMENT_PREFIX "<SECTION>_<KEY> win over this file.\n");
	for (size_t i = 0; i < option_count; i++) {
		if (strcmp(section, option_table[i].section) != 0)
			(void)fprintf(out, "\n[%s]\n", option_table[i].section);
		else
			(void)fputc('\n', out);
		section = option_table[i].section;
		dump_option(options, &option_table[i], out);
	}
	return fflush(out) == 0 && !ferror(out) ? 0 : -EIO;
}

size_t options_diff(const struct options *before, const struct options *after, options_diff_fn *visit, void *ctx)
{
	size_t n = 0;

	for (size_t i = 0; i < option_count; i++) {
		char old_text[OPTION_TEXT_SIZE];
		char new_text[OPTION_TEXT_SIZE];

		if (option_is_equal(before, after, &option_table[i]))
			continue;
		option_format(before, &option_table[i], old_text, sizeof(old_text));
		option_format(after, &option_table[i], new_text, sizeof(new_text));
		n++;
		if (visit)
			visit(ctx, &option_table[i], old_text, new_text);
	}
	return n;
}

void options_take_live(struct options *options, const struct options *wanted)
{
	for (size_t i = 0; i < option_count; i++) {
		const struct option *option = &option_table[i];

		if (option->is_live)
			memcpy((char *)options + option->offset, (const char *)wanted + option->offset,
			    option->size_bytes);
	}
}
