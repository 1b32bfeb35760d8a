/* SPDX-License-Identifier: Apache-2.0 */
#include "base/http_out.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "base/bytes.h"
#include "base/http_text.h"
#include "base/shared.h"

enum {
	HEAD_MAX_BYTES = 4096,
	IOV_MAX_HERE = 64,
};

static void drop_pieces(struct http_out *out)
{
	for (size_t i = 0; i < out->n_pieces; i++)
		shared_unref(out->pieces[i].owner);
	free(out->pieces);
	out->pieces = NULL;
	out->n_pieces = 0;
}

void http_out_fini(struct http_out *out)
{
	drop_pieces(out);
	free(out->head);
	memset(out, 0, sizeof(*out));
}

static uint64_t body_bytes(const struct http_response *r)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < r->n_pieces; i++)
		sum += r->pieces[i].size_bytes;
	return sum;
}

static int take_pieces(struct http_out *out, const struct http_piece *pieces, size_t n_pieces)
{
	out->pieces = malloc(n_pieces * sizeof(*out->pieces));
	if (!out->pieces)
		return -ENOMEM;
	memcpy(out->pieces, pieces, n_pieces * sizeof(*out->pieces));
	out->n_pieces = n_pieces;
	for (size_t i = 0; i < out->n_pieces; i++)
		shared_ref(out->pieces[i].owner);
	return 0;
}

int http_out_init(struct http_out *out, struct http_head_args *args, bool with_body)
{
	const struct http_response *r = args->response;
	struct bytes_writer w;
	int err = 0;

	memset(out, 0, sizeof(*out));
	assert(r->n_pieces <= HTTP_PIECES_MAX);
	if (args->body_bytes == 0)
		args->body_bytes = body_bytes(r);
	bytes_writer_init_growing(&w, HEAD_MAX_BYTES);
	http_put_head(&w, args);
	out->head = w.data;
	out->head_bytes = w.len;
	if (w.is_full)
		err = -ENOMEM;
	else if (with_body && r->n_pieces > 0)
		err = take_pieces(out, r->pieces, r->n_pieces);
	if (err != 0)
		http_out_fini(out);
	return err;
}

int http_out_feed(struct http_out *out, const struct http_piece *pieces, size_t n_pieces)
{
	assert(http_out_is_done(out) && n_pieces > 0 && n_pieces <= HTTP_PIECES_MAX);
	drop_pieces(out);
	out->next = 1;
	return take_pieces(out, pieces, n_pieces);
}

bool http_out_is_done(const struct http_out *out)
{
	return out->next > out->n_pieces;
}

static void rest_of(const struct http_out *out, size_t index, struct iovec *iov)
{
	const uint8_t *data = index == 0 ? out->head : out->pieces[index - 1].data;
	size_t len = index == 0 ? out->head_bytes : out->pieces[index - 1].size_bytes;
	size_t skip = index == out->next ? out->written : 0;

	/* An empty piece may have no address; nothing is added to it. */
	iov->iov_base = len > skip ? (void *)(uintptr_t)(data + skip) : NULL;
	iov->iov_len = len - skip;
}

static int gather(const struct http_out *out, struct iovec *iov, size_t max_bytes)
{
	int n = 0;

	for (size_t i = out->next; i <= out->n_pieces && n < IOV_MAX_HERE && max_bytes > 0; i++) {
		rest_of(out, i, &iov[n]);
		if (iov[n].iov_len > max_bytes)
			iov[n].iov_len = max_bytes;
		max_bytes -= iov[n].iov_len;
		n++;
	}
	return n;
}

/* Steps over what was written, and over pieces that are empty. */
static void advance(struct http_out *out, size_t n)
{
	while (!http_out_is_done(out)) {
		struct iovec rest;

		rest_of(out, out->next, &rest);
		if (n < rest.iov_len) {
			out->written += n;
			return;
		}
		n -= rest.iov_len;
		out->next++;
		out->written = 0;
	}
}

ssize_t http_out_write(struct http_out *out, int fd, size_t max_bytes)
{
	size_t total = 0;

	while (total < max_bytes && !http_out_is_done(out)) {
		struct iovec iov[IOV_MAX_HERE];
		struct msghdr msg = { .msg_iov = iov };
		size_t wanted = 0;
		ssize_t n;

		msg.msg_iovlen = (size_t)gather(out, iov, max_bytes - total);
		for (size_t i = 0; i < msg.msg_iovlen; i++)
			wanted += iov[i].iov_len;
		n = sendmsg(fd, &msg, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno != EAGAIN && errno != EWOULDBLOCK)
			return -errno;
		if (n < 0)
			break;
		advance(out, (size_t)n);
		total += (size_t)n;
		if ((size_t)n < wanted)
			break;
	}
	return (ssize_t)total;
}
