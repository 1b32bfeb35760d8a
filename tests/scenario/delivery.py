#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""HTTP as caches and browsers see it: types, CORS, Cache-Control, gzip, HEAD, refusals."""
import gzip
import pathlib
import socket
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))

import clients  # noqa: E402
import hls  # noqa: E402
from isaribi_test import Plan, check, http, main, wait_for  # noqa: E402


def on_air(bench):
    plan = Plan()
    key = plan.key("tanaka")
    node = bench.node(plan)
    clients.ffmpeg_publish(bench, node.publish_url(key), clients.make_flv(bench, seconds=40))
    follower = hls.follow(bench, node, "tanaka")
    follower.wait_segments(2)
    return node, follower


def max_age(answer):
    value = answer.headers.get("Cache-Control", "")
    for part in value.replace(" ", "").split(","):
        if part.startswith("max-age="):
            return int(part[8:])
    return 0 if "no-cache" in value or "no-store" in value else None


def raw(node, text):
    """Sends bytes as they are; returns everything up to the server's close or 3 s of silence."""
    out = b""
    with socket.create_connection(("127.0.0.1", node.http_port), 3) as s:
        s.sendall(text.encode("latin-1"))
        try:
            while True:
                data = s.recv(65536)
                if not data:
                    break
                out += data
        except TimeoutError:
            pass
        except ConnectionResetError:
            pass
    return out.decode("latin-1")


def status_of(text):
    return int(text.split(" ")[1]) if text.startswith("HTTP/1.1 ") else 0


def case_types_and_caching(bench):
    node, follower = on_air(bench)
    s = follower.segments[max(follower.segments)]
    multivariant, media = http("GET", node.hls_url("tanaka")), http("GET", follower.url)
    init, segment = http("GET", s.init_url), http("GET", s.url)
    for what, answer, kind in (("multivariant", multivariant, "application/vnd.apple.mpegurl"),
                               ("media", media, "application/vnd.apple.mpegurl"), ("init", init, "video/mp4"),
                               ("segment", segment, ("video/mp4", "video/iso.segment"))):
        check(answer.status == 200, f"{what}: {answer.status}")
        found = answer.headers["Content-Type"].partition(";")[0]
        check(found == kind or found in kind, f"{what}: Content-Type {found}")
        check(answer.headers["Access-Control-Allow-Origin"] == "*", f"{what}: CORS")
        check(int(answer.headers["Content-Length"]) == len(answer.body), f"{what}: Content-Length")
    check(max_age(media) is not None and max_age(media) <= 2, f"media: {media.headers['Cache-Control']}")
    check(max_age(multivariant) is not None, f"multivariant: {multivariant.headers['Cache-Control']}")
    for what, answer in (("init", init), ("segment", segment)):
        check((max_age(answer) or 0) >= 60, f"{what}: {answer.headers['Cache-Control']}")


def case_missing_things_are_cached_briefly(bench):
    node, follower = on_air(bench)
    for path in ("/hls/nobody/index.m3u8", "/hls/tanaka/nothing.m4s", "/hls/tanaka/../../etc/passwd", "/hls/", "/hls/@x/",
                 "/hls/tanaka/index.m3u8/more", "/nothing", "/hls/tanaka/%00", "/hls//index.m3u8",
                 "/hls/t/index.m3u8", "/" + "a" * 3000):
        answer = http("GET", node.url(path))
        check(answer.status in (400, 404, 414), f"{path[:40]}: {answer.status}")
        check((max_age(answer) or 0) <= 2, f"{path[:40]}: a refusal is kept too long")
    old = follower.segments[min(follower.segments)]
    check(http("GET", old.url + "x").status == 404, "a name that never was")


def case_gzip(bench):
    node, follower = on_air(bench)
    for url in (node.hls_url("tanaka"), follower.url):
        packed = http("GET", url, {"Accept-Encoding": "gzip"})
        check(packed.headers["Content-Encoding"] == "gzip", f"{url}: not compressed")
        check("accept-encoding" in packed.headers["Vary"].lower(), f"{url}: Vary")
        check(gzip.decompress(packed.body).startswith(b"#EXTM3U"), f"{url}: not a playlist inside")
        for accept in ("identity", "gzip;q=0", ""):
            plain = http("GET", url, {"Accept-Encoding": accept})
            check(plain.headers["Content-Encoding"] is None, f"{url}: compressed for '{accept}'")
            check(plain.body.startswith(b"#EXTM3U"), f"{url}: not a playlist")
    segment = http("GET", follower.segments[max(follower.segments)].url, {"Accept-Encoding": "gzip"})
    check(segment.headers["Content-Encoding"] is None, "a segment is compressed already")


