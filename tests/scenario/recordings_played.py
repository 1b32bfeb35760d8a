#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Recordings seen while they are made and when they are over: HLS of byte ranges, time shift, clips, files, export."""
import gzip
import json
import pathlib
import re
import subprocess
import sys
import urllib.parse

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))

import clients  # noqa: E402
import hls  # noqa: E402
import hls_strict  # noqa: E402
import mp4  # noqa: E402
import recordings  # noqa: E402
from isaribi_test import BIN, Plan, check, http, main, now_ms, wait_for  # noqa: E402

ID = "tanaka-20260901-120000"
BEGIN_WALL_MS = 1788264000000


def stretch_of(bench, name, seconds, **shape):
    """Init segment and fragments, as the packager makes them of a file."""
    out = bench.new_dir(name)
    bench.run("package", [BIN / "package_flv", clients.make_flv(bench, name=name, seconds=seconds, **shape), out])
    return (out / "all.mp4").read_bytes()


def renumbered(data, first):
    """Fragments count on through a recording; the packager of one file begins at 1."""
    out = bytearray(data)
    for at in mp4.sequence_places(data):
        out[at:at + 4] = (int.from_bytes(out[at:at + 4], "big") + first - 1).to_bytes(4, "big")
    return bytes(out)


def write_recording(data_dir, stretches, torn_bytes=0, **info):
    """A recording without an index: what there is of it is found in its media. torn_bytes: the end that is missing."""
    files, told, first = [], [], 1
    for data in stretches:
        files.append(renumbered(data, first))
        first += len(mp4.sequences(data))
    files[-1] = files[-1][:len(files[-1]) - torn_bytes]
    for number, data in enumerate(files, 1):
        told.append({"file": f"{number:04}.mp4", "begin_wall_ms": BEGIN_WALL_MS + 100000 * number, "duration_ms": 0,
                     "bytes": len(data), "saved_bytes": len(data), "lost_ms_before": 0, "damaged": False})
    return recordings.write(data_dir, ID, files, **{
        "begin_wall_ms": BEGIN_WALL_MS, "end_wall_ms": BEGIN_WALL_MS + 900000, "stretches": told, **info})


def start(bench, stretches, plan=None, **info):
    data_dir = bench.new_dir("data")
    folder = write_recording(data_dir, stretches, **info)
    plan = plan or Plan()
    plan.key("tanaka")
    node = bench.node(plan, {"node.data_dir": data_dir})
    wait_for("the node to know its recordings", lambda: http("GET", node.url("/rec/x/index.m3u8")).status != 503)
    return node, folder


class Ranges:
    """A media playlist of byte ranges: [(url, first, bytes, seconds, has_discontinuity, (init url, bytes))]."""

    def __init__(self, url):
        answer = http("GET", url)
        check(answer.status == 200, f"{url}: {answer.status}")
        self.text = answer.text()
        self.segments = []
        self.is_ended = "#EXT-X-ENDLIST" in self.text
        init, duration, place, cut = None, None, None, False
        for line in self.text.splitlines():
            if line.startswith("#EXT-X-MAP:"):
                a = hls.attributes(line.partition(":")[2])
                n, _, first = a["BYTERANGE"].partition("@")
                check(first == "0", "an init segment stands at the beginning of its file")
                init = urllib.parse.urljoin(url, a["URI"]), int(n)
            elif line == "#EXT-X-DISCONTINUITY":
                cut = True
            elif line.startswith("#EXTINF:"):
                duration = float(line[8:].rstrip(","))
            elif line.startswith("#EXT-X-BYTERANGE:"):
                n, _, first = line.partition(":")[2].partition("@")
                place = int(first), int(n)
            elif line and not line.startswith("#"):
                self.segments.append((urllib.parse.urljoin(url, line), *place, duration, cut, init))
                cut = False

    def seconds(self):
        return sum(s[3] for s in self.segments)


def byte_range(url, first, n):
    answer = http("GET", url, {"Range": f"bytes={first}-{first + n - 1}"})
    check(answer.status == 206 and len(answer.body) == n, f"{url} {first}+{n}: {answer.status}, {len(answer.body)} bytes")
    return answer.body


