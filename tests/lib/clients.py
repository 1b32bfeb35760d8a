# SPDX-License-Identifier: Apache-2.0
"""Real publishers and players, and the pictures they send."""
import json
import os
import pathlib
import re
import socket
import struct
import subprocess

from isaribi_test import TOOLS, Failed, Process, check, free_port, wait_for

GRAY_PX = 16
FFMPEG = ["ffmpeg", "-hide_banner", "-nostdin", "-loglevel", "warning"]


def make_flv(bench, name="media", seconds=30, *, size="320x180", fps=25, gop=50, bframes=0, video=True, audio=True,
             kbit=400, hz=48000, is_variable=False):
    """An FLV of a moving test picture and a tone. Made once, sent with -c copy: publishing costs nothing then.

    is_variable: every other second has half the pictures, as of a phone in the dark; a key frame every 2 s."""
    path = bench.dir / f"{name}.flv"
    argv = [*FFMPEG, "-y"]
    if video:
        argv += ["-f", "lavfi", "-i", f"testsrc2=s={size}:r={fps}"]
    if audio:
        argv += ["-f", "lavfi", "-i", f"sine=f=440:r={hz}"]
    if video:
        argv += ["-c:v", "libx264", "-preset", "ultrafast" if not bframes else "veryfast", "-pix_fmt", "yuv420p",
                 "-g", gop, "-keyint_min", gop, "-sc_threshold", 0, "-bf", bframes, "-b:v", f"{kbit}k",
                 "-maxrate", f"{kbit}k", "-bufsize", f"{kbit}k"]
    if is_variable:
        argv += ["-vf", "select='not(mod(n\\,2))+lt(mod(t\\,2)\\,1)'", "-vsync", "vfr", "-force_key_frames",
                 "expr:gte(t,n_forced*2)"]
    if audio:
        argv += ["-c:a", "aac", "-b:a", "64k"]
    bench.run("make-flv", argv + ["-t", seconds, "-f", "flv", path], 120)
    return path


def make_size_change(bench, seconds_each=8, first="320x180", second="640x360"):
    """One FLV whose picture changes its size in the middle, by a second sequence header, as when a phone is turned."""
    a = make_flv(bench, "size-a", seconds_each, size=first, gop=25)
    b = make_flv(bench, "size-b", seconds_each, size=second, gop=25)
    path = bench.dir / "size-change.flv"
    path.write_bytes(join_flv(a.read_bytes(), b.read_bytes()))
    return path


def flv_tags(data):
    """(offset, type, timestamp, body) of each whole tag."""
    at = 13
    while at + 11 <= len(data):
        size = int.from_bytes(data[at + 1:at + 4], "big")
        if at + 11 + size + 4 > len(data):
            return
        timestamp = int.from_bytes(data[at + 4:at + 7], "big") | data[at + 7] << 24
        yield at, data[at] & 0x1f, timestamp, data[at + 11:at + 11 + size]
        at += 11 + size + 4


def join_flv(first, second):
    """The tags of second, sequence headers included, after those of first, the times going on."""
    base = max(t for _, _, t, _ in flv_tags(first)) + 40
    out = bytearray(first)
    for _, kind, timestamp, body in flv_tags(second):
        t = base + timestamp
        out += bytes([kind]) + len(body).to_bytes(3, "big") + (t & 0xffffff).to_bytes(3, "big")
        out += bytes([t >> 24 & 0xff]) + b"\0\0\0" + body + struct.pack(">I", len(body) + 11)
    return bytes(out)


# Publishers


def ffmpeg_publish(bench, url, flv, *, loop=False, name="ffmpeg-publish"):
    return bench.start(name, [*FFMPEG, "-re", *(["-stream_loop", -1] if loop else []), "-i", flv, "-c", "copy",
                              "-f", "flv", url])


