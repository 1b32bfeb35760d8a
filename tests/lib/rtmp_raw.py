# SPDX-License-Identifier: Apache-2.0
"""RTMP 1.0 byte by byte, so that every byte can be wrong: AMF0, chunks, FLV bodies, and a peer that speaks them."""
import random
import socket
import struct
import time

SET_CHUNK_SIZE, ABORT, ACK, USER_CONTROL, WINDOW_ACK_SIZE, SET_PEER_BANDWIDTH = range(1, 7)
AUDIO, VIDEO, DATA_AMF3, COMMAND_AMF3, DATA, COMMAND = 8, 9, 15, 17, 18, 20
PING_REQUEST, PING_RESPONSE = 6, 7
CHUNK_DEFAULT = 128
EXTENDED = 0xffffff
HANDSHAKE_BYTES = 3073  # S0, S1 and S2
WAIT_S = 20.0


class Raw(bytes):
    """AMF0 that is already encoded, rightly or not."""


def name_of(text):
    data = text if isinstance(text, bytes) else text.encode()
    return struct.pack(">H", len(data)) + data


def amf(*values):
    """AMF0 of each value; bytes are a string of those bytes."""
    out = b""
    for v in values:
        if isinstance(v, Raw):
            out += v
        elif v is None:
            out += b"\x05"
        elif isinstance(v, bool):
            out += b"\x01" + bytes([v])
        elif isinstance(v, (int, float)):
            out += b"\x00" + struct.pack(">d", v)
        elif isinstance(v, dict):
            out += b"\x03" + b"".join(name_of(k) + amf(x) for k, x in v.items()) + b"\0\0\x09"
        else:
            data = v if isinstance(v, bytes) else v.encode()
            out += b"\x02" + name_of(data) if len(data) < 65536 else b"\x0c" + struct.pack(">I", len(data)) + data
    return out


def basic(form, csid):
    """§5.3.1.1, in one, two or three bytes."""
    if csid < 64:
        return bytes([form << 6 | csid])
    if csid < 320:
        return bytes([form << 6, csid - 64])
    return bytes([form << 6 | 1]) + struct.pack("<H", csid - 64)


def header(kind, length, *, csid=3, timestamp=0, stream_id=0, form=0):
    """The header of a chunk that begins a message: type 0, 1 or 2; length need not be true."""
    field = min(timestamp, EXTENDED)
    out = basic(form, csid) + field.to_bytes(3, "big")
    if form < 2:
        out += length.to_bytes(3, "big") + bytes([kind])
    if form == 0:
        out += struct.pack("<I", stream_id)
    return out + (struct.pack(">I", timestamp) if field == EXTENDED else b"")


def message(kind, payload=b"", *, csid=3, timestamp=0, stream_id=0, chunk=CHUNK_DEFAULT):
    """A whole message: type 0, then type 3."""
    first = header(kind, len(payload), csid=csid, timestamp=timestamp, stream_id=stream_id)
    again = basic(3, csid) + (struct.pack(">I", timestamp) if timestamp >= EXTENDED else b"")
    return first + again.join(payload[at:at + chunk] for at in range(0, len(payload), chunk))


def command(*values, stream_id=0):
    return message(COMMAND, amf(*values), stream_id=stream_id)


def connect(app):
    return command("connect", 1, {"app": app, "tcUrl": f"rtmp://127.0.0.1/{app}", "flashVer": "FMLE/3.0"})


def start(what, name):
    """createStream, then publish or play."""
    return command("createStream", 2, None) + command(what, 3, None, name, stream_id=1)


def ping(value):
    return message(USER_CONTROL, struct.pack(">HI", PING_REQUEST, value), csid=2)


# FLV bodies


def video(body, timestamp, *, is_key=False, packet_type=1):
    head = bytes([0x17 if is_key else 0x27, packet_type, 0, 0, 0])
    return message(VIDEO, head + body, csid=6, timestamp=timestamp, stream_id=1)


def avcc(sets, *, length_size=4):
    """An AVCDecoderConfigurationRecord of [SPS], [PPS]; see ISO 14496-15 §5.3.3.1."""
    sps, pps = sets
    profile = sps[0][1:4] if sps and len(sps[0]) > 3 else b"\x42\x00\x1e"
    return (b"\x01" + profile.ljust(3, b"\0") + bytes([0xfc | (length_size - 1), 0xe0 | len(sps)]) +
            b"".join(name_of(s) for s in sps) + bytes([len(pps)]) + b"".join(name_of(p) for p in pps))


def sets_of(record):
    """The first SPS and the first PPS of a record with one of each."""
    n = int.from_bytes(record[6:8], "big")
    sps = record[8:8 + n]
    m = int.from_bytes(record[9 + n:11 + n], "big")
    return sps, record[11 + n:11 + n + m]


