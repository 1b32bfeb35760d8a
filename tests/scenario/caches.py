#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Varnish and nginx in front of a node, as config/ sets them up: shared waiting, private streams, restarts."""
import concurrent.futures
import gzip
import http.client
import pathlib
import re
import socket
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))

import clients  # noqa: E402
import front  # noqa: E402
import hls_strict  # noqa: E402
from isaribi_test import (TOOLS, Failed, Plan, check, fixed_ports, free_port, http as fetch, is_sanitized, main,  # noqa: E402
                          now_ms, wait_for)

PATIENCE_S = 12
CROWD = 50 if is_sanitized() else 300


def on_air(bench, config=None, **stream):
    plan = Plan()
    key = plan.key("tanaka")
    plan.stream("tanaka", **stream)
    node = bench.node(plan, config)
    token = node.view_token("tanaka", now_ms() + 600000) if stream.get("play") == "private" else None
    publisher = clients.ffmpeg_publish(bench, node.publish_url(key), clients.make_flv(bench, seconds=100))
    cache = front.Varnish(bench, node)
    node.wait_live("tanaka", 25, token)
    return node, cache, publisher, token


def ask_all(side, paths, headers=None):
    """All at once; [(answer, when it came)] in their order."""
    def ask(path):
        answer = side.get(path, headers, PATIENCE_S + 10)
        return answer, time.monotonic()

    with concurrent.futures.ThreadPoolExecutor(len(paths)) as pool:
        return list(pool.map(ask, paths))


def expect_fetches(cache, before, n, what):
    """Varnish notes a request when it is over, which is a moment after the answer."""
    wait_for(f"{n} requests to the node for {what}", lambda: cache.fetches() >= before + n, 5)
    check(cache.fetches() == before + n, f"{what}: {cache.fetches() - before} requests to the node in place of {n}")


def edge_of(text):
    """(msn, part) of the next part that a playlist does not hold yet."""
    msn = int(re.search(r"#EXT-X-MEDIA-SEQUENCE:(\d+)", text)[1])
    part = 0
    for line in text.splitlines():
        if line.startswith("#EXT-X-PART:"):
            part += 1
        elif line and not line.startswith("#"):
            msn, part = msn + 1, 0
    return msn, part


def next_edge(side, directory):
    return edge_of(side.get(f"{directory}/main.m3u8").text())


def case_a_strict_reader_and_a_crowd(bench):
    """The rules hold through the cache, hints included; the crowd costs the node next to nothing."""
    _, cache, _, _ = on_air(bench)
    strict = hls_strict.follow(bench, cache, "tanaka", is_cached=True)
    before = cache.counter("MAIN.backend_req")
    crowd = bench.start("hls_load", [TOOLS / "hls_load", "--url", cache.hls_url("tanaka", file="main.m3u8"), "--mode", "ll",
                                     "--hints", "--viewers", CROWD, "--seconds", 12, "--ramp-ms", 2000])
    strict.wait_segments(6)
    seen = clients.load_result(crowd)
    check(seen["live"] == CROWD and seen["errors"] == 0 and seen["stalls"] == 0, f"the crowd saw {seen}")
    share = (cache.counter("MAIN.backend_req") - before) / seen["requests"]
    check(share < (0.1 if is_sanitized() else 0.05), f"{share:.1%} of {seen['requests']} requests reached the node")
    strict.stop()


