#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""isaribi beside nginx-rtmp and beside the bare machine: same stream, same players, in turn, in one run.

    cmake --preset bench && cmake --build --preset bench --target bench_programs
    bench/rtmp_bench.py [fan_out] [many_publishers] [full_house] [--quick]

What the numbers mean stands in bench/README.md. ISARIBI_BIN names the directory of the programs.
"""
import argparse
import json
import os
import pathlib
import re
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
os.environ.setdefault("ISARIBI_BIN", str(ROOT / "build/bench/bin"))
sys.path.insert(0, str(ROOT / "tests/lib"))

import clients  # noqa: E402
import procfs  # noqa: E402
from isaribi_test import BIN, TOOLS, Bench, Failed, Plan, check, wait_for  # noqa: E402
from rounds import Cpu, backlog_drops, print_machine, print_ratio, print_rows, run, run_rounds, sleep_until  # noqa: E402

MEDIA_S = 20
GOP_S = 2
SAMPLED = 20  # players of which every frame's delay is noted; they join among the others
JOIN_S = 1.0
SETTLE_S = 3.5  # nginx's players wait up to a GOP for their first key frame
PERF_S = 2.0
WRITE_CALLS = ("sendto", "sendmsg", "writev", "write")
KEY = "isaribibenchisaribibench{n}"


class Nginx:
    """Debian's nginx with its RTMP module, one worker, set up as well as it can be for this."""
    name = "nginx"

    def __init__(self, bench, _streams):
        self.port = clients.free_port()
        place = bench.new_dir("nginx")
        for name in ("body", "proxy", "fastcgi", "uwsgi", "scgi"):
            (place / name).mkdir()
        user = "user root;" if os.geteuid() == 0 else ""
        (place / "nginx.conf").write_text(f"""
load_module /usr/lib/nginx/modules/ngx_rtmp_module.so;
{user} daemon off; master_process off; worker_processes 1; worker_rlimit_nofile 20000;
pid {place}/nginx.pid; error_log {place}/error.log error;
events {{ worker_connections 16000; }}
rtmp {{ server {{
    listen 127.0.0.1:{self.port}; chunk_size 4096; access_log off;
    application live {{ live on; wait_key on; }}
}} }}
""")
        self.process = bench.start("nginx", ["/usr/sbin/nginx", "-p", place, "-c", place / "nginx.conf"])
        self.pid = self.process.pid
        wait_for("nginx to listen", lambda: clients.socket.socket().connect_ex(("127.0.0.1", self.port)) == 0)
        self.publish_url = self.play_url = f"rtmp://127.0.0.1:{self.port}/live/s{{n}}"

    def metrics(self):
        return {}

    def stop(self):
        self.process.kill()


class Isaribi:
    """A node as it is delivered, HLS and all; batch_ms is the operator's choice."""
    name = "isaribi"
    batch_ms = 0
    threads = 0
    config = {}
    is_recorded = False

    def __init__(self, bench, streams):
        plan = Plan()
        for n in range(streams):
            plan.key(f"s{n}", KEY.replace("{n}", str(n)))
            plan.stream(f"s{n}", record=self.is_recorded)
        self.node = bench.node(plan, {"node.batch_ms": self.batch_ms, "node.threads": self.threads, **self.config})
        self.pid = self.node.process.pid
        self.publish_url = self.node.publish_url(KEY)
        self.play_url = self.node.play_url("s{n}")

    def metrics(self):
        return self.node.metrics()

    def stop(self):
        self.node.stop()


class Recorded(Isaribi):
    """Every stream is recorded."""
    is_recorded = True


class IsaribiTls(Isaribi):
    """The players over RTMPS, the publisher as before."""
    name = "isaribi RTMPS"

    def __init__(self, bench, streams):
        place = bench.new_dir("tls")
        bench.run("openssl", ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj",
                              "/CN=bench", "-keyout", place / "key.pem", "-out", place / "cert.pem"], 30)
        self.config = {"rtmps.listen": "127.0.0.1:0", "tls.cert": place / "cert.pem", "tls.key": place / "key.pem"}
        super().__init__(bench, streams)
        port = re.search(r"^ready .*\brtmps=(\d+)", self.node.process.out(), re.M)[1]
        self.play_url = f"rtmps://127.0.0.1:{port}/play/s{{n}}"


