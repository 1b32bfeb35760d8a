/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The packaging thread: a tap on every stream, a cutter for each, and its parts on the shelf and to every sink.
 *
 * Owner: packager_create and packager_destroy belong to the composition root (before the relay's loops run, and after
 * they were joined); it runs on the loop it is given. The tap's functions are called on the streams' home loops and
 * post. Lifetime: longer than the relay's loops, shorter than the shelf. When packaging cannot keep up: frames are
 * dropped, and every stream ends its segment and goes on at a key frame. Not here: cutting (packager/cutter), names and
 * playlists (packager/segment_store), HTTP (packager/deliver).
 */
#ifndef ISARIBI_PACKAGER_PACKAGER_H
#define ISARIBI_PACKAGER_PACKAGER_H

#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "packager/cutter.h"
#include "packager/part_sink.h"
#include "packager/sequence.h"
#include "packager/shelf.h"
#include "relay/stats.h"
#include "relay/tap.h"

struct loop;
struct packager;

enum { PACKAGER_SINKS_MAX = 4 };

struct packager_config {
	struct loop *loop; /* not running yet */
	const struct clock *clock;
	struct sequence *sequence; /* borrowed; outlives the packager */
	struct shelf *shelf;
	struct part_sink sinks[PACKAGER_SINKS_MAX]; /* who else takes parts; each outlives the packager */
	size_t n_sinks;
	uint32_t part_ms;
	uint32_t segment_ms;
	struct stats *stats; /* STAT_FRAMES_UNPACKAGED and STAT_PARTS… are ours */
};

/* 0 or -ENOMEM. The shelf hears which streams are expected back. */
int packager_create(struct packager **out, const struct packager_config *config);
void packager_destroy(struct packager **p);
/* The packaging loop's last act: makes parts of all frames that were posted before. */
void packager_drain(struct packager *p);
/* What the relay calls; borrowed, valid as long as the packager. */
struct stream_tap packager_tap(struct packager *p);
#endif
