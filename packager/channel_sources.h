/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The streams a channel has heard of that its plan names: their health, and whether they fit.
 *
 * Owner: the channel that embeds it. Lifetime: channel_sources_fini; a source is there until it is pruned.
 * Not here: which are on (packager/channel_switch).
 */
#ifndef ISARIBI_PACKAGER_CHANNEL_SOURCES_H
#define ISARIBI_PACKAGER_CHANNEL_SOURCES_H

#include <stdbool.h>
#include <stdint.h>

#include "config/plan.h"
#include "packager/channel_health.h"
#include "packager/channel_profile.h"
#include "packager/part.h"

struct channel_source {
	struct channel_source *next;
	char name[ID_SIZE];
	struct channel_health health;
	enum channel_misfit misfit;
	unsigned init_version; /* that was judged; 0: none */
	unsigned doubts;       /* parts in a row that were measured otherwise */
};

struct channel_sources {
	struct channel_source *first;
	uint32_t part_ms;
	const struct channel_profile *profile;
};

void channel_sources_fini(struct channel_sources *s);

/* Does the plan name this stream for the channel? plan may be NULL. */
bool channel_sources_is_named(const struct plan_channel *plan, const char *stream);
/* NULL: there is none. */
struct channel_source *channel_sources_find(const struct channel_sources *s, const char *stream);
/* Makes it when the plan names it. NULL: it does not, or memory is out. */
struct channel_source *channel_sources_get(
    struct channel_sources *s, const struct plan_channel *plan, const char *stream);
/* Those that the plan does not name go, but the two (each may be NULL). */
void channel_sources_prune(struct channel_sources *s, const struct plan_channel *plan,
    const struct channel_source *keep, const struct channel_source *keep_too);

void channel_source_begin(struct channel_source *source, int64_t now_us);
void channel_source_part(
    const struct channel_sources *s, struct channel_source *source, const struct part *part, int64_t now_us);
/* When any verdict changes if nothing more is heard; INT64_MAX: never. */
int64_t channel_sources_next_us(const struct channel_sources *s);

#endif
