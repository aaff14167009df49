#!/usr/bin/env python3
"""The built-in rules on a real capture of Agent Tesla, without any host sensor: they name the recipient, the
subject and whose machine the stolen text is about. Skipped (77) where the capture is not at hand.
Usage: test_agenttesla.py POSTERN"""
import json
import os
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
POSTERN = sys.argv[1] if len(sys.argv) > 1 else str(ROOT / "build" / "release" / "postern")
CAPTURES = pathlib.Path(os.environ.get("POSTERN_SHARED", ROOT.parent / "shared")) / "evidence" / "mail" / "agenttesla"


def main() -> int:
    if not CAPTURES.is_dir():
        print(f"no capture at {CAPTURES}: skipped")
        return 77
    done = subprocess.run([POSTERN, "hunt", str(CAPTURES), "--format", "jsonl"], capture_output=True, text=True, check=True)
    found = {}
    for finding in map(json.loads, done.stdout.splitlines()):
        found.setdefault(pathlib.PurePath(finding["rule"]["path"]).stem, finding)
    mail = found["mail_like_dotnet_stealer"]["row"]
    assert mail["RcptTo"] == ["bkhin.supply@gmail.com"] and mail["Subject"] == "PW_admin/USER-PC" and mail["Helo"] == "User-PC", mail
    report = found["stealer_report"]
    assert report["row"]["RcptTo"] == "bkhin.supply@gmail.com" and report["row"]["View"] == "mail.body", report["row"]
    # The text is quoted-printable with the name of the machine over two lines: only the decoded one has it.
    said = {w["value"].strip() for w in report["why"]}
    assert {"User Name: admin", "Computer Name: USER-PC", "OSFullName: Microsoft Windows 7 Professional"} <= said, said
    print(f"{len(found)} rules: {', '.join(sorted(found))}")
    return 0


sys.exit(main())
