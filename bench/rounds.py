# SPDX-License-Identifier: Apache-2.0
"""What the benches share: the CPU of a process tree, rounds in turn, tables of medians."""
import os
import pathlib
import signal
import statistics
import sys
import time


def tree(pid):
    """The process and all below it."""
    found = [pid]
    for parent in found:
        for task in pathlib.Path(f"/proc/{parent}/task").iterdir():
            found += [int(child) for child in (task / "children").read_text().split()]
    return found


class Cpu:
    """CPU of a process tree up to now. The sum comes from the scheduler, in ns; how it splits into user and system
    from /proc/PID/stat, which on most kernels is sampled with the timer's tick."""

    def __init__(self, pid):
        self.at = time.monotonic()
        self.run_ns = self.user = self.system = 0
        for each in tree(pid):
            stat = pathlib.Path(f"/proc/{each}/stat").read_text().rpartition(")")[2].split()
            self.user += int(stat[11])
            self.system += int(stat[12])
            for task in pathlib.Path(f"/proc/{each}/task").iterdir():
                self.run_ns += int((task / "schedstat").read_text().split()[0])

    def since(self, before):
        """(ms of CPU, share of it in user space)"""
        user, system = self.user - before.user, self.system - before.system
        return (self.run_ns - before.run_ns) / 1e6, user / (user + system) if user + system else 0.0


def backlog_drops():
    """Packets that the kernel has thrown away before any socket saw them: on loopback, the machine's own limit."""
    lines = pathlib.Path("/proc/net/softnet_stat").read_text().splitlines()
    return sum(int(line.split()[1], 16) for line in lines)


def sleep_until(when):
    time.sleep(max(0.0, when - time.monotonic()))


def spread(values, digits):
    """median [lowest - highest]"""
    values = [v for v in values if v is not None]
    if not values:
        return "-"
    return f"{statistics.median(values):.{digits}f} [{min(values):.{digits}f} - {max(values):.{digits}f}]"


def print_rows(title, rounds, names, rows):
    """rounds: one {name: result} each; rows: (field, what it is, digits)."""
    print(f"\n## {title}\n\n| | {' | '.join(names)} |\n|---|{'---|' * len(names)}")
    for field, label, digits in rows:
        cells = [spread([r[name].get(field) for r in rounds if name in r], digits) for name in names]
        if any(cell != "-" for cell in cells):
            print(f"| {label} | {' | '.join(cells)} |")
    print()


def print_ratio(what, pairs):
    if pairs:
        print(f"* CPU per Gbit, {what}: **{spread([a['ms_per_gbit'] / b['ms_per_gbit'] for a, b in pairs], 2)}**")


def in_turn(sides, number):
    """Sides change places from round to round."""
    return sides[number % len(sides):] + sides[:number % len(sides)]


def print_machine(opt):
    load = os.getloadavg()
    print(f"{time.strftime('%Y-%m-%d')}, {os.cpu_count()} cores, Linux {os.uname().release}, "
          f"load before {load[0]:.1f}, rounds {opt.rounds}, window {opt.seconds:g} s", flush=True)


def end_with_signals():
    """What was started ends with us, in the background, too."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: sys.exit(1))
