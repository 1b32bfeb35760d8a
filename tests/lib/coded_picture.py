# SPDX-License-Identifier: Apache-2.0
"""Sources whose every picture says which source it is and when it was: a number and milliseconds, as blocks.

They are encoded once, kept beside the build and published by copying. Players hand back their pictures as small grey
ones; decode() reads them. The blocks are those of clock_picture, the highest eight bits being the source's number.
"""
import hashlib
import os
import pathlib
import subprocess
import typing

import clients
import clock_picture
from isaribi_test import BIN, Process, check

KEPT = pathlib.Path(os.environ.get("ISARIBI_MEDIA", BIN.parent / "tests/media"))
WIDTH, HEIGHT = 640, 360  # in which a picture is drawn, before it is scaled
SMALL = (2 * clock_picture.BITS, 4)
SMALL_BYTES = SMALL[0] * SMALL[1]
MS_BITS = 24
CODE_WIDTH, CODE_HEIGHT = clock_picture.BITS * clock_picture.BLOCK_PX, 2 * clock_picture.BLOCK_PX


class Source(typing.NamedTuple):
    number: int  # 1 to 255
    size: tuple
    fps: str = "25"
    gop: int = 50
    bframes: int = 0
    hz: int = 48000  # 0: no sound
    channels: int = 2
    colour: str = "gray"
    seconds: int = 24
    has_video: bool = True

    def rate(self):
        top, _, bottom = self.fps.partition("/")
        return int(top) / int(bottom or 1)

    def key_frames_s(self):
        """From one to the next."""
        return self.gop / self.rate()


def _background(source, path):
    subprocess.run([*clients.FFMPEG, "-y", "-f", "lavfi", "-i", f"color={source.colour}:s={WIDTH}x{HEIGHT}:r=5",
                    "-f", "lavfi", "-i", "testsrc2=s=240x180:r=5", "-filter_complex", "[0][1]overlay=200:100", "-t", "2",
                    "-pix_fmt", "yuv420p", "-f", "rawvideo", path], check=True, timeout=60)
    return clock_picture.frames_of(path, WIDTH, HEIGHT)


