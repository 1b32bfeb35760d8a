#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Who may publish: keys, their windows, revoking, rehearsals."""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))

import clients  # noqa: E402
import hls  # noqa: E402
from isaribi_test import BIN, Plan, check, hold_for, http, main, new_key, now_ms, wait_for  # noqa: E402


def closed(node, reason):
    return node.metrics().get(f'isaribi_sessions_closed_total{{reason="{reason}"}}', 0)


def refused_as(bench, plan, key, reason):
    """Every client is told no; the node counts why and shows nothing to viewers."""
    node = bench.node(plan)
    node.secrets.add(key)
    flv = clients.make_flv(bench, seconds=20)
    clients.expect_refused(clients.ffmpeg_publish(bench, node.publish_url(key), flv))
    librtmp = clients.librtmp_publish(bench, node.publish_url(key), flv)
    clients.expect_refused(librtmp)
    check(closed(node, reason) == 2, f"not counted as {reason}: {node.metrics()}")
    check(node.metrics()["isaribi_frames_total"] == 0, "frames of a refused publisher were taken in")
    check(http("GET", node.hls_url("tanaka")).status == 404, "a refused publisher made a stream")


def case_wrong_key(bench):
    plan = Plan()
    plan.key("tanaka")
    refused_as(bench, plan, new_key(), "key_unknown")


def case_stream_name_is_no_key(bench):
    plan = Plan()
    plan.key("tanaka-no-fune-2026")
    refused_as(bench, plan, "tanaka-no-fune-2026", "key_unknown")


def case_expired_key(bench):
    plan = Plan()
    refused_as(bench, plan, plan.key("tanaka", windows=[{"from": now_ms() - 20000, "until": now_ms() - 10000}]),
               "key_expired")


def case_early_key(bench):
    plan = Plan()
    refused_as(bench, plan, plan.key("tanaka", windows=[{"from": now_ms() + 600000, "until": now_ms() + 700000}]),
               "key_early")


def case_key_without_windows_is_revoked(bench):
    plan = Plan()
    refused_as(bench, plan, plan.key("tanaka", windows=[]), "key_revoked")


def case_hashed_key(bench):
    """What a control writes: the hash that hash-key prints, never the key."""
    plan = Plan()
    key = plan.key("tanaka", id="k1")
    out = bench.run("hash-key", [BIN / "isaribi-node", "hash-key", key]).strip()
    plan.keys["k1"] = {"id": "k1", "hash": out, "stream": "tanaka"}
    node = bench.node(plan)
    node.secrets.add(key)
    clients.ffmpeg_publish(bench, node.publish_url(key), clients.make_flv(bench, seconds=6)).expect_success()


def case_window_ends_while_publishing(bench):
    """At the end of its slot a publisher is closed and players get their end at once."""
    plan = Plan()
    flv = clients.make_flv(bench, seconds=40)
    end = now_ms() + 9000
    key = plan.key("tanaka", windows=[{"from": end - 60000, "until": end}])
    node = bench.node(plan)
    publisher = clients.ffmpeg_publish(bench, node.publish_url(key), flv)
    node.wait_live("tanaka")
    players = clients.load_players(bench, node.play_url("tanaka"), seconds=20, until_end=True)
    clients.expect_refused(publisher)
    late_ms = now_ms() - end
    check(-500 < late_ms < 3000, f"closed {late_ms} ms after the end of the window")
    check(closed(node, "slot_over") == 1, "the reason is not counted")
    seen = clients.load_result(players)
    check(seen["end_of_stream"] == 1, f"no end of stream at the end of the slot: {seen}")
    check(now_ms() - end < 5000, "players waited for the grace although the slot is over")


