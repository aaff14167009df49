"""zeek/conn.log and zeek/smtp.log: what Zeek at the internet edge would write, from the packets.

Debian 12 has no Zeek; the rules are those of Zeek's scripts (base/protocols/conn, .../smtp) for
the plain cases that the capture holds. The tap sees only connections that leave the company.
"""
from __future__ import annotations

import email
import email.policy
import ipaddress
import re

from flows import Flow, made_up, moment
from packets import ACK, FIN, RST, SYN, Connection
from story import COMPANY

CONN = [line.split(":") for line in """ts:time uid:string id.orig_h:addr id.orig_p:port id.resp_h:addr id.resp_p:port
 proto:enum service:string duration:interval orig_bytes:count resp_bytes:count conn_state:string local_orig:bool
 local_resp:bool missed_bytes:count history:string orig_pkts:count orig_ip_bytes:count resp_pkts:count
 resp_ip_bytes:count tunnel_parents:set[string]""".split()]
SMTP = [line.split(":") for line in """ts:time uid:string id.orig_h:addr id.orig_p:port id.resp_h:addr id.resp_p:port
 trans_depth:count helo:string mailfrom:string rcptto:set[string] date:string from:string to:set[string]
 cc:set[string] reply_to:string msg_id:string in_reply_to:string subject:string x_originating_ip:addr
 first_received:string second_received:string last_reply:string path:vector[addr] user_agent:string tls:bool
 fuids:vector[string]""".split()]
DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def inside(ip: str) -> bool:
    return ipaddress.ip_address(ip) in ipaddress.ip_network(COMPANY)


def unique(prefix: str, text: str) -> str:
    number, out = int(made_up("sha256", "zeek " + text)[:26], 16), ""
    while number and len(out) < 17:
        number, digit = divmod(number, 62)
        out += DIGITS[digit]
    return prefix + out


def uid(c: Connection) -> str:
    return unique("C", f"{c.start:.6f} {c.src} {c.sport} {c.dst} {c.dport}")


def history(c: Connection) -> str:
    """s SYN, h SYN-ACK, a pure ACK, d data, f FIN, r RST; upper case for the originator."""
    out = ""
    for p in c.packets:
        if p.flags & SYN:
            letters = "h" if p.flags & ACK else "s"
        elif p.flags & RST:
            letters = "r"
        else:
            letters = "d" if p.payload else "" if p.flags & FIN else "a"
            letters += "f" if p.flags & FIN else ""
        if p.window == 0 and not p.flags & RST:
            letters += "w"
        for letter in letters:
            letter = letter.upper() if c.from_client(p) else letter
            out += "" if letter in out else letter
    return out


def state(c: Connection) -> str:
    resets = [c.from_client(p) for p in c.packets if p.flags & RST]
    if resets:
        return "RSTO" if resets[0] else "RSTR" if any(p.payload for p in c.packets) else "REJ"
    fins = {c.from_client(p) for p in c.packets if p.flags & FIN}
    return {2: "SF", 1: "S2" if True in fins else "S3"}.get(len(fins), "S1")


def productive_end(c: Connection) -> float:
    """Zeek's duration leaves out what follows without data or flags, the last ACK."""
    return max(p.time for p in c.packets if p.payload or p.flags & (SYN | FIN | RST))


def conn_row(f: Flow) -> dict[str, str]:
    c = f.connection
    ours, theirs = [[p for p in c.packets if c.from_client(p) == who] for who in (True, False)]
    service = "-" if f.session.refused else "smtp" if c.dport in (25, 587) else "ssl"
    return {"ts": f"{c.start:.6f}", "uid": uid(c), "id.orig_h": c.src, "id.orig_p": str(c.sport),
            "id.resp_h": c.dst, "id.resp_p": str(c.dport), "proto": "tcp", "service": service,
            "duration": f"{productive_end(c) - c.start:.6f}", "orig_bytes": str(f.bytes_out),
            "resp_bytes": str(f.bytes_in), "conn_state": state(c), "local_orig": "T" if inside(c.src) else "F",
            "local_resp": "T" if inside(c.dst) else "F", "missed_bytes": "0", "history": history(c),
            "orig_pkts": str(len(ours)), "orig_ip_bytes": str(sum(p.ip_bytes for p in ours)),
            "resp_pkts": str(len(theirs)), "resp_ip_bytes": str(sum(p.ip_bytes for p in theirs)),
            "tunnel_parents": "-"}


