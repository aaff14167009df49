"""Reads the evidence of examples/incident with code of its own: nothing of the recipe is used."""
from __future__ import annotations

import datetime as dt
import json
import pathlib
import re
import socket
import struct
import xml.etree.ElementTree as ET
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

ROOT = pathlib.Path(__file__).resolve().parents[2] / "examples" / "incident"
MAIL_PORTS = {25, 110, 143, 465, 587, 993, 995, 2525}
ADDRESS = {"mail": "10.20.0.25", "ws1": "10.20.1.15", "ws2": "10.20.1.16", "web1": "10.20.2.20", "mac1": "10.20.3.30"}
Tuple5 = tuple[str, int, str, int]


def epoch(text: str) -> float:
    text = re.sub(r"(\.\d{6})\d+", r"\1", text.replace(" ", "T", 1)).replace("Z", "+00:00")
    value = dt.datetime.fromisoformat(text)
    return (value if value.tzinfo else value.replace(tzinfo=dt.timezone.utc)).timestamp()


def ones_complement(data: bytes) -> int:
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total > 0xFFFF:
        total = (total >> 16) + (total & 0xFFFF)
    return total


@dataclass
class Flow:
    key: Tuple5
    start: float
    end: float = 0.0
    out: dict[int, bytes] = field(default_factory=dict)  # sequence number: payload, from the client
    back: dict[int, bytes] = field(default_factory=dict)
    packets: list[int] = field(default_factory=lambda: [0, 0])
    ip_bytes: list[int] = field(default_factory=lambda: [0, 0])
    reset: bool = False

    @property
    def client_stream(self) -> bytes:
        return b"".join(self.out[k] for k in sorted(self.out))

    @property
    def server_stream(self) -> bytes:
        return b"".join(self.back[k] for k in sorted(self.back))


def flows(root: pathlib.Path) -> dict[Tuple5, Flow]:
    data = (root / "evidence/capture/mail.pcap").read_bytes()
    assert data[:4] == b"\xd4\xc3\xb2\xa1" and data[20:24] == b"\1\0\0\0", "not a classic Ethernet pcap"
    at, found, last = 24, {}, 0.0
    while at < len(data):
        seconds, micros, size, _ = struct.unpack_from("<4I", data, at)
        ip, time = data[at + 30:at + 16 + size], seconds + micros / 1e6
        at += 16 + size
        assert time >= last, "packets out of order"
        last, head = time, (ip[0] & 15) * 4
        total = int.from_bytes(ip[2:4], "big")
        tcp = ip[head:total]
        assert ones_complement(ip[:head]) == 0xFFFF, "bad IP checksum"
        assert ones_complement(ip[12:20] + struct.pack(">HH", 6, len(tcp)) + tcp) == 0xFFFF, "bad TCP checksum"
        sport, dport, seq = struct.unpack_from(">HHI", tcp)
        src, dst = socket.inet_ntoa(ip[12:16]), socket.inet_ntoa(ip[16:20])
        key: Tuple5 = (src, sport, dst, dport)
        payload, flags = tcp[(tcp[12] >> 4) * 4:], tcp[13]
        if flags & 0x12 == 2:
            assert key not in found, f"{key} twice"
            found[key] = Flow(key, time)
        ours = key in found
        flow = found[key if ours else (dst, dport, src, sport)]
        flow.end, flow.reset = time, flow.reset or bool(flags & 4)
        flow.packets[not ours] += 1
        flow.ip_bytes[not ours] += total
        if payload:
            (flow.out if ours else flow.back)[seq] = payload
    return found


def json_lines(path: pathlib.Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines() if line.startswith("{")]


