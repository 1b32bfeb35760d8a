#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""How old is the picture that a viewer sees? From the clock in it to the frame that hls.js shows in Chromium.

    cmake --preset bench && cmake --build --preset bench --target bench_programs && ctest --test-dir build/bench -R browser.install
    bench/live_edge.py [--part-ms 500 200] [--seconds 30]

A picture that carries the wall clock is encoded as it comes (x264, zerolatency), published over RTMP and watched on the
play page, all on this machine. The first SETTLE_S are not counted: a player that came late is catching up then.
ISARIBI_BIN names the directory of the programs, ISARIBI_BROWSER_MODULES where npm put playwright-core.
"""
import argparse
import json
import os
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
os.environ.setdefault("ISARIBI_BIN", str(ROOT / "build/bench/bin"))
sys.path.insert(0, str(ROOT / "tests/lib"))

import clock_picture  # noqa: E402
from isaribi_test import BIN, Bench, Plan, check  # noqa: E402
from rounds import run  # noqa: E402

MODULES = pathlib.Path(os.environ.get("ISARIBI_BROWSER_MODULES", BIN.parent / "tests/browser/npm")).resolve()
SETTLE_S = 20
STALL_MS = 1000
AIMS_MS = {500: 1900, 200: 1000}


def share(values, part):
    return sorted(values)[min(len(values) - 1, int(len(values) * part))]


def measure(part_ms, seconds):
    """{p50, p95, ...} of the frames shown."""
    bench = Bench("live-edge")
    try:
        plan = Plan()
        key = plan.key("clock")
        node = bench.node(plan, {"http.part_ms": part_ms})
        clock_picture.publish(bench, node.publish_url(key))
        node.wait_live("clock")
        page = bench.start("chromium", ["node", ROOT / "tests/browser/live_edge.mjs", node.url("/watch/clock"),
                                        SETTLE_S + seconds, bench.dir / "page.png"],
                           {"ISARIBI_BROWSER_MODULES": str(MODULES), "HOME": str(bench.dir)})
        page.expect_success(SETTLE_S + seconds + 60)
        seen = json.loads(page.out().splitlines()[-1])
        node.stop()
    finally:
        bench.close(keep=False)
    frames = [f for f in seen["frames"] if f[0] > seen["frames"][0][0] + SETTLE_S * 1000] if seen["frames"] else []
    check(len(frames) > 10 * seconds, f"{len(frames)} frames in {seconds} s: {seen['lastError']}")
    ages, gaps = [age for _, age in frames], [b[0] - a[0] for a, b in zip(frames, frames[1:])]
    return {"p50_ms": share(ages, 0.5), "p95_ms": share(ages, 0.95), "frames": len(frames), "stalls": sum(
        gap > STALL_MS for gap in gaps), "largest_gap_ms": max(gaps), "errors": seen["errors"],
            "hold_back_s": seen["target"]}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--part-ms", type=int, nargs="+", default=[500, 200])
    parser.add_argument("--seconds", type=int, default=30)
    args = parser.parse_args()
    print("part_ms  p50 ms  p95 ms  aim p50  frames  gaps over 1 s  largest gap ms  errors  hold-back s")
    for part_ms in args.part_ms:
        seen = measure(part_ms, args.seconds)
        print(f"{part_ms:7}  {seen['p50_ms']:6}  {seen['p95_ms']:6}  {AIMS_MS.get(part_ms, 0) or '-':>7}  {seen['frames']:6}  "
              f"{seen['stalls']:13}  {seen['largest_gap_ms']:14}  {seen['errors']:6}  {seen['hold_back_s']:11.2f}", flush=True)


if __name__ == "__main__":
    run(main)
