# SPDX-License-Identifier: Apache-2.0
"""SRT peers: srt-live-transmit, ffmpeg and GStreamer, and callers on libsrt of our own; transport streams to send."""
import atexit
import ctypes
import pathlib
import shutil
import socket
import struct
import subprocess
import tempfile
import threading
import time

import clients
import ts
from isaribi_test import Failed, Plan, check, wait_for

MESSAGE = 7 * ts.PACKET
# A node that answers soon: the short cases here do not wait for lost packets.
QUICK = {"srt.listen": "127.0.0.1:0", "srt.latency_ms": 120, "http.segment_ms": 1000, "http.part_ms": 250,
         "node.grace_ms": 15000}
# What the caller is told; libsrt's access control has the numbers.
BAD_REQUEST, UNAUTHORIZED, FORBIDDEN, NOT_FOUND, BAD_MODE, MEDIA_TYPE = 1400, 1401, 1403, 1404, 1405, 1415
WELCOME = -1
BAD_SECRET, UNSECURE = 10, 11  # libsrt's own, SRT_REJ_BADSECRET and SRT_REJ_UNSECURE


def node(bench, config=None, *, streams=("tanaka",), plan=None):
    """A node with one key per stream: (node, key, key, ...)."""
    plan = plan or Plan()
    keys = [plan.key(stream) for stream in streams]
    return (bench.node(plan, {**QUICK, **(config or {})}), *keys)


def url(node, stream_id, **options):
    """For ffmpeg and srt-live-transmit; options are named as in the query of an srt:// URL. Neither of them decodes
    what is percent-encoded."""
    query = {"mode": "caller", "transtype": "live", "streamid": stream_id, **options}
    return f"srt://127.0.0.1:{node.srt_port}?" + "&".join(f"{k}={v}" for k, v in query.items())


# Transport streams

_made = {}


def make_ts(bench, seconds=12, *, size="160x90", fps=25, gop=25, bframes=0, video="libx264", audio=("aac",),
            hz=(48000,), more=()):
    """A moving test picture and a tone for each entry of audio, in a transport stream. Made once for all cases of a
    file; the path is not to be written to."""
    what = (seconds, size, fps, gop, bframes, video, audio, hz, more)
    if what in _made:
        return _made[what]
    if not _made:
        _made[None] = pathlib.Path(tempfile.mkdtemp(prefix="isaribi-ts-"))
        atexit.register(shutil.rmtree, _made[None], True)
    path = _made[None] / f"{len(_made)}.ts"
    argv = [*clients.FFMPEG, "-loglevel", "error", "-y"]
    argv += ["-f", "lavfi", "-i", f"testsrc2=s={size}:r={fps}"] if video else []
    for n, _ in enumerate(audio):
        argv += ["-f", "lavfi", "-i", f"sine=f={440 * (n + 1)}:r={hz[n % len(hz)]}"]
    maps = [part for n in range(len(audio) + bool(video)) for part in ("-map", n)]
    argv += [*maps, *_video_options(video, gop, bframes)]
    for n, codec in enumerate(audio):
        argv += [f"-c:a:{n}", codec, f"-b:a:{n}", "64k"]
    bench.run("make-ts", [*argv, "-t", seconds, *more, "-f", "mpegts", path], 120)
    _made[what] = path
    return path


def _video_options(codec, gop, bframes):
    if not codec:
        return []
    options = ["-c:v", codec, "-pix_fmt", "yuv420p", "-g", gop, "-bf", bframes, "-b:v", "250k"]
    if codec == "libx264":
        options += ["-preset", "veryfast" if bframes else "ultrafast", "-keyint_min", gop, "-sc_threshold", 0,
                    "-maxrate", "250k", "-bufsize", "250k"]
    elif codec == "libx265":
        options += ["-preset", "ultrafast", "-x265-params", f"log-level=error:keyint={gop}:min-keyint={gop}:scenecut=0:"
                    f"open-gop=0:bframes={bframes}:repeat-headers=1"]
    return options


def make_flv(bench, path):
    """The same pictures and sounds for an RTMP publisher."""
    flv = path.with_suffix(".flv")
    if not flv.exists():
        bench.run("make-flv", [*clients.FFMPEG, "-loglevel", "error", "-y", "-i", path, "-c", "copy", "-bsf:a",
                               "aac_adtstoasc", "-f", "flv", flv])
    return flv


