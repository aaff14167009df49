"""Instructions per event, and where they go: callgrind over slices of all lanes, one run for each set of rules.

Each lane is cut in two. The first three quarters fill what is remembered of values and of what is rare, the last
quarter is counted; the main lanes are longer, since what is remembered there decides. callgrind writes what was
counted whenever postern is done with a file (MARKER), so loading and the other lanes are left out exactly.
"""
import glob
import os
import re
import shutil
import subprocess

from lanes import ROOT, WORK

MARKER = "postern::engine::FileWorker::~FileWorker()"
EVTX_HEADER, EVTX_CHUNK = 4096, 65536


def parts_of(lane, evidence):
    """Three quarters and the last one as bytes, each a file of its own right; and the share of the last."""
    with open(evidence.path, "rb") as f:
        data = f.read()
    if "evtx" in lane.name:
        chunks = (len(data) - EVTX_HEADER) // EVTX_CHUNK
        cut = EVTX_HEADER + chunks * 3 // 4 * EVTX_CHUNK
        head = data[:EVTX_HEADER]
    else:
        cut = data.index(b"\n", len(data) * 3 // 4) + 1
        head = b"".join(line + b"\n" for line in data[:4096].split(b"\n") if line.startswith(b"#"))
    return data[:cut], head + data[cut:], (len(data) - cut) / len(data)


def count(bench, rules, lanes, args):
    """{lane: instructions per event} and the listing of the first lane; the reason where it fails."""
    folder = os.path.join(WORK, "callgrind", rules.option.replace(",", ""))
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    files, events = [], []

    def put(name, data):
        files.append(os.path.join(folder, f"{len(files):02}-{name}"))
        with open(files[-1], "wb") as f:
            f.write(data)

    with open(bench.generator.one_event("sysmon").path, "rb") as f:
        put("load", f.read())
    for lane in lanes:
        evidence = bench.generator.make(lane.name, args.count_main if lane.main else args.count_slice)
        first, second, share = parts_of(lane, evidence)
        put(lane.name, first)
        put(lane.name, second)
        events.append(evidence.events * share)
    words = bench.hunt(rules, files[0]) + files[1:]
    out = os.path.join(folder, "out")
    r = subprocess.run(["valgrind", "--tool=callgrind", f"--callgrind-out-file={out}", f"--dump-before={MARKER}",
                        *words], capture_output=True, text=True)
    parts = sorted(glob.glob(out + ".*"), key=lambda p: int(p.rsplit(".", 1)[1]))
    if r.returncode not in (0, 2) or len(parts) < len(files):
        why = f"{len(parts)} parts for {len(files)} files" if r.returncode in (0, 2) else r.stderr[-200:]
        return {}, f"callgrind could not tell the files apart ({why})"
    counted = {}
    for i, lane in enumerate(lanes):
        counted[lane.name] = total(parts[2 + 2 * i]) / events[i]
    listing = os.path.join(WORK, "profile.txt")
    if rules.count == max(s.count for s in bench.sets if s.sigma):
        write_listing(parts[2], listing)
    return counted, ""


def total(part):
    with open(part, encoding="utf-8", errors="replace") as f:
        for line in f:
            if m := re.match(r"(?:totals|summary): (\d+)", line):
                return int(m.group(1))
    return 0


def by_function(part):
    """{function: instructions of its own} of a part. callgrind_annotate cannot tell parts that begin inside of
    functions: it takes the callees' cost for the callers' own."""
    names, found, function, skip = {}, {}, "", False
    with open(part, encoding="utf-8", errors="replace") as f:
        for line in f:
            if m := re.match(r"(c?)fn=\((\d+)\)(?: (.*))?$", line):
                name = names.setdefault(m.group(2), m.group(3) or "?")
                if not m.group(1):
                    function = name
            elif line.startswith("calls="):
                skip = True  # the next line is what the callee took
            elif m := re.match(r"[+\-*\d]\S* (\d+)$", line):
                if not skip:
                    found[function] = found.get(function, 0) + int(m.group(1))
                skip = False
    return found


def write_listing(part, path):
    """The dearest functions, one a line: share of the instructions, name."""
    found = {}
    for name, cost in by_function(part).items():
        found[short(name)] = found.get(short(name), 0) + cost
    all_of_it = sum(found.values())
    with open(path, "w", encoding="utf-8") as f:
        for name, cost in sorted(found.items(), key=lambda x: -x[1]):
            if cost > all_of_it / 1000:
                f.write(f"{100 * cost / all_of_it:.1f} {name}\n")


def top(path, n):
    """[(share, function)] of a listing, the dearest first."""
    with open(path, encoding="utf-8") as f:
        lines = [line.rstrip("\n").split(" ", 1) for line in f]
    return [(float(share), name) for share, name in lines[:n]]


def short(text):
    """A function without what does not tell it from others."""
    text = text.replace("postern::", "").replace("(anonymous namespace)::", "")
    text = re.sub(r"\[abi:[^\]]*\]|'\d+$", "", text)
    text = text.replace("operator()", "operator@").replace("operator<", "operator@")
    while (cut := re.sub(r"<[^<>]*>", "", text)) != text:
        text = cut
    text = re.sub(r"\(.*", "", text).replace("operator@", "operator()")
    return text.split(" ")[-1].strip() or text


def available():
    return bool(shutil.which("valgrind"))
