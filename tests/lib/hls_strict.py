# SPDX-License-Identifier: Apache-2.0
"""A follower that holds the server to every rule of hls_rules while other clients play.

    strict = hls_strict.follow(bench, node, "tanaka")    # or follow_channel(...), or follow_recording(bench, url)
    strict.wait_segments(6)
    strict.stop()                                        # fails with every violation; also done at the end of the case

It reloads by blocking requests, now and then plainly and by delta update, asks for hinted parts before they are there,
and fetches every part and segment. It stays through a restart of the node that was announced by expect_restart().
"""
import threading
import time
import typing
import urllib.parse

import hls_bytes
import hls_changes
import hls_fetch
import hls_main
import hls_media
import hls_rules
from isaribi_test import Away, Failed, check, http, wait_for

PLAIN_EVERY = 6
DELTA_EVERY = 4
AGAIN_EVERY = 5
MAIN_AT = 10  # the round that looks at the multivariant playlist; and again at the end
PLAYLIST_TYPE = ("application/vnd.apple.mpegurl",)
MEDIA_TYPES = ("video/mp4", "video/iso.segment")


class SeenPart(typing.NamedTuple):
    uri: str
    arrival_ms: float  # by the wall clock
    end_ms: float      # the date of its end


class Beginning(typing.NamedTuple):
    """Of a segment."""
    msn: int
    arrival_ms: float
    date_ms: int
    has_discontinuity: bool
    size: tuple  # of the picture, by its initialisation segment
    map: tuple


