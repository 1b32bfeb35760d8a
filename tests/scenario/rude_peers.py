#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Peers that stall, babble or never read: closed with a reason, while everybody else sees nothing."""
import pathlib
import random
import signal
import socket
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))

import clients  # noqa: E402
from isaribi_test import Plan, check, main, wait_for  # noqa: E402


def start(bench, **media):
    plan = Plan()
    key = plan.key("tanaka")
    node = bench.node(plan)
    flv = clients.make_flv(bench, seconds=60, **media)
    publisher = clients.ffmpeg_publish(bench, node.publish_url(key), flv)
    node.wait_live("tanaka")
    return node, publisher


def closed(node, reason):
    return node.metrics().get(f'isaribi_sessions_closed_total{{reason="{reason}"}}', 0)


def closes_within(sock, seconds):
    """Seconds until the server closes."""
    started = time.monotonic()
    sock.settimeout(seconds)
    try:
        while sock.recv(65536):
            pass
    except ConnectionResetError:
        pass
    except TimeoutError:
        check(False, f"not closed within {seconds} s")
    return time.monotonic() - started


def connect(node):
    return socket.create_connection(("127.0.0.1", node.rtmp_port), 5)


def case_silent_from_the_beginning(bench):
    node, _ = start(bench)
    with connect(node) as nothing, connect(node) as half:
        half.sendall(b"\x03" + b"\0" * 700)
        first = closes_within(nothing, 9)
        check(3.5 < first < 8, f"a silent handshake is closed after {first:.1f} s")
        closes_within(half, 3)
    wait_for("the reason", lambda: closed(node, "handshake_late") == 2)


def case_handshake_then_nothing(bench):
    node, _ = start(bench)
    with connect(node) as s:
        s.sendall(b"\x03" + b"\0" * 1536)
        got = b""
        while len(got) < 3073:
            got += s.recv(4096)
        s.sendall(got[1:1537])
        took = closes_within(s, 15)
        check(7 < took < 14, f"a client that asks for nothing is closed after {took:.1f} s")
    check(closed(node, "start_late") == 1, "the reason is not counted")


def case_babble(bench):
    """Random bytes, with and without a handshake before them. The seed is fixed."""
    node, publisher = start(bench)
    player = clients.load_players(bench, node.play_url("tanaka"), seconds=8)
    dice = random.Random(20261124)
    for n in range(60):
        with connect(node) as s:
            try:
                if n % 3:
                    s.sendall(b"\x03" + dice.randbytes(1536))
                    s.sendall(dice.randbytes(1536))
                s.sendall(dice.randbytes(dice.randrange(1, 20000)))
            except (ConnectionResetError, BrokenPipeError):
                pass
    with connect(node) as s:
        s.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" + b"\r\n" * 2000)
        closes_within(s, 8)
    seen = clients.load_result(player)
    check(seen["open"] == 1 and seen["stalls"] == 0 and publisher.is_running(), f"others were disturbed: {seen}")


def case_frozen_publisher(bench):
    """A publisher that stops talking without closing is gone after 10 s; thawed it must come again."""
    node, publisher = start(bench)
    publisher.signal(signal.SIGSTOP)
    started = time.monotonic()
    wait_for("the silence to be noticed", lambda: closed(node, "silent") == 1, 20)
    took = time.monotonic() - started
    publisher.signal(signal.SIGCONT)
    check(8 < took < 15, f"a silent publisher was closed after {took:.1f} s")
    clients.expect_refused(publisher, 15)


def case_players_that_never_read(bench):
    """They are skipped and closed; those who read notice nothing, and the node holds no mountain of bytes."""
    node, publisher = start(bench, kbit=4000, size="640x360")
    players = clients.load_players(bench, node.play_url("tanaka"), players=24, seconds=40, never_read=4)
    wait_for("those who never read to be thrown out", lambda: closed(node, "too_slow") == 4, 45)
    seen = clients.load_result(players)
    check(seen["open"] - seen["never_read_open"] == 20, f"those who read were closed, too: {seen}")
    check(seen["stalls"] == 0 and seen["backwards"] == 0, f"those who read were disturbed: {seen}")
    check(publisher.is_running(), "the publisher was disturbed")


main()
