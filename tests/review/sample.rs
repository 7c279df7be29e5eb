//! A customer as there might be one: four domains at different stages, a campaign against one of them. The tests read it, and
//! the pictures in `docs/img` are made of it (see `docs/review.md`).

use ruad::{review::Month, store::Store};
use ruad_registry::Registry;

use crate::rows::{self, Event, Record, Step, keep};

pub(crate) const REGISTRY: &str = "\
    [[group]]\nname = \"lindenhof\"\ntitle = \"Lindenhof Zorggroep\"\n\
    domains = [\"lindenhof.example\", \"lindenhof-shop.example\", \"lindenhof-fonds.example\", \"zorgthuis.example\"]\n\
    [[group]]\nname = \"quiet\"\ndomains = [\"quiet.example\"]\n";

pub(crate) const MADE_BY: &str = "Noorderlicht ICT";

/// The month it is about.
pub(crate) fn month() -> Month {
    "2026-10".parse().unwrap()
}

/// The registry it stands in.
pub(crate) fn registry() -> Registry {
    Registry::parse(REGISTRY, "domains.toml").unwrap()
}

/// Stores it.
pub(crate) async fn keep_sample(store: &Store) {
    let mut dice = Dice(42);
    let mut records = Vec::new();
    for day in month().before().days().start..month().days().end {
        for source in SOURCES {
            let amount = dice.around(source.daily(day));
            let failing = amount * source.failing / 100;
            for (passed, count) in [(true, amount - failing), (false, failing)] {
                records.extend(source.record(&mut dice, day, passed, count));
            }
        }
    }
    keep(store, &records).await;
    for who in NETWORKS {
        rows::source(store, who.0, who.1, who.2, who.3, who.4).await;
    }
    for (domain, id, name, class, first_day) in SENDERS {
        rows::sender(store, domain, id, name, class, FIRST + first_day - 400).await;
    }
    ways(store).await;
    for step in STEPS {
        rows::step(store, step).await;
    }
    for event in EVENTS {
        rows::event(store, event).await;
    }
    let last = FIRST + 30;
    for (domain, selector, bits, first, used) in [
        ("lindenhof.example", "selector1", 2_048, FIRST - 143, last),
        ("lindenhof.example", "selector2", 2_048, FIRST - 143, FIRST - 40),
        ("lindenhof.example", "news2026", 2_048, FIRST + 5, last),
        ("lindenhof-shop.example", "k1", 1_024, FIRST - 912, last),
        ("zorgthuis.example", "selector1", 2_048, FIRST - 61, last),
    ] {
        rows::key(store, domain, selector, bits, [first, last, used]).await;
    }
    rows::certificate(store, "zorgthuis.example", "RUAD-2026-0047", FIRST - 20).await;
}

/// An address that sends, and how much.
struct Source {
    domain: &'static str,
    author: &'static str,
    address: &'static str,
    /// Messages on a working day, and on one of a weekend.
    amounts: [u64; 2],
    /// Of a hundred messages so many fail.
    failing: u64,
    /// The days of the month on which it sends; all when there are none.
    days: &'static [u32],
}

impl Source {
    fn daily(&self, day: u32) -> u64 {
        if !self.days.is_empty() && !self.days.iter().any(|number| FIRST + number - 1 == day) {
            return 0;
        }
        // 1 January 1970 was a Thursday.
        self.amounts[usize::from(matches!((day + 4) % 7, 0 | 6))]
    }

    /// What a receiver does depends on the policy of that day.
    fn record(&self, dice: &mut Dice, day: u32, passed: bool, count: u64) -> Vec<Record<'static>> {
        let policy = match self.domain {
            "lindenhof.example" if day >= FIRST + 12 => "reject",
            "lindenhof.example" => "quarantine",
            "zorgthuis.example" => "reject",
            _ => "none",
        };
        let mut rest = count;
        let mut records = Vec::new();
        for (place, reporter) in REPORTERS.iter().enumerate() {
            let part = if place + 1 == REPORTERS.len() {
                rest
            } else {
                (count * [46, 31, 14][place]).div_ceil(100).min(rest)
            };
            rest -= part;
            // One of the receivers does not apply policies.
            let disposition = if passed || (place == 3 && dice.roll(3) == 0) { "none" } else { policy };
            if part > 0 {
                records.push(Record {
                    domain: self.domain,
                    day,
                    address: self.address,
                    count: part,
                    passed,
                    disposition,
                    author: self.author,
                    reporter,
                    verdict: "genuine",
                });
            }
        }
        records
    }
}

/// The days as they went for each domain.
async fn ways(store: &Store) {
    for day in 0..=31 {
        let at = FIRST - 1 + day;
        let (stage, policy) = if day < 13 { ("quarantine", "quarantine") } else { ("reject", "reject") };
        let progress = if day < 13 { 0.78 } else { 0.92 };
        rows::state(store, "lindenhof.example", at, (stage, policy), progress, Some(4.6), false).await;
        let (stage, progress) = if day < 8 { ("monitoring", 0.25) } else { ("aligning", 0.45) };
        rows::state(store, "lindenhof-shop.example", at, (stage, "none"), progress, Some(2.4), false).await;
        rows::state(store, "zorgthuis.example", at, ("maintained", "reject"), 1.0, Some(5.0), true).await;
        if day > 19 {
            rows::state(store, FONDS, at, ("unprotected", ""), 0.05, Some(0.8), false).await;
        }
    }
}

