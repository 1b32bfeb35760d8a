#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""isaribi's live HLS beside nginx with the same segments as files, and low-latency HLS by itself.

    cmake --preset bench && cmake --build --preset bench --target bench_programs
    bench/hls_bench.py [plain] [ll] [more] [--quick]

What the numbers mean stands in bench/README.md. ISARIBI_BIN names the directory of the programs.
"""
import argparse
import json
import os
import pathlib
import re
import sys
import threading
import time
import urllib.parse

ROOT = pathlib.Path(__file__).resolve().parents[1]
os.environ.setdefault("ISARIBI_BIN", str(ROOT / "build/bench/bin"))
sys.path.insert(0, str(ROOT / "tests/lib"))

import clients  # noqa: E402
import procfs  # noqa: E402
from isaribi_test import TOOLS, Bench, Failed, Plan, check, http, wait_for  # noqa: E402
from rounds import (Cpu, backlog_drops, print_machine, print_ratio, print_rows, run, run_rounds, sleep_until,  # noqa: E402
                    threads_ns)
from rtmp_bench import make_media  # noqa: E402

SAMPLED = 20  # viewers in a process of their own: the crowd's queue in the load tool is not theirs
JOIN_S = 2.0  # a target duration, so that plain viewers' reloads are spread over it
SETTLE_S = 4.0
COPY_S = 0.1
KEY = "isaribibenchisaribibench0"


class Isaribi:
    """A node as it is delivered."""
    name = "isaribi"

    def __init__(self, bench, node):
        self.pid = node.process.pid
        self.url = node.hls_url("s0", file="main.m3u8")

    def stop(self):
        pass


class Copier(threading.Thread):
    """Writes what a playlist names as files, the playlist last and in one step."""

    def __init__(self, url, place):
        super().__init__(daemon=True)
        self.url, self.place = url, place
        self.is_over = False
        self.failure = None
        self.start()

    def run(self):
        try:
            while not self.is_over:
                self.copy()
                time.sleep(COPY_S)
        except Failed as failure:
            self.failure = failure

    def copy(self):
        text = http("GET", self.url).text()
        for name in re.findall(r'^#EXT-X-MAP:URI="([^"]+)"', text, re.M) + re.findall(r"^[^#\s]+$", text, re.M):
            path = self.place / name
            if not path.exists():
                path.write_bytes(http("GET", urllib.parse.urljoin(self.url, name)).body)
        new = self.place / "main.m3u8.new"
        new.write_text(text)
        new.rename(self.place / "main.m3u8")


class Nginx:
    """Debian's nginx, one worker, set up as well as it can be for files that come and go."""
    name = "nginx"

    def __init__(self, bench, node):
        self.port = clients.free_port()
        place = bench.new_dir("nginx")
        for name in ("body", "proxy", "fastcgi", "uwsgi", "scgi", "www"):
            (place / name).mkdir()
        user = "user root;" if os.geteuid() == 0 else ""
        (place / "nginx.conf").write_text(f"""
{user} daemon off; master_process off; worker_processes 1; worker_rlimit_nofile 20000;
pid {place}/nginx.pid; error_log {place}/error.log error;
events {{ worker_connections 16000; }}
http {{
    access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000; keepalive_timeout 75;
    open_file_cache max=1000 inactive=30s; open_file_cache_valid 1s;
    client_body_temp_path {place}/body; proxy_temp_path {place}/proxy; fastcgi_temp_path {place}/fastcgi;
    uwsgi_temp_path {place}/uwsgi; scgi_temp_path {place}/scgi;
    types {{ application/vnd.apple.mpegurl m3u8; video/iso.segment m4s; video/mp4 mp4; }}
    server {{
        listen 127.0.0.1:{self.port} backlog=4096; root {place}/www;
        add_header Access-Control-Allow-Origin *; add_header Cache-Control "public, max-age=1";
    }}
}}
""")
        self.copier = Copier(node.hls_url("s0", file="main.m3u8"), place / "www")
        self.process = bench.start("nginx", ["/usr/sbin/nginx", "-p", place, "-c", place / "nginx.conf"])
        self.pid = self.process.pid
        self.url = f"http://127.0.0.1:{self.port}/main.m3u8"
        wait_for("nginx to serve the playlist", self.is_serving)

    def is_serving(self):
        try:
            return http("GET", self.url).status == 200
        except Failed:
            return False

    def stop(self):
        self.copier.is_over = True
        self.copier.join()
        check(not self.copier.failure, f"the copier: {self.copier.failure}")
        self.process.kill()


