#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What SRT publishers of every make and shape send arrives, at SRT and RTMP players and as HLS."""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))

import clients  # noqa: E402
import hls  # noqa: E402
import raw_player  # noqa: E402
import srt  # noqa: E402
import ts  # noqa: E402
from isaribi_test import check, main, wait_for  # noqa: E402

FOURCCS = ["hvc1", "Opus"]


class Viewers:
    """One of each kind, there before the stream is."""

    def __init__(self, bench, node, stream):
        self.bench, self.node, self.stream = bench, node, stream
        self.rtmp = raw_player.RawPlayer(bench, node.play_url(stream), FOURCCS)
        self.srt = srt.Player(bench, node, f"request:{stream}")

    def follow(self):
        self.hls = hls.follow(self.bench, self.node, self.stream)

    def times(self, kind):
        """Of media, sequence headers left out."""
        is_media = (lambda b: b[1] == 1 or b[0] & 0x8f in (0x81, 0x83)) if kind == raw_player.VIDEO else (
            lambda b: b[1] == 1 if b[0] >> 4 == 10 else b[0] & 0x0f == 1)
        return [t for t, body in self.rtmp.bodies(kind) if is_media(body)]

    def check_rtmp(self, kinds=(raw_player.VIDEO, raw_player.AUDIO)):
        check(not self.rtmp.is_closed and not self.rtmp.error, f"{self.stream}: the RTMP player did not stay")
        for kind in (raw_player.VIDEO, raw_player.AUDIO):
            times = self.times(kind)
            check((len(times) > 20) == (kind in kinds), f"{self.stream}: {len(times)} RTMP messages of type {kind}")
            if times:
                clients.check_rising(times, f"{self.stream}: RTMP times", 200)
        if raw_player.VIDEO in kinds:
            first = [b for _, b in self.rtmp.bodies(raw_player.VIDEO)][1]
            check(first[0] >> 4 & 7 == 1, f"{self.stream}: RTMP begins with {first[:2].hex()}")

    def check_srt(self, pictures=50, path=None):
        check(not self.srt.is_over, f"{self.stream}: the SRT player did not stay")
        seen = self.srt.stream(has_changes=False)
        if pictures:
            seen.check_begins_well()
            check(clients.decoded_frames(self.bench, self.srt.write(self.bench.dir / f"{self.stream}.ts")) >= pictures,
                  f"{self.stream}: too few pictures over SRT")
        return seen

    def check_hls(self, video, audio, pictures=50):
        self.hls.stop()
        check(not self.hls.discontinuities(), f"{self.stream}: discontinuities at {self.hls.discontinuities()}")
        path = self.hls.write(self.bench.dir / f"{self.stream}.mp4")
        tracks = {kind: s["codec_name"] for kind, s in clients.streams_of(path).items()}
        expected = {k: v for k, v in (("video", video), ("audio", audio)) if v}
        check(tracks == expected, f"{self.stream}: HLS has {tracks}")
        for kind in expected:
            times = [dts for _, dts in clients.packets_of(path, kind[0])]
            clients.check_rising(times, f"{self.stream}: HLS {kind} dts", 0.1)
        if video:
            check(clients.decoded_frames(self.bench, path) >= pictures, f"{self.stream}: too few pictures in HLS")


def see_all(bench, node, publishers, codecs):
    """publishers: {stream: start}; all on at once, each seen by three viewers until three segments are there."""
    viewers = {stream: Viewers(bench, node, stream) for stream in publishers}
    running = {stream: start() for stream, start in publishers.items()}
    for v in viewers.values():
        v.follow()
    for v in viewers.values():
        v.hls.wait_segments(3)
    for stream, v in viewers.items():
        video, audio = codecs(stream)
        v.check_rtmp([k for k, c in ((raw_player.VIDEO, video), (raw_player.AUDIO, audio)) if c])
        v.check_srt(50 if video else 0)
        v.check_hls(video, audio)
    return viewers, running


