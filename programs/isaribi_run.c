/* SPDX-License-Identifier: Apache-2.0 */
#include "programs/isaribi_run.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "programs/isaribi_child.h"
#include "programs/isaribi_demo.h"
#include "programs/isaribi_net.h"
#include "programs/isaribi_restart.h"
#include "programs/isaribi_urls.h"

enum {
	STOP_WITHIN_MS = 10000,
	EARLY_MS = 5000, /* a demo that ends sooner has perhaps no plugin for text */
	PATH_SIZE = 4096,
};

/* A child, and when it is to be started again. */
struct kept {
	struct child child;
	struct restart restart;
	int64_t started_ms;
	int64_t due_ms; /* 0: not due */
};

struct run {
	struct home *home;
	char node_path[PATH_SIZE];
	int signal_fd;
	struct kept node;
	struct kept demo;
	struct demo demo_command;
	bool has_been_ready;
	bool is_ready;
	bool is_stopping;
	bool is_over;
	int64_t stop_by_ms;
	int exit_code;
	uint16_t rtmp_port; /* as they were shown; 0: not yet or off */
	uint16_t http_port;
	uint16_t srt_port;
};

static int64_t now_ms(void)
{
	return clock_mono_us(clock_real()) / 1000;
}

/* What is shown */

static void print_line(const char *label, const char *url)
{
	if (url[0] != '\0')
		printf("  %s  %s\n", label, url);
}

static void print_watch(const struct urls *urls)
{
	print_line("ページ / page:", urls->page);
	print_line("HLS:          ", urls->hls);
	print_line("RTMP:         ", urls->rtmp);
	print_line("SRT:          ", urls->srt);
}

static void print_publish(const struct home *home, const struct urls *urls)
{
	if (home->key[0] == '\0') {
		printf("\n配信の鍵は plan.json の持ち主が知っています / the keys of %s are its owner's\n",
		    home->plan_path);
		return;
	}
	printf("\n配信する（鍵は人に見せないでください） / publish (keep the key to yourself)\n");
	print_line("SRT:                        ", urls->publish_srt);
	print_line("RTMP:                       ", urls->publish);
	print_line("サーバー / server:          ", urls->server);
	print_line("ストリームキー / stream key:", urls->publish[0] != '\0' ? home->key : "");
}

static void print_urls(const struct home *home, const char *lan_host)
{
	struct urls_origin origin;
	struct urls urls;

	urls_origin_find(&origin, &home->options, lan_host);
	urls_make(&urls, &origin, home->stream, home->key[0] != '\0' ? home->key : NULL);
	printf("漁火が動いています。止めるには Ctrl-C を押してください。\n"
	       "isaribi is running. Press Ctrl-C to stop it.\n");
	if (!home->is_demo || home->key[0] != '\0') {
		print_publish(home, &urls);
		if (home->stream[0] != '\0') {
			printf("\n見る / watch\n");
			print_watch(&urls);
		}
	}
	if (home->is_demo) {
		urls_make(&urls, &origin, HOME_DEMO_STREAM, NULL);
		printf("\nデモの映像を見る / watch the demo\n");
		print_watch(&urls);
	}
	printf("\n設定とデータ / settings and data: %s\n\n", home->dir);
	fflush(stdout);
}

/* Children */

static bool start_node(struct run *run)
{
	const char *const argv[] = { run->node_path, "--config", run->home->config_path, "--plan", run->home->plan_path,
		NULL };
	const struct child_spec spec = { .argv = argv, .is_heard = true };
	int err = child_start(&run->node.child, &spec);

	run->node.due_ms = 0;
	run->node.started_ms = now_ms();
	if (err != 0) {
		fprintf(stderr, "isaribi-node を始められません（%s）\ncannot start isaribi-node (%s)\n", err_text(err),
		    err_text(err));
		run->exit_code = EXIT_FAILURE;
		run->is_over = true;
	}
	return err == 0;
}

static void start_demo(struct run *run)
{
	struct listen_address listen = run->home->options.rtmp_listen;
	char server[URL_TEXT_SIZE];
	char host[80];
	struct child_spec spec;

	urls_local_host(host, sizeof(host), &listen);
	snprintf(server, sizeof(server), "rtmp://%s:%u/live", host, listen.port);
	demo_command(&run->demo_command, server, run->home->demo_key, &spec);
	run->demo.due_ms = 0;
	run->demo.started_ms = now_ms();
	if (child_start(&run->demo.child, &spec) != 0)
		fprintf(stderr, "デモの映像を始められません\ncannot start the demo\n");
}

static void stop(struct run *run, int exit_code)
{
	if (!run->is_stopping)
		run->exit_code = exit_code;
	run->is_stopping = true;
	run->stop_by_ms = now_ms() + STOP_WITHIN_MS;
	run->node.due_ms = 0;
	run->demo.due_ms = 0;
	child_signal(&run->demo.child, SIGTERM);
	child_signal(&run->node.child, SIGTERM);
}

