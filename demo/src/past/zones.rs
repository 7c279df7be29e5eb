//! What the owners of the demo's domains publish, from which day on and until when. Day 0 is today.

use crate::onboarding::{Entry, key_record};
use crate::report::{Disposition, Policy};
use crate::world::{DAYS, Domain};

/// A record, and when it is there.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Published {
    /// The record.
    pub(super) entry: Entry,
    /// The first day on which it is there.
    pub(super) from: i64,
    /// The first day on which it is not there any more.
    pub(super) until: i64,
}

impl Published {
    fn since(from: i64, entry: Entry) -> Self {
        Self { entry, from, until: i64::MAX }
    }

    fn until(self, until: i64) -> Self {
        Self { until, ..self }
    }

    /// Whether it is there on a day.
    pub(super) fn is_there(&self, day: i64) -> bool {
        (self.from..self.until).contains(&day)
    }
}

/// Whether the zone of a domain is signed.
pub(super) fn is_signed(domain: &str) -> bool {
    SIGNED.contains(&domain)
}

/// The file with the policy of MTA-STS, of those who have one.
pub(super) fn mta_sts(domain: &str) -> Option<String> {
    let (_, mode, _) = MTA_STS.iter().find(|(name, ..)| *name == domain)?;
    Some(format!("version: STSv1\r\nmode: {mode}\r\nmx: *.mx.{domain}\r\nmax_age: 604800\r\n"))
}

/// Everything that the owner of a domain publishes at any time.
pub(super) fn published(domain: &Domain) -> Vec<Published> {
    let name = domain.name;
    let mut all = receiving(name);
    all.extend(policies(domain));
    all.extend(
        SPF.iter()
            .filter(|(of, ..)| *of == name)
            .map(|(_, from, until, text)| Published::since(*from, Entry::text(name, *text)).until(*until)),
    );
    all.extend(KEYS.iter().filter(|(of, ..)| *of == name).map(|(_, selector, from, until, generation)| {
        let key = key_record(&format!("{name}/{selector}/{generation}"));
        Published::since(*from, Entry::text(format!("{selector}._domainkey.{name}"), key)).until(*until)
    }));
    if domain.tls_sessions > 0 {
        let record = Entry::text(format!("_smtp._tls.{name}"), "v=TLSRPTv1; rua=mailto:tls@reports.example");
        all.push(Published::since(if name == "oakfield.example" { -25 } else { -350 }, record));
    }
    for (_, _, from) in MTA_STS.iter().filter(|(of, ..)| *of == name) {
        all.push(Published::since(*from, Entry::text(format!("_mta-sts.{name}"), "v=STSv1; id=20260301;")));
        all.push(Published::since(*from, Entry::new(format!("mta-sts.{name}"), "A", "127.0.0.1")));
    }
    if name == "meridian.example" {
        for host in ["mx1", "mx2"] {
            let record = Entry::new(format!("_25._tcp.{host}.mx.{name}"), "TLSA", format!("3 1 1 {DIGEST}"));
            all.push(Published::since(-200, record));
        }
    }
    all
}

/// What everybody else publishes: services, block lists, and the provider who takes the reports.
pub(super) fn others() -> Vec<Published> {
    let mut all: Vec<_> =
        SERVICES.iter().map(|(name, text)| Published::since(START, Entry::text(*name, *text))).collect();
    for (day, name) in LISTED {
        all.push(Published::since(*day, Entry::new(*name, "A", "127.0.0.4")));
        all.push(Published::since(*day, Entry::text(*name, "Sent to mailboxes that nobody ever had.")));
    }
    all
}

/// Where its mail goes.
fn receiving(name: &str) -> Vec<Published> {
    // Each has addresses of its own, which are nobody's who sends.
    let place = Domain::all().iter().position(|domain| domain.name == name).unwrap_or_default();
    let since = |entry| Published::since(START, entry);
    if name == "oldmeridian.example" {
        return vec![since(Entry::new(name, "MX", "0 .")), since(Entry::new(name, "A", "192.0.2.150"))];
    }
    let mut all = vec![since(Entry::new(name, "A", format!("192.0.2.{}", 150 + place)))];
    for (number, host) in [format!("mx1.mx.{name}"), format!("mx2.mx.{name}")].into_iter().enumerate() {
        let address = format!("198.51.100.{}", 220 + 2 * place + number);
        let mut parts = address.rsplit('.');
        let reverse: Vec<_> = parts.by_ref().collect();
        all.push(since(Entry::new(format!("{}.in-addr.arpa", reverse.join(".")), "PTR", host.clone())));
        all.push(since(Entry::new(host.clone(), "A", address)));
        // One mail host alone until last week.
        let from = if name == "lumen-pay.example" && number == 1 { -9 } else { START };
        all.push(Published::since(from, Entry::new(name, "MX", format!("{} {host}", 10 * (number + 1)))));
    }
    all
}

