#!/usr/bin/env python3
"""The six sensors of examples/incident tell one story: times, hosts, five-tuples and process ids agree.

Every check is a function of the incident's folder. It must pass on the committed files and must
fail on a copy in which one value is broken (the second column of CHECKS): so a check that cannot
fail is itself a failure. Run: python3 tests/incident/test_consistency.py
"""
from __future__ import annotations

import functools
import ntpath
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest
from collections.abc import Callable

sys.dont_write_bytecode = True
import evidence as ev  # noqa: E402

SECONDS = 2.0
WINDOWS = ("ws1", "ws2")
load_flows = functools.lru_cache(maxsize=4)(ev.flows)


def near(a: float, b: float, what: str) -> None:
    assert abs(a - b) <= SECONDS, f"{what}: {a:.3f} and {b:.3f}"


def mail_flows(root: pathlib.Path, host: str) -> dict[ev.Tuple5, ev.Flow]:
    return {k: f for k, f in load_flows(root).items() if k[0] == ev.ADDRESS[host]}


def sysmon_connections_are_in_the_capture(root: pathlib.Path) -> None:
    flows, seen = load_flows(root), set()
    for e in ev.sysmon(root):
        if e["EventID"] != 3 or int(e["DestinationPort"]) not in ev.MAIL_PORTS:
            continue
        key = (e["SourceIp"], int(e["SourcePort"]), e["DestinationIp"], int(e["DestinationPort"]))
        assert key in flows, f"no flow for {key}"
        assert e["Computer"] == "ws1.corp.example"
        own = e["SourceIp"] if e["Initiated"] == "true" else e["DestinationIp"]
        assert own == ev.ADDRESS["ws1"], key
        near(ev.epoch(e["UtcTime"]), flows[key].start, f"UtcTime of {key}")
        near(e["TimeCreated"], flows[key].start, f"TimeCreated of {key}")
        seen.add(key)
    there = {k for k in flows if ev.ADDRESS["ws1"] in (k[0], k[2])}
    assert seen == there, f"ws1 flows without Sysmon 3: {there - seen}"


def defender_connections_are_in_the_capture(root: pathlib.Path) -> None:
    flows, seen = load_flows(root), set()
    for r in ev.defender(root, "DeviceNetworkEvents"):
        local, remote = (r["LocalIP"], r["LocalPort"]), (r["RemoteIP"], r["RemotePort"])
        inbound = r["ActionType"] == "InboundConnectionAccepted"
        if (local[1] if inbound else remote[1]) not in ev.MAIL_PORTS:
            continue
        key = remote + local if inbound else local + remote
        assert key in flows, f"no flow for {key}"
        assert r["LocalIP"] == ev.ADDRESS[r["DeviceName"].split(".")[0]], r["DeviceName"]
        near(ev.epoch(r["Timestamp"]), flows[key].start, f"Timestamp of {key}")
        refused = flows[key].reset and not flows[key].out
        assert (r["ActionType"] == "ConnectionFailed") == refused, f"{key}: {r['ActionType']}"
        seen.add(key)
    there = {k for k in flows if {k[0], k[2]} & {ev.ADDRESS[h] for h in WINDOWS}}
    assert seen == there, f"Windows flows without a Defender row: {there - seen}"


def audit_connections_are_in_the_capture(root: pathlib.Path) -> None:
    waiting = mail_flows(root, "web1")
    for e in (e for e in ev.audit(root) if e["syscall"] == "42"):
        assert e["node"] == "web1.corp.example", e["node"]
        key = next((k for k, f in waiting.items() if k[2:] == e["to"] and abs(f.start - e["time"]) <= SECONDS), None)
        assert key, f"no flow for pid {e['pid']} to {e['to']} at {e['time']}"
        del waiting[key]
    assert not waiting, f"web1 flows without connect: {list(waiting)}"


