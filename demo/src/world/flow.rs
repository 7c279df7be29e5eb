//! A stream of mail in a domain's name, and what a receiver sees of it.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::ops::Range;

use super::pools::{self, Pool};
use super::{DAYS, View, organisation};
use crate::random::Random;
use crate::report::{Case, Record, Signature};

/// One stream: where it comes from, how it is authenticated, and how much there is of it.
#[derive(Clone, Debug)]
pub struct Flow {
    pool: &'static Pool,
    header_from: String,
    envelope_from: String,
    signatures: Vec<Signature>,
    spf: &'static str,
    per_day: f64,
    weekend: f64,
    days: Range<i64>,
    path: Path,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Path {
    Direct,
    Forwarded,
    List,
    Scattered,
}

impl Flow {
    /// The domain's own servers: signed and listed in SPF.
    pub fn own(domain: &str, pool: &'static Pool, per_day: f64) -> Self {
        Self::new(domain, pool, per_day).signed(domain, "mail2025")
    }

    /// Servers that sign nothing; SPF is all there is.
    pub fn unsigned(domain: &str, pool: &'static Pool, per_day: f64) -> Self {
        Self::new(domain, pool, per_day)
    }

    /// Senders that sign nothing and are not in the SPF record either.
    pub fn unlisted(domain: &str, pool: &'static Pool, per_day: f64) -> Self {
        Self { spf: "softfail", ..Self::new(domain, pool, per_day) }
    }

    /// Microsoft 365 with the customer's own key beside the tenant's.
    pub fn office(domain: &str, per_day: f64) -> Self {
        let tenant = domain.replace(['.', '-'], "");
        Self::new(domain, &pools::OFFICE, per_day)
            .signed(domain, "selector1")
            .signed(&format!("{tenant}.onmicrosoft.com"), &format!("selector1-{tenant}-onmicrosoft-com"))
    }

    /// Google Workspace with the customer's own key.
    pub fn workspace(domain: &str, per_day: f64) -> Self {
        Self::new(domain, &pools::WORKSPACE, per_day).signed(domain, "google")
    }

    /// Mailchimp. Set up, it signs for the customer; forgotten, only for itself. Its SPF never aligns.
    pub fn newsletter(domain: &str, per_day: f64, set_up: bool) -> Self {
        let (signer, selector) = if set_up { (domain, "k2") } else { ("mcsv.net", "k1") };
        Self::new(domain, &pools::MAILCHIMP, per_day)
            .bounces_to("mail81.atl81.mcsv.net")
            .signed(signer, selector)
            .weekend(0.6)
    }

    /// SendGrid with the customer's key and an aligned bounce domain.
    pub fn sendgrid(domain: &str, per_day: f64) -> Self {
        Self::new(domain, &pools::SENDGRID, per_day)
            .bounces_to(&format!("em4417.{domain}"))
            .signed(domain, "s1")
            .signed("sendgrid.net", "smtpapi")
            .weekend(1.0)
    }

    /// Amazon SES with the customer's key; bounces stay with Amazon.
    pub fn ses(domain: &str, per_day: f64) -> Self {
        Self::new(domain, &pools::SES, per_day)
            .bounces_to("eu-west-1.amazonses.com")
            .signed(domain, "6gbrjpgwjskckoa6a5zn6fwqkn67xbtw")
            .signed("amazonses.com", "shh3fegwg5fppqsuzphvschd53n6ihuv")
            .weekend(1.0)
    }

    /// Zendesk, never told about DKIM: signed by and bounced to itself.
    pub fn zendesk(domain: &str, per_day: f64) -> Self {
        Self::new(domain, &pools::ZENDESK, per_day)
            .bounces_to("pod13.zendesk.com")
            .signed("zendesk.com", "zendesk1")
    }

    /// Mail that a forwarder passes on untouched: SPF fails there, the signature, if there was one, survives.
    pub fn forwarded(domain: &str, selector: Option<&str>, per_day: f64) -> Self {
        let flow = Self::new(domain, &pools::FORWARDERS, per_day).weekend(0.7);
        let flow = Self { spf: "fail", path: Path::Forwarded, ..flow };
        match selector {
            Some(selector) => flow.signed(domain, selector),
            None => flow,
        }
    }

    /// Mail through a mailing list that adds a footer: the signature breaks, and SPF is the list's.
    pub fn listed(domain: &str, selector: &str, per_day: f64) -> Self {
        let mut flow = Self::new(domain, &pools::LISTS, per_day)
            .bounces_to("lists.coopnet.test")
            .signed(domain, selector)
            .signed("lists.coopnet.test", "list");
        if let Some(own) = flow.signatures.first_mut() {
            own.result = "fail";
        }
        flow.path = Path::List;
        flow.weekend(0.5)
    }