def case_one_for_all_who_wait(bench):
    """Whatever the order and the ornaments of the query; with gzip and without."""
    _, cache, _, _ = on_air(bench)
    msn, part = next_edge(cache, "/hls/tanaka")
    path, before = "/hls/tanaka/main.m3u8", cache.fetches()
    queries = [f"_HLS_msn={msn + 1}&_HLS_part={part}", f"_HLS_part={part}&_HLS_msn={msn + 1}",
               f"x=1&_HLS_msn={msn + 1}&y&_HLS_part={part}&", f"_HLS_part={part}&&t=9&_HLS_msn={msn + 1}"]
    answers = ask_all(cache, [f"{path}?{query}" for query in queries] * 10)
    bodies = {answer.body for answer, _ in answers}
    check({a.status for a, _ in answers} == {200} and len(bodies) == 1, f"{[a.status for a, _ in answers]}, {len(bodies)} bodies")
    check(edge_of(next(iter(bodies)).decode()) > (msn + 1, part), "the part that was waited for is not in")
    expect_fetches(cache, before, 1, "40 waiting")
    moments = [moment for _, moment in answers]
    check(max(moments) - min(moments) < 1, f"woken within {max(moments) - min(moments):.2f} s")
    for _ in range(2):
        packed = cache.get(f"{path}?{queries[0]}", {"Accept-Encoding": "br, gzip;q=0.5"})
        check(gzip.decompress(packed.body) in bodies, "not the same with gzip")
        plain = cache.get(f"{path}?{queries[0]}", {"Accept-Encoding": "br, gzip;q=0"})
        check("Content-Encoding" not in plain.headers and plain.body in bodies, "gzip for one who cannot read it")
    expect_fetches(cache, before, 2, "40 waiting, and the same with gzip")
    before = cache.fetches()
    for word in ("", "?a=b", "?_HLS_push=1", "?%5FHLS_msn=1"):
        check(cache.get(f"/hls/tanaka/index.m3u8{word}").status == 200, word)
    check(cache.fetches() - before <= 1, "a query that says nothing is part of the key")


def case_refusals_harm_nobody(bench):
    """What is refused now is shared again when its time has come; the node's own words for wrong queries."""
    _, cache, _, _ = on_air(bench)
    msn, _ = next_edge(cache, "/hls/tanaka")
    ahead = f"/hls/tanaka/main.m3u8?_HLS_msn={msn + 4}&_HLS_part=0"
    check(cache.get(ahead).status == 400, "too far ahead")
    for query in ("_HLS_part=0", "_HLS_msn=", f"_HLS_msn={msn}&_HLS_msn={msn}", "_HLS_msn=-1"):
        answer = cache.get(f"/hls/tanaka/main.m3u8?{query}")
        check(answer.status == 400 and answer.headers["Cache-Control"] == "no-store", f"{query}: {answer.status}")
    wait_for("its time", lambda: next_edge(cache, "/hls/tanaka")[0] >= msn + 3, 30)
    before = cache.fetches()
    statuses = {answer.status for answer, _ in ask_all(cache, [ahead] * 20)}
    check(statuses == {200}, f"{statuses}")
    check(cache.fetches() - before <= 2, f"{cache.fetches() - before} requests to the node for one playlist")
    check(cache.get("/hls/nobody/index.m3u8").status == 404 and cache.get("/metrics").status == 404, "404")


def case_nothing_comes(bench):
    """The publisher is gone: all who wait are told after the node's patience, and only one of them asked the node."""
    node, cache, publisher, _ = on_air(bench)
    publisher.kill()
    wait_for("the publisher to be gone", lambda: node.metrics()["isaribi_rtmp_publishers"] == 0)
    text = cache.get("/hls/tanaka/main.m3u8?_HLS_msn=0").text()
    (msn, part), hint = edge_of(text), re.search(r'PRELOAD-HINT:TYPE=PART,URI="([^"]+)"', text)[1]
    paths = [f"/hls/tanaka/main.m3u8?_HLS_msn={msn}&_HLS_part={part}", f"/hls/tanaka/{hint}"]
    before, began = cache.fetches(), time.monotonic()
    for answer, when in ask_all(cache, paths * 20):
        check(answer.status == 503, f"{answer.status}")
        check(PATIENCE_S - 1 < when - began < PATIENCE_S + 5, f"503 after {when - began:.1f} s")
    expect_fetches(cache, before, 2, "40 waiting in vain")


