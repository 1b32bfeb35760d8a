/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/tools/link_emulator/number.h"

#include "base/attr.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const struct unit {
	enum number_kind kind;
	const char *name;
	double factor;
} units[] = {
	{ NUMBER_TIME, "", 1e6 },
	{ NUMBER_TIME, "us", 1e3 },
	{ NUMBER_TIME, "ms", 1e6 },
	{ NUMBER_TIME, "s", 1e9 },
	{ NUMBER_TIME, "min", 60e9 },
	{ NUMBER_TIME, "h", 3600e9 },
	{ NUMBER_CHANCE, "", 1 },
	{ NUMBER_CHANCE, "%", 0.01 },
	{ NUMBER_RATE, "", 1 },
	{ NUMBER_RATE, "kbit", 1e3 },
	{ NUMBER_RATE, "mbit", 1e6 },
	{ NUMBER_RATE, "gbit", 1e9 },
	{ NUMBER_COUNT, "", 1 },
	{ NUMBER_BYTES, "", 1 },
};

/* The largest values that later arithmetic in 64 bits is safe with: 30 days, 100 Gb/s, 1 GB. */
static const struct kind {
	double min;
	double max;
	const char *expected;
} kinds[] = {
	[NUMBER_TIME] = { 0, 30 * 24 * 3600e9, "a time such as 40, 1.5s or 60s..180s" },
	[NUMBER_CHANCE] = { 0, 1, "a share such as 5%, 0.05 or 1%..2%" },
	[NUMBER_RATE] = { 1000, 100e9, "a rate of at least 1kbit, such as 6mbit or 3mbit..6mbit" },
	[NUMBER_COUNT] = { 1, 1e9, "a number of at least 1, such as 5" },
	[NUMBER_BYTES] = { 1, 1e9, "a number of bytes, such as 1200" },
};

static int parse_one(double *out, const char *text, size_t len, enum number_kind kind)
{
	char digits[32], *end = NULL;
	size_t n = 0;

	while (n < len && strchr("0123456789.", text[n]))
		n++;

	if (n == 0 || n >= sizeof(digits))
		return -EINVAL;
	memcpy(digits, text, n);
	digits[n] = '\0';
	*out = strtod(digits, &end);
	if (*end || end == digits)
		return -EINVAL;
	for (size_t i = 0; i < ARRAY_LEN(units); i++) {
		const struct unit *u = &units[i];

		if (u->kind != kind || strlen(u->name) != len - n || memcmp(u->name, text + n, len - n) != 0)
			continue;
		*out *= u->factor;
		return *out >= kinds[kind].min && *out <= kinds[kind].max ? 0 : -EINVAL;
	}
	return -EINVAL;
}

int number_parse(struct range *out, const char *text, enum number_kind kind)
{
	const char *dots = strstr(text, "..");
	struct range got = { 0, 0 };

	if (parse_one(&got.low, text, dots ? (size_t)(dots - text) : strlen(text), kind) < 0)
		return -EINVAL;
	got.high = got.low;
	if (dots && parse_one(&got.high, dots + 2, strlen(dots + 2), kind) < 0)
		return -EINVAL;
	if (got.high < got.low)
		return -EINVAL;
	*out = got;
	return 0;
}

const char *number_expected(enum number_kind kind)
{
	return kinds[kind].expected;
}

bool word_next(const char **text, char word[WORD_SIZE])
{
	const char *at = *text + strspn(*text, " \t\r");
	size_t len = strcspn(at, " \t\r\n#");

	*text = at + len;
	if (len == 0)
		return false;
	if (len >= WORD_SIZE)
		len = WORD_SIZE - 1;
	memcpy(word, at, len);
	word[len] = '\0';
	return true;
}
