/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The command that publishes a moving test picture with a clock and a tone: ffmpeg, else gst-launch-1.0.
 *
 * ffmpeg reads the key from a descriptor, as the preset of its output: argv, which everybody on the machine can read,
 * does not hold it. gst-launch-1.0 knows no such way and gets the whole URL in argv; that is why the demo has a key of
 * its own, for the stream `demo`, that dies with the run.
 * Owner: the main thread. Lifetime: a value; the argv points into it. Not here: running it (isaribi_child.h).
 */
#ifndef ISARIBI_PROGRAMS_ISARIBI_DEMO_H
#define ISARIBI_PROGRAMS_ISARIBI_DEMO_H

#include <stdbool.h>

#include "programs/isaribi_child.h"

enum {
	DEMO_ARGS_MAX = 80,
	DEMO_TEXT_SIZE = 512,
};

enum demo_tool {
	DEMO_NONE,
	DEMO_FFMPEG,
	DEMO_GSTREAMER,
};

struct demo {
	enum demo_tool tool;
	const char *font; /* of ffmpeg's clock, NULL: the picture's own counter has to do. Static */
	bool is_plain;	  /* for the owner to set: without a clock, whose plugin is not everywhere */
	char url[DEMO_TEXT_SIZE];
	char filter[DEMO_TEXT_SIZE];
	char secret[DEMO_TEXT_SIZE];
	const char *argv[DEMO_ARGS_MAX];
};

/* Looks for a tool and a font. False when there is no tool. */
bool demo_find(struct demo *demo);
/* server: "rtmp://HOST:PORT/live". The spec points into the demo. */
void demo_command(struct demo *demo, const char *server, const char *key, struct child_spec *spec);

#endif
