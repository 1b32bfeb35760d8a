#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Enhanced RTMP: H.265 and Opus come in, go out to players that announced them, and to HLS."""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))

import clients  # noqa: E402
import enhanced  # noqa: E402
import hls  # noqa: E402
import raw_player  # noqa: E402
from isaribi_test import Plan, check, main, wait_for  # noqa: E402

BOTH = ["hvc1", "Opus"]


def on_air(bench, seconds=14, **media):
    plan = Plan()
    key = plan.key("tanaka")
    node = bench.node(plan)
    flv = enhanced.make_flv(bench, enhanced.encode(bench, seconds, **media))
    return node, key, clients.librtmp_publish(bench, node.publish_url(key), flv)


def closed_as(node, reason):
    return node.metrics().get(f'isaribi_sessions_closed_total{{reason="{reason}"}}', 0)


def check_hls(bench, node, packet_samples, pictures):
    follower = hls.follow(bench, node, "tanaka")
    follower.wait_segments(5, 40)
    follower.stop()
    variant = hls.Multivariant(node.hls_url("tanaka")).variants[0][0]
    check(variant["CODECS"] == "hvc1.1.6.L60.90,opus", f"CODECS says {variant['CODECS']}")
    check(variant["RESOLUTION"] == "320x180", f"RESOLUTION says {variant['RESOLUTION']}")
    check(not follower.discontinuities(), f"discontinuities: {follower.discontinuities()}")
    path = follower.write(bench.dir / "hls.mp4")
    tracks = clients.streams_of(path)
    check(tracks["video"]["codec_name"] == "hevc" and tracks["video"]["codec_tag_string"] == "hvc1", "the picture")
    check(tracks["audio"]["codec_name"] == "opus" and tracks["audio"]["sample_rate"] == "48000", "the sound")
    check(follower.tracks()[0][1]["timescale"] == 48000, "Opus counts in 48 kHz")
    times = [dts for _, dts in clients.packets_of(path, "a")]
    steps = {round((b - a) * 48000) for a, b in zip(times, times[1:])}
    check(steps == {packet_samples}, f"steps between Opus packets: {sorted(steps)}")
    clients.check_rising(sorted(pts for pts, _ in clients.packets_of(path, "v")), "pts", 0.1)
    check(clients.decoded_frames(bench, path) > pictures, "the picture does not decode")
    bench.run("decode-sound", [*clients.FFMPEG, "-xerror", "-i", path, "-map", "0:a", "-f", "null", "-"])
    for number in sorted(follower.segments):
        one = follower.write(bench.dir / "one.mp4", [number])
        check(clients.decoded_frames(bench, one) > 20, f"segment {number} alone does not decode")


def case_hls(bench):
    """B-frames, sets in the sequence header only."""
    node, _, publisher = on_air(bench, 16)
    check_hls(bench, node, 960, 200)
    publisher.stop()


def case_hls_of_long_packets(bench):
    """Packets of 60 ms, and parameter sets in band."""
    node, _, publisher = on_air(bench, 16, packet_ms=60, in_band=True)
    check_hls(bench, node, 2880, 200)
    publisher.stop()


def check_pictures(bench, player):
    """Sequence start first, then a key frame; what came decodes to the last picture."""
    video = [body for _, body in player.bodies(raw_player.VIDEO)]
    check(all(body[0] & 0x80 and body[1:5] == b"hvc1" for body in video), "every picture says hvc1")
    check(video[0][0] == 0x90 and video[1][0] in (0x91, 0x93), f"it begins with {video[0][0]:#x}, {video[1][0]:#x}")
    check({body[0] & 0x0f for body in video[1:]} == {1, 3}, "CodedFrames and, where they do, CodedFramesX")
    stream = enhanced.sets_of(video[0][5:])
    for body in video[1:]:
        stream += enhanced.annex_b(body[8 if body[0] & 0x0f == 1 else 5:])
    path = bench.dir / "played.265"
    path.write_bytes(stream)
    check(clients.decoded_frames(bench, path) >= len(video) - 4, f"{len(video) - 1} pictures do not decode")


def check_sounds(player):
    audio = [body for _, body in player.bodies(raw_player.AUDIO)]
    check(all(body[1:5] == b"Opus" for body in audio), "every sound says Opus")
    check(audio[0][0] == 0x90 and audio[0][5:13] == b"OpusHead", "the header comes first")
    check(all(body[0] == 0x91 and len(body) > 5 for body in audio[1:]), "then packets")
    clients.check_rising([t for t, _ in player.bodies(raw_player.AUDIO)], "sound", 200)