def case_plan_moves_the_end_into_the_past(bench):
    """The slot was to end in an hour; a plan says that it has ended: viewers of HLS are told at once."""
    plan = Plan()
    key = plan.key("tanaka", id="k1", windows=[{"from": 0, "until": now_ms() + 3600000}])
    node = bench.node(plan)
    publisher = clients.ffmpeg_publish(bench, node.publish_url(key), clients.make_flv(bench, seconds=40))
    viewer = hls.follow(bench, node, "tanaka")
    viewer.wait_segments(2)
    plan.keys["k1"]["windows"] = [{"from": 0, "until": now_ms() - 5000}]
    node.reload()
    clients.expect_refused(publisher, 5)
    wait_for("the end of the playlist", lambda: viewer.error or viewer.playlist.is_ended, 5)


def case_revoked_while_publishing(bench):
    plan = Plan()
    key, other = plan.key("tanaka", id="k1"), plan.key("suzuki", id="k2")
    node = bench.node(plan)
    flv = clients.make_flv(bench, seconds=40)
    publisher = clients.ffmpeg_publish(bench, node.publish_url(key), flv)
    bystander = clients.ffmpeg_publish(bench, node.publish_url(other), flv, name="bystander")
    wait_for("both to be on", lambda: node.metrics()["isaribi_rtmp_publishers"] == 2)
    del plan.keys["k1"]
    node.reload()
    clients.expect_refused(publisher, 5)
    clients.expect_refused(clients.ffmpeg_publish(bench, node.publish_url(key), flv))
    hold_for("the bystander", bystander.is_running, 1)
    check(node.metrics()["isaribi_rtmp_publishers"] == 1, "the bystander was disturbed")


def case_new_key_by_reload(bench):
    plan = Plan()
    plan.key("tanaka")
    node = bench.node(plan)
    flv = clients.make_flv(bench, seconds=8)
    key = plan.key("suzuki")
    clients.expect_refused(clients.ffmpeg_publish(bench, node.publish_url(key), flv))
    node.reload()
    wait_for("the new plan in the log", lambda: "plan" in node.log())
    clients.ffmpeg_publish(bench, node.publish_url(key), flv).expect_success()


def case_a_broken_plan_is_not_obeyed(bench):
    """SIGHUP with a plan that makes no sense: the node says so and goes on with the one it has."""
    plan = Plan()
    key = plan.key("tanaka")
    node = bench.node(plan)
    flv = clients.make_flv(bench, seconds=12)
    publisher = clients.ffmpeg_publish(bench, node.publish_url(key), flv)
    wait_for("the publisher", lambda: node.metrics()["isaribi_rtmp_publishers"] == 1)
    before = len(node.log())
    node.plan_path.write_text('{ "isaribi_plan": 1, "keys": [ {')
    node.process.signal(1)
    wait_for("a complaint in the log", lambda: "plan" in node.log()[before:].lower())
    publisher.expect_success(30)
    clients.librtmp_publish(bench, node.publish_url(key), flv, seconds=2).expect_success()


def case_rehearsal(bench):
    """A rehearsal window leads to a stream of another name that only a token shows."""
    plan = Plan()
    key = plan.key("tanaka", windows=[{"from": 0, "until": 0, "rehearsal": True}])
    node = bench.node(plan)
    clients.ffmpeg_publish(bench, node.publish_url(key), clients.make_flv(bench, seconds=20))
    wait_for("the publisher", lambda: node.metrics()["isaribi_rtmp_publishers"] == 1)
    token = node.view_token("tanaka~rehearsal", now_ms() + 600000)
    players = clients.load_players(bench, node.play_url("tanaka~rehearsal", token), seconds=4)
    wait_for("its HLS", lambda: http("GET", node.hls_url("tanaka~rehearsal", token)).status == 200)
    check(http("GET", node.hls_url("tanaka~rehearsal")).status in (403, 404), "a rehearsal without a token")
    check(http("GET", node.hls_url("tanaka")).status == 404, "a rehearsal is seen under the stream's name")
    seen = clients.load_result(players)
    check(seen["playing"] == 1, f"the rehearsal does not play with its token: {seen}")
    seen = clients.load_result(clients.load_players(bench, node.play_url("tanaka~rehearsal"), seconds=4,
                                                    until_end=True))
    check(seen["playing"] == 0, f"a rehearsal plays without a token: {seen}")


main()
