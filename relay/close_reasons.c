/* SPDX-License-Identifier: Apache-2.0 */
#include "relay/close_reasons.h"

#include <assert.h>
#include <errno.h>

static const struct {
	const char *name;
	const char *text;
	bool is_error;
} table[CLOSE_REASON_COUNT] = {
#define CLOSE_REASON(id, name, is_error, text) [CLOSE_##id] = { name, text, is_error },
	CLOSE_REASONS(CLOSE_REASON)
#undef CLOSE_REASON
};

const char *close_reason_name(enum close_reason reason)
{
	assert((unsigned)reason < CLOSE_REASON_COUNT);
	return table[reason].name;
}

const char *close_reason_text(enum close_reason reason)
{
	assert((unsigned)reason < CLOSE_REASON_COUNT);
	return table[reason].text;
}

bool close_reason_is_error(enum close_reason reason)
{
	assert((unsigned)reason < CLOSE_REASON_COUNT);
	return table[reason].is_error;
}

enum close_reason close_reason_of_socket(int err)
{
	return err == 0 || err == -ECONNRESET || err == -EPIPE ? CLOSE_CLIENT_CLOSED : CLOSE_CONNECTION_BROKEN;
}
