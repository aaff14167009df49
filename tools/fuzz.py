#!/usr/bin/env python3
"""Runs the fuzz targets of a build for a given CPU time each, in turns, and prints what was tried.

    tools/fuzz.py BUILD [TARGET...] [--seconds 600] [--seeds DIR] [--threads 1]

BUILD is the folder of the preset `fuzz`. Time is CPU time of the target, so a busy machine tries no less. What a
target has learnt stays in BUILD/fuzz/TARGET and its account in BUILD/fuzz/TARGET.json: a stopped run carries on
where it was, and a finished one only prints the table (delete BUILD/fuzz to begin anew). DIR/TARGET, where it
exists, holds further seeds. A find is a file BUILD/fuzz/TARGET.crash-*, .timeout-* or .oom-*; it ends the runs of
its target, and the exit status is 1.
"""
import argparse
import json
import os
import pathlib
import re
import resource
import signal
import subprocess
import sys
import threading
import time

TURN = 60  # seconds of CPU time before the next target has its turn
MAX_BYTES = 16384


def cpu_seconds(pid):
    """CPU time of a running process; None once it is gone."""
    try:
        fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except OSError:
        return None
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Target:
    """One fuzz target: its program, its corpus, and the account of what it has tried so far."""

    def __init__(self, name, program, folder, seeds, options):
        self.name, self.program, self.seeds, self.options = name, program, seeds, options
        self.corpus = folder / name
        self.corpus.mkdir(parents=True, exist_ok=True)
        self.prefix = folder / f"{name}."
        self.account = folder / f"{name}.json"
        self.cpu, self.inputs, self.edges = 0.0, 0, 0
        if self.account.exists():
            known = json.loads(self.account.read_text())
            self.cpu, self.inputs, self.edges = known["cpu"], known["inputs"], known["edges"]

    def finds(self):
        return sorted(p.name for kind in ("crash", "timeout", "oom", "leak")
                      for p in self.prefix.parent.glob(f"{self.name}.{kind}-*"))

    def turn(self, seconds, stopping):
        """Runs for `seconds` of CPU time, or until `stopping` is set."""
        log_path = f"{self.prefix}log"
        with open(log_path, "w", encoding="utf-8", errors="replace") as log:
            run = subprocess.Popen(
                [str(self.program), f"-timeout={self.options.timeout}", f"-max_len={MAX_BYTES}", "-rss_limit_mb=2048",
                 "-print_final_stats=1", f"-artifact_prefix={self.prefix}", str(self.corpus),
                 *map(str, self.seeds)], stdout=log, stderr=log, preexec_fn=lambda: os.nice(self.options.nice))
            used, asked = 0.0, False
            while run.poll() is None:
                used = cpu_seconds(run.pid) or used
                if not asked and (used >= seconds or stopping.is_set()):
                    run.send_signal(signal.SIGINT)
                    asked = True
                time.sleep(0.5)
        text = pathlib.Path(log_path).read_text(encoding="utf-8", errors="replace")
        inputs = re.search(r"number_of_executed_units: (\d+)", text)
        edges = re.findall(r" cov: (\d+)", text)
        self.cpu += used
        self.inputs += int(inputs[1]) if inputs else 0
        self.edges = max([self.edges, *map(int, edges)])
        self.account.write_text(json.dumps({"cpu": self.cpu, "inputs": self.inputs, "edges": self.edges}))
        if not asked and not self.finds():
            raise SystemExit(f"fuzz: {self.name} ended by itself with {run.returncode}; see {log_path}")


def run_all(targets, seconds, threads):
    """Gives turns to the target that has had least, until each has had `seconds`."""
    lock, busy, stopping = threading.Lock(), set(), threading.Event()
    signal.signal(signal.SIGINT, lambda *_: stopping.set())
    signal.signal(signal.SIGTERM, lambda *_: stopping.set())
    faults = []

    def work():
        while not stopping.is_set():
            with lock:
                open_ones = [t for t in targets if t.cpu < seconds and not t.finds() and t.name not in busy]
                if not open_ones:
                    return
                target = min(open_ones, key=lambda t: t.cpu)
                busy.add(target.name)
            try:
                target.turn(min(TURN, seconds - target.cpu), stopping)
            except SystemExit as fault:
                faults.append(str(fault))
                stopping.set()
            with lock:
                busy.discard(target.name)

    workers = [threading.Thread(target=work) for _ in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        while worker.is_alive():
            worker.join(1)
    return faults


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("targets", nargs="*", metavar="TARGET")
    parser.add_argument("--seconds", type=float, default=600, help="CPU time for each target (default: 600)")
    parser.add_argument("--seeds", type=pathlib.Path, help="a folder with further seeds, one folder per target")
    parser.add_argument("--threads", type=int, default=1, help="targets at the same time (default: 1)")
    parser.add_argument("--nice", type=int, default=19, help="priority of the targets (default: 19, the lowest)")
    parser.add_argument("--timeout", type=int, default=10,
                        help="seconds by the clock that one input may take (default: 10)")
    arguments = parser.parse_args()
    programs = {p.name[5:]: p for p in sorted((arguments.build / "tests").glob("fuzz_*"))
                if p.is_file() and os.access(p, os.X_OK)}
    unknown = [name for name in arguments.targets if name not in programs]
    if unknown or not programs:
        sys.exit(f"fuzz: no target {', '.join(unknown) or 'at all'} in {arguments.build}/tests; "
                 f"there are: {', '.join(programs) or 'none (cmake --preset fuzz)'}")
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    own = pathlib.Path(__file__).resolve().parent.parent / "tests/fuzz/corpus"
    targets = []
    for name in arguments.targets or programs:
        seeds = [d / name for d in (own, arguments.seeds) if d and (d / name).is_dir()]
        targets.append(Target(name, programs[name], arguments.build / "fuzz", seeds, arguments))
    faults = run_all(targets, arguments.seconds, arguments.threads)
    print("| target | CPU seconds | inputs | edges covered | finds |\n|---|---|---|---|---|")
    for target in targets:
        print(f"| {target.name} | {target.cpu:.0f} | {target.inputs:,} | {target.edges:,} | {len(target.finds())} |")
    finds = [find for target in targets for find in target.finds()]
    for line in faults + [f"find: {arguments.build / 'fuzz' / find}" for find in finds]:
        print(line)
    whole = sum(1 for t in targets if t.cpu >= arguments.seconds and not t.finds())
    print(f"{whole} of {len(targets)} targets had {arguments.seconds:.0f} s of CPU time without a find")
    sys.exit(1 if finds or faults else 0)


if __name__ == "__main__":
    main()
