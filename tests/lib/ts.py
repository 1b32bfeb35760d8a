# SPDX-License-Identifier: Apache-2.0
"""A strict reader of MPEG transport streams (ISO 13818-1), and a writer of what ffmpeg cannot make. An own reading, on
purpose."""
import struct

from isaribi_test import check

PACKET = 188
PAT_PID, NULL_PID = 0, 0x1fff
VIDEO_TYPES = {0x1b: "h264", 0x24: "hevc"}
WRAP_90K = 1 << 33


class Packet:
    """One packet: header and adaptation field, the payload a slice of it."""

    def __init__(self, raw):
        check(len(raw) == PACKET and raw[0] == 0x47, f"not a packet of transport stream: {raw[:4].hex()}")
        self.raw = raw
        self.pid = (raw[1] & 0x1f) << 8 | raw[2]
        self.is_start = bool(raw[1] & 0x40)
        self.continuity = raw[3] & 0x0f
        self.is_discontinuity = self.is_random_access = False
        self.pcr_27m = None
        at = 4
        if raw[3] & 0x20:
            self._adaptation(raw)
            at += 1 + raw[4]
        self.payload = raw[at:] if raw[3] & 0x10 else b""

    def _adaptation(self, raw):
        length = raw[4]
        check(length <= 183, "an adaptation field that does not fit")
        if length == 0:
            return
        self.is_discontinuity, self.is_random_access = bool(raw[5] & 0x80), bool(raw[5] & 0x40)
        if raw[5] & 0x10:
            base, extension = int.from_bytes(raw[6:10], "big") << 1 | raw[10] >> 7, (raw[10] & 1) << 8 | raw[11]
            self.pcr_27m = base * 300 + extension


def packets(data):
    """Every whole packet; what is left over at the end was cut by whoever recorded it."""
    return [Packet(data[at:at + PACKET]) for at in range(0, len(data) - PACKET + 1, PACKET)]


def crc32(data):
    crc = 0xffffffff
    for byte in data:
        crc ^= byte << 24
        for _ in range(8):
            crc = (crc << 1 ^ 0x04c11db7 if crc & 0x80000000 else crc << 1) & 0xffffffff
    return crc


def _time(data):
    return (data[0] >> 1 & 7) << 30 | data[1] << 22 | data[2] >> 1 << 15 | data[3] << 7 | data[4] >> 1


class Pes:
    """Where a PES packet begins and what its header says."""

    def __init__(self, index, packet):
        payload = packet.payload
        check(payload[:3] == b"\0\0\1", f"PID {packet.pid:#x}: no PES packet where one begins")
        self.index = index
        self.is_random_access = packet.is_random_access
        self.pts = _time(payload[9:14]) if payload[7] & 0x80 else None
        self.dts = _time(payload[14:19]) if payload[7] & 0x40 else self.pts


def section_of(packet):
    """The section that begins in a packet, as far as it is there."""
    section = packet.payload[1 + packet.payload[0]:]
    return section[:3 + ((section[1] & 0x0f) << 8 | section[2])]