def ffmpeg_encode(bench, url, seconds, *, size="320x180", fps=25, gop=50):
    """ffmpeg as people use it: encoding as it goes."""
    return bench.start("ffmpeg-encode", [
        *FFMPEG, "-re", "-f", "lavfi", "-i", f"testsrc2=s={size}:r={fps}", "-re", "-f", "lavfi", "-i", "sine=r=44100",
        "-c:v", "libx264", "-preset", "veryfast", "-tune", "zerolatency", "-pix_fmt", "yuv420p", "-g", gop,
        "-b:v", "400k", "-c:a", "aac", "-t", seconds, "-f", "flv", url])


def gst_publish(bench, url, seconds, sink="rtmp2sink", fps=25):
    pipeline = (f"flvmux name=mux streamable=true ! {sink} location={url} "
                f"videotestsrc is-live=true num-buffers={seconds * fps} ! "
                f"video/x-raw,width=320,height=180,framerate={fps}/1 ! "
                "x264enc tune=zerolatency speed-preset=ultrafast key-int-max=50 bitrate=400 ! h264parse ! mux. "
                f"audiotestsrc is-live=true samplesperbuffer=1024 num-buffers={seconds * 48000 // 1024} ! "
                "audio/x-raw,rate=48000,channels=2 ! avenc_aac ! aacparse ! mux.")
    return bench.start("gst-publish", ["gst-launch-1.0", "-q", *pipeline.split()])


def librtmp_publish(bench, url, flv, *, seconds=0, offset_ms=0, speed=1):
    return bench.start("librtmp-publish", [TOOLS / "rtmp_publish", "--url", url, "--file", flv, "--seconds", seconds,
                                           "--offset-ms", offset_ms, "--speed", speed])


def expect_refused(publisher, limit_s=15.0):
    """The publisher must end by itself, unhappily."""
    code = publisher.wait(limit_s)
    check(code != 0, f"{publisher.name} was taken in although it must be refused: {publisher.tail()}")


# Players


def rtmpdump(bench, url, path):
    """librtmp as a player; ends with the stream, or by stop()."""
    return bench.start("rtmpdump", ["rtmpdump", "--live", "-q", "-r", url, "-o", path])


def ffmpeg_record(bench, url, path, seconds=None):
    """Copies the stream to a file; ends at the end of the stream, or after so many seconds of it."""
    return bench.start("ffmpeg-record", [*FFMPEG, "-y", "-i", url, "-c", "copy",
                                         *(["-t", seconds] if seconds else []), path])


def gst_play_rtmp(bench, url, frames, source="rtmp2src"):
    """Decodes so many frames, then ends."""
    return bench.start("gst-play", [
        "gst-launch-1.0", "-q", source, f"location={url}", "!", "flvdemux", "name=d", "d.video", "!", "queue", "!",
        "h264parse", "!", "avdec_h264", "!", "fakesink", "sync=false", f"num-buffers={frames}"])


class FfmpegHls(Process):
    """ffmpeg's own demuxer, decoding to nowhere."""

    def __init__(self, bench, url):
        super().__init__(bench, "ffmpeg-hls", [*FFMPEG, "-loglevel", "verbose", "-i", url, "-map", "0:v:0", "-f", "null",
                                               "-progress", "pipe:1", "-"])

    def wait_next_segment(self):
        """Until it asks for another one: then it has just read the playlist, and will not for as long as that lasts."""
        n = self.err().count("HLS request for url")
        wait_for("ffmpeg's next segment", lambda: self.err().count("HLS request for url") > n)

    def pictures(self):
        """How many it has decoded so far."""
        check(self.is_running(), f"ffmpeg ended: {self.tail()}")
        return max((int(n) for n in re.findall(r"^frame=(\d+)", self.out(), re.M)), default=0)


