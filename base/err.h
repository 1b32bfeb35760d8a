/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a unit says that something went wrong.
 *
 * Functions that can fail return 0 or a negative errno. Parsers of wire data return one of three results: *more* is
 * not an error, it means that nothing was consumed and the caller comes back with more bytes.
 */
#ifndef ISARIBI_BASE_ERR_H
#define ISARIBI_BASE_ERR_H

enum parse_result {
	PARSE_OK = 0,
	PARSE_MORE = 1,
	PARSE_BAD = -1,
};

/* Text of a negative errno; the string is static or thread-local, borrowed until the next call on this thread. */
const char *err_text(int err);

#endif
