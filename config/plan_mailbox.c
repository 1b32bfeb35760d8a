/* SPDX-License-Identifier: Apache-2.0 */
#include "config/plan_mailbox.h"

#include "config/plan.h"

enum { PLANS_WAITING_MAX = 8 };

static void drop(void *item)
{
	struct plan **plan = item;

	plan_unref(*plan);
}

int plan_mailbox_create(struct mailbox **out, struct loop *loop, mailbox_handle_fn take, void *arg)
{
	const struct mailbox_config config = {
		.item_bytes = sizeof(struct plan *),
		.capacity = PLANS_WAITING_MAX,
		.handle = take,
		.drop = drop,
		.arg = arg,
	};

	return mailbox_create(out, loop, &config);
}

bool plan_mailbox_post(struct mailbox *plans, struct plan *plan)
{
	(void)plan_ref(plan);
	if (mailbox_post(plans, &plan, MAIL_DROPPABLE))
		return true;
	plan_unref(plan);
	return false;
}
