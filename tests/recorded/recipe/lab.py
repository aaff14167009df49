"""What a pattern needs: hosts, clients, contents, and a capture around it that is placed in time.

Everything runs against the servers of record.sh on a private loopback device. A recording becomes a
capture of the story by `place`: of each packet the addresses, the TTL, the checksums and the time
change, as examples/incident does it; ports, sequence numbers and payload stay as they were.
"""
from __future__ import annotations

import datetime as dt
import gzip
import os
import pathlib
import random
import signal
import subprocess
import sys
import time
import zlib
from dataclasses import dataclass, field

from packets import connections, read, readdressed, write

DAY = "2026-11-18"  # a Wednesday
CLIENTS = {"ws1": "10.20.1.15", "ws2": "10.20.1.16", "ws3": "10.20.1.17", "ws4": "10.20.1.18", "web1": "10.20.2.20",
           "prn1": "10.20.3.30", "relay": "10.20.0.25", "partner": "198.51.100.77"}
SERVERS = {"127.9.0.25": "10.20.0.25", "127.9.9.25": "203.0.113.25", "127.9.9.26": "203.0.113.26",
           "127.9.9.27": "203.0.113.26"} | {f"127.9.9.{30 + i}": f"198.51.100.{30 + i}" for i in range(1, 7)}
RELAY, OUTSIDE, SUBMIT, STRIPPED = "127.9.0.25", "127.9.9.25", "127.9.9.26", "127.9.9.27"
MX = [f"127.9.9.{30 + i}" for i in range(1, 6)]
STRICT_MX = "127.9.9.36"
HELPER = "127.66.6.6"  # where helpers connect from: their connections are left out
MACS = {"client": "02:00:0a:14:01:0f", "server": "02:00:cb:00:71:19"}
PASSWORD = "made-up"


def noise(key: str, size: int) -> bytes:
    return random.Random(f"postern recorded {key}").randbytes(size)


@dataclass
class Placed:
    """One connection of a recording in the story."""

    client: str
    start: str  # HH:MM[:SS]
    seconds: float = 2


@dataclass
class Lab:
    work: pathlib.Path
    commands: list[str] = field(default_factory=list)

    def run(self, *command: str, stdin: bytes = b"", may_fail: bool = False, env: dict[str, str] | None = None) -> str:
        done = subprocess.run(command, input=stdin, capture_output=True, timeout=90, cwd=self.work,
                              env={**os.environ, "HOME": str(self.work), **(env or {})})
        if done.returncode and not may_fail:
            sys.exit(f"{command}: {done.returncode}\n{done.stdout.decode()[-2000:]}\n{done.stderr.decode()[-2000:]}")
        return done.stdout.decode(errors="replace")

    def file(self, name: str, data: bytes | str) -> str:
        path = self.work / name
        path.write_bytes(data.encode() if isinstance(data, str) else data)
        return str(path)

    def swaks(self, server: str, sender: str, recipient: str, message: str, *more: str, port: int = 25,
              helo: str = "ws1.example.com", may_fail: bool = False) -> None:
        """swaks with a whole message of ours: no header of its own."""
        self.run("swaks", "--server", server, "--port", str(port), "--ehlo", helo, "--from", sender, "--to", recipient,
                 "--data", "@" + self.file("message.eml", message), *more, may_fail=may_fail)

    def curl(self, *arguments: str, may_fail: bool = False, user: str = "") -> str:
        login = ["--user", f"{user}:{PASSWORD}"] if user else []
        return self.run("curl", "-sS", "-k", *login, *arguments, may_fail=may_fail)

    def mailbox(self, user: str, messages: list[str], folder: str = "") -> None:
        """Fills a mailbox of Dovecot from behind."""
        root = self.work / "home" / user / "Maildir"
        where = root / folder / "new" if folder else root / "new"
        for d in (where, where.parent / "cur", where.parent / "tmp"):
            d.mkdir(parents=True, exist_ok=True)
        for i, text in enumerate(messages):
            (where / f"{1795000000 + i}.M{i}P1.mail").write_text(text)
        self.run("chown", "-R", "nobody:nogroup", str(self.work / "home"))


def mail(sender: str, recipient: str, subject: str, body: str, *headers: str, message_id: bool = True) -> str:
    """A message as a script would put it together; lines end with LF, as swaks and curl want them."""
    lines = [f"From: {sender}", f"To: {recipient}", f"Subject: {subject}", "Date: Wed, 18 Nov 2026 09:30:00 +0000", *headers]
    if message_id:
        lines.append(f"Message-ID: <{zlib.crc32(subject.encode())}.{len(body)}@example.com>")
    return "\n".join(lines) + "\n\n" + body + "\n"


def with_file(name: str, kind: str, data: bytes, text: str = "See attached.", disposition: str = "attachment") -> tuple[str, str]:
    """Headers and body of a message with one attachment."""
    import base64
    coded = base64.encodebytes(data).decode().strip()
    head = 'MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary="part-7f2c"'
    body = (f"--part-7f2c\nContent-Type: text/plain; charset=utf-8\n\n{text}\n--part-7f2c\n"
            f'Content-Type: {kind}; name="{name}"\nContent-Disposition: {disposition}; filename="{name}"\n'
            f"Content-Transfer-Encoding: base64\n\n{coded}\n--part-7f2c--")
    return head, body


def seconds_of(clock: str) -> float:
    parts = [float(p) for p in clock.split(":")] + [0.0]
    return parts[0] * 3600 + parts[1] * 60 + parts[2]


def midnight() -> float:
    return dt.datetime.fromisoformat(DAY + "T00:00:00+00:00").timestamp()


class Recorder:
    def __init__(self, work: pathlib.Path) -> None:
        self.raw = work / "raw.pcap"
        self.log = open(work / "tcpdump.log", "wb")  # noqa: SIM115

    def __enter__(self) -> Recorder:
        self.raw.unlink(missing_ok=True)
        self.process = subprocess.Popen(["tcpdump", "-i", "lo", "-s", "0", "-B", "32768", "-U", "--immediate-mode", "-Z", "root",
                                         "-w", str(self.raw), "tcp"], stderr=self.log)
        while not self.raw.exists() or self.raw.stat().st_size < 24:
            time.sleep(0.02)
        return self

    def __exit__(self, *_: object) -> None:
        time.sleep(0.3)
        self.process.send_signal(signal.SIGINT)
        self.process.wait()


def place(raw: pathlib.Path, out: pathlib.Path, plan: list[Placed]) -> None:
    recorded = [c for c in connections(read(raw)) if c.src != HELPER and c.dst in SERVERS]
    if len(recorded) != len(plan):
        sys.exit(f"{out.name}: {len(recorded)} connections recorded, {len(plan)} planned")
    placed = []
    for spot, connection in zip(plan, recorded):
        start = midnight() + seconds_of(spot.start)
        length = max(connection.end - connection.start, 1e-6)
        client, server = CLIENTS[spot.client], SERVERS[connection.dst]
        for p in connection.packets:
            when = start + (p.time - connection.start) * spot.seconds / length
            if connection.from_client(p):
                placed.append(readdressed(p, client, server, MACS["client"], MACS["server"], 128, when))
            else:
                placed.append(readdressed(p, server, client, MACS["server"], MACS["client"], 53, when))
    placed.sort(key=lambda p: p.time)
    write(out, placed)
    if out.stat().st_size > 200_000:  # a large mail of zeros packs well
        packed = out.with_suffix(".pcap.gz")
        packed.write_bytes(gzip.compress(out.read_bytes(), mtime=0))
        out.unlink()
