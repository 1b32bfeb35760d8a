#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""ts_files.py TS_DEMUX_FILE TS_MUX_FLV: files of ffmpeg and GStreamer through media/ts_demux, compared with what ffprobe finds in
them, access unit by access unit; and files of media/ts_mux read by ffprobe, ffmpeg and GStreamer without a complaint.

Exit code 77 (skipped) where these are not installed.
"""
import collections
import pathlib
import shutil
import subprocess
import sys
import tempfile

PICTURES = "-f lavfi -i testsrc2=s=160x120:r=30"
SOUND = "-f lavfi -i sine=r=48000"
H264 = "-c:v libx264 -preset veryfast -b:v 200k -g 30"
H265 = "-c:v libx265 -preset ultrafast -b:v 200k -x265-params log-level=none:keyint=30"

TS_FILES = {
    "h264_aac": f"{PICTURES} {SOUND} {H264} -bf 3 -c:a aac",
    "open_gop": f"{PICTURES} {H264} -bf 2 -x264-params open-gop=1",
    "h265_aac": f"{PICTURES} -f lavfi -i sine=r=44100 {H265} -c:a aac",
    "opus": f"{PICTURES} {SOUND} {H264} -bf 0 -c:a libopus",
    "sound": f"{SOUND} -c:a aac",
    "two_sounds": f"{PICTURES} {SOUND} -f lavfi -i sine=f=880 -map 0 -map 1 -map 2 {H264} -c:a:0 aac -c:a:1 mp2",
    "wrap": f"{PICTURES} {SOUND} {H264} -bf 2 -c:a aac -output_ts_offset 95441",
    "long_audio_pes": f"{SOUND} -c:a aac -pes_payload_size 16000",
}
GST_FILES = {
    "gst_h264": "mpegtsmux name=m ! filesink location={path} videotestsrc num-buffers=100 ! "
                "video/x-raw,width=160,height=120,framerate=30/1 ! x264enc key-int-max=30 bframes=2 ! h264parse ! m. "
                "audiotestsrc num-buffers=150 ! audio/x-raw,rate=48000 ! avenc_aac ! aacparse ! m.",
    "gst_h265": "mpegtsmux name=m ! filesink location={path} videotestsrc num-buffers=100 ! "
                "video/x-raw,width=160,height=120,framerate=30/1 ! x265enc key-int-max=30 ! h265parse ! m. "
                "audiotestsrc num-buffers=150 samplesperbuffer=960 ! audio/x-raw,rate=48000 ! opusenc ! opusparse ! m.",
}
FLV_FILES = {
    "h264_aac": f"{PICTURES} {SOUND} {H264} -bf 3 -c:a aac",
    "pictures": f"{PICTURES} {H264} -bf 0",
    "sound": f"{SOUND} -c:a aac",
    "slow": f"-f lavfi -i testsrc2=s=160x120:r=5 {SOUND} {H264} -c:a aac",
}
SECONDS = "4"
CLOCK = 1 << 33
Unit = collections.namedtuple("Unit", "dts pts size hash")


def run(command, **options):
    return subprocess.run(command, check=True, stdin=subprocess.DEVNULL, timeout=100, **options)


def fnv(data):
    value = 0xcbf29ce484222325
    for byte in data:
        value = (value ^ byte) * 0x100000001b3 & 0xffffffffffffffff
    return f"{value:016x}"


def with_lengths(data, codec):
    """Annex B as our frames have it: each unit behind its length, no delimiters."""
    delimiter = (lambda first: first & 31 == 9) if codec == "h264" else (lambda first: first >> 1 == 35)
    out = b""
    for unit in data.split(b"\0\0\1")[1:]:
        unit = unit.rstrip(b"\0")
        if unit and not delimiter(unit[0]):
            out += len(unit).to_bytes(4, "big") + unit
    return out


def payload_of(codec, data):
    if codec in ("h264", "h265"):
        return with_lengths(data, codec)
    if codec == "aac":
        return data[7 if data[1] & 1 else 9:]
    return data


def probe(path, kind):
    """(codec, units) of the first stream of a kind, with its bytes."""
    text = run(["ffprobe", "-v", "error", "-select_streams", f"{kind}:0", "-show_entries", "stream=codec_name:packet=pts,dts,data",
                "-show_data", "-of", "default=noprint_wrappers=0", str(path)], stdout=subprocess.PIPE, text=True).stdout
    codec, units, fields, data = None, [], {}, bytearray()
    for line in text.splitlines():
        if line.startswith("codec_name="):
            codec = codec or {"hevc": "h265"}.get(line[11:], line[11:])
        elif line == "[PACKET]":
            fields, data = {}, bytearray()
        elif line == "[/PACKET]":
            units.append((int(fields["dts"]), int(fields["pts"]), bytes(data)))
        elif "=" in line and not line[:1].isdigit():
            fields[line.split("=")[0]] = line.split("=", 1)[1]
        elif len(line) > 10 and line[8:9] == ":":
            data += bytes.fromhex(line[10:50].replace(" ", ""))
    return codec, [Unit(dts, pts, len(payload), fnv(payload)) for dts, pts, payload in
                   ((dts, pts, payload_of(codec, data)) for dts, pts, data in units)]


def demux(tool, path, piece):
    """{codec: units}, and what was said beside them."""
    done = run([tool, str(path), str(piece)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    units = collections.defaultdict(list)
    for line in done.stdout.splitlines():
        codec, dts, pts, size, digest = line.split()[:5]
        units[codec].append(Unit(int(dts), int(pts), int(size), digest))
    return units, done.stderr


def differ(a, b):
    """Around the clock; audio frames inside a PES packet are counted on, so a tick may be rounded the other way."""
    return abs((a - b + CLOCK // 2) % CLOCK - CLOCK // 2) > 1


def compare(name, found, expected):
    if len(found) != len(expected) or not found:
        sys.exit(f"{name}: {len(found)} units, ffprobe has {len(expected)}")
    for i, (a, b) in enumerate(zip(found, expected)):
        if a.size != b.size or a.hash != b.hash or differ(a.dts, b.dts) or differ(a.pts, b.pts):
            sys.exit(f"{name}: unit {i} is {a}, ffprobe has {b}")


def check_demux(tool, path, name):
    units, said = demux(tool, path, 1316)
    if demux(tool, path, 7) != (units, said):
        sys.exit(f"{name}: other units when the bytes come otherwise")
    n = 0
    for kind in ("v", "a"):
        codec, expected = probe(path, kind)
        if codec:
            compare(f"{name} {codec}", units[codec], expected)
            n += len(expected)
    for counter in ("continuity_errors", "skipped_bytes", "transport_errors", "crc_errors", "pes_bad", "frames_dropped"):
        if f"{counter}=0" not in said:
            sys.exit(f"{name}: {said}")
    print(f"{name}: {n} access units are the same")


def quiet(name, command):
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=100)
    if done.returncode != 0 or done.stdout.strip():
        sys.exit(f"{name}: {command[0]} says: {done.stdout}")


def check_mux(tool, demux_tool, flv, path, name):
    lines = run([tool, str(flv), str(path)], stdout=subprocess.PIPE, text=True).stdout.split("\n")[:-1]
    quiet(name, ["ffmpeg", "-v", "warning", "-i", str(path), "-f", "null", "-"])
    codecs = {line.split()[0] for line in lines}
    branches = {"h264": "d. ! queue ! h264parse ! avdec_h264 ! fakesink sync=false",
                "aac": "d. ! queue ! aacparse ! avdec_aac ! fakesink sync=false"}
    quiet(name, ["gst-launch-1.0", "-q", "filesrc", f"location={path}", "!", "tsdemux", "name=d",
                 *" ".join(branches[c] for c in sorted(codecs)).split()])
    units, _ = demux(demux_tool, path, 1316)
    for codec in codecs:
        sent = [tuple(map(int, line.split()[1:3])) for line in lines if line.split()[0] == codec]
        if [(u.dts, u.pts) for u in units[codec]] != sent:
            sys.exit(f"{name}: other times of {codec}")
        _, expected = probe(path, "a" if codec == "aac" else "v")
        compare(f"{name} {codec}", units[codec], expected)
    print(f"{name}: {len(lines)} frames are read by all")


def main():
    demux_tool, mux_tool = sys.argv[1:]
    if not all(map(shutil.which, ("ffmpeg", "ffprobe", "gst-launch-1.0"))):
        sys.exit(77)
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "x.ts"
        flv = pathlib.Path(folder) / "x.flv"
        for name, arguments in TS_FILES.items():
            run(["ffmpeg", "-v", "error", "-y", *arguments.split(), "-t", SECONDS, "-f", "mpegts", str(path)])
            check_demux(demux_tool, path, name)
        for name, pipeline in GST_FILES.items():
            run(["gst-launch-1.0", "-q", *pipeline.format(path=path).split()])
            check_demux(demux_tool, path, name)
        for name, arguments in FLV_FILES.items():
            run(["ffmpeg", "-v", "error", "-y", *arguments.split(), "-t", SECONDS, "-f", "flv", str(flv)])
            check_mux(mux_tool, demux_tool, flv, path, f"mux {name}")


if __name__ == "__main__":
    main()
