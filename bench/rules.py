#!/usr/bin/env python3
"""What hunting costs by the number of rules: `./dev bench rules [LANE...] [options]`.

Lanes and rules: bench/lanes.py. Figures are CPU time, because other work on the machine moves it less than the clock:
the least of some rounds of bench_hunt, which loads the rules once and leaves that out; rounds are spread over passes
through all lanes and rule sets, and one core and two take turns. Other programs are run whole, in turns with
postern, and the same on one event is taken off. Answers are compared: one thread and two byte for byte; by `check_filters`, on slices of all lanes, small batches, two threads
and the plain interpreter; rsigma's rule by rule and event by event (bench/pairs.py). Instructions per event and the
profile come from callgrind (bench/callgrind.py), other programs from bench/peers.py. What is not at hand is skipped
and named. The table goes to build/bench/rules-benchmark.md, the curve over the rule counts beside it; --publish puts
both into docs.
"""
import argparse
import concurrent.futures
import dataclasses
import json
import os
import sys
import time

import callgrind
import curve
import peers
import report
from lanes import LANES, ROOT, SHARED, WORK, Generator, rule_sets
from measure import Bench


def arguments(argv):
    parser = argparse.ArgumentParser(prog="./dev bench rules")
    parser.add_argument("lanes", nargs="*", help=", ".join(LANES))
    parser.add_argument("--quick", action="store_true", help="small and fewer lanes, two runs, 100 and 3,780 rules")
    parser.add_argument("--size", help="of each lane for Sigma rules (default: by lane, 64M or 128M)")
    parser.add_argument("--query-size", help="of each lane for KQL and SPL rules (default 8M)")
    parser.add_argument("--slice", default="1M", help="of each lane for the comparison of answers, Sigma")
    parser.add_argument("--slice-main", default="32M", help="the same, of the main lanes")
    parser.add_argument("--query-slice", default="256K", help="the same, KQL and SPL")
    parser.add_argument("--count-slice", default="4M", help="of each lane under callgrind")
    parser.add_argument("--count-main", default="32M", help="of the main lanes under callgrind")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--seed", type=int, default=6)
    parser.add_argument("--counts", type=lambda t: [int(n) for n in t.split(",")], default=[100, 1000, 3780])
    parser.add_argument("--rules", action="append", help="only rule sets whose name begins so: sigma-100, kql")
    parser.add_argument("--sigma", default=os.path.join(SHARED, "corpora", "sigma"))
    parser.add_argument("--kql", nargs="+", default=[os.path.join(SHARED, "corpora", "kql", "queries")])
    parser.add_argument("--spl", nargs="+", default=[os.path.join(SHARED, "corpora", "spl", d)
                                                     for d in ("detections", "macros", "lookups")])
    parser.add_argument("--build", default=os.path.join(ROOT, "build", "release"))
    parser.add_argument("--rsigma", help="the peer's program (default: on the PATH, else built by cargo)")
    parser.add_argument("--no-peers", dest="peers", action="store_false")
    parser.add_argument("--no-daemon", dest="daemon", action="store_false", help="rsigma's daemon")
    parser.add_argument("--no-check", dest="check", action="store_false")
    parser.add_argument("--no-instructions", dest="instructions", action="store_false")
    parser.add_argument("--publish", action="store_true", help="write the table and the curve to docs")
    args = parser.parse_args(argv)
    if unknown := [n for n in args.lanes if n not in LANES]:
        sys.exit(f"bench: no lane {', '.join(unknown)}; there are {', '.join(LANES)}")
    if args.quick:
        args.size, args.query_size = args.size or "16M", args.query_size or "1M"
        args.runs, args.counts, args.daemon = 2, [args.counts[0], args.counts[-1]], False
        args.slice, args.slice_main, args.query_slice, args.instructions = "256K", "2M", "64K", False
    args.size_of = lambda lane, rules: (args.size or lane.size) if rules.sigma else (args.query_size or lane.query_size)
    return args


def measure_all(bench, lanes, args):
    rows = []

    def lanes_of(rules):
        return [lane for lane in lanes if not args.quick or lane.runs_quickly(rules)]

    bench.time_all(lanes_of)
    print(report.HEAD)
    for rules in bench.sets:
        for row in bench.measure(rules, lanes_of(rules)):
            rows.append(row)
            print(report.line_of(row), flush=True)
    return rows


