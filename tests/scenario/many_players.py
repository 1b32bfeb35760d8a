#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A full house: ISARIBI_PLAYERS players for ISARIBI_SECONDS, 1,000 for 60 s unless the programs carry a sanitizer."""
import os
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))

import clients  # noqa: E402
import hls  # noqa: E402
import procfs  # noqa: E402
from isaribi_test import Plan, check, is_sanitized, main, wait_for  # noqa: E402


def case_full_house(bench):
    players = int(os.environ.get("ISARIBI_PLAYERS", 200 if is_sanitized() else 1000))
    seconds = int(os.environ.get("ISARIBI_SECONDS", 20 if is_sanitized() else 60))
    plan = Plan()
    key = plan.key("tanaka")
    node = bench.node(plan)
    flv = clients.make_flv(bench, seconds=60, kbit=1000, size="640x360")
    publisher = clients.ffmpeg_publish(bench, node.publish_url(key), flv, loop=True)
    node.wait_live("tanaka")
    follower = hls.follow(bench, node, "tanaka")
    pid = node.process.pid
    threads, descriptors = procfs.threads(pid), procfs.descriptors(pid)
    cpu = procfs.cpu_s(pid)
    load = clients.load_players(bench, node.play_url("tanaka"), players=players, seconds=seconds, ramp_ms=5000)
    wait_for("all players to be on", lambda: node.metrics()["isaribi_rtmp_players"] == players, 40)
    rss = procfs.rss_kb(pid)
    seen = clients.load_result(load, seconds + 60)
    cpu = procfs.cpu_s(pid) - cpu
    print(f"     {players} players, {seconds} s: node {cpu:.1f} s of CPU, {rss} kB; load tool {seen['cpu_percent']} % of "
          f"a core; first picture {seen['first_key_ms']} ms; largest gap {seen['max_gap_ms']} ms")
    check(seen["open"] == players == seen["playing"], f"not all stayed: {seen}")
    check(seen["backwards"] == 0 and seen["not_key_first"] == 0 and seen["broken"] == 0, f"wrong on the wire: {seen}")
    check(seen["stalls"] == 0, f"stalls above 1 s: {seen}")
    wait_for("the players to be gone", lambda: node.metrics()["isaribi_rtmp_players"] == 0)
    # The HLS reader's connections come and go beside it.
    wait_for("descriptors to be back", lambda: procfs.descriptors(pid) <= descriptors + 2)
    check(procfs.threads(pid) == threads, "threads are left over")
    follower.check_fine()
    check(publisher.is_running(), f"the publisher was disturbed: {publisher.tail()}")


main()
