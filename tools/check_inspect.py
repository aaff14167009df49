#!/usr/bin/env python3
"""Every file of the shared evidence is known to `postern inspect`, or named unknown, in one run.

    check_inspect.py POSTERN [FOLDER]

Prints how many files of each extension are of which format; a file that inspect does not speak of,
and an evidence file (by its extension) of unknown format, is a fault. Exit 77 without the folder.
"""
import collections
import json
import os
import subprocess
import sys

# What these extensions promise; other files (rules, expectations, prose) may be unknown.
EVIDENCE = {".evtx": {"evtx"}, ".pcap": {"pcap"}, ".pcapng": {"pcap"}, ".jsonl": {"json"}, ".xml": {"windows-xml"}}


def main():
    postern = sys.argv[1]
    shared = os.environ.get("POSTERN_SHARED", "../shared")
    folder = sys.argv[2] if len(sys.argv) > 2 else os.path.join(shared, "evidence")
    if not os.path.isdir(folder):
        print("skipped: no shared data")
        return 77
    run = subprocess.run([postern, "inspect", folder, "--format", "jsonl"], capture_output=True, text=True)
    seen = {}
    for line in run.stdout.splitlines():
        entry = json.loads(line)
        if "path" in entry:
            seen.setdefault(entry["path"].split("!")[0], []).append(entry)
    faults = []
    formats = collections.Counter()
    total = 0
    for base, folders, names in os.walk(folder):
        for name in names:
            if name.startswith("."):
                continue
            total += 1
            path = os.path.join(base, name)
            entries = seen.get(path, [])
            if not entries:
                faults.append(f"{path}: not spoken of")
            for entry in entries:
                formats[entry["format"]] += 1
                wanted = EVIDENCE.get(os.path.splitext(entry["path"])[1])
                if wanted and entry["format"] not in wanted:
                    faults.append(f"{entry['path']}: {entry['format']}")
                # Known files give events, unless there is nothing in them.
                if entry["format"] == "evtx" and not entry["tables"] and not entry["anomalies"] and entry["bytes"] > 69632:
                    faults.append(f"{entry['path']}: no events")
    for fault in faults:
        print(" ", fault)
    print(", ".join(f"{n} {f}" for f, n in formats.most_common()))
    named = total - sum(1 for f in faults if "not spoken of" in f)
    print(f"{named} of {total} files known or named unknown, {len(faults)} faults")
    return 1 if faults or run.returncode not in (0,) else 0


if __name__ == "__main__":
    sys.exit(main())
