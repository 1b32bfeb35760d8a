/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The folder of `isaribi run` and what the first run puts into it: configuration, plan, publish key.
 *
 *   isaribi.conf       a complete configuration, unless --config names another
 *   plan.json          one stream, the hash of one key, a view key; made once, from then on the owner's to edit
 *   publish.key        that key in clear, so that it can be shown again
 *   demo-plan.json     only while --demo runs: the same stream and `demo`, whose key lives as long as the run
 *   isaribi.lock       held while one runs
 *
 * All of them have mode 0600, the folder 0700. Owner: the main thread; blocks on files. Lifetime: a value, home_fini()
 * after. Complains on stderr itself, in both languages, about what a person can put right. Never logs the key.
 */
#ifndef ISARIBI_PROGRAMS_ISARIBI_HOME_H
#define ISARIBI_PROGRAMS_ISARIBI_HOME_H

#include <stdbool.h>

#include "config/option.h"
#include "config/plan.h"

enum { HOME_PATH_SIZE = OPTION_TEXT_SIZE + 32 };

#define HOME_DEMO_STREAM "demo"

struct home_wish {
	const char *data_dir;	 /* NULL: as configured, else the default */
	const char *config_path; /* NULL: isaribi.conf in the folder */
	const char *rtmp_port;	 /* NULL: as configured */
	const char *http_port;
	const char *srt_port;
	bool is_demo;
};

struct home {
	char dir[OPTION_TEXT_SIZE]; /* absolute */
	char config_path[4096];
	char plan_path[HOME_PATH_SIZE];
	char key_path[HOME_PATH_SIZE];
	struct options options;		/* as the node will read them */
	char stream[ID_SIZE];		/* the one to show; empty when the plan names none */
	char key[PLAN_KEY_MAX_LEN + 1]; /* in clear; empty: the plan is not ours, we do not know it */
	char demo_key[PLAN_KEY_TEXT_SIZE];
	bool is_demo;
	int lock_fd;
};

void home_fini(struct home *home); /* removes the plan of the demo, wipes the keys */
/*
 * Makes what is missing and reads what is there. Sets ISARIBI_NODE_DATA_DIR, ISARIBI_RTMP_LISTEN, ISARIBI_SRT_LISTEN
 * and ISARIBI_HTTP_LISTEN in this process's environment as wished: the node inherits them. 0 or a negative errno, said.
 */
int home_open(struct home *home, const struct home_wish *wish);

#endif
