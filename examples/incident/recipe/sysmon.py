"""ws1/sysmon.ndjson: Sysmon events 1, 3 and 22 as Winlogbeat 8 ships them before any pipeline.
ws1/sysmon.xml: other events (5 and 11) of the same computer, as Splunk's XmlWinEventLog.

TimeCreated (@timestamp) lies a little behind UtcTime, as Sysmon writes network events late.
"""
from __future__ import annotations

import json
from xml.sax.saxutils import escape

from flows import Flow, made_up, millis, stable
from story import HOSTS, PROCESSES, TEMP, Process, instant

CHANNEL = "Microsoft-Windows-Sysmon/Operational"
PROVIDER = "{5770385f-c22a-43e0-bf4c-06f5698ffbd9}"
MACHINE = "3f1c9a20"
SERVICE = (3164, 4720)  # process and thread of the Sysmon service
SCHEMA = {1: 5, 3: 5, 5: 3, 11: 2, 22: 5}
TITLES = {1: ("Process Create", "ProcessCreate"), 3: ("Network connection detected", "NetworkConnect"),
          22: ("Dns query", "DnsQuery")}
PORT_NAMES = {25: "smtp", 587: "submission", 110: "pop3", 443: "https"}
HOST_NAMES = {"10.20.0.25": "mail.corp.example", "10.20.1.15": "ws1.corp.example"}
CHROME = ("198.51.100.200", 443, 51877)


def utc(time: float) -> str:
    return millis(time)[:-1].replace("T", " ")


def guid(process: Process, what: str = "process") -> str:
    seconds = int(instant(process.started))
    low = stable(f"{what} {process.key}", 1 << 14)
    return f"{{{MACHINE}-{seconds & 0xFFFF:04x}-{seconds >> 16:04x}-{low:04x}-000000000500}}"


def logon(process: Process) -> tuple[str, str]:
    number = "0x3e7" if process.user.startswith("NT ") else "0x2b78cd"
    return f"{{{MACHINE}-bda4-69af-{number[2:].zfill(4)[-4:]}-000000000000}}", number


def hashes(process: Process) -> dict[str, str]:
    """By the program, not the process: two PowerShells have the same file."""
    return {kind.upper(): made_up(kind, process.image.lower()) for kind in ("sha1", "md5", "sha256")}


def created(p: Process) -> dict[str, str]:
    parent = PROCESSES.get(p.parent)
    logon_guid, logon_id = logon(p)
    imphash = made_up("md5", "imphash " + p.image.lower())
    digests = ",".join(f"{k}={v.upper()}" for k, v in {**hashes(p), "IMPHASH": imphash}.items())
    return {"RuleName": "-", "UtcTime": utc(instant(p.started)), "ProcessGuid": guid(p), "ProcessId": str(p.pid),
            "Image": p.image, "FileVersion": p.version, "Description": p.description,
            "Product": p.product or "-", "Company": p.company or "-", "OriginalFileName": p.original,
            "CommandLine": p.command, "CurrentDirectory": p.directory or "C:\\Windows\\system32\\",
            "User": p.user, "LogonGuid": logon_guid, "LogonId": logon_id,
            "TerminalSessionId": "0" if p.integrity == "System" else "1", "IntegrityLevel": p.integrity,
            "Hashes": digests,
            "ParentProcessGuid": guid(parent) if parent else "{00000000-0000-0000-0000-000000000000}",
            "ParentProcessId": str(parent.pid if parent else 640), "ParentImage": parent.image if parent else "-",
            "ParentCommandLine": parent.command if parent else "-", "ParentUser": parent.user if parent else "-"}


def connected(p: Process, time: float, initiated: bool, src: str, sport: int, dst: str, dport: int) -> dict[str, str]:
    return {"RuleName": "-", "UtcTime": utc(time), "ProcessGuid": guid(p), "ProcessId": str(p.pid),
            "Image": p.image, "User": p.user, "Protocol": "tcp", "Initiated": "true" if initiated else "false",
            "SourceIsIpv6": "false", "SourceIp": src, "SourceHostname": HOST_NAMES.get(src, "-"),
            "SourcePort": str(sport), "SourcePortName": "-", "DestinationIsIpv6": "false", "DestinationIp": dst,
            "DestinationHostname": HOST_NAMES.get(dst, "-"), "DestinationPort": str(dport),
            "DestinationPortName": PORT_NAMES.get(dport, "-")}


def resolved(p: Process, time: float) -> dict[str, str]:
    return {"RuleName": "-", "UtcTime": utc(time), "ProcessGuid": guid(p), "ProcessId": str(p.pid),
            "QueryName": "mail.evil.example", "QueryStatus": "0", "QueryResults": "::ffff:203.0.113.25;",
            "Image": p.image, "User": p.user}


