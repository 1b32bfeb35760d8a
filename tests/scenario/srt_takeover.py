#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""SRT publishers die, come back and are replaced, also by RTMP; everybody stays and goes on."""
import pathlib
import signal
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))

import clients  # noqa: E402
import hls  # noqa: E402
import raw_player  # noqa: E402
import srt  # noqa: E402
import ts  # noqa: E402
from isaribi_test import check, main, wait_for  # noqa: E402


class Audience:
    """An SRT and an RTMP player that were there before, and a follower of HLS."""

    def __init__(self, bench, node):
        self.bench, self.node = bench, node
        self.srt = srt.Player(bench, node, "request:tanaka")
        self.rtmp = raw_player.RawPlayer(bench, node.play_url("tanaka"))
        self.hls = None

    def see(self, pictures=40):
        """So many more over SRT."""
        self.srt.wait_pictures(len(self.srt.stream().video()) + pictures)
        self.hls = self.hls or hls.follow(self.bench, self.node, "tanaka")
        check(not self.rtmp.is_closed, "the RTMP player was thrown out")

    def check(self, changes):
        """Everybody stayed and saw so many changes of publisher, each with fresh tables and a key frame behind it."""
        self.srt.stop()
        stream = self.srt.stream()
        stream.check_begins_well()
        marks = self._check_jumps(stream, changes)
        self._check_parts(self.srt.data(), [0, *marks, stream.video()[-1].index])
        for kind in (raw_player.VIDEO, raw_player.AUDIO):
            times = [t for t, body in self.rtmp.bodies(kind) if body[1] == 1]
            clients.check_rising(times, "RTMP times")
        self._check_hls(changes)

    def _check_jumps(self, stream, changes):
        """Indices of the tables in front of each new publisher's packets."""
        marks = []
        for index in stream.jumps():
            if marks and index - marks[-1] < 100:
                continue
            pids = [p.pid for p in stream.packets[max(index - 3, 0):index + 3]]
            check(ts.PAT_PID in pids, f"packet {index}: a jump without tables in front: {pids}")
            marks.append(max(i for i in stream.tables if i <= index + 2))
        check(len(marks) == changes, f"{len(marks)} jumps over SRT, not {changes}: {stream.jumps()}")
        return marks

    def _check_parts(self, data, marks):
        for n, (begin, end) in enumerate(zip(marks, marks[1:])):
            part = data[begin * ts.PACKET:end * ts.PACKET]
            ts.Stream(part).check_begins_well()
            path = self.bench.dir / f"part-{n}.ts"
            path.write_bytes(part)
            # The last picture of who was cut off may be half of one.
            pictures = ts.Stream(part).video()
            path.write_bytes(part[:pictures[-1].index * ts.PACKET])
            check(clients.decoded_frames(self.bench, path) >= len(pictures) - 2, f"part {n} does not decode")

    def _check_hls(self, changes):
        self.hls.stop()
        cuts = self.hls.discontinuities()
        check(len(cuts) == changes, f"{len(cuts)} discontinuities in HLS, not {changes}: {cuts}")
        check(not self.hls.playlist.is_ended, "ENDLIST while the stream goes on")
        numbers = sorted(self.hls.segments)
        for begin, end in zip([0, *cuts], [*cuts, numbers[-1] + 1]):
            part = [n for n in numbers if begin <= n < end]
            path = self.hls.write(self.bench.dir / f"hls-{begin}.mp4", part)
            check(clients.decoded_frames(self.bench, path) >= 20, f"segments {part} do not decode")


def case_dead_and_back_from_another_address(bench):
    """The battery falls out; the node finds out after 5 s, and the stream waits for its publisher."""
    node, key = srt.node(bench)
    audience = Audience(bench, node)
    path = srt.make_ts(bench, 30)
    first = srt.slt_publish(bench, node, f"publish:{key}", path)
    audience.see()
    first.kill()
    srt.wait_publishers(node, 0)
    check(node.closed("connection_broken") == 1, "the reason is not counted")
    second = srt.Publisher(bench, node, f"publish:{key}", path, source="127.0.0.2")
    wait_for("the other address on the log", lambda: "peer=127.0.0.2:" in node.log())
    audience.see(60)
    second.stop()
    audience.check(1)


def case_takeovers(bench):
    """The same key from elsewhere is on at once: SRT after SRT, after one that just died, RTMP after SRT with another
    picture size, SRT after RTMP."""
    node, key = srt.node(bench)
    audience = Audience(bench, node)
    path, large = srt.make_ts(bench, 30), srt.make_ts(bench, 30, size="320x180")
    dies = srt.slt_publish(bench, node, f"publish:{key}", path)
    audience.see()
    dies.kill()
    second = srt.Publisher(bench, node, f"publish:{key}", path, source="127.0.0.2")
    audience.see()
    third = srt.Publisher(bench, node, key, path)
    second.expect_thrown_out(2)
    audience.see()
    fourth = clients.librtmp_publish(bench, node.publish_url(key), srt.make_flv(bench, large))
    third.expect_thrown_out(2)
    audience.see()
    fifth = srt.Publisher(bench, node, f"#!::r={key},m=publish", path)
    clients.expect_refused(fourth, 5)
    audience.see(60)
    metrics = node.metrics()
    check(metrics["isaribi_takeovers_total"] == 4, f"{metrics['isaribi_takeovers_total']} takeovers")
    check(node.closed("taken_over") == 4, f"{node.closed('taken_over')} were taken over")
    fifth.stop()
    audience.check(4)
    sizes = [t["width"] for tracks in audience.hls.tracks() for t in tracks if t["handler"] == "vide"]
    check(sizes in ([160, 320, 160], [160, 320]), f"the init segments say {sizes}")


def case_stop_with_everybody_on(bench):
    """SIGTERM: players get what was sent before, in order, and the connection is closed, not lost."""
    node, *keys = srt.node(bench, streams=("phone", "studio"))
    path = srt.make_ts(bench, 20)
    source = path.read_bytes()
    phone = srt.Publisher(bench, node, f"publish:{keys[0]}", path)
    studio = clients.librtmp_publish(bench, node.publish_url(keys[1]), srt.make_flv(bench, path))
    players = [srt.Player(bench, node, f"request:{s}") for s in ("phone", "studio")]
    for player in players:
        player.wait_pictures(40)
    sent = phone.feed.sent
    # The publisher's window and some: what was sent so long ago is in the node.
    wait_for("a little more", lambda: phone.feed.sent >= sent + 12)
    began = time.monotonic()
    node.process.signal(signal.SIGTERM)
    check(node.process.wait(10) == 0, "the node did not end well")
    check(time.monotonic() - began < 5, f"stopping took {time.monotonic() - began:.1f} s")
    phone.expect_thrown_out(2)
    check(studio.wait(5) is not None, "the RTMP publisher hangs")
    for player in players:
        player.wait_over(2)  # far less than the 5 s after which silence counts as an end
        player.stream().check_begins_well()
    data = players[0].data()[2 * ts.PACKET:]
    at = source.find(data[:srt.MESSAGE])
    check(data == source[at:at + len(data)], "other bytes than were sent")
    check(at + len(data) >= sent * srt.MESSAGE, f"{sent * srt.MESSAGE - at - len(data)} bytes did not arrive")


main()
