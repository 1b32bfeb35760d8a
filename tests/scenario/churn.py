#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""10,000 publishers that come and go (ISARIBI_CYCLES): memory, descriptors and threads are back afterwards."""
import json
import os
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))

import clients  # noqa: E402
import procfs  # noqa: E402
from isaribi_test import Plan, check, is_sanitized, main, sanitizers, wait_for  # noqa: E402

# AddressSanitizer keeps freed memory for a while; what is measured here is what the node keeps.
SMALL_QUARANTINE = {"ASAN_OPTIONS": ":".join(filter(None, [
    os.environ.get("ASAN_OPTIONS"), "quarantine_size_mb=1", "allocator_release_to_os_interval_ms=500"]))}
# With a sanitizer the numbers are its own; leaks show at the node's end then.
ROOM_KB = (96 << 10) if is_sanitized() else (8 << 10)


def measure(node):
    pid = node.process.pid
    return procfs.rss_kb(pid), procfs.descriptors(pid), procfs.threads(pid)


def run(bench, urls, flv, cycles, seed):
    argv = [clients.TOOLS / "rtmp_churn", "--file", flv, "--cycles", cycles, "--concurrency", 32, "--seed", seed]
    for url in urls:
        argv += ["--url", url]
    seen = json.loads(bench.run("rtmp_churn", argv, 300))
    print(f"     {seen}")
    check(seen["cycles"] == cycles and seen["timeouts"] == seen["failed"] == seen["broken"] == 0, f"churn: {seen}")
    return seen


def wait_idle(node):
    wait_for("all sessions to end", lambda: node.metrics()["isaribi_rtmp_connections"] == 0, 30)


def check_memory(node, before_kb, high_kb):
    wait_for(f"memory to come back from {high_kb} to {before_kb} kB",
             lambda: measure(node)[0] <= before_kb + ROOM_KB, 30)


def case_ten_thousand_cycles(bench):
    cycles = int(os.environ.get("ISARIBI_CYCLES", 10000))
    plan = Plan()
    # More keys than concurrent cycles: nearly all are on alone.
    keys = [plan.key(f"stream{n}") for n in range(60)]
    node = bench.node(plan, {"node.grace_ms": 1000}, SMALL_QUARANTINE)
    flv = clients.make_flv(bench, seconds=2)
    urls = [node.publish_url(key) for key in keys]
    run(bench, urls[:2], flv, 100, seed=1)  # everything that is allocated once is there now
    wait_idle(node)
    rss, descriptors, threads = measure(node)
    seen = run(bench, urls, flv, cycles, seed=2)
    check(seen["published"] > cycles // 2, f"hardly anybody got on: {seen}")
    wait_idle(node)
    high = measure(node)
    # HLS is kept a while for those who come late; then everything is gone.
    wait_for("all streams to be gone", lambda: node.metrics()["isaribi_streams"] == 0, 120)
    wait_for("all HLS to be gone", lambda: node.metrics()["isaribi_hls_streams"] == 0, 120)
    print(f"     kB, descriptors, threads: before {rss, descriptors, threads}, at the end of it {high}, "
          f"idle {measure(node)}")
    wait_for("descriptors to be back", lambda: measure(node)[1] <= descriptors)
    check(measure(node)[2] == threads, "threads are left over")
    # ThreadSanitizer keeps shadows of everything for ever; there only the rest of this case counts.
    if "thread" not in sanitizers():
        check_memory(node, rss, high[0])
    clients.librtmp_publish(bench, urls[0], flv).expect_success()


def case_one_key_fought_over(bench):
    """Everybody has the same key: takeovers without end, and the last one is on."""
    plan = Plan()
    key = plan.key("tanaka")
    node = bench.node(plan, {"node.grace_ms": 1000})
    flv = clients.make_flv(bench, seconds=2)
    player = clients.load_players(bench, node.play_url("tanaka"), seconds=60, until_end=True)
    wait_for("the player", lambda: node.metrics()["isaribi_rtmp_players"] == 1)
    run(bench, [node.publish_url(key)], flv, 1000, seed=3)
    clients.librtmp_publish(bench, node.publish_url(key), flv).expect_success()
    seen = clients.load_result(player, 70)
    check(seen["backwards"] == 0 and seen["broken"] == 0, f"the player saw times go back: {seen}")


main()
