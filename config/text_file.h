/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads a small text file whole.
 *
 * Owner: a thread that may block; never a loop thread. Lifetime: the caller frees the text.
 */
#ifndef ISARIBI_CONFIG_TEXT_FILE_H
#define ISARIBI_CONFIG_TEXT_FILE_H

#include <stddef.h>

/*
 * The content with a NUL behind it that *len does not count; free() it. -EFBIG when it is longer than max_bytes, else a
 * negative errno of open and read.
 */
int text_file_read(const char *path, size_t max_bytes, char **text, size_t *len);

#endif
