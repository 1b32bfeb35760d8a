/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Commands on standard input, one a line, each answered by one line on standard output: "ok", "ok {json}" or "error
 * TEXT".
 *
 *   [NAME:] SETTINGS…   as in a script line, of one link or of all
 *   [NAME:] trigger WORD
 *   [NAME:] script FILE
 *   stats | sync | quit
 *
 * Owner: the main thread. Lifetime: control_init, control_fini. Everything that waited in the sockets is taken in
 * before a command is carried out: it meets the link as it was.
 */
#ifndef ISARIBI_TESTS_TOOLS_LINK_EMULATOR_CONTROL_H
#define ISARIBI_TESTS_TOOLS_LINK_EMULATOR_CONTROL_H

#include "tests/tools/link_emulator/link.h"

enum { CONTROL_LINE_SIZE = 4096 };

struct control {
	struct link *links; /* borrowed */
	size_t n_links;
	struct poller_watch watch;
	bool is_over; /* asked to quit, or the input has ended */
	bool is_too_long;
	size_t len;
	char line[CONTROL_LINE_SIZE];
};

/* Carries out one command (it is changed by being read) and writes the answer. */
void control_command(struct control *control, char *line, FILE *out);
/* Reads what there is; an error or the end sets is_over. */
void control_read(struct control *control, FILE *out);
/* The whole of a file as text: NULL and a sentence in error, or the caller's to free. */
char *control_read_file(const char *path, char error[LINK_ERROR_SIZE]);

#endif