def media_url(index_url):
    return hls.Multivariant(index_url).variants[0][1]


def case_a_recording_is_played(bench):
    first, second = stretch_of(bench, "a", 12), stretch_of(bench, "b", 8, size="640x360")
    node, folder = start(bench, [first, second])
    url = node.url(f"/rec/{ID}/index.m3u8")
    attrs = hls.Multivariant(url).variants[0][0]
    check(attrs["RESOLUTION"] == "640x360" and "mp4a" in attrs["CODECS"], f"{attrs}")
    playlist = Ranges(media_url(url))
    check(playlist.is_ended and "PLAYLIST-TYPE:EVENT" in playlist.text, "it is what it was when it was recorded, ended")
    check([s[4] for s in playlist.segments].count(True) == 1, "one discontinuity, between the stretches")
    check(abs(playlist.seconds() - 20) < 0.3, f"{playlist.seconds()} s")
    check(len(re.findall("PROGRAM-DATE-TIME", playlist.text)) == len(playlist.segments), "every segment has its time")
    for number in (1, 2):
        data = (folder / f"{number:04}.mp4").read_bytes()
        parts = [s for s in playlist.segments if s[0].endswith(f"{number:04}.mp4")]
        whole = byte_range(parts[0][0], 0, parts[0][5][1]) + b"".join(byte_range(s[0], s[1], s[2]) for s in parts)
        check(whole == data, f"the ranges of {number:04}.mp4 are not the file")
    packets = sum(len(clients.packets_of(folder / f"{n:04}.mp4", "v")) for n in (1, 2))
    check(packets == 500, f"{packets} pictures in the files")
    check(len(clients.packets_of(url, "v")) == packets, "ffmpeg does not see every picture")
    clients.gst_see_hls(bench, url, 200)


def case_files_and_ranges(bench):
    node, folder = start(bench, [stretch_of(bench, "a", 10, size="640x360")])
    url, data = node.url(f"/rec/{ID}/0001.mp4"), (folder / "0001.mp4").read_bytes()
    answer = http("GET", url)
    check(answer.status == 200 and answer.body == data, f"whole: {answer.status}, {len(answer.body)} of {len(data)}")
    check(answer.headers["Accept-Ranges"] == "bytes" and answer.headers["Content-Type"] == "video/mp4", "headers")
    head = http("HEAD", url, {"Range": "bytes=0-9"})
    check(head.status == 200 and int(head.headers["Content-Length"]) == len(data), f"HEAD: {head.status}")
    for value, status, body in (("bytes=0-0", 206, data[:1]), ("bytes=1000-", 206, data[1000:]), ("bytes=-7", 206, data[-7:]),
                                (f"bytes={len(data) - 1}-{len(data) + 5}", 206, data[-1:]), ("bytes=x-", 200, data),
                                ("bytes=0-1,3-4", 200, data), (f"bytes={len(data)}-", 416, None), ("bytes=5-2", 200, data)):
        answer = http("GET", url, {"Range": value})
        check(answer.status == status, f"{value}: {answer.status}")
        check(body is None or answer.body == body, f"{value}: {len(answer.body)} other bytes")
        if status == 206:
            end = answer.headers["Content-Range"].rpartition("/")[2]
            check(int(end) == len(data), f"{value}: {answer.headers['Content-Range']}")
        if status == 416:
            check(answer.headers["Content-Range"] == f"bytes */{len(data)}", f"{answer.headers}")
    zipped = http("GET", node.url(f"/rec/{ID}/main.m3u8"), {"Accept-Encoding": "gzip"})
    check(gzip.decompress(zipped.body) == http("GET", node.url(f"/rec/{ID}/main.m3u8")).body, "gzip says something else")


