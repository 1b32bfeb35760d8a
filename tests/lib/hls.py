# SPDX-License-Identifier: Apache-2.0
"""A strict HLS reader: it follows a playlist like a player and holds the server to RFC 8216bis."""
import re
import threading
import urllib.parse

import hls_strict
import mp4
from isaribi_test import Failed, check, http, wait_for


def attributes(text):
    return {k: v.strip('"') for k, v in re.findall(r'([A-Z0-9-]+)=("[^"]*"|[^,]*)', text)}


class Multivariant:
    def __init__(self, url):
        answer = http("GET", url)
        check(answer.status == 200, f"{url}: {answer.status}")
        self.headers, self.text = answer.headers, answer.text()
        lines = self.text.splitlines()
        check(lines and lines[0] == "#EXTM3U", "a playlist begins with #EXTM3U")
        self.variants = []
        for line, following in zip(lines, lines[1:]):
            if line.startswith("#EXT-X-STREAM-INF:"):
                self.variants.append((attributes(line.partition(":")[2]), urllib.parse.urljoin(url, following)))
        check(self.variants, "a multivariant playlist names a variant")
        for attrs, _ in self.variants:
            check(int(attrs.get("BANDWIDTH", 0)) > 0, "a variant says its BANDWIDTH")
            check(attrs.get("CODECS"), "a variant says its CODECS")


class Segment:
    def __init__(self, number, url, duration, has_discontinuity, init_url):
        self.number, self.url, self.duration = number, url, duration
        self.has_discontinuity, self.init_url = has_discontinuity, init_url

    def identity(self):
        return self.url, self.duration, self.has_discontinuity, self.init_url


class Playlist:
    """One media playlist, parsed and checked by itself."""

    def __init__(self, url, text):
        self.text = text
        self.segments = []
        self.sequence = self.discontinuity_sequence = 0
        self.target = None
        self.version = 1
        self.is_ended = False
        self._duration = self._init = None
        self._cut = False
        lines = text.splitlines()
        check(lines and lines[0] == "#EXTM3U", "a playlist begins with #EXTM3U")
        for line in lines[1:]:
            self._line(line, url)
        check(self.target is not None, "a media playlist says its TARGETDURATION")
        check(self.version >= 6, "EXT-X-MAP without I-FRAMES-ONLY asks for version 6")
        for s in self.segments:
            check(s.init_url, "an fMP4 segment has an EXT-X-MAP before it")
            check(int(s.duration + 0.5) <= self.target, f"EXTINF {s.duration} is over TARGETDURATION {self.target}")

    def _line(self, line, url):
        name, _, value = line.partition(":")
        if name == "#EXT-X-VERSION":
            self.version = int(value)
        elif name == "#EXT-X-TARGETDURATION":
            self.target = int(value)
        elif name == "#EXT-X-MEDIA-SEQUENCE":
            check(not self.segments, "MEDIA-SEQUENCE stands before the first segment")
            self.sequence = int(value)
        elif name == "#EXT-X-DISCONTINUITY-SEQUENCE":
            check(not self.segments and not self._cut, "DISCONTINUITY-SEQUENCE stands before any discontinuity")
            self.discontinuity_sequence = int(value)
        elif name == "#EXT-X-DISCONTINUITY":
            self._cut = True
        elif name == "#EXT-X-MAP":
            self._init = urllib.parse.urljoin(url, attributes(value)["URI"])
        elif name == "#EXTINF":
            self._duration = float(value.partition(",")[0])
        elif name == "#EXT-X-ENDLIST":
            self.is_ended = True
        elif name == "#EXT-X-GAP":
            raise Failed("EXT-X-GAP is never used")
        elif line and not line.startswith("#"):
            check(self._duration is not None, f"{line} has no EXTINF")
            self.segments.append(Segment(self.sequence + len(self.segments), urllib.parse.urljoin(url, line),
                                         self._duration, self._cut, self._init))
            self._duration, self._cut = None, False


