#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Who comes in over SRT: keys, passphrases, tokens, stream ids; who does not is told why, and so is the operator."""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))

import srt  # noqa: E402
from isaribi_test import Plan, check, hold_for, main, new_key, now_ms, wait_for  # noqa: E402

WRITE, READ, WRONG = "himitsu-no-ryoushi", "minna-de-miru-umi", "chigau-himitsu-desu"
HOUR_MS = 3600000


def passphrase_plan():
    plan = Plan()
    keys = {"open": plan.key("open"), "closed": plan.key("closed", srt_passphrase=WRITE)}
    plan.stream("closed", srt_passphrase=READ)
    return plan, keys


def wait_counted(node, reason, n):
    wait_for(f"{n} times {reason} in the metrics", lambda: node.closed(reason) >= n, 8)
    check(node.closed(reason) == n, f"{reason} is counted {node.closed(reason)} times, not {n}")
    wait_for(f"{n} times {reason} on the log", lambda: node.log().count(f"refused: {reason} ") == n, 8)


def case_passphrases(bench):
    """Wrong, missing, unasked for: publishers and players alike, and the operator can see it."""
    plan, keys = passphrase_plan()
    node, *_ = srt.node(bench, streams=(), plan=plan)
    node.secrets.add(WRONG)
    publish = f"publish:{keys['closed']}"
    refusals = [(publish, WRONG, srt.BAD_SECRET), (publish, "", srt.UNSECURE), (publish, READ, srt.BAD_SECRET),
                (f"publish:{keys['open']}", WRONG, srt.UNSECURE), ("request:closed", WRONG, srt.BAD_SECRET),
                ("request:closed", "", srt.UNSECURE), ("request:closed", WRITE, srt.BAD_SECRET)]
    for stream_id, passphrase, expected in refusals:
        code = srt.reject_code(bench, node, stream_id, passphrase=passphrase)
        check(code == expected, f"{stream_id.partition(':')[0]} with {passphrase or 'nothing'}: {code}, not {expected}")
    check(node.metrics()["isaribi_srt_publishers"] == 0 and not node.metrics()["isaribi_srt_accepted_total"],
          "somebody came in")
    wait_counted(node, "passphrase", len(refusals))
    path = srt.make_ts(bench, 4)
    for process in (srt.slt_publish(bench, node, publish, path, passphrase=WRONG),
                    srt.ffmpeg_publish(bench, node, publish, path, passphrase=WRONG)):
        wait_for(f"{process.name} to say it", lambda p=process: "reject" in p.tail().lower())
    check(node.metrics()["isaribi_srt_publishers"] == 0, "somebody came in with a wrong passphrase")


def case_key_lengths(bench):
    """AES-128, -192 and -256 on both sides, from our callers and from everybody else's."""
    plan, keys = passphrase_plan()
    node, *_ = srt.node(bench, streams=(), plan=plan)
    publish = f"publish:{keys['closed']}"
    path = srt.make_ts(bench, 12)
    start = [lambda n: srt.Publisher(bench, node, publish, path, passphrase=WRITE, pbkeylen=n),
             lambda n: srt.slt_publish(bench, node, publish, path, passphrase=WRITE, pbkeylen=n),
             lambda n: srt.ffmpeg_publish(bench, node, publish, path, passphrase=WRITE, pbkeylen=n)]
    players = [srt.Player(bench, node, "request:closed", passphrase=READ, pbkeylen=n) for n in (16, 24, 32)]
    for n, (length, make) in enumerate(zip((16, 24, 32), start)):
        publisher = make(length)
        for player in players:
            player.wait_pictures(25 * (n + 1))
    for player in players:
        player.stop()
        player.stream().check_begins_well()
    check(node.metrics()["isaribi_takeovers_total"] == 2, "each publisher took over from the one before")
    publisher.stop()


def case_refusals(bench):
    """Each has its number for the caller, and its reason on the log and in the metrics."""
    plan = Plan()
    now = now_ms()
    key = plan.key("tanaka")
    early = plan.key("early", windows=[{"from": now + HOUR_MS, "until": now + 2 * HOUR_MS}])
    expired = plan.key("late", windows=[{"from": now - HOUR_MS, "until": now - 1000}])
    revoked = plan.key("gone", windows=[])
    plan.stream("tanaka")
    plan.stream("hidden", play="private")
    node, *_ = srt.node(bench, streams=(), plan=plan)
    unknown, longest = new_key(), "k" * 504
    node.secrets |= {unknown, longest}
    token, old = node.view_token("hidden", now + HOUR_MS), node.view_token("hidden", now - 1000)
    refusals = [
        (f"publish:{unknown}", srt.UNAUTHORIZED, "key_unknown"),
        (unknown, srt.UNAUTHORIZED, "key_unknown"),
        (f"#!::r={unknown}", srt.NOT_FOUND, "stream_unknown"),
        (f"publish:{early}", srt.FORBIDDEN, "key_early"),
        (f"#!::m=publish,r={expired}", srt.FORBIDDEN, "key_expired"),
        (revoked, srt.FORBIDDEN, "key_revoked"),
        ("publish:" + longest, srt.UNAUTHORIZED, "key_unknown"),
        (f"#!::r={key},m=bidirectional", srt.BAD_MODE, "mode_bad"),
        (f"#!::r={key},m=teleport", srt.BAD_MODE, "mode_bad"),
        (f"#!::r={key},m=publish,t=file", srt.MEDIA_TYPE, "media_type"),
        (f"#!:{{r={key}}}", srt.BAD_REQUEST, "streamid_bad"),
        ("", srt.BAD_REQUEST, "streamid_bad"),
        ("publish:", srt.BAD_REQUEST, "streamid_bad"),
        ("request:nobody", srt.NOT_FOUND, "stream_unknown"),
        ("request:hidden", srt.NOT_FOUND, "token_bad"),
        (f"request:hidden:{token[:-1]}", srt.NOT_FOUND, "token_bad"),
        (f"#!::r=hidden,m=request,s={old}", srt.NOT_FOUND, "token_expired"),
    ]
    counted = {}
    for stream_id, expected, reason in refusals:
        code = srt.reject_code(bench, node, stream_id)
        check(code == expected, f"{reason}: the caller is told {code}, not {expected}")
        counted[reason] = counted.get(reason, 0) + 1
        wait_counted(node, reason, counted[reason])
    check(srt.reject_code(bench, node, f"request:hidden:{token}") == srt.WELCOME, "the right token does not play")
    more = f"#!::r={key},m=publish,x={'y' * 400}"
    check(srt.reject_code(bench, node, more) == srt.WELCOME, "other members are not read over")


