#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What it costs to play one recording to many: readers of its byte ranges, at the rate of the media and flat out.

    cmake --preset bench && cmake --build --preset bench --target bench_programs
    bench/rec_bench.py [--players 100,300,600]

What the numbers mean stands in bench/README.md. ISARIBI_BIN names the directory of the programs.
"""
import argparse
import pathlib
import re
import statistics
import time
import urllib.parse

import rtmp_bench
from isaribi_test import TOOLS, Bench, check, http, wait_for
from rounds import print_machine, print_rows, run, sleep_until, threads_ns

SEGMENTS = 10
SEGMENT_S = 2
FLAT_OUT = 16  # readers who do not wait: more than keep a core busy
THREADS = ("delivery", "reading")
ROWS = [  # (field, what it is, digits)
    ("percent", "delivery and reading, % of a core", 1), ("reading_percent", "  of it reading", 1),
    ("ms_per_gbit", "CPU ms per Gbit", 1), ("gbit_per_s", "Gbit/s", 2), ("requests_per_s", "requests/s", 0),
    ("p50_ms", "a segment, whole, p50 ms", 1), ("p99_ms", "  p99 ms", 1), ("errors", "errors", 0),
    ("players_per_core", "players of 2 Mbit/s per core, by that", 0),
]


def segments_of(url):
    """[(URL, range)] of every segment of a recording."""
    text = http("GET", url).text()
    found = re.findall(r"^#EXT-X-BYTERANGE:(\d+)@(\d+)\n([^#\n]+)", text, re.M)
    return [(urllib.parse.urljoin(url, uri), f"{at}-{int(at) + int(n) - 1}") for n, at, uri in found]


def start_reader(bench, number, segments, requests, is_flat_out):
    """One connection; each segment in its turn, beginning with another than the one before him."""
    config = bench.dir / f"reader-{number}"
    blocks = [segments[(number + i) % len(segments)] for i in range(requests)]
    config.write_text("\nnext\n".join(
        f'url = "{url}"\nrange = "{part}"\noutput = "/dev/null"\nwrite-out = "%{{stderr}}%{{http_code}} %{{time_total}}\\n"'
        for url, part in blocks))
    rate = [] if is_flat_out else ["--rate", f"{60 // SEGMENT_S}/m"]
    return bench.start(f"reader-{number}", ["curl", "-s", *rate, "-K", config])


def measure(bench, side, segments, players, opt):
    is_flat_out = players == 0
    count = FLAT_OUT if is_flat_out else players
    requests = 4000 if is_flat_out else int((opt.seconds + 12) / SEGMENT_S)
    readers = []
    begin = time.monotonic()
    for number in range(count):
        sleep_until(begin + SEGMENT_S * number / count)
        readers.append(start_reader(bench, number, segments, requests, is_flat_out))
    time.sleep(2)
    before, ns, start = side.metrics(), threads_ns(side.pid), time.monotonic()
    sleep_until(start + opt.seconds)
    end_ns, seconds, after = threads_ns(side.pid), time.monotonic() - start, side.metrics()
    lines = []
    for reader in readers:
        reader.kill()
        lines += [line.split() for line in reader.err().splitlines() if re.fullmatch(r"\d+ [\d.]+", line)]
    check(len(lines) > count, f"{len(lines)} answers for {count} readers")
    cpu_ms = {name: (end_ns[name] - ns[name]) / 1e6 for name in THREADS}
    gbit = (after["isaribi_http_bytes_total"] - before["isaribi_http_bytes_total"]) * 8 / 1e9
    times = sorted(float(line[1]) * 1000 for line in lines)
    ms_per_gbit = sum(cpu_ms.values()) / gbit
    return {
        "percent": sum(cpu_ms.values()) / 10 / seconds, "reading_percent": cpu_ms["reading"] / 10 / seconds,
        "ms_per_gbit": ms_per_gbit, "gbit_per_s": gbit / seconds,
        "requests_per_s": (after["isaribi_http_requests_total"] - before["isaribi_http_requests_total"]) / seconds,
        "p50_ms": statistics.median(times), "p99_ms": times[len(times) * 99 // 100],
        "errors": sum(line[0] != "206" for line in lines), "players_per_core": 1000 / ms_per_gbit / 0.002,
    }


def run_round(counts, opt):
    bench = Bench("rec-bench")
    try:
        side = rtmp_bench.Recorded(bench, 1)
        bench.start("rtmp_source", [TOOLS / "rtmp_source", "--url", side.publish_url, "--file", opt.flv])
        shift = side.node.hls_url("s0", file="shift/index.m3u8")
        wait_for("the recording", lambda: http("GET", shift).status == 200, 30)
        url = urllib.parse.urljoin(shift, re.search(r"^[^#\n]+$", http("GET", shift).text(), re.M)[0])
        wait_for("some of it", lambda: len(segments_of(url)) >= SEGMENTS, 60)
        segments = segments_of(url)
        seen = {f"{n} players" if n else "flat out": measure(bench, side, segments, n, opt) for n in counts}
        side.stop()
        return seen
    finally:
        bench.close(keep=False)


def main():
    parser = argparse.ArgumentParser(description="one recording, played to many")
    parser.add_argument("--players", default="100,300,600", help="numbers of readers at the rate of the media")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=8, help="of the measured window")
    parser.add_argument("--media", type=pathlib.Path, help="an FLV instead of the one that ffmpeg makes")
    opt = parser.parse_args()
    counts = [int(n) for n in opt.players.split(",")] + [0]
    bench = Bench("rec-bench-media")
    try:
        opt.flv = opt.media.resolve() if opt.media else rtmp_bench.make_media(bench)
        print_machine(opt)
        rounds = [run_round(counts, opt) for _ in range(opt.rounds)]
        print_rows("one recording", rounds, list(rounds[0]), ROWS)
    finally:
        bench.close(keep=False)


if __name__ == "__main__":
    run(main)
