/* SPDX-License-Identifier: Apache-2.0 */
/*
 * package_flv IN.flv OUTDIR: what the packager makes of a file, written as files: index.m3u8, main.m3u8, the init
 * segments, the segments, and all.mp4 (each init segment when it changes, then every part).
 *
 * For tests with real readers (tests/tools/package_flv.sh). Frames go through the timeline as if they arrived at their
 * own times. One line a part on standard output.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "packager/cutter.h"
#include "packager/segment_store.h"
#include "tests/tools/flv_parts.h"

static const char stream_name[] = "file";
static const char epoch[] = "e1";

struct tool {
	const char *out_dir;
	FILE *all;
	struct segment_store *store;
	unsigned init_version;
	bool is_failed;
};

static void write_body(struct tool *t, const char *name, const struct body *body)
{
	char path[512];
	FILE *file;

	(void)snprintf(path, sizeof(path), "%s/%s", t->out_dir, name);
	file = fopen(path, "wb");
	if (!file) {
		t->is_failed = true;
		return;
	}
	for (size_t i = 0; i < body->piece_count; i++)
		(void)fwrite(body->pieces[i]->data, 1, body->pieces[i]->size_bytes, file);
	t->is_failed = t->is_failed || fclose(file) != 0;
}

static void write_resource(struct tool *t, const char *name)
{
	const struct segment_store_ask ask = {
		.stream = stream_name,
		.stream_len = strlen(stream_name),
		.resource = name,
		.resource_len = strlen(name),
		.query = "",
	};
	struct segment_store_found found;

	if (segment_store_find(t->store, &ask, &found) == SEGMENT_STORE_FOUND)
		write_body(t, name, found.body);
	else
		t->is_failed = true;
}

static void take_part(void *arg, struct part *p)
{
	struct tool *t = arg;
	char name[64];

	printf("part msn=%" PRIu64 " index=%" PRIu32 " start=%" PRId64 " duration=%" PRId64
	       " bytes=%zu init=%u%s%s%s%s\n",
	    p->msn, p->index, p->start_90k, p->duration_90k, p->bytes, p->init->version,
	    p->is_independent ? " independent" : "", p->is_segment_start ? " start" : "",
	    p->is_segment_end ? " end" : "", p->is_discontinuity ? " discontinuity" : "");
	if (p->init->version != t->init_version)
		(void)fwrite(p->init->bytes->data, 1, p->init->bytes->size_bytes, t->all);
	t->init_version = p->init->version;
	(void)fwrite(p->moof->data, 1, p->moof->size_bytes, t->all);
	(void)fwrite(p->mdat->data, 1, p->mdat->size_bytes, t->all);
	if (segment_store_add(t->store, stream_name, p) != 0)
		t->is_failed = true;
	(void)snprintf(name, sizeof(name), "part-%s-%" PRIu32 ".m4s", epoch, p->sequence);
	write_resource(t, name);
	if (p->is_segment_end) {
		(void)snprintf(name, sizeof(name), "seg-%s-%" PRIu64 ".m4s", epoch, p->msn);
		write_resource(t, name);
		(void)snprintf(name, sizeof(name), "init-%s-%u.mp4", epoch, p->init->version);
		write_resource(t, name);
	}
	part_unref(p);
}

static const struct cutter_config cutter_config = {
	.part_ms = 500,
	.segment_ms = 2000,
	.mono_zero_wall_ms = 1790000000000,
};

static void package(struct tool *t, const char *path)
{
	if (!flv_parts_read(path, &cutter_config, take_part, t))
		t->is_failed = true;
	(void)segment_store_note_end(t->store, stream_name, 0);
	write_resource(t, "index.m3u8");
	write_resource(t, "main.m3u8");
}

static bool begin(struct tool *t)
{
	const struct segment_store_config store = {
		.target_duration_s = cutter_target_duration_s(cutter_config.segment_ms),
	};
	const struct segment_store_begin stream = { .name = stream_name, .epoch = epoch };
	char path[512];

	(void)snprintf(path, sizeof(path), "%s/all.mp4", t->out_dir);
	t->all = fopen(path, "wb");
	t->store = segment_store_create(&store);
	return t->all && t->store && segment_store_begin(t->store, &stream) == 0;
}

int main(int argc, char **argv)
{
	struct tool t = { .out_dir = argc == 3 ? argv[2] : "" };

	if (argc != 3 || !begin(&t)) {
		(void)fprintf(stderr, "usage: package_flv IN.flv OUTDIR\n");
		return 2;
	}
	package(&t, argv[1]);
	if (fclose(t.all) != 0)
		t.is_failed = true;
	segment_store_destroy(&t.store);
	return t.is_failed ? 1 : 0;
}
