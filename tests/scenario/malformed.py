#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Everything that can be wrong in RTMP, as a table: what is sent, and how it must end. Beside it a broadcast goes on.

Every row runs twice: in whole sends, and seven bytes to a send. A row ends in one of three ways: the server closes
with the reason of the row, which stands in the log line of that very connection and is counted in /metrics; the server
still obeys (it answers a ping that was sent behind it); or it still obeys and a player of the stream gets its pictures.
ISARIBI_ROWS, a regular expression, picks rows by name.
"""
import collections
import concurrent.futures
import contextlib
import dataclasses
import os
import pathlib
import queue
import random
import re
import sys
import threading
import time
import typing

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))

import clients  # noqa: E402
import procfs  # noqa: E402
import rtmp_raw as raw  # noqa: E402
from bystanders import Bystanders  # noqa: E402
from isaribi_test import Failed, Plan, check, is_sanitized, main, sanitizers, wait_for  # noqa: E402
from rtmp_raw import (ABORT, ACK, AUDIO, COMMAND, COMMAND_AMF3, DATA, SET_CHUNK_SIZE, SET_PEER_BANDWIDTH,  # noqa: E402
                      USER_CONTROL, VIDEO, WINDOW_ACK_SIZE, Raw, amf, command, connect, header, message)

SEED = 20261124
PIECE_BYTES = 7
QUICK_WORKERS, PATIENT_WORKERS = 6, 64
FPS, GOP = 10, 10
SECRET = "neverinthelog"  # stands in every wrong key
GROWTH_MAX_KB = 16 * 1024
# A sanitizer keeps what was freed (quarantine) and pads what is held.
GROWTH_MAX_SANITIZED_KB = 64 * 1024
SANITIZER_ENV = {"ASAN_OPTIONS": "quarantine_size_mb=8:malloc_context_size=4"}

# How far the peer comes, rightly, before the row begins.
NOTHING, SHAKEN, CONNECTED, PUBLISHING = "nothing", "shaken", "connected", "publishing"
ANY_REASON = "any"


@dataclasses.dataclass
class Row:
    name: str
    phase: str
    data: typing.Any             # bytes, or pieces with a rest of every_s between them
    reason: str = ""             # of the close; empty: the server must stay
    pictures: int = 0            # that a player must get
    every_s: float = 0.0
    has_ping_each: bool = False  # behind every piece
    is_patient: bool = False     # mostly waits
    is_heavy: bool = False       # makes the node hold megabytes: one of these at a time


def handshakes():
    for version in (0, 1, 2, 4, 5, 6, 0x16, 0x20, ord("G"), 0x80, 0xff):
        yield Row(f"version {version}", NOTHING, bytes([version]) + b"\0" * 1536, "handshake_bad")
    yield Row("HTTP", NOTHING, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", "handshake_bad")
    dice = random.Random(SEED)
    for name, c1 in (("version in C1", b"\0\0\0\0\x80\0\x07\x02" + dice.randbytes(1528)),
                     ("digests at the far end", b"\0\0\0\0\xff\xff\xff\xff" + b"\xff" * 1528)):
        yield Row(name, NOTHING, b"\x03" + c1 + dice.randbytes(1536) + connect("live"))
    yield Row("everything at once", NOTHING, b"\x03" + b"\0" * 1536 + b"\0" * 1536 + connect("live"))
    yield Row("silence", NOTHING, b"", "handshake_late", is_patient=True)
    yield Row("C1 without its last byte", NOTHING, b"\x03" + b"\0" * 1535, "handshake_late", is_patient=True)
    yield Row("C2 without its last byte", NOTHING, b"\x03" + b"\0" * 3071, "handshake_late", is_patient=True)
    yield Row("a byte a second", NOTHING, [b"\x03"] + [b"\0"] * 8, "handshake_late", every_s=1, is_patient=True)
    yield Row("nothing after it", SHAKEN, b"", "start_late", is_patient=True)
    yield Row("pings only", SHAKEN, [raw.ping(n) for n in range(24)], "start_late", every_s=0.5, is_patient=True)


def interruptions():
    begun = header(VIDEO, 5000, csid=6) + b"\x17" * 128
    for phase in (SHAKEN, CONNECTED, PUBLISHING):
        for form, length in ((0, 100), (0, 5000), (0, 60000), (1, 1), (1, 100000), (2, 0)):
            yield Row(f"{phase}: type {form} of {length} in a half-read message", phase,
                      begun + header(VIDEO, length, csid=6, form=form) + b"\x17" * 128, "chunk_interrupted")
        yield Row(f"{phase}: another type in a half-read message", phase,
                  begun + header(COMMAND, 100, csid=6) + b"\0" * 100, "chunk_interrupted")
        for form in (2, 3):
            yield Row(f"{phase}: type {form} on a new chunk stream", phase, bytes([form << 6 | 40]) + b"\0" * 200,
                      "chunk_header")
        yield Row(f"{phase}: Abort of a half-read message, then a new one", phase,
                  begun + message(ABORT, b"\0\0\0\x06", csid=2) + message(99, b"x" * 300, csid=6))
    yield Row("Abort of a chunk stream that is not there", SHAKEN, message(ABORT, b"\xff\xff\xff\xff", csid=2))
    yield Row("half a picture, then nothing", PUBLISHING, begun, "silent", is_patient=True)
    yield Row("half a header, then nothing", SHAKEN, begun[:5], "start_late", is_patient=True)


def reason_of_tiny(kind, length, phase):
    if kind in (SET_CHUNK_SIZE, ABORT):
        return "chunk_control"
    if kind in (ACK, USER_CONTROL, WINDOW_ACK_SIZE, SET_PEER_BANDWIDTH):
        return "command_control"
    if kind in (COMMAND, COMMAND_AMF3):
        return "command_bad"
    if kind in (AUDIO, VIDEO) and length and phase == SHAKEN:
        return "media_early"
    return ""


def tiny_messages():
    for phase in (SHAKEN, CONNECTED, PUBLISHING):
        harmless = []
        for kind in range(256):
            for length in (0, 1):
                reason = reason_of_tiny(kind, length, phase)
                data = message(kind, b"\xaf"[:length], csid=7, stream_id=1)
                if reason:
                    yield Row(f"{phase}: {length} bytes of type {kind}", phase, data, reason)
                else:
                    harmless.append(data)
        yield Row(f"{phase}: {len(harmless)} messages of 0 and 1 bytes", phase, harmless, has_ping_each=True)
    for kind in (AUDIO, VIDEO):
        yield Row(f"a codec that is none, type {kind}", PUBLISHING, message(kind, b"\0", stream_id=1),
                  "codec_unsupported")
    yield Row("a FourCC that is none", PUBLISHING, message(VIDEO, b"\x90\0\xff\x1b\x07rest"), "codec_unsupported")


OPENERS = {"objects": b"\x03\0\x01a", "ECMA arrays": b"\x08\0\0\0\x01\0\x01a", "strict arrays": b"\x0a\0\0\0\x01",
           "typed objects": b"\x10\0\x01t\0\x01a"}


def amf_values():
    """(name, value) that no AMF0 reader may accept."""
    for name, opener in OPENERS.items():
        yield f"{name} 2,000 deep", Raw(opener * 2000)
        yield f"{name} 9 deep", Raw(opener * 9 + b"\x05")
        yield f"{name} cut", Raw(opener[:-1])
    yield "a strict array of 4 billion", Raw(b"\x0a\xff\xff\xff\xff" + b"\x05" * 100)
    yield "a strict array of 4 billion, full as can be", Raw(b"\x0a\xff\xff\xff\xff" + b"\x05" * 15000)
    yield "an ECMA array of 4 billion, cut", Raw(b"\x08\xff\xff\xff\xff\0\x01a\x00")
    yield "a string beyond the end", Raw(b"\x02\xff\xffabc")
    yield "a long string beyond the end", Raw(b"\x0c\xff\xff\xff\xffabc")
    yield "XML beyond the end", Raw(b"\x0f\x7f\xff\xff\xffabc")
    yield "a member's name beyond the end", Raw(b"\x03\xff\xffabc")
    yield "a class name beyond the end", Raw(b"\x10\xff\xffabc")
    yield "half a number", Raw(b"\0\x3f\xf0")
    yield "half a date", Raw(b"\x0b\0\0\0\0\0\0\0\0\0")
    yield "an object without end", Raw(b"\x03\0\x01a\x05")
    for marker in (0x0e, 0x11, 0x12, 0xff):
        yield f"marker {marker}", Raw(bytes([marker]))


def amf_rows():
    for name, opener in OPENERS.items():
        deep = Raw(opener * 200000)
        yield Row(f"connect: {name} 200,000 deep", SHAKEN, command("connect", 1, deep), "chunk_too_long")
        yield Row(f"publish: {name} 200,000 deep", CONNECTED, command("publish", 3, deep), "chunk_too_long")
        yield Row(f"onMetaData: {name} 200,000 deep", PUBLISHING,
                  message(DATA, amf("@setDataFrame", "onMetaData", deep)), "chunk_too_long")
    for name, value in amf_values():
        member = Raw(b"\x03" + raw.name_of("app") + amf("live") + raw.name_of("x") + value)
        yield Row(f"connect: {name}", SHAKEN, command("connect", 1, value), "command_bad")
        yield Row(f"connect, in a member: {name}", SHAKEN, command("connect", 1, member), "command_bad")
        yield Row(f"publish: {name}", CONNECTED, command("publish", 3, value), "command_bad")
        yield Row(f"the name of a command: {name}", CONNECTED, command(value, 1), "command_bad")
        yield Row(f"onMetaData: {name}", PUBLISHING, message(DATA, amf("@setDataFrame", "onMetaData", value)))
        yield Row(f"a command that nobody knows: {name}", CONNECTED, command("perhaps", 9, value))
    many = Raw(b"\x08\xff\xff\xff\xff" + raw.name_of("app") + amf("live") + b"\0\0\x09")
    yield Row("connect: an ECMA array that says 4 billion and has one", SHAKEN, command("connect", 1, many))
    yield Row("publish: a number for a name", CONNECTED, command("publish", 3, None, 5), "command_bad")
    yield Row("300 members", SHAKEN, command("connect", 1, {f"m{n}": 1 for n in range(300)}), "command_bad")
    yield Row("20,000 commands that nobody knows", CONNECTED, command("perhaps", 9) * 20000, ANY_REASON)


def chunk_rows():
    fits = range(64, 64 + 12)
    for phase in (SHAKEN, PUBLISHING):
        yield Row(f"{phase}: 65,000 chunk streams", phase,
                  b"".join(message(99, b"x", csid=csid) for csid in range(64, 65064)), "chunk_streams")
        yield Row(f"{phase}: 65,000 chunk streams, half read", phase,
                  b"".join(header(VIDEO, 300, csid=csid) + b"x" * 128 for csid in range(64, 65064)), "chunk_streams")
    yield Row("chunk streams of all widths", SHAKEN,
              b"".join(message(99, b"x", csid=csid) for csid in (3, 63, 64, 319, 320, 65599)))
    yield Row("twelve half-read messages", SHAKEN, b"".join(header(99, 300, csid=c) + b"x" * 128 for c in fits))
    for kind in (VIDEO, AUDIO, COMMAND, DATA, SET_CHUNK_SIZE, 99):
        for length in (0xffffff, 4 * 1024 * 1024 + 1):
            yield Row(f"{length} bytes of type {kind}", CONNECTED,
                      message(SET_CHUNK_SIZE, b"\x7f\xff\xff\xff", csid=2) + header(kind, length) + b"\0" * length,
                      "chunk_too_long")
    yield Row("16 MB in chunks of 128", PUBLISHING, message(VIDEO, b"\x17\x01\0\0\0" * 3355443, csid=6),
              "chunk_too_long")
    for kind, length in ((AUDIO, 65537), (COMMAND, 16385), (DATA, 16385), (99, 16385)):
        yield Row(f"one byte too much of type {kind}", CONNECTED, header(kind, length), "chunk_too_long")
    yield Row("three times 4 MB, half read", SHAKEN, message(SET_CHUNK_SIZE, (2100000).to_bytes(4, "big"), csid=2) +
              b"".join(header(VIDEO, 4194304, csid=c) + b"\x17" * 2100000 for c in (6, 7, 8)), "chunk_half_read",
              is_heavy=True)
    yield Row("a picture of 4 MB that is none", PUBLISHING, message(
        SET_CHUNK_SIZE, b"\0\x7f\xff\xff", csid=2) + header(VIDEO, 4194304, csid=6) + b"\x17\x01\0\0\0" +
        b"\xff" * 4194299, is_heavy=True)
    for phase, more in ((SHAKEN, connect("live")), (PUBLISHING, message(99, b"x" * 1000, chunk=1000))):
        for size, reason in ((0, "chunk_control"), (0x80000000, "chunk_control"), (0x7fffffff, ""), (0xffffffff, "")):
            yield Row(f"{phase}: Set Chunk Size {size}", phase, message(
                SET_CHUNK_SIZE, size.to_bytes(4, "big"), csid=2) + more, reason)
        yield Row(f"{phase}: Set Chunk Size in three bytes", phase, message(SET_CHUNK_SIZE, b"\0\x10\0") + more,
                  "chunk_control")
    payload = amf("connect", 1, {"app": "live", "long": "x" * 3000})
    ones = message(SET_CHUNK_SIZE, b"\0\0\0\x01", csid=2) + message(COMMAND, payload, chunk=1)
    yield Row("Set Chunk Size 1", SHAKEN, [ones + message(SET_CHUNK_SIZE, b"\0\0\0\x80", csid=2, chunk=1)])


def order_rows(keys):
    publish = raw.start("publish", keys.get())
    yield Row("publish twice", PUBLISHING, command("publish", 4, None, keys.get()), "command_order")
    yield Row("publish twice at once", CONNECTED, publish + publish, "command_order")
    yield Row("play while publishing", PUBLISHING, command("play", 4, None, "somewhere"), "command_order")
    yield Row("connect twice", CONNECTED, connect("live"), "command_order")
    for what in ("publish", "play"):
        yield Row(f"{what} without connect", SHAKEN, command(what, 3, None, keys.get()), "command_order")
    yield Row("createStream without connect", SHAKEN, command("createStream", 1, None), "command_order")
    for what in ("deleteStream", "closeStream", "FCUnpublish", "pause", "seek", "_result", "onStatus", ""):
        yield Row(f"{what or 'no name'} without anything", SHAKEN, command(what, 1, None, 1))
    yield Row("200 times publish and end", CONNECTED, (publish + command("closeStream", 0, None)) * 200)
    yield Row("media without connect", SHAKEN, raw.video(b"\0\0\0\x01\x65", 0, is_key=True), "media_early")
    yield Row("sound without connect", SHAKEN, message(AUDIO, b"\xaf\x01abcdef"), "media_early")
    yield Row("media without publish", CONNECTED, [raw.video(b"\0\0\0\x01\x65", n, is_key=True) for n in range(24)],
              "start_late", every_s=0.5, is_patient=True)
    yield Row("media behind a key that is none", CONNECTED, raw.start("publish", SECRET) + raw.video(
        b"\0\0\0\x02\x65\x88", 0, is_key=True) * 40000, "key_unknown")
    yield Row("metadata before publish", CONNECTED, message(DATA, amf("@setDataFrame", "onMetaData", {"width": 1})))


def key_rows(key):
    wrong = {
        "with NUL": (SECRET[:5] + "\0" + SECRET, "name_bad"), "a true one and NUL": (key + "\0", "name_bad"),
        "60 KB long": (SECRET * 4700, "chunk_too_long"), "5,000 long": (SECRET * 390, "command_bad"),
        "513 long": (SECRET.ljust(513, "x"), "name_bad"), "512 long": (SECRET.ljust(512, "x"), "key_unknown"),
        "with a line's end": (SECRET + "\r\nInjected: line", "name_bad"), "with DEL": (SECRET + "\x7f", "name_bad"),
        "up and out": ("../../../etc/" + SECRET, "key_unknown"), "absolute": ("/etc/" + SECRET, "key_unknown"),
        "in percents": ("%2e%2e%2f%00" + SECRET, "key_unknown"), "not UTF-8": (b"\xff\xfe\xc0\x80" + SECRET.encode(),
                                                                               "key_unknown"),
        "empty": ("", "key_unknown"), "slashes only": ("////", "key_unknown"), "query only": ("?" + SECRET, "key_unknown"),
        "a true one in capitals": (key.upper(), "key_unknown"), "a true one and more": (key + "/../" + key, "key_unknown"),
        "a true one without its end": (key[:-1], "key_unknown"), "a format": ("%s%n%x" + SECRET, "key_unknown"),
    }
    for name, (text, reason) in wrong.items():
        yield Row(f"a key {name}", CONNECTED, raw.start("publish", text), reason)
        app = text if isinstance(text, bytes) else text.encode()
        if len(app) in range(1, 100) and reason == "name_bad":
            yield Row(f"an app {name}", SHAKEN, connect(b"live/" + app), reason)
    yield Row("an app of 129", SHAKEN, connect("a" * 129), "name_bad")
    yield Row("an app that is a path", SHAKEN, connect("live/../live") + raw.start("publish", key), "app_bad")
    for name, text, reason in (("a path", "../../etc/passwd", "stream_unknown"), ("500 long", "s" * 500, "stream_unknown"),
                               ("NUL", "tanaka\0", "name_bad"), ("60 KB", "s" * 60000, "chunk_too_long"),
                               ("nothing", "", "stream_unknown")):
        yield Row(f"play {name}", SHAKEN, connect("play") + raw.start("play", text), reason)
    yield Row("play before publish", SHAKEN, connect("play") + raw.start("play", "nobody"), "no_media", is_patient=True)


class Media:
    """The FLV bodies of one small test picture."""

    def __init__(self, flv):
        tags = [(kind, t, body) for _, kind, t, body in clients.flv_tags(flv.read_bytes()) if kind in (AUDIO, VIDEO)]
        self.configs = {kind: body for kind, _, body in tags if body[1] == 0}
        self.frames = [(kind, t, body) for kind, t, body in tags if body[1] == 1]
        self.record = self.configs[VIDEO][5:]
        self.key = next(body for kind, _, body in self.frames if kind == VIDEO and body[0] == 0x17)
        self.pictures = sum(kind == VIDEO for kind, _, _ in self.frames)

    def config(self):
        return b"".join(message(kind, body, csid=6, stream_id=1) for kind, body in self.configs.items())

    def video_config(self, record):
        return message(VIDEO, b"\x17\0\0\0\0" + record, csid=6, stream_id=1)

    def at(self, clock):
        """The frames with the timestamps that clock() makes of the true ones, each a piece."""
        return [message(kind, body, csid=6 if kind == VIDEO else 4, timestamp=int(clock(t)) & 0xffffffff, stream_id=1)
                for kind, t, body in self.frames]

    def plain(self):
        return b"".join(self.at(lambda t: t))


def time_rows(media):
    dice = random.Random(SEED)
    clocks = {
        "jump an hour ahead": lambda t: t + (3600000 if t > 1000 else 0),
        "jump by half of all": lambda t: t + (1 << 31 if t > 1000 else 0),
        "wrap": lambda t: t + (1 << 32) - 1000,
        "come to three bytes' end": lambda t: t + 0xffffff - 1000,
        "go back ten seconds": lambda t: t + (20000 if t < 1000 else 10000),
        "run backwards": lambda t: 60000 - t,
        "go to and fro": lambda t: t + (10000 if t // 40 % 2 else 0),
        "stay 0": lambda t: 0,
        "stay at the end": lambda t: 0xffffffff,
        "are dice": lambda t: dice.randrange(1 << 32),
        "run a hundred times as fast": lambda t: t * 100,
    }
    every_s = media.pictures / FPS / len(media.frames)
    for name, clock in clocks.items():
        yield Row(f"timestamps {name}", PUBLISHING, [media.config(), *media.at(clock)], pictures=media.pictures - 5,
                  every_s=every_s, is_patient=True)
    offsets = [message(VIDEO, body[:2] + n.to_bytes(3, "big") + body[5:], csid=6, timestamp=t, stream_id=1)
               for (kind, t, body), n in zip(media.frames, [0x7fffff, 0x800000, 0xffffff, 0, 1] * 1000) if kind == VIDEO]
    yield Row("wild composition times", PUBLISHING, media.config() + b"".join(offsets), pictures=GOP - 2)


def set_rows(media, other):
    sps, pps = raw.sets_of(media.record)
    then = media.config() + media.plain()
    enough = GOP - 2  # all at once: who joins meanwhile begins at the newest key frame
    cuts = b"".join(media.video_config(media.record[:n]) for n in range(len(media.record)))
    yield Row("no SPS and PPS at all", PUBLISHING, [media.plain()] + [raw.video(media.key[5:], n, is_key=True)
              for n in range(24)], "silent", every_s=0.5, is_patient=True)
    bad = {"no sets": avcc([], []), "no SPS": avcc([], [pps]), "no PPS": avcc([sps], []), "an empty SPS": avcc(
        [b""], [pps]), "an empty PPS": avcc([sps], [b""]), "31 empty SPS": avcc([b""] * 31, [b""] * 255),
           "an SPS of one byte": avcc([sps[:1]], [pps]), "60 KB of SPS": avcc([sps + b"\xff" * 60000], [pps]),
           "an SPS of zeros": avcc([b"\x67" + b"\0" * 40], [pps]), "an SPS of ones": avcc([b"\x67" + b"\xff" * 40], [pps]),
           "NAL lengths of 3 bytes": raw.avcc(([sps], [pps]), length_size=3)}
    for name, record in bad.items():
        yield Row(f"{name}, then good ones", PUBLISHING, media.video_config(record) + then, pictures=enough)
    yield Row("101 times no sets", PUBLISHING, media.video_config(bad["no sets"]) * 120, "media_bad")
    yield Row("SPS and PPS cut everywhere", PUBLISHING, cuts + then, pictures=enough)
    flipped = []
    for bit in range(len(media.record) * 8):
        record = bytearray(media.record)
        record[bit // 8] ^= 1 << bit % 8
        flipped.append(media.video_config(bytes(record)) + raw.video(media.key[5:], bit, is_key=True))
    yield Row("SPS and PPS with every bit turned", PUBLISHING, b"".join(flipped) + then, pictures=enough)
    changing = b"".join(m.video_config(m.record) + message(VIDEO, m.key, csid=6, timestamp=n, stream_id=1)
                        for n, m in enumerate([media, other] * 300))
    yield Row("SPS and PPS that change with every picture", PUBLISHING, changing + then, pictures=enough)
    in_band = b"".join(raw.video(raw.struct.pack(">I", n) + sps[:n] + media.key[5:], n, is_key=True)
                       for n in range(1, len(sps)))
    yield Row("SPS in band, cut everywhere", PUBLISHING, media.config() + in_band + then, pictures=enough)
    yield Row("NAL lengths beyond the end", PUBLISHING, media.config() + b"".join(raw.video(
        b"\x7f\xff\xff\xff\x65", n, is_key=True) for n in range(120)), "media_bad")
    sound = media.configs[AUDIO]
    cut_sound = b"".join(message(AUDIO, sound[:n] + b"\xff" * 2, stream_id=1) for n in range(2, len(sound)))
    yield Row("sound's header cut everywhere", PUBLISHING, cut_sound + then, pictures=enough)


def avcc(sps, pps):
    return raw.avcc((sps, pps))


def random_rows(media, key):
    dice = random.Random(SEED)
    for n in range(20):
        noise = dice.randbytes(dice.randrange(1, 20000))
        yield Row(f"dice {n}: from the start", NOTHING, noise, ANY_REASON)
        yield Row(f"dice {n}: after the handshake", SHAKEN, noise, ANY_REASON)
        yield Row(f"dice {n}: after connect", CONNECTED, noise, ANY_REASON)
        yield Row(f"dice {n}: while publishing", PUBLISHING, noise, ANY_REASON)
        good = bytearray(media.config() + media.plain()[:20000])
        for _ in range(n + 1):
            good[dice.randrange(len(good))] = dice.randrange(256)
        yield Row(f"dice {n}: good media, {n + 1} bytes wrong", PUBLISHING, bytes(good), ANY_REASON)
        begin = bytearray(connect("live") + raw.start("publish", key))
        begin[dice.randrange(len(begin))] = dice.randrange(256)
        yield Row(f"dice {n}: a good start, one byte wrong", SHAKEN, bytes(begin), ANY_REASON)


class Table:
    """Runs rows against the node: keeps who was who, and what is wrong."""

    def __init__(self, bench, plan):
        self.bench, self.plan = bench, plan
        self.node = None
        self.pool = queue.SimpleQueue()  # (key, stream) for rows without a player; each used by one row at a time
        self.fresh = queue.SimpleQueue()  # for rows with one: frames of an earlier row would be seen as theirs
        self.expected = []  # (port, reason, name)
        self.failures = []
        self.heavy = threading.Lock()

    def fill(self, n_pool, n_fresh):
        for n in range(n_pool + n_fresh):
            stream = f"row{n}"
            (self.pool if n < n_pool else self.fresh).put((self.plan.key(stream), stream))

    def run(self, row, piece_bytes):
        name = f"{row.name}, {piece_bytes} bytes at a time" if piece_bytes else row.name
        place = (self.fresh if row.pictures else self.pool).get() if row.phase == PUBLISHING else None
        try:
            with self.heavy if row.is_heavy else contextlib.nullcontext(), raw.Peer(
                    self.node.rtmp_port, piece_bytes) as peer:
                self._run(row, peer, place)
                self.expected.append((peer.port, row.reason or "client_closed", name))
        except Exception as error:  # noqa: the other rows shall run all the same
            self.failures.append(f"{name}: {type(error).__name__} {error}")
        finally:
            if place and not row.pictures:
                self.pool.put(place)

    def _begin(self, row, peer, place):
        if row.phase == NOTHING:
            peer.reader.skip_bytes = raw.HANDSHAKE_BYTES
        else:
            check(peer.shake_hands(), "no handshake")
        if row.phase == CONNECTED:
            peer.send(connect("live"))
            check(peer.wait(lambda: peer.has_status("NetConnection.Connect.Success")), "no answer to connect")
        if row.phase == PUBLISHING:
            check(peer.begin("live", "publish", place[0]), "publish was not granted")

    def _run(self, row, peer, place):
        self._begin(row, peer, place)
        if row.pictures:
            with raw.Peer(self.node.rtmp_port) as player:
                check(player.shake_hands() and player.begin("play", "play", place[1]), "play was not granted")
                self._send(row, peer)
                self._look(row, peer, player)
            self.expected.append((player.port, "client_closed", f"{row.name}: its player"))
        else:
            self._send(row, peer)
            self._end(row, peer)

    def _send(self, row, peer):
        for piece in row.data if isinstance(row.data, list) else [row.data]:
            if not peer.send(piece):
                return
            if row.has_ping_each:
                check(peer.answers_ping(), f"no answer after {piece[:40].hex()}")
            if row.every_s and peer.wait_closed(row.every_s):
                return

    def _end(self, row, peer):
        if row.reason == ANY_REASON:
            peer.wait_closed(0.05)
        elif row.reason:
            check(peer.wait_closed(), "was not closed")
        else:
            check(peer.answers_ping(), "no answer to a ping" + (" (closed)" if peer.is_closed else ""))

    def _look(self, row, peer, player):
        check(peer.answers_ping(), "no answer to a ping" + (" (closed)" if peer.is_closed else ""))
        check(player.wait(lambda: len(player.media()) >= row.pictures),
              f"a player got {len(player.media())} of {row.pictures} pictures")
        for kind in (VIDEO, AUDIO):
            times = player.media(kind)
            for before, after in zip(times, times[1:]):
                check((after - before & 0xffffffff) < 1 << 31, f"a player's time went from {before} to {after}")

    def run_all(self, rows):
        with (concurrent.futures.ThreadPoolExecutor(PATIENT_WORKERS) as patient,
              concurrent.futures.ThreadPoolExecutor(QUICK_WORKERS) as quick):
            for piece_bytes in (None, PIECE_BYTES):
                for row in rows:
                    (patient if row.is_patient else quick).submit(self.run, row, piece_bytes)

    def check_reasons(self):
        """Each connection's line in the log names its reason, and /metrics counts the same."""
        reasons = collections.defaultdict(list)
        in_log = collections.Counter()
        for port, reason in re.findall(r" peer=127\.0\.0\.1:(\d+)[^\n]*: closed: (\w+) \(", self.node.log()):
            reasons[int(port)].append(reason)
            in_log[reason] += 1
        for port, reason, name in self.expected:
            seen = reasons.get(port, [])
            # The next row with the same key may come in before our end of the connection was seen to close.
            allowed = {reason, "taken_over"} if reason == "client_closed" else {reason}
            if not seen or (reason != ANY_REASON and not allowed.intersection(seen)):
                self.failures.append(f"{name}: closed as {seen}, not as {reason}")
        counted = {m[1]: n for key, n in self.node.metrics().items()
                   if (m := re.fullmatch(r'isaribi_sessions_closed_total\{reason="(\w+)"\}', key)) and n}
        if counted != dict(in_log):
            self.failures.append(f"/metrics counts {counted}, the log {dict(in_log)}")
        return in_log


