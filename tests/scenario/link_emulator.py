#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The link emulator judged with real sockets: what it says it does to packets is what a receiver sees.

Limits of time are generous upwards, because another process may have the processor, and sharp downwards: nothing
arrives before its time.
"""
import os
import pathlib
import select
import signal
import socket
import statistics
import struct
import subprocess
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))

from isaribi_test import SANITIZER_MARKS, TOOLS, Failed, check, main, wait_for  # noqa: E402
from link import Emulator, tcp_link, udp_link  # noqa: E402

GATHER_S = 10.0


class UdpServer:
    """Keeps what it receives: (payload, address, time). echo: sends it back, too."""

    def __init__(self, bench, echo=False, host="127.0.0.1"):
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        self.sock.bind((host, 0))
        self.sock.settimeout(0.1)
        self.port = self.sock.getsockname()[1]
        self.got = []
        self.echo = echo
        self.is_over = False
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()
        bench.at_end.append(self.close)

    def _run(self):
        while not self.is_over:
            try:
                data, address = self.sock.recvfrom(65536)
            except TimeoutError:
                continue
            self.got.append((data, address, time.monotonic()))
            if self.echo:
                self.sock.sendto(data, address)

    def close(self):
        self.is_over = True
        self.thread.join()
        self.sock.close()

    def numbers(self):
        return [struct.unpack("!I", data[:4])[0] for data, _, _ in list(self.got)]


def client(host="127.0.0.1"):
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind((host, 0))
    sock.settimeout(GATHER_S)
    return sock


def send_numbered(sock, link, count, size=100, first=0, pace_s=0.0):
    for n in range(first, first + count):
        sock.sendto(struct.pack("!I", n) + bytes(size - 4), ("127.0.0.1", link.port))
        if n % 50 == 49:
            # The receiving buffers are finite; the answer also says that these have been taken in.
            link.emulator.command("sync")
        if pace_s:
            select.select([], [], [], pace_s)


def wait_for_count(server, link):
    """Everything the link forwarded has been received; the statistics."""
    stats = link.wait_idle()
    wait_for("the packets that were forwarded", lambda: len(server.got) >= stats["up"]["forwarded"], GATHER_S)
    return stats


def round_trips(sock, link, count):
    times = []
    for n in range(count):
        started = time.monotonic()
        sock.sendto(b"%d" % n, ("127.0.0.1", link.port))
        check(sock.recv(100) == b"%d" % n, "another packet came back")
        times.append((time.monotonic() - started) * 1e3)
    return times


def case_plain_wire(bench):
    """Without settings all arrives, in order and unchanged, and each client is a peer of its own."""
    server = UdpServer(bench, echo=True)
    link = udp_link(bench, server.port)
    with client() as a, client() as b:
        for sock, text in ((a, b"from a"), (b, b"from b"), (a, b""), (b, bytes(range(256)) * 200)):
            sock.sendto(text, ("127.0.0.1", link.port))
            check(sock.recv(65536) == text, f"{text[:10]} did not come back")
        addresses = {address for _, address, _ in server.got}
        check(len(addresses) == 2, f"two clients are {len(addresses)} peers")
        send_numbered(a, link, 500)
        stats = wait_for_count(server, link)
    check(stats["up"]["in"] == stats["up"]["forwarded"] == 504, f"{stats['up']}")
    check(stats["clients"] == 2 and stats["kernel_drops"] == 0, f"{stats}")


def case_delay(bench):
    server = UdpServer(bench, echo=True)
    link = udp_link(bench, server.port, "delay 40")
    with client() as sock:
        times = round_trips(sock, link, 20)
        check(min(times) >= 80, f"a round trip of 2 x 40 ms took {min(times):.2f} ms")
        check(statistics.median(times) < 90, f"round trips take {statistics.median(times):.1f} ms, not 80")
        link.set("down delay 5")
        times = round_trips(sock, link, 20)
        check(min(times) >= 45 and statistics.median(times) < 55, f"40 + 5 ms took {statistics.median(times):.1f} ms")


def case_jitter_and_order(bench):
    server = UdpServer(bench)
    link = udp_link(bench, server.port, "delay 30 jitter 25")
    with client() as sock:
        send_numbered(sock, link, 300, pace_s=0.001)
        wait_for_count(server, link)
        check(server.numbers() == list(range(300)), "jitter that keeps order did not")
        server.got.clear()
        link.set("order free")
        send_numbered(sock, link, 300, first=0, pace_s=0.001)
        wait_for("300 packets", lambda: len(server.got) == 300, GATHER_S)
        check(server.numbers() != list(range(300)), "free jitter never reordered")
        check(sorted(server.numbers()) == list(range(300)), "free jitter lost or doubled something")


def case_loss_is_what_the_books_say(bench):
    server = UdpServer(bench)
    link = udp_link(bench, server.port, "up loss 10% burst 5% 4")
    with client() as sock:
        send_numbered(sock, link, 4000)
        stats = wait_for_count(server, link)["up"]
    missing = 4000 - len(server.got)
    check(missing == stats["lost_random"] + stats["lost_burst"], f"{missing} are missing: {stats}")
    check(300 < stats["lost_random"] < 480, f"10 % of 4000: {stats['lost_random']}")
    check(100 < stats["lost_burst"] < 340, f"5 % of 4000: {stats['lost_burst']}")


def lost_with(bench, seed):
    server = UdpServer(bench)
    link = udp_link(bench, server.port, "loss 20% jitter 3 order free", seed=seed)
    with client() as sock:
        send_numbered(sock, link, 400)
        wait_for_count(server, link)
    return set(range(400)) - set(server.numbers())


def case_same_seed_same_losses(bench):
    first, second, other = lost_with(bench, 7), lost_with(bench, 7), lost_with(bench, 8)
    check(first == second and first, "the same seed lost other packets")
    check(first != other, "another seed lost the same packets")


def case_duplicates_and_reordering(bench):
    server = UdpServer(bench)
    link = udp_link(bench, server.port, "up duplicate 20% reorder 10% reorder-by 20")
    with client() as sock:
        send_numbered(sock, link, 500, pace_s=0.0005)
        stats = wait_for_count(server, link)["up"]
    numbers = server.numbers()
    check(set(numbers) == set(range(500)), "something was lost")
    check(len(numbers) == 500 + stats["duplicated"] and 50 < stats["duplicated"] < 160, f"{stats['duplicated']} twins")
    overtaken = sum(1 for a, b in zip(numbers, numbers[1:]) if b < a)
    check(20 < stats["reordered"] < 90 and overtaken > 5, f"{stats['reordered']} held back, {overtaken} overtaken")


def case_corruption_reaches_the_receiver(bench):
    server = UdpServer(bench)
    link = udp_link(bench, server.port, "up corrupt 30%")
    with client() as sock:
        for _ in range(300):
            sock.sendto(b"\x55" * 200, ("127.0.0.1", link.port))
        stats = wait_for_count(server, link)["up"]
    wrong = [data for data, _, _ in server.got if data != b"\x55" * 200]
    check(len(server.got) == 300 and all(len(data) == 200 for data in wrong), "corruption changed a length")
    check(len(wrong) == stats["corrupted"] and 50 < len(wrong) < 140, f"{len(wrong)} wrong, {stats['corrupted']} counted")
    bits = [sum(bin(byte ^ 0x55).count("1") for byte in data) for data in wrong]
    check(all(1 <= n <= 3 for n in bits), f"bits flipped: {sorted(set(bits))}")


def case_cut_one_way_and_restore(bench):
    server = UdpServer(bench, echo=True)
    link = udp_link(bench, server.port)
    with client() as sock:
        round_trips(sock, link, 3)
        link.set("down outage on")
        sock.sendto(b"one way", ("127.0.0.1", link.port))
        wait_for("the way up", lambda: server.got[-1][0] == b"one way")
        wait_for("the loss of the answer", lambda: link.stats()["down"]["lost_outage"] == 1)
        link.set("both cut on")
        sock.sendto(b"no way", ("127.0.0.1", link.port))
        wait_for("the loss", lambda: link.stats()["up"]["lost_outage"] == 1)
        link.set("outage off cut off")
        times = round_trips(sock, link, 3)
        check(max(times) < 1000, f"after the cut: {times}")
        check(all(data != b"no way" for data, _, _ in server.got), "a cut link let something through")
        link.set("outage 300")
        started = time.monotonic()
        while link.stats()["up"]["lost_outage"] < 2:
            sock.sendto(b"lost", ("127.0.0.1", link.port))
        wait_for("the end of the outage", lambda: sock.sendto(b"?", ("127.0.0.1", link.port)) and any(
            data == b"?" for data, _, _ in server.got))
        check(time.monotonic() - started >= 0.299, "an outage of 300 ms was shorter")


def case_freeze_delivers_late(bench):
    server = UdpServer(bench)
    link = udp_link(bench, server.port)
    with client() as sock:
        started = time.monotonic()
        link.set("freeze 250")
        send_numbered(sock, link, 20)
        wait_for("the packets after the freeze", lambda: len(server.got) == 20, GATHER_S)
    first = min(at for _, _, at in server.got) - started
    check(0.25 <= first < 1.5, f"the first came after {first * 1e3:.0f} ms")
    check(server.numbers() == list(range(20)), "not in order")


def case_rebind_is_a_new_address(bench):
    server = UdpServer(bench, echo=True, host="0.0.0.0")
    link = udp_link(bench, server.port)
    with client() as sock:
        round_trips(sock, link, 1)
        before = server.got[-1][1]
        link.set("rebind")
        round_trips(sock, link, 1)
        after = server.got[-1][1]
        check(before != after and before[0] == after[0], f"{before} became {after}")
        link.set("rebind-to 127.0.0.9")
        round_trips(sock, link, 1)
        check(server.got[-1][1][0] == "127.0.0.9", f"the server sees {server.got[-1][1]}")
        server.sock.sendto(b"stale", before)
        round_trips(sock, link, 2)
        check(link.stats()["clients"] == 1, "one client became several")


def case_rate_and_queue(bench):
    """1 Mb/s: 100 packets of 1,250 bytes on the wire take a second; the queue takes 200 ms, 20 packets."""
    server = UdpServer(bench)
    link = udp_link(bench, server.port, "up rate 1mbit queue off")
    with client() as sock:
        send_numbered(sock, link, 101, size=1250 - 28)
        wait_for("all packets", lambda: len(server.got) == 101, GATHER_S)
        times = [at for _, _, at in server.got]
        took = times[-1] - times[0]
        check(0.9 < took < 1.6, f"100 packets took {took:.3f} s instead of 1")
        server.got.clear()
        link.set("up queue 200ms")
        for n in range(100):
            sock.sendto(struct.pack("!I", n) + bytes(1250 - 32), ("127.0.0.1", link.port))
        stats = link.wait_idle()["up"]
        wait_for("the queue", lambda: len(server.got) == 100 - stats["dropped_queue"], GATHER_S)
        check(70 <= stats["dropped_queue"] <= 80, f"{stats['dropped_queue']} of 100 did not fit")


def case_mtu_black_hole(bench):
    server = UdpServer(bench)
    link = udp_link(bench, server.port, "up mtu 1200")
    with client() as sock:
        for size in (1172, 1173, 1400, 100):
            sock.sendto(bytes(size), ("127.0.0.1", link.port))
        stats = wait_for_count(server, link)["up"]
    check([len(data) for data, _, _ in server.got] == [1172, 100], "1,200 bytes with headers are the limit")
    check(stats["dropped_mtu"] == 2, f"{stats}")


def case_script_and_trigger(bench):
    script = "0 up loss 100%\n200 clear\non storm\n0 up outage on\n+300 up outage off\n"
    server = UdpServer(bench)
    link = udp_link(bench, server.port, script=script)
    with client() as sock:
        def ping():
            sock.sendto(b"?", ("127.0.0.1", link.port))
            return len(server.got) > 0
        wait_for("the script's second line", ping)
        check(link.stats()["up"]["lost_random"] > 0, "the script's first line did nothing")
        started = time.monotonic()
        link.trigger("storm")
        sock.sendto(b"in the storm", ("127.0.0.1", link.port))
        check(link.wait_idle()["up"]["lost_outage"] == 1, "the storm let a packet through")
        server.got.clear()
        wait_for("the end of the storm", ping)
        check(time.monotonic() - started >= 0.299, "the storm was too short")
        for wrong, expected in (("up los 5%", "expected up, down, both"), ("profile moon", "cable-good"),
                                ("trigger calm", "expected the name of a track"), ("rate fast", "a rate")):
            try:
                link.set(wrong)
                check(False, f"{wrong} was accepted")
            except Failed as error:
                check(expected in str(error), f"{wrong}: {error}")
        link.set("profile lte")
        path = bench.new_dir("script") / "flap.txt"
        path.write_text("0 outage on\non calm\n0 clear\n")
        lost = link.stats()["up"]["lost_outage"]
        link.emulator.command(f"main: script {path}")
        sock.sendto(b"lost", ("127.0.0.1", link.port))
        check(link.stats()["up"]["lost_outage"] == lost + 1, "the new script's first line does not hold yet")
        link.trigger("calm")
        server.got.clear()
        wait_for("the calm", ping)


def case_says_what_is_wrong(bench):
    """Nothing starts with a mistake; the error names the line and what was expected."""
    path = bench.new_dir("script") / "bad.txt"
    path.write_text("0 delay 40\n10 loss 5 %\n")
    here = "127.0.0.1:9"
    for spec, expected in ((f"{here},script={path}", f"{path}: line 2: expected a share such as 5%"),
                           (f"{here},script={path}x", "No such file"), (f"{here},set=rate 6", "off or a rate"),
                           (f"{here},set=profile moon", "expected a profile: cable-good"),
                           ("localhost:9", "expected a target such as"), ("127.0.0.1", "expected a target such as"),
                           (f"{here},listen=1.2.3", "expected listen=ADDR:PORT"), (f"{here},nam=a", "expected name="),
                           (f"{here},listen=203.0.113.1:1", "cannot listen")):
        done = subprocess.run([TOOLS / "link_emulator", "--udp", spec], stdin=subprocess.DEVNULL, capture_output=True,
                              text=True, timeout=30, check=False)
        check(done.returncode in (1, 2) and expected in done.stderr, f"{spec}: {done.returncode}: {done.stderr}")
        check(not any(mark in done.stderr for mark in SANITIZER_MARKS), done.stderr)
        check(done.stdout == "", f"{spec}: it said it was ready")
    profiles = subprocess.run([TOOLS / "link_emulator", "--profiles"], capture_output=True, text=True, timeout=30,
                              check=True).stdout
    check(profiles.count("\n# ") + 1 == 6 and "# typhoon-lte\n" in profiles, f"profiles: {profiles}")


def case_commands_in_pieces(bench):
    """A command may come in pieces, several in one; a line without end is refused and the next one heard."""
    server = UdpServer(bench)
    link = udp_link(bench, server.port)
    stdin = link.emulator.popen.stdin
    for piece in (b"sy", b"nc\nde", b"lay 5\nsync\n"):
        stdin.write(piece)
        stdin.flush()
    stdin.write(b"delay " + b"1" * 10000 + b"\nsync\nnobody: sync\n\n")
    stdin.flush()
    answers = [link.emulator._line() for _ in range(7)]
    check(answers[:3] == ["ok"] * 3 and answers[4] == "ok", f"{answers}")
    check(answers[3].startswith("error expected at most"), f"{answers}")
    check(answers[5].startswith("error expected the name of a link"), f"{answers}")
    check(answers[6].startswith("error expected settings"), f"{answers}")


def case_ipv6(bench):
    server = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    with server, socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as sock:
        server.bind(("::1", 0))
        server.settimeout(GATHER_S)
        sock.settimeout(GATHER_S)
        link = udp_link(bench, f"[::1]:{server.getsockname()[1]}", "mtu 1048")
        for size in (1001, 1000):
            sock.sendto(bytes(size), ("::1", link.port))
        data, address = server.recvfrom(2000)
        check(len(data) == 1000, "40 + 8 bytes of headers count")
        server.sendto(b"back", address)
        check(sock.recv(100) == b"back", "no way back")


def case_several_links_and_ends(bench):
    a, b = UdpServer(bench, echo=True), UdpServer(bench, echo=True)
    emulator = Emulator(bench, [("main", "udp", a.port, {}), ("backup", "udp", b.port, {"settings": "delay 10"})])
    with client() as sock:
        round_trips(sock, emulator["main"], 1)
        check(min(round_trips(sock, emulator["backup"], 3)) >= 20, "the second link has no delay")
        emulator["main"].set("outage on")
        round_trips(sock, emulator["backup"], 1)
        sock.sendto(b"lost", ("127.0.0.1", emulator["main"].port))
        check(emulator["main"].wait_idle()["up"]["lost_outage"] == 1, "the outage hit the other link")
        emulator.command("both delay 2h")
        sock.sendto(b"never", ("127.0.0.1", emulator["backup"].port))
        check(emulator["backup"].stats()["up"]["waiting"] == 1, "a packet should travel for two hours")
    emulator.popen.stdin.close()
    wait_for("the end at the end of input", lambda: not emulator.is_running())
    quiet = Emulator(bench, [("main", "tcp", a.port, {})])
    os.kill(quiet.popen.pid, signal.SIGTERM)
    check(quiet.popen.wait(10) == 0, "SIGTERM did not end it well")


# -- streams ---------------------------------------------------------------------------------------------------------


class TcpServer:
    """Accepts; each connection's bytes and times are kept, and echoed when asked for."""

    def __init__(self, bench, echo=False):
        self.sock = socket.create_server(("127.0.0.1", 0))
        self.sock.settimeout(0.1)
        self.port = self.sock.getsockname()[1]
        self.echo = echo
        self.got = []  # (number of bytes so far, time)
        self.data = bytearray()
        self.ends = []
        self.is_over = False
        self.threads = [threading.Thread(target=self._accept, daemon=True)]
        self.threads[0].start()
        bench.at_end.append(self.close)

    def _accept(self):
        while not self.is_over:
            try:
                conn, _ = self.sock.accept()
            except TimeoutError:
                continue
            self.threads.append(threading.Thread(target=self._serve, args=(conn,), daemon=True))
            self.threads[-1].start()

    def _serve(self, conn):
        conn.settimeout(0.1)
        with conn:
            while not self.is_over:
                try:
                    data = conn.recv(65536)
                except TimeoutError:
                    continue
                except ConnectionResetError:
                    self.ends.append("reset")
                    return
                if not data:
                    self.ends.append("end")
                    return
                self.data += data
                self.got.append((len(self.data), time.monotonic()))
                if self.echo:
                    conn.sendall(data)

    def close(self):
        self.is_over = True
        for thread in self.threads:
            thread.join()
        self.sock.close()


