# SPDX-License-Identifier: Apache-2.0
"""One media playlist: read as RFC 8216bis has it, judged for all that can be seen in it alone. Rules: hls_rules."""
import datetime
import re
import urllib.parse

ATTRIBUTE = re.compile(r'([A-Z0-9-]+)=("[^"\r\n]*"|[^",\s]+)')
ATTRIBUTES = re.compile(rf"{ATTRIBUTE.pattern}(?:,{ATTRIBUTE.pattern})*")
DATE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}(?:Z|[+-]\d\d:?\d\d)")
HEAD_TAGS = {"VERSION", "TARGETDURATION", "MEDIA-SEQUENCE", "DISCONTINUITY-SEQUENCE", "PLAYLIST-TYPE", "PART-INF",
             "SERVER-CONTROL", "INDEPENDENT-SEGMENTS", "START", "SKIP"}
LINE_MAX_BYTES = 4096
PART_MIN = 0.85
ROUNDING_S = 0.000006  # of a duration with five decimals
DATE_ROUNDING_MS = 2
WAITING_MS = 150  # of reordered pictures that a channel shows before the next source begins; hls_bytes knows exactly
BACK_MS = 600  # a clock that ran ahead is set right by a discontinuity, by half a second at most


class Part:
    def __init__(self, attrs, base):
        self.uri = attrs["URI"]
        self.url = urllib.parse.urljoin(base, self.uri)
        self.duration = float(attrs["DURATION"])
        self.is_independent = attrs.get("INDEPENDENT") == "YES"
        self.byterange = attrs.get("BYTERANGE")

    def said(self):
        return self.uri, self.duration, self.is_independent, self.byterange


class Segment:
    """One with duration None is still open: parts of it are listed, no more."""

    def __init__(self, msn):
        self.msn = msn
        self.parts = []
        self.uri = self.url = self.duration = self.byterange = None
        self.map = None  # (url, byterange)
        self.date_ms = None
        self.has_discontinuity = False

    def begins_as(self):
        return self.map, self.date_ms, self.has_discontinuity

    def said(self):
        return self.uri, self.duration, self.byterange, *self.begins_as()

    def length(self):
        return self.duration if self.duration is not None else sum(p.duration for p in self.parts)


def parse_date_ms(text):
    moment = datetime.datetime.fromisoformat(text)
    return round((moment - datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)).total_seconds() * 1000)


def unquoted(text):
    """{name: value} of an attribute list, without the quotation marks; None when it is not one."""
    if not ATTRIBUTES.fullmatch(text):
        return None
    pairs = ATTRIBUTE.findall(text)
    return None if len({n for n, _ in pairs}) < len(pairs) else {n: v.strip('"') for n, v in pairs}