def argument(client: bytes, pattern: bytes) -> str:
    found = re.search(pattern, client, re.I | re.M)
    return found.group(1).decode() if found else "-"


def smtp_row(f: Flow) -> dict[str, str]:
    c = f.connection
    client, server = c.stream(True), c.stream(False)
    raw = re.search(rb"^data\r\n(.*?\r\n)\.\r\n", client, re.I | re.M | re.S)
    mail = email.message_from_bytes(raw.group(1) if raw else b"", policy=email.policy.compat32)
    leaves = [part for part in mail.walk() if not part.is_multipart()]
    replies = [line.decode() for line in server.split(b"\r\n") if re.match(rb"\d{3} ", line)]
    accepted = next((n for n, line in enumerate(replies) if line.startswith("354")), len(replies) - 2)

    def header(name: str) -> str:
        value = mail.get(name)
        return "-" if value is None else str(value)

    row = {name: "-" for name, _ in SMTP}
    row.update({"ts": f"{c.sent_at(False, 0):.6f}", "uid": uid(c), "id.orig_h": c.src, "id.orig_p": str(c.sport),
                "id.resp_h": c.dst, "id.resp_p": str(c.dport), "trans_depth": "1",
                "helo": argument(client, rb"^(?:HELO|EHLO)\s+(\S+)"),
                "mailfrom": argument(client, rb"^MAIL\s+FROM:\s*<([^>]*)>"),
                "rcptto": argument(client, rb"^RCPT\s+TO:\s*<([^>]*)>"), "date": header("Date"), "from": header("From"),
                "to": header("To"), "msg_id": header("Message-ID"), "subject": header("Subject"),
                "last_reply": replies[accepted + 1], "path": f"{c.dst},{c.src}",
                "user_agent": header("User-Agent") if mail.get("User-Agent") else header("X-Mailer"), "tls": "F",
                "fuids": ",".join(unique("F", f"{uid(c)} {n}") for n in range(len(leaves))) or "(empty)"})
    return row


def table(path: str, fields: list[list[str]], rows: list[dict[str, str]], opened: float, closed: float) -> str:
    stamp = "%Y-%m-%d-%H-%M-%S"
    head = ["#separator \\x09", "#set_separator\t,", "#empty_field\t(empty)", "#unset_field\t-", f"#path\t{path}",
            f"#open\t{moment(opened).strftime(stamp)}", "#fields\t" + "\t".join(n for n, _ in fields),
            "#types\t" + "\t".join(t for _, t in fields)]
    body = ["\t".join(row[name] for name, _ in fields) for row in rows]
    return "\n".join([*head, *body, f"#close\t{moment(closed).strftime(stamp)}"]) + "\n"


def edge(flows: list[Flow]) -> list[Flow]:
    return [f for f in flows if inside(f.connection.src) != inside(f.connection.dst)]


def conn(flows: list[Flow]) -> str:
    seen = sorted(edge(flows), key=lambda f: f.connection.end)
    return table("conn", CONN, [conn_row(f) for f in seen], seen[0].connection.end, seen[-1].connection.end + 300)


def smtp(flows: list[Flow]) -> str:
    seen = [f for f in edge(flows) if f.session.clear]
    return table("smtp", SMTP, [smtp_row(f) for f in seen], seen[0].connection.end, seen[-1].connection.end + 300)