def paced(data):
    """[(seconds from the beginning, message)]: as the clock in the stream says."""
    out, clock, first = [], 0.0, None
    last = 0
    for at in range(0, len(data), MESSAGE):
        message = data[at:at + MESSAGE]
        for packet in ts.packets(message):
            if packet.pcr_27m is None:
                continue
            if first is None:
                first = last = packet.pcr_27m
            clock += max(0, (packet.pcr_27m - last) % (ts.WRAP_90K * 300)) / 27e6
            last = packet.pcr_27m
        out.append((clock, message))
    return out


class Feed(threading.Thread):
    """Hands a transport stream to write(message) at its own pace; done() once it is through, is_broken when write
    failed."""

    def __init__(self, data, write, close):
        super().__init__(daemon=True)
        self.schedule = paced(data)
        self.write, self.close = write, close
        self.sent = 0
        self.is_broken = False
        self._asked_to_stop = threading.Event()
        self.start()

    def run(self):
        started = time.monotonic()
        try:
            for due, message in self.schedule:
                if self._asked_to_stop.wait(max(0.0, started + due - time.monotonic())):
                    break
                self.write(message)
                self.sent += 1
        except OSError:
            self.is_broken = True
        finally:
            self.close()

    def stop(self):
        self._asked_to_stop.set()
        self.join(10)

    def done(self):
        return not self.is_alive()


# Publishers of other makes. Each ends with its transport stream.


def slt_publish(bench, node, stream_id, path, name="slt-publish", **options):
    """srt-live-transmit from a pipe. Nothing is lost on the way there: what was sent is what is in the file. It does
    not end with its pipe: wait for feed.done(), then for whatever must have arrived, then stop it."""
    process = bench.start(name, ["srt-live-transmit", "-quiet", "-autoreconnect:no", f"-chunk:{MESSAGE}", "file://con",
                                 url(node, stream_id, **options)], stdin=subprocess.PIPE)
    pipe = process.popen.stdin

    def write(message):
        pipe.write(message)
        pipe.flush()

    process.feed = Feed(path.read_bytes(), write, lambda: _close_quietly(pipe))
    return process


def _close_quietly(pipe):
    try:
        pipe.close()
    except OSError:
        pass


def slt_publish_from_udp(bench, node, stream_id, path, **options):
    """srt-live-transmit as people use it behind an encoder: UDP in, SRT out."""
    port = _free_udp_port()
    process = bench.start("slt-udp", ["srt-live-transmit", "-quiet", "-autoreconnect:no", f"-chunk:{MESSAGE}",
                                      f"udp://127.0.0.1:{port}", url(node, stream_id, **options)])
    out = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    wait_for("srt-live-transmit to listen", lambda: _udp_is_bound(port))
    process.feed = Feed(path.read_bytes(), lambda m: out.sendto(m, ("127.0.0.1", port)), out.close)
    return process


def _free_udp_port():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def _udp_is_bound(port):
    lines = pathlib.Path("/proc/net/udp").read_text().splitlines()[1:]
    return any(int(line.split()[1].rpartition(":")[2], 16) == port for line in lines)


def ffmpeg_publish(bench, node, stream_id, path, name="ffmpeg-srt", **options):
    return bench.start(name, [*clients.FFMPEG, "-re", "-i", path, "-map", 0, "-c", "copy", "-f", "mpegts",
                              url(node, stream_id, pkt_size=MESSAGE, **options)])


def gst_publish(bench, node, stream_id, seconds, fps=25):
    pipeline = (f"mpegtsmux name=mux alignment=7 ! srtsink uri=srt://127.0.0.1:{node.srt_port} mode=caller "
                f"streamid={stream_id} wait-for-connection=true "
                f"videotestsrc is-live=true num-buffers={seconds * fps} ! "
                f"video/x-raw,width=160,height=90,framerate={fps}/1 ! "
                "x264enc tune=zerolatency speed-preset=ultrafast key-int-max=25 bitrate=250 ! h264parse ! mux. "
                f"audiotestsrc is-live=true samplesperbuffer=1024 num-buffers={seconds * 48000 // 1024} ! "
                "audio/x-raw,rate=48000,channels=2 ! avenc_aac ! aacparse ! mux.")
    return bench.start("gst-srtsink", ["gst-launch-1.0", "-q", *pipeline.split()])


