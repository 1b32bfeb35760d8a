/* SPDX-License-Identifier: Apache-2.0 */
/* Compiler attributes, wrapped once. */
#ifndef ISARIBI_BASE_ATTR_H
#define ISARIBI_BASE_ATTR_H

#define ATTR_PRINTF(fmt_index, args_index) __attribute__((format(printf, fmt_index, args_index)))
#define ATTR_NODISCARD			   __attribute__((warn_unused_result))
#define ATTR_NORETURN			   __attribute__((noreturn))
#define ATTR_UNUSED			   __attribute__((unused))
#define ATTR_NONSTRING			   __attribute__((nonstring))

#define ARRAY_LEN(array) (sizeof(array) / sizeof((array)[0]))

#endif
