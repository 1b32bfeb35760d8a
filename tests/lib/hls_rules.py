# SPDX-License-Identifier: Apache-2.0
"""The rules that hls_strict holds a server to, each with a name, and the judge who notes what breaks them.

"bis" is RFC 8216bis, "apple" the HLS authoring specification for Apple devices, "ours" a promise of this server. A rule
that is not in the table cannot be judged, and hls_strict_test shows that each one can fail.
"""
import threading

from isaribi_test import Failed

RULES = {
    # one playlist
    "form": "bis 4.1, 4.2: UTF-8 lines, #EXTM3U first, known tags, well formed attributes",
    "once": "bis 4.4.3: a tag of the whole playlist stands in it once",
    "order": "bis 4.4.3, 4.4.4: tags of the playlist before its segments, tags of a segment before its first part",
    "version": "bis 8: EXT-X-VERSION is high enough for what is used",
    "target": "bis 4.4.3.1: there is a TARGETDURATION",
    "extinf": "bis 4.4.3.1: an EXTINF rounded is no more than TARGETDURATION",
    "overlong": "apple 7.4: a segment is at most half a second longer than TARGETDURATION",
    "uri": "bis 4.4.4.1: each URI has an EXTINF and stands once in the playlist",
    "map": "bis 4.4.4.5: fragmented MP4 needs an EXT-X-MAP",
    "no-gap": "ours: nothing is ever marked as GAP",
    "date": "apple 8.4: each segment has a PROGRAM-DATE-TIME, with milliseconds and a zone",
    "date-goes-on": "bis 6.2.1: from one date to the next passes what the segment lasts, without a discontinuity",
    "date-back": "ours: not even over a discontinuity does the date go back",
    "start": "bis 4.4.2.2: START is a place within the playlist",
    "part-inf": "bis 4.4.3.7: low latency has a PART-INF with a PART-TARGET, and no part without it",
    "part-form": "bis 4.4.4.9: a part has a URI and a DURATION",
    "part-long": "bis 4.4.4.9: no part is longer than the part target",
    "part-short": "bis 4.4.4.9: no part is shorter than 85 % of it, but the last of a segment",
    "part-sum": "bis 6.2.1: the parts of a segment last as long as its EXTINF says",
    "part-old": "bis 6.2.2: parts are listed for three target durations, not longer",
    "part-shown": "ours: every segment that ends less than three target durations ago shows its parts",
    "control": "bis 4.4.3.8: low latency has SERVER-CONTROL with CAN-BLOCK-RELOAD=YES",
    "part-hold-back": "apple 14.3: PART-HOLD-BACK is at least three part targets",
    "hold-back": "bis 4.4.3.8: HOLD-BACK is at least three target durations",
    "skip-until": "bis 4.4.3.8: CAN-SKIP-UNTIL is at least six target durations",
    "skip": "bis 4.4.5.2: SKIP was asked for, is allowed, and leaves out nothing newer than the skip boundary",
    "hint": "bis 4.4.5.3: one hint of the next part, at the end of what is not over, none in what is",
    "report": "bis 4.4.5.4: a rendition report has a URI, LAST-MSN and LAST-PART",
    "independent-segments": "bis 4.4.2.1: INDEPENDENT-SEGMENTS only where each segment begins with an INDEPENDENT part",
    # a playlist and the one before
    "constant": "bis 6.2.1: tags of the whole playlist do not change",
    "sequence": "bis 6.2.1: MEDIA-SEQUENCE goes up, one for each segment that leaves; none leaves from the end",
    "discontinuity-sequence": "bis 6.2.2: DISCONTINUITY-SEQUENCE counts exactly the discontinuities that left",
    "segment-kept": "bis 6.2.1: what was said of a segment is never said otherwise",
    "part-kept": "bis 6.2.1: what was said of a part is never said otherwise; parts are added at the end",
    "part-again": "bis 6.2.2: parts that were taken out of a playlist do not come back",
    "part-reused": "ours: the name of a part never means another part",
    "hint-kept": "bis 6.2.2: the next part is the one that was hinted at",
    "window": "bis 6.2.2: a segment leaves only when three target durations stay; apple 8.11: and six segments",
    "ended": "bis 4.4.3.4: a playlist does not change behind its ENDLIST",
    "independent-again": "ours: INDEPENDENT-SEGMENTS may become untrue, and then stays away",
    "date-future": "ours: no date is later than now",
    "delta": "bis 6.2.5.1: a delta update says what the whole playlist says",
    # answers
    "http": "a playlist, a part, a segment is answered, as what it is",
    "blocking": "bis 6.2.5.2: an answer waits for what was asked for and then holds it; no 503 before 3 targets",
    "hint-honoured": "bis 6.2.6: a hinted part is answered when it is there, with the same bytes as later",
    # bytes
    "init": "an initialisation segment is ftyp and moov, each track with a trex",
    "fragment": "a part is pairs of moof and mdat that fit together, of tracks that the init segment knows",
    "moof-sequence": "ISO 14496-12: the numbers of fragments rise by one",
    "time": "ours: a fragment begins where the one before ended, in every track",
    "first-picture": "design 8: the first picture of a segment is shown at its tfdt",
    "independent": "bis 4.4.4.9: INDEPENDENT is said of parts with a key frame, and of each part that begins with one",
    "sets-in-band": "ours: parameter sets stand in front of every key frame",
    "duration": "a part, a segment lasts as long as the playlist says",
    "assembled": "bis 6.2.1: a segment is its parts put together",
    "date-media": "ours: dates follow the times of the media",
    # multivariant playlist
    "codecs": "apple 9.x: CODECS, RESOLUTION and FRAME-RATE are those of the stream",
    "bandwidth": "bis 4.4.6.2: BANDWIDTH covers the highest rate of the segments, AVERAGE-BANDWIDTH is no more than it",
    # channels
    "channel-time": "design 8: decode times go on over every discontinuity (but for pictures still to be shown), the tracks together",
    "channel-tracks": "design 8: one picture, one sound, H.264 and AAC, in one order and with one timescale for ever",
    "channel-date": "ours: a date is the position in the channel, over every discontinuity",
    "channel-ahead": "design 8: its end is never more than a part later than now",
    "channel-dry": "design 8: what goes on is there before a player at PART-HOLD-BACK has shown everything",
    "channel-variant": "design 8: the multivariant playlist stays as it is and covers all that the channel shows",
}
SHOWN = 5


class Judge:
    """Notes every violation, with the playlist that shows it. May be used by several threads."""

    def __init__(self):
        self._lock = threading.Lock()
        self.found = []  # (rule, what, text)

    def note(self, rule, what, text=""):
        if rule not in RULES:
            raise KeyError(rule)
        with self._lock:
            self.found.append((rule, what, text))

    def check(self, rule, is_right, what, text=""):
        if not is_right:
            self.note(rule, what, text)
        return bool(is_right)

    def rules(self):
        return {rule for rule, _, _ in self.found}

    def report(self):
        if not self.found:
            return ""
        lines = [f"{len(self.found)} violations"]
        for rule, what, _ in self.found[:SHOWN]:
            lines.append(f"  {rule} ({RULES[rule]}): {what}")
        lines.append(self.found[0][2])
        return "\n".join(lines)

    def raise_if_any(self, what):
        if self.found:
            raise Failed(f"{what}: {self.report()}")
