/* SPDX-License-Identifier: Apache-2.0 */
#include "relay/io_srt.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <srt/access_control.h>
#include <srt/srt.h>
/* syslog's levels come along with it and have the names of ours. */
#undef LOG_INFO
#undef LOG_DEBUG

#include "base/attr.h"
#include "base/log.h"

enum {
	PEER_MIN_VERSION = 0x010300, /* design §5: older ones come in with any passphrase */
	LISTEN_BACKLOG = 128,
	/*
	 * Packets that may be under way or wait for their time. Every connection pays for its lists (about 32 bytes a
	 * packet), so there are as many as the latency needs at 10 Mbit/s, and next to none for one that only listens.
	 */
	FLIGHT_PACKETS_PER_S = 10 * 1000 * 1000 / 8 / IO_SRT_PAYLOAD,
	FLIGHT_PACKETS_MORE = 128,
	FLIGHT_PACKETS_LISTENER = 32,
	UDP_BUFFER_BYTES = 4 * 1024 * 1024,
};

struct listening {
	io_srt_ask_fn ask;
	void *arg;
};

/* One per process is what a node needs; the callback may come as long as libsrt runs. */
static struct listening listening;

static void to_our_log(void *arg, int level, const char *file, int line, const char *area, const char *message)
{
	(void)arg;
	(void)level;
	(void)file;
	(void)line;
	(void)area;
	log_debug(NULL, "libsrt: %.*s", (int)strcspn(message, "\n"), message);
}

int io_srt_start(void)
{
	if (srt_startup() < 0)
		return -ENOMEM;
	srt_setloghandler(NULL, to_our_log);
	srt_setlogflags(
	    SRT_LOGF_DISABLE_TIME | SRT_LOGF_DISABLE_THREADNAME | SRT_LOGF_DISABLE_SEVERITY | SRT_LOGF_DISABLE_EOL);
	srt_setloglevel(LOG_CRIT);
	return 0;
}

void io_srt_stop(void)
{
	srt_cleanup();
}

static int last_error(void)
{
	int system_errno = 0;
	const int code = srt_getlasterror(&system_errno);

	if (code >= SRT_EASYNCFAIL && code < SRT_EASYNCFAIL + 1000)
		return -EAGAIN;
	switch (code) {
	case SRT_ECONNLOST:
	case SRT_ENOCONN:
	case SRT_EINVSOCK: return -ENOTCONN;
	case SRT_ERESOURCE: return -ENOMEM;
	}
	return system_errno > 0 ? -system_errno : -EIO;
}

static bool set_flag(int sock, SRT_SOCKOPT option, const void *value, size_t len)
{
	return srt_setsockflag(sock, option, value, (int)len) == 0;
}

static bool set_int(int sock, SRT_SOCKOPT option, int value)
{
	return set_flag(sock, option, &value, sizeof(value));
}

static bool set_bool(int sock, SRT_SOCKOPT option, bool value)
{
	return set_flag(sock, option, &value, sizeof(value));
}

static bool set_text(int sock, SRT_SOCKOPT option, const char *value)
{
	return value[0] == '\0' || set_flag(sock, option, value, strlen(value));
}

/* What listeners and callers have in common. longest_ms: what there must be room for. */
static int set_options(int sock, int latency_ms, int longest_ms)
{
	const struct linger none = { 0 };
	const int flight = FLIGHT_PACKETS_MORE + (int)((int64_t)FLIGHT_PACKETS_PER_S * longest_ms / 1000);
	const bool is_set = set_bool(sock, SRTO_RCVSYN, false) && set_bool(sock, SRTO_SNDSYN, false) &&
	    set_int(sock, SRTO_TRANSTYPE, SRTT_LIVE) && set_int(sock, SRTO_PAYLOADSIZE, IO_SRT_MESSAGE_MAX) &&
	    set_int(sock, SRTO_MINVERSION, PEER_MIN_VERSION) && set_bool(sock, SRTO_ENFORCEDENCRYPTION, true) &&
	    set_int(sock, SRTO_RCVLATENCY, latency_ms) && set_int(sock, SRTO_PEERIDLETIMEO, IO_SRT_IDLE_MS) &&
	    set_int(sock, SRTO_FC, flight) && set_int(sock, SRTO_RCVBUF, flight * IO_SRT_MESSAGE_MAX) &&
	    set_flag(sock, SRTO_LINGER, &none, sizeof(none));

	return is_set ? 0 : -EINVAL;
}

