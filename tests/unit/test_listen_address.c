/* SPDX-License-Identifier: Apache-2.0 */
#include "config/listen_address.h"

#include <errno.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void reads_and_writes(void **state)
{
	static const struct {
		const char *text;
		int want;
		const char *host;
		unsigned port;
	} rows[] = {
		{ "0.0.0.0:1935", 0, "0.0.0.0", 1935 },
		{ "127.0.0.1:0", 0, "127.0.0.1", 0 },
		{ "[::]:1935", 0, "::", 1935 },
		{ "[::1]:65535", 0, "::1", 65535 },
		{ "[fe80:0:0:0:0:0:0:1]:1", 0, "fe80:0:0:0:0:0:0:1", 1 },
		{ "", 0, "", 0 },
		{ "1935", -EINVAL, NULL, 0 },
		{ ":1935", -EINVAL, NULL, 0 },
		{ "0.0.0.0", -EINVAL, NULL, 0 },
		{ "0.0.0.0:", -EINVAL, NULL, 0 },
		{ "0.0.0.0:65536", -EINVAL, NULL, 0 },
		{ "0.0.0.0:-1", -EINVAL, NULL, 0 },
		{ "0.0.0.0:000001", -EINVAL, NULL, 0 },
		{ "0.0.0.0:19x5", -EINVAL, NULL, 0 },
		{ "::1:1935", -EINVAL, NULL, 0 },
		{ "[::1]", -EINVAL, NULL, 0 },
		{ "[0.0.0.0]:1", -EINVAL, NULL, 0 },
		{ "[]:1", -EINVAL, NULL, 0 },
		{ "[:1", -EINVAL, NULL, 0 },
		{ "localhost:1935", -EINVAL, NULL, 0 },
		{ "256.0.0.1:1", -EINVAL, NULL, 0 },
		{ "[1111111111111111111111111111111111111111111111111111111111111111111]:1", -EINVAL, NULL, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct listen_address address = { .host = "kept", .port = 7 };
		char text[LISTEN_TEXT_SIZE];

		assert_int_equal(listen_address_parse(&address, rows[i].text), rows[i].want);
		if (rows[i].want != 0) {
			assert_string_equal(address.host, "kept");
			continue;
		}
		assert_string_equal(address.host, rows[i].host);
		assert_int_equal(address.port, rows[i].port);
		assert_int_equal(address.is_on, rows[i].text[0] != '\0');
		listen_address_format(&address, text, sizeof(text));
		assert_string_equal(text, rows[i].text);
	}
}

static void clashes(void **state)
{
	static const struct {
		const char *a;
		const char *b;
		bool want;
	} rows[] = {
		{ "0.0.0.0:1", "0.0.0.0:1", true },
		{ "0.0.0.0:1", "0.0.0.0:2", false },
		{ "0.0.0.0:0", "0.0.0.0:0", false },
		{ "127.0.0.1:1", "127.0.0.2:1", false },
		{ "127.0.0.1:1", "0.0.0.0:1", true },
		{ "[::]:1", "10.0.0.1:1", true },
		{ "", "0.0.0.0:1", false },
		{ "", "", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct listen_address a;
		struct listen_address b;

		assert_int_equal(listen_address_parse(&a, rows[i].a), 0);
		assert_int_equal(listen_address_parse(&b, rows[i].b), 0);
		assert_int_equal(listen_address_is_clash(&a, &b), rows[i].want);
		assert_int_equal(listen_address_is_clash(&b, &a), rows[i].want);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_and_writes),
		cmocka_unit_test(clashes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
