#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Publishers die, come back and are replaced; players and HLS viewers stay, their times rise."""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))

import clients  # noqa: E402
import hls  # noqa: E402
import procfs  # noqa: E402
from isaribi_test import Plan, check, main, wait_for  # noqa: E402


def start(bench, config=None, **key):
    plan = Plan()
    text = plan.key("tanaka", **key)
    return bench.node(plan, config), text


def one_port(publisher):
    return wait_for("the publisher's connection", lambda: procfs.local_tcp_ports(publisher.pid)).pop()


def check_stayed(seen, media_s):
    check(seen["open"] == seen["players"] == seen["playing"], f"players did not stay: {seen}")
    check(seen["backwards"] == 0, f"timestamps went back: {seen}")
    check(seen["end_of_stream"] == 0, f"an end of stream in the middle: {seen}")
    check(seen["media_ms"]["p50"] > media_s * 1000, f"timestamps did not go on: {seen}")


def case_killed_and_back_from_another_port(bench):
    node, key = start(bench)
    flv = clients.make_flv(bench, seconds=60)
    first = clients.ffmpeg_publish(bench, node.publish_url(key), flv, name="first")
    node.wait_live("tanaka")
    old_port = one_port(first)
    players = clients.load_players(bench, node.play_url("tanaka"), players=3, seconds=19)
    recording = bench.dir / "through.flv"
    dump = clients.rtmpdump(bench, node.play_url("tanaka"), recording)
    follower = hls.follow(bench, node, "tanaka")
    follower.wait_segments(3)
    first.kill()
    wait_for("the stream to be without a publisher", lambda: node.metrics()["isaribi_rtmp_publishers"] == 0)
    second = clients.ffmpeg_publish(bench, node.publish_url(key), flv, name="second")
    check(one_port(second) != old_port, "the second publisher came from the same port")
    follower.wait_segments(8)
    check_stayed(clients.load_result(players), 12)
    check(dump.is_running(), f"rtmpdump was thrown out: {dump.tail()}")
    dump.stop()
    clients.check_rtmp_file(recording, video_s=12)
    follower.stop()
    check(len(follower.discontinuities()) == 1, f"one discontinuity expected: {follower.discontinuities()}")
    check(not follower.playlist.is_ended, "ENDLIST while the stream goes on")
    path = follower.write(bench.dir / "hls.mp4")
    clients.check_rising([dts for _, dts in clients.packets_of(path, "v")], "HLS video dts")
    check(clients.decoded_frames(bench, path) > 300, "too few pictures over both lives")


def case_ended_politely_and_back(bench):
    """The same with deleteStream: an app that was left and opened again."""
    node, key = start(bench)
    players = clients.load_players(bench, node.play_url("tanaka"), players=2, seconds=16)
    flv = clients.make_flv(bench, seconds=5)
    clients.ffmpeg_publish(bench, node.publish_url(key), flv).expect_success()
    clients.librtmp_publish(bench, node.publish_url(key), flv).expect_success()
    check_stayed(clients.load_result(players), 8)


def case_takeover_while_the_first_is_alive(bench):
    """The same key from a second phone: it is on at once, the first is told and thrown out."""
    node, key = start(bench)
    flv = clients.make_flv(bench, seconds=60)
    first = clients.ffmpeg_publish(bench, node.publish_url(key), flv, name="first")
    node.wait_live("tanaka")
    players = clients.load_players(bench, node.play_url("tanaka"), players=2, seconds=14)
    follower = hls.follow(bench, node, "tanaka")
    follower.wait_segments(2)
    second = clients.ffmpeg_publish(bench, node.publish_url(key), flv, name="second")
    clients.expect_refused(first)
    follower.wait_segments(6)
    check(second.is_running(), f"the second was thrown out: {second.tail()}")
    seen = clients.load_result(players)
    check_stayed(seen, 8)
    check(seen["max_gap_ms"]["max"] < 2600, f"a takeover is a short gap: {seen['max_gap_ms']}")
    metrics = node.metrics()
    check(metrics["isaribi_takeovers_total"] == 1, "the takeover is not counted")
    check(metrics['isaribi_sessions_closed_total{reason="taken_over"}'] == 1, "the reason is not counted")


def case_another_key_does_not_take_over(bench):
    plan = Plan()
    key, other = plan.key("tanaka"), plan.key("tanaka")
    node = bench.node(plan)
    flv = clients.make_flv(bench, seconds=30)
    first = clients.ffmpeg_publish(bench, node.publish_url(key), flv, name="first")
    node.wait_live("tanaka")
    clients.expect_refused(clients.ffmpeg_publish(bench, node.publish_url(other), flv, name="other"))
    check(first.is_running(), "the first was disturbed")
    check(node.metrics()['isaribi_sessions_closed_total{reason="stream_busy"}'] == 1, "the reason is not counted")


def case_the_end_of_grace(bench):
    """15 s after the publisher is gone players get an end of stream, not before."""
    node, key = start(bench)
    flv = clients.make_flv(bench, seconds=4)
    publisher = clients.ffmpeg_publish(bench, node.publish_url(key), flv)
    players = clients.load_players(bench, node.play_url("tanaka"), players=2, seconds=40, until_end=True)
    dump = clients.rtmpdump(bench, node.play_url("tanaka"), bench.dir / "d.flv")
    recorder = clients.ffmpeg_record(bench, node.play_url("tanaka"), bench.dir / "r.flv")
    publisher.expect_success()
    seen = clients.load_result(players)
    check(seen["end_of_stream"] == 2 and seen["closed"] == 2, f"no end of stream: {seen}")
    # From the players' start: 4 s of stream, then the grace.
    check(17 < seen["wall_s"] < 24, f"the end came after {seen['wall_s']:.1f} s")
    recorder.expect_success(5)
    check(dump.wait(5) in (0, 2), f"rtmpdump: {dump.tail()}")


def case_a_short_grace(bench):
    """grace_ms is what the host says; a stream that comes back later is a new beginning for new players."""
    node, key = start(bench, {"node.grace_ms": 1000})
    flv = clients.make_flv(bench, seconds=6)
    for _ in range(2):
        publisher = clients.ffmpeg_publish(bench, node.publish_url(key), flv)
        players = clients.load_players(bench, node.play_url("tanaka"), seconds=15, until_end=True)
        publisher.expect_success()
        seen = clients.load_result(players)
        check(seen["end_of_stream"] == 1 and seen["playing"] == 1, f"a short grace: {seen}")
        check(seen["wall_s"] < 10, f"the end came after {seen['wall_s']:.1f} s")


main()
