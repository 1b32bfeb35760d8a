#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The node goes down under its viewers and comes back: what HLS numbers goes on, whoever stayed plays on."""
import os
import pathlib
import re
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))

import clients  # noqa: E402
import hls  # noqa: E402
import mp4  # noqa: E402
from isaribi_test import Away, Plan, check, fixed_ports, http, main, now_ms, numbers_path, wait_for  # noqa: E402

NAME = re.compile(r"seg-([0-9a-z]+)-(\d+)\.m4s$")


class Viewer(hls.Follower):
    """Stays while the node is away, as players do. Media time has to rise all the while."""

    def _round(self):
        try:
            answer = http("GET", self.url)
            if answer.status != 404:  # nothing there yet: again later
                check(answer.status == 200, f"{self.url}: {answer.status}")
                self._take(hls.Playlist(self.url, answer.text()))
        except Away:
            pass  # or it was ended between a playlist and its segment


class Life:
    """One stream over several lives of the node, on the same ports and folder."""

    def __init__(self, bench):
        self.bench = bench
        self.plan = Plan()
        self.key = self.plan.key("tanaka")
        self.config = fixed_ports({"node.data_dir": bench.new_dir("data")})
        self.flv = clients.make_flv(bench, seconds=60)
        self.node = None
        self.publisher = None

    def begin(self):
        self.node = self.bench.node(self.plan, self.config)
        self.publisher = clients.ffmpeg_publish(self.bench, self.node.publish_url(self.key), self.flv)

    def kill(self):
        """As when the process is shot; the publisher's app goes away with its connection and is opened again."""
        self.node.process.kill()
        self.publisher.kill()


def names(viewer):
    """[(epoch, msn)] of every segment seen, in order."""
    return [(m[1], int(m[2])) for m in (NAME.search(s.url) for _, s in sorted(viewer.segments.items()))]


def view(bench, life):
    life.node.wait_live("tanaka")
    return Viewer(bench, life.node.hls_url("tanaka", file="main.m3u8"))


def check_goes_on(viewer, before, is_same_epoch):
    """before: the numbers seen in the life before. Returns the first segment of the new one."""
    after = [n for n in sorted(viewer.segments) if n not in before]
    first = viewer.segments[after[0]]
    # The segment that was open has had its number, too.
    check(after[0] - before[-1] in (1, 2), f"media sequence went from {before[-1]} to {after[0]}")
    check(after == list(range(after[0], after[0] + len(after))), f"media sequence has holes: {after}")
    check(first.has_discontinuity, "no discontinuity where the node came back")
    epochs = {NAME.search(viewer.segments[n].url)[1] for n in before[-2:] + after[:2]}
    check((len(epochs) == 1) == is_same_epoch, f"epochs: {epochs}")
    return after


def case_killed_while_on_air(bench):
    """kill -9 and again: same epoch, the next media sequence and part, one more discontinuity; the viewer stays."""
    life = Life(bench)
    life.begin()
    viewer = view(bench, life)
    for _ in range(2):
        viewer.wait_segments(len(viewer.segments) + 3)
        before = sorted(viewer.segments)
        cut_before = viewer.playlist.discontinuity_sequence + sum(s.has_discontinuity for s in viewer.playlist.segments)
        life.kill()
        before = sorted(viewer.segments)
        life.begin()
        viewer.wait_segments(len(before) + 2)
        after = check_goes_on(viewer, before, True)
        check("goes on where the node was cut short" in life.node.log(), "the log says nothing of it")
        now = viewer.playlist
        cuts = now.discontinuity_sequence + sum(s.has_discontinuity for s in now.segments)
        check(cuts == cut_before + 1, f"discontinuities: {cut_before}, then {cuts}")
        last = mp4.sequences(viewer.bodies[before[-1]])
        first = mp4.sequences(viewer.bodies[after[0]])
        check(last == list(range(last[0], last[0] + len(last))), f"parts of a segment: {last}")
        # The parts of the segment that was open stand between; one of 2 s has four of them.
        check(last[-1] < first[0] <= last[-1] + 1 + 4 * (after[0] - before[-1] - 1), f"parts went from {last} to {first}")
        check(viewer.segments[after[0]].init_url != viewer.segments[before[-1]].init_url, "the init has a new name")
    viewer.stop()
    check(not viewer.playlist.is_ended, "an end in the middle")


def see_more(player, what):
    """150 pictures more than there are now; GStreamer begins its file anew when it looks for its place."""
    least = player.pictures()

    def has_more():
        nonlocal least
        now = player.pictures()
        least = min(least, now)
        return now > least + 150

    wait_for(f"pictures through {what}", has_more, 40)


def case_players_stay(bench):
    """kill -9 and again: ffmpeg and both demuxers of GStreamer, which know nothing of low latency, decode on."""
    life = Life(bench)
    life.begin()
    life.node.wait_live("tanaka")
    url = life.node.hls_url("tanaka")
    players = {"ffmpeg": clients.FfmpegHls(bench, url)}
    players |= {demux: clients.GstHls(bench, url, demux) for demux in ("hlsdemux2", "hlsdemux")}
    for what in ("at first", "after one kill", "after another"):
        if what != "at first":
            # Nobody listens for a moment, and ffmpeg has no option to bear that: it must not ask then.
            players["ffmpeg"].wait_next_segment()
            life.kill()
            life.begin()
        for name, player in players.items():
            see_more(player, f"{name} {what}")
    for player in players.values():
        player.stop()