class Strict(threading.Thread):
    def __init__(self, bench, url, *, is_low_latency=True, main_url=None, is_cached=False, is_channel=False):
        """is_cached: what is asked for without numbers may be a second old, so that is only how it begins."""
        super().__init__(daemon=True)
        self.url, self.main_url = url, main_url
        self.is_cached = is_cached
        self.is_low_latency, self.is_channel = is_low_latency, is_channel
        self.judge = hls_rules.Judge()
        self.media = hls_bytes.Media(self.judge, is_channel)
        self.changes = hls_changes.Changes(self.judge, is_channel)
        self.playlist = None
        self.parts = []      # SeenPart
        self.segments = {}   # msn -> duration
        self.sizes = {}      # msn -> bytes
        self.discontinuities = []
        self.beginnings = []  # Beginning of each segment
        self.error = None
        self._connection = hls_fetch.Connection(url)
        self._hints = hls_fetch.Hints(self.judge, url)
        self._bodies = {}    # url -> bytes of parts not yet assembled
        self._pieces = {}    # msn -> bodies of its parts so far
        self._init_data = {}
        self._gaps = {}      # URI of a short part -> whether it may be
        self._pictures = [0, 0.0]
        self._main_text = None
        self._rounds = 0
        self._may_restart = self._is_away = self._was_away = False
        self._asked_to_stop = threading.Event()
        self._is_stopped = False
        bench.at_end.append(self.stop)
        self.start()

    # For scenarios

    def wait_segments(self, n, limit_s=40.0):
        self._wait(f"{n} segments", lambda: len(self.segments) >= n, limit_s)

    def wait_end(self, limit_s=30.0):
        self._wait("the ENDLIST", lambda: self.playlist and self.playlist.is_ended, limit_s)

    def _wait(self, what, seen, limit_s):
        wait_for(f"{what} of {self.url}", lambda: self.error or self.judge.found or seen(), limit_s)
        self.check_fine()

    def lags_s(self):
        """Of each part that came while we looked on: how long after the date of its end."""
        first_ms = self.parts[0].arrival_ms if self.parts else 0
        return [(p.arrival_ms - p.end_ms) / 1000 for p in self.parts if p.arrival_ms > first_ms]

    def expect_restart(self):
        """From now on the node may be away once; it comes back on the same port."""
        self._may_restart = True

    def check_fine(self):
        if self.error:
            raise Failed(f"the strict follower of {self.url}: {self.error!r}") from self.error
        self.judge.raise_if_any(self.url)

    def ask_to_stop(self):
        """stop() waits for it."""
        self._asked_to_stop.set()

    def stop(self):
        if not self._is_stopped:
            self._is_stopped = True
            self.ask_to_stop()
            self.join(40)
            self._hints.stop()
        check(not self.is_alive(), f"the strict follower of {self.url} does not end")
        self.check_fine()
        check(self.playlist, f"the strict follower of {self.url} saw nothing")

    # The thread

    def run(self):
        try:
            while not self._asked_to_stop.is_set() and not (self.playlist and self.playlist.is_ended):
                self._round()
            if self.main_url and self.playlist and self._init_data:
                self._judge_main()
        except Away as error:
            if not self._asked_to_stop.is_set():
                self.error = error
        except Exception as error:  # noqa: handed to the case by check_fine()
            self.error = error

    def _round(self):
        self._rounds += 1
        if self.main_url and self._init_data and self._rounds == MAIN_AT:
            self._judge_main()
        is_plain = not self.is_low_latency or (self._rounds % PLAIN_EVERY == 0 and not self.is_cached)
        if is_plain or not self.playlist:
            self._reload("")
        else:
            self._reload("_HLS_msn={}&_HLS_part={}".format(*self.playlist.newest()))
        if self.playlist and self._rounds % DELTA_EVERY == 0 and not self.is_cached:
            if "CAN-SKIP-UNTIL" in self.playlist.control:
                self._reload_delta()
        if not self.is_low_latency:
            self._asked_to_stop.wait(0.3)

    def _limit_s(self):
        return 3 * (self.playlist.target if self.playlist and self.playlist.target else 6) + 5

    def _reload(self, query):
        asked = self.playlist.newest() if query else None
        started = time.monotonic()
        try:
            status, headers, body = self._connection.get(self.url + (f"?{query}" if query else ""), self._limit_s())
        except Away:
            if not self._may_restart or self._asked_to_stop.wait(0.1):
                raise
            self._is_away = self._was_away = True
            return
        wall_ms = time.time() * 1000
        asked_ms = wall_ms - (time.monotonic() - started) * 1000 if query else None
        if status == 503 and query:
            waited_s = time.monotonic() - started
            self.judge.check("blocking", waited_s > 3 * self.playlist.target - hls_fetch.EARLY_S,
                             f"503 after {waited_s:.2f} s")
            return
        if status == 404 and (self._is_away or self._may_restart):
            self._asked_to_stop.wait(0.1)
            return
        if not self._judge_answer(self.url + "?" + query, status, headers, PLAYLIST_TYPE):
            raise Away(f"{self.url}?{query}: {status}")
        now = self._parse(body)
        if asked:
            # Part 0 of the next segment answers for a part behind the end of one.
            is_there = now.newest() > asked or now.is_ended
            self.judge.check("blocking", is_there, f"asked for {asked}, the next is {now.newest()}", now.text)
        self._take(now, wall_ms, asked_ms)

    def _reload_delta(self):
        status, _, body = self._connection.get(self.url + "?_HLS_skip=YES", self._limit_s())
        whole_status, _, whole_body = self._connection.get(self.url, self._limit_s())
        if status != 200 or whole_status != 200:
            return
        delta = hls_media.MediaPlaylist(self.judge, self.url, body.decode(), is_low_latency=self.is_low_latency,
                                        is_delta=True, is_channel=self.is_channel,
                                        is_beside_gap=self._is_beside_gap)
        whole = self._parse(whole_body)
        if delta.newest() == whole.newest() and delta.sequence == whole.sequence:
            self.judge.check("delta", hls_changes.delta_agrees(delta, whole), "a delta update differs from the whole",
                             f"{delta.text}--\n{whole.text}")
        self._take(whole, time.time() * 1000)

    def _parse(self, body):
        return hls_media.MediaPlaylist(self.judge, self.url, body.decode("utf-8", "replace"),
                                       is_low_latency=self.is_low_latency, is_channel=self.is_channel,
                                       is_beside_gap=self._is_beside_gap)

    def _judge_answer(self, url, status, headers, kind, wanted=200):
        found = headers.get("Content-Type", "").partition(";")[0]
        self.judge.check("http", status == wanted and found in kind, f"{url}: {status}, {found}")
        return status == wanted

    def _take(self, now, wall_ms, asked_ms=None):
        if self._is_away:
            self.changes.note_restart()
            self.media.begin_anew()
            self._is_away = self._may_restart = False
        self.changes.take(now, wall_ms, asked_ms)
        if now.hint and not now.is_ended:
            self._hints.ask(urllib.parse.urljoin(self.url, now.hint), now.target or 6)
        for s in now.everything():
            if s.msn not in self.segments:
                self._take_segment(s, wall_ms)
        self.playlist = now

    # Bytes

    def _fetch(self, url, byterange=None):
        """byterange: "length@offset" as playlists have it."""
        asked, wanted = {}, 200
        if byterange:
            length, offset = (int(number) for number in byterange.split("@"))
            asked, wanted = {"Range": f"bytes={offset}-{offset + length - 1}"}, 206
        status, headers, body = self._connection.get(url, 10, asked)
        is_fine = self._judge_answer(url, status, headers, MEDIA_TYPES, wanted)
        if is_fine and byterange:
            self.judge.check("http", len(body) == length, f"{url}: {len(body)} bytes of {byterange}")
        return body if is_fine else b""

    def _body(self, url):
        """Of a part: as it was answered to the hint, when it was asked for that way."""
        if url not in self._bodies:
            status, body = self._hints.take(url) or (None, b"")
            may_fail = status is None or (status == 0 and self._was_away)
            self.judge.check("hint-honoured", may_fail or status == 200, f"{url} was hinted at and answered {status}")
            self._bodies[url] = body if status == 200 else self._fetch(url)
            if status == 200 and len(self.parts) % AGAIN_EVERY == 0:
                self.judge.check("hint-honoured", self._fetch(url) == body, f"{url} has other bytes than at first")
        return self._bodies[url]

    def _init_of(self, s):
        url, byterange = s.map
        if s.map not in self._init_data:
            self._init_data[s.map] = self._fetch(url, byterange)
        return self.media.init(s.map, self._init_data[s.map])

    def _is_beside_gap(self, s, i):
        """Whether the picture stood still where part i of the segment ended early: then it may be short."""
        uri = s.parts[i].uri
        if uri not in self._gaps:
            init = s.map and self._init_of(s)
            pair = [init and self.media.fragment(p.uri, self._body(p.url), init) for p in s.parts[i:i + 2]]
            self._gaps[uri] = all(pair) and hls_bytes.is_beside_gap(*pair)
        return self._gaps[uri]

    def _take_segment(self, s, wall_ms):
        init = self._init_of(s) if s.map else None
        if init is None:
            return
        done = self._pieces.setdefault(s.msn, [])
        if not done:
            self._note_beginning(s, init, wall_ms)
        before_ms = (s.date_ms or 0) + sum(p.duration for p in s.parts[:len(done)]) * 1000
        for i in range(len(done), len(s.parts)):
            part = s.parts[i]
            body = self._body(part.url)
            before_ms += part.duration * 1000
            self.parts.append(SeenPart(part.uri, wall_ms, before_ms))
            done.append(body)
            f = self.media.fragment(part.uri, body, init)
            if f:
                self._count_pictures(f)
                self.media.piece(part.uri, f, duration=part.duration, is_independent=part.is_independent,
                                 begins=None if i else s, has_discontinuity=s.has_discontinuity and i == 0)
        if s.duration is not None:
            self._take_whole(s, init, done)

    def _note_beginning(self, s, init, wall_ms):
        if s.has_discontinuity:
            self.discontinuities.append(s.msn)
        video = next((t for t in init.tracks.values() if t["handler"] == "vide"), None)
        size = (video["width"], video["height"]) if video else None
        self.beginnings.append(Beginning(s.msn, wall_ms, s.date_ms, s.has_discontinuity, size, s.map))

    def _take_whole(self, s, init, done):
        body = self._fetch(s.url, s.byterange)
        self.segments[s.msn], self.sizes[s.msn] = s.duration, len(body)
        assembled = b"".join(done)
        self.judge.check("assembled", body[:len(assembled)] == assembled and (not s.parts or body == assembled),
                         f"segment {s.msn} of {len(body)} bytes is not its {len(done)} parts of {len(assembled)}")
        for part in s.parts:
            self._bodies.pop(part.url, None)
        self._pieces[s.msn] = []
        if not done:
            f = self.media.fragment(s.uri, body, init)
            if f:
                self._count_pictures(f)
                self.media.piece(s.uri, f, duration=s.duration, begins=s, has_discontinuity=s.has_discontinuity)
        elif not s.parts and body != assembled:
            self.media.lose_track()  # its last parts were gone from the playlist before we saw them

    def _count_pictures(self, f):
        if f.is_video:
            self._pictures[0] += f.main["samples"]
            self._pictures[1] += f.seconds()

    def frame_rate(self):
        """Measured, of everything seen; 0 without pictures."""
        return self._pictures[0] / self._pictures[1] if self._pictures[1] else 0.0

    # The multivariant playlist against what was seen

    def _judge_main(self):
        status, headers, body = self._connection.get(self.main_url, 10)
        if status == 404 and (self._asked_to_stop.is_set() or self.playlist.is_ended):
            return  # the stream is over
        self._judge_answer(self.main_url, status, headers, PLAYLIST_TYPE)
        if self.is_channel:
            hls_main.judge_channel(self.judge, self.main_url, body.decode(), before=self._main_text, media_url=self.url,
                                   inits=self._init_data.values(), frame_rate=self.frame_rate(), peak_bps=self.peak_bps())
            self._main_text = body.decode()
            return
        init_data = self._init_data[self.playlist.everything()[-1].map]
        hls_main.judge(self.judge, self.main_url, body.decode(), media_url=self.url, init_data=init_data,
                       frame_rate=self.frame_rate(), peak_bps=self.peak_bps())

    def peak_bps(self):
        """Of any run of listed segments that lasts between half and one and a half target durations."""
        listed = [(s.duration, self.sizes[s.msn]) for s in self.playlist.segments if s.msn in self.sizes]
        target, peak = self.playlist.target, 0.0
        for i in range(len(listed)):
            for j in range(i + 1, len(listed) + 1):
                length = sum(d for d, _ in listed[i:j])
                if 0.5 * target <= length <= 1.5 * target:
                    peak = max(peak, sum(size for _, size in listed[i:j]) * 8 / length)
        return peak


def _follow_first_variant(bench, main_url, is_low_latency, *, is_cached=False, is_channel=False):
    media = hls_main.media_urls(http("GET", main_url).text(), main_url)
    check(media, f"{main_url} names no variant")
    return Strict(bench, media[0], is_low_latency=is_low_latency, main_url=main_url, is_cached=is_cached,
                  is_channel=is_channel)


def follow_recording(bench, main_url):
    """The playlist of a recording, of a time shift, of a clip: byte ranges, without parts."""
    return _follow_first_variant(bench, main_url, False)


def follow(bench, node, stream, token=None, is_cached=False):
    """Waits for the stream's HLS and follows its first variant."""
    node.wait_live(stream, 25, token)
    return _follow_first_variant(bench, node.hls_url(stream, token), True, is_cached=is_cached)


def follow_channel(bench, node, channel, token=None):
    """Waits for the channel's HLS, which there is from the start of the node on, and follows its first variant."""
    node.wait_live(f"@{channel}", 25, token)
    return _follow_first_variant(bench, node.hls_url(f"@{channel}", token), True, is_channel=True)
