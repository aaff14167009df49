#!/usr/bin/env python3
"""Measures Sigma on the public corpus and writes docs/sigma.md from what it finds.

    python3 tools/sigma_page.py BUILD_DIR            # writes docs/sigma.md
    python3 tools/sigma_page.py BUILD_DIR --check    # fails when a rate is below the page's; for ctest

--check leaves out the second evaluator and the million streams, which take minutes; the tests sigma_differential
and check_correlations run them in part.

Reads the corpus at $POSTERN_SHARED (default ../shared); without it --check is skipped (exit code 77).
"""
import argparse
import collections
import os
import re
import subprocess
import sys
import tempfile

FOLDERS = ["rules", "rules-compliance", "rules-emerging-threats", "rules-placeholder", "rules-threat-hunting"]


def run(*command):
    done = subprocess.run(command, capture_output=True, text=True, errors="replace")
    return done.stdout, done.stderr


def last(text):
    return text.strip().splitlines()[-1] if text.strip() else ""


def numbers(line):
    """'202 of 202 tests passed' -> (202, 202)"""
    found = re.match(r"(\d+) of (\d+)", line)
    return (int(found[1]), int(found[2])) if found else (0, 0)


class Page:
    def __init__(self, build, shared):
        self.postern = os.path.join(build, "postern")
        self.differential = os.path.join(build, "tests", "sigma_differential")
        self.correlations = os.path.join(build, "tests", "check_correlations")
        self.unit = os.path.join(build, "tests", "unit_lang_sigma")
        self.corpus = os.path.join(shared, "corpora", "sigma")
        self.evidence = os.path.join(shared, "evidence", "evtx")
        self.rules = [os.path.join(self.corpus, f) for f in FOLDERS]
        self.rows = []    # (what, reached, of, note)
        self.lists = []   # (heading, lines)

    def row(self, what, reached, of, note=""):
        self.rows.append((what, reached, of, note))

    def placeholders(self, folder):
        """A value for every placeholder of the corpus."""
        names = set()
        for root, _, files in os.walk(os.path.join(self.corpus, "rules-placeholder")):
            for name in files:
                with open(os.path.join(root, name), encoding="utf-8") as f:
                    names.update(re.findall(r"%([\w.-]+)%", f.read()))
        for rules in self.rules:
            for root, _, files in os.walk(rules):
                for name in files:
                    with open(os.path.join(root, name), encoding="utf-8") as f:
                        text = f.read()
                    if "expand" in text:
                        names.update(re.findall(r"%([\w.-]+)%", text))
        path = os.path.join(folder, "placeholders.yml")
        with open(path, "w", encoding="utf-8") as f:
            for name in sorted(names):
                # Names of machine accounts end in a dollar sign.
                f.write(f"'{name}': [ '10.0.0.0/8' ]\n" if "subnet" in name.lower() or "network" in name.lower()
                        else f"'{name}': [ placeholder.example, 'placeholder$' ]\n")
        return path

    def check(self, placeholders):
        for what, extra in [("rules load", []),
                            ("rules load, with values for placeholders", ["--placeholders", placeholders])]:
            out, err = run(self.postern, "rules", "check", *self.rules, *extra)
            found = re.match(r"(\d+) rules: (\d+) loaded, (\d+) refused", last(err))
            self.row(what, int(found[2]), int(found[1]))
            if not extra:
                names = re.findall(r"error\[([\w-]+)\]: ([^\n]*)\n *--> ([^\n:]*)", out)
                lines = sorted({f"{os.path.basename(p)}: {m}" for c, m, p in names})
                self.lists.append(("Refused without values for placeholders", lines))
                codes = collections.Counter(re.findall(r"^(?:warning|note)\[([\w-]+)\]", out, re.M))
                self.lists.append(("What `rules check` finds beside",
                                   [f"{n} × `{c}`" for c, n in sorted(codes.items(), key=lambda x: (-x[1], x[0]))]))

    def tests(self):
        for what, extra in [("regression cases on EVTX", []), ("regression cases on JSON", ["--twin", "json"])]:
            out, _ = run(self.postern, "rules", "test", os.path.join(self.corpus, "regression_data"), *extra)
            self.row(what, *numbers(last(out)))

    def semantics(self):
        import json
        with open(os.path.join(self.corpus, "..", "..", "cases", "sigma_semantics.json"), encoding="utf-8") as f:
            vectors = sum(len(v) for v in json.load(f).values())
        out, _ = run(self.unit, "--gtest_filter=SigmaSemantics.*")
        passed = "FAILED" not in out and "PASSED" in out
        self.row("vectors of the reference implementation", vectors - 2 if passed else 0, vectors,
                 "two differ: see below")
        self.lists.append(("Vectors that differ", [
            "`f|utf16|base64offset|contains: ping`: the vector begins with EF BB BF, the mark of UTF-8. The "
            "specification (appendix on modifiers, `utf16`) writes `cmd` as `FF FE 63 00 6d 00 64 00`, and so does "
            "postern; the reference implementation has changed to this since.",
            "`f|base64offset|contains: a`: moved by one byte, no character of the base64 text depends on the value "
            "alone, so the vector has an empty text there, which `contains` finds in every value. The specification "
            "wants the static part in the middle, and there is none: postern refuses the value by name "
            "(`sigma-bad-value`) instead of matching every event."]))

    def prove(self, folder, placeholders):
        out, _ = run(self.postern, "rules", "prove", *self.rules, "--placeholders", placeholders, "--out", folder)
        lines = out.strip().splitlines()
        self.row("rules with a witness", *numbers(lines[-1]))
        implied = re.match(r"(\d+) others? ", lines[-2])
        silent = next(line for line in lines[-3:] if "near miss that stays silent" in line)
        self.row("conditions with a near miss that stays silent", *numbers(silent),
                 f"{implied[1]} more follow from the rest of their rule: nothing can miss them alone" if implied else "")
        by_reason = collections.defaultdict(list)
        for line in lines:
            found = re.match(r"no witness: (.*) \(([^()]*\.yml)\): (.*)", line)
            if found:
                reason = found[3]
                if reason.startswith("impossible: "):
                    reason = "its condition can never be true"
                by_reason[reason].append(f"{found[1]} (`{os.path.basename(found[2])}`)")
        for reason, rules in sorted(by_reason.items(), key=lambda x: (-len(x[1]), x[0])):
            self.lists.append((f"No witness: {reason} ({len(rules)})", sorted(rules)))

    def compare(self, witnesses, placeholders):
        for what, evidence in [("on all recorded EVTX", [os.path.join(self.corpus, "regression_data"), self.evidence]),
                               ("on witnesses and near misses", [witnesses])]:
            out, _ = run(self.differential, "--rules", *self.rules, "--placeholders", placeholders, "--evidence", *evidence)
            lines = out.strip().splitlines()
            self.row(f"rule-event pairs {what}, the same in the second evaluator", *numbers(last(out)),
                     lines[-2].split(" not understood")[0].rsplit(",", 1)[0] if len(lines) > 1 else "")
            different = [line for line in lines if ": engine " in line or line.startswith("not understood")]
            if different:
                self.lists.append((f"The second evaluator says otherwise {what}", different))

    def streams(self):
        """The meaning of correlations, against a model that looks at every window anew."""
        out, _ = run(self.correlations, "1000000", "1")
        self.row("random streams of correlations, shuffled within lateness, as the reference model says",
                 *numbers(last(out)))

    def measure(self, quick):
        with tempfile.TemporaryDirectory() as folder:
            placeholders = self.placeholders(folder)
            witnesses = os.path.join(folder, "witnesses")
            self.check(placeholders)
            self.tests()
            self.semantics()
            self.prove(witnesses, placeholders)
            if quick:
                return
            os.remove(os.path.join(witnesses, "index.jsonl"))
            self.compare(witnesses, placeholders)
            self.streams()

    def markdown(self):
        out = ["# Sigma on the public corpus", "",
               "Written by `python3 tools/sigma_page.py BUILD_DIR`; a test holds the rates.", "",
               "The corpus is SigmaHQ's of August 2026. A *witness* is an event made for a rule, written as a log,",
               "read back by the ordinary decoder, on which the rule fires; a *near miss* is the same event with one",
               "condition not met, on which it does not. The *second evaluator* interprets the rules' YAML and shares",
               "neither parser nor functions nor matchers with the engine (`tests/differential`). What correlations mean and",
               "how they are compared with their model: `docs/correlations.md`.", "",
               "| what | reached | of |", "|---|---:|---:|"]
        for what, reached, of, note in self.rows:
            out.append(f"| {what}{' (' + note + ')' if note else ''} | {reached:,} | {of:,} |")
        for heading, lines in self.lists:
            out += ["", f"## {heading}", ""] + [f"- {line}" for line in lines]
        return "\n".join(out) + "\n"


