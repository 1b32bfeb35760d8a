#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Streams of unusual shape: turned phones, B-frames, rare key frames, one track only."""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))

import clients  # noqa: E402
import hls  # noqa: E402
from isaribi_test import Plan, check, main, wait_for  # noqa: E402


def publish(bench, flv, config=None):
    plan = Plan()
    key = plan.key("tanaka")
    node = bench.node(plan, config)
    return node, clients.ffmpeg_publish(bench, node.publish_url(key), flv)


def case_resolution_change(bench):
    """A second sequence header in the middle: a discontinuity and a new init segment, for RTMP just goes on."""
    node, publisher = publish(bench, clients.make_size_change(bench, 8))
    node.wait_live("tanaka")
    recording = bench.dir / "through.flv"
    dump = clients.rtmpdump(bench, node.play_url("tanaka"), recording)
    follower = hls.follow(bench, node, "tanaka")
    publisher.expect_success(40)
    follower.wait_segments(6)
    dump.stop()
    clients.check_rtmp_file(recording, video_s=9)
    follower.stop()
    sizes = [[(t["width"], t["height"]) for t in tracks if t["handler"] == "vide"] for tracks in follower.tracks()]
    check(sizes == [[(320, 180)], [(640, 360)]], f"the init segments say {sizes}")
    cuts = follower.discontinuities()
    check(len(cuts) == 1, f"discontinuities: {cuts}")
    numbers = sorted(follower.segments)
    for part in ([n for n in numbers if n < cuts[0]], [n for n in numbers if n >= cuts[0]]):
        path = follower.write(bench.dir / f"part-{part[0]}.mp4", part)
        check(clients.decoded_frames(bench, path) > 80, f"segments {part} do not decode")
    check(clients.decoded_frames(bench, recording) > 200, "what came over RTMP does not decode")


def case_b_frames(bench):
    node, publisher = publish(bench, clients.make_flv(bench, seconds=16, bframes=3))
    node.wait_live("tanaka")
    path = bench.dir / "played.flv"
    clients.ffmpeg_record(bench, node.play_url("tanaka"), path, 4).expect_success()
    follower = hls.follow(bench, node, "tanaka")
    follower.wait_segments(5)
    follower.stop()
    publisher.stop()
    for source in (path, follower.write(bench.dir / "hls.mp4")):
        packets = clients.packets_of(source, "v")
        clients.check_rising([dts for _, dts in packets], f"{source.name} dts")
        check(any(pts > dts for pts, dts in packets), f"{source.name}: B-frames have no composition times")
        check(all(pts >= dts - 0.2 for pts, dts in packets), f"{source.name}: shown long before decoded")
        pts = sorted(p for p, _ in packets)
        clients.check_rising(pts, f"{source.name} pts", 0.1)
        check(clients.decoded_frames(bench, source) > 80, f"{source.name} does not decode")


def case_gop_of_ten_seconds(bench):
    """No key frame for 10 s: segments are cut at part boundaries at 4 s and TARGETDURATION is kept."""
    node, publisher = publish(bench, clients.make_flv(bench, seconds=24, gop=250))
    follower = hls.follow(bench, node, "tanaka")
    wait_for("advice about the key-frame interval",
             lambda: any("advice" in name and "key_interval" in name for name in node.metrics()), 20)
    follower.wait_segments(5, 40)
    publisher.expect_success(40)
    follower.stop()
    check(follower.playlist.target == 4, f"TARGETDURATION is {follower.playlist.target}")
    check("EXT-X-INDEPENDENT-SEGMENTS" not in follower.playlist.text, "segments without a key frame are called "
          "independent")
    path = follower.write(bench.dir / "hls.mp4")
    clients.check_rising([dts for _, dts in clients.packets_of(path, "v")], "dts", 0.1)
    check(clients.decoded_frames(bench, path) > 350, "long GOPs do not decode")


def case_newcomer_in_a_long_gop(bench):
    """The GOP cache begins at the last key frame, ten seconds back if need be."""
    node, _ = publish(bench, clients.make_flv(bench, seconds=24, gop=250))
    hls.follow(bench, node, "tanaka").wait_segments(1)
    seen = clients.load_result(clients.load_players(bench, node.play_url("tanaka"), seconds=3))
    check(seen["playing"] == 1 and seen["first_key_ms"]["max"] < 500, f"a newcomer waits: {seen}")


def case_audio_only(bench):
    node, publisher = publish(bench, clients.make_flv(bench, seconds=18, video=False))
    node.wait_live("tanaka")
    seen = clients.load_result(clients.load_players(bench, node.play_url("tanaka"), seconds=3))
    check(seen["audio"] > 80 and seen["video"] == 0 and seen["backwards"] == 0, f"audio alone: {seen}")
    follower = hls.follow(bench, node, "tanaka")
    follower.wait_segments(4)
    follower.stop()
    publisher.stop()
    path = follower.write(bench.dir / "hls.mp4")
    check(list(clients.streams_of(path)) == ["audio"], "one track of audio")
    clients.check_rising([dts for _, dts in clients.packets_of(path, "a")], "audio dts", 0.03)
    check("RESOLUTION" not in hls.Multivariant(node.hls_url("tanaka")).text, "audio has no RESOLUTION")


def case_video_only(bench):
    node, publisher = publish(bench, clients.make_flv(bench, seconds=18, audio=False))
    node.wait_live("tanaka")
    seen = clients.load_result(clients.load_players(bench, node.play_url("tanaka"), seconds=3))
    check(seen["video"] > 60 and seen["audio"] == 0 and seen["backwards"] == 0, f"video alone: {seen}")
    follower = hls.follow(bench, node, "tanaka")
    follower.wait_segments(4)
    follower.stop()
    publisher.stop()
    path = follower.write(bench.dir / "hls.mp4")
    check(list(clients.streams_of(path)) == ["video"], "one track of video")
    check(clients.decoded_frames(bench, path) > 150, "video alone does not decode")
    check("mp4a" not in hls.Multivariant(node.hls_url("tanaka")).text, "no audio, no mp4a")


def case_audio_is_counted_in_samples(bench):
    """44.1 kHz over RTMP's milliseconds: the packager's audio has no 23/24 ms jitter and does not drift."""
    node, publisher = publish(bench, clients.make_flv(bench, seconds=18, hz=44100))
    follower = hls.follow(bench, node, "tanaka")
    follower.wait_segments(5)
    follower.stop()
    publisher.stop()
    times = [dts for _, dts in clients.packets_of(follower.write(bench.dir / "hls.mp4"), "a")]
    steps = {round((b - a) * 44100) for a, b in zip(times, times[1:])}
    check(steps <= {1023, 1024, 1025}, f"steps between audio frames, in samples: {sorted(steps)}")


main()
