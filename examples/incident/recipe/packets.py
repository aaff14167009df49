"""Classic pcap files of Ethernet / IPv4 / TCP: read, write, and cut into connections."""
from __future__ import annotations

import pathlib
import socket
import struct
from dataclasses import dataclass, field

FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16


@dataclass
class Packet:
    time: float
    frame: bytes
    src: str = ""
    dst: str = ""
    sport: int = 0
    dport: int = 0
    seq: int = 0
    ack: int = 0
    flags: int = 0
    window: int = 0
    payload: bytes = b""
    ip_bytes: int = 0

    def decode(self) -> Packet:
        ip = self.frame[14:]
        head = (ip[0] & 15) * 4
        self.ip_bytes = struct.unpack_from(">H", ip, 2)[0]
        self.src, self.dst = socket.inet_ntoa(ip[12:16]), socket.inet_ntoa(ip[16:20])
        tcp = ip[head:self.ip_bytes]
        self.sport, self.dport, self.seq, self.ack = struct.unpack_from(">HHII", tcp)
        self.flags, self.window = tcp[13], struct.unpack_from(">H", tcp, 14)[0]
        self.payload = tcp[(tcp[12] >> 4) * 4:]
        return self


@dataclass
class Connection:
    """One TCP connection; `packets` in the order of the capture, the originator sent the SYN."""
    src: str
    sport: int
    dst: str
    dport: int
    packets: list[Packet] = field(default_factory=list)

    @property
    def start(self) -> float:
        return self.packets[0].time

    @property
    def end(self) -> float:
        return self.packets[-1].time

    def from_client(self, packet: Packet) -> bool:
        return (packet.src, packet.sport) == (self.src, self.sport)

    def stream(self, client: bool) -> bytes:
        """Payload of one direction in sequence order; what was sent twice counts once."""
        mine = [p for p in self.packets if self.from_client(p) == client]
        first = next((p.seq for p in mine if p.flags & SYN), 0) + 1
        out = b""
        for p in sorted(mine, key=lambda p: (p.seq - first) & 0xFFFFFFFF):
            offset = (p.seq - first) & 0xFFFFFFFF
            if p.payload and offset <= len(out):
                out += p.payload[len(out) - offset:]
        return out

    def sent_at(self, client: bool, offset: int) -> float:
        """Time of the packet that carries byte `offset` of one direction's stream."""
        mine = [p for p in self.packets if self.from_client(p) == client]
        first = next(p.seq for p in mine if p.flags & SYN) + 1
        return next(p.time for p in mine if ((p.seq - first) & 0xFFFFFFFF) + len(p.payload) > offset and p.payload)


def read(path: pathlib.Path) -> list[Packet]:
    data = path.read_bytes()
    magic, _, _, _, _, _, link = struct.unpack_from("<IHHiIII", data)
    if magic != 0xA1B2C3D4 or link != 1:
        raise SystemExit(f"{path}: not a little-endian microsecond Ethernet pcap")
    packets, at = [], 24
    while at < len(data):
        seconds, micros, kept, size = struct.unpack_from("<IIII", data, at)
        if kept != size:
            raise SystemExit(f"{path}: cut packet at {at}")
        packets.append(Packet(seconds + micros / 1e6, data[at + 16:at + 16 + kept]).decode())
        at += 16 + kept
    return packets


def write(path: pathlib.Path, packets: list[Packet]) -> None:
    out = [struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, 1)]
    for p in packets:
        micros = round(p.time * 1e6)
        out += [struct.pack("<IIII", micros // 10**6, micros % 10**6, len(p.frame), len(p.frame)), p.frame]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"".join(out))


def connections(packets: list[Packet]) -> list[Connection]:
    """All connections that begin with a SYN, in the order of their SYNs."""
    open_: dict[tuple[str, int, str, int], Connection] = {}
    out: list[Connection] = []
    for p in packets:
        key, back = (p.src, p.sport, p.dst, p.dport), (p.dst, p.dport, p.src, p.sport)
        if p.flags & SYN and not p.flags & ACK and key not in open_:
            open_[key] = Connection(*key)
            out.append(open_[key])
        if (c := open_.get(key) or open_.get(back)) is not None:
            c.packets.append(p)
    return out


def checksum(data: bytes) -> int:
    if len(data) % 2:
        data += b"\0"
    total: int = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def readdressed(p: Packet, src: str, dst: str, src_mac: str, dst_mac: str, ttl: int, time: float) -> Packet:
    """The same segment between other hosts, with right checksums."""
    raw = bytearray(p.frame[14:14 + p.ip_bytes])
    head = (raw[0] & 15) * 4
    raw[8], raw[10:12] = ttl, b"\0\0"
    raw[12:16], raw[16:20] = socket.inet_aton(src), socket.inet_aton(dst)
    raw[10:12] = struct.pack(">H", checksum(bytes(raw[:head])))
    raw[head + 16:head + 18] = b"\0\0"
    pseudo = bytes(raw[12:20]) + struct.pack(">BBH", 0, 6, len(raw) - head)
    raw[head + 16:head + 18] = struct.pack(">H", checksum(pseudo + bytes(raw[head:])))
    ethernet = bytes.fromhex((dst_mac + src_mac).replace(":", "")) + b"\x08\x00"
    return Packet(time, ethernet + bytes(raw)).decode()
