#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""isaribi's SRT players beside bare libsrt: same stream, same players, in turn, in one run.

    cmake --preset bench && cmake --build --preset bench --target bench_programs
    bench/srt_bench.py [--quick] [--players 100,200] [--rounds 7]

What the numbers mean stands in bench/README.md. ISARIBI_BIN names the directory of the programs.
"""
import argparse
import json
import os
import pathlib
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
os.environ.setdefault("ISARIBI_BIN", str(ROOT / "build/bench/bin"))
sys.path.insert(0, str(ROOT / "tests/lib"))

import clients  # noqa: E402
import media_ts  # noqa: E402
import procfs  # noqa: E402
import srt_tools  # noqa: E402
from isaribi_test import BIN, TOOLS, Bench, Plan, check, wait_for  # noqa: E402
from rounds import Cpu, backlog_drops, print_machine, print_ratio, print_rows, run, run_rounds, sleep_until  # noqa: E402

LATENCY_MS = 120  # of each hop
GOP_S = 2
MEDIA_S = 20
SAMPLED = 20  # players of which every frame's delay is noted; they join among the others
JOIN_S = 1.0
SETTLE_S = 3.5  # behind bare libsrt players wait up to a GOP for their first key frame
AIMS = [  # (field, what it is, at most)
    ("delay_p50_ms", "delay p50 beyond the latency windows, ms", 10), ("late_drops", "late drops", 0),
    ("missing_frames", "missing frames", 0), ("kb_per_player", "KB per player", 300)]
RATIO_AIM = 1.4


class Floor:
    """libsrt alone; the stream is made in its own process, so there is one hop only."""
    name = "bare libsrt"
    n_windows = 1

    def __init__(self, bench, opt):
        self.process = bench.start("srt_floor", [TOOLS / "srt_floor", "--file", opt.ts, "--latency", LATENCY_MS,
                                                 *(["--window", opt.floor_window] if opt.floor_window else [])])
        self.pid = self.process.pid
        self.port = srt_tools.ready_port(self.process)
        self.stream_id = None
        self.source = self.process

    def hls_kb(self):
        return 0

    def stop(self):
        self.process.stop()


class Isaribi:
    """A node as it is delivered, HLS and all, with one publisher over SRT."""
    name = "isaribi"
    n_windows = 2

    def __init__(self, bench, opt):
        plan = Plan()
        self.key = plan.key("live")
        self.node = bench.node(plan, {"srt.listen": "127.0.0.1:0", "srt.latency_ms": LATENCY_MS})
        self.pid = self.node.process.pid
        self.port = self.node.srt_port
        self.stream_id = srt_tools.request_id("live")
        self.source = self.publish(bench, opt)
        wait_for("the publisher", lambda: "running" in self.source.out())

    def publish(self, bench, opt):
        return srt_tools.publish(bench, self.port, self.key, opt.ts, latency_ms=LATENCY_MS)

    def hls_kb(self):
        return self.node.metrics().get("isaribi_hls_bytes", 0) / 1024

    def stop(self):
        self.node.stop()


class FromRtmp(Isaribi):
    """The same players, a publisher over RTMP."""
    name = "isaribi, RTMP publisher"
    n_windows = 1

    def publish(self, bench, opt):
        return bench.start("rtmp_source", [TOOLS / "rtmp_source", "--url", self.node.publish_url(self.key), "--file",
                                           opt.flv])


def run_side(side_class, players, opt):
    """One server, one number of players: started, measured over one window, stopped."""
    bench = Bench("srt-bench")
    try:
        side = side_class(bench, opt)
        time.sleep(GOP_S + 1)
        seen = watch(bench, side, players, opt)
        check(side.source.is_running(), f"the publisher was cut off: {side.source.tail()}")
        side.stop()
        return seen
    finally:
        bench.close(keep=False)


def watch(bench, side, players, opt):
    before = {"rss_kb": procfs.rss_kb(side.pid), "hls_kb": side.hls_kb(), "drops": backlog_drops()}
    start = time.monotonic() + 0.2
    window = (start + JOIN_S + SETTLE_S, start + JOIN_S + SETTLE_S + opt.seconds)
    sampled = min(SAMPLED, players // 2)
    loads = [srt_tools.players(bench, side.port, side.stream_id, players=n, seconds=window[1] - start + 0.5,
                               ramp_ms=int(JOIN_S * 1000), latency_ms=LATENCY_MS, window=window, delays=is_sampled)
             for n, is_sampled in ((sampled, True), (players - sampled, False))]
    sleep_until(window[0])
    cpu = Cpu(side.pid)
    sleep_until(window[1])
    end = Cpu(side.pid)
    rss_kb, hls_kb = procfs.rss_kb(side.pid), side.hls_kb()
    seen = [clients.load_result(load) for load in loads]
    cpu_ms, user = end.since(cpu)
    gbit = sum(s["window_bytes"] for s in seen) * 8 / 1e9 * (end.at - cpu.at) / opt.seconds
    check(gbit > 0 and seen[0]["delay_ms"], f"{side.name}: nothing came through: {seen}")
    windows_ms = side.n_windows * LATENCY_MS
    check(all(s["latency_ms"] == LATENCY_MS for s in seen), f"{side.name}: another latency was agreed on: {seen}")
    result = {
        "ms_per_gbit": cpu_ms / gbit, "user_ms_per_gbit": cpu_ms * user / gbit,
        "system_ms_per_gbit": cpu_ms * (1 - user) / gbit, "cpu_percent": cpu_ms / 10 / (end.at - cpu.at),
        "mbit_per_player": gbit * 1e3 / players / (end.at - cpu.at),
        "delay_p50_ms": seen[0]["delay_ms"]["p50"] - windows_ms, "delay_p99_ms": seen[0]["delay_ms"]["p99"] - windows_ms,
        "first_key_p50_ms": seen[1]["first_key_ms"]["p50"], "first_key_p99_ms": seen[1]["first_key_ms"]["p99"],
        "kb_per_player": (rss_kb - before["rss_kb"] - hls_kb + before["hls_kb"]) / players, "rss_mb": rss_kb / 1024,
        "live": sum(min(s["open"], s["playing"]) for s in seen), "drops": backlog_drops() - before["drops"],
        "load_percent": sum(s["cpu_percent"] for s in seen),
    }
    for field in ("late_drops", "belated", "lost", "missing_frames", "continuity_errors", "stalls"):
        result[field] = sum(s[field] for s in seen)
    return result


ROWS = [  # (field, what it is, digits)
    ("ms_per_gbit", "CPU ms per Gbit", 0), ("user_ms_per_gbit", "  user", 0), ("system_ms_per_gbit", "  system", 0),
    ("cpu_percent", "CPU, % of a core", 1), ("delay_p50_ms", "delay beyond the windows p50 ms", 1),
    ("delay_p99_ms", "delay beyond the windows p99 ms", 1), ("first_key_p50_ms", "first key frame p50 ms", 0),
    ("first_key_p99_ms", "first key frame p99 ms", 0), ("kb_per_player", "KB per player", 0), ("rss_mb", "RSS MB", 1),
    ("mbit_per_player", "Mbit/s per player", 2), ("live", "players live", 0), ("stalls", "stalls > 1 s", 0),
    ("late_drops", "late drops", 0), ("missing_frames", "missing frames", 0),
    ("continuity_errors", "continuity errors", 0), ("belated", "packets that came too late", 0),
    ("lost", "packets lost, most sent again", 0), ("drops", "packets the kernel's backlog dropped", 0),
    ("load_percent", "load tools, % of a core", 0),
]


def print_aims(name, rounds, floor):
    for field, label, most in AIMS:
        values = sorted(r[name][field] for r in rounds if name in r)
        if values:
            middle = values[len(values) // 2]
            print(f"* {name}, {label}: {middle:.1f}, aim {most}: {'reached' if middle <= most else '*missed*'}")
    pairs = [(r[name], r[floor]) for r in rounds if name in r and floor in r]
    if pairs:
        print_ratio(f"{name} / {floor} (aim {RATIO_AIM})", pairs)


def measure(players, sides, opt):
    def run_into(result, side, _number):
        result[side.name] = run_side(side, players, opt)

    title = f"1 publisher, {players} players"
    rounds = run_rounds(title, sides, opt, run_into)
    print_rows(title, rounds, [side.name for side in sides], ROWS)
    for side in sides:
        if side is not Floor:
            print_aims(side.name, rounds, Floor.name)
    sys.stdout.flush()
    return {"title": title, "players": players, "rounds": rounds}


def make_media(bench, opt):
    """720p30, a key frame every 2 s, about 2 Mbit/s with its sound; the FLV holds the same pictures."""
    opt.ts = media_ts.make_ts(bench, "media", MEDIA_S, size="1280x720", fps=30, gop=30 * GOP_S, kbit=1700)
    opt.flv = bench.dir / "media.flv"
    bench.run("make-flv", [*clients.FFMPEG, "-y", "-i", opt.ts, "-c", "copy", "-bsf:a", "aac_adtstoasc", "-f", "flv",
                           opt.flv])


def main():
    parser = argparse.ArgumentParser(description="isaribi's SRT players beside bare libsrt")
    parser.add_argument("--players", default="100,200")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=8, help="of the measured window")
    parser.add_argument("--rtmp", action="store_true", help="and SRT players of an RTMP publisher")
    parser.add_argument("--only-floor", action="store_true", help="bare libsrt alone")
    parser.add_argument("--floor-window", type=int, default=0, help="SRTO_FC of bare libsrt, in packets; 0: its own")
    parser.add_argument("--json", type=pathlib.Path, help="write every round's numbers here")
    parser.add_argument("--quick", action="store_true", help="1 round, 50 players, 3 s: does it still run?")
    opt = parser.parse_args()
    if opt.quick:
        opt.rounds, opt.players, opt.seconds = 1, "50", 3
    check((TOOLS / "srt_floor").exists(), f"{TOOLS}: the target bench_programs is not built")
    sides = [Floor] + ([] if opt.only_floor else [Isaribi] + ([FromRtmp] if opt.rtmp else []))
    bench = Bench("srt-bench-media")
    try:
        make_media(bench, opt)
        print_machine(opt)
        results = [measure(int(players), sides, opt) for players in opt.players.split(",")]
    finally:
        bench.close(keep=False)
    if opt.json:
        opt.json.write_text(json.dumps({"bin": BIN.name, "results": results}, indent=1))


if __name__ == "__main__":
    run(main)
