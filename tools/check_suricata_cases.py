#!/usr/bin/env python3
"""Compares our mails, attachments and flows with what Suricata's own tests expect for the same captures.

usage: check_suricata_cases.py POSTERN [--at-least PERCENT] [-v] [FOLDER]

FOLDER holds one folder per test: captures and test.yaml; without it $POSTERN_SHARED/evidence/mail/suricata-cases.
A check of the event types smtp, fileinfo and flow names fields of an event and how many events have them. Rows
of ours are written as such events; fields that only Suricata can have (its transaction and packet numbers, its
storage, its alerts) are not compared, and then ours may be more. Tests in which Suricata drops packets are
left out. Each difference must be explained in tests/golden/suricata_differences.txt: lines of test, event type and
reason. Prints each check that differs, and "N of M checks". Exit 0; 1 when a difference is not explained, an
explanation is not needed, or below --at-least; 77 without the folder or without a YAML reader.
"""
import argparse
import json
import os
import pathlib
import re
import subprocess
import sys
from typing import Any

try:
    import yaml
except ImportError:
    print("skipped: no YAML reader for Python")
    sys.exit(77)

# What is Suricata's own: numbers that it gives, what it keeps, what it does. `email.status` tells how its parser
# came out; ours has anomalies for that.
OWN = re.compile(r"^(tx_id|pcap_cnt|pkt_src|email\.status|email\.url|email\.body_md5|fileinfo\.(stored|tx_id|gaps|state|file_id)|"
                 r"flow\.(alerted|reason|action|exception_policy|state|age|tx_cnt)|tcp|not-has-key|has-key|"
                 r"metadata|frame|alert|host|in_iface|vlan)")

ETHERNET = 14
# Suricata cuts a value that is longer.
CUT = 200


def rows(postern: str, records: str, capture: pathlib.Path) -> list[dict[str, Any]]:
    done = subprocess.run([postern, "mail", str(capture), "--records", records, "--format", "jsonl", "--quiet"],
                          capture_output=True, check=False)
    return [json.loads(line) for line in done.stdout.decode("utf-8", "replace").splitlines()]


def ends(row: dict[str, Any]) -> dict[str, Any]:
    return {"src_ip": row.get("id.orig_h"), "src_port": row.get("id.orig_p"), "dest_ip": row.get("id.resp_h"),
            "dest_port": row.get("id.resp_p"), "proto": {"icmp": "ICMP"}.get(row.get("proto", "tcp"), row.get("proto", "tcp").upper())}


def smtp_event(row: dict[str, Any]) -> dict[str, Any]:
    email = {"from": row.get("from"), "to": row.get("to", []), "cc": row.get("cc", []), "subject": row.get("subject"),
             "date": row.get("date"), "x_mailer": row.get("user_agent"), "received": row.get("received", []),
             "message_id": row.get("msg_id"), "attachment": row.get("attachment_names", [])}
    smtp = {"helo": row.get("helo"), "mail_from": row.get("mailfrom"), "rcpt_to": row.get("rcptto", [])}
    return {"event_type": "smtp", "app_proto": "smtp", **ends(row), "smtp": smtp, "email": email}


def flow_events(postern: str, capture: pathlib.Path) -> list[dict[str, Any]]:
    out = []
    for f in rows(postern, "flows", capture):
        service = f.get("service", "").split(",")[0]
        out.append({"event_type": "flow", **ends(f), "app_proto": {"ssl": "tls", "": "failed"}.get(service, service),
                    "flow": {"pkts_toserver": f["orig_pkts"], "pkts_toclient": f["resp_pkts"],
                             # With their link headers.
                             "bytes_toserver": f["orig_ip_bytes"] + ETHERNET * f["orig_pkts"],
                             "bytes_toclient": f["resp_ip_bytes"] + ETHERNET * f["resp_pkts"]}})
    return out


def events(postern: str, capture: pathlib.Path, kinds: set[str]) -> list[dict[str, Any]]:
    out: list[dict[str, Any]] = []
    if "flow" in kinds:
        out += flow_events(postern, capture)
    if kinds == {"flow"}:
        return out
    messages = [m for m in rows(postern, "messages", capture) if m.get("protocol") == "smtp"]
    out += [smtp_event(m) for m in messages]
    # A session without a mail is one event of Suricata's, too.
    seen = {m["uid"] for m in messages}
    out += [smtp_event(s) for s in rows(postern, "sessions", capture) if s["protocol"] == "smtp" and s["uid"] not in seen]
    by_key = {}
    for m in messages:
        by_key[(m["uid"], m.get("mailfrom"), m.get("subject"), m.get("msg_id"))] = m
    for a in rows(postern, "attachments", capture) if "fileinfo" in kinds else []:
        mail = by_key.get((a["uid"], a.get("mailfrom"), a.get("subject"), a.get("msg_id")))
        event = smtp_event(mail) if mail else ends(a)
        info = {"filename": a.get("filename"), "size": a.get("size"), "sha256": a.get("sha256"), "md5": a.get("md5")}
        out.append({**event, "event_type": "fileinfo", "app_proto": a["protocol"], "fileinfo": info})
    return out


