#!/bin/sh
# Messages a second until a durable 250: ruad, Postfix (accept + fsync into the hold queue), smtp-sink (stores nothing)
# and mailin-embedded (write + fsync), measured in turn with Debian's smtp-source. Options go to the comparison
# (--rounds N). Needs root, because Postfix does.
set -eu
cd "$(dirname "$0")/../.."

fail() { echo "$0: $*" >&2; exit 2; }
[ "$(id -u)" = 0 ] || fail "must be root to start Postfix"
if ! command -v smtp-source >/dev/null || [ ! -e /usr/include/openssl/ssl.h ]; then
    echo 'postfix postfix/main_mailer_type select No configuration' | debconf-set-selections
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
        libssl-dev pkg-config postfix >/dev/null
fi
cargo build --quiet --release -p ruad-bench-smtp
bench=${CARGO_TARGET_DIR:-target}/release/ruad-bench-smtp

# On a disk, not in memory: fsync is what is measured.
work=$(mktemp -d "${RUAD_BENCH_DIR:-/var/tmp}/ruad-bench-smtp.XXXXXX")
chmod 755 "$work"
pids=
stop() {
    postfix -c "$work/postfix" stop >/dev/null 2>&1 || true
    for pid in $pids; do kill "$pid" 2>/dev/null || true; done
    wait || true
    rm -rf "$work"
}
trap stop EXIT
trap 'exit 130' INT TERM

mkdir -p "$work/postfix" "$work/queue" "$work/data" "$work/mailin"
chown postfix "$work/data"
cat >"$work/postfix/main.cf" <<END
compatibility_level = 3.6
queue_directory = $work/queue
data_directory = $work/data
maillog_file = $work/postfix.log
myhostname = postfix.example
mydestination = reports.example
mynetworks = 127.0.0.0/8
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
alias_maps =
alias_database =
local_recipient_maps =
smtpd_recipient_restrictions = check_recipient_access static:HOLD, reject_unauth_destination
smtpd_relay_restrictions = reject_unauth_destination
END
# service type private unprivileged chroot wakeup processes command
cat >"$work/postfix/master.cf" <<END
127.0.0.1:3526 inet n - n - - smtpd
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
anvil unix - - n - 1 anvil
proxymap unix - - n - - proxymap
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
error unix - - n - - error
retry unix - - n - - error
postlog unix-dgram n - n - 1 postlogd
END
postfix -c "$work/postfix" start >/dev/null 2>&1 || fail "Postfix does not start"

"$bench" ruad 127.0.0.1:3525 "$work/spool" 2>"$work/ruad.log" & pids="$pids $!"
smtp-sink -u nobody 127.0.0.1:3527 1000 & pids="$pids $!"
"$bench" mailin 127.0.0.1:3528 "$work/mailin" & pids="$pids $!"

"$bench" compare "$@" \
    "ruad=127.0.0.1:3525=10000" \
    "Postfix (hold queue)=127.0.0.1:3526=3000=$work/queue/hold" \
    "smtp-sink (stores nothing)=127.0.0.1:3527=10000" \
    "mailin-embedded (write + fsync)=127.0.0.1:3528=6000=$work/mailin"