static void kill_all(struct run *run)
{
	child_signal(&run->demo.child, SIGKILL);
	child_signal(&run->node.child, SIGKILL);
}

/* A member that may be missing: 0. */
static unsigned port_of(const char *line, const char *name)
{
	const char *found = strstr(line, name);

	return found ? (unsigned)strtoul(found + strlen(name), NULL, 10) & UINT16_MAX : 0;
}

/* "ready rtmp=PORT http=PORT", then " rtmps=PORT" and " srt=PORT" where they are on */
static void hear_node(struct run *run, const char *line)
{
	struct options *options = &run->home->options;
	char lan_host[NET_HOST_SIZE];
	unsigned rtmp;
	unsigned http;
	unsigned srt = port_of(line, " srt=");

	if (sscanf(line, "ready rtmp=%5u http=%5u", &rtmp, &http) != 2 || run->is_stopping)
		return;
	options->rtmp_listen.port = (uint16_t)rtmp;
	options->http_listen.port = (uint16_t)http;
	options->srt_listen.port = (uint16_t)srt;
	if (!run->has_been_ready || run->rtmp_port != rtmp || run->http_port != http || run->srt_port != srt) {
		net_lan_host(lan_host);
		print_urls(run->home, lan_host);
	} else {
		fprintf(stderr, "isaribi-node がまた動いています\nisaribi-node is running again\n");
	}
	run->rtmp_port = (uint16_t)rtmp;
	run->http_port = (uint16_t)http;
	run->srt_port = (uint16_t)srt;
	run->has_been_ready = true;
	run->is_ready = true;
	if (run->home->is_demo && run->demo.child.pid == 0)
		start_demo(run);
}

static void node_has_died(struct run *run)
{
	const char *end = run->node.child.end;
	int64_t now = now_ms();
	int32_t delay_ms;

	run->is_ready = false;
	child_signal(&run->demo.child, SIGTERM);
	run->demo.due_ms = 0;
	if (!run->has_been_ready) {
		fprintf(stderr,
		    "isaribi-node を始められませんでした（%s）。理由は上に書かれています。\n"
		    "isaribi-node could not start (%s); the reason stands above.\n",
		    end, end);
		stop(run, EXIT_FAILURE);
		return;
	}
	delay_ms = restart_after_death(&run->node.restart, now, now - run->node.started_ms);
	if (delay_ms < 0) {
		fprintf(stderr,
		    "isaribi-node が %d 秒に %d "
		    "回止まったので（%s）、あきらめます。上のログを開発者に送ってください。\n"
		    "isaribi-node has died %d times within %d s (%s): giving up. Please send the log above to the "
		    "developers.\n",
		    RESTART_WITHIN_MS / 1000, RESTART_DEATHS_MAX, end, RESTART_DEATHS_MAX, RESTART_WITHIN_MS / 1000,
		    end);
		stop(run, EXIT_FAILURE);
		return;
	}
	fprintf(stderr,
	    "isaribi-node が止まりました（%s）。%.1f 秒後に始め直します。\n"
	    "isaribi-node has died (%s); it starts again in %.1f s.\n",
	    end, delay_ms / 1000.0, end, delay_ms / 1000.0);
	run->node.due_ms = now + delay_ms;
}

static void demo_has_died(struct run *run)
{
	int64_t now = now_ms();
	int64_t ran_ms = now - run->demo.started_ms;
	int32_t delay_ms;

	if (!run->is_ready) /* for want of a node: it starts with the next one */
		return;
	if (ran_ms < EARLY_MS)
		run->demo_command.is_plain = true;
	delay_ms = restart_after_death(&run->demo.restart, now, ran_ms);
	if (delay_ms >= 0) {
		run->demo.due_ms = now + delay_ms;
		return;
	}
	fprintf(stderr,
	    "デモの映像が何度も止まるので（%s）、映像なしで続けます。\n"
	    "the demo ends again and again (%s): going on without it.\n",
	    run->demo.child.end, run->demo.child.end);
}

/* Events */

static void reap(struct run *run)
{
	/* Both first: the end of the demo is told apart by whether the node is there. */
	bool is_node_dead = child_reap(&run->node.child);
	bool is_demo_dead = child_reap(&run->demo.child);

	if (run->is_stopping)
		return;
	if (is_node_dead)
		node_has_died(run);
	if (is_demo_dead && !run->is_stopping)
		demo_has_died(run);
}

static void read_node(struct run *run)
{
	const char *line;

	while ((line = child_read_line(&run->node.child)) != NULL)
		hear_node(run, line);
}