def case_longer_than_512_bytes(bench):
    """No stream id is, so it is no caller of ours; 512 are answered like any other."""
    node, key = srt.node(bench)
    check(srt.raw_reject_code(node, b"publish:" + b"k" * 504) == srt.UNAUTHORIZED, "512 bytes are not read")
    code = srt.raw_reject_code(node, b"publish:" + key.encode() + b" " * (505 - len(key)))
    check(code not in (srt.WELCOME, None), "513 bytes were let in")
    code = srt.raw_reject_code(node, b"publish:" + key.encode() + b" " * (1300 - len(key)))
    check(code != srt.WELCOME, "1308 bytes were let in")
    check(srt.reject_code(bench, node, f"publish:{key}") == srt.WELCOME, "the door is stuck")


def case_busy(bench):
    """Another key does not take over; it is turned away behind the door, where takeover is decided."""
    plan = Plan()
    key, other = plan.key("tanaka"), plan.key("tanaka")
    node, *_ = srt.node(bench, streams=(), plan=plan)
    path = srt.make_ts(bench, 12)
    first = srt.Publisher(bench, node, f"publish:{key}", path)
    srt.wait_publishers(node, 1)
    srt.Publisher(bench, node, f"publish:{other}", path).expect_thrown_out()
    check(node.closed("stream_busy") == 1, "the reason is not counted")
    hold_for("the first", first.is_on, 0.5)
    first.stop()


def case_what_clients_say(bench):
    """Users of srt-live-transmit and ffmpeg can read why."""
    node, _ = srt.node(bench)
    unknown = new_key()
    node.secrets.add(unknown)
    path = srt.make_ts(bench, 4)
    slt = srt.slt_publish(bench, node, f"publish:{unknown}", path)
    ffmpeg = srt.ffmpeg_publish(bench, node, f"publish:{unknown}", path)
    for process in (slt, ffmpeg):
        wait_for(f"{process.name} to say it", lambda p=process: "reject" in p.tail().lower())


def case_changes_while_on(bench):
    """A key is revoked, a window ends, a stream becomes private, a token expires: each ends who it concerns."""
    plan = Plan()
    end = now_ms() + 6000
    keys = {name: plan.key(name, id=name) for name in ("revoked", "private", "token")}
    plan.stream("token", play="private")
    keys["window"] = plan.key("window", id="window", windows=[{"from": 0, "until": end}])
    node, *_ = srt.node(bench, streams=(), plan=plan)
    path = srt.make_ts(bench, 20)
    publishers = {name: srt.Publisher(bench, node, f"publish:{key}", path) for name, key in keys.items()}
    tokens = [node.view_token("token", now_ms() + ms) for ms in (4000, HOUR_MS)]
    srt.wait_publishers(node, 4)
    players = {name: srt.Player(bench, node, f"request:{name}") for name in ("revoked", "private", "window")}
    players["token"], stays = [srt.Player(bench, node, f"request:token:{token}") for token in tokens]
    for player in players.values():
        player.wait_pictures(10)
    del plan.keys["revoked"]
    plan.stream("private", play="private")
    node.reload()
    publishers["revoked"].expect_thrown_out()
    players["private"].wait_over(3)
    check(srt.reject_code(bench, node, f"publish:{keys['revoked']}") == srt.UNAUTHORIZED, "a revoked key comes in")
    check(srt.reject_code(bench, node, "request:private") == srt.NOT_FOUND, "a private stream plays")
    players["token"].wait_over(8)
    publishers["window"].expect_thrown_out(10)
    check(-500 < now_ms() - end < 3000, f"closed {now_ms() - end} ms after the end of the window")
    players["window"].wait_over(3)
    check(publishers["private"].is_on() and publishers["token"].is_on() and not stays.is_over, "a bystander was ended")
    for reason in ("key_revoked", "slot_over", "token_expired"):
        check(node.closed(reason) >= 1, f"{reason} is not counted")
    for publisher in publishers.values():
        publisher.stop()


def case_new_passphrase_by_reload(bench):
    """Who calls from now on needs the new one."""
    plan, keys = passphrase_plan()
    node, *_ = srt.node(bench, streams=(), plan=plan)
    publish = f"publish:{keys['closed']}"
    check(srt.reject_code(bench, node, publish, passphrase=WRITE) == srt.WELCOME, "the old one does not fit")
    plan.keys["k2"]["srt_passphrase"] = WRONG
    node.reload()
    wait_for("the new passphrase", lambda: srt.reject_code(bench, node, publish, passphrase=WRONG) == srt.WELCOME, 5)
    check(srt.reject_code(bench, node, publish, passphrase=WRITE) == srt.BAD_SECRET, "the old one still fits")


main()
