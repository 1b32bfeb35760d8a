/* SPDX-License-Identifier: Apache-2.0 */
#include "packager/rec_scan.h"

#include <string.h>

#include "base/bytes.h"
#include "packager/rec_format.h"

enum {
	BOX_HEAD_BYTES = 8,
	RECORDS_AT_ONCE = 64,
};

static int open_file(const struct rec_disk *disk, const char *folder, enum rec_file kind, unsigned stretch)
{
	char path[REC_PATH_SIZE];
	int err = rec_file_path(path, folder, kind, stretch);

	return err == 0 ? disk->open(disk->arg, path) : err;
}

/* ISO/IEC 14496-12 §4.2, and we write no box of 4 GB: a size of 0 or 1 is none of ours, and ends the walk. */
static int walk_boxes(struct rec_scan *out, const struct rec_disk *disk, int fd, uint64_t size)
{
	bool has_moof = false;
	uint64_t at = 0;

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

static void take_record(struct rec_scan *out, int64_t *duration_90k, const uint8_t *record)
{
	struct rec_fragment fragment;

	if (rec_fragment_decode(&fragment, record, REC_RECORD_BYTES) != PARSE_OK ||
	    fragment.offset + fragment.moof_bytes + fragment.mdat_bytes > out->whole_bytes)
		return;
	if (*duration_90k == 0)
		out->begin_wall_ms = fragment.wall_ms;
	*duration_90k += fragment.duration_90k;
}

static void read_index(struct rec_scan *out, const struct rec_disk *disk, int fd)
{
	uint8_t records[RECORDS_AT_ONCE * REC_RECORD_BYTES];
	int64_t duration_90k = 0;
	uint64_t at = REC_RECORD_BYTES;
	ssize_t n;

	do {
		n = disk->read(disk->arg, fd, records, sizeof(records), at);
		for (ssize_t i = 0; i + REC_RECORD_BYTES <= n; i += REC_RECORD_BYTES)
			take_record(out, &duration_90k, records + i);
		at += sizeof(records);
	} while (n == (ssize_t)sizeof(records));
	out->duration_ms = duration_90k / 90;
}

int rec_scan_stretch(struct rec_scan *out, const struct rec_disk *disk, const char *folder, unsigned stretch)
{
	uint64_t size = 0;
	int fd = open_file(disk, folder, REC_FILE_MEDIA, stretch);
	int err;

	*out = (struct rec_scan){ .begin_wall_ms = -1 };
	if (fd < 0)
		return fd;
	err = disk->size(disk->arg, fd, &size);
	if (err == 0)
		err = walk_boxes(out, disk, fd, size);
	if (err == 0)
		err = disk->sync(disk->arg, fd);
	disk->close(disk->arg, fd);
	if (err != 0)
		return err;
	fd = open_file(disk, folder, REC_FILE_INDEX, stretch);
	if (fd >= 0) {
		read_index(out, disk, fd);
		disk->close(disk->arg, fd);
	}
	return 0;
}
