#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`isaribi run`: what it prints, what it keeps, and that it looks after its node."""
import os
import pathlib
import re
import signal
import socket
import stat
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))

import clients  # noqa: E402
from isaribi_test import BIN, SANITIZER_MARKS, check, http, main, wait_for  # noqa: E402

JAPANESE = re.compile(r"[\u3040-\u30ff\u4e00-\u9fff]")
URL = {"publish": r"rtmp://\S+/live/([a-z2-7]{26})\n", "hls": r"http://\S+/hls/(?:live1|demo)/index\.m3u8"}


class Door:
    """One `isaribi run` on ports of its own."""

    def __init__(self, bench, data, *args, env=None):
        self.data = pathlib.Path(data)
        self.process = bench.start("isaribi", [BIN / "isaribi", "run", "--data-dir", data, "--rtmp-port", "0",
                                               "--srt-port", "0", "--http-port", "0", *args], env)
        wait_for("the URLs", self._is_ready, 20)
        out = self.process.out()
        self.publish_url = re.search(URL["publish"], out)[0].strip()
        self.key = re.search(URL["publish"], out)[1]
        self.hls_urls = re.findall(URL["hls"], out)
        self.keys = [self.key]

    def _is_ready(self):
        check(self.process.is_running(), f"isaribi ended at once: {self.process.tail()}")
        return "settings and data" in self.process.out()

    def children(self):
        """{name: pid} of the children that are not zombies."""
        found = {}
        for path in pathlib.Path("/proc").glob("[0-9]*/stat"):
            try:
                text = path.read_text()
            except OSError:
                continue
            name, rest = text[text.find("(") + 1:text.rfind(")")], text[text.rfind(")") + 2:].split()
            if int(rest[1]) == self.process.pid and rest[0] != "Z":
                found[name] = int(text.split()[0])
        return found

    def node_pid(self):
        return wait_for("the node", lambda: self.children().get("isaribi-node"))

    def stop(self, number=signal.SIGTERM):
        self.process.signal(number)
        check(self.process.wait(15) == 0, f"isaribi ended with {self.process.code()}: {self.process.tail()}")
        self.check_clean()

    def check_clean(self):
        said = self.process.err()
        check(not any(mark in said for mark in SANITIZER_MARKS), f"a sanitizer's report: {said}")
        check(not any(key in said for key in self.keys), "a key stands in the log")


