//! A world of senders with labels: who really sends, and how. It knows nothing of the rules that are to tell them apart; names,
//! numbers and habits are those of real mail. Where real life does not tell a forger from an owner, neither does this.

use crate::{
    reported::{Who, entry},
    world::{Fate, Making, Truth},
};

impl Making<'_> {
    pub(crate) fn own_mail(&mut self) {
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

    pub(crate) fn services(&mut self) {
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
    pub(crate) fn odd_machines(&mut self) {
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

    pub(crate) fn forwarders(&mut self) {
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

    pub(crate) fn forgers(&mut self) {
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
                let category = ["isp", "hosting", ""][self.world.random.below(3) as usize];
                let machine = self.machine(category);
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
}
