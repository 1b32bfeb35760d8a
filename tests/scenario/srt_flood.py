#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""20,000 SRT handshake packets a second from a thousand ports, beside a broadcast that must not notice.

ISARIBI_FLOOD_S: for how long, 4 s unless said.
"""
import json
import os
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))

import clients  # noqa: E402
import media_ts  # noqa: E402
import procfs  # noqa: E402
import srt_tools  # noqa: E402
from isaribi_test import Plan, check, is_sanitized, main, wait_for  # noqa: E402

FLOOD_S = int(os.environ.get("ISARIBI_FLOOD_S", 4))
PER_S = int(os.environ.get("ISARIBI_FLOOD_PER_S", 20000))
SOCKETS = 1000
# A handshake that is not followed up must leave nothing behind: half a million of them do not fit in here.
ROOM_KB = 4 << 10
AROUND_S = 4  # of the player, before and after


def publish(bench, port, key, ts, seconds):
    publisher = srt_tools.publish(bench, port, key, ts, seconds=seconds)
    wait_for("the publisher", lambda: "running" in publisher.out())
    return publisher


def check_untouched(seen):
    check(seen["open"] == seen["playing"] == 1, f"the player was disturbed: {seen}")
    check(seen["continuity_errors"] == 0 == seen["unsynced"], f"packets are missing: {seen}")
    check(seen["missing_frames"] == 0 == seen["backwards"], f"frames are missing: {seen}")
    check(seen["late_drops"] == 0 == seen["stalls"], f"packets came too late: {seen}")
    check(seen["frames"] > FLOOD_S * 25, f"only {seen['frames']} frames in {FLOOD_S} s and more")


def case_flood(bench):
    plan = Plan()
    key, other = plan.key("tanaka"), plan.key("suzuki")
    node = bench.node(plan, {"srt.listen": "127.0.0.1:0"})
    ts = media_ts.make_ts(bench, seconds=10, kbit=1000, size="640x360")
    publisher = publish(bench, node.srt_port, key, ts, 3600)
    node.wait_live("tanaka")
    player = srt_tools.players(bench, node.srt_port, srt_tools.request_id("tanaka"), seconds=FLOOD_S + 2 * AROUND_S,
                               latency_ms=500, delays=True)
    pid = node.process.pid
    wait_for("the player", lambda: node.metrics()["isaribi_srt_players"] == 1)
    before, threads, descriptors = procfs.rss_kb(pid), procfs.threads(pid), procfs.descriptors(pid)
    procfs.reset_peak_rss(pid)
    hls = node.metrics()["isaribi_hls_bytes"]
    flood = srt_tools.flood(bench, node.srt_port, seconds=FLOOD_S, per_s=PER_S, sockets=SOCKETS)
    flood.expect_success(FLOOD_S + 20)
    sent = json.loads(flood.out())
    growth = procfs.peak_rss_kb(pid) - before
    hls = (node.metrics()["isaribi_hls_bytes"] - hls) / 1024
    seen = clients.load_result(player, 60)
    print(f"     flood: {sent}\n     player: {seen}\n     the node grew by {growth} kB at most, HLS by {hls:.0f} kB")
    check(sent["sent"] > PER_S * FLOOD_S // 4, f"the flood was none: {sent}")
    check(sent["cookies"] > 0 and sent["agreed"] == 0, f"the flood was not answered as it should be: {sent}")
    check_untouched(seen)
    check(publisher.is_running(), f"the publisher was disturbed: {publisher.tail()}")
    check(procfs.threads(pid) <= threads, "threads are left over")
    check(procfs.descriptors(pid) <= descriptors + 2, "descriptors are left over")  # an HLS reader comes and goes
    if not is_sanitized():
        check(growth <= ROOM_KB + max(hls, 0), f"the node grew by {growth} kB")
    publish(bench, node.srt_port, other, ts, 3600)
    node.wait_live("suzuki")


main()
