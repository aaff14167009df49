#!/usr/bin/env python3
"""Hostile evidence costs bounded memory and time, and each fault is named with its file and place.

    check_bad_input.py POSTERN [--quick]

Makes the files, runs `postern inspect` on each with at most 512 MB of memory of its own (what is
mapped of the file does not count) and a time limit, and compares the anomalies; then on files of
EVTX chunks with bytes changed at random, which may take 50 ms a chunk. --quick: lines of 64 MB
instead of 1 GB, fewer chunks. Prints N of M.
"""
import gzip
import io
import json
import os
import random
import resource
import struct
import subprocess
import sys
import tempfile
import time
import zipfile

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
QUICK = "--quick" in sys.argv
LINE = (64 << 20) if QUICK else (1 << 30)
MEMORY = 512 << 20
SECONDS = 60 if QUICK else 240


def limit_memory():
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY))


def long_line(before, fill, after):
    """Writes before + fill... + after, of LINE bytes, without holding them."""
    def write(out):
        out.write(before)
        block = fill * ((1 << 20) // len(fill))
        for _ in range(LINE // len(block)):
            out.write(block)
        out.write(after)
    return write


def bytes_of(data):
    return lambda out: out.write(data)


def bomb(out):
    with gzip.GzipFile(fileobj=out, mode="wb", compresslevel=9) as z:
        for _ in range(300 if QUICK else 4096):
            z.write(b"x" * (1 << 20))


def nested_zip(out):
    data = b'{"a":1}\n'
    for depth in range(6):
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as z:
            z.writestr(f"{depth}.zip" if depth else "a.json", data)
        data = buffer.getvalue()
    out.write(data)


def many_members(out):
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as z:
        for i in range(2000):
            z.writestr(f"{i}.json", '{"a":1}\n')


def evtx(mutate):
    """A file of one chunk of nonsense records: what matters are the sizes."""
    def write(out):
        chunk = bytearray(65536)
        chunk[0:8] = b"ElfChnk\0"
        struct.pack_into("<I", chunk, 40, 128)
        struct.pack_into("<I", chunk, 48, 65536)
        for at in range(512, 65536 - 64, 64):
            struct.pack_into("<IIQQ", chunk, at, 0x2A2A, 64, at, 132_500_000_000_000_000)
            chunk[at + 24:at + 28] = b"\x0f\x01\x01\x00"
            # An instance whose template is defined at itself.
            struct.pack_into("<BBIII", chunk, at + 28, 0x0C, 1, 1, at + 24, 0xFFFFFFFF)
            struct.pack_into("<I", chunk, at + 60, 64)
        mutate(chunk)
        out.write(b"ElfFile\0" + bytes(4088) + chunk)
    return write


def zero_sizes(chunk):
    for at in range(512, 65536 - 64, 64):
        struct.pack_into("<I", chunk, at + 4, 0)


def huge_sizes(chunk):
    for at in range(512, 65536 - 64, 64):
        struct.pack_into("<I", chunk, at + 4, 0xFFFFFFFF)


DEEP = 10_000
CASES = [
    # name, writer, anomaly that must be there (None: none must), format
    ("deep.json", bytes_of(b'{"a":1}\n{"a":' + b"[" * DEEP + b"]" * DEEP + b"}\n"), "json-too-large", "json"),
    ("deep_objects.json", bytes_of(b'{"a":1}\n' + b'{"a":' * DEEP + b"1" + b"}" * DEEP + b"\n"), "json-too-large", "json"),
    ("open.json", bytes_of(b'{"a":1}\n' + b'{"a":[' * 200_000), "json-bad-line", "json"),
    ("surrogates.json", bytes_of(b'{"a":"\\ud800","b":"x"}\n{"a":"\\udc00\\ud800"}\n'), None, "json"),
    ("nul.json", bytes_of(b'{"a":"x\0y"}\n{"a":"z"}\n'), "json-bad-line", "json"),
    ("bad_utf8.json", bytes_of(b'{"a":"\xff\xfe"}\n'), "json-bad-utf8", "json"),
    ("line.json", long_line(b'{"a":1}\n{"a":"', b"x", b'"}\n{"a":2}\n'), "json-too-large", "json"),
    ("line.csv", long_line(b"a,b\n1,2\n3,", b"y", b"\n4,5\n"), "csv-long-record", "csv"),
    ("commas.csv", long_line(b"a,b\n1,2\n3", b",", b"\n4,5\n"), "csv-long-record", "csv"),
    ("cdata.xml", long_line(b"<Events><Event><System><EventID>2</EventID><Channel>Security</Channel></System><EventData><Data Name='a'><![CDATA[", b"q", b"]]></Data></EventData></Event></Events>"), "xml-malformed-event", "windows-xml"),
    ("quote.csv", long_line(b'a,b\n1,2\n3,"', b"y,", b"\n4,5\n"), "csv-open-quote", "csv"),
    ("line.log", long_line(b"2026-03-07T14:31:00Z web app[1]: ok\n2026-03-07T14:31:00Z web app[1]: ", b"z", b"\n"), "text-long-line", "syslog"),
    ("audit.log", long_line(b"type=CWD msg=audit(1604996384.965:1): cwd=\"/\"\ntype=CWD msg=audit(1604996384.965:2): cwd=\"", b"/w", b"\"\n"), "text-long-line", "auditd"),
    ("zeek.log", long_line(b"#separator \\x09\n#path\tconn\n#fields\tts\tuid\n#types\ttime\tstring\n1.0\tA\n2.0\t", b"B", b"\n"), "text-long-line", "zeek-tsv"),
    ("events.xml", long_line(b"<Events><Event><System><EventID>1</EventID><Channel>Security</Channel></System></Event><Event><System><EventID>2</EventID><Channel>Security</Channel></System><EventData><Data Name='a'>", b"q", b"</Data></EventData></Event></Events>"), "xml-malformed-event", "windows-xml"),
    ("mail.eml", long_line(b"From: a@b\nTo: c@d\nSubject: ", b"s", b"\n\nbody\n"), None, "eml"),
    ("nul.bin", bytes_of(bytes(1 << 20)), None, "unknown"),
    ("nul.log", bytes_of(b"Mar  7 14:31:00 web app: a\nMar  7 14:31:01 web app: \0\0\n"), None, None),
    ("bomb.gz", bomb, "archive-limit", "archive"),
    ("nested.zip", nested_zip, "archive-too-deep", "archive"),
    ("many.zip", many_members, None, "json"),
    ("cut.gz", bytes_of(gzip.compress(b'{"a":1}\n' * 20000)[:-200]), "archive-corrupt", "archive"),
    ("self.evtx", evtx(lambda c: None), "evtx-*", "evtx"),
    ("zero.evtx", evtx(zero_sizes), "evtx-truncated-record", "evtx"),
    ("huge.evtx", evtx(huge_sizes), "evtx-truncated-record", "evtx"),
    ("empty", bytes_of(b""), None, "unknown"),
]


def run(postern, path):
    start = time.monotonic()
    done = subprocess.run([postern, "inspect", "--format", "jsonl", path], capture_output=True, timeout=SECONDS,
                          preexec_fn=limit_memory, env={**os.environ, "TMPDIR": os.path.dirname(path)})
    return done, time.monotonic() - start


def faults_of(postern, folder, name, write, anomaly, form):
    path = os.path.join(folder, name)
    with open(path, "wb") as out:
        write(out)
    try:
        done, seconds = run(postern, path)
    except subprocess.TimeoutExpired:
        return [f"not done after {SECONDS} s"]
    finally:
        os.unlink(path)
    faults = []
    if done.returncode != 0:
        faults.append(f"exit {done.returncode}: {done.stderr[-200:].decode(errors='replace')}")
    entries = [json.loads(line) for line in done.stdout.decode().splitlines()]
    entries = [e for e in entries if "path" in e]
    named = {a["name"]: a for e in entries for a in e["anomalies"]}
    if anomaly and anomaly.endswith("*"):
        if not any(n.startswith(anomaly[:-1]) for n in named):
            faults.append(f"no anomaly {anomaly}; there are {sorted(named)}")
    elif anomaly and anomaly not in named:
        faults.append(f"no anomaly {anomaly}; there are {sorted(named)}")
    for a in named.values():
        if name not in a["path"]:
            faults.append(f"{a['name']} is not of this file: {a['path']}")
    if form and not any(e["format"] == form for e in entries):
        faults.append(f"format {[e['format'] for e in entries][:3]}, not {form}")
    if "-v" in sys.argv:
        print(f"  {name}: {seconds:.1f} s, {sorted(named)}")
    return faults


CHUNK_SECONDS = 0.050
COPIES = 64  # of a damaged chunk, so that the start of the program does not count


def damaged_chunk(number):
    """A chunk of ordinary records with a few or many bytes changed, or pieces moved; by its seed."""
    draw = random.Random(number)
    with open(os.path.join(ROOT, "tests", "fuzz", "corpus", "evtx", "two_events.chunk"), "rb") as f:
        seed = f.read()
    chunk = bytearray((seed + seed[512:] * (65536 // (len(seed) - 512) + 1))[:65536])
    struct.pack_into("<I", chunk, 48, 65536)
    for _ in range(draw.choice([1, 5, 20, 100, 1000])):
        at = draw.randrange(24, 65528)
        how = draw.randrange(4)
        if how == 0:
            chunk[at] = draw.randrange(256)
        elif how == 1:  # an offset or size, near or far
            struct.pack_into("<I", chunk, at, draw.choice([0, 1, at, 512, 65535, 0xFFFFFFFF, draw.randrange(65536)]))
        elif how == 2:  # tokens of binary XML
            chunk[at] = draw.choice([0x01, 0x41, 0x02, 0x04, 0x05, 0x06, 0x0C, 0x0D, 0x0E, 0x0F, 0x21])
        else:
            n = draw.randrange(1, min(2000, 65536 - at))
            to = draw.randrange(24, 65536 - n)
            chunk[to:to + n] = chunk[at:at + n]
    return bytes(chunk)


def slow_chunks(postern, folder, count):
    """Damaged chunks that take too long, and the slowest time per chunk."""
    path = os.path.join(folder, "damaged.evtx")
    slow, worst = [], 0.0
    for number in range(count):
        with open(path, "wb") as out:
            out.write(b"ElfFile\0" + bytes(4088) + damaged_chunk(number) * COPIES)
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        done, _ = run(postern, path)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        seconds = (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) / COPIES
        worst = max(worst, seconds)
        if done.returncode != 0 or seconds > CHUNK_SECONDS:
            slow.append(f"damaged chunk {number}: exit {done.returncode}, {seconds * 1000:.0f} ms a chunk")
    os.unlink(path)
    return slow, worst


def main():
    postern = os.path.abspath(sys.argv[1])
    good = 0
    with tempfile.TemporaryDirectory(dir=os.environ.get("TMPDIR", "/var/tmp")) as folder:
        for case in CASES:
            faults = faults_of(postern, folder, *case)
            good += not faults
            for fault in faults:
                print(f"  {case[0]}: {fault}")
        chunks = 20 if QUICK else 300
        slow, worst = slow_chunks(postern, folder, chunks)
        for line in slow:
            print(f"  {line}")
    print(f"{good} of {len(CASES)} hostile files read within {MEMORY >> 20} MB and named")
    print(f"{chunks - len(slow)} of {chunks} damaged chunks read within {CHUNK_SECONDS * 1000:.0f} ms each; "
          f"the slowest took {worst * 1000:.1f} ms")
    return 0 if good == len(CASES) and not slow else 1


if __name__ == "__main__":
    sys.exit(main())
