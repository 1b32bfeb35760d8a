# SPDX-License-Identifier: Apache-2.0
"""The bytes behind a playlist: fragments that follow one another in every track, key frames where they are claimed."""
import mp4
from isaribi_test import Failed

NOT_SYNC = 0x10000  # sample_is_non_sync_sample, ISO 14496-12 §8.8.3.1
AUDIO_HOLE_S = 0.045  # what an encoder's clock may be off before the audio is set anew
DURATION_S = 0.0005
DATE_MS = 3
GAP_FRAMES = 1.5
CHANNEL_BASE_MS = 1735689600000  # 2025-01-01: where the times of channels begin
CHANNEL_CODECS = {"vide": ("avc1", "avc3"), "soun": ("mp4a",)}

H264_SETS, H265_SETS = {7, 8}, {32, 33, 34}
H264_KEY, H265_KEY = {5}, set(range(16, 22))


def nal_types(sample, is_h265):
    """Of a sample with lengths of four bytes in front."""
    types, at = [], 0
    while at + 5 <= len(sample):
        size = int.from_bytes(sample[at:at + 4], "big")
        types.append(sample[at + 4] >> 1 & 0x3f if is_h265 else sample[at + 4] & 0x1f)
        at += 4 + size
    return types


def main_track(init):
    """(id, track) of the one that parts and segments are measured by: the picture, else the sound."""
    return min(init.tracks.items(), key=lambda item: item[1]["handler"] != "vide")


class Fragment(mp4.Fragment):
    """With what a judge asks of it."""

    def __init__(self, data, init):
        super().__init__(data, init)
        self.init, self.data = init, data
        self.main_id, self.main_track = main_track(init)
        self.main = self.tracks.get(self.main_id)
        if self.main is None:  # the picture has stopped and the sound goes on
            self.main_id, self.main = next(iter(self.tracks.items()))
            self.main_track = init.tracks[self.main_id]
        self.scale = self.main_track["timescale"]
        self.is_video = self.main_track["handler"] == "vide"

    def seconds(self):
        return self.main["duration"] / self.scale

    def stands_on_s(self):
        """A last picture that lasts longer than usual may stand on beyond the part while the sound goes on."""
        *others, last = self.main["durations"]
        is_long = len(self.tracks) > 1 and last > GAP_FRAMES * max(others, default=0)
        return last / self.scale if is_long else 0.0

    def start_s(self):
        return min(track["start"] / self.init.tracks[i]["timescale"] for i, track in self.tracks.items())

    def waiting_s(self):
        """For how long its pictures are shown behind its end."""
        shown = max(pts + duration for pts, duration in zip(self.main["pts"], self.main["durations"]))
        return max(0, shown - self.main["start"] - self.main["duration"]) / self.scale

    def key_frames(self):
        """Indexes of the pictures that need no other; of sound every frame is one."""
        return [i for i, flags in enumerate(self.main["flags"]) if not self.is_video or not flags & NOT_SYNC]

    def sample(self, i):
        at, size = self.main["at"][i]
        return self.data[at:at + size]


