#!/usr/bin/env python3
"""Runs the benchmarks: `./dev bench [NAME...] [--size 256M] [--runs 5] [--rules FOLDER] [--publish]`.

Each benchmark is one file bench/*.bench: what is generated, what is run, how the answer is checked,
and the peer that runs on the same input in the same run. Figures are user CPU time (other work on
the machine hardly moves it), the median of the runs; wall time counts only where threads are
compared. Raw runs are appended to build/bench/runs.jsonl; --publish writes the table to
docs/performance.md.

A benchmark file has lines `key: value`:
  title:     one line
  data:      kind of evidence (bench/generate.cc)
  postern:   command; {file}, {rules}, {decode}, {postern} are filled in, {layout}: what the rules read,
             {columns}: the same without pseudo columns
  peer:      command of the peer, optional; `peer-name:` what to call it
  needs:     programs that the peer needs; without them the row says so
  check:     rows | findings | sum | none: how the answer is checked (see check_answer)
  threads:   run once more with so many threads; the output must be the same. By the clock they are compared with one
             thread, and with as many programs side by side, which is what the machine can do
  goal:      the figure that the project promises, as text
"""
import argparse
import json
import os
import re
import resource
import shlex
import shutil
import statistics
import subprocess
import sys
import time

import report

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BUILD = os.path.join(ROOT, "build", "release")
DATA = os.path.join(ROOT, "build", "bench", "data")
LAYOUT = os.path.join(ROOT, "build", "bench", "sigma.layout")  # what the Sigma rules read
PEERS = os.path.join(ROOT, "build", "bench", "peers")


def parse_size(text):
    m = re.fullmatch(r"(\d+)([KMG]?)", text)
    if not m:
        sys.exit(f"bench: a size such as 256M or 10G, not {text}")
    return int(m.group(1)) * {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30}[m.group(2)]


def read_bench(path):
    bench = {"name": os.path.basename(path)[: -len(".bench")]}
    for line in open(path):
        line = line.strip()
        if line and not line.startswith("#"):
            key, _, value = line.partition(":")
            bench[key.strip()] = value.strip()
    return bench


def generate(kind, size_text):
    """The evidence and what is in it; made once for a size, by a fixed seed."""
    os.makedirs(DATA, exist_ok=True)
    path = os.path.join(DATA, f"{kind}.{size_text}")
    about = path + ".json"
    tool = os.path.join(BUILD, "bench", "bench_generate")
    if not os.path.exists(about) or os.path.getmtime(about) < os.path.getmtime(tool):
        print(f"bench: generating {path}", file=sys.stderr)
        out = subprocess.run([tool, kind, str(parse_size(size_text)), path], check=True,
                             capture_output=True, text=True).stdout
        with open(about, "w") as f:
            f.write(out)
    with open(about) as f:
        return path, json.load(f)


def find_peer(program):
    """On the PATH, or unpacked below build/bench/peers (`dpkg -x`)."""
    found = shutil.which(program)
    if found:
        return found, {}
    for folder in ("usr/bin", "usr/sbin", "sbin", "bin"):
        path = os.path.join(PEERS, folder, program)
        if os.path.exists(path):
            libs = [os.path.join(PEERS, p) for p in ("usr/lib/x86_64-linux-gnu", "lib/x86_64-linux-gnu")]
            return path, {"LD_LIBRARY_PATH": ":".join(libs)}
    return None, {}


