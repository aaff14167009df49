"""Places a raw loopback recording in the story: place.py RAW.pcap OUT.pcap

The n-th connection of the recording is the n-th session of the story. Of every packet only the
addresses, the TTL, the checksums and the time change: a session begins at its time in the story
and is stretched to its length there. Ports, sequence numbers and payload stay as recorded.
"""
from __future__ import annotations

import pathlib
import sys

from packets import SYN, connections, read, readdressed, write
from story import HOSTS, SESSIONS, instant

TTL = {"windows": 128, "outside": 53}


def main() -> None:
    raw, out = map(pathlib.Path, sys.argv[1:3])
    recorded = connections(read(raw))
    if len(recorded) != len(SESSIONS):
        sys.exit(f"{len(recorded)} connections recorded, the story has {len(SESSIONS)} sessions")
    placed = []
    for session, connection in zip(SESSIONS, recorded):
        if connection.dport != session.port:
            sys.exit(f"{session.key}: recorded on port {connection.dport}, not {session.port}")
        client, server = HOSTS[session.client], HOSTS[session.server]
        length = max(connection.end - connection.start, 1e-6)
        for packet in connection.packets:
            a, b = (client, server) if connection.from_client(packet) else (server, client)
            time = instant(session.start) + (packet.time - connection.start) * session.seconds / length
            placed.append(readdressed(packet, a.ip, b.ip, a.mac, b.mac, TTL.get(a.system, 64), time))
    placed.sort(key=lambda p: p.time)
    write(out, placed)
    starts = sum(1 for p in placed if p.flags & SYN)
    print(f"{out.name}: {len(placed)} packets, {len(recorded)} connections, {starts} SYN", file=sys.stderr)


if __name__ == "__main__":
    main()
