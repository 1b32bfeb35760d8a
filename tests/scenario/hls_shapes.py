#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Low-latency HLS of streams of every shape, through restarts of publisher and node, under the strict follower."""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))

import clients  # noqa: E402
import enhanced  # noqa: E402
import hls_strict  # noqa: E402
from isaribi_test import Plan, check, fixed_ports, http, main, now_ms, wait_for  # noqa: E402

LAG_MAX_S = 1.5   # of a part's end behind the clock: the part itself is not in it
DRIFT_MAX_S = 0.4

# name: (what make_flv makes of it, pictures a second, how long a segment lasts from .. to)
SHAPES = {
    "gop05": ({"fps": 24, "gop": 12}, 24, (2.0, 2.0)),
    "gop2": ({"fps": 25, "gop": 50, "bframes": 3}, 25, (2.0, 2.0)),
    "gop37": ({"fps": "30000/1001", "gop": 111, "hz": 44100}, 29.97, (3.7, 3.71)),
    "gop10": ({"fps": 50, "gop": 500}, 50, (2.0, 4.49)),
    "variable": ({"fps": 30, "gop": 300, "is_variable": True}, 22.5, (2.0, 2.0)),
    "sound": ({"video": False}, 0, (1.8, 2.3)),
    "picture": ({"audio": False}, 25, (2.0, 2.0)),
}
SHAPES_200 = {
    "fps24": ({"fps": 24, "gop": 48}, 24, (2.0, 2.0)),
    "fps25": ({"fps": 25, "gop": 50}, 25, (2.0, 2.0)),
    "fps2997": ({"fps": "30000/1001", "gop": 60}, 29.97, (2.0, 2.003)),
    "fps50": ({"fps": 50, "gop": 100, "bframes": 2}, 50, (2.0, 2.0)),
    "sound": ({"video": False}, 0, (1.8, 2.2)),
}


def publish_all(bench, node, keys, shapes, seconds):
    for name, key in keys.items():
        media = shapes.get(name, ({},))[0]
        clients.ffmpeg_publish(bench, node.publish_url(key), clients.make_flv(bench, name, seconds, **media), name=name)


def check_shape(strict, name, rate, shortest_s, longest_s):
    whole = sorted(strict.segments.items())[:-1]  # the last one may have been ended by the publisher
    for msn, seconds in whole:
        check(shortest_s - 0.04 <= seconds <= longest_s + 0.04, f"{name}: segment {msn} lasts {seconds} s")
    most_off = 0.1 if name == "variable" else 0.02  # it depends on where we stopped looking
    check(abs(strict.frame_rate() - rate) <= most_off * rate, f"{name}: {strict.frame_rate():.2f} pictures a second")
    check(not strict.discontinuities, f"{name}: discontinuities {strict.discontinuities}")


def check_lags(strict, name):
    """Seconds from the date at a part's end to its arrival here: small, and the same at the end as at the beginning."""
    lags = strict.lags_s()
    check(max(lags) < LAG_MAX_S, f"{name}: a part came {max(lags):.2f} s after its end")
    n = len(lags) // 3
    first, later = min(lags[:n]), min(lags[-n:])
    check(abs(later - first) < DRIFT_MAX_S, f"{name}: the dates drift: {first:.2f} s, then {later:.2f} s behind the clock")


def see_shapes(bench, shapes, seconds, config=None, segments=4):
    plan = Plan()
    keys = {name: plan.key(name) for name in shapes}
    enhanced_key = plan.key("enhanced")
    node = bench.node(plan, config)
    flv = enhanced.make_flv(bench, enhanced.encode(bench, seconds, in_band=True))
    publish_all(bench, node, keys, shapes, seconds)
    clients.librtmp_publish(bench, node.publish_url(enhanced_key), flv)
    stricts = {name: hls_strict.follow(bench, node, name) for name in (*shapes, "enhanced")}
    for name, strict in stricts.items():
        strict.wait_segments(segments)
    for strict in stricts.values():
        strict.ask_to_stop()
    for name, strict in stricts.items():
        strict.stop()
        check_lags(strict, name)
        if name in shapes:
            check_shape(strict, name, shapes[name][1], *shapes[name][2])


def case_shapes(bench):
    """Key frames every 0.5, 2, 3.7 and 10 s; 24, 25, 29.97, 50 and a varying number of pictures; one track; H.265, Opus."""
    see_shapes(bench, SHAPES, 26)