def case_head(bench):
    node, follower = on_air(bench)
    s = follower.segments[max(follower.segments)]
    for url in (node.hls_url("tanaka"), s.init_url, s.url, node.url("/healthz")):
        head, get = http("HEAD", url), http("GET", url)
        check(head.status == get.status == 200 and head.body == b"", f"HEAD {url}: {head.status}")
        for name in ("Content-Type", "Content-Length", "Cache-Control"):
            check(head.headers[name] == get.headers[name], f"HEAD {url}: {name} {head.headers[name]}")
    check(http("HEAD", node.hls_url("nobody")).status == 404, "HEAD of nothing")


def case_other_methods(bench):
    node, _ = on_air(bench)
    for method in ("POST", "PUT", "DELETE", "PATCH"):
        answer = raw(node, f"{method} /hls/tanaka/index.m3u8 HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n"
                           "Connection: close\r\n\r\n")
        check(status_of(answer) in (405, 501), f"{method}: {answer[:80]!r}")
        if status_of(answer) == 405:
            check("\r\nallow: " in answer.lower(), f"{method}: 405 names what is allowed")
    answer = raw(node, "OPTIONS /hls/tanaka/index.m3u8 HTTP/1.1\r\nHost: x\r\nOrigin: http://a.example\r\n"
                       "Access-Control-Request-Method: GET\r\nConnection: close\r\n\r\n")
    check(status_of(answer) in (200, 204, 405), f"OPTIONS: {answer[:80]!r}")


def case_upgrades_and_nonsense(bench):
    """No HTTP/2, no WebSocket where none is, no smuggling; the node goes on serving."""
    node, _ = on_air(bench)
    h2c = raw(node, "GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
                    "HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n\r\n")
    check("101" not in h2c.partition("\r\n")[0], f"h2c was taken: {h2c[:80]!r}")
    prior = raw(node, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
    check(not prior.startswith("\x00\x00"), f"HTTP/2 with prior knowledge was taken: {prior[:80]!r}")
    for nonsense in ("\x00\x01\x02\r\n\r\n", "GET\r\n\r\n", "GET /healthz HTTP/9.9\r\n\r\n", "GET " + "/x" * 20000 +
                     " HTTP/1.1\r\nHost: x\r\n\r\n", "GET / HTTP/1.1\r\n" + "A: b\r\n" * 20000 + "\r\n",
                     "GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"):
        check(status_of(raw(node, nonsense)) not in (200, 101), f"nonsense is answered with 200: {nonsense[:20]!r}")
    check(http("GET", node.url("/healthz")).status == 200, "the node no longer serves")


def case_many_requests_on_one_connection(bench):
    node, _ = on_air(bench)
    one = "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
    last = "GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    with socket.create_connection(("127.0.0.1", node.http_port), 5) as s:
        for request in [one] * 20 + [last]:
            s.sendall(request.encode())
            answer = s.recv(65536)
            check(answer.startswith(b"HTTP/1.1 200"), f"keep-alive: {answer[:60]!r}")


def case_health_and_metrics(bench):
    node, _ = on_air(bench)
    health, metrics = http("GET", node.url("/healthz")), http("GET", node.url("/metrics"))
    check(health.status == 200 and "no-" in health.headers["Cache-Control"], "/healthz is never cached")
    check(metrics.headers["Content-Type"].startswith("text/plain"), f"/metrics: {metrics.headers['Content-Type']}")
    check("127.0.0.1" not in metrics.text(), "an address in the metrics")
    values = node.metrics()
    check(values["isaribi_streams_live"] == 1, "one stream is live")
    check(len(values) < 300, f"{len(values)} series for one stream are too many")


def case_play_page(bench):
    node, _ = on_air(bench)
    page = http("GET", node.url("/watch/tanaka"))
    check(page.status == 200 and page.headers["Content-Type"].startswith("text/html"), "the play page")
    policy = page.headers["Content-Security-Policy"] or ""
    check("default-src" in policy or "script-src" in policy, f"Content-Security-Policy: {policy}")
    check("unsafe-eval" not in policy, "a page that may eval")
    check('lang="ja"' in page.text(), "Japanese is the first language")
    check(http("GET", node.url("/watch/%22%3E%3Cscript%3E")).text().find('"><script>') < 0, "a name is not markup")


def case_a_waiting_viewer_costs_nothing(bench):
    """Slow requests do not hold up others; a request that never ends is closed."""
    node, _ = on_air(bench)
    slow = [socket.create_connection(("127.0.0.1", node.http_port), 3) for _ in range(50)]
    for s in slow:
        s.sendall(b"GET /healthz HTTP/1.1\r\nHost:")
    check(http("GET", node.url("/healthz"), limit_s=2).status == 200, "slow headers hold up others")

    def is_closed(s):
        s.setblocking(False)
        try:
            return s.recv(1) == b""
        except BlockingIOError:
            return False
        except OSError:
            return True

    wait_for("slow requests to be closed", lambda: all(is_closed(s) for s in slow), 40)


main()