# Players of other makes


def slt_play(bench, node, stream_id, name="slt-play", **options):
    """Its out_path is what came."""
    return bench.start(name, ["srt-live-transmit", "-quiet", "-autoreconnect:no", url(node, stream_id, **options),
                              "file://con"])


def ffmpeg_play(bench, node, stream_id, path, seconds=None, **options):
    return bench.start("ffmpeg-play", [*clients.FFMPEG, "-y", "-i", url(node, stream_id, **options), "-map", 0, "-c",
                                       "copy", *(["-t", seconds] if seconds else []), path])


def gst_play(bench, node, stream_id, frames):
    """Decodes so many pictures, then ends."""
    return bench.start("gst-srtsrc", [
        "gst-launch-1.0", "-q", "srtsrc", f"uri=srt://127.0.0.1:{node.srt_port}", "mode=caller",
        f"streamid={stream_id}", "!", "tsdemux", "name=d", "d.", "!", "queue", "!", "h264parse", "!", "avdec_h264", "!",
        "fakesink", "sync=false", f"num-buffers={frames}"])


# Callers of our own, on libsrt: exact reject codes, addresses, bytes


class _Options:
    SNDSYN, RCVSYN, RCVTIMEO, PASSPHRASE, PBKEYLEN, RCVLATENCY, STREAMID, CONNTIMEO = 1, 2, 14, 26, 27, 43, 46, 36


_lib = None


def _libsrt():
    global _lib
    if _lib is None:
        _lib = ctypes.CDLL("libsrt-gnutls.so.1.5")
        _lib.srt_startup()
        _lib.srt_setloglevel(2)  # LOG_CRIT
    return _lib


def _address(host, port):
    return struct.pack("=H", socket.AF_INET) + struct.pack(">H", port) + socket.inet_aton(host) + b"\0" * 8


class Refused(Failed):
    """code is what libsrt says about why."""

    def __init__(self, code):
        super().__init__(f"refused with {code}")
        self.code = code


class Caller:
    """A connected socket; raises Refused. stream_id may be anything that libsrt lets through."""

    def __init__(self, bench, node, stream_id, *, passphrase="", pbkeylen=0, source=None, latency_ms=120):
        lib = _libsrt()
        self.socket = lib.srt_create_socket()
        self._lock = threading.Lock()
        self.set(_Options.CONNTIMEO, 5000)
        self.set(_Options.RCVLATENCY, latency_ms)
        stream_id = stream_id.encode() if isinstance(stream_id, str) else stream_id
        if stream_id:
            self.set(_Options.STREAMID, stream_id)
        if passphrase:
            self.set(_Options.PASSPHRASE, passphrase.encode())
        if pbkeylen:
            self.set(_Options.PBKEYLEN, pbkeylen)
        if source:
            check(lib.srt_bind(self.socket, _address(source, 0), 16) == 0, f"cannot call from {source}")
        bench.at_end.append(self.close)
        if lib.srt_connect(self.socket, _address("127.0.0.1", node.srt_port), 16) < 0:
            code = lib.srt_getrejectreason(self.socket)
            self.close()
            raise Refused(code)

    def set(self, option, value):
        data = struct.pack("=i", value) if isinstance(value, int) else value
        result = _libsrt().srt_setsockflag(self.socket, option, data, len(data))
        check(result == 0, f"libsrt does not take option {option}")

    def send(self, message):
        if _libsrt().srt_sendmsg2(self.socket, message, len(message), None) < 0:
            raise BrokenPipeError

    def receive(self):
        """One message, b"" once the connection is over."""
        buffer = ctypes.create_string_buffer(1456)
        n = _libsrt().srt_recvmsg2(self.socket, buffer, len(buffer), None)
        return buffer.raw[:n] if n > 0 else b""

    def has_sent_all(self):
        """Nothing is on its way that the other side has not acknowledged."""
        blocks, size = ctypes.c_size_t(), ctypes.c_size_t()
        result = _libsrt().srt_getsndbuffer(self.socket, ctypes.byref(blocks), ctypes.byref(size))
        return result < 0 or blocks.value == 0

    def is_connected(self):
        return _libsrt().srt_getsockstate(self.socket) == 5  # SRTS_CONNECTED

    def close(self):
        with self._lock:
            if self.socket is not None:
                _libsrt().srt_close(self.socket)
            self.socket = None


