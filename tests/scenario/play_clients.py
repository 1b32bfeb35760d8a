#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Players of every make show the stream."""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))

import clients  # noqa: E402
import hls  # noqa: E402
from isaribi_test import Plan, check, http, main, now_ms, wait_for  # noqa: E402


def on_air(bench, seconds=40, **media):
    plan = Plan()
    key = plan.key("tanaka")
    node = bench.node(plan)
    flv = clients.make_flv(bench, seconds=seconds, **media)
    publisher = clients.ffmpeg_publish(bench, node.publish_url(key), flv)
    node.wait_live("tanaka")
    return node, publisher


def case_ffmpeg_rtmp(bench):
    node, _ = on_air(bench)
    path = bench.dir / "played.flv"
    clients.ffmpeg_record(bench, node.play_url("tanaka"), path, 5).expect_success()
    clients.check_rtmp_file(path, video_s=4.5, largest_step_ms=200)
    check(clients.decoded_frames(bench, path) > 100, "too few pictures")


def case_ffmpeg_rtmp_begins_fast(bench):
    """A newcomer begins at the last key frame, not at the next."""
    node, _ = on_air(bench, gop=100)
    for _ in range(3):
        seen = clients.load_result(clients.load_players(bench, node.play_url("tanaka"), seconds=1.5))
        check(seen["playing"] == 1 and seen["first_key_ms"]["max"] < 500, f"a slow start: {seen['first_key_ms']}")


def case_gstreamer_rtmp(bench):
    node, _ = on_air(bench)
    for source in ("rtmp2src", "rtmpsrc"):
        clients.gst_play_rtmp(bench, node.play_url("tanaka"), 100, source).expect_success()


def case_librtmp(bench):
    node, publisher = on_air(bench, seconds=14)
    path = bench.dir / "played.flv"
    player = clients.rtmpdump(bench, node.play_url("tanaka"), path)
    publisher.expect_success(40)
    # The grace time goes by, then the player is told that it is over.
    code = player.wait(30)
    check(code in (0, 2), f"rtmpdump ended with {code}: {player.tail()}")
    clients.check_rtmp_file(path, video_s=6, largest_step_ms=200)
    check(clients.decoded_frames(bench, path) > 100, "too few pictures")


def see_and_end(bench, player_of, pictures_of):
    """RTMP and HLS: moving pictures, then the slot ends and the player ends by itself without an error."""
    node, _ = on_air(bench)
    players = [player_of(bench, url) for url in (node.play_url("tanaka"), node.hls_url("tanaka"))]
    for player, protocol in zip(players, ("RTMP", "HLS")):
        wait_for(f"150 pictures over {protocol}", lambda p=player: pictures_of(p) > 150, 25)
    node.plan.keys["k1"]["windows"] = [{"from": 0, "until": now_ms() + 500}]
    node.reload()
    for player in players:
        player.expect_success(30)
    return players


def case_mpv(bench):
    for player in see_and_end(bench, clients.mpv_play, clients.mpv_pictures):
        check("End of file" in player.out(), f"mpv did not see the end: {player.tail()}")


def case_vlc(bench):
    see_and_end(bench, clients.Vlc, clients.Vlc.pictures)


def case_nginx_pulls_from_us(bench):
    node, _ = on_air(bench)
    _, port = clients.nginx(bench, "application out { live on; pull " + node.play_url("tanaka") +
                            " name=tanaka static; }")
    path = bench.dir / "pulled.flv"
    clients.ffmpeg_record(bench, f"rtmp://127.0.0.1:{port}/out/tanaka", path, 8).expect_success(40)
    # nginx hands on audio at once and video from its next key frame.
    clients.check_rtmp_file(path, video_s=5)
    check(clients.decoded_frames(bench, path) > 100, "too few pictures")


def case_ffmpeg_and_ffprobe_hls(bench):
    node, _ = on_air(bench)
    follower = hls.follow(bench, node, "tanaka")
    follower.wait_segments(2)
    tracks = clients.streams_of(node.hls_url("tanaka"))
    check(tracks["video"]["width"] == 320 and tracks["audio"]["sample_rate"] == "48000", f"ffprobe saw {tracks}")
    path = bench.dir / "played.mkv"
    clients.ffmpeg_record(bench, node.hls_url("tanaka"), path, 6).expect_success()
    clients.check_rising([dts for _, dts in clients.packets_of(path, "v")], "video dts", 0.2)
    check(clients.decoded_frames(bench, path) > 125, "too few pictures")


def case_gstreamer_hls(bench):
    node, _ = on_air(bench)
    hls.follow(bench, node, "tanaka").wait_segments(2)
    for demux in ("hlsdemux2", "hlsdemux"):
        clients.gst_see_hls(bench, node.hls_url("tanaka"), 200, demux)


def case_codecs_match_the_stream(bench):
    """CODECS and RESOLUTION come from the parameter sets, not from a constant."""
    node, _ = on_air(bench, size="640x360")
    attrs, _ = hls.Multivariant(node.hls_url("tanaka")).variants[0]
    check(attrs.get("RESOLUTION") == "640x360", f"RESOLUTION is {attrs.get('RESOLUTION')}")
    codecs = attrs["CODECS"].split(",")
    check(any(c.startswith("avc1.") and len(c) == 11 for c in codecs) and "mp4a.40.2" in codecs, f"CODECS {codecs}")
    check(http("GET", node.url("/watch/tanaka")).status == 200, "the play page is there")


def case_play_before_publish(bench):
    """A player that comes first waits and then sees the beginning."""
    plan = Plan()
    key = plan.key("tanaka")
    node = bench.node(plan)
    player = clients.load_players(bench, node.play_url("tanaka"), seconds=9)
    wait_for("the waiting player", lambda: node.metrics()["isaribi_rtmp_players"] == 1)
    check(http("GET", node.hls_url("tanaka")).status == 404, "HLS of a stream that has not begun is 404")
    flv = clients.make_flv(bench, seconds=20)
    clients.ffmpeg_publish(bench, node.publish_url(key), flv)
    seen = clients.load_result(player)
    check(seen["playing"] == 1 and seen["not_key_first"] == 0, f"the player that came first saw nothing: {seen}")


def case_play_of_an_unknown_stream(bench):
    node, _ = on_air(bench)
    seen = clients.load_result(clients.load_players(bench, node.play_url("nobody"), seconds=8, until_end=True))
    check(seen["playing"] == 0 and seen["refused"] + seen["closed"] == 1, f"a stream that no plan names: {seen}")


main()
