#!/usr/bin/env python3
"""What a person at a terminal sees: a progress line on long work, and what was found at Ctrl-C.

    test_terminal.py POSTERN
"""
import gzip
import os
import pty
import signal
import subprocess
import sys
import tempfile
import threading
import time

EVENT = (b'{"EventID":1,"SourceName":"Microsoft-Windows-Sysmon","Channel":"Microsoft-Windows-Sysmon/Operational",'
         b'"Hostname":"ws1","@timestamp":"2026-03-07T14:31:00Z","Image":"C:\\\\a.exe","CommandLine":"a %d"}\n')
SHOW_AFTER = 0.5  # seconds of work without a progress line


def on_terminal(command, stdin=None, after=None):
    """Runs with stderr on a terminal; `after(process, text)` is called as text comes. -> exit, stdout, stderr"""
    leader, follower = pty.openpty()
    process = subprocess.Popen(command, stdin=stdin, stdout=subprocess.PIPE, stderr=follower)
    os.close(follower)
    seen = bytearray()

    def watch():
        while True:
            try:
                block = os.read(leader, 4096)
            except OSError:
                return
            if not block:
                return
            seen.extend(block)
            if after:
                after(process, bytes(seen))

    thread = threading.Thread(target=watch)
    thread.start()
    out = process.communicate(timeout=120)[0]
    thread.join(timeout=10)
    os.close(leader)
    return process.returncode, out.decode(), bytes(seen).decode(errors="replace")


def main():
    postern = os.path.abspath(sys.argv[1])
    faults = []

    def expect(what, holds):
        if not holds:
            faults.append(what)

    with tempfile.TemporaryDirectory() as folder:
        # Waiting for a pipe that never ends: Ctrl-C stops the waiting.
        read_end, write_end = os.pipe()
        os.write(write_end, EVENT % 1)
        timer = threading.Timer(1.5, lambda: holder["process"].send_signal(signal.SIGINT))
        holder = {}
        process = subprocess.Popen([postern, "inspect", "-"], stdin=read_end, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        holder["process"] = process
        timer.start()
        process.communicate(timeout=60)
        os.close(write_end)
        expect(f"exit 130 at Ctrl-C while waiting, not {process.returncode}", process.returncode == 130)

        # Long work: packed, so that its length is told by the archive.
        path = os.path.join(folder, "events.json.gz")
        # One member, many times: enough work that Ctrl-C comes before its end on any machine.
        member = gzip.compress(b"".join(EVENT % i for i in range(100_000)), compresslevel=1)
        with open(path, "wb") as out:
            for _ in range(20):
                out.write(member)
        interrupted = []

        def interrupt(process, text):
            if not interrupted and b" left" in text:
                interrupted.append(time.monotonic())
                process.send_signal(signal.SIGINT)

        code, out, err = on_terminal([postern, "hunt", path], after=interrupt)
        # A machine that is fast enough is done before there is anything to show.
        if interrupted:
            expect(f"exit 130 at Ctrl-C, not {code}", code == 130)
            for word in (" of ", "/s", "s left", "events", "findings"):
                expect(f"progress tells of {word!r}", word in err)
            expect("the summary is printed", "interrupted" in err.lower())
            print("interrupted:", err.replace("\r", "\n").splitlines()[-3:])
        else:
            expect(f"exit 0, not {code}", code == 0)
            print("done before there was anything to show")
        code, out, err = on_terminal([postern, "hunt", "--no-progress", "--quiet", path])
        expect("--no-progress shows none", "s left" not in err)
    for fault in faults:
        print("  fault:", fault)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
