#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Pushes and pulls over SRT between two nodes: what goes through, who is not there, who is refused, and new plans."""
import pathlib
import re
import socket
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))

import clients  # noqa: E402
import link  # noqa: E402
from isaribi_test import Plan, check, hold_for, main, wait_for  # noqa: E402

PASSPHRASE = "a-lamp-at-sea-0001"
# A node asks at least its own latency_ms of whoever pushes to it.
QUICK = {"http.segment_ms": 1000, "http.part_ms": 250, "srt.latency_ms": 120}


def free_udp_port():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def start(bench, plan, srt_port=0, **config):
    return bench.node(plan, {**QUICK, "srt.listen": f"127.0.0.1:{srt_port}", **{k.replace("__", "."): v for k, v in
                                                                             config.items()}})


def publish(bench, node, key, seconds=60):
    flv = clients.make_flv(bench, "media", 10, size="160x90", gop=25, kbit=200)
    return clients.ffmpeg_publish(bench, node.publish_url(key), flv, loop=True)


class Call:
    """One push or pull as a node's metrics show it."""

    def __init__(self, node, direction, stream, peer):
        self.node, self.direction, self.stream, self.peer = node, direction, stream, peer
        self.labels = f'stream="{stream}",direction="{direction}",peer="{peer}"'

    def value(self, name, more=""):
        return self.node.metrics().get(f"{name}{{{self.labels}{more}}}")

    def up(self):
        return self.value("isaribi_call_up")

    def attempts(self):
        return self.value("isaribi_call_attempts_total") or 0

    def reason(self):
        for name in self.node.metrics():
            match = re.fullmatch(rf'isaribi_call_down_reason{{{re.escape(self.labels)},reason="([^"]*)"}}', name)
            if match:
                return match[1]
        return ""

    def wait_state(self, state, limit_s=20.0):
        wait_for(f"{self.direction} of {self.stream} to be {state}, reason {self.reason()!r}",
                 lambda: self.value("isaribi_call_state", f',state="{state}"'), limit_s)

    def wait_up(self, limit_s=40.0):
        self.wait_state("up", limit_s)
        check(self.up() == 1, "a call is up and its gauge is not")

    def wait_reason(self, text, limit_s=20.0):
        wait_for(f"{self.direction} of {self.stream} to be down because {text!r}", lambda: text in self.reason(), limit_s)
        check(self.up() == 0, "a call is down and its gauge is not")


def local(port):
    return f"127.0.0.1:{port}"


def watch_everywhere(bench, node, stream, name):
    """HLS, RTMP and SRT of a stream show moving pictures without a fault."""
    node.wait_live(stream, 40)
    paths = [bench.dir / f"{name}.flv", bench.dir / f"{name}.ts"]
    players = [clients.ffmpeg_record(bench, node.play_url(stream), paths[0], 3),
               clients.ffmpeg_record(bench, f"srt://{local(node.srt_port)}?streamid=request:{stream}", paths[1], 3)]
    for player in players:
        player.expect_success(40)
    for path in paths:
        check(clients.decoded_frames(bench, path) > 40, f"{path.name} has too few pictures")


def case_push_and_pull(bench):
    far_port = free_udp_port()
    plan, far_plan = Plan(), Plan()
    key, far_key = plan.key("tanaka"), far_plan.key("suzuki")
    plan.push("tanaka", f"srt://{local(far_port)}", stream_id=f"publish:{far_key}", latency_ms=200)
    node = start(bench, plan)
    far_plan.pull("cam", f"srt://localhost:{node.srt_port}?streamid=request:tanaka&latency=200")
    far = start(bench, far_plan, far_port)
    publish(bench, node, key)
    push = Call(node, "push", "tanaka", local(far_port))
    pull = Call(far, "pull", "cam", f"localhost:{node.srt_port}")
    push.wait_up()
    pull.wait_up()
    watch_everywhere(bench, far, "suzuki", "pushed")
    watch_everywhere(bench, far, "cam", "pulled")
    for call in (push, pull):
        link = f'{{stream="{call.stream}",link="{call.direction} {call.peer}"}}'
        wait_for(f"figures of the {call.direction}", lambda: call.node.metrics().get(
            f"isaribi_link_packets_total{link}", 0) > 0)
        check(call.node.metrics()[f"isaribi_link_latency_ms{link}"] == 200, "the plan's latency is not what was agreed")
        check(call.reason() == "", f"a call that is up has a reason: {call.reason()}")
        check(call.node.metrics()["isaribi_srt_calls"] == 1, "one call is up")
    # The node ends and takes leave at once; the far stream has all of it and waits for its return.
    began = time.monotonic()
    node.stop()
    check(time.monotonic() - began < 6, "the calls held up the end of the node")
    wait_for("the far side to see the end", lambda: far.metrics()["isaribi_srt_publishers"] == 0)
    check(far.metrics()["isaribi_takeovers_total"] == 0, "a call has taken over from itself")


