/* SPDX-License-Identifier: Apache-2.0 */
#include "ingest/rtmp_reply.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "media/rtmp_chunk.h"

static void controls_are_what_the_specification_says(void **state)
{
	uint8_t buf[128];
	struct bytes_writer out;

	(void)state;
	bytes_writer_init_fixed(&out, buf, sizeof(buf));
	rtmp_reply_control(&out, RTMP_TYPE_SET_CHUNK_SIZE, 4096);
	rtmp_reply_peer_bandwidth(&out, 2500000);
	rtmp_reply_user_control(&out, RTMP_CONTROL_STREAM_BEGIN, 1);
	assert_int_equal(out.len, 16 + 17 + 18);
	assert_memory_equal(buf, "\2\0\0\0\0\0\4\1\0\0\0\0\0\0\x10\0", 16);
	assert_memory_equal(buf + 16, "\2\0\0\0\0\0\5\6\0\0\0\0\0\x26\x25\xa0\2", 17);
	assert_memory_equal(buf + 33, "\2\0\0\0\0\0\6\4\0\0\0\0\0\0\0\0\0\1", 18);
}

static void a_result_answers_its_transaction(void **state)
{
	uint8_t buf[128];
	struct bytes_writer out;

	(void)state;
	bytes_writer_init_fixed(&out, buf, sizeof(buf));
	rtmp_reply_result(&out, 128, 0);
	assert_int_equal(out.len, 0);
	rtmp_reply_result(&out, 128, 2);
	assert_int_equal(out.len, 12 + 21);
	assert_memory_equal(buf, "\3\0\0\0\0\0\x15\x14\0\0\0\0\2\0\7_result\0\x40\0\0\0\0\0\0\0\5\5", 33);
}

static void a_long_status_is_cut_into_chunks(void **state)
{
	char text[RTMP_STATUS_TEXT_MAX_BYTES + 1];
	uint8_t buf[1024];
	struct bytes_writer out;
	struct rtmp_chunk_reader reader;
	struct rtmp_message message;
	size_t consumed;

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	bytes_writer_init_fixed(&out, buf, sizeof(buf));
	rtmp_reply_status(&out, 128, "error", text, text);
	assert_false(out.is_full);
	rtmp_chunk_reader_init(&reader);
	assert_int_equal(rtmp_chunk_reader_feed(&reader, out.data, out.len, &consumed, &message), PARSE_OK);
	assert_int_equal(consumed, out.len);
	assert_int_equal(message.csid, RTMP_CSID_STATUS);
	assert_int_equal(message.stream_id, RTMP_STREAM_ID);
	assert_true(message.len > 2 * RTMP_STATUS_TEXT_MAX_BYTES);
	rtmp_chunk_reader_fini(&reader);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(controls_are_what_the_specification_says),
		cmocka_unit_test(a_result_answers_its_transaction),
		cmocka_unit_test(a_long_status_is_cut_into_chunks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