def one_thread():
    return type("OneThread", (Isaribi,), {"name": "isaribi, 1 thread", "threads": 1})


def batched(ms):
    return type("Batched", (Isaribi,), {"name": f"isaribi {ms} ms", "batch_ms": ms})


def count_writes(pid, players):
    """Send-type system calls per second and player by perf's tracepoints, or None where there are none."""
    events = [arg for call in WRITE_CALLS for arg in ("-e", f"syscalls:sys_enter_{call}")]
    try:
        out = subprocess.run(["perf", "stat", "-x", ",", *events, "-p", str(pid), "--", "sleep", str(PERF_S)],
                             capture_output=True, text=True, timeout=30, check=True).stderr
        return sum(int(line.split(",")[0]) for line in out.splitlines() if "sys_enter" in line) / PERF_S / players
    except (OSError, ValueError, subprocess.SubprocessError):
        return None


def start_load(bench, side, players, window, seconds, *, streams=1, rcvlowat=0, delays=False):
    from_us, to_us = (int(t * 1e6) for t in window)
    url = side.play_url if streams > 1 else side.play_url.replace("{n}", "0")
    return bench.start("rtmp_load", [
        TOOLS / "rtmp_load", "--url", url, "--players", players, "--seconds", seconds,
        "--ramp-ms", int(JOIN_S * 1000), "--rcvlowat", rcvlowat, "--from-us", from_us, "--to-us", to_us,
        *(["--delays"] if delays else [])])


def run_side(side_class, job, opt):
    """One server, one number of players: started, measured over one window, stopped."""
    bench = Bench("rtmp-bench")
    try:
        side = side_class(bench, job["streams"])
        source = bench.start("rtmp_source", [TOOLS / "rtmp_source", "--url", side.publish_url, "--file", opt.flv,
                                             "--streams", job["streams"]])
        wait_for("the publishers", lambda: "running" in source.out())
        time.sleep(GOP_S + 1)
        seen = watch(bench, side, job, opt)
        check(source.is_running(), f"the publisher was cut off: {source.tail()}")
        side.stop()
        return seen
    finally:
        bench.close(keep=False)