def run(command, env=None):
    """One run: user CPU seconds, wall seconds, peak memory in MB, output, exit status."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.monotonic()
    # /usr/bin/time would be another program to need: wait4 tells the memory of this child alone.
    with open(os.devnull) as nothing:
        p = subprocess.Popen(["bash", "-c", command], stdin=nothing, stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE, text=True, errors="replace",
                             env={**os.environ, "LC_ALL": "C.UTF-8", "TZ": "UTC", **(env or {})})
        out, err = p.communicate()
    wall = time.monotonic() - start
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return {"user": after.ru_utime - before.ru_utime, "wall": wall, "memory": peak_of(err),
            "out": out, "err": err, "status": p.returncode}


def peak_of(err):
    m = re.search(r"^bench-peak-kb (\d+)$", err, re.M)
    return int(m.group(1)) / 1000 if m else 0


def measured(command):
    """Wraps a command so that it tells its own peak memory."""
    script = ("import os,sys,resource;p=os.fork()\n"
              "if p==0: os.execvp(sys.argv[1],sys.argv[1:])\n"
              "_,s,u=os.wait4(p,0)\n"
              "sys.stderr.write('bench-peak-kb %d\\n'%u.ru_maxrss)\n"
              "sys.exit(os.waitstatus_to_exitcode(s))")
    return f"python3 -c {shlex.quote(script)} {command}"


def measured_shell(command):
    return measured(f"bash -c {shlex.quote('exec ' + command)}")


def check_answer(bench, result, about):
    """What is wrong with the answer, or ''."""
    if result["status"] != 0:
        return f"exit status {result['status']}: {result['err'][-300:]}"
    kind = bench.get("check", "")
    if kind == "rows":  # of bench_decode
        rows = json.loads(result["out"])["rows"]
        if rows < about["events"]:
            return f"{rows} rows, {about['events']} events were written"
    elif kind == "findings":
        n = len(result["out"].splitlines())
        if n != about["wanted"]:
            return f"{n} findings, {about['wanted']} were planted"
    elif kind == "sum":
        n = sum(int(json.loads(line)["row"]["n"]) for line in result["out"].splitlines())
        if n != about["events"]:
            return f"a count of {n}, {about['events']} events were written"
    return ""


PEER_RUNS = {}  # by command: two benchmarks may have one peer


def run_peer(command, env, runs):
    """A peer that takes minutes is run on fewer rounds: its ratio is large enough."""
    if command not in PEER_RUNS:
        done = PEER_RUNS[command] = [run(measured_shell(command), env)]
        while len(done) < runs and done[0]["user"] < 5:
            done.append(run(measured_shell(command), env))
    return PEER_RUNS[command]


def measure(bench, args, jobs=1):
    path, about = generate(bench["data"], args.size)
    words = {"file": path, "bench": os.path.join(ROOT, "bench")}
    command = command_of(bench, args, path, jobs)
    own = [run(measured(command)) for _ in range(args.runs)]
    wrong = check_answer(bench, own[0], about)
    size = os.path.getsize(path)
    if own[0]["out"].startswith("{\"format\""):  # bench_decode times itself, without the start
        seconds = statistics.median(json.loads(r["out"])["seconds"] for r in own)
        size = json.loads(own[0]["out"])["live"]
    else:
        seconds = statistics.median(r["user"] for r in own)
    row = {"name": bench["name"], "jobs": jobs, "command": command, "seconds": seconds,
           "rate": size / 1e6 / seconds, "wall": statistics.median(r["wall"] for r in own),
           "memory": max(r["memory"] for r in own), "wrong": wrong, "peer": "",
           "load": os.getloadavg()[0]}
    if bench.get("peer") and jobs == 1:
        programs = {p: find_peer(p) for p in bench.get("needs", "").split()}
        lacking = [p for p, (found, _) in programs.items() if not found]
        if lacking:
            row["peer"] = "without " + ", ".join(lacking)
        else:
            env = {}
            for p, (found, extra) in programs.items():
                words[p] = found
                env.update(extra)
            peer = run_peer(bench["peer"].format(**words), env, args.runs)
            peer_seconds = statistics.median(r["user"] for r in peer)
            row["peer_seconds"] = peer_seconds
            row["peer_memory"] = max(r["memory"] for r in peer)
            # bench_decode names its own median; both are user CPU time of one pass over the file.
            row["ratio"] = peer_seconds / seconds
            row["peer"] = bench.get("peer-name", bench["needs"])
            if peer[0]["status"] != 0:
                row["wrong"] = row["wrong"] or f"the peer failed: {peer[0]['err'][-200:]}"
    os.makedirs(DATA, exist_ok=True)
    with open(os.path.join(ROOT, "build", "bench", "runs.jsonl"), "a") as f:
        f.write(json.dumps({**row, "size": args.size, "time": time.time(),
                            "runs": [[r["user"], r["wall"]] for r in own]}) + "\n")
    row["out"] = own[0]["out"]
    return row


def run_together(commands):
    """Wall seconds until the last of several commands is done that begin at the same time."""
    start = time.monotonic()
    with open(os.devnull) as nothing:
        running = [subprocess.Popen(["bash", "-c", c], stdin=nothing, stdout=subprocess.DEVNULL,
                                    stderr=subprocess.DEVNULL) for c in commands]
        statuses = [p.wait() for p in running]
    if any(statuses):
        sys.exit(f"bench: a command failed: {commands[statuses.index(max(statuses))]}")
    return time.monotonic() - start


def command_of(bench, args, path, jobs):
    return bench["postern"].format(
        file=path, rules=args.rules, jobs=jobs, data=bench["data"], layout=LAYOUT, columns=LAYOUT + ".columns",
        decode=f"{BUILD}/bench/bench_decode {ROOT}/catalog/tables", postern=f"{BUILD}/postern",
        bench=os.path.join(ROOT, "bench"))


def compare_threads(bench, args):
    """By the clock: several threads against one, and against as many hunts of one thread each over their part of
    the input, begun together: they share nothing but the machine, so nobody can be faster on it. The best of the
    runs, in turns, because all else that is disturbed is slower. How many times one thread, the machine, load."""
    threads = int(bench["threads"])
    whole, _ = generate(bench["data"], args.size)
    part, _ = generate(bench["data"], str(parse_size(args.size) // threads))
    best = {}
    for _ in range(args.runs):
        for way, commands in (("one", [command_of(bench, args, whole, 1)]),
                              ("together", [command_of(bench, args, part, 1)] * threads),
                              ("threads", [command_of(bench, args, whole, threads)])):
            best[way] = min(best.get(way, 1e9), run_together(commands))
    return best["one"] / best["threads"], best["one"] / best["together"], os.getloadavg()[0]


def make_layouts(rules):
    """What the rules read of each table; and the same without the pseudo columns."""
    done = subprocess.run([f"{BUILD}/bench/bench_layout", rules], capture_output=True, text=True, check=True)
    os.makedirs(os.path.dirname(LAYOUT), exist_ok=True)
    with open(LAYOUT, "w") as out:
        out.write(done.stdout)
    with open(LAYOUT + ".columns", "w") as out:
        out.writelines(line + "\n" for line in done.stdout.splitlines() if line.split()[1][:1] not in "_~")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("names", nargs="*")
    parser.add_argument("--size", default="256M")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--rules", default=os.path.join(
        os.environ.get("POSTERN_SHARED", os.path.join(ROOT, "..", "shared")), "corpora", "sigma", "rules"))
    parser.add_argument("--publish", action="store_true", help="write the table to docs/performance.md")
    parser.add_argument("--remove", action="store_true", help="remove the generated data afterwards")
    args = parser.parse_args()
    folder = os.path.join(ROOT, "bench")
    benches = [read_bench(os.path.join(folder, f)) for f in sorted(os.listdir(folder)) if f.endswith(".bench")]
    if args.names:
        unknown = [n for n in args.names if not any(b["name"].startswith(n) for b in benches)]
        if unknown:
            sys.exit(f"bench: no benchmark {', '.join(unknown)}; there are "
                     + ", ".join(b["name"] for b in benches))
        benches = [b for b in benches if any(b["name"].startswith(n) for n in args.names)]
    failed = 0
    lines = ["| benchmark | MB/s | peak MB | peer | times as fast | promised | two threads |",
             "|---|---|---|---|---|---|---|"]
    print(f"{'benchmark':<22} {'MB/s':>6} {'CPU s':>7} {'peak MB':>8}  {'peer':<22} {'ratio':>6}  goal")
    for bench in benches:
        if any(word in bench["postern"] for word in ("{rules}", "{layout}", "{columns}")):
            if not os.path.isdir(args.rules):
                print(f"{bench['name']:<22} skipped: no rules at {args.rules}")
                lines.append(f"| `{bench['name']}`: {bench.get('title', '')} | skipped: no rules | | | | | |")
                continue
            make_layouts(args.rules)
        row = measure(bench, args)
        print(f"{row['name']:<22} {row['rate']:>6.0f} {row['seconds']:>7.3f} {row['memory']:>8.0f}  "
              f"{row['peer']:<22} {row.get('ratio', 0):>5.1f}x  {bench.get('goal', '')}", flush=True)
        threads = "–"
        if bench.get("threads"):
            more = measure(bench, args, jobs=int(bench["threads"]))
            # On a busy machine the clock says little, and the CPU time still tells what is lost.
            faster, ceiling, load = compare_threads(bench, args)
            told = (f"{faster:.2f} times one thread by the clock, {faster / ceiling:.0%} of what the machine can "
                    f"({ceiling:.2f}); {more['seconds'] / row['seconds']:.2f} times its CPU time")
            print(f"  {bench['threads']} threads: {told}; peak {more['memory']:.0f} MB (load {load:.1f})", flush=True)
            threads = f"{told}, {more['memory']:.0f} MB"
            row["wrong"] = row["wrong"] or more["wrong"]
            if not row["wrong"] and more["out"] != row["out"]:
                row["wrong"] = f"{bench['threads']} threads give another output"
        ratio = f"{row['ratio']:.1f}" if row.get("ratio") else "–"
        lines.append(f"| `{row['name']}`: {bench.get('title', '')} | {row['rate']:,.0f} | {row['memory']:.0f} | "
                     f"{row['peer'] or '–'} | {ratio} | {bench.get('goal', '–')} | {threads} |")
        if row["wrong"]:
            failed += 1
            print(f"  WRONG ANSWER: {row['wrong']}")
        if args.remove:
            for f in os.listdir(DATA):
                os.remove(os.path.join(DATA, f))
    if args.publish:
        names = "".join(" " + n for n in args.names)
        report.publish(report.PAGE, "bench", f"`./dev bench{names} --size {args.size} --runs {args.runs}` on {report.machine()}; "
                       f"load average {os.getloadavg()[0]:.1f} at the end.\n\n" + "\n".join(lines))
    sys.exit(1 if failed else 0)


main()
