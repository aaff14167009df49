#!/usr/bin/env python3
"""The published detections and all analytics find exactly examples/incident/expected.jsonl, with any
number of threads; the built-in rules see the incident too. Usage: test_hunt.py POSTERN"""
import json
import os
import pathlib
import subprocess
import sys
import unittest
from typing import Any

ROOT = pathlib.Path(__file__).resolve().parents[2]
INCIDENT = ROOT / "examples" / "incident"
SHARED = pathlib.Path(os.environ.get("POSTERN_SHARED", ROOT.parent / "shared"))
SEEDS = SHARED / "seeds" / "rules"
POSTERN = sys.argv.pop(1) if len(sys.argv) > 1 else str(ROOT / "build" / "release" / "postern")


def hunt(*args: str) -> tuple[list[dict[str, Any]], str]:
    done = subprocess.run([POSTERN, "hunt", *args, "--format", "jsonl"], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise AssertionError(f"exit {done.returncode}: {done.stderr}")
    return [json.loads(line) for line in done.stdout.splitlines()], done.stderr


def names(finding: dict[str, Any]) -> set[str]:
    rule = finding["rule"]
    return {rule["id"], rule["title"], pathlib.PurePath(rule["path"]).stem}


def equal(wanted: Any, found: Any) -> bool:
    if isinstance(wanted, (int, float)) and isinstance(found, str):
        return str(wanted) == found
    if isinstance(wanted, str) and isinstance(found, (int, float)) and not isinstance(found, bool):
        return wanted == str(found)
    if isinstance(wanted, list) and isinstance(found, list):
        return sorted(map(str, wanted)) == sorted(map(str, found))
    return bool(wanted == found)


def matches(expected: dict[str, Any], finding: dict[str, Any]) -> bool:
    if expected["rule"] not in names(finding):
        return False
    if "version" in expected and str(expected["version"]) != finding["rule"].get("version", ""):
        return False
    # A query row's time is that of the first event behind it; what is expected says the row's own times.
    if finding["rule"]["language"] in ("sigma", "yara", "strategy") and expected.get("time") != finding.get("time"):
        return False
    row = finding["row"]
    return all(key in row and equal(value, row[key]) for key, value in expected.get("row", {}).items())


def pair(expected: list[dict[str, Any]], findings: list[dict[str, Any]]) -> tuple[list[Any], list[Any]]:
    left = list(findings)
    missed = []
    for line in expected:
        hit = next((f for f in left if matches(line, f)), None)
        if hit is None:
            missed.append(line)
        else:
            left.remove(hit)
    return missed, left


@unittest.skipUnless(SEEDS.is_dir(), f"no published rules at {SEEDS}")
class PublishedRules(unittest.TestCase):
    maxDiff = None

    def test_exactly_the_expected_findings(self) -> None:
        expected = [json.loads(line) for line in (INCIDENT / "expected.jsonl").read_text().splitlines()]
        findings, log = hunt("--rules", str(SEEDS), "--no-builtin", str(INCIDENT))
        missed, extra = pair(expected, findings)
        self.assertEqual([], missed, f"expected and not found; log:\n{log}")
        self.assertEqual([], extra, "found and not expected")

    def test_all_five_languages_speak(self) -> None:
        findings, log = hunt("--rules", str(SEEDS), "--no-builtin", str(INCIDENT))
        self.assertEqual({"sigma", "kql", "spl", "yara", "strategy"}, {f["rule"]["language"] for f in findings})
        self.assertIn("never fires: ", log)
        self.assertIn("NetworkDirection", log)
        for analytic in ("AN0379", "AN0380", "AN0381", "AN0382"):
            self.assertIn(f"{analytic} evaluable", log)

    def test_threads_do_not_change_a_byte(self) -> None:
        outputs = set()
        for n in ("1", "2", "4"):
            done = subprocess.run([POSTERN, "hunt", "--rules", str(SEEDS), "--no-builtin", str(INCIDENT), "--format", "jsonl", "-j", n],
                                  capture_output=True, check=True)
            outputs.add(done.stdout)
        self.assertEqual(1, len(outputs))

    def test_a_parameter_tunes_an_analytic(self) -> None:
        few, _ = hunt("--rules", str(SEEDS), "--no-builtin", "--set", "AN0382.OutflowToInflowRatio=1000", str(INCIDENT))
        self.assertEqual(["10.20.2.20"], [f["row"]["src"] for f in few if f["rule"]["id"] == "AN0382"])


class BuiltinRules(unittest.TestCase):
    def test_they_see_the_incident(self) -> None:
        findings, log = hunt(str(INCIDENT))
        titles = {f["rule"]["title"] for f in findings}
        self.assertIn("Program outside its usual place talks to a mail server", titles, log)
        self.assertEqual({"sigma", "kql", "spl", "yara", "strategy"}, {f["rule"]["language"] for f in findings})

    def test_a_finding_names_each_piece_of_evidence_once(self) -> None:
        findings, _ = hunt(str(INCIDENT))
        for f in findings:
            pieces = [json.dumps(e, sort_keys=True) for e in f["evidence"]]
            self.assertEqual(len(set(pieces)), len(pieces), f["rule"]["title"])

    def test_one_finding_names_process_connection_message_and_attachment(self) -> None:
        findings, log = hunt(str(INCIDENT))
        about = [f for f in findings if f["rule"]["path"].endswith("/process_mails_files_outside.yml") and f["row"]["Pid"] == 8112]
        self.assertEqual(1, len(about), log)
        row = about[0]["row"]
        self.assertEqual("ws1.corp.example", row["Host"])
        self.assertIn("invoice_viewer.exe", row["Image"].lower())
        self.assertIn("invoice_viewer.exe", row["CommandLine"])
        self.assertIn("powershell.exe", row["ParentImage"].lower())
        self.assertEqual(("10.20.1.15", "203.0.113.25", 587), (row["LocalIP"], row["RemoteIP"], row["RemotePort"]))
        self.assertEqual([60556, 60572, 60578, 60586], sorted(row["LocalPorts"]))
        self.assertEqual(4, len(row["Mails"]))
        for mail in row["Mails"]:
            self.assertEqual((["drop@mail.evil.example"], "PW_bob/ws1"), (mail["to"], mail["subject"]))
            self.assertRegex(mail["files"][0]["name"], r"^PW_bob-ws1_.*\.zip$")
            self.assertRegex(mail["files"][0]["sha256"], r"^[0-9a-f]{64}$")
        tables = {e["table"] for e in about[0]["evidence"]}
        self.assertLessEqual({"windows.sysmon", "net.flow", "mail.message", "mail.attachment"}, tables)

    def test_every_finding_is_in_the_evidence(self) -> None:
        findings, _ = hunt(str(INCIDENT))
        for finding in findings:
            for e in finding["evidence"]:
                self.assertIn("/evidence/", e["path"], finding["rule"]["title"])
            self.assertIn("time", finding, finding["rule"]["title"])

    def test_nothing_is_found_without_rules(self) -> None:
        findings, _ = hunt("--no-builtin", str(INCIDENT))
        self.assertEqual([], findings)

    def test_no_evidence_is_no_crash(self) -> None:
        empty = ROOT / "build" / "empty-evidence"
        empty.mkdir(parents=True, exist_ok=True)
        done = subprocess.run([POSTERN, "hunt", str(empty)], capture_output=True, text=True, check=False)
        self.assertIn(done.returncode, (0, 2))
        self.assertTrue(done.stderr)


if __name__ == "__main__":
    unittest.main()
