/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a test client connects to, and the plumbing of non-blocking sockets around it.
 *
 * Owner: one thread. Lifetime: endpoint_parse fills the caller's memory; the strings live inside it.
 */
#ifndef ISARIBI_TESTS_TOOLS_ENDPOINT_H
#define ISARIBI_TESTS_TOOLS_ENDPOINT_H

#include "base/bytes.h"

#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>

struct endpoint {
	struct sockaddr_in address;
	char app[128];
	char tc_url[256];
	char stream[256];
	bool is_tls; /* rtmps: how its bytes get through is the caller's affair */
};

/* rtmp://A.B.C.D:PORT/APP/STREAM, or rtmps, with a numeric address; 0 or -EINVAL. */
int endpoint_parse(struct endpoint *e, const char *url);
/* "{n}" in the pattern becomes the number. */
void endpoint_number(const char *pattern, size_t n, char *buf, size_t size_bytes);
/* The n-th stream of a URL: "{n}" in its last part becomes the number. */
void endpoint_stream_name(const struct endpoint *e, size_t n, char *buf, size_t size_bytes);
/* A non-blocking socket whose connect has begun, or a negative errno. */
int endpoint_connect(const struct endpoint *e);
/* Writes what it can and keeps the rest in w; 0 or a negative errno. */
int endpoint_flush(int fd, struct bytes_writer *w);
/* As many sockets as the machine lets a process have. */
void endpoint_raise_descriptor_limit(void);
/* How many of n clients are to have begun, evenly over ramp_us; 0: all at once. */
size_t endpoint_due(size_t n, int64_t elapsed_us, int64_t ramp_us);
int64_t endpoint_now_us(void); /* monotonic */
int64_t endpoint_cpu_us(void); /* of this process */

#endif