def measure_peers(bench, rows, others):
    """Where they do the same work: Sigma, Windows events as JSON."""
    found = []
    for own in rows:
        lane, rules = LANES[own.lane], next(s for s in bench.sets if s.name == own.rules)
        if lane.main and lane.windows_json and rules.sigma:
            for row in others.rows(lane, rules):
                found.append(row)
                print(report.line_of(row), flush=True)
    return found


def in_order(rows, lanes, sets):
    places = {lane.name: i for i, lane in enumerate(lanes)}
    order = {s.name: i for i, s in enumerate(sets)}
    return sorted(rows, key=lambda r: (places[r.lane], order.get(r.rules, len(order)), r.program != "postern"))


def compare_answers(bench, lanes, pool):
    """Sentences for the report, and whether anything differed."""
    jobs = {s.name: pool.submit(bench.check_answers, s, lanes)
            for s in bench.sets if not s.sigma or s.count == max(x.count for x in bench.sets if x.sigma)}
    told, wrong = [], []
    for name, job in jobs.items():
        bad, said = job.result()
        if bad:
            wrong.append(f"{name}: {bad}")
        else:
            told.append(f"{int(said[0].split(' of ')[1].split()[0]):,} findings of {name}")
    sentences = ["equal for one thread and two in every row; on slices of all lanes the shared filter, batches of 1 and "
                 f"100 rows, two threads and the plain interpreter find the same ({', '.join(told)})."] if told else []
    return sentences + [f"DIFFERENT: {w}" for w in wrong], bool(wrong)


def count_all(bench, lanes, rows, args, pool, skipped):
    if not callgrind.available():
        skipped.append("instructions per event and profile: valgrind is not installed")
        return
    jobs = [(s, pool.submit(callgrind.count, bench, s, lanes, args)) for s in bench.sets if s.sigma]
    for rules, job in jobs:
        counted, why = job.result()
        if why:
            skipped.append(f"instructions per event, {rules.name}: {why}")
        for row in rows:
            if row.rules == rules.name and row.program == "postern":
                row.instructions = counted.get(row.lane, 0)


def main(argv):
    args = arguments(argv)
    started, load = time.time(), os.getloadavg()[0]
    os.makedirs(WORK, exist_ok=True)
    skipped = []
    bench = Bench(args.build, Generator(args.build), args)
    bench.sets = rule_sets(args, skipped)
    lanes = [LANES[n] for n in args.lanes or LANES]
    rows = measure_all(bench, lanes, args)
    answers, different, others = [], False, None
    # Nothing is timed here, so all cores may work; the peer may have to be built.
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        wanted = args.peers and any(s.sigma for s in bench.sets)
        made = pool.submit(peers.Peers, bench, args, skipped) if wanted else None
        if args.check:
            answers, different = compare_answers(bench, lanes, pool)
        if args.instructions:
            count_all(bench, lanes, rows, args, pool, skipped)
        others = made.result() if made else None
    if others:
        rows += measure_peers(bench, rows, others)
    rows = in_order(rows, lanes, bench.sets)
    for r in rows:
        if r.wrong:
            print(f"WRONG: {r.lane}, {r.rules}, {r.program}: {r.wrong}", flush=True)
    # Where this machine keeps the peer and the build is of no use to a reader.
    paths = ("--rsigma", "--build")
    options = "".join(" " + a for i, a in enumerate(argv) if a not in ("--publish", *paths) and
                      not a.startswith(tuple(f"{p}=" for p in paths)) and (i == 0 or argv[i - 1] not in paths))
    text = report.text(rows, answers, others.notes if others else [], skipped, options, (load, os.getloadavg()[0]))
    picture = curve.svg(rows, bench.sets)
    with open(os.path.join(WORK, "rules-benchmark.md"), "w", encoding="utf-8") as f:
        f.write("# Rules against events\n\n" + text)
    with open(os.path.join(WORK, "rules-benchmark.svg"), "w", encoding="utf-8") as f:
        f.write(picture)
    if args.publish:
        report.publish(report.PAGE, "bench rules", text)
        with open(os.path.join(ROOT, "docs", "rules-benchmark.svg"), "w", encoding="utf-8") as f:
            f.write(picture)
    with open(os.path.join(WORK, "rules.jsonl"), "a", encoding="utf-8") as f:
        for row in rows:
            f.write(json.dumps({**dataclasses.asdict(row), "time": started}) + "\n")
    print("\n" + text)
    print(f"bench: {time.time() - started:.0f} s; written: build/bench/rules-benchmark.md and .svg"
          + (", docs/performance.md, docs/rules-benchmark.svg" if args.publish else ""), file=sys.stderr)
    return 1 if different or any(r.wrong for r in rows) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
