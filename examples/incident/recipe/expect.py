"""expected.jsonl: what the five detections and the four analytics must find, said by hand.

Which session each rule must find is written here as a judgement (SIGMA, SPL_10, ...); the values
of a line (times, ports, sizes) are looked up in the story and in the capture. No rule is run here.
"""
from __future__ import annotations

import json
import ntpath
from collections.abc import Iterable
from typing import Any

import sysmon
from defender import LAG
from flows import Flow, millis, moment
from story import HOSTS, PROCESSES

VIEWER = ("viewer-1", "viewer-2", "viewer-3", "viewer-4")
SIGMA = (*VIEWER, "powershell", "scan")
SPL_10 = (*VIEWER, "scan")
SPL_3 = (*VIEWER, "powershell")
HUNT = (VIEWER, ("ws2-1", "ws2-2", "ws2-3"))
VOLUME = (("web1", ("web-cron",)), ("ws1", (*VIEWER, "powershell")))
SIGMA_ID = "9976fa64-2804-423c-8a5b-646ade840773"
SPL_ID = "ac3311f5-661d-4e99-bd1f-3ec665b05441"
X86 = "false positive: the (x86) exclusion of the search never matches, and the Sigma rule has none"
Line = dict[str, Any]


def sysmon_lines(flows: list[Flow]) -> Iterable[Line]:
    logged = {data["SourcePort"]: (time, data) for time, number, data in sysmon.events(flows) if number == 3}
    by_key = {f.session.key: f for f in flows}
    for rule, version, keys in ((SIGMA_ID, None, SIGMA), (SPL_ID, 10, SPL_10), (SPL_ID, 3, SPL_3)):
        for key in keys:
            c = by_key[key].connection
            time, data = logged[str(c.sport)]
            line: Line = {"rule": rule}
            if version is None:
                line["row"] = {"Image": data["Image"], "ProcessId": int(data["ProcessId"]),
                               "ProcessGuid": data["ProcessGuid"], "User": data["User"], "SourceIp": c.src,
                               "SourcePort": c.sport, "DestinationIp": c.dst, "DestinationPort": c.dport,
                               "UtcTime": data["UtcTime"]}
            else:
                line["version"] = version
                first = moment(time).strftime("%Y-%m-%dT%H:%M:%S")
                line["row"] = {"count": 1, "firstTime": first, "lastTime": first}
                line["row"] |= ({"dest_ip": c.dst, "dest_port": c.dport, "src_ip": c.src, "src_port": c.sport,
                                 "process_name": ntpath.basename(data["Image"]), "process_id": int(data["ProcessId"]),
                                 "process_guid": data["ProcessGuid"], "transport": "tcp"} if version == 10 else
                                {"Image": data["Image"], "DestinationIp": c.dst, "DestinationPort": c.dport,
                                 "DestinationPortName": data["DestinationPortName"],
                                 "DestinationHostname": data["DestinationHostname"],
                                 "SourceHostname": data["SourceHostname"], "SourcePort": c.sport,
                                 "SourcePortName": data["SourcePortName"], "Protocol": "tcp"})
            line |= {"time": millis(time), "host": HOSTS["ws1"].fqdn, "sensor": "ws1/sysmon.ndjson", "benign": key == "scan"}
            if key == "scan":
                line["note"] = X86
            yield line


def hunt_lines(flows: list[Flow]) -> Iterable[Line]:
    by_key = {f.session.key: f for f in flows}
    for keys in HUNT:
        found = [by_key[k] for k in keys]
        process, c = found[0].process, found[0].connection
        assert process is not None
        seen = [f.connection.start + LAG for f in found]
        yield {"rule": "mail_protocols_non_client", "row": {
            "LastSeen": millis(seen[-1]), "DeviceName": HOSTS[process.host].fqdn,
            "InitiatingProcessFileName": ntpath.basename(process.image), "RemoteIP": c.dst, "Protocol": "SMTP",
            "RemotePort": c.dport, "ConnectionCount": len(found), "UniqueRemoteIPs": 1},
            "time": millis(seen[-1]), "host": HOSTS[process.host].fqdn,
            "sensor": "defender/DeviceNetworkEvents.json", "benign": False}


def stream_lines(flows: list[Flow]) -> Iterable[Line]:
    for f in flows:
        if f.session.clear:
            c = f.connection
            line: Line = {"rule": "network_smtp_raw", "row": {"View": "tcp.client", "SrcIp": c.src, "SrcPort": c.sport,
                                                              "DstIp": c.dst, "DstPort": c.dport},
                          "time": millis(c.start), "sensor": "capture/mail.pcap", "benign": f.session.benign}
            note = f.session.note or ("the rule finds every SMTP stream in clear text" if f.session.benign else "")
            yield line | ({"note": note} if note else {})


def analytic_lines(flows: list[Flow]) -> Iterable[Line]:
    by_key = {f.session.key: f for f in flows}

    def line(rule: str, keys: tuple[str, ...], **row: Any) -> Line:
        found = [by_key[k] for k in keys]
        first, process = found[0].connection, found[0].process
        assert process is not None
        row = {"pid": process.pid, "image": process.image, "dst": first.dst, "dst_port": first.dport,
               "connections": len(found), "bytes_out": sum(f.bytes_out for f in found),
               "attachments": [a for f in found for a in f.session.attachments], **row}
        return {"rule": rule, "row": row, "time": millis(first.start), "host": HOSTS[process.host].fqdn, "benign": False}

    yield line("AN0379", VIEWER, src_ports=[by_key[k].connection.sport for k in VIEWER])
    yield line("AN0379", ("powershell",), src_ports=[by_key["powershell"].connection.sport])
    yield line("AN0380", ("web-cron",), comm="mailx", tty="(none)", ppid=PROCESSES["script"].pid)
    yield line("AN0381", ("mac-curl",), user="build", uid=502,
               ancestors=[PROCESSES["macsh"].pid, PROCESSES["osascript"].pid])
    for host, keys in VOLUME:
        found = [by_key[k] for k in keys]
        out, back = sum(f.bytes_out for f in found), sum(f.bytes_in for f in found)
        c = found[0].connection
        yield {"rule": "AN0382", "row": {"src": c.src, "dst": c.dst, "connections": len(found), "bytes_out": out,
                                         "bytes_in": back, "ratio": round(out / back, 1)},
               "time": millis(c.start), "host": HOSTS[host].fqdn, "benign": False}


def expected(flows: list[Flow]) -> str:
    lines = [*sysmon_lines(flows), *hunt_lines(flows), *stream_lines(flows), *analytic_lines(flows)]
    order = ("rule", "version", "time", "host", "sensor", "row", "benign", "note")
    return "".join(json.dumps({k: x[k] for k in order if k in x}, separators=(",", ":")) + "\n" for x in lines)
