#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A channel through everything that can be on it, in one node and over its death: ffmpeg plays on, the strict follower looks
at every byte, and what the plan takes down is gone."""
import pathlib
import re
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))

import channels  # noqa: E402
import coded_picture  # noqa: E402
from isaribi_test import check, fixed_ports, http, main, now_ms, wait_for  # noqa: E402


def plan(house, **members):
    """What the plan says of the channel from now on."""
    house.plan.channels[channels.CHANNEL] = {"id": channels.CHANNEL, **members}
    asked_ms = time.time() * 1000
    house.node.reload()
    return asked_ms


def slot(stream):
    return [{"stream": stream, "from": 0, "until": 0}]


def figures(house):
    """{'ahead_ms': -20.0, 'on': {'kind': 'live', ...}} of /metrics."""
    found = {}
    for name, value in house.node.metrics().items():
        match = re.fullmatch(r'isaribi_channel_(\w+)\{channel="main",?(.*)\}', name)
        if match:
            found[match[1]] = dict(re.findall(r'(\w+)="([^"]*)"', match[2])) if match[2] else value
    return found


def wait_on(house, **on):
    return wait_for(f"{on}", lambda: (f := figures(house)).get("on") == on and f, 20)


def case_a_day_of_a_channel(bench):
    house = channels.House(bench, ["one"], has_clip=True, config=fixed_ports())
    strict = follow(house)
    player = coded_picture.ffmpeg_player(bench, house.url())
    wait_on(house, kind="slate", id="", why="nothing")
    house.wait_shown(strict, "one", plan(house, on_air=slot("one")))
    now = wait_on(house, kind="live", id="one", why="slot")
    check(abs(now["since_seconds"] - time.time()) < 10, f"since {now['since_seconds']}")
    check(abs(now["ahead_ms"]) < 600, f"{now['ahead_ms']} ms ahead")
    died_ms = time.time() * 1000
    house.publishers["one"].kill()
    house.wait_shown(strict, "slate", died_ms)
    wait_on(house, kind="slate", id="", why="lost")
    house.publish("one")
    house.wait_shown(strict, "one", died_ms, 20)
    first = house.wait_shown(strict, "clip", plan(house, filler=["clip"]))
    wait_on(house, kind="clip", id="clip", why="filler")
    house.wait_shown(strict, "clip", first.seen_ms + 5000, 20)  # it is shown again, and nothing between
    shown = [channels.name_of(b) for b in strict.beginnings if b.arrival_ms >= first.seen_ms]
    check(set(shown) == {"clip"}, f"between two rounds of a filler: {shown}")
    counted = player.count()
    wait_for("ffmpeg to play on", lambda: player.count() > counted + 25, 15)
    player.stop()
    seen = channels.check_seen(player, ["slate", "one", "slate", "one", "clip"])
    check(len(seen) > 3, f"ffmpeg saw {seen}")
    now = figures(house)
    check(now["switches_total"] >= 4 and now["slate_seconds_total"] > 1, f"{now}")
    strict.stop()


def playlist(house):
    answer = http("GET", house.url(file="main.m3u8"))
    return answer.text() if answer.status == 200 else ""


def follow(house):
    wait_for("the channel's first segment", lambda: playlist(house), 20)
    return house.follow()


def stretches(house):
    """URLs of segments and parts in the playlist, a list for each time that something else comes on."""
    found = [[]]
    for line in playlist(house).splitlines():
        if line == "#EXT-X-DISCONTINUITY":
            found.append([])
        match = re.search(r"(?:seg|part)-\w+-\d+\.m4s", line)
        if match and "PRELOAD" not in line:
            found[-1].append(house.url(file=match[0]))
    return found


def statuses(urls):
    return {http("GET", url).status for url in urls}


def case_taken_down(bench):
    """A filler of a recording, and live: both go from the channel's window, the list goes on behind them."""
    house = channels.House(bench, ["one"], has_clip=True)
    house.wait_live()
    strict = follow(house)
    house.wait_shown(strict, "clip", plan(house, filler=["clip"]))
    strict.wait_segments(len(strict.segments) + 2)
    house.wait_shown(strict, "one", plan(house, on_air=slot("one")))
    strict.wait_segments(len(strict.segments) + 2)
    strict.stop()
    *_, clip, one = [urls for urls in stretches(house) if len(urls) > 4]
    check(statuses(clip) == statuses(one) == {200}, "all of it can be fetched")
    house.plan.taken_down = [{"id": "one", "before": now_ms() + 1000}]
    plan(house, on_air=slot("one"))
    wait_for("the live stream to be gone", lambda: statuses(one) == {404}, 5)
    wait_on(house, kind="slate", id="", why="taken_down")
    check(statuses(clip) == {200}, "what is not taken down can be fetched")
    wait_for("the playlist behind it", lambda: playlist(house).count("#EXTINF") >= 2, 15)
    check(not set(one) & set(sum(stretches(house), [])), "the playlist names what is gone")
    house.plan.taken_down.append({"id": "clip", "before": now_ms() + 1000})
    plan(house, filler=["clip"])
    wait_for("the clip to be gone", lambda: statuses(clip) == {404}, 5)
    wait_on(house, kind="slate", id="", why="clip_broken")
    check(" warn" not in house.node.log().replace("warn : channel main, clip clip:", ""), "nothing is wrong with that")
    again = follow(house)
    again.wait_segments(3)
    again.stop()


