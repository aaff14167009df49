#!/usr/bin/env python3
"""Every kind of compressed file and archive, through the command line: the same log comes out of each.

usage: test_archives.py POSTERN
"""
import bz2
import gzip
import io
import json
import lzma
import pathlib
import subprocess
import sys
import tarfile
import tempfile
import zipfile

POSTERN = sys.argv[1]
LOG = (b'{"_path":"conn","ts":1773109804.48,"uid":"C1","id.orig_h":"10.0.0.1"}\n'
       b'{"_path":"conn","ts":1773109805.48,"uid":"C2","id.orig_h":"10.0.0.2"}\n')
MEMBER = "logs/conn.log"

# Made by libarchive from LOG under MEMBER: 7zip with LZMA, ustar in zstd, and LOG in lz4.
SEVEN_ZIP = bytes.fromhex(
    "377abcaf271c00032427fb1554000000000000004f00000000000000a6fc1d47003d8887e703438a52d60b99099a960c9aea53e801a3"
    "b11d0b167a74adfb2b751468299b3f9b1a8c8637174008eb2ac14582b5ddd7f80258b208c82f61f2d1b37c71607053dea26319b4ffe1"
    "cad49fffe63de0000104060001095400070b01000123030101055d000080000c808c00080a01a1ecb1c700000501111d006c006f0067"
    "0073002f0063006f006e006e002e006c006f0067000000150601002080a4810000")
TAR_ZSTD = bytes.fromhex(
    "28b52ffd0058a50400c2c7191b60a7ea1ef8afe6943f11826180c1386083ba4922164e5cc23a6c014364c68821f2eaf5faf5f372c0d8"
    "4c55a29777e06725425e46d37643f00d14c53e3b8f97a59c899f9707211c2ea8a706791c285d25e788dd2bd596fd4faa35f73fc1c9a89"
    "4330138703201100047e53f98331001e580634612c408a02048c028a4c39a1cfc06c900901c78006bad2000d731135002")
LZ4 = bytes.fromhex(
    "04224d186470b958000000f0287b225f70617468223a22636f6e6e222c227473223a313737333130393830342e34382c22756964223a"
    "224331222c2269642e6f7269675f31003031302e02004f31227d0a46000b183546001f32460002502e32227d0a00000000f7e27972")


def zipped(name: str, data: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as z:
        z.writestr(name, data)
    return out.getvalue()


def tarred(mode: str) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=mode) as t:
        info = tarfile.TarInfo(MEMBER)
        info.size = len(LOG)
        t.addfile(info, io.BytesIO(LOG))
    return out.getvalue()


# name -> bytes, and what findings call the log in it
FILES = {
    "conn.gz": (gzip.compress(LOG), ""),
    "conn.bz2": (bz2.compress(LOG), ""),
    "conn.xz": (lzma.compress(LOG), ""),
    "conn.lz4": (LZ4, ""),
    "conn.zip": (zipped(MEMBER, LOG), "!" + MEMBER),
    "conn.tar": (tarred("w"), "!" + MEMBER),
    "conn.tgz": (tarred("w:gz"), "!" + MEMBER),
    "conn.txz": (tarred("w:xz"), "!" + MEMBER),
    "conn.tzst": (TAR_ZSTD, "!" + MEMBER),
    "conn.7z": (SEVEN_ZIP, "!" + MEMBER),
    "nested.zip": (zipped("a/b.7z", SEVEN_ZIP), "!a/b.7z!" + MEMBER),
}


def run(*args: str) -> list:
    done = subprocess.run([POSTERN, *args], capture_output=True, text=True, check=False)
    assert done.returncode == 0, (args, done.returncode, done.stderr)
    return [json.loads(line) for line in done.stdout.splitlines()]


def check(path: pathlib.Path, inside: str, rule: str) -> None:
    files = [e for e in run("inspect", "--format", "jsonl", str(path)) if "path" in e]
    assert [f["path"] for f in files] == [str(path) + inside], files
    assert files[0]["format"] == "json" and not files[0]["anomalies"], files
    assert [(t["table"], t["events"]) for t in files[0]["tables"]] == [("zeek.conn", 2)], files
    found = run("hunt", "--no-builtin", "--rules", rule, "--no-progress", "--format", "jsonl", str(path))
    assert [f["row"]["uid"] for f in found] == ["C2"], found
    assert found[0]["evidence"][0]["path"] == str(path) + inside, found


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        rule = folder / "c2.yml"
        rule.write_text("title: second\nid: 7a9e8a30-0b0f-4f6e-9d59-5ac3a2d0a001\nlogsource:\n  product: zeek\n"
                        "  service: conn\ndetection:\n  selection:\n    id.orig_h: 10.0.0.2\n  condition: selection\n"
                        "level: low\n")
        for file, (data, inside) in FILES.items():
            path = folder / file
            path.write_bytes(data)
            check(path, inside, str(rule))
        cut = folder / "cut.7z"
        cut.write_bytes(SEVEN_ZIP[:-30])
        names = [a["name"] for e in run("inspect", "--format", "jsonl", str(cut)) for a in e.get("anomalies", [])]
        assert names == ["archive-corrupt"], names
    print(f"{len(FILES)} of {len(FILES)} kinds of archives unpacked")


if __name__ == "__main__":
    main()