static int answer_caller(
    void *arg, SRTSOCKET sock, int handshake_version, const struct sockaddr *peer, const char *stream_id)
{
	const struct io_srt_caller caller = {
		.sock = sock,
		.stream_id = stream_id ? stream_id : "",
		.stream_id_len = stream_id ? strlen(stream_id) : 0,
		.peer = peer,
		.handshake_version = handshake_version,
	};
	struct io_srt_answer answer = { 0 };

	(void)arg;
	listening.ask(listening.arg, &caller, &answer);
	if (answer.reject_code == 0 &&
	    (!set_text(sock, SRTO_PASSPHRASE, answer.passphrase) ||
		(answer.latency_ms > 0 && !set_int(sock, SRTO_RCVLATENCY, answer.latency_ms)) ||
		(answer.is_receiver && !set_int(sock, SRTO_FC, FLIGHT_PACKETS_LISTENER))))
		answer.reject_code = SRT_REJC_PREDEFINED;
	explicit_bzero(answer.passphrase, sizeof(answer.passphrase));
	if (answer.reject_code == 0)
		return 0;
	srt_setrejectreason(sock, answer.reject_code);
	return -1;
}

/* Our own socket, so that an occupied port is told apart and its buffers are as large as we may make them. */
static int bind_udp(const struct io_srt_listen *listen, uint16_t *port)
{
	const struct addrinfo hints = { .ai_flags = AI_PASSIVE | AI_NUMERICHOST, .ai_socktype = SOCK_DGRAM };
	struct sockaddr_storage bound = { 0 };
	socklen_t bound_len = sizeof(bound);
	struct addrinfo *info = NULL;
	char service[8];
	int err = 0;
	int fd;

	snprintf(service, sizeof(service), "%u", listen->port);
	if (getaddrinfo(listen->host, service, &hints, &info) != 0 || !info)
		return -EINVAL;
	fd = socket(info->ai_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || bind(fd, info->ai_addr, info->ai_addrlen) != 0 ||
	    getsockname(fd, (struct sockaddr *)&bound, &bound_len) != 0)
		err = -errno;
	freeaddrinfo(info);
	if (err != 0) {
		if (fd >= 0)
			close(fd);
		return err;
	}
	*port = ntohs(bound.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)(void *)&bound)->sin6_port
						  : ((struct sockaddr_in *)(void *)&bound)->sin_port);
	return fd;
}

/* A burst of handshakes must not wash away the packets of those who are on. What the system allows is fine, too. */
static void widen_buffers(int fd)
{
	const int bytes = UDP_BUFFER_BYTES;

	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes)) != 0)
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
	if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &bytes, sizeof(bytes)) != 0)
		setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
}

int io_srt_listen(const struct io_srt_listen *listen, uint16_t *port)
{
	const int fd = bind_udp(listen, port);
	int sock = SRT_INVALID_SOCK;
	int err = fd < 0 ? fd : 0;

	if (err == 0) {
		sock = srt_create_socket();
		err = sock == SRT_INVALID_SOCK ? last_error()
					       : set_options(sock, listen->latency_ms, listen->longest_latency_ms);
	}
	listening = (struct listening){ listen->ask, listen->arg };
	if (err == 0 && srt_listen_callback(sock, answer_caller, NULL) < 0)
		err = last_error();
	if (err == 0 && srt_bind_acquire(sock, fd) < 0)
		err = last_error();
	if (err != 0) {
		if (fd >= 0)
			close(fd);
		if (sock != SRT_INVALID_SOCK)
			srt_close(sock);
		return err;
	}
	widen_buffers(fd);
	if (srt_listen(sock, LISTEN_BACKLOG) < 0) {
		err = last_error();
		srt_close(sock);
		return err;
	}
	return sock;
}

