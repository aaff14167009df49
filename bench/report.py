"""What the rule benchmarks found, as Markdown: goals, one table, answers, profile; and into docs/performance.md."""
import os
import re
import sys

import callgrind
from lanes import LANES, ROOT

PAGE = os.path.join(ROOT, "docs", "performance.md")
HEAD = ("| lane | rules | program | events/s | MB/s | instructions per event | peak MB | loading | two cores | "
        "findings | postern is … times as fast |\n|---|---|---|---|---|---|---|---|---|---|---|")


def line_of(row):
    count = f"{row.instructions:,.0f}" if row.instructions else "–"
    two = f"{row.two_cores:.2f} ×" if row.two_cores else "–"
    times = f"{row.times:,.1f}" if row.times else "–"
    return (f"| {row.lane} | {row.rules} | {row.program} | {row.rate:,.0f} | {row.mbps:,.0f} | {count} | {row.memory:,.0f} | "
            f"{row.load:.2f} s, {row.load_memory:,.0f} MB | {two} | {row.findings:,} | {times} |")


def goals(rows):
    """Markdown of what issue 6 promises and what the rows say; only what was measured."""
    own = {(r.lane, r.rules): r for r in rows if r.program == "postern" and r.rate > 0}
    sigma = sorted({r.rules for r in rows if r.rules.startswith("sigma ")}, key=lambda s: int(s[6:].replace(",", "")))
    if not sigma:
        return ""
    least, most = sigma[0], sigma[-1]
    lines = []

    def add(goal, reached, good):
        lines.append(f"| {goal} | {reached} | {'yes' if good else 'no'} |")

    for lane, wanted, growth in (("sysmon", 500_000, 1.5), ("sysmon-unique", 250_000, 4)):
        full, small = own.get((lane, most)), own.get((lane, least))
        if full:
            add(f"`{lane}`, {most[6:]} rules: {wanted:,} events/s on one core", f"{full.rate:,.0f}", full.rate >= wanted)
        if full and small and small is not full:
            times = small.rate / full.rate
            add(f"`{lane}`, from {least[6:]} to {most[6:]} rules: {growth} times the time", f"{times:.2f}", times <= growth)
        for mode in ("default", "routed"):
            peers = [r.times for r in rows if r.lane == lane and r.rules == most and r.program.endswith(f", {mode}")]
            if peers and full:
                add(f"`{lane}`: 20 times rsigma, {mode}", f"{min(peers):.1f}", min(peers) >= 20)
    for lane in LANES:
        row = own.get((lane, most))
        if row and "evtx" in lane:
            add(f"`{lane}`, all Sigma rules: 300 MB/s", f"{row.mbps:,.0f}", row.mbps >= 300)
        elif row and not lane.startswith("sysmon"):
            add(f"`{lane}`, all Sigma rules: 400 MB/s", f"{row.mbps:,.0f}", row.mbps >= 400)
    two = [r for (_, rules), r in own.items() if rules == most and r.two_cores]
    for row in two:
        add(f"`{row.lane}`: two cores 1.8 times one", f"{row.two_cores:.2f}", row.two_cores >= 1.8)
    full = [r for r in rows if r.rules == most and r.program == "postern"]
    memory, load = max(r.memory for r in full), max(r.load_memory for r in full)
    add("all Sigma rules: 300 MB of memory for any input", f"{memory:.0f}", memory < 300)
    add("all Sigma rules loaded: 150 MB", f"{load:.0f}", load < 150)
    return "| goal | reached | met |\n|---|---|---|\n" + "\n".join(lines) + "\n"


def machine():
    model = "unknown processor"
    with open("/proc/cpuinfo", encoding="utf-8") as f:
        for line in f:
            if line.startswith("model name"):
                model = line.split(":", 1)[1].strip()
                break
    return f"{model}, {os.cpu_count()} cores"


def text(rows, answers, notes, skipped, options, load):
    out = [f"Made by `./dev bench rules{options}` on {machine()}; load average {load[0]:.1f} at the start, "
           f"{load[1]:.1f} at the end (other work than the benchmark counts there). Figures are of CPU time, user "
           "and system, without loading the rules; MB = 10^6 bytes.\n"]
    if made := goals(rows):
        out.append(made)
    out.append(HEAD + "\n" + "\n".join(line_of(r) for r in rows) + "\n")
    found = [f"{r.lane}, {r.rules}, {r.program}: {r.note}" for r in rows if r.note]
    if answers or found or notes:
        out.append(("Answers: " if answers else "") + " ".join(answers) + "\n")
        out.append("\n".join(f"- {n}" for n in found + notes[:40]) + "\n")
        if len(notes) > 40:
            out.append(f"- … and {len(notes) - 40} more\n")
    profile = os.path.join(ROOT, "build", "bench", "profile.txt")
    if os.path.exists(profile) and any(r.instructions for r in rows):
        out.append("Where the instructions of the first lane with all Sigma rules go (exclusive, callgrind):\n\n"
                   "| share | function |\n|---|---|\n"
                   + "\n".join(f"| {share:.1f} % | `{name}` |" for share, name in callgrind.top(profile, 20)) + "\n")
    if skipped:
        out.append("Not run: " + "; ".join(skipped) + ".\n")
    return "\n".join(out)


def publish(page, name, body):
    """Puts `body` between the markers of that name; the rest of the page stays."""
    with open(page, encoding="utf-8") as f:
        old = f.read()
    begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    new, n = re.subn(re.escape(begin) + ".*?" + re.escape(end), lambda _: f"{begin}\n{body.rstrip()}\n{end}", old,
                     flags=re.S)
    if n != 1:
        sys.exit(f"bench: {os.path.relpath(page, ROOT)} has no `{begin}` … `{end}`")
    with open(page, "w", encoding="utf-8") as f:
        f.write(new)
