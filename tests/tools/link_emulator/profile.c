/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/tools/link_emulator/profile.h"

#include "base/attr.h"

#include <string.h>

#define CABLE_GOOD "delay 15 jitter 2 loss 0.01% up rate 20mbit down rate 100mbit\n"
#define LTE_FREEZES                                            \
	"track\nrepeat forever\n  60s..180s freeze 150\nend\n" \
	"track\nrepeat forever\n  20min outage 2s\nend\n"

static const struct profile profiles[] = {
	{ "cable-good", "0 " CABLE_GOOD },
	{ "cable-busy",
	    "0 delay 40 jitter 25 burst 1% 5 up rate 6mbit down rate 30mbit\n"
	    "track\nrepeat forever\n  30s up rate 3mbit..6mbit down rate 15mbit..30mbit\nend\n" },
	{ "lte", "0 delay 45 jitter 20 loss 0.5% up rate 5mbit down rate 20mbit\n" LTE_FREEZES },
	{ "sat",
	    "0 delay 30 jitter 10 loss 0.5% up rate 8mbit down rate 40mbit\n"
	    "track\nrepeat forever\n  15s delay 22..38 loss 0.5%..1.5% up rate 6mbit..8mbit down rate "
	    "30mbit..40mbit\nend\n"
	    "track\nrepeat forever\n  2min..5min outage 500..2000\nend\n" },
	/* The cable of an island for six hours, and what is left beside it. */
	{ "typhoon", "0 outage on\n6h outage off " CABLE_GOOD },
	{ "typhoon-lte", "0 delay 45 jitter 20 loss 0.5% up rate 1mbit down rate 4mbit\n" LTE_FREEZES },
};

const struct profile *profile_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(profiles); i++)
		if (strcmp(profiles[i].name, name) == 0)
			return &profiles[i];
	return NULL;
}

const struct profile *profile_at(size_t i)
{
	return i < ARRAY_LEN(profiles) ? &profiles[i] : NULL;
}
