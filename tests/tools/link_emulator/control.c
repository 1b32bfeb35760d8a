/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/tools/link_emulator/control.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What a command is carried out on. */
struct scope {
	struct control *control;
	struct link *only; /* NULL: all */
	FILE *out;
};

static void answer_stats(const struct control *control, FILE *out)
{
	fputs("ok {", out);
	for (size_t i = 0; i < control->n_links; i++) {
		fprintf(out, "%s\"%s\": ", i ? ", " : "", control->links[i].name);
		link_print(&control->links[i], out);
	}
	fputs("}\n", out);
}

static bool is_meant(const struct scope *scope, const struct link *link)
{
	return !scope->only || scope->only == link;
}

static void trigger(const struct scope *scope, const char *rest)
{
	char name[WORD_SIZE] = "";
	size_t n = 0;

	word_next(&rest, name);
	for (size_t i = 0; i < scope->control->n_links; i++)
		if (is_meant(scope, &scope->control->links[i]))
			n += link_trigger(&scope->control->links[i], name, poller_now_ns());
	if (n > 0)
		fputs("ok\n", scope->out);
	else
		fprintf(scope->out, "error expected the name of a track that begins with on, found \"%s\"\n", name);
}

char *control_read_file(const char *path, char error[LINK_ERROR_SIZE])
{
	FILE *file = fopen(path, "re");
	char *text = file ? malloc(SCRIPT_MAX_BYTES + 2) : NULL;
	size_t n = text ? fread(text, 1, SCRIPT_MAX_BYTES + 1, file) : 0;

	if (!text || ferror(file)) {
		snprintf(error, LINK_ERROR_SIZE, "%.200s: %s", path, strerror(errno));
		free(text);
		text = NULL;
	} else {
		text[n] = '\0';
	}
	if (file)
		fclose(file);
	return text;
}

static int start_script(struct link *link, const char *path, const char *text, char error[LINK_ERROR_SIZE])
{
	struct script *script = NULL;
	struct script_error why;
	int res = script_parse(&script, text, &why);

	if (res < 0)
		snprintf(error, LINK_ERROR_SIZE, "%.60s: line %u: %s", path, why.line, why.text);
	else
		link_start_script(link, script, poller_now_ns());
	return res;
}

static void run_script(const struct scope *scope, const char *path)
{
	char error[LINK_ERROR_SIZE];
	char *text = control_read_file(path, error);
	int res = text ? 0 : -EIO;

	for (size_t i = 0; res == 0 && i < scope->control->n_links; i++) {
		struct link *link = &scope->control->links[i];

		if (!is_meant(scope, link))
			continue;
		res = start_script(link, path, text, error);
		if (res == 0)
			link_run(link, poller_now_ns());
	}
	free(text);
	if (res < 0)
		fprintf(scope->out, "error %s\n", error);
	else
		fputs("ok\n", scope->out);
}

static void change(const struct scope *scope, const char *text)
{
	struct change_list changes;
	char error[LINK_ERROR_SIZE];
	int res = change_list_parse(&changes, text, error);
	int64_t now_ns = poller_now_ns();

	for (size_t i = 0; res == 0 && i < scope->control->n_links; i++)
		if (is_meant(scope, &scope->control->links[i]))
			res = link_change(&scope->control->links[i], &changes, now_ns, error);
	if (res < 0)
		fprintf(scope->out, "error %s\n", error);
	else
		fputs("ok\n", scope->out);
}

static struct link *find_link(const struct control *control, const char *name)
{
	for (size_t i = 0; i < control->n_links; i++)
		if (strcmp(control->links[i].name, name) == 0)
			return &control->links[i];
	return NULL;
}

/* "main: outage on": the first word names a link. False: there is none of that name, and that has been said. */
static bool take_name(struct scope *scope, char **line)
{
	char *colon = NULL, *end = *line + strcspn(*line, " \t");

	if (end == *line || end[-1] != ':')
		return true;
	colon = end - 1;
	*colon = '\0';
	scope->only = find_link(scope->control, *line);
	if (!scope->only)
		fprintf(scope->out, "error expected the name of a link, found \"%.40s\"\n", *line);
	*line = *end ? end + 1 : end;
	return scope->only != NULL;
}

static char *trim(char *line)
{
	size_t len = 0;

	while (isspace((unsigned char)*line))
		line++;
	len = strlen(line);
	while (len > 0 && isspace((unsigned char)line[len - 1]))
		line[--len] = '\0';
	return line;
}

void control_command(struct control *control, char *line, FILE *out)
{
	struct scope scope = { .control = control, .out = out };

	line = trim(line);
	for (size_t i = 0; i < control->n_links; i++) {
		control->links[i].ops->drain(&control->links[i]);
		link_run(&control->links[i], poller_now_ns());
	}
	if (!take_name(&scope, &line))
		return;
	line = trim(line);
	if (strcmp(line, "stats") == 0) {
		answer_stats(control, out);
	} else if (strcmp(line, "sync") == 0 || strcmp(line, "quit") == 0) {
		control->is_over = line[0] == 'q';
		fputs("ok\n", out);
	} else if (strncmp(line, "trigger ", 8) == 0) {
		trigger(&scope, line + 8);
	} else if (strncmp(line, "script ", 7) == 0) {
		run_script(&scope, trim(line + 7));
	} else if (!*line) {
		fputs("error expected settings, stats, trigger, script, sync or quit\n", out);
	} else {
		change(&scope, line);
	}
}

static void take_lines(struct control *control, FILE *out)
{
	char *end = NULL;

	while (!control->is_over && (end = memchr(control->line, '\n', control->len))) {
		size_t n = (size_t)(end - control->line) + 1;

		*end = '\0';
		if (control->is_too_long)
			fprintf(out, "error expected at most %d characters in a line\n", CONTROL_LINE_SIZE - 1);
		else
			control_command(control, control->line, out);
		control->is_too_long = false;
		fflush(out);
		control->len -= n;
		memmove(control->line, control->line + n, control->len);
	}
	if (control->len == sizeof(control->line)) {
		control->is_too_long = true;
		control->len = 0;
	}
}

void control_read(struct control *control, FILE *out)
{
	ssize_t n = read(control->watch.fd, control->line + control->len, sizeof(control->line) - control->len);

	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	if (n <= 0) {
		control->is_over = true;
		return;
	}
	control->len += (size_t)n;
	take_lines(control, out);
	/* Whoever gave the commands does not listen any more. */
	if (ferror(out))
		control->is_over = true;
}
