#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What publishers of every make send arrives, as RTMP and as HLS."""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))

import clients  # noqa: E402
import hls  # noqa: E402
import obs  # noqa: E402
from isaribi_test import Plan, check, main, wait_for  # noqa: E402


def node_for_one(bench, **config):
    plan = Plan()
    key = plan.key("tanaka")
    return bench.node(plan, config), key


def see_it_arrive(bench, node, publisher, *, cuts=0):
    """While the publisher is on: a player gets key frame first and rising times, HLS is strict, both end fine."""
    node.wait_live("tanaka")
    player = clients.load_players(bench, node.play_url("tanaka"), seconds=5)
    follower = hls.follow(bench, node, "tanaka")
    follower.wait_segments(3)
    seen = clients.load_result(player)
    check(seen["playing"] == 1 and seen["open"] == 1, f"the player did not stay: {seen}")
    check(seen["backwards"] == 0 and seen["not_key_first"] == 0, f"timestamps or start are wrong: {seen}")
    check(seen["audio"] > 50 and seen["video"] > 50, f"media is missing: {seen}")
    publisher.expect_success(40)
    follower.stop()
    check(len(follower.discontinuities()) <= cuts, f"discontinuities at {follower.discontinuities()}")
    last = [n for n in sorted(follower.segments) if n >= max(follower.discontinuities(), default=0)]
    path = follower.write(bench.dir / "seen.mp4", last)
    tracks = clients.streams_of(path)
    check(tracks["video"]["codec_name"] == "h264" and tracks["audio"]["codec_name"] == "aac", f"tracks: {tracks}")
    check(clients.decoded_frames(bench, path) > 50, "HLS has no pictures to show")
    clients.check_rising([dts for _, dts in clients.packets_of(path, "v")], "HLS video dts")
    clients.check_rising([dts for _, dts in clients.packets_of(path, "a")], "HLS audio dts")


def case_ffmpeg_encoding(bench):
    node, key = node_for_one(bench)
    see_it_arrive(bench, node, clients.ffmpeg_encode(bench, node.publish_url(key), 14))


def case_gstreamer_rtmp2sink(bench):
    node, key = node_for_one(bench)
    see_it_arrive(bench, node, clients.gst_publish(bench, node.publish_url(key), 14, "rtmp2sink"))


def case_gstreamer_rtmpsink(bench):
    """The older sink is librtmp inside."""
    node, key = node_for_one(bench)
    see_it_arrive(bench, node, clients.gst_publish(bench, node.publish_url(key), 14, "rtmpsink"))


def case_obs_twice(bench):
    """OBS, ended and started again while a player and an HLS viewer stay."""
    node, key = node_for_one(bench)
    program = obs.Obs(bench, f"rtmp://127.0.0.1:{node.rtmp_port}/live", key, clients.make_flv(bench, seconds=20))
    program.start()
    player = clients.load_players(bench, node.play_url("tanaka"), seconds=14)
    follower = hls.follow(bench, node, "tanaka")
    follower.wait_segments(3)
    program.stop()
    wait_for("OBS to be gone", lambda: node.metrics()["isaribi_rtmp_publishers"] == 0)
    program.start()
    follower.wait_segments(6)
    seen = clients.load_result(player)
    check(seen["playing"] == seen["open"] == 1 and seen["end_of_stream"] == 0, f"the player did not stay: {seen}")
    check(seen["backwards"] == 0 and seen["not_key_first"] == 0, f"timestamps or start are wrong: {seen}")
    check(seen["media_ms"]["p50"] > 8000, f"timestamps did not go on: {seen}")
    follower.stop()
    cuts = follower.discontinuities()
    check(len(cuts) == 1, f"one discontinuity expected: {cuts}")
    for name, numbers in (("first", [n for n in sorted(follower.segments) if n < cuts[0]]),
                          ("second", [n for n in sorted(follower.segments) if n >= cuts[0]])):
        path = follower.write(bench.dir / f"{name}.mp4", numbers)
        check(clients.decoded_frames(bench, path) > 100, f"the {name} life has no pictures to show")
    program.stop()


def case_librtmp(bench):
    node, key = node_for_one(bench)
    flv = clients.make_flv(bench, seconds=14)
    see_it_arrive(bench, node, clients.librtmp_publish(bench, node.publish_url(key), flv))


def case_librtmp_across_the_32_bit_wrap(bench):
    """Timestamps that begin 5 s before 2^32 ms, as after 49 days of one connection."""
    node, key = node_for_one(bench)
    flv = clients.make_flv(bench, seconds=14)
    see_it_arrive(bench, node, clients.librtmp_publish(bench, node.publish_url(key), flv, offset_ms=2 ** 32 - 5000))


def case_key_in_the_application(bench):
    """Some apps have one field only: rtmp://host/live/KEY is the application then, the name is empty or "/"."""
    node, key = node_for_one(bench)
    flv = clients.make_flv(bench, seconds=14)
    url = f"rtmp://127.0.0.1:{node.rtmp_port}/live/{key}/"
    see_it_arrive(bench, node, clients.ffmpeg_publish(bench, url, flv))


def case_nginx_pushes_to_us(bench):
    node, key = node_for_one(bench)
    # The name a push uses is in its URL; nginx publishes under it here.
    _, port = clients.nginx(bench, f"application in {{ live on; push {node.publish_url(key)}; }}")
    flv = clients.make_flv(bench, seconds=16)
    # nginx hands on audio at once and video from its next key frame: the tracks change once.
    see_it_arrive(bench, node, clients.ffmpeg_publish(bench, f"rtmp://127.0.0.1:{port}/in/phone", flv), cuts=1)


def case_node_says_what_it_saw(bench):
    """The log names start and end of a publisher once each, metrics count it; neither names the key."""
    node, key = node_for_one(bench)
    flv = clients.make_flv(bench, seconds=4)
    publisher = clients.ffmpeg_publish(bench, node.publish_url(key), flv)
    wait_for("a publisher in the metrics", lambda: node.metrics()["isaribi_rtmp_publishers"] == 1)
    publisher.expect_success()
    wait_for("its end in the metrics", lambda: node.metrics()["isaribi_rtmp_publishers"] == 0)
    check(node.metrics()["isaribi_frames_total"] > 150, "frames are not counted")
    check("tanaka" in node.log(), "the log does not name the stream")


main()