def value(event: dict[str, Any], path: str) -> Any:
    found: Any = event
    for name, index in re.findall(r"([^.\[\]]+)|\[(\d+)\]", path):
        if index:
            found = found[int(index)] if isinstance(found, list) and int(index) < len(found) else None
        else:
            found = found.get(name) if isinstance(found, dict) else None
    return found


def same(wanted: Any, found: Any) -> bool:
    if isinstance(wanted, str) and isinstance(found, str):
        plain = [re.sub(r"\s+", " ", s).strip().strip("<>") for s in (wanted, found)]
        plain = [re.sub(r"\s", "", p) for p in plain]
        return plain[0] == plain[1] or (len(plain[0]) >= CUT and plain[1].startswith(plain[0]))
    return bool(wanted == found)


def version_skips(requires: dict[str, Any] | None) -> bool:
    """Expectations of old versions, where a newer one of the same test says otherwise."""
    return bool(requires) and ("lt-version" in requires)


def drops_packets(test: dict[str, Any]) -> bool:
    """The test's own rules drop packets, so Suricata sees less than there is."""
    args = " ".join(str(a) for a in test.get("args") or [])
    return "--simulate-ips" in args or "--firewall" in args or "firewall" in args


def judge(match: dict[str, Any], count: int, ours: list[dict[str, Any]]) -> str:
    own = [k for k in match if OWN.match(k)]
    keys = {k: v for k, v in match.items() if k not in own}
    hits = sum(all(same(v, value(e, k)) for k, v in keys.items()) for e in ours)
    good = hits == count or (own and hits >= count > 0)
    return "" if good else f"{hits} of {count}: " + json.dumps(keys)


def explanations() -> dict[tuple[str, str], str]:
    """Reasons by test and event type."""
    path = pathlib.Path(__file__).parent.parent / "tests/golden/suricata_differences.txt"
    out = {}
    for line in path.read_text().splitlines():
        if line and not line.startswith("#"):
            case, kind, reason = line.split(" ", 2)
            out[(case, kind)] = reason
    return out


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("postern")
    parser.add_argument("folder", nargs="?")
    parser.add_argument("--at-least", type=float, default=0)
    parser.add_argument("-v", action="store_true")
    args = parser.parse_args()
    folder = pathlib.Path(args.folder or os.path.join(os.environ.get("POSTERN_SHARED", "../shared"), "evidence/mail/suricata-cases"))
    if not folder.is_dir():
        print(f"skipped: no {folder}")
        return 77
    right = total = unexplained = 0
    reasons = explanations()
    unused = set(reasons)
    for case in sorted(p for p in folder.iterdir() if (p / "test.yaml").exists()):
        captures = sorted([*case.glob("*.pcap"), *case.glob("*.pcapng")])
        test = yaml.safe_load((case / "test.yaml").read_text())
        if not captures or version_skips(test.get("requires")) or drops_packets(test):
            continue
        ours = None
        for check in test.get("checks") or []:
            wanted = check.get("filter") or {}
            match = wanted.get("match") or {}
            if match.get("event_type") not in ("smtp", "fileinfo", "flow") or version_skips(wanted.get("requires")):
                continue
            if ours is None:
                kinds = {((c.get("filter") or {}).get("match") or {}).get("event_type") for c in test["checks"]}
                ours = [e for c in captures for e in events(args.postern, c, kinds)]
            # That there is no event with such a number or key says nothing of ours.
            if int(wanted.get("count", 1)) == 0 and any(OWN.match(k) for k in match):
                continue
            total += 1
            fault = judge(match, int(wanted.get("count", 1)), ours)
            right += not fault
            if fault:
                key = (case.name, match["event_type"])
                unused.discard(key)
                unexplained += key not in reasons
                print(f"  {case.name}: {reasons.get(key, 'NOT EXPLAINED')}\n    {fault}")
                if args.v:
                    for e in ours:
                        if e["event_type"] == match["event_type"]:
                            print("      " + json.dumps(e))
    print(f"{right} of {total} checks of Suricata's tests agree")
    if unexplained:
        print(f"{unexplained} differences are not explained")
    for case_name, kind in sorted(unused):
        print(f"explained, but no difference: {case_name} {kind}")
    return 0 if total and right * 100 >= args.at_least * total and not unexplained and not unused else 1


sys.exit(main())