def case_ranges(bench):
    """Of segments the cache cuts them, of recordings the node."""
    node, cache, _, _ = on_air(bench, record=True)
    side = front.Nginx(bench, node, cache)
    wait_for("a segment", lambda: "seg-" in cache.get("/hls/tanaka/main.m3u8").text())
    segment = "/hls/tanaka/" + re.search(r"^seg-\S+", cache.get("/hls/tanaka/main.m3u8").text(), re.M)[0]
    whole = fetch("GET", node.url(segment)).body
    before = cache.fetches()
    for spec, expected in (("bytes=0-99", whole[:100]), ("bytes=100-", whole[100:]), ("bytes=-50", whole[-50:])):
        answer = side.get(segment, {"Range": spec})
        check(answer.status == 206 and answer.body == expected, f"{spec}: {answer.status}, {len(answer.body)} bytes")
    check(side.get(segment, {"Range": f"bytes={len(whole)}-"}).status == 416, "beyond the end")
    expect_fetches(cache, before, 1, "ranges of one segment")
    shift = wait_for("the time shift", lambda: re.search(r"^\S+/main.m3u8", side.get("/hls/tanaka/shift/index.m3u8").text(),
                                                         re.M), 20)[0]
    recording = shift.partition("/")[0]
    playlist = wait_for("a piece of it", lambda: re.search(r"BYTERANGE:(\d+)@(\d+)\n(\S+)",
                                                            side.get(f"/rec/{recording}/main.m3u8").text()), 20)
    size, first = int(playlist[1]), int(playlist[2])
    before, asked = cache.fetches(), cache.asked()
    for path in (f"/rec/{recording}/{playlist[3]}", f"/hls/tanaka/shift/{recording}/{playlist[3]}"):
        answer = side.get(path, {"Range": f"bytes={first}-{first + size - 1}"})
        check(answer.status == 206 and len(answer.body) == size, f"{path}: {answer.status}, {len(answer.body)} bytes")
        direct = cache.get(path, {"Range": f"bytes={first}-{first + 9}"})
        check(direct.status == 206 and direct.body == answer.body[:10], f"{path} by the cache alone: {direct.status}")
    expect_fetches(cache, before, 2, "ranges of a recording asked of the cache itself")
    check(cache.asked() == asked + 2, "nginx asks the cache for files of recordings")


def wrong_tokens(node, good):
    flipped = good[:-1] + ("0" if good[-1] != "0" else "1")
    return {"none": None, "one digit off": flipped, "nonsense": "x" * 20, "longer": good + "00", "cut": good[:-2],
            "expired": node.view_token("tanaka", now_ms() - 1000), "another's": node.view_token("suzuki", now_ms() + 60000)}


def case_private(bench):
    """Two holders of different tokens share what is kept; who has none gets nothing, and no log tells a token."""
    node, cache, _, token = on_air(bench, play="private")
    side = front.Nginx(bench, node, cache)
    second = node.view_token("tanaka", now_ms() + 700000)
    side.wait_live("tanaka", 20, token)
    text = side.get(f"/hls/t/{token}/tanaka/main.m3u8").text()
    segment = wait_for("a segment", lambda: re.search(r"^seg-\S+", side.get(f"/hls/t/{token}/tanaka/main.m3u8").text(),
                                                      re.M), 20)[0]
    check(token not in text, "a playlist tells the token")
    first_body = side.get(f"/hls/t/{token}/tanaka/{segment}").body
    before = cache.fetches()
    again = side.get(f"/hls/t/{second}/tanaka/{segment}")
    check(again.status == 200 and again.body == first_body and first_body[4:8] == b"moof", f"{again.status}")
    expect_fetches(cache, before, 0, "the second holder")
    msn, part = edge_of(text)
    before = cache.fetches()
    answers = ask_all(side, [f"/hls/t/{t}/tanaka/main.m3u8?_HLS_msn={msn + 3}&_HLS_part=0" for t in (token, second)] * 5)
    check({a.status for a, _ in answers} <= {200, 400}, f"{[a.status for a, _ in answers]}")
    check(len({a.body for a, _ in answers}) == 1 and cache.fetches() - before <= 10, "they do not wait for the same")
    refused = []
    asked = cache.asked()
    for what, wrong in wrong_tokens(node, token).items():
        for file in ("index.m3u8", "main.m3u8", segment):
            answer = side.get("/hls/" + (f"t/{wrong}/" if wrong else "") + f"tanaka/{file}")
            refused.append((answer.status, answer.body, answer.headers["Cache-Control"]))
            check(answer.status == 404, f"{what}, {file}: {answer.status}")
    check(len(set(refused)) == 1, f"refusals differ: {set(refused)}")
    unknown = fetch("GET", node.hls_url("nobody"))
    check(refused[0] == (404, unknown.body, unknown.headers["Cache-Control"]), "a refusal is not the node's own 404")
    check(cache.asked() == asked > 0, "refused requests reached the cache")
    plain = http.client.HTTPConnection("127.0.0.1", side.plain_port)
    plain.request("GET", f"/watch/t/{token}/tanaka")
    check(plain.getresponse().status == 301, "plain HTTP is sent on")
    side.get(f"/nowhere/t/{token}/tanaka?token={token}", {"Referer": side.url(f"/watch/t/{token}/tanaka")})
    node.process.kill()  # what goes wrong is logged, too
    for file in ("part-1-1.m4s", "part-1-3.m4s"):
        check(side.status(f"/hls/t/{second}/tanaka/{file}") == 503, "the node is away")
    cache.kill()
    check(side.status(f"/hls/t/{token}/tanaka/part-1-2.m4s") == 503, "the cache is away")
    for where, log in (("nginx", side.logs()), ("node", node.log())):
        check("/hls/t/-/tanaka/" in log or where == "node", f"{where} logs nothing")
        for secret in (token, second):
            check(secret not in log and secret[-32:] not in log, f"{where}'s log tells a token")