def start_node(bench, opt):
    """A node with one publisher and a playlist that is long enough."""
    plan = Plan()
    plan.key("s0", KEY)
    plan.stream("s0", record=opt.record)
    node = bench.node(plan, {"node.max_connections": 16000, "http.segment_ms": 2000, "http.part_ms": opt.part_ms})
    source = bench.start("rtmp_source", [TOOLS / "rtmp_source", "--url", node.publish_url(KEY), "--file", opt.flv])
    url = node.hls_url("s0", file="main.m3u8")
    wait_for("a playlist of six segments", lambda: http("GET", url).text().count("#EXTINF") >= 6, 40)
    return node, source


def start_load(bench, side, job, viewers, window, seconds):
    from_us, to_us = (int(t * 1e6) for t in window)
    return bench.start("hls_load", [
        TOOLS / "hls_load", "--url", side.url, "--mode", job["mode"], "--viewers", viewers, "--seconds", seconds,
        "--ramp-ms", int(JOIN_S * 1000), "--from-us", from_us, "--to-us", to_us,
        *(["--sampled", viewers] if viewers <= SAMPLED else []), *(["--hints"] if job.get("hints") else [])])


def run_side(side_class, job, opt):
    """One server, one number of viewers: started, measured over one window, stopped."""
    bench = Bench("hls-bench")
    try:
        node, source = start_node(bench, opt)
        side = side_class(bench, node)
        seen = watch(bench, node, side, job, opt)
        side.stop()
        check(source.is_running(), f"the publisher was cut off: {source.tail()}")
        return seen
    finally:
        bench.close(keep=False)


def delivery_ns(pid):
    """CPU of the thread that serves HTTP; 0 where there is none."""
    return threads_ns(pid).get("delivery", 0)