def case_parts_are_never_named_twice(bench):
    """A kill in the middle of a segment: its parts' numbers were seen and do not come again."""
    life = Life(bench)
    life.begin()
    viewer = view(bench, life)
    for _ in range(3):
        viewer.wait_segments(len(viewer.segments) + 1)
        life.kill()
        life.begin()
        viewer.wait_segments(len(viewer.segments) + 1)
    viewer.stop()
    seen = [n for number in sorted(viewer.bodies) for n in mp4.sequences(viewer.bodies[number])]
    check(seen == sorted(set(seen)), f"part sequences do not rise: {seen}")
    check(len({e for e, _ in names(viewer)}) == 1, f"epochs: {names(viewer)}")


def case_stopped_and_started(bench):
    """SIGTERM ends the stream: a new epoch, but media sequence and discontinuities go on. The folder keeps the numbers."""
    life = Life(bench)
    life.begin()
    viewer = view(bench, life)
    viewer.wait_segments(3)
    life.node.stop()
    life.publisher.kill()
    kept = life.config["node.data_dir"] / "sequence"
    check(kept.stat().st_mode & 0o777 == 0o600, f"mode of {kept.name}")
    check(not numbers_path(life.config["node.data_dir"]).exists(), "the file in memory was not removed")
    is_ended = viewer.playlist.is_ended
    before = sorted(viewer.segments)
    if is_ended:  # it saw the end in time: a player would be content; another comes
        viewer.stop()
    life.begin()
    if is_ended:
        viewer = view(bench, life)
        viewer.wait_segments(2)
        numbers = sorted(viewer.segments)
        check(numbers[0] > before[-1], f"media sequence went from {before[-1]} to {numbers[0]}")
    else:
        viewer.wait_segments(len(before) + 2)
        check_goes_on_or_ahead(viewer, before)
    viewer.stop()


def check_goes_on_or_ahead(viewer, before):
    """A new epoch may begin with what the wall clock says, when that is further."""
    after = [n for n in sorted(viewer.segments) if n not in before]
    check(after[0] > before[-1], f"media sequence went from {before[-1]} to {after[0]}")
    check(viewer.segments[after[0]].has_discontinuity, "no discontinuity where the node came back")
    epochs = {NAME.search(viewer.segments[n].url)[1] for n in (before[-1], after[0])}
    check(len(epochs) == 2, f"one epoch over an end: {epochs}")


def case_over_before_the_restart(bench):
    """The slot is over (its playlist has an end); then the node dies. The next stream of that name is a new epoch."""
    life = Life(bench)
    life.plan.keys.clear()
    life.key = life.plan.key("tanaka", windows=[{"from": 0, "until": now_ms() + 12000}])
    life.begin()
    viewer = view(bench, life)
    viewer.wait_segments(2)
    wait_for("the end of the playlist", lambda: viewer.error or viewer.playlist.is_ended, 20)
    viewer.stop()
    before = sorted(viewer.segments)
    life.kill()
    life.plan.keys.clear()
    life.key = life.plan.key("tanaka")
    life.begin()
    second = view(bench, life)
    second.wait_segments(2)
    second.stop()
    first_epoch, second_epoch = names(viewer)[-1][0], names(second)[0][0]
    check(first_epoch != second_epoch, f"the epoch of a stream that was over goes on: {first_epoch}")
    check(min(second.segments) > before[-1], f"media sequence went from {before[-1]} to {min(second.segments)}")
    check(second.segments[min(second.segments)].has_discontinuity, "no discontinuity behind the first stream")


def case_other_folder_other_numbers(bench):
    """Two nodes at the same time, and one without a place on disk: nobody takes another's numbers."""
    lives = [Life(bench), Life(bench)]
    for life in lives:
        life.begin()
    epochs = []
    for life in lives:
        life.node.wait_live("tanaka")
        text = http("GET", life.node.hls_url("tanaka", file="main.m3u8")).text()
        epochs.append(re.search(r"seg-([0-9a-z]+)-", text)[1])
    check(epochs[0] != epochs[1], f"one epoch for two nodes: {epochs}")
    paths = [numbers_path(life.config["node.data_dir"]) for life in lives]
    check(paths[0] != paths[1] and all(p.exists() for p in paths), f"files in memory: {paths}")
    check(all(p.stat().st_mode & 0o777 == 0o600 for p in paths), "mode of the file in memory")
    os.rmdir(lives[0].config["node.data_dir"])
    lives[0].node.stop()
    warned = [line for line in lives[0].node.log().splitlines() if "numbers of streams" in line]
    check(len(warned) == 1, f"one warning for a folder that is gone: {warned}")
    numbers_path(lives[0].config["node.data_dir"]).unlink(missing_ok=True)


main()
