# SPDX-License-Identifier: Apache-2.0
"""What the benches share: the CPU of a process tree, rounds in turn, tables of medians."""
import os
import pathlib
import signal
import statistics
import sys
import time

from isaribi_test import Failed


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


def threads_ns(pid):
    """{name: ns of CPU}; threads of one name are one."""
    seen = {}
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        name = (task / "comm").read_text().strip()
        seen[name] = seen.get(name, 0) + int((task / "schedstat").read_text().split()[0])
    return seen


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


def run_rounds(title, sides, opt, run_into, digits=0):
    """[{name: result}], a round each. run_into(result, side, number) adds what a side gives; a failure is said, not fatal."""
    rounds = []
    for number in range(opt.rounds):
        result = {}
        for side in in_turn(sides, number):
            try:
                run_into(result, side, number)
            except Failed as error:
                print(f"  {title}, round {number + 1}, {side.name}: {error}", file=sys.stderr)
        rounds.append(result)
        print(f"  {title}, round {number + 1}: " + ", ".join(
            f"{name} {r['ms_per_gbit']:.{digits}f}" for name, r in result.items()), file=sys.stderr, flush=True)
    return rounds


def print_machine(opt):
    load = os.getloadavg()
    print(f"{time.strftime('%Y-%m-%d')}, {os.cpu_count()} cores, Linux {os.uname().release}, "
          f"load before {load[0]:.1f}, rounds {opt.rounds}, window {opt.seconds:g} s", flush=True)


def run(main):
    """A bench from the command line: what was started ends with it, in the background, too; a failure is one line."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: sys.exit(1))
    try:
        main()
    except Failed as failure:
        sys.exit(str(failure))