    /// Somebody else's mail in the domain's name, from many places.
    pub fn spoofed(domain: &str, per_day: f64) -> Self {
        let flow = Self::new(domain, &pools::SCATTERED, per_day).weekend(1.0);
        Self { spf: "softfail", path: Path::Scattered, ..flow }
    }

    /// Somebody else's mail from a hoster, with a bounce domain and an SPF pass of its own.
    pub fn phished(domain: &str, per_day: f64) -> Self {
        Self::new(domain, &pools::BULLETPROOF, per_day).bounces_to("secure-delivery.test").weekend(1.0)
    }

    /// Under a name below the domain; what signed for the domain still does.
    pub fn under(mut self, subdomain: &str) -> Self {
        if self.envelope_from == self.header_from {
            self.envelope_from = subdomain.to_owned();
        }
        self.header_from = subdomain.to_owned();
        self
    }

    /// Only on these days of the month.
    pub fn days(self, days: Range<i64>) -> Self {
        Self { days, ..self }
    }

    /// Volume of a weekend day as a share of a working day's.
    pub fn weekend(self, weekend: f64) -> Self {
        Self { weekend, ..self }
    }

    /// Adds what `view`'s reporter saw of it to `records`.
    pub fn seen(&self, view: &View<'_>, random: &mut Random, records: &mut Vec<Record>) {
        if !self.days.contains(&view.index) {
            return;
        }
        let factor = if view.weekend { self.weekend } else { 1.0 };
        let count = random.around(self.per_day * factor * view.reporter.share);
        for (source, count) in self.spread(count, random) {
            // Now and then something on the way breaks a signature.
            let broken = u64::from(count > 12 && self.path == Path::Direct && random.chance(0.08));
            records.push(self.record(view, source, count - broken, true, random));
            if broken > 0 {
                records.push(self.record(view, source, broken, false, random));
            }
        }
    }

    fn new(domain: &str, pool: &'static Pool, per_day: f64) -> Self {
        Self {
            pool,
            header_from: domain.to_owned(),
            envelope_from: domain.to_owned(),
            signatures: Vec::new(),
            spf: "pass",
            per_day,
            weekend: 0.15,
            days: 0..DAYS,
            path: Path::Direct,
        }
    }

    fn signed(mut self, domain: &str, selector: &str) -> Self {
        self.signatures.push(Signature {
            domain: domain.to_owned(),
            selector: selector.to_owned(),
            result: "pass",
        });
        self
    }

    fn bounces_to(self, domain: &str) -> Self {
        Self { envelope_from: domain.to_owned(), ..self }
    }

    /// Which addresses sent how much: services use a handful of theirs, abuse comes from everywhere.
    fn spread(&self, count: u64, random: &mut Random) -> BTreeMap<IpAddr, u64> {
        let senders = match self.path {
            Path::Scattered => count,
            _ => 1 + (count as f64).sqrt() as u64 / 3,
        };
        let senders = senders.clamp(1, self.pool.size().min(40));
        let mut spread = BTreeMap::new();
        let mut left = count;
        for nth in 0..senders {
            let part = if nth + 1 == senders {
                left
            } else {
                random.around(count as f64 / senders as f64).min(left)
            };
            left -= part;
            if part > 0 {
                *spread.entry(self.pool.address(random.below(self.pool.size()))).or_default() += part;
            }
        }
        spread
    }

    fn record(
        &self,
        view: &View<'_>,
        source: IpAddr,
        count: u64,
        intact: bool,
        random: &mut Random,
    ) -> Record {
        let mut signatures = self.signatures.clone();
        if !intact {
            signatures.iter_mut().for_each(|signature| signature.result = "fail");
        }
        let aligns = |strict: bool, name: &str| {
            if strict {
                name == self.header_from
            } else {
                organisation(name) == organisation(&self.header_from)
            }
        };
        let dkim_aligned = signatures.iter().any(|signature| {
            signature.result == "pass" && aligns(view.policy.strict_dkim, &signature.domain)
        });
        let spf_aligned = self.spf == "pass" && aligns(view.policy.strict_spf, &self.envelope_from);
        let case = Case {
            aligned: dkim_aligned || spf_aligned,
            subdomain: self.header_from != view.domain,
            list: self.path == Path::List,
            forwarded: self.path == Path::Forwarded,
        };
        let (disposition, reason) = view.policy.apply(case, view.reporter, random);
        Record {
            source,
            count,
            disposition,
            reason,
            dkim_aligned,
            spf_aligned,
            header_from: self.header_from.clone(),
            envelope_from: self.envelope_from.clone(),
            envelope_to: random.pick(view.reporter.recipients).copied(),
            signatures,
            spf: self.spf,
        }
    }
}