def case_makes(bench):
    """srt-live-transmit behind a pipe and behind UDP, ffmpeg, GStreamer; stream ids in every form."""
    streams = ("pipe", "udp", "ffmpeg", "gst")
    node, *keys = srt.node(bench, streams=streams)
    path = srt.make_ts(bench, 8)
    _, running = see_all(bench, node, {
        "pipe": lambda: srt.slt_publish(bench, node, keys[0], path),
        "udp": lambda: srt.slt_publish_from_udp(bench, node, f"publish:{keys[1]}", path),
        "ffmpeg": lambda: srt.ffmpeg_publish(bench, node, f"#!::r={keys[2]},m=publish,u=phone,h=example", path),
        "gst": lambda: srt.gst_publish(bench, node, f"publish:{keys[3]}", 8),
    }, lambda stream: ("h264", "aac"))
    for stream in ("ffmpeg", "gst"):
        running[stream].expect_success(20)
    for stream in ("pipe", "udp"):
        wait_for(f"the end of {stream}", running[stream].feed.done)
        running[stream].stop()
    srt.wait_publishers(node, 0)
    check(node.metrics()["isaribi_srt_received_bytes_total"] > 4 * 100000, "bytes are not counted")
    for stream in streams:
        lines = [line for line in node.log().splitlines() if f"stream={stream}:" in line and " srt#" in line]
        starts, ends = ([line for line in lines if text in line] for text in ("publishes", ": publisher,"))
        check(len(starts) == 1 == len(ends), f"{stream}: not one line for its start and one for its end: {lines}")
        check("client_closed" in ends[0], f"{stream}: {ends[0]}")


def case_shapes(bench):
    """H.265, B-frames, two sounds, Opus, sound alone, picture alone."""
    media = {
        "hevc": (dict(video="libx265", bframes=2), ("hevc", "aac")),
        "bframes": (dict(bframes=3), ("h264", "aac")),
        "sounds": (dict(audio=("aac", "aac"), hz=(48000, 44100)), ("h264", "aac")),
        "opus": (dict(audio=("libopus",)), ("h264", "opus")),
        "sound": (dict(video=None), (None, "aac")),
        "picture": (dict(audio=()), ("h264", None)),
    }
    node, *keys = srt.node(bench, streams=tuple(media))
    paths = {name: srt.make_ts(bench, 12, **shape) for name, (shape, _) in media.items()}
    viewers, running = see_all(bench, node, {
        name: lambda n=name, k=key: srt.Publisher(bench, node, f"publish:{k}", paths[n])
        for name, key in zip(media, keys)
    }, lambda stream: media[stream][1])
    check_b_frames(viewers["bframes"])
    check_two_sounds(viewers["sounds"])
    check_sound_alone(viewers["sound"])
    for publisher in running.values():
        check(publisher.is_on(), "a publisher was thrown out")
        publisher.stop()


def check_b_frames(v):
    pictures = v.srt.stream().video()
    check(any(p.pts != p.dts for p in pictures), "B-frames have no composition times over SRT")
    packets = clients.packets_of(v.bench.dir / "bframes.mp4", "v")
    check(any(pts > dts for pts, dts in packets), "B-frames have no composition times in HLS")
    clients.check_rising(sorted(pts for pts, _ in packets), "HLS pts", 0.1)


def check_two_sounds(v):
    """The first is relayed; both are in the lane."""
    seen = v.srt.stream()
    sounds = [pid for pid, kind in seen.streams.items() if kind == 0x0f]
    check(len(sounds) == 2 and all(len(seen.pes[pid]) > 5 for pid in sounds), f"the lane has {seen.streams}")
    sound = clients.streams_of(v.bench.dir / "sounds.mp4")["audio"]
    check(sound["sample_rate"] == "48000", f"the first sound is the one at 48 kHz, not {sound['sample_rate']}")


def check_sound_alone(v):
    seen = v.srt.stream()
    check(seen.pmts and len(seen.pes[seen.pid_of((0x0f,))]) > 10, "sound alone does not reach SRT players")
    check(seen.first_table[ts.PAT_PID] == 0, "sound alone begins without tables")


def case_mpeg2_is_said(bench):
    """What cannot be relayed as frames is named, and the publisher is told to go."""
    node, key = srt.node(bench)
    publisher = srt.Publisher(bench, node, f"publish:{key}", srt.make_ts(bench, 20, video="mpeg2video", audio=()))
    wait_for("the codec on the log", lambda: "mpeg2-video goes" in node.log())
    publisher.expect_thrown_out(20)
    check(node.closed("codec_unsupported") == 1, "the reason is not counted")
    check("codec_unsupported" in node.log(), "the reason is not on the log")
    check(node.metrics()["isaribi_frames_total"] == 0, "frames of an unknown codec were taken in")


main()
