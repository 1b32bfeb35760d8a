#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Raw pictures in real time, with the wall clock in their top left corner as blocks that any encoder keeps.

As a program: clock_picture.py BACKGROUND WIDTH HEIGHT FPS PIPE writes yuv420p frames; BACKGROUND holds a few of them, shown
in turn. The clock is milliseconds since 1970, its lowest 32 bits, highest first, white for 1, and in a row
below the same the other way round. tests/browser/live_edge.mjs reads it.
"""
import os
import pathlib
import sys
import time

import clients

BITS, BLOCK_PX = 32, 16
BLACK, GREY, WHITE = 16, 128, 235


def rows_of(clock_ms, line, width):
    """The luma of the two rows of blocks over `line`, a line of the background."""
    bits = [clock_ms >> (BITS - 1 - i) & 1 for i in range(BITS)]
    rest = line[BITS * BLOCK_PX:width]
    return b"".join((b"".join(bytes([WHITE if bit else BLACK]) * BLOCK_PX for bit in row) + rest) * BLOCK_PX
                    for row in (bits, [1 - bit for bit in bits]))


def frames_of(path, width, height):
    """The background's frames, grey where the clock will be: what browsers show is red, green and blue."""
    size, luma = width * height * 3 // 2, width * height
    data = bytearray(pathlib.Path(path).read_bytes())
    frames = []
    for at in range(0, len(data) - size + 1, size):
        for plane in (at + luma, at + luma + luma // 4):
            for line in range(BLOCK_PX):
                begin = plane + line * width // 2
                data[begin:begin + BITS * BLOCK_PX // 2] = bytes([GREY]) * (BITS * BLOCK_PX // 2)
        frames.append(bytes(data[at:at + size]))
    return frames


def run(path, width, height, fps, pipe):
    frames = frames_of(path, width, height)
    out = open(pipe, "wb", buffering=0)
    at, n = time.monotonic(), 0
    while True:
        frame = frames[n % len(frames)]
        rows = rows_of(int(time.time() * 1000) & 0xffffffff, frame[:width], width)
        try:
            rest = memoryview(rows + frame[len(rows):])
            while rest:
                rest = rest[out.write(rest):]
        except BrokenPipeError:
            return
        n += 1
        # Whoever reads slowly gets fewer pictures, never old ones.
        at = max(at + 1 / fps, time.monotonic() - 1 / fps)
        time.sleep(max(0.0, at - time.monotonic()))


def publish(bench, url, *, size="640x360", fps=25, gop_s=2, kbit=1000, seconds=2):
    """Encodes it as a phone does, with a tone. Returns the encoder's process."""
    width, height = size.split("x")
    background = bench.dir / "background.yuv"
    bench.run("background", [*clients.FFMPEG, "-y", "-f", "lavfi", "-i", f"testsrc2=s={size}:r={fps}", "-t", seconds,
                             "-pix_fmt", "yuv420p", "-f", "rawvideo", background])
    pipe = bench.dir / "camera.pipe"
    os.mkfifo(pipe)
    bench.start("camera", [sys.executable, __file__, background, width, height, fps, pipe])
    gop = round(fps * gop_s)
    return bench.start("encoder", [
        *clients.FFMPEG, "-fflags", "nobuffer", "-probesize", 32, "-f", "rawvideo", "-pix_fmt", "yuv420p", "-s", size,
        "-r", fps, "-i", pipe, "-re", "-f", "lavfi", "-i", "sine=f=440:r=48000", "-c:v", "libx264", "-preset",
        "veryfast", "-tune", "zerolatency", "-g", gop, "-keyint_min", gop, "-sc_threshold", 0, "-b:v", f"{kbit}k",
        "-maxrate", f"{kbit}k", "-bufsize", f"{kbit}k", "-c:a", "aac", "-b:a", "96k", "-flush_packets", 1,
        "-f", "flv", url])


if __name__ == "__main__":
    run(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4]), sys.argv[5])
