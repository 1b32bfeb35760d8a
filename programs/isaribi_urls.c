/* SPDX-License-Identifier: Apache-2.0 */
#include "programs/isaribi_urls.h"

#include <stdio.h>
#include <string.h>

enum { RTMP_DEFAULT_PORT = 1935 };

/* The host of "scheme://HOST:PORT/path", with an IPv6 address in its brackets; empty when there is none. */
static void host_of(char *buf, size_t size_bytes, const char *url)
{
	const char *host = strstr(url, "://");
	size_t len;

	buf[0] = '\0';
	if (!host)
		return;
	host += 3;
	/* RFC 3986 §3.2.2: colons inside of brackets belong to the address. */
	len = host[0] == '[' ? strcspn(host, "]") + 1 : strcspn(host, ":/?#");
	if (len < size_bytes && len <= strlen(host))
		snprintf(buf, size_bytes, "%.*s", (int)len, host);
}

static int is_any(const char *host)
{
	return strcmp(host, "0.0.0.0") == 0 || strcmp(host, "::") == 0;
}

static void put_host(char *buf, size_t size_bytes, const char *host)
{
	snprintf(buf, size_bytes, strchr(host, ':') ? "[%s]" : "%s", host);
}

static void seen_host(char *buf, size_t size_bytes, const struct listen_address *listen, const char *lan_host)
{
	put_host(buf, size_bytes, is_any(listen->host) ? lan_host : listen->host);
}

void urls_local_host(char *buf, size_t size_bytes, const struct listen_address *listen)
{
	const char *host = listen->host;

	if (is_any(host))
		host = strchr(host, ':') ? "::1" : "127.0.0.1";
	put_host(buf, size_bytes, host);
}

void urls_origin_find(struct urls_origin *origin, const struct options *options, const char *lan_host)
{
	char http_host[256];

	*origin = (struct urls_origin){ .rtmp_port = options->rtmp_listen.is_on ? options->rtmp_listen.port : 0,
		.srt_port = options->srt_listen.is_on ? options->srt_listen.port : 0 };
	host_of(origin->host, sizeof(origin->host), options->media_url);
	if (origin->host[0] == '\0')
		host_of(origin->host, sizeof(origin->host), options->public_url);
	snprintf(http_host, sizeof(http_host), "%s", origin->host);
	snprintf(origin->srt_host, sizeof(origin->srt_host), "%s", origin->host);
	if (origin->host[0] == '\0') {
		seen_host(origin->host, sizeof(origin->host), &options->rtmp_listen, lan_host);
		seen_host(http_host, sizeof(http_host), &options->http_listen, lan_host);
		seen_host(origin->srt_host, sizeof(origin->srt_host), &options->srt_listen, lan_host);
	}
	if (options->media_url[0] != '\0')
		snprintf(origin->media, sizeof(origin->media), "%s", options->media_url);
	else if (options->http_listen.is_on)
		snprintf(
		    origin->media, sizeof(origin->media), "http://%.200s:%u", http_host, options->http_listen.port);
}

void urls_make(struct urls *urls, const struct urls_origin *origin, const char *stream, const char *key)
{
	char port[8] = "";

	*urls = (struct urls){ 0 };
	if (origin->rtmp_port != RTMP_DEFAULT_PORT)
		snprintf(port, sizeof(port), ":%u", origin->rtmp_port);
	if (origin->rtmp_port != 0) {
		snprintf(urls->server, sizeof(urls->server), "rtmp://%s%s/live", origin->host, port);
		snprintf(urls->rtmp, sizeof(urls->rtmp), "rtmp://%s%s/play/%s", origin->host, port, stream);
		if (key)
			snprintf(urls->publish, sizeof(urls->publish), "rtmp://%s%s/live/%s", origin->host, port, key);
	}
	if (origin->srt_port != 0) {
		snprintf(urls->srt, sizeof(urls->srt), "srt://%s:%u?streamid=request:%s", origin->srt_host,
		    origin->srt_port, stream);
		if (key)
			snprintf(urls->publish_srt, sizeof(urls->publish_srt), "srt://%s:%u?streamid=publish:%s",
			    origin->srt_host, origin->srt_port, key);
	}
	if (origin->media[0] != '\0') {
		snprintf(urls->hls, sizeof(urls->hls), "%s/hls/%s/index.m3u8", origin->media, stream);
		snprintf(urls->page, sizeof(urls->page), "%s/watch/%s", origin->media, stream);
	}
}
