"""mac1/unified.ndjson: `log stream --style ndjson` with AN0381's predicate (curl and osascript).
mac1/osqueryd.results.log: es_process_events and socket_events of osquery.

The Mac's clock shows local time, one hour before UTC; osquery logs UTC. The unified log knows no
command line and no parent, socket_events on macOS knows no local port: the rest must be joined.
"""
from __future__ import annotations

import json
import time as clock

from flows import Flow, made_up, moment, stable
from story import HOSTS, PROCESSES, Process, instant

HEADER = ("Filtering the log data using \"processImagePath CONTAINS \"curl\" OR processImagePath CONTAINS "
          "\"osascript\"\"")
UIDS = {"alice": 501, "build": 502}
BOOT = instant("00:00:00") - 3 * 86400


def local(time: float) -> str:
    return moment(time + 3600).strftime("%Y-%m-%d %H:%M:%S.%f") + "+0100"


def uuid(text: str) -> str:
    h = made_up("sha1", text).upper()
    return f"{h[:8]}-{h[8:12]}-{h[12:16]}-{h[16:20]}-{h[20:32]}"


def entry(p: Process, time: float, text: str, form: str, subsystem: str, category: str, library: str) -> str:
    line = json.dumps({
        "timezoneName": "", "messageType": "Default", "eventType": "logEvent", "source": None, "formatString": form,
        "userID": UIDS[p.user], "activityIdentifier": 0, "subsystem": subsystem, "category": category,
        "threadID": 90000 + stable(p.key, 9000), "senderImageUUID": uuid(library),
        "backtrace": {"frames": [{"imageOffset": stable(library, 1 << 18), "imageUUID": uuid(library)}]},
        "bootUUID": uuid("boot mac1"), "processImagePath": p.image, "senderImagePath": library,
        "timestamp": local(time), "machTimestamp": int((time - BOOT) * 24e6), "eventMessage": text,
        "processImageUUID": uuid(p.image), "traceID": stable(text + form, 1 << 50), "processID": p.pid,
        "senderProgramCounter": stable(library, 1 << 18), "parentActivityIdentifier": 0}, separators=(",", ":"))
    return line.replace("/", "\\/")


NETWORK = "/usr/lib/libnetwork.dylib"
APPLE_EVENTS = "/System/Library/Frameworks/CoreServices.framework/Versions/A/Frameworks/AE.framework/Versions/A/AE"
DAY_SCRIPT = Process("dayscript", "mac1", 3290, "", "09:12:02", "alice", "/usr/bin/osascript",
                     "osascript -e 'display notification \"build done\"'")
FLOW_FORM = "[C%u %{private}s %{public}s] start"


def unified(flows: list[Flow]) -> str:
    connection = next(f.connection for f in flows if f.session.key == "mac-curl")
    script, curl, day = PROCESSES["osascript"], PROCESSES["maccurl"], PROCESSES["daycurl"]
    rows = [
        (script, instant("01:14:18.402611"), "AppleEvents: launching with scripting addition <private>",
         "AppleEvents: launching with scripting addition %{private}s", "com.apple.appleevents", "AppleEvents",
         APPLE_EVENTS),
        (script, instant("01:14:18.997120"), "do shell script: <private>", "do shell script: %{private}s",
         "com.apple.appleevents", "scripting", APPLE_EVENTS),
        (curl, connection.start - 0.018, "[C1 <private> tcp, attribution: developer] start", FLOW_FORM,
         "com.apple.network", "connection", NETWORK),
        (curl, connection.start + 0.004, "nw_connection_report_state_with_handler_on_nw_queue [C1] reporting state ready",
         "%{public}s [C%u] reporting state %{public}s", "com.apple.network", "connection", NETWORK),
        (curl, connection.end, "[C1 <private> tcp, attribution: developer] cancelled", FLOW_FORM.replace("start", "cancelled"),
         "com.apple.network", "connection", NETWORK),
        (DAY_SCRIPT, instant("09:12:02.310090"), "Posting notification <private>", "Posting notification %{private}s",
         "com.apple.usernotifications", "client", APPLE_EVENTS),
        (day, instant("09:30:44.801533"), "[C1 <private> tcp, tls, attribution: developer] start", FLOW_FORM,
         "com.apple.network", "connection", NETWORK),
    ]
    lines = [entry(*row) for row in rows]
    return "\n".join([HEADER, *lines, json.dumps({"count": len(lines), "finished": 1}, separators=(",", ":"))]) + "\n"


