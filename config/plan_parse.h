/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON to plan.
 *
 * Owner: a thread that may block; a plan of 8 MB takes a while. Lifetime: the caller holds the one reference to the new
 * plan. Text is bounded before a tree is made of it (config/plan_scan.h), and no name may be twice in an object. A tree
 * of jansson takes up to 71 x its text ("{},{},{}"; 42 x for members), so the bound is an absolute one: below 8 x
 * PLAN_FILE_MAX_BYTES. An element without its id or stream takes no place beside that. Secrets in the tree are wiped
 * before it is freed; errors never hold one. Unknown members are ignored. Not here: rules between the parts of a plan
 * (config/plan_check.h).
 */
#ifndef ISARIBI_CONFIG_PLAN_PARSE_H
#define ISARIBI_CONFIG_PLAN_PARSE_H

#include <stddef.h>

#include "config/config_error.h"
#include "config/plan.h"

enum { PLAN_FILE_MAX_BYTES = 8 * 1024 * 1024 };

/*
 * 0 and the plan; -EINVAL with errors; -EFBIG or -ENOMEM (in errors, too). *out is set only on success. file is the
 * name for errors, NULL: none.
 */
int plan_parse(struct plan **out, const char *text, size_t len, const char *file, struct config_errors *errors);
/* The same from a file; another negative errno when it cannot be read (in errors, too). */
int plan_load_file(struct plan **out, const char *path, struct config_errors *errors);

#endif
