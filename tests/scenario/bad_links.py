#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""SRT over links that lose, delay, reorder and fail: what the latency covers is not missed, and the rest is said.

ISARIBI_BURST_S: how long a burst of loss lasts, 10 s unless said.
"""
import os
import pathlib
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))

import clients  # noqa: E402
import media_ts  # noqa: E402
import srt_tools  # noqa: E402
from isaribi_test import Plan, check, main, wait_for  # noqa: E402
from link import udp_link  # noqa: E402

BURST_S = float(os.environ.get("ISARIBI_BURST_S", 10))
RTT_MS = 120
LATENCY_MS = 4 * RTT_MS
LATE = "isaribi_srt_late_packets_total"
LOST = "isaribi_srt_lost_packets_total"


def start(bench, latency_ms=LATENCY_MS):
    plan = Plan()
    key = plan.key("tanaka")
    node = bench.node(plan, {"srt.listen": "127.0.0.1:0", "srt.latency_ms": str(latency_ms)})
    return node, key, media_ts.make_ts(bench, seconds=10, kbit=1000, size="640x360")


def publish(bench, node, port, key, ts, latency_ms=LATENCY_MS):
    publisher = srt_tools.publish(bench, port, key, ts, latency_ms=latency_ms)
    node.wait_live("tanaka")
    return publisher


def watch(bench, port, seconds, latency_ms=LATENCY_MS):
    return srt_tools.players(bench, port, srt_tools.request_id("tanaka"), seconds=seconds, latency_ms=latency_ms,
                             delays=True)


def check_whole(seen, seconds):
    check(seen["open"] == seen["playing"] == 1, f"the player did not live: {seen}")
    check(seen["continuity_errors"] == 0 == seen["unsynced"], f"packets are missing: {seen}")
    check(seen["missing_frames"] == 0 == seen["backwards"], f"access units are missing: {seen}")
    check(seen["late_drops"] == 0 == seen["stalls"], f"something came too late: {seen}")
    check(seen["frames"] > (seconds - 3) * 25, f"only {seen['frames']} pictures in {seconds} s")


def advice(node, code):
    return node.metrics().get(f'isaribi_stream_advice{{stream="tanaka",advice="{code}"}}')


def case_publisher_loses_five_percent(bench):
    """4 x RTT covers it: no access unit is lost, none is late."""
    seconds = 12
    node, key, ts = start(bench)
    link = udp_link(bench, node.srt_port, f"delay {RTT_MS // 2} loss 5%")
    publish(bench, node, link.port, key, ts)
    seen = clients.load_result(watch(bench, node.srt_port, seconds, 120), seconds + 20)
    check_whole(seen, seconds)
    metrics = node.metrics()
    check(metrics[LOST] > 50, f"the link lost nothing worth speaking of: {metrics[LOST]} packets")
    check(metrics[LATE] == 0, f"{metrics[LATE]} packets came too late")
    rtt_ms = metrics['isaribi_link_rtt_us{stream="tanaka"}'] / 1000
    check(RTT_MS - 5 <= rtt_ms <= 2 * RTT_MS, f"the node measured a round trip of {rtt_ms} ms")
    check(metrics['isaribi_link_latency_ms{stream="tanaka"}'] == LATENCY_MS, "another latency was agreed on")


def case_player_loses_five_percent(bench):
    seconds = 12
    node, key, ts = start(bench, 120)
    link = udp_link(bench, node.srt_port, f"delay {RTT_MS // 2} loss 5%")
    publish(bench, node, node.srt_port, key, ts, 120)
    seen = clients.load_result(watch(bench, link.port, seconds), seconds + 20)
    check_whole(seen, seconds)
    check(seen["lost"] > 20, f"the link lost nothing worth speaking of: {seen}")


def case_burst_of_loss(bench):
    """A fifth of all packets for a while: with the latency of phones it is over within a second after it."""
    latency_ms = 1500
    node, key, ts = start(bench, latency_ms)
    link = udp_link(bench, node.srt_port, f"delay {RTT_MS // 2}")
    publish(bench, node, link.port, key, ts, latency_ms)
    seconds = BURST_S + 8
    player = watch(bench, node.srt_port, seconds, 120)
    wait_for("the player", lambda: node.metrics()["isaribi_srt_players"] == 1)
    link.set("loss 20%")
    wait_for("the burst to be over", lambda now=time.monotonic(): time.monotonic() - now > BURST_S, BURST_S + 5)
    link.set("loss 0")
    check(node.metrics()[LOST] > 100, "the burst was none")
    # The node looks at its links every 2 s: what the first second after the burst cost is in the numbers then.
    wait_for("the first second after it", lambda now=time.monotonic(): time.monotonic() - now > 3)
    lost = node.metrics()[LOST]
    seen = clients.load_result(player, seconds + 20)
    check_whole(seen, seconds)
    check(node.metrics()[LATE] == 0, "packets came too late")
    check(node.metrics()[LOST] == lost, "it went on losing a second after the burst")


def case_bad_link_is_told(bench):
    """Too little latency for the link: it shows in the numbers, and a plain sentence says which would do."""
    node, key, ts = start(bench, 120)
    link = udp_link(bench, node.srt_port, "delay 100 loss 8%")
    publish(bench, node, link.port, key, ts, 120)
    wait_for("advice", lambda: advice(node, "link_latency"), 30)
    wanted = node.metrics()['isaribi_link_wanted_latency_ms{stream="tanaka"}']
    check(800 <= wanted <= 2000, f"{wanted} ms are recommended for 200 ms of round trip and 8 % of loss")
    check("おすすめします" in node.log() and "This link needs a latency" in node.log(), "no sentence says so")
    check(node.metrics()[LATE] > 0, "nothing came too late, so there was nothing to advise")


def case_outage_within_the_latency(bench):
    """The link is gone for a second and back: nothing is missed."""
    latency_ms = 2500
    node, key, ts = start(bench, latency_ms)
    link = udp_link(bench, node.srt_port, "delay 20")
    publish(bench, node, link.port, key, ts, latency_ms)
    player = watch(bench, node.srt_port, 12, 120)
    wait_for("the player", lambda: node.metrics()["isaribi_srt_players"] == 1)
    link.set("outage 1s")
    check_whole(clients.load_result(player, 40), 12)
    check(link.stats()["up"]["lost_outage"] > 0, "there was no outage")


def case_disorder_and_doubles(bench):
    """A quarter out of order, one in twenty twice, one in a thousand damaged on the way (UDP's checksum drops it)."""
    seconds = 10
    node, key, ts = start(bench)
    link = udp_link(bench, node.srt_port, "delay 30 jitter 15 order free reorder 25% duplicate 5%")
    publish(bench, node, link.port, key, ts)
    check_whole(clients.load_result(watch(bench, node.srt_port, seconds, 120), seconds + 20), seconds)


def case_silent_link_ends_the_publisher(bench):
    """One way is cut: after 5 s it is over with a reason, the player stays, and the publisher may come back."""
    node, key, ts = start(bench, 200)
    link = udp_link(bench, node.srt_port, "delay 10")
    publish(bench, node, link.port, key, ts, 200)
    player = watch(bench, node.srt_port, 25, 120)
    wait_for("the player", lambda: node.metrics()["isaribi_srt_players"] == 1)
    link.set("up outage on")
    wait_for("the publisher to be missed",
             lambda: node.metrics()['isaribi_sessions_closed_total{reason="connection_broken"}'] == 1, 15)
    publish(bench, node, node.srt_port, key, ts, 200)
    seen = clients.load_result(player, 40)
    check(seen["open"] == seen["playing"] == 1, f"the player did not stay: {seen}")
    check(seen["frames"] > 150, f"the picture did not come back: {seen}")


main()
