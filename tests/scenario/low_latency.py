#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Low-latency HLS as a player asks for it: waiting reloads, hinted parts, refusals, ranges."""
import concurrent.futures
import http.client
import pathlib
import re
import sys
import threading
import time
import urllib.parse

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))

import clients  # noqa: E402
import hls  # noqa: E402
from isaribi_test import Failed, Plan, check, http as fetch, main, wait_for  # noqa: E402

PLAYERS = 50
TARGET_S = 4
PATIENCE_S = 3 * TARGET_S


def on_air(bench, seconds=60):
    plan = Plan()
    key = plan.key("tanaka")
    node = bench.node(plan)
    flv = clients.make_flv(bench, seconds=seconds)
    publisher = clients.ffmpeg_publish(bench, node.publish_url(key), flv)
    node.wait_live("tanaka", 25)
    return node, key, flv, publisher


class Edge:
    """Parts and whole segments of a playlist: what a waiting reload is about."""

    def __init__(self, text):
        self.text = text
        self.parts = []  # (msn, index, name, seconds, is_independent)
        self.segments = {}  # msn -> name
        self.seconds = {}  # msn -> EXTINF
        self.hint = None
        self.is_ended = "\n#EXT-X-ENDLIST\n" in text
        self.part_target = float(re.search(r"PART-TARGET=([0-9.]+)", text)[1])
        self.hold_back = float(re.search(r"PART-HOLD-BACK=([0-9.]+)", text)[1])
        self.msn = int(re.search(r"#EXT-X-MEDIA-SEQUENCE:(\d+)", text)[1])
        index = 0
        for line in text.splitlines():
            if line.startswith("#EXT-X-PART:"):
                attrs = hls.attributes(line.partition(":")[2])
                self.parts.append((self.msn, index, attrs["URI"], float(attrs["DURATION"]), "INDEPENDENT" in attrs))
                index += 1
            elif line.startswith("#EXTINF:"):
                self.seconds[self.msn] = float(line[8:].partition(",")[0])
            elif line.startswith("#EXT-X-PRELOAD-HINT:"):
                attrs = hls.attributes(line.partition(":")[2])
                check(attrs["TYPE"] == "PART", f"hint: {line}")
                self.hint = attrs["URI"]
            elif line and not line.startswith("#"):
                self.segments[self.msn] = line
                self.msn, index = self.msn + 1, 0
        self.next = (self.msn, index)
        self._check()

    def _check(self):
        check((self.hint is None) == self.is_ended, "a hint as long as the stream goes on")
        check(self.hold_back >= 3 * self.part_target - 1e-6, f"PART-HOLD-BACK {self.hold_back}")
        numbers = [int(name.split("-")[2].split(".")[0]) for _, _, name, _, _ in self.parts]
        check(numbers == list(range(numbers[0], numbers[0] + len(numbers))) if numbers else True, f"parts: {numbers}")
        check(not self.hint or not numbers or self.hint.split("-")[2] == f"{numbers[-1] + 1}.m4s", f"hint {self.hint}")
        for _, _, name, seconds, _ in self.parts:
            check(seconds <= self.part_target, f"{name}: {seconds} s of {self.part_target}")
        for msn in {m for m, *_ in self.parts} & set(self.seconds):
            total = sum(p[3] for p in self.parts if p[0] == msn)
            check(abs(total - self.seconds[msn]) < 0.0005, f"segment {msn}: EXTINF {self.seconds[msn]}, parts {total}")


