#!/usr/bin/env python3
"""expected.jsonl is what a plain reading of the rules finds in the evidence of examples/incident.

The recipe says by hand what must be found. Here each rule is written out once more as a few lines
of Python over the parsed logs (no engine), so that a wrong label or a story that drifted shows up.
Run: python3 tests/incident/test_expected.py
"""
from __future__ import annotations

import fnmatch
import json
import ntpath
import sys
import unittest
from collections import Counter, defaultdict
from typing import Any

sys.dont_write_bytecode = True
import evidence as ev  # noqa: E402

SIGMA = "9976fa64-2804-423c-8a5b-646ade840773"
SPL = "ac3311f5-661d-4e99-bd1f-3ec665b05441"
DROP = "203.0.113.25"


def expected(rule: str, version: int | None = None) -> list[dict[str, Any]]:
    lines = [json.loads(line) for line in (ev.ROOT / "expected.jsonl").read_text().splitlines()]
    return [x for x in lines if x["rule"] == rule and x.get("version") == version]


def network() -> list[dict[str, Any]]:
    return [e for e in ev.sysmon(ev.ROOT) if e["EventID"] == 3]


def like(text: str, pattern: str) -> bool:
    """Splunk's wildcard: only * is special, case does not count."""
    return fnmatch.fnmatchcase(text.lower(), pattern.lower().replace("[", "[[]"))


