#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The strict follower judged: it passes what is right, and each of its rules finds the fault that is put in for it."""
import concurrent.futures
import datetime
import http.server
import re
import struct
import sys
import threading
import time
import urllib.parse

import hls_bytes
import hls_changes
import hls_fake as fake
import hls_main
import hls_media
import hls_rules
import hls_strict
from isaribi_test import Bench, Failed, check, wait_for

URL = "http://x/hls/a/main.m3u8"
LATE_MS = 4e12  # a wall clock later than all dates here
GOOD, WHOLE, ENDED = fake.playlist(), fake.playlist(open_parts=0), fake.playlist(open_parts=0, is_ended=True)
HINT = GOOD[GOOD.rindex("#EXT-X-PRELOAD"):]
covered = set()


def expect(what, judge, rules):
    """Exactly these rules were broken."""
    found = judge.rules()
    check(found == set(rules), f"{what}: expected {sorted(rules)}, found {sorted(found)}: {judge.report()}")
    covered.update(rules)


def bent(old, new, text=GOOD):
    """With its last `old` replaced."""
    head, found, tail = text.rpartition(old)
    check(found, f"{old!r} is not in the playlist")
    return head + new + tail


def without(pattern, text=GOOD):
    left = re.sub(rf"^{pattern}.*\n", "", text, flags=re.M)
    check(left != text, f"no line like {pattern}")
    return left


def read(judge, text, **more):
    return hls_media.MediaPlaylist(judge, URL, text, **more)


# Playlists by themselves

RIGHT = [GOOD, WHOLE, ENDED, fake.playlist(0, 1, 1), bent("#EXT-X-PART-INF", "#EXT-X-START:TIME-OFFSET=0\n#EXT-X-PART-INF"), fake.playlist(cuts=[12, 18]), fake.playlist(is_independent=False),
         GOOD + '#EXT-X-RENDITION-REPORT:URI="../b/main.m3u8",LAST-MSN=18,LAST-PART=1\n']
