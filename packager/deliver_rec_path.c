/* SPDX-License-Identifier: Apache-2.0 */
#include "packager/deliver_rec_path.h"

#include <string.h>

#include "packager/rec_format.h"

enum { ELEMENTS_MAX = 6 };

struct element {
	const char *text;
	size_t len;
};

/* How many there are; 0 when there are too many or one is empty. */
static size_t split(const char *rest, struct element out[ELEMENTS_MAX])
{
	size_t n = 0;

	for (;;) {
		size_t len = strcspn(rest, "/");

		if (len == 0 || n == ELEMENTS_MAX)
			return 0;
		out[n++] = (struct element){ rest, len };
		if (rest[len] == '\0')
			return n;
		rest += len + 1;
	}
}

static bool is_text(const struct element *e, const char *text)
{
	return e->len == strlen(text) && memcmp(e->text, text, e->len) == 0;
}

static bool read_resource(struct deliver_rec_path *out, const struct element *e)
{
	enum rec_file file;

	if (is_text(e, "index.m3u8"))
		out->kind = DELIVER_REC_MAIN;
	else if (is_text(e, "main.m3u8"))
		out->kind = DELIVER_REC_MEDIA;
	else if (rec_file_parse(e->text, e->len, &file, &out->stretch) && file == REC_FILE_MEDIA)
		out->kind = DELIVER_REC_FILE;
	else
		return false;
	return true;
}

/* Must a recording be named in front of this resource? */
static bool names_recording(enum deliver_rec_form form, enum deliver_rec_kind kind)
{
	switch (form) {
	case DELIVER_REC_RECORDING: return false;
	case DELIVER_REC_CLIP: return kind == DELIVER_REC_FILE;
	case DELIVER_REC_SHIFT: return kind != DELIVER_REC_MAIN;
	}
	return false;
}

/* How many elements a path of this form has, without a token. */
static size_t length_of(enum deliver_rec_form form, enum deliver_rec_kind kind)
{
	return 2U + (form == DELIVER_REC_SHIFT) + names_recording(form, kind);
}

static bool is_shift_at(const struct element *e, size_t n, size_t first)
{
	return n >= first + 3 && n <= first + 4 && is_text(&e[first + 1], "shift");
}

bool deliver_rec_path_is_shift(const char *rest)
{
	struct element e[ELEMENTS_MAX];
	size_t n = split(rest, e);

	return is_shift_at(e, n, 0) || (n > 2 && is_text(&e[0], "t") && is_shift_at(e, n, 2));
}

bool deliver_rec_path_parse(struct deliver_rec_path *out, const char *rest, enum deliver_rec_form form)
{
	struct element e[ELEMENTS_MAX];
	size_t n = split(rest, e);
	size_t first = 0;
	size_t wanted;

	memset(out, 0, sizeof(*out));
	if (n == 0 || !read_resource(out, &e[n - 1]))
		return false;
	wanted = length_of(form, out->kind);
	if (n == wanted + 2 && is_text(&e[0], "t")) {
		out->token = e[1].text;
		out->token_len = e[1].len;
		first = 2;
	} else if (n != wanted) {
		return false;
	}
	out->name = e[first].text;
	out->name_len = e[first].len;
	if (names_recording(form, out->kind)) {
		out->recording = e[n - 2].text;
		out->recording_len = e[n - 2].len;
	}
	return form != DELIVER_REC_SHIFT || is_text(&e[first + 1], "shift");
}
