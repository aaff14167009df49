"""Joins the capture with the story: which recorded connection is which session."""
from __future__ import annotations

import datetime as dt
import hashlib
import pathlib
from dataclasses import dataclass

from packets import Connection, connections, read
from story import HOSTS, PROCESSES, SESSIONS, Process, Session, instant


@dataclass(frozen=True)
class Flow:
    session: Session
    connection: Connection

    @property
    def process(self) -> Process | None:
        return PROCESSES.get(self.session.process)

    @property
    def bytes_out(self) -> int:
        return len(self.connection.stream(True))

    @property
    def bytes_in(self) -> int:
        return len(self.connection.stream(False))


def load(capture: pathlib.Path) -> list[Flow]:
    found = connections(read(capture))
    if len(found) != len(SESSIONS):
        raise SystemExit(f"{capture}: {len(found)} connections, the story has {len(SESSIONS)}")
    flows = []
    for session, c in zip(SESSIONS, found):
        want = (HOSTS[session.client].ip, HOSTS[session.server].ip, session.port)
        if (c.src, c.dst, c.dport) != want or abs(c.start - instant(session.start)) > 0.001:
            raise SystemExit(f"{capture}: {session.key} is {c.src} -> {c.dst}:{c.dport} at {c.start}")
        flows.append(Flow(session, c))
    return flows


def made_up(kind: str, text: str) -> str:
    """A stable hexadecimal digest that stands for the hash or the id of something that does not exist."""
    return hashlib.new(kind, b"postern incident " + text.encode()).hexdigest()


def stable(text: str, below: int) -> int:
    return int(made_up("sha256", text)[:12], 16) % below


def moment(time: float) -> dt.datetime:
    return dt.datetime.fromtimestamp(round(time * 1e6) / 1e6, dt.timezone.utc)


def millis(time: float) -> str:
    """2026-03-10T09:02:10.418Z"""
    return moment(int(time * 1e3 + 0.5) / 1e3).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