def is_gone(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
    except OSError:
        return True


def expect_complaint(bench, args, *words, env=None):
    process = bench.start("isaribi", [BIN / "isaribi", *args], env)
    check(process.wait(15) not in (0, None), "a broken start ended with 0")
    said = process.err()
    check(JAPANESE.search(said) and re.search(r"[a-z]{3,} [a-z]{2,}", said), f"not in both languages: {said}")
    check(all(word in said for word in words), f"{words} are not named: {said}")
    check(not any(mark in said for mark in SANITIZER_MARKS), f"a sanitizer's report: {said}")


def case_first_and_later_runs(bench):
    """Everything is made once, for nobody else to read; key and plan stay the same."""
    data = bench.dir / "deep" / "data"
    door = Door(bench, data)
    check(stat.S_IMODE(data.stat().st_mode) == 0o700, "the folder is open to others")
    for name in ("plan.json", "publish.key", "isaribi.conf"):
        check(stat.S_IMODE((data / name).stat().st_mode) == 0o600, f"{name} is open to others")
    plan = (data / "plan.json").read_text()
    check(door.key not in plan, "the plan holds the key in clear")
    check(not list(data.glob("*.new")), "something half-written was left")
    for pid in (door.process.pid, door.node_pid()):
        check(door.key not in pathlib.Path(f"/proc/{pid}/cmdline").read_text(), "a key stands in argv")
    first_key = door.key
    door.stop()
    again = Door(bench, data)
    check(again.key == first_key and (data / "plan.json").read_text() == plan, "the second run has another key")
    again.stop(signal.SIGINT)


def case_publish_and_watch(bench):
    """The URLs are true."""
    door = Door(bench, bench.dir / "data")
    clients.ffmpeg_publish(bench, door.publish_url, clients.make_flv(bench, seconds=20))
    wait_for("HLS", lambda: http("GET", door.hls_urls[0]).status == 200, 20)
    door.stop()


def case_edited_plan_stays(bench):
    """A plan of the owner's is obeyed and never written over."""
    data = bench.new_dir("data")
    text = '{ "isaribi_plan": 1, "rev": 7, "keys": [ { "id": "k", "key": "a-key-of-my-own-1", "stream": "mine" } ] }'
    (data / "plan.json").write_text(text)
    process = bench.start("isaribi", [BIN / "isaribi", "run", "--data-dir", data, "--rtmp-port", "0", "--srt-port", "0",
                                      "--http-port", "0"])
    wait_for("the URLs", lambda: "settings and data" in process.out())
    check("/hls/mine/index.m3u8" in process.out(), "the owner's stream is not shown")
    check("a-key-of-my-own-1" not in process.out() + process.err(), "a key that is not ours is shown")
    process.signal(signal.SIGTERM)
    check(process.wait(15) == 0 and (data / "plan.json").read_text() == text, "the plan has changed")


def case_node_dies(bench):
    """It is started again, on the same URLs or with new ones said."""
    door = Door(bench, bench.dir / "data")
    first = door.node_pid()
    os.kill(first, signal.SIGKILL)
    wait_for("a word about it", lambda: "isaribi-node has died (signal 9)" in door.process.err())
    wait_for("another node", lambda: door.children().get("isaribi-node", first) != first)
    wait_for("new URLs", lambda: len(re.findall(URL["publish"], door.process.out())) == 2)
    door.stop()


def case_node_dies_again_and_again(bench):
    door = Door(bench, bench.dir / "data")
    gone = set()
    for _ in range(5):
        pid = wait_for("the next node", lambda: door.children().get("isaribi-node", min(gone, default=0)) not in gone
                       and door.children().get("isaribi-node"), 15)
        gone.add(pid)
        os.kill(pid, signal.SIGKILL)
    check(door.process.wait(15) == 1, "it did not give up with 1")
    check("giving up" in door.process.err() and "あきらめます" in door.process.err(), "it does not say that it gives up")
    door.check_clean()


def case_killed_with_its_children(bench):
    door = Door(bench, bench.dir / "data", "--demo")
    wait_for("the demo", lambda: {"isaribi-node", "ffmpeg"} <= set(door.children()))
    pids = door.children().values()
    door.process.kill()
    wait_for("the end of both", lambda: all(is_gone(pid) for pid in pids), 15)


def case_node_that_hangs(bench):
    """Asked twice, isaribi waits no longer."""
    door = Door(bench, bench.dir / "data")
    pid = door.node_pid()
    os.kill(pid, signal.SIGSTOP)
    door.process.signal(signal.SIGTERM)
    wait_for("a word about it", lambda: "stopping" in door.process.err())
    check(door.process.is_running(), "it does not wait for its node")
    door.process.signal(signal.SIGTERM)
    check(door.process.wait(5) == 0 and is_gone(pid), "the node was not killed")


def case_demo(bench):
    """A picture of 1280x720 with sound, and no key where others can read it."""
    data = bench.dir / "data"
    door = Door(bench, data, "--demo")
    demo = wait_for("HLS of the demo", lambda: next((u for u in door.hls_urls if "/demo/" in u), None))
    wait_for("the demo", lambda: http("GET", demo).status == 200, 30)
    check("RESOLUTION=1280x720" in http("GET", demo).text(), "the demo has another size")
    ffmpeg = door.children()["ffmpeg"]
    argv = pathlib.Path(f"/proc/{ffmpeg}/cmdline").read_text()
    check("/live\0" in argv and not re.search(r"\b[a-z2-7]{26}\b", argv), "a key stands in ffmpeg's argv")
    check((data / "demo-plan.json").exists(), "no plan of the demo")
    os.kill(ffmpeg, signal.SIGKILL)
    wait_for("another ffmpeg", lambda: door.children().get("ffmpeg", ffmpeg) != ffmpeg)
    door.stop()
    wait_for("the end of ffmpeg", lambda: not door.children())
    check(not (data / "demo-plan.json").exists(), "the demo's key outlives the run")


def case_demo_without_ffmpeg(bench):
    empty = bench.new_dir("bin")
    expect_complaint(bench, ["run", "--demo", "--data-dir", bench.dir / "data", "--rtmp-port", "0", "--srt-port", "0",
                             "--http-port", "0"], "apt-get install ffmpeg", env={"PATH": str(empty)})


def case_port_in_use(bench):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        expect_complaint(bench, ["run", "--data-dir", bench.dir / "d", "--rtmp-port", port, "--srt-port", "0",
                                 "--http-port", "0"], port, "--rtmp-port")
        expect_complaint(bench, ["run", "--data-dir", bench.dir / "d", "--rtmp-port", "0", "--srt-port", "0",
                                 "--http-port", port], port, "--http-port")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("0.0.0.0", 0))
        port = str(taken.getsockname()[1])
        expect_complaint(bench, ["run", "--data-dir", bench.dir / "d", "--rtmp-port", "0", "--srt-port", port,
                                 "--http-port", "0"], port, "--srt-port")


def case_folders_that_cannot_be(bench):
    (bench.dir / "file").write_text("")
    expect_complaint(bench, ["run", "--data-dir", bench.dir / "file" / "x"], "--data-dir", "file")
    expect_complaint(bench, ["run", "--data-dir", "/proc/no/such"], "--data-dir")
    door = Door(bench, bench.dir / "data")
    expect_complaint(bench, ["run", "--data-dir", bench.dir / "data"], "already runs")
    door.stop()


def case_bad_arguments(bench):
    for args in ([], ["walk"], ["run", "--no-such"], ["run", "--rtmp-port"],
                 ["run", "--data-dir", bench.dir / "d", "--rtmp-port", "70000"],
                 ["run", "--data-dir", bench.dir / "d", "--rtmp-port", "x"],
                 ["run", "--data-dir", bench.dir / "d", "--config", "nowhere.conf"]):
        expect_complaint(bench, args)
    check("--data-dir" in bench.run("help", [BIN / "isaribi", "--help"]), "no help")
    check(re.fullmatch(r"isaribi \d+\.\d+\.\d+\n", bench.run("version", [BIN / "isaribi", "--version"])), "no version")


main()
