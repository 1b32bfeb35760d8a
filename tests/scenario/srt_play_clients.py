#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""SRT players of every make show what comes in over RTMP and over SRT."""
import pathlib
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))

import clients  # noqa: E402
import srt  # noqa: E402
import ts  # noqa: E402
from isaribi_test import check, main, wait_for  # noqa: E402

STREAMS = ("studio", "phone")  # the first comes over RTMP, the second over SRT


def publish_both(bench, node, keys, seconds, **media):
    path = srt.make_ts(bench, seconds, **media)
    return [clients.librtmp_publish(bench, node.publish_url(keys[0]), srt.make_flv(bench, path)),
            srt.Publisher(bench, node, f"publish:{keys[1]}", path)]


def frames(node):
    return node.metrics()["isaribi_frames_total"]


def on_air(bench, seconds=12, config=None, **media):
    node, *keys = srt.node(bench, config, streams=STREAMS)
    publishers = publish_both(bench, node, keys, seconds, **media)
    # 25 pictures and 47 sounds a second from each; both are past their first key frame.
    wait_for("two streams on the air", lambda: frames(node) > 250)
    return node, publishers


def check_recording(bench, name, data, pictures):
    """Begins as it should, does not jump, decodes."""
    seen = ts.Stream(data)
    seen.check_begins_well()
    path = bench.dir / f"{name}.ts"
    path.write_bytes(data[:seen.video()[-1].index * ts.PACKET])
    n = clients.decoded_frames(bench, path)
    check(n >= pictures, f"{name}: {n} pictures of {pictures}")
    return seen


def recorded(process):
    return process.out_path.read_bytes()


def case_makes(bench):
    """Two of each make at once, on both streams, joining in the middle."""
    node, _ = on_air(bench)
    slt, copies, shown = {}, {}, []
    for stream in STREAMS:
        for n in range(2):
            copies[f"ffmpeg-{stream}-{n}"] = path = bench.dir / f"ffmpeg-{stream}-{n}.ts"
            shown.append(srt.ffmpeg_play(bench, node, f"#!::r={stream},m=request", path, 3))
            slt[f"slt-{stream}-{n}"] = srt.slt_play(bench, node, f"request:{stream}")
        shown.append(srt.gst_play(bench, node, f"play/{stream}", 60))
    wait_for("ten players", lambda: node.metrics()["isaribi_srt_players"] == 10)
    for process in shown:
        process.expect_success(25)
    for name, process in slt.items():
        wait_for(f"3 s at {name}", lambda p=process: len(ts.Stream(recorded(p)).video()) >= 75)
        process.stop()
        check_recording(bench, name, recorded(process), 74)
    for name, path in copies.items():
        tracks = clients.streams_of(path)
        check(tracks["video"]["codec_name"] == "h264" and tracks["audio"]["codec_name"] == "aac", f"{name}: {tracks}")
        n = clients.decoded_frames(bench, path)
        check(n >= 60, f"{name}: {n} pictures")
    wait_for("all of them to be gone", lambda: node.metrics()["isaribi_srt_players"] == 0, 12)


def case_begins_at_the_last_key_frame(bench):
    """Not at the next, which is seconds away; what is muxed here keeps the rules of a multiplexer."""
    node, publishers = on_air(bench, 14, gop=100)
    players = {}
    for stream in STREAMS:
        for n in range(3):
            began = time.monotonic()
            players[stream] = player = srt.Player(bench, node, f"request:{stream}")
            player.wait_pictures(1)
            check(time.monotonic() - began < 1.5, f"{stream}: the first picture after {time.monotonic() - began:.2f} s")
    for stream, player in players.items():
        player.wait_pictures(110)
        player.stop()
        seen = check_recording(bench, stream, player.data(), 109)
        check(not seen.jumps(), f"{stream}: discontinuities at {seen.jumps()}")
        seen.check_clock()
    publishers[1].stop()


def case_b_frames(bench):
    """Shown later than decoded, muxed here or passed on."""
    node, publishers = on_air(bench, 10, bframes=3)
    for stream in STREAMS:
        player = srt.Player(bench, node, f"request:{stream}")
        player.wait_pictures(75)
        player.stop()
        seen = check_recording(bench, stream, player.data(), 70)
        check(any(p.pts != p.dts for p in seen.video()), f"{stream}: B-frames have no composition times")
        check(all(p.pts >= p.dts for p in seen.video()), f"{stream}: shown before decoded")
    publishers[1].stop()


def case_before_the_publisher_and_until_the_end(bench):
    """Who comes first waits, gets the stream from its first picture to its last, and is told that it is over."""
    node, *keys = srt.node(bench, {"node.grace_ms": 1000}, streams=STREAMS)
    players = {s: [srt.Player(bench, node, f"request:{s}"), srt.slt_play(bench, node, f"request:{s}")] for s in STREAMS}
    copies = {s: (bench.dir / f"copy-{s}.ts") for s in STREAMS}
    ffmpegs = [srt.ffmpeg_play(bench, node, f"request:{s}", path) for s, path in copies.items()]
    wait_for("six players", lambda: node.metrics()["isaribi_srt_players"] == 6)
    source = srt.make_ts(bench, 4)
    publishers = publish_both(bench, node, keys, 4)
    publishers[0].expect_success(20)
    # What waits for its time in the receiver's window may be gone when the sender hangs up.
    size = source.stat().st_size
    wait_for("the whole file in the node", lambda: node.metrics()["isaribi_srt_received_bytes_total"] >= size)
    publishers[1].stop()
    for stream in STREAMS:
        own, slt = players[stream]
        own.wait_over()
        slt.wait(15)
        for name, data in ((stream, own.data()), (f"slt-{stream}", recorded(slt))):
            seen = check_recording(bench, name, data, 99)
            check(len(seen.video()) == 100, f"{name}: {len(seen.video())} pictures of 100")
    for process in ffmpegs:
        process.expect_success(15)
    for path in copies.values():
        check(clients.decoded_frames(bench, path) >= 99, f"{path.name}: too few pictures")
    check(players["phone"][0].data().endswith(source.read_bytes()[-ts.PACKET * 7:]), "the last packets did not arrive")
    wait_for("six ends", lambda: node.closed("stream_over") == 6)


main()