/// Its policy by the day, and the permission to send its reports to us.
fn policies(domain: &Domain) -> Vec<Published> {
    let name = domain.name;
    let days = domain.policies.iter().map(|(day, _)| *day);
    let ends = days.skip(1).map(|day| day - DAYS).chain([i64::MAX]);
    let mut all: Vec<_> = domain
        .policies
        .iter()
        .zip(ends)
        .map(|((day, policy), until)| {
            let from = if *day == 0 { START } else { day - DAYS };
            let text = record(policy, &domain.recipient());
            Published::since(from, Entry::text(format!("_dmarc.{name}"), text)).until(until)
        })
        .collect();
    // The newest customer's is forgotten.
    if name != "lumen-outlet.test" {
        let permission = Entry::text(format!("{name}._report._dmarc.reports.example"), "v=DMARC1;");
        all.push(Published::since(START, permission));
    }
    all
}

/// The record that says a policy.
fn record(policy: &Policy, recipient: &str) -> String {
    let mut text = format!("v=DMARC1; p={}", policy.p.as_str());
    let mut add = |tag: &str, value: &str| text += &format!("; {tag}={value}");
    policy.sp.into_iter().for_each(|sp| add("sp", sp.as_str()));
    policy.np.into_iter().for_each(|np: Disposition| add("np", np.as_str()));
    for (tag, is_strict) in [("adkim", policy.strict_dkim), ("aspf", policy.strict_spf)] {
        if is_strict {
            add(tag, "s");
        }
    }
    if policy.pct < 100 {
        add("pct", &policy.pct.to_string());
    }
    if policy.testing {
        add("t", "y");
    }
    add("rua", &format!("mailto:{recipient}"));
    text
}

/// Before anything that is told.
const START: i64 = -900;

const SIGNED: &[&str] =
    &["meridian.example", "meridian-freight.test", "oakfield.example", "oakfield-college.example"];

/// Domain, mode, first day.
const MTA_STS: &[(&str, &str, i64)] = &[
    ("meridian.example", "enforce", -260),
    ("lumen-shop.example", "enforce", -190),
    ("meridian-freight.test", "enforce", -120),
    ("lumen-pay.example", "testing", -16),
];

/// Domain, first day, first day without it, record.
const SPF: &[(&str, i64, i64, &str)] = &[
    (
        "meridian.example",
        START,
        i64::MAX,
        "v=spf1 ip4:192.0.2.10/31 ip6:2001:db8:10::/64 include:spf.protection.outlook.com include:sendgrid.net -all",
    ),
    ("meridian-freight.test", START, i64::MAX, "v=spf1 ip4:192.0.2.16 include:_spf.google.com -all"),
    (
        "meridian-parcels.example",
        START,
        i64::MAX,
        "v=spf1 include:spf.protection.outlook.com ip4:192.0.2.24/30 ip6:2001:db8:24::/64 -all",
    ),
    ("oldmeridian.example", START, i64::MAX, "v=spf1 -all"),
    ("oakfield.example", START, i64::MAX, "v=spf1 ip4:192.0.2.40/31 include:_spf.google.com ~all"),
    (
        "oakfield-college.example",
        START,
        i64::MAX,
        "v=spf1 include:spf.protection.outlook.com include:_spf.old-crm.test ~all",
    ),
    (
        "oakfield-alumni.example",
        START,
        i64::MAX,
        "v=spf1 include:_spf.google.com include:servers.mcsv.net ?all",
    ),
    (
        "oakfield-exams.test",
        START,
        -4,
        "v=spf1 ip4:192.0.2.40/31 include:sendgrid.net include:mail.zendesk.com -all",
    ),
    // Somebody added a tool that needs nine look-ups by itself.
    (
        "oakfield-exams.test",
        -4,
        i64::MAX,
        "v=spf1 ip4:192.0.2.40/31 include:sendgrid.net include:mail.zendesk.com include:_spf.survey-suite.test -all",
    ),
    (
        "lumen-shop.example",
        START,
        i64::MAX,
        "v=spf1 include:amazonses.com include:servers.mcsv.net include:spf.protection.outlook.com -all",
    ),
    ("lumen.example", START, -22, "v=spf1 ip4:192.0.2.60 a mx ~all"),
    ("lumen.example", -22, i64::MAX, "v=spf1 ip4:192.0.2.60 ip6:2001:db8:60::1 a mx ~all"),
    (
        "lumen-pay.example",
        START,
        i64::MAX,
        "v=spf1 include:spf.protection.outlook.com ip4:192.0.2.60 ip6:2001:db8:60::1 -all",
    ),
    ("lumen-outlet.test", START, i64::MAX, "v=spf1 include:amazonses.com ~all"),
];

