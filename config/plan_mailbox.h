/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a new plan comes to a thread: a mailbox of references.
 *
 * Owner: as base/mailbox.h says: created and destroyed with the loop that reads it, posted to from any thread.
 * Lifetime: mailbox_destroy; plans that were never read are let go then. Not here: what the reader does with a plan.
 */
#ifndef ISARIBI_CONFIG_PLAN_MAILBOX_H
#define ISARIBI_CONFIG_PLAN_MAILBOX_H

#include <stdbool.h>

#include "base/attr.h"
#include "base/mailbox.h"

struct loop;
struct plan;

/* take is called on the loop with a struct plan ** whose reference it takes over. 0 or -ENOMEM. */
int plan_mailbox_create(struct mailbox **out, struct loop *loop, mailbox_handle_fn take, void *arg);
/* Posts a reference of its own. False: too many wait already. */
bool plan_mailbox_post(struct mailbox *plans, struct plan *plan) ATTR_NODISCARD;

#endif