class Follower(threading.Thread):
    """Follows one media playlist and keeps every segment. stop() fails when anything was wrong on the way."""

    def __init__(self, bench, url):
        super().__init__(daemon=True)
        self.url = url
        self.segments = {}    # number -> Segment
        self.bodies = {}      # number -> bytes
        self.inits = {}       # url -> bytes
        self.playlist = None
        self.error = None
        self._asked_to_stop = threading.Event()
        self._next_times = {}  # track -> decode time at which the next segment must begin
        bench.at_end.append(self.stop)
        self.start()

    def run(self):
        try:
            while not self._asked_to_stop.is_set():
                self._round()
                self._asked_to_stop.wait(0.5)
        except Exception as error:  # noqa: handed to the case by stop()
            self.error = error

    def _round(self):
        answer = http("GET", self.url)
        check(answer.status == 200, f"{self.url}: {answer.status}")
        self._take(Playlist(self.url, answer.text()))

    def _take(self, playlist):
        before = self.playlist
        if before:
            self._compare(before, playlist)
        for s in playlist.segments:
            if s.number not in self.segments:
                self._fetch(s)
            check(self.segments[s.number].identity() == s.identity(), f"segment {s.number} changed in the playlist")
        self.playlist = playlist

    def _compare(self, before, now):
        check(now.sequence >= before.sequence, f"MEDIA-SEQUENCE went from {before.sequence} to {now.sequence}")
        check(now.target == before.target, f"TARGETDURATION went from {before.target} to {now.target}")
        check(not before.is_ended or now.text == before.text, "a playlist changed after its ENDLIST")
        last = before.sequence + len(before.segments)
        check(now.sequence + len(now.segments) >= last, "segments vanished from the end of the playlist")
        gone = [s for s in before.segments if s.number < now.sequence]
        # RFC 8216bis §6.2.2: when an EXT-X-DISCONTINUITY is removed, the discontinuity sequence goes up by one.
        cuts = sum(s.has_discontinuity for s in gone)
        check(now.discontinuity_sequence == before.discontinuity_sequence + cuts,
              f"DISCONTINUITY-SEQUENCE went from {before.discontinuity_sequence} to {now.discontinuity_sequence} "
              f"while {cuts} discontinuities left")

    def _fetch(self, s):
        if s.init_url not in self.inits:
            answer = http("GET", s.init_url)
            check(answer.status == 200, f"{s.init_url}: {answer.status}")
            self.inits[s.init_url] = answer.body
        answer = http("GET", s.url)
        check(answer.status == 200, f"{s.url}: {answer.status}")
        self._check_fragment(s, answer.body)
        self.segments[s.number] = s
        self.bodies[s.number] = answer.body

    def _check_fragment(self, s, body):
        init = mp4.Init(self.inits[s.init_url])
        fragment = mp4.Fragment(body, init)
        is_next = s.number - 1 in self.segments
        seconds = {}
        for track_id, track in fragment.tracks.items():
            scale = init.tracks[track_id]["timescale"]
            start = track["start"] / scale
            seconds[init.tracks[track_id]["handler"]] = track["duration"] / scale
            expected = self._next_times.get(track_id)
            if expected is not None:
                check(start > expected - 0.005, f"segment {s.number} track {track_id} begins at {start:.3f}, the one "
                      f"before ended at {expected:.3f}")
                check(not is_next or s.has_discontinuity or start < expected + 0.045,
                      f"segment {s.number} track {track_id}: {start - expected:.3f} s are missing without a "
                      "discontinuity")
            self._next_times[track_id] = start + track["duration"] / scale
        main = seconds.get("vide", seconds.get("soun"))
        check(abs(main - s.duration) < 0.12, f"segment {s.number}: EXTINF {s.duration}, its media {main:.3f} s")

    def wait_segments(self, n, limit_s=30.0):
        """Until n segments were seen in all; self.playlist is the one that names the last of them, or a later one."""
        wait_for(f"{n} segments of {self.url.rpartition('/hls/')[2].split('/')[-2]}",
                 lambda: self.error or (len(self.segments) >= n and self._is_settled()), limit_s)
        self.check_fine()

    def _is_settled(self):
        """Not between a playlist's segments, of which several may come at once."""
        return self.playlist is not None and max(self.segments) < self.playlist.sequence + len(self.playlist.segments)

    def check_fine(self):
        if self.error:
            raise Failed(f"HLS: {self.error}") from self.error

    def stop(self):
        self._asked_to_stop.set()
        self.join(20)
        self.check_fine()
        for number in sorted(self.segments)[-3:]:
            answer = http("GET", self.segments[number].url)
            check(answer.status in (200, 404), f"segment {number} again: {answer.status}")
            check(answer.status == 404 or answer.body == self.bodies[number], f"segment {number} changed")

    def discontinuities(self):
        return [n for n, s in sorted(self.segments.items()) if s.has_discontinuity]

    def write(self, path, numbers=None):
        """One playable file of segments that share an init segment; returns path."""
        numbers = sorted(self.segments) if numbers is None else numbers
        with open(path, "wb") as out:
            out.write(self.inits[self.segments[numbers[0]].init_url])
            for number in numbers:
                out.write(self.bodies[number])
        return path

    def tracks(self):
        """The tracks of every init segment seen, in the order of the stream."""
        seen = []
        for number in sorted(self.segments):
            url = self.segments[number].init_url
            if url not in seen:
                seen.append(url)
        return [list(mp4.Init(self.inits[url]).tracks.values()) for url in seen]


def follow(bench, node, stream, token=None):
    """Waits for the stream's HLS and follows its first variant, plainly; a strict follower does it in low latency beside."""
    node.wait_live(stream, 25, token)
    url = node.hls_url(stream, token)
    media = Multivariant(url).variants[0][1]
    hls_strict.Strict(bench, media, main_url=url)  # reports at the end of the case
    return Follower(bench, media)
