#!/usr/bin/env python3
"""Checks the benchmarks themselves: `check_bench.py BUILD` with a build that has bench_generate, bench_hunt and postern.

Lanes are made small: events have the promised size and repetition, one seed gives one file, planted events are
found by a rule of the check's own, by one thread as by two. Then what reads other programs' output and writes the
report is held against known texts. Prints `N of M` and what fails.
"""
import argparse
import collections
import json
import os
import re
import sys
import tempfile

import callgrind
import measure
import pairs
import report
from lanes import LANES, Evidence, Generator, RuleSet
from measure import Bench, Row, Run

RULE = """title: Planted
id: 11111111-1111-4111-8111-111111111111
status: test
logsource:
    product: windows
    category: process_creation
detection:
    selection:
        CommandLine|contains:
            - 'certutil.exe -urlcache'
            - 'powershell.exe -nop'
            - 'delete shadows'
            - 'comsvcs.dll'
            - 'save HKLM'
            - 'schtasks.exe /create'
            - 'bitsadmin.exe /transfer'
            - 'wevtutil.exe cl'
            - 'sekurlsa'
    condition: selection
"""
PART = """positions: line
events: Ir
summary: 700
fl=(206) ./csu/libc-start.c
fn=(15) __libc_start_main
cfn=(21) (below main)
calls=0 29
360 700

fn=(7) postern::exec::(anonymous namespace)::Filter<int>::run(postern::data::Batch const&)
10 100
+3 300
cfn=(8) __memcmp_avx2_movbe
calls=3 20
* 300

fn=(8)
20 300
"""


class Check:
    def __init__(self):
        self.asked, self.failed = 0, []

    def that(self, what, good):
        self.asked += 1
        if not good:
            self.failed.append(what)

    def equal(self, what, got, wanted):
        self.that(f"{what}: {got!r}, not {wanted!r}", got == wanted)


def check_lane(check, generator, lane, folder):
    evidence = generator.make(lane.name, "1M")
    with open(evidence.path, "rb") as f:
        data = f.read()
    again = generator.make(lane.name, "1M", 2)
    with open(again.path, "rb") as f:
        check.that(f"{lane.name}: another seed gives another file", f.read() != data)
    first, second, share = callgrind.parts_of(lane, evidence)
    check.that(f"{lane.name}: parts", 0.15 < share < 0.4 and len(first) + len(second) >= len(data))
    if not lane.windows_json:
        return
    events = [json.loads(line) for line in data.splitlines()]
    check.equal(f"{lane.name}: events", len(events), evidence.events)
    check.equal(f"{lane.name}: times that only one event has", len(pairs.events_of(evidence.path)), len(events))
    if lane.name.startswith("sysmon"):
        size = len(data) / len(events)
        check.that(f"{lane.name}: {size:.0f} bytes an event, not 500 to 750", 500 <= size <= 750)
        commands = collections.Counter(e["CommandLine"] for e in events if "CommandLine" in e)
        repeated = 1 - len(commands) / sum(commands.values())
        if lane.name.endswith("-unique"):
            check.that(f"{lane.name}: {repeated:.2f} of the command lines are repeated", repeated < 0.01)
        else:
            check.that(f"{lane.name}: {repeated:.2f} of the command lines are repeated", 0.4 < repeated < 0.9)
        kinds = {e["category"] for e in events}
        check.equal(f"{lane.name}: kinds", len(kinds), 5)


