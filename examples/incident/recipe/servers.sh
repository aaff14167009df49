# Sourced by the recording scripts (this one and tests/recorded/recipe): what their mail servers have in
# common. Needs $work; Postfix discards what it accepts and asks Dovecot for passwords.

# A loopback device whose packets look as they would on a wire.
loopback() {
    ip link set lo mtu 1500 up
    ethtool -K lo tso off gso off gro off
}

# certificate COMMON-NAME: key.pem and cert.pem
certificate() {
    openssl req -x509 -newkey rsa:2048 -nodes -days 3650 -subj "/CN=$1" \
        -keyout "$work/key.pem" -out "$work/cert.pem" 2>/dev/null
}

# dovecot_config ADDRESSES MECHANISMS HOME: dovecot.conf for any account with the password "made-up", whose
# mailbox is in HOME; what else shall be in it comes on the standard input.
dovecot_config() {
    mkdir -p "$work/dovecot"
    {
        cat <<CONF
base_dir = $work/dovecot
log_path = $work/dovecot.log
protocols = imap pop3
listen = $1
ssl = yes
ssl_cert = <$work/cert.pem
ssl_key = <$work/key.pem
disable_plaintext_auth = no
auth_mechanisms = $2
first_valid_uid = 1
mail_location = maildir:~/Maildir
passdb {
  driver = static
  args = password=made-up
}
userdb {
  driver = static
  args = uid=nobody gid=nogroup home=$3
}
service auth {
  unix_listener $work/queue/private/auth {
    mode = 0666
  }
}
CONF
        cat
    } > "$work/dovecot.conf"
}

# postfix_config NAME: main.cf, with a log of that name, and the services of master.cf. The listeners come
# on the standard input.
postfix_config() {
    mkdir -p "$work/postfix" "$work/data" "$work/queue/private"
    chown postfix "$work/data" "$work/queue/private"
    cat > "$work/postfix/main.cf" <<CONF
compatibility_level = 3.6
queue_directory = $work/queue
data_directory = $work/data
maillog_file = /var/log/postern-$1-postfix.log
maillog_file_prefixes = /var/log
mynetworks = 127.0.0.0/8
mydestination =
default_transport = discard:
relay_transport = discard:
local_transport = discard:
smtpd_peername_lookup = no
smtpd_relay_restrictions = permit_mynetworks, reject
smtpd_sasl_type = dovecot
smtpd_sasl_path = private/auth
smtpd_tls_cert_file = $work/cert.pem
smtpd_tls_key_file = $work/key.pem
message_size_limit = 20480000
CONF
    {
        cat
        cat <<CONF
cleanup   unix n - n - 0 cleanup
qmgr      unix n - n 300 1 qmgr
tlsmgr    unix - - n 1000? 1 tlsmgr
rewrite   unix - - n - - trivial-rewrite
bounce    unix - - n - 0 bounce
defer     unix - - n - 0 bounce
proxymap  unix - - n - - proxymap
anvil     unix - - n - 1 anvil
discard   unix - - n - - discard
retry     unix - - n - - error
error     unix - - n - - error
postlog   unix-dgram n - n - 1 postlogd
CONF
    } > "$work/postfix/master.cf"
}

# stop_servers NAME
stop_servers() {
    postfix -c "$work/postfix" stop
    doveadm -c "$work/dovecot.conf" stop
    rm -f "/var/log/postern-$1-postfix.log"
}
