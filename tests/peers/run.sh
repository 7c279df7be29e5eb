#!/bin/sh
# Real clients from Debian deliver to a receiver on loopback: swaks (plain, pipelined, STARTTLS, null sender), Postfix as
# a relay with STARTTLS, Exim with STARTTLS and BDAT. What is stored must be what was sent. Needs root, because the
# mail servers do; installs what is missing.
set -eu
cd "$(dirname "$0")/../.."

fail() { echo "test-peers: $*" >&2; exit 1; }
[ "$(id -u)" = 0 ] || fail "must be root to start Postfix and Exim"
if ! command -v swaks >/dev/null || ! command -v openssl >/dev/null || [ ! -x /usr/sbin/postfix ]; then
    echo 'postfix postfix/main_mailer_type select No configuration' | debconf-set-selections
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
        libnet-ssleay-perl openssl postfix swaks >/dev/null
fi
cargo build --quiet --example receiver
receiver=${CARGO_TARGET_DIR:-target}/debug/examples/receiver

work=$(mktemp -d "/var/tmp/ruad-test-peers.XXXXXX")
chmod 755 "$work"
pid=
stop() {
    postfix -c "$work/postfix" stop >/dev/null 2>&1 || true
    [ -z "$pid" ] || kill "$pid" 2>/dev/null || true
    wait || true
    rm -rf "$work"
}
trap stop EXIT
trap 'exit 130' INT TERM

# until DESCRIPTION COMMAND...: tries for ten seconds.
until_true() {
    what=$1
    shift
    tries=0
    until "$@" >/dev/null 2>&1; do
        tries=$((tries + 1))
        [ $tries -lt 100 ] || fail "$what"
        sleep 0.1
    done
}

openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=mx.reports.example \
    -keyout "$work/key.pem" -out "$work/cert.pem" 2>/dev/null
"$receiver" 127.0.0.1:4725 "$work/receiver" "$work/cert.pem" "$work/key.pem" 2>"$work/receiver.log" &
pid=$!
until_true "the receiver does not start" swaks --server 127.0.0.1:4725 --quit-after connect

# A body in which everything is that could be mistaken on the way.
cat >"$work/body" <<'END'
.
..
.a line that begins with a dot
a line with bytes beyond ASCII: äöü
From the start of a line

MAIL FROM:<x@y.example>
DATA
END
i=0
while [ $i -lt 4000 ]; do
    echo "row $i of a report of some size: 0123456789abcdefghijklmnopqrstuvwxyz"
    i=$((i + 1))
done >>"$work/body"
{
    printf 'From: <noreply@sender.example>\nTo: <rua@reports.example>\nSubject: Report Domain: d.example\n'
    printf 'MIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\n'
    cat "$work/body"
} >"$work/message"

say() { echo "test-peers: $*"; }
send() {
    swaks --server 127.0.0.1:4725 --from noreply@sender.example --to rua@reports.example \
        --data "@$work/message" "$@" >"$work/swaks.log" 2>&1
}

say "swaks, plain"
send --helo plain.example || fail "$(cat "$work/swaks.log")"
say "swaks, pipelined, null sender"
send --helo pipeline.example --pipeline --from '<>' || fail "$(cat "$work/swaks.log")"
say "swaks, STARTTLS"
send --helo tls.example -tls || fail "$(cat "$work/swaks.log")"
say "swaks, a recipient elsewhere"
if send --helo relay.example --to victim@elsewhere.example; then
    fail "mail for elsewhere was accepted"
fi
grep -q '550 5.7.1' "$work/swaks.log" || fail "$(cat "$work/swaks.log")"