class Expected(unittest.TestCase):
    def test_sigma(self) -> None:
        found = [e for e in network() if int(e["DestinationPort"]) in (25, 587, 465, 2525) and e["Initiated"] == "true"
                 and not e["Image"].lower().endswith(("\\thunderbird.exe", "\\outlook.exe"))
                 and not e["Image"].lower().startswith("c:\\program files\\microsoft\\exchange server\\")]
        self.assertEqual(Counter((e["Image"], int(e["ProcessId"]), int(e["SourcePort"]), e["UtcTime"]) for e in found),
                         Counter((x["row"]["Image"], x["row"]["ProcessId"], x["row"]["SourcePort"], x["row"]["UtcTime"])
                                 for x in expected(SIGMA)))
        self.assertEqual(len(found), 6)
        for x in expected(SIGMA):
            logged = [e["TimeCreated"] for e in found if int(e["SourcePort"]) == x["row"]["SourcePort"]]
            self.assertEqual([ev.epoch(x["time"])], logged)

    def spl(self, version: int, excluded: tuple[str, ...], image: str, port: str) -> None:
        found = Counter((ntpath.basename(e["Image"]), int(e["SourcePort"])) for e in network()
                        if not any(like(e["Image"], p) for p in excluded)
                        and (e["DestinationPortName"] == "smtp" or int(e["DestinationPort"]) in (25, 587)))
        rows = [x["row"] for x in expected(SPL, version)]
        self.assertEqual(found, Counter((ntpath.basename(r[image]), r[port]) for r in rows))
        self.assertEqual(len(rows), 5)

    def test_splunk_10(self) -> None:
        # `\(x86\)` keeps its backslashes, so the first pattern matches no path on disk.
        self.spl(10, ("C:\\Program Files \\(x86\\)\\*", "C:\\Program Files\\*", "C:\\Windows\\System32\\*",
                      "C:\\Windows\\SysWOW64\\*"), "process_name", "src_port")
        self.assertIn("scan2mail.exe", [x["row"]["process_name"] for x in expected(SPL, 10)])

    def test_splunk_3(self) -> None:
        self.spl(3, ("*\\program files*", "*\\thunderbird.exe", "*\\outlook.exe"), "Image", "SourcePort")

    def test_defender_hunt(self) -> None:
        clients = {"outlook.exe", "thunderbird.exe", "mailclient.exe", "em client.exe", "msedge.exe", "chrome.exe"}
        groups = defaultdict(list)
        for r in ev.defender(ev.ROOT, "DeviceNetworkEvents"):
            if (r["RemotePort"] in (25, 465, 587, 110, 995, 143, 993) and r["ActionType"] == "ConnectionSuccess"
                    and r["InitiatingProcessFileName"].lower() not in clients):
                groups[r["DeviceName"], r["InitiatingProcessFileName"], r["RemoteIP"], r["RemotePort"]].append(r)
        self.assertEqual(Counter(len(g) for g in groups.values()), {1: 3, 2: 1, 3: 1, 4: 1})  # 2: below the threshold
        rows = [x["row"] for x in expected("mail_protocols_non_client")]
        self.assertEqual(
            [(*k, len(g), max(ev.epoch(r["Timestamp"]) for r in g)) for k, g in
             sorted(groups.items(), key=lambda kg: -len(kg[1])) if len(g) > 2],
            [(r["DeviceName"], r["InitiatingProcessFileName"], r["RemoteIP"], r["RemotePort"], r["ConnectionCount"],
              ev.epoch(r["LastSeen"])) for r in rows])

    def test_yara(self) -> None:
        streams = [s for f in ev.flows(ev.ROOT).values() for s in (
            (f.key, f.client_stream), ((f.key[2:] + f.key[:2]), f.server_stream))]
        found = {k for k, s in streams if b"mail from:" in s.lower() and b"rcpt to:" in s.lower()}
        rows = expected("network_smtp_raw")
        self.assertEqual(found, {tuple(x["row"][k] for k in ("SrcIp", "SrcPort", "DstIp", "DstPort")) for x in rows})
        self.assertEqual(len(rows), len(found))
        self.assertEqual({x["row"]["DstIp"] for x in rows if not x["benign"]}, {DROP})
        self.assertNotIn(DROP, {x["row"]["DstIp"] for x in rows if x["benign"]})

    def test_windows_analytic(self) -> None:
        found = defaultdict(list)
        for e in network():
            base = ntpath.basename(e["Image"]).lower()
            if (e["Initiated"] == "true" and int(e["DestinationPort"]) in ev.MAIL_PORTS
                    and base not in ("outlook.exe", "thunderbird.exe") and not e["DestinationIp"].startswith("10.")):
                found[int(e["ProcessId"]), e["Image"], e["DestinationIp"]].append(int(e["SourcePort"]))
        flows = {k[1]: f for k, f in ev.flows(ev.ROOT).items() if k[0] == ev.ADDRESS["ws1"]}
        rows = [x["row"] for x in expected("AN0379")]
        self.assertEqual(dict(found), {(r["pid"], r["image"], r["dst"]): r["src_ports"] for r in rows})
        for r in rows:
            for port, name in zip(r["src_ports"], r["attachments"], strict=True):
                self.assertIn(f'filename="{name}"'.encode(), flows[port].client_stream)
                self.assertTrue(name.endswith((".zip", ".7z", ".bin")))

    def test_linux_analytic(self) -> None:
        events = ev.audit(ev.ROOT)
        tools = [e for e in events if e["syscall"] == "59" and e["comm"] in ("mail", "mailx", "sendmail", "s-nail")]
        self.assertEqual(len(tools), 2)
        (tool,) = (e for e in tools if e["tty"] == "(none)")
        (x,) = expected("AN0380")
        self.assertEqual((x["row"]["pid"], x["row"]["image"], x["row"]["ppid"]),
                         (int(tool["pid"]), tool["exe"], int(tool["ppid"])))
        script = [e for e in events if e["syscall"] == "59" and "base64 -d" in " ".join(e["argv"])]
        self.assertEqual([e["comm"] for e in script], ["sh", "base64"])
        sizes = [int(r["orig_bytes"]) for r in ev.zeek(ev.ROOT, "conn") if r["id.orig_h"] == ev.ADDRESS["web1"]]
        self.assertEqual([x["row"]["bytes_out"]], sizes)
        self.assertGreater(sizes[0], 1_000_000)

    def test_macos_analytic(self) -> None:
        found = [r for r in ev.osquery(ev.ROOT, "remote_port") if int(r["remote_port"]) in ev.MAIL_PORTS
                 and ntpath.basename(r["path"]) != "Mail"]
        (x,) = expected("AN0381")
        self.assertEqual([(int(r["pid"]), r["path"], r["remote_address"], int(r["remote_port"])) for r in found],
                         [(x["row"]["pid"], x["row"]["image"], x["row"]["dst"], x["row"]["dst_port"])])

    def test_network_analytic(self) -> None:
        pairs: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0, 0])
        for key, f in ev.flows(ev.ROOT).items():
            if not key[2].startswith("10."):
                for i, n in enumerate((1, len(f.client_stream), len(f.server_stream))):
                    pairs[key[0], key[2]][i] += n
        big = {k: (n, out, back) for k, (n, out, back) in pairs.items() if out >= 100_000 and out >= 10 * back}
        rows = [x["row"] for x in expected("AN0382")]
        self.assertEqual(big, {(r["src"], r["dst"]): (r["connections"], r["bytes_out"], r["bytes_in"]) for r in rows})
        self.assertEqual({k[0] for k in big}, {ev.ADDRESS["web1"], ev.ADDRESS["ws1"]})
        # Twice the volume (a reader that counts the tap and the capture) changes nothing.
        self.assertTrue(all(2 * out < 100_000 for k, (_, out, _) in pairs.items() if k not in big))

    def test_nothing_else_is_expected(self) -> None:
        lines = (ev.ROOT / "expected.jsonl").read_text().splitlines()
        rules = Counter((x["rule"], x.get("version")) for x in map(json.loads, lines))
        self.assertEqual(rules, {(SIGMA, None): 6, (SPL, 10): 5, (SPL, 3): 5, ("mail_protocols_non_client", None): 2,
                                 ("network_smtp_raw", None): 20, ("AN0379", None): 2, ("AN0380", None): 1,
                                 ("AN0381", None): 1, ("AN0382", None): 2})


if __name__ == "__main__":
    unittest.main()