def names(text):
    return re.findall(r"seg-(\w+)-(\d+)\.m4s", text)


def case_the_node_is_killed(bench):
    """Numbers and time go on as if nothing had been; the channel does not wait for its stream."""
    house = channels.House(bench, ["one"], config=fixed_ports())
    house.wait_live()
    strict = follow(house)
    house.wait_shown(strict, "one", plan(house, on_air=slot("one")))
    strict.wait_segments(4)
    before = names(playlist(house))
    strict.expect_restart()
    house.node.kill_and_start()
    since_ms = time.time() * 1000
    house.publishers["one"].kill()
    house.wait_shown(strict, "slate", since_ms)
    house.publish("one")
    house.wait_shown(strict, "one", since_ms)
    after = names(playlist(house))
    check({epoch for epoch, _ in before} == {epoch for epoch, _ in after}, f"epochs: {before[-1]}, {after[0]}")
    check(0 < int(after[0][1]) - int(before[-1][1]) <= 2, f"media sequence went from {before[-1]} to {after[0]}")
    check("goes on where the node was cut short" in house.node.log(), "the log says nothing of it")
    strict.stop()


def case_private_and_elsewhere(bench):
    house = channels.House(bench, [], channels={"main": {"play": "private"}})
    token = house.node.view_token("@main", now_ms() + 600000)
    house.node.wait_live("@main", 20, token)
    for path in ("/hls/@main/index.m3u8", "/hls/@main/main.m3u8", f"/hls/t/{token}/@other/index.m3u8"):
        check(http("GET", house.node.url(path)).status == 404, path)
    check(http("GET", house.node.hls_url("@main", token)).status == 200, "with its token")
    player = bench.start("rtmp-player", ["ffprobe", "-v", "error", house.node.play_url("@main", token)])
    check(player.popen.wait(20) != 0, "a channel over RTMP")
    wait_for("the reason", lambda: house.node.closed("channel_elsewhere") == 1)


def case_channels_come_and_go(bench):
    house = channels.House(bench, [])
    strict = follow(house)
    strict.wait_segments(2)
    strict.stop()
    house.plan.channels = {}
    house.node.reload()
    wait_for("it to be over", lambda: http("GET", house.url()).status == 404)  # nobody may see what no plan names
    wait_for("word of it", lambda: "event channel: it is over" in house.node.log() and not figures(house).get("on"))
    house.plan.channel("other")
    house.node.reload()
    house.node.wait_live("@other")


if __name__ == "__main__":
    main()
