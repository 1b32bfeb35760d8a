/* SPDX-License-Identifier: Apache-2.0 */
/* A command machine on a test bench: what it was given, what it said and what it wanted, as one line of text. */
#ifndef ISARIBI_TESTS_UNIT_RTMP_BENCH_H
#define ISARIBI_TESTS_UNIT_RTMP_BENCH_H

#include "base/attr.h"
#include "ingest/rtmp_command.h"

/* A machine, what it said and what it wanted, as text. */
struct rtmp_bench {
	struct rtmp_command m;
	struct bytes_writer out;
	struct rtmp_chunk_reader replies;
	struct rtmp_action action;
	uint8_t said_control[64]; /* payload of the last reply that was no command */
	char text[4096];
};

#define CONNECTED "control 5; control 6; 3/0 _result 1 NetConnection.Connect.Success; "

void rtmp_bench_say(struct rtmp_bench *b, const char *format, ...) ATTR_PRINTF(2, 3);
void rtmp_bench_begin(struct rtmp_bench *b);
void rtmp_bench_finish(struct rtmp_bench *b);
void rtmp_bench_say_replies(struct rtmp_bench *b);
void rtmp_bench_say_action(struct rtmp_bench *b);
void rtmp_bench_give(struct rtmp_bench *b, uint8_t type, const void *payload, size_t len);
void rtmp_bench_give_command(struct rtmp_bench *b, const char *name, double transaction, const char *arg);
void rtmp_bench_give_connect(struct rtmp_bench *b, const char *app);
void rtmp_bench_expect(struct rtmp_bench *b, const char *text);
void rtmp_bench_connect(struct rtmp_bench *b, const char *app);

#endif
