"""Runs of one command, what they took, and the figures of one lane with one set of rules."""
import concurrent.futures
import dataclasses
import hashlib
import json
import os
import subprocess
import sys

from lanes import WORK

ENV = {"TZ": "UTC", "LC_ALL": "C.UTF-8"}


@dataclasses.dataclass
class Run:
    cpu: float  # user and system, seconds
    wall: float
    memory: float  # peak, MB
    lines: int
    digest: str
    status: int
    error: str
    output: str


# A process begins with the memory of the one that started it, and Linux counts that into its peak: so the program is
# started by one that is small, which tells what it took.
STARTER = """import json, os, sys, time
start = time.monotonic()
child = os.fork()
if child == 0:
    os.execvp(sys.argv[2], sys.argv[2:])
_, status, usage = os.wait4(child, 0)
with open(sys.argv[1], "w") as f:
    json.dump([usage.ru_utime + usage.ru_stime, time.monotonic() - start, usage.ru_maxrss * 1024 / 1e6,
               os.waitstatus_to_exitcode(status)], f)
"""


def run(words, stdin=None, env=None):
    """One run; what it printed is in build/bench/out.jsonl until the next one."""
    out = os.path.join(WORK, "out.jsonl")
    with open(out, "wb") as f, open(out + ".err", "wb") as err, open(stdin or os.devnull, "rb") as source:
        subprocess.run([sys.executable, "-I", "-S", "-c", STARTER, out + ".took", *words], stdin=source, stdout=f,
                       stderr=err, env={**os.environ, **ENV, **(env or {})}, check=True)
    with open(out + ".took", encoding="utf-8") as f:
        cpu, wall, memory, status = json.load(f)
    with open(out + ".err", encoding="utf-8", errors="replace") as f:
        said = f.read()
    digest = hashlib.sha256()
    lines = 0
    with open(out, "rb") as f:
        for line in f:
            lines += 1
            digest.update(line)
    return Run(cpu, wall, memory, lines, digest.hexdigest(), status, said[-400:].strip(), out)


# CPU seconds of a run that need no second one: noise does not matter so much.
LONG_ENOUGH = 8.0


def runs(words, n, **more):
    """`n` runs, or one of a program that takes long."""
    done = [run(words, **more)]
    while len(done) < n and done[0].cpu < LONG_ENOUGH:
        done.append(run(words, **more))
    return done


def least(done, key):
    """Other work only ever adds to a time, so the least of some runs is nearest to what the work takes."""
    return min(getattr(r, key) for r in done)


@dataclasses.dataclass
class Row:
    """One line of the table."""
    lane: str
    rules: str
    program: str
    events: int = 0
    bytes: int = 0
    seconds: float = 0  # CPU of the run less that of loading
    rate: float = 0
    mbps: float = 0
    memory: float = 0
    load: float = 0
    load_memory: float = 0
    findings: int = 0
    times: float = 0  # this program's time against postern's
    two_cores: float = 0  # how many times as fast by the clock, loading left out
    instructions: float = 0  # per event
    note: str = ""
    wrong: str = ""

    def set_time(self, evidence, seconds):
        self.events, self.bytes = evidence.events, evidence.bytes
        self.seconds = max(seconds, 1e-3)
        self.rate = self.events / self.seconds
        self.mbps = self.bytes / 1e6 / self.seconds

    def set_runs(self, evidence, busy, load):
        """Of a program that can only be run whole: the start is taken off."""
        self.set_time(evidence, least(busy, "cpu") - least(load, "cpu"))
        self.set_memory(busy, load)

    def set_memory(self, busy, load):
        self.memory = max(r.memory for r in busy)
        self.load, self.load_memory = least(load, "cpu"), max(r.memory for r in load)
        self.findings = busy[-1].lines


