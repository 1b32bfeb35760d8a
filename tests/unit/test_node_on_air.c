/* SPDX-License-Identifier: Apache-2.0 */
#include "programs/node_on_air.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static char text[8192];

static const char *text_of(const struct node_on_air *o)
{
	struct bytes_writer w;

	bytes_writer_init_fixed(&w, (uint8_t *)text, sizeof(text) - 1);
	node_on_air_write(o, &w);
	assert_false(w.is_full);
	text[w.len] = '\0';
	return text;
}

static void take(struct node_on_air *o, const char *name, const struct event_channel *channel)
{
	const struct node_on_air_figures figures = node_on_air_copy(channel);

	node_on_air_take(o, name, &figures);
}

static void what_is_on_is_said_of_each_channel(void **state)
{
	struct event_channel channel = {
		.on = "live",
		.id = "tanaka",
		.why = "slot",
		.since_wall_ms = 1790000000500,
		.ahead_ms = -120,
		.switches = 7,
		.slate_ms = 2250,
	};
	struct node_on_air o = { 0 };

	(void)state;
	assert_null(strstr(text_of(&o), "channel=")); /* names and help are there before any channel is */
	take(&o, "@main", &channel);
	channel.id = "";
	channel.on = "slate";
	channel.why = "lost";
	take(&o, "@other", &channel);
	assert_non_null(
	    strstr(text_of(&o), "isaribi_channel_on{channel=\"main\",kind=\"live\",id=\"tanaka\",why=\"slot\"} 1\n"));
	assert_non_null(strstr(text, "isaribi_channel_on{channel=\"other\",kind=\"slate\",id=\"\",why=\"lost\"} 1\n"));
	assert_non_null(strstr(text, "isaribi_channel_since_seconds{channel=\"main\"} 1790000000.500\n"));
	assert_non_null(strstr(text, "isaribi_channel_ahead_ms{channel=\"main\"} -120.000\n"));
	assert_non_null(strstr(text, "isaribi_channel_switches_total{channel=\"main\"} 7.000\n"));
	assert_non_null(strstr(text, "isaribi_channel_slate_seconds_total{channel=\"main\"} 2.250\n"));
	channel.news = EVENT_CHANNEL_GONE;
	take(&o, "@main", &channel);
	take(&o, "@nobody", &channel);
	assert_null(strstr(text_of(&o), "\"main\""));
	assert_non_null(strstr(text, "\"other\""));
	node_on_air_fini(&o);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_on_is_said_of_each_channel),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
