/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/tools/link_emulator/script.h"

#include "base/attr.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	LINE_SIZE = 1024,
	MAX_ROUNDS = 1000000,
};

/* A round may take no less: a loop without time would never end. */
static const double MIN_ROUND_NS = 1e6;

/* A track or a round that is being read. */
struct level {
	double last_low_ns; /* of the last time that counted from its beginning */
	double length_ns;   /* the least it can take */
	bool is_over;	    /* behind a loop without end */
	unsigned line;
	long n_rounds;
};

struct parser {
	struct script *script;
	struct script_error *error;
	unsigned line;
	size_t depth;
	struct level levels[SCRIPT_MAX_DEPTH + 1];
};

void script_destroy(struct script **script)
{
	if (!*script)
		return;
	for (size_t i = 0; i < (*script)->n_steps; i++)
		free((*script)->steps[i].changes);
	free((*script)->steps);
	free(*script);
	*script = NULL;
}

static ATTR_PRINTF(2, 3) int fail(struct parser *p, const char *format, ...)
{
	va_list args;

	p->error->line = p->line;
	va_start(args, format);
	vsnprintf(p->error->text, sizeof(p->error->text), format, args);
	va_end(args);
	return -EINVAL;
}

static struct level *here(struct parser *p)
{
	return &p->levels[p->depth];
}

static struct step *add_step(struct parser *p, enum step_kind kind)
{
	struct step *step = NULL;

	if (p->script->n_steps == SCRIPT_MAX_STEPS) {
		fail(p, "expected at most %d lines that do something", SCRIPT_MAX_STEPS);
		return NULL;
	}
	step = &p->script->steps[p->script->n_steps++];
	*step = (struct step){ .kind = kind, .line = p->line };
	return step;
}

static int expect_end_of_line(struct parser *p, const char *rest)
{
	char word[WORD_SIZE];

	return word_next(&rest, word) ? fail(p, "expected the end of the line, found \"%.40s\"", word) : 0;
}

/* A time and perhaps settings. */
static int parse_at(struct parser *p, const char *first, const char *rest)
{
	bool is_relative = first[0] == '+';
	struct level *level = here(p);
	struct range at = { 0, 0 };
	char why[CHANGE_ERROR_SIZE];
	struct step *step = NULL;

	if (number_parse(&at, first + is_relative, NUMBER_TIME) < 0)
		return fail(p,
		    "expected a time such as 40, 1.5s, +200 or 60s..180s, or repeat, end, track, on; found \"%.40s\"",
		    first);
	if (level->is_over)
		return fail(p, "expected track, on or the end: the loop above never ends");
	if (!is_relative && at.low < level->last_low_ns)
		return fail(p, "expected a time not before the line above it (%g ms)", level->last_low_ns / 1e6);
	step = add_step(p, STEP_AT);
	if (!step)
		return -EINVAL;
	step->is_relative = is_relative;
	step->at_ns = at;
	step->changes = malloc(sizeof(*step->changes));
	if (!step->changes)
		return -ENOMEM;
	if (change_list_parse(step->changes, rest, why) < 0)
		return fail(p, "%s", why);
	if (is_relative)
		level->length_ns += at.low;
	else if (at.low > level->length_ns)
		level->length_ns = at.low;
	if (!is_relative)
		level->last_low_ns = at.low;
	return 0;
}

static int parse_repeat(struct parser *p, const char *rest)
{
	char word[WORD_SIZE] = "";
	long n_rounds = SCRIPT_FOR_EVER;
	char *end = NULL;
	struct step *step = NULL;

	word_next(&rest, word);
	if (strcmp(word, "forever") != 0) {
		n_rounds = strtol(word, &end, 10);
		if (end == word || *end || n_rounds < 1 || n_rounds > MAX_ROUNDS)
			return fail(p, "expected repeat forever, or repeat with a number from 1 to %d", MAX_ROUNDS);
	}
	if (p->depth == SCRIPT_MAX_DEPTH)
		return fail(p, "expected at most %d loops inside each other", SCRIPT_MAX_DEPTH);
	if (here(p)->is_over)
		return fail(p, "expected track, on or the end: the loop above never ends");
	step = add_step(p, STEP_REPEAT);
	if (!step)
		return -EINVAL;
	step->n_rounds = n_rounds;
	p->depth++;
	*here(p) = (struct level){ .line = p->line, .n_rounds = n_rounds };
	return expect_end_of_line(p, rest);
}