def case_shapes_in_parts_of_200_ms(bench):
    see_shapes(bench, SHAPES_200, 14, {"http.part_ms": 200}, 5)


def case_publisher_returns_and_is_taken_over(bench):
    """Parts that were hinted at come, whichever publisher makes them; nothing that was said is taken back."""
    plan = Plan()
    keys = {name: plan.key(name) for name in ("returns", "taken")}
    node = bench.node(plan)
    flv = clients.make_flv(bench, seconds=60)
    first = {name: clients.ffmpeg_publish(bench, node.publish_url(key), flv, name=name) for name, key in keys.items()}
    stricts = {name: hls_strict.follow(bench, node, name) for name in keys}
    for strict in stricts.values():
        strict.wait_segments(3)
    first["returns"].kill()
    clients.ffmpeg_publish(bench, node.publish_url(keys["taken"]), flv, name="second")
    clients.expect_refused(first["taken"])
    wait_for("the stream to be without a publisher", lambda: node.metrics()["isaribi_rtmp_publishers"] == 1)
    clients.ffmpeg_publish(bench, node.publish_url(keys["returns"]), flv, name="back")
    for name, strict in stricts.items():
        seen = len(strict.segments)
        strict.wait_segments(seen + 5)
        strict.stop()
        check(len(strict.discontinuities) == 1, f"{name}: discontinuities {strict.discontinuities}")
        check(not strict.playlist.is_ended, f"{name}: ENDLIST while the stream goes on")


def case_slot_ends(bench):
    """The playlist ends with the slot, nothing waits any longer, and the next broadcast has other names."""
    plan = Plan()
    key = plan.key("tanaka", id="k")
    node = bench.node(plan)
    flv = clients.make_flv(bench, seconds=30)
    names, last = set(), 0
    for _ in range(2):
        node.plan.keys["k"]["windows"] = [{"from": 0, "until": now_ms() + 3600_000}]
        node.reload()
        clients.ffmpeg_publish(bench, node.publish_url(key), flv)
        wait_for("a stream that goes on", lambda: is_going_on(node), 20)
        strict = hls_strict.follow(bench, node, "tanaka")
        strict.wait_segments(2)
        node.plan.keys["k"]["windows"] = [{"from": 0, "until": now_ms() + 500}]
        node.reload()
        strict.wait_end(10)
        strict.stop()
        uris = {part.uri for part in strict.parts} | {s.uri for s in strict.playlist.segments}
        check(not uris & names, f"names of the broadcast before: {uris & names}")
        check(min(strict.segments) > last, f"segment {min(strict.segments)} after {last}")
        names, last = names | uris, max(strict.segments)


def is_going_on(node):
    answer = http("GET", node.hls_url("tanaka", file="main.m3u8"))
    return answer.status == 200 and "#EXT-X-ENDLIST" not in answer.text()


def case_node_is_killed(bench):
    """kill -9 and again: numbers and names go on."""
    plan = Plan()
    key = plan.key("tanaka")
    node = bench.node(plan, fixed_ports())
    flv = clients.make_flv(bench, seconds=60)
    publisher = clients.ffmpeg_publish(bench, node.publish_url(key), flv)
    strict = hls_strict.follow(bench, node, "tanaka")
    strict.wait_segments(3)
    for lives in range(1, 3):
        last, seen = max(strict.segments), len(strict.segments)
        strict.expect_restart()
        node.kill_and_start()
        publisher.kill()
        publisher = clients.ffmpeg_publish(bench, node.publish_url(key), flv, name=f"again-{lives}")
        strict.wait_segments(seen + 3)
        new = [msn for msn in sorted(strict.segments) if msn > last]
        check(new[0] <= last + 3, f"segment {last} was followed by {new[0]}")
        check(len(strict.discontinuities) == lives, f"discontinuities {strict.discontinuities}")
    strict.stop()
    uris = [part.uri for part in strict.parts]
    check(len({uri.split("-")[1] for uri in uris}) == 1, "the names of a stream that goes on have another epoch")
    numbers = [int(uri.rpartition("-")[2].partition(".")[0]) for uri in uris]
    steps = {b - a for a, b in zip(numbers, numbers[1:])}
    check(steps <= {1, 2}, f"the numbers of parts went on in steps of {steps}")


main()