def case_no_token_in_varnish(bench):
    node, cache, _, token = on_air(bench, play="private")
    side = front.Nginx(bench, node, cache)
    side.wait_live("tanaka", 20, token)
    for where, log in (("memory", cache.log()), ("access log", cache.access_log())):
        check("/hls/tanaka/index.m3u8" in log, f"varnish's {where} says nothing")
        check(token not in log and token[-32:] not in log, f"varnish's {where} tells a token")


def case_a_private_recording(bench):
    """The recording of a private stream, while it is made: with a token of the stream."""
    node, cache, _, token = on_air(bench, play="private", record=True)
    side = front.Nginx(bench, node, cache)
    shift = wait_for("the time shift", lambda: re.search(
        r"^\S+/main.m3u8", side.get(f"/hls/t/{token}/tanaka/shift/index.m3u8").text(), re.M), 20)[0]
    recording = shift.partition("/")[0]
    wait_for("a piece of it", lambda: "BYTERANGE" in side.get(f"/rec/t/{token}/{recording}/main.m3u8").text(), 20)
    file = f"{recording}/0001.mp4"
    for path in (f"/rec/t/{token}/{file}", f"/hls/t/{token}/tanaka/shift/{file}"):
        check(side.get(path, {"Range": "bytes=4-7"}).body == b"ftyp", path)
    other = node.view_token("suzuki", now_ms() + 60000)
    for head in ("", f"t/{other}/", f"t/{node.view_token('tanaka', now_ms() - 1000)}/"):
        for path in (f"rec/{head}{recording}/index.m3u8", f"rec/{head}{file}", f"hls/{head}tanaka/shift/{file}",
                     f"hls/{head}tanaka/shift/index.m3u8"):
            check(side.status(f"/{path}") == 404, path)
    check(side.status(f"/rec/t/{token}/tanaka-20200101-000000/index.m3u8") == 404, "a recording that there is not")


def case_a_token_expires(bench):
    """His own requests end; who waits for the same part does not suffer for it."""
    node, cache, _, token = on_air(bench, play="private")
    side = front.Nginx(bench, node, cache)
    short = node.view_token("tanaka", now_ms() + 4000)
    check(side.get(f"/hls/t/{short}/tanaka/main.m3u8").status == 200, "a short token is good at first")
    rounds = 0
    end = time.monotonic() + 30
    while side.get(f"/hls/t/{short}/tanaka/main.m3u8").status == 200:
        msn, part = next_edge(side, f"/hls/t/{token}/tanaka")
        path = f"tanaka/main.m3u8?_HLS_msn={msn}&_HLS_part={part}"
        answers = ask_all(side, [f"/hls/t/{t}/{path}" for t in (short, token, token)])
        check([a.status for a, _ in answers[1:]] == [200, 200], f"{[a.status for a, _ in answers]}")
        rounds += 1
        check(time.monotonic() < end, "a token that has expired still plays after 30 s")
    check(rounds > 2, f"{rounds} rounds")


class Reader(threading.Thread):
    """A low-latency player that tries again when something goes wrong, as players do."""

    def __init__(self, side):
        super().__init__(daemon=True)
        self.side = side
        self.parts = self.failures = 0
        self._edge = None
        self._is_over = False
        self.start()

    def run(self):
        while not self._is_over:
            try:
                self._round()
            except (Failed, OSError, http.client.HTTPException):
                self.failures += 1
                self._edge = None
                time.sleep(0.2)

    def _round(self):
        query = f"?_HLS_msn={self._edge[0]}&_HLS_part={self._edge[1]}" if self._edge else ""
        answer = self.side.get(f"/hls/tanaka/main.m3u8{query}", None, PATIENCE_S + 10)
        check(answer.status == 200, f"{answer.status}")
        text = answer.text()
        newest = re.findall(r'#EXT-X-PART:.*?URI="([^"]+)"', text)[-1]
        check(self.side.get(f"/hls/tanaka/{newest}").body[4:8] == b"moof", newest)
        self.parts += 1
        self._edge = edge_of(text)

    def stop(self):
        self._is_over = True
        self.join(PATIENCE_S + 12)


