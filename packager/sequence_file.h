/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the image of streams' numbers lives: a mapped file on a file system in memory, and its copy in the data
 * directory.
 *
 * Owner: one thread that may do file I/O. Lifetime: sequence_file_unmap after a map that went well. Every file is ours
 * alone: mode 0600, no links followed, nothing of another user's trusted. Not here: what the words mean.
 */
#ifndef ISARIBI_PACKAGER_SEQUENCE_FILE_H
#define ISARIBI_PACKAGER_SEQUENCE_FILE_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

enum { SEQUENCE_PATH_MAX = 256 };

struct sequence_map {
	_Atomic uint64_t *image;
	size_t words;
	int fd;
	char path[SEQUENCE_PATH_MAX];
};

/*
 * Maps memory_dir/isaribi-UID-HASH, HASH being that of data_dir, and makes the file when there is none. 0, -EWOULDBLOCK
 * (another process has it), -EPERM (something stands there that is not our file) or what the system said.
 */
int sequence_file_map(struct sequence_map *map, const char *memory_dir, const char *data_dir, size_t words);
void sequence_file_unmap(struct sequence_map *map);

/* The copy in data_dir; *image (NULL: there is none) to be freed. 0 or a negative errno. */
int sequence_file_load(const char *data_dir, size_t words_max, _Atomic uint64_t **image, size_t *words);
/* In one step: readers find the old one or the new one. */
int sequence_file_store(const char *data_dir, const _Atomic uint64_t *image, size_t words);

#endif