WRONG = [
    ("form", bent("#EXTM3U\n", "#EXTM3U \n")), ("form", "\ufeff" + GOOD), ("form hint", GOOD[:-1]),
    ("form", bent("#EXT-X-MAP", "#EXT-X-SOMETHING:1\n#EXT-X-MAP")),
    ("form", bent("#EXT-X-MAP", "# remark\n#EXT-X-MAP")),
    ("form part-inf", bent("TARGET=0.50000", "TARGET=0.50000,PART-TARGET=0.50000")),
    ("form", bent("2.00000,", "2.00000")),
    ("form", bent("MEDIA-SEQUENCE:10", "MEDIA-SEQUENCE:10x")), ("form", bent("#EXT-X-MAP", "\n#EXT-X-MAP")),
    ("once", bent("#EXT-X-MEDIA", "#EXT-X-TARGETDURATION:4\n#EXT-X-MEDIA")),
    ("order", without("#EXT-X-MEDIA").replace("seg-e-10.m4s\n", "seg-e-10.m4s\n#EXT-X-MEDIA-SEQUENCE:10\n")),
    ("order", bent(fake.part_line(73), "#EXT-X-DISCONTINUITY\n" + fake.part_line(73))),
    ("order", bent("#EXT-X-PRELOAD", "#EXT-X-DISCONTINUITY\n#EXT-X-PRELOAD", WHOLE)),
    ("order", without("#EXT-X-PRELOAD").replace(fake.part_line(73), HINT + fake.part_line(73))),
    ("version", bent("VERSION:6", "VERSION:5")), ("version", bent("VERSION:6", "VERSION:13")),
    ("target", without("#EXT-X-TARGET")),
    ("extinf", bent("EXTINF:2.00000", "EXTINF:4.50000", ENDED)),
    ("extinf overlong", bent("EXTINF:2.00000", "EXTINF:4.50100", ENDED)),
    ("uri", bent("seg-e-17.m4s", "seg-e-16.m4s")), ("uri extinf", bent("#EXTINF:2.00000,\n", "", ENDED)),
    ("uri", bent("part-e-74.m4s", "part-e-73.m4s")), ("uri order hint", ENDED + "#EXTINF:2.00000,\n"),
    ("map", without("#EXT-X-MAP")),
    ("no-gap", bent("#EXTINF", "#EXT-X-GAP\n#EXTINF")), ("no-gap", bent('74.m4s"', '74.m4s",GAP=YES')),
    ("date", without("#EXT-X-PROGRAM")), ("date", bent(".000Z", "Z")),
    ("date-goes-on", bent(".000Z", ".010Z")),
    ("date-back", bent(fake.date_of(18), fake.date_of(17.65), fake.playlist(cuts=[18]))),
    ("part-inf", without("#EXT-X-PART-INF")), ("part-form", bent(',URI="part-e-74.m4s"', "")),
    ("part-long", bent('0.50000,URI="part-e-74', '0.51000,URI="part-e-74')),
    ("part-short", bent('0.50000,URI="part-e-73', '0.42000,URI="part-e-73')),
    ("part-sum", bent('0.50000,URI="part-e-72', '0.49900,URI="part-e-72')),
    ("part-old", bent(fake.date_of(11) + "\n", fake.date_of(11) + "\n" + "".join(map(fake.part_line, range(44, 48))))),
    ("part-shown", without(r'#EXT-X-PART:.*"part-e-(49|50|51|52)\.m4s"')),
    ("control", bent("CAN-BLOCK-RELOAD=YES,", "")), ("control", bent("RELOAD=YES", "RELOAD=NO")),
    ("part-hold-back", bent("PART-HOLD-BACK=1.5", "PART-HOLD-BACK=1.4")),
    ("hold-back", bent(",HOLD-BACK=12.", ",HOLD-BACK=11.")), ("skip-until", bent("UNTIL=24", "UNTIL=23")),
    ("hint", without("#EXT-X-PRELOAD")), ("hint", GOOD + HINT), ("hint", bent("TYPE=PART", "TYPE=MAP")),
    ("hint", ENDED + HINT), ("hint", without("#EXT-X-PRELOAD") + "#EXT-X-ENDLIST\n"),
    ("start", bent("#EXT-X-PART-INF", "#EXT-X-START:TIME-OFFSET=-999\n#EXT-X-PART-INF")),
    ("form", bent("#EXT-X-PART-INF", "#EXT-X-START:PRECISE=YES\n#EXT-X-PART-INF")),
    ("report", GOOD + '#EXT-X-RENDITION-REPORT:URI="b.m3u8",LAST-MSN=1\n'),
    ("independent-segments", bent('69.m4s",INDEPENDENT=YES', '69.m4s"')),
    ("skip", fake.playlist(count=14, skipped=1)),
]
DELTA = fake.playlist(count=14, skipped=2)
WRONG_DELTAS = [("skip", fake.playlist(count=14, skipped=3)), ("skip", bent("CAN-SKIP-UNTIL=24.00000,", "", DELTA)),
                ("skip", bent("SEGMENTS=2", "SEGMENTS=0", DELTA)), ("version", bent("VERSION:9", "VERSION:8", DELTA))]


def test_playlists():
    for n, text in enumerate(RIGHT):
        judge = hls_rules.Judge()
        read(judge, text)
        expect(f"right playlist {n}", judge, ())
    for n, (rules, text) in enumerate(WRONG):
        judge = hls_rules.Judge()
        read(judge, text)
        expect(f"wrong playlist {n}", judge, rules.split())
    judge = hls_rules.Judge()
    read(judge, DELTA, is_delta=True)
    expect("a delta update", judge, ())
    for n, (rules, text) in enumerate(WRONG_DELTAS):
        judge = hls_rules.Judge()
        read(judge, text, is_delta=True)
        expect(f"wrong delta update {n}", judge, rules.split())
    judge = hls_rules.Judge()
    read(judge, bent('0.50000,URI="part-e-73', '0.42000,URI="part-e-73'), is_beside_gap=lambda s, i: s.parts[i].uri ==
         "part-e-73.m4s")
    expect("a part beside a gap", judge, ())


# One after another

