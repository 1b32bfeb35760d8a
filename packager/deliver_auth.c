/* SPDX-License-Identifier: Apache-2.0 */
#include "packager/deliver_auth.h"

#include <string.h>

#include "base/attr.h"
#include "packager/deliver_path.h"
#include "packager/deliver_rec.h"
#include "packager/deliver_reply.h"

/* Seconds, as a plan may change any moment: so long a viewer stays who has just lost his right. */
static const char keep_yes[] = "max-age=5";
/* As the 404 of the media itself. */
static const char keep_no[] = "max-age=1";

struct question {
	const struct deliver_access *access;
	const struct deliver_rec *rec;
	const char *rest; /* behind the prefix */
};

static bool may_see_path(const struct question *q, bool has_resource)
{
	struct deliver_path path;

	return deliver_path_parse(&path, q->rest, has_resource) &&
	    deliver_access_allows(q->access, path.stream, path.stream_len, path.token, path.token_len);
}

static bool may_see_recording(const struct question *q, enum deliver_rec_form form)
{
	return q->rec && deliver_rec_may_see(q->rec, q->rest, form);
}

static bool may_see_hls(const struct question *q)
{
	if (deliver_rec_path_is_shift(q->rest))
		return may_see_recording(q, DELIVER_REC_SHIFT);
	return may_see_path(q, true);
}

static bool may_see_rec(const struct question *q)
{
	return may_see_recording(q, DELIVER_REC_RECORDING);
}

static bool may_see_clip(const struct question *q)
{
	return may_see_recording(q, DELIVER_REC_CLIP);
}

static bool may_see_watch(const struct question *q)
{
	return may_see_path(q, false);
}

static const struct {
	const char *prefix;
	bool needs_recordings;
	bool (*may_see)(const struct question *q);
} kinds[] = {
	{ "hls/", false, may_see_hls },
	{ "rec/", true, may_see_rec },
	{ "clip/", true, may_see_clip },
	{ "watch/", false, may_see_watch },
};

static void respond(struct http_request *request, int status, const char *cache_control)
{
	const struct http_response response = { .status = status, .cache_control = cache_control };

	http_respond(request, &response);
}

void deliver_auth_serve(
    const struct deliver_access *access, const struct deliver_rec *rec, struct http_request *request, const char *rest)
{
	bool may_see = false;

	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		size_t len = strlen(kinds[i].prefix);
		const struct question q = { .access = access, .rec = rec, .rest = rest + len };

		if (strncmp(rest, kinds[i].prefix, len) != 0)
			continue;
		if (kinds[i].needs_recordings && rec && !deliver_rec_is_ready(rec)) {
			deliver_reply_disk_busy(request);
			return;
		}
		may_see = kinds[i].may_see(&q);
		break;
	}
	respond(request, may_see ? 204 : 403, may_see ? keep_yes : keep_no);
}
