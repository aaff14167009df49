#!/usr/bin/env python3
"""Builds every log of the incident, and expected.jsonl, from capture/mail.pcap and the story.

  build.py            writes the files
  build.py --check    writes nothing; fails when a committed file differs from what it would write
  --root DIR          the folder that holds evidence/ and expected.jsonl (default: beside recipe/)
"""
from __future__ import annotations

import argparse
import pathlib
import sys
from collections.abc import Callable

import auditd
import defender
import expect
import macos
import sysmon
import zeek
from flows import Flow, load

CAPTURE = "evidence/capture/mail.pcap"
FILES: dict[str, Callable[[list[Flow]], str]] = {
    "evidence/ws1/sysmon.ndjson": sysmon.ndjson,
    "evidence/ws1/sysmon.xml": sysmon.xml,
    "evidence/web1/audit.log": auditd.audit,
    "evidence/mac1/unified.ndjson": macos.unified,
    "evidence/mac1/osqueryd.results.log": macos.osquery,
    "evidence/defender/DeviceNetworkEvents.json": defender.network,
    "evidence/defender/DeviceProcessEvents.json": defender.processes,
    "evidence/zeek/conn.log": zeek.conn,
    "evidence/zeek/smtp.log": zeek.smtp,
    "expected.jsonl": expect.expected,
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--root", type=pathlib.Path, default=pathlib.Path(__file__).resolve().parent.parent)
    options = parser.parse_args()
    flows = load(options.root / CAPTURE)
    differing = []
    for name, build in FILES.items():
        path, data = options.root / name, build(flows).encode()
        if options.check:
            if not path.is_file() or path.read_bytes() != data:
                differing.append(name)
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
    known = {CAPTURE, *FILES}
    if options.check:
        here = {str(p.relative_to(options.root)) for p in (options.root / "evidence").rglob("*") if p.is_file()}
        differing += sorted(here - known)
    for name in differing:
        print(f"differs: {name}", file=sys.stderr)
    return 1 if differing else 0


if __name__ == "__main__":
    sys.exit(main())