/// Numbers that are the same each time (a linear congruential generator).
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }

    /// A number up to a fifth smaller or larger.
    fn around(&mut self, number: u64) -> u64 {
        if number < 5 { number } else { number * (80 + self.roll(41)) / 100 }
    }
}

/// 1 October 2026.
const FIRST: u32 = 20_727;
const REPORTERS: [&str; 4] = ["google.com", "enterprise outlook", "yahoo", "kpn.example"];

const fn source(
    domain: &'static str,
    address: &'static str,
    amounts: [u64; 2],
    failing: u64,
    days: &'static [u32],
) -> Source {
    Source { domain, author: domain, address, amounts, failing, days }
}

const LINDENHOF: &str = "lindenhof.example";
const SHOP: &str = "lindenhof-shop.example";
const FONDS: &str = "lindenhof-fonds.example";
const ZORGTHUIS: &str = "zorgthuis.example";

const SOURCES: &[Source] = &[
    source(LINDENHOF, "192.0.2.10", [820, 160], 0, &[]),
    source(LINDENHOF, "192.0.2.11", [240, 110], 1, &[]),
    Source {
        author: "nieuws.lindenhof.example",
        ..source(LINDENHOF, "192.0.2.40", [2_150, 2_150], 0, &[8, 22])
    },
    source(LINDENHOF, "192.0.2.60", [46, 0], 6, &[]),
    source(LINDENHOF, "198.51.100.20", [38, 14], 100, &[]),
    source(LINDENHOF, "198.51.100.90", [6, 0], 100, &[20, 21, 22, 23, 26, 27, 28, 29, 30]),
    source(LINDENHOF, "203.0.113.5", [410, 640], 100, &[16, 17, 18, 19, 20]),
    source(LINDENHOF, "203.0.113.77", [260, 330], 100, &[17, 18, 19]),
    source(LINDENHOF, "203.0.113.140", [120, 180], 100, &[16, 17, 18, 19]),
    source(LINDENHOF, "203.0.113.201", [9, 7], 100, &[]),
    source(SHOP, "192.0.2.10", [65, 20], 0, &[]),
    source(SHOP, "192.0.2.80", [190, 230], 100, &[]),
    source(SHOP, "192.0.2.90", [34, 41], 22, &[]),
    source(
        SHOP,
        "198.51.100.130",
        [12, 9],
        100,
        &[12, 13, 14, 15, 16, 19, 20, 21, 22, 23, 26, 27, 28, 29, 30],
    ),
    source(SHOP, "203.0.113.201", [14, 16], 100, &[]),
    source(ZORGTHUIS, "192.0.2.10", [130, 72], 0, &[]),
    source(ZORGTHUIS, "198.51.100.20", [3, 1], 100, &[]),
];

/// Address, service, network number and name, country.
const NETWORKS: &[(&str, &str, u32, &str, &str)] = &[
    ("192.0.2.10", "microsoft-365", 8_075, "Microsoft", "NL"),
    ("192.0.2.11", "example-payroll", 0, "Example Payroll", "NL"),
    ("192.0.2.40", "example-newsletter", 0, "Example Newsletter", "LT"),
    ("192.0.2.60", "example-desk", 0, "Example Desk", "NL"),
    ("192.0.2.80", "example-shop", 0, "Example Shop", "NL"),
    ("192.0.2.90", "example-parcels", 0, "Example Parcels", "NL"),
    ("198.51.100.20", "", 64_496, "Example Forwarding", "DE"),
    ("198.51.100.90", "", 64_497, "Example Business Internet", "NL"),
    ("198.51.100.130", "", 64_498, "Example Hosting", "NL"),
    ("203.0.113.5", "", 64_499, "Example VPS", "RU"),
    ("203.0.113.77", "", 64_500, "Example Telecom", "BR"),
    ("203.0.113.140", "", 64_501, "Example Cloud", "VN"),
    ("203.0.113.201", "", 64_502, "Example Broadband", "US"),
];