def _pictures(source, background):
    for n in range(round(source.seconds * source.rate())):
        frame = background[n // 5 % len(background)]
        code = source.number << MS_BITS | round(n * 1000 / source.rate())
        rows = clock_picture.rows_of(code, frame[:WIDTH], WIDTH)
        yield rows + frame[len(rows):]


def _encoder(source, path):
    argv = [*clients.FFMPEG, "-y"]
    if source.has_video:
        argv += ["-f", "rawvideo", "-pix_fmt", "yuv420p", "-s", f"{WIDTH}x{HEIGHT}", "-r", source.fps, "-i", "-"]
    if source.hz:
        argv += ["-f", "lavfi", "-i", f"sine=f={300 + 40 * source.number}:r={source.hz}"]
    if source.has_video:
        argv += ["-vf", "scale={}:{}:flags=area".format(*source.size), "-c:v", "libx264", "-preset",
                 "veryfast" if source.bframes else "ultrafast", "-bf", source.bframes, "-g", source.gop, "-keyint_min",
                 source.gop, "-sc_threshold", 0, "-b:v", "500k", "-maxrate", "600k", "-bufsize", "600k"]
    if source.hz:
        argv += ["-c:a", "aac", "-b:a", "64k", "-ac", source.channels]
    return [str(a) for a in argv + ["-t", source.seconds, "-f", "flv", path]]


def make_flv(source):
    """The path of a file that is kept."""
    KEPT.mkdir(parents=True, exist_ok=True)
    name = hashlib.sha256(repr(source).encode()).hexdigest()[:12]
    path = KEPT / f"source-{source.number}-{name}.flv"
    if path.exists():
        return path
    new = KEPT / f"{path.stem}-{os.getpid()}.new"
    encoder = subprocess.Popen(_encoder(source, new), stdin=subprocess.PIPE)
    if source.has_video:
        raw = new.with_suffix(".yuv")
        for picture in _pictures(source, _background(source, raw)):
            encoder.stdin.write(picture)
        raw.unlink()
    encoder.stdin.close()
    check(encoder.wait(120) == 0, f"the source {source.number} cannot be made")
    new.rename(path)
    return path


def publish(bench, url, source, *, loop=True):
    return clients.ffmpeg_publish(bench, url, make_flv(source), loop=loop, name=f"source-{source.number}")


# What players see


def decode(small):
    """(number, ms) of a small picture; None when there is no code in it."""
    code = 0
    for i in range(clock_picture.BITS):
        upper = sum(small[row * SMALL[0] + 2 * i + k] for row in (0, 1) for k in (0, 1)) / 4
        lower = sum(small[row * SMALL[0] + 2 * i + k] for row in (2, 3) for k in (0, 1)) / 4
        if abs(upper - lower) < 60:
            return None
        code = code * 2 + (upper > lower)
    return code >> MS_BITS, code & ((1 << MS_BITS) - 1)


class Player(Process):
    """It writes the codes of its pictures into a file, one after another as they are shown."""

    def __init__(self, bench, name, argv, env=None):
        self.path = bench.dir / f"{name}-{len(bench.processes)}.codes"
        super().__init__(bench, name, [str(a).replace("CODES", str(self.path)) for a in argv], env)

    def count(self):
        check(self.is_running(), f"{self.name} ended: {self.tail()}")
        return self.path.stat().st_size // SMALL_BYTES if self.path.exists() else 0

    def codes(self):
        data = self.path.read_bytes()
        return [decode(data[at:at + SMALL_BYTES]) for at in range(0, len(data) - SMALL_BYTES + 1, SMALL_BYTES)]


def ffmpeg_player(bench, url):
    """Decodes picture and sound from the edge on."""
    small = (f"scale={WIDTH}:{HEIGHT}:flags=area,crop={CODE_WIDTH}:{CODE_HEIGHT}:0:0,"
             f"scale={SMALL[0]}:{SMALL[1]}:flags=area,format=gray")
    return Player(bench, "ffmpeg-player", [
        *clients.FFMPEG, "-y", "-live_start_index", -2, "-i", url, "-map", "0:v:0", "-vf", small, "-fps_mode", "passthrough",
        "-flush_packets", 1, "-f", "rawvideo", "CODES", "-map", "0:a:0", "-f", "s16le", "/dev/null"])


def gst_player(bench, url):
    """GStreamer's newer demuxer, picture only for the eye, the sound decoded and let go."""
    shape = "video/x-raw,width={},height={}"
    player = Player(bench, "gst-player", [
        "gst-launch-1.0", "-q", "uridecodebin3", f"uri={url}", "name=d",
        "d.", "!", "queue", "!", "videoconvert", "!", "videoscale", "!", shape.format(WIDTH, HEIGHT), "!", "videocrop",
        f"right={WIDTH - CODE_WIDTH}", f"bottom={HEIGHT - CODE_HEIGHT}", "!", "videoscale", "method=bilinear", "!",
        "video/x-raw,format=GRAY8,width={},height={}".format(*SMALL), "!", "filesink", "buffer-mode=2", "location=CODES",
        "d.", "!", "audio/x-raw", "!", "queue", "!", "audioconvert", "!", "fakesink", "sync=false"],
        {"GST_PLUGIN_FEATURE_RANK": "hlsdemux2:MAX,hlsdemux:NONE"})
    return player


class Run(typing.NamedTuple):
    """Pictures of one source, or of none (0), one after another."""
    number: int
    pictures: int
    lost: int  # pictures that are missing between the first and the last


def runs(codes, sources):
    """[Run] in the order of a player's codes. sources: {number: Source}."""
    found, last = [], None
    for code in codes:
        number, ms = code or (0, 0)
        if not found or found[-1].number != number:
            found.append(Run(number, 0, 0))
        elif number:
            found[-1] = found[-1]._replace(lost=found[-1].lost + _lost(sources[number], last, ms))
        found[-1] = found[-1]._replace(pictures=found[-1].pictures + 1)
        last = ms
    return found


def _lost(source, before_ms, ms):
    """Back is where the file begins again."""
    return max(0, round((ms - before_ms) * source.rate() / 1000) - 1)
