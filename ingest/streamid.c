/* SPDX-License-Identifier: Apache-2.0 */
#include "ingest/streamid.h"

#include <assert.h>
#include <string.h>

#include "base/attr.h"

/* The members of `#!::` that count. */
enum member {
	MEMBER_RESOURCE,
	MEMBER_MODE,
	MEMBER_SESSION,
	MEMBER_TYPE,
	MEMBERS,
};

static const char *const member_names[MEMBERS] = { "r", "m", "s", "t" };

static const char *const verdict_texts[STREAMID_VERDICTS] = {
	[STREAMID_OK] = "can be read",
	[STREAMID_TOO_LONG] = "is longer than 512 bytes",
	[STREAMID_EMPTY] = "is empty",
	[STREAMID_CHARACTERS] = "holds a control character",
	[STREAMID_NESTED] = "nests its members (#!:{...}), which nobody needs here",
	[STREAMID_SYNTAX] = "is neither #!::name=value,... nor publish:KEY nor request:STREAM",
	[STREAMID_REPEATED] = "says the same member twice",
	[STREAMID_NAMELESS] = "names no key and no stream",
	[STREAMID_MEDIA_TYPE] = "asks for another type than stream",
};

const char *streamid_verdict_text(enum streamid_verdict verdict)
{
	assert((unsigned)verdict < STREAMID_VERDICTS);
	return verdict_texts[verdict];
}

static bool is_text(struct streamid_slice slice, const char *text)
{
	return slice.len == strlen(text) && memcmp(slice.text, text, slice.len) == 0;
}

/* Cuts text off the front; false when it does not begin so. */
static bool cut(struct streamid_slice *slice, const char *text)
{
	size_t len = strlen(text);

	if (slice->len < len || memcmp(slice->text, text, len) != 0)
		return false;
	slice->text += len;
	slice->len -= len;
	return true;
}

/* What stands before the first c; rest goes on behind it, or is empty with text NULL when there is no c. */
static struct streamid_slice split(struct streamid_slice whole, char c, struct streamid_slice *rest)
{
	const char *found = whole.len > 0 ? memchr(whole.text, c, whole.len) : NULL;
	struct streamid_slice first = whole;

	*rest = (struct streamid_slice){ 0 };
	if (found) {
		first.len = (size_t)(found - whole.text);
		*rest = (struct streamid_slice){ found + 1, whole.len - first.len - 1 };
	}
	return first;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static struct streamid_slice trim(struct streamid_slice slice)
{
	while (slice.len > 0 && is_blank(slice.text[0])) {
		slice.text++;
		slice.len--;
	}
	while (slice.len > 0 && is_blank(slice.text[slice.len - 1]))
		slice.len--;
	return slice;
}

static bool has_controls(struct streamid_slice slice)
{
	for (size_t i = 0; i < slice.len; i++) {
		unsigned char c = (unsigned char)slice.text[i];

		if (c < 0x20 || c == 0x7f)
			return true;
	}
	return false;
}

static bool cut_path(struct streamid_slice *name, const char *app)
{
	struct streamid_slice rest = *name;

	(void)cut(&rest, "/");
	if (!cut(&rest, app) || !cut(&rest, "/"))
		return false;
	*name = rest;
	return true;
}

/* The app of a pasted path: cut when it fits the mode; when nothing else says the mode, it does. */
static enum streamid_verdict take_name(struct streamid *id, struct streamid_slice name)
{
	switch (id->mode) {
	case STREAMID_PUBLISH: (void)cut_path(&name, "live"); break;
	case STREAMID_REQUEST: (void)cut_path(&name, "play"); break;
	case STREAMID_UNSAID:
		if (cut_path(&name, "live"))
			id->mode = STREAMID_PUBLISH;
		else if (cut_path(&name, "play"))
			id->mode = STREAMID_REQUEST;
		break;
	case STREAMID_BAD_MODE: break;
	}
	id->name = name;
	return name.len > 0 ? STREAMID_OK : STREAMID_NAMELESS;
}

static enum streamid_mode mode_of(struct streamid_slice word)
{
	if (!word.text)
		return STREAMID_UNSAID;
	if (is_text(word, "publish"))
		return STREAMID_PUBLISH;
	return is_text(word, "request") ? STREAMID_REQUEST : STREAMID_BAD_MODE;
}

static enum streamid_verdict take_member(struct streamid_slice members[MEMBERS], struct streamid_slice item)
{
	struct streamid_slice value;
	struct streamid_slice name = split(item, '=', &value);

	if (!value.text || name.len == 0)
		return STREAMID_SYNTAX;
	for (size_t i = 0; i < MEMBERS; i++) {
		if (!is_text(name, member_names[i]))
			continue;
		if (members[i].text)
			return STREAMID_REPEATED;
		members[i] = value;
	}
	return STREAMID_OK;
}

/* libsrt's access control: what follows "#!::". */
static enum streamid_verdict parse_members(struct streamid *out, struct streamid_slice rest)
{
	struct streamid_slice members[MEMBERS] = { 0 };

	while (rest.len > 0) {
		struct streamid_slice item = split(rest, ',', &rest);
		enum streamid_verdict verdict = item.len > 0 ? take_member(members, item) : STREAMID_OK;

		if (verdict != STREAMID_OK)
			return verdict;
	}
	if (members[MEMBER_TYPE].len > 0 && !is_text(members[MEMBER_TYPE], "stream"))
		return STREAMID_MEDIA_TYPE;
	out->mode = mode_of(members[MEMBER_MODE]);
	out->token = members[MEMBER_SESSION].len > 0 ? members[MEMBER_SESSION] : (struct streamid_slice){ 0 };
	return take_name(out, members[MEMBER_RESOURCE]);
}

static enum streamid_verdict parse_request(struct streamid *out, struct streamid_slice rest)
{
	struct streamid_slice name = split(rest, ':', &rest);

	out->mode = STREAMID_REQUEST;
	out->token = rest.len > 0 ? rest : (struct streamid_slice){ 0 };
	return take_name(out, name);
}

static enum streamid_verdict parse_short(struct streamid *out, struct streamid_slice whole)
{
	static const char *const readers[] = { "request:", "read:", "play:" };
	enum streamid_verdict verdict;

	for (size_t i = 0; i < ARRAY_LEN(readers); i++) {
		if (cut(&whole, readers[i]))
			return parse_request(out, whole);
	}
	out->mode = cut(&whole, "publish:") ? STREAMID_PUBLISH : STREAMID_UNSAID;
	verdict = take_name(out, whole);
	if (out->mode == STREAMID_UNSAID) /* without any sign it is a key, as in an RTMP app's one field */
		out->mode = STREAMID_PUBLISH;
	return verdict;
}

static enum streamid_verdict parse(struct streamid *out, struct streamid_slice whole)
{
	if (whole.len > STREAMID_MAX_BYTES)
		return STREAMID_TOO_LONG;
	whole = trim(whole);
	if (whole.len == 0)
		return STREAMID_EMPTY;
	if (has_controls(whole))
		return STREAMID_CHARACTERS;
	if (!cut(&whole, "#!"))
		return parse_short(out, whole);
	if (cut(&whole, "::"))
		return parse_members(out, whole);
	return cut(&whole, ":{") ? STREAMID_NESTED : STREAMID_SYNTAX;
}

enum streamid_verdict streamid_parse(struct streamid *out, const char *text, size_t len)
{
	struct streamid id = { 0 };
	enum streamid_verdict verdict = parse(&id, (struct streamid_slice){ text, len });

	if (verdict == STREAMID_OK)
		*out = id;
	return verdict;
}