def connect(link):
    sock = socket.create_connection(("127.0.0.1", link.port), 5)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.settimeout(GATHER_S)
    return sock


def receive(sock, size):
    data = b""
    while len(data) < size:
        more = sock.recv(size - len(data))
        check(more, f"the stream ended after {len(data)} of {size} bytes")
        data += more
    return data


def is_reset(sock):
    try:
        sock.recv(100)
    except ConnectionResetError:
        return True
    return False


def is_connection_reset(link):
    """A new connection; the reset may come before connect returns."""
    try:
        with connect(link) as sock:
            return is_reset(sock)
    except ConnectionResetError:
        return True


def case_tcp_delay_and_bytes(bench):
    server = TcpServer(bench, echo=True)
    link = tcp_link(bench, server.port, "delay 20 jitter 10 loss 1% rto 10")
    payload = os.urandom(1 << 20)
    with connect(link) as sock:
        started = time.monotonic()
        sock.sendall(b"x")
        check(receive(sock, 1) == b"x", "another byte came back")
        took = time.monotonic() - started
        check(0.02 <= took < 0.5, f"the first round trip took {took * 1e3:.1f} ms")
        sender = threading.Thread(target=sock.sendall, args=(payload,))
        sender.start()
        check(receive(sock, len(payload)) == payload, "other bytes came back")
        sender.join()
        sock.shutdown(socket.SHUT_WR)
        check(sock.recv(1) == b"", "the end did not come back")
    wait_for("the end at the server", lambda: server.ends == ["end"])
    check(link.stats()["up"]["stalled"] > 0, "1 % of 725 segments: none waited")


