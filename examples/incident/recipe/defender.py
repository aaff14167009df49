"""defender/*.json: DeviceNetworkEvents and DeviceProcessEvents of ws1 and ws2, one row per line,
with every column of the tables as Microsoft Defender XDR documents them."""
from __future__ import annotations

import json
import ntpath
from typing import Any

from flows import Flow, made_up, moment, stable
from story import HOSTS, PROCESSES, Process, instant
from sysmon import CHROME, hashes

Row = dict[str, Any]
SIDS = {"bob": "1104", "carol": "1105", "SYSTEM": ""}
LAG = 0.021  # Defender's clock against the first packet


def ticks(time: float) -> str:
    """Seven digits of a second, as advanced hunting gives them."""
    return moment(time).strftime("%Y-%m-%dT%H:%M:%S.%f") + "0Z"


def device(host: str) -> Row:
    return {"DeviceId": made_up("sha1", "device " + host), "DeviceName": HOSTS[host].fqdn}


def account(p: Process, prefix: str = "") -> Row:
    domain, name = p.user.split("\\")
    person = name != "SYSTEM"
    sid = f"S-1-5-21-1825954961-3338807533-2873504967-{SIDS[name]}" if person else "S-1-5-18"
    return {prefix + "AccountDomain": domain.lower(), prefix + "AccountName": name.lower(),
            prefix + "AccountSid": sid,
            prefix + "AccountUpn": f"{name}@corp.example" if person else "",
            prefix + "AccountObjectId": "" if not person else "{0}-{1}-4{2}-8{3}-{4}".format(
                *(made_up("sha1", name)[a:b] for a, b in ((0, 8), (8, 12), (12, 15), (15, 18), (18, 30))))}


def file(p: Process, prefix: str) -> Row:
    h = hashes(p)
    return {prefix + "SHA1": h["SHA1"], prefix + "SHA256": h["SHA256"], prefix + "MD5": h["MD5"],
            prefix + "FileSize": p.size}


def version(p: Process, prefix: str) -> Row:
    prefix += "VersionInfo"
    known = p.version != "-"
    return {prefix + "CompanyName": p.company, prefix + "ProductName": p.product,
            prefix + "ProductVersion": p.version if known else "",
            prefix + "InternalFileName": p.original.rsplit(".", 1)[0] if known else "",
            prefix + "OriginalFileName": p.original if known else "",
            prefix + "FileDescription": p.description if known else ""}


def unique(p: Process) -> str:
    return str(stable("unique " + p.host + p.key, 1 << 46))


def initiating(p: Process) -> Row:
    """The columns about the acting process; all names begin with InitiatingProcess but two."""
    k = "InitiatingProcess"
    parent = PROCESSES.get(p.parent)
    system = p.integrity == "System"
    return {**file(p, k), k + "FileName": ntpath.basename(p.image), **version(p, k), k + "Id": p.pid,
            k + "CommandLine": p.command, k + "CreationTime": ticks(instant(p.started)),
            k + "FolderPath": p.image.lower(),
            k + "ParentFileName": ntpath.basename(parent.image) if parent else "",
            k + "ParentId": parent.pid if parent else 640,
            k + "ParentCreationTime": ticks(instant(parent.started)) if parent else None,
            **account(p, k), k + "IntegrityLevel": p.integrity,
            k + "TokenElevation": "TokenElevationTypeDefault" if system else "TokenElevationTypeLimited",
            k + "SessionId": 0 if system else 1, "IsInitiatingProcessRemoteSession": False,
            k + "RemoteSessionDeviceName": "", k + "RemoteSessionIP": "", k + "UniqueId": unique(p)}


def kind(ip: str) -> str:
    return "Private" if ip.startswith("10.") else "Public"


def connection(p: Process, time: float, action: str, local: tuple[str, int], remote: tuple[str, int], url: str) -> Row:
    return {"Timestamp": ticks(time), **device(p.host), "ActionType": action, "RemoteIP": remote[0],
            "RemotePort": remote[1], "RemoteUrl": url, "LocalIP": local[0], "LocalPort": local[1],
            "Protocol": "Tcp", "LocalIPType": kind(local[0]), "RemoteIPType": kind(remote[0]), **initiating(p),
            "ReportId": 0, "AppGuardContainerId": "", "AdditionalFields": "",
            "LogonID": 999 if p.integrity == "System" else 2849997}


def lines(rows: list[Row], first_report: int) -> str:
    rows.sort(key=lambda r: r["Timestamp"])
    for number, row in enumerate(rows, start=first_report):
        row["ReportId"] = number
    return "".join(json.dumps(r, ensure_ascii=False, separators=(",", ":")) + "\n" for r in rows)


def network(flows: list[Flow]) -> str:
    rows = []
    for f in flows:
        s, c = f.session, f.connection
        client, server = (c.src, c.sport), (c.dst, c.dport)
        if HOSTS[s.client].system == "windows":
            name = "" if s.port in (110,) else HOSTS[s.server].fqdn
            action = "ConnectionFailed" if s.refused else "ConnectionSuccess"
            rows.append(connection(PROCESSES[s.process], c.start + LAG, action, client, server, name))
        if s.listener:
            rows.append(connection(PROCESSES[s.listener], c.start + LAG, "InboundConnectionAccepted", server, client, ""))
    for key, clock, port in (("chrome1", "09:20:15.144", CHROME[2]), ("chrome2", "12:36:40.512", 52310),
                             ("chrome2", "12:36:41.077", 52311), ("chrome2", "12:52:03.660", 52388)):
        p = PROCESSES[key]
        rows.append(connection(p, instant(clock) + LAG, "ConnectionSuccess", (HOSTS[p.host].ip, port), CHROME[:2],
                               "www.example.org"))
    return lines(rows, 7120)


def process(p: Process) -> Row:
    parent = PROCESSES[p.parent]
    by = {k: v for k, v in initiating(parent).items()}
    return {"Timestamp": ticks(instant(p.started)), **device(p.host), "ActionType": "ProcessCreated",
            "FileName": ntpath.basename(p.image), "FolderPath": p.image, **file(p, ""), **version(p, "Process"),
            "ProcessId": p.pid, "ProcessCommandLine": p.command, "ProcessIntegrityLevel": p.integrity,
            "ProcessTokenElevation": "TokenElevationTypeLimited", "ProcessCreationTime": ticks(instant(p.started)),
            **account(p), "LogonId": 999 if p.integrity == "System" else 2849997, **by,
            "InitiatingProcessLogonId": 999 if parent.integrity == "System" else 2849997,
            "InitiatingProcessSignerType": "OsVendor", "InitiatingProcessSignatureStatus": "Valid", "ReportId": 0,
            "AppGuardContainerId": "", "AdditionalFields": "",
            "CreatedProcessSessionId": 0 if p.integrity == "System" else 1, "IsProcessRemoteSession": False,
            "ProcessRemoteSessionDeviceName": "", "ProcessRemoteSessionIP": "", "ProcessUniqueId": unique(p),
            "LogonID": 999 if p.integrity == "System" else 2849997}


def processes(flows: list[Flow]) -> str:
    return lines([process(p) for p in PROCESSES.values()
                  if HOSTS[p.host].system == "windows" and p.parent], 3310)
