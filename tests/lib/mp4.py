# SPDX-License-Identifier: Apache-2.0
"""Reads just enough of fragmented MP4 to check what a segment says of itself. An own reading, on purpose."""
import struct

from isaribi_test import Failed, check


def boxes(data, start=0, end=None):
    """(type, first byte of the body, end) of each box at this level."""
    end = len(data) if end is None else end
    while start < end:
        check(start + 8 <= end, "a box header is cut")
        size, kind = struct.unpack_from(">I4s", data, start)
        check(size >= 8 and start + size <= end, f"box {kind} of {size} bytes does not fit")
        yield kind, start + 8, start + size
        start += size


def find_all(data, path, start=0, end=None):
    """Bodies (start, end) of every box at the path, e.g. [b'moof', b'traf']."""
    for kind, a, b in boxes(data, start, end):
        if kind != path[0]:
            continue
        if len(path) == 1:
            yield a, b
        else:
            yield from find_all(data, path[1:], a, b)


def _u32(data, at):
    return struct.unpack_from(">I", data, at)[0]


def sequence_places(data):
    """Where the sequence number of each fragment stands."""
    for a, b in find_all(data, [b"moof"]):
        (mfhd, _), = find_all(data, [b"mfhd"], a, b)
        yield mfhd + 4


def sequences(data):
    return [_u32(data, at) for at in sequence_places(data)]


class Init:
    """An initialisation segment: tracks with their handler ('vide', 'soun'), timescale and codec."""

    def __init__(self, data):
        kinds = [k for k, _, _ in boxes(data)]
        check(kinds[:1] == [b"ftyp"] and b"moov" in kinds, f"an init segment is ftyp, moov; not {kinds}")
        self.tracks = {}
        for a, b in find_all(data, [b"moov", b"trak"]):
            self._track(data, a, b)
        self.defaults = {}
        for a, _ in find_all(data, [b"moov", b"mvex", b"trex"]):
            self.defaults[_u32(data, a + 4)] = {"duration": _u32(data, a + 12), "size": _u32(data, a + 16),
                                                "flags": _u32(data, a + 20)}
        check(self.tracks and set(self.tracks) == set(self.defaults), "every track has a trex")

    def _track(self, data, start, end):
        (tkhd, _), = find_all(data, [b"tkhd"], start, end)
        (mdhd, _), = find_all(data, [b"mdia", b"mdhd"], start, end)
        (hdlr, _), = find_all(data, [b"mdia", b"hdlr"], start, end)
        (stsd, _), = find_all(data, [b"mdia", b"minf", b"stbl", b"stsd"], start, end)
        track_id = _u32(data, tkhd + (20 if data[tkhd] == 1 else 12))
        entry = stsd + 8
        track = {"timescale": _u32(data, mdhd + (20 if data[mdhd] == 1 else 12)),
                 "handler": data[hdlr + 8:hdlr + 12].decode(), "codec": data[entry + 4:entry + 8].decode()}
        if track["handler"] == "vide":
            track["width"], track["height"] = struct.unpack_from(">HH", data, entry + 32)
        self.tracks[track_id] = track


class Fragment:
    """What the moofs of a media segment say: per track the first decode time, the sum of durations, samples."""

    def __init__(self, data, init):
        self.tracks = {}
        kinds = [k for k, _, _ in boxes(data)]
        check(kinds.count(b"moof") == kinds.count(b"mdat") > 0, f"a segment is moof, mdat, ...; not {kinds}")
        self.sequences = sequences(data)  # of each moof
        for a, b in find_all(data, [b"moof"]):
            for traf, end in find_all(data, [b"traf"], a, b):
                self._traf(data, a - 8, traf, end, init)
        self._check_sizes(data)

    def _traf(self, data, moof, start, end, init):
        (tfhd, _), = find_all(data, [b"tfhd"], start, end)
        flags, track_id = _u32(data, tfhd) & 0xffffff, _u32(data, tfhd + 4)
        check(track_id in init.tracks, f"traf of an unknown track {track_id}")
        at = tfhd + 8 + (8 if flags & 1 else 0) + (4 if flags & 2 else 0)
        defaults = dict(init.defaults[track_id])
        for bit, name in ((8, "duration"), (16, "size"), (32, "flags")):
            if flags & bit:
                defaults[name], at = _u32(data, at), at + 4
        (tfdt, _), = find_all(data, [b"tfdt"], start, end)
        base = struct.unpack_from(">Q", data, tfdt + 4)[0] if data[tfdt] == 1 else _u32(data, tfdt + 4)
        track = self.tracks.setdefault(track_id, {
            "start": base, "duration": 0, "samples": 0, "bytes": 0, "pts": [], "durations": [], "flags": [], "at": []})
        check(base == track["start"] + track["duration"], f"track {track_id}: tfdt {base} inside a segment, expected "
              f"{track['start'] + track['duration']}")
        for run, _ in find_all(data, [b"trun"], start, end):
            self._trun(data, moof, run, track, defaults)

    @staticmethod
    def _trun(data, moof, at, track, defaults):
        version, flags, count = data[at], _u32(data, at) & 0xffffff, _u32(data, at + 4)
        check(flags & 1, "a trun says where its samples are")
        place, at = moof + struct.unpack_from(">i", data, at + 8)[0], at + 12
        first_flags = None
        if flags & 4:
            first_flags, at = _u32(data, at), at + 4
        for i in range(count):
            this, offset = dict(defaults), 0
            if i == 0 and first_flags is not None:
                this["flags"] = first_flags
            for bit, name in ((0x100, "duration"), (0x200, "size"), (0x400, "flags")):
                if flags & bit:
                    this[name], at = _u32(data, at), at + 4
            if flags & 0x800:
                offset = struct.unpack_from(">i" if version else ">I", data, at)[0]
                at += 4
            track["pts"].append(track["start"] + track["duration"] + offset)
            track["at"].append((place, this["size"]))
            track["durations"].append(this["duration"])
            track["flags"].append(this["flags"])
            track["duration"] += this["duration"]
            track["bytes"] += this["size"]
            track["samples"] += 1
            place += this["size"]

    def _check_sizes(self, data):
        payload = sum(b - a for kind, a, b in boxes(data) if kind == b"mdat")
        samples = sum(t["bytes"] for t in self.tracks.values())
        if payload != samples:
            raise Failed(f"mdat holds {payload} bytes, the samples are {samples}")
