#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Arrows point down, and nothing goes in a circle: reads every #include of the product.

Usage: floors.py [ROOT]        checks the tree
       floors.py --self-test   builds small trees with one fault each and must find it
"""
import fnmatch
import pathlib
import re
import sys
import tempfile

# web/ is what is embedded of the pages: a table of bytes that needs nothing.
FLOORS = {"web": 0, "base": 0, "media": 1, "config": 1, "relay": 2, "ingest": 3, "packager": 3, "control": 4, "programs": 6}

# Folders that must never see each other although their numbers would allow it.
FORBIDDEN = {("control", "relay"), ("control", "ingest"), ("control", "packager")}

# Third-party headers and the files (patterns from the root) that may name them. Everything else is the C library,
# which is listed below by what is *not* third-party: a header of no package that we link.
THIRD_PARTY = {
    "libwebsockets.h": ["base/http*"],
    "uv.h": ["base/loop*", "base/http*", "base/tcp*", "base/clock*", "base/mailbox*", "base/conn*"],
    "srt/*": ["*_srt.c", "*_srt.h"],
    "sqlite3.h": ["control/db*"],
    "gst/*": ["programs/isaribi-worker*", "packager/worker/*"],
    "glib.h": ["programs/isaribi-worker*", "packager/worker/*"],
    "librtmp/*": ["programs/isaribi-worker*", "packager/worker/*"],
    "jansson.h": ["config/*", "packager/rec_info.c"],
    "ini.h": ["config/*"],
    "sodium.h": ["config/*", "ingest/rtmp_handshake.c", "ingest/rtmp_conn.c", "relay/token.c", "relay/gate.c",
                 "programs/*"],
    "openssl/*": ["base/tls*", "base/http*"],
    "zlib.h": ["base/gzip*", "packager/playlist_gzip.c", "packager/sequence_image.c", "packager/rec_format.c"],
    "bitstream/*": ["media/ts_*"],
    "qrencode.h": ["control/*"],
}

# The C library and Linux: what C17, POSIX.1-2008 and the kernel bring along.
SYSTEM = set("""
assert.h ctype.h errno.h fenv.h float.h inttypes.h iso646.h limits.h locale.h math.h setjmp.h signal.h stdalign.h
stdarg.h stdatomic.h stdbool.h stddef.h stdint.h stdio.h stdlib.h stdnoreturn.h string.h strings.h threads.h time.h
wchar.h endian.h byteswap.h dirent.h fcntl.h getopt.h grp.h ifaddrs.h langinfo.h libgen.h malloc.h netdb.h poll.h pthread.h pwd.h
sched.h semaphore.h spawn.h syslog.h termios.h unistd.h glob.h
""".split())
SYSTEM_FOLDERS = ("sys/", "netinet/", "arpa/", "net/", "linux/", "asm/")

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*(?:"([^"]+)"|<([^>]+)>)', re.M)


def sources(root):
    for floor in FLOORS:
        for path in sorted((root / floor).rglob("*.[ch]")):
            yield path.relative_to(root).as_posix()


def includes(root, name):
    """(header, is_quoted, line number) of each."""
    text = (root / name).read_text(encoding="utf-8")
    for match in INCLUDE.finditer(text):
        yield match[1] or match[2], bool(match[1]), text.count("\n", 0, match.start()) + 1


def floor_of(name):
    return name.split("/", 1)[0]


def unit_of(name):
    """A .c and its .h are one."""
    return re.sub(r"\.[ch]$", "", name)


def check_ours(root, name, header):
    """What is wrong with one quoted include, or None."""
    if header.startswith("build/") or (not (root / header).exists() and floor_of(header) not in FLOORS):
        return f'"{header}" is not a path from the root'
    here, there = floor_of(name), floor_of(header)
    if there not in FLOORS:
        return f"{there}/ is no floor of the product"
    if FLOORS[there] > FLOORS[here]:
        return f"arrow up: {here} includes {header}"
    if here != there and FLOORS[there] == FLOORS[here]:
        return f"sideways arrow: {here} includes {header}"
    if (here, there) in FORBIDDEN:
        return f"{here} must not know {there}: {header}"
    return None


def check_foreign(name, header):
    for pattern, files in THIRD_PARTY.items():
        if fnmatch.fnmatchcase(header, pattern):
            if any(fnmatch.fnmatchcase(name, f) for f in files):
                return None
            return f"<{header}> belongs to {', '.join(files)} alone"
    if header in SYSTEM or header.startswith(SYSTEM_FOLDERS):
        return None
    return f"<{header}> is a third-party header that floors.py does not know"


def cycles(edges):
    """Every cycle that a depth-first walk meets, as lists of units. No recursion."""
    found, state = [], {}
    for start in sorted(edges):
        if start in state:
            continue
        stack = [(start, iter(sorted(edges[start])))]
        state[start] = "open"
        while stack:
            node, rest = stack[-1]
            nxt = next(rest, None)
            if nxt is None:
                state[node] = "done"
                stack.pop()
            elif state.get(nxt) == "open":
                path = [n for n, _ in stack]
                found.append(path[path.index(nxt):] + [nxt])
            elif nxt not in state:
                state[nxt] = "open"
                stack.append((nxt, iter(sorted(edges.get(nxt, ())))))
    return found


def check_tree(root):
    faults, edges = [], {}
    for name in sources(root):
        unit = unit_of(name)
        edges.setdefault(unit, set())
        for header, is_quoted, line in includes(root, name):
            if is_quoted and re.fullmatch(r".*\.(inc|json|html)", header):
                continue
            fault = check_ours(root, name, header) if is_quoted else check_foreign(name, header)
            if fault:
                faults.append(f"{name}:{line}: {fault}")
            if is_quoted and unit_of(header) != unit:
                edges[unit].add(unit_of(header))
    for unit in list(edges):
        for target in edges[unit]:
            edges.setdefault(target, set())
    faults += ["a circle of includes: " + " -> ".join(c) for c in cycles(edges)]
    return faults


# Trees with one fault each: (name, files, what the finding must say)
SELF_TESTS = [
    ("clean", {"base/a.h": "", "media/b.c": '#include "base/a.h"\n#include <stdio.h>\n#include <sys/uio.h>\n',
               "relay/r.c": '#include "media/b.h"\n', "media/b.h": "", "base/loop.c": "#include <uv.h>\n"}, None),
    ("up", {"base/a.c": '#include "media/b.h"\n', "media/b.h": ""}, "arrow up"),
    ("two up", {"media/a.c": '#include "relay/b.h"\n', "relay/b.h": ""}, "arrow up"),
    ("siblings", {"ingest/a.c": '#include "packager/b.h"\n', "packager/b.h": ""}, "sideways"),
    ("siblings back", {"packager/a.h": '#include "ingest/b.h"\n', "ingest/b.h": ""}, "sideways"),
    ("level one", {"media/a.c": '#include "config/b.h"\n', "config/b.h": ""}, "sideways"),
    ("control", {"control/a.c": '#include "relay/b.h"\n', "relay/b.h": ""}, "must not know"),
    ("tests", {"relay/a.c": '#include "tests/x.h"\n', "tests/x.h": ""}, "no floor"),
    ("relative", {"relay/a.c": '#include "b.h"\n', "relay/b.h": ""}, "not a path from the root"),
    ("headers in a circle", {"relay/a.h": '#include "relay/b.h"\n', "relay/b.h": '#include "relay/a.h"\n'}, "circle"),
    ("units in a circle", {"relay/a.c": '#include "relay/b.h"\n', "relay/a.h": "", "relay/b.h": "",
                           "relay/b.c": '#include "relay/c.h"\n', "relay/c.h": '#include "relay/a.h"\n'}, "circle"),
    ("lws", {"packager/deliver.c": "#include <libwebsockets.h>\n"}, "alone"),
    ("uv", {"relay/stream.c": "#  include <uv.h>\n"}, "alone"),
    ("srt", {"ingest/in_rtmp.c": "#include <srt/srt.h>\n"}, "alone"),
    ("gst", {"programs/isaribi-node.c": "#include <gst/gst.h>\n"}, "alone"),
    ("librtmp", {"ingest/in_rtmp.c": "#include <librtmp/rtmp.h>\n"}, "alone"),
    ("jansson", {"relay/a.c": "#include <jansson.h>\n"}, "alone"),
    ("unknown", {"base/a.c": "#include <curl/curl.h>\n"}, "does not know"),
]


def self_test():
    failures = 0
    for name, files, expected in SELF_TESTS:
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder)
            for path, text in files.items():
                (root / path).parent.mkdir(parents=True, exist_ok=True)
                (root / path).write_text(text)
            faults = check_tree(root)
        is_right = not faults if expected is None else len(faults) == 1 and expected in faults[0]
        if not is_right:
            failures += 1
            print(f"self-test {name}: expected {expected}, found {faults}")
    print(f"{len(SELF_TESTS) - failures} of {len(SELF_TESTS)} fabricated trees judged rightly")
    return failures


def main():
    if sys.argv[1:] == ["--self-test"]:
        sys.exit(1 if self_test() else 0)
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).resolve().parents[2])
    names = list(sources(root))
    faults = check_tree(root)
    print("\n".join(faults) or f"{len(names)} files, all arrows down, no circle")
    sys.exit(1 if faults or not names else 0)


if __name__ == "__main__":
    main()