def case_announced_players(bench):
    node, _, publisher = on_air(bench, 12)
    node.wait_live("tanaka")
    players = [raw_player.RawPlayer(bench, node.play_url("tanaka"), fourccs=f) for f in (BOTH, ["*"])]
    for player in players:
        wait_for("three seconds of pictures", lambda p=player: len(p.bodies(raw_player.VIDEO)) > 75, 20)
    for player in players:
        check(not player.is_closed, f"a player that announced is closed: {player.commands()}")
        player.stop()
        check_pictures(bench, player)
        check_sounds(player)
        told = player.bodies(raw_player.DATA)[-1][1]
        check(b"videocodecid\0\x41\xda" in told, "onMetaData has the FourCC as a number")
    publisher.stop()


def case_players_that_did_not_announce(bench):
    """Nothing at all, one of the two, or only what it can encode."""
    node, _, publisher = on_air(bench, 14)
    node.wait_live("tanaka")
    cases = [{}, {"fourccs": []}, {"fourccs": ["hvc1"]}, {"fourccs": ["Opus", "av01"]},
             {"fourccs": ["Opus"], "infos": {"hvc1": 2}}]
    for number, case in enumerate(cases, 1):
        player = raw_player.RawPlayer(bench, node.play_url("tanaka"), **case)
        player.wait_closed()
        check(not player.bodies(raw_player.VIDEO) and not player.bodies(raw_player.AUDIO), f"{case} got media")
        check(b"NetStream.Play.Failed" in player.commands() and b"did not announce" in player.commands(),
              f"{case} is not told why: {player.commands()}")
        check(closed_as(node, "codec_not_announced") == number, f"the metrics do not count {case}")
    check("closed: codec_not_announced (the player did not announce this codec)" in node.log(), "the log says why")
    able = raw_player.RawPlayer(bench, node.play_url("tanaka"), fourccs=["Opus"], infos={"hvc1": 5})
    wait_for("pictures", lambda: len(able.bodies(raw_player.VIDEO)) > 5)
    publisher.stop()


def case_codec_changes_while_playing(bench):
    """H.264 first: everybody plays. Then the same key comes back with H.265."""
    plan = Plan()
    key = plan.key("tanaka")
    node = bench.node(plan)
    new = enhanced.make_flv(bench, enhanced.encode(bench, 14))
    old = clients.ffmpeg_publish(bench, node.publish_url(key), clients.make_flv(bench, seconds=20))
    node.wait_live("tanaka")
    plain = raw_player.RawPlayer(bench, node.play_url("tanaka"))
    able = raw_player.RawPlayer(bench, node.play_url("tanaka"), fourccs=BOTH)
    for player in (plain, able):
        wait_for("H.264", lambda p=player: len(p.bodies(raw_player.VIDEO)) > 20)
    follower = hls.follow(bench, node, "tanaka")
    publisher = clients.librtmp_publish(bench, node.publish_url(key), new)
    plain.wait_closed()
    check(closed_as(node, "codec_not_announced") == 1, "the change closes who did not announce")
    wait_for("H.265", lambda: sum(b[0] & 0x80 for _, b in able.bodies(raw_player.VIDEO)) > 128 * 50)
    check(not able.is_closed, "the other one goes on")
    wait_for("HLS with both codecs", lambda: len(follower.inits) == 2)
    follower.wait_segments(len(follower.segments) + 2)
    follower.stop()
    cuts = follower.discontinuities()
    check(len(cuts) == 1, f"discontinuities: {cuts}")
    path = follower.write(bench.dir / "after.mp4", [n for n in sorted(follower.segments) if n >= cuts[0]])
    check(clients.streams_of(path)["video"]["codec_name"] == "hevc", "the picture after the change")
    check(clients.decoded_frames(bench, path) > 50, "what comes after the change does not decode")
    old.stop()
    publisher.stop()


def case_other_codecs_are_refused(bench):
    plan = Plan()
    key = plan.key("tanaka")
    node = bench.node(plan)
    for number, (codec, fourcc) in enumerate([("video", b"av01"), ("video", b"vp09"), ("audio", b"ac-3"),
                                              ("audio", b"fLaC"), ("audio", b".mp3")], 1):
        flv = enhanced.make_foreign(bench, **{codec: fourcc})
        publisher = clients.librtmp_publish(bench, node.publish_url(key), flv)
        wait_for(f"the refusal of {fourcc}", lambda n=number: closed_as(node, "codec_unsupported") == n)
        wait_for("its name in the log", lambda f=fourcc: f"codec {f.decode()} is not relayed" in node.log())
        publisher.wait()


main()