class Stream:
    """A recording, read to its end: tables, PES packets, jumps. Fails on what no receiver should have to bear.
    has_changes: publishers replaced each other in it. Whoever passes packets on untouched cannot announce a jump of
    what comes long after the picture; of tables and pictures it must."""

    def __init__(self, data, has_changes=False):
        self._is_announced = (0x1b, 0x24) if has_changes else (0x1b, 0x24, 0x0f)
        self.packets = packets(data)
        self.pmt_pid = self.pcr_pid = None
        self.pmts = []             # (index, version, {pid: stream_type}) of each one that differs from the last
        self.streams = {}          # of the newest PMT
        self.discontinuities = {}  # pid -> [index]
        self.pes = {}              # pid -> [Pes]
        self.first_table = {}      # pid -> index
        self.tables = []           # index of each PAT
        self.clock = []            # (index, PCR in seconds), as they stand
        self._continuity = {}
        for index, packet in enumerate(self.packets):
            if packet.pid != NULL_PID:
                self._take(index, packet)

    def _take(self, index, packet):
        self._check_continuity(index, packet)
        if packet.is_discontinuity:
            self.discontinuities.setdefault(packet.pid, []).append(index)
        if packet.pcr_27m is not None and packet.pid == self.pcr_pid:
            self.clock.append((index, packet.pcr_27m / 27e6))
        if packet.pid == PAT_PID or packet.pid == self.pmt_pid:
            self._table(index, packet)
        elif packet.is_start and packet.pid in self.streams and packet.payload[:3] == b"\0\0\1":
            self.pes.setdefault(packet.pid, []).append(Pes(index, packet))

    def _check_continuity(self, index, packet):
        last = self._continuity.get(packet.pid)
        step = 1 if packet.payload else 0
        is_known = packet.pid in (PAT_PID, self.pmt_pid) or self.streams.get(packet.pid) in self._is_announced
        if is_known and last is not None and not packet.is_discontinuity:
            check(packet.continuity == (last + step) & 15, f"packet {index}, PID {packet.pid:#x}: continuity "
                  f"{packet.continuity} after {last} and no discontinuity indicator")
        self._continuity[packet.pid] = packet.continuity

    def _table(self, index, packet):
        if not packet.is_start:
            return
        section = section_of(packet)
        check(crc32(section) == 0, f"packet {index}: a table with a bad checksum")
        self.first_table.setdefault(packet.pid, index)
        if packet.pid == PAT_PID:
            self.tables.append(index)
            self.pmt_pid = (section[10] & 0x1f) << 8 | section[11]
        elif section[0] == 2:
            self._pmt(index, section)

    def _pmt(self, index, section):
        version = section[5] >> 1 & 0x1f
        self.pcr_pid = (section[8] & 0x1f) << 8 | section[9]
        at = 12 + ((section[10] & 0x0f) << 8 | section[11])
        streams = {}
        while at + 5 <= len(section) - 4:
            streams[(section[at + 1] & 0x1f) << 8 | section[at + 2]] = section[at]
            at += 5 + ((section[at + 3] & 0x0f) << 8 | section[at + 4])
        if not self.pmts or self.pmts[-1][1:] != (version, streams):
            self.pmts.append((index, version, streams))
        self.streams = streams

    def pid_of(self, stream_types):
        return next((pid for pid, kind in self.streams.items() if kind in stream_types), None)

    def video(self):
        return self.pes.get(self.pid_of(VIDEO_TYPES), [])

    def check_begins_well(self):
        """As a player wants it: tables, then a picture that can be decoded alone."""
        check(self.pmt_pid is not None and self.pmts, "no tables")
        check(self.first_table[PAT_PID] == 0 and self.pmts[0][0] <= 2, "the recording does not begin with its tables")
        check(self.video() and self.video()[0].is_random_access, "the first picture is no key frame")

    def jumps(self):
        """[index] of every discontinuity indicator but those on the first packet of a PID, where nothing jumps."""
        first = {}
        for index, packet in enumerate(self.packets):
            first.setdefault(packet.pid, index)
        return sorted(i for pid, indices in self.discontinuities.items() for i in indices if i != first[pid])

    def check_clock(self):
        """What a multiplexer owes: a clock every 100 ms, tables every 500 ms, nothing late for its time of decoding.
        For streams without a jump."""
        check(len(self.clock) > 5, f"{len(self.clock)} clock references")
        for (_, before), (index, now) in zip(self.clock, self.clock[1:]):
            check(0 < now - before <= 0.1, f"packet {index}: the clock goes from {before:.3f} to {now:.3f}")
        for pes in sum(self.pes.values(), []):
            now = max((t for index, t in self.clock if index <= pes.index), default=self.clock[0][1])
            check(now <= pes.dts / 90e3 <= now + 2, f"packet {pes.index}: to be decoded at {pes.dts / 90e3:.3f}, the "
                  f"clock says {now:.3f}")
        seen = [max((t for at, t in self.clock if at <= index), default=self.clock[0][1]) for index in self.tables]
        for before, now in zip(seen, [*seen[1:], self.clock[-1][1]]):
            check(now - before <= 0.5, f"no tables from {before:.3f} to {now:.3f}")

    def index_of_key(self, n=0):
        return [p.index for p in self.video() if p.is_random_access][n]


def packet(pid, continuity, payload, *, is_start=True, pcr_27m=None):
    """One packet with a payload of at most 184 bytes (fewer with a PCR), stuffed to its size."""
    head = bytes([0x47, (0x40 if is_start else 0) | pid >> 8, pid & 0xff])
    fields = b""
    if pcr_27m is not None:
        base, extension = pcr_27m // 300 % WRAP_90K, pcr_27m % 300
        fields = b"\x10" + struct.pack(">IBB", base >> 1, (base & 1) << 7 | 0x7e | extension >> 8, extension & 0xff)
    room = 184 - len(payload) - (1 + len(fields) if fields else 0)
    assert room >= 0
    if not fields and room == 0:
        return head + bytes([0x10 | continuity & 15]) + payload
    if not fields and room == 1:
        return head + bytes([0x30 | continuity & 15, 0]) + payload
    if not fields:
        fields, room = b"\0", room - 2
    return head + bytes([0x30 | continuity & 15, len(fields) + room]) + fields + b"\xff" * room + payload


def section(table_id, body):
    """A section with length and checksum; body begins behind the length."""
    head = bytes([table_id]) + struct.pack(">H", 0xb000 | len(body) + 4) + body
    return head + struct.pack(">I", crc32(head))


def with_extra_pids(data, data_pid=0x1e0, cue_pid=0x1f0):
    """The stream with two more PIDs in its PMT: private data (type 6) and cues (type 0x86, SCTE 35), a packet of each
    after every tenth packet. Returns the new stream."""
    out = bytearray()
    pmt_pid = None
    n = 0
    for number, p in enumerate(packets(data)):
        if p.pid == PAT_PID:
            pmt_pid = (p.payload[11] & 0x1f) << 8 | p.payload[12]
        out += _with_streams(p, data_pid, cue_pid) if p.pid == pmt_pid else p.raw
        if number % 10 == 9:
            secret = struct.pack(">I", n) * 16
            out += packet(data_pid, n, b"\0\0\1\xbd" + struct.pack(">H", len(secret) + 3) + b"\x80\0\0" + secret)
            # splice_null: protocol 0, not encrypted, no command length worth telling, no descriptors
            out += packet(cue_pid, n, b"\0" + section(0xfc, b"\0" * 9 + b"\xff\xf0\0" + b"\0" + b"\0\0"))
            n += 1
    return bytes(out)


def _with_streams(p, data_pid, cue_pid):
    old = p.payload[1:]
    end = 3 + ((old[1] & 0x0f) << 8 | old[2]) - 4
    more = b"\x06" + struct.pack(">HH", 0xe000 | data_pid, 0xf000)
    more += b"\x86" + struct.pack(">HH", 0xe000 | cue_pid, 0xf000)
    made = section(2, old[3:end] + more)
    return packet(p.pid, p.continuity, b"\0" + made)