MORE = fake.playlist(open_parts=3)
RIGHT_STEPS = [
    [GOOD, GOOD], [GOOD, MORE, fake.playlist(count=9, open_parts=0), fake.playlist(11, 9, 1)],
    [fake.playlist(cuts=[10, 12]), fake.playlist(11, 8, 2, cuts=[12], discontinuity_sequence=1)],
    [GOOD, fake.playlist(count=9, open_parts=0, is_ended=True)], [ENDED, ENDED],
    [fake.playlist(), fake.playlist(open_parts=3, is_independent=False)],
]
WRONG_STEPS = [
    ("constant", GOOD, bent("TARGETDURATION:4", "TARGETDURATION:5")),
    ("constant", GOOD, bent("VERSION:6", "VERSION:7")),
    ("constant", GOOD, bent("TARGET=0.50000", "TARGET=0.51000")),
    ("constant", GOOD, bent(",HOLD-BACK=12", ",HOLD-BACK=13")),
    ("constant", GOOD, bent("#EXT-X-PART-INF", "#EXT-X-PLAYLIST-TYPE:EVENT\n#EXT-X-PART-INF")),
    ("sequence", GOOD, fake.playlist(9, 9)), ("sequence hint-kept", GOOD, fake.playlist(20, 8)),
    ("sequence hint-kept part-kept part-again", GOOD, fake.playlist(count=7)),
    ("discontinuity-sequence", fake.playlist(cuts=[10]), fake.playlist(11, 7)),
    ("discontinuity-sequence", GOOD, fake.playlist(11, 7, discontinuity_sequence=1)),
    ("discontinuity-sequence", GOOD, fake.playlist(discontinuity_sequence=1)),
    ("segment-kept", GOOD, bent("EXTINF:2.00000", "EXTINF:2.00100")),
    ("segment-kept", GOOD, bent(fake.date_of(18), fake.date_of(18.01))),
    ("segment-kept", GOOD, fake.playlist(cuts=[15])), ("segment-kept", GOOD, bent("seg-e-17.m4s", "seg-f-17.m4s")),
    ("segment-kept", GOOD, bent("init-e-0", "init-e-1")),
    ("part-kept", GOOD, bent('0.50000,URI="part-e-74', '0.49000,URI="part-e-74')),
    ("part-kept", GOOD, bent('part-e-74.m4s"', 'part-e-74.m4s",INDEPENDENT=YES')),
    ("part-kept", GOOD, bent(fake.part_line(70) + fake.part_line(71), fake.part_line(71) + fake.part_line(70))),
    ("part-kept", GOOD, bent("#EXTINF", '#EXT-X-PART:DURATION=0.1,URI="part-e-999.m4s"\n#EXTINF')),
    ("part-again", without(r'#EXT-X-PART:.*"part-e-(49|50|51|52)\.m4s"'), GOOD),
    ("part-reused hint-kept", GOOD, bent("part-e-75", "part-e-60", MORE)),
    ("hint-kept", GOOD, bent("part-e-75", "part-e-99", MORE)), ("hint-kept", GOOD, bent("part-e-75", "part-e-76")),
    ("window", GOOD, fake.playlist(14, 4)), ("ended", ENDED, bent("EXTINF:2.00000", "EXTINF:2.00000 ", ENDED)),
]


def take(steps, wall_ms=LATE_MS, restart=False):
    judge = hls_rules.Judge()
    changes = hls_changes.Changes(judge)
    for i, text in enumerate(steps):
        if i and restart:
            changes.note_restart()
        changes.take(read(hls_rules.Judge(), text), wall_ms)
    return judge


def test_changes():
    for n, steps in enumerate(RIGHT_STEPS):
        expect(f"right steps {n}", take(steps), ())
    for n, (rules, *steps) in enumerate(WRONG_STEPS):
        expect(f"wrong steps {n}", take(steps), rules.split())
    expect("INDEPENDENT-SEGMENTS is back", take([GOOD, fake.playlist(is_independent=False), GOOD]),
           ["independent-again"])
    end_ms = hls_media.parse_date_ms(fake.date_of(18.5))
    expect("a date that is now", take([GOOD], end_ms), ())
    expect("a date in the future", take([GOOD], end_ms - 700), ["date-future"])
    expect("a restart", take([GOOD, fake.playlist(19, 1, 2, cuts=[19])], restart=True), ())
    expect("no restart", take([GOOD, fake.playlist(19, 1, 2, cuts=[19])]), ["sequence", "hint-kept", "window"])
    expect("a number again", take([GOOD, fake.playlist(18, 1, 2, cuts=[18])], restart=True), ["segment-kept"])
    expect("a restart that counts", take([fake.playlist(cuts=[18]), fake.playlist(19, 1, 2, cuts=[19])], restart=True),
           ["discontinuity-sequence"])


def test_deltas():
    full = fake.playlist(count=14)
    for is_good, text in ((True, DELTA), (True, without("#EXT-X-MAP", DELTA)),
                          (False, bent("EXTINF:2.00000", "EXTINF:2.10000", DELTA)),
                          (False, bent("seg-e", "seg-f", DELTA)),
                          (False, bent("init-e-0", "init-e-1", DELTA)),
                          (False, bent("SEQUENCE:0", "SEQUENCE:1", DELTA))):
        judge = hls_rules.Judge()
        found = hls_changes.delta_agrees(read(judge, text, is_delta=True), read(judge, full))
        check(found == is_good, f"a delta update that is {is_good} is found {found}")