def check_hunt(check, build, generator, folder):
    args = argparse.Namespace(runs=1, size_of=lambda lane, rules: "4M")
    bench = Bench(build, generator, args)
    rule = os.path.join(folder, "planted.yml")
    with open(rule, "w") as f:
        f.write(RULE)
    rules = RuleSet("sigma 1", [rule], 1)
    bench.sets = [rules]
    lanes = [LANES[n] for n in ("sysmon", "sysmon-unique", "sysmon-evtx")]
    bench.time_all(lambda _: lanes)
    check.equal("times", sorted(bench.times),
                [("sigma 1", lane.name, n) for lane in sorted(lanes, key=lambda lane: lane.name)
                 for n in ((1, 2) if lane.main and os.cpu_count() > 1 else (1,))])
    for row in bench.measure(rules, lanes):
        check.equal(f"{row.lane}: what is wrong", row.wrong, "")
        # One event in 1,000 is planted, every fifth of them a process.
        check.equal(f"{row.lane}: planted processes found", row.findings, (row.events // 1000 + 4) // 5)


def check_run(check):
    ballast = bytearray(200_000_000)
    ballast[::4096] = b"x" * len(ballast[::4096])
    small = measure.run(["sh", "-c", "echo a; echo b >&2; exit 3"])
    check.equal("a run", (small.lines, small.status, small.error), (1, 3, "b"))
    check.that(f"a small program takes {small.memory:.0f} MB", small.memory < 50)


def check_reading(check, folder):
    check.equal("a time", pairs.moment("2024-05-01 08:00:00.1234567Z"), "2024-05-01T08:00:00.123456")
    check.equal("a time without a part", pairs.moment("2024-05-01T08:00:00Z"), "2024-05-01T08:00:00.000000")
    os.mkdir(os.path.join(folder, "rules"))
    with open(os.path.join(folder, "rules", "0000.yml"), "w") as f:
        f.write(RULE)
    rules = pairs.rules_of(os.path.join(folder, "rules"))
    check.equal("a rule's log source", list(rules.values()), [("Planted", "windows", "process_creation", "")])
    rule = next(iter(rules))
    events = {"a": "process_creation", "b": "process_creation", "c": "file_event"}
    count = collections.Counter
    equal, classes, unexplained = pairs.compare(count({(rule, "a"): 1, (rule, "b"): 1}),
                                                count({(rule, "a"): 1, (rule, "c"): 1}), rules, events)
    check.equal("equal pairs", equal, 1)
    check.equal("classes", dict(classes), {"only postern: unexplained": 1,
                                           "only rsigma: the rule is for another log source": 1})
    check.equal("unexplained", len(unexplained), 1)
    part, listing = os.path.join(folder, "part"), os.path.join(folder, "listing")
    with open(part, "w") as f:
        f.write(PART)
    callgrind.write_listing(part, listing)
    check.equal("a listing", callgrind.top(listing, 5), [(57.1, "exec::Filter::run"), (42.9, "__memcmp_avx2_movbe")])
    check.equal("a total", callgrind.total(part), 700)


def check_report(check, folder):
    load = [Run(1.0, 1.0, 100.0, 0, "", 0, "", "")]
    rows = []
    for rules, program, cpu in (("sigma 100", "postern", 1.5), ("sigma 3,780", "postern", 2.0),
                                ("sigma 3,780", "rsigma eval, default", 31.0)):
        row = Row("sysmon", rules, program)
        row.set_runs(Evidence("", 600_000, 300_000_000), [Run(cpu, cpu, 200.0, 7, "", 0, "", "")], load)
        rows.append(row)
    rows[2].times = rows[1].rate / rows[2].rate
    check.equal("a rate", rows[1].rate, 600_000)
    goals = report.goals(rows)
    check.that("a goal that is met", "| 600,000 | yes |" in goals)
    check.that("a goal that is not", "1.5 times the time | 2.00 | no |" in goals)
    check.that("the peer's goal", "20 times rsigma, default | 30.0 | yes |" in goals)
    page = os.path.join(folder, "page.md")
    with open(page, "w") as f:
        f.write("before\n<!-- x: begin -->\nold\n<!-- x: end -->\nafter\n")
    report.publish(page, "x", "new \\1 text\n")
    with open(page) as f:
        check.equal("a page", f.read(), "before\n<!-- x: begin -->\nnew \\1 text\n<!-- x: end -->\nafter\n")


def main():
    build = os.path.abspath(sys.argv[1])
    check = Check()
    with tempfile.TemporaryDirectory() as folder:
        measure.WORK = folder
        generator = Generator(build)
        generator.folder = os.path.join(folder, "data")
        for lane in LANES.values():
            check_lane(check, generator, lane, folder)
        check_hunt(check, build, generator, folder)
        check_run(check)
        check_reading(check, folder)
        check_report(check, folder)
    for what in check.failed:
        print(f"failed: {what}")
    print(f"{check.asked - len(check.failed)} of {check.asked}")
    return 1 if check.failed else 0


if __name__ == "__main__":
    sys.exit(main())
