/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The routes of the node's HTTP: HLS out of the segment store, recordings, health, metrics, the play page.
 *
 * Owner: the delivery thread, whose loop it is opened on and who owns the store. Lifetime: closed before the store.
 * Not here: the server (base/http.h), what is in the store (packager/segment_store.h), who may see a stream (may_play).
 *
 * A new route is one line in the table at the end of deliver.c. Tokens are never logged; nothing here logs a path.
 */
#ifndef ISARIBI_PACKAGER_DELIVER_H
#define ISARIBI_PACKAGER_DELIVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bytes_writer;
struct deliver;
struct deliver_clip;
struct loop;
struct rec_library;
struct segment_store;

struct deliver_config {
	const char *host;
	uint16_t port;		  /* 0: any */
	unsigned max_connections; /* 0: the server's default */
	/*
	 * May this stream be seen with this token (NULL: none, for a public stream)? Asked on the delivery thread for
	 * every request, known stream or not. token is not terminated. NULL: everything may.
	 */
	bool (*may_play)(void *arg, const char *stream, const char *token, size_t token_len);
	/* Recordings, clips and time shift; NULL: none. It outlives what is opened here. */
	struct rec_library *recordings;
	/* The plan's clip of that name; false: there is none. NULL: there are none at all. */
	bool (*find_clip)(void *arg, const char *id, struct deliver_clip *out);
	/* Is what this stream or clip showed at that time not to be seen any more? NULL: never. */
	bool (*is_taken_down)(void *arg, const char *id, int64_t wall_ms);
	/* Appends lines in Prometheus' text format; NULL: none. */
	void (*write_metrics)(void *arg, struct bytes_writer *w);
	void *arg;
};

/* 0 or a negative errno. */
int deliver_open(
    struct deliver **out, struct loop *loop, struct segment_store *store, const struct deliver_config *config);
void deliver_close(struct deliver **deliver);
uint16_t deliver_port(const struct deliver *deliver);

#endif
