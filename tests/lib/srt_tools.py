# SPDX-License-Identifier: Apache-2.0
"""The SRT tools of tests/tools: a publisher with a clock in its pictures, players, a bare listener."""
import json
import re

from isaribi_test import TOOLS, check, wait_for


def publish_id(key):
    return f"#!::r={key},m=publish"


def request_id(stream, token=None):
    return f"#!::r={stream},m=request" + (f",s={token}" if token else "")


def ready_port(process):
    """The port that the process says it listens on."""
    def seen():
        check(process.is_running(), f"{process.name} ended at once: {process.tail()}")
        return re.search(r"^ready .*\bsrt=(\d+)", process.out(), re.M)
    return int(wait_for(f"{process.name} to listen", seen)[1])


def listen(bench):
    """libsrt without a relay around it: takes everybody in and throws away. Returns (process, port)."""
    process = bench.start("srt_listen", [TOOLS / "srt_listen", "127.0.0.1:0"])
    return process, ready_port(process)


def publish(bench, port, key, ts, *, seconds=3600, latency_ms=120):
    """Sends a file of media_ts in real time, again and again; "running" is said once it is let in."""
    return bench.start("srt_source", [TOOLS / "srt_source", "--to", f"127.0.0.1:{port}", "--stream-id", publish_id(key),
                                      "--file", ts, "--seconds", seconds, "--latency", latency_ms])


def players(bench, port, stream_id, *, players=1, seconds=10, ramp_ms=0, latency_ms=120, window=None, delays=False,
            until_end=False):
    """Our own load tool; clients.load_result() waits for its summary. window: (from, to) of the monotonic clock."""
    return bench.start("srt_load", [
        TOOLS / "srt_load", "--to", f"127.0.0.1:{port}", *(["--stream-id", stream_id] if stream_id else []),
        "--players", players, "--seconds", seconds, "--ramp-ms", ramp_ms, "--latency", latency_ms,
        *(["--from-us", int(window[0] * 1e6), "--to-us", int(window[1] * 1e6)] if window else []),
        *(["--delays"] if delays else []), *(["--until-end"] if until_end else [])])


def churn(bench, port, ts, *, cycles, stream_id=None, ids=1, concurrency=8, seed=1, limit_s=600):
    """Publishers that come and go; returns what they say."""
    out = bench.run("srt_churn", [TOOLS / "srt_churn", "--to", f"127.0.0.1:{port}", "--file", ts, "--cycles", cycles,
                                  *(["--stream-id", stream_id] if stream_id else []), "--ids", ids, "--concurrency",
                                  concurrency, "--seed", seed], limit_s)
    return json.loads(out)


def flood(bench, port, *, seconds, per_s=20000, sockets=1000):
    return bench.start("srt_flood", [TOOLS / "srt_flood", "--to", f"127.0.0.1:{port}", "--seconds", seconds, "--per-s",
                                     per_s, "--sockets", sockets])
