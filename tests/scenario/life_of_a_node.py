#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Start and end of a node: what it says when something is wrong, and that it leaves politely."""
import json
import pathlib
import re
import signal
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))

import clients  # noqa: E402
import hls  # noqa: E402
import procfs  # noqa: E402
from isaribi_test import BIN, Plan, Process, check, config_text, main, wait_for  # noqa: E402


def case_sigterm_ends_streams(bench):
    """Players get an end of stream; the publisher is closed; HLS is answered up to the end."""
    plan = Plan()
    key = plan.key("tanaka")
    node = bench.node(plan)
    publisher = clients.ffmpeg_publish(bench, node.publish_url(key), clients.make_flv(bench, seconds=30))
    node.wait_live("tanaka")
    players = clients.load_players(bench, node.play_url("tanaka"), players=5, seconds=20, until_end=True)
    recorder = clients.ffmpeg_record(bench, node.play_url("tanaka"), bench.dir / "r.flv")
    dump = clients.rtmpdump(bench, node.play_url("tanaka"), bench.dir / "d.flv")
    wait_for("all players", lambda: node.metrics()["isaribi_rtmp_players"] == 7)
    wait_for("something recorded", lambda: (bench.dir / "d.flv").exists() and
             (bench.dir / "d.flv").stat().st_size > 30000)
    node.stop(10)
    seen = clients.load_result(players)
    check(seen["end_of_stream"] == 5 and seen["closed"] == 5, f"no end of stream at SIGTERM: {seen}")
    recorder.expect_success(5)
    check(dump.wait(5) in (0, 2), f"rtmpdump: {dump.tail()}")
    clients.expect_refused(publisher, 5)


def case_sigterm_when_idle(bench):
    node = bench.node(Plan())
    node.stop(3)


def case_sigint_is_the_same(bench):
    node = bench.node(Plan())
    node.process.signal(signal.SIGINT)
    check(node.process.wait(5) == 0, "SIGINT ends cleanly")


def case_sigterm_with_hanging_clients(bench):
    """Clients that never read and half-done handshakes do not hold the node up."""
    plan = Plan()
    key = plan.key("tanaka")
    node = bench.node(plan)
    clients.ffmpeg_publish(bench, node.publish_url(key), clients.make_flv(bench, seconds=30, kbit=2000))
    node.wait_live("tanaka")
    clients.load_players(bench, node.play_url("tanaka"), players=4, seconds=30, never_read=4)
    wait_for("the players", lambda: node.metrics()["isaribi_rtmp_players"] == 4)
    node.stop(10)


def case_restart_on_the_same_data(bench):
    """A second life finds its folder as the first left it."""
    plan = Plan()
    key = plan.key("tanaka")
    flv = clients.make_flv(bench, seconds=7)
    data = bench.new_dir("data")
    for _ in range(2):
        node = bench.node(plan, {"node.data_dir": data})
        clients.ffmpeg_publish(bench, node.publish_url(key), flv)
        node.wait_live("tanaka")
        node.stop()


def broken_start(bench, config=None, plan_text=None, plan_path=None, args=None):
    """A start that must fail, quickly and with words. Returns stderr."""
    place = bench.new_dir("broken")
    (place / "c.conf").write_text(config if config is not None else config_text(place / "data", {}))
    (place / "p.json").write_text(plan_text if plan_text is not None else '{"isaribi_plan": 1, "rev": 1}')
    argv = args or ["--config", place / "c.conf", "--plan", plan_path or place / "p.json"]
    process = Process(bench, "isaribi-node", [BIN / "isaribi-node", *argv])
    code = process.wait(10)
    text = process.err()
    check(code not in (0, None) and code > 0, f"a broken start ended with {code}: {text}")
    check("ready" not in process.out(), "it said that it was ready")
    check(len(text) > 10 and "Sanitizer" not in text and "Assertion" not in text, f"the complaint is: {text}")
    return text


