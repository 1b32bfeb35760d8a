# SPDX-License-Identifier: Apache-2.0
"""Low-latency HLS made up for hls_strict_test: playlists as text, fragments of a picture and a sound, all right."""
import datetime
import struct

SEGMENT_S, PARTS, PART_S, TARGET = 2, 4, 0.5, 4
FPS, VIDEO_SCALE, AUDIO_SCALE, AUDIO_FRAME = 10, 90000, 48000, 1000
CHANNEL_BEGIN = datetime.datetime(2025, 1, 1, tzinfo=datetime.timezone.utc)  # part 0 of a channel
BEGIN = datetime.datetime(2026, 1, 1, tzinfo=datetime.timezone.utc)
CONTROL = ("#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,CAN-SKIP-UNTIL=24.00000,PART-HOLD-BACK=1.50000,"
           "HOLD-BACK=12.00000\n")


def date_of(msn, begin=BEGIN):
    return (begin + datetime.timedelta(seconds=msn * SEGMENT_S)).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


def part_line(number):
    independent = ",INDEPENDENT=YES" if number % PARTS == 0 else ""
    return f'#EXT-X-PART:DURATION={PART_S:.5f},URI="part-e-{number + 1}.m4s"{independent}\n'


def playlist(first=10, count=8, open_parts=2, *, cuts=(), discontinuity_sequence=0, is_ended=False, skipped=0,
             begin=BEGIN, is_independent=True):
    """Segments first, first + 1, ... of SEGMENT_S each, and the parts of the one behind."""
    text = f"#EXTM3U\n#EXT-X-VERSION:{9 if skipped else 6}\n#EXT-X-TARGETDURATION:{TARGET}\n" + CONTROL
    text += f"#EXT-X-PART-INF:PART-TARGET={PART_S:.5f}\n#EXT-X-MEDIA-SEQUENCE:{first}\n"
    text += f"#EXT-X-DISCONTINUITY-SEQUENCE:{discontinuity_sequence}\n"
    text += "#EXT-X-INDEPENDENT-SEGMENTS\n" if is_independent else ""
    text += f"#EXT-X-SKIP:SKIPPED-SEGMENTS={skipped}\n" if skipped else ""
    for msn in range(first + skipped, first + count + 1):
        is_open = msn == first + count
        if is_open and not open_parts:
            break
        text += "#EXT-X-DISCONTINUITY\n" if msn in cuts else ""
        text += '#EXT-X-MAP:URI="init-e-0.mp4"\n' if msn in (first + skipped, *cuts) else ""
        text += f"#EXT-X-PROGRAM-DATE-TIME:{date_of(msn, begin)}\n"
        to_end = (first + count - 1 - msn) * SEGMENT_S + open_parts * PART_S
        if not is_ended and to_end < 3 * TARGET:
            text += "".join(part_line(msn * PARTS + i) for i in range(open_parts if is_open else PARTS))
        text += "" if is_open else f"#EXTINF:{SEGMENT_S:.5f},\nseg-e-{msn}.m4s\n"
    if is_ended:
        return text + "#EXT-X-ENDLIST\n"
    return text + f'#EXT-X-PRELOAD-HINT:TYPE=PART,URI="part-e-{(first + count) * PARTS + open_parts + 1}.m4s"\n'


def box(kind, *bodies):
    body = b"".join(bodies)
    return struct.pack(">I4s", len(body) + 8, kind) + body


def full_box(kind, version, flags, *bodies):
    return box(kind, struct.pack(">I", version << 24 | flags), *bodies)


def _trak(track_id, handler, scale, entry):
    return box(b"trak", full_box(b"tkhd", 0, 3, struct.pack(">IIII60x", 0, 0, track_id, 0)), box(
        b"mdia", full_box(b"mdhd", 0, 0, struct.pack(">IIII4x", 0, 0, scale, 0)),
        full_box(b"hdlr", 0, 0, struct.pack(">I4s12xx", 0, handler)),
        box(b"minf", box(b"stbl", full_box(b"stsd", 0, 0, struct.pack(">I", 1), entry)))))


def init(tracks="va", sound=b"mp4a", sound_scale=AUDIO_SCALE):
    """tracks: the order in which they stand, v and a."""
    picture = box(b"avc1", struct.pack(">24xHH50x", 320, 180), box(b"avcC", bytes([1, 0x42, 0xc0, 0x1e, 0xff])))
    traks = {"v": _trak(1, b"vide", VIDEO_SCALE, picture), "a": _trak(2, b"soun", sound_scale, box(sound, bytes(28)))}
    return box(b"ftyp", b"isom\0\0\0\0") + box(
        b"moov", *[traks[name] for name in tracks],
        box(b"mvex", *[full_box(b"trex", 0, 0, struct.pack(">IIIII", "va".index(name) + 1, 1, 0, 0, 0)) for name in tracks]))


def picture(is_key):
    units = (b"\x67\x42", b"\x68\xce", b"\x65\x11\x22") if is_key else (b"\x41\x9a\x33",)
    return b"".join(struct.pack(">I", len(u)) + u for u in units)


def _traf(track_id, start, samples, data_offset):
    """samples: (duration, data, flags, composition offset)"""
    run = full_box(b"trun", 1, 0xf01, struct.pack(">Ii", len(samples), data_offset),
                   *[struct.pack(">IIIi", d, len(data), flags, offset) for d, data, flags, offset in samples])
    return box(b"traf", full_box(b"tfhd", 0, 0x20000, struct.pack(">I", track_id)),
               full_box(b"tfdt", 1, 0, struct.pack(">Q", start)), run)


def part(number, *, frames=None, is_key=None, start=None, offset=0, sequence=None, has_sound=True,
         sound_late=0, last_offset=0):
    """Part `number` counted from 0; what is given is bent."""
    count = int(FPS * PART_S) if frames is None else frames
    is_key = number % PARTS == 0 if is_key is None else is_key
    video = [(VIDEO_SCALE // FPS, picture(is_key and i == 0), 0x2000000 if is_key and i == 0 else 0x1010000,
              offset if i == 0 else last_offset if i == count - 1 else 0) for i in range(count)]
    audio = [(AUDIO_FRAME, bytes([i + 1] * 9), 0x2000000, 0) for i in range(int(AUDIO_SCALE * PART_S) // AUDIO_FRAME)]
    audio = audio if has_sound else []
    sound_start = round(number * PART_S * AUDIO_SCALE) + sound_late
    start = round(number * PART_S * VIDEO_SCALE) if start is None else start
    video_bytes = sum(len(s[1]) for s in video)

    def moof(size):
        return box(b"moof", full_box(b"mfhd", 0, 0, struct.pack(">I", number + 1 if sequence is None else sequence)),
                   _traf(1, start, video, size + 8),
                   *([_traf(2, sound_start, audio, size + 8 + video_bytes)] if has_sound else []))

    return moof(len(moof(0))) + box(b"mdat", *[s[1] for s in video + audio])


def segment(msn):
    return b"".join(part(msn * PARTS + i) for i in range(PARTS))


def main_playlist(bandwidth=20000):
    return (f"#EXTM3U\n#EXT-X-VERSION:6\n#EXT-X-STREAM-INF:BANDWIDTH={bandwidth},AVERAGE-BANDWIDTH={bandwidth},"
            f'CODECS="avc1.42c01e,mp4a.40.2",RESOLUTION=320x180,FRAME-RATE={FPS}.000\nmain.m3u8\n')
