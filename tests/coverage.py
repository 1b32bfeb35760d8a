#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Lines and branches of every parser of foreign bytes that unit tests and the fuzz corpus reach together. Fails below the
floor. Usage: coverage.py BUILD_FOLDER (the preset coverage, built); run by ./check --coverage.
"""
import json
import os
import pathlib
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
LINES_PERCENT, BRANCHES_PERCENT = 95.0, 85.0

# Whatever takes apart what came from elsewhere. A pattern that names no file is a mistake.
PARSERS = ["media/aac.c", "media/amf0.c", "media/flv.c", "media/h264.c", "media/h265.c", "media/nal.c", "media/opus.c", "media/vui.c",
           "media/rtmp_chunk.c", "media/adts.c", "media/ts_*.c", "ingest/rtmp_*.c", "ingest/streamid.c", "config/ini.c",
           "config/plan_parse.c", "config/plan_scan.c", "config/option.c", "config/listen_address.c", "base/bytes.c",
           "base/http_text.c", "relay/token.c", "packager/deliver_path.c"]

# Not parsers, although a pattern names them; and files below the floor with what they reach, lines and branches, and why.
NOT_PARSERS = {
    "ingest/rtmp_conn.c": "sockets: the scenarios reach it",
}
BELOW = {
    "config/option.c": (93, 86, "the checks of its own table, which is right, and the ends of switches over all types"),
}


def tool(name):
    found = shutil.which(f"{name}-14") or shutil.which(name)
    if not found:
        sys.exit(f"there is no {name}: it is in the package llvm")
    return found


def parsers():
    for pattern in PARSERS:
        found = sorted(path.relative_to(ROOT).as_posix() for path in ROOT.glob(pattern))
        if not found:
            sys.exit(f"{pattern} names no file")
        yield from (name for name in found if name not in NOT_PARSERS)


def run_tests(build):
    profiles = build / "profiles"
    shutil.rmtree(profiles, ignore_errors=True)
    profiles.mkdir()
    env = dict(os.environ, LLVM_PROFILE_FILE=str(profiles / "%p-%m.profraw"))
    subprocess.run(["ctest", "-j2", "--test-dir", build, "-L", "unit", "--output-on-failure", "--no-tests=error"], env=env, check=True,
                   stdout=subprocess.DEVNULL)
    raw = [str(path) for path in profiles.glob("*.profraw")]
    (profiles / "list").write_text("\n".join(raw))
    subprocess.run([tool("llvm-profdata"), "merge", "-sparse", "-f", profiles / "list", "-o", build / "all.profdata"], check=True)
    for path in raw:
        os.unlink(path)


def measure(build, names):
    """{name: (lines %, branches %)}"""
    programs = sorted(str(p) for p in (build / "bin").iterdir() if p.name.startswith(("test_", "replay_")))
    command = [tool("llvm-cov"), "export", "-summary-only", f"-instr-profile={build / 'all.profdata'}", programs[0]]
    command += [word for program in programs[1:] for word in ("-object", program)] + [str(ROOT / name) for name in names]
    data = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    by_path = {entry["filename"]: entry["summary"] for entry in data["data"][0]["files"]}
    return {name: tuple(by_path[str(ROOT / name)][what]["percent"] for what in ("lines", "branches")) for name in names}


def judge(name, lines, branches):
    """What is wrong with it, or None."""
    floor = BELOW.get(name, (LINES_PERCENT, BRANCHES_PERCENT))
    if lines < floor[0] or branches < floor[1]:
        return f"below {floor[0]:g} and {floor[1]:g}"
    if name in BELOW and lines >= LINES_PERCENT and branches >= BRANCHES_PERCENT:
        return "is above the floor now: take it out of BELOW"
    return None


def main():
    build = pathlib.Path(sys.argv[1]).resolve()
    names = list(parsers())
    run_tests(build)
    failed = 0
    for name, (lines, branches) in sorted(measure(build, names).items()):
        fault = judge(name, lines, branches)
        failed += fault is not None
        why = f"  {BELOW[name][2]}" if name in BELOW else ""
        print(f"{name:28} lines {lines:6.2f} %  branches {branches:6.2f} %{'  ' + fault.upper() if fault else ''}{why}")
    print(f"{len(names) - failed} of {len(names)} parsers are covered")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