def sysmon(root: pathlib.Path) -> list[dict[str, Any]]:
    """EventData of both Sysmon files, with EventID, Computer and TimeCreated (epoch) added."""
    out = []
    for event in json_lines(root / "evidence/ws1/sysmon.ndjson"):
        log = event["winlog"]
        out.append({**log["event_data"], "EventID": int(log["event_id"]), "Computer": log["computer_name"],
                    "TimeCreated": epoch(event["@timestamp"])})
    space = "{http://schemas.microsoft.com/win/2004/08/events/event}"
    for line in (root / "evidence/ws1/sysmon.xml").read_text().splitlines():
        tree = ET.fromstring(line)
        system = {e.tag.removeprefix(space): e for e in tree[0]}
        out.append({**{d.get("Name"): d.text or "" for d in tree.iter(space + "Data")},
                    "EventID": int(system["EventID"].text or 0), "Computer": system["Computer"].text,
                    "TimeCreated": epoch(system["TimeCreated"].get("SystemTime", ""))})
    return out


def plain(value: str) -> str:
    if value.startswith('"'):
        return value.strip('"')
    return bytes.fromhex(value).decode() if re.fullmatch(r"(?:[0-9A-F]{2})+", value) else value


def audit(root: pathlib.Path) -> list[dict[str, Any]]:
    """Events joined by serial number: SYSCALL fields, `argv`, `cwd`, `title`, `to`, `paths`, `node`, `time`."""
    events: dict[str, dict[str, Any]] = defaultdict(lambda: {"paths": []})
    for line in (root / "evidence/web1/audit.log").read_text().splitlines():
        parts = re.fullmatch(r"node=(\S+) type=(\S+) msg=audit\((\d+\.\d{3}):(\d+)\): (.*)", line)
        assert parts, line
        node, kind, time, serial, text = parts.groups()
        event = events[serial]
        fields = dict(re.findall(r"(\w+)=(\"[^\"]*\"|\S+)", text))
        assert event.setdefault("time", float(time)) == float(time), f"two times for serial {serial}"
        event["node"] = node
        if kind == "SYSCALL":
            event |= {k: plain(v) if k in ("comm", "exe", "key") else v for k, v in fields.items()}
        elif kind == "EXECVE":
            event["argv"] = [plain(fields[f"a{i}"]) for i in range(int(fields["argc"]))]
        elif kind == "SOCKADDR":
            raw = bytes.fromhex(fields["saddr"])
            event["to"] = (socket.inet_ntoa(raw[4:8]), int.from_bytes(raw[2:4], "big"))
        elif kind == "PATH":
            event["paths"].append(plain(fields["name"]))
        elif kind == "PROCTITLE":
            event["title"] = plain(fields["proctitle"])
    return [e for e in events.values() if "syscall" in e]


def osquery(root: pathlib.Path, shape: str) -> list[dict[str, str]]:
    """Columns of the rows that have a column `shape`, with the host and the writing time added."""
    return [{**r["columns"], "host": r["hostIdentifier"], "logged": r["unixTime"]}
            for r in json_lines(root / "evidence/mac1/osqueryd.results.log") if shape in r["columns"]]


def unified(root: pathlib.Path) -> list[dict[str, Any]]:
    return [r for r in json_lines(root / "evidence/mac1/unified.ndjson") if "processID" in r]


def defender(root: pathlib.Path, table: str) -> list[dict[str, Any]]:
    return json_lines(root / f"evidence/defender/{table}.json")


def zeek(root: pathlib.Path, name: str) -> list[dict[str, str]]:
    lines = (root / f"evidence/zeek/{name}.log").read_text().splitlines()
    fields = next(line for line in lines if line.startswith("#fields")).split("\t")[1:]
    types = next(line for line in lines if line.startswith("#types")).split("\t")[1:]
    assert len(fields) == len(types) and lines[-1].startswith("#close")
    rows = [line.split("\t") for line in lines if not line.startswith("#")]
    assert all(len(r) == len(fields) for r in rows)
    return [dict(zip(fields, r)) for r in rows]


def tuple5(row: dict[str, str]) -> Tuple5:
    return row["id.orig_h"], int(row["id.orig_p"]), row["id.resp_h"], int(row["id.resp_p"])
