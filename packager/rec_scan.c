/* SPDX-License-Identifier: Apache-2.0 */
#include "packager/rec_scan.h"

#include <string.h>

#include "base/bytes.h"
#include "packager/rec_format.h"

enum {
	BOX_HEAD_BYTES = 8,
	RECORDS_AT_ONCE = 256,
};

static int open_file(const struct rec_disk *disk, const char *folder, enum rec_file kind, unsigned stretch)
{
	char path[REC_PATH_SIZE];
	int err = rec_file_path(path, folder, kind, stretch);

	return err == 0 ? disk->open(disk->arg, path) : err;
}

/* ---- the media ---- */

/* ISO/IEC 14496-12 §4.2, and we write no box of 4 GB: a size of 0 or 1 is none of ours, and ends the walk. */
static int walk_boxes(struct rec_scan *out, const struct rec_disk *disk, int fd, uint64_t size)
{
	uint64_t at = out->whole_bytes;
	bool has_moof = false;

	while (at + BOX_HEAD_BYTES <= size) {
		uint8_t head[BOX_HEAD_BYTES];
		struct bytes_reader r;
		ssize_t n = disk->read(disk->arg, fd, head, sizeof(head), at);
		uint32_t box_bytes;

		if (n < 0)
			return (int)n;
		bytes_reader_init(&r, head, (size_t)n);
		box_bytes = bytes_u32(&r);
		if (r.is_short || box_bytes < BOX_HEAD_BYTES || box_bytes > size - at)
			break;
		at += box_bytes;
		if (has_moof && memcmp(head + 4, "mdat", 4) == 0)
			out->whole_bytes = at;
		has_moof = memcmp(head + 4, "moof", 4) == 0;
	}
	out->has_rest = size > out->whole_bytes;
	return 0;
}

/* ---- the index ---- */

/* Where we are in it; fd < 0: there is none. */
struct place {
	const struct rec_disk *disk;
	int fd;
	uint64_t at;
	int64_t duration_90k; /* of what was taken */
};

typedef bool (*take_fn)(struct rec_scan *out, struct place *p, const struct rec_fragment *fragment, void *arg);

/* Hands over every record that is one, from where we are until one is not wanted: that one comes again. */
static void read_records(struct rec_scan *out, struct place *p, take_fn take, void *arg)
{
	uint8_t records[RECORDS_AT_ONCE * REC_RECORD_BYTES];
	ssize_t n;

	do {
		n = p->fd < 0 ? 0 : p->disk->read(p->disk->arg, p->fd, records, sizeof(records), p->at);
		for (ssize_t i = 0; i + REC_RECORD_BYTES <= n; i += REC_RECORD_BYTES, p->at += REC_RECORD_BYTES) {
			struct rec_fragment fragment;

			if (rec_fragment_decode(&fragment, records + i, REC_RECORD_BYTES) != PARSE_OK)
				fragment = (struct rec_fragment){ 0 }; /* without bytes it is nobody's next */
			if (!take(out, p, &fragment, arg))
				return;
		}
	} while (n == (ssize_t)sizeof(records));
}

static void count(struct rec_scan *out, struct place *p, const struct rec_fragment *fragment)
{
	if (p->duration_90k == 0)
		out->begin_wall_ms = fragment->wall_ms;
	p->duration_90k += fragment->duration_90k;
}

static uint64_t end_of(const struct rec_fragment *fragment)
{
	return fragment->offset + fragment->moof_bytes + fragment->mdat_bytes;
}

/* Only one behind the other, from the init segment on: then the end of each is the end of a fragment. */
static bool take_known(struct rec_scan *out, struct place *p, const struct rec_fragment *fragment, void *arg)
{
	const uint64_t *known_bytes = arg;

	if (fragment->moof_bytes == 0 || fragment->offset != out->whole_bytes || end_of(fragment) > *known_bytes)
		return false;
	count(out, p, fragment);
	out->whole_bytes = end_of(fragment);
	return true;
}

static bool take_whole(struct rec_scan *out, struct place *p, const struct rec_fragment *fragment, void *arg)
{
	(void)arg;
	if (fragment->moof_bytes > 0 && end_of(fragment) <= out->whole_bytes)
		count(out, p, fragment);
	return true;
}

/* Of what was called saved, as far as the index tells where its fragments end: that need not be walked. */
static void skip_known(struct rec_scan *out, struct place *p, unsigned stretch, uint64_t known_bytes)
{
	uint8_t record[REC_RECORD_BYTES];
	struct rec_index_header header;
	ssize_t n = p->fd < 0 ? 0 : p->disk->read(p->disk->arg, p->fd, record, sizeof(record), 0);

	if (n != sizeof(record) || rec_header_decode(&header, record, sizeof(record)) != PARSE_OK ||
	    header.stretch != stretch)
		return;
	out->whole_bytes = header.init_bytes;
	read_records(out, p, take_known, &known_bytes);
	if (out->whole_bytes == header.init_bytes)
		out->whole_bytes = 0;
}

/* ---- */

int rec_scan_stretch(
    struct rec_scan *out, const struct rec_disk *disk, const char *folder, unsigned stretch, uint64_t known_bytes)
{
	int fd = open_file(disk, folder, REC_FILE_MEDIA, stretch);
	struct place index = { .disk = disk, .at = REC_RECORD_BYTES };
	uint64_t size = 0;
	int err;

	*out = (struct rec_scan){ .begin_wall_ms = -1 };
	if (fd < 0)
		return fd;
	index.fd = open_file(disk, folder, REC_FILE_INDEX, stretch);
	err = disk->size(disk->arg, fd, &size);
	if (err == 0 && known_bytes <= size) /* a file that has lost some may have lost more */
		skip_known(out, &index, stretch, known_bytes);
	if (err == 0)
		err = walk_boxes(out, disk, fd, size);
	if (err == 0)
		err = disk->sync(disk->arg, fd);
	disk->close(disk->arg, fd);
	if (err == 0)
		read_records(out, &index, take_whole, NULL);
	if (index.fd >= 0)
		disk->close(disk->arg, index.fd);
	out->duration_ms = index.duration_90k / 90;
	return err;
}
