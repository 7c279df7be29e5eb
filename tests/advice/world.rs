//! A world of senders with labels: how their mail is made.

use std::collections::BTreeMap;

use ruad::health::posture::Entry;

use crate::reported::{Mail, Rows, Who};

/// What a sender really is.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) enum Truth {
    Legitimate,
    Forwarder,
    Threat,
}

/// Messages of one sender of one domain, by what they really are and by family.
#[derive(Debug, Default)]
pub(crate) struct Labels {
    pub(crate) by_truth: BTreeMap<Truth, u64>,
    pub(crate) families: BTreeMap<&'static str, u64>,
}

/// A domain, its record and its senders as the store names them.
pub(crate) struct Domain {
    pub(crate) name: String,
    pub(crate) entries: Vec<Entry>,
    pub(crate) senders: BTreeMap<String, Labels>,
}

/// Makes domains.
pub(crate) struct World {
    pub(crate) random: Random,
    pub(crate) rows: Rows,
    known: BTreeMap<String, Who>,
    network: u32,
    today: u32,
}

/// One domain while it is made.
pub(crate) struct Making<'a> {
    pub(crate) world: &'a mut World,
    pub(crate) domain: Domain,
    /// Whether it signs its mail.
    pub(crate) signs: bool,
    totals: BTreeMap<u32, u64>,
}

const DAYS: u32 = 120;

impl World {
    pub(crate) fn new(seed: u64, today: u32) -> Self {
        Self {
            random: Random(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1),
            rows: Rows::default(),
            known: BTreeMap::new(),
            network: 0,
            today,
        }
    }

    /// A domain of some kind; `number` makes its name.
    pub(crate) fn domain(&mut self, number: u32) -> Domain {
        let name = format!("firm{number}.example");
        let signs = self.random.chance(70);
        let domain = Domain { name, entries: Vec::new(), senders: BTreeMap::new() };
        let mut making = Making { world: self, domain, signs, totals: BTreeMap::new() };
        making.own_mail();
        making.services();
        making.odd_machines();
        making.forwarders();
        making.forgers();
        for (day, messages) in std::mem::take(&mut making.totals) {
            making.world.rows.report(&making.domain.name, day, "none", messages, "genuine");
        }
        making.domain
    }

    /// Who the addresses are; to be called once, when all domains are made.
    pub(crate) fn sources(&mut self) {
        for (ip, who) in std::mem::take(&mut self.known) {
            self.rows.source(&ip, &who);
        }
    }

    /// A network nobody else has: the first three numbers of its addresses, and its number.
    pub(crate) fn network(&mut self) -> (String, u32) {
        self.network += 1;
        let n = self.network;
        (format!("{}.{}.{}", 11 + n / 65_536, n / 256 % 256, n % 256), 100_000 + n)
    }
}

/// How a sender's messages fare.
#[derive(Clone, Copy)]
pub(crate) enum Fate {
    /// SPF and DKIM; DKIM where the domain signs.
    Both(u64),
    /// DKIM of the domain, SPF of the service; percent.
    Dkim(u64),
    /// SPF only; percent.
    Spf(u64),
    Fails,
    /// As a forwarder leaves it: DKIM holds for so many in a hundred, and receivers notice for so many.
    Forwarded(u64, u64),
}