def case_far_side_comes_dies_and_returns(bench):
    far_port = free_udp_port()
    plan, far_plan = Plan(), Plan()
    key, far_key = plan.key("tanaka"), far_plan.key("tanaka")
    plan.push("tanaka", f"srt://{local(far_port)}", stream_id=f"publish:{far_key}")
    plan.pull("cam", f"srt://{local(far_port)}", stream_id="request:tanaka")
    # This one has no listener: calls need none.
    node = bench.node(plan, QUICK)
    check("srt=" not in node.process.out(), "a port of SRT is told although it is off")
    publish(bench, node, key)
    push = Call(node, "push", "tanaka", local(far_port))
    pull = Call(node, "pull", "cam", local(far_port))
    for call in (push, pull):
        call.wait_reason("no answer")
    far = start(bench, far_plan, far_port)
    push.wait_up()
    pull.wait_up()
    node.wait_live("cam", 40)
    far.process.kill()
    for call in (push, pull):
        call.wait_state("down", 20)
        check(call.reason() != "", "a call is down without a reason")
    again = start(bench, far_plan, far_port)
    push.wait_up()
    pull.wait_up()
    again.wait_live("tanaka", 40)
    frames = node.metrics()["isaribi_frames_total"]
    wait_for("the pull to bring frames again", lambda: node.metrics()["isaribi_frames_total"] > frames + 100)
    log = node.log()
    for call in (push, pull):
        lines = [line for line in log.splitlines() if f"{call.direction} {call.peer}" in line and "event" not in line]
        for word, n in (("is up", 2), ("is down", 1)):
            check(sum(word in line for line in lines) == n, f"{call.direction}: not {n} lines of {word!r}: {lines}")
        # However often it was tried: once per reason and outage.
        check(sum("did not come about" in line for line in lines) <= 4, f"every retry is in the log: {lines}")


def case_wrong_secrets(bench):
    far_plan, plan = Plan(), Plan()
    far_key = far_plan.key("tanaka", srt_passphrase=PASSPHRASE)
    far = start(bench, far_plan)
    key = plan.key("tanaka")
    at = f"srt://{local(far.srt_port)}"
    plan.push("tanaka", at, stream_id=f"publish:{far_key}", passphrase="not-this-lamp-0002")
    plan.push("tanaka", f"{at}?", stream_id="publish:nobody-knows-this-key-1")
    plan.push("tanaka", f"{at}/", stream_id=f"publish:{far_key}")
    plan.pull("cam", at, stream_id="request:no-such-stream-here")
    node = start(bench, plan)
    publish(bench, node, key)
    peer = local(far.srt_port)
    reasons = {}

    def all_told():
        calls = [Call(node, "push", "tanaka", p) for p in (peer, f"{peer}#2", f"{peer}#3")]
        reasons.update({c.peer: c.reason() for c in calls})
        reasons["pull"] = Call(node, "pull", "cam", peer).reason()
        return all(reasons.values())

    wait_for("four reasons", all_told)
    # A plan's pushes stand in the order of their URLs.
    check(reasons == {peer: "the passphrase is wrong",
                      f"{peer}#2": "one side wants a passphrase and the other has none",
                      f"{peer}#3": "the server does not know this key or token",
                      "pull": "the server does not know this stream"}, f"{reasons}")
    first = Call(node, "push", "tanaka", peer)
    before = first.attempts()
    wait_for("it to be tried again and again", lambda: first.attempts() >= before + 2, 30)
    check(node.log().count("the passphrase is wrong") == 1, "each retry has its line in the log")
    check("the server does not know this key" in node.log(), "the reason is not in the log")
    # Right secrets in a new plan are used at once, not at the end of a pause.
    plan.pushes = []
    plan.pulls = []
    plan.push("tanaka", at, stream_id=f"publish:{far_key}", passphrase=PASSPHRASE)
    node.reload()
    first.wait_up(10)
    far.wait_live("tanaka", 40)
    check(Call(node, "pull", "cam", peer).up() is None, "a call that left the plan is still shown")


def case_plans_add_and_remove(bench):
    far_plan, plan = Plan(), Plan()
    far_keys = [far_plan.key("one"), far_plan.key("two")]
    far = start(bench, far_plan)
    key = plan.key("tanaka")
    at = f"srt://{local(far.srt_port)}"
    plan.push("tanaka", at, stream_id=f"publish:{far_keys[0]}")
    node = start(bench, plan)
    publish(bench, node, key)
    peer = local(far.srt_port)
    one, two = Call(node, "push", "tanaka", peer), Call(node, "push", "tanaka", f"{peer}#2")
    one.wait_up()
    plan.push("tanaka", f"{at}/", stream_id=f"publish:{far_keys[1]}")
    plan.pull("cam", at, stream_id="request:one")
    node.reload()
    two.wait_up(10)
    pull = Call(node, "pull", "cam", peer)
    pull.wait_up(10)
    far.wait_live("two", 40)
    node.wait_live("cam", 40)
    check(far.metrics()["isaribi_srt_publishers"] == 2, "two pushes are two publishers")
    plan.pushes = plan.pushes[1:]
    plan.pulls = []
    node.reload()
    wait_for("the removed calls to go", lambda: one.up() is None and pull.up() is None, 10)
    wait_for("the far side to see it", lambda: far.metrics()["isaribi_srt_publishers"] == 1, 10)
    wait_for("the pulled stream to have no publisher", lambda: node.metrics()["isaribi_streams_live"] == 1, 10)
    check(two.up() == 1 and two.attempts() == 1, "a call that the new plan names as before was disturbed")
    # Another latency is another call.
    plan.pushes[0]["latency_ms"] = 300
    node.reload()
    link = f'{{stream="tanaka",link="push {peer}"}}'
    wait_for("the new latency", lambda: node.metrics().get(f"isaribi_link_latency_ms{link}") == 300, 20)


