/* SPDX-License-Identifier: Apache-2.0 */
#include "packager/deliver_rec_file.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/http_range.h"
#include "base/list.h"
#include "base/loop.h"
#include "base/shared.h"
#include "packager/deliver_reply.h"
#include "packager/rec_reader.h"

enum {
	READ_MAX_MS = 60000,		    /* in the middle: then the connection goes */
	CHUNK_MIN_BYTES = 16 * 1024,	    /* what one client may hold when there are many */
	IN_FLIGHT_BYTES = 64 * 1024 * 1024, /* shared by all who read */
};

/* One client and the stretch of a file that he reads. */
struct transfer {
	struct list_node node; /* of struct deliver_rec_files */
	struct deliver_rec_files *files;
	struct http_request *request;
	struct rec_job *job; /* under way; NULL: it is the client's turn */
	char id[ID_SIZE];
	unsigned stretch;
	uint64_t size_bytes; /* of the whole file */
	bool is_open;	     /* it grows */
	bool is_slice;
	bool is_begun; /* the head is out */
	struct http_range range;
	uint64_t offset; /* of the next byte to read */
	int64_t deadline_us;
};

struct deliver_rec_files {
	struct loop *loop;
	struct rec_reader *reader;
	struct list_node transfers; /* struct transfer */
	size_t n_transfers;
	unsigned wait_ms;
};

void deliver_rec_files_destroy(struct deliver_rec_files **files)
{
	struct deliver_rec_files *f = *files;

	*files = NULL;
	assert(!f || list_is_empty(&f->transfers));
	free(f);
}

int deliver_rec_files_create(
    struct deliver_rec_files **out, struct loop *loop, struct rec_reader *reader, unsigned wait_ms)
{
	struct deliver_rec_files *f = calloc(1, sizeof(*f));

	*out = f;
	if (!f)
		return -ENOMEM;
	f->loop = loop;
	f->reader = reader;
	f->wait_ms = wait_ms;
	list_init(&f->transfers);
	return 0;
}

static void transfer_destroy(struct transfer *t)
{
	if (t->job)
		t->job->is_cancelled = true;
	list_remove(&t->node);
	t->files->n_transfers--;
	free(t);
}

static void on_gone(void *arg)
{
	transfer_destroy(arg);
}

/* No answer has begun: it is this one. In the middle nothing can be said but that it is not whole. */
static void give_up(struct transfer *t, int err)
{
	struct http_request *request = t->request;

	if (t->is_begun) {
		http_break_off(request); /* and on_gone */
		return;
	}
	transfer_destroy(t);
	if (err == -ENOENT)
		deliver_reply_no_media(request);
	else
		deliver_reply_disk_busy(request);
}

static int ask(struct transfer *t, struct rec_job *job)
{
	int err;

	if (!job)
		return -ENOMEM;
	memcpy(job->wish.id, t->id, sizeof(job->wish.id));
	job->stretch = t->stretch;
	err = rec_reader_ask(t->files->reader, job);
	if (err != 0) {
		rec_job_destroy(&job);
		return err;
	}
	t->job = job;
	t->deadline_us = loop_now_us(t->files->loop) + (t->is_begun ? READ_MAX_MS : t->files->wait_ms) * INT64_C(1000);
	return 0;
}

/* ---- bytes ---- */

static size_t chunk_bytes(const struct transfer *t)
{
	uint64_t left = t->range.last + 1 - t->offset;
	size_t share = IN_FLIGHT_BYTES / t->files->n_transfers;

	if (share > REC_READER_CHUNK_MAX_BYTES)
		share = REC_READER_CHUNK_MAX_BYTES;
	if (share < CHUNK_MIN_BYTES)
		share = CHUNK_MIN_BYTES;
	return left < share ? (size_t)left : share;
}

static void on_bytes(void *arg, struct rec_job *job);

static int read_on(struct transfer *t)
{
	struct rec_job *job = rec_job_create(REC_JOB_READ, on_bytes, t);

	if (job) {
		job->offset = t->offset;
		job->max_bytes = chunk_bytes(t);
	}
	return ask(t, job);
}