# Bytes

INIT = fake.init()
WRONG_BYTES = [
    ("fragment", {}, lambda data: data[:-3]), ("fragment", {}, lambda data: b"junk" * 9),
    ("fragment", {}, lambda data: data.replace(b"tfhd\0\2\0\0\0\0\0\1", b"tfhd\0\2\0\0\0\0\0\7")),
    ("fragment", {}, lambda data: data[:40]), ("fragment", {}, lambda data: b""),
    ("moof-sequence", {"sequence": 99}, None), ("time", {"start": 44 * 45000 + 1}, None),
    ("time", {"start": 44 * 45000 - 1}, None), ("first-picture", {"offset": 10}, None),
    ("independent", {"is_key": False}, None), ("independent", {"is_independent": False}, None),
    ("independent", {}, lambda data: data.replace(b"\x65\x11", b"\x61\x11")),
    ("sets-in-band", {}, lambda data: data.replace(b"\x67\x42", b"\x06\x42")), ("duration", {"frames": 4}, None),
    ("date-media", {"date": fake.date_of(11.01)}, None),
]


def judge_bytes(bend=lambda data: data, date=fake.date_of(11), is_independent=True, *, date_of=fake.date_of,
                is_channel=False, waiting=0, **part):
    """Parts 40 to 44, the last of them, which begins segment 11, as it is asked for."""
    judge = hls_rules.Judge()
    media = hls_bytes.Media(judge, is_channel)
    init = media.init("init", INIT)
    for n in range(40, 45):
        is_last, begins = n == 44, None
        if n % fake.PARTS == 0:
            begins = hls_media.Segment(n // fake.PARTS)
            begins.date_ms = hls_media.parse_date_ms(date if is_last else date_of(begins.msn))
        data = fake.part(n, **(part if is_last else {"last_offset": waiting}))
        f = media.fragment(f"part {n}", bend(data) if is_last else data, init)
        if f:
            media.piece(f"part {n}", f, duration=fake.PART_S, begins=begins,
                        has_discontinuity=is_channel and is_last,
                        is_independent=is_independent if is_last else n == 40)
    return judge


def test_bytes():
    expect("right bytes", judge_bytes(), ())
    for n, (rule, bents, bend) in enumerate(WRONG_BYTES):
        expect(f"wrong bytes {n}", judge_bytes(**bents, **({"bend": bend} if bend else {})), [rule])
    for data in (b"", INIT[:30], fake.part(0), INIT.replace(b"trex", b"free")):
        judge = hls_rules.Judge()
        check(hls_bytes.Media(judge).init("init", data) is None, "an init segment that is none")
        expect("init", judge, ["init"])
    lost = hls_bytes.Media(judge := hls_rules.Judge())
    init = lost.init("init", INIT)
    for n in (40, 43):
        lost.piece(f"part {n}", lost.fragment("part", fake.part(n), init), duration=fake.PART_S)
        lost.lose_track()
    expect("after a part that was lost", judge, ())
    steady = hls_bytes.Fragment(fake.part(1), init)
    stretched = fake.part(1).replace(struct.pack(">I", 9000), struct.pack(">I", 18000))
    check(not hls_bytes.is_beside_gap(steady, steady), "no gap is one")
    check(hls_bytes.is_beside_gap(steady, hls_bytes.Fragment(stretched, init)), "a gap is none")


def test_main():
    good = fake.main_playlist()
    for rules, text in (("", good), ("form", good[1:]), ("form", good.replace("main.m", "other.m")),
                        ("bandwidth", fake.main_playlist(15000)),
                        ("bandwidth", good.replace("AVERAGE-BANDWIDTH=20000,", "")),
                        ("bandwidth", good.replace("AVERAGE-BANDWIDTH=2", "AVERAGE-BANDWIDTH=3")),
                        ("codecs", good.replace("c01e", "c01f")), ("codecs", good.replace(",mp4a.40.2", "")),
                        ("codecs", good.replace("320x180", "320x181")), ("codecs", good.replace("=10.000", "=9.000")),
                        ("codecs", good.replace('.2"', '.2,ac-3"'))):
        judge = hls_rules.Judge()
        hls_main.judge(judge, "http://x/hls/a/index.m3u8", text, media_url=URL, init_data=INIT, frame_rate=10.0,
                       peak_bps=20000)
        expect(f"multivariant playlist {text}", judge, rules.split())


# Channels

CHANNEL = fake.playlist(begin=fake.CHANNEL_BEGIN, cuts=[18])
CHANNEL_MAIN = fake.main_playlist()
WRONG_CHANNEL_BYTES = [
    ("channel-time", {"start": 44 * 45000 + 1}), ("channel-time channel-date", {"start": 44 * 45000 + 18000}),
    ("channel-time", {"sound_late": 6000}), ("channel-time", {"has_sound": False}),
    ("channel-date", {"date": fake.date_of(11.01, fake.CHANNEL_BEGIN)}),
]


def channel_date(msn):
    return fake.date_of(msn, fake.CHANNEL_BEGIN)


def test_channel_bytes():
    expect("right bytes of a channel", judge_bytes(date_of=channel_date, date=channel_date(11), is_channel=True), ())
    reordered = {"date_of": channel_date, "date": channel_date(11.025), "is_channel": True, "start": 44 * 45000 + 4500}
    expect("pictures still to be shown", judge_bytes(**reordered, waiting=4500), ())
    expect("fewer of them", judge_bytes(**reordered, waiting=4400), ["channel-time"])
    for n, (rules, bents) in enumerate(WRONG_CHANNEL_BYTES):
        judge = judge_bytes(date_of=channel_date, is_channel=True, **{"date": channel_date(11), **bents})
        expect(f"wrong bytes of a channel {n}", judge, rules.split())
    for n, more in enumerate(({"tracks": "av"}, {"tracks": "v"}, {"sound": b"Opus"}, {"sound_scale": 44100})):
        media = hls_bytes.Media(judge := hls_rules.Judge(), True)
        media.init("first", INIT)
        expect("tracks of a channel", judge, ())
        media.init("second", fake.init(**more))
        expect(f"other tracks {n}", judge, ["channel-tracks"])
    hls_bytes.Media(judge := hls_rules.Judge(), True).init("first", fake.init("v"))
    expect("a channel without sound", judge, ["channel-tracks"])


def take_channel(*steps):
    """steps: (text, how many ms later than its end it is seen)"""
    judge = hls_rules.Judge()
    changes = hls_changes.Changes(judge, True)
    for text, late_ms in steps:
        now = read(hls_rules.Judge(), text, is_channel=True)
        changes.take(now, now.end_ms() + late_ms, now.end_ms() - 400)
    return judge


def test_channels():
    test_channel_bytes()
    read(judge := hls_rules.Judge(), CHANNEL, is_channel=True)
    expect("right playlist of a channel", judge, ())
    read(judge := hls_rules.Judge(), bent(channel_date(18), channel_date(18.1), CHANNEL), is_channel=True)
    expect("a date that jumps", judge, ["channel-date"])
    more = fake.playlist(begin=fake.CHANNEL_BEGIN, cuts=[18], open_parts=3)
    expect("a channel that goes on", take_channel((CHANNEL, -500), (more, 900)), ())
    expect("a channel that is ahead", take_channel((CHANNEL, -540)), ["channel-ahead"])
    expect("a channel that runs dry", take_channel((CHANNEL, 0), (more, 1100)), ["channel-dry"])
    for is_right, before, text in (
            (True, None, CHANNEL_MAIN), (True, CHANNEL_MAIN, CHANNEL_MAIN),
            (True, None, CHANNEL_MAIN.replace("320x180", "640x360").replace("c01e", "e028")),
            (False, CHANNEL_MAIN[:-1], CHANNEL_MAIN), (False, None, CHANNEL_MAIN.replace("main.m", "other.m")),
            (False, None, fake.main_playlist(15000)), (False, None, CHANNEL_MAIN.replace("=10.000", "=9.000")),
            (False, None, CHANNEL_MAIN.replace(",mp4a.40.2", "")), (False, None, CHANNEL_MAIN.replace("320x", "318x")),
            (False, None, CHANNEL_MAIN.replace("x180", "x178")), (False, None, CHANNEL_MAIN.replace("c01e", "c01d"))):
        hls_main.judge_channel(judge := hls_rules.Judge(), "http://x/hls/a/index.m3u8", text, before=before, media_url=URL,
                               inits=[INIT], frame_rate=10.0, peak_bps=20000)
        expect(f"multivariant playlist of a channel {text}", judge, [] if is_right else ["channel-variant"])


# The follower, and a server that grows a part each half second


class Origin(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    fault = ""
    begin = None
    asked = {}

    def log_message(self, *args):
        pass

    def newest(self):
        """How many parts there are. Segments 0 to 9 were there at the start."""
        return int((datetime.datetime.now(datetime.timezone.utc) - self.begin).total_seconds() / fake.PART_S)

    def wait_part(self, number):
        while self.newest() <= number:
            time.sleep(0.01)

    def do_GET(self):
        path, _, query = self.path.partition("?")
        name = path.rpartition("/")[2]
        status, body, kind = 200, b"", "video/mp4"
        if name == "main.m3u8":
            kind = "application/vnd.apple.mpegurl"
            status, body = self.media(urllib.parse.parse_qs(query))
        elif name == "index.m3u8":
            kind, body = "application/vnd.apple.mpegurl", fake.main_playlist().encode()
        elif name.startswith("init"):
            body = INIT
        elif name.startswith("seg"):
            msn = int(name[6:-4])
            body = fake.segment(msn) if self.fault != "assembled" else fake.segment(msn).replace(b"\x9a", b"\x9b")
        else:
            status, body = self.part(int(name[7:-4]) - 1)
        if self.fault == "http" and name.startswith("seg"):
            kind = "text/plain"
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def part(self, number):
        if self.fault == "hint-honoured" and number >= self.newest():
            return 404, b""
        self.wait_part(number)
        is_again = self.asked.setdefault(number, 0) > 0
        self.asked[number] += 1
        body = fake.part(number)
        return 200, body.replace(b"\x9a", b"\x9b") if is_again and self.fault == "hint-honoured again" else body

    def media(self, query):
        if "_HLS_msn" in query:
            if self.fault == "blocking 503":
                return 503, b""
            wanted = int(query["_HLS_msn"][0]) * fake.PARTS + int(query["_HLS_part"][0])
            if self.fault != "blocking":
                self.wait_part(wanted)
        count, open_parts = divmod(self.newest(), fake.PARTS)
        skipped = 1 if "_HLS_skip" in query and count >= 14 else 0
        text = fake.playlist(count - 14, 14, open_parts, begin=self.begin, skipped=skipped)
        return 200, (bent("seg-", "sag-", text) if skipped and self.fault == "delta" else text).encode()


def run_follower(bench, fault, seconds):
    is_channel = fault == "channel"
    fault = "" if is_channel else fault
    begin = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(seconds=15 * fake.SEGMENT_S)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), type("Bent", (Origin,), {
        "fault": fault, "asked": {}, "begin": fake.CHANNEL_BEGIN if is_channel else begin}))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    base = f"http://127.0.0.1:{server.server_port}/hls/a/"
    strict = hls_strict.Strict(bench, base + "main.m3u8", main_url=base + "index.m3u8",
                               is_channel=is_channel)
    bench.at_end.clear()
    try:
        if fault:
            wait_for(f"the fault {fault}", lambda: strict.judge.found or strict.error, seconds)
        else:
            strict.wait_segments(16, seconds)
        strict.stop()
    except Failed:
        check(fault and not strict.error, f"the follower fell over {fault or 'what is right'}: {strict.error!r} "
              f"{strict.judge.report()}")
    finally:
        server.shutdown()
        server.server_close()
    expect(f"the server with {fault or 'no fault'}", strict.judge, fault.split()[:1])
    return strict


def test_follower(bench):
    faults = ("", "channel", "http", "blocking", "blocking 503", "hint-honoured", "hint-honoured again", "assembled", "delta")
    with concurrent.futures.ThreadPoolExecutor(len(faults)) as pool:
        good = list(pool.map(lambda fault: run_follower(bench, fault, 12), faults))[0]
    check(len(good.parts) >= 30 and good.discontinuities == [], f"{len(good.parts)} parts, {good.discontinuities}")
    check(abs(good.frame_rate() - fake.FPS) < 0.01, f"{good.frame_rate()} pictures a second")


def main():
    bench = Bench("strict")
    try:
        test_playlists()
        test_changes()
        test_deltas()
        test_bytes()
        test_main()
        test_channels()
        test_follower(bench)
    finally:
        bench.close(keep=False)
    never = set(hls_rules.RULES) - covered
    check(not never, f"rules that nothing here breaks: {sorted(never)}")
    print(f"{len(hls_rules.RULES)} rules, each of them can fail")


if __name__ == "__main__":
    sys.exit(main())
