#!/usr/bin/env python3
"""docs/mail-analytics.md names each analytic of the published list about mail once, and calls bound
exactly those that have a binding. Prints `N of M`; 77 where the list is not at hand.

  check_mail_analytics.py [ROOT]     ROOT: the project; the list is in $POSTERN_SHARED (../shared)
"""
import collections
import csv
import os
import pathlib
import re
import sys


def main() -> int:
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else ".").resolve()
    shared = pathlib.Path(os.environ.get("POSTERN_SHARED", root.parent / "shared"))
    published = shared / "corpora" / "attack" / "mail_related_analytics.csv"
    if not published.is_file():
        print(f"no list at {published}: skipped")
        return 77
    with published.open(encoding="utf-8", newline="") as file:
        wanted = [row["analytic"] for row in csv.DictReader(file)]
    bound = set()
    for path in (root / "rules" / "strategies").glob("*.yml"):
        if not path.name.endswith(".test.yml"):
            bound |= set(re.findall(r"^\s*- analytic: (AN\d+)", path.read_text(encoding="utf-8"), re.M))
    page = (root / "docs" / "mail-analytics.md").read_text(encoding="utf-8")
    called_bound, _, left_out = page.partition("## Left out")
    rows = [re.findall(r"^\| (AN\d+) \| .* \| (.+) \|$", part, re.M) for part in (called_bound, left_out)]
    named = collections.Counter(a for part in rows for a, _ in part)
    faults = [f"{a} is not named" for a in wanted if named[a] == 0]
    faults += [f"{a} is named {n} times" for a, n in named.items() if n > 1]
    faults += [f"{a} is not in the list" for a in named if a not in wanted]
    faults += [f"{a} is called bound and has no binding" for a, _ in rows[0] if a not in bound]
    faults += [f"{a} has a binding and is not called bound" for a in sorted(bound & set(wanted) - {a for a, _ in rows[0]})]
    for fault in faults:
        print(fault)
    print(f"{sum(1 for a in wanted if named[a] == 1)} of {len(wanted)} analytics named; {len(rows[0])} bound, {len(rows[1])} left out")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
