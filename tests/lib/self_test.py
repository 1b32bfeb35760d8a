#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The judges judged: each reader of tests/lib must pass what is right and find one fault each in what is not."""
import contextlib
import functools
import http.server
import shutil
import socket
import subprocess
import sys
import threading

import channels
import clients
import clock_picture
import coded_picture
import hls
import isaribi_test
import mp4
import srt
import ts
from isaribi_test import Away, Bench, Failed, check, free_port, http as fetch, wait_for

HEAD = "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:4\n"


def media(sequence=0, segments=3, *, cuts=(), discontinuity_sequence=0, extra="", duration="2.000", start_uri=None,
          mapped=True):
    text = HEAD + f"#EXT-X-MEDIA-SEQUENCE:{sequence}\n#EXT-X-DISCONTINUITY-SEQUENCE:{discontinuity_sequence}\n" + extra
    text += '#EXT-X-MAP:URI="init.mp4"\n' if mapped else ""
    for n in range(sequence, sequence + segments):
        text += "#EXT-X-DISCONTINUITY\n" if n in cuts else ""
        text += f"#EXTINF:{duration},\n{n if start_uri is None else start_uri + n}.m4s\n"
    return text


GOOD_PLAYLISTS = [media(), media(5, 6, cuts=[7]), HEAD, media(extra="#EXT-X-SOMETHING-NEW:1\n")]
BAD_PLAYLISTS = ["", "#EXT-X-VERSION:7\n", "#EXTM3U\n", media(duration="4.6"), media(extra="#EXT-X-GAP\n"),
                 media(mapped=False), media().replace("#EXTINF:2.000,\n", "", 1), media().replace("VERSION:7", "VERSION:3")]

# Pairs of playlists, one fetched after the other.
GOOD_STEPS = [(media(), media()), (media(), media(1, 3)), (media(), media(1, 6)),
              (media(0, 3, cuts=[1]), media(1, 3, cuts=[1])),
              (media(0, 3, cuts=[1]), media(2, 3, discontinuity_sequence=1)),
              (media() + "#EXT-X-ENDLIST\n", media() + "#EXT-X-ENDLIST\n")]
BAD_STEPS = [(media(3), media(2)), (media(), media(0, 2)), (media(), media().replace("TION:4", "TION:5")),
             (media(0, 3, cuts=[1]), media(2, 3)), (media(), media(1, 3, discontinuity_sequence=1)),
             (media(), media(duration="2.100")), (media(0, 3), media(0, 3, cuts=[2])), (media(), media(start_uri=9)),
             (media() + "#EXT-X-ENDLIST\n", media(0, 4))]


class Unfetching(hls.Follower):
    """A follower that is fed playlists in place of a server."""

    def __init__(self):  # noqa: no thread, no bench
        self.url, self.segments, self.playlist = "http://x/hls/a/v.m3u8", {}, None

    def _fetch(self, s):
        self.segments[s.number] = s

    def feed(self, text):
        self._take(hls.Playlist(self.url, text))


def expect(is_good, what, act):
    try:
        act()
    except Failed as error:
        check(not is_good, f"{what}: found fault with what is right: {error}")
    else:
        check(is_good, f"{what}: found no fault")


def test_playlists():
    for is_good, texts in ((True, GOOD_PLAYLISTS), (False, BAD_PLAYLISTS)):
        for n, text in enumerate(texts):
            expect(is_good, f"playlist {n}", lambda t=text: hls.Playlist("http://x/a/v.m3u8", t))
    for is_good, pairs in ((True, GOOD_STEPS), (False, BAD_STEPS)):
        for n, pair in enumerate(pairs):
            follower = Unfetching()
            follower.feed(pair[0])
            expect(is_good, f"pair {n}", lambda f=follower, t=pair[1]: f.feed(t))


def test_rising_times():
    clients.check_rising([1, 2, 2, 3], "good", 1)
    expect(False, "back", lambda: clients.check_rising([1, 3, 2], "x"))
    expect(False, "a step", lambda: clients.check_rising([1, 2, 9], "x", 2))
    expect(False, "nothing", lambda: clients.check_rising([], "x"))


@contextlib.contextmanager
def served(folder):
    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *args):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


