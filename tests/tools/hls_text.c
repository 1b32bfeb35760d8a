/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/tools/hls_text.h"

#include <stdlib.h>
#include <string.h>

enum { LINE_MAX_BYTES = 512 };

void hls_text_init(struct hls_text *t, const char *text, size_t len)
{
	memset(t, 0, sizeof(*t));
	t->pos = text;
	t->end = text + len;
}

static bool next_line(struct hls_text *t, char line[LINE_MAX_BYTES])
{
	const char *line_end;
	size_t len;

	if (t->pos >= t->end)
		return false;
	line_end = memchr(t->pos, '\n', (size_t)(t->end - t->pos));
	len = (size_t)((line_end ? line_end : t->end) - t->pos);
	line[0] = '\0';
	if (len < LINE_MAX_BYTES) {
		memcpy(line, t->pos, len);
		line[len] = '\0';
	}
	t->pos += len + (line_end ? 1 : 0);
	return true;
}

static const char *behind(const char *line, const char *tag)
{
	size_t len = strlen(tag);

	return strncmp(line, tag, len) == 0 ? line + len : NULL;
}

static int64_t seconds_us(const char *text)
{
	return (int64_t)(strtod(text, NULL) * 1e6 + 0.5);
}

/* URI="..." of an attribute list. */
static void copy_uri(char uri[HLS_URI_MAX], const char *attributes)
{
	const char *from = strstr(attributes, "URI=\"");
	size_t len = from ? strcspn(from + 5, "\"") : HLS_URI_MAX;

	uri[0] = '\0';
	if (len >= HLS_URI_MAX)
		return;
	memcpy(uri, from + 5, len);
	uri[len] = '\0';
}

static int64_t duration_of(const char *attributes, const char *name)
{
	const char *at = strstr(attributes, name);

	return at ? seconds_us(at + strlen(name)) : 0;
}

static enum hls_item_kind read_part(struct hls_text *t, const char *attributes, struct hls_item *item)
{
	item->kind = HLS_PART;
	item->msn = t->msn;
	item->part = t->part++;
	item->duration_us = duration_of(attributes, "DURATION=");
	item->is_independent = strstr(attributes, "INDEPENDENT=YES") != NULL;
	copy_uri(item->uri, attributes);
	return HLS_PART;
}

static enum hls_item_kind read_segment(struct hls_text *t, const char *line, struct hls_item *item)
{
	item->kind = HLS_SEGMENT;
	item->msn = t->msn++;
	item->part = HLS_WHOLE_SEGMENT;
	item->duration_us = t->duration_us;
	if (strlen(line) < HLS_URI_MAX)
		memcpy(item->uri, line, strlen(line) + 1);
	t->part = 0;
	return HLS_SEGMENT;
}

/* Lines that are no item themselves. */
static void read_header(struct hls_text *t, const char *line)
{
	const char *value;

	if ((value = behind(line, "#EXTINF:")))
		t->duration_us = seconds_us(value);
	else if ((value = behind(line, "#EXT-X-MEDIA-SEQUENCE:")))
		t->msn = strtoull(value, NULL, 10);
	else if ((value = behind(line, "#EXT-X-TARGETDURATION:")))
		t->target_s = (unsigned)strtoul(value, NULL, 10);
	else if ((value = behind(line, "#EXT-X-PART-INF:")))
		t->part_target_us = duration_of(value, "PART-TARGET=");
	else if ((value = behind(line, "#EXT-X-SKIP:SKIPPED-SEGMENTS=")))
		t->msn += strtoull(value, NULL, 10);
	else if (behind(line, "#EXT-X-ENDLIST"))
		t->is_ended = true;
}

enum hls_item_kind hls_text_next(struct hls_text *t, struct hls_item *item)
{
	char line[LINE_MAX_BYTES];
	const char *value;

	memset(item, 0, sizeof(*item));
	while (next_line(t, line)) {
		if ((value = behind(line, "#EXT-X-PART:")))
			return read_part(t, value, item);
		if ((value = behind(line, "#EXT-X-PRELOAD-HINT:"))) {
			copy_uri(item->uri, value);
			return item->kind = HLS_HINT;
		}
		if (line[0] != '#' && line[0] != '\0')
			return read_segment(t, line, item);
		read_header(t, line);
	}
	return HLS_END;
}
