# SPDX-License-Identifier: Apache-2.0
"""What one playlist may say after another (RFC 8216bis §6.2.1, §6.2.2), and in a delta update. Rules: hls_rules."""
FUTURE_MS = 550  # how far a publisher's clock may run ahead before it is set right, and how late we look
SEGMENTS_MIN = 6
AHEAD_MS = 20  # of a date, rounded, and of two readings of the clock
CONTROL_ONLY_LATER = ("CAN-SKIP-UNTIL",)


class Changes:
    """Remembers everything that was said of one address."""

    def __init__(self, judge, is_channel=False):
        self.judge, self.is_channel = judge, is_channel
        self.last = None
        self._said = {}     # msn -> what was said of the complete segment
        self._begun = {}    # msn -> how it begins, from when its first part was seen
        self._parts = {}    # msn -> what was said of its parts
        self._without = set()  # msn of complete segments that were seen without parts
        self._owner = {}    # URI of a part -> (msn, index)
        self._hint = None
        self._last_part = None  # (msn, index) of the newest part seen
        self._was_dependent = self._is_restarted = False

    def take(self, now, wall_ms, asked_ms=None):
        """now: MediaPlaylist, not a delta update. asked_ms: since when the answer was waited for."""
        before = self.last
        self._judge_future(now, wall_ms)
        if self.is_channel:
            self._judge_pace(before, now, wall_ms, asked_ms)
        if before:
            self._judge_head(before, now)
            self._judge_sequences(before, now)
        if now.is_independent:
            self._check(now, "independent-again", not self._was_dependent, "INDEPENDENT-SEGMENTS is back")
        else:
            self._was_dependent = True
        for s in now.everything():
            self._judge_segment(now, s)
        self._judge_hint(now)
        self.last = now

    def note_restart(self):
        """The node was killed: it may have hinted at, begun or finished what nobody will see."""
        self._hint = None
        self._is_restarted = True

    def _check(self, now, rule, is_right, what):
        text = now.text if self.last is None else f"{now.text}-- after this one:\n{self.last.text}"
        return self.judge.check(rule, is_right, what, text)

    def _judge_future(self, now, wall_ms):
        end_ms = now.end_ms()
        if end_ms is not None:
            self._check(now, "date-future", end_ms <= wall_ms + FUTURE_MS, f"its end is {end_ms - wall_ms:.0f} ms off")

    def _judge_pace(self, before, now, wall_ms, asked_ms):
        end_ms = now.end_ms()
        if end_ms is None or not now.part_target:
            return
        self._check(now, "channel-ahead", end_ms <= wall_ms + now.part_target * 1000 + AHEAD_MS,
                    f"its end is {end_ms - wall_ms:.0f} ms ahead")
        held_ms = float(now.control.get("PART-HOLD-BACK", 0)) * 1000
        last_ms = before.end_ms() if before else None
        # Only one that was asked for in time tells when it came.
        if None not in (last_ms, asked_ms) and asked_ms < last_ms + held_ms and not self._is_restarted:
            self._check(now, "channel-dry", wall_ms - last_ms <= held_ms,
                        f"what was there had ended {wall_ms - last_ms:.0f} ms before more came")

    def _judge_head(self, before, now):
        for name in ("version", "target", "part_target", "type"):
            a, b = getattr(before, name), getattr(now, name)
            self._check(now, "constant", a == b, f"{name} went from {a} to {b}")
        a, b = before.control, now.control
        for name in set(a) | set(b):
            is_new = name in CONTROL_ONLY_LATER and name not in a
            self._check(now, "constant", a.get(name) == b.get(name) or is_new,
                        f"{name} went from {a.get(name)} to {b.get(name)}")
        if before.is_ended:
            self._check(now, "ended", before.text == now.text, "it changed behind its ENDLIST")

    def _judge_sequences(self, before, now):
        is_restarted, self._is_restarted = self._is_restarted, False
        end, next_msn = before.sequence + len(before.segments), now.sequence + len(now.segments)
        self._check(now, "sequence", now.sequence >= before.sequence,
                    f"MEDIA-SEQUENCE went from {before.sequence} to {now.sequence}")
        self._check(now, "sequence", next_msn >= end, f"the next segment was {end}, now it is {next_msn}")
        gone = [s for s in (before.everything() if is_restarted else before.segments) if s.msn < now.sequence]
        if now.sequence == before.sequence + len(gone):
            self._judge_cuts(before, now, sum(s.has_discontinuity for s in gone))
        else:
            self._check(now, "sequence", is_restarted, f"segments {end} to {now.sequence - 1} were never there")
        if gone and not is_restarted and not now.is_ended:
            length = sum(s.duration for s in now.segments)
            self._check(now, "window", length >= 3 * (now.target or 0) and len(now.segments) >= SEGMENTS_MIN,
                        f"{len(now.segments)} segments of {length:.1f} s are left")

    def _judge_cuts(self, before, now, cuts):
        expected = before.discontinuity_sequence + cuts
        self._check(now, "discontinuity-sequence", now.discontinuity_sequence == expected,
                    f"from {before.discontinuity_sequence} to {now.discontinuity_sequence}, {cuts} have left")

    def _judge_segment(self, now, s):
        begun = self._begun.setdefault(s.msn, s.begins_as())
        self._check(now, "segment-kept", begun == s.begins_as(),
                    f"segment {s.msn} began as {begun}, now as {s.begins_as()}")
        if s.duration is not None:
            said = self._said.setdefault(s.msn, s.said())
            self._check(now, "segment-kept", said == s.said(), f"segment {s.msn} was {said}, is {s.said()}")
        self._judge_parts(now, s)

    def _judge_parts(self, now, s):
        known = self._parts.setdefault(s.msn, [])
        if not s.parts:
            if s.duration is not None:
                self._without.add(s.msn)
            return
        self._check(now, "part-again", s.msn not in self._without, f"segment {s.msn} shows parts again")
        said = [p.said() for p in s.parts]
        was_whole = s.msn in self._said and self.last and any(
            b.msn == s.msn and b.duration is not None for b in self.last.segments)
        is_kept = said[:len(known)] == known and (len(said) == len(known) or not was_whole)
        self._check(now, "part-kept", is_kept or s.msn in self._without, f"segment {s.msn} had {known}, now {said}")
        for i in range(len(known), len(said)):
            self._judge_new_part(now, s, i)
        if len(said) > len(known):
            self._parts[s.msn] = said

    def _judge_new_part(self, now, s, i):
        uri, place = s.parts[i].uri, (s.msn, i)
        if s.parts[i].byterange is None:
            owner = self._owner.setdefault(uri, place)
            self._check(now, "part-reused", owner == place, f"{uri} was part {owner}, is {place}")
        if self._last_part is None or place > self._last_part:
            if self._hint is not None:
                self._check(now, "hint-kept", uri == self._hint, f"{self._hint} was hinted at, {uri} came")
            self._hint, self._last_part = None, place

    def _judge_hint(self, now):
        if self._hint is not None and now.hint is not None:
            self._check(now, "hint-kept", now.hint == self._hint, f"the hint {self._hint} became {now.hint}")
        self._hint = now.hint


def delta_agrees(delta, full):
    """A delta update and the whole playlist of the same moment say the same of what is not skipped."""
    rest = full.everything()[delta.skipped:]
    if (delta.sequence, delta.discontinuity_sequence, delta.hint, delta.target, delta.control) != (
            full.sequence, full.discontinuity_sequence, full.hint, full.target, full.control):
        return False
    for s, whole in zip(delta.everything(), rest):
        s.map = s.map or whole.map  # one that was skipped still holds
    return ([(s.said(), [p.said() for p in s.parts]) for s in delta.everything()] ==
            [(s.said(), [p.said() for p in s.parts]) for s in rest])
