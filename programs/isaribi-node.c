/* SPDX-License-Identifier: Apache-2.0 */
/* isaribi-node: the media plane as a program. Options, plan and signals; everything else is in programs/node. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <sodium.h>

#include "base/attr.h"
#include "base/log.h"
#include "config/ini.h"
#include "config/option.h"
#include "config/plan.h"
#include "config/plan_diff.h"
#include "config/plan_parse.h"
#include "programs/arguments.h"
#include "programs/node.h"
#include "programs/node_rec.h"
#include "relay/token.h"

extern char **environ;

enum {
	EXIT_USAGE = 2,
	ERROR_TEXT_SIZE = 1024,
	TIDY_EVERY_S = 10,
};

struct arguments {
	const char *config_path;
	const char *plan_path;
	const char *stream;
	const char *until_ms;
	bool is_check;
	bool is_dump;
	bool is_forced;
};

static const char usage[] =
    "isaribi-node --config FILE --plan FILE      run a node\n"
    "isaribi-node --config FILE --check-config   read the configuration, say what is wrong, and end\n"
    "isaribi-node --config FILE --dump-config    write the complete configuration as it would be used\n"
    "isaribi-node hash-key KEY                   print what a plan holds in place of a key ('-': read it from stdin)\n"
    "isaribi-node view-token --plan FILE --stream STREAM --until MS\n"
    "                                            print a view token that expires MS after 1970\n"
    "isaribi-node rec list | check [ID] | repair ID | delete ID | export ID FILE [--config FILE] [--force]\n"
    "                                            recordings: see isaribi-node(8)\n"
    "isaribi-node --version | --help\n";

static void print_errors(const struct config_errors *errors)
{
	char text[ERROR_TEXT_SIZE];

	for (size_t i = 0; i < errors->count; i++) {
		config_error_format(&errors->list[i], text, sizeof(text));
		fprintf(stderr, "%s\n", text);
	}
	if (errors->total > errors->count)
		fprintf(stderr, "ほかに %zu 件 / and %zu more\n", errors->total - errors->count,
		    errors->total - errors->count);
}

static int load_options(struct options *options, const char *path)
{
	static struct config_errors errors;
	int err;

	config_errors_init(&errors);
	err = options_load(options, path, (const char *const *)environ, &errors);
	print_errors(&errors);
	return err;
}

static struct plan *load_plan(const char *path)
{
	static struct config_errors errors;
	struct plan *plan = NULL;

	config_errors_init(&errors);
	if (plan_load_file(&plan, path, &errors) != 0)
		print_errors(&errors);
	return plan;
}

static int run_hash_key(const char *key)
{
	char hex[PLAN_HASH_HEX_SIZE];
	char line[PLAN_KEY_MAX_LEN + 2];

	if (strcmp(key, "-") == 0) {
		if (!fgets(line, sizeof(line), stdin))
			line[0] = '\0';
		line[strcspn(line, "\n")] = '\0';
		key = line;
	}
	if (plan_hash_key(key, hex) != 0) {
		fprintf(stderr,
		    "鍵は %d から %d 文字の A-Z a-z 0-9 . _ ~ - です\n"
		    "a key is %d to %d characters of A-Z a-z 0-9 . _ ~ -\n",
		    PLAN_KEY_MIN_LEN, PLAN_KEY_MAX_LEN, PLAN_KEY_MIN_LEN, PLAN_KEY_MAX_LEN);
		return EXIT_USAGE;
	}
	printf("%s\n", hex);
	return EXIT_SUCCESS;
}

static int run_view_token(const struct arguments *args)
{
	char token[TOKEN_TEXT_SIZE];
	char *end = NULL;
	long long until_ms = args->until_ms ? strtoll(args->until_ms, &end, 10) : -1;
	struct plan *plan;
	int status = EXIT_FAILURE;

	if (!args->plan_path || !args->stream || until_ms < 0 || *end != '\0' || until_ms > INT64_C(1) << 52) {
		fputs(usage, stderr);
		return EXIT_USAGE;
	}
	plan = load_plan(args->plan_path);
	if (!plan)
		return EXIT_FAILURE;
	if (!plan->view_key) {
		fprintf(stderr, "計画に tokens.view_key がありません\nthe plan has no tokens.view_key\n");
	} else {
		token_make(plan->view_key, args->stream, until_ms, token);
		printf("%s\n", token);
		status = EXIT_SUCCESS;
	}
	plan_unref(plan);
	return status;
}

static void raise_descriptor_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return;
	limit.rlim_cur = limit.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
		log_warn(NULL, "the limit of open descriptors stays as it is");
}

static void say_what_needs_a_restart(void *ctx, const struct option *option, const char *before, const char *after)
{
	(void)ctx;
	(void)before;
	(void)after;
	if (option->is_live)
		log_info(NULL, "[%s] %s is changed", option->section, option->key);
	else
		log_warn(NULL,
		    "[%s] %s has changed in the file: 再起動すると有効になります / takes effect at a restart",
		    option->section, option->key);
}

static void reload_options(struct options *options, const char *path)
{
	struct options wanted;

	options_init_defaults(&wanted);
	if (load_options(&wanted, path) != 0) {
		log_error(NULL, "the configuration has errors: the old one stays");
		return;
	}
	options_diff(options, &wanted, say_what_needs_a_restart, NULL);
	options_take_live(options, &wanted);
	log_set_level((enum log_level)options->log_level);
	options_fini(&wanted);
}

static void reload_plan(struct node *node, struct plan **plan, const char *path)
{
	const struct plan_diff_visitor nobody = { 0 };
	struct plan *wanted = load_plan(path);

	if (!wanted) {
		log_error(NULL, "the plan has errors: the old one stays");
		return;
	}
	log_info(NULL, "plan rev %lld, %zu changes", (long long)wanted->rev, plan_diff(*plan, wanted, &nobody));
	node_take_plan(node, wanted);
	plan_unref(*plan);
	*plan = wanted;
}

static bool has_other_than_srt(const struct plan_transfer *transfers, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (!transfers[i].is_srt)
			return true;
	}
	return false;
}

/* Options and plans may be ahead of the program; nobody shall wait for what cannot come. */
static void say_what_is_not_there(const struct options *options, const struct plan *plan)
{
	const struct {
		bool is_asked_for;
		const char *what;
	} table[] = {
		{ options->control_url[0] != '\0', "[site] control_url" },
		{ has_other_than_srt(plan->pushes, plan->n_pushes), "pushes by rtmp://" },
		{ has_other_than_srt(plan->pulls, plan->n_pulls), "pulls by rtmp://" },
	};

	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		if (table[i].is_asked_for)
			log_info(NULL, "%s: このバージョンではまだ使えません / not there yet in this version",
			    table[i].what);
	}
}