def osquery_sockets_are_in_the_capture(root: pathlib.Path) -> None:
    waiting = mail_flows(root, "mac1")
    for r in ev.osquery(root, "remote_port"):
        if int(r["remote_port"]) not in ev.MAIL_PORTS:
            continue
        assert r["host"] == "mac1.corp.example"
        to = (r["remote_address"], int(r["remote_port"]))
        key = next((k for k, f in waiting.items() if k[2:] == to and abs(f.start - int(r["time"])) <= SECONDS), None)
        assert key, f"no flow for pid {r['pid']} to {to}"
        del waiting[key]
        assert 0 <= int(r["logged"]) - int(r["time"]) <= 10
    assert not waiting, f"mac1 flows without a socket row: {list(waiting)}"


def zeek_rows_are_the_edge_of_the_capture(root: pathlib.Path) -> None:
    flows = load_flows(root)
    edge = {k: f for k, f in flows.items() if k[0].startswith("10.20.") != k[2].startswith("10.20.")}
    rows = {ev.tuple5(r): r for r in ev.zeek(root, "conn")}
    assert set(rows) == set(edge), set(rows) ^ set(edge)
    for key, r in rows.items():
        f = edge[key]
        assert abs(float(r["ts"]) - f.start) < 1e-5, key
        assert float(r["ts"]) + float(r["duration"]) <= f.end + 1e-5, key
        sizes = len(f.client_stream), len(f.server_stream), *f.packets, *f.ip_bytes
        names = "orig_bytes", "resp_bytes", "orig_pkts", "resp_pkts", "orig_ip_bytes", "resp_ip_bytes"
        assert sizes == tuple(int(r[n]) for n in names), f"{key}: {sizes}"


def zeek_mails_are_in_the_streams(root: pathlib.Path) -> None:
    flows = load_flows(root)
    uids = {r["uid"]: ev.tuple5(r) for r in ev.zeek(root, "conn")}
    mails = ev.zeek(root, "smtp")
    for r in mails:
        key = ev.tuple5(r)
        assert uids.get(r["uid"]) == key, r["uid"]
        assert flows[key].start <= float(r["ts"]) <= flows[key].end
        client, server = flows[key].client_stream, flows[key].server_stream
        for name, lead in (("mailfrom", b"<"), ("rcptto", b"<"), ("subject", b"Subject: "), ("msg_id", b"Message-ID: ")):
            assert lead + r[name].encode() in client, f"{key} {name}"
        assert r["last_reply"].encode() in server, key
    clear = {k for k, f in flows.items() if k in uids.values() and b"\r\nrcpt to:" in f.client_stream.lower()}
    assert {ev.tuple5(r) for r in mails} == clear


def sysmon_processes_agree(root: pathlib.Path) -> None:
    events = ev.sysmon(root)
    born = {e["ProcessGuid"]: e for e in events if e["EventID"] == 1}
    for e in events:
        p = born.get(e["ProcessGuid"])
        assert p, f"event {e['EventID']} of an unknown process {e['ProcessGuid']}"
        for name in ("ProcessId", "Image", "User"):
            assert e[name] == p[name], f"{name} of {e['ProcessGuid']}"
        assert ev.epoch(e["UtcTime"]) >= ev.epoch(p["UtcTime"]), f"before its start: {e['Image']}"
        near(e["TimeCreated"], ev.epoch(e["UtcTime"]), e["Image"])
        parent = born.get(e.get("ParentProcessGuid", ""))
        if parent:
            for name in ("ProcessId", "Image", "CommandLine", "User"):
                assert e["Parent" + name] == parent[name], f"Parent{name} of {e['Image']}"
    story = [ntpath.basename(e["Image"]) for e in born.values() if e["ParentProcessGuid"] in born]
    assert {"invoice_viewer.exe", "powershell.exe"} <= set(story)


