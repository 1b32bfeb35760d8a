# SPDX-License-Identifier: Apache-2.0
"""A file system of a few MB that a test can fill or break: ext4 on a loop device, in the test's own folder."""
import os
import subprocess
import sys

from isaribi_test import check


class NotPermitted(Exception):
    """No loop devices here."""


def _run(*argv):
    return subprocess.run([str(a) for a in argv], capture_output=True, text=True, timeout=60, check=False)


def _mount(bench, kind, source, path, *options):
    path.mkdir()
    answer = _run("mount", "-t", kind, *options, source, path)
    if answer.returncode != 0:
        raise NotPermitted(f"mount: {answer.stderr.strip()}")
    bench.at_close.append(lambda: _run("umount", path))
    return path


class SmallDisk:
    """mb: its size. on_tmpfs_mb: its image lies on a tmpfs of that size, smaller than mb: then writing it back fails."""

    def __init__(self, bench, mb, on_tmpfs_mb=None):
        where = bench.dir
        if on_tmpfs_mb:
            where = _mount(bench, "tmpfs", "tmpfs", bench.dir / "backing", "-o", f"size={on_tmpfs_mb}m")
        self.backing = where
        image = where / "disk.img"
        with open(image, "wb") as out:
            out.truncate(mb << 20)
        answer = _run("mkfs.ext4", "-q", "-m", 0, "-E", "lazy_itable_init=0,lazy_journal_init=0", "-O", "^has_journal"
                      if on_tmpfs_mb else "has_journal", image)
        check(answer.returncode == 0, f"mkfs.ext4: {answer.stderr}")
        answer = _run("losetup", "--find", "--show", image)
        if answer.returncode != 0:
            raise NotPermitted(f"losetup: {answer.stderr.strip()}")
        device = answer.stdout.strip()
        bench.at_close.append(lambda: _run("losetup", "--detach", device))
        self.path = _mount(bench, "ext4", device, bench.dir / "disk")

    def free_bytes(self):
        stat = os.statvfs(self.path)
        return stat.f_bavail * stat.f_frsize

    def fill(self, leave_bytes=0):
        """Takes what is free, but for so much."""
        return fill(self.path / "ballast", self.free_bytes() - leave_bytes)

    def empty(self):
        (self.path / "ballast").unlink()


def fill(path, n_bytes):
    with open(path, "ab") as out:
        try:
            while n_bytes > 0:
                piece = min(n_bytes, 1 << 16)
                out.write(b"x" * piece)
                out.flush()
                n_bytes -= piece
            os.fsync(out.fileno())
        except OSError:
            pass
    return path


def skip_loudly(what, why):
    print(f"SKIPPED {what}: {why}", file=sys.stderr)
    print(f"SKIPPED {what}: {why}")
