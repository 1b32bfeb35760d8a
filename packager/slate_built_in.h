/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The slate that is built in: a byte stream of H.264 for slate_create, made at build by packager/slate/make.cmake.
 *
 * Owner: anybody; static and constant. Not here: reading it (packager/slate.h).
 */
#ifndef ISARIBI_PACKAGER_SLATE_BUILT_IN_H
#define ISARIBI_PACKAGER_SLATE_BUILT_IN_H

#include <stdint.h>

enum {
	SLATE_BUILT_IN_PICTURE_90K = 3000, /* 30 pictures a second */
};

extern const uint8_t slate_built_in[];
extern const uint8_t slate_built_in_end[];

#endif
