#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What packaging costs: a node with publishers of 2 Mbit/s and no players; the CPU of its threads, and are parts late?

    cmake --preset bench && cmake --build --preset bench --target bench_programs
    bench/packaging_bench.py [--streams 1,50,100,200] [--record]

What the numbers mean stands in bench/README.md. ISARIBI_BIN names the directory of the programs.
"""
import argparse
import pathlib
import time

import rtmp_bench
from isaribi_test import TOOLS, Bench, check, wait_for
from rounds import print_machine, print_rows, run, sleep_until, threads_ns

ROWS = [  # (field, what it is, digits)
    ("packaging_percent", "packaging, % of a core", 2), ("per_stream_percent", "  per stream", 3),
    ("recording_percent", "recording, % of a core", 2), ("delivery_percent", "delivery, % of a core", 2),
    ("all_percent", "all threads, % of a core", 1),
    ("parts_per_s", "parts/s", 1), ("delay_ms", "last frame in to part made, mean ms", 1), ("late", "late parts", 0),
    ("lost", "frames lost to packaging", 0), ("recorded_mbit", "recorded, Mbit/s", 1), ("lost_ms", "lost to recording, ms", 0),
]


def run_side(streams, opt):
    bench = Bench("packaging-bench")
    rtmp_bench.Isaribi.config = {"http.part_ms": opt.part_ms}
    try:
        side = (rtmp_bench.Recorded if opt.record else rtmp_bench.Isaribi)(bench, streams)
        source = bench.start("rtmp_source", [TOOLS / "rtmp_source", "--url", side.publish_url, "--file", opt.flv,
                                             "--streams", streams])
        wait_for("the publishers", lambda: "running" in source.out())
        time.sleep(2 * rtmp_bench.GOP_S + 1)
        before, ns, start = side.metrics(), threads_ns(side.pid), time.monotonic()
        sleep_until(start + opt.seconds)
        end_ns, seconds, after = threads_ns(side.pid), time.monotonic() - start, side.metrics()
        check(source.is_running(), f"the publisher was cut off: {source.tail()}")
        side.stop()
    finally:
        bench.close(keep=False)
    grown = {name: after[name] - before[name] for name in after if name in before}
    percent = {name: (end_ns[name] - ns.get(name, 0)) / 1e7 / seconds for name in end_ns}
    parts = grown["isaribi_hls_parts_total"]
    check(parts > 0, "no parts were made")
    return {
        "packaging_percent": percent["packaging"], "per_stream_percent": percent["packaging"] / streams,
        "recording_percent": percent.get("recording"), "delivery_percent": percent["delivery"],
        "all_percent": sum(percent.values()), "parts_per_s": parts / seconds,
        "delay_ms": grown["isaribi_hls_part_delay_us_total"] / parts / 1000,
        "late": grown["isaribi_hls_parts_late_total"], "lost": grown["isaribi_frames_unpackaged_total"],
        "recorded_mbit": grown["isaribi_recorded_bytes_total"] * 8 / 1e6 / seconds if opt.record else None,
        "lost_ms": grown["isaribi_recording_lost_ms_total"] if opt.record else None,
    }


def main():
    parser = argparse.ArgumentParser(description="what packaging costs")
    parser.add_argument("--streams", default="1,50,100,200")
    parser.add_argument("--part-ms", type=int, default=500)
    parser.add_argument("--record", action="store_true", help="every stream is recorded as well")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=8, help="of the measured window")
    parser.add_argument("--media", type=pathlib.Path, help="an FLV instead of the one that ffmpeg makes")
    opt = parser.parse_args()
    counts = [int(n) for n in opt.streams.split(",")]
    bench = Bench("packaging-bench-media")
    try:
        opt.flv = opt.media.resolve() if opt.media else rtmp_bench.make_media(bench)
        print_machine(opt)
        names = [f"{n} streams" for n in counts]
        rounds = [{f"{n} streams": run_side(n, opt) for n in counts} for _ in range(opt.rounds)]
        print_rows(f"packaging{' and recording' if opt.record else ''}, parts of {opt.part_ms} ms", rounds, names, ROWS)
    finally:
        bench.close(keep=False)


if __name__ == "__main__":
    run(main)