def reject_code(bench, node, stream_id, **options):
    """What the caller is told, or WELCOME."""
    try:
        Caller(bench, node, stream_id, **options).close()
    except Refused as refused:
        return refused.code
    return WELCOME


def raw_reject_code(node, stream_id):
    """The same for a handshake of our own making: libsrt does not let callers say more than 512 bytes. None: no
    answer."""
    words = stream_id + b"\0" * (-len(stream_id) % 4)
    swapped = b"".join(words[at:at + 4][::-1] for at in range(0, len(words), 4))
    extensions = struct.pack(">HHIII", 1, 3, 0x010501, 0xbf, 120 << 16 | 120)
    extensions += struct.pack(">HH", 5, len(swapped) // 4) + swapped
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.connect(("127.0.0.1", node.srt_port))
        s.settimeout(1)
        s.send(_handshake(4, 2, 1, 0))
        cookie = struct.unpack(">I", s.recv(1500)[44:48])[0]
        s.send(_handshake(5, 5, 0xffffffff, cookie) + extensions)
        try:
            kind = struct.unpack(">I", s.recv(1500)[36:40])[0]
        except TimeoutError:
            return None
    return WELCOME if kind == 0xffffffff else kind - 1000


def _handshake(version, extension, kind, cookie):
    header = struct.pack(">IIII", 0x80000000, 0, 0, 0)
    body = struct.pack(">IIIIIIII", version, extension, 1000, 1500, 8192, kind, 77, cookie)
    return header + body + b"\x01\0\0\x7f" + bytes(12)


class Publisher:
    """Our own, from an address of its own if need be."""

    def __init__(self, bench, node, stream_id, path, **options):
        self.caller = Caller(bench, node, stream_id, **options)
        self.feed = Feed(path.read_bytes() if isinstance(path, pathlib.Path) else path, self.write, lambda: None)

    def write(self, message):
        self.caller.send(message)

    def is_on(self):
        return not self.feed.is_broken and self.caller.is_connected()

    def stop(self):
        """Politely: the other side has everything, and learns of the end at once."""
        self.feed.stop()
        if self.is_on():
            wait_for("the last messages to be acknowledged", self.caller.has_sent_all, 5)
        self.caller.close()

    def expect_thrown_out(self, limit_s=5.0):
        wait_for("the publisher to be thrown out", lambda: not self.is_on(), limit_s)
        self.stop()


class Player(threading.Thread):
    """Keeps every message it gets until the connection is over."""

    def __init__(self, bench, node, stream_id, **options):
        super().__init__(daemon=True)
        self.caller = Caller(bench, node, stream_id, **options)
        self.messages = []
        self.is_over = False
        self.start()

    def run(self):
        while message := self.caller.receive():
            self.messages.append(message)
        self.is_over = True

    def data(self):
        return b"".join(list(self.messages))

    def stream(self, has_changes=True):
        return ts.Stream(self.data(), has_changes)

    def wait_pictures(self, n, limit_s=15.0):
        wait_for(f"{n} pictures over SRT", lambda: self.is_over or len(self.stream().video()) >= n, limit_s)
        check(len(self.stream().video()) >= n, "the player was thrown out")

    def wait_over(self, limit_s=15.0):
        wait_for("the end at an SRT player", lambda: self.is_over, limit_s)

    def stop(self):
        self.caller.close()
        self.join(10)

    def write(self, path):
        """Without the picture that was on its way when somebody looked."""
        data = self.data()
        pictures = ts.Stream(data).video()
        path.write_bytes(data[:pictures[-1].index * ts.PACKET] if pictures else data)
        return path


def wait_publishers(node, n, limit_s=15.0):
    wait_for(f"{n} SRT publishers", lambda: node.metrics()["isaribi_srt_publishers"] == n, limit_s)
