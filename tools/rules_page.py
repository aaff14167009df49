#!/usr/bin/env python3
"""Writes docs/mail-rules.md: the built-in rules about mail, from the rules themselves.

  rules_page.py POSTERN             writes the page
  rules_page.py POSTERN --check     fails when the page is not what it would write, or when a rule lacks
                                    one of: level, technique, false positives, reference, a way to
                                    reproduce it, a test beside it
"""
from __future__ import annotations

import collections
import json
import pathlib
import re
import subprocess
import sys
from dataclasses import dataclass, field

PAGE = pathlib.Path("docs/mail-rules.md")
RULES = pathlib.Path("rules/mail")
STRATEGIES = pathlib.Path("rules/strategies")
RECORDED = pathlib.Path("tests/recorded/expected.json")
LANGUAGES = {"sigma": "Sigma", "kql": "KQL", "spl": "SPL", "yara": "YARA", "strategy": "ATT&CK"}

INTRO = """# The built-in rules about mail

{total} rules in `rules/mail` and bindings in `rules/strategies`: {languages}. They run in every hunt (`--no-builtin`
leaves them out); `postern rules explain` shows what one looks at. Servers inside (private addresses) count as the
company's own; for another division of inside and outside copy the rule and give it with `--rules`.

Each rule has tests beside it (`NAME.test.yml`; `postern rules test rules`). Network rules are proven on
sessions of real clients and servers: `tests/recorded/NAME.pcap`, recorded by `tests/recorded/recipe/record.sh NAME`;
on each capture only the rules named here fire, and on a day of ordinary mail (`benign_day`) none. Known false
positives and references stand in the rules. This page is written by `tools/rules_page.py`.

ATT&CK analytics and why others are not bound: [mail-analytics.md](mail-analytics.md). What the tables of the rules
mean: [mail.md](mail.md), [beacons.md](beacons.md).
"""


@dataclass
class Rule:
    name: str
    title: str
    language: str
    level: str
    techniques: list[str]
    path: pathlib.Path
    missing: list[str] = field(default_factory=list)


def techniques(text: str) -> list[str]:
    """Technique ids where a rule tells its own: tags and meta, not references."""
    kept = re.sub(r"https?://\S+", "", text)
    return sorted({t.upper() for t in re.findall(r"\b[tT]1\d{3}(?:\.\d{3})?\b", kept)})


def tags_of(text: str, language: str) -> list[str]:
    lines = {"sigma": r"^\s*- attack\.t.*$", "kql": r"^relevantTechniques:.*$", "spl": r"^\s*mitre_attack_id:.*$", "yara": r"^\s*attack = .*$"}
    return techniques("\n".join(re.findall(lines[language], text, re.M)).replace("attack.", " "))


def read_rules(postern: str) -> list[Rule]:
    done = subprocess.run([postern, "rules", "list", str(RULES), "--no-builtin", "--format", "jsonl"], capture_output=True, text=True, check=True)
    listed = {pathlib.Path(r["path"]): r for r in map(json.loads, done.stdout.splitlines())}
    out = []
    for path in sorted(RULES.iterdir()):
        if path.name.endswith(".test.yml"):
            continue
        text = path.read_text(encoding="utf-8")
        if path.suffix == ".yar":
            meta = dict(re.findall(r'^\s*(\w+) = "(.*)"$', text, re.M))
            rule = Rule(path.stem, meta.get("description", ""), "yara", meta.get("level", ""), tags_of(text, "yara"), path)
        elif path in listed:
            r = listed[path]
            rule = Rule(path.stem, r["title"], r["language"], r.get("level", ""), tags_of(text, r["language"]), path)
        else:
            sys.exit(f"{path} does not load")
        for what, pattern in (("false positives", r"(?i)false_?positives"), ("reference", r"(?i)references?\b.*\n?.*https?://"),
                              ("a way to reproduce it", r"(?m)^\s*reproduce\b")):
            if not re.search(pattern, text):
                rule.missing.append(what)
        if not path.with_name(path.stem + ".test.yml").is_file():
            rule.missing.append("test")
        out.append(rule)
    return out


def read_bindings() -> list[Rule]:
    out = []
    for path in sorted(STRATEGIES.glob("*.yml")):
        if path.name.endswith(".test.yml"):
            continue
        text = path.read_text(encoding="utf-8")
        attack = techniques("".join(re.findall(r"^attack:.*$", text, re.M)))
        for part in re.split(r"^\s*- analytic: ", text, flags=re.M)[1:]:
            title, level = re.search(r"title: (.*)", part), re.search(r"level: (\w+)", part)
            rule = Rule(part.split()[0], title[1] if title else "", "strategy", level[1] if level else "", attack, path)
            if "false_positives" not in part:
                rule.missing.append("false positives")
            if not path.with_name(path.stem + ".test.yml").is_file():
                rule.missing.append("test")
            out.append(rule)
    return out


def page(rules: list[Rule]) -> str:
    sessions: dict[str, list[str]] = collections.defaultdict(list)
    for capture, names in json.loads(RECORDED.read_text()).items():
        for name in names:
            sessions[name].append(capture)
    count = collections.Counter(r.language for r in rules)
    languages = ", ".join(f"{count[key]} {word}" for key, word in LANGUAGES.items())
    out = INTRO.format(total=len(rules), languages=languages)
    for heading, network in (("In the network", True), ("On machines", False)):
        out += f"\n## {heading}\n\n| rule | detects | language | level | technique |{' session |' if network else ''}\n"
        out += "|---|---|---|---|---|" + ("---|\n" if network else "\n")
        for r in rules:
            if bool(r.name in sessions) == network:
                session = f" {', '.join(f'`{s}`' for s in sessions[r.name])} |" if network else ""
                out += f"| `{r.name}` | {r.title} | {LANGUAGES[r.language]} | {r.level} | {', '.join(r.techniques)} |{session}\n"
    return out


def main() -> int:
    rules = read_rules(sys.argv[1]) + read_bindings()
    faults = [f"{r.path}: {r.name} lacks {what}" for r in rules
              for what in r.missing + ["level"] * (not r.level) + ["technique"] * (not r.techniques)]
    text = page(rules)
    if "--check" not in sys.argv:
        PAGE.write_text(text, encoding="utf-8")
    elif not PAGE.is_file() or PAGE.read_text(encoding="utf-8") != text:
        faults.append(f"{PAGE} is not what the rules say: run tools/rules_page.py")
    for fault in faults:
        print(fault)
    print(f"{len(rules)} rules, {len(faults)} faults")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
