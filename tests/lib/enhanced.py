# SPDX-License-Identifier: Apache-2.0
"""H.265 and Opus as Enhanced RTMP has them: files of FLV tags, which Debian's ffmpeg cannot write, and what is in them."""
import struct

import clients
from isaribi_test import check

SEQUENCE_START, CODED_FRAMES, SEQUENCE_END, CODED_FRAMES_X = range(4)


def encode(bench, seconds, *, size="320x180", fps=25, gop=50, bframes=2, packet_ms=20, in_band=False, name="enhanced"):
    """An MP4 with a moving test picture in H.265 and a tone in Opus."""
    path = bench.dir / f"{name}.mp4"
    x265 = f"log-level=error:keyint={gop}:min-keyint={gop}:scenecut=0:open-gop=0:bframes={bframes}"
    if in_band:
        x265 += ":repeat-headers=1"
    bench.run("encode", [
        *clients.FFMPEG, "-loglevel", "error", "-y", "-f", "lavfi", "-i", f"testsrc2=s={size}:r={fps}", "-f", "lavfi",
        "-i", "sine=f=440:r=48000", "-c:v", "libx265", "-preset", "ultrafast", "-x265-params", x265, "-tag:v", "hvc1",
        "-pix_fmt", "yuv420p", "-b:v", "300k", "-c:a", "libopus", "-frame_duration", packet_ms, "-ac", 2, "-b:a", "64k",
        "-t", seconds, path], 120)
    return path


def _box(data, kind):
    at = data.find(kind)
    check(at > 0, f"no {kind} in the file")
    return data[at + 4:at - 4 + int.from_bytes(data[at - 4:at], "big")]


def opus_head(dops):
    """The identification header (RFC 7845) for the body of a dOps box: little-endian instead of big-endian."""
    _, channels, pre_skip, rate, gain, family = struct.unpack(">BBHIhB", dops[:11])
    return b"OpusHead" + struct.pack("<BBHIhB", 1, channels, pre_skip, rate, gain, family)


def tag(kind, timestamp_ms, body):
    return (bytes([kind]) + len(body).to_bytes(3, "big") + (timestamp_ms & 0xffffff).to_bytes(3, "big") +
            bytes([timestamp_ms >> 24 & 0xff]) + b"\0\0\0" + body + struct.pack(">I", len(body) + 11))


def video_body(packet_type, payload, is_key=True, composition_ms=None, fourcc=b"hvc1"):
    head = bytes([0x80 | (1 if is_key else 2) << 4 | packet_type]) + fourcc
    return head + (b"" if composition_ms is None else struct.pack(">i", composition_ms)[1:]) + payload


def audio_body(packet_type, payload, fourcc=b"Opus"):
    return bytes([0x90 | packet_type]) + fourcc + payload


def make_flv(bench, mp4):
    """The same as tags. Pictures that are shown when they are decoded come as CodedFramesX."""
    data = mp4.read_bytes()
    kinds = {s["index"]: s["codec_type"] for s in clients.ffprobe(mp4, "-show_streams")["streams"]}
    packets = clients.ffprobe(mp4, "-show_entries", "packet=stream_index,pts_time,dts_time,pos,size,flags")["packets"]
    first = min(float(p["dts_time"]) for p in packets)
    tags = [(0, tag(9, 0, video_body(SEQUENCE_START, _box(data, b"hvcC")))),
            (0, tag(8, 0, audio_body(SEQUENCE_START, opus_head(_box(data, b"dOps")))))]
    for p in packets:
        payload = data[int(p["pos"]):int(p["pos"]) + int(p["size"])]
        dts = round((float(p["dts_time"]) - first) * 1000)
        shown_ms = round((float(p["pts_time"]) - first) * 1000) - dts
        if kinds[p["stream_index"]] == "audio":
            tags.append((dts, tag(8, dts, audio_body(CODED_FRAMES, payload))))
            continue
        is_key = "K" in p["flags"]
        body = (video_body(CODED_FRAMES, payload, is_key, shown_ms) if shown_ms else
                video_body(CODED_FRAMES_X, payload, is_key))
        tags.append((dts, tag(9, dts, body)))
    path = mp4.with_suffix(".flv")
    path.write_bytes(b"FLV\1\5\0\0\0\x09\0\0\0\0" + b"".join(t for _, t in sorted(tags, key=lambda t: t[0])))
    return path


def make_foreign(bench, video=None, audio=None):
    """A file that begins with a sequence of another codec."""
    path = bench.dir / "foreign.flv"
    body = video_body(SEQUENCE_START, b"\x81\0\0\0", fourcc=video) if video else audio_body(SEQUENCE_START, b"\0", audio)
    path.write_bytes(b"FLV\1\5\0\0\0\x09\0\0\0\0" + b"".join(tag(9 if video else 8, t, body) for t in (0, 40, 80)))
    return path


def annex_b(lengths):
    """NAL units behind start codes instead of 4-byte lengths."""
    out, at = b"", 0
    while at < len(lengths):
        size = int.from_bytes(lengths[at:at + 4], "big")
        check(at + 4 + size <= len(lengths), "a NAL unit goes beyond its message")
        out += b"\0\0\0\1" + lengths[at + 4:at + 4 + size]
        at += 4 + size
    return out


def sets_of(hvcc):
    """The parameter sets in a configuration record, in Annex B."""
    out, at = b"", 23
    for _ in range(hvcc[22]):
        count, at = int.from_bytes(hvcc[at + 1:at + 3], "big"), at + 3
        for _ in range(count):
            size = int.from_bytes(hvcc[at:at + 2], "big")
            out += b"\0\0\0\1" + hvcc[at + 2:at + 2 + size]
            at += 2 + size
    check(at == len(hvcc), "a configuration record ends with its last set")
    return out
