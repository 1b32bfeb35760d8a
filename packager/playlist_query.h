/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a player asks of a media playlist beside its name: RFC 8216bis §6.2.5, delivery directives. Pure.
 *
 * Owner: the caller. Lifetime: nothing is kept. Not here: when they are fulfilled (packager/live_edge.h).
 */
#ifndef ISARIBI_PACKAGER_PLAYLIST_QUERY_H
#define ISARIBI_PACKAGER_PLAYLIST_QUERY_H

#include <stdbool.h>
#include <stdint.h>

struct playlist_query {
	bool has_msn;
	bool has_part;	  /* never without has_msn */
	bool wants_delta; /* _HLS_skip=YES or v2 */
	uint64_t msn;
	uint64_t part;
};

/*
 * query: what follows the '?', "" for nothing. False when a directive is written wrongly, stands there twice, or names
 * a part without its segment. Other members are none of ours.
 */
bool playlist_query_parse(struct playlist_query *out, const char *query);

#endif
