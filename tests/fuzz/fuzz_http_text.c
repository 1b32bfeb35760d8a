/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a browser may write into a request: paths, queries and the headers we look at. Oracles: nothing is allocated; a
 * decoded path that is clean has no way out of its tree; what a path names lies inside it and holds no slash; a name is
 * accepted only in the one spelling that we write.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/http_text.h"
#include "packager/deliver_path.h"
#include "packager/playlist.h"
#include "tests/fuzz/fuzz.h"

enum { TEXT_MAX_BYTES = 4096 };

static bool lies_in(const char *part, size_t len, const char *text)
{
	return len > 0 && part >= text && part + len <= text + strlen(text) && !memchr(part, '/', len);
}

static void check_name(const char *text, size_t len)
{
	static const char *const words[][2] = {
		[PLAYLIST_INIT] = { "init", "mp4" },
		[PLAYLIST_SEGMENT] = { "seg", "m4s" },
		[PLAYLIST_PART] = { "part", "m4s" },
	};
	struct playlist_name name = playlist_name_parse(text, len);
	char spelled[128];
	int n = 0;

	switch (name.kind) {
	case PLAYLIST_NONE: return;
	case PLAYLIST_MAIN: n = snprintf(spelled, sizeof(spelled), "index.m3u8"); break;
	case PLAYLIST_MEDIA: n = snprintf(spelled, sizeof(spelled), "main.m3u8"); break;
	case PLAYLIST_INIT:
	case PLAYLIST_SEGMENT:
	case PLAYLIST_PART:
		FUZZ_CHECK(name.epoch_len > 0 && name.epoch_len < PLAYLIST_EPOCH_MAX);
		n = snprintf(spelled, sizeof(spelled), "%s-%.*s-%" PRIu64 ".%s", words[name.kind][0],
		    (int)name.epoch_len, name.epoch, name.number, words[name.kind][1]);
		break;
	}
	FUZZ_CHECK((size_t)n == len && memcmp(spelled, text, len) == 0);
}

static void check_path(const char *rest)
{
	for (int has_resource = 0; has_resource < 2; has_resource++) {
		struct deliver_path path;

		if (!deliver_path_parse(&path, rest, has_resource != 0))
			continue;
		FUZZ_CHECK(lies_in(path.stream, path.stream_len, rest));
		FUZZ_CHECK((path.resource != NULL) == (has_resource != 0));
		if (path.resource) {
			FUZZ_CHECK(lies_in(path.resource, path.resource_len, rest));
			check_name(path.resource, path.resource_len);
		}
		if (path.token)
			FUZZ_CHECK(lies_in(path.token, path.token_len, rest) && strncmp(rest, "t/", 2) == 0);
	}
}

static void check_clean(const char *path)
{
	size_t len = strlen(path);

	FUZZ_CHECK(path[0] == '/' && !strstr(path, "/../") && !strstr(path, "/./") && !strstr(path, "//"));
	FUZZ_CHECK(!strchr(path, '\\') && !strchr(path, '\n') && !strchr(path, '\r'));
	FUZZ_CHECK(len < 3 || strcmp(path + len - 3, "/..") != 0);
	check_path(path + 1);
	if (strncmp(path, "/hls/", 5) == 0)
		check_path(path + 5);
}

static void try_decode(const char *text, size_t len)
{
	static char out[TEXT_MAX_BYTES + 1];
	char small[16];
	int n = http_percent_decode(out, sizeof(out), text, len);
	int n_small = http_percent_decode(small, sizeof(small), text, len);

	FUZZ_CHECK(n_small == -1 || (n_small == n && strcmp(small, out) == 0));
	if (n < 0)
		return;
	FUZZ_CHECK((size_t)n <= len && strlen(out) == (size_t)n);
	if (http_path_is_clean(out, (size_t)n))
		check_clean(out);
}

static void try_headers(const char *text)
{
	static const char *const names[] = { "token", "a", "_HLS_msn" };
	size_t len = strlen(text);

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		size_t value_len = 0;
		const char *value = http_query_value(text, names[i], &value_len);

		if (value) {
			FUZZ_CHECK(value >= text + strlen(names[i]) && value + value_len <= text + len);
			FUZZ_CHECK(!memchr(value, '&', value_len));
		}
	}
	(void)http_accepts_gzip(text);
	if (http_etag_matches(text, "\"abc-1\""))
		FUZZ_CHECK(strchr(text, '*') || strstr(text, "\"abc-1\""));
	switch (http_length_kind(text)) {
	case HTTP_LENGTH_BAD: break;
	case HTTP_LENGTH_ZERO: FUZZ_CHECK(strspn(text, "0") == len && len > 0); break;
	case HTTP_LENGTH_POSITIVE: FUZZ_CHECK(strspn(text, "0123456789") == len && len > 0); break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static char text[TEXT_MAX_BYTES + 1];

	if (len > TEXT_MAX_BYTES)
		return 0;
	fuzz_heap_begin();
	if (len > 0)
		memcpy(text, data, len);
	text[len] = '\0';
	/* those with a length get the block of the very size, so that a step beyond it shows */
	try_decode((const char *)data, len);
	if (http_path_is_clean((const char *)data, len) && strlen(text) == len)
		check_clean(text);
	check_name((const char *)data, len);
	check_path(text);
	try_headers(text);
	FUZZ_CHECK(fuzz_heap_peak() == 0);
	return 0;
}
