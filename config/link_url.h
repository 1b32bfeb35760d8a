/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An srt:// URL of a push or pull taken apart: `srt://HOST:PORT?streamid=ID&passphrase=TEXT&latency=MS&mode=caller`.
 *
 * Owner: pure, any thread; nothing is allocated. Lifetime: a value; it holds secrets, the caller wipes it.
 * Host and port are required: there is no port that SRT would mean by itself. Values are percent-decoded; '#' needs no
 * escape, because a stream id begins with one, '&' does. Members of other names are read over. latency counts ms here
 * as in libsrt's own tools. We dial, so mode is caller or absent. Not here: members of the plan that stand beside the
 * URL (config/plan_parse.h).
 */
#ifndef ISARIBI_CONFIG_LINK_URL_H
#define ISARIBI_CONFIG_LINK_URL_H

#include <stdint.h>

#include "config/plan.h"

enum { LINK_HOST_SIZE = 256 };

struct link_url {
	char host[LINK_HOST_SIZE]; /* a name or an address, without brackets */
	uint16_t port;
	char stream_id[PLAN_STREAM_ID_SIZE]; /* "": none */
	char passphrase[PLAN_PASSPHRASE_SIZE];
	int32_t latency_ms; /* 0: not said */
};

enum link_url_result {
	LINK_URL_OK,
	LINK_URL_NO_HOST,
	LINK_URL_NO_PORT,
	LINK_URL_PATH, /* or anything else where "?" is wanted */
	LINK_URL_ESCAPE,
	LINK_URL_STREAM_ID,
	LINK_URL_PASSPHRASE,
	LINK_URL_LATENCY,
	LINK_URL_MODE,
	LINK_URL_RESULTS,
};

/* *out is filled as far as it was read: wipe it whatever comes back. */
enum link_url_result link_url_parse(struct link_url *out, const char *url);
/* Static; what was expected. */
const char *link_url_ja(enum link_url_result result);
const char *link_url_en(enum link_url_result result);

#endif
