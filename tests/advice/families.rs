//! A world of senders with labels: who really sends, and how. It knows nothing of the rules that are to tell them apart; names,
//! numbers and habits are those of real mail. Where real life does not tell a forger from an owner, neither does this.

use std::collections::BTreeMap;

use ruad::advice::Entry;

use crate::reported::{Mail, Rows, Who, entry};

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
    random: Random,
    pub(crate) rows: Rows,
    known: BTreeMap<String, Who>,
    network: u32,
    today: u32,
}

/// One domain while it is made.
struct Making<'a> {
    world: &'a mut World,
    domain: Domain,
    /// Whether it signs its mail.
    signs: bool,
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
    fn network(&mut self) -> (String, u32) {
        self.network += 1;
        let n = self.network;
        (format!("{}.{}.{}", 11 + n / 65_536, n / 256 % 256, n % 256), 100_000 + n)
    }
}

/// How a sender's messages fare.
#[derive(Clone, Copy)]
enum Fate {
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
    fn send(
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
    fn machine(&mut self, category: &'static str) -> (String, Who) {
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
    fn mail_server(&mut self, category: &'static str) -> (String, Who) {
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

    fn service(
        &mut self,
        service: &'static str,
        category: &'static str,
        addresses: u64,
    ) -> Vec<(String, Who)> {
        let (net, asn) = self.world.network();
        let who = |host: u64| Who { reverse: format!("o{host}.{service}.example"), asn, service, category };
        (1..=addresses).map(|host| (format!("{net}.{host}"), who(host))).collect()
    }

    fn own_mail(&mut self) {
        let label = (Truth::Legitimate, "own server");
        match self.world.random.below(3) {
            0 => {
                let (net, asn) = self.world.network();
                let who = Who { reverse: format!("mail.{}", self.domain.name), asn, ..Who::default() };
                let ip = format!("{net}.10");
                self.domain.entries.push(entry("a", &[(&ip, 32)]));
                self.daily(label, &[(ip, who)], 1, 80, 5, Fate::Both(99));
            }
            1 => self.tenant("google", "include:_spf.google.com", 12),
            _ => self.tenant("microsoft-365", "include:spf.protection.outlook.com", 30),
        }
        // A server at a hoster that the record allows: for one in three it is only half set up.
        if self.world.random.chance(40) {
            let machine = self.machine("hosting");
            self.domain.entries.push(entry(&format!("ip4:{}", machine.0), &[(&machine.0, 32)]));
            let fate = [Fate::Spf(98), Fate::Spf(60), Fate::Fails][self.world.random.below(3) as usize];
            self.daily((Truth::Legitimate, "server in SPF"), &[machine], 1, 15, 5, fate);
        }
    }

    fn tenant(&mut self, service: &'static str, include: &str, addresses: u64) {
        let addresses = self.service(service, "mailbox", addresses);
        // One in ten never set it up.
        if self.world.random.chance(90) {
            self.domain.entries.push(entry(include, &[(&addresses[0].0, 24)]));
            self.daily((Truth::Legitimate, "tenant"), &addresses, 5, 90, 5, Fate::Both(99));
        } else {
            self.daily((Truth::Legitimate, "tenant, not set up"), &addresses, 5, 90, 5, Fate::Fails);
        }
    }

    fn services(&mut self) {
        const SERVICES: [(&str, &str, &str); 8] = [
            ("sendgrid", "transactional", "include:sendgrid.net"),
            ("mailchimp", "marketing", "include:servers.mcsv.net"),
            ("amazon-ses", "transactional", "include:amazonses.com"),
            ("hubspot", "crm", "include:hubspotemail.net"),
            ("zendesk", "helpdesk", "include:mail.zendesk.com"),
            ("afas", "software", "include:spf.afas.online"),
            ("mailerlite", "marketing", "include:_spf.mlsend.com"),
            ("exact", "software", "include:exact.example"),
        ];
        let first = self.world.random.below(8);
        for at in 0..self.world.random.below(4) {
            let (service, category, include) = SERVICES[((first + at) % 8) as usize];
            let addresses = self.service(service, category, 3 + at * 5);
            match self.world.random.below(3) {
                0 => {
                    self.daily((Truth::Legitimate, "service with DKIM"), &addresses, 2, 40, 5, Fate::Dkim(99))
                }
                1 => {
                    self.domain.entries.push(entry(include, &[(&addresses[0].0, 24)]));
                    self.letters((Truth::Legitimate, "service in SPF without DKIM"), &addresses, 7, 400);
                }
                _ => {
                    self.daily((Truth::Legitimate, "service, not set up"), &addresses, 2, 20, 5, Fate::Fails)
                }
            }
        }
    }

    /// What nobody thought of when the records were written.
    fn odd_machines(&mut self) {
        if self.world.random.chance(40) {
            let machine = self.machine("hosting");
            self.daily((Truth::Legitimate, "printer or ERP"), &[machine], 1, 5, 5, Fate::Fails);
        }
        if self.world.random.chance(30) {
            let machine = self.machine("hosting");
            let messages = 20 + self.world.random.below(180);
            let day = self.world.random.below(28) as u32;
            (0..4).for_each(|month| {
                self.once((Truth::Legitimate, "monthly bills"), &machine, day + month * 30, messages)
            });
        }
        if self.world.random.chance(6) {
            let machine = self.machine("hosting");
            let messages = 20 + self.world.random.below(180);
            self.once((Truth::Legitimate, "bills for the first time"), &machine, 3, messages);
        }
        if self.world.random.chance(40) {
            let machine = self.machine("hosting");
            self.daily((Truth::Legitimate, "form of a web site"), &[machine], 1, 1, 3, Fate::Fails);
        }
        if self.world.random.chance(20) {
            let machine = self.machine("isp");
            self.daily(
                (Truth::Legitimate, "scanner behind an office's line"),
                &[machine],
                1,
                2,
                5,
                Fate::Fails,
            );
        }
        if self.world.random.chance(12) {
            let (net, asn) = self.world.network();
            let who = |host| Who { reverse: format!("mta{host}.tool{asn}.example"), asn, ..Who::default() };
            let addresses: Vec<_> = (1..=6).map(|host| (format!("{net}.{host}"), who(host))).collect();
            let from = self.world.random.below(9) as u32;
            for ago in 0..=from {
                let address = &addresses[self.world.random.below(6) as usize].clone();
                self.once((Truth::Legitimate, "new tool that nobody lists"), address, ago, 30);
            }
        }
        if self.world.random.chance(12) {
            // In a cloud, with the cloud's names; a letter every week or two, some began just now.
            let (net, asn) = self.world.network();
            let who = |host| Who {
                reverse: format!("ec2-{host}.compute{asn}.example"),
                asn,
                category: "hosting",
                ..Who::default()
            };
            let addresses: Vec<_> = (1..=8).map(|host| (format!("{net}.{host}"), who(host))).collect();
            self.letters((Truth::Legitimate, "letters from a cloud"), &addresses, 10, 800);
        }
    }

    fn forwarders(&mut self) {
        for _ in 0..self.world.random.below(6) {
            let machine = self.mail_server("university");
            let fate = Fate::Forwarded(if self.world.random.chance(75) { 95 } else { 0 }, 5);
            self.now_and_then((Truth::Forwarder, "university"), &machine, 12, fate);
        }
        for _ in 0..self.world.random.below(12) {
            let machine = self.mail_server("");
            self.now_and_then((Truth::Forwarder, "forwarding server"), &machine, 6, Fate::Forwarded(92, 10));
        }
        for _ in 0..self.world.random.below(3) {
            let machine = self.machine("hosting");
            self.now_and_then(
                (Truth::Forwarder, "forwarding from a hoster's machine"),
                &machine,
                4,
                Fate::Forwarded(92, 10),
            );
        }
        for _ in 0..self.world.random.below(3) {
            let machine = self.mail_server("");
            self.now_and_then((Truth::Forwarder, "mailing list"), &machine, 15, Fate::Forwarded(5, 40));
        }
        if self.world.random.chance(50) {
            let addresses = self.service("mimecast", "security-gateway", 4);
            self.daily(
                (Truth::Forwarder, "filter of recipients"),
                &addresses,
                2,
                2,
                5,
                Fate::Forwarded(70, 10),
            );
        }
        let is_used = |name: &str, making: &Self| making.domain.senders.contains_key(name);
        if self.world.random.chance(50) && !is_used("service:google", self) {
            let addresses = self.service("google", "mailbox", 9);
            self.daily(
                (Truth::Forwarder, "mailboxes that forward"),
                &addresses,
                3,
                2,
                6,
                Fate::Forwarded(90, 10),
            );
        }
        if self.world.random.chance(30) {
            let addresses = self.service("improvmx", "forwarder", 3);
            self.daily(
                (Truth::Forwarder, "service that forwards"),
                &addresses,
                1,
                1,
                4,
                Fate::Forwarded(90, 30),
            );
        }
    }

    fn forgers(&mut self) {
        if self.world.random.chance(35) {
            // Machines of people all over the world.
            let (networks, days) =
                (60 + self.world.random.below(400), 1 + self.world.random.below(25) as u32);
            for _ in 0..networks {
                let (net, asn) = self.world.network();
                for _ in 0..=self.world.random.below(3) {
                    let host = self.world.random.below(254) + 1;
                    let reverse = match self.world.random.below(3) {
                        0 => String::new(),
                        1 => format!("{host}.pool.isp{asn}.example"),
                        _ => format!("dsl-{}-{host}.isp{asn}.example", net.replace('.', "-")),
                    };
                    let who = Who { reverse, asn, service: "", category: "isp" };
                    let (ago, messages) =
                        (self.world.random.below(days.into()) as u32, 1 + self.world.random.below(4));
                    self.once((Truth::Threat, "botnet"), &(format!("{net}.{host}"), who), ago, messages);
                }
            }
        }
        if self.world.random.chance(25) {
            let addresses = 5 + self.world.random.below(60);
            self.hoster((Truth::Threat, "burst from a hoster"), addresses, 1, 5 + addresses * 3);
        }
        if self.world.random.chance(8) {
            let addresses = 1 + self.world.random.below(3);
            self.hoster((Truth::Threat, "burst from a few machines"), addresses, 1, 150);
        }
        if self.world.random.chance(20) {
            self.hoster((Truth::Threat, "snowshoe"), 40, 20, 12);
        }
        if self.world.random.chance(35) {
            for ago in 0..28 {
                let machine = self.machine(["isp", "hosting", ""][self.world.random.below(3) as usize]);
                if self.world.random.chance(70) {
                    self.once((Truth::Threat, "trickle"), &machine, ago, 2);
                }
            }
        }
        if self.world.random.chance(15) {
            for _ in 0..=self.world.random.below(3) {
                let machine = self.mail_server("");
                let messages = 40 + self.world.random.below(200);
                self.once((Truth::Threat, "broken-into mail server"), &machine, 4, messages);
            }
        }
        if self.world.random.chance(15) && !self.domain.senders.contains_key("service:mailjet") {
            let addresses = self.service("mailjet", "transactional", 2);
            let messages = 40 + self.world.random.below(200);
            self.once((Truth::Threat, "account at a service"), &addresses[0], 6, messages);
        }
        if self.world.random.chance(15) && !self.domain.senders.contains_key("service:yahoo") {
            let addresses = self.service("yahoo", "mailbox", 2);
            self.daily(
                (Truth::Threat, "account at a provider of mailboxes"),
                &addresses,
                1,
                1,
                3,
                Fate::Fails,
            );
        }
    }

    /// Days from one hoster with machines that are used for a day each.
    fn hoster(&mut self, label: (Truth, &'static str), addresses: u64, days: u32, messages: u64) {
        let (net, asn) = self.world.network();
        let start = self.world.random.below(8) as u32;
        for day in 0..days {
            for address in 0..addresses.div_ceil(u64::from(days)) {
                let host = 1 + (u64::from(day) * 7 + address) % 250;
                let who = Who {
                    reverse: format!("srv{host}.rent{asn}.example"),
                    asn,
                    category: "hosting",
                    ..Who::default()
                };
                let part = (messages / addresses.div_ceil(u64::from(days))).max(1);
                self.once(label, &(format!("{net}.{host}"), who), start + day, part);
            }
        }
    }

    /// Mail on most days of the week, for months, from so many of the addresses each day.
    fn daily(
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

    fn letters(
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

    fn once(&mut self, label: (Truth, &'static str), (ip, who): &(String, Who), ago: u32, messages: u64) {
        self.send(label, ip, who, ago, messages, Fate::Fails);
    }

    /// A few messages on days without an order.
    fn now_and_then(
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
struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % end.max(1)
    }

    fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }
}
