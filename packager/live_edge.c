/* SPDX-License-Identifier: Apache-2.0 */
#include "packager/live_edge.h"

unsigned live_edge_advance_parts(unsigned part_ms)
{
	return part_ms >= 1000 ? 3 : (3000 + part_ms - 1) / part_ms;
}

/* RFC 8216bis §6.2.5.2: with a part past the end of its segment, the first one of the next segment will do. */
static bool is_in_playlist(const struct live_edge *e, const struct playlist_query *q)
{
	if (!q->has_part)
		return q->msn <= e->last_msn;
	return q->msn < e->newest_msn || (q->msn == e->newest_msn && q->part < e->newest_part_count);
}

static bool is_too_far(const struct live_edge *e, const struct playlist_query *q)
{
	size_t there = q->msn == e->newest_msn ? e->newest_part_count : 0;

	if (q->msn > e->last_msn && q->msn - e->last_msn > 2)
		return true;
	return q->has_part && q->part >= there + e->advance_parts;
}

enum live_answer live_edge_judge_playlist(const struct live_edge *e, const struct playlist_query *q)
{
	if (e->is_ended)
		return e->has_playlist ? LIVE_NOW : LIVE_NEVER;
	/* It is about to be there. Who asks may have read one from before a restart, and would take a 404 for the end.
	 */
	if (!e->has_playlist)
		return LIVE_LATER;
	/* A player that reloads plainly and finds nothing it knows looks for a place that is some segments from the
	 * end. */
	if (!q->has_msn)
		return e->is_short ? LIVE_LATER : LIVE_NOW;
	if (is_in_playlist(e, q))
		return LIVE_NOW;
	return is_too_far(e, q) ? LIVE_TOO_FAR : LIVE_LATER;
}

enum live_answer live_edge_judge_part(const struct live_edge *e, uint64_t sequence)
{
	if (e->is_ended)
		return LIVE_NEVER;
	if (e->newest_sequence == 0)
		return LIVE_LATER;
	return sequence == (uint64_t)e->newest_sequence + 1 ? LIVE_LATER : LIVE_NEVER;
}
