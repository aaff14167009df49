#!/usr/bin/env python3
"""The built-in rules on sessions of real clients and servers: on each capture its own rule fires and no
other, on the day of mail none. Usage: test_recorded.py POSTERN

expected.json names the rules per capture, by the name of their file, of an ATT&CK analytic by its id.
How the captures came to be: recipe/.
"""
import json
import pathlib
import re
import subprocess
import sys
import unittest
from typing import Any

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
POSTERN = sys.argv.pop(1) if len(sys.argv) > 1 else str(ROOT / "build" / "release" / "postern")
EXPECTED: dict[str, list[str]] = json.loads((HERE / "expected.json").read_text())


def captures() -> dict[str, pathlib.Path]:
    return {p.name.partition(".")[0]: p for p in sorted(HERE.glob("*.pcap*"))}


def findings(capture: pathlib.Path) -> list[dict[str, Any]]:
    done = subprocess.run([POSTERN, "hunt", str(capture), "--format", "jsonl"], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise AssertionError(f"{capture.name}: exit {done.returncode}: {done.stderr}")
    return [json.loads(line) for line in done.stdout.splitlines()]


def name(finding: dict[str, Any]) -> str:
    rule = finding["rule"]
    return str(rule["id"]) if rule["language"] == "strategy" else pathlib.PurePath(rule["path"]).stem


class Recorded(unittest.TestCase):
    maxDiff = None

    def test_its_own_rule_fires_and_no_other(self) -> None:
        for key, capture in captures().items():
            with self.subTest(key):
                self.assertEqual(EXPECTED.get(key, []), sorted({name(f) for f in findings(capture)}))

    def test_each_recording_is_expected_and_there(self) -> None:
        self.assertEqual(sorted({*EXPECTED, "benign_day"}), sorted(captures()))

    def test_the_rules_name_their_recording(self) -> None:
        for key, rules in EXPECTED.items():
            for rule in rules:
                path = next((p for p in (ROOT / "rules" / "mail").glob(rule + ".*") if ".test." not in p.name), None)
                if path is not None:
                    self.assertRegex(path.read_text(), rf"reproduce\W+(\S*/)?record\.sh {key}\b", path.name)

    def test_recordings_are_small(self) -> None:
        for path in captures().values():
            self.assertLess(path.stat().st_size, 200_000, path.name)

    def test_every_pattern_has_a_recipe(self) -> None:
        played = set(re.findall(r"^def (\w+)\(lab: Lab\) -> None:", (HERE / "recipe" / "patterns.py").read_text(), re.M))
        self.assertEqual(set(), set(EXPECTED) - played)


if __name__ == "__main__":
    unittest.main()