static void read_signals(struct run *run)
{
	struct signalfd_siginfo info;

	while (read(run->signal_fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		if (info.ssi_signo == SIGHUP) {
			child_signal(&run->node.child, SIGHUP);
		} else if (info.ssi_signo != SIGCHLD && run->is_stopping) {
			kill_all(run); /* asked twice */
		} else if (info.ssi_signo != SIGCHLD) {
			fprintf(stderr, "止めています / stopping\n");
			stop(run, EXIT_SUCCESS);
		}
	}
	read_node(run);
	reap(run);
}

static void run_timers(struct run *run)
{
	int64_t now = now_ms();

	if (run->is_stopping && now >= run->stop_by_ms) {
		kill_all(run);
		run->stop_by_ms = now + STOP_WITHIN_MS;
	}
	if (run->node.due_ms != 0 && now >= run->node.due_ms)
		(void)start_node(run);
	if (run->demo.due_ms != 0 && now >= run->demo.due_ms && run->is_ready)
		start_demo(run);
}

static int next_timeout_ms(const struct run *run)
{
	const int64_t times[] = { run->is_stopping ? run->stop_by_ms : 0, run->node.due_ms, run->demo.due_ms };
	int64_t now = now_ms();
	int64_t timeout_ms = -1;

	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
		int64_t left_ms = times[i] > now ? times[i] - now : 0;

		if (times[i] != 0 && (timeout_ms < 0 || left_ms < timeout_ms))
			timeout_ms = left_ms;
	}
	return (int)timeout_ms;
}

static void supervise(struct run *run)
{
	while (!run->is_over) {
		struct pollfd fds[] = { { .fd = run->signal_fd, .events = POLLIN },
			{ .fd = run->node.child.out_fd, .events = POLLIN } };

		(void)poll(fds, 2, next_timeout_ms(run));
		if (fds[1].revents != 0)
			read_node(run);
		if (fds[0].revents != 0)
			read_signals(run);
		run_timers(run);
		if (run->is_stopping && run->node.child.pid == 0 && run->demo.child.pid == 0)
			run->is_over = true;
	}
}

/* Before the start */

static int find_node(struct run *run)
{
	char path[PATH_SIZE - 16];
	ssize_t len = readlink("/proc/self/exe", path, sizeof(path) - 1);
	char *slash;

	if (len <= 0)
		return -ENOENT;
	path[len] = '\0';
	slash = strrchr(path, '/');
	if (slash)
		*slash = '\0';
	snprintf(run->node_path, sizeof(run->node_path), "%s/isaribi-node", path);
	if (access(run->node_path, X_OK) == 0)
		return 0;
	fprintf(stderr,
	    "%s がありません。isaribi と isaribi-node は同じフォルダーに置いてください。\n"
	    "%s is missing. isaribi and isaribi-node belong into the same folder.\n",
	    run->node_path, run->node_path);
	return -ENOENT;
}

static int check_port(const struct listen_address *listen, bool is_udp, const char *option)
{
	int err = listen->is_on && listen->port != 0 ? net_try_bind(listen, is_udp) : 0;
	char address[LISTEN_TEXT_SIZE];

	if (err == 0)
		return 0;
	listen_address_format(listen, address, sizeof(address));
	if (err == -EADDRINUSE)
		fprintf(stderr,
		    "%s は別のプログラムが使っています。それを止めるか、%s で別のポートを指定してください。\n"
		    "%s is in use by another program. Stop that one, or choose another port with %s.\n",
		    address, option, address, option);
	else
		fprintf(stderr,
		    "%s で待ち受けられません（%s）。%s で別のポートを指定するか、設定の listen を直してください。\n"
		    "cannot listen on %s (%s). Choose another port with %s, or correct listen in the configuration.\n",
		    address, err_text(err), option, address, err_text(err), option);
	return err;
}

static int find_demo(struct run *run)
{
	if (!run->home->is_demo || demo_find(&run->demo_command))
		return 0;
	fprintf(stderr,
	    "デモには ffmpeg が必要です。入れるには: sudo apt-get install ffmpeg\n"
	    "the demo needs ffmpeg. To install it: sudo apt-get install ffmpeg\n");
	return -ENOENT;
}

static int open_signals(struct run *run)
{
	sigset_t signals;

	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&signals);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGHUP);
	sigaddset(&signals, SIGCHLD);
	if (sigprocmask(SIG_BLOCK, &signals, NULL) != 0)
		return -errno;
	run->signal_fd = signalfd(-1, &signals, SFD_NONBLOCK | SFD_CLOEXEC);
	return run->signal_fd >= 0 ? 0 : -errno;
}

int run_home(struct home *home)
{
	struct run run = { .home = home,
		.signal_fd = -1,
		.node.child = CHILD_NONE,
		.demo.child = CHILD_NONE,
		.exit_code = EXIT_FAILURE };

	if (find_node(&run) == 0 && find_demo(&run) == 0 &&
	    check_port(&home->options.rtmp_listen, false, "--rtmp-port") == 0 &&
	    check_port(&home->options.srt_listen, true, "--srt-port") == 0 &&
	    check_port(&home->options.http_listen, false, "--http-port") == 0 && open_signals(&run) == 0 &&
	    start_node(&run))
		supervise(&run);
	if (run.signal_fd >= 0)
		close(run.signal_fd);
	return run.exit_code;
}
