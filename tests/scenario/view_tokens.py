#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Private streams: who may watch, by RTMP and by HLS."""
import pathlib
import re
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))

import clients  # noqa: E402
import hls  # noqa: E402
from isaribi_test import Plan, check, http, main, now_ms, wait_for  # noqa: E402


def private_stream(bench):
    plan = Plan()
    key = plan.key("tanaka")
    plan.stream("tanaka", play="private")
    plan.stream("suzuki", play="private")
    node = bench.node(plan)
    clients.ffmpeg_publish(bench, node.publish_url(key), clients.make_flv(bench, seconds=40))
    token = node.view_token("tanaka", now_ms() + 600000)
    wait_for("HLS with a token", lambda: http("GET", node.hls_url("tanaka", token)).status == 200)
    return node, token


def wrong_tokens(node, good):
    """(what is wrong, the token) of every kind that must be refused."""
    flipped = good[:-1] + ("0" if good[-1] != "0" else "1")
    later = f"{int(good.split('-')[0], 16) + 60000:x}-{good.split('-')[1]}" if "-" in good else good + "0"
    return [("no token", None), ("one digit off", flipped), ("a moved expiry", later), ("cut", good[:-4]),
            ("longer", good + "00"), ("nonsense", "x" * 40), ("a page of it", "0" * 400),
            ("another stream's", node.view_token("suzuki", now_ms() + 600000)),
            ("expired", node.view_token("tanaka", now_ms() - 1000))]


def case_rtmp(bench):
    node, token = private_stream(bench)
    seen = clients.load_result(clients.load_players(bench, node.play_url("tanaka", token), seconds=2))
    check(seen["playing"] == 1, f"the right token does not play: {seen}")
    for what, wrong in wrong_tokens(node, token):
        url = node.play_url("tanaka", wrong)
        if len(url) > 250:
            continue
        seen = clients.load_result(clients.load_players(bench, url, seconds=5, until_end=True))
        check(seen["video"] == 0 and seen["open"] == 0, f"{what}: RTMP plays or hangs: {seen}")
    clients.gst_play_rtmp(bench, node.play_url("tanaka", token), 25).expect_success()


def case_hls(bench):
    node, token = private_stream(bench)
    follower = hls.follow(bench, node, "tanaka", token)
    follower.wait_segments(3)
    uris = re.findall(r'^[^#].*$|URI="([^"]*)"', follower.playlist.text, re.M)
    check(uris and not any(u.startswith("/") or "://" in u for u in uris), f"URIs are relative: {uris}")
    check(token not in follower.playlist.text, "the token is in the path already, the playlist is shared")
    for what, wrong in wrong_tokens(node, token):
        for file in ("index.m3u8", follower.url.rpartition("/")[2],
                     follower.segments[max(follower.segments)].url.rpartition("/")[2]):
            status = http("GET", node.hls_url("tanaka", wrong, file)).status
            check(status in (403, 404), f"{what}: {file} is answered with {status}")
    clients.ffprobe(node.hls_url("tanaka", token), "-show_streams")


def case_expires_while_watching(bench):
    """HLS asks with every request; once the token is over, it is over."""
    node, _ = private_stream(bench)
    short = node.view_token("tanaka", now_ms() + 3000)
    check(http("GET", node.hls_url("tanaka", short)).status == 200, "a short token is good at first")
    wait_for("the token to expire", lambda: http("GET", node.hls_url("tanaka", short)).status in (403, 404), 6)


def case_public_streams_ignore_tokens(bench):
    plan = Plan()
    key = plan.key("tanaka")
    node = bench.node(plan)
    clients.ffmpeg_publish(bench, node.publish_url(key), clients.make_flv(bench, seconds=20))
    node.wait_live("tanaka")
    seen = clients.load_result(clients.load_players(bench, node.play_url("tanaka", "f" * 40), seconds=2))
    check(seen["playing"] == 1, f"a public stream asks for a token: {seen}")


main()
