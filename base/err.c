/* SPDX-License-Identifier: Apache-2.0 */
#include "base/err.h"

#include <string.h>

const char *err_text(int err)
{
	static _Thread_local char text[128];

	if (strerror_r(err < 0 ? -err : err, text, sizeof(text)) != 0)
		return "unknown error";
	return text;
}