def sysmon_and_defender_know_the_same_processes(root: pathlib.Path) -> None:
    born = {int(e["ProcessId"]): e for e in ev.sysmon(root) if e["EventID"] == 1}
    created = ev.defender(root, "DeviceProcessEvents")
    rows = [(r, "InitiatingProcess") for r in ev.defender(root, "DeviceNetworkEvents") + created]
    rows += [(r, "") for r in created]
    for r, prefix in rows:
        if r["DeviceName"] != "ws1.corp.example":
            continue
        own = prefix or "Process"
        e = born.get(r[own + "Id"])
        assert e, f"Sysmon has no process {r[own + 'Id']}"
        near(ev.epoch(r[own + "CreationTime"]), ev.epoch(e["UtcTime"]), e["Image"])
        hashes = dict(h.split("=") for h in e["Hashes"].split(","))
        for name in ("SHA1", "SHA256", "MD5"):
            assert r[prefix + name].upper() == hashes[name], f"{name} of {e['Image']}"
        assert r[prefix + "FileName"] == ntpath.basename(e["Image"])
        assert r[prefix + "FolderPath"].lower() == e["Image"].lower()
        assert r[own + "CommandLine"] == e["CommandLine"]
        assert r[own + "IntegrityLevel"] == e["IntegrityLevel"]
        user = f"{r[prefix + 'AccountDomain']}\\{r[prefix + 'AccountName']}"
        assert user == e["User"].lower(), user
        parent = "InitiatingProcessParentId" if prefix else "InitiatingProcessId"
        assert r[parent] == int(e["ParentProcessId"]), f"parent of {e['Image']}"
    known = {r["ProcessId"] for r in created if r["DeviceName"] == "ws1.corp.example"}
    assert known == {p for p, e in born.items() if e["ParentImage"] != "-"}, "ProcessCreated rows of ws1"


def both_windows_sensors_name_the_same_process(root: pathlib.Path) -> None:
    ours = {int(e["SourcePort"]): e for e in ev.sysmon(root) if e["EventID"] == 3 and e["Initiated"] == "true"}
    theirs = {r["LocalPort"]: r for r in ev.defender(root, "DeviceNetworkEvents")
              if r["DeviceName"] == "ws1.corp.example" and r["ActionType"] == "ConnectionSuccess"}
    assert set(ours) == set(theirs), set(ours) ^ set(theirs)
    for port, e in ours.items():
        assert theirs[port]["InitiatingProcessId"] == int(e["ProcessId"]), port
        assert (theirs[port]["RemoteIP"], theirs[port]["RemotePort"]) == (e["DestinationIp"], int(e["DestinationPort"]))
        near(ev.epoch(theirs[port]["Timestamp"]), ev.epoch(e["UtcTime"]), str(port))


def defender_processes_of_ws2_agree(root: pathlib.Path) -> None:
    created = {r["ProcessId"]: r for r in ev.defender(root, "DeviceProcessEvents") if r["DeviceName"] == "ws2.corp.example"}
    rows = [r for r in ev.defender(root, "DeviceNetworkEvents") if r["DeviceName"] == "ws2.corp.example"]
    assert rows
    for r in rows:
        p = created.get(r["InitiatingProcessId"])
        assert p, f"no ProcessCreated for {r['InitiatingProcessId']}"
        for mine, its in (("FileName", "FileName"), ("SHA256", "SHA256"), ("CommandLine", "ProcessCommandLine"),
                          ("CreationTime", "ProcessCreationTime"), ("ParentId", "InitiatingProcessId"),
                          ("UniqueId", "ProcessUniqueId"), ("AccountName", "AccountName")):
            assert r["InitiatingProcess" + mine] == p[its], f"{mine} of {p['FileName']}"
        assert ev.epoch(r["Timestamp"]) > ev.epoch(p["Timestamp"])


def audit_processes_agree(root: pathlib.Path) -> None:
    events = ev.audit(root)
    born = {e["pid"]: e for e in events if e["syscall"] == "59"}
    for e in events:
        assert len(e["paths"]) == int(e["items"]), f"PATH records of pid {e['pid']}"
        p = born.get(e["pid"])
        assert p, f"no execve of pid {e['pid']}"
        for name in ("exe", "comm", "ppid", "uid", "tty", "ses", "auid"):
            assert e[name] == p[name], f"{name} of pid {e['pid']}"
        assert e["time"] >= p["time"]
        assert "\0".join(p["argv"])[:128] == e["title"], f"title of pid {e['pid']}"
        assert e["ppid"] not in born or born[e["ppid"]]["time"] <= p["time"]
    mailer = next(e for e in events if e["syscall"] == "42" and e["to"][0] == "203.0.113.25")
    chain, pid = [], mailer["pid"]
    while pid in born:
        chain.append(born[pid]["comm"])
        pid = born[pid]["ppid"]
    assert chain == ["mailx", "sh", "sh"], chain
    assert mailer["tty"] == "(none)" and mailer["auid"] == "4294967295"