def case_killed_and_back(bench):
    """kill -9 of the cache, of nginx, of the node: readers come back by themselves, and soon."""
    node, cache, publisher, _ = on_air(bench, fixed_ports())
    key = next(iter(node.plan.keys.values()))["key"]
    side = front.Nginx(bench, node, cache)
    readers = [Reader(side) for _ in range(10)]

    def all_read_on(what, limit_s):
        had = [reader.parts for reader in readers]
        wait_for(f"all readers to go on {what}",
                 lambda: all(reader.parts > n + 4 for reader, n in zip(readers, had)), limit_s)

    all_read_on("at first", 25)
    cache.kill_and_start()
    all_read_on("after the cache was killed", 15)
    side.kill_and_start()
    all_read_on("after nginx was killed", 15)
    node.kill_and_start()
    publisher.kill()
    clients.ffmpeg_publish(bench, node.publish_url(key), clients.make_flv(bench, seconds=60), name="again")
    all_read_on("after the node was killed", 30)
    check(all(reader.failures > 0 for reader in readers), "nobody noticed anything: was anything killed?")
    for reader in readers:
        reader.stop()


def case_nobody_listens_behind(bench):
    """A node that is away is said at once, and is back at once."""
    node, cache, _, _ = on_air(bench, fixed_ports())
    node.process.kill()
    began = time.monotonic()
    answers = ask_all(cache, ["/hls/tanaka/index.m3u8?_HLS_msn=1", "/hls/tanaka/main.m3u8?_HLS_msn=999999999999"] * 20)
    check({a.status for a, _ in answers} == {503} and time.monotonic() - began < 3, f"{[a.status for a, _ in answers]}")
    time.sleep(3)  # long enough for the probe to give it up
    check(cache.status("/hls/tanaka/part-1-1.m4s") == 503, "the node is away")
    node._launch()
    wait_for("the node through the cache", lambda: cache.status("/hls/nobody/index.m3u8") == 404, 3)


class Control(threading.Thread):
    """In place of the control: takes one WebSocket and sends back what comes."""

    def __init__(self, port):
        super().__init__(daemon=True)
        self.socket = socket.create_server(("127.0.0.1", port))
        self.head = b""
        self.start()

    def run(self):
        peer, _ = self.socket.accept()
        while b"\r\n\r\n" not in self.head:
            self.head += peer.recv(4096)
        peer.sendall(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n")
        while data := peer.recv(4096):
            peer.sendall(data)


def case_pages_and_websocket(bench):
    """Without a control: a sentence that a person understands. With one: what belongs to it goes there."""
    node = bench.node(Plan())
    side = front.Nginx(bench, node, front.Varnish(bench, node))
    for path in ("/", "/console/", "/ws/v1", "/metrics", "/auth/hls/x/y", "/isaribi-auth"):
        answer = side.get(path)
        check(answer.status in (502, 404), f"{path}: {answer.status}")
        check("準備中" in answer.text() or path == "/isaribi-auth", f"{path}: {answer.text()}")
    check(side.get("/watch/tanaka").status == 200 and side.get("/assets/none").status == 404, "the node's page")
    control = Control(side.control_port)
    with socket.create_connection(("127.0.0.1", side.port), 5) as plain, \
            side.context.wrap_socket(plain, server_hostname="127.0.0.1") as peer:
        peer.sendall(b"GET /ws/v1 HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n")
        check(peer.recv(4096).startswith(b"HTTP/1.1 101 "), "no WebSocket")
        peer.sendall(b"\x81\x00hello")
        check(peer.recv(4096) == b"\x81\x00hello", "what was sent does not come back")
    check(b"Upgrade: websocket" in control.head and b"X-Forwarded-Proto: https" in control.head, f"{control.head}")
    seen = bench.run("curl", ["curl", "-s", "-S", "--http2", "--cacert", side.dir / "cert.pem", "-o", "/dev/null", "-w",
                              "%{http_version} %{http_code}", side.url("/watch/tanaka")])
    check(seen == "2 200", f"HTTP/2: {seen}")


main()
