#!/usr/bin/env python3
"""Holds docs/mail-limits.md: each test that its tables name exists, and each anomaly is raised somewhere.

usage: check_mail_limits.py [ROOT]

Prints what is named and not there. Exit 0, or 1.
"""
import pathlib
import re
import sys


def main() -> int:
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else ".")
    page = (root / "docs/mail-limits.md").read_text()
    tests = set()
    for path in (root / "tests/unit").rglob("*_test.cc"):
        tests |= {f"{a}.{b}" for a, b in re.findall(r"^TEST(?:_[FP])?\((\w+), (\w+)\)", path.read_text(), re.M)}
    sources = "".join(p.read_text() for p in (root / "src").rglob("*.cc"))
    programs = {p.stem for p in (root / "tools").glob("*.cc")} | {p.stem for p in (root / "tests/fuzz").glob("*.cc")}
    faults = []
    named = 0
    for row in page.splitlines():
        cells = [c.strip() for c in row.strip("|").split("|")]
        if not row.startswith("|") or len(cells) < 3 or cells[0] in ("what", "mistake", "---"):
            continue
        for name in re.findall(r"`(\w+\.\w+)`", cells[-1]):
            named += 1
            if name not in tests:
                faults.append(f"no test {name}")
        for name in re.findall(r"\b((?:fuzz|check)_\w+)", cells[-1]):
            if name not in programs:
                faults.append(f"no program {name}")
        for name in re.findall(r"`([a-z][a-z0-9]*(?:-[a-z0-9]+)+)`", cells[2]) if len(cells) == 4 else []:
            if f'"{name}"' not in sources:
                faults.append(f"nothing raises {name}")
    for fault in faults:
        print(f"  {fault}")
    print(f"{named - sum(f.startswith('no test') for f in faults)} of {named} tests of docs/mail-limits.md are there")
    return 1 if faults or named == 0 else 0


sys.exit(main())
