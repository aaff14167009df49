"""The same lanes and rules with other programs, and whether they find the same.

rsigma evaluates Sigma rules: by default every rule against every event, and with --logsource-routing
only those whose product and category fit what the event says of itself. postern goes by channel and
event id, so its findings are held against the routed ones, rule by rule and event by event. jq and
grep are floors: they read the same bytes and do a small part of the work.
"""
import collections
import json
import os
import shutil
import statistics

FLOORS = {
    "jq": ["jq", "-c", 'select(.CommandLine // "" | ascii_downcase | contains("mimikatz"))'],
    "grep": ["grep", "-a", "-F", "-i", "-f"],
}


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


def median_user(timed, words, runs):
    first = timed(words)
    results = [first]
    # A peer that takes long is run once: the ratio is large enough.
    while len(results) < runs and first["user"] < 5:
        results.append(timed(words))
    return statistics.median(r["user"] for r in results), results[-1]


def by_rule(path, id_of):
    counts = collections.Counter()
    with open(path, encoding="utf-8", errors="replace") as f:
        for line in f:
            if line.startswith("{"):
                counts[id_of(json.loads(line))] += 1
    return counts


def rsigma_command(args, folder, path, routed):
    words = [args.rsigma, "engine", "eval", "--rules", folder, "--event", f"@{path}"]
    return words + (["--logsource-routing"] if routed else [])


def differences(ours, theirs):
    """Rules that found another number of events: listed, most different first."""
    rules = sorted(set(ours) | set(theirs), key=lambda r: -abs(ours[r] - theirs[r]))
    return [(r, ours[r], theirs[r]) for r in rules if ours[r] != theirs[r]]


def compare(args, lanes, sets, evidence, timed, hunt_command, work):
    """A table of the peers on the text lanes, as markdown."""
    if not lanes or not sets:
        return ""
    lines = ["| lane | rules | program | events/s | times slower | findings | equal per rule |",
             "|---|---|---|---|---|---|---|"]
    notes = []
    for lane in lanes:
        path, events = evidence(lane, args.peer_size)
        one, _ = evidence(lane, "1")
        for name, folders, _ in sets:
            folder = folders[0]

            def rate(words, idle):
                busy, last = median_user(timed, words, args.runs)
                start, _ = median_user(timed, idle, args.runs)
                return events / max(busy - start, 1e-3), last

            own, _ = rate(hunt_command(folders, path), hunt_command(folders, one))
            last = timed(hunt_command(folders, path))
            ours = by_rule(last["output"], lambda j: j["rule"].get("id", j["rule"]["title"]))
            lines.append(f"| {lane} | {name} | postern | {own:,.0f} | 1 | {sum(ours.values()):,} | |")
            if args.rsigma:
                for routed in (False, True):
                    speed, last = rate(rsigma_command(args, folder, path, routed),
                                       rsigma_command(args, folder, one, routed))
                    theirs = by_rule(last["output"], lambda j: j.get("rule_id") or j.get("rule_title"))
                    different = differences(ours, theirs)
                    equal = len(set(ours) | set(theirs)) - len(different)
                    mode = "rsigma, routed" if routed else "rsigma"
                    lines.append(f"| {lane} | {name} | {mode} | {speed:,.0f} | {own / speed:.1f} | "
                                 f"{sum(theirs.values()):,} | {equal} of {equal + len(different)} |")
                    if routed:
                        notes += [f"{lane}, {name}: {r}: {a} by postern, {b} by rsigma" for r, a, b in different]
            if shutil.which("jq") and name == sets[0][0]:
                speed, _ = rate(FLOORS["jq"] + [path], FLOORS["jq"] + [one])
                lines.append(f"| {lane} | one test | jq | {speed:,.0f} | {own / speed:.1f} | | |")
            patterns = os.path.join(work, "literals.txt")
            n = literals_of(folder, patterns)
            speed, _ = rate(FLOORS["grep"] + [patterns, path], FLOORS["grep"] + [patterns, one])
            # Building its automaton takes longer than a small lane: then there is nothing to tell.
            told = f"{speed:,.0f} | {own / speed:.2f}" if events / speed > 0.05 else "larger --peer-size | "
            lines.append(f"| {lane} | {n:,} literals | grep -F -f | {told} | | |")
    if not args.rsigma:
        notes.append("rsigma is not on the PATH (cargo install rsigma; 0.23.0 does not compile without its default features), or give --rsigma")
    text = "\n".join(lines) + "\n"
    if notes:
        text += "\n" + "\n".join(f"- {n}" for n in notes[:60]) + "\n"
        if len(notes) > 60:
            text += f"- … and {len(notes) - 60} more\n"
    return text
