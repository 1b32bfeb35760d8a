#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The play page in Chromium: frames are decoded, time moves, nothing complains; a screenshot for human eyes."""
import json
import os
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "lib"))

import clients  # noqa: E402
import clock_picture  # noqa: E402
import front  # noqa: E402
import hls_strict  # noqa: E402
import media_ts  # noqa: E402
import srt_tools  # noqa: E402
from isaribi_test import BIN, Plan, check, fixed_ports, http, main, now_ms, wait_for  # noqa: E402

SCREENSHOTS = pathlib.Path(os.environ.get("ISARIBI_SCREENSHOTS", BIN.parent / "tests/browser"))
MODULES = os.environ.get("ISARIBI_BROWSER_MODULES", BIN.parent / "tests/browser/npm")


class Viewer:
    """Chromium on a page for so many seconds."""

    def __init__(self, bench, url, seconds, name, playlist=None, env=None):
        self.picture = SCREENSHOTS / f"{name}.png"
        self.picture.unlink(missing_ok=True)
        self.process = bench.start("chromium", ["node", HERE / "hls_play.mjs", url, seconds, self.picture,
                                                 *([playlist] if playlist else [])],
                                   {"ISARIBI_BROWSER_MODULES": str(MODULES), "HOME": str(bench.dir), **(env or {})})
        self.seconds = seconds

    def lines(self):
        return [json.loads(line) for line in self.process.out().splitlines() if line.endswith("}")]

    def samples(self):
        return [line for line in self.lines() if "frames" in line]

    def frames(self):
        samples = self.samples()
        return samples[-1]["frames"] if samples else 0

    def wait_playing(self, beyond=25, limit_s=40):
        wait_for(f"{beyond} decoded frames in Chromium", lambda: self.frames() > beyond or not self.process.is_running(),
                 limit_s)
        check(self.process.is_running() or self.frames() > beyond, f"Chromium: {self.process.tail()}")

    def finish(self, allow=()):
        """To the end: no complaint in the console but of what is allowed, no error in the page, a screenshot."""
        self.process.expect_success(self.seconds + 60)
        for line in self.lines():
            if "console" in line and not any(word in line["text"] for word in allow):
                check(False, f"the console says: {line}")
        last = self.samples()[-1]
        check(last["engine"] == "hls.js", f"played by {last['engine']}")
        check(not last["errors"] or allow, f"the page counted errors: {last['errors']}, {last['lastError']}")
        check(self.picture.stat().st_size > 10000, "the screenshot is empty")
        return self.samples()