static void serve(struct node *node, struct options *options, struct plan **plan, const struct arguments *args)
{
	const struct timespec tidy_every = { .tv_sec = TIDY_EVERY_S };
	sigset_t signals;
	int signal_number;

	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGHUP);
	for (;;) {
		signal_number = sigtimedwait(&signals, NULL, &tidy_every);
		if (signal_number < 0) {
			node_tidy(node);
			continue;
		}
		if (signal_number != SIGHUP)
			break;
		reload_options(options, args->config_path);
		reload_plan(node, plan, args->plan_path);
		node_reload_certificate(node);
	}
	log_info(NULL, "stopping");
}

static int run_node(struct options *options, const struct arguments *args)
{
	struct plan *plan = args->plan_path ? load_plan(args->plan_path) : NULL;
	struct node *node = NULL;
	int status = EXIT_FAILURE;

	if (!plan) {
		if (!args->plan_path)
			fputs(usage, stderr);
		return args->plan_path ? EXIT_FAILURE : EXIT_USAGE;
	}
	raise_descriptor_limit();
	if (node_create(&node, options, plan) == 0 && node_start(node) == 0) {
		struct node_ports ports = node_ports(node);

		printf("ready rtmp=%u http=%u", ports.rtmp, ports.http);
		if (ports.rtmps != 0)
			printf(" rtmps=%u", ports.rtmps);
		if (ports.srt != 0)
			printf(" srt=%u", ports.srt);
		printf("\n");
		fflush(stdout);
		say_what_is_not_there(options, plan);
		log_info(NULL, "isaribi-node %s is ready, plan rev %lld", ISARIBI_VERSION, (long long)plan->rev);
		serve(node, options, &plan, args);
		status = EXIT_SUCCESS;
	}
	if (node)
		node_stop(node);
	node_destroy(&node);
	plan_unref(plan);
	return status;
}

