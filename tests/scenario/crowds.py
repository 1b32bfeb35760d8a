#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Crowds that mean no good: thousands who say nearly nothing, hundreds who never read, and no descriptor left.

ISARIBI_IDLE and ISARIBI_NEVER_READ size them; under a sanitizer the defaults are smaller.
"""
import contextlib
import os
import pathlib
import resource
import select
import socket
import statistics
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))

import clients  # noqa: E402
import hls  # noqa: E402
import procfs  # noqa: E402
import rtmp_raw as raw  # noqa: E402
from bystanders import Bystanders  # noqa: E402
from isaribi_test import Plan, check, is_sanitized, main, sanitizers, wait_for  # noqa: E402

IDLE = int(os.environ.get("ISARIBI_IDLE", 500 if is_sanitized() else 2000))
NEVER_READ = int(os.environ.get("ISARIBI_NEVER_READ", 100 if is_sanitized() else 500))
BYTE_EVERY_S = 10
START_LIMIT_S = 5  # generous: what is measured is printed
# Of a player that does not read the kernel holds its share; ours is a cursor, never a copy of the stream.
NEVER_READ_GROWTH_KB = 64 * 1024


def closed(node, reason):
    return node.metrics().get(f'isaribi_sessions_closed_total{{reason="{reason}"}}', 0)


def allow_descriptors(n):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    check(hard >= n, f"only {hard} descriptors may be had")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, n), hard))


def publish_starts(node, key, n=15):
    """ms from connecting to NetStream.Publish.Start, the middle of n and the largest."""
    times = []
    for _ in range(n):
        began = time.monotonic()
        with raw.Peer(node.rtmp_port) as peer:
            check(peer.shake_hands() and peer.begin("live", "publish", key), "a publish was not granted")
        times.append((time.monotonic() - began) * 1000)
    return statistics.median(times), max(times)


class Idlers:
    """Connections that say a byte every BYTE_EVERY_S; half of them have shaken hands. A thread of its own looks after
    them and notes when each was closed."""

    def __init__(self, port, n):
        self.socks = {}  # socket -> (is_shaken, when it began to be idle)
        self.lives = {False: [], True: []}  # seconds, by is_shaken
        self.is_over = False
        self.poll = select.epoll()
        self.by_fd = {}
        for i in range(n):
            self._add(port, i % 2 == 1)
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _add(self, port, is_shaken):
        sock = socket.create_connection(("127.0.0.1", port), 10)
        if is_shaken:
            sock.sendall(b"\x03" + b"\0" * 3072)
            got = 0
            while got < raw.HANDSHAKE_BYTES:
                got += len(sock.recv(raw.HANDSHAKE_BYTES - got))
        sock.setblocking(False)
        self.socks[sock] = (is_shaken, time.monotonic())
        self.by_fd[sock.fileno()] = sock
        self.poll.register(sock, select.EPOLLIN)

    def _run(self):
        say = time.monotonic()
        while not self.is_over and self.socks:
            for fd, _ in self.poll.poll(0.2):
                self._hear(self.by_fd[fd])
            if time.monotonic() >= say:
                say += BYTE_EVERY_S
                for sock in self.socks:
                    with contextlib.suppress(OSError):
                        sock.send(b"\x03")

    def _hear(self, sock):
        with contextlib.suppress(ConnectionResetError):
            if sock.recv(4096):
                return
        self.poll.unregister(sock)
        is_shaken, since = self.socks.pop(sock)
        self.lives[is_shaken].append(time.monotonic() - since)
        sock.close()

    def stop(self):
        self.is_over = True
        self.thread.join()


def case_idle(bench):
    """Publishes start as before while thousands idle; each idler is closed at its deadline."""
    allow_descriptors(IDLE + 200)
    plan = Plan()
    key, other = plan.key("tanaka"), plan.key("suzuki")
    node = bench.node(plan)
    beside = Bystanders(bench, node, key, "tanaka")
    before, before_max = publish_starts(node, other)
    rss = procfs.rss_kb(node.process.pid)
    idlers = Idlers(node.rtmp_port, IDLE)
    there = node.metrics()["isaribi_rtmp_connections"] - 2  # the broadcast and its player
    with_them, with_them_max = publish_starts(node, other)
    rss = procfs.rss_kb(node.process.pid) - rss
    wait_for("every idler to be closed", lambda: not idlers.socks, 40)
    idlers.stop()
    gap = beside.stop()
    print(f"     {there:.0f} idlers: a publish starts in {before:.1f} ms without ({before_max:.1f} at most), {with_them:.1f} "
          f"ms with them ({with_them_max:.1f}); {rss / IDLE:.1f} kB for each; largest gap beside them {gap:.0f} ms")
    for is_shaken, deadline in ((False, 5), (True, 10)):
        lives = idlers.lives[is_shaken]
        print(f"     closed {'after' if is_shaken else 'before'} a handshake: {min(lives):.1f} to {max(lives):.1f} s")
        check(len(lives) == IDLE // 2, f"{len(lives)} of {IDLE // 2} closed")
        # A byte more of rubbish may end one sooner; none may stay longer.
        check(max(lives) < deadline + 6, f"closed {max(lives):.1f} s after a deadline of {deadline}")
    check(there >= IDLE, f"only {there} of {IDLE} were there together")
    check(with_them_max < START_LIMIT_S * 1000, f"a publish took {with_them_max:.0f} ms to start")
    ended = closed(node, "handshake_late") + closed(node, "start_late")
    check(ended == IDLE, f"{ended} of {IDLE} were closed for being late")


def case_never_read(bench):
    """Hundreds of players that never read: the others see what they saw, and the node holds no copies for them."""
    allow_descriptors(NEVER_READ + 200)
    plan = Plan()
    key = plan.key("tanaka")
    node = bench.node(plan)
    flv = clients.make_flv(bench, seconds=90, kbit=2000, size="320x180")
    publisher = clients.ffmpeg_publish(bench, node.publish_url(key), flv)
    node.wait_live("tanaka")
    alone = clients.load_result(clients.load_players(bench, node.play_url("tanaka"), players=20, seconds=5))
    pid = node.process.pid
    before = procfs.rss_kb(pid)
    procfs.reset_peak_rss(pid)
    lazy = clients.load_players(bench, node.play_url("tanaka"), players=NEVER_READ, never_read=NEVER_READ, seconds=40,
                                until_end=True, ramp_ms=1000)
    readers = clients.load_players(bench, node.play_url("tanaka"), players=20, seconds=30)
    seen = clients.load_result(readers, 60)
    growth = procfs.peak_rss_kb(pid) - before
    ended = closed(node, "too_slow")
    clients.load_result(lazy, 60)
    print(f"     {NEVER_READ} that never read, {ended:.0f} of them closed within 30 s; largest gap of 20 readers "
          f"{seen['max_gap_ms']['max']:.0f} ms, alone {alone['max_gap_ms']['max']:.0f} ms; first picture p50 "
          f"{seen['first_key_ms']['p50']:.0f} ms, alone {alone['first_key_ms']['p50']:.0f} ms; the node grew by {growth} kB")
    check(seen["open"] == 20 == seen["playing"] and seen["stalls"] == 0 and seen["backwards"] == 0, f"disturbed: {seen}")
    if "thread" not in sanitizers():
        check(growth <= NEVER_READ_GROWTH_KB * (2 if is_sanitized() else 1), f"the node grew by {growth} kB")
    check(publisher.is_running(), f"the publisher was disturbed: {publisher.tail()}")


def is_served(node):
    """A newcomer comes as far as a handshake."""
    try:
        with raw.Peer(node.rtmp_port) as peer:
            return peer.shake_hands()
    except OSError:
        return False


def case_no_descriptors(bench):
    """Old sessions go on, newcomers are turned away at once and without a busy loop, and later everybody is served."""
    allow_descriptors(1000)
    plan = Plan()
    key = plan.key("tanaka")
    node = bench.node(plan)
    beside = Bystanders(bench, node, key, "tanaka")
    beside.is_over.set()  # the player that is there stays; no new one could come, and an HLS reader always is new
    beside.follower.stop()
    pid = node.process.pid
    soft, hard = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (procfs.descriptors(pid) + 40, hard))
    crowd = []
    for _ in range(200):
        sock = socket.create_connection(("127.0.0.1", node.rtmp_port), 10)
        sock.settimeout(5)
        crowd.append(sock)
    cpu, began, turned_away, slowest = procfs.cpu_s(pid), time.monotonic(), 0, 0.0
    while time.monotonic() - began < 4:
        at = time.monotonic()
        if not is_served(node):
            turned_away += 1
            slowest = max(slowest, time.monotonic() - at)
        time.sleep(0.05)
    took = time.monotonic() - began
    cpu = procfs.cpu_s(pid) - cpu
    check(beside.publisher.is_running(), "the publisher was disturbed")
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (soft, hard))
    for sock in crowd:
        sock.close()
    wait_for("newcomers to be served again", lambda: is_served(node), 15)
    hls.follow(bench, node, "tanaka").wait_segments(2)
    gap = beside.stop()
    print(f"     no descriptors for {took:.1f} s: {cpu:.2f} s of CPU; {turned_away} turned away, the slowest after "
          f"{slowest * 1000:.0f} ms; largest gap of the player that was there {gap:.0f} ms")
    check(turned_away > 0, "nobody was turned away: descriptors were not out")
    counted = closed(node, "too_many")
    check(counted >= turned_away, f"{turned_away} were turned away, {counted:.0f} of them counted")
    check(cpu < took / 2, f"{cpu:.2f} s of CPU in {took:.1f} s: a busy loop")
    check(slowest < 10, f"a newcomer hung for {slowest:.1f} s")


main()
