"""Other programs on the same lanes: what they take, and whether rsigma finds the same.

rsigma evaluates Sigma rules: by default every rule against every event, and with --logsource-routing
only those whose log source does not contradict what the event says of itself; as a program that
reads a file (`engine eval`, on one thread) and as its daemon that reads standard input (bound to one
core). It comes from the Rust registry and is built under build/bench/peers; nothing of postern needs it.
jq and grep are floors: they read the same bytes and do a small part of the work.
"""
import json
import os
import shutil
import subprocess
import sys

import pairs
from lanes import ROOT, WORK
from measure import LONG_ENOUGH, Row, run, runs

RSIGMA = "0.23.0"  # the newest that rustc 1.95 compiles
PEERS = os.path.join(WORK, "peers")
ONE_CORE = {"RAYON_NUM_THREADS": "1", "TOKIO_WORKER_THREADS": "1"}
JQ = ["jq", "-c", 'select(.CommandLine // "" | ascii_downcase | contains("mimikatz"))']


def find_rsigma(args, skipped):
    """The program: given, on the PATH, or built from the registry; None where that cannot be."""
    if args.rsigma:
        return args.rsigma
    if found := shutil.which("rsigma"):
        return found
    built = os.path.join(PEERS, "bin", "rsigma")
    if os.path.exists(built):
        return built
    cargo = shutil.which("cargo") or os.path.expanduser("~/.cargo/bin/cargo")
    if not os.path.exists(cargo):
        skipped.append("rsigma: there is no cargo to build it with (or --rsigma PROGRAM)")
        return None
    print(f"bench: building rsigma {RSIGMA} from the Rust registry (minutes, once)", file=sys.stderr, flush=True)
    os.makedirs(PEERS, exist_ok=True)
    log = os.path.join(PEERS, "rsigma.log")
    with open(log, "w") as f:
        # With its default features: without them 0.23.0 does not compile.
        done = subprocess.run([cargo, "install", "rsigma", "--version", RSIGMA, "--locked", "--root", PEERS,
                               "--target-dir", os.path.join(PEERS, "target")], stdout=f, stderr=f)
    if done.returncode == 0 and os.path.exists(built):
        shutil.rmtree(os.path.join(PEERS, "target"), ignore_errors=True)
        return built
    skipped.append(f"rsigma: cargo could not build it; see {os.path.relpath(log, ROOT)}")
    return None


class Rsigma:
    def __init__(self, program, rules):
        self.program, self.folder = program, rules.paths[0]

    # The most that routing can be told of these lanes: the service as well.
    ROUTED = ["--logsource-routing", "--event-logsource", "product=windows,service=sysmon"]

    def eval_words(self, path, routed, whole=False):
        words = [self.program, "engine", "eval", "--rules", self.folder, "--event", f"@{path}",
                 "--input-format", "json", "--quiet", "--output-format", "ndjson"]
        return words + (self.ROUTED if routed else []) + (["--include-event"] if whole else [])

    def daemon_words(self, routed):
        words = [self.program, "engine", "daemon", "--rules", self.folder, "--input", "stdin", "--input-format", "json",
                 "--api-addr", "127.0.0.1:0"]
        core = ["taskset", "-c", "0"] if shutil.which("taskset") else []
        return core + words + (self.ROUTED if routed else [])


def literals_of(folder, path):
    """What the `contains` lists of the rules ask for, as grep patterns: one per line."""
    found = set()
    for name in sorted(os.listdir(folder)):
        listing = False
        with open(os.path.join(folder, name), encoding="utf-8") as f:
            for line in f:
                text = line.strip()
                if not text.startswith("- "):
                    listing = text.endswith(":") and "|contains" in text
                    continue
                value = text[2:].strip().split(" #")[0].strip().strip("'\"")
                if listing and len(value) > 3 and "*" not in value:
                    # As JSON writes it.
                    found.add(json.dumps(value, ensure_ascii=False)[1:-1])
    with open(path, "w", encoding="utf-8") as f:
        f.write("\n".join(sorted(found)) + "\n")
    return len(found)


