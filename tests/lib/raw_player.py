# SPDX-License-Identifier: Apache-2.0
"""An RTMP player of our own that says which FourCCs it can have, and keeps every message it gets."""
import os
import socket
import struct
import threading
import time
import urllib.parse

from isaribi_test import check

AUDIO, VIDEO, DATA, COMMAND = 8, 9, 18, 20


def amf_string(text):
    return b"\2" + struct.pack(">H", len(text)) + text.encode()


def amf_number(value):
    return b"\0" + struct.pack(">d", value)


def amf_object(members):
    return b"\3" + b"".join(amf_string(k)[1:] + v for k, v in members) + b"\0\0\x09"


def amf_strings(texts):
    return b"\x0a" + struct.pack(">I", len(texts)) + b"".join(amf_string(t) for t in texts)


class RawPlayer(threading.Thread):
    """fourccs: a list for fourCcList, or None. infos: {'hvc1': mask} for videoFourCcInfoMap. Ends with the connection."""

    def __init__(self, bench, url, fourccs=None, infos=None):
        super().__init__(daemon=True)
        self.url = urllib.parse.urlparse(url)
        self.fourccs, self.infos = fourccs, infos
        self.messages = []  # (type, timestamp, body)
        self.is_closed = False
        self.error = None
        self._socket = socket.create_connection((self.url.hostname, self.url.port), 10)
        self._socket.settimeout(30)
        self._chunk_bytes = 128
        self._streams = {}
        bench.at_end.append(self.stop)
        self.start()

    def run(self):
        try:
            self._handshake()
            self._play()
            while True:
                self._read_chunk()
        except (EOFError, ConnectionResetError):
            self.is_closed = True
        except Exception as error:  # noqa: looked at by stop()
            self.error = error

    def stop(self):
        try:
            self._socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.join(10)
        self._socket.close()
        check(not self.error, f"the raw player: {self.error!r}")

    def bodies(self, kind):
        return [(timestamp, body) for k, timestamp, body in list(self.messages) if k == kind]

    def commands(self):
        return b"".join(body for _, body in self.bodies(COMMAND))

    def _take(self, size):
        data = b""
        while len(data) < size:
            more = self._socket.recv(size - len(data))
            if not more:
                raise EOFError
            data += more
        return data

    def _handshake(self):
        self._socket.sendall(b"\3" + b"\0" * 8 + os.urandom(1528))
        answer = self._take(1 + 1536 + 1536)
        check(answer[0] == 3, "S0 says version 3")
        self._socket.sendall(answer[1:1537])

    def _send_command(self, stream, *values):
        body = b"".join(values)
        head = b"\3" + b"\0\0\0" + len(body).to_bytes(3, "big") + bytes([COMMAND]) + struct.pack("<I", stream)
        chunks = [body[at:at + 128] for at in range(0, len(body), 128)]
        self._socket.sendall(head + b"\xc3".join(chunks))

    def _play(self):
        app, _, name = self.url.path.lstrip("/").partition("/")
        members = [("app", amf_string(app)), ("tcUrl", amf_string(f"rtmp://{self.url.netloc}/{app}"))]
        if self.fourccs is not None:
            members.append(("fourCcList", amf_strings(self.fourccs)))
        if self.infos is not None:
            infos = amf_object([(k, amf_number(v)) for k, v in self.infos.items()])
            members.append(("videoFourCcInfoMap", infos))
        self._send_command(0, amf_string("connect"), amf_number(1), amf_object(members))
        self._send_command(0, amf_string("createStream"), amf_number(2), b"\5")
        self._send_command(1, amf_string("play"), amf_number(3), b"\5", amf_string(name))

    def _read_chunk(self):
        first = self._take(1)[0]
        form, csid = first >> 6, first & 63
        check(csid > 1, "isaribi uses small chunk stream ids")
        stream = self._streams.setdefault(csid, {"timestamp": 0, "size": 0, "type": 0, "data": b"", "extended": False})
        head = self._take((11, 7, 3, 0)[form])
        if form < 3:
            field = int.from_bytes(head[:3], "big")
            stream["extended"] = field == 0xffffff
        if form < 2:
            stream["size"], stream["type"] = int.from_bytes(head[3:6], "big"), head[6]
        if stream["extended"]:
            field = int.from_bytes(self._take(4), "big")
        if form < 3:
            stream["timestamp"] = field if form == 0 else stream["timestamp"] + field
        stream["data"] += self._take(min(self._chunk_bytes, stream["size"] - len(stream["data"])))
        if len(stream["data"]) == stream["size"]:
            self._take_message(stream["type"], stream["timestamp"], stream["data"])
            stream["data"] = b""

    def _take_message(self, kind, timestamp, body):
        if kind == 1:
            self._chunk_bytes = int.from_bytes(body, "big")
        self.messages.append((kind, timestamp, body))

    def wait_closed(self, limit_s=20.0):
        end = time.monotonic() + limit_s
        while not self.is_closed and time.monotonic() < end:
            check(not self.error, f"the raw player: {self.error!r}")
            time.sleep(0.02)
        check(self.is_closed, f"the server did not close within {limit_s:g} s")
