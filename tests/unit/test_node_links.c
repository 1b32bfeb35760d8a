/* SPDX-License-Identifier: Apache-2.0 */
#include "programs/node_links.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/attr.h"

enum { TEXT_SIZE = 16 * 1024 };

static const char push[] = "push far.example:9000";

/* What /metrics says now; valid until the next call. */
static const char *text_of(const struct node_links *links)
{
	static uint8_t text[TEXT_SIZE];
	struct bytes_writer w;

	bytes_writer_init_fixed(&w, text, sizeof(text) - 1);
	node_links_write(links, &w);
	assert_true(w.len < sizeof(text) - 1);
	text[w.len] = '\0';
	return (const char *)text;
}

static void says(const struct node_links *links, const char *line)
{
	if (!strstr(text_of(links), line))
		fail_msg("not said: %s\n%s", line, text_of(links));
}

static void says_not(const struct node_links *links, const char *part)
{
	if (strstr(text_of(links), part))
		fail_msg("said: %s\n%s", part, text_of(links));
}

static void go_to(struct node_links *links, enum event_call_state state, uint64_t attempts, const char *reason)
{
	const struct event_call call = { state, attempts, reason };

	node_links_call(links, "tanaka", push, &call);
}

#define PUSH_LABELS "stream=\"tanaka\",direction=\"push\",peer=\"far.example:9000\""

static void tells_where_a_call_is(void **state)
{
	struct node_links links = { 0 };

	(void)state;
	go_to(&links, EVENT_CALL_WAITING, 0, "");
	says(&links, "\nisaribi_call_up{" PUSH_LABELS "} 0\n");
	says(&links, "\nisaribi_call_state{" PUSH_LABELS ",state=\"waiting\"} 1\n");
	says(&links, "\nisaribi_call_attempts_total{" PUSH_LABELS "} 0\n");
	says_not(&links, "reason=");
	go_to(&links, EVENT_CALL_DIALLING, 1, "");
	go_to(&links, EVENT_CALL_DOWN, 1, "no answer");
	says(&links, "\nisaribi_call_state{" PUSH_LABELS ",state=\"down\"} 1\n");
	/* The reason stands while it tries again. */
	go_to(&links, EVENT_CALL_DIALLING, 2, "");
	says(&links, "\nisaribi_call_down_reason{" PUSH_LABELS ",reason=\"no answer\"} 1\n");
	go_to(&links, EVENT_CALL_UP, 2, "");
	says(&links, "\nisaribi_call_up{" PUSH_LABELS "} 1\n");
	says(&links, "\nisaribi_call_attempts_total{" PUSH_LABELS "} 2\n");
	says_not(&links, "reason=");
	go_to(&links, EVENT_CALL_GONE, 2, "");
	says_not(&links, "tanaka");
	node_links_fini(&links);
}

static void tells_the_links_of_a_stream_apart(void **state)
{
	const struct event_link of_push = { .figures = { .rtt_us = 70000 } };
	const struct event_link of_publisher = { .figures = { .rtt_us = 30000 } };
	struct node_links links = { 0 };

	(void)state;
	go_to(&links, EVENT_CALL_UP, 1, "");
	node_links_figures(&links, "tanaka", push, &of_push);
	node_links_figures(&links, "tanaka", "", &of_publisher);
	node_links_advice(&links, "tanaka", push, "link_latency", true);
	node_links_advice(&links, "tanaka", push, "link_latency", true);
	says(&links, "\nisaribi_link_rtt_us{stream=\"tanaka\",link=\"push far.example:9000\"} 70000\n");
	says(&links, "\nisaribi_link_rtt_us{stream=\"tanaka\"} 30000\n");
	says(&links,
	    "\nisaribi_link_advice{stream=\"tanaka\",link=\"push far.example:9000\",advice=\"link_latency\"} 1\n");
	node_links_forget(&links, "tanaka", "");
	says_not(&links, " 30000");
	says(&links, " 70000\n");
	node_links_advice(&links, "tanaka", push, "link_latency", false);
	says_not(&links, "advice=");
	go_to(&links, EVENT_CALL_DOWN, 1, "no answer");
	says_not(&links, " 70000");
	node_links_fini(&links);
}

static void a_late_figure_brings_no_call_back(void **state)
{
	const struct event_link figures = { .figures = { .rtt_us = 70000 } };
	struct node_links links = { 0 };

	(void)state;
	go_to(&links, EVENT_CALL_GONE, 1, "");
	node_links_figures(&links, "tanaka", push, &figures);
	node_links_advice(&links, "tanaka", push, "link_loss", true);
	says_not(&links, "tanaka");
	node_links_fini(&links);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tells_where_a_call_is),
		cmocka_unit_test(tells_the_links_of_a_stream_apart),
		cmocka_unit_test(a_late_figure_brings_no_call_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