impl Making<'_> {
    pub(crate) fn send(
        &mut self,
        (truth, family): (Truth, &'static str),
        ip: &str,
        who: &Who,
        ago: u32,
        messages: u64,
        fate: Fate,
    ) {
        if messages == 0 {
            return;
        }
        let random = &mut self.world.random;
        let mut some = |percent: u64| (0..messages).filter(|_| random.chance(percent)).count() as u64;
        let mail = match fate {
            Fate::Fails => Mail { messages, ..Mail::default() },
            Fate::Both(percent) => {
                let passed = some(percent);
                let dkim = if self.signs { passed } else { 0 };
                Mail { messages, spf: passed, dkim, passed, ..Mail::default() }
            }
            Fate::Spf(percent) => {
                let passed = some(percent);
                Mail { messages, spf: passed, passed, ..Mail::default() }
            }
            Fate::Dkim(percent) => {
                let passed = some(percent);
                Mail { messages, dkim: passed, passed, foreign_spf: passed, ..Mail::default() }
            }
            Fate::Forwarded(holds, noticed) => {
                let dkim = if self.signs { some(holds) } else { 0 };
                let forwarded = some(noticed);
                Mail { messages, dkim, passed: dkim, foreign_spf: dkim, forwarded, ..Mail::default() }
            }
        };
        let day = self.world.today - ago;
        self.world.rows.mail(&self.domain.name, day, ip, mail, "genuine");
        self.world.known.insert(ip.to_owned(), who.clone());
        *self.totals.entry(day).or_default() += messages;
        // What the window of a domain with enough mail holds.
        if ago < 30 {
            let labels = self.domain.senders.entry(id(ip, who)).or_default();
            *labels.by_truth.entry(truth).or_default() += messages;
            *labels.families.entry(family).or_default() += messages;
        }
    }

    /// One address at a hoster or provider with a name like the others' there.
    pub(crate) fn machine(&mut self, category: &'static str) -> (String, Who) {
        let (net, asn) = self.world.network();
        let host = self.world.random.below(250) + 2;
        let reverse = match self.world.random.below(4) {
            0 => String::new(),
            1 => format!("static-{}-{host}.net{asn}.example", net.replace('.', "-")),
            2 => format!("vps{}.net{asn}.example", self.world.random.below(9000)),
            _ => format!("h{host}.customers.net{asn}.example"),
        };
        (format!("{net}.{host}"), Who { reverse, asn, service: "", category })
    }

    /// A mail server of somebody else.
    pub(crate) fn mail_server(&mut self, category: &'static str) -> (String, Who) {
        let (net, asn) = self.world.network();
        let random = &mut self.world.random;
        let label =
            ["mail", "mx1", "smtp", "relay2", "mailout", "mx-out03", "lists", "webmail", "srv1", "mta7"];
        let label = label[random.below(10) as usize];
        let host = random.below(250) + 2;
        (
            format!("{net}.{host}"),
            Who { reverse: format!("{label}.site{asn}.example"), asn, service: "", category },
        )
    }

    pub(crate) fn service(
        &mut self,
        service: &'static str,
        category: &'static str,
        addresses: u64,
    ) -> Vec<(String, Who)> {
        let (net, asn) = self.world.network();
        let who = |host: u64| Who { reverse: format!("o{host}.{service}.example"), asn, service, category };
        (1..=addresses).map(|host| (format!("{net}.{host}"), who(host))).collect()
    }

    /// Mail on most days of the week, for months, from so many of the addresses each day.
    pub(crate) fn daily(
        &mut self,
        label: (Truth, &'static str),
        addresses: &[(String, Who)],
        each_day: u64,
        messages: u64,
        days_of_week: u32,
        fate: Fate,
    ) {
        for ago in (0..DAYS).filter(|ago| ago % 7 < days_of_week) {
            for _ in 0..each_day {
                let (ip, who) = &addresses[self.world.random.below(addresses.len() as u64) as usize];
                let messages = self.world.random.below(messages * 2 / each_day + 1);
                self.send(label, ip, who, ago, messages, fate);
            }
        }
    }

    pub(crate) fn letters(
        &mut self,
        label: (Truth, &'static str),
        addresses: &[(String, Who)],
        every: u32,
        messages: u64,
    ) {
        let from = self.world.random.below(DAYS.into()) as u32;
        let start = self.world.random.below(every.into()) as u32;
        for ago in (start..=from.max(start)).step_by(every as usize) {
            for (ip, who) in addresses {
                let messages = 1 + self.world.random.below(messages * 2 / addresses.len() as u64);
                self.send(label, ip, who, ago, messages, Fate::Fails);
            }
        }
    }

    pub(crate) fn once(
        &mut self,
        label: (Truth, &'static str),
        (ip, who): &(String, Who),
        ago: u32,
        messages: u64,
    ) {
        self.send(label, ip, who, ago, messages, Fate::Fails);
    }

    /// A few messages on days without an order.
    pub(crate) fn now_and_then(
        &mut self,
        label: (Truth, &'static str),
        (ip, who): &(String, Who),
        messages: u64,
        fate: Fate,
    ) {
        for _ in 0..=self.world.random.below(messages) {
            let (ago, messages) = (self.world.random.below(60) as u32, 1 + self.world.random.below(3));
            self.send(label, ip, who, ago, messages, fate);
        }
    }
}

/// The name of a sender, as the store is to give it.
fn id(ip: &str, who: &Who) -> String {
    let ending = || who.reverse.rsplitn(3, '.').take(2).collect::<Vec<_>>();
    match who {
        Who { service, .. } if !service.is_empty() => format!("service:{service}"),
        Who { reverse, asn, .. } if reverse.is_empty() => {
            assert!(*asn > 0, "{ip}");
            format!("net:AS{asn}")
        }
        Who { asn, .. } => format!("net:AS{asn}/{}.{}", ending()[1], ending()[0]),
    }
}

/// Numbers that are the same for the same seed (xorshift).
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % end.max(1)
    }

    pub(crate) fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }
}
