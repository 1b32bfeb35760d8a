/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The door to biTStream: field by field access to packets, sections and PES headers, without any check of bounds. Only
 * media/ts_*.c may go through it, and each checks lengths before it asks.
 */
#ifndef ISARIBI_MEDIA_TS_BITSTREAM_H
#define ISARIBI_MEDIA_TS_BITSTREAM_H

#include <bitstream/mpeg/pes.h>
#include <bitstream/mpeg/psi.h>
#include <bitstream/mpeg/ts.h>

#endif