def mac_sensors_agree(root: pathlib.Path) -> None:
    born = {int(r["pid"]): r for r in ev.osquery(root, "cmdline")}
    for r in ev.unified(root):
        p = born.get(r["processID"])
        assert p, f"osquery has no process {r['processID']}"
        assert r["processImagePath"] == p["path"] and str(r["userID"]) == p["uid"], r["processID"]
        assert ev.epoch(r["timestamp"]) >= int(p["time"]), r["processID"]
    sockets = {int(r["pid"]): r for r in ev.osquery(root, "remote_port")}
    curl = next(p for p in sockets if sockets[p]["remote_address"] == "203.0.113.25")
    assert born[curl]["path"] == sockets[curl]["path"] == "/usr/bin/curl"
    shell = born.get(int(born[curl]["parent"]))
    assert shell and born[int(shell["parent"])]["path"] == "/usr/bin/osascript", "curl's ancestors"
    start = next(f.start for k, f in mail_flows(root, "mac1").items() if k[3] == 587)
    near(min(ev.epoch(r["timestamp"]) for r in ev.unified(root) if r["processID"] == curl), start, "curl in the unified log")
    assert sockets[curl]["auid"] == born[curl]["uid"]


def only_the_capture_holds_the_words_of_the_yara_rule(root: pathlib.Path) -> None:
    words = (b"mail " + b"from:", b"rcpt " + b"to:")
    for path in root.rglob("*"):
        if path.is_file() and path.suffix != ".pcap" and "__pycache__" not in path.parts:
            text = path.read_bytes().lower()
            assert not all(w in text for w in words), path


def the_recipe_rebuilds_the_same_files(root: pathlib.Path) -> None:
    done = subprocess.run([sys.executable, str(ev.ROOT / "recipe/build.py"), "--check", "--root", str(root)],
                          env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "TZ": "Pacific/Auckland"},
                          capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