class Peers:
    def __init__(self, bench, args, skipped):
        self.bench, self.args = bench, args
        self.rsigma = find_rsigma(args, skipped)
        self.notes = []
        for floor in ("jq", "grep"):
            if not shutil.which(floor):
                skipped.append(f"{floor}: not installed")

    def rows(self, lane, rules):
        """What the peers do on the lane."""
        found = []
        evidence = self.bench.generator.make(lane.name, self.args.size_of(lane, rules))
        one = self.bench.generator.one_event("sysmon")
        if self.rsigma:
            found += self.rsigma_rows(lane, rules, evidence, one)
        if rules.count == min(s.count for s in self.bench.sets if s.sigma) and shutil.which("jq"):
            found.append(self.row(lane, rules, "jq", evidence, JQ + [evidence.path], JQ + [one.path],
                                  named="one test"))
        if rules.count == max(s.count for s in self.bench.sets if s.sigma) and shutil.which("grep"):
            patterns = os.path.join(WORK, "literals.txt")
            n = literals_of(rules.paths[0], patterns)
            words = ["grep", "-a", "-F", "-f", patterns]
            found.append(self.row(lane, rules, "grep -F -f", evidence, words + [evidence.path],
                                  words + [one.path], named=f"{n:,} literals"))
        return found

    def turns(self, rules, lane, words, **more):
        """Runs of `words`, in turns with postern's hunts over the same lane: the machine is slow for both or for
        neither. What postern took, and the runs."""
        own, busy = [], []
        for _ in range(self.args.runs):
            told = self.bench.time_hunts(rules, [lane], [1], 2)[0]
            own += told[(lane.name, 1)]["cpu"]
            busy += runs(words, 1, **more)
            if busy[0].cpu >= LONG_ENOUGH:
                break
        return min(own), busy

    def row(self, lane, rules, program, evidence, words, idle, named=None, **more):
        """`idle` is the same on one event; `named`: what the table says of the rules."""
        row = Row(lane.name, named or rules.name, program)
        own, busy = self.turns(rules, lane, words, **more)
        row.set_runs(evidence, busy, runs(idle, self.args.runs, **more))
        row.times = row.seconds / own
        # 1 is "nothing found" for grep.
        bad = [r for r in busy if r.status not in (0, 1)]
        if bad:
            row.wrong = f"exit status {bad[0].status}: {bad[0].error}"
        return row

    def rsigma_rows(self, lane, rules, evidence, one):
        peer, found = Rsigma(self.rsigma, rules), []
        last = run(self.bench.hunt(rules, evidence.path))
        ours = pairs.postern_pairs(last.output)
        known, events = pairs.rules_of(rules.paths[0]), pairs.events_of(evidence.path)
        for routed in (False, True):
            mode = "routed" if routed else "default"
            row = self.row(lane, rules, f"rsigma eval, {mode}", evidence, peer.eval_words(evidence.path, routed),
                           peer.eval_words(one.path, routed), env=ONE_CORE)
            whole = run(peer.eval_words(evidence.path, routed, True), env=ONE_CORE)
            equal, classes, unexplained = pairs.compare(ours, pairs.rsigma_pairs(whole.output), known, events)
            row.note = f"{equal:,} pairs equal" + "".join(f"; {n:,} {why}" for why, n in sorted(classes.items()))
            self.notes += [f"{lane.name}, {rules.name}, {mode}: {text}" for text in unexplained]
            found.append(row)
            if self.args.daemon:
                words = peer.daemon_words(routed)
                row = Row(lane.name, rules.name, f"rsigma daemon, {mode}")
                own, busy = self.turns(rules, lane, words, stdin=evidence.path, env=ONE_CORE)
                row.set_runs(evidence, busy, runs(words, self.args.runs, stdin=one.path, env=ONE_CORE))
                row.times = row.seconds / own
                found.append(row)
        return found
