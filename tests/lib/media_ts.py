# SPDX-License-Identifier: Apache-2.0
"""MPEG-TS files in which every picture has room for a clock (tests/tools/stamp.h); the senders write it as they go."""
from clients import FFMPEG
from isaribi_test import check

MARK = bytes([6, 5, 32]) + b"isaribi-bench-us"
STAMP = b"\0\0\0\1" + MARK + b"0" * 16 + b"\x80"
DELIMITER = b"\0\0\0\1\x09"  # an access unit delimiter's start code and header
DELIMITER_BYTES = 6


def add_stamps(annex_b):
    """A stamp behind each access unit delimiter."""
    out, at = [], annex_b.find(DELIMITER)
    check(at == 0, "the pictures have no access unit delimiters")
    while at >= 0:
        end = annex_b.find(DELIMITER, at + DELIMITER_BYTES)
        unit = annex_b[at:end if end >= 0 else len(annex_b)]
        out.append(unit[:DELIMITER_BYTES] + STAMP + unit[DELIMITER_BYTES:])
        at = end
    return b"".join(out)


def make_ts(bench, name="media", seconds=20, *, size="320x180", fps=25, gop=50, kbit=400, audio=True):
    """An H.264 picture of constant rate without B-frames, and a tone."""
    plain, stamped, path = (bench.dir / f"{name}{end}" for end in ("-plain.264", ".264", ".ts"))
    bench.run("make-ts-video", [
        *FFMPEG, "-y", "-f", "lavfi", "-i", f"testsrc2=s={size}:r={fps}", "-t", seconds, "-c:v", "libx264", "-preset",
        "veryfast", "-profile:v", "baseline", "-pix_fmt", "yuv420p", "-g", gop, "-keyint_min", gop, "-sc_threshold", 0,
        "-b:v", f"{kbit}k", "-minrate", f"{kbit}k", "-maxrate", f"{kbit}k", "-bufsize", f"{kbit}k", "-x264-params",
        "nal-hrd=cbr:aud=1", "-f", "h264", plain], 180)
    stamped.write_bytes(add_stamps(plain.read_bytes()))
    bench.run("make-ts", [
        *FFMPEG, "-y", "-fflags", "+genpts", "-r", fps, "-f", "h264", "-i", stamped,
        *(["-f", "lavfi", "-i", "sine=f=440:r=48000", "-c:a", "aac", "-b:a", "128k"] if audio else []),
        "-c:v", "copy", "-t", seconds, "-f", "mpegts", path], 120)
    return path
