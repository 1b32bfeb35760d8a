# SPDX-License-Identifier: Apache-2.0
"""A bad link between a client and a server, in two lines:

    link = udp_link(bench, node.srt_port, "delay 40 up loss 5%")   # the client talks to link.port
    link.set("outage 2s")                                          # in effect when this returns

Settings, scripts and profiles are those of tests/tools/link_emulator/README.md. At the end of the case the emulator must
end with 0 and without a sanitizer's report, and its books must balance.
"""
import json
import os
import select
import signal
import subprocess
import time

from isaribi_test import SANITIZER_MARKS, TOOLS, Failed, check, wait_for

GONE = ("lost_random", "lost_burst", "lost_outage", "dropped_queue", "dropped_mtu", "dropped_memory", "send_failed",
        "orphaned")


class Emulator:
    """One process with one link or several. links: (name, "udp" or "tcp", target port or "ADDR:PORT", more) each;
    more: settings, script (text), listen."""

    def __init__(self, bench, links, seed=1):
        self.name = "link_emulator"
        self.err_path = bench.dir / f"{len(bench.processes)}-link_emulator.err"
        argv = [TOOLS / "link_emulator", "--seed", str(seed)]
        for name, kind, target, more in links:
            argv += [f"--{kind}", self._spec(bench, name, target, more)]
        with open(self.err_path, "wb") as err:
            self.popen = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=err)
        bench.processes.append(self)
        bench.at_end.append(self.stop)
        self.buffer = b""
        ready = json.loads(self._line())
        self.seed = ready["seed"]
        self.links = {entry["name"]: Link(self, entry["name"], entry["port"]) for entry in ready["links"]}

    @staticmethod
    def _spec(bench, name, target, more):
        spec = f"{target if ':' in str(target) else f'127.0.0.1:{target}'},name={name}"
        if more.get("listen"):
            spec += f",listen={more['listen']}"
        if more.get("settings"):
            spec += f",set={more['settings']}"
        if more.get("script"):
            path = bench.new_dir("script") / f"{name}.txt"
            path.write_text(more["script"])
            spec += f",script={path}"
        return spec

    def __getitem__(self, name):
        return self.links[name]

    def err(self):
        return self.err_path.read_text(errors="replace")

    def is_running(self):
        return self.popen.poll() is None

    def _line(self, limit_s=15.0):
        end = time.monotonic() + limit_s
        while b"\n" not in self.buffer:
            left = end - time.monotonic()
            check(left > 0, f"the link emulator said nothing for {limit_s:g} s: {self.err()}")
            if select.select([self.popen.stdout], [], [], left)[0]:
                more = os.read(self.popen.stdout.fileno(), 65536)
                if not more:
                    raise Failed(f"the link emulator ended with {self.popen.wait()}: {self.err()}")
                self.buffer += more
        line, self.buffer = self.buffer.split(b"\n", 1)
        return line.decode()

    def command(self, text):
        """Carried out when this returns; what follows "ok", or Failed with the emulator's sentence."""
        self.popen.stdin.write(text.encode() + b"\n")
        self.popen.stdin.flush()
        answer = self._line()
        check(answer == "ok" or answer.startswith("ok "), f"link_emulator: {text}: {answer}")
        return answer[3:]

    def stats(self):
        """{link: {"up": {...}, "down": {...}, ...}}, and the books of each direction must balance."""
        stats = json.loads(self.command("stats"))
        for name, link in stats.items():
            for way in ("up", "down"):
                s = link[way]
                came, went = s["in"] + s["duplicated"], s["forwarded"] + s["waiting"] + sum(s[k] for k in GONE)
                check(came == went, f"{name} {way}: {came} packets came, {went} are accounted for: {s}")
        return stats

    def stop(self):
        """SIGTERM, or nothing when it has ended; part of every case."""
        if self.is_running():
            self.stats()
            os.kill(self.popen.pid, signal.SIGTERM)
        try:
            code = self.popen.wait(10)
        except subprocess.TimeoutExpired:
            raise Failed("the link emulator did not end at SIGTERM") from None
        for mark in SANITIZER_MARKS:
            check(mark not in self.err(), f"the link emulator says: {self.err()[:3000]}")
        check(code == 0, f"the link emulator ended with {code}: {self.err()}")

    def kill(self):
        self.popen.kill()
        self.popen.wait()


class Link:
    """One link of an emulator. port: where clients connect to."""

    def __init__(self, emulator, name, port):
        self.emulator = emulator
        self.name = name
        self.port = port

    def set(self, settings):
        """E.g. "up loss 5%", "outage on", "rebind", "profile lte"."""
        self.emulator.command(f"{self.name}: {settings}")

    def trigger(self, track):
        """Starts the script's lines below "on TRACK"."""
        self.emulator.command(f"{self.name}: trigger {track}")

    def stats(self):
        return self.emulator.stats()[self.name]

    def wait_idle(self, limit_s=15.0):
        """Until no packet waits or travels; the statistics then."""
        def idle():
            stats = self.stats()
            return stats["up"]["waiting"] + stats["down"]["waiting"] == 0 and stats
        return wait_for("the link to be empty", idle, limit_s)


def udp_link(bench, target, settings="", script=None, seed=1):
    return Emulator(bench, [("main", "udp", target, {"settings": settings, "script": script})], seed)["main"]


def tcp_link(bench, target, settings="", script=None, seed=1):
    return Emulator(bench, [("main", "tcp", target, {"settings": settings, "script": script})], seed)["main"]