/// Domain, selector, first day, first day without it, which key it is.
const KEYS: &[(&str, &str, i64, i64, u8)] = &[
    ("meridian.example", "selector1", -160, i64::MAX, 1),
    ("meridian.example", "selector2", -340, i64::MAX, 1),
    ("meridian.example", "mail2025", -330, -27, 1),
    ("meridian.example", "mail2025", -27, i64::MAX, 2),
    ("meridian.example", "s1", -120, i64::MAX, 1),
    ("meridian-freight.test", "google", -210, i64::MAX, 1),
    ("meridian-freight.test", "mail2025", -95, i64::MAX, 1),
    ("meridian-parcels.example", "selector1", -140, i64::MAX, 1),
    ("meridian-parcels.example", "mail2025", -350, i64::MAX, 1),
    ("meridian-parcels.example", "6gbrjpgwjskckoa6a5zn6fwqkn67xbtw", -75, i64::MAX, 1),
    ("oakfield.example", "google", -640, i64::MAX, 1),
    ("oakfield.example", "mail2025", -140, i64::MAX, 1),
    ("oakfield-college.example", "selector1", -175, i64::MAX, 1),
    ("oakfield-alumni.example", "google", -510, i64::MAX, 1),
    ("oakfield-exams.test", "mail2025", -45, i64::MAX, 1),
    ("oakfield-exams.test", "s1", -24, i64::MAX, 1),
    ("lumen-shop.example", "selector1", -80, i64::MAX, 1),
    ("lumen-shop.example", "k2", -120, i64::MAX, 1),
    ("lumen-shop.example", "6gbrjpgwjskckoa6a5zn6fwqkn67xbtw", -300, i64::MAX, 1),
    ("lumen-pay.example", "selector1", -150, i64::MAX, 1),
    ("lumen-pay.example", "mail2025", -150, i64::MAX, 1),
    ("lumen-pay.example", "s1", -60, -5, 1),
    ("lumen-outlet.test", "6gbrjpgwjskckoa6a5zn6fwqkn67xbtw", -110, i64::MAX, 1),
    ("lumen-outlet.test", "k2", -8, i64::MAX, 1),
];

const SERVICES: &[(&str, &str)] = &[
    ("spf.protection.outlook.com", "v=spf1 ip4:198.51.100.0/27 ip6:2001:db8:365::/64 -all"),
    ("_spf.google.com", "v=spf1 ip4:198.51.100.32/28 ip6:2001:db8:486::/64 ~all"),
    ("servers.mcsv.net", "v=spf1 ip4:198.51.100.64/27 ?all"),
    ("sendgrid.net", "v=spf1 ip4:198.51.100.96/27 ~all"),
    ("mail.zendesk.com", "v=spf1 ip4:198.51.100.184/29 -all"),
    ("_spf.old-crm.test", "v=spf1 include:a.old-crm.test include:b.old-crm.test include:c.old-crm.test -all"),
    ("a.old-crm.test", "v=spf1 include:d.old-crm.test include:e.old-crm.test -all"),
    ("b.old-crm.test", "v=spf1 ip4:203.0.113.252 -all"),
    ("c.old-crm.test", "v=spf1 ip4:203.0.113.253 -all"),
    ("d.old-crm.test", "v=spf1 ip4:203.0.113.254 -all"),
    ("e.old-crm.test", "v=spf1 include:f.old-crm.test -all"),
    ("f.old-crm.test", "v=spf1 ip4:203.0.113.252 -all"),
    (
        "_spf.survey-suite.test",
        "v=spf1 include:_spf.old-crm.test include:_spf.google.com include:servers.mcsv.net -all",
    ),
];

/// What is on the block lists, from which day on: their test entries, an own server, a domain.
const LISTED: &[(i64, &str)] = &[
    (START, "2.0.0.127.blocklist.test"),
    (START, "test.domains.blocklist.test"),
    (-6, "16.2.0.192.blocklist.test"),
    (-13, "oakfield-alumni.example.domains.blocklist.test"),
];

const DIGEST: &str = "6d3a1c95e07b42f8a9c4d0175be26f8341fa9072c85d6eb31097a4dc2f58b6e1";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_published_twice_at_a_time() {
        for domain in Domain::all() {
            let all = published(&domain);
            for day in -400..=0 {
                for start in ["v=spf1", "v=DMARC1", "v=DKIM1"] {
                    let mut names: Vec<_> = all
                        .iter()
                        .filter(|one| one.is_there(day) && one.entry.value.starts_with(start))
                        .map(|one| &one.entry.name)
                        .collect();
                    let count = names.len();
                    names.sort();
                    names.dedup();
                    assert_eq!(names.len(), count, "{} on day {day}: {names:?}", domain.name);
                }
            }
        }
    }

    #[test]
    fn policies_are_those_that_reports_tell_of() {
        for domain in Domain::all() {
            for index in 0..DAYS {
                let wanted = format!("p={}", domain.policy(index).p.as_str());
                let all = published(&domain);
                let mut there = all.iter().filter(|one| one.is_there(index - DAYS));
                let record = there.find(|one| one.entry.name.starts_with("_dmarc."));
                assert!(record.is_some_and(|one| one.entry.value.contains(&wanted)), "{}", domain.name);
            }
        }
    }
}