@contextlib.contextmanager
def answered(data):
    """A server that says this to the first who asks, and hangs up; None: it is silent."""
    def answer():
        connection, _ = server.accept()
        with connection:
            connection.recv(65536)
            connection.sendall(data)

    with socket.create_server(("127.0.0.1", 0)) as server:
        if data is not None:
            threading.Thread(target=answer, daemon=True).start()
        yield server.getsockname()[1]


def failure_of(port):
    """Of a request; None when it is answered."""
    try:
        fetch("GET", f"http://127.0.0.1:{port}/", limit_s=1)
    except Failed as failure:
        return type(failure)
    return None


def test_requests():
    """Who is away is told from who is wrong or silent; an error is an answer."""
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"
    error = head.replace(b"200 OK", b"404 Not Found")
    for data, kind in ((head + b"the whole", None), (error + b"the whole", None), (head + b"half", Away),
                       (error + b"half", Away), (b"", Away), (b"nonsense\r\n\r\n", Failed), (None, Failed)):
        with answered(data) as port:
            check(failure_of(port) is kind, f"an answer of {data} is not {kind}")
    check(failure_of(free_port()) is Away, "where nobody listens")


def make_hls(bench, folder):
    folder.mkdir()
    flv = clients.make_flv(bench, seconds=12)
    bench.run("hls", [*clients.FFMPEG, "-i", flv, "-c", "copy", "-f", "hls", "-hls_segment_type", "fmp4", "-hls_time", 2,
                      "-hls_list_size", 0, folder / "v.m3u8"])


def follow(bench, url):
    follower = hls.Follower(bench, url)
    bench.at_end.clear()
    wait_for("the end", lambda: follower.error or (follower.playlist and follower.playlist.is_ended))
    follower.stop()
    return follower


def test_segments(bench):
    """ffmpeg's own HLS passes; the same with a bent duration, a bent tfdt, a lost segment does not."""
    good = bench.dir / "hls"
    make_hls(bench, good)
    with served(bench.dir) as base:
        follower = follow(bench, f"{base}/hls/v.m3u8")
        check(len(follower.segments) == 6, f"{len(follower.segments)} segments of 6")
        whole = follower.write(bench.dir / "all.mp4")
        check(clients.decoded_frames(bench, whole) == 300, "300 pictures go in and come out")
        check([t["codec"] for t in follower.tracks()[0]] == ["avc1", "mp4a"], f"tracks {follower.tracks()}")
        for what, bend in (("duration", bend_duration), ("tfdt", bend_tfdt), ("mdat", bend_mdat)):
            bad = bench.dir / what
            shutil.copytree(good, bad)
            bend(bad)
            expect(False, what, lambda u=f"{base}/{what}/v.m3u8": follow(bench, u))


def bend_duration(folder):
    path = folder / "v.m3u8"
    path.write_text(path.read_text().replace("#EXTINF:2.0", "#EXTINF:2.5", 1))


def bend_tfdt(folder):
    path = folder / "v2.m4s"
    data = bytearray(path.read_bytes())
    at, _ = next(mp4.find_all(data, [b"moof", b"traf", b"tfdt"]))
    data[at + 4 + (6 if data[at] == 1 else 2)] ^= 0x40
    path.write_bytes(data)


def bend_mdat(folder):
    path = folder / "v2.m4s"
    data = bytearray(path.read_bytes())
    at = data.rindex(b"mdat") - 4
    data[at:at + 4] = (int.from_bytes(data[at:at + 4], "big") + 5).to_bytes(4, "big")
    path.write_bytes(bytes(data) + b"12345")


def test_sanitizer_marks(bench):
    """A report on stderr is found whatever the exit code was."""
    for mark in isaribi_test.SANITIZER_MARKS:
        process = bench.start("report", ["sh", "-c", f"echo '==1=={mark} x' >&2"])
        process.expect_success()
        check(any(m in process.err() for m in isaribi_test.SANITIZER_MARKS), f"{mark} is not found")


def test_join_flv(bench):
    joined = bench.dir / "joined.flv"
    flv = clients.make_flv(bench, seconds=2)
    joined.write_bytes(clients.join_flv(flv.read_bytes(), flv.read_bytes()))
    clients.check_rtmp_file(joined, video_s=3.9, largest_step_ms=120)
    check(clients.decoded_frames(bench, joined) == 100, "100 pictures in two halves")


