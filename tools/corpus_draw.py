#!/usr/bin/env python3
"""Draws rules of a published corpus by seed and holds each against one promise: it loads, or it is
refused by name.

    tools/corpus_draw.py kql|spl FOLDER --seed N [--count 50] --postern build/dev/postern

A drawn file keeps the promise when `postern rules check FILE` ends by itself and either loads all its
rules, or tells for every refusal a code of its language (kql-unsupported), the place (file, line,
column, inside of the text) and the line with a caret below it. Prints one line per drawn file and
`N of M`; the draw is the same for the same seed, folder and count on every machine. Exit: 0 all keep
it, 1 some do not, 2 usage, 77 the folder is absent.
"""
import argparse
import pathlib
import random
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

ENDINGS = {"kql": (".kql", ".csl", ".yaml", ".yml"), "spl": (".spl", ".yml", ".yaml")}
ERROR = re.compile(r"^error\[([^\]]*)\]: (.+)$")
PLACE = re.compile(r"^ *--> (.+):(\d+):(\d+)$")
SOURCE_LINE = re.compile(r"^ *(\d+) \| ?(.*)$")
CARET = re.compile(r"^ *\| *\^")
TOTALS = re.compile(r"^(\d+) rules?: (\d+) loaded, (\d+) refused$", re.M)
SECONDS = 60


def draw(folder, language, seed, count):
    """The drawn files, in drawing order: random.Random is the same generator everywhere."""
    names = sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*")
                   if p.is_file() and p.suffix in ENDINGS[language])
    random.Random(seed).shuffle(names)
    return names[:count]


def faults_of(text, path, language):
    """Errors of a report as (code, line, message), and what is wrong with how they are told."""
    lines = text.splitlines()
    source = path.read_text(encoding="utf-8", errors="replace").split("\n")
    errors, wrong = [], []
    for at, line in enumerate(lines):
        error = ERROR.match(line)
        if not error:
            continue
        code, message = error.groups()
        block = lines[at + 1:at + 6]
        place = PLACE.match(block[0]) if block else None
        errors.append((code, int(place.group(2)) if place else 0, message))
        if not re.fullmatch(language + r"(-[a-z0-9]+)+", code):
            wrong.append(f"{code or 'no code'} is no code of {language}")
        if not place:
            wrong.append(f"{code}: no place")
            continue
        number, column = int(place.group(2)), int(place.group(3))
        if not 1 <= number <= len(source) or column > len(source[number - 1]) + 1:
            wrong.append(f"{code}: {number}:{column} is outside of the text")
        shown = [SOURCE_LINE.match(b) for b in block[1:]]
        if not any(s and int(s.group(1)) == number for s in shown):
            wrong.append(f"{code}: line {number} is not shown")
        if not any(CARET.match(b) for b in block[1:]):
            wrong.append(f"{code}: no caret")
    return errors, wrong


def judge(postern, path, language):
    """("loads" | "refused" | "broken", what is told of it)."""
    try:
        run = subprocess.run([postern, "rules", "check", str(path)], capture_output=True,
                             timeout=SECONDS, check=False)
    except subprocess.TimeoutExpired:
        return "broken", f"no end after {SECONDS} s"
    out = run.stdout.decode("utf-8", errors="replace")
    totals = TOTALS.search(run.stderr.decode("utf-8", errors="replace"))
    if run.returncode not in (0, 1) or not totals:
        return "broken", f"exit {run.returncode}, no totals"
    rules, loaded, refused = map(int, totals.groups())
    errors, wrong = faults_of(out, path, language)
    if wrong:
        return "broken", "; ".join(wrong)
    if rules != loaded + refused or (refused > 0) != (run.returncode == 1):
        return "broken", "totals and exit code disagree"
    if refused == 0 and not errors:
        notes = re.findall(r"^note\[never-fires\]: .*? can never fire: (.+)$", out, re.M)
        return ("loads", "never fires: " + notes[0] if notes else "") if loaded else (
            "broken", "no rule found and nothing told")
    if not errors:
        return "broken", "refused without an error"
    code, line, message = errors[0]
    return "refused", f"{code} at line {line}: {message}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("language", choices=sorted(ENDINGS))
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--count", type=int, default=50)
    parser.add_argument("--postern", required=True, help="the program to ask")
    args = parser.parse_args()
    if not args.folder.is_dir():
        print(f"{args.folder} is not there: skipped")
        return 77
    names = draw(args.folder, args.language, args.seed, args.count)
    if not names:
        print(f"no rules of {args.language} in {args.folder}")
        return 2
    with ThreadPoolExecutor(2) as pool:
        states = list(pool.map(
            lambda name: judge(args.postern, args.folder / name, args.language), names))
    for name, (state, told) in zip(names, states):
        print(f"{state:8}{name}" + (f"  [{told}]" if told else ""))
    kept = sum(state != "broken" for state, _ in states)
    loads = sum(state == "loads" for state, _ in states)
    print(f"{args.language}, seed {args.seed}: {loads} load, {kept - loads} are refused by name")
    print(f"{kept} of {len(names)}")
    return 0 if kept == len(names) else 1


if __name__ == "__main__":
    sys.exit(main())
