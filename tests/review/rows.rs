//! Rows as the other rooms write them.

use ruad::store::Store;

/// Messages of one source on one day.
#[derive(Clone, Copy)]
pub(crate) struct Record<'a> {
    pub(crate) domain: &'a str,
    /// Days since 1970.
    pub(crate) day: u32,
    pub(crate) address: &'a str,
    pub(crate) count: u64,
    pub(crate) passed: bool,
    pub(crate) disposition: &'a str,
    pub(crate) author: &'a str,
    pub(crate) reporter: &'a str,
    pub(crate) verdict: &'a str,
}

impl Default for Record<'_> {
    fn default() -> Self {
        Self {
            domain: "acme.example",
            day: 20_727,
            address: "192.0.2.1",
            count: 1,
            passed: true,
            disposition: "none",
            author: "acme.example",
            reporter: "google.com",
            verdict: "genuine",
        }
    }
}

/// Stores records; the rollups follow by themselves.
pub(crate) async fn keep(store: &Store, records: &[Record<'_>]) {
    for (block, records) in records.chunks(1_000).enumerate() {
        let rows: Vec<_> = records
            .iter()
            .enumerate()
            .map(|(place, record)| {
                let Record { domain, day, address, count, passed, disposition, author, reporter, verdict } = record;
                let number = block * 1_000 + place;
                let date = date(*day);
                format!(
                    "({domain}, '{date}', 'acme', {reporter}, {verdict}, generateUUIDv4(), generateUUIDv4(), {number}, \
                     '{date} 12:00:00', 1, toIPv6({address}), {count}, {disposition}, {passed}, false, {passed}, {author})",
                    domain = quoted(domain),
                    reporter = quoted(reporter),
                    verdict = quoted(verdict),
                    address = quoted(address),
                    disposition = quoted(disposition),
                    author = quoted(author),
                )
            })
            .collect();
        execute(store, &format!(
            "INSERT INTO aggregate_records (policy_domain, day, group_name, reporter, verdict, report_key, content_hash, \
             record, received_at, precedence, source_ip, count, disposition, dkim_aligned, spf_aligned, dmarc_pass, \
             header_from) VALUES {}",
            rows.join(", ")
        ))
        .await;
    }
}

/// Who an address is.
pub(crate) async fn source(
    store: &Store,
    address: &str,
    service: &str,
    asn: u32,
    network: &str,
    country: &str,
) {
    execute(store, &format!(
        "INSERT INTO sources (source_ip, reverse_name, reverse_confirmed, asn, as_name, country, service, category, \
         checked_at, recheck_at) VALUES (toIPv6({}), '', false, {asn}, {}, {}, {}, '', now(), now())",
        quoted(address), quoted(network), quoted(country), quoted(service)
    ))
    .await;
}

/// What is thought of a sender.
pub(crate) async fn sender(store: &Store, domain: &str, id: &str, name: &str, class: &str, first_day: u32) {
    execute(store, &format!(
        "INSERT INTO domain_senders (domain, sender, computed_at, group_name, name, category, class, rule, decision, \
         messages, passed, spf_aligned, dkim_aligned, forwarded, foreign_spf, quarantined, rejected, share, addresses, \
         active_days, first_day, last_day) VALUES ({}, {}, now(), 'acme', {}, '', {}, 'x', '', 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, \
         0, '{}', '2026-10-31')",
        quoted(domain), quoted(id), quoted(name), quoted(class), date(first_day)
    ))
    .await;
}

/// How far a domain was on a day.
pub(crate) async fn state(
    store: &Store,
    domain: &str,
    day: u32,
    (stage, policy): (&str, &str),
    progress: f64,
    score: Option<f64>,
    is_perfect: bool,
) {
    let score = score.map_or("NULL".to_owned(), |score| score.to_string());
    let perfect = if is_perfect { "now()" } else { "NULL" };
    execute(store, &format!(
        "INSERT INTO domain_stages (domain, day, computed_at, group_name, stage, stage_since, progress, score, \
         perfect_since, policy, parked, ready_for, window_from, window_to, messages, legitimate, legitimate_passed, threats, \
         open_steps) VALUES ({}, '{}', now(), 'acme', '{stage}', now(), {progress}, {score}, {perfect}, '{policy}', false, '', \
         '2026-10-01', '2026-10-31', 0, 0, 0, 0, 0)",
        quoted(domain), date(day)
    ))
    .await;
}

/// A step.
#[derive(Clone, Copy)]
pub(crate) struct Step<'a> {
    pub(crate) domain: &'a str,
    pub(crate) code: &'a str,
    pub(crate) position: u32,
    pub(crate) state: &'a str,
    /// Days since 1970.
    pub(crate) done_on: Option<u32>,
    pub(crate) who: &'a str,
    pub(crate) effort: &'a str,
    pub(crate) title: &'a str,
    pub(crate) why: &'a str,
    pub(crate) instructions: &'a str,
    /// What the placeholders of the texts stand for.
    pub(crate) values: &'a [(&'a str, &'a str)],
}