class Media:
    """What was fetched of one stream, judged piece by piece in the order of the stream."""

    def __init__(self, judge, is_channel=False):
        self.judge, self.is_channel = judge, is_channel
        self._tracks = None  # of a channel: (id, handler, codec, timescale) of each
        self._inits = {}    # (url, byterange) -> mp4.Init, or None when it is none
        self._ends = {}     # track id -> (decode time where the next piece must begin, timescale)
        self._sequence = None
        self._date_offset_ms = None
        self._is_lost = False
        self._waiting_s = 0.0  # of reordered pictures: for so long some are shown behind the end of the last piece

    def init(self, name, data):
        if name not in self._inits:
            try:
                self._inits[name] = mp4.Init(data)
                if self.is_channel:
                    self._judge_tracks(name, self._inits[name])
            except (Failed, ValueError, KeyError, IndexError) as error:
                self.judge.note("init", f"{name}: {error}")
                self._inits[name] = None
        return self._inits[name]

    def _judge_tracks(self, name, init):
        tracks = [(i, t["handler"], t["codec"], t["timescale"]) for i, t in init.tracks.items()]
        self._tracks = self._tracks or tracks
        self.judge.check("channel-tracks", tracks == self._tracks, f"{name} has {tracks}, before it was {self._tracks}")
        is_right = sorted(t[1] for t in tracks) == ["soun", "vide"] and all(c in CHANNEL_CODECS[h] for _, h, c, _ in tracks)
        self.judge.check("channel-tracks", is_right, f"{name} has {tracks}")

    def fragment(self, what, data, init):
        """None, noted, when it cannot be read."""
        try:
            return Fragment(data, init)
        except (Failed, ValueError, KeyError, IndexError) as error:
            self.judge.note("fragment", f"{what}: {error}")
        except Exception as error:  # noqa: struct.error and friends mean that boxes lie about their sizes
            self.judge.note("fragment", f"{what}: {error!r}")
        return None

    def lose_track(self):
        """Something in between was not seen: the next piece may begin anywhere, but not earlier."""
        self._sequence = self._date_offset_ms = None
        self._is_lost = True

    def begin_anew(self):
        """The times of the media may begin anywhere."""
        self.lose_track()
        if not self.is_channel:  # one of those goes on by the clock
            self._ends = {}

    def piece(self, what, f, *, duration, is_independent=None, begins=None, has_discontinuity=False):
        """f: Fragment of a part, or of a segment whose parts were not seen. begins: the Segment whose start it is."""
        # Sound alone ends where a picture begins, in the middle of its last frame.
        longer_s = DURATION_S + f.stands_on_s() if f.is_video else f.seconds() / len(f.main["flags"])
        self.judge.check("duration", -DURATION_S < f.seconds() - duration < longer_s,
                         f"{what} is said to last {duration} s, it lasts {f.seconds():.5f} s")
        self._judge_sequence(what, f)
        self._judge_times(what, f, has_discontinuity)
        self._judge_independence(what, f, is_independent, begins is not None)
        if begins is not None and begins.date_ms is not None:
            self._judge_date(what, f, begins, has_discontinuity)
        self._is_lost = False

    def _judge_sequence(self, what, f):
        expected = self._sequence
        for number in f.sequences:
            self.judge.check("moof-sequence", expected is None or number == expected,
                             f"{what} has moof {number}, expected {expected}")
            expected = number + 1
        self._sequence = expected

    def _judge_times(self, what, f, has_discontinuity):
        for track_id, track in f.tracks.items():
            scale = f.init.tracks[track_id]["timescale"]
            end = self._ends.get(track_id)
            if end is not None:
                step_s = track["start"] / scale - end
                is_video = f.init.tracks[track_id]["handler"] == "vide"
                least, most = (-1e-6, 1e-6) if is_video else (-0.005, AUDIO_HOLE_S)
                is_free = self._is_lost or (has_discontinuity and not self.is_channel)
                if is_free:
                    least, most = -0.005, float("inf")
                elif has_discontinuity and is_video:
                    most += self._waiting_s
                self.judge.check("channel-time" if has_discontinuity and not is_free else "time", least <= step_s <= most,
                                 f"{what} track {track_id} begins {step_s:+.6f} s from where it had ended, {end:.6f} s")
            self._ends[track_id] = (track["start"] + track["duration"]) / scale
        waited_s, self._waiting_s = self._waiting_s if has_discontinuity else 0.0, f.waiting_s()
        if self.is_channel:
            self._judge_together(what, f, waited_s)

    def _judge_together(self, what, f, waited_s):
        """Both tracks are there and begin at one time, but for a frame of each and for pictures that were waited for."""
        if len(f.tracks) < 2:  # a piece in front of a cut may be shorter than a frame of sound
            self.judge.check("channel-time", f.is_video and f.seconds() < AUDIO_HOLE_S,
                             f"{what} of {f.seconds():.3f} s has one track")
            return
        scales = [f.init.tracks[i]["timescale"] for i in f.tracks]
        starts = [t["start"] / scale for t, scale in zip(f.tracks.values(), scales)]
        frames = [sorted(t["durations"])[len(t["durations"]) // 2] / scale for t, scale in zip(f.tracks.values(), scales)]
        self.judge.check("channel-time", abs(starts[0] - starts[1]) <= sum(frames) + waited_s + 1e-4,
                         f"{what}: the tracks begin at {starts}, frames last {frames}")

    def _judge_independence(self, what, f, said, is_first):
        keys = f.key_frames()
        if said is not None:
            self.judge.check("independent", not said or keys, f"{what} is INDEPENDENT and has no key frame")
            self.judge.check("independent", said or keys[:1] != [0], f"{what} begins with a key frame, not INDEPENDENT")
        if not f.is_video:
            return
        if is_first and keys[:1] == [0]:
            self.judge.check("first-picture", f.main["pts"][0] == f.main["start"],
                             f"{what}: tfdt {f.main['start']}, its first picture is shown at {f.main['pts'][0]}")
        is_h265 = f.main_track["codec"] in ("hvc1", "hev1")
        for i in keys:
            types = nal_types(f.sample(i), is_h265)
            self.judge.check("independent", set(types) & (H265_KEY if is_h265 else H264_KEY),
                             f"{what}: sample {i} is called a key frame, its NAL units are {types}")
            self.judge.check("sets-in-band", (H265_SETS if is_h265 else H264_SETS) <= set(types),
                             f"{what}: key frame {i} has NAL units {types}")

    def _judge_date(self, what, f, s, has_discontinuity):
        # A channel's position is that of its pictures.
        start_s = f.main["start"] / f.scale if self.is_channel else f.start_s()
        offset_ms = s.date_ms - start_s * 1000
        if has_discontinuity or self._date_offset_ms is None:
            self._date_offset_ms = offset_ms
        if self.is_channel:
            self.judge.check("channel-date", abs(offset_ms - CHANNEL_BASE_MS) <= DATE_MS,
                             f"{what}: the date is {offset_ms - CHANNEL_BASE_MS:+.1f} ms off the position")
        self.judge.check("date-media", abs(offset_ms - self._date_offset_ms) <= DATE_MS,
                         f"{what}: the date is {offset_ms - self._date_offset_ms:+.1f} ms off the media")


def is_beside_gap(part, following):
    """Whether a part (Fragment) ended early since the picture stood still for longer than usual there."""
    durations = sorted(part.main["durations"])
    usual = durations[len(durations) // 2]
    return max(part.main["durations"][-1], following.main["durations"][0]) > GAP_FRAMES * usual
