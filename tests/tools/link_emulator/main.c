/* SPDX-License-Identifier: Apache-2.0 */
/* link_emulator: bad links, good enough to judge by. Usage and formats: README.md of this folder. */
#include "tests/tools/link_emulator/control.h"
#include "tests/tools/link_emulator/profile.h"
#include "tests/tools/link_emulator/tcp.h"
#include "tests/tools/link_emulator/udp.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

enum {
	LINKS_MAX = 16,
	DEFAULT_MEMORY_MB = 64,
	TIMER_SLACK_NS = 1000,
};

/* One --udp or --tcp. */
struct wanted {
	const struct link_ops *ops;
	char *name;
	char *settings;
	char *script;
	struct address listen;
	struct address target;
};

struct emulator {
	struct poller poller;
	struct budget budget;
	struct control control;
	struct poller_watch signals;
	uint64_t seed;
	bool has_control;
	bool is_check; /* only read the scripts */
	size_t n_wanted;
	struct wanted wanted[LINKS_MAX];
	size_t n_links;
	struct link links[LINKS_MAX];
};

static int usage(void)
{
	fputs("usage: link_emulator [--seed N] [--memory MB] [--no-stdin] [--check] LINK...\n"
	      "       link_emulator --profiles\n"
	      "LINK:  --udp TARGET[,name=N][,listen=ADDR:PORT][,script=FILE][,set=SETTINGS], or --tcp\n",
	    stderr);
	return 2;
}

static int complain(const char *what, const char *found)
{
	fprintf(stderr, "link_emulator: expected %s, found \"%s\"\n", what, found);
	return -EINVAL;
}

static bool is_name(const char *text)
{
	size_t len = strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-");

	return len > 0 && !text[len] && len < LINK_NAME_SIZE;
}

static int take_pair(struct wanted *w, char *pair)
{
	char *value = strchr(pair, '=');

	if (!value)
		return complain("name=, listen=, script= or set=", pair);
	*value++ = '\0';
	if (strcmp(pair, "name") == 0 && is_name(value))
		w->name = value;
	else if (strcmp(pair, "script") == 0)
		w->script = value;
	else if (strcmp(pair, "set") == 0)
		w->settings = value;
	else if (strcmp(pair, "listen") != 0)
		return complain("name=, listen=, script= or set=", pair);
	else if (address_parse(&w->listen, value) < 0)
		return complain("listen=ADDR:PORT", value);
	return 0;
}

static int take_link(struct emulator *e, const struct link_ops *ops, char *text)
{
	struct wanted *w = &e->wanted[e->n_wanted];
	char *rest = NULL, *part = strtok_r(text, ",", &rest);

	if (e->n_wanted == LINKS_MAX || !part)
		return complain("at most 16 links with a target each", text);
	*w = (struct wanted){ .ops = ops, .name = e->n_wanted == 0 ? "main" : NULL };
	if (address_parse(&w->target, part) < 0 || address_port(&w->target) == 0)
		return complain("a target such as 127.0.0.1:9000", part);
	address_parse(&w->listen, w->target.u.any.sa_family == AF_INET6 ? "::1" : "127.0.0.1");
	while ((part = strtok_r(NULL, ",", &rest)))
		if (take_pair(w, part) < 0)
			return -EINVAL;
	if (!w->name)
		return complain("name= for every link but the first", text);
	for (size_t i = 0; i < e->n_wanted; i++)
		if (strcmp(e->wanted[i].name, w->name) == 0)
			return complain("another name for each link", w->name);
	e->n_wanted++;
	return 0;
}

static int take_number(uint64_t *out, const char *text, uint64_t max)
{
	char *end = NULL;

	errno = 0;
	*out = strtoull(text, &end, 10);
	if (*text < '0' || *text > '9' || *end || errno || *out > max)
		return complain("a whole number", text);
	return 0;
}

static int list_profiles(void)
{
	const struct profile *profile = NULL;

	for (size_t i = 0; (profile = profile_at(i)); i++)
		printf("# %s\n%s\n", profile->name, profile->script);
	exit(0);
}

