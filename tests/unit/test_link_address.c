/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/tools/link_emulator/address.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void reads_numeric_addresses(void **state)
{
	static const struct {
		const char *text;
		int family; /* 0: refused */
		uint16_t port;
	} rows[] = {
		{ "127.0.0.1:9000", AF_INET, 9000 },
		{ "127.0.0.1", AF_INET, 0 },
		{ "0.0.0.0:0", AF_INET, 0 },
		{ "[::1]:65535", AF_INET6, 65535 },
		{ "[::1]", AF_INET6, 0 },
		{ "::1", AF_INET6, 0 },
		{ "127.0.0.1:65536", 0, 0 },
		{ "127.0.0.1:", 0, 0 },
		{ "127.0.0.1:-1", 0, 0 },
		{ "127.0.0.1:80x", 0, 0 },
		{ "127.0.0:80", 0, 0 },
		{ "localhost:80", 0, 0 },
		{ "[::1", 0, 0 },
		{ "[::1]80", 0, 0 },
		{ "[::g]:80", 0, 0 },
		{ "", 0, 0 },
		{ ":80", 0, 0 },
		{ "1111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111",
		    0, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct address a;
		int res = address_parse(&a, rows[i].text);

		if ((res == 0) != (rows[i].family != 0))
			fail_msg("%s", rows[i].text);
		if (res < 0)
			continue;
		assert_int_equal(a.u.any.sa_family, rows[i].family);
		assert_int_equal(address_port(&a), rows[i].port);
		assert_int_equal(address_overhead_bytes(&a), rows[i].family == AF_INET ? 28 : 48);
	}
}

static void equality_is_host_and_port(void **state)
{
	static const char *const texts[] = { "127.0.0.1:1", "127.0.0.1:2", "127.0.0.2:1", "[::1]:1", "[::1]:2",
		"[::2]:1" };

	(void)state;
	for (size_t i = 0; i < 6; i++)
		for (size_t k = 0; k < 6; k++) {
			struct address a, b;

			assert_int_equal(address_parse(&a, texts[i]) | address_parse(&b, texts[k]), 0);
			assert_int_equal(address_is_equal(&a, &b), i == k);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_numeric_addresses),
		cmocka_unit_test(equality_is_host_and_port),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