def rates(text):
    out = {}
    for what, reached, of in re.findall(r"^\| (.*?) \| ([\d,]+) \| ([\d,]+) \|$", text, re.M):
        out[what] = (int(reached.replace(",", "")), int(of.replace(",", "")))
    return out


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build", nargs="?", default="build/dev", metavar="BUILD_DIR")
    parser.add_argument("--check", action="store_true", help="only compare with the page as it is")
    arguments = parser.parse_args()
    build, quick = arguments.build, arguments.check
    if not os.access(os.path.join(build, "postern"), os.X_OK):
        sys.exit(f"sigma_page: no program {build}/postern; ./dev build")
    shared = os.environ.get("POSTERN_SHARED", "../shared")
    if not os.path.isdir(os.path.join(shared, "corpora", "sigma", "rules")):
        print(f"skipped: no corpus at {shared}")
        return 77
    page = Page(build, shared)
    page.measure(quick)
    text = page.markdown()
    if not quick:
        with open("docs/sigma.md", "w", encoding="utf-8") as f:
            f.write(text)
        print("\n".join(f"{w}: {r} of {o}" for w, r, o, _ in page.rows))
        return 0
    with open("docs/sigma.md", encoding="utf-8") as f:
        held = rates(f.read())
    now = rates(text)
    worse = [f"{w}: {now.get(w)} now, {h} on the page" for w, h in held.items()
             if w in now and now[w][0] * h[1] < h[0] * now[w][1]]
    print("\n".join(worse) or "all rates hold")
    return 1 if worse else 0


if __name__ == "__main__":
    sys.exit(main())
