# SPDX-License-Identifier: Apache-2.0
"""Reads what lies in a node's DATA_DIR/rec, and puts it there. An own reading, on purpose: packager/rec_format.h says how
it lies."""
import json
import pathlib
import struct
import zlib

import mp4
from isaribi_test import Failed, check, now_ms

RECORD = struct.Struct("<4sIQIIqqqQI")
RECORD_BYTES = 64


class Stretch:
    """One NNNN.mp4 with its index. whole: (offset, bytes) of each moof with its mdat."""

    def __init__(self, folder, entry):
        self.path = folder / entry["file"]
        self.saved_bytes, self.is_damaged = entry["saved_bytes"], entry["damaged"]
        self.duration_ms, self.lost_ms_before = entry["duration_ms"], entry["lost_ms_before"]
        self.data = self.path.read_bytes()
        self.records = read_index(self.path.with_suffix(".idx"))
        self.whole = whole_fragments(self.data)

    def check_saved(self):
        """What is called saved is there, whole, and the index says the same."""
        check(self.saved_bytes <= len(self.data), f"{self.path.name}: more is saved than there is")
        ends = [offset + size for offset, size in self.whole]
        check(self.saved_bytes in ends, f"{self.path.name}: {self.saved_bytes} saved bytes end inside a fragment")
        saved = [f for f in self.whole if f[0] + f[1] <= self.saved_bytes]
        told = [(r["offset"], r["moof"] + r["mdat"]) for r in self.records][:len(saved)]
        check(told == saved, f"{self.path.name}: the index tells of other fragments: {told[-3:]}, {saved[-3:]}")
        init = mp4.Init(self.data[:self.whole[0][0]])
        for offset, size in saved:
            mp4.Fragment(self.data[offset:offset + size], init)

    def cut(self, path):
        """A file of what is saved, for a player; returns path."""
        path.write_bytes(self.data[:self.saved_bytes])
        return path


def read_index(path):
    data = path.read_bytes()
    records = []
    for at in range(RECORD_BYTES, len(data) - RECORD_BYTES + 1, RECORD_BYTES):
        record = data[at:at + RECORD_BYTES]
        if zlib.crc32(record[:-4]) != struct.unpack("<I", record[-4:])[0]:
            raise Failed(f"{path.name}: record {at // RECORD_BYTES} has a wrong checksum")
        kind, flags, offset, moof, mdat, start, duration, wall, msn, sequence = RECORD.unpack(record[:RECORD.size])
        check(kind == b"ISIF", f"{path.name}: {kind}")
        records.append({"flags": flags, "offset": offset, "moof": moof, "mdat": mdat, "start": start,
                        "duration": duration, "wall": wall, "msn": msn, "sequence": sequence})
    return records


def whole_fragments(data):
    found, at, moof = [], 0, None
    while at + 8 <= len(data):
        size, kind = struct.unpack_from(">I4s", data, at)
        if size < 8 or at + size > len(data):
            break
        if kind == b"mdat" and moof is not None:
            found.append((moof, at + size - moof))
        moof = at if kind == b"moof" else None
        at += size
    return found


class Recording:
    def __init__(self, folder):
        self.folder = folder
        self.info = json.loads((folder / "recording.json").read_text())
        self.state, self.stream, self.epoch = self.info["state"], self.info["stream"], self.info["epoch"]

    def stretches(self):
        return [Stretch(self.folder, entry) for entry in self.info["stretches"]]

    def check_saved(self):
        for stretch in self.stretches():
            stretch.check_saved()


def write(data_dir, name, files, **info):
    """A recording of such files (the bytes of 0001.mp4, ...), saved and without an index; info: what it says otherwise."""
    folder = pathlib.Path(data_dir) / "rec" / name
    folder.mkdir(parents=True)
    for number, data in enumerate(files, 1):
        (folder / f"{number:04}.mp4").write_bytes(data)
    (folder / "recording.json").write_text(json.dumps({
        "isaribi_recording": 1, "id": name, "stream": "tanaka", "epoch": "e1", "state": "saved", "pinned": False,
        "segment_ms": 2000, "begin_wall_ms": 1, "end_wall_ms": now_ms(), "end_reason": "stream_over", "lost_ms": 0,
        "stretches": [], **info}))
    return folder


def recordings(data_dir, stream=None):
    """All of a node, the oldest first."""
    found = [Recording(p.parent) for p in pathlib.Path(data_dir).glob("rec/*/recording.json")]
    return sorted((r for r in found if stream in (None, r.stream)), key=lambda r: (r.info["begin_wall_ms"], r.folder))


def one(data_dir, stream):
    found = recordings(data_dir, stream)
    check(len(found) == 1, f"one recording of {stream} expected: {[r.folder.name for r in found]}")
    return found[0]
