#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes seeds for the fuzz targets out of what our own senders send: recorded conversations, small FLVs of ffmpeg, the
sample configuration and plan. Usage: make_corpus.py (writes corpus/TARGET/seed_*), then minimise.sh adds what the fuzzers found.
"""
import pathlib
import struct
import subprocess
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
MAX_BYTES = 4096

FLVS = {
    "main": "-f lavfi -i testsrc2=s=64x48:r=10 -f lavfi -i sine=r=44100 -c:v libx264 -preset ultrafast -g 5 -c:a aac -b:a 16k",
    "high": "-f lavfi -i testsrc2=s=66x50:r=30 -c:v libx264 -profile:v high -crf 50 -bf 2",
    "interlaced": "-f lavfi -i testsrc2=s=64x64:r=25 -c:v libx264 -flags +ilme+ildct -x264-params interlaced=1 -crf 50",
    "open_gop": "-f lavfi -i testsrc2=s=32x32:r=10 -c:v libx264 -crf 50 -x264-params open-gop=1:keyint=3:repeat-headers=1:aud=1",
    "high444": "-f lavfi -i testsrc2=s=48x48:r=5 -c:v libx264 -pix_fmt yuv444p -crf 50",
    "mono": "-f lavfi -i sine=r=22050 -c:a aac -ac 1 -b:a 8k",
    "h263": "-f lavfi -i testsrc2=s=32x32:r=5 -c:v flv",
}


# Transport streams: the first MAX_BYTES of each, whole packets.
VIDEO = "-f lavfi -i testsrc2=s=32x32:r=10"
SOUND = "-f lavfi -i sine=r=48000"
STREAMS = {
    "h264_b": f"{VIDEO} -c:v libx264 -crf 51 -bf 2 -g 5",
    "h264_aac": f"{VIDEO} {SOUND} -c:v libx264 -preset ultrafast -crf 51 -bf 0 -g 3 -c:a aac -b:a 16k",
    "h265": f"{VIDEO} -c:v libx265 -preset ultrafast -x265-params log-level=none:keyint=3:info=0 -crf 51",
    "aac": f"{SOUND} -c:a aac -b:a 16k",
    "opus": f"{SOUND} -c:a libopus -b:a 12k",
    "opus_surround": "-f lavfi -i anullsrc=cl=5.1:r=48000 -c:a libopus -b:a 24k",
    "two_sounds": f"{SOUND} -f lavfi -i sine=r=44100 -map 0 -map 1 -c:a:0 aac -b:a:0 8k -c:a:1 mp2 -b:a:1 32k",
}
GST_STREAMS = {
    "gst_h264": "videotestsrc num-buffers=6 ! video/x-raw,width=32,height=32,framerate=10/1 ! x264enc quantizer=50 pass=quant "
                "key-int-max=3 ! h264parse ! mpegtsmux ! fdsink",
    "gst_opus": "audiotestsrc num-buffers=20 samplesperbuffer=960 ! audio/x-raw,rate=48000,channels=1 ! opusenc bitrate=8000 ! "
                "opusparse ! mpegtsmux ! fdsink",
}

# H.265 as an elementary stream, for its headers
H265 = {
    "main": "-f lavfi -i testsrc2=s=64x48:r=10 -c:v libx265 -preset ultrafast -x265-params keyint=5:bframes=2",
    "cropped": "-f lavfi -i testsrc2=s=66x50:r=30000/1001 -c:v libx265 -preset ultrafast -x265-params b-adapt=0",
    "main10": "-f lavfi -i testsrc2=s=64x64:r=25 -c:v libx265 -preset ultrafast -pix_fmt yuv420p10le -x265-params hdr10=1",
    "high422": "-f lavfi -i testsrc2=s=64x64:r=5 -c:v libx265 -preset ultrafast -pix_fmt yuv422p10le",
    "lists": "-f lavfi -i testsrc2=s=64x64:r=5 -c:v libx265 -preset ultrafast -x265-params scaling-list=default:temporal-layers=2",
    "full_range": "-f lavfi -i testsrc2=s=64x64:r=5 -c:v libx265 -preset ultrafast -x265-params range=full:sar=3:colorprim=bt709",
}


# Recordings: what the packager makes of one, cut after MAX_BYTES as a power cut would.
RECORDINGS = {
    "both": "-f lavfi -i testsrc2=s=32x32:r=5 -f lavfi -i sine=r=48000 -c:v libx264 -crf 51 -bf 0 -g 2 -c:a aac -b:a 8k",
    "reordered": "-f lavfi -i testsrc2=s=32x32:r=20 -c:v libx264 -crf 51 -bf 2 -g 10",
    "sound": "-f lavfi -i sine=r=44100 -c:a aac -b:a 8k",
}


def hex_file(name):
    return bytes.fromhex((ROOT / f"tests/unit/data/rtmp/{name}.hex").read_text())


def flv_tags(data):
    """(type, body) of each tag."""
    pos = 9 + 4
    while pos + 11 <= len(data):
        size = int.from_bytes(data[pos + 1:pos + 4], "big")
        yield data[pos], data[pos + 11:pos + 11 + size]
        pos += 11 + size + 4


def make_flv(arguments):
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "x.flv"
        subprocess.run(["ffmpeg", "-v", "error", *arguments.split(), "-t", "1", str(path)], check=True)
        return [tag for tag in flv_tags(path.read_bytes()) if tag[0] in (8, 9)]


def record(kind, body):
    return bytes([0 if kind == 9 else 1]) + struct.pack(">H", len(body)) + body


def chunk(csid, kind, stamp, body, size=128):
    """A message, type 0 and then type 3."""
    field = min(stamp, 0xffffff)
    more = struct.pack(">I", stamp) if field == 0xffffff else b""
    out = bytes([csid]) + field.to_bytes(3, "big") + len(body).to_bytes(3, "big") + bytes([kind]) + b"\1\0\0\0" + more
    out += body[:size]
    for at in range(size, len(body), size):
        out += bytes([0xc0 | csid]) + more + body[at:at + size]
    return out


def unrepeated(size, body):
    """An audio message and the next of the same header, its chunks without the extended timestamp they should repeat."""
    out = chunk(2, 1, 0, struct.pack(">I", size)) + b"\3\xff\xff\xff" + len(body).to_bytes(3, "big") + b"\x08\1\0\0\0"
    out += b"\1\0\0\0" + b"\xc3".join(body[at:at + size] for at in range(0, len(body), size))
    return out + b"".join(b"\xc3" + body[at:at + size] for at in range(0, len(body), size))


def amf(*values):
    out = b""
    for v in values:
        if v is None:
            out += b"\5"
        elif isinstance(v, bool):
            out += bytes([1, v])
        elif isinstance(v, (int, float)):
            out += b"\0" + struct.pack(">d", v)
        elif isinstance(v, str):
            out += b"\2" + struct.pack(">H", len(v)) + v.encode()
        elif isinstance(v, list):
            out += b"\x0a" + struct.pack(">I", len(v)) + amf(*v)
        elif isinstance(v, dict):
            out += b"\3" + b"".join(struct.pack(">H", len(k)) + k.encode() + amf(x) for k, x in v.items()) + b"\0\0\x09"
    return out


def command(*values, csid=3):
    return chunk(csid, 20, 0, amf(*values))


def rtmp_seeds(flvs):
    connect = command("connect", 1, {"app": "live", "fourCcList": ["hvc1", "*"], "objectEncoding": 3})
    publish = connect + command("createStream", 2, None) + command("publish", 3, None, "KEY0", "live")
    play = command("connect", 1, {"app": "play"}) + command("play", 2, None, "tanaka?token=1-00")
    media = b"".join(chunk(6 if t == 9 else 4, t, 20 * i, b) for i, (t, b) in enumerate(flvs["open_gop"][:5]))
    media += b"".join(chunk(4, t, 0xfffff0 + 20 * i, b) for i, (t, b) in enumerate(flvs["mono"][:4]))
    ends = command("FCUnpublish", 4, None, "KEY0") + command("deleteStream", 5, None, 1)
    data = chunk(8, 18, 0, amf("@setDataFrame", "onMetaData", {"width": 64, "stereo": True}))
    control = b"".join([chunk(2, 1, 0, struct.pack(">I", 64)), chunk(2, 5, 0, struct.pack(">I", 2500000)),
                        chunk(2, 4, 0, b"\0\6\0\0\0\1"), chunk(2, 3, 0, b"\0\0\1\0"), chunk(2, 2, 0, b"\0\0\0\6"),
                        chunk(2, 6, 0, b"\0\0\1\0\2")])
    seeds = {
        "publish": publish + data + media + ends + publish[len(connect):] + media[:300],
        "play": play + command("pause", 3, None, True, 0) + command("pause", 3, None, False, 0) + command("seek", 4, None, 5) + ends,
        "control": control + connect + control,
        "fc": connect + command("releaseStream", 2, None, "KEY0") + command("FCPublish", 3, None, "KEY0") +
              command("FCSubscribe", 4, None, "a") + command("getStreamLength", 5, None, "a") + command("what", 6),
        "no_name": command("connect", 1, {"app": "live/KEY0?a=b"}) + command("publish", 2, None),
        "twice": connect + connect,
        "longest_app": command("connect", 1, {"app": "a" * 128 + "?" + "b" * 256}) + command("publish", 2, None, "n"),
        "longer_app": chunk(2, 1, 0, struct.pack(">I", 65536)) +
                      chunk(3, 20, 0, amf("connect", 1, {"app": "a" * 1000}), 65536),
        "early": publish[len(connect):],
        "wide_ids": b"\0\5" + connect[1:60] + b"\1\5\5" + connect[1:60],
        "empty_messages": chunk(3, 20, 0, b"") + chunk(6, 9, 5, b"") + bytes([0xc6, 0xc6]) + chunk(2, 1, 0, b""),
        "half_then_header": connect[:100] + connect,
        "all_streams": b"".join(chunk(csid, 20, 0, b"x") for csid in [*range(3, 19), 3]),
        "long": chunk(2, 1, 0, struct.pack(">I", 1 << 20)) + b"\3\0\0\0" + (16384).to_bytes(3, "big") + b"\x14\1\0\0\0\xee",
        # extended timestamps that type 3 chunks do not repeat, before payload that begins like one
        **{f"unrepeated_{n}": unrepeated(n, b"a\1\0\0\1\0\1\0\0\0b") for n in (1, 2, 3)},
        "compressed": chunk(6, 9, 10, b"abc") + b"\x46\0\0\5\0\0\2\x09xy" + b"\x86\0\0\1zz" + b"\xc6ww",
    }
    for name in ["ffmpeg_extended_timestamp", "ffmpeg_play", "ffmpeg_publish", "gst_rtmp2sink_publish",
                 "gst_rtmp2src_play", "librtmp_publish", "rtmpdump_play"]:
        seeds[name] = hex_file(name)
    return seeds


def recording(arguments):
    """A whole file of fragments, written by the packager of the asan build."""
    with tempfile.TemporaryDirectory() as folder:
        flv = pathlib.Path(folder) / "x.flv"
        subprocess.run(["ffmpeg", "-v", "error", *arguments.split(), "-t", "2", str(flv)], check=True)
        subprocess.run([str(ROOT / "build/asan/bin/package_flv"), str(flv), folder], check=True, stdout=subprocess.DEVNULL)
        return (pathlib.Path(folder) / "all.mp4").read_bytes()


def fmp4_seeds():
    seeds = {name: recording(arguments) for name, arguments in RECORDINGS.items()}
    both = seeds["both"]
    moof = both.index(b"moof") - 4
    seeds["init"] = both[:moof]
    seeds["opus"] = dops_init(both[:moof])
    return seeds


def dops_init(init):
    """The sound of an init segment as Opus: another sample entry of the same size, what is left over is a free box."""
    at = init.index(b"mp4a") - 4
    size = int.from_bytes(init[at:at + 4], "big")
    dops = struct.pack(">I4sBBHIHB", 19, b"dOps", 0, 2, 312, 48000, 0, 0)
    free = size - 36 - len(dops)
    entry = struct.pack(">I4s", size, b"Opus") + init[at + 8:at + 36] + dops + struct.pack(">I4s", free, b"free") + bytes(free - 8)
    return init[:at] + entry + init[at + size:]


def h264_seeds(flvs):
    seeds = {}
    for name, tags in flvs.items():
        video = [b for t, b in tags if t == 9 and b[0] & 15 == 7]
        if not video:
            continue
        avcc = video[0][5:]
        n = int.from_bytes(avcc[6:8], "big")
        sps = avcc[8:8 + n]
        at = 8 + n + 1
        pps = avcc[at + 2:at + 2 + int.from_bytes(avcc[at:at + 2], "big")]
        code = b"\0\0\0\1"
        sets = code + sps + code + pps
        seeds[f"record_{name}"] = b"\0" + avcc
        seeds[f"unit_{name}"] = b"\1" + sps
        seeds[f"in_band_{name}"] = b"\2" + struct.pack(">H", len(sets)) + sets + code + sps[:-1] + b"\x91" + code + pps + b"\1"
        seeds[f"annex_b_{name}"] = b"\3\0" + sets + b"\0\0\1\x65abc\0\0\0"
        seeds[f"lengths_{name}"] = b"\3\3" + video[1][5:400]
    seeds["sei"] = b"\1\6\6\1\x84\x80"
    seeds["short_lengths"] = b"\3\1\3abc\0\1x"
    seeds["middle_lengths"] = b"\3\2\0\3abc\0\0\0\1x"
    return seeds


def make_h265(arguments):
    """The units of an elementary stream, without their start codes."""
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "x.hevc"
        subprocess.run(["ffmpeg", "-v", "error", *arguments.split(), "-frames:v", "6", str(path)], check=True,
                       stderr=subprocess.DEVNULL)  # libx265 talks whatever one asks for
        return [unit.strip(b"\0") for unit in path.read_bytes().split(b"\0\0\1") if unit.strip(b"\0")]


def hvcc(sets):
    """A record of parameter sets by type: ISO 14496-15 §8.3.3.1."""
    arrays = b"".join(bytes([0x80 | t]) + struct.pack(">HH", 1, len(unit)) + unit for t, unit in sets.items())
    return b"\1" + bytes(20) + b"\3" + bytes([len(sets)]) + arrays


def h265_seeds():
    seeds = {}
    for name, arguments in H265.items():
        units = make_h265(arguments)
        sets = {u[0] >> 1 & 63: u for u in units if 32 <= u[0] >> 1 & 63 <= 34}
        band = b"".join(b"\0\0\0\1" + unit for unit in sets.values())
        seeds[f"record_{name}"] = b"\0" + hvcc(sets)
        seeds[f"unit_{name}"] = b"\1" + sets[33]
        seeds[f"in_band_{name}"] = b"\2" + struct.pack(">H", len(band)) + band + band.replace(sets[34], sets[34] + b"\1")
    return seeds


def opus_seeds():
    head = b"OpusHead\1\2" + struct.pack("<HIH", 312, 48000, 0)
    six = b"OpusHead\1\6" + struct.pack("<HIH", 312, 44100, 0xff00) + bytes([1, 4, 2, 0, 4, 1, 2, 3, 5])
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "x.ogg"
        subprocess.run(["ffmpeg", "-v", "error", *"-f lavfi -i sine=r=48000 -t 0.2 -c:a libopus -b:a 16k".split(), str(path)],
                       check=True)
        data = path.read_bytes()
    at = data.index(b"OpusHead")
    packets = [bytes([toc, count]) for toc, count in ((0xfc, 0), (0x1c, 0), (0x1f, 2), (0x03, 63), (0x03, 0), (0x62, 1))]
    return {"stereo": b"\0" + head + b"\0", "ffmpeg": b"\0" + data[at:at + 19], "six": b"\0" + six,
            "silent": b"\0" + six[:-1] + b"\xff", "family_2": b"\0" + head + b"\2", "version": b"\0OpusHead\x10" + head[9:] + b"\0",
            "short": b"\0" + head, "empty": b"\1", **{f"packet_{i}": b"\1" + p for i, p in enumerate(packets)}}


def ini_seeds():
    text = (ROOT / "config/isaribi.conf").read_bytes()
    parts = text.split(b"\n[")
    seeds = {"bare": b"\n".join(line for line in text.split(b"\n") if not line.startswith(b";"))}
    for i, part in enumerate(parts[1:]):
        seeds[f"part_{i}"] = b"[" + part
    seeds["errors"] = ("\ufeff[rtmp]\nlisten = nowhere\nlistne = 1\n[rtpm]\n x\n[hls\npart_ms = 5000 ; note\n"
                       "part_ms = -1\n[log] x\n").encode()
    return seeds


def plan_seeds():
    text = (ROOT / "config/plan.sample.json").read_bytes()
    return {
        "sample": text,
        "least": b'{"isaribi_plan":1,"rev":1}',
        "taken_down": b'{"isaribi_plan":1,"taken_down":[{"id":"b","before":2},{"id":"a","before":1790000000000}],"channels":[{"id":"c",'
                      b'"play":"private","profile":"1080p60"}]}',
        "override": b'{"isaribi_plan":1,"rev":2,"clips":[{"id":"c","recording":"r"}],"channels":[{"id":"m","override":'
                    b'{"clip":"c","from":1,"until":2}},{"id":"n","override":{"slate":"s"}}]}',
        "errors": b'{"isaribi_plan":2,"rev":-1,"keys":[{"id":"A","key":"short","stream":"x","windows":[{"from":2,"until":1}]},3],'
                  b'"streams":{},"tokens":{"view_key":"x"}}',
        "links": b'{"isaribi_plan":1,"pushes":[{"stream":"a","url":"srt://h:1?streamid=%23!::r=a&passphrase=0123456789&latency=20&'
                 b'mode=caller"}],"pulls":[{"stream":"b","url":"srt://[::1]:65535/","passphrase":"0123456789","latency_ms":8000,'
                 b'"stream_id":"a"}]}',
        "nameless": b'{"isaribi_plan":1,"keys":[' + b"1," * 900 + b'1],"channels":[' + b"{}," * 600 + b'{}]}',
        "named": b'{"isaribi_plan":1,"channels":[' + b'{"id":""},' * 390 + b'{"id":""}]}',
        "objects": b'{"isaribi_plan":1,"rev":1,"x":[' + b"{}," * 1300 + b"{}]}",
        "deepest": b'{"isaribi_plan":1,"rev":1,"x":' + b"[" * 15 + b"]" * 15 + b"}",
        "deeper": b'{"isaribi_plan":1,"rev":1,"x":' + b"[" * 16 + b"]" * 16 + b"}",
        "deep": b"[" * 20 + b"]" * 20,
        "twice": b'{"isaribi_plan":1,"rev":1,"rev":2}',
    }


def amf0_seeds():
    deep = {"a": 1}
    for _ in range(7):
        deep = {"n": deep}
    return {
        "connect": amf("connect", 1, {"app": "live", "tcUrl": "rtmp://host/live", "fpad": False, "list": ["a", 2, None]}),
        "deep": amf(deep),
        "too_deep": amf({"n": deep}),
        "many": amf(list(range(250))),
        "too_many": amf([None] * 300),
        "ecma": b"\x08\0\0\0\1\0\1a\0" + b"\0" * 8,
        "typed": b"\x10\0\1T\0\1a\5\0\0\x09",
        "rest": b"\x0c\0\0\0\3abc\x0b" + b"\0" * 10 + b"\x0f\0\0\0\1x\x06\x0d\x07\0\1",
        "lies": b"\x0a\xff\xff\xff\xff\5\x02\xff\xffa",
        "long": amf("x" * 4000),
    }


def http_seeds():
    texts = ["/hls/tanaka/main.m3u8", "/hls/t/18f-0123456789abcdef0123456789abcdef/tanaka/seg-1ab-17.m4s",
             "/watch/t/18f-00/tanaka/", "tanaka/index.m3u8", "t/x/tanaka", "seg-abc-18446744073709551615.m4s",
             "init-0-0.mp4", "seg-a-01.m4s", "main.m3u8", "index.m3u8", "/a/%2e%2e/b%5c%00", "/a/../b", "//a", "/a/./",
             "a=1&token=x&_HLS_msn=3", "token", "gzip;q=0, br", "br , gzip ; Q=0.5", "*", 'W/"abc-1", "x"', '"abc-1"',
             "000", "12", "999999999999999999", "+1", "/%e6%bc%81/%41"]
    return {f"text_{i:02}": t.encode() for i, t in enumerate(texts)}


def streamid_seeds():
    texts = ["#!::r=KEY0,m=publish", "#!::h=a,t=stream,u=b,r=tanaka,m=request,s=18f-00,", "#!::r=/live/KEY0", "publish:live/KEY0",
             "request:play/tanaka:18f-00", "read:a", "play:a", "KEY0", "play/a", " KEY0\r\n", "#!:{r=a}", "#!:", "#!::r=a,r=b",
             "#!::r=a,m=bidirectional,t=file", "publish:a\0b", "\x7f", "#!::r=" + "a" * 506, "#!::r=" + "a" * 507]
    return {f"text_{i:02}": t.encode() for i, t in enumerate(texts)}


def handshake_seeds():
    c0c1 = hex_file("ffmpeg_c0c1")
    plain = b"\3" + b"\0" * 8 + bytes(range(256)) * 5 + b"\0" * (1528 - 1280)
    return {"digest": c0c1 + bytes(1536), "plain": plain + plain[1:], "more": plain + bytes(1536) + b"\3\0\0",
            "rtmpe": b"\6" + c0c1[1:200], "http": b"GET / HTTP/1.1\r\n\r\n", "unsigned": b"\3\0\0\0\1\4\5\0\1" + plain[9:],
            "half": c0c1[:700]}


def crc32_mpeg(data):
    crc = 0xffffffff
    for byte in data:
        crc ^= byte << 24
        for _ in range(8):
            crc = (crc << 1 ^ 0x04c11db7 if crc & 0x80000000 else crc << 1) & 0xffffffff
    return struct.pack(">I", crc)


def section(table, number, body):
    head = bytes([table]) + struct.pack(">H", 0xb000 | len(body) + 9) + struct.pack(">H", number) + b"\xc1\0\0"
    return head + body + crc32_mpeg(head + body)


def packet(pid, counter, payload, is_start=True, scrambled=0):
    head = struct.pack(">BHB", 0x47, is_start << 14 | pid, 0x10 | scrambled << 6 | counter & 15)
    return head + payload[:184] + b"\xff" * (184 - len(payload))


def pmt(*streams):
    body = struct.pack(">HH", 0xe100, 0xf000)
    for kind, pid, descriptors in streams:
        body += struct.pack(">BHH", kind, 0xe000 | pid, 0xf000 | len(descriptors)) + descriptors
    return b"\0" + section(2, 1, body)


def ts_seeds():
    seeds = {}
    for name, arguments in STREAMS.items():
        seeds[name] = subprocess.run(["ffmpeg", "-v", "error", *arguments.split(), "-t", "1", "-f", "mpegts", "-"],
                                     check=True, stdout=subprocess.PIPE).stdout
    for name, pipeline in GST_STREAMS.items():
        seeds[name] = subprocess.run(["gst-launch-1.0", "-q", *pipeline.split()], check=True, stdout=subprocess.PIPE).stdout
    seeds = {name: data[:MAX_BYTES // 188 * 188] for name, data in seeds.items()}
    pat = packet(0, 0, b"\0" + section(0, 1, b"\0\1\xf0\0"))
    adts = bytes.fromhex("fff14c80021ffc") + bytes(9)
    pes = b"\0\0\1\xc0" + struct.pack(">H", 8 + 32) + bytes.fromhex("8480052100010001") + adts + adts
    sound = b"".join(packet(0x101, i, pes) for i in range(3))
    cue = (0x86, 0x102, b"\5\4CUEI")
    seeds["cues"] = pat + packet(0x1000, 0, pmt((15, 0x101, b""), cue, (6, 0x103, b"\x6a\1\0"))) + sound
    seeds["new_pmt"] = seeds["cues"] + packet(0x1000, 1, pmt((15, 0x104, b""))) + packet(0x104, 0, pes) + sound
    seeds["scrambled"] = seeds["cues"] + packet(0x101, 3, pes, scrambled=2) + packet(0x101, 4, pes)
    seeds["garbage"] = seeds["aac"][:188] + b"\x47garbage" + seeds["aac"][188:3900 // 188 * 188]
    seeds["hole"] = seeds["h264_b"][:188 * 5] + seeds["h264_b"][188 * 6:]
    seeds["repeated"] = b"".join(seeds["aac"][at:at + 188] * 2 for at in range(0, 188 * 10, 188))
    seeds["halves"] = pat + packet(0x1000, 0, pmt((15, 0x101, b""))) + b"".join(
        packet(0x101, i, b"\0\0\1\xc0\0\x14\x84\x80\5\x21\0\1\0\1" + (adts * 9)[i * 12:i * 12 + 12]) for i in range(8))
    seeds["no_times"] = pat + packet(0x1000, 0, pmt((15, 0x101, b""))) + packet(0x101, 0, pes) + b"".join(
        packet(0x101, 1 + i, b"\0\0\1\xc0\0\x13\x84\0\0" + adts) for i in range(3))
    return seeds


def adts_seeds():
    head = bytes.fromhex("fff14c80021ffc")
    return {"row": (head + bytes(9)) * 3, "checksum": bytes.fromhex("fff04c80021ffc") + bytes(9), "mono": bytes.fromhex(
        "fff15040011ffc00"), "surround": bytes.fromhex("fff14dc0011ffc00"), "ltp": bytes.fromhex("fff1cc80011ffc00")}


def hls_query_seeds():
    queries = {"none": "", "segment": "_HLS_msn=42", "part": "_HLS_msn=42&_HLS_part=1", "past_the_end": "_HLS_msn=41&_HLS_part=5",
               "far": "_HLS_msn=44", "largest": "_HLS_msn=18446744073709551615&_HLS_part=18446744073709551615",
               "too_large": "_HLS_msn=18446744073709551616", "alone": "_HLS_part=0", "twice": "_HLS_msn=1&_HLS_msn=1",
               "delta": "_HLS_skip=YES&_HLS_msn=40", "delta_v2": "_HLS_skip=v2", "others": "a=b&_HLS_msn=7&&c", "empty": "_HLS_msn="}
    ranges = {"first": "bytes=0-0", "middle": "bytes=10-19", "open": "bytes=10-", "suffix": "bytes=-5", "suffix_none": "bytes=-0",
              "beyond": "bytes=4096-", "clamped": "bytes=90-9999", "several": "bytes=0-1,5-6", "backwards": "bytes=6-5",
              "blanks": "bytes= 1-2 ", "largest": "bytes=0-18446744073709551615", "too_large": "bytes=99999999999999999999-"}
    return ({name: text.encode() for name, text in queries.items()} |
            {f"range_{name}": b"\n" + text.encode() for name, text in ranges.items()} |
            {"both": b"_HLS_msn=42&_HLS_part=0\nbytes=100-199"})


def all_seeds():
    flvs = {name: make_flv(arguments) for name, arguments in FLVS.items()}
    rtmp = rtmp_seeds(flvs)
    handshake = handshake_seeds()
    yield "rtmp_chunk", rtmp
    session = {f"granted_{name}": b"\1" + data for name, data in rtmp.items()}
    session |= {f"{how}_{name}": bytes([flags]) + rtmp[name] for how, flags in (("refused", 3), ("unanswered", 5), ("ended", 9))
                for name in ("publish", "play")}
    session["whole"] = b"\0" + handshake["plain"] + rtmp["play"]
    yield "rtmp_session", session
    yield "rtmp_handshake", handshake
    yield "amf0", amf0_seeds()
    bodies = {name: b"".join(record(t, b) for t, b in tags[:12] if len(b) < 1500) for name, tags in flvs.items()}
    bodies["least"] = record(*flvs["mono"][0]) + record(8, b"\xaf\1x") + record(8, b"\xaf\1") + record(9, b"\x90hvc1") + record(8, b"\x90Opus")
    yield "flv", bodies
    yield "h264", h264_seeds(flvs)
    yield "h265", h265_seeds()
    yield "opus", opus_seeds()
    asc = {name: b[2:] for name, tags in flvs.items() for t, b in tags if t == 8 and b[1] == 0}
    yield "aac", asc | {"sbr": b"\x2b\x92\x08\x00", "ps": bytes.fromhex("eb8a0800"), "late": bytes.fromhex("139056e5a0"),
                        "late_ps": bytes.fromhex("138856e5a54880"), "escape": bytes.fromhex("178056220010")}
    yield "fmp4", fmp4_seeds()
    yield "adts", adts_seeds()
    yield "ts", ts_seeds()
    yield "config", ini_seeds()
    yield "plan", plan_seeds()
    yield "token", {"zeros": bytes(44), "none": b"\0", "expiry": bytes(10) + b"\1", "mac": bytes(40) + b"\1",
                    "made": b"1a0c5b1ac00-0123456789abcdef0123456789abcdef"}
    yield "http_text", http_seeds()
    yield "hls_query", hls_query_seeds()
    yield "streamid", streamid_seeds()


def main():
    for target, seeds in all_seeds():
        folder = ROOT / "tests/fuzz/corpus" / target
        folder.mkdir(parents=True, exist_ok=True)
        for old in folder.glob("seed_*"):
            old.unlink()
        for name, data in seeds.items():
            (folder / f"seed_{name}").write_bytes(data[:MAX_BYTES])


if __name__ == "__main__":
    main()