def events(flows: list[Flow]) -> list[tuple[float, int, dict[str, str]]]:
    """(TimeCreated, event id, EventData) of everything in the ndjson file, in the order of arrival."""
    out = [(instant(p.started) + 0.004, 1, created(p)) for p in PROCESSES.values() if p.host == "ws1"]
    for f in flows:
        s, c = f.session, f.connection
        name = s.process if s.client == "ws1" else s.listener if s.server == "ws1" else ""
        if name:
            data = connected(PROCESSES[name], c.start + 0.003, s.client == "ws1", c.src, c.sport, c.dst, c.dport)
            out.append((c.start + 0.8 + stable(s.key, 700) / 1000, 3, data))
        if s.key == "viewer-1":
            out.append((c.start - 0.031, 22, resolved(PROCESSES[name], c.start - 0.052)))
    ws1, chrome = HOSTS["ws1"].ip, PROCESSES["chrome1"]
    out.append((instant("09:20:16.030"), 3, connected(chrome, instant("09:20:15.144"), True, ws1, CHROME[2], *CHROME[:2])))
    return sorted(out, key=lambda e: e[0])


def ndjson(flows: list[Flow]) -> str:
    lines = []
    for record, (time, number, data) in enumerate(events(flows), start=48211):
        title, rule = TITLES[number]
        action = f"{title} (rule: {rule})"
        message = f"{title}:\n" + "\n".join(f"{k}: {v}" for k, v in data.items())
        lines.append(json.dumps({
            "@timestamp": millis(time),
            "agent": {"name": "ws1", "type": "winlogbeat", "version": "8.12.2", "hostname": "ws1"},
            "ecs": {"version": "8.0.0"},
            "event": {"action": action, "code": str(number), "created": millis(time + 1.2), "kind": "event",
                      "provider": "Microsoft-Windows-Sysmon"},
            "host": {"name": HOSTS["ws1"].fqdn}, "log": {"level": "information"}, "message": message,
            "winlog": {"api": "wineventlog", "channel": CHANNEL, "computer_name": HOSTS["ws1"].fqdn,
                       "event_data": data, "event_id": str(number), "opcode": "Info",
                       "process": {"pid": SERVICE[0], "thread": {"id": SERVICE[1]}},
                       "provider_guid": PROVIDER, "provider_name": "Microsoft-Windows-Sysmon",
                       "record_id": record, "task": action,
                       "user": {"domain": "NT AUTHORITY", "identifier": "S-1-5-18", "name": "SYSTEM", "type": "User"},
                       "version": SCHEMA[number]}}, ensure_ascii=False, separators=(",", ":")))
    return "\n".join(lines) + "\n"


def xml(flows: list[Flow]) -> str:
    """Files that the tools wrote before they were sent, and the end of the one-time PowerShell."""
    rows: list[tuple[float, int, dict[str, str]]] = []

    def written(process: str, time: float, path: str) -> None:
        p = PROCESSES[process]
        rows.append((time + 0.01, 11, {
            "RuleName": "-", "UtcTime": utc(time), "ProcessGuid": guid(p), "ProcessId": str(p.pid),
            "Image": p.image, "TargetFilename": path, "CreationUtcTime": utc(time), "User": p.user}))

    written("outlook1", instant("08:58:31.870"), TEMP + "invoice_0310.zip")
    written("dropper1", instant("08:58:52.410"), TEMP + "invoice_viewer.exe")
    for f in flows:
        if f.session.key.startswith("viewer"):
            written("viewer1", f.connection.start - 0.4, TEMP + f.session.attachments[0])
    p = PROCESSES["mailer1"]
    rows.append((instant("10:47:14.512"), 5, {"RuleName": "-", "UtcTime": utc(instant("10:47:14.501")),
                                              "ProcessGuid": guid(p), "ProcessId": str(p.pid),
                                              "Image": p.image, "User": p.user}))
    lines = []
    for record, (time, number, data) in enumerate(sorted(rows, key=lambda r: r[0]), start=48911):
        fields = "".join(f"<Data Name='{k}'>{escape(v)}</Data>" for k, v in data.items())
        lines.append(
            "<Event xmlns='http://schemas.microsoft.com/win/2004/08/events/event'><System>"
            f"<Provider Name='Microsoft-Windows-Sysmon' Guid='{PROVIDER}'/><EventID>{number}</EventID>"
            f"<Version>{SCHEMA[number]}</Version><Level>4</Level><Task>{number}</Task><Opcode>0</Opcode>"
            f"<Keywords>0x8000000000000000</Keywords><TimeCreated SystemTime='{millis(time)[:-1]}000000Z'/>"
            f"<EventRecordID>{record}</EventRecordID><Correlation/>"
            f"<Execution ProcessID='{SERVICE[0]}' ThreadID='{SERVICE[1]}'/><Channel>{CHANNEL}</Channel>"
            f"<Computer>{HOSTS['ws1'].fqdn}</Computer><Security UserID='S-1-5-18'/></System>"
            f"<EventData>{fields}</EventData></Event>")
    return "\n".join(lines) + "\n"
