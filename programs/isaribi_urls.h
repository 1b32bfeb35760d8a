/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a person types into a phone, a player or a browser, as text.
 *
 * Owner: anyone, pure. Lifetime: values. The publish URLs hold a key: they go to the terminal and nowhere else.
 * The stream id of an srt:// URL is the short form, "publish:KEY": it has nothing that a shell, a QR code or a field
 * for URLs would take for something else. Not here: finding the machine's address (isaribi_net.h).
 */
#ifndef ISARIBI_PROGRAMS_ISARIBI_URLS_H
#define ISARIBI_PROGRAMS_ISARIBI_URLS_H

#include <stddef.h>
#include <stdint.h>

#include "config/option.h"

enum { URL_TEXT_SIZE = 512 };

struct urls_origin {
	char host[256];			   /* of rtmp://; an IPv6 address in brackets */
	uint16_t rtmp_port;		   /* 0: off */
	char srt_host[256];		   /* of srt:// */
	uint16_t srt_port;		   /* 0: off */
	char media[OPTION_TEXT_SIZE + 64]; /* "http://HOST:PORT", without a '/' at its end; empty: off */
};

struct urls {
	char server[URL_TEXT_SIZE];  /* rtmp://HOST/live: what OBS and Larix call server */
	char publish[URL_TEXT_SIZE]; /* with the key; empty when there is none */
	char publish_srt[URL_TEXT_SIZE];
	char rtmp[URL_TEXT_SIZE];
	char srt[URL_TEXT_SIZE];
	char hls[URL_TEXT_SIZE];
	char page[URL_TEXT_SIZE];
};

/*
 * Where a node with these options and ports is seen from: the host of media_url, else of public_url, else the address
 * it listens on, else, when that is any, lan_host (numeric IPv4).
 */
void urls_origin_find(struct urls_origin *origin, const struct options *options, const char *lan_host);
/* An address to reach a listener on this machine, fit for a URL: 127.0.0.1 for 0.0.0.0, [::1] for ::. */
void urls_local_host(char *buf, size_t size_bytes, const struct listen_address *listen);
/* stream: an id. key NULL: no publish URL. What is off stays empty. */
void urls_make(struct urls *urls, const struct urls_origin *origin, const char *stream, const char *key);

#endif