class Player(threading.Thread):
    """Reloads as a player does, on one connection; keeps every part it was told of. done() fails when it went wrong."""

    def __init__(self, node, stream="tanaka"):
        super().__init__(daemon=True)
        self.parts = {}  # name -> (msn, index)
        self.reloads = 0
        self.late = 0  # answers of 503
        self.edge = None
        self.error = None
        self._node, self._path = node, f"/hls/{stream}/"
        self._asked_to_stop = threading.Event()
        self._connection = http.client.HTTPConnection("127.0.0.1", node.http_port, timeout=PATIENCE_S + 8)
        self.start()

    def get(self, name):
        self._connection.request("GET", self._path + name)
        answer = self._connection.getresponse()
        return answer.status, answer.headers, answer.read()

    def run(self):
        try:
            self._take(self.get("main.m3u8"))
            while not self._asked_to_stop.is_set() and not self.edge.is_ended:
                self._reload()
        except Exception as error:  # noqa: handed to the case by done()
            self.error = error

    def _reload(self):
        asked = self.edge.next
        answer = self.get(f"main.m3u8?_HLS_msn={asked[0]}&_HLS_part={asked[1]}")
        if answer[0] == 503:
            self.late += 1
            return
        before = self.edge
        self._take(answer)
        check(self.edge.is_ended or self.edge.next > asked, f"asked for {asked}, the next is still {self.edge.next}")
        check(answer[1]["Cache-Control"] == f"public, max-age={6 * TARGET_S}", answer[1]["Cache-Control"])
        check(self.edge.hint != before.hint or self.edge.is_ended, "an answer that brings nothing new")
        self.reloads += 1

    def _take(self, answer):
        check(answer[0] == 200, f"{answer[0]}")
        self.edge = Edge(answer[2].decode())
        for msn, index, name, _, _ in self.edge.parts:
            check(self.parts.setdefault(name, (msn, index)) == (msn, index), f"{name} has moved")

    def ask_to_stop(self):
        """done() waits for it."""
        self._asked_to_stop.set()

    def done(self):
        self.ask_to_stop()
        self.join(PATIENCE_S + 10)
        if self.error:
            raise Failed(f"player: {self.error}") from self.error
        numbers = sorted(int(n.split("-")[2].split(".")[0]) for n in self.parts)
        check(numbers == list(range(numbers[0], numbers[0] + len(numbers))), f"a part was never told of: {numbers}")


class HintFollower(threading.Thread):
    """Asks for each part as soon as it is hinted at, before it is there."""

    def __init__(self, node):
        super().__init__(daemon=True)
        self.bodies = {}
        self.waited = 0
        self.error = None
        self._node = node
        self._asked_to_stop = threading.Event()
        self.start()

    def url(self, name):
        return self._node.hls_url("tanaka", None, name)

    def run(self):
        try:
            while not self._asked_to_stop.is_set():
                self._round()
        except Exception as error:  # noqa: handed to the case by done()
            self.error = error

    def _round(self):
        name = Edge(fetch("GET", self.url("main.m3u8")).text()).hint
        while not self._asked_to_stop.is_set():
            began = time.monotonic()
            answer = fetch("GET", self.url(name), limit_s=PATIENCE_S + 8)
            self.waited += time.monotonic() - began > 0.1
            if answer.status != 503:
                break
        check(answer.status in (200, 503), f"{name}, which was hinted at: {answer.status}")
        if answer.status == 200:
            check(answer.body[4:8] == b"moof", f"{name} does not begin with moof")
            self.bodies[name] = answer.body

    def done(self):
        self._asked_to_stop.set()
        self.join(PATIENCE_S + 10)
        if self.error:
            raise Failed(f"hints: {self.error}") from self.error


def case_fifty_players_wait(bench):
    """Everybody is told of every part; who waits is not in the way of others."""
    node, _, _, _ = on_air(bench)
    players = [Player(node) for _ in range(PLAYERS)]
    wait_for("requests to wait", lambda: node.metrics()["isaribi_http_waiting_requests"] > PLAYERS / 2, 20)
    began = time.monotonic()
    check(fetch("GET", node.url("/healthz"), limit_s=3).status == 200, "who waits holds up others")
    check(time.monotonic() - began < 2, "who waits holds up others")
    wait_for("20 reloads each", lambda: any(p.error for p in players) or all(p.reloads >= 20 for p in players), 40)
    for player in players:
        player.ask_to_stop()
    for player in players:
        player.done()
    check(sum(p.late for p in players) == 0, "a reload was late while the stream was on")
    wait_for("nobody to wait", lambda: node.metrics()["isaribi_http_waiting_requests"] == 0, PATIENCE_S + 5)