def all_rows(bench, plan):
    small = {"fps": FPS, "gop": GOP, "kbit": 40, "hz": 22050}
    media = Media(clients.make_flv(bench, "row", 3, size="160x90", **small))
    other = Media(clients.make_flv(bench, "other", 1, size="176x96", **small))
    keys = queue.SimpleQueue()
    for n in range(8):
        keys.put(plan.key(f"order{n}"))
    spare = plan.key("spare")
    rows = [*handshakes(), *interruptions(), *tiny_messages(), *amf_rows(), *chunk_rows(), *order_rows(keys),
            *key_rows(spare), *time_rows(media), *set_rows(media, other), *random_rows(media, plan.key("dice"))]
    return [row for row in rows if re.search(os.environ.get("ISARIBI_ROWS", ""), row.name)]


def case_table(bench):
    plan = Plan()
    table = Table(bench, plan)
    key = plan.key("tanaka")
    plan.stream("nobody")
    rows = all_rows(bench, plan)
    patient = sum(row.phase == PUBLISHING and row.is_patient for row in rows)
    table.fill(QUICK_WORKERS + 2 * patient, 2 * sum(bool(row.pictures) for row in rows))
    table.node = node = bench.node(plan, {"log.level": "debug", "node.grace_ms": 1000}, SANITIZER_ENV)
    beside = Bystanders(bench, node, key, "tanaka")
    beside.follower.wait_segments(3)
    before = procfs.rss_kb(node.process.pid)
    procfs.reset_peak_rss(node.process.pid)
    started = time.monotonic()
    table.run_all(rows)
    took = time.monotonic() - started
    growth = procfs.peak_rss_kb(node.process.pid) - before
    gap = beside.stop()
    beside.publisher.stop()
    wait_for("everybody to be gone", lambda: node.metrics()["isaribi_rtmp_connections"] == 0)
    in_log = table.check_reasons()
    print(f"     {len(rows)} rows twice in {took:.1f} s, {sum(in_log.values())} connections; largest gap of a player "
          f"beside them {gap:.0f} ms; the node grew by {growth} kB at its peak, from {before} kB")
    print(f"     {dict(in_log)}")
    check(SECRET not in node.log().lower(), "a wrong key stands in the log")
    if table.failures:
        raise Failed(f"{len(table.failures)} of {len(rows)} rows:\n  " + "\n  ".join(sorted(table.failures)[:60]))
    # ThreadSanitizer keeps shadows of everything: there memory says nothing about the node.
    if "thread" not in sanitizers():
        check(growth <= (GROWTH_MAX_SANITIZED_KB if is_sanitized() else GROWTH_MAX_KB), f"it grew by {growth} kB")


main()