say "Postfix, relaying with STARTTLS"
mkdir -p "$work/postfix" "$work/queue" "$work/data"
chown postfix "$work/data"
cat >"$work/postfix/main.cf" <<END
compatibility_level = 3.6
queue_directory = $work/queue
data_directory = $work/data
maillog_file = $work/postfix.log
myhostname = postfix.example
mydestination =
mynetworks = 127.0.0.0/8
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
alias_maps =
alias_database =
relayhost = [127.0.0.1]:4725
smtp_tls_security_level = encrypt
smtp_tls_loglevel = 1
END
cat >"$work/postfix/master.cf" <<END
127.0.0.1:4726 inet n - n - - smtpd
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
anvil unix - - n - 1 anvil
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
smtp unix - - n - - smtp
proxymap unix - - n - - proxymap
scache unix - - n - 1 scache
error unix - - n - - error
retry unix - - n - - error
postlog unix-dgram n - n - 1 postlogd
END
postfix -c "$work/postfix" start >/dev/null 2>&1 || fail "Postfix does not start"
until_true "Postfix does not listen" swaks --server 127.0.0.1:4726 --quit-after connect
swaks --server 127.0.0.1:4726 --from noreply@sender.example --to rua@reports.example \
    --data "@$work/message" >"$work/swaks.log" 2>&1 || fail "$(cat "$work/swaks.log")"
until_true "Postfix does not deliver: $(cat "$work/postfix.log")" grep -q 'status=sent (250 2.6.0' "$work/postfix.log"

say "Exim, STARTTLS and BDAT"
exim=$(command -v exim4 || true)
if [ -z "$exim" ]; then
    # Its package conflicts with Postfix's, so it is only unpacked.
    apt-get install -y -qq --no-install-recommends \
        libcrypt1 libdb5.3 libgnutls-dane0 libidn12 libnsl2 libpcre2-8-0 >/dev/null 2>&1
    (cd "$work" && apt-get download -qq exim4-daemon-light >/dev/null 2>&1 && dpkg -x exim4-daemon-light_*.deb exim)
    exim=$work/exim/usr/sbin/exim4
fi
getent passwd Debian-exim >/dev/null || useradd --system --no-create-home --shell /usr/sbin/nologin Debian-exim
mkdir -p "$work/exim-spool"
chown Debian-exim "$work/exim-spool"
cat >"$work/exim.conf" <<END
exim_path = $exim
keep_environment =
primary_hostname = exim.example
spool_directory = $work/exim-spool
log_file_path = $work/exim-spool/%slog
tls_advertise_hosts =
begin routers
all:
  driver = manualroute
  route_list = * 127.0.0.1
  self = send
  transport = remote
begin transports
remote:
  driver = smtp
  port = 4725
  allow_localhost
  hosts_require_tls = *
END
"$exim" -C "$work/exim.conf" -odf -i -f noreply@sender.example rua@reports.example <"$work/message" 2>"$work/exim.log" \
    || fail "Exim does not take the message: $(cat "$work/exim.log")"
grep -q ' => rua@reports.example .* K .*C="250 2.6.0' "$work/exim-spool/mainlog" \
    || fail "Exim did not deliver with BDAT: $(cat "$work/exim-spool/mainlog")"

kill "$pid"
wait "$pid" || fail "the receiver ended badly: $(cat "$work/receiver.log")"
pid=

cd "$work/receiver/mail"
for helo in plain.example pipeline.example tls.example postfix.example exim.example; do
    envelope=$(grep -l "\"helo\": \"$helo\"" ./*.json) || fail "nothing stored from $helo"
    [ "$(echo "$envelope" | wc -l)" = 1 ] || fail "more than one message stored from $helo"
    # Some of them add a line end behind the last line.
    sed '1,/^\r*$/d' "${envelope%.json}.eml" | tr -d '\r' | sed '${/^$/d}' | cmp -s - "$work/body" \
        || fail "the message from $helo is not what was sent"
    case $helo in
    plain.example | pipeline.example) grep -q '"tls": null' "$envelope" || fail "$helo used TLS" ;;
    *) grep -q '"tls": "TLSv1' "$envelope" || fail "$helo did not use TLS" ;;
    esac
done
[ "$(ls ./*.eml | wc -l)" = 5 ] || fail "more stored than was sent"
grep -q '"mail_from": ""' ./*.json || fail "the null sender is not stored"
say "5 messages from 3 clients stored as they were sent"
echo "6 passed, 0 failed"