def case_what_is_not_there(bench):
    plan = Plan()
    plan.stream("tanaka", play="private")
    node, folder = start(bench, [stretch_of(bench, "a", 4)], plan)
    (folder.parent / "not-a-recording").mkdir()
    (folder.parent / "link").symlink_to("/etc")
    token, late = node.view_token("tanaka", now_ms() + 600000), node.view_token("tanaka", now_ms() - 1000)
    wanted = http("GET", node.url("/rec/nobody-20260901-120000/index.m3u8"))
    check(wanted.status == 404, f"{wanted.status}")
    for path in (f"/rec/{ID}/index.m3u8", f"/rec/{ID}/main.m3u8", f"/rec/{ID}/0001.mp4", f"/rec/t/{late}/{ID}/index.m3u8",
                 f"/rec/t/{token}x/{ID}/0001.mp4", f"/rec/t/{token}/{ID}/0002.mp4", f"/rec/t/{token}/{ID}/0001.idx",
                 f"/rec/t/{token}/{ID}/recording.json", f"/rec/t/{token}/nobody/index.m3u8", "/rec/not-a-recording/main.m3u8",
                 "/rec/link/index.m3u8", "/rec/", f"/rec/{ID}", "/clip/none/index.m3u8", "/hls/tanaka/shift/index.m3u8",
                 f"/hls/t/{token}/tanaka/shift/index.m3u8", f"/hls/t/{token}/suzuki/shift/{ID}/main.m3u8",
                 f"/hls/tanaka/shift/{ID}/0001.mp4"):
        answer = http("GET", node.url(path))
        check(answer.status == 404 and answer.body == wanted.body, f"{path}: {answer.status}")
        same = [h for h in ("Cache-Control", "Content-Type") if answer.headers[h] != wanted.headers[h]]
        check(not same, f"{path}: other headers {same}")
    for file in ("index.m3u8", "main.m3u8", "0001.mp4"):
        check(http("GET", node.url(f"/rec/t/{token}/{ID}/{file}")).status == 200, f"{file} with its token")
    check(http("GET", node.url(f"/hls/t/{token}/tanaka/shift/{ID}/main.m3u8")).status == 200, "its own stream's shift")
    check(http("GET", node.url(f"/rec/t/{token}/{ID}/main.m3u8?_HLS_msn=x")).status == 400, "a malformed question")


def case_clips(bench):
    plan = Plan()
    plan.clips = [{"id": "c1", "recording": ID, "in": 5000, "out": 9100}, {"id": "across", "recording": ID, "in": 10100, "out": 14000},
                  {"id": "beyond", "recording": ID, "in": 60000, "out": 70000}, {"id": "gone", "recording": "x", "in": 0, "out": 1}]
    node, _ = start(bench, [stretch_of(bench, "a", 12), stretch_of(bench, "b", 8)], plan)
    whole = Ranges(node.url(f"/rec/{ID}/main.m3u8"))
    clip = Ranges(media_url(node.url("/clip/c1/index.m3u8")))
    check(clip.is_ended and abs(clip.seconds() - 5.1) < 0.26, f"from the key frame at 4 s to near 9.1 s: {clip.seconds()} s")
    check(clip.segments[0][1] == whole.segments[2][1], "it begins with the key frame at 4 s")
    check(len(clients.packets_of(node.url("/clip/c1/index.m3u8"), "v")) == round(clip.seconds() * 25), "pictures of the clip")
    check(byte_range(*clip.segments[0][:3]) == byte_range(*whole.segments[2][:3]), "the clip's own address of the file")
    across = Ranges(media_url(node.url("/clip/across/index.m3u8")))
    check([s[4] for s in across.segments] == [False, True], f"one discontinuity: {across.segments}")
    clients.gst_see_hls(bench, node.url("/clip/c1/index.m3u8"), 60)
    for name in ("beyond", "gone"):
        check(http("GET", node.url(f"/clip/{name}/index.m3u8")).status == 404, name)


