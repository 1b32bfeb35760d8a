/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A link: two paths, the scripts that change them, and a carrier that moves the packets.
 *
 * The carrier (udp.c, tcp.c) makes packets of what it reads and offers them to a path; when they have arrived it is
 * asked to run and sends them on. A carrier between two TUN devices would be one more struct link_ops.
 *
 * Owner: the main thread. Lifetime: link_init, then a carrier's open; link_fini closes the carrier first. Time is an
 * argument.
 */
#ifndef ISARIBI_TESTS_TOOLS_LINK_EMULATOR_LINK_H
#define ISARIBI_TESTS_TOOLS_LINK_EMULATOR_LINK_H

#include "tests/tools/link_emulator/address.h"
#include "tests/tools/link_emulator/path.h"
#include "tests/tools/link_emulator/poller.h"
#include "tests/tools/link_emulator/timeline.h"

enum link_way {
	LINK_UP,   /* client to server */
	LINK_DOWN, /* server to client */
	LINK_WAYS,
};

enum {
	LINK_NAME_SIZE = 32,
	LINK_ERROR_SIZE = 320,
};

struct link;

struct link_ops {
	const char *kind;
	bool is_stream;
	/* Listens; the port is in link->port then. 0 or -errno. */
	int (*open)(struct link *link);
	void (*close)(struct link *link);
	/* Sends what has arrived. */
	void (*run)(struct link *link, int64_t now_ns);
	/* Reads everything that already waits in the sockets, so that a change does not reach back to it. */
	void (*drain)(struct link *link);
	/* After changes: connections may have to be cut. */
	void (*changed)(struct link *link, int64_t now_ns);
	/* The server sees all clients under new addresses, at this host when it is not NULL. 0 or -errno. */
	int (*rebind)(struct link *link, const struct address *host);
	void (*reset)(struct link *link);
	/* ", "name": value" pairs of its own. */
	void (*print)(const struct link *link, FILE *out);
};

struct link {
	char name[LINK_NAME_SIZE];
	const struct link_ops *ops;
	struct poller *poller;
	void *carrier; /* the ops' own */
	struct address listen;
	struct address target; /* of clients that come from now on */
	uint16_t port;
	uint64_t seed;
	struct path paths[LINK_WAYS];
	struct script *script;
	struct script *profile;
	struct timeline script_line;
	struct timeline profile_line;
	struct dice dice; /* for ranges in commands */
};

struct link_config {
	const char *name;
	const struct link_ops *ops;
	struct poller *poller;
	struct budget *budget;
	uint64_t seed;
	struct address listen;
	struct address target;
	int64_t now_ns;
};

void link_fini(struct link *link);
void link_init(struct link *link, const struct link_config *config);
/* Takes the script over and starts it. */
void link_start_script(struct link *link, struct script *script, int64_t now_ns);
/* Makes changes at this moment. 0, or -errno with a sentence in error; those before the one that failed are made. */
int link_change(struct link *link, const struct change_list *changes, int64_t now_ns, char error[LINK_ERROR_SIZE]);
size_t link_trigger(struct link *link, const char *name, int64_t now_ns);
/* Does what is due: script lines, packets. */
void link_run(struct link *link, int64_t now_ns);
int64_t link_next_ns(struct link *link, int64_t now_ns);
/* One JSON object, without a line's end. */
void link_print(const struct link *link, FILE *out);

#endif