def case_tcp_outage_stands_still(bench):
    server = TcpServer(bench)
    link = tcp_link(bench, server.port)
    with connect(link) as sock:
        sock.sendall(b"before")
        wait_for("the bytes before", lambda: bytes(server.data) == b"before")
        link.set("outage on")
        sock.sendall(b" after")
        check(link.stats()["up"]["waiting"] == 1, "the bytes do not wait")
        select.select([], [], [], 0.3)  # nothing to wait for: nothing must happen
        check(bytes(server.data) == b"before", "an outage let bytes through")
        link.set("outage off")
        wait_for("the bytes after", lambda: bytes(server.data) == b"before after")
        check(server.ends == [], "the connection did not survive")


def case_tcp_rate(bench):
    """4 Mb/s: 500 KB take a second, and the sender is held up by it."""
    server = TcpServer(bench)
    link = tcp_link(bench, server.port, "up rate 4mbit queue 64000")
    with connect(link) as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 65536)
        started = time.monotonic()
        sock.sendall(bytes(1_500_000))
        sent = time.monotonic() - started
        wait_for("all bytes", lambda: len(server.data) == 1_500_000, 20)
        took = server.got[-1][1] - started
    check(2.9 < took < 4.5, f"1.5 MB at 4 Mb/s took {took:.2f} s instead of 3")
    check(sent > 1.5, f"the sender was rid of 1.5 MB after {sent:.2f} s: buffers are too large")


def case_tcp_cut_resets(bench):
    server = TcpServer(bench, echo=True)
    link = tcp_link(bench, server.port)
    with connect(link) as sock:
        sock.sendall(b"x")
        receive(sock, 1)
        link.set("cut on")
        check(is_reset(sock), "the client was not reset")
        wait_for("the server's reset", lambda: server.ends == ["reset"])
    check(is_connection_reset(link), "a cut link took a connection")
    link.set("cut off")
    with connect(link) as sock:
        sock.sendall(b"y")
        check(receive(sock, 1) == b"y", "no way after the cut")
        link.set("reset")
        check(is_reset(sock), "reset did not")
    stats = link.stats()
    check(stats["accepted"] == 2 and stats["refused"] == 1 and stats["connections"] == 0, f"{stats}")


def case_tcp_no_server(bench):
    server = TcpServer(bench)
    server.close()
    link = tcp_link(bench, server.port)
    check(is_connection_reset(link), "a connection to nobody was not reset")


if __name__ == "__main__":
    main()
