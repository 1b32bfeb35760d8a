/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/tools/flv_parts.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/bytes.h"
#include "media/flv.h"
#include "media/timeline.h"

enum {
	TAG_AUDIO = 8,
	TAG_VIDEO = 9,
	TAG_HEADER_BYTES = 11,
	FILE_HEADER_BYTES = 13,
};

struct reader {
	struct flv_parser parser;
	struct timeline timeline;
	struct cutter *cutter;
	flv_part_fn take;
	void *arg;
	bool is_failed;
};

static void drain(struct reader *f)
{
	struct part *part;

	do {
		if (cutter_pop(f->cutter, &part) != 0)
			f->is_failed = true;
		if (part)
			f->take(f->arg, part);
	} while (part);
}

static void take_tag(struct reader *f, unsigned type, const struct flv_message *m)
{
	struct flv_parsed parsed = { 0 };

	if (type == TAG_VIDEO)
		(void)flv_parse_video(&f->parser, m, &parsed);
	else if (type == TAG_AUDIO)
		(void)flv_parse_audio(&f->parser, m, &parsed);
	if (!parsed.frame)
		return;
	timeline_stamp(&f->timeline, parsed.frame);
	cutter_push(f->cutter, parsed.frame);
	frame_unref(parsed.frame);
	drain(f);
}

/* FLV 10.1 §E.4.1 */
static void take_tags(struct reader *f, const uint8_t *data, size_t len)
{
	struct bytes_reader r;

	bytes_reader_init(&r, data, len);
	bytes_skip(&r, FILE_HEADER_BYTES);
	while (bytes_left(&r) >= TAG_HEADER_BYTES) {
		unsigned type = bytes_u8(&r);
		struct flv_message m = { .len = bytes_u24(&r) };

		m.timestamp_ms = bytes_u24(&r);
		m.timestamp_ms |= (uint32_t)bytes_u8(&r) << 24;
		m.arrival_us = (int64_t)m.timestamp_ms * 1000;
		bytes_skip(&r, 3);
		m.body = bytes_take(&r, m.len);
		bytes_skip(&r, 4);
		if (m.body)
			take_tag(f, type, &m);
	}
}

static uint8_t *read_all(const char *path, size_t *len)
{
	FILE *file = fopen(path, "rb");
	uint8_t *data = NULL;
	long size;

	if (!file)
		return NULL;
	if (fseek(file, 0, SEEK_END) == 0 && (size = ftell(file)) > 0 && fseek(file, 0, SEEK_SET) == 0) {
		*len = (size_t)size;
		data = malloc(*len);
		if (data && fread(data, 1, *len, file) != *len) {
			free(data);
			data = NULL;
		}
	}
	(void)fclose(file);
	return data;
}

bool flv_parts_read(const char *path, const struct cutter_config *config, flv_part_fn take, void *arg)
{
	struct reader f = { .cutter = cutter_create(config), .take = take, .arg = arg };
	size_t len = 0;
	uint8_t *data = read_all(path, &len);

	f.is_failed = !data || !f.cutter;
	if (!f.is_failed) {
		flv_parser_init(&f.parser);
		timeline_init(&f.timeline);
		timeline_begin_publisher(&f.timeline, TIMELINE_MODULUS_RTMP);
		take_tags(&f, data, len);
		cutter_flush(f.cutter);
		drain(&f);
		flv_parser_fini(&f.parser);
	}
	cutter_destroy(&f.cutter);
	free(data);
	return !f.is_failed;
}