def check_moves(samples, seconds):
    """Over the last seconds of samples the frame count, the time and the picture go on."""
    window = samples[-int(seconds * 2):]
    first, last = window[0], window[-1]
    check(last["frames"] - first["frames"] > 15 * (seconds - 1), f"frames {first['frames']} to {last['frames']} in "
          f"{seconds} s")
    check(last["time"] - first["time"] > 0.7 * (seconds - 1), f"time {first['time']:.1f} to {last['time']:.1f} in "
          f"{seconds} s")
    check(len({tuple(s["pixels"]) for s in window}) > len(window) // 2, "the picture does not change")
    check(len(set(last["pixels"])) > 10, "the picture is blank")


def start(bench):
    plan = Plan()
    key = plan.key("tanaka")
    return bench.node(plan), key


def case_plays(bench):
    node, key = start(bench)
    clients.ffmpeg_publish(bench, node.publish_url(key), clients.make_flv(bench, seconds=60, size="640x360"))
    node.wait_live("tanaka")
    viewer = Viewer(bench, node.url("/watch/tanaka"), 16, "plays")
    viewer.wait_playing()
    samples = viewer.finish()
    check_moves(samples, 5)
    check((samples[-1]["width"], samples[-1]["height"]) == (640, 360), f"size {samples[-1]['width']}")
    check(samples[-1]["state"] == "live", f"the page says {samples[-1]['state']}")


def case_srt_publisher(bench):
    """A phone that streams by SRT; an RTMP player watches beside the page."""
    plan = Plan()
    key = plan.key("tanaka")
    node = bench.node(plan, {"srt.listen": "127.0.0.1:0"})
    srt_tools.publish(bench, node.srt_port, key, media_ts.make_ts(bench, seconds=20, size="640x360", kbit=800))
    node.wait_live("tanaka")
    beside = clients.load_players(bench, node.play_url("tanaka"), seconds=10)
    viewer = Viewer(bench, node.url("/watch/tanaka"), 14, "srt-publisher")
    viewer.wait_playing()
    check_moves(viewer.finish(), 5)
    seen = clients.load_result(beside, 60)
    check(seen["playing"] == 1 and seen["stalls"] == 0, f"the RTMP player saw {seen}")


def case_page_first(bench):
    """A page that was opened before the broadcast begins by itself."""
    node, key = start(bench)
    viewer = Viewer(bench, node.url("/watch/tanaka"), 34, "page-first")
    wait_for("the page to wait", lambda: any(s["state"] == "waiting" for s in viewer.samples()), 30)
    clients.ffmpeg_publish(bench, node.publish_url(key), clients.make_flv(bench, seconds=60))
    viewer.wait_playing()
    # A playlist that is not there is a line in the console; that cannot be helped.
    check_moves(viewer.finish(allow=("404",)), 5)


def case_publisher_returns(bench):
    """kill -9 and back: the picture stands and then moves again, without a reload."""
    node, key = start(bench)
    flv = clients.make_flv(bench, seconds=60)
    first = clients.ffmpeg_publish(bench, node.publish_url(key), flv, name="first")
    node.wait_live("tanaka")
    viewer = Viewer(bench, node.url("/watch/tanaka"), 36, "publisher-returns")
    viewer.wait_playing()
    first.kill()
    wait_for("the stream to be without a publisher", lambda: node.metrics()["isaribi_rtmp_publishers"] == 0)
    clients.ffmpeg_publish(bench, node.publish_url(key), flv, name="second")
    check_moves(viewer.finish(), 5)


def case_node_is_killed(bench):
    """kill -9 of the node, and again: the same without a reload, on the same page."""
    plan = Plan()
    key = plan.key("tanaka")
    node = bench.node(plan, fixed_ports())
    flv = clients.make_flv(bench, seconds=60)
    publisher = clients.ffmpeg_publish(bench, node.publish_url(key), flv, name="first")
    node.wait_live("tanaka")
    viewer = Viewer(bench, node.url("/watch/tanaka"), 36, "node-is-killed")
    viewer.wait_playing()
    node.kill_and_start()
    publisher.kill()
    clients.ffmpeg_publish(bench, node.publish_url(key), flv, name="second")
    # While nobody is there, requests fail; that is said in the console.
    check_moves(viewer.finish(allow=("404", "ERR_CONNECTION", "ERR_EMPTY_RESPONSE", "ERR_INCOMPLETE")), 5)


def case_low_latency(bench):
    """Near to the edge for 20 s: no error, no stall of a second. How near, bench/live_edge.py measures."""
    node, key = start(bench)
    clock_picture.publish(bench, node.publish_url(key))
    node.wait_live("tanaka")
    strict = hls_strict.follow(bench, node, "tanaka")
    page = bench.start("chromium", ["node", HERE / "live_edge.mjs", node.url("/watch/tanaka"), 24,
                                    SCREENSHOTS / "low-latency.png"],
                       {"ISARIBI_BROWSER_MODULES": str(MODULES), "HOME": str(bench.dir)})
    page.expect_success(100)
    strict.stop()
    seen = json.loads(page.out().splitlines()[-1])
    frames = seen["frames"]
    check(len(frames) > 20 * 15 and seen["unreadable"] < 5, f"{len(frames)} frames, {seen['unreadable']} unreadable")
    gaps = [b[0] - a[0] for a, b in zip(frames, frames[1:])]
    check(max(gaps) < 1000 and not seen["errors"], f"a gap of {max(gaps)} ms, errors: {seen['errors']}, "
          f"{seen['lastError']}")
    # Two segments are more than a player without parts could be near to.
    check(frames[-1][1] < 4000, f"the picture is {frames[-1][1]} ms old")


def case_through_caches(bench):
    """A private stream by HTTPS and HTTP/2 through nginx and Varnish; the cache is killed on the way."""
    plan = Plan()
    key = plan.key("tanaka")
    plan.stream("tanaka", play="private")
    node = bench.node(plan)
    token = node.view_token("tanaka", now_ms() + 600000)
    clients.ffmpeg_publish(bench, node.publish_url(key), clients.make_flv(bench, seconds=60, size="640x360"))
    cache = front.Varnish(bench, node)
    side = front.Nginx(bench, node, cache)
    side.wait_live("tanaka", 25, token)
    viewer = Viewer(bench, side.url(f"/watch/t/{token}/tanaka"), 26, "through-caches", env={"ISARIBI_ANY_CERTIFICATE": "1"})
    viewer.wait_playing()
    wait_for("reloads that wait", lambda: viewer.samples()[-1]["waited"] > 8, 15)
    before = viewer.samples()[-1]
    check(before["protocols"] == ["h2"] and not before["errors"], f"{before}")
    cache.kill_and_start()
    samples = viewer.finish(allow=("503",))
    check_moves(samples, 5)
    check(samples[-1]["waited"] > before["waited"] + 8 and samples[-1]["state"] == "live", f"{samples[-1]}")
    check(token not in side.logs(), "nginx's log tells the token")


def case_recordings(bench):
    """What is being recorded, from its beginning; the whole when it is over; a clip of it."""
    plan = Plan()
    key = plan.key("tanaka", id="k")
    plan.stream("tanaka", record=True)
    node = bench.node(plan)
    clients.ffmpeg_publish(bench, node.publish_url(key), clients.make_flv(bench, seconds=60, size="640x360"))
    shift = node.hls_url("tanaka", file="shift/index.m3u8")
    wait_for("the time shift", lambda: http("GET", shift).status == 200, 30)
    page = node.url("/watch/nobody")
    strict = hls_strict.follow_recording(bench, shift)
    strict.wait_segments(6)
    check_played_from_start(Viewer(bench, page, 9, "time-shift", shift))
    plan.keys["k"]["windows"] = [{"from": 0, "until": now_ms() + 500}]
    node.reload()
    strict.wait_end()
    strict.stop()
    recording = strict.url.split("/")[-2]
    plan.clips = [{"id": "clip", "recording": recording, "in": 5000, "out": 15000}]
    node.reload()
    urls = {"recording": node.url(f"/rec/{recording}/index.m3u8"), "clip": node.url("/clip/clip/index.m3u8")}
    for url in urls.values():
        wait_for(url, lambda u=url: http("GET", u).status == 200)
        hls_strict.follow_recording(bench, url).wait_end()
    viewers = [Viewer(bench, page, 9, name, url) for name, url in urls.items()]
    for viewer in viewers:
        check_played_from_start(viewer)


def check_played_from_start(viewer):
    samples = viewer.finish(allow=("404",))  # the page looks for a stream that is not there
    check(not samples[-1]["errors"], f"{viewer.picture.stem}: {samples[-1]['lastError']}")
    check_moves(samples, 5)
    check(3 < samples[-1]["time"] < 11, f"{viewer.picture.stem}: at {samples[-1]['time']} s after 9 s")


def case_size_changes(bench):
    """The phone is turned: the browser shows the new size and goes on."""
    node, key = start(bench)
    flv = clients.make_size_change(bench, 20, "320x180", "180x320")
    clients.ffmpeg_publish(bench, node.publish_url(key), flv)
    node.wait_live("tanaka")
    viewer = Viewer(bench, node.url("/watch/tanaka"), 28, "size-changes")
    samples = viewer.finish()
    sizes = [(s["width"], s["height"]) for s in samples if s["width"]]
    check((320, 180) in sizes and sizes[-1] == (180, 320), f"sizes seen: {sorted(set(sizes))}")
    check_moves(samples, 4)


main()
