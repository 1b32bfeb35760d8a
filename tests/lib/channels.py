# SPDX-License-Identifier: Apache-2.0
"""A node with channels, on the air beside sources that do not fit together in anything, and what is on, told by sizes.

    house = House(bench, ["one", "two"])         # publishes both; the channel "main" shows the slate
    strict = house.follow()
    shown = house.switch(strict, stream="two")   # waits until the strict follower has its first part
"""
import pathlib
import re
import shutil
import time
import typing

import coded_picture
import hls_strict
import recordings
from coded_picture import Source
from isaribi_test import Bench, Failed, Plan, check, now_ms, wait_for

CHANNEL = "main"
PART_S = 0.5
PLAN_S = 0.1     # from the signal to the plan being obeyed
MEASURED_S = 0.15  # what we see, we see so much later: one more request, a busy machine

# Phases differ as they are started one after another.
SOURCES = {
    "one": Source(1, (768, 432), "25", 25, colour="maroon"),
    "two": Source(2, (480, 270), "30", 45, hz=44100, colour="navy"),
    "three": Source(3, (848, 480), "24", 58, bframes=3, channels=1, colour="darkgreen"),
    "four": Source(4, (320, 180), "30000/1001", 60, hz=0, colour="purple"),
    "five": Source(5, (1152, 648), "30", 30, hz=32000, colour="teal"),
    "clip": Source(6, (960, 540), "25", 50, colour="olive"),
    "portrait": Source(7, (360, 640), "25", 50),
    "large": Source(8, (1920, 1080), "25", 50, seconds=8),
    "sound": Source(9, (0, 0), has_video=False),
}
BY_NUMBER = {source.number: source for source in SOURCES.values()}
BY_SIZE = {source.size: name for name, source in SOURCES.items()}
SOURCES_BFRAMES = {source.number: source.bframes for source in SOURCES.values()}
UNALIGNED = ["one", "two", "three", "four", "five"]
CLIP_S = 14


class Shown(typing.NamedTuple):
    name: str        # of the source; "slate"
    asked_ms: float
    seen_ms: float   # when its first part was there

    def took_s(self):
        return (self.seen_ms - self.asked_ms) / 1000


class House:
    """channels: {name: what the plan says of it beyond that}."""

    def __init__(self, bench, names=(), *, channels=None, config=None, has_clip=False):
        self.bench, self.plan = bench, Plan()
        self.keys = {name: self.plan.key(name) for name in names}
        self.publishers = {}
        config = dict(config or {})
        if has_clip:
            config["node.data_dir"] = bench.new_dir("data")
            self.plan.clips = [{"id": "clip", "recording": put_recording(config["node.data_dir"]), "in": 1000,
                                "out": 1000 + 10000}]
        for channel, more in (channels or {CHANNEL: {}}).items():
            self.plan.channel(channel, **more)
        self.node = bench.node(self.plan, config)
        for name in names:
            self.publish(name)

    def publish(self, name):
        self.publishers[name] = coded_picture.publish(self.bench, self.node.publish_url(self.keys[name]), SOURCES[name])
        return self.publishers[name]

    def wait_live(self):
        for name in self.publishers:
            self.node.wait_live(name)

    def url(self, channel=CHANNEL, file="index.m3u8"):
        return self.node.hls_url(f"@{channel}", file=file)

    def follow(self, channel=CHANNEL):
        return hls_strict.follow_channel(self.bench, self.node, channel)

    def put_on(self, channel=CHANNEL, **what):
        """stream=, clip= or slate=True by hand; nothing: what the plan has. Returns when it was said."""
        self.plan.channels[channel]["override"] = what or None
        asked_ms = time.time() * 1000
        self.node.reload()
        return asked_ms

    def switch(self, strict, limit_s=12.0, **what):
        name = what.get("stream") or what.get("clip") or "slate"
        asked_ms = self.put_on(**what)
        return self.wait_shown(strict, name, asked_ms, limit_s)

    @staticmethod
    def wait_shown(strict, name, after_ms, limit_s=12.0):
        def seen():
            strict.check_fine()
            return next((b for b in strict.beginnings if b.arrival_ms > after_ms and name_of(b) == name), None)
        found = wait_for(f"{name} in the playlist; seen: {[name_of(b) for b in strict.beginnings[-4:]]}", seen, limit_s)
        return Shown(name, after_ms, found.arrival_ms)

    def ahead_ms(self, channel=CHANNEL):
        return self.node.metrics()[f'isaribi_channel_ahead_ms{{channel="{channel}"}}']

    def why(self, channel=CHANNEL):
        """What the channel last said of itself in the log."""
        found = re.findall(rf"stream=@{channel}: event channel: (.*)", self.node.log())
        return found[-1] if found else ""


def name_of(beginning):
    return BY_SIZE.get(beginning.size, "slate")


def limit_s(name):
    """Within how long a switch must be seen: issue 6."""
    if name in ("slate", "clip"):
        return PART_S + 0.1 + PLAN_S + MEASURED_S
    return SOURCES[name].key_frames_s() + PART_S + PLAN_S + MEASURED_S


def check_in_time(shown):
    check(shown.took_s() <= limit_s(shown.name), f"{shown.name} was seen {shown.took_s():.2f} s after it was asked for, "
          f"the limit is {limit_s(shown.name):.2f} s")


# A recording to cut clips from: made once by a node of its own, kept beside the sources


def put_recording(data_dir):
    """Its id. The node must not run yet."""
    kept = coded_picture.KEPT / "recording"
    if not kept.exists():
        _record(kept)
    folder = next(kept.iterdir())
    shutil.copytree(folder, pathlib.Path(data_dir) / "rec" / folder.name)
    return folder.name


def _record(kept):
    bench = Bench("recording")
    try:
        plan = Plan()
        key = plan.key("clip", id="k")
        plan.stream("clip", record=True)
        node = bench.node(plan)
        coded_picture.publish(bench, node.publish_url(key), SOURCES["clip"], loop=False)
        wait_for("a recording", lambda: _is_long(node), CLIP_S + 20)
        plan.keys["k"]["windows"] = [{"from": 0, "until": now_ms()}]
        node.reload()
        wait_for("a saved recording", lambda: recordings.one(node.data_dir, "clip").state == "saved", 20)
        bench.finish()
        new = kept.with_suffix(f".{now_ms()}")
        shutil.copytree(pathlib.Path(node.data_dir) / "rec", new)
        new.rename(kept)
    finally:
        bench.close(keep=False)


def _is_long(node):
    found = recordings.recordings(node.data_dir, "clip")
    return found and sum(s["duration_ms"] for s in found[0].info["stretches"]) > CLIP_S * 1000


# What a player has seen


def check_seen(player, order, *, lost_most=0):
    """It has shown these sources one after another (0: the slate), each without a gap, and not much else.

    The first may be longer ago than it looked on, the last is not over."""
    seen = coded_picture.runs(player.codes(), BY_NUMBER)
    numbers = [run.number for run in seen]
    wanted = [SOURCES[name].number if name != "slate" else 0 for name in order]
    begin = next((i for i in range(len(wanted)) if wanted[i:i + len(numbers)] == numbers), None)
    if begin is None:
        raise Failed(f"{player.name} saw {seen}, on the air were {wanted}")
    # Where reordered pictures are cut, some of the last ones may be missing.
    lost = sum(max(0, run.lost - SOURCES_BFRAMES.get(run.number, 0)) for run in seen)
    check(lost <= lost_most, f"{player.name} lost {lost} pictures: {seen}")
    return seen
