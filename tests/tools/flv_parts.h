/* SPDX-License-Identifier: Apache-2.0 */
/* The parts a cutter makes of an FLV file, whose frames go through the timeline as if they arrived at their own times.
 */
#ifndef ISARIBI_TESTS_TOOLS_FLV_PARTS_H
#define ISARIBI_TESTS_TOOLS_FLV_PARTS_H

#include <stdbool.h>

#include "packager/cutter.h"
#include "packager/part.h"

typedef void (*flv_part_fn)(void *arg, struct part *part); /* takes the reference */

/* False: the file cannot be read, or memory is out. */
bool flv_parts_read(const char *path, const struct cutter_config *config, flv_part_fn take, void *arg);

#endif