pub(crate) async fn step(store: &Store, step: &Step<'_>) {
    let values: Vec<_> =
        step.values.iter().map(|(name, value)| format!("{}, {}", quoted(name), quoted(value))).collect();
    let done_at = step.done_on.map_or("NULL".to_owned(), |day| format!("'{} 09:30:00'", date(day)));
    execute(store, &format!(
        "INSERT INTO domain_steps (domain, code, subject, computed_at, group_name, position, state, opened_at, done_at, who, \
         effort, risk, title, why, how, instructions, `values`) VALUES ({}, {}, '', now(), 'acme', {}, '{}', \
         '2026-09-01 00:00:00', {done_at}, '{}', '{}', 'none', {}, {}, '', {}, map({}))",
        quoted(step.domain), quoted(step.code), step.position, step.state, step.who, step.effort, quoted(step.title),
        quoted(step.why), quoted(step.instructions), values.join(", ")
    ))
    .await;
}

/// Something that has changed.
#[derive(Clone, Copy)]
pub(crate) struct Event<'a> {
    pub(crate) domain: &'a str,
    pub(crate) day: u32,
    pub(crate) kind: &'a str,
    pub(crate) severity: &'a str,
    pub(crate) subject: &'a str,
    pub(crate) old: &'a str,
    pub(crate) new: &'a str,
}

pub(crate) async fn event(store: &Store, event: &Event<'_>) {
    let state = |text: &str| if text.is_empty() { "NULL".to_owned() } else { quoted(text) };
    execute(store, &format!(
        "INSERT INTO domain_events (domain, id, seen_at, confirmed_at, group_name, check, kind, severity, subject, old, new, \
         text) VALUES ({}, generateUUIDv4(), '{} 08:00:00', now(), 'acme', 'dmarc', {}, '{}', {}, {}, {}, 'As it was said.')",
        quoted(event.domain), date(event.day), quoted(event.kind), event.severity, quoted(event.subject), state(event.old),
        state(event.new)
    ))
    .await;
}

/// A DKIM key, and the last day its selector was used.
pub(crate) async fn key(
    store: &Store,
    domain: &str,
    selector: &str,
    bits: u32,
    [first, last, used]: [u32; 3],
) {
    execute(store, &format!(
        "INSERT INTO dkim_sightings (domain, selector, fingerprint, group_name, type, bits, first_seen, last_seen) VALUES \
         ({}, {}, 'f{bits}', 'acme', 'rsa', {bits}, '{} 00:00:00', '{} 00:00:00')",
        quoted(domain), quoted(selector), date(first), date(last)
    ))
    .await;
    execute(store, &format!(
        "INSERT INTO dkim_selectors (domain, selector, received_at, group_name, first_day, last_day, messages, failed, \
         computed_at) VALUES ({}, {}, '{used}', 'acme', '{used}', '{used}', 10, 0, now())",
        quoted(domain), quoted(selector), used = date(used)
    ))
    .await;
}

pub(crate) async fn certificate(store: &Store, domain: &str, serial: &str, day: u32) {
    execute(store, &format!(
        "INSERT INTO certificates (serial, domain, group_name, issued_at, statement, signature, public_key) VALUES \
         ({}, {}, 'acme', '{} 10:00:00', '', '', '')",
        quoted(serial), quoted(domain), date(day)
    ))
    .await;
}

pub(crate) async fn execute(store: &Store, statement: &str) {
    store
        .client()
        .query_raw(statement)
        .execute()
        .await
        .unwrap_or_else(|error| panic!("{error}: {statement}"));
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"))
}

fn date(day: u32) -> String {
    let ruad::review::Date { year, month, day } = ruad::review::Date::of(day);
    format!("{year:04}-{month:02}-{day:02}")
}
