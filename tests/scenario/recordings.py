#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Recordings with real publishers: they are whole at the end, at a kill, with a full and with a broken disk."""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))

import clients  # noqa: E402
import hls  # noqa: E402
import recordings  # noqa: E402
import small_disk  # noqa: E402
from isaribi_test import Plan, check, hold_for, main, now_ms, wait_for  # noqa: E402

SAVED = "isaribi_recorded_bytes_total"
LOST = "isaribi_recording_lost_ms_total"
DAY_MS = 24 * 3600 * 1000


def start(bench, data_dir=None, config=None, record=True):
    plan = Plan()
    key = plan.key("tanaka")
    plan.stream("tanaka", record=record)
    data_dir = data_dir or bench.new_dir("data")
    return bench.node(plan, {"node.data_dir": data_dir, **(config or {})}), key, data_dir


def saved_bytes(node):
    return node.metrics()[SAVED]


def wait_more(node, n_bytes, limit_s=30):
    """Until so many more bytes are saved."""
    before = saved_bytes(node)
    wait_for(f"{n_bytes} more bytes to be saved", lambda: saved_bytes(node) >= before + n_bytes, limit_s)


def check_plays(bench, stretch, at_least):
    pictures = clients.decoded_frames(bench, stretch.cut(bench.dir / f"cut-{stretch.path.name}"))
    check(pictures >= at_least, f"{stretch.path.name}: {pictures} pictures, expected {at_least}")
    return pictures


def check_whole(bench, recording, state="saved"):
    check(recording.state == state, f"{recording.folder.name} is {recording.state}, not {state}")
    recording.check_saved()