def watch(bench, side, job, opt):
    players = job["players"]
    before = {"rss_kb": procfs.rss_kb(side.pid), "drops": backlog_drops(), **side.metrics()}
    start = time.monotonic() + 0.2
    window = (start + JOIN_S + SETTLE_S, start + JOIN_S + SETTLE_S + opt.seconds)
    seconds = window[1] - start + 0.5 + (PERF_S + 0.5 if job["is_counting"] else 0)
    if job["streams"] > 1:
        loads = [start_load(bench, side, players, window, seconds, streams=job["streams"], delays=True)]
    else:
        sampled = min(SAMPLED, players // 2)
        loads = [start_load(bench, side, sampled, window, seconds, delays=True),
                 start_load(bench, side, players - sampled, window, seconds, rcvlowat=job["rcvlowat"])]
    sleep_until(window[0])
    metrics, metrics_at = side.metrics(), time.monotonic()
    cpu = Cpu(side.pid)
    sleep_until(window[1])
    end = Cpu(side.pid)
    rss_kb = procfs.rss_kb(side.pid)
    after, after_at = side.metrics(), time.monotonic()
    writes = count_writes(side.pid, players) if job["is_counting"] else None
    seen = [clients.load_result(load) for load in loads]
    cpu_ms, user = end.since(cpu)
    gbit = sum(s["window_bytes"] for s in seen) * 8 / 1e9 * (end.at - cpu.at) / opt.seconds
    check(gbit > 0, f"{side.name}: nothing came through: {seen}")
    hls_kb = [m.get("isaribi_hls_bytes", 0) / 1024 for m in (before, after)]
    result = {
        "ms_per_gbit": cpu_ms / gbit, "user_ms_per_gbit": cpu_ms * user / gbit,
        "system_ms_per_gbit": cpu_ms * (1 - user) / gbit, "user_percent": 100 * user,
        "cpu_percent": cpu_ms / 10 / (end.at - cpu.at), "mbit_per_player": gbit * 1e3 / players / (end.at - cpu.at),
        "delay_p50_ms": seen[0]["delay_ms"]["p50"], "delay_p99_ms": seen[0]["delay_ms"]["p99"],
        "first_key_p50_ms": seen[-1]["first_key_ms"]["p50"], "first_key_p99_ms": seen[-1]["first_key_ms"]["p99"],
        "kb_per_player": (rss_kb - before["rss_kb"] - hls_kb[1] + hls_kb[0]) / players,
        "rss_mb": rss_kb / 1024, "hls_mb": hls_kb[1] / 1024,
        "stalls": sum(s["stalls"] for s in seen), "live": sum(min(s["open"], s["playing"]) for s in seen),
        "drops": backlog_drops() - before["drops"],
        "load_percent": sum(s["cpu_percent"] for s in seen),
    }
    if job["streams"] > 1:
        gops_mb = GOP_S * result["mbit_per_player"] / 8 * job["streams"]
        result["beside_mb"] = result["rss_mb"] - result["hls_mb"] - (gops_mb if hls_kb[1] else 0)
    if writes is not None:
        result["calls_per_s"] = writes
    name = "isaribi_rtmp_media_writes_total"
    if name in after:
        result["writes_per_s"] = (after[name] - metrics[name]) / (after_at - metrics_at) / players
    return result


def run_floor(job, like, opt):
    """The bare machine at the pace and rate that isaribi has just had."""
    out = subprocess.run([str(a) for a in (
        TOOLS / "bench_floor", "--sockets", job["players"], "--writes-per-s", f"{like['writes_per_s']:.3f}",
        "--mbit-per-s", f"{like['mbit_per_player']:.4f}", "--seconds", min(4, opt.seconds), "--rcvlowat",
        job["rcvlowat"])], capture_output=True, text=True, timeout=60, check=False)
    check(out.returncode == 0, f"bench_floor: {out.stderr}")
    return json.loads(out.stdout)


def make_media(bench):
    """720p30, a key frame every 2 s, about 2 Mbit/s with its sound."""
    path = bench.dir / "media.flv"
    bench.run("make-media", [
        *clients.FFMPEG, "-y", "-f", "lavfi", "-i", "testsrc2=s=1280x720:r=30", "-f", "lavfi", "-i",
        "sine=f=440:r=48000", "-c:v", "libx264", "-preset", "veryfast", "-profile:v", "baseline", "-pix_fmt", "yuv420p",
        "-g", 60, "-keyint_min", 60, "-sc_threshold", 0, "-b:v", "1850k", "-minrate", "1850k", "-maxrate", "1850k",
        "-bufsize", "1850k", "-x264-params", "nal-hrd=cbr", "-c:a", "aac", "-b:a", "128k", "-t", MEDIA_S, "-f", "flv",
        path], 180)
    return path


ROWS = [  # (field, what it is, digits)
    ("ms_per_gbit", "CPU ms per Gbit", 0), ("user_ms_per_gbit", "  user", 0), ("system_ms_per_gbit", "  system", 0),
    ("user_percent", "  user, % of it", 0), ("cpu_percent", "CPU, % of a core", 1),
    ("delay_p50_ms", "delay p50 ms", 1), ("delay_p99_ms", "delay p99 ms", 1),
    ("first_key_p50_ms", "first key frame p50 ms", 1), ("first_key_p99_ms", "first key frame p99 ms", 1),
    ("kb_per_player", "KB per player", 1), ("rss_mb", "RSS MB", 1), ("hls_mb", "  of it HLS windows MB", 1),
    ("beside_mb", "  beside HLS windows and one GOP each, MB", 1),
    ("writes_per_s", "writes/s per player (counter)", 1), ("calls_per_s", "send calls/s per player (perf)", 1),
    ("mbit_per_player", "Mbit/s per player", 2), ("live", "players live", 0), ("stalls", "stalls > 1 s", 0),
    ("drops", "packets the kernel's backlog dropped", 0),
    ("load_percent", "load tool, % of a core", 0),
]


def print_table(title, rounds, names):
    """rounds: one {name: result} each."""
    print_rows(title, rounds, names, ROWS)
    for name in names:
        if name != names[0]:
            print_ratio(f"{name} / {names[0]}", [(r[name], r[names[0]]) for r in rounds if name in r and names[0] in r])
        print_ratio(f"{name} / floor at its writes", [(r[name], r["floor of " + name]) for r in rounds
                                                      if "floor of " + name in r])
    sys.stdout.flush()


def measure(title, job, sides, opt):
    def run_into(result, side, number):
        job["is_counting"] = number == 0 and not opt.quick
        result[side.name] = run_side(side, job, opt)
        if "writes_per_s" in result[side.name] and job["streams"] == 1:
            result["floor of " + side.name] = run_floor(job, result[side.name], opt)

    rounds = run_rounds(title, sides, opt, run_into)
    print_table(title, rounds, [side.name for side in sides])
    return {"title": title, "job": job, "rounds": rounds}


def main():
    parser = argparse.ArgumentParser(description="isaribi beside nginx-rtmp and the bare machine")
    parser.add_argument("scenario", nargs="*", help="fan_out (default), many_publishers, full_house")
    parser.add_argument("--players", default="100,500,1000", help="of fan_out")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=8, help="of the measured window")
    parser.add_argument("--batch-ms", type=int, default=300, help="of the second isaribi; 0: none")
    parser.add_argument("--threads", type=int, default=0, help="isaribi's relay threads; 0: one per core")
    parser.add_argument("--one-thread", action="store_true", help="a third isaribi with one relay thread, as nginx has")
    parser.add_argument("--rtmps", action="store_true", help="a further isaribi with its players over TLS")
    parser.add_argument("--rcvlowat", type=int, default=0, help="SO_RCVLOWAT of the players whose delay is not noted")
    parser.add_argument("--publishers", type=int, default=200, help="of many_publishers")
    parser.add_argument("--house", type=int, default=4000, help="players of full_house")
    parser.add_argument("--media", type=pathlib.Path, help="an FLV instead of the one that ffmpeg makes")
    parser.add_argument("--json", type=pathlib.Path, help="write every round's numbers here")
    parser.add_argument("--only-isaribi", action="store_true", help="and the floor: for work on the send path")
    parser.add_argument("--quick", action="store_true", help="1 round, 100 players, 3 s: does it still run?")
    opt = parser.parse_args()
    if opt.quick:
        opt.rounds, opt.players, opt.seconds, opt.publishers, opt.house = 1, "100", 3, 20, 200
    check((TOOLS / "bench_floor").exists(), f"{TOOLS}: the target bench_programs is not built")
    run_scenarios(opt, opt.scenario or ["fan_out"])