class GstHls(Process):
    """The old or the new demuxer of GStreamer, decoding into small grey pictures."""

    def __init__(self, bench, url, demux="hlsdemux2"):
        # On a live playlist the old demuxer takes a sink's "enough" for a pause: so the pictures are counted in a file.
        other = "hlsdemux" if demux == "hlsdemux2" else "hlsdemux2"
        decoder = "uridecodebin3" if demux == "hlsdemux2" else "uridecodebin"
        self.path = bench.dir / f"{demux}-{len(bench.processes)}.gray"
        super().__init__(bench, f"gst-{demux}", [
            "gst-launch-1.0", "-q", decoder, f"uri={url}", "caps=video/x-raw", "!", "videoconvert", "!", "videoscale", "!",
            f"video/x-raw,format=GRAY8,width={GRAY_PX},height={GRAY_PX}", "!", "filesink", "buffer-mode=2",
            f"location={self.path}"], {"GST_PLUGIN_FEATURE_RANK": f"{demux}:MAX,{other}:NONE"})

    def pictures(self):
        """How many it has decoded so far."""
        check(self.is_running(), f"GStreamer ended: {self.tail()}")
        return self.path.stat().st_size // GRAY_PX ** 2 if self.path.exists() else 0

    def different_pictures(self):
        data, size = self.path.read_bytes(), GRAY_PX ** 2
        return len({data[at:at + size] for at in range(0, len(data) - size + 1, size)})


def gst_see_hls(bench, url, frames, demux="hlsdemux2", limit_s=30.0):
    """Decodes so many moving pictures."""
    player = GstHls(bench, url, demux)
    wait_for(f"{frames} pictures through {demux}", lambda: player.pictures() >= frames, limit_s)
    player.stop()
    seen = player.different_pictures()
    check(seen > frames // 2, f"GStreamer saw only {seen} different pictures")


def mpv_play(bench, url):
    """Ends with the stream. mpv_pictures() says what it has shown."""
    return bench.start("mpv", ["mpv", "--no-config", "--vo=null", "--ao=null", "--msg-level=ffmpeg=v",
                               "--vf=lavfi=[showinfo]", url])


def mpv_pictures(player):
    """How many different ones it has shown so far."""
    check(player.is_running(), f"mpv ended: {player.tail()}")
    return len(set(re.findall(r"showinfo\w*: n: *\d+ .* checksum:(\w+)", player.out())))


class Vlc(Process):
    """VLC showing a stream; it ends with it. As root it does not run: then it is nobody."""

    def __init__(self, bench, url):
        self.port = free_port()
        drop = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] if os.geteuid() == 0 else []
        super().__init__(bench, "vlc", [
            *drop, "vlc", "-I", "oldrc", "--rc-fake-tty", f"--rc-host=127.0.0.1:{self.port}", "--ignore-config",
            "--no-media-library", "--no-color", "--vout=dummy", "--aout=dummy", "--play-and-exit", url],
            {"HOME": "/nonexistent"})

    def pictures(self):
        """How many it says it has shown."""
        check(self.is_running(), f"VLC ended: {self.tail()}")
        text = b""
        try:
            with socket.create_connection(("127.0.0.1", self.port), 2) as s:
                s.settimeout(2)
                s.sendall(b"stats\n")
                while b"end of statistical info" not in text:
                    text += s.recv(4096) or b"end of statistical info"
        except OSError:
            return 0  # not up yet, or busy
        shown = re.search(rb"frames displayed *: *(\d+)", text)
        return int(shown[1]) if shown else 0


def load_players(bench, url, *, players=1, seconds=10, ramp_ms=0, never_read=0, rcvlowat=0, until_end=False):
    """Our own load tool; load_result() waits for its summary."""
    return bench.start("rtmp_load", [TOOLS / "rtmp_load", "--url", url, "--players", players, "--seconds", seconds,
                                     "--ramp-ms", ramp_ms, "--never-read", never_read, "--rcvlowat", rcvlowat,
                                     *(["--until-end"] if until_end else [])])


def load_result(process, limit_s=60.0):
    process.expect_success(limit_s)
    return json.loads(process.out())


# Looking at what was recorded


