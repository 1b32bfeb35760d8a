#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every tracked file: no machine's paths, no registry's host names, no secrets; sources carry their SPDX line and stay
within 800 lines.

Usage: files.py [ROOT] | files.py --self-test
"""
import pathlib
import re
import subprocess
import sys

MAX_LINES = 800
SOURCES = {".c", ".h", ".py", ".sh", ".js", ".mjs", ".css"}
VENDORED = ("web/vendor/",)  # other people's files, as they came

# Written so that this file does not find itself.
BAD = [
    ("a machine's path", re.compile(r"(?<![\w.])/(?:work|home/[a-z]\w*|root|tmp/bash_jobs)/")),
    ("a registry's host name", re.compile(r"registry[.](?:npmjs|yarnpkg)|pypi[.]org|files[.]pythonhosted|npm[m]irror|"
                                          r"[a]rtifactory|deb[.]debian[.]org")),
    ("a private key", re.compile("-----BEGIN [A-Z ]*PRIVATE" + " KEY-----")),
    ("a token", re.compile(r"\b(?:ghp_[A-Za-z0-9]{30}|AKIA[0-9A-Z]{16}|xox[bp]-[0-9A-Za-z-]{20})")),
]


def tracked(root):
    out = subprocess.run(["git", "-C", root, "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
                         capture_output=True, check=True).stdout
    return [name for name in out.decode().split("\0") if name and (root / name).is_file()]


def check_file(name, data):
    if b"\0" in data[:8000]:
        return []
    text = data.decode("utf-8", errors="replace")
    if name.startswith(VENDORED):
        return []
    faults = []
    for what, pattern in BAD:
        for match in pattern.finditer(text):
            faults.append(f"{name}:{text.count(chr(10), 0, match.start()) + 1}: {what}")
    if pathlib.PurePath(name).suffix in SOURCES:
        lines = text.splitlines()
        if not any("SPDX-License-Identifier: Apache-2.0" in line for line in lines[:3]):
            faults.append(f"{name}: no SPDX line at its top")
        if len(lines) > MAX_LINES:
            faults.append(f"{name}: {len(lines)} lines, more than {MAX_LINES}: it is two things")
    return faults


SPDX = "/* SPDX-License-Identifier: Apache-2.0 */\n"
SELF_TESTS = [
    ("a.c", SPDX + "int x;\n", 0),
    ("a.c", "int x;\n", 1),
    ("a.h", SPDX + "\n" * 800, 1),
    ("README.md", "see /" + "work/main\n", 1),
    ("package-lock.json", '"resolved": "https://registry' + '.npmjs.org/x"\n', 1),
    ("key.pem", "-----BEGIN PRIVATE" + " KEY-----\n", 1),
    ("note.txt", "at work/life balance\n", 0),
    ("web/vendor/hls.js", "no line of ours\n", 0),
]


def main():
    if sys.argv[1:] == ["--self-test"]:
        wrong = [t for t in SELF_TESTS if len(check_file(t[0], t[1].encode())) != t[2]]
        print(f"{len(SELF_TESTS) - len(wrong)} of {len(SELF_TESTS)} fabricated files judged rightly {wrong}")
        sys.exit(1 if wrong else 0)
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).resolve().parents[2])
    names = tracked(root)
    faults = [fault for name in names for fault in check_file(name, (root / name).read_bytes())]
    print("\n".join(faults) or f"{len(names)} files are fine")
    sys.exit(1 if faults or not names else 0)


if __name__ == "__main__":
    main()
