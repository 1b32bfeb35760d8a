#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Low-latency HLS viewers at a node, and as many through Varnish in front of it (config/varnish/).

    cmake --preset bench && cmake --build --preset bench --target bench_programs
    bench/cache_bench.py [--quick]

What the numbers mean stands in bench/README.md. ISARIBI_BIN names the directory of the programs.
"""
import argparse
import json
import pathlib
import statistics
import sys
import time

import hls_bench
from hls_bench import JOIN_S, SETTLE_S, Isaribi  # first: it says where the programs are

import clients
import front
import procfs
from isaribi_test import TOOLS, Bench, check
from rounds import Cpu, print_machine, print_rows, run, run_rounds, sleep_until, tree
from rtmp_bench import make_media

BESIDE = 10   # viewers at the node itself, in every run: when a part was there, they have heard it first
SAMPLED = 20  # of the crowd, in a process of their own
COUNTED_S = 1.5  # Varnish's counters are so late at most


class Direct(Isaribi):
    name = "node"

    def fetches(self):
        return 0


class Cached:
    name = "varnish"

    def __init__(self, bench, node):
        self.varnish = front.Varnish(bench, node)
        self.pid = self.varnish.process.pid
        self.url = self.varnish.hls_url("s0", file="main.m3u8")

    def fetches(self):
        return self.varnish.counter("MAIN.backend_req")


def start_load(bench, side, viewers, window, seconds, opt, answers):
    job = {"mode": "ll", "hints": opt.hints}
    return hls_bench.start_load(bench, side, job, viewers, window, seconds, ["--answers", answers])


def answers_of(path):
    """[(part, asked, arrived)] in us."""
    rows = [line.split() for line in path.read_text().splitlines()]
    return [((int(msn), int(part)), int(asked), int(arrived)) for msn, part, asked, arrived in rows]


def delays_ms(beside, crowd):
    """How much later than the first of those at the node each of the crowd heard of a part that both waited for."""
    first = {}
    for part, _, arrived in beside:
        first[part] = min(first.get(part, arrived), arrived)
    return sorted((arrived - first[part]) / 1e3 for part, asked, arrived in crowd
                  if part in first and asked < first[part])


def points(result, name, values):
    check(values, f"{name}: nothing to measure")
    result[f"{name}_p50"] = statistics.median(values)
    result[f"{name}_p99"] = values[min(len(values) - 1, int(len(values) * 0.99))]
    result[f"{name}_max"] = values[-1]


def run_side(side_class, opt):
    bench = Bench("cache-bench")
    try:
        node, source = hls_bench.start_node(bench, opt)
        seen = watch(bench, node, side_class(bench, node), opt)
        check(source.is_running(), f"the publisher was cut off: {source.tail()}")
        return seen
    finally:
        bench.close(keep=False)


def watch(bench, node, side, opt):
    fetches = -side.fetches()
    rss_kb = -sum(procfs.rss_kb(pid) for pid in tree(side.pid))
    start = time.monotonic() + 0.2
    window = (start + JOIN_S + SETTLE_S, start + JOIN_S + SETTLE_S + opt.seconds)
    seconds = window[1] - start + 0.5
    sampled = min(SAMPLED, opt.viewers // 2)
    groups = [(Direct(bench, node), min(BESIDE, sampled)), (side, sampled), (side, opt.viewers - sampled)]
    paths = [bench.dir / f"answers-{i}" for i in range(len(groups))]
    loads = [start_load(bench, where, n, window, seconds, opt, path) for (where, n), path in zip(groups, paths)]
    sleep_until(window[0])
    cpu, node_cpu = Cpu(side.pid), Cpu(node.process.pid)
    sleep_until(window[1])
    cpu_ms, _ = Cpu(side.pid).since(cpu)
    node_ms, _ = Cpu(node.process.pid).since(node_cpu)
    rss_kb += sum(procfs.rss_kb(pid) for pid in tree(side.pid))
    beside, few, crowd = [clients.load_result(load) for load in loads]
    time.sleep(COUNTED_S)
    answers = [answers_of(path) for path in paths]
    asked = few["requests"] + crowd["requests"]
    gbit = (few["window_bytes"] + crowd["window_bytes"]) * 8 / 1e9
    result = {
        "requests_per_s": (few["window_requests"] + crowd["window_requests"]) / opt.seconds,
        "fetched_percent": 100 * (fetches + side.fetches()) / asked if side.name == "varnish" else 100.0,
        "cpu_percent": cpu_ms / 10 / opt.seconds, "node_percent": node_ms / 10 / opt.seconds,
        "load_percent": sum(s["cpu_percent"] for s in (beside, few, crowd)), "kb_per_viewer": rss_kb / opt.viewers,
        "mbit_per_s": gbit * 1e3 / opt.seconds, "ms_per_gbit": cpu_ms / gbit,
        "beside_age_p50": beside["age_ms"]["p50"], "beside_age_p99": beside["age_ms"]["p99"],
        "age_p50": few["age_ms"]["p50"], "age_p99": few["age_ms"]["p99"],
    }
    points(result, "delay", delays_ms(answers[0], answers[1] + answers[2]))
    points(result, "few_delay", delays_ms(answers[0], answers[1]))
    for field in ("live", "errors", "stalls"):
        result[field] = few[field] + crowd[field]
    return result


ROWS = [  # (field, what it is, digits)
    ("requests_per_s", "requests/s of the viewers", 0), ("mbit_per_s", "Mbit/s to them", 0),
    ("fetched_percent", "requests that reach the node, %", 2),
    ("delay_p50", "waiting playlists, behind the first answer of the node, p50 ms", 1), ("delay_p99", "  p99 ms", 1),
    ("delay_max", "  largest ms", 1), ("few_delay_p50", "  of 20 viewers beside the crowd, p50 ms", 1),
    ("few_delay_p99", "  p99 ms", 1),
    ("age_p50", "age of the newest picture, p50 ms", 0), ("age_p99", "  p99 ms", 0),
    ("beside_age_p50", "  of 10 viewers at the node, p50 ms", 0), ("beside_age_p99", "  p99 ms", 0),
    ("live", "viewers live", 0), ("errors", "errors", 0), ("stalls", "stalls > 1 s", 0),
    ("cpu_percent", "CPU of who serves them, % of a core", 1), ("node_percent", "CPU of the node, % of a core", 1),
    ("ms_per_gbit", "CPU of who serves them, ms per Gbit", 0), ("kb_per_viewer", "memory of who serves them, KB per viewer", 1), ("load_percent", "load tools, % of a core", 0),
]


def measure(opt):
    sides = [Direct, Cached]

    def run_into(result, side, _number):
        result[side.name] = run_side(side, opt)

    title = f"{opt.viewers} low-latency viewers{' with hints' if opt.hints else ''}, parts of {opt.part_ms} ms"
    rounds = run_rounds(title, sides, opt, run_into, digits=1)
    print_rows(title, rounds, [side.name for side in sides], ROWS)
    both = [r for r in rounds if len(r) == len(sides)]
    for point in ("p50", "p99"):
        added = [r["varnish"][f"delay_{point}"] - r["node"][f"delay_{point}"] for r in both]
        if added:
            print(f"added delay {point}: {statistics.median(added):.1f} ms [{min(added):.1f} - {max(added):.1f}]")
    if opt.json:
        opt.json.write_text(json.dumps(rounds, indent=1))


def main():
    parser = argparse.ArgumentParser(description="low-latency viewers at a node and through Varnish")
    parser.add_argument("--viewers", type=int, default=1000)
    parser.add_argument("--part-ms", type=int, default=500)
    parser.add_argument("--hints", action="store_true", help="viewers ask for hinted parts")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=8, help="of the measured window")
    parser.add_argument("--media", type=pathlib.Path, help="an FLV instead of the one that ffmpeg makes")
    parser.add_argument("--json", type=pathlib.Path, help="write every round's numbers here")
    parser.add_argument("--quick", action="store_true", help="1 round, 100 viewers, 4 s: does it still run?")
    opt = parser.parse_args()
    if opt.quick:
        opt.rounds, opt.viewers, opt.seconds = 1, 100, 4
    check((TOOLS / "hls_load").exists(), f"{TOOLS}: the target bench_programs is not built")
    bench = Bench("cache-bench-media")
    try:
        opt.flv = opt.media.resolve() if opt.media else make_media(bench)
        print_machine(opt)
        measure(opt)
        sys.stdout.flush()
    finally:
        bench.close(keep=False)


if __name__ == "__main__":
    run(main)
