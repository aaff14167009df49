#!/usr/bin/env python3
"""postern hunt --interface: a mail that passes over the loopback is found, and Ctrl-C ends the capture.

usage: test_live.py POSTERN      exit 77 where capturing is not allowed
"""
import json
import pathlib
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

POSTERN = sys.argv[1]
RULE = """title: a mail
id: 3a4c7f0e-0d0e-4a0e-9d3b-6f1f2b1f2a11
logsource: {product: zeek, service: smtp}
detection:
  selection: {subject: live capture}
  condition: selection
level: high
"""


def serve(listener: socket.socket) -> None:
    connection, _ = listener.accept()
    with connection:
        connection.sendall(b"220 mx ESMTP\r\n")
        data = b""
        while b"QUIT\r\n" not in data:
            piece = connection.recv(4096)
            if not piece:
                return
            data += piece
            connection.sendall(b"354 go\r\n" if piece == b"DATA\r\n" else b"250 ok\r\n")


def send(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port)) as client:
        for line in (b"", b"EHLO box\r\n", b"MAIL FROM:<a@x>\r\n", b"RCPT TO:<b@y>\r\n", b"DATA\r\n",
                     b"Subject: live capture\r\n\r\nbody\r\n.\r\n"):
            client.sendall(line)
            client.recv(4096)
        client.sendall(b"QUIT\r\n")


def main() -> int:
    wrong = subprocess.run([POSTERN, "hunt", "--interface", "no-such-interface"], capture_output=True, text=True)
    assert wrong.returncode == 2 and "no-such-interface" in wrong.stderr, wrong
    wrong = subprocess.run([POSTERN, "hunt", "--duration", "3", "x"], capture_output=True, text=True)
    assert wrong.returncode == 2 and "--interface" in wrong.stderr, wrong
    with tempfile.TemporaryDirectory() as folder:
        rule = pathlib.Path(folder) / "mail.yml"
        rule.write_text(RULE)
        hunt = subprocess.Popen([POSTERN, "hunt", "--no-builtin", "--rules", str(rule), "--interface", "lo",
                                 "--format", "jsonl"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        first = hunt.stderr.readline()
        if "cannot capture" in first:
            print(f"skipped: {first.strip()}")
            hunt.kill()
            return 77
        assert "capturing on lo" in first, first
        time.sleep(2)
        listener = socket.create_server(("127.0.0.1", 0))
        server = threading.Thread(target=serve, args=(listener,))
        server.start()
        send(listener.getsockname()[1])
        server.join()
        time.sleep(1)
        hunt.send_signal(signal.SIGINT)
        out, err = hunt.communicate(timeout=60)
    assert hunt.returncode == 0, (hunt.returncode, err)
    findings = [json.loads(line) for line in out.splitlines()]
    assert len(findings) == 1, (out, err)
    assert findings[0]["row"]["subject"] == "live capture", findings
    assert findings[0]["evidence"][0]["path"] == "interface:lo", findings
    return 0


sys.exit(main())