def case_parts_are_their_segment(bench):
    node, _, _, _ = on_air(bench)
    player = Player(node)
    wait_for("12 reloads", lambda: player.error or player.reloads >= 12, 40)
    player.done()
    edge = Edge(fetch("GET", node.hls_url("tanaka", None, "main.m3u8")).text())
    whole = [m for m in sorted(edge.segments) if any(p[0] == m for p in edge.parts)]
    check(len(whole) >= 2, f"segments with parts: {whole}")
    for msn in whole:
        names = [p[2] for p in edge.parts if p[0] == msn]
        bodies = [fetch("GET", node.hls_url("tanaka", None, name)) for name in names]
        check(all(b.headers["Cache-Control"] == "public, max-age=3600, immutable" for b in bodies), "a part's caching")
        segment = fetch("GET", node.hls_url("tanaka", None, edge.segments[msn]))
        check(b"".join(b.body for b in bodies) == segment.body, f"segment {msn} is not its parts")
        check([p[4] for p in edge.parts if p[0] == msn][0], f"segment {msn} does not begin independent")


def case_a_publisher_returns(bench):
    """Every hint is honoured, whichever segment the part ends up in; who waits gets what comes then."""
    node, key, flv, publisher = on_air(bench)
    follower = hls.follow(bench, node, "tanaka")
    player, hints = Player(node), HintFollower(node)
    wait_for("hinted parts", lambda: hints.error or len(hints.bodies) >= 6, 30)
    publisher.kill()
    wait_for("the publisher to be gone", lambda: node.metrics()["isaribi_rtmp_publishers"] == 0)
    wait_for("player and hint to wait", lambda: node.metrics()["isaribi_http_waiting_requests"] >= 2)
    before = len(hints.bodies)
    clients.ffmpeg_publish(bench, node.publish_url(key), flv, name="again")
    wait_for("hinted parts of the second life", lambda: hints.error or len(hints.bodies) >= before + 8, 40)
    hints.done()
    player.done()
    check(hints.waited >= 6, f"only {hints.waited} hinted parts were waited for")
    check(player.edge.text.count("#EXT-X-DISCONTINUITY\n") == 1, "no discontinuity where the publisher came back")
    for name, body in hints.bodies.items():
        check(name in player.parts or name > max(player.parts), f"{name} was sent but never told of")
        check(fetch("GET", hints.url(name)).body == body, f"{name} is another one now")
    follower.stop()


def fetch_timed(url):
    """(answer, seconds it took)"""
    began = time.monotonic()
    answer = fetch("GET", url, limit_s=PATIENCE_S + 10)
    return answer, time.monotonic() - began


def case_who_waits_too_long(bench):
    node, _, _, publisher = on_air(bench)
    publisher.kill()
    wait_for("the publisher to be gone", lambda: node.metrics()["isaribi_rtmp_publishers"] == 0)
    edge = Edge(fetch("GET", node.hls_url("tanaka", None, "main.m3u8")).text())
    names = (f"main.m3u8?_HLS_msn={edge.next[0]}&_HLS_part={edge.next[1]}", edge.hint)
    with concurrent.futures.ThreadPoolExecutor(len(names)) as pool:
        waited = list(pool.map(fetch_timed, [node.hls_url("tanaka", None, name) for name in names]))
    for name, (answer, seconds) in zip(names, waited):
        check(answer.status == 503 and answer.headers["Cache-Control"] == "no-store", f"{name}: {answer.status}")
        check(PATIENCE_S - 1 < seconds < PATIENCE_S + 4, f"{name}: 503 after {seconds:.1f} s")
        check(answer.headers["Access-Control-Allow-Origin"] == "*", f"{name}: CORS")