class MediaPlaylist:
    """Never raises: what is wrong goes to the judge, and reading goes on as well as it can."""

    def __init__(self, judge, url, text, *, is_low_latency=True, is_delta=False, is_channel=False,
                 is_beside_gap=lambda segment, i: False):
        self.judge, self.url, self.text = judge, url, text
        self._is_beside_gap = is_beside_gap  # asked about short part i, of whoever has the bytes
        self.is_low_latency, self.is_delta, self.is_channel = is_low_latency, is_delta, is_channel
        self.version, self.target, self.part_target = 1, None, None
        self.sequence = self.discontinuity_sequence = self.skipped = 0
        self.segments, self.hint, self.reports, self.control = [], None, [], {}
        self.is_ended = self.is_independent = False
        self.type = self.start_s = None
        self._seen, self._map = set(), None
        self._next = None
        self._read()
        self.open = self._next if self._next and self._next.parts else None
        self._judge()

    def note(self, rule, what):
        self.judge.note(rule, what, self.text)

    def check(self, rule, is_right, what):
        return self.judge.check(rule, is_right, what, self.text)

    # Reading

    def _read(self):
        lines = self.text.split("\n")
        self.check("form", lines[0] == "#EXTM3U", "it does not begin with #EXTM3U")
        self.check("form", lines[-1] == "", "its last line is cut")
        for line in lines[1:-1]:
            self.check("form", len(line) <= LINE_MAX_BYTES and line == line.strip(), f"a line is {line[:80]!r}")
            try:
                self._line(line)
            except (ValueError, KeyError, TypeError) as error:
                self.note("form", f"{line}: {error!r}")
        # The first segment takes its number from MEDIA-SEQUENCE wherever that stands; the order is judged elsewhere.
        for i, s in enumerate(self.everything()):
            s.msn = self.sequence + self.skipped + i

    def _line(self, line):
        if line.startswith("#EXT"):
            name, _, value = line[1:].partition(":")
            name = name.removeprefix("EXT-X-")
            reader = getattr(self, "_tag_" + name.replace("-", "_").lower(), None)
            if not self.check("form", reader is not None and name.isupper(), f"nobody knows {line}"):
                return
            if name in HEAD_TAGS:
                self.check("once", name not in self._seen, f"{name} for the second time")
                self.check("order", not self.segments and self._next is None, f"{name} stands among the segments")
                self._seen.add(name)
            reader(value)
        elif self.check("form", line and not line.startswith("#"), f"a line is {line!r}"):
            self._uri(line)

    def _attributes(self, value):
        attrs = unquoted(value)
        self.check("form", attrs is not None, f"not an attribute list: {value}")
        return attrs or {}

    def _segment(self):
        if self._next is None:
            self._next = Segment(0)
            self._next.map = self._map
        return self._next

    def _tag_version(self, value):
        self.version = int(value)

    def _tag_targetduration(self, value):
        self.target = int(value)

    def _tag_media_sequence(self, value):
        self.sequence = int(value)

    def _tag_discontinuity_sequence(self, value):
        self.discontinuity_sequence = int(value)

    def _tag_playlist_type(self, value):
        self.check("form", value in ("EVENT", "VOD"), f"PLAYLIST-TYPE is {value}")
        self.type = value

    def _tag_independent_segments(self, _):
        self.is_independent = True

    def _tag_start(self, value):
        self.start_s = float(self._attributes(value)["TIME-OFFSET"])

    def _tag_part_inf(self, value):
        self.part_target = float(self._attributes(value).get("PART-TARGET", 0))

    def _tag_server_control(self, value):
        self.control = self._attributes(value)

    def _tag_skip(self, value):
        self.skipped = int(self._attributes(value)["SKIPPED-SEGMENTS"])
        self.check("skip", self.skipped > 0, "nothing is skipped")

    def _tag_endlist(self, _):
        self.is_ended = True

    def _tag_gap(self, _):
        self.note("no-gap", "a segment is a gap")

    def _tag_discontinuity(self, _):
        self._before_parts("DISCONTINUITY").has_discontinuity = True

    def _tag_map(self, value):
        attrs = self._attributes(value)
        self._map = urllib.parse.urljoin(self.url, attrs["URI"]), attrs.get("BYTERANGE")
        self._before_parts("MAP").map = self._map

    def _tag_program_date_time(self, value):
        s = self._before_parts("PROGRAM-DATE-TIME")
        self.check("date", s.date_ms is None and DATE.fullmatch(value), f"a date is {value}")
        s.date_ms = parse_date_ms(value)

    def _before_parts(self, what):
        self.check("order", not self._segment().parts, f"{what} behind a part of its segment")
        return self._segment()

    def _tag_extinf(self, value):
        s = self._segment()
        self.check("uri", s.duration is None, "two EXTINF for one segment")
        self.check("form", value.endswith(","), f"EXTINF:{value} has no comma")
        s.duration = float(value.partition(",")[0])

    def _tag_byterange(self, value):
        self._segment().byterange = value

    def _tag_part(self, value):
        attrs = self._attributes(value)
        if not self.check("part-form", {"URI", "DURATION"} <= set(attrs), f"PART:{value}"):
            return
        self.check("no-gap", "GAP" not in attrs, f"a part is a gap: {value}")
        self.check("order", self.hint is None and self._segment().duration is None, f"a part stands late: {value}")
        self._segment().parts.append(Part(attrs, self.url))

    def _tag_preload_hint(self, value):
        attrs = self._attributes(value)
        self.check("hint", attrs.get("TYPE") == "PART" and "URI" in attrs, f"a hint is {value}")
        self.check("hint", self.hint is None, "two hints")
        self.hint = attrs.get("URI")

    def _tag_rendition_report(self, value):
        attrs = self._attributes(value)
        self.check("report", {"URI", "LAST-MSN", "LAST-PART"} <= set(attrs), f"a report is {value}")
        self.reports.append(attrs)

    def _uri(self, line):
        s = self._segment()
        self.check("uri", s.duration is not None, f"{line} has no EXTINF")
        self.check("order", self.hint is None, f"{line} behind the hint")
        s.uri, s.url = line, urllib.parse.urljoin(self.url, line)
        s.duration = s.duration or 0.0
        self.segments.append(s)
        self._next = None

    def everything(self):
        """Complete segments and the open one."""
        rest = self._next
        return self.segments + ([rest] if rest is not None and rest.parts else [])

    # Judging

    def _judge(self):
        if self.check("target", self.target is not None and self.target > 0, "no TARGETDURATION"):
            self._judge_head()
            self._judge_segments()
            if self.part_target:
                self._judge_parts()
                self._judge_part_window()
        self._judge_tail()

    def _judge_head(self):
        control, part_target = self.control, self.part_target
        has_parts = any(s.parts for s in self.everything())
        self.check("part-inf", part_target is None or part_target > 0, f"PART-TARGET is {part_target}")
        self.check("part-inf", part_target or not (has_parts or self.is_low_latency), "no PART-INF")
        if self.is_low_latency:
            self.check("control", control.get("CAN-BLOCK-RELOAD") == "YES", f"SERVER-CONTROL is {control}")
        if part_target:
            hold_back = float(control.get("PART-HOLD-BACK", 0))
            self.check("part-hold-back", hold_back >= 3 * part_target - 1e-9,
                       f"{hold_back} s, parts of {part_target} s")
        if self.is_low_latency or "HOLD-BACK" in control:
            hold_back = float(control.get("HOLD-BACK", 0))
            self.check("hold-back", hold_back >= 3 * self.target, f"{hold_back} s, TARGETDURATION {self.target} s")
        if "CAN-SKIP-UNTIL" in control:
            until = float(control["CAN-SKIP-UNTIL"])
            self.check("skip-until", until >= 6 * self.target, f"{until} s, TARGETDURATION {self.target} s")
        if self.skipped:
            self._judge_skip(float(control.get("CAN-SKIP-UNTIL", 0)))
        needed = 9 if self.skipped else 6 if self._map else 4 if any(s.byterange for s in self.segments) else 3
        if self.start_s is not None:
            lasts_s = sum(s.length() for s in self.everything())
            self.check("start", self.skipped or abs(self.start_s) <= lasts_s, f"{self.start_s} s of {lasts_s:.3f} s")
        self.check("version", needed <= self.version <= 12, f"version {self.version}, {needed} is needed")

    def _judge_skip(self, until):
        self.check("skip", self.is_delta, "nobody asked for a delta update")
        self.check("skip", until > 0, "SKIP without CAN-SKIP-UNTIL")
        left = sum(s.length() for s in self.everything())
        self.check("skip", left >= until - 1e-6, f"{left:.3f} s are left, the boundary is at {until} s")

    def _judge_segments(self):
        seen = set()
        for before, s in zip([None, *self.everything()], self.everything()):
            self.check("map", s.map is not None or self.skipped, f"segment {s.msn} has no MAP")
            if self.check("date", s.date_ms is not None, f"segment {s.msn} has no date") and before:
                self._judge_date(before, s)
            for name in [p.uri for p in s.parts] + ([(s.uri, s.byterange)] if s.uri else []):
                self.check("uri", name not in seen, f"{name} stands twice")
                seen.add(name)
            if s.duration is None:
                continue
            self.check("extinf", s.duration > 0 and int(s.duration + 0.5) <= self.target,
                       f"EXTINF {s.duration}, TARGETDURATION {self.target}")
            self.check("overlong", s.duration <= self.target + 0.5,
                       f"EXTINF {s.duration}, TARGETDURATION {self.target}")
        if self.is_independent:
            for s in self.everything():
                self.check("independent-segments", not s.parts or s.parts[0].is_independent,
                           f"segment {s.msn} does not begin with a key frame")

    def _judge_date(self, before, s):
        if before.date_ms is None:
            return
        ahead_ms = s.date_ms - before.date_ms - before.length() * 1000
        if not s.has_discontinuity:
            self.check("date-goes-on", abs(ahead_ms) <= DATE_ROUNDING_MS,
                       f"segment {s.msn} is dated {ahead_ms:+.1f} ms")
        elif self.is_channel:
            self.check("channel-date", -DATE_ROUNDING_MS <= ahead_ms <= WAITING_MS, f"segment {s.msn} is dated {ahead_ms:+.1f} ms")
        self.check("date-back", ahead_ms > -BACK_MS, f"segment {s.msn} is dated {-ahead_ms:.1f} ms back")

    def _judge_parts(self):
        for s in self.everything():
            for i, p in enumerate(s.parts):
                self.check("part-long", p.duration <= self.part_target + ROUNDING_S,
                           f"{p.uri} lasts {p.duration} s, the part target is {self.part_target} s")
                is_last = i + 1 == len(s.parts)
                is_long_enough = is_last or p.duration >= PART_MIN * self.part_target - ROUNDING_S
                self.check("part-short", is_long_enough or self._is_beside_gap(s, i),
                           f"{p.uri} lasts {p.duration} s, the part target is {self.part_target} s")
            if s.parts and s.duration is not None:
                total = sum(p.duration for p in s.parts)
                self.check("part-sum", abs(total - s.duration) < (len(s.parts) + 1) * ROUNDING_S,
                           f"the parts of segment {s.msn} last {total:.5f} s, EXTINF is {s.duration}")

    def _judge_part_window(self):
        to_end = 0.0
        for s in reversed(self.everything()):
            if s.duration is not None and not self.is_ended:
                # The limits are told from outside and inside: a segment that ends right there may be either.
                self.check("part-old", not s.parts or to_end <= 3 * self.target + 1e-3,
                           f"segment {s.msn} shows parts and ends {to_end:.3f} s before the end")
                self.check("part-shown", s.parts or to_end >= 3 * self.target - 1e-3 or not self.is_low_latency,
                           f"segment {s.msn} shows no parts and ends {to_end:.3f} s before the end")
            to_end += s.length()

    def _judge_tail(self):
        rest = self._next
        self.check("order", rest is None or rest.parts, "tags of a segment at the end, and no part of it")
        self.check("uri", rest is None or rest.duration is None, "an EXTINF at the end, and no URI")
        if self.is_ended:
            self.check("hint", self.hint is None, "a hint, though nothing will come")
            self.check("hint", rest is None, "parts of a segment that will never be whole")
        elif self.is_low_latency:
            self.check("hint", self.hint is not None, "no hint")

    def newest(self):
        """(msn, part) of what comes next: what to ask for."""
        if self.open:
            return self.open.msn, len(self.open.parts)
        return self.sequence + self.skipped + len(self.segments), 0

    def end_ms(self):
        """The date at the end of the newest media."""
        everything = self.everything()
        if not everything or everything[-1].date_ms is None:
            return None
        return everything[-1].date_ms + everything[-1].length() * 1000