static int parse_options(struct emulator *e, int argc, char **argv)
{
	static const struct option options[] = {
		{ "udp", required_argument, NULL, 'u' },
		{ "tcp", required_argument, NULL, 't' },
		{ "seed", required_argument, NULL, 's' },
		{ "memory", required_argument, NULL, 'm' },
		{ "no-stdin", no_argument, NULL, 'n' },
		{ "check", no_argument, NULL, 'c' },
		{ "profiles", no_argument, NULL, 'p' },
		{ NULL, 0, NULL, 0 },
	};
	int c = 0, res = 0;
	uint64_t memory_mb = DEFAULT_MEMORY_MB;

	while (res == 0 && (c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (c) {
		case 'u': res = take_link(e, &udp_ops, optarg); break;
		case 't': res = take_link(e, &tcp_ops, optarg); break;
		case 's': res = take_number(&e->seed, optarg, UINT64_MAX); break;
		case 'm': res = take_number(&memory_mb, optarg, 65536); break;
		case 'n': e->has_control = false; break;
		case 'c': e->is_check = true; break;
		case 'p': res = list_profiles(); break;
		default: return -EINVAL;
		}
	}
	e->budget.max_bytes = (size_t)memory_mb << 20;
	return res == 0 && e->n_wanted > 0 && optind == argc ? 0 : -EINVAL;
}

static void on_signal(void *ctx, uint32_t events)
{
	struct emulator *e = ctx;

	(void)events;
	e->control.is_over = true;
}

static void on_stdin(void *ctx, uint32_t events)
{
	struct emulator *e = ctx;

	(void)events;
	control_read(&e->control, stdout);
}

static int open_signals(struct emulator *e)
{
	sigset_t set;

	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigprocmask(SIG_BLOCK, &set, NULL);
	e->signals = (struct poller_watch){ .fn = on_signal, .ctx = e };
	e->signals.fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return e->signals.fd < 0 ? -errno : poller_set(&e->poller, &e->signals, EPOLLIN);
}

/* What a script or the settings say wrong must be known before anything runs. */
static int prepare_link(struct emulator *e, const struct wanted *w, struct link *link)
{
	char error[LINK_ERROR_SIZE] = "", *text = NULL;
	struct change_list changes = { 0 };
	struct script *script = NULL;
	struct script_error why;
	int res = 0;

	if (w->settings && change_list_parse(&changes, w->settings, error) < 0) {
		fprintf(stderr, "link_emulator: %s: set: %s\n", w->name, error);
		return -EINVAL;
	}
	if (w->script && !(text = control_read_file(w->script, error))) {
		fprintf(stderr, "link_emulator: %s\n", error);
		return -EINVAL;
	}
	if (text && script_parse(&script, text, &why) < 0) {
		fprintf(stderr, "link_emulator: %s: line %u: %s\n", w->script, why.line, why.text);
		res = -EINVAL;
	}
	free(text);
	if (res < 0 || e->is_check) {
		script_destroy(&script);
		return res;
	}
	link_start_script(link, script, poller_now_ns());
	if (link_change(link, &changes, poller_now_ns(), error) == 0)
		return 0;
	fprintf(stderr, "link_emulator: %s: set: %s\n", w->name, error);
	return -EINVAL;
}

static int open_link(struct emulator *e, const struct wanted *w)
{
	struct link *link = &e->links[e->n_links];
	int res = 0;

	link_init(link,
	    &(struct link_config){ .name = w->name,
		.ops = w->ops,
		.poller = &e->poller,
		.budget = &e->budget,
		.seed = e->seed,
		.listen = w->listen,
		.target = w->target,
		.now_ns = poller_now_ns() });
	e->n_links++;
	res = w->ops->open(link);
	if (res < 0) {
		fprintf(stderr, "link_emulator: %s: cannot listen: %s\n", w->name, strerror(-res));
		return res;
	}
	return prepare_link(e, w, link);
}

/* A socket for each client. */
static void raise_descriptor_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

static int start(struct emulator *e)
{
	int res = poller_open(&e->poller);

	if (res == 0)
		res = open_signals(e);
	for (size_t i = 0; res == 0 && i < e->n_wanted; i++)
		res = open_link(e, &e->wanted[i]);
	e->control.links = e->links;
	e->control.n_links = e->n_links;
	e->control.watch = (struct poller_watch){ .fd = STDIN_FILENO, .fn = on_stdin, .ctx = e };
	if (res == 0 && e->has_control && !e->is_check)
		res = poller_set(&e->poller, &e->control.watch, EPOLLIN);
	if (res == -EPERM)
		fputs("link_emulator: standard input must be a pipe, or say --no-stdin\n", stderr);
	return res;
}

static void say_ready(const struct emulator *e)
{
	printf("{\"ready\": true, \"seed\": %" PRIu64 ", \"links\": [", e->seed);
	for (size_t i = 0; i < e->n_links; i++)
		printf("%s{\"name\": \"%s\", \"kind\": \"%s\", \"port\": %u}", i ? ", " : "", e->links[i].name,
		    e->links[i].ops->kind, e->links[i].port);
	printf("]}\n");
	fflush(stdout);
}

static int run(struct emulator *e)
{
	int res = 0;

	while (res == 0 && !e->control.is_over) {
		int64_t now_ns = poller_now_ns(), next_ns = INT64_MAX;

		for (size_t i = 0; i < e->n_links; i++) {
			link_run(&e->links[i], now_ns);
			int64_t mine_ns = link_next_ns(&e->links[i], now_ns);
			next_ns = mine_ns < next_ns ? mine_ns : next_ns;
		}
		res = poller_wait(&e->poller, next_ns);
	}
	return res;
}

int main(int argc, char **argv)
{
	struct emulator *e = calloc(1, sizeof(*e));
	int res = 0;

	if (!e)
		return 1;
	e->seed = (uint64_t)time(NULL) * 1000003 + (uint64_t)getpid();
	e->has_control = true;
	e->signals.fd = -1;
	e->poller.epoll_fd = e->poller.timer_fd = -1;
	if (parse_options(e, argc, argv) < 0) {
		free(e);
		return usage();
	}
	prctl(PR_SET_TIMERSLACK, TIMER_SLACK_NS);
	raise_descriptor_limit();
	res = start(e);
	if (res == 0 && !e->is_check) {
		say_ready(e);
		res = run(e);
	}
	for (size_t i = 0; i < e->n_links; i++)
		link_fini(&e->links[i]);
	if (e->signals.fd >= 0)
		close(e->signals.fd);
	poller_close(&e->poller);
	free(e);
	return res < 0;
}
