#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What an SRT publisher sends reaches SRT players untouched, and its clock may wrap."""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))

import clients  # noqa: E402
import hls  # noqa: E402
import raw_player  # noqa: E402
import srt  # noqa: E402
import ts  # noqa: E402
from isaribi_test import check, main, wait_for  # noqa: E402

TABLES = 2 * ts.PACKET  # PAT and PMT


def starts(source):
    """Bytes at which a player of this source may begin."""
    return [p.index * ts.PACKET for p in ts.Stream(source).video() if p.is_random_access]


def wait_last(player, source, limit_s=20.0):
    wait_for("the last packets at a player", lambda: player.data().endswith(source[-ts.PACKET:]), limit_s)


def check_identical(what, source, data, at):
    """Behind its tables, byte for byte, from there to the end."""
    check(data[TABLES:] == source[at:], f"{what}: {len(data) - TABLES} bytes are not the {len(source) - at} sent")
    tables = ts.packets(data[:TABLES])
    check(tables[0].pid == ts.PAT_PID, f"{what}: it begins with PID {tables[0].pid}")
    check(ts.section_of(tables[1]) in source, f"{what}: the table in front is not the publisher's")


def case_private_data_and_cues(bench):
    """PIDs that nobody here knows, from srt-live-transmit to players that were there before, and to newcomers."""
    source = ts.with_extra_pids(srt.make_ts(bench, 7).read_bytes())
    # srt-live-transmit does not send what is left over at the end.
    source += ts.packet(ts.NULL_PID, 0, b"\xff" * 184, is_start=False) * (-(len(source) // ts.PACKET) % 7)
    path = bench.dir / "cues.ts"
    path.write_bytes(source)
    node, key = srt.node(bench)
    first = srt.Player(bench, node, "request:tanaka")
    slt = srt.slt_play(bench, node, "request:tanaka")
    wait_for("two players", lambda: node.metrics()["isaribi_srt_players"] == 2)
    publisher = srt.slt_publish(bench, node, f"publish:{key}", path)
    first.wait_pictures(60)
    newcomer = srt.Player(bench, node, "request:tanaka")
    wait_last(first, source)
    wait_last(newcomer, source)
    check_identical("a player", source, first.data(), starts(source)[0])
    # It writes whole blocks, and does not finish the last one.
    wait_for("most of it at srt-live-transmit", lambda: slt.out_path.stat().st_size > len(source) - 32768)
    slt.stop()
    seen = slt.out_path.read_bytes()
    check_identical("srt-live-transmit", source[:starts(source)[0] + len(seen) - TABLES], seen, starts(source)[0])
    at = len(source) - (len(newcomer.data()) - TABLES)
    check(at in starts(source)[1:], f"a newcomer began at byte {at}, which is no key frame")
    check_identical("a newcomer", source, newcomer.data(), at)
    check(set(first.stream().streams.values()) == {0x1b, 0x0f, 0x06, 0x86}, f"the tables say {first.stream().streams}")
    check("goes to SRT players only" not in node.log(), "data that is neither picture nor sound is no news")
    publisher.stop()


class Cut(srt.Publisher):
    """Sends messages of another size."""

    def __init__(self, bench, node, key, source, size):
        self.size, self.rest = size, b""
        super().__init__(bench, node, f"publish:{key}", source)

    def write(self, message):
        self.rest += message
        while len(self.rest) >= self.size:
            self.caller.send(self.rest[:self.size])
            self.rest = self.rest[self.size:]


def case_messages_of_any_size(bench):
    """A packet a message, and messages that are not whole packets: what comes out is what went in."""
    sizes = {"one": ts.PACKET, "five": 5 * ts.PACKET, "odd": 1000}
    source = srt.make_ts(bench, 5).read_bytes()
    node, *keys = srt.node(bench, streams=tuple(sizes))
    players = {name: srt.Player(bench, node, f"request:{name}") for name in sizes}
    publishers = [Cut(bench, node, key, source, size) for key, size in zip(keys, sizes.values())]
    for publisher in publishers:
        wait_for("the end of the source", publisher.feed.done)
    for (name, size), publisher in zip(sizes.items(), publishers):
        sent = source[:len(source) - len(publisher.rest)]
        player = players[name]
        wait_for(f"the last bytes of {name}", lambda p=player, s=sent: p.data().endswith(s[-ts.PACKET:]))
        if size % ts.PACKET == 0:
            check_identical(name, sent, player.data(), starts(source)[0])
        else:  # a newcomer begins with a whole message
            begin = starts(source)[0] // size * size
            check(player.data()[TABLES:] == sent[begin:], f"{name}: other bytes than were sent")
            path = bench.dir / "odd.ts"
            end = ts.Stream(source).video()[-1].index * ts.PACKET - begin
            path.write_bytes(player.data()[:TABLES + end])
            check(clients.decoded_frames(bench, path) >= 115, "messages of odd sizes do not decode")
        publisher.stop()
    check(node.metrics()["isaribi_frames_total"] > 3 * 300, "frames are missing")


def case_the_clock_wraps(bench):
    """26.5 h after they began timestamps start again from 0: nobody notices."""
    path = srt.make_ts(bench, 9, bframes=2, more=("-output_ts_offset", 95439))
    source = path.read_bytes()
    sent = ts.Stream(source)
    clock = [t for _, t in sent.clock]
    check(clock[0] > 95439 and clock[-1] < 10, f"the source does not wrap: {clock[0]} to {clock[-1]}")
    node, key = srt.node(bench)
    viewer = raw_player.RawPlayer(bench, node.play_url("tanaka"))
    player = srt.Player(bench, node, "request:tanaka")
    publisher = srt.Publisher(bench, node, f"publish:{key}", path)
    follower = hls.follow(bench, node, "tanaka")
    wait_for("the end of the source", publisher.feed.done)
    wait_last(player, source)
    check_identical("a player", source, player.data(), starts(source)[0])
    publisher.stop()
    follower.wait_segments(7)
    follower.stop()
    check(not follower.discontinuities(), f"HLS was cut at {follower.discontinuities()}")
    seen = follower.write(bench.dir / "hls.mp4")
    clients.check_rising([dts for _, dts in clients.packets_of(seen, "v")], "HLS picture dts", 0.1)
    clients.check_rising(sorted(pts for pts, _ in clients.packets_of(seen, "v")), "HLS picture pts", 0.1)
    clients.check_rising([dts for _, dts in clients.packets_of(seen, "a")], "HLS sound dts", 0.1)
    check(clients.decoded_frames(bench, seen) >= 170, "pictures are missing in HLS")
    for kind, n in ((raw_player.VIDEO, 223), (raw_player.AUDIO, 400)):
        times = [t for t, body in viewer.bodies(kind) if body[1] == 1]
        check(len(times) >= n, f"RTMP: {len(times)} of {n} messages")
        clients.check_rising(times, "RTMP times", 100)
    check(times[-1] - times[0] < 10000, f"RTMP: the times make {times[-1] - times[0]} ms out of 9 s")


main()