def case_taken_down(bench):
    plan = Plan()
    plan.clips = [{"id": name, "recording": ID, "in": 1000, "out": 5000} for name in ("c1", "c2")]
    node, _ = start(bench, [stretch_of(bench, "a", 8)], plan)
    of_stream = [f"/rec/{ID}/index.m3u8", f"/rec/{ID}/main.m3u8", f"/rec/{ID}/0001.mp4", f"/hls/tanaka/shift/{ID}/main.m3u8"]
    of_clips = [[f"/clip/{name}/index.m3u8", f"/clip/{name}/main.m3u8", f"/clip/{name}/{ID}/0001.mp4"] for name in ("c1", "c2")]

    def check_gone(*taken_down, gone, there):
        plan.taken_down = [{"id": name, "before": before} for name, before in taken_down]
        node.reload()
        wait_for(f"{gone[0]} to be gone", lambda: http("GET", node.url(gone[0])).status == 404)
        for path in gone:
            answer, nothing = http("GET", node.url(path)), http("GET", node.url("/rec/x/index.m3u8"))
            check(answer.status == 404 and answer.body == nothing.body, f"{path} is like what is not there")
        for path in there:
            check(http("GET", node.url(path)).status == 200, f"{path} is there")

    check_gone(("c1", BEGIN_WALL_MS + 1), ("tanaka", BEGIN_WALL_MS), gone=of_clips[0], there=of_stream + of_clips[1])
    check_gone(("tanaka", BEGIN_WALL_MS + 1), ("other", BEGIN_WALL_MS + 1), gone=of_stream + of_clips[0] + of_clips[1], there=[])
    plan.taken_down = []
    node.reload()
    wait_for("all to be back", lambda: all(http("GET", node.url(path)).status == 200 for path in of_stream + of_clips[1]))


def case_time_shift(bench):
    plan = Plan()
    key = plan.key("tanaka")
    plan.stream("tanaka", record=True)
    node = bench.node(plan)
    publisher = clients.ffmpeg_publish(bench, node.publish_url(key), clients.make_flv(bench, seconds=45))
    url = node.hls_url("tanaka", file="shift/index.m3u8")
    wait_for("the time shift", lambda: http("GET", url).status == 200, 30)
    media = media_url(url)
    hls_strict.follow_recording(bench, url)
    seen = Ranges(media)
    check("PLAYLIST-TYPE:EVENT" in seen.text and not seen.is_ended, "it is an EVENT that goes on")
    wait_for("18 segments", lambda: follow(media, seen), 60)
    delta = http("GET", media + "?_HLS_skip=YES").text()
    skipped = int(re.search(r"SKIPPED-SEGMENTS=(\d+)", delta)[1])
    whole = Ranges(media)
    check(skipped >= 3 and len(whole.segments) - 13 <= skipped, f"{skipped} of {len(whole.segments)} skipped")
    for s in whole.segments:
        byte_range(s[0], s[1], s[2])
    rec = re.search(r"shift/([^/]+)/", media)[1]
    hls_strict.follow_recording(bench, node.url(f"/rec/{rec}/index.m3u8"))  # this address, too, to its end
    grown = http("GET", node.url(f"/rec/{rec}/0001.mp4"))
    last = whole.segments[-1]
    check(grown.status == 200 and len(grown.body) >= last[1] + last[2], "what is recorded so far is there")
    clients.gst_see_hls(bench, url, 100)
    publisher.kill()
    plan.keys.clear()
    plan.key("tanaka")
    node.reload()
    wait_for("the end of the recording", lambda: over(node, media), 90)
    wait_for("404: the address of the time shift is of what is recorded now", lambda: http("GET", url).status == 404)
    check(abs(Ranges(media).seconds() - sum(1 for _ in clients.packets_of(media, "v")) / 25) < 0.2, "every picture")


def over(node, media):
    answer = http("GET", media)
    return answer.status == 200 and "#EXT-X-ENDLIST" in answer.text()


def follow(url, seen):
    """True when it is long enough; until then each text must begin with the one before it."""
    now = Ranges(url)
    check(now.text.startswith(seen.text), "an EVENT playlist changed in the middle")
    seen.text = now.text
    return len(now.segments) >= 18


def case_deleting_while_playing(bench):
    node, folder = start(bench, [stretch_of(bench, "a", 20, size="640x360")])
    url = node.url(f"/rec/{ID}/index.m3u8")
    playlist = Ranges(media_url(url))
    player = bench.start("ffmpeg-play", ["ffmpeg", "-nostdin", "-v", "error", "-re", "-i", url, "-f", "null", "-"])
    slow = subprocess.Popen(["curl", "-s", "--limit-rate", "200k", "-o", str(bench.dir / "slow.mp4"), playlist.segments[0][0]])
    whole = (folder / "0001.mp4").read_bytes()
    wait_for("some of the file", lambda: (bench.dir / "slow.mp4").exists() and (bench.dir / "slow.mp4").stat().st_size > 100000)
    bench.run("delete", [BIN / "isaribi-node", "rec", "delete", ID, "--config", node.config_path])
    check(not folder.exists(), "the folder is still there")
    wait_for("404", lambda: http("GET", url).status == 404 and http("GET", playlist.segments[0][0]).status == 404)
    check(slow.wait(30) == 0 and (bench.dir / "slow.mp4").read_bytes() == whole, "who read the file reads it to its end")
    wait_for("the player to notice", lambda: not player.is_running(), 60)
    check(http("GET", node.url("/healthz")).status == 200, "the node goes on")