static void on_want(void *arg)
{
	struct transfer *t = arg;
	int err = read_on(t);

	if (err != 0)
		give_up(t, err);
}

/* What a closed range of a growing file names will never be other bytes; the file is not whole yet. */
static const char *cache_control(const struct transfer *t)
{
	return t->is_open ? "public, max-age=1" : "public, max-age=3600";
}

static void begin_answer(struct transfer *t, const struct http_piece *piece)
{
	const struct http_source source = {
		.size_bytes = t->range.last + 1 - t->range.first, .on_want = on_want, .on_gone = on_gone, .arg = t
	};
	char headers[DELIVER_REPLY_HEADERS_SIZE];
	struct http_response response = {
		.status = t->is_slice ? 206 : 200,
		.content_type = "video/mp4",
		.cache_control = cache_control(t),
		.extra_headers = headers,
		.pieces = piece,
		.n_pieces = piece ? 1 : 0,
	};

	deliver_reply_range_headers(headers, deliver_reply_cors, t->is_slice ? &t->range : NULL, t->size_bytes);
	t->is_begun = true;
	http_respond_from(t->request, &response, &source);
}

static void on_bytes(void *arg, struct rec_job *job)
{
	struct transfer *t = arg;
	struct http_piece piece;

	t->job = NULL;
	t->deadline_us = INT64_MAX;
	if (job->err != 0) {
		give_up(t, job->err);
		return;
	}
	piece = (struct http_piece){ .owner = job->data, .data = job->data->data, .size_bytes = job->data->size_bytes };
	t->offset += job->data->size_bytes;
	if (t->is_begun)
		http_feed(t->request, &piece, 1);
	else
		begin_answer(t, &piece);
}

/* ---- the beginning ---- */

static void begin(struct transfer *t)
{
	struct http_request *request = t->request;
	enum http_range_kind kind = deliver_reply_wanted(request, t->size_bytes, &t->range);
	int err;

	if (kind == HTTP_RANGE_BEYOND) {
		uint64_t size_bytes = t->size_bytes;

		transfer_destroy(t);
		deliver_reply_beyond(request, size_bytes);
		return;
	}
	t->is_slice = kind == HTTP_RANGE_SLICE;
	if (!t->is_slice)
		t->range = (struct http_range){ 0, t->size_bytes - 1 };
	t->offset = t->range.first;
	if (request->method == HTTP_HEAD) {
		begin_answer(t, NULL);
		return;
	}
	err = read_on(t);
	if (err != 0)
		give_up(t, err);
}

static void on_size(void *arg, struct rec_job *job)
{
	struct transfer *t = arg;

	t->job = NULL;
	t->deadline_us = INT64_MAX;
	if (job->err != 0) {
		give_up(t, job->err);
		return;
	}
	t->size_bytes = job->size_bytes; /* never 0: there is an init segment */
	t->is_open = job->is_open;
	begin(t);
}

void deliver_rec_files_serve(
    struct deliver_rec_files *f, struct http_request *request, const char *id, unsigned stretch)
{
	struct transfer *t = calloc(1, sizeof(*t));
	int err;

	if (!t) {
		deliver_reply_disk_busy(request);
		return;
	}
	t->files = f;
	t->request = request;
	memcpy(t->id, id, strlen(id) + 1);
	t->stretch = stretch;
	list_append(&f->transfers, &t->node);
	f->n_transfers++;
	err = ask(t, rec_job_create(REC_JOB_SIZE, on_size, t));
	if (err != 0)
		give_up(t, err);
	else
		http_request_wait(request, on_gone, t);
}

void deliver_rec_files_tick(struct deliver_rec_files *f, int64_t now_us)
{
	struct list_node *next;

	for (struct list_node *node = f->transfers.next; node != &f->transfers; node = next) {
		struct transfer *t = LIST_ENTRY(node, struct transfer, node);

		next = node->next;
		if (t->job && now_us >= t->deadline_us) {
			t->job->is_cancelled = true;
			t->job = NULL;
			give_up(t, -ETIMEDOUT);
		}
	}
}
