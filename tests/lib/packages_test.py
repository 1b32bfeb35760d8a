#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""tools/packages among made-up dpkg-query and apt-get: what it installs, and when it refuses."""
import pathlib
import shutil
import stat
import subprocess
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
LIST = "[run]\nfirst\nsecond at-least 1.5.1-1+deb12u2\nthird if-missing there\nfourth if-missing nowhere\n\n[check]\nfifth\n"
# The state is a file a package, its version inside; apt-get makes what is asked for as new as the archive has it.
DPKG_QUERY = """#!/bin/sh
for last; do :; done
[ -f "$STATE/$last" ] || exit 1
echo "installed $(cat "$STATE/$last")"
"""
APT_GET = """#!/bin/sh
echo "$@" >>"$STATE/.asked"
[ "$1" = install ] || exit 0
for package; do case $package in install|-*) ;; *) echo "$ARCHIVE" >"$STATE/$package";; esac; done
"""
OLD, ENOUGH, NEWER = "1.5.1-1+deb12u1", "1.5.1-1+deb12u2", "1.5.3-1"


class Packages(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.folder)
        self.bin, self.state = self.folder / "bin", self.folder / "state"
        for folder in (self.bin, self.state, self.folder / "tools"):
            folder.mkdir()
        shutil.copy(ROOT / "tools/packages", self.folder / "tools/packages")
        (self.folder / "packages.txt").write_text(LIST)
        for tool in ("bash", "sh", "env", "awk", "sed", "cut", "cat", "dirname", "dpkg"):
            if shutil.which(tool):
                (self.bin / tool).symlink_to(shutil.which(tool))
        self.program("dpkg-query", DPKG_QUERY)
        self.program("apt-get", APT_GET)
        self.program("id", "#!/bin/sh\necho 0\n")
        self.program("there", "#!/bin/sh\n")
        for package in ("first", "fourth"):
            (self.state / package).write_text("1")

    def program(self, name, text):
        path = self.bin / name
        path.write_text(text)
        path.chmod(path.stat().st_mode | stat.S_IXUSR)

    def run_it(self, second, archive=ENOUGH):
        if second:
            (self.state / "second").write_text(second)
        env = {"PATH": str(self.bin), "STATE": str(self.state), "ARCHIVE": archive, "LC_ALL": "C.UTF-8"}
        done = subprocess.run([str(self.bin / "bash"), str(self.folder / "tools/packages"), "run"], env=env, text=True,
                              capture_output=True, timeout=60, check=False)
        asked = self.state / ".asked"
        return done, asked.read_text() if asked.exists() else ""

    def test_says_nothing_when_all_is_there(self):
        for version in (ENOUGH, NEWER, ENOUGH + "+local1"):
            done, asked = self.run_it(version)
            self.assertEqual((done.returncode, done.stdout, done.stderr, asked), (0, "", "", ""), version)

    def test_installs_what_is_missing(self):
        (self.state / "first").unlink()
        done, asked = self.run_it(None)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("installing: first second\n", done.stdout)
        self.assertRegex(asked, r"install .* first second\n")
        self.assertNotIn("third", asked)  # its command is there
        self.assertNotIn("fifth", asked)  # of another section

    def test_renews_what_is_too_old(self):
        done, asked = self.run_it(OLD)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertRegex(asked, r"install .* second\n")
        self.assertNotIn("first", asked)

    def test_refuses_when_there_is_nothing_newer(self):
        done, _ = self.run_it(OLD, archive=OLD)
        self.assertEqual(done.returncode, 1)
        self.assertIn(f"second has to be {ENOUGH} or newer (it is {OLD})", done.stderr)
        self.assertIn("以降が必要です", done.stderr)

    def test_names_what_it_cannot_install(self):
        self.program("id", "#!/bin/sh\necho 1000\n")
        done, asked = self.run_it(OLD)
        self.assertEqual((done.returncode, asked), (1, ""))
        self.assertIn("please have these installed: second", done.stderr)

    def test_leaves_it_to_others_without_dpkg(self):
        (self.bin / "dpkg-query").unlink()
        done, asked = self.run_it(OLD)
        self.assertEqual((done.returncode, asked), (0, ""))
        self.assertIn("no dpkg here", done.stderr)

    def test_the_list_names_the_least_revision_of_libsrt(self):
        lines = (ROOT / "packages.txt").read_text().splitlines()
        self.assertIn(f"libsrt-gnutls-dev at-least {ENOUGH}", lines)


if __name__ == "__main__":
    unittest.main()