def rec(node, *words, code=0):
    process = subprocess.run([BIN / "isaribi-node", "rec", *words, "--config", node.config_path], capture_output=True, text=True,
                             timeout=60, check=False)
    check(process.returncode == code, f"rec {words}: {process.returncode}, {process.stdout}{process.stderr}")
    return process.stdout


def case_the_command(bench):
    first, second = stretch_of(bench, "a", 10, bframes=2), stretch_of(bench, "b", 6, size="640x360", bframes=2)
    node, folder = start(bench, [first, second], state="recording", torn_bytes=100)
    check(rec(node, "list").startswith(f"{ID}\ttanaka\trecording\t"), "list")
    rec(node, "repair", ID, code=1)
    rec(node, "delete", ID, code=1)
    check("damaged" in rec(node, "repair", ID, "--force", code=1), "half a fragment is missing, and that is said")
    check((folder / "0001.idx").stat().st_size == 64 * (len(mp4.sequences(first)) + 1), "a record for each fragment")
    check("not whole" in rec(node, "check", code=1), "check")
    out = bench.dir / "out.mp4"
    rec(node, "export", ID, str(out))
    rec(node, "export", ID, str(out), code=1)
    rec(node, "export", ID, str(out), "--force")
    data = out.read_bytes()
    check(data.find(b"moov") < data.find(b"mdat"), "moov stands in front")
    cut = bench.dir / "cut.mp4"  # up to its last whole fragment
    told = json.loads((folder / "recording.json").read_text())["stretches"][1]
    cut.write_bytes((folder / "0002.mp4").read_bytes()[:told["saved_bytes"]])
    for kind in "va":
        parts = [len(clients.packets_of(path, kind)) for path in (folder / "0001.mp4", cut)]
        got = clients.packets_of(out, kind)
        check(sum(parts) == len(got), f"{kind}: {parts} in the fragments, {len(got)} in the export")
        clients.check_rising([dts for _, dts in got], f"dts of {kind}", 0.2)
    clients.decoded_frames(bench, out)
    check(rec(node, "list").startswith(f"{ID}\ttanaka\tdamaged\t"), "list")
    rec(node, "delete", ID)
    check(rec(node, "list") == "", "nothing is left")
    rec(node, "delete", ID, code=1)
    rec(node, "export", code=2)


def case_export_has_every_packet(bench):
    node, folder = start(bench, [stretch_of(bench, "a", 10, bframes=2, gop=40)])
    out = bench.dir / "out.mp4"
    rec(node, "check", code=1)  # there is no index
    rec(node, "repair", ID)
    rec(node, "check", ID)
    line = rec(node, "list")
    for name in ("0001.mp4", "0001.idx"):
        (folder / name).rename(folder / f"away-{name}")
    check(rec(node, "list") == line, "the list reads recording.json and nothing else of what is over")
    for name in ("0001.mp4", "0001.idx"):
        (folder / f"away-{name}").rename(folder / name)
    rec(node, "export", ID, str(out))
    for kind in "va":
        a, b = clients.packets_of(folder / "0001.mp4", kind), clients.packets_of(out, kind)
        check(len(a) == len(b), f"{kind}: {len(a)} in the fragments, {len(b)} in the export")
        moved = {round(x[0] - y[0] - (a[0][0] - b[0][0]), 3) for x, y in zip(a, b)}
        check(max(map(abs, moved)) <= 0.002, f"{kind}: times moved by {moved}")
    check(clients.decoded_frames(bench, out) == 250, "pictures of the export")


if __name__ == "__main__":
    main()
