/* SPDX-License-Identifier: Apache-2.0 */
#include "config/link_url.h"

#include <assert.h>
#include <stdbool.h>
#include <string.h>

#include <sodium.h>

#include "base/attr.h"
#include "base/http_text.h"

#define SCHEME "srt://"

enum {
	PORT_MAX_DIGITS = 5,
	LATENCY_MAX_DIGITS = 5,
	VALUE_SIZE = 1024, /* longer than any member may be, so that what is too long is not taken for broken */
};

static const struct {
	const char *ja;
	const char *en;
} texts[LINK_URL_RESULTS] = {
	[LINK_URL_OK] = { "正しい URL です", "a good URL" },
	[LINK_URL_NO_HOST] = { "srt:// のあとに相手のホスト名かアドレスが必要です",
	    "expected a host name or address after srt://" },
	[LINK_URL_NO_PORT] = { "ホストのあとにポート番号（1 から 65535）が必要です（例 srt://HOST:8890）",
	    "expected a port from 1 to 65535 after the host, as in srt://HOST:8890" },
	[LINK_URL_PATH] = { "ポート番号のあとは ?streamid= などだけが書けます",
	    "expected nothing after the port but a query such as ?streamid=" },
	[LINK_URL_ESCAPE] = { "% のあとには 16 進数 2 桁が必要です", "expected two hexadecimal digits after every %" },
	[LINK_URL_STREAM_ID] = { "streamid は 512 バイトまでで、制御文字は使えません",
	    "expected a streamid of up to 512 bytes without control characters" },
	[LINK_URL_PASSPHRASE] = { "passphrase は 10 から 79 バイトが必要です",
	    "expected a passphrase of 10 to 79 bytes" },
	[LINK_URL_LATENCY] = { "latency は 20 から 8000 までの整数（ミリ秒）が必要です",
	    "expected a latency from 20 to 8000 (ms)" },
	[LINK_URL_MODE] = { "mode は caller だけが使えます", "expected mode=caller or no mode" },
};

const char *link_url_ja(enum link_url_result result)
{
	assert((unsigned)result < LINK_URL_RESULTS);
	return texts[result].ja;
}

const char *link_url_en(enum link_url_result result)
{
	assert((unsigned)result < LINK_URL_RESULTS);
	return texts[result].en;
}

static bool is_host_char(char c, bool is_in_brackets)
{
	if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '-')
		return true;
	return is_in_brackets ? c == ':' || c == '%' : c == '_';
}

/* Moves *pos behind the host; RFC 3986 §3.2.2: an address with colons stands in brackets. */
static bool read_host(char host[LINK_HOST_SIZE], const char **pos)
{
	bool is_in_brackets = **pos == '[';
	const char *begin = *pos + is_in_brackets;
	size_t len = 0;

	while (is_host_char(begin[len], is_in_brackets))
		len++;
	if (len == 0 || len >= LINK_HOST_SIZE || (is_in_brackets && begin[len] != ']'))
		return false;
	memcpy(host, begin, len);
	host[len] = '\0';
	*pos = begin + len + is_in_brackets;
	return true;
}

/* Plain digits, as many as max_digits; -1 otherwise. *n: how many there are. */
static int32_t read_number(const char *text, size_t max_digits, size_t *n)
{
	int32_t value = 0;

	*n = strspn(text, "0123456789");
	if (*n == 0 || *n > max_digits)
		return -1;
	for (size_t i = 0; i < *n; i++)
		value = value * 10 + (text[i] - '0');
	return value;
}

static bool read_port(uint16_t *port, const char **pos)
{
	size_t n;
	int32_t value = **pos == ':' ? read_number(*pos + 1, PORT_MAX_DIGITS, &n) : -1;

	if (value < 1 || value > UINT16_MAX)
		return false;
	*port = (uint16_t)value;
	*pos += 1 + n;
	return true;
}

/* Decoded; empty when it is not there. False: a broken escape, or nothing that could fit anywhere. */
static bool read_value(const char *query, const char *name, char out[VALUE_SIZE])
{
	size_t len = 0;
	const char *value = http_query_value(query, name, &len);

	out[0] = '\0';
	return !value || http_percent_decode(out, VALUE_SIZE, value, len) >= 0;
}

static enum link_url_result read_stream_id(struct link_url *out, const char *value)
{
	if (!plan_stream_id_is_valid(value, strlen(value)))
		return LINK_URL_STREAM_ID;
	memcpy(out->stream_id, value, strlen(value) + 1);
	return LINK_URL_OK;
}

static enum link_url_result read_passphrase(struct link_url *out, const char *value)
{
	size_t len = strlen(value);

	if (len < PLAN_PASSPHRASE_MIN_LEN || len >= sizeof(out->passphrase))
		return LINK_URL_PASSPHRASE;
	memcpy(out->passphrase, value, len + 1);
	return LINK_URL_OK;
}

static enum link_url_result read_latency(struct link_url *out, const char *value)
{
	size_t n;

	out->latency_ms = read_number(value, LATENCY_MAX_DIGITS, &n);
	return value[n] == '\0' && out->latency_ms >= PLAN_LATENCY_MIN_MS && out->latency_ms <= PLAN_LATENCY_MAX_MS
	    ? LINK_URL_OK
	    : LINK_URL_LATENCY;
}

static enum link_url_result read_mode(struct link_url *out, const char *value)
{
	(void)out;
	return strcmp(value, "caller") == 0 ? LINK_URL_OK : LINK_URL_MODE;
}

static enum link_url_result read_query(struct link_url *out, const char *query)
{
	static const struct {
		const char *name;
		enum link_url_result (*read)(struct link_url *out, const char *value);
	} members[] = {
		{ "streamid", read_stream_id },
		{ "passphrase", read_passphrase },
		{ "latency", read_latency },
		{ "mode", read_mode },
	};
	char value[VALUE_SIZE];
	enum link_url_result result = LINK_URL_OK;

	for (size_t i = 0; result == LINK_URL_OK && i < ARRAY_LEN(members); i++) {
		if (!read_value(query, members[i].name, value))
			result = LINK_URL_ESCAPE;
		else if (value[0] != '\0')
			result = members[i].read(out, value);
	}
	sodium_memzero(value, sizeof(value));
	return result;
}

enum link_url_result link_url_parse(struct link_url *out, const char *url)
{
	const char *pos = url + strlen(SCHEME);

	memset(out, 0, sizeof(*out));
	if (strncmp(url, SCHEME, strlen(SCHEME)) != 0 || !read_host(out->host, &pos))
		return LINK_URL_NO_HOST;
	if (!read_port(&out->port, &pos))
		return LINK_URL_NO_PORT;
	if (*pos == '/')
		pos++;
	if (*pos == '\0')
		return LINK_URL_OK;
	return *pos == '?' ? read_query(out, pos + 1) : LINK_URL_PATH;
}