class Reader:
    """The server's chunks to (type, timestamp, payload); the server never interrupts a message."""

    def __init__(self, skip_bytes=0):
        self.data = b""
        self.skip_bytes = skip_bytes  # of a handshake that nobody looks at
        self.chunk = CHUNK_DEFAULT
        self.streams = {}  # csid -> [timestamp, length, type, is_extended, payload so far]

    def feed(self, data):
        self.data += data[self.skip_bytes:]
        self.skip_bytes -= min(self.skip_bytes, len(data))
        while (taken := self._chunk()) is not None:
            if taken:
                yield taken

    def _chunk(self):
        """A message, () when a chunk did not end one, None when bytes are missing."""
        d = self.data
        if len(d) < 1:
            return None
        form, csid, at = d[0] >> 6, d[0] & 63, 1
        size = (11, 7, 3, 0)[form]
        s = list(self.streams.get(csid, [0, 0, 0, False, b""]))
        if len(d) < at + size:
            return None
        field = int.from_bytes(d[at:at + 3], "big") if form < 3 else 0
        if form < 2:
            s[1], s[2] = int.from_bytes(d[at + 3:at + 6], "big"), d[at + 6]
        at += size
        s[3] = field == EXTENDED if form < 3 else s[3]
        if s[3]:
            if len(d) < at + 4:
                return None
            field = int.from_bytes(d[at:at + 4], "big")
            at += 4
        if form < 3:
            s[0] = field if form == 0 else s[0] + field & 0xffffffff
        n = min(self.chunk, s[1] - len(s[4]))
        if len(d) < at + n:
            return None
        s[4] += d[at:at + n]
        self.data = d[at + n:]
        self.streams[csid] = s
        if len(s[4]) < s[1]:
            return ()
        whole, s[4] = s[4], b""
        if s[2] == SET_CHUNK_SIZE:
            self.chunk = int.from_bytes(whole[:4], "big")
        return s[2], s[0], whole


class Peer:
    """One connection. piece_bytes: how many bytes go into one send(), None for all."""

    END_BYTES = 64 * 1024  # of a long text only so much at both ends goes in pieces

    def __init__(self, port, piece_bytes=None):
        self.sock = socket.create_connection(("127.0.0.1", port), 5)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.port = self.sock.getsockname()[1]
        self.piece_bytes = piece_bytes
        self.reader = Reader()
        self.messages = []
        self.is_closed = False

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.sock.close()

    def send(self, data):
        """False when the server has hung up before everything was sent."""
        self.sock.settimeout(WAIT_S)
        try:
            if self.piece_bytes is None:
                self.sock.sendall(data)
            else:
                self._send_pieces(memoryview(data))
        except (ConnectionResetError, BrokenPipeError):
            return False
        return True

    def _send_pieces(self, data):
        at = 0
        while at < len(data):
            is_middle = len(data) > 2 * self.END_BYTES and at == self.END_BYTES // self.piece_bytes * self.piece_bytes
            n = len(data) - 2 * self.END_BYTES if is_middle else self.piece_bytes
            self.sock.sendall(data[at:at + n])
            at += n

    def read(self, seconds):
        """What came within seconds, at most one recv of it: True when there may be more. A hang-up is an end, too."""
        self.sock.settimeout(max(seconds, 0.001))
        try:
            data = self.sock.recv(65536)
        except TimeoutError:
            return True
        except ConnectionResetError:
            data = b""
        self.is_closed = not data
        self.messages += list(self.reader.feed(data))
        return not self.is_closed

    def wait(self, seen, seconds=WAIT_S):
        """Reads until seen() is true. False: the server closed, or time was up."""
        end = time.monotonic() + seconds
        while not seen():
            left = end - time.monotonic()
            if left <= 0 or self.is_closed or not self.read(left):
                return bool(seen())
        return True

    def wait_closed(self, seconds=WAIT_S):
        return self.wait(lambda: self.is_closed, seconds)

    def shake_hands(self):
        """A plain handshake; the server's side of it is not judged here."""
        if not self.send(b"\x03" + b"\0" * 8 + random.Random(1).randbytes(1528)):
            return False
        self.sock.settimeout(WAIT_S)
        got = 0
        while got < HANDSHAKE_BYTES:
            data = self.sock.recv(HANDSHAKE_BYTES - got)
            if not data:
                return False
            got += len(data)
        return self.send(b"\0" * 1536)

    def has_status(self, code):
        return any(kind == COMMAND and code.encode() in payload for kind, _, payload in self.messages)

    def begin(self, app, what, name):
        """connect and publish or play, as a well-behaved client; True once it is granted."""
        code = "NetStream.Publish.Start" if what == "publish" else "NetStream.Play.Start"
        return (self.send(connect(app)) and self.wait(lambda: self.has_status("NetConnection.Connect.Success")) and
                self.send(start(what, name)) and self.wait(lambda: self.has_status(code)))

    def answers_ping(self, seconds=WAIT_S):
        """True when the server obeys us still: everything sent before has been read by then."""
        self.ping_value = getattr(self, "ping_value", 0x5a000000) + 1
        wanted = struct.pack(">HI", PING_RESPONSE, self.ping_value)
        return self.send(ping(self.ping_value)) and self.wait(
            lambda: any(kind == USER_CONTROL and payload == wanted for kind, _, payload in self.messages), seconds)

    def media(self, kind=VIDEO):
        """Timestamps of the frames that came, sequence headers left out."""
        return [t for k, t, payload in self.messages if k == kind and len(payload) > 1 and payload[1] == 1]