void io_srt_format_peer(const struct sockaddr *addr, char out[IO_SRT_PEER_TEXT_MAX])
{
	char host[INET6_ADDRSTRLEN] = "?";

	if (addr->sa_family == AF_INET6) {
		const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)(const void *)addr;

		inet_ntop(AF_INET6, &in6->sin6_addr, host, sizeof(host));
		snprintf(out, IO_SRT_PEER_TEXT_MAX, "[%s]:%u", host, ntohs(in6->sin6_port));
	} else if (addr->sa_family == AF_INET) {
		const struct sockaddr_in *in = (const struct sockaddr_in *)(const void *)addr;

		inet_ntop(AF_INET, &in->sin_addr, host, sizeof(host));
		snprintf(out, IO_SRT_PEER_TEXT_MAX, "%s:%u", host, ntohs(in->sin_port));
	} else {
		snprintf(out, IO_SRT_PEER_TEXT_MAX, "?");
	}
}

int io_srt_accept(int listener, char peer[IO_SRT_PEER_TEXT_MAX])
{
	struct sockaddr_storage addr = { 0 };
	int addr_len = sizeof(addr);
	const int sock = srt_accept(listener, (struct sockaddr *)&addr, &addr_len);

	if (sock == SRT_INVALID_SOCK)
		return last_error();
	io_srt_format_peer((const struct sockaddr *)&addr, peer);
	return sock;
}

size_t io_srt_stream_id(int sock, char out[IO_SRT_STREAM_ID_MAX + 1])
{
	int len = IO_SRT_STREAM_ID_MAX + 1;

	out[0] = '\0';
	if (srt_getsockflag(sock, SRTO_STREAMID, out, &len) < 0 || len < 0 || len > IO_SRT_STREAM_ID_MAX)
		len = 0;
	out[len] = '\0';
	return (size_t)len;
}

int io_srt_call(const struct io_srt_call *call)
{
	const int sock = srt_create_socket();
	int err;

	if (sock == SRT_INVALID_SOCK)
		return last_error();
	err = set_options(sock, call->latency_ms, call->latency_ms);
	if (err == 0 &&
	    (!set_int(sock, SRTO_CONNTIMEO, IO_SRT_CONNECT_MS) || !set_int(sock, SRTO_PEERLATENCY, call->latency_ms) ||
		!set_text(sock, SRTO_STREAMID, call->stream_id) || !set_text(sock, SRTO_PASSPHRASE, call->passphrase)))
		err = -EINVAL;
	if (err == 0 && srt_connect(sock, call->peer, (int)call->peer_len) < 0)
		err = last_error();
	if (err != 0) {
		srt_close(sock);
		return err;
	}
	return sock;
}

ssize_t io_srt_receive(int sock, void *buf, size_t size_bytes)
{
	const int n = srt_recvmsg2(sock, buf, (int)size_bytes, NULL);

	return n >= 0 ? n : last_error();
}

int io_srt_send(int sock, const void *message, size_t len)
{
	return srt_sendmsg2(sock, message, (int)len, NULL) >= 0 ? 0 : last_error();
}

size_t io_srt_unsent(int sock)
{
	size_t blocks = 0;
	size_t bytes = 0;

	return srt_getsndbuffer(sock, &blocks, &bytes) >= 0 ? blocks : 0;
}

void io_srt_close(int sock)
{
	srt_close(sock);
}

enum io_srt_state io_srt_state(int sock)
{
	const SRT_SOCKSTATUS state = srt_getsockstate(sock);

	if (state == SRTS_CONNECTED)
		return IO_SRT_CONNECTED;
	return state == SRTS_INIT || state == SRTS_OPENED || state == SRTS_CONNECTING ? IO_SRT_CONNECTING : IO_SRT_OVER;
}

bool io_srt_has_reject_reason(int sock)
{
	return srt_getrejectreason(sock) != SRT_REJ_UNKNOWN;
}

const char *io_srt_reject_text(int sock)
{
	static const struct {
		int code;
		const char *text;
	} servers[] = {
		{ SRT_REJX_BAD_REQUEST, "the server cannot read the stream id" },
		{ SRT_REJX_UNAUTHORIZED, "the server does not know this key or token" },
		{ SRT_REJX_OVERLOAD, "the server has too many connections" },
		{ SRT_REJX_FORBIDDEN, "the server does not let this key in now" },
		{ SRT_REJX_NOTFOUND, "the server does not know this stream" },
		{ SRT_REJX_BAD_MODE, "the server does not do this mode" },
		{ SRT_REJX_CONFLICT, "somebody else publishes there" },
	};
	const int code = srt_getrejectreason(sock);

	for (size_t i = 0; i < ARRAY_LEN(servers); i++) {
		if (servers[i].code == code)
			return servers[i].text;
	}
	switch (code) {
	case SRT_REJ_TIMEOUT: return "no answer";
	case SRT_REJ_BADSECRET: return "the passphrase is wrong";
	case SRT_REJ_UNSECURE: return "one side wants a passphrase and the other has none";
	case SRT_REJ_VERSION: return "the peer is older than SRT 1.3";
	}
	return srt_rejectreason_str(code);
}

