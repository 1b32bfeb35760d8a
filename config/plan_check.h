/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rules between the parts of a plan: no id and no key twice, nobody's name is a key, a channel shows one thing at a
 * time.
 *
 * Owner: anyone, pure; the plan is as it was read, not yet sorted, so that paths in errors count as the file does.
 * Lifetime: none. Not here: what a single member may be (config/plan_parse.h).
 */
#ifndef ISARIBI_CONFIG_PLAN_CHECK_H
#define ISARIBI_CONFIG_PLAN_CHECK_H

#include "config/config_error.h"
#include "config/plan.h"

/* 0; -EINVAL with errors; -ENOMEM. */
int plan_check(const struct plan *plan, const char *file, struct config_errors *errors);

#endif
