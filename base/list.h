/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A list whose nodes stand in what is listed: putting in and taking out need no memory, and taking out does not need
 * to know the list.
 *
 * Owner: whoever owns the list; a node is in one list at a time. Lifetime: a node is taken out before its memory goes.
 * A node is zeroed before its first use.
 */
#ifndef ISARIBI_BASE_LIST_H
#define ISARIBI_BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

/* A node, and likewise a list: it links to itself when it is empty. */
struct list_node {
	struct list_node *prev;
	struct list_node *next;
};

/* The object of this type whose member the node is. */
#define LIST_ENTRY(node, type, member) ((type *)(void *)((char *)(node)-offsetof(type, member)))

static inline void list_init(struct list_node *list)
{
	list->prev = list->next = list;
}

static inline bool list_is_empty(const struct list_node *list)
{
	return list->next == list;
}

static inline void list_append(struct list_node *list, struct list_node *node)
{
	node->prev = list->prev;
	node->next = list;
	list->prev->next = node;
	list->prev = node;
}

/* A node that is in no list stays so. */
static inline void list_remove(struct list_node *node)
{
	if (!node->next)
		return;
	node->prev->next = node->next;
	node->next->prev = node->prev;
	node->prev = node->next = NULL;
}

/* All of from goes behind what is in list; from is empty then. */
static inline void list_append_all(struct list_node *list, struct list_node *from)
{
	while (!list_is_empty(from)) {
		struct list_node *node = from->next;

		list_remove(node);
		list_append(list, node);
	}
}

#endif