static void take_received(const SRT_TRACEBSTATS *s, struct link_figures *out)
{
	out->packets = (uint64_t)s->pktRecvTotal;
	out->bytes = s->byteRecvTotal;
	out->lost = (uint64_t)s->pktRcvLossTotal;
	out->retransmitted = (uint64_t)s->pktRcvRetrans; /* never cleared, so it is a total, too */
	out->dropped_late = (uint64_t)s->pktRcvDropTotal;
	out->undecryptable = (uint64_t)s->pktRcvUndecryptTotal;
	out->latency_ms = (uint32_t)s->msRcvTsbPdDelay;
	out->buffer_ms = (uint32_t)s->msRcvBuf;
	out->rate_kbps = (int64_t)(s->mbpsRecvRate * 1000);
}

static void take_sent(const SRT_TRACEBSTATS *s, struct link_figures *out)
{
	out->packets = (uint64_t)s->pktSentTotal;
	out->bytes = s->byteSentTotal;
	out->lost = (uint64_t)s->pktSndLossTotal;
	out->retransmitted = (uint64_t)s->pktRetransTotal;
	out->dropped_late = (uint64_t)s->pktSndDropTotal;
	out->latency_ms = (uint32_t)s->msSndTsbPdDelay;
	out->buffer_ms = (uint32_t)s->msSndBuf;
	out->rate_kbps = (int64_t)(s->mbpsSendRate * 1000);
}

int io_srt_figures(int sock, bool is_receiving, struct link_figures *out)
{
	SRT_TRACEBSTATS s;

	*out = (struct link_figures){ .is_receiving = is_receiving };
	if (srt_bistats(sock, &s, 0, 1) < 0)
		return last_error();
	out->rtt_us = (int64_t)(s.msRTT * 1000);
	out->bandwidth_kbps = (int64_t)(s.mbpsBandwidth * 1000);
	if (is_receiving)
		take_received(&s, out);
	else
		take_sent(&s, out);
	return 0;
}

int io_srt_poll_create(void)
{
	const int poll = srt_epoll_create();

	if (poll < 0)
		return last_error();
	/* Nobody in it is fine: the first look may come before the first socket. */
	srt_epoll_set(poll, SRT_EPOLL_ENABLE_EMPTY);
	return poll;
}

void io_srt_poll_destroy(int poll)
{
	srt_epoll_release(poll);
}

int io_srt_poll_set(int poll, int sock, unsigned events, bool is_new)
{
	int wanted = SRT_EPOLL_ERR;
	int result;

	if (events & IO_SRT_IN)
		wanted |= SRT_EPOLL_IN;
	if (events & IO_SRT_OUT)
		wanted |= SRT_EPOLL_OUT;
	result = is_new ? srt_epoll_add_usock(poll, sock, &wanted) : srt_epoll_update_usock(poll, sock, &wanted);
	return result < 0 ? last_error() : 0;
}

void io_srt_poll_remove(int poll, int sock)
{
	srt_epoll_remove_usock(poll, sock);
}

int io_srt_poll_look(int poll, struct io_srt_event *out, int max)
{
	enum { AT_ONCE = 64 };
	SRT_EPOLL_EVENT events[AT_ONCE];
	const int n = srt_epoll_uwait(poll, events, max < AT_ONCE ? max : AT_ONCE, 0);
	const int found = n < 0 ? 0 : n < max ? n : max;

	for (int i = 0; i < found; i++) {
		const int e = events[i].events;

		out[i].sock = events[i].fd;
		out[i].events = (e & (SRT_EPOLL_IN | SRT_EPOLL_ERR) ? IO_SRT_IN : 0u) |
		    (e & (SRT_EPOLL_OUT | SRT_EPOLL_ERR) ? IO_SRT_OUT : 0u);
	}
	return found;
}
