/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `isaribi-node rec`: list, check, repair, delete and export recordings, beside a running node or without one.
 *
 * Owner: the main thread; it may wait for the disk. Not here: the options (programs/isaribi-node.c).
 */
#ifndef ISARIBI_PROGRAMS_NODE_REC_H
#define ISARIBI_PROGRAMS_NODE_REC_H

#include <stdbool.h>
#include <stdint.h>

enum { NODE_REC_ARGUMENTS_MAX = 3 };

struct node_rec_arguments {
	const char *words[NODE_REC_ARGUMENTS_MAX]; /* what to do, ID, FILE; NULL: not given */
	bool is_forced;
	const char *data_dir;
	uint32_t segment_ms;
};

/* Is that something this can do, with as many words as it needs? */
bool node_rec_knows(const struct node_rec_arguments *args);
/* The exit status: 0, or 1 when something is wrong, said on standard error. */
int node_rec_run(const struct node_rec_arguments *args);

#endif
