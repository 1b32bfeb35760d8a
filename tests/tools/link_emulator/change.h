/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a script line or a command asks for: "delay 40 jitter 10 up loss 1% rate 5mbit".
 *
 * Parsing is pure and says what it expected. Ranges are kept and drawn when the change is made.
 *
 * Owner: anyone. Lifetime: values, nothing to free. Not here: when (script.h), and what is no setting of a direction
 * but an event of the whole link (link.h).
 */
#ifndef ISARIBI_TESTS_TOOLS_LINK_EMULATOR_CHANGE_H
#define ISARIBI_TESTS_TOOLS_LINK_EMULATOR_CHANGE_H

#include "tests/tools/link_emulator/number.h"
#include "tests/tools/link_emulator/settings.h"

enum {
	CHANGE_UP = 1,
	CHANGE_DOWN = 2,
	CHANGE_ARGS = 4,
	CHANGES_MAX = 24,
	CHANGE_ERROR_SIZE = 240,
};

enum change_key {
	CHANGE_DELAY,
	CHANGE_JITTER,
	CHANGE_ORDER,
	CHANGE_LOSS,
	CHANGE_BURST,
	CHANGE_GILBERT,
	CHANGE_REORDER,
	CHANGE_REORDER_BY,
	CHANGE_DUPLICATE,
	CHANGE_CORRUPT,
	CHANGE_RATE,
	CHANGE_QUEUE,
	CHANGE_MTU,
	CHANGE_RTO,
	CHANGE_OUTAGE,
	CHANGE_FREEZE,
	CHANGE_CUT,
	/* of the whole link */
	CHANGE_CLEAR,
	CHANGE_PROFILE,
	CHANGE_TARGET,
	CHANGE_REBIND,
	CHANGE_REBIND_TO,
	CHANGE_RESET,
};

struct change {
	enum change_key key;
	unsigned ways;
	struct range args[CHANGE_ARGS];
	char word[WORD_SIZE]; /* a name or an address */
};

struct change_list {
	size_t n;
	struct change list[CHANGES_MAX];
};

/* An empty text is an empty list. 0, or -EINVAL with a sentence in error. */
int change_list_parse(struct change_list *out, const char *text, char error[CHANGE_ERROR_SIZE]);
/* Is it one of a direction's settings? The others are for link.h. */
bool change_is_setting(const struct change *change);
/* Makes a change to a direction's settings; switches for a time end that long after now. */
void change_apply(const struct change *change, struct settings *settings, struct dice *dice, int64_t now_ns);

#endif