def run_scenarios(opt, wanted):
    Isaribi.threads = opt.threads
    sides = [Isaribi] if opt.only_isaribi else [Nginx, Isaribi]
    sides += [one_thread()] if opt.one_thread else []
    sides += [IsaribiTls] if opt.rtmps else []
    both = sides + ([batched(opt.batch_ms)] if opt.batch_ms else [])
    bench, results = Bench("rtmp-bench-media"), []
    try:
        opt.flv = opt.media.resolve() if opt.media else make_media(bench)
        print_machine(opt)
        for name in wanted:
            if name == "fan_out":
                for players in opt.players.split(","):
                    results.append(measure(f"1 publisher, {players} players", {
                        "players": int(players), "streams": 1, "rcvlowat": opt.rcvlowat}, both, opt))
            elif name == "many_publishers":
                results.append(measure(f"{opt.publishers} publishers, 1 player each", {
                    "players": opt.publishers, "streams": opt.publishers, "rcvlowat": 0}, sides, opt))
            elif name == "full_house":
                results.append(measure(f"full house, {opt.house} players", {
                    "players": opt.house, "streams": 1, "rcvlowat": opt.rcvlowat or 32768}, both, opt))
            else:
                raise Failed(f"no scenario {name}")
    finally:
        bench.close(keep=False)
    if opt.json:
        opt.json.write_text(json.dumps({"bin": BIN.name, "results": results}, indent=1))


if __name__ == "__main__":
    run(main)
