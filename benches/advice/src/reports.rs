//! A year of reports, made by the engine itself: what the rollups hold, not the reports.
//!
//! Every domain has five senders a day: its own server, a service that is set up, one that is not, somebody who forwards, and an
//! attacker from one of fifty thousand addresses.

use std::net::Ipv4Addr;

use ruad::store::Store;

/// 2027-01-15: the day of the first run.
pub(crate) const NOW: u64 = 1_800_000_000;
const TODAY: u32 = (NOW / 86_400) as u32;

/// The address of a domain's own server.
pub(crate) fn own_address(number: u32) -> Ipv4Addr {
    Ipv4Addr::from(OWN + number)
}

/// An address of a service.
pub(crate) fn service_address(index: u32, number: u32) -> Ipv4Addr {
    Ipv4Addr::from(SERVICES + index * 65_536 + number % 4_096)
}

/// Makes the rows, unless they are there; gives how many of `daily_sources` there are.
pub(crate) async fn make(store: &Store, domains: u32, days: u32) -> anyhow::Result<u64> {
    let count = "SELECT count() FROM daily_sources";
    let there: u64 = store.client().query_raw(count).fetch_one().await?;
    if there > 0 {
        return Ok(there);
    }
    // A month at a time: a partition each, and no insert is large.
    for from in (0..days).step_by(30) {
        let (first, length) = (TODAY - days + from, 30.min(days - from));
        for statement in [SOURCES_BY_DAY, DOMAINS_BY_DAY, REPORTS] {
            run(store, statement, domains, first, length).await?;
        }
    }
    for statement in [ADDRESSES, SELECTORS] {
        run(store, statement, domains, TODAY - days, days).await?;
    }
    Ok(store.client().query_raw(count).fetch_one().await?)
}

async fn run(store: &Store, statement: &str, domains: u32, first: u32, days: u32) -> anyhow::Result<()> {
    let values = [
        ("{domains}", domains.to_string()),
        ("{first}", first.to_string()),
        ("{days}", days.to_string()),
        ("{own}", OWN.to_string()),
        ("{services}", SERVICES.to_string()),
        ("{forwarders}", FORWARDERS.to_string()),
        ("{attackers}", ATTACKERS.to_string()),
    ];
    let statement = values.iter().fold(statement.to_owned(), |text, (name, value)| text.replace(name, value));
    store.client().query_raw(&statement).execute().await?;
    Ok(())
}

/// 10.0.0.0 and on, so that nobody's address is meant.
const OWN: u32 = 0x0a00_0000;
const SERVICES: u32 = 0x0a40_0000;
const FORWARDERS: u32 = 0x0a80_0000;
const ATTACKERS: u32 = 0x0ac0_0000;

/// `number` runs over domains, then days, then senders, which is nearly the order of the key.
const SOURCES_BY_DAY: &str = "\
    INSERT INTO daily_sources (policy_domain, day, group_name, source_ip, verdict, received_month, messages, passed, \
        dkim_aligned, spf_aligned, quarantined, rejected, records) \
    WITH intDiv(number, {days} * 5) AS d, intDiv(number, 5) % {days} AS t, number % 5 AS kind, \
        toDate(toUInt16({first} + t)) AS at, 1 + cityHash64(number) % 40 AS n, \
        multiIf(kind = 0, {own} + d, kind = 1, {services} + cityHash64(d, t) % 4096, \
            kind = 2, {services} + 65536 + cityHash64(d, t) % 4096, \
            kind = 3, {forwarders} + cityHash64(d, t) % 500, {attackers} + cityHash64(d, t) % 50000) AS ip \
    SELECT concat('d', toString(d), '.example'), at, concat('g', toString(intDiv(d, 100))), \
        toIPv6(IPv4NumToString(toUInt32(ip))), 'genuine', toStartOfMonth(at), n, \
        if(kind IN (0, 1) OR kind = 3, n, 0), if(kind IN (1, 3), n, 0), if(kind IN (0, 1), n, 0), 0, 0, 1 \
    FROM numbers(toUInt64({domains}) * {days} * 5)";

const DOMAINS_BY_DAY: &str = "\
    INSERT INTO daily_domains (policy_domain, day, group_name, reporter, verdict, disposition, dkim_aligned, spf_aligned, \
        received_month, messages, records) \
    WITH intDiv(number, {days} * 3) AS d, intDiv(number, 3) % {days} AS t, number % 3 AS kind, \
        toDate(toUInt16({first} + t)) AS at \
    SELECT concat('d', toString(d), '.example'), at, concat('g', toString(intDiv(d, 100))), 'google.com', 'genuine', 'none', \
        kind = 0, kind < 2, toStartOfMonth(at), 1 + cityHash64(number) % 40, 2 \
    FROM numbers(toUInt64({domains}) * {days} * 3)";

const REPORTS: &str = "\
    INSERT INTO aggregate_reports (policy_domain, day, group_name, reporter, verdict, report_key, content_hash, received_at, \
        begin, end, p, records, messages) \
    WITH intDiv(number, {days}) AS d, number % {days} AS t, toDate(toUInt16({first} + t)) AS at \
    SELECT concat('d', toString(d), '.example'), at, concat('g', toString(intDiv(d, 100))), 'google.com', 'genuine', \
        generateUUIDv4(), generateUUIDv4(), toDateTime64(at + 1, 3, 'UTC'), toDateTime64(at, 0, 'UTC'), \
        toDateTime64(at + 1, 0, 'UTC'), ['none', 'none', 'quarantine', 'reject'][d % 4 + 1], 5, 100 \
    FROM numbers(toUInt64({domains}) * {days})";

/// What is known of all addresses.
const ADDRESSES: &str = "\
    INSERT INTO sources (source_ip, reverse_name, reverse_confirmed, asn, as_name, country, service, category, checked_at, recheck_at) \
    SELECT toIPv6(IPv4NumToString(toUInt32(ip))), name, name != '', asn, concat('AS ', toString(asn)), 'NL', service, \
        if(service = '', '', 'mailbox'), toDateTime({first} * 86400), toDateTime(({first} + 900) * 86400) FROM ( \
        SELECT {own} + number AS ip, concat('mail.d', toString(number), '.example') AS name, 64500 + number % 50 AS asn, '' AS service \
            FROM numbers({domains}) \
        UNION ALL SELECT {services} + number, concat('out', toString(number), '.google.com'), 15169, 'google' FROM numbers(4096) \
        UNION ALL SELECT {services} + 65536 + number, concat('o', toString(number), '.sendgrid.net'), 11377, 'sendgrid' \
            FROM numbers(4096) \
        UNION ALL SELECT {forwarders} + number, concat('fwd', toString(number), '.forwarder.example'), 64600, '' FROM numbers(500) \
        UNION ALL SELECT {attackers} + number, '', 65000 + number % 400, '' FROM numbers(50000))";

const SELECTORS: &str = "\
    INSERT INTO dkim_selectors (domain, selector, received_at, group_name, first_day, last_day, messages, failed, computed_at) \
    WITH intDiv(number, 24) AS d, toDate(toUInt16({first} + {days} - 1 - intDiv(number, 2) % 12 * 30)) AS at \
    SELECT concat('d', toString(d), '.example'), concat('s', toString(number % 2 + 1)), at, concat('g', toString(intDiv(d, 100))), \
        at - 1, at, 100, 0, toDateTime(at + 1) \
    FROM numbers(toUInt64({domains}) * 24)";