def ffprobe(source, *args, limit_s=60.0):
    """ffprobe's JSON, which must come without a complaint."""
    argv = ["ffprobe", "-v", "error", "-of", "json", *[str(a) for a in args], str(source)]
    try:
        answer = subprocess.run(argv, capture_output=True, text=True, timeout=limit_s, check=False)
    except subprocess.TimeoutExpired:
        raise Failed(f"ffprobe of {source} took more than {limit_s:g} s") from None
    check(answer.returncode == 0 and not answer.stderr, f"ffprobe {source}: {answer.stderr[:500]}")
    return json.loads(answer.stdout)


def streams_of(source):
    return {s["codec_type"]: s for s in ffprobe(source, "-show_streams")["streams"]}


def packets_of(source, kind):
    """[(pts, dts)] in seconds of the first stream of kind 'v' or 'a'."""
    packets = ffprobe(source, "-select_streams", f"{kind}:0", "-show_entries", "packet=pts_time,dts_time")["packets"]
    return [(float(p["pts_time"]), float(p["dts_time"])) for p in packets]


def decoded_frames(bench, source, limit_s=60.0):
    """Decodes everything; fails on any complaint of the decoder; returns the number of pictures."""
    process = bench.start("decode", [*FFMPEG, "-i", source, "-map", "0:v:0", "-f", "null", "-progress", "-", "-"])
    process.expect_success(limit_s)
    for line in process.err().splitlines():
        check("error" not in line.lower() and "corrupt" not in line.lower(), f"decoding {source}: {line}")
    return max(int(line.partition("=")[2]) for line in process.out().splitlines() if line.startswith("frame="))


def check_rising(times, what, largest_step=None):
    check(len(times) > 1, f"{what}: {len(times)} timestamps")
    for before, after in zip(times, times[1:]):
        check(after >= before, f"{what}: {after} comes after {before}")
        check(largest_step is None or after - before <= largest_step, f"{what}: a step from {before} to {after}")


def flv_times(path):
    """{'audio': [ms], 'video': [ms]} as they stand in a recorded file, sequence headers left out."""
    times = {"audio": [], "video": []}
    for _, kind, timestamp, body in flv_tags(pathlib.Path(path).read_bytes()):
        if kind == 8 and len(body) > 1 and body[1] != 0:
            times["audio"].append(timestamp)
        elif kind == 9 and len(body) > 1 and body[1] == 1:
            times["video"].append(timestamp)
    return times


def check_rtmp_file(path, *, video_s=None, audio=True, largest_step_ms=None):
    """A file recorded from RTMP: rising timestamps, a length of at least video_s."""
    times = flv_times(path)
    check_rising(times["video"], f"{path.name} video", largest_step_ms)
    if audio:
        check_rising(times["audio"], f"{path.name} audio", largest_step_ms)
    if video_s:
        length = (times["video"][-1] - times["video"][0]) / 1000
        check(length >= video_s, f"{path.name} is {length:.1f} s long, not {video_s}")
    return times


# nginx-rtmp


def nginx(bench, applications):
    """nginx with the RTMP module; applications is the text inside server { }. Returns (process, port)."""
    port = free_port()
    place = bench.new_dir("nginx")
    for name in ("body", "proxy", "fastcgi", "uwsgi", "scgi"):
        (place / name).mkdir()
    user = "user root;" if os.geteuid() == 0 else ""
    (place / "nginx.conf").write_text(f"""
load_module /usr/lib/nginx/modules/ngx_rtmp_module.so;
{user} daemon off; master_process off; pid {place}/nginx.pid; error_log {place}/error.log info; worker_processes 1;
events {{ worker_connections 512; }}
rtmp {{ server {{ listen 127.0.0.1:{port}; {applications} }} }}
""")
    process = bench.start("nginx", ["/usr/sbin/nginx", "-p", place, "-c", place / "nginx.conf"])

    def listens():
        check(process.is_running(), f"nginx ended: {process.tail()}")
        with socket.socket() as s:
            return s.connect_ex(("127.0.0.1", port)) == 0

    wait_for("nginx to listen", listens)
    return process, port
