/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Numbers as scripts write them: "40", "1.5s", "5%", "6mbit", or a range "60s..180s" that is drawn when it is used.
 *
 * Owner: anyone, pure. Lifetime: values.
 */
#ifndef ISARIBI_TESTS_TOOLS_LINK_EMULATOR_NUMBER_H
#define ISARIBI_TESTS_TOOLS_LINK_EMULATOR_NUMBER_H

#include <stdbool.h>
#include <stddef.h>

enum number_kind {
	NUMBER_TIME,   /* to nanoseconds; us, ms, s, min, h; bare: ms */
	NUMBER_CHANCE, /* to 0 .. 1; "5%" or "0.05" */
	NUMBER_RATE,   /* to bits per second; kbit, mbit, gbit; bare: bits per second */
	NUMBER_COUNT,  /* at least 1 */
	NUMBER_BYTES,
};

struct range {
	double low;
	double high;
};

/* 0 or -EINVAL. */
int number_parse(struct range *out, const char *text, enum number_kind kind);
/* "a time such as 40, 1.5s or 60s..180s": what error texts say was expected. Static. */
const char *number_expected(enum number_kind kind);

enum { WORD_SIZE = 64 };

/* The next word of a text, cut at blanks; *text moves behind it. False at the end or at a '#'. Too long a word is cut.
 */
bool word_next(const char **text, char word[WORD_SIZE]);

#endif
