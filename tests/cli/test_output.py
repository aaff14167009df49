#!/usr/bin/env python3
"""What cannot be read or written is told, with an exit status, and hides nothing else.

    test_output.py POSTERN
"""
import os
import pathlib
import signal
import subprocess
import sys
import tempfile

EVENT = ('{"EventID":1,"SourceName":"Microsoft-Windows-Sysmon","Channel":'
         '"Microsoft-Windows-Sysmon/Operational","Hostname":"ws1","@timestamp":"2026-03-07T14:31:00Z",'
         '"Image":"C:\\\\a.exe","CommandLine":"a %d"}\n')
QUERY = ["query", "-l", "kql", "DeviceProcessEvents | project ProcessCommandLine"]
RULE = "DeviceProcessEvents | where FileName == 'a.exe' | project ProcessCommandLine\n"
FULL = "/dev/full"

faults: list[str] = []
postern = ""


def run(*args: object, **kwargs) -> subprocess.CompletedProcess:
    kwargs.setdefault("stdout", subprocess.PIPE)
    return subprocess.run([postern, *map(str, args)], stderr=subprocess.PIPE, text=True, timeout=120, **kwargs)


def expect(what: str, holds: bool, done: subprocess.CompletedProcess) -> None:
    if not holds:
        faults.append(f"{what}: exit {done.returncode}, {done.stderr[-300:]!r}")


def check_full_disk(log: pathlib.Path, rules: pathlib.Path) -> None:
    hunt = ["hunt", "--no-builtin", "--rules", rules, log, "-q"]
    with open(FULL, "w") as full:
        for args in ([*QUERY, log], [*QUERY, log, "--format", "csv"], [*QUERY, log, "--format", "table"], hunt,
                     [*hunt, "--format", "csv"], [*hunt, "--format", "table"], ["inspect", log],
                     ["rules", "list", rules], ["rules", "check", rules, "--format", "json"], ["version"], ["--help"]):
            done = run(*args, stdout=full)
            expect(f"{args[0]} onto a full disk is told", done.returncode == 2 and "cannot be written" in done.stderr,
                   done)
    done = run(*hunt, "--output", FULL)
    expect("so is a file", done.returncode == 2 and f"cannot write {FULL}" in done.stderr, done)
    done = run(*hunt, "--output", log.parent / "nowhere" / "out")
    expect("and one that cannot be", done.returncode == 2 and "cannot write" in done.stderr, done)


def check_broken_pipe(log: pathlib.Path) -> None:
    read_end, write_end = os.pipe()
    os.close(read_end)
    done = run(*QUERY, log, stdout=write_end)
    os.close(write_end)
    expect("a broken pipe is silent", done.returncode == -signal.SIGPIPE and done.stderr == "", done)


def check_unreadable(folder: pathlib.Path, log: pathlib.Path) -> None:
    done = run(*QUERY, folder / "nothing", log)
    expect("what is missing is told next to what is there",
           done.returncode == 2 and "cannot list" in done.stderr and done.stdout.count("\n") == 3, done)
    empty = folder / "empty"
    empty.mkdir()
    done = run(*QUERY, empty)
    expect("no files", done.returncode == 2 and f"no files in {empty}" in done.stderr, done)
    mixed = folder / "mixed"
    closed = mixed / "closed"
    closed.mkdir(parents=True)
    (mixed / "a.json").write_text(EVENT % 1)
    (mixed / "z.json").write_text(EVENT % 2)
    (mixed / "locked.json").write_text(EVENT % 3)
    (mixed / "locked.json").chmod(0)
    closed.chmod(0)
    if not os.access(closed, os.R_OK):  # root may read all
        done = run(*QUERY, mixed)
        expect("what is closed hides nothing else",
               done.returncode == 2 and "cannot list" in done.stderr and "cannot read" in done.stderr and
               done.stdout.count("\n") == 2, done)
    closed.chmod(0o700)


# Interrupted before it was read, a file is not one of an unknown format.
def check_interrupted(folder: pathlib.Path, rules: pathlib.Path) -> None:
    logs = folder / "logs"
    logs.mkdir()
    text = "".join(EVENT % i for i in range(30_000))
    for name in "abcdef":
        (logs / f"{name}.json").write_text(text)
    process = subprocess.Popen([postern, "hunt", "--no-builtin", "--rules", str(rules), str(logs), "-j", "1"],
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    line = process.stderr.readline()  # of the rules, before the hunt
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=120)
    done = subprocess.CompletedProcess([], process.returncode, out, line + err)
    if "interrupted" not in err:
        return  # done before
    expect("an interrupted hunt", done.returncode == 130, done)
    expect("does not judge what it did not read", "no known evidence format" not in err and "no evidence" not in err,
           done)
    expect("nor count it", " 6 files" not in err, done)


def main() -> int:
    global postern
    postern = os.path.abspath(sys.argv[1])
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        log = folder / "log.json"
        log.write_text("".join(EVENT % i for i in range(3)))
        rules = folder / "rule.kql"
        rules.write_text(RULE)
        if os.path.exists(FULL):
            check_full_disk(log, rules)
        check_broken_pipe(log)
        check_unreadable(folder, log)
        check_interrupted(folder, rules)
    for fault in faults:
        print("fault:", fault)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
