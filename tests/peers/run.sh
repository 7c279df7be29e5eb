#!/bin/sh
# Real clients from Debian deliver to `ruad serve` on loopback: swaks (plain, pipelined, STARTTLS, null sender), Postfix as
# a relay with STARTTLS, Exim with STARTTLS and BDAT. What ClickHouse then says must be what was sent. Needs root, because
# the mail servers do; installs what is missing.
set -eu
cd "$(dirname "$0")/../.."

fail() { echo "test-peers: $*" >&2; exit 1; }
[ "$(id -u)" = 0 ] || fail "must be root to start Postfix and Exim"
if ! command -v swaks >/dev/null || ! command -v openssl >/dev/null || ! command -v curl >/dev/null \
    || [ ! -x /usr/sbin/postfix ]; then
    echo 'postfix postfix/main_mailer_type select No configuration' | debconf-set-selections
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
        curl libnet-ssleay-perl openssl postfix swaks >/dev/null
fi
scripts/install-engine.sh >/dev/null
cargo build --quiet --locked --bin ruad
ruad=${CARGO_TARGET_DIR:-target}/debug/ruad

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
        [ $tries -lt 200 ] || {
            tail "$work"/*.log >&2
            fail "$what"
        }
        sleep 0.1
    done
}

openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=mx.reports.example \
    -keyout "$work/key.pem" -out "$work/cert.pem" 2>/dev/null
cat >"$work/ruad.toml" <<END
[smtp]
listen = ["127.0.0.1:4725"]
hostname = "mx.reports.example"
recipients = ["@reports.example"]
[smtp.tls]
certificate = "$work/cert.pem"
key = "$work/key.pem"
[http]
listen = "127.0.0.1:4727"
[engine]
listen = "127.0.0.1:4728"
path = "$work/clickhouse"
[spool]
path = "$work/spool"
[provenance]
enabled = false
[sources]
reverse_names = false
END
"$ruad" serve --config "$work/ruad.toml" 2>"$work/ruad.log" &
pid=$!
until_true "ruad does not start" curl --fail --silent http://127.0.0.1:4727/readyz

# A text in which everything is that could be mistaken on the way.
cat >"$work/traps" <<'END'
This text begins here.
.
..
.a line that begins with a dot
a line with bytes beyond ASCII: äöü
From the start of a line

MAIL FROM:<x@y.example>
DATA
END
# The shell takes the last line end off what it puts into the report.
printf %s "$(cat "$work/traps")" >"$work/traps.bare"
records=4000
begin=$(($(date +%s) / 86400 * 86400 - 86400))

# report ID: a mail with a report of that id, whose text has the traps in it.
report() {
    printf 'From: <noreply@sender.example>\nTo: <rua@reports.example>\nSubject: Report Domain: d.example\n'
    printf 'MIME-Version: 1.0\nContent-Type: text/xml; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\n'
    echo '<?xml version="1.0" encoding="UTF-8"?>'
    echo '<feedback><report_metadata><org_name>sender.example</org_name><email>noreply@sender.example</email>'
    echo "<extra_contact_info>$(cat "$work/traps")</extra_contact_info><report_id>$1</report_id>"
    echo "<date_range><begin>$begin</begin><end>$((begin + 86399))</end></date_range></report_metadata>"
    echo '<policy_published><domain>d.example</domain><p>none</p></policy_published>'
    i=0
    while [ $i -lt $records ]; do
        echo "<record><row><source_ip>10.0.$((i / 256)).$((i % 256))</source_ip><count>$((i + 1))</count>"
        echo '<policy_evaluated><disposition>none</disposition><dkim>pass</dkim><spf>fail</spf></policy_evaluated>'
        echo '</row><identifiers><header_from>d.example</header_from></identifiers></record>'
        i=$((i + 1))
    done
    echo '</feedback>'
}

say() { echo "test-peers: $*"; }
# send NAME OPTION...: the report NAME.example from a client that calls itself that.
send() {
    report "$1.example" >"$work/message"
    helo=$1.example
    shift
    swaks --server 127.0.0.1:4725 --helo "$helo" --from noreply@sender.example --to rua@reports.example \
        --data "@$work/message" "$@" >"$work/swaks.log" 2>&1
}

say "swaks, plain"
send plain || fail "$(cat "$work/swaks.log")"
say "swaks, pipelined, null sender"
send pipeline --pipeline --from '<>' || fail "$(cat "$work/swaks.log")"
say "swaks, STARTTLS"
send tls -tls || fail "$(cat "$work/swaks.log")"
say "swaks, a recipient elsewhere"
if send relay --to victim@elsewhere.example; then
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
report postfix.example >"$work/message"
swaks --server 127.0.0.1:4726 --from noreply@sender.example --to rua@reports.example \
    --data "@$work/message" >"$work/swaks.log" 2>&1 || fail "$(cat "$work/swaks.log")"
until_true "Postfix does not deliver" grep -q 'status=sent (250 2.6.0' "$work/postfix.log"

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
report exim.example >"$work/message"
"$exim" -C "$work/exim.conf" -odf -i -f noreply@sender.example rua@reports.example <"$work/message" 2>"$work/exim.log" \
    || fail "Exim does not take the message: $(cat "$work/exim.log")"
grep -q ' => rua@reports.example .* K .*C="250 2.6.0' "$work/exim-spool/mainlog" \
    || fail "Exim did not deliver with BDAT: $(cat "$work/exim-spool/mainlog")"

# query SQL: what ClickHouse answers.
query() {
    curl --fail --silent --show-error --user "ruad:$(cat "$work/clickhouse/access/ruad.password")" --data-binary "$1" \
        'http://127.0.0.1:4728/?database=ruad'
}
is() { [ "$(query "$1")" = "$2" ]; }

until_true "ClickHouse does not have the five reports" is 'SELECT uniqExact(report_id) FROM aggregate_reports' 5
until_true "not every message is accounted for" is "SELECT count() FROM messages WHERE outcome = 'stored'" 5
is 'SELECT count() FROM messages' 5 || fail "more messages came than were sent"

# What the records must add up to, worked out by ClickHouse from the rule they were made by.
expected=$(query "SELECT sum(cityHash64(toUInt32(number), toIPv6(concat('::ffff:10.0.', toString(intDiv(number, 256)), '.',
    toString(number % 256))), toUInt64(number + 1))) FROM numbers($records)")
for helo in plain.example pipeline.example tls.example postfix.example exim.example; do
    key=$(query "SELECT report_key FROM aggregate_reports WHERE report_id = '$helo'")
    query "SELECT extra_contact_info FROM aggregate_reports WHERE report_key = '$key' FORMAT RawBLOB" \
        | tr -d '\r' | cmp -s - "$work/traps.bare" || fail "the text from $helo is not what was sent"
    is "SELECT sum(cityHash64(record, source_ip, count)) FROM aggregate_records WHERE report_key = '$key'" \
        "$expected" || fail "the records from $helo are not what was sent"
    envelope=$(query "SELECT tls, mail_from_domain FROM messages WHERE helo = '$helo' FORMAT CSV")
    case $helo in
    plain.example) expect='"","sender.example"' ;;
    pipeline.example) expect='"",""' ;;
    *) expect='"TLSv1*","sender.example"' ;;
    esac
    # shellcheck disable=SC2254 # A pattern.
    case $envelope in
    $expect) ;;
    *) fail "from $helo came $envelope" ;;
    esac
done
total=$((5 * records * (records + 1) / 2))
is 'SELECT sum(messages) FROM daily_domains' $total || fail "the rollup does not have every message once"

kill "$pid"
wait "$pid" || fail "ruad ended badly: $(cat "$work/ruad.log")"
pid=
say "5 reports from 3 clients are in ClickHouse as they were sent"
echo "6 passed, 0 failed"
