/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tables of a transport stream: sections put together out of packets, the program association table and the program
 * map table read and written (ISO 13818-1 §2.4.4).
 *
 * Owner: the caller; nothing is allocated. Lifetime: names are static.
 * Not here: which program and which of its streams are taken (media/ts_demux).
 */
#ifndef ISARIBI_MEDIA_TS_PSI_H
#define ISARIBI_MEDIA_TS_PSI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "media/opus.h"
#include "media/track.h"
#include "media/ts_packet.h"

enum {
	TS_SECTION_MAX_BYTES = 1024, /* what PAT and PMT may have */
	TS_SECTION_MAX_PACKETS = 6,
	TS_PMT_MAX_STREAMS = 32, /* what comes behind is not looked at */
};

/* ---- sections ---- */

/* The section that is being put together on one PID. All zero: none yet. */
struct ts_section {
	bool is_open;
	size_t len;
	uint8_t data[TS_SECTION_MAX_BYTES];
};

/* A whole section with a good checksum, borrowed for the call. */
typedef void ts_section_fn(void *ctx, const uint8_t *section, size_t len);

/* What could not be used: broken checksums, lengths that make no sense. */
unsigned ts_section_take(struct ts_section *s, const struct ts_packet *p, ts_section_fn *fn, void *ctx);
/* Packets are missing: what is half there will never be whole. */
void ts_section_drop(struct ts_section *s);
/* A section as packets of its own; continuity is the first one's. Returns their number, at most
 * TS_SECTION_MAX_PACKETS. */
size_t ts_section_write(
    uint8_t out[][TS_PACKET_BYTES], const uint8_t *section, size_t len, const struct ts_packet *first);
size_t ts_section_packets(size_t len);

/* ---- program association table ---- */

struct ts_pat {
	bool has_program;
	uint16_t program; /* the first one */
	uint16_t pmt_pid;
};

/* PARSE_MORE: a table that is not valid yet, or not the first section of it: nothing to do. */
enum parse_result ts_pat_parse(struct ts_pat *out, const uint8_t *section, size_t len);
/* Into TS_SECTION_MAX_BYTES; returns the section's length. Transport stream 1. */
size_t ts_pat_write(uint8_t *section, const struct ts_pat *pat);

/* ---- program map table ---- */

enum ts_stream_kind {
	TS_STREAM_DATA, /* subtitles, cues, unknown: nobody misses a picture or a sound */
	TS_STREAM_VIDEO,
	TS_STREAM_AUDIO,
};

struct ts_pmt_stream {
	uint16_t pid;
	enum ts_stream_kind kind;
	bool is_relayed; /* codec is one of ours */
	enum track_codec codec;
	const char *codec_name;	 /* of video and audio */
	struct opus_config opus; /* with CODEC_OPUS */
};

struct ts_pmt {
	uint16_t program;
	uint8_t version;
	uint16_t pcr_pid;
	size_t n_streams;
	struct ts_pmt_stream streams[TS_PMT_MAX_STREAMS];
};

/* PARSE_MORE: a table that is not valid yet. */
enum parse_result ts_pmt_parse(struct ts_pmt *out, const uint8_t *section, size_t len);
/* Into TS_SECTION_MAX_BYTES; returns the section's length. Of a stream pid, codec and opus are looked at. */
size_t ts_pmt_write(uint8_t *section, const struct ts_pmt *pmt);

#endif
