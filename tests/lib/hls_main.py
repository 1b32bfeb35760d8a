# SPDX-License-Identifier: Apache-2.0
"""A multivariant playlist against the stream that it describes. Rules: hls_rules."""
import urllib.parse

import mp4
from hls_media import unquoted

FRAME_RATE_OFF = 0.02
PEAK_OFF = 0.01
CODEC_TEXTS = {"Opus": "opus", "mp4a": "mp4a.40."}


def variants(text, url):
    """[(attributes, url)]"""
    lines = text.splitlines()
    found = [(unquoted(a.partition(":")[2]), b) for a, b in zip(lines, lines[1:]) if a.startswith("#EXT-X-STREAM-INF:")]
    return [(attrs, urllib.parse.urljoin(url, uri)) for attrs, uri in found]


def media_urls(text, url):
    return [found for _, found in variants(text, url)]


def codecs_of(init_data):
    """{handler: text that its entry of CODECS begins with} of an initialisation segment (RFC 6381)."""
    texts = {t["handler"]: CODEC_TEXTS.get(t["codec"], t["codec"] + ".") for t in mp4.Init(init_data).tracks.values()}
    at = init_data.find(b"avcC")
    if at > 0:
        texts["vide"] = "avc1." + init_data[at + 5:at + 8].hex()
    return texts


def _level(codec):
    """Of avc1.PPCCLL."""
    return int(codec[9:11], 16) if len(codec) == 11 else 0


def judge_channel(judge_, url, text, *, before, media_url, inits, frame_rate, peak_bps):
    """before: the same one earlier, or None; inits: all initialisation segments that were seen."""
    def check(is_right, what):
        return judge_.check("channel-variant", is_right, f"{url}: {what}", text)

    check(before in (None, text), "it has changed")
    found = [attrs for attrs, found_url in variants(text, url) if found_url == media_url]
    if not check(len(found) == 1 and found[0] is not None, f"{media_url} is not one of its variants"):
        return
    attrs = found[0]
    said = attrs.get("CODECS", "").split(",")
    check(int(attrs.get("BANDWIDTH", 0)) >= peak_bps * (1 - PEAK_OFF), f"{attrs}, measured {peak_bps:.0f} bit/s")
    check(float(attrs.get("FRAME-RATE", 0)) >= frame_rate * (1 - FRAME_RATE_OFF), f"{attrs}, measured {frame_rate:.3f}")
    check("mp4a.40.2" in said and len(said) == 2, f"CODECS are {said}")
    width, height = (int(n) for n in attrs.get("RESOLUTION", "0x0").split("x"))
    for data in inits:
        video = next(t for t in mp4.Init(data).tracks.values() if t["handler"] == "vide")
        check(video["width"] <= width and video["height"] <= height, f"{video} in {width}x{height}")
        check(_level(codecs_of(data)["vide"]) <= max(map(_level, said)), f"{codecs_of(data)} in {said}")


def judge(judge_, url, text, *, media_url, init_data, frame_rate, peak_bps):
    def check(rule, is_right, what):
        return judge_.check(rule, is_right, f"{url}: {what}", text)

    check("form", text.startswith("#EXTM3U\n") and text.endswith("\n"), "it does not begin or end as a playlist")
    found = [attrs for attrs, found_url in variants(text, url) if found_url == media_url]
    if not check("form", len(found) == 1 and found[0] is not None, f"{media_url} is not one of its variants"):
        return
    attrs = found[0]
    check("bandwidth", "BANDWIDTH" in attrs and "AVERAGE-BANDWIDTH" in attrs, f"it says {attrs}")
    bandwidth, average = int(attrs.get("BANDWIDTH", 0)), int(attrs.get("AVERAGE-BANDWIDTH", 0))
    check("bandwidth", 0 < average <= bandwidth, f"AVERAGE-BANDWIDTH {average}, BANDWIDTH {bandwidth}")
    check("bandwidth", bandwidth >= peak_bps * (1 - PEAK_OFF), f"BANDWIDTH {bandwidth}, measured {peak_bps:.0f}")
    said, wanted = attrs.get("CODECS", "").split(","), codecs_of(init_data)
    for begin in wanted.values():
        check("codecs", any(codec.lower().startswith(begin) for codec in said), f"CODECS {said} names no {begin}")
    check("codecs", len(said) == len(wanted), f"CODECS {said} of {len(wanted)} tracks")
    video = next((t for t in mp4.Init(init_data).tracks.values() if t["handler"] == "vide"), None)
    size = f"{video['width']}x{video['height']}" if video else None
    check("codecs", attrs.get("RESOLUTION") == size, f"RESOLUTION {attrs.get('RESOLUTION')} of {size}")
    rate = float(attrs.get("FRAME-RATE", 0))
    # It names the highest rate: a stream that varies has fewer.
    check("codecs", rate >= frame_rate * (1 - FRAME_RATE_OFF), f"FRAME-RATE {rate}, measured {frame_rate:.3f}")
