"""A day of mail in a small company, played in minutes: what people and machines do with mail anyway.

Outlook and Thunderbird are played by swaks and msmtp with messages as they write them, fetching by
fetchmail, mbsync, mutt and curl. Nothing in it may raise a finding.
"""
from __future__ import annotations

import pathlib

from lab import OUTSIDE, PASSWORD, RELAY, SUBMIT, MX, Lab, Placed, mail, noise, with_file

THUNDERBIRD = ("User-Agent: Mozilla Thunderbird", "MIME-Version: 1.0", "Content-Language: en-US")
OUTLOOK = ("X-Mailer: Microsoft Outlook 16.0", "MIME-Version: 1.0", "Thread-Index: AdxY2Q4d3xkGmQZpQ0yXzv5d2gk3Zw==", "Content-Language: en-us")
PDF = b"%PDF-1.4\n" + b"1 0 obj << /Type /Catalog >> endobj\n" * 60 + b"trailer << /Root 1 0 R >>\n%%EOF\n"


def play(lab: Lab) -> list[Placed]:
    plan: list[Placed] = []

    def at(client: str, start: str, seconds: float = 2) -> None:
        plan.append(Placed(client, start, seconds))

    # Users write to each other through the relay, with STARTTLS or without.
    people = ["bob", "carol", "dave", "erin"]
    for i, (hour, minute) in enumerate([(8, 12), (8, 47), (9, 21), (9, 58), (10, 33), (11, 5), (13, 17), (14, 2), (15, 41), (16, 26), (17, 8)]):
        a, b = people[i % 4], people[(i + 1) % 4]
        headers = THUNDERBIRD if i % 2 else OUTLOOK
        body = f"Hello {b},\nThursday at ten suits me. Shall we meet in room {i + 1}?\nBest\n{a}"
        text = mail(f"{a.title()} <{a}@example.com>", f"{b}@example.com", f"Meeting {i}", body, *headers, "Content-Type: text/plain; charset=utf-8")
        lab.swaks(RELAY, f"{a}@example.com", f"{b}@example.com", text, *(["--tls"] if i % 3 == 0 else []), port=587 if i % 2 else 25,
                  helo=f"ws{i % 4 + 1}.example.com")
        at(f"ws{i % 4 + 1}", f"{hour}:{minute}")
    # Attachments as people send them.
    for i, (name, kind, data) in enumerate([("offer.pdf", "application/pdf", PDF), ("minutes.docx", "application/vnd.openxmlformats-officedocument."
                                            "wordprocessingml.document", b"PK\x03\x04" + noise("docx", 3000)),
                                            ("photo.jpg", "image/jpeg", photo()), ("list.csv", "text/csv", b"a;b\n1;2\n" * 60)]):
        head, body = with_file(name, kind, data, "Please see the attached file.")
        text = mail("bob@example.com", "dora@example.org", f"Attached: {name}", body, THUNDERBIRD[0], head)
        lab.swaks(RELAY, "bob@example.com", "dora@example.org", text, port=587)
        at("ws1", f"{10 + i}:44")
        if i == 0:  # the relay hands one on to the partner
            lab.swaks(MX[0], "bob@example.com", "dora@example.org", text, "--tls-optional", helo="mail.example.com")
            at("relay", f"{10 + i}:44:03")
    # The partner answers.
    for i in range(4):
        text = mail("Dora <dora@example.org>", "bob@example.com", f"Re: Attached {i}", "Thank you.\nDora", *OUTLOOK, "In-Reply-To: <1@example.com>",
                    "Received: from pc7.example.org ([192.0.2.7]) by mx1.example.org with ESMTPS; Wed, 18 Nov 2026 11:00:00 +0000")
        lab.swaks(RELAY, "dora@example.org", "bob@example.com", text, "--tls-optional", helo="mx1.example.org")
        at("partner", f"{11 + i}:29")
    # A newsletter to several of them, in one transaction.
    lab.swaks(RELAY, "news@example.org", ",".join(f"{p}@example.com" for p in people),
              mail("News <news@example.org>", "staff@example.com", "News of November", "This month: made up news.", "List-Unsubscribe: <https://example.org/u>",
                   "X-Mailer: Newsletter 3.2"), helo="mx2.example.org")
    at("partner", "07:15", 4)
    # Machines: the scanner, the nightly report of a server, monitoring.
    head, body = with_file("scan0007.pdf", "application/pdf", PDF)
    lab.swaks(RELAY, "scanner@example.com", "carol@example.com", mail("scanner@example.com", "carol@example.com", "Scan 0007", body,
              "X-Mailer: ScanStation 4.2", head), helo="prn1.example.com")
    at("prn1", "09:05")
    for hour in (3, 6, 12, 18):  # what cron mails has neither Message-ID nor program
        lab.run("msmtp", "--file=/dev/null", "--host=127.9.0.25", "--port=25", "--tls=off", "--auth=off", "--domain=web1.example.com",
                "--from=root@web1.example.com", "--add-missing-date-header=on", "ops@example.com",
                stdin=f"From: root@web1.example.com (Cron Daemon)\nTo: ops@example.com\nSubject: Cron <root@web1> backup {hour}\n\n42 files\n".encode())
        at("web1", f"{hour}:01")
    lab.run("s-nail", "-:/", "-S", "v15-compat", "-S", "mta=smtp://127.9.0.25:25", "-S", "smtp-auth=none", "-S", "tls-verify=ignore", "-S",
            "from=erin@example.com", "-S", "hostname=ws4.example.com", "-s", "minutes", "bob@example.com", stdin=b"Attached next week.\n",
            env={"DEAD": "/dev/null"})
    at("ws4", "16:10")
    # Mail programs look for mail: one polls every ten minutes by POP3, one stays connected by IMAP.
    lab.mailbox("carol", [mail("bob@example.com", "carol@example.com", f"note {i}", "made up") for i in range(3)])
    for i in range(54):
        lab.curl(f"pop3://127.9.0.25/{1 if i == 20 else ''}", user="carol")
        minute = 8 * 60 + i * 10
        at("ws2", f"{minute // 60}:{minute % 60}:{i * 7 % 11}")
    lab.mailbox("dave", [mail("bob@example.com", "dave@example.com", f"note {i}", "made up") for i in range(9)])
    lab.run("curl", "-sS", "-k", "--user", f"dave:{PASSWORD}", "imap://127.9.0.25/INBOX;MAILINDEX=[1-9]", "--next", "-sS", "--user", f"dave:{PASSWORD}",
            "imap://127.9.0.25/INBOX", "-X", "STORE 2 +FLAGS (\\Seen)")
    at("ws3", "08:20", 1800)
    lab.file("sent.eml", mail("dave@example.com", "erin@example.com", "lunch", "At noon?", *THUNDERBIRD).replace("\n", "\r\n"))
    for i in range(3):
        lab.run("curl", "-sS", "-k", "--user", f"dave:{PASSWORD}", "imap://127.9.0.25/" + ("Sent" if i else "Drafts"), "-T", "sent.eml")
        at("ws3", f"{9 + 2 * i}:50")
    # Somebody types a wrong password twice, then the right one.
    for i, word in enumerate(("old", "older", PASSWORD)):
        lab.run("curl", "-sS", "--user", f"erin:{word}", "imap://127.9.0.25/INBOX", "-X", "NOOP", may_fail=True)
        at("ws4", f"08:3{i}")
    # A private account outside, encrypted as it should be.
    for i in range(6):
        lab.curl("imaps://127.9.9.25/INBOX", "-X", "NOOP", user="erin")
        at("ws4", f"{9 + i}:{13 + i * 5}", 30)
    text = mail("erin@example.net", "friend@example.org", "weekend", "See you on Saturday.", *THUNDERBIRD)
    lab.swaks(SUBMIT, "erin@example.net", "friend@example.org", text, "--tls", "--auth", "PLAIN", "--auth-user", "erin@example.net",
              "--auth-password", PASSWORD, port=587)
    at("ws4", "12:40")
    return plan


def photo() -> bytes:
    """A JPEG that ends where it should."""
    return b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00" + bytes(b for b in noise("photo", 4000) if b != 0xFF) + b"\xff\xd9"