class Bench:
    """postern of one build, over lanes and rule sets."""

    def __init__(self, build, generator, args):
        self.build, self.generator, self.args = build, generator, args
        self.postern = os.path.join(build, "postern")
        self.sets = []
        self.times = {}  # by rules, lane and threads
        self.broken = {}  # by rules: why

    def hunt(self, rules, path, jobs=1):
        words = [self.postern, "hunt", "--no-builtin", "-j", str(jobs), "--no-progress", "-q", "--format", "jsonl"]
        for r in rules.paths:
            words += ["--rules", r]
        return words + [path]

    def time_hunts(self, rules, lanes, threads, rounds):
        """{(lane, threads): {"cpu": [...], "wall": [...], ...}}, and what went wrong: one process, so rules are loaded
        once, and what is compared takes turns."""
        words = [os.path.join(self.build, "bench", "bench_hunt"), "--threads", ",".join(str(n) for n in threads),
                 "--rounds", str(rounds)]
        for r in rules.paths:
            words += ["--rules", r]
        words += [self.generator.make(lane.name, self.args.size_of(lane, rules)).path for lane in lanes]
        r = subprocess.run(words, capture_output=True, text=True, env={**os.environ, **ENV})
        told = [json.loads(line) for line in r.stdout.splitlines()]
        keys = [(lane.name, n) for lane in lanes for n in threads]
        if r.returncode or [t["threads"] for t in told] != [n for _, n in keys]:
            return {}, f"bench_hunt, exit status {r.returncode}: {r.stderr.strip()[-300:]}"
        return dict(zip(keys, told)), ""

    def side_by_side(self, rules, lane):
        """How many times the work of one program two do at the same time: what two cores can, on this machine."""
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            jobs = [pool.submit(self.time_hunts, rules, [lane], [1], self.args.runs + 1) for _ in range(2)]
            both = [job.result()[0] for job in jobs]
        alone, _ = self.time_hunts(rules, [lane], [1], self.args.runs)
        key = (lane.name, 1)
        if not all(key in told for told in both + [alone]):
            return 0
        # The first round of each may have had a core that the other did not want yet.
        return 2 * min(alone[key]["wall"]) / max(min(told[key]["wall"][1:]) for told in both)

    def time_all(self, lanes_of):
        """Times of all rule sets over their lanes, in passes over everything: a slow minute of the machine falls on
        one pass, and not on one row. What runs on two cores takes turns with one."""
        for n in range(self.args.runs):
            for rules in self.sets:
                print(f"bench: pass {n + 1} of {self.args.runs}, {rules.name}", file=sys.stderr, flush=True)
                two = [lane for lane in lanes_of(rules) if self.runs_on_two(rules, lane)]
                one = [lane for lane in lanes_of(rules) if lane not in two]
                # A program's first round meets memory and code that nobody has touched.
                rounds = 2 if rules.sigma else 1
                for lanes, threads in ((two, [1, 2]), (one, [1])):
                    if lanes:
                        self.add_times(rules, *self.time_hunts(rules, lanes, threads, rounds))

    @staticmethod
    def runs_on_two(rules, lane):
        return lane.main and rules.sigma and (os.cpu_count() or 1) > 1

    def add_times(self, rules, told, broken):
        if broken:
            self.broken[rules.name] = broken
        for (lane, threads), t in told.items():
            known = self.times.setdefault((rules.name, lane, threads), {"cpu": [], "wall": [], "findings": 0})
            known["cpu"] += t["cpu"]
            known["wall"] += t["wall"]
            known["events"], known["findings"] = t["events"], t["findings"]

    def measure(self, rules, lanes):
        """A row for each lane, after time_all()."""
        one = self.generator.one_event("sysmon")
        load = [run(self.hunt(rules, one.path)) for _ in range(self.args.runs if rules.sigma else 1)]
        most = max((s.count for s in self.sets if s.sigma), default=0)
        for lane in lanes:
            row = Row(lane.name, rules.name, "postern")
            evidence = self.generator.make(lane.name, self.args.size_of(lane, rules))
            single, double = (run(self.hunt(rules, evidence.path, n)) for n in (1, 2))
            row.set_memory([single], load)
            timed, both = (self.times.get((rules.name, lane.name, n)) for n in (1, 2))
            if timed:
                row.set_time(evidence, min(timed["cpu"]))
            if timed and both:
                row.two_cores = min(timed["wall"]) / min(both["wall"])
                if rules.count == most and lane is next(x for x in lanes if self.runs_on_two(rules, x)):
                    row.note = f"two programs side by side do {self.side_by_side(rules, lane):.2f} times the work of one"
            bad = [r for r in load + [single, double] if r.status not in (0, 2)]
            if bad or not timed or rules.name in self.broken:
                row.wrong = (f"exit status {bad[0].status}: {bad[0].error}" if bad
                             else self.broken.get(rules.name, "not timed"))
            elif single.digest != double.digest:
                row.wrong = "one thread and two give different findings"
            elif timed["findings"] != single.lines:
                row.wrong = f"timed {timed['findings']} findings, printed {single.lines}"
            elif single.status == 2:
                row.note = "some rules were stopped by the memory limit"
            yield row

    def check_answers(self, rules, lanes):
        """'' when small batches, small slices, two threads and the plain interpreter find the same."""
        words = [os.path.join(self.build, "tests", "check_filters"), "--batch", "1", "--batch", "100", "--threads", "2"]
        for r in rules.paths:
            words += ["--rules", r]
        for lane in lanes:
            # What the filter learns of the main lanes it learns over thousands of events of each kind.
            size = self.args.slice_main if lane.main else self.args.slice
            words.append(self.generator.make(lane.name, size if rules.sigma else self.args.query_slice).path)
        r = subprocess.run(words, capture_output=True, text=True, env={**os.environ, **ENV})
        said = [line for line in r.stdout.split("\n") if " findings equal" in line]
        print(f"bench: {rules.name}: " + "; ".join(said), file=sys.stderr, flush=True)
        if r.returncode == 0:
            return "", said
        return (r.stdout + r.stderr).strip().split("\n")[-1], said