def case_push_waits_for_its_stream(bench):
    far_plan, plan = Plan(), Plan()
    far_key = far_plan.key("tanaka")
    far = start(bench, far_plan)
    key = plan.key("tanaka")
    plan.push("tanaka", f"srt://{local(far.srt_port)}", stream_id=f"publish:{far_key}")
    node = start(bench, plan, node__grace_ms=1000)
    push = Call(node, "push", "tanaka", local(far.srt_port))
    push.wait_state("waiting")
    hold_for("waiting", lambda: push.value("isaribi_call_state", ',state="waiting"') and push.attempts() == 0, 2)
    publisher = publish(bench, node, key)
    push.wait_up()
    far.wait_live("tanaka", 40)
    publisher.stop()
    push.wait_state("waiting", 20)
    wait_for("the far side to see the end", lambda: far.metrics()["isaribi_srt_publishers"] == 0, 10)
    publish(bench, node, key)
    push.wait_up()
    wait_for("the far side to have it again", lambda: far.metrics()["isaribi_srt_publishers"] == 1, 10)


def case_advice_names_the_plan(bench):
    far_plan, plan = Plan(), Plan()
    far_key, key = far_plan.key("tanaka"), plan.key("tanaka")
    far = start(bench, far_plan)
    # 4 times 200 ms is more than the 500 that a plan without latency_ms asks for.
    bad = link.udp_link(bench, far.srt_port, "delay 100 up loss 2%")
    plan.push("tanaka", f"srt://{local(bad.port)}", stream_id=f"publish:{far_key}")
    node = start(bench, plan)
    publish(bench, node, key)
    Call(node, "push", "tanaka", local(bad.port)).wait_up()
    labels = f'stream="tanaka",link="push {local(bad.port)}"'
    wait_for("the advice", lambda: node.metrics().get(f'isaribi_link_advice{{{labels},advice="link_latency"}}'), 40)
    metrics = node.metrics()
    check(metrics[f"isaribi_link_latency_ms{{{labels}}}"] == 500, "not the latency of a plan that names none")
    check(metrics[f"isaribi_link_wanted_latency_ms{{{labels}}}"] >= 800, "it asks for too little")
    check("set latency_ms in the plan to" in node.log(), "the plan is not named in the advice")
    check(not any(name.startswith("isaribi_stream_advice") and "link_" in name for name in metrics),
          "advice about a push is shown as the publisher's")


def case_pull_waits_for_the_far_stream(bench):
    far_plan, plan = Plan(), Plan()
    far_key = far_plan.key("tanaka")
    far = start(bench, far_plan)
    plan.pull("cam", f"srt://{local(far.srt_port)}", stream_id="request:tanaka")
    node = start(bench, plan)
    pull = Call(node, "pull", "cam", local(far.srt_port))
    pull.wait_up()
    check(node.metrics()["isaribi_streams_live"] == 0, "a stream without media is live")
    pull.wait_reason("the stream did not begin in time", 20)
    publish(bench, far, far_key)
    node.wait_live("cam", 60)


def case_pull_takes_from_nobody(bench):
    far_plan, plan = Plan(), Plan()
    far_key, key = far_plan.key("tanaka"), plan.key("cam")
    far = start(bench, far_plan)
    node = start(bench, plan)
    own = publish(bench, node, key)
    node.wait_live("cam")
    publish(bench, far, far_key)
    far.wait_live("tanaka")
    plan.pull("cam", f"srt://{local(far.srt_port)}", stream_id="request:tanaka")
    node.reload()
    pull = Call(node, "pull", "cam", local(far.srt_port))
    pull.wait_reason("another key is publishing to this stream")
    check(own.is_running() and node.metrics()["isaribi_takeovers_total"] == 0, "the publisher was disturbed")
    own.stop()
    pull.wait_up()
    wait_for("the pull to publish", lambda: node.metrics()["isaribi_srt_publishers"] == 1)
    # And nobody takes from it, nor does a new plan end what it does not change.
    clients.expect_refused(clients.ffmpeg_publish(bench, node.publish_url(key), clients.make_flv(bench, "b", 5)))
    attempts = pull.attempts()
    plan.key("other")
    node.reload()
    wait_for("the new plan", lambda: f"plan rev {plan.rev - 1}" in node.log())
    hold_for("the pull", lambda: pull.up() == 1 and pull.attempts() == attempts, 2)


main()
