/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A client that speaks HTTP in raw bytes over a blocking socket. What goes wrong fails the test, and so does a server
 * that is silent for WAIT_MS.
 *
 * Owner: the test's thread. Lifetime: who dials closes. Not here: a server (http_fixture.h), what an answer says.
 */
#ifndef ISARIBI_TESTS_UNIT_HTTP_RAW_H
#define ISARIBI_TESTS_UNIT_HTTP_RAW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum { WAIT_MS = 20000 };

/* A connection to this machine. receive_bytes: of the socket's buffer; 0: as usual. */
int dial_port(uint16_t port, int receive_bytes);
void say(int fd, const char *text);
/* Bytes read, 0 at the end, -1 for a reset. */
ssize_t take(int fd, char *buf, size_t size);
/* One answer with its body into buf (terminated). The length of all, or -1 when the connection ended before. */
int take_answer(int fd, char *buf, size_t size, bool is_head);
/* All that comes until the server closes, into buf (terminated), and closes fd. The length of it. */
size_t take_all(int fd, char *buf, size_t size);

#endif
