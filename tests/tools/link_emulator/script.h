/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What happens to a link and when, as text:
 *
 *   0        delay 40 jitter 10 up rate 5mbit     # at the start; bare times are milliseconds
 *   10s      up outage 2s
 *   +500     rebind                               # after the line before it
 *   repeat forever                                # times in a round count from its beginning
 *     60s..180s  freeze 150                       # a moment drawn for each round
 *   end
 *   track                                         # lines that run beside those above
 *   on storm                                      # lines that run when the command "trigger storm" comes
 *
 * A round ends with its last line; a time alone makes it longer.
 *
 * Owner: anyone; immutable once parsed. Lifetime: script_parse, script_destroy. Not here: running it (timeline.h).
 */
#ifndef ISARIBI_TESTS_TOOLS_LINK_EMULATOR_SCRIPT_H
#define ISARIBI_TESTS_TOOLS_LINK_EMULATOR_SCRIPT_H

#include "tests/tools/link_emulator/change.h"

#include <stddef.h>

enum {
	SCRIPT_MAX_BYTES = 256 * 1024,
	SCRIPT_MAX_STEPS = 2000,
	SCRIPT_MAX_TRACKS = 16,
	SCRIPT_MAX_DEPTH = 4,
	SCRIPT_FOR_EVER = -1,
};

enum step_kind {
	STEP_AT,     /* make the changes at a time */
	STEP_REPEAT, /* the steps up to its STEP_END, n_rounds times */
	STEP_END,
};

struct step {
	enum step_kind kind;
	unsigned line;
	bool is_relative; /* to the step before, else to the beginning of the round or track */
	struct range at_ns;
	long n_rounds; /* or SCRIPT_FOR_EVER */
	struct change_list *changes;
};

struct script_track {
	size_t first;
	size_t end;		 /* one behind the last */
	char trigger[WORD_SIZE]; /* empty: runs from the start */
};

struct script {
	size_t n_steps;
	size_t n_tracks;
	struct script_track tracks[SCRIPT_MAX_TRACKS];
	struct step *steps;
};

struct script_error {
	unsigned line; /* 0: of the whole */
	char text[CHANGE_ERROR_SIZE];
};

void script_destroy(struct script **script);
/* text ends in a NUL. 0; -EINVAL with an error; -ENOMEM. */
int script_parse(struct script **out, const char *text, struct script_error *error);

#endif
