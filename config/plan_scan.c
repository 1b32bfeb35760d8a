/* SPDX-License-Identifier: Apache-2.0 */
#include "config/plan_scan.h"

#include <stdbool.h>

struct scanning {
	unsigned line;
	unsigned column;
	size_t depth;
	size_t n_containers;
	size_t n_values;
	bool is_in_string;
	bool is_escaped;
};

static void count_place(struct scanning *s, char c)
{
	if (c == '\n') {
		s->line++;
		s->column = 0;
	} else if (((unsigned char)c & 0xc0u) != 0x80) {
		s->column++;
	}
}

static void scan_string_char(struct scanning *s, char c)
{
	if (s->is_escaped)
		s->is_escaped = false;
	else if (c == '\\')
		s->is_escaped = true;
	else if (c == '"')
		s->is_in_string = false;
}

static enum plan_scan_result scan_char(struct scanning *s, char c)
{
	switch (c) {
	case '"': s->is_in_string = true; return PLAN_SCAN_OK;
	case '{':
	case '[':
		s->n_containers++;
		s->n_values++;
		s->depth++;
		break;
	case '}':
	case ']':
		if (s->depth > 0)
			s->depth--;
		return PLAN_SCAN_OK;
	case ',': s->n_values++; break;
	default: return PLAN_SCAN_OK;
	}
	if (s->depth > PLAN_MAX_DEPTH)
		return PLAN_SCAN_TOO_DEEP;
	if (s->n_containers > PLAN_MAX_CONTAINERS || s->n_values > PLAN_MAX_VALUES)
		return PLAN_SCAN_TOO_MANY;
	return PLAN_SCAN_OK;
}

enum plan_scan_result plan_scan(const char *text, size_t len, struct plan_scan_place *place)
{
	struct scanning s = { .line = 1 };

	for (size_t i = 0; i < len; i++) {
		enum plan_scan_result result;

		count_place(&s, text[i]);
		if (s.is_in_string) {
			scan_string_char(&s, text[i]);
			continue;
		}
		result = scan_char(&s, text[i]);
		if (result != PLAN_SCAN_OK) {
			*place = (struct plan_scan_place){ .line = s.line, .column = s.column };
			return result;
		}
	}
	return PLAN_SCAN_OK;
}
