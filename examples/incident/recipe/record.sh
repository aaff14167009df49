#!/bin/sh
# Records the mail exchanges of the story on a private loopback device and places them in the story.
#
# Needs, from Debian: postfix dovecot-imapd dovecot-pop3d swaks msmtp s-nail curl faketime tcpdump
# openssl iproute2 ethtool util-linux python3 (3.11). Installs nothing. Needs root for the network
# namespace: in it there is one loopback device, so no packet can leave the machine, and Postfix
# hands every mail that it accepts to its discard transport.
#
#   recipe/record.sh            records anew, then rewrites ../evidence and ../expected.jsonl
set -eu
here=$(cd "$(dirname "$0")" && pwd)
if [ "${POSTERN_INCIDENT_NETNS:-}" = "" ]; then
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
    POSTERN_INCIDENT_NETNS="$work" unshare --net --pid --fork --mount-proc "$0"
    python3 "$here/place.py" "$work/raw.pcap" "$here/../evidence/capture/mail.pcap"
    python3 "$here/build.py"
    exit
fi
work=$POSTERN_INCIDENT_NETNS
chmod 755 "$work"
. "$here/servers.sh"
loopback

# --- Dovecot: IMAP and POP3 of the relay, and the password check of the mail drop
mkdir -p "$work/home/bob/Maildir/new"
certificate mail.corp.example
for n in 1 2; do
    printf 'From: dora@partner.example\nTo: bob@corp.example\nSubject: Re: Delivery %s\nDate: Mon, 09 Mar 2026 15:0%s:00 +0000\n\nThursday is fine.\n' \
        $n $n > "$work/home/bob/Maildir/new/177306840$n.M1P1.mail"
done
chown -R nobody:nogroup "$work/home"
dovecot_config 127.9.0.25 "plain login" "$work/home/bob" <<CONF
login_greeting = mail.corp.example ready.
service imap-login {
  inet_listener imap {
    port = 0
  }
}
service pop3-login {
  inet_listener pop3s {
    port = 0
  }
}
CONF

# --- Postfix: the relay, the mail drop, the partner's MX and a test server on ws1
postfix_config incident <<CONF
127.9.0.25:25   inet n - n - - smtpd -o myhostname=mail.corp.example
127.9.0.25:587  inet n - n - - smtpd -o myhostname=mail.corp.example -o smtpd_tls_security_level=may
127.9.9.25:25   inet n - n - - smtpd -o myhostname=mail.evil.example
127.9.9.25:587  inet n - n - - smtpd -o myhostname=mail.evil.example -o smtpd_sasl_auth_enable=yes
127.9.9.25:465  inet n - n - - smtpd -o myhostname=mail.evil.example -o smtpd_tls_wrappermode=yes
127.9.7.77:25   inet n - n - - smtpd -o myhostname=mx.partner.example
127.1.1.15:25   inet n - n - - smtpd -o myhostname=ws1.corp.example
CONF

dovecot -c "$work/dovecot.conf"
postfix -c "$work/postfix" start
tcpdump -i lo -s 0 -B 32768 -Z root -w "$work/raw.pcap" tcp 2> "$work/tcpdump.log" &
tcpdump=$!
sleep 1
PYTHONPATH=$here python3 "$here/clients.py" "$work"
sleep 1
kill -INT $tcpdump
wait $tcpdump || true
stop_servers incident
