#!/usr/bin/env python3
"""postern mail: records in each format, and files whose names come from strangers.

usage: test_mail.py POSTERN
"""
import csv
import io
import json
import pathlib
import subprocess
import sys
import tempfile

POSTERN = sys.argv[1]
NAMES = ["../../escape.txt", "/etc/passwd", "..\\..\\evil.exe", "loot.txt", "loot.txt", "", "a\x07b`id`.sh"]


def message() -> bytes:
    parts = []
    for i, name in enumerate(NAMES):
        quoted = name.replace("\\", "\\\\")
        disposition = f'attachment; filename="{quoted}"' if name else "attachment"
        parts.append(f"--B\r\nContent-Type: application/octet-stream\r\nContent-Disposition: {disposition}\r\n\r\n"
                     f"content {i}\r\n")
    head = ("Return-Path: <bot@victim.example>\r\nFrom: Bot <bot@victim.example>\r\nTo: drop@evil.example\r\n"
            "Subject: =?utf-8?q?=3D1+1?=\r\nDate: Tue, 4 Jun 2024 14:16:45 +0000\r\nMIME-Version: 1.0\r\n"
            "Content-Type: multipart/mixed; boundary=B\r\n\r\n")
    return (head + "".join(parts) + "--B--\r\n").encode()


def run(*args: str, code: int = 0) -> subprocess.CompletedProcess:
    done = subprocess.run([POSTERN, "mail", *args], capture_output=True, text=True, check=False)
    assert done.returncode == code, (args, done.returncode, done.stderr)
    return done


def check_records(mail: str) -> None:
    rows = [json.loads(line) for line in run(mail).stdout.splitlines()]
    assert len(rows) == 1 and rows[0]["subject"] == "=1+1" and rows[0]["num_attachments"] == len(NAMES), rows
    files = [json.loads(line) for line in run(mail, "--records", "attachments").stdout.splitlines()]
    assert [f["size"] for f in files] == [9] * len(NAMES), files
    assert all(len(f["sha256"]) == 64 for f in files)
    table = list(csv.DictReader(io.StringIO(run(mail, "--format", "csv").stdout)))
    assert table[0]["subject"] == "'=1+1", "no formula for a spreadsheet"
    assert "drop@evil.example" not in run(mail, "--records", "sessions").stdout
    assert "bot@victim.example" in run(mail, "--format", "table").stdout
    assert "there are sessions" in run(mail, "--records", "mails", code=2).stderr
    run(code=2)


def check_extract(mail: str, folder: pathlib.Path) -> None:
    out = folder / "out" / "deep"
    run(mail, "--extract", str(out))
    made = sorted(p.name for p in out.iterdir())
    assert made == ["00001-escape.txt", "00002-passwd", "00003-evil.exe", "00004-loot.txt", "00005-loot.txt",
                    "00006-unnamed", "00007-a_b_id_.sh", "00008.eml", "manifest.jsonl"], made
    assert not (folder / "escape.txt").exists() and not (folder / "out" / "escape.txt").exists()
    assert (out / "00004-loot.txt").read_bytes() == b"content 3"
    assert (out / "00008.eml").read_bytes() == message()
    manifest = [json.loads(line) for line in (out / "manifest.jsonl").read_text().splitlines()]
    assert manifest[0]["name"] == "../../escape.txt" and manifest[0]["MailFrom"] == "bot@victim.example", manifest[0]
    # A second run writes nothing over, not even through a link.
    (out / "00009-escape.txt").symlink_to(folder / "victim")
    run(mail, "--extract", str(out))
    assert (out / "00004-loot.txt").read_bytes() == b"content 3"
    assert not (folder / "victim").exists()
    assert len(list(out.iterdir())) == 2 * (len(NAMES) + 1) + 2
    (folder / "file").write_text("")
    run(mail, "--extract", str(folder / "file"), code=2)


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        mail = folder / "mail.eml"
        mail.write_bytes(message())
        check_records(str(mail))
        check_extract(str(mail), folder)
    print("postern mail: records and extracted files are as they should be")


main()
