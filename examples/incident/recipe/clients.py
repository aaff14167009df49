"""Plays every session of the story with a real client against the servers of record.sh.

Runs only inside the private network namespace that record.sh makes: it has a loopback device and
nothing else. The tool of a session stands in for the program of the story: msmtp for Outlook and
Thunderbird, Python's smtplib for the .NET mail classes (they write AUTH LOGIN the same way), swaks
for devices and for the DLL, curl and s-nail for themselves.
"""
from __future__ import annotations

import datetime as dt
import os
import pathlib
import smtplib
import subprocess
import sys
import time

from messages import attachment, message, recipient, sender
from story import HOSTS, SESSIONS, Session, instant

SERVERS = {"mail": "127.9.0.25", "mail.evil.example": "127.9.9.25", "mx.partner.example": "127.9.7.77",
           "ws1": "127.1.1.15"}
NOBODY = "127.9.9.26"  # nothing listens here: the kernel refuses
USER, PASSWORD = "drop", "made-up"
PORTS = {"linux": "32768 60999"}  # ephemeral ports as the client's system would choose them


def run(command: list[str], env: dict[str, str] | None = None, stdin: bytes = b"", may_fail: bool = False) -> None:
    done = subprocess.run(command, input=stdin, env={**os.environ, **(env or {})}, capture_output=True, timeout=60)
    if done.returncode and not may_fail:
        sys.exit(f"{command}: {done.returncode}\n{done.stdout.decode()}\n{done.stderr.decode()}")


def swaks(s: Session, server: str, folder: pathlib.Path) -> None:
    auth = ["--auth", "LOGIN", "--auth-user", USER, "--auth-password", PASSWORD] if s.tool == "swaks-auth" else []
    run(["swaks", "--server", server, "--port", str(s.port), "--ehlo", HOSTS[s.client].fqdn, "--from", sender(s),
         "--to", recipient(s), "--data", f"@{folder / 'message.eml'}", *auth], may_fail=s.refused)


def msmtp(s: Session, server: str, folder: pathlib.Path) -> None:
    host = f"--tls-host-override={HOSTS[s.server].fqdn}"
    tls = {"msmtp": ["--tls=off"], "msmtp-starttls": ["--tls=on", "--tls-starttls=on", "--tls-certcheck=off", host],
           "msmtp-tls": ["--tls=on", "--tls-starttls=off", "--tls-certcheck=off", host]}[s.tool]
    run(["msmtp", "--file=/dev/null", f"--host={server}", f"--port={s.port}", "--auth=off", *tls,
         f"--domain={HOSTS[s.client].fqdn}", f"--from={sender(s)}", recipient(s)], stdin=message(s))


def curl(s: Session, server: str, folder: pathlib.Path) -> None:
    name = "mac1.local" if s.client == "mac1" else HOSTS[s.client].fqdn
    login = ["--user", "bob:made-up"]
    run(["curl", "-sS", *{
        "curl": ["--url", f"smtp://{server}:{s.port}/{name}", "--mail-from", sender(s), "--mail-rcpt", recipient(s),
                 "-T", str(folder / "message.eml")],
        "curl-pop3": ["--url", f"pop3://{server}/1", *login],
        "curl-imaps": ["-k", "--resolve", f"mail.corp.example:993:{server}",
                       "--url", "imaps://mail.corp.example/INBOX;MAILINDEX=1", *login]}[s.tool]])


def snail(s: Session, server: str, folder: pathlib.Path) -> None:
    home = folder / ".cache"
    attach: list[str] = []
    if s.attachments:
        home.mkdir(exist_ok=True)
        (home / s.attachments[0]).write_bytes(attachment(s))
        attach = ["-a", str(home / s.attachments[0])]
    clock = dt.datetime.fromtimestamp(instant(s.start), dt.timezone.utc)  # s-nail writes its own Date
    user = ("apache" if s.attachments else "dave") + "@web1.corp.example"
    run(["faketime", f"{clock:%Y-%m-%d %H:%M:%S}", "s-nail", "-:/", "-S", "v15-compat", "-S", f"mta=smtp://{server}:{s.port}", "-S", "smtp-auth=none",
         "-S", "hostname=web1.corp.example", "-S", "smtp-hostname=web1.corp.example",
         "-r", user,
         "-s", "report" if s.attachments else "disk", *attach, recipient(s)],
        env={"TZ": "UTC", "USER": "apache", "LOGNAME": "apache"},
        stdin=b"" if s.attachments else b"/var is at 81 %, please have a look.\n")


def python(s: Session, server: str, folder: pathlib.Path) -> None:
    with smtplib.SMTP(server, s.port, local_hostname=s.client) as smtp:
        if s.tool == "smtplib-auth":
            smtp.ehlo()
            smtp.user, smtp.password = USER, PASSWORD
            smtp.auth("LOGIN", smtp.auth_login, initial_response_ok=False)
        smtp.sendmail(sender(s), [recipient(s)], message(s))


TOOLS = {"swaks": swaks, "msmtp": msmtp, "curl": curl, "s-nail": snail, "smtplib": python}


def main() -> None:
    folder = pathlib.Path(sys.argv[1])
    for s in SESSIONS:
        ports = PORTS.get(HOSTS[s.client].system, "49152 65535")
        pathlib.Path("/proc/sys/net/ipv4/ip_local_port_range").write_text(ports + "\n")
        (folder / "message.eml").write_bytes(message(s))
        tool = next(play for name, play in TOOLS.items() if s.tool.startswith(name))
        tool(s, NOBODY if s.refused else SERVERS[s.server], folder)
        time.sleep(0.4)  # let both ends finish before the next one starts
        print(f"played {s.key}", file=sys.stderr)


if __name__ == "__main__":
    main()
