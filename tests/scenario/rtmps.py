#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""RTMP under TLS: publish and play, a certificate that is renewed while people are on, and peers that speak no TLS."""
import hashlib
import pathlib
import re
import signal
import socket
import ssl
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))

import clients  # noqa: E402
from isaribi_test import BIN, Plan, check, main, wait_for  # noqa: E402


def make_certificate(bench, place, name):
    bench.run("openssl", ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", f"/CN={name}",
                          "-keyout", place / "key.pem", "-out", place / "cert.pem"], 30)


def start(bench, plan):
    place = bench.new_dir("tls")
    make_certificate(bench, place, "first.example")
    node = bench.node(plan, {"rtmps.listen": "127.0.0.1:0", "tls.cert": place / "cert.pem", "tls.key": place / "key.pem"})
    port = int(re.search(r"^ready .*\brtmps=(\d+)", node.process.out(), re.M)[1])
    return node, port, place


def connect(port):
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context.wrap_socket(socket.create_connection(("127.0.0.1", port), 10))


def shown_certificate(port):
    with connect(port) as peer:
        return hashlib.sha256(peer.getpeercert(True)).hexdigest()


def case_publish_and_play(bench):
    plan = Plan()
    key = plan.key("tanaka")
    node, port, _ = start(bench, plan)
    flv = clients.make_flv(bench, seconds=16, size="1280x720", kbit=4000)  # key frames of many TLS records
    publisher = clients.ffmpeg_publish(bench, f"rtmps://127.0.0.1:{port}/live/{key}", flv)
    node.wait_live("tanaka")
    secure, plain = bench.dir / "secure.flv", bench.dir / "plain.flv"
    players = [clients.ffmpeg_record(bench, f"rtmps://127.0.0.1:{port}/play/tanaka", secure, 5),
               clients.ffmpeg_record(bench, node.play_url("tanaka"), plain, 5)]
    for player in players:
        player.expect_success(40)
    for path in (secure, plain):
        clients.check_rtmp_file(path, video_s=3)
        check(clients.decoded_frames(bench, path) > 60, f"{path.name} does not decode")
    publisher.expect_success(40)


def case_certificate_is_renewed(bench):
    plan = Plan()
    key = plan.key("tanaka")
    node, port, place = start(bench, plan)
    before = shown_certificate(port)
    publisher = clients.ffmpeg_publish(bench, f"rtmps://127.0.0.1:{port}/live/{key}", clients.make_flv(bench, seconds=12))
    node.wait_live("tanaka")
    make_certificate(bench, place, "second.example")
    node.process.signal(signal.SIGHUP)
    wait_for("the new certificate", lambda: shown_certificate(port) != before, 10)
    after = shown_certificate(port)
    (place / "cert.pem").write_text("-----BEGIN CERTIFICATE-----\nnonsense\n-----END CERTIFICATE-----\n")
    node.process.signal(signal.SIGHUP)
    wait_for("the complaint", lambda: "the old certificate stays" in node.log(), 10)
    check(shown_certificate(port) == after, "a broken file has replaced a good certificate")
    publisher.expect_success(40)
    check(node.metrics()["isaribi_takeovers_total"] == 0, "the publisher had to come back")


def case_peers_without_tls(bench):
    node, port, _ = start(bench, Plan())
    for name, raw in (("rtmp", b"\x03" + bytes(1536)), ("http", b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"), ("zeros", bytes(4000))):
        with socket.create_connection(("127.0.0.1", port), 10) as peer:
            peer.sendall(raw)
            peer.settimeout(10)
            try:
                while peer.recv(4096):
                    pass
            except ConnectionResetError:
                pass
        wait_for(f"{name} to be gone", lambda: node.metrics()["isaribi_rtmp_connections"] == 0, 10)
    # Half a handshake is a silent peer: it goes at the deadline of the handshake.
    with socket.create_connection(("127.0.0.1", port), 10) as peer:
        peer.sendall(b"\x16\x03\x01\x02\x00\x01")
        wait_for("the silent one to be gone", lambda: node.metrics()[
            'isaribi_sessions_closed_total{reason="handshake_late"}'] == 1, 15)


def case_without_a_certificate(bench):
    place = bench.new_dir("broken")
    for cert, key in (("", ""), ("nowhere.pem", "nowhere.pem")):
        (place / "c.conf").write_text(f"[rtmps]\nlisten = 127.0.0.1:0\n[rtmp]\nlisten = 127.0.0.1:0\n[http]\nlisten = "
                                      f"127.0.0.1:0\n[tls]\ncert = {cert}\nkey = {key}\n[node]\ndata_dir = {place}\n")
        (place / "p.json").write_text('{"isaribi_plan": 1, "rev": 1}')
        process = bench.start("isaribi-node", [BIN / "isaribi-node", "--config", place / "c.conf", "--plan",
                                               place / "p.json"])
        check(process.wait(10) == 1, "it did not end")
        check("[tls]" in process.err(), f"the section is not named: {process.err()}")


main()