/// Domain, sender, its name, its class and, from 400 days before the month, the first day it was seen.
const SENDERS: &[(&str, &str, &str, &str, u32)] = &[
    (LINDENHOF, "service:microsoft-365", "Microsoft 365", "aligned", 0),
    (LINDENHOF, "service:example-payroll", "Example Payroll", "aligned", 0),
    (LINDENHOF, "service:example-newsletter", "Example Newsletter", "aligned", 200),
    (LINDENHOF, "service:example-desk", "Example Desk", "aligned", 120),
    (LINDENHOF, "net:AS64496", "Example Forwarding", "forwarder", 10),
    (LINDENHOF, "net:AS64497", "Example Business Internet", "undecided", 419),
    (LINDENHOF, "net:AS64499", "Example VPS", "threat", 415),
    (LINDENHOF, "net:AS64500", "Example Telecom", "threat", 416),
    (LINDENHOF, "net:AS64501", "Example Cloud", "threat", 415),
    (LINDENHOF, "net:AS64502", "Example Broadband", "threat", 20),
    (SHOP, "service:microsoft-365", "Microsoft 365", "aligned", 370),
    (SHOP, "service:example-shop", "Example Shop", "needs_work", 370),
    (SHOP, "service:example-parcels", "Example Parcels", "needs_work", 371),
    (SHOP, "net:AS64498", "Example Hosting", "undecided", 411),
    (SHOP, "net:AS64502", "Example Broadband", "threat", 372),
    (ZORGTHUIS, "service:microsoft-365", "Microsoft 365", "aligned", 0),
    (ZORGTHUIS, "net:AS64496", "Example Forwarding", "forwarder", 3),
];

const STEP: Step<'static> = Step {
    domain: LINDENHOF,
    code: "",
    position: 0,
    state: "open",
    done_on: None,
    who: "dns",
    effort: "minutes",
    title: "",
    why: "",
    instructions: "[]",
    values: &[],
};

const STEPS: &[Step<'static>] = &[
    Step {
        code: "decide_source",
        who: "owner",
        values: &[("sender", "Example Business Internet")],
        instructions: "[{\"what\":\"run\",\"command\":\"ruad source approve lindenhof.example net:AS64497\"}]",
        ..STEP
    },
    Step {
        code: "remove_spf_entry",
        position: 1,
        values: &[("subject", "ip4:192.0.2.200"), ("days", "90")],
        instructions: "[{\"what\":\"publish\",\"name\":\"lindenhof.example\",\"kind\":\"TXT\",\"ttl\":3600,\
            \"value\":\"v=spf1 include:spf.protection.outlook.com include:spf.example-payroll.example -all\",\
            \"replaces\":\"v=spf1 include:spf.protection.outlook.com include:spf.example-payroll.example ip4:192.0.2.200 -all\"}]",
        ..STEP
    },
    Step { code: "raise_to_reject", state: "done", done_on: Some(FIRST + 12), ..STEP },
    Step {
        code: "enable_dkim",
        state: "done",
        done_on: Some(FIRST + 5),
        values: &[("sender", "Example Newsletter")],
        ..STEP
    },
    Step {
        domain: SHOP,
        code: "enable_dkim",
        who: "sender",
        effort: "hours",
        values: &[("sender", "Example Shop")],
        instructions: "[{\"what\":\"publish\",\"name\":\"ls1._domainkey.lindenhof-shop.example\",\"kind\":\"CNAME\",\
            \"ttl\":3600,\"value\":\"ls1.dkim.example-shop.example\",\"replaces\":null},\
            {\"what\":\"setting\",\"service\":\"example-shop\",\"hint\":\"Settings > Notifications > E-mail domain > Verify\",\
            \"link\":null}]",
        ..STEP
    },
    Step {
        domain: SHOP,
        code: "replace_key",
        position: 1,
        who: "sender",
        effort: "hours",
        values: &[("subject", "k1")],
        ..STEP
    },
    Step { domain: SHOP, code: "add_report_address", state: "done", done_on: Some(FIRST + 2), ..STEP },
    Step {
        domain: FONDS,
        code: "publish_dmarc",
        values: &[("domain", FONDS)],
        instructions: "[{\"what\":\"publish\",\"name\":\"_dmarc.lindenhof-fonds.example\",\"kind\":\"TXT\",\"ttl\":3600,\
            \"value\":\"v=DMARC1; p=none; rua=mailto:dmarc@reports.example\",\"replaces\":null}]",
        ..STEP
    },
];

const EVENT: Event<'static> =
    Event { domain: LINDENHOF, day: FIRST, kind: "", severity: "info", subject: "", old: "", new: "" };

const EVENTS: &[Event<'static>] = &[
    Event { day: FIRST + 5, kind: "dkim.key_published", subject: "news2026", new: "f2048", ..EVENT },
    Event { day: FIRST + 12, kind: "dmarc.policy_tightened", old: "quarantine", new: "reject", ..EVENT },
    Event { day: FIRST + 15, kind: "sender.spike", severity: "warning", subject: "net:AS64499", ..EVENT },
    Event { day: FIRST + 19, kind: "sender.new", severity: "warning", subject: "net:AS64497", ..EVENT },
    Event {
        domain: SHOP,
        day: FIRST + 2,
        kind: "dmarc.record_published",
        new: "v=DMARC1; p=none; rua=mailto:dmarc@reports.example",
        ..EVENT
    },
    Event { domain: SHOP, day: FIRST + 2, kind: "dmarc.reports_to_us", ..EVENT },
    Event {
        domain: SHOP,
        day: FIRST + 11,
        kind: "sender.new",
        severity: "warning",
        subject: "net:AS64498",
        ..EVENT
    },
];