static int parse_end(struct parser *p, const char *rest)
{
	struct level inner = *here(p);

	if (p->depth == 0)
		return fail(p, "expected no end: there is no repeat to end");
	if (!inner.is_over && inner.length_ns < MIN_ROUND_NS)
		return fail(p, "expected a round of at least 1 ms: a last line with a time above 0");
	if (!add_step(p, STEP_END))
		return -EINVAL;
	p->depth--;
	here(p)->is_over = inner.n_rounds == SCRIPT_FOR_EVER || inner.is_over;
	if (!here(p)->is_over)
		here(p)->length_ns += inner.length_ns * (double)inner.n_rounds;
	return expect_end_of_line(p, rest);
}

static int close_track(struct parser *p)
{
	if (p->depth > 0)
		return fail(p, "expected an end for the repeat in line %u", here(p)->line);
	p->script->tracks[p->script->n_tracks - 1].end = p->script->n_steps;
	return 0;
}

static int open_track(struct parser *p, const char *trigger)
{
	if (p->script->n_tracks == SCRIPT_MAX_TRACKS)
		return fail(p, "expected at most %d tracks", SCRIPT_MAX_TRACKS);
	p->levels[0] = (struct level){ 0 };
	struct script_track *track = &p->script->tracks[p->script->n_tracks++];
	track->first = p->script->n_steps;
	track->end = track->first;
	snprintf(track->trigger, sizeof(track->trigger), "%s", trigger);
	return 0;
}

static int parse_track(struct parser *p, const char *first, const char *rest)
{
	char name[WORD_SIZE] = "";

	if (strcmp(first, "on") == 0 && !word_next(&rest, name))
		return fail(p, "expected a name after on");
	if (close_track(p) < 0 || open_track(p, name) < 0)
		return -EINVAL;
	return expect_end_of_line(p, rest);
}

static int parse_line(struct parser *p, const char *line)
{
	char first[WORD_SIZE];
	const char *rest = line;

	if (!word_next(&rest, first))
		return 0;
	if (strcmp(first, "repeat") == 0)
		return parse_repeat(p, rest);
	if (strcmp(first, "end") == 0)
		return parse_end(p, rest);
	if (strcmp(first, "track") == 0 || strcmp(first, "on") == 0)
		return parse_track(p, first, rest);
	return parse_at(p, first, rest);
}

static int parse_lines(struct parser *p, const char *text)
{
	char line[LINE_SIZE];
	int res = open_track(p, "");

	while (res == 0 && *text) {
		size_t len = strcspn(text, "\n");

		p->line++;
		if (len >= sizeof(line))
			return fail(p, "expected at most %d characters in a line", LINE_SIZE - 1);
		memcpy(line, text, len);
		line[len] = '\0';
		text += len + (text[len] == '\n');
		res = parse_line(p, line);
	}
	return res < 0 ? res : close_track(p);
}

int script_parse(struct script **out, const char *text, struct script_error *error)
{
	struct parser parser = { .error = error };
	int res = 0;

	*out = NULL;
	*error = (struct script_error){ 0 };
	if (strlen(text) > SCRIPT_MAX_BYTES)
		return fail(&parser, "expected at most %d bytes", SCRIPT_MAX_BYTES);
	parser.script = calloc(1, sizeof(*parser.script));
	if (!parser.script)
		return -ENOMEM;
	parser.script->steps = calloc(SCRIPT_MAX_STEPS, sizeof(*parser.script->steps));
	res = parser.script->steps ? parse_lines(&parser, text) : -ENOMEM;
	if (res < 0)
		script_destroy(&parser.script);
	else
		*out = parser.script;
	return res;
}