def case_whole_at_the_end(bench):
    node, key, data = start(bench)
    publisher = clients.ffmpeg_publish(bench, node.publish_url(key), clients.make_flv(bench, seconds=30))
    node.wait_live("tanaka")
    wait_for("a recording", lambda: node.metrics()["isaribi_recordings"] == 1)
    wait_more(node, 300000)
    check(recordings.one(data, "tanaka").state == "recording", "a running one says so")
    check(node.metrics()["isaribi_disk_free_bytes"] > 0, "the room is told")
    publisher.stop()
    node.stop()
    recording = recordings.one(data, "tanaka")
    check_whole(bench, recording)
    stretches = recording.stretches()
    check(len(stretches) == 1, f"{len(stretches)} stretches")
    check(stretches[0].saved_bytes == len(stretches[0].data), "all that was written is saved")
    check(recording.info["lost_ms"] == 0, "nothing is lost")
    check_plays(bench, stretches[0], stretches[0].duration_ms * 25 // 1000 - 30)
    probed = clients.ffprobe(stretches[0].path, "-show_streams")
    check(len(probed["streams"]) == 2, f"picture and sound: {probed}")


def case_plan_begins_and_ends_it(bench):
    node, key, data = start(bench, record=False)
    clients.ffmpeg_publish(bench, node.publish_url(key), clients.make_flv(bench, seconds=60))
    node.wait_live("tanaka")
    hold_for("no recording", lambda: not (pathlib.Path(data) / "rec").exists(), 1)
    node.plan.stream("tanaka", record=True)
    node.reload()
    wait_more(node, 150000)
    node.plan.stream("tanaka", record=False)
    node.reload()
    wait_for("its end", lambda: node.metrics()["isaribi_recordings"] == 0)
    check(node.is_live("tanaka"), "the stream goes on")
    recording = recordings.one(data, "tanaka")
    check_whole(bench, recording)
    check(recording.info["end_reason"] == "plan", recording.info["end_reason"])
    check_plays(bench, recording.stretches()[0], 25)


def case_publisher_returns(bench):
    node, key, data = start(bench)
    flv = clients.make_flv(bench, seconds=60)
    first = clients.ffmpeg_publish(bench, node.publish_url(key), flv, name="first")
    node.wait_live("tanaka")
    wait_more(node, 200000)
    first.kill()
    wait_for("the stream to be without a publisher", lambda: node.metrics()["isaribi_rtmp_publishers"] == 0)
    clients.ffmpeg_publish(bench, node.publish_url(key), flv, name="second")
    wait_more(node, 200000)
    node.stop()
    recording = recordings.one(data, "tanaka")
    check_whole(bench, recording)
    stretches = recording.stretches()
    check(len(stretches) == 2, f"a stretch for each publisher expected: {len(stretches)}")
    for stretch in stretches:
        check_plays(bench, stretch, 50)


def case_killed_node_loses_no_fragment(bench):
    node, key, data = start(bench)
    flv = clients.make_flv(bench, seconds=90)
    publisher = clients.ffmpeg_publish(bench, node.publish_url(key), flv, loop=True, name="first")
    node.wait_live("tanaka")
    wait_more(node, 300000)
    node.process.kill()
    publisher.stop()
    cut = recordings.one(data, "tanaka")
    check(cut.state == "recording", f"nobody said that it is over: {cut.state}")
    path = cut.folder / "0001.mp4"
    written = recordings.whole_fragments(path.read_bytes())
    indexed = recordings.read_index(path.with_suffix(".idx"))
    check(len(written) - len(indexed) in (0, 1), f"{len(written)} fragments, {len(indexed)} in the index")
    check(len(clients.packets_of(path, "v")) > 100, "the file of a killed node plays")

    again = bench.node(node.plan, {"node.data_dir": data})
    clients.ffmpeg_publish(bench, again.publish_url(key), flv, name="second")
    again.wait_live("tanaka")
    wait_more(again, 200000)
    again.stop()
    recording = recordings.one(data, "tanaka")
    check(recording.epoch == cut.epoch, "the stream's numbers go on")
    stretches = recording.stretches()
    check(len(stretches) == 2, f"it goes on in a new stretch: {len(stretches)}")
    kept = recordings.whole_fragments(stretches[0].data[:stretches[0].saved_bytes])
    check(kept == written, f"{len(written)} fragments were there, {len(kept)} are kept")
    check_whole(bench, recording, "damaged" if stretches[0].is_damaged else "saved")
    check(stretches[0].is_damaged == (stretches[0].saved_bytes < len(stretches[0].data)), "torn is damaged")
    check_plays(bench, stretches[1], 50)


def follow_live(bench, node):
    follower = hls.follow(bench, node, "tanaka")
    follower.wait_segments(2)
    return follower


def check_no_gap(bench, follower):
    bench.at_end.remove(follower.stop)  # the node ends before the case does
    follower.stop()
    numbers = sorted(follower.segments)
    check(numbers == list(range(numbers[0], numbers[-1] + 1)), f"the live viewer missed segments: {numbers}")
    check(not follower.discontinuities(), f"the live stream broke: {follower.discontinuities()}")


def case_full_disk(bench):
    """Live goes on; the recording waits, goes on within 5 s of room, and does not call itself saved."""
    try:
        disk = small_disk.SmallDisk(bench, 40)
    except small_disk.NotPermitted as why:
        small_disk.skip_loudly("full_disk", why)
        return
    node, key, data = start(bench, disk.path)
    clients.ffmpeg_publish(bench, node.publish_url(key), clients.make_flv(bench, seconds=60, kbit=3000), loop=True)
    follower = follow_live(bench, node)
    wait_more(node, 500000)
    disk.fill(200000)
    wait_for("the disk to refuse", lambda: node.metrics()["isaribi_recording_disk_errors_total"] > 0)
    wait_for("an alarm", lambda: "room for recordings is full" in node.log(), 6)
    before = saved_bytes(node)
    segments = len(follower.segments)
    follower.wait_segments(segments + 4)
    follower.check_fine()
    check(saved_bytes(node) <= before + 300000, "a full disk takes nothing")
    waiting = node.metrics()["isaribi_recording_waiting_bytes"]
    check(0 < waiting <= 32 << 20, f"{waiting} bytes wait in memory")
    before = saved_bytes(node)
    disk.empty()
    wait_for("the recording to go on", lambda: saved_bytes(node) > before, 5)
    wait_for("memory to be written", lambda: node.metrics()["isaribi_recording_waiting_bytes"] < waiting / 2, 10)
    wait_more(node, 500000)
    check_no_gap(bench, follower)
    lost = node.metrics()[LOST]
    node.stop()
    recording = recordings.one(data, "tanaka")
    check(recording.info["lost_ms"] == lost == 0, f"so short a time fits in memory: {lost} ms lost")
    check_whole(bench, recording, "damaged" if any(s.is_damaged for s in recording.stretches()) else "saved")
    check_continuous(recording)


def check_continuous(recording):
    """Every part from the first to the last, each once."""
    sequences = []
    for stretch in recording.stretches():
        stretch.check_saved()
        sequences += [r["sequence"] for r in stretch.records if r["offset"] + r["moof"] + r["mdat"] <= stretch.saved_bytes]
    check(sequences == list(range(sequences[0], sequences[0] + len(sequences))), f"parts are missing or there twice: {sequences}")
    return sequences


def case_disk_that_fails_to_sync(bench):
    """The image of the disk lies on a full tmpfs: writing back fails, a sync says so once and then lies."""
    try:
        disk = small_disk.SmallDisk(bench, 64, on_tmpfs_mb=24)
    except small_disk.NotPermitted as why:
        small_disk.skip_loudly("disk_that_fails_to_sync", why)
        return
    node, key, data = start(bench, disk.path)
    clients.ffmpeg_publish(bench, node.publish_url(key), clients.make_flv(bench, seconds=60, kbit=3000), loop=True)
    follower = follow_live(bench, node)
    wait_more(node, 500000)
    ballast = small_disk.fill(disk.backing / "ballast", 64 << 20)
    wait_for("a failed sync", lambda: "cannot sync" in node.log(), 30)
    segments = len(follower.segments)
    follower.wait_segments(segments + 3)
    ballast.unlink()
    before = saved_bytes(node)
    wait_for("the recording to go on", lambda: saved_bytes(node) > before, 8)
    wait_more(node, 500000)
    check_no_gap(bench, follower)
    node.stop()
    recording = recordings.one(data, "tanaka")
    check(recording.state == "damaged", f"a recording with a failed sync is {recording.state}")
    check(any(s.is_damaged for s in recording.stretches()), "the failed file is named")
    check(recording.info["lost_ms"] == 0, f"{recording.info['lost_ms']} ms lost")
    check_continuous(recording)


def case_rules_delete(bench):
    data = bench.new_dir("data")
    old = now_ms() - 8 * DAY_MS
    files = [b"x" * 1000]
    gone = recordings.write(data, "tanaka-1", files, end_wall_ms=old)
    stay = [recordings.write(data, "tanaka-2", files, end_wall_ms=old, pinned=True),
            recordings.write(data, "tanaka-3", files), recordings.write(data, "of-a-clip", files, end_wall_ms=old)]
    (pathlib.Path(data) / "rec" / "of-others").mkdir()
    plan = Plan()
    plan.clips = [{"id": "c1", "recording": "of-a-clip", "in": 0, "out": 500}]
    node = bench.node(plan, {"node.data_dir": data, "record.keep_days": 7, "record.min_free_mb": 0})
    wait_for("the old one to go", lambda: not gone.exists())
    wait_for("its log line", lambda: "tanaka-1 is deleted by keep_days" in node.log())
    check(all(f.exists() for f in stay), "only what is old, and neither pinned nor in a clip, goes")
    check((pathlib.Path(data) / "rec" / "of-others").exists(), "what is no recording is left alone")


if __name__ == "__main__":
    main()