def result(query: str, counter: int, logged: float, user: str, columns: dict[str, str]) -> str:
    return json.dumps({
        "name": query, "hostIdentifier": HOSTS["mac1"].fqdn,
        "calendarTime": clock.strftime("%a %b %e %H:%M:%S %Y UTC", clock.gmtime(logged)), "unixTime": int(logged),
        "epoch": 0, "counter": counter, "numerics": False,
        "decorations": {"host_uuid": uuid("hardware mac1"), "hostname": HOSTS["mac1"].fqdn, "username": user},
        "columns": columns, "action": "added"}, separators=(",", ":"))


def started(p: Process, number: int, parent: int, command: str) -> dict[str, str]:
    uid = UIDS[p.user]
    return {"cdhash": made_up("sha1", "cdhash " + p.image), "child_pid": "", "cmdline": command,
            "cmdline_count": str(len(command.split())), "cwd": "/", "egid": "20", "euid": str(uid),
            "event_type": "exec", "exit_code": "", "gid": "20", "global_seq_num": str(number + 300),
            "original_parent": str(parent), "parent": str(parent), "path": p.image, "pid": str(p.pid),
            "platform_binary": "1", "seq_num": str(number), "signing_id": "com.apple." + p.image.rsplit("/", 1)[1],
            "team_id": "", "time": str(int(instant(p.started))), "uid": str(uid), "username": p.user, "version": "7"}


def socket(p: Process, time: float, address: str, port: int, number: int) -> dict[str, str]:
    return {"action": "connect", "auid": str(UIDS[p.user]), "eid": str(number), "family": "2", "fd": "5",
            "local_address": "0", "local_port": "0", "path": p.image, "pid": str(p.pid), "protocol": "6",
            "remote_address": address, "remote_port": str(port), "socket": "", "status": "succeeded", "success": "1",
            "time": str(int(time)), "uptime": str(int(time - BOOT))}


def osquery(flows: list[Flow]) -> str:
    by_key = {f.session.key: f.connection for f in flows}
    shell = PROCESSES["macsh"]
    one_line = "sh -c " + PROCESSES["maccurl"].command
    exec_, sock = "pack_mail_es_process_events", "pack_mail_socket_events"
    rows: list[tuple[float, str, str, dict[str, str]]] = []
    for n, (p, parent, command) in enumerate((
            (PROCESSES["osascript"], 388, PROCESSES["osascript"].command),
            (shell, PROCESSES["osascript"].pid, one_line),
            (PROCESSES["maccurl"], shell.pid, PROCESSES["maccurl"].command),
            (DAY_SCRIPT, 655, DAY_SCRIPT.command),
            (PROCESSES["daycurl"], PROCESSES["terminal"].pid, PROCESSES["daycurl"].command)), start=41):
        rows.append((instant(p.started), exec_, p.user, started(p, n, parent, command)))
    for n, (key, session) in enumerate((("maccurl", "mac-curl"), ("mailapp", "mac-imaps")), start=8101):
        c = by_key[session]
        rows.append((c.start, sock, PROCESSES[key].user, socket(PROCESSES[key], c.start, c.dst, c.dport, n)))
    web = PROCESSES["daycurl"]
    rows.append((instant("09:30:44.800"), sock, web.user, socket(web, instant("09:30:44.800"), "198.51.100.210", 443, 8103)))
    rows.sort(key=lambda r: r[0])
    return "".join(result(query, n, int(time) + 1 + n % 2, user, columns) + "\n"
                   for n, (time, query, user, columns) in enumerate(rows, start=12))
