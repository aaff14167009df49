#!/bin/sh
# Records the sessions of patterns.py and of benign.py with real clients and servers, each into a
# capture of its own beside this folder.
#
# Needs, from Debian: postfix dovecot-imapd dovecot-pop3d swaks mutt s-nail msmtp fetchmail isync curl
# socat zip tcpdump openssl iproute2 ethtool util-linux python3 (3.11). Installs nothing. Needs root for the
# network namespace: in it there is one loopback device, so no packet can leave the machine, and Postfix
# hands every mail that it accepts to its discard transport.
#
#   recipe/record.sh              records all anew
#   recipe/record.sh NAME...      records these
set -eu
here=$(cd "$(dirname "$0")" && pwd)
if [ "${POSTERN_RECORD:-}" = "" ]; then
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
    POSTERN_RECORD="$work" unshare --net --pid --uts --fork --mount-proc "$0" "$@"
    exit
fi
work=$POSTERN_RECORD
chmod 755 "$work"
hostname ws1.example.com
incident=$here/../../../examples/incident/recipe
. "$incident/servers.sh"
loopback
certificate mail.example.net
mkdir -p "$work/home"
chown nobody:nogroup "$work/home"

# --- Dovecot: mailboxes of the relay and of the provider, and the password check of both.
dovecot_config "127.9.0.25, 127.9.9.25" "plain login cram-md5" "$work/home/%n" <<CONF
auth_failure_delay = 0
login_greeting = ready.
mail_max_userip_connections = 100
namespace inbox {
  inbox = yes
  mailbox Drafts {
    auto = create
    special_use = \\Drafts
  }
  mailbox Sent {
    auto = create
  }
}
service anvil {
  client_limit = 500
}
CONF

# --- Postfix: the relay, the provider (one that offers TLS, one that does not), other servers outside.
postfix_config recorded <<CONF
127.9.0.25:25    inet n - n - - smtpd -o myhostname=mail.example.com -o smtpd_tls_security_level=may
127.9.0.25:587   inet n - n - - smtpd -o myhostname=mail.example.com -o smtpd_tls_security_level=may -o smtpd_sasl_auth_enable=yes
127.9.9.25:25    inet n - n - - smtpd -o myhostname=mail.example.net
127.9.9.25:587   inet n - n - - smtpd -o myhostname=mail.example.net -o smtpd_sasl_auth_enable=yes
127.9.9.25:8025  inet n - n - - smtpd -o myhostname=mail.example.net
127.9.9.26:587   inet n - n - - smtpd -o myhostname=submit.example.net -o smtpd_tls_security_level=may -o smtpd_sasl_auth_enable=yes
127.9.9.31:25    inet n - n - - smtpd -o myhostname=mx1.example.org
127.9.9.32:25    inet n - n - - smtpd -o myhostname=mx2.example.org
127.9.9.33:25    inet n - n - - smtpd -o myhostname=mx3.example.org
127.9.9.34:25    inet n - n - - smtpd -o myhostname=mx4.example.org
127.9.9.35:25    inet n - n - - smtpd -o myhostname=mx5.example.org
127.9.9.36:25    inet n - n - - smtpd -o myhostname=mx6.example.org -o { smtpd_recipient_restrictions = check_recipient_access inline:{bob@example.org=OK}, check_recipient_access static:{550 5.1.1 User unknown} }
CONF
cat >> "$work/postfix/main.cf" <<CONF
local_recipient_maps =
smtpd_error_sleep_time = 0
smtpd_hard_error_limit = 200
smtpd_client_connection_count_limit = 0
CONF
dovecot -c "$work/dovecot.conf"
postfix -c "$work/postfix" start 2>/dev/null
sleep 1
status=0
PYTHONPATH="$here:$incident" python3 "$here/patterns.py" "$work" "$@" || status=$?
stop_servers recorded 2>/dev/null
exit $status
