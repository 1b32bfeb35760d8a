#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Many HLS viewers at once: ISARIBI_VIEWERS of them, 500 unless the programs carry a sanitizer. What they cost is measured
in bench/; here everyone must be served."""
import os
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))

import clients  # noqa: E402
import procfs  # noqa: E402
from isaribi_test import TOOLS, Plan, check, http, is_sanitized, main, wait_for  # noqa: E402

SECONDS = 8


def watch(bench, *args):
    viewers = int(os.environ.get("ISARIBI_VIEWERS", 50 if is_sanitized() else 500))
    plan = Plan()
    key = plan.key("tanaka")
    node = bench.node(plan)
    flv = clients.make_flv(bench, seconds=30, kbit=1000, size="640x360")
    publisher = clients.ffmpeg_publish(bench, node.publish_url(key), flv, loop=True)
    url = node.hls_url("tanaka", file="main.m3u8")
    wait_for("a playlist of three segments", lambda: http("GET", url).text().count("#EXTINF") >= 3, 30)
    descriptors = procfs.descriptors(node.process.pid)
    load = bench.start("hls_load", [TOOLS / "hls_load", "--url", url, "--viewers", viewers, "--seconds", SECONDS,
                                    "--ramp-ms", 2000, *args])
    seen = clients.load_result(load, SECONDS + 60)
    print(f"     {viewers} viewers: {seen['requests']} requests, waited {seen['waited_ms']} ms")
    check(seen["live"] == viewers and seen["broken"] == 0, f"not all are served: {seen}")
    check(seen["errors"] == 0 and seen["stalls"] == 0, f"errors or stalls above 1 s: {seen}")
    wait_for("the viewers to be gone", lambda: procfs.descriptors(node.process.pid) <= descriptors + 2)
    check(publisher.is_running(), f"the publisher was disturbed: {publisher.tail()}")
    return seen


def case_plain(bench):
    watch(bench, "--mode", "plain")


def case_low_latency(bench):
    seen = watch(bench, "--mode", "ll")
    check(seen["waited"] > seen["viewers"], f"nobody had to wait: {seen}")


def case_low_latency_with_hints(bench):
    watch(bench, "--mode", "ll", "--hints")


main()