def watch(bench, node, side, job, opt):
    viewers = job["viewers"]
    hls_kb = -node.metrics().get("isaribi_hls_bytes", 0) / 1024
    rss_kb, drops = -procfs.rss_kb(side.pid), -backlog_drops()
    start = time.monotonic() + 0.2
    window = (start + JOIN_S + SETTLE_S, start + JOIN_S + SETTLE_S + opt.seconds)
    sampled = min(SAMPLED, viewers // 2)
    loads = [start_load(bench, side, job, n, window, window[1] - start + 0.5) for n in (sampled, viewers - sampled)]
    sleep_until(window[0])
    cpu, delivery = Cpu(side.pid), -delivery_ns(side.pid)
    sleep_until(window[1])
    end = Cpu(side.pid)
    delivery += delivery_ns(side.pid)
    rss_kb += procfs.rss_kb(side.pid)
    hls_kb += node.metrics().get("isaribi_hls_bytes", 0) / 1024
    few, crowd = seen = [clients.load_result(load) for load in loads]
    cpu_ms, user = end.since(cpu)
    seconds = end.at - cpu.at
    gbit = sum(s["window_bytes"] for s in seen) * 8 / 1e9 * seconds / opt.seconds
    check(gbit > 0, f"{side.name}: nothing came through: {seen}")
    result = {
        "ms_per_gbit": cpu_ms / gbit, "user_ms_per_gbit": cpu_ms * user / gbit,
        "system_ms_per_gbit": cpu_ms * (1 - user) / gbit, "cpu_percent": cpu_ms / 10 / seconds,
        "delivery_percent": delivery / 1e7 / seconds, "mbit_per_viewer": gbit * 1e3 / viewers / seconds,
        "requests_per_s": sum(s["window_requests"] for s in seen) / opt.seconds,
        "kb_per_viewer": (rss_kb - (hls_kb if side.pid == node.process.pid else 0)) / viewers,
        "drops": drops + backlog_drops(), "load_percent": sum(s["cpu_percent"] for s in seen),
    }
    for field in ("live", "errors", "stalls"):
        result[field] = sum(s[field] for s in seen)
    for field, whose in (("waited", crowd), ("waited_until_read", few), ("playlist", few), ("media", few), ("age", few)):
        for point in ("p50", "p99", "max"):
            result[f"{field}_{point}"] = (whose[f"{field}_ms"] or {}).get(point)
    return result


ROWS = [  # (field, what it is, digits)
    ("ms_per_gbit", "CPU ms per Gbit", 1), ("user_ms_per_gbit", "  user", 1), ("system_ms_per_gbit", "  system", 1),
    ("cpu_percent", "CPU, % of a core", 1), ("delivery_percent", "  of it the delivery thread", 1),
    ("requests_per_s", "requests/s", 0), ("mbit_per_viewer", "Mbit/s per viewer", 2),
    ("kb_per_viewer", "KB per viewer", 1),
    ("waited_p50", "waiting playlists, behind the first answer, p50 ms", 1), ("waited_p99", "  p99 ms", 1),
    ("waited_max", "  largest ms", 1),
    ("waited_until_read_p50", "  as 20 viewers beside the crowd read it, p50 ms", 1),
    ("waited_until_read_p99", "  p99 ms", 1),
    ("playlist_p50", "playlist that need not wait p50 ms", 1), ("playlist_p99", "  p99 ms", 1),
    ("media_p50", "segment or part p50 ms", 1), ("media_p99", "  p99 ms", 1),
    ("age_p50", "age of its newest picture p50 ms", 0), ("age_p99", "  p99 ms", 0),
    ("live", "viewers live", 0), ("errors", "errors", 0), ("stalls", "stalls > 1 s", 0),
    ("drops", "packets the kernel's backlog dropped", 0), ("load_percent", "load tool, % of a core", 0),
]


def measure(title, job, sides, opt):
    def run_into(result, side, _number):
        result[side.name] = run_side(side, job, opt)

    rounds = run_rounds(title, sides, opt, run_into, digits=1)
    names = [side.name for side in sides]
    print_rows(title, rounds, names, ROWS)
    for name in names[1:]:
        print_ratio(f"{name} / {names[0]}", [(r[name], r[names[0]]) for r in rounds if name in r and names[0] in r])
    sys.stdout.flush()
    return {"title": title, "job": job, "rounds": rounds}


def run_scenarios(opt, wanted):
    bench, results = Bench("hls-bench-media"), []
    both = [Isaribi] if opt.only_isaribi else [Nginx, Isaribi]
    try:
        opt.flv = opt.media.resolve() if opt.media else make_media(bench)
        print_machine(opt)
        for name in wanted:
            check(name in ("plain", "ll", "more"), f"no scenario {name}")
            mode, hints = ("plain", False) if name == "plain" else ("ll", opt.hints)
            for viewers in opt.more if name == "more" else [opt.viewers]:
                title = f"{viewers} {'plain' if mode == 'plain' else 'low-latency'} viewers"
                results.append(measure(title, {"mode": mode, "viewers": viewers, "hints": hints},
                                       both if mode == "plain" else [Isaribi], opt))
    finally:
        bench.close(keep=False)
    if opt.json:
        opt.json.write_text(json.dumps(results, indent=1))


def main():
    parser = argparse.ArgumentParser(description="isaribi's HLS beside nginx, and low-latency HLS")
    parser.add_argument("scenario", nargs="*", help="plain (default), ll, more")
    parser.add_argument("--viewers", type=int, default=1000)
    parser.add_argument("--more", default="2000,3000", help="numbers of low-latency viewers of the scenario more")
    parser.add_argument("--part-ms", type=int, default=500)
    parser.add_argument("--record", action="store_true", help="the stream is recorded as well")
    parser.add_argument("--hints", action="store_true", help="low-latency viewers ask for hinted parts")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=8, help="of the measured window")
    parser.add_argument("--media", type=pathlib.Path, help="an FLV instead of the one that ffmpeg makes")
    parser.add_argument("--json", type=pathlib.Path, help="write every round's numbers here")
    parser.add_argument("--only-isaribi", action="store_true", help="for work on the delivery path")
    parser.add_argument("--quick", action="store_true", help="1 round, 100 viewers, 4 s: does it still run?")
    opt = parser.parse_args()
    if opt.quick:
        opt.rounds, opt.viewers, opt.seconds, opt.more = 1, 100, 4, "200"
    opt.more = [int(n) for n in opt.more.split(",")]
    check((TOOLS / "hls_load").exists(), f"{TOOLS}: the target bench_programs is not built")
    run_scenarios(opt, opt.scenario or ["plain"])


if __name__ == "__main__":
    run(main)