def test_transport_streams(bench):
    """What ffmpeg makes passes; the same with a packet lost, a bent table, a late start, a hole in its clock does not."""
    data = srt.make_ts(bench, 3).read_bytes()
    good = ts.Stream(data)
    check(len(good.video()) == 75 and not good.jumps(), f"{len(good.video())} pictures of 75")
    good.check_clock()
    packets = [p.raw for p in good.packets]
    begins = b"".join(packets[good.tables[0]:])
    ts.Stream(begins).check_begins_well()
    pmt = good.pmts[0][0]
    bent = packets[pmt][:14] + bytes([packets[pmt][14] ^ 1]) + packets[pmt][15:]
    lost = b"".join(packets[:40] + packets[41:])
    late = b"".join(packets[:pmt + 1] + packets[good.video()[1].index:])
    expect(False, "a lost packet", lambda: ts.Stream(lost))
    expect(False, "a bent table", lambda: ts.Stream(b"".join(packets[:pmt] + [bent] + packets[pmt + 1:])))
    expect(False, "a late start", lambda: ts.Stream(late, True).check_begins_well())
    sparse = ts.Stream(data)
    del sparse.clock[10:20]
    expect(False, "a hole in the clock", sparse.check_clock)
    more = bench.dir / "more.ts"
    more.write_bytes(ts.with_extra_pids(data))
    # It warns of a codec that it does not know, which is the point.
    seen = subprocess.run(["ffprobe", "-v", "quiet", "-of", "csv=p=0", "-show_entries", "stream=id", more],
                          capture_output=True, text=True, timeout=60, check=True).stdout.split()
    check(set(seen) == {"0x100", "0x101", "0x1e0", "0x1f0"}, f"ffprobe sees {seen}")


def small_picture(number, ms, grey=False):
    """As a player hands one back; grey: a picture without a code."""
    line, width = bytes([128]) * clock_picture.BITS * clock_picture.BLOCK_PX, coded_picture.CODE_WIDTH
    rows = clock_picture.rows_of(number << coded_picture.MS_BITS | ms, line, width)
    step_x, step_y = width // coded_picture.SMALL[0], coded_picture.CODE_HEIGHT // coded_picture.SMALL[1]
    small = bytes(rows[y * step_y * width + x * step_x] for y in range(coded_picture.SMALL[1])
                  for x in range(coded_picture.SMALL[0]))
    return bytes([128]) * coded_picture.SMALL_BYTES if grey else small


class SeenPlayer:
    """One that has shown such pictures: (number, from, until, without these) of a source of 25 a second."""
    name = "a player"

    def __init__(self, *shown):
        self.shown = shown

    def codes(self):
        return [coded_picture.decode(small_picture(number, n * 40, number == 0)) for number, begin, end, lost in self.shown
                for n in range(begin, end) if n not in lost]


def test_coded_pictures():
    check(coded_picture.decode(small_picture(200, 0x123456)) == (200, 0x123456), "a code is read as another")
    one, clip = channels.SOURCES["one"].number, channels.SOURCES["clip"].number
    order = ["slate", "one", "slate", "clip", "one"]
    for is_right, shown in ((True, [(one, 0, 9, ()), (0, 0, 5, ()), (clip, 3, 9, ()), (one, 30, 40, ())]),
                            (True, [(one, 0, 9, ()), (0, 0, 5, ()), (clip, 3, 9, ())]),
                            (True, [(0, 0, 9, ()), (clip, 20, 29, ())]),
                            (False, [(one, 0, 9, [5]), (0, 0, 5, ())]), (False, [(clip, 0, 9, ()), (0, 0, 5, ())]),
                            (False, [(one, 0, 9, ()), (clip, 0, 5, ())]),
                            (False, [(one, 0, 9, ()), (0, 0, 1, ()), (one, 9, 12, ())])):
                
        expect(is_right, f"a player that saw {shown}", lambda s=shown: channels.check_seen(SeenPlayer(*s), order))


def main():
    bench = Bench("self")
    try:
        test_playlists()
        test_rising_times()
        test_requests()
        test_coded_pictures()
        for test in (test_segments, test_sanitizer_marks, test_join_flv, test_transport_streams):
            test(bench)
    finally:
        bench.close(keep=False)
    print("the readers of tests/lib judge rightly")


if __name__ == "__main__":
    sys.exit(main())