static void block_signals(void)
{
	sigset_t signals;

	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGHUP);
	pthread_sigmask(SIG_BLOCK, &signals, NULL);
}

static int run(const struct arguments *args)
{
	struct options options;
	int status = EXIT_SUCCESS;

	options_init_defaults(&options);
	if (load_options(&options, args->config_path) != 0)
		return EXIT_FAILURE;
	log_set_level((enum log_level)options.log_level);
	if (args->is_dump)
		status = options_dump(&options, stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
	else if (args->is_check)
		printf("設定に問題はありません / the configuration is fine\n");
	else
		status = run_node(&options, args);
	options_fini(&options);
	return status;
}

static const char *parse_arguments(struct arguments *args, char **argv)
{
	const struct argument table[] = {
		{ .name = "--config", .value = &args->config_path },
		{ .name = "--plan", .value = &args->plan_path },
		{ .name = "--stream", .value = &args->stream },
		{ .name = "--until", .value = &args->until_ms },
		{ .name = "--check-config", .is_given = &args->is_check },
		{ .name = "--dump-config", .is_given = &args->is_dump },
		{ .name = "--force", .is_given = &args->is_forced },
	};

	return arguments_parse(table, ARRAY_LEN(table), argv);
}

static int say_usage(const char *unknown)
{
	if (*unknown)
		fprintf(stderr, "%s が分かりません / do not know %s\n\n", unknown, unknown);
	fputs(usage, stderr);
	return EXIT_USAGE;
}

/* argv: behind "rec". Words first, then options. */
static int run_rec(char **argv)
{
	struct node_rec_arguments rec = { 0 };
	struct arguments args = { 0 };
	struct options options;
	const char *unknown;
	int status = EXIT_FAILURE;

	for (size_t i = 0; i < ARRAY_LEN(rec.words) && *argv && **argv != '-'; i++)
		rec.words[i] = *argv++;
	unknown = parse_arguments(&args, argv);
	if (unknown || !node_rec_knows(&rec))
		return say_usage(unknown ? unknown : "");
	options_init_defaults(&options);
	if (load_options(&options, args.config_path) == 0) {
		rec.is_forced = args.is_forced;
		rec.data_dir = options.data_dir;
		rec.segment_ms = (uint32_t)options.segment_ms;
		status = node_rec_run(&rec);
	}
	options_fini(&options);
	return status;
}

int main(int argc, char **argv)
{
	struct arguments args = { 0 };
	const char *command = argc > 1 ? argv[1] : "";
	const bool is_token = strcmp(command, "view-token") == 0;
	const char *unknown;

	if (sodium_init() < 0 || option_table_check() != NULL) {
		fprintf(stderr, "isaribi-node was not built rightly\n");
		return EXIT_FAILURE;
	}
	if (strcmp(command, "--help") == 0 || strcmp(command, "--version") == 0) {
		fputs(command[2] == 'h' ? usage : "isaribi-node " ISARIBI_VERSION "\n", stdout);
		return EXIT_SUCCESS;
	}
	if (strcmp(command, "hash-key") == 0 && argc == 3)
		return run_hash_key(argv[2]);
	if (strcmp(command, "rec") == 0)
		return run_rec(argv + 2);
	unknown = argc < 2 ? "" : parse_arguments(&args, argv + 1 + is_token);
	if (unknown)
		return say_usage(unknown);
	if (is_token)
		return run_view_token(&args);
	block_signals();
	return run(&args);
}
