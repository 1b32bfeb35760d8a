/* SPDX-License-Identifier: Apache-2.0 */
/* A server on a loop of its own, with a few answers, and a client of it. */
#ifndef ISARIBI_TESTS_UNIT_HTTP_FIXTURE_H
#define ISARIBI_TESTS_UNIT_HTTP_FIXTURE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/http.h"
#include "tests/unit/http_raw.h"

struct loop;
struct loop_timer;
struct shared;

enum {
	BIG_PIECES = 64,
	BIG_PIECE_BYTES = 128 * 1024,
	MANY = 200,
};

struct fixture {
	struct loop *loop;
	struct http_server *server;
	struct http_server_config config;
	uint16_t port;
	struct shared *big[BIG_PIECES];
	struct http_request *waiting;
	struct loop_timer *answer_timer;
	struct http_request *fed; /* is answered from the big pieces, one at a time */
	atomic_uint n_fed;
	unsigned breaks_off_at; /* 0: never */
	atomic_uint handled;
	atomic_uint gone;
	atomic_bool has_stats;
	struct http_stats stats;
	struct loop_timer *stats_timer;
};

void handle(void *arg, struct http_request *request);
void pause_ms(long ms);
struct http_stats fresh_stats(struct fixture *f);
int set_up(void **state);
int set_up_tight(void **state);
int tear_down(void **state);
int dial_with_window(struct fixture *f, int receive_bytes);
int dial(struct fixture *f);
void ask(int fd, const char *request, char *buf, size_t size);
void expect_closed(int fd);
void assert_starts(const char *text, const char *start_text);
void assert_holds(const char *text, const char *part);
void wait_gone(struct fixture *f, unsigned n);

#endif
