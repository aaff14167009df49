"""Contents of the mails: made up, and the same bytes on every run (seeded by the session's key)."""
from __future__ import annotations

import datetime as dt
import email.policy
import email.utils
import io
import random
import tarfile
import zipfile
from email.message import EmailMessage

from story import DAY, HOSTS, Session, instant


def sender(session: Session) -> str:
    if session.key.startswith("relay-out"):
        return "bob@corp.example"
    return {"ws1": "bob", "ws2": "carol", "mac1": "build", "prn1": "printer1",
            "web1": "root"}.get(session.client, "bob") + "@corp.example"


def recipient(session: Session) -> str:
    if session.server == "mail.evil.example":
        return "drop@mail.evil.example"
    if session.key in ("outlook-1", "relay-out"):
        return "dora@partner.example"
    return {"admin": "ops@corp.example", "papercut": "test@localhost"}.get(session.key, "team@corp.example")


def noise(key: str, size: int) -> bytes:
    return random.Random(f"postern incident {key}").randbytes(size)


def archive(key: str, files: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as box:
        for name, data in files.items():
            box.writestr(zipfile.ZipInfo(name, (2026, 3, 10, 9, 0, 0)), data)
    return out.getvalue()


def tarball(size: int) -> bytes:
    """db.tar.gz: a gzip of noise, so that the attachment keeps its size."""
    import gzip
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w") as tar:
        info = tarfile.TarInfo("db/orders.frm")
        info.size, info.mtime = size, int(instant("02:30:01"))
        tar.addfile(info, io.BytesIO(noise("db.tar.gz", size)))
    return gzip.compress(raw.getvalue(), mtime=int(instant("02:30:01")))


def attachment(session: Session) -> bytes:
    key, name = session.key, session.attachments[0]
    if name == "db.tar.gz":
        return tarball(868_000)
    if key.startswith("viewer"):
        logins = "\n".join(f"URL: https://site{i}.example/login\nUser: bob{i}\nPassword: made-up-{i}\n"
                           for i in range(40))
        return archive(key, {"passwords.txt": logins.encode(), "screenshot.jpg": noise(key, 36_000)})
    if name.endswith(".7z"):
        return b"7z\xbc\xaf\x27\x1c\x00\x04" + noise(key, 14_000)
    if name.endswith(".zip"):
        return archive(key, {"minutes.txt": b"made up\n" * 40, "data.bin": noise(key, 5_200)})
    return b"%PDF-1.4\n" + noise(key, 128_000 if key == "outlook-2" else 9_000) + b"\n%%EOF\n"


def text(session: Session) -> tuple[str, str]:
    """Subject and body."""
    key = session.key
    if key.startswith("viewer"):
        clock = dt.datetime.fromtimestamp(instant(session.start) + 3600, dt.timezone.utc)
        return "PW_bob/ws1", (f"<html>Time: {clock:%m/%d/%Y %H:%M:%S}<br>User Name: bob<br>Computer Name: ws1<br>"
                              "OSFullName: Microsoft Windows 11 Pro<br>CPU: Intel(R) Core(TM) i5-1245U<br>"
                              "RAM: 16087.4 MB<br><hr></html>")
    if key == "powershell":
        return "screens", "ws1"
    if key.startswith("ws2-") and session.server == "mail.evil.example":
        return f"re: {key}", "id=ws2-carol\r\nstate=idle\r\nnext=1200\r\nout=" + noise(key, 1500).hex()
    subjects = {"mac-curl": "sync mac1", "outlook-1": "Delivery on Thursday", "relay-out": "Delivery on Thursday",
                "outlook-2": "Offer 2026-114", "outlook-3": "Minutes of Monday", "bird-tls": "Lunch?",
                "scan": "Scan 0007", "papercut": "Toner low", "ws2-mail": "Holiday plan"}
    subject = subjects.get(key, "Backup report")
    return subject, f"{subject}.\r\n\r\nKind regards\r\n{sender(session).split('@')[0]}"


AGENTS = {"outlook": "Microsoft Outlook 16.0", "ws2-mail": "Microsoft Outlook 16.0",
          "relay-out": "Microsoft Outlook 16.0", "bird": "Mozilla Thunderbird", "scan": "ScanStation 4.2"}


def message(session: Session) -> bytes:
    """The message as a client hands it over: CRLF lines, headers in story time."""
    mail = EmailMessage(policy=email.policy.SMTP)
    zone = dt.timezone(dt.timedelta(hours=0 if session.client == "mail" else 1))
    mail["Date"] = email.utils.format_datetime(dt.datetime.fromtimestamp(int(instant(session.start)) - 1, zone))
    mail["From"], mail["To"] = sender(session), recipient(session)
    subject, body = text(session)
    mail["Subject"] = subject
    mail["Message-ID"] = f"<{session.key}.{DAY}@{HOSTS[session.client].fqdn}>"
    for prefix, agent in AGENTS.items():
        if session.key.startswith(prefix):
            mail["X-Mailer"] = agent
    mail.set_content(body + "\r\n", subtype="html" if body.startswith("<html>") else "plain")
    for name in session.attachments:
        kind = "zip" if name.endswith(".zip") else "pdf" if name.endswith(".pdf") else "octet-stream"
        mail.add_attachment(attachment(session), maintype="application", subtype=kind, filename=name)
        mail.set_boundary(f"=_{session.key}_2026")
    return mail.as_bytes()