def case_bad_config(bench):
    """An error names file and line and says what was expected, in both languages."""
    for text, line, words in (("[rtmp]\nlisten = here\n", 2, ["listen"]), ("[rtmp]\nlisten = 127.0.0.1:99999\n", 2, ["listen"]),
                              ("[node]\n\nthreads = many\n", 3, ["threads"]), ("[node]\nthreeds = 1\n", 2, ["threeds"]),
                              ("[nodes]\nthreads = 1\n", None, ["nodes"]), ("[node]\nthreads = -3\n", 2, ["threads"]),
                              ("[http]\npart_ms = 1e3\n", 2, ["part_ms"]), ("what is this\n", 1, [])):
        said = broken_start(bench, config=text)
        check("c.conf" in said, f"the file is not named: {said}")
        check(line is None or re.search(rf"c\.conf:{line}\b", said), f"line {line} is not named: {said}")
        check(all(w in said for w in words), f"{words} are not named: {said}")
        check(re.search(r"[\u3040-\u30ff\u4e00-\u9fff]", said), f"no Japanese: {said}")
        check(re.search(r"expected|unknown|[a-z]{4,} [a-z]{2,}", said), f"no English: {said}")


def case_bad_plan(bench):
    for text in ("", "{", "[]", '{"isaribi_plan": 2}', '{"isaribi_plan": 1, "keys": [{"id": "k1"}]}',
                 '{"isaribi_plan": 1, "keys": {}}', '{"isaribi_plan": 1, "rev": "x"}', "[" * 100000,
                 '{"isaribi_plan": 1, "rev": 1, "keys": [{"id": "k1", "stream": "../x", "key": "abcdefghijklmnopq"}]}',
                 json.dumps({"isaribi_plan": 1, "rev": 1, "keys": [
                     {"id": "k1", "stream": "a", "key": "tooshort"}]})):
        said = broken_start(bench, plan_text=text)
        check("p.json" in said or "plan" in said, f"the plan is not named: {said}")


def case_missing_files(bench):
    check("nowhere" in broken_start(bench, plan_path="nowhere.json"), "the missing file is not named")
    check("nowhere" in broken_start(bench, args=["--config", "nowhere.conf"]), "the missing file is not named")
    broken_start(bench, args=["--no-such-option"])


def case_port_in_use(bench):
    node = bench.node(Plan())
    place = bench.new_dir("second")
    for key, port in (("rtmp.listen", node.rtmp_port), ("http.listen", node.http_port)):
        said = broken_start(bench, config=config_text(place / "data", {key: f"127.0.0.1:{port}"}))
        check(str(port) in said, f"the address is not named: {said}")


def case_check_and_dump_config(bench):
    place = bench.new_dir("config")
    (place / "c.conf").write_text("[node]\nname = enoshima\n")
    node = BIN / "isaribi-node"
    bench.run("check", [node, "--config", place / "c.conf", "--check-config"])
    dumped = bench.run("dump", [node, "--config", place / "c.conf", "--dump-config"])
    check("name = enoshima" in dumped, "the dump does not hold what the file says")
    (place / "d.conf").write_text(dumped)
    check(bench.run("again", [node, "--config", place / "d.conf", "--dump-config"]) == dumped, "a dump is a config")
    check("name = tobishima" in bench.run("env", [node, "--config", place / "c.conf", "--dump-config"],
                                          env={"ISARIBI_NODE_NAME": "tobishima"}), "the environment wins")


def case_reload_of_the_config(bench):
    """SIGHUP takes what can change and says what cannot."""
    node = bench.node(Plan())
    text = node.config_path.read_text().replace("[node]\n", "[node]\nthreads = 7\ngrace_ms = 5000\n")
    node.config_path.write_text(text)
    before = len(node.log())
    node.process.signal(signal.SIGHUP)
    wait_for("a word about threads", lambda: "threads" in node.log()[before:])
    check(node.process.is_running(), "SIGHUP ended the node")


def case_threads_stay_few(bench):
    """Threads do not follow connections."""
    plan = Plan()
    key = plan.key("tanaka")
    node = bench.node(plan)
    clients.ffmpeg_publish(bench, node.publish_url(key), clients.make_flv(bench, seconds=20))
    node.wait_live("tanaka")
    before = procfs.threads(node.process.pid)
    clients.load_players(bench, node.play_url("tanaka"), players=50, seconds=10)
    wait_for("the players", lambda: node.metrics()["isaribi_rtmp_players"] == 50)
    check(procfs.threads(node.process.pid) == before, "a thread per connection?")
    hls.follow(bench, node, "tanaka").wait_segments(1)


main()
