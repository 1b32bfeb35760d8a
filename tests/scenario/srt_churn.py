#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""10,000 SRT publishers that come and go (ISARIBI_CYCLES): memory, descriptors and threads are back afterwards.

The same churn at bare libsrt stands beside it: what grows there is not the relay's.
"""
import os
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))

import media_ts  # noqa: E402
import procfs  # noqa: E402
import srt_tools  # noqa: E402
from isaribi_test import Plan, check, is_sanitized, main, new_key, wait_for  # noqa: E402

CYCLES = int(os.environ.get("ISARIBI_CYCLES", 500 if is_sanitized() else 10000))
# libsrt forgets a connection seconds after its end, so memory grows with the pace and not with the count: at the same
# pace for longer than that, everything that grows has grown.
WARM_UP_CYCLES = 200 if is_sanitized() else 3000
CONCURRENCY = 8
KEYS = 60  # more than concurrent cycles: nearly all are on alone
ROOM_KB = 2 << 10
# The node forgets a stream 60 s after its publisher (HOLD_MS); libsrt a peer that left without a word after some seconds.
GONE_S = 120


def measure(process):
    return procfs.rss_kb(process.pid), procfs.descriptors(process.pid), procfs.threads(process.pid)


def churn(bench, port, ts, cycles, seed, stream_id=None, ids=1):
    seen = srt_tools.churn(bench, port, ts, cycles=cycles, stream_id=stream_id, ids=ids, concurrency=CONCURRENCY,
                           seed=seed)
    print(f"     {seen}")
    check(seen["cycles"] == cycles and seen["timeouts"] == seen["failed"] == 0, f"churn: {seen}")
    # An attempt that the tool gave up in the handshake may still be on when its key comes round again.
    check(seen["published"] > cycles * 3 // 4, f"hardly anybody got on: {seen}")
    return seen


def case_ten_thousand_cycles(bench):
    plan, key = Plan(), new_key()
    for n in range(KEYS):
        plan.key(f"stream{n}", f"{key}{n}")
    node = bench.node(plan, {"srt.listen": "127.0.0.1:0", "node.grace_ms": 1000})
    ts = media_ts.make_ts(bench, seconds=2)
    stream_id = srt_tools.publish_id(key + "{n}")

    def wait_gone():
        wait_for("all streams to be gone", lambda: node.metrics()["isaribi_streams"] == 0, GONE_S)
        wait_for("all HLS to be gone", lambda: node.metrics()["isaribi_hls_streams"] == 0, GONE_S)

    idle_descriptors, idle_threads = measure(node.process)[1:]
    if not is_sanitized():  # there memory is not compared, and the wait would be for nothing
        churn(bench, node.srt_port, ts, WARM_UP_CYCLES, 1, stream_id, KEYS)
        wait_gone()
    before = measure(node.process)
    churn(bench, node.srt_port, ts, CYCLES, 2, stream_id, KEYS)
    high = measure(node.process)
    wait_gone()
    wait_for("threads to be back", lambda: measure(node.process)[2] <= idle_threads, GONE_S)
    wait_for("descriptors to be back", lambda: measure(node.process)[1] <= idle_descriptors)
    after = measure(node.process)
    print(f"     kB, descriptors, threads: warm {before}, at the end of it {high}, idle {after}")
    if not is_sanitized():  # there the numbers are the sanitizer's own; leaks show at the node's end
        check(after[0] <= before[0] + ROOM_KB, f"{after[0] - before[0]} kB more than before {CYCLES} cycles")
    publisher = srt_tools.publish(bench, node.srt_port, f"{key}0", ts)
    wait_for("a publisher after all that", lambda: "running" in publisher.out())
    node.wait_live("stream0")


def case_bare_libsrt(bench):
    """The same without a relay; descriptors and threads are libsrt's promise, memory is printed to compare."""
    process, port = srt_tools.listen(bench)
    ts = media_ts.make_ts(bench, seconds=2)
    idle = measure(process)
    churn(bench, port, ts, WARM_UP_CYCLES, 1)
    warm = measure(process)
    churn(bench, port, ts, CYCLES, 2)
    wait_for("threads to be back", lambda: measure(process)[2] <= idle[2], GONE_S)
    wait_for("descriptors to be back", lambda: measure(process)[1] <= idle[1])
    print(f"     kB, descriptors, threads: idle {idle}, warm {warm}, at the end {measure(process)}")
    process.stop()
    check(process.code() == 0, f"the listener ended with {process.code()}: {process.tail()}")


main()
