/* SPDX-License-Identifier: Apache-2.0 */
#include "config/ini.h"

#include <errno.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define TEXT_196                                                                                                   \
	"name = 4567890123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890" \
	"12345678901234567890123456789012345678901234567890123456789012345678901234567890123456789012345"

/* A copy whose end AddressSanitizer watches. */
static int parse(struct options *options, const char *text, size_t len, struct config_errors *errors)
{
	char *copy = malloc(len + 1);
	int result;

	assert_non_null(copy);
	memcpy(copy, text, len);
	copy[len] = '\0';
	config_errors_init(errors);
	result = options_parse(options, copy, len, "t.conf", errors);
	free(copy);
	return result;
}

static void reads_what_is_well_formed(void **state)
{
	static const struct {
		const char *text;
		const char *section;
		const char *key;
		const char *want;
	} rows[] = {
		{ "[node]\nname = tokyo\n", "node", "name", "tokyo" },
		{ "[node]\nname = tokyo", "node", "name", "tokyo" },
		{ "[node]\r\nname = tokyo\r\n", "node", "name", "tokyo" },
		{ "\xef\xbb\xbf[node]\nname=tokyo\n", "node", "name", "tokyo" },
		{ "  [node] ; comment\n\tname : tokyo ; comment\n", "node", "name", "tokyo" },
		{ "[rtmp]\nlisten = [::]:1935\n", "rtmp", "listen", "[::]:1935" },
		{ "[rtmp]\nlisten =   ; off\n", "rtmp", "listen", "" },
		{ "[rtmp]\nlisten =", "rtmp", "listen", "" },
		{ "[node]\nname = tokyo\n  threads = 3\n", "node", "threads", "3" },
		{ "[node]\nname = a\n[log]\nlevel = warn\n[node]\nthreads = 3\n", "node", "threads", "3" },
		{ "; " TEXT_196 TEXT_196 "\n# x\n\n[node]\nname = tokyo\n", "node", "name", "tokyo" },
		{ "", "node", "name", "island" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct config_errors errors;
		struct options o;
		char value[OPTION_TEXT_SIZE];

		options_init_defaults(&o);
		assert_int_equal(parse(&o, rows[i].text, strlen(rows[i].text), &errors), 0);
		assert_int_equal(errors.total, 0);
		option_format(&o, option_find(rows[i].section, rows[i].key), value, sizeof(value));
		assert_string_equal(value, rows[i].want);
		options_fini(&o);
	}
}

static void says_where_and_what(void **state)
{
	static const struct {
		const char *text;
		unsigned line;
		unsigned column;
		const char *want_ja; /* part of it */
		const char *want_en;
	} rows[] = {
		{ "[node]\nthreads = many\n", 2, 11, "0 から 256", "whole number from 0 to 256: \"many\"" },
		{ "[node]\n\n   threads=many ; 漁\n", 3, 12, "整数", "whole number" },
		{ "[rtmp]\nlisten = 1935\n", 2, 10, "IP アドレス:ポート", "ADDRESS:PORT" },
		{ "[log]\nlevel = loud\n", 2, 9, "error, warn, info, debug", "one of error, warn, info, debug" },
		{ "[log]\nlevel =\n", 2, 8, "のどれか", "one of" },
		{ "[log]\nlevel =   ; empty\n", 2, 8, "のどれか", "one of" },
		{ "[node]\nnaem = a\n", 2, 1, "[node] name のこと", "did you mean [node] name?" },
		{ "[rtmp]\npart_ms = 1\n", 2, 1, "[http] part_ms のこと", "did you mean [http] part_ms?" },
		{ "[node]\nzzzzzzzzzz = a\n", 2, 1, "知らない項目", "unknown key \"zzzzzzzzzz\"" },
		{ "[rtpm]\nlisten = x\n", 1, 2, "[rtmp] のこと", "did you mean [rtmp]?" },
		{ "[wholly-other]\n", 1, 2, "知らないセクション", "unknown section [wholly-other]" },
		{ "[]\n", 1, 2, "知らないセクション", "unknown section []" },
		{ "[node\n", 1, 6, "]", "expected a ]" },
		{ "[node]\n[rtmp\nlisten = 1\n", 2, 6, "]", "expected a ]" },
		{ "[node ;]\n", 1, 9, "]", "expected a ]" },
		{ "[node] name = a\n", 1, 8, "何も書けません", "nothing after" },
		{ "name = a\n", 1, 1, "セクションが必要", "section such as [node] first" },
		{ "[node]\nname\n", 2, 1, "名前 = 値", "NAME = VALUE" },
		{ "[node]\nname ; = a\n", 2, 1, "名前 = 値", "NAME = VALUE" },
		{ "[node]\nname = a\nthreads = 1\nname = b\n", 4, 1, "2 行目", "line 2 already" },
		{ "[node]\nname = a\x1b[0m\n", 2, 9, "制御文字", "control" },
		{ "[node]\n漁火 = a\x01\n", 2, 7, "制御文字", "control" },
		{ "[node]\n" TEXT_196 "6789\n", 2, 198, "長すぎます（197", "too long (up to 197" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct config_errors errors;
		struct options before;
		struct options o;

		options_init_defaults(&o);
		options_init_defaults(&before);
		assert_int_equal(parse(&o, rows[i].text, strlen(rows[i].text), &errors), -EINVAL);
		assert_int_equal(errors.total, 1);
		assert_string_equal(errors.list[0].file, "t.conf");
		assert_int_equal(errors.list[0].line, rows[i].line);
		assert_int_equal(errors.list[0].column, rows[i].column);
		assert_non_null(strstr(errors.list[0].ja, rows[i].want_ja));
		assert_non_null(strstr(errors.list[0].en, rows[i].want_en));
		assert_int_equal(options_diff(&before, &o, NULL, NULL), 0);
	}
}

static void a_nul_is_no_end(void **state)
{
	static const char text[] = "[node]\nname = a\0b\nthreads = x\n";
	struct config_errors errors;
	struct options o;

	(void)state;
	options_init_defaults(&o);
	assert_int_equal(parse(&o, text, sizeof(text) - 1, &errors), -EINVAL);
	assert_int_equal(errors.total, 2);
	assert_int_equal(errors.list[0].column, 9);
	assert_int_equal(errors.list[1].line, 3);
}

static void collects_all_and_applies_nothing(void **state)
{
	static const char text[] = "[node]\nname = tokyo\nthreads = x\n[rtpm]\nlisten = x\n[log]\nlevel = y\nlevel\n";
	static const unsigned lines[] = { 3, 4, 7, 8 };
	struct config_errors errors;
	struct options o;

	(void)state;
	options_init_defaults(&o);
	assert_int_equal(parse(&o, text, sizeof(text) - 1, &errors), -EINVAL);
	assert_int_equal(errors.total, 4);
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(errors.list[i].line, lines[i]);
	assert_string_equal(o.node_name, "island");
}

static void more_errors_than_fit(void **state)
{
	struct config_errors errors;
	struct options o;
	char text[4096] = "[node]\n";

	(void)state;
	for (unsigned i = 0; i < 100; i++)
		strcat(text, "bogus_bogus = 1\n");
	options_init_defaults(&o);
	assert_int_equal(parse(&o, text, strlen(text), &errors), -EINVAL);
	assert_int_equal(errors.count, CONFIG_ERRORS_MAX);
	assert_int_equal(errors.total, 100);
}

static void environment_wins(void **state)
{
	static const char *const good[] = { "HOME=/x", "ISARIBI_RTMP_LISTEN=127.0.0.1:0",
		"ISARIBI_HTTP_LISTEN=", "ISARIBI_TEST_DIR=/x", "ISARIBI_NODE_DATA_DIR=/a=b", NULL };
	static const char *const bad[] = { "ISARIBI_NODE_THREADS=3", "ISARIBI_RTMP_LISTEN=1935",
		"ISARIBI_RTMP_LISTNE=127.0.0.1:1", "ISARIBI_HTTP_", NULL };
	struct config_errors errors;
	struct options o;

	(void)state;
	config_errors_init(&errors);
	options_init_defaults(&o);
	assert_int_equal(options_apply_environment(&o, NULL, &errors), 0);
	assert_int_equal(options_apply_environment(&o, good, &errors), 0);
	assert_string_equal(o.rtmp_listen.host, "127.0.0.1");
	assert_false(o.http_listen.is_on);
	assert_string_equal(o.data_dir, "/a=b");
	assert_int_equal(options_apply_environment(&o, bad, &errors), -EINVAL);
	assert_int_equal(o.threads, 0);
	assert_int_equal(errors.total, 3);
	assert_string_equal(errors.list[0].where, "ISARIBI_RTMP_LISTEN");
	assert_non_null(strstr(errors.list[0].en, "ADDRESS:PORT"));
	assert_string_equal(errors.list[1].where, "ISARIBI_RTMP_LISTNE");
	assert_non_null(strstr(errors.list[1].en, "did you mean ISARIBI_RTMP_LISTEN?"));
	assert_non_null(strstr(errors.list[1].ja, "ISARIBI_RTMP_LISTEN のこと"));
}

static char *dump_to_text(const struct options *o, size_t *len)
{
	char *text = NULL;
	FILE *out = open_memstream(&text, len);

	assert_non_null(out);
	assert_int_equal(options_dump(o, out), 0);
	assert_int_equal(fclose(out), 0);
	return text;
}

static void dump_is_read_back(void **state)
{
	static const char *const environment[] = { "ISARIBI_NODE_NAME=tokyo", "ISARIBI_RTMP_LISTEN=[::]:1",
		"ISARIBI_SRT_LISTEN=", "ISARIBI_SITE_PUBLIC_URL=https://live.example.jp", "ISARIBI_LOG_LEVEL=debug",
		"ISARIBI_TLS_CERT=/a;b=c # d", NULL };
	struct config_errors errors;
	struct options wanted;
	struct options o;
	char *text;
	size_t len;

	(void)state;
	config_errors_init(&errors);
	options_init_defaults(&wanted);
	options_init_defaults(&o);
	assert_int_equal(options_apply_environment(&wanted, environment, &errors), 0);
	memset(wanted.data_dir, 'd', OPTION_TEXT_SIZE - 1);
	memset(wanted.tls_key, 'k', OPTION_TEXT_SIZE - 1);
	strcpy(wanted.control_url, "wss://");
	memset(wanted.control_url + 6, 'h', OPTION_TEXT_SIZE - 7);
	text = dump_to_text(&wanted, &len);
	assert_int_equal(parse(&o, text, len, &errors), 0);
	assert_int_equal(options_diff(&wanted, &o, NULL, NULL), 0);
	free(text);
}

static void sample_is_the_dump_of_the_defaults(void **state)
{
	struct config_errors errors;
	struct options defaults;
	struct options o;
	char sample[16384];
	char *text;
	size_t len;
	size_t sample_len;
	FILE *in = fopen("config/isaribi.conf", "rb");

	(void)state;
	assert_non_null(in);
	sample_len = fread(sample, 1, sizeof(sample) - 1, in);
	sample[sample_len] = '\0';
	assert_int_equal(fclose(in), 0);
	options_init_defaults(&defaults);
	text = dump_to_text(&defaults, &len);
	assert_string_equal(sample, text); /* else: isaribi-node --dump-config > config/isaribi.conf */
	free(text);
	config_errors_init(&errors);
	memset(&o, 0, sizeof(o));
	assert_int_equal(options_load(&o, "config/isaribi.conf", NULL, &errors), 0);
	assert_int_equal(options_diff(&defaults, &o, NULL, NULL), 0);
}

static void dump_to_a_full_disk_fails(void **state)
{
	struct options o;
	FILE *out = fopen("/dev/full", "w");

	(void)state;
	options_init_defaults(&o);
	if (!out)
		skip();
	assert_int_equal(options_dump(&o, out), -EIO);
	(void)fclose(out);
}

static void write_file(char path[32], const char *text, size_t n_times)
{
	int fd;

	strcpy(path, "/tmp/isaribi_ini_XXXXXX");
	fd = mkstemp(path);
	assert_true(fd >= 0);
	while (n_times-- > 0)
		assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
}

static void loads_all_or_nothing(void **state)
{
	static const char *const good[] = { "ISARIBI_HTTP_SEGMENT_MS=3000", NULL };
	static const char *const bad[] = { "ISARIBI_NODE_THREADS=x", NULL };
	static const struct {
		const char *text;
		size_t n_times;
		const char *const *environment;
		int want;
		size_t errors;
	} rows[] = {
		{ "[node]\nthreads = 2\n", 1, NULL, 0, 0 },
		{ "[node]\nthreads = 2\n", 1, good, 0, 0 },
		{ "[node]\nthreads = 2\n", 1, bad, -EINVAL, 1 },
		{ "[node]\nthreads = y\n", 1, bad, -EINVAL, 2 },
		{ "[tls]\ncert = /c\n", 1, good, -EINVAL, 1 },
		{ "[tls]\ncert = /c\n", 1, bad, -EINVAL, 1 },
		{ "; 3456\n", INI_FILE_MAX_BYTES / 7, NULL, 0, 0 },
		{ "; 3456\n", INI_FILE_MAX_BYTES / 7 + 1, NULL, -EFBIG, 1 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct config_errors errors;
		struct options o = { .threads = 77 };
		char path[32];

		config_errors_init(&errors);
		write_file(path, rows[i].text, rows[i].n_times);
		assert_int_equal(options_load(&o, path, rows[i].environment, &errors), rows[i].want);
		unlink(path);
		assert_int_equal(errors.total, rows[i].errors);
		assert_int_equal(o.threads == 77, rows[i].want != 0);
	}
}

static void a_missing_file_is_named(void **state)
{
	struct config_errors errors;
	struct options o = { .threads = 77 };

	(void)state;
	config_errors_init(&errors);
	assert_int_equal(options_load(&o, "/nonexistent/isaribi.conf", NULL, &errors), -ENOENT);
	assert_string_equal(errors.list[0].file, "/nonexistent/isaribi.conf");
	assert_int_equal(o.threads, 77);
	config_errors_init(&errors);
	assert_int_equal(options_load(&o, NULL, NULL, &errors), 0);
	assert_int_equal(o.threads, 0);
}

struct seen {
	size_t live;
	size_t restart;
};

static void see(void *ctx, const struct option *option, const char *before, const char *after)
{
	struct seen *seen = ctx;

	assert_string_not_equal(before, after);
	seen->live += option->is_live;
	seen->restart += !option->is_live;
}

static void diff_tells_what_sighup_may_change(void **state)
{
	static const char text[] = "[node]\nthreads = 2\n[rtmp]\nlisten = 127.0.0.1:1\n[log]\nlevel = warn\n"
				   "[site]\npublic_url = http://a\n[srt]\nlisten = 0.0.0.0:8890\n";
	struct config_errors errors;
	struct seen seen = { 0 };
	struct options before;
	struct options after;

	(void)state;
	options_init_defaults(&before);
	options_init_defaults(&after);
	assert_int_equal(parse(&after, text, sizeof(text) - 1, &errors), 0);
	assert_int_equal(options_diff(&before, &after, see, &seen), 4);
	assert_int_equal(seen.live, 2);
	assert_int_equal(seen.restart, 2);
	options_take_live(&before, &after);
	assert_int_equal(options_diff(&before, &after, NULL, NULL), 2);
	assert_string_equal(before.public_url, "http://a");
	assert_int_equal(before.rtmp_listen.port, 1935);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_what_is_well_formed),
		cmocka_unit_test(says_where_and_what),
		cmocka_unit_test(a_nul_is_no_end),
		cmocka_unit_test(collects_all_and_applies_nothing),
		cmocka_unit_test(more_errors_than_fit),
		cmocka_unit_test(environment_wins),
		cmocka_unit_test(dump_is_read_back),
		cmocka_unit_test(sample_is_the_dump_of_the_defaults),
		cmocka_unit_test(dump_to_a_full_disk_fails),
		cmocka_unit_test(loads_all_or_nothing),
		cmocka_unit_test(a_missing_file_is_named),
		cmocka_unit_test(diff_tells_what_sighup_may_change),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
