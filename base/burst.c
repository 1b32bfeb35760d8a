/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE /* syscall, MAP_POPULATE */
#include "base/burst.h"

#include <assert.h>
#include <errno.h>
#include <linux/io_uring.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { SEND_FLAGS = MSG_NOSIGNAL | MSG_DONTWAIT };

struct burst_write {
	struct msghdr msg;
	int fd;
	int result;
	burst_done_fn done;
	void *arg;
};

/* Heads and tails are shared with the kernel, which looks at them inside io_uring_enter only. */
struct queue {
	_Atomic unsigned *head;
	_Atomic unsigned *tail;
	unsigned mask;
};

struct burst {
	int fd;
	void *rings; /* both queues */
	size_t rings_bytes;
	struct io_uring_sqe *sqes;
	size_t sqes_bytes;
	struct queue submit;
	struct queue complete;
	struct io_uring_cqe *cqes;
	bool is_sending;
	unsigned len;
	struct burst_write writes[BURST_MAX_WRITES];
};

void burst_destroy(struct burst **burst)
{
	struct burst *b = *burst;

	*burst = NULL;
	if (!b)
		return;
	assert(b->len == 0);
	if (b->sqes)
		munmap(b->sqes, b->sqes_bytes);
	if (b->rings)
		munmap(b->rings, b->rings_bytes);
	if (b->fd >= 0)
		close(b->fd);
	free(b);
}

static void *map(const struct burst *b, size_t size_bytes, off_t what)
{
	void *at = mmap(NULL, size_bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, b->fd, what);

	return at == MAP_FAILED ? NULL : at;
}

static struct queue queue_at(char *rings, uint32_t head, uint32_t tail, uint32_t mask)
{
	return (struct queue){
		.head = (_Atomic unsigned *)(void *)(rings + head),
		.tail = (_Atomic unsigned *)(void *)(rings + tail),
		.mask = *(unsigned *)(void *)(rings + mask),
	};
}

static int map_rings(struct burst *b, const struct io_uring_params *params)
{
	const size_t submit_bytes = params->sq_off.array + params->sq_entries * sizeof(unsigned);
	const size_t complete_bytes = params->cq_off.cqes + params->cq_entries * sizeof(struct io_uring_cqe);
	unsigned *order;
	char *rings;

	b->rings_bytes = submit_bytes > complete_bytes ? submit_bytes : complete_bytes;
	b->sqes_bytes = params->sq_entries * sizeof(*b->sqes);
	b->rings = map(b, b->rings_bytes, IORING_OFF_SQ_RING);
	b->sqes = map(b, b->sqes_bytes, (off_t)IORING_OFF_SQES);
	if (!b->rings || !b->sqes)
		return -ENOMEM;
	rings = b->rings;
	b->submit = queue_at(rings, params->sq_off.head, params->sq_off.tail, params->sq_off.ring_mask);
	b->complete = queue_at(rings, params->cq_off.head, params->cq_off.tail, params->cq_off.ring_mask);
	b->cqes = (struct io_uring_cqe *)(void *)(rings + params->cq_off.cqes);
	/* Entries are always used in the order in which they lie. */
	order = (unsigned *)(void *)(rings + params->sq_off.array);
	for (unsigned i = 0; i < params->sq_entries; i++)
		order[i] = i;
	return 0;
}

int burst_create(struct burst **out)
{
	struct burst *b = calloc(1, sizeof(*b));
	struct io_uring_params params = { 0 };
	int err;

	*out = NULL;
	if (!b)
		return -ENOMEM;
	b->fd = (int)syscall(SYS_io_uring_setup, BURST_MAX_WRITES, &params);
	err = b->fd < 0 ? -errno : 0;
	/* Both queues in one mapping: Linux 5.4. */
	if (err == 0)
		err = params.features & IORING_FEAT_SINGLE_MMAP ? map_rings(b, &params) : -ENOSYS;
	if (err != 0) {
		burst_destroy(&b);
		return err;
	}
	*out = b;
	return 0;
}

void burst_add(struct burst *b, int fd, const struct iovec *iov, int n_iov, burst_done_fn done, void *arg)
{
	struct burst_write *w;

	assert(!b->is_sending);
	if (b->len == BURST_MAX_WRITES)
		burst_send(b);
	w = &b->writes[b->len++];
	/* The kernel does not write through msg_iov. */
	w->msg = (struct msghdr){ .msg_iov = (struct iovec *)(uintptr_t)iov, .msg_iovlen = (size_t)n_iov };
	w->fd = fd;
	w->done = done;
	w->arg = arg;
}

static void fill_queue(struct burst *b)
{
	unsigned tail = atomic_load_explicit(b->submit.tail, memory_order_relaxed);

	for (unsigned i = 0; i < b->len; i++, tail++) {
		b->sqes[tail & b->submit.mask] = (struct io_uring_sqe){
			.opcode = IORING_OP_SENDMSG,
			.fd = b->writes[i].fd,
			.addr = (uintptr_t)&b->writes[i].msg,
			.len = 1,
			.msg_flags = SEND_FLAGS,
			.user_data = i,
		};
	}
	atomic_store_explicit(b->submit.tail, tail, memory_order_release);
}

/* Returns how many writes it found done. */
static unsigned take_results(struct burst *b)
{
	unsigned head = atomic_load_explicit(b->complete.head, memory_order_relaxed);
	const unsigned tail = atomic_load_explicit(b->complete.tail, memory_order_acquire);
	const unsigned n = tail - head;

	for (; head != tail; head++) {
		const struct io_uring_cqe *cqe = &b->cqes[head & b->complete.mask];

		b->writes[cqe->user_data].result = cqe->res;
	}
	atomic_store_explicit(b->complete.head, head, memory_order_release);
	return n;
}

/* The kernel has no memory for them now: one by one, as without io_uring. */
static void write_rest(struct burst *b, unsigned first)
{
	/* Not submitted, so they are still ours to take back. */
	atomic_store_explicit(
	    b->submit.tail, atomic_load_explicit(b->submit.head, memory_order_acquire), memory_order_release);
	for (unsigned i = first; i < b->len; i++) {
		ssize_t n = sendmsg(b->writes[i].fd, &b->writes[i].msg, SEND_FLAGS);

		b->writes[i].result = n < 0 ? -errno : (int)n;
	}
}

/* Nothing of it blocks, so all is done when the call returns; a request may end it early, then the rest follows. */
static void submit_all(struct burst *b)
{
	unsigned n_submitted = 0;
	unsigned n_done = 0;

	fill_queue(b);
	while (n_done < b->len) {
		const unsigned wanted = b->len - n_submitted;
		long n = syscall(SYS_io_uring_enter, b->fd, wanted, wanted, IORING_ENTER_GETEVENTS, NULL, 0);

		n_submitted += n > 0 ? (unsigned)n : 0;
		n_done += take_results(b);
		if (n < 0 && errno != EINTR && n_done == n_submitted) {
			write_rest(b, n_submitted);
			return;
		}
	}
}

void burst_send(struct burst *b)
{
	if (!b || b->len == 0 || b->is_sending)
		return;
	b->is_sending = true;
	submit_all(b);
	for (unsigned i = 0; i < b->len; i++) {
		const struct burst_write *w = &b->writes[i];
		const bool is_full = w->result == -EAGAIN || w->result == -EINTR;

		w->done(w->arg, is_full ? 0 : w->result);
	}
	b->len = 0;
	b->is_sending = false;
}