def case_refusals(bench):
    node, _, _, _ = on_air(bench)
    edge = Edge(fetch("GET", node.hls_url("tanaka", None, "main.m3u8")).text())
    last = max(edge.segments)
    for query in (f"_HLS_msn={last + 9}", f"_HLS_msn={last + 1}&_HLS_part=60", "_HLS_part=0", "_HLS_msn=", "_HLS_msn=-1",
                  "_HLS_msn=1e3", f"_HLS_msn={last}&_HLS_msn={last}", "_HLS_msn=99999999999999999999", "_HLS_skip=1",
                  urllib.parse.quote("_HLS_msn=１", safe="=")):
        answer = fetch("GET", node.hls_url("tanaka", None, f"main.m3u8?{query}"))
        check(answer.status == 400 and answer.headers["Cache-Control"] == "no-store", f"{query}: {answer.status}")
        check(fetch("GET", node.hls_url("nobody", None, f"main.m3u8?{query}")).status == 404, f"{query} of nobody")
    for query in (f"_HLS_msn={last}", "_HLS_msn=0", f"_HLS_msn={last}&_HLS_part=0", "_HLS_skip=YES", "x=y"):
        check(fetch("GET", node.hls_url("tanaka", None, f"main.m3u8?{query}")).status == 200, query)
    epoch, number = edge.hint.split("-")[1], int(edge.hint.split("-")[2].split(".")[0])
    for name in (f"part-{epoch}-{number + 50}.m4s", f"part-{epoch}-0.m4s", f"part-{epoch}x-{number}.m4s",
                 f"part-{epoch}-0{number}.m4s", f"part-{epoch}-99999999999999999999.m4s"):
        answer = fetch("GET", node.hls_url("tanaka", None, name))
        check(answer.status == 404, f"{name}: {answer.status}")
        check(answer.headers["Cache-Control"] == "public, max-age=1", f"{name}: {answer.headers['Cache-Control']}")


def curl(bench, url, *arguments):
    """(status, headers, body) as curl sees them."""
    head, body = bench.dir / "curl-head", bench.dir / "curl-body"
    bench.run("curl", ["curl", "-s", "-S", "-D", head, "-o", body, *arguments, url])
    lines = head.read_text().splitlines()
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])}
    return int(lines[0].split(" ")[1]), headers, body.read_bytes()


def case_ranges(bench):
    node, _, _, _ = on_air(bench)
    edge = Edge(fetch("GET", node.hls_url("tanaka", None, "main.m3u8")).text())
    init = re.search(r'EXT-X-MAP:URI="([^"]+)"', edge.text)[1]
    for name in (edge.segments[max(edge.segments)], edge.parts[0][2], init):
        url = node.hls_url("tanaka", None, name)
        whole = fetch("GET", url).body
        size = len(whole)
        for spec, first, last in (("0-99", 0, 99), ("100-", 100, size - 1), ("-50", size - 50, size - 1),
                                  (f"{size - 1}-{size + 500}", size - 1, size - 1), (f"-{size + 9}", 0, size - 1)):
            status, headers, body = curl(bench, url, "-r", spec)
            check(status == 206 and body == whole[first:last + 1], f"{name} {spec}: {status}, {len(body)} bytes")
            check(headers["content-range"] == f"bytes {first}-{last}/{size}", f"{name} {spec}: {headers}")
        status, headers, body = curl(bench, url, "-r", f"{size}-")
        check(status == 416 and body == b"" and headers["content-range"] == f"bytes */{size}", f"{name}: {status}")
        status, headers, body = curl(bench, url, "-r", "0-1,4-5")
        check(status == 200 and body == whole and headers["accept-ranges"] == "bytes", f"{name}, two ranges: {status}")
        # In two goes, as after a broken connection.
        (bench.dir / "half").write_bytes(whole[:size // 2])
        bench.run("curl", ["curl", "-s", "-S", "-C", "-", "-o", bench.dir / "half", url])
        check((bench.dir / "half").read_bytes() == whole, f"{name}: not the same in two goes")


main()