Edit = tuple[str, str, str]  # file below evidence/, pattern, replacement: once, or everywhere after (?#all)
CHECKS: dict[Callable[[pathlib.Path], None], list[Edit]] = {
    sysmon_connections_are_in_the_capture: [
        ("ws1/sysmon.ndjson", r'"SourcePort":"\d+"(?=.*?"DestinationPort":"587")', '"SourcePort":"1"'),
        ("ws1/sysmon.ndjson", r'("UtcTime":"2026-03-10) 09:31:44', r"\1 09:31:48"),
        ("ws1/sysmon.ndjson", r'\{.*"DestinationPort":"110".*\n', "")],
    defender_connections_are_in_the_capture: [
        ("defender/DeviceNetworkEvents.json", r'"RemotePort":587', '"RemotePort":465'),
        ("defender/DeviceNetworkEvents.json", r'"ConnectionFailed"', '"ConnectionSuccess"'),
        ("defender/DeviceNetworkEvents.json", r'"DeviceName":"ws2', '"DeviceName":"ws1')],
    audit_connections_are_in_the_capture: [
        ("web1/audit.log", r"saddr=02000019CB", "saddr=0200024BCB"),
        ("web1/audit.log", r"(?#all)audit\(1773109804\.511", "audit(1773109809.511")],
    osquery_sockets_are_in_the_capture: [
        ("mac1/osqueryd.results.log", r'"remote_port":"993"', '"remote_port":"143"'),
        ("mac1/osqueryd.results.log", r'"remote_address":"203', '"remote_address":"204')],
    zeek_rows_are_the_edge_of_the_capture: [
        ("zeek/conn.log", r"\tT\tF\t0\tSh(.*?)\t(\d+)\t", r"\tT\tF\t0\tSh\1\t9\2\t"),
        ("zeek/conn.log", r"\n1773105260\.31.*", "")],
    zeek_mails_are_in_the_streams: [
        ("zeek/smtp.log", r"queued as \w+", "queued as 0"), ("zeek/smtp.log", r"PW_bob", "PW_ann")],
    sysmon_processes_agree: [
        ("ws1/sysmon.ndjson", r'"ParentProcessId":"7304"', '"ParentProcessId":"7305"'),
        ("ws1/sysmon.xml", r"<Data Name='ProcessId'>8112", "<Data Name='ProcessId'>8113")],
    sysmon_and_defender_know_the_same_processes: [
        ("defender/DeviceNetworkEvents.json", r'"InitiatingProcessId":8112', '"InitiatingProcessId":7304'),
        ("defender/DeviceNetworkEvents.json", r'"InitiatingProcessSHA1":"..', '"InitiatingProcessSHA1":"zz'),
        ("defender/DeviceProcessEvents.json", r'"ProcessId":9040', '"ProcessId":8112')],
    both_windows_sensors_name_the_same_process: [
        ("defender/DeviceNetworkEvents.json", r'"InitiatingProcessId":6232', '"InitiatingProcessId":5128'),
        ("ws1/sysmon.ndjson", r'"DestinationPort":"443"', '"DestinationPort":"80"')],
    defender_processes_of_ws2_agree: [
        ("defender/DeviceNetworkEvents.json", r'"InitiatingProcessId":7716', '"InitiatingProcessId":7717'),
        ("defender/DeviceProcessEvents.json", r'mailhlp\.dll', "mailhelp.dll")],
    audit_processes_agree: [
        ("web1/audit.log", r"(?<!p)pid=4109", "pid=4110"),
        ("web1/audit.log", r".*type=PATH .*\n", "")],
    mac_sensors_agree: [
        ("mac1/unified.ndjson", r'"processID":2041', '"processID":2040'),
        ("mac1/unified.ndjson", r'02:14:18\.4\d+\+0100', "02:14:18.402611+0200"),
        ("mac1/osqueryd.results.log", r'"parent":"2042"', '"parent":"2044"')],
    only_the_capture_holds_the_words_of_the_yara_rule: [
        ("ws1/sysmon.xml", r"$", "mail " + "from:<a> rcpt " + "to:<b>")],
    the_recipe_rebuilds_the_same_files: [
        ("zeek/smtp.log", r"PW_bob", "PW_ann"), ("../expected.jsonl", r"\n", "\n\n")],
}
BROKEN_CAPTURE = (sysmon_connections_are_in_the_capture, zeek_mails_are_in_the_streams)


class Consistency(unittest.TestCase):
    maxDiff = None


def passing(check: Callable[[pathlib.Path], None]) -> Callable[[Consistency], None]:
    return lambda self: check(ev.ROOT)


def failing(check: Callable[[pathlib.Path], None], edit: Edit) -> Callable[[Consistency], None]:
    def test(self: Consistency) -> None:
        with tempfile.TemporaryDirectory() as folder:
            copy = pathlib.Path(folder) / "incident"
            shutil.copytree(ev.ROOT, copy)
            path = copy / "evidence" / edit[0]
            text = path.read_text()
            broken, times = re.subn(edit[1], edit[2], text, count=0 if "(?#all)" in edit[1] else 1)
            self.assertGreater(times, 0, f"nothing to break: {edit}")
            self.assertNotEqual(broken, text)
            path.write_text(broken)
            with self.assertRaises(AssertionError):
                check(copy)
    return test


def capture_fails(check: Callable[[pathlib.Path], None]) -> Callable[[Consistency], None]:
    def test(self: Consistency) -> None:
        with tempfile.TemporaryDirectory() as folder:
            copy = pathlib.Path(folder) / "incident"
            shutil.copytree(ev.ROOT, copy)
            path = copy / "evidence/capture/mail.pcap"
            data = bytearray(path.read_bytes())
            data[len(data) // 2] ^= 1
            path.write_bytes(data)
            with self.assertRaises(AssertionError):
                check(copy)
    return test


for one, edits in CHECKS.items():
    setattr(Consistency, f"test_{one.__name__}", passing(one))
    for number, edit_ in enumerate(edits, start=1):
        setattr(Consistency, f"test_{one.__name__}_fails_{number}", failing(one, edit_))
for one in BROKEN_CAPTURE:
    setattr(Consistency, f"test_{one.__name__}_fails_on_a_flipped_bit", capture_fails(one))

if __name__ == "__main__":
    unittest.main()
