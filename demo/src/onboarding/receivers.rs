//! Everybody who receives the domain's mail: judges each message by what DNS says on its day, and reports.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;

use ruad_dns::Resolver;
use ruad_dns::dkim::{Content, Record as KeyRecord};
use ruad_dns::dmarc::{self, Policy as Asked};
use ruad_dns::spf::{self, Client};

use super::sender::{Role, Sender};
use crate::day::{Day, Moment};
use crate::mail::{Mail, Reporter};
use crate::random::Random;
use crate::report::{Case, Disposition, Policy, Record, Report, Signature};
use crate::world::organisation;

/// What the receivers know of the domain's DNS.
pub struct Receivers {
    resolver: Resolver,
    domain: &'static str,
    policy: Option<Policy>,
    mailbox: Option<String>,
    judged: HashMap<(usize, IpAddr), Judged>,
}

/// What became of messages.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Fate {
    /// All.
    pub messages: u64,
    /// Aligned SPF or aligned DKIM passed.
    pub passed: u64,
    /// Put into quarantine.
    pub quarantined: u64,
    /// Refused.
    pub rejected: u64,
}

/// What became of the mail of each role, by the sender's name.
pub type Fates = BTreeMap<(Role, &'static str), Fate>;

#[derive(Clone)]
struct Judged {
    spf: &'static str,
    spf_aligned: bool,
    envelope_from: String,
    signatures: Vec<Signature>,
    dkim_aligned: bool,
}

impl Receivers {
    /// Receivers that ask `resolver`.
    pub fn new(resolver: Resolver, domain: &'static str) -> Self {
        Self { resolver, domain, policy: None, mailbox: None, judged: HashMap::new() }
    }

    /// Looks at DNS again, and judges a message of each sender.
    pub async fn look(&mut self, senders: &[Sender]) {
        let outcome = dmarc::examine(&self.resolver, self.domain, &[]).await;
        // Who does not agree to get reports gets none (RFC 9990 section 4).
        let destination = outcome.destinations.iter().find(|destination| {
            destination.reports == dmarc::Reports::Aggregate && destination.authorized != Some(false)
        });
        self.mailbox = destination.and_then(|destination| destination.uri.address.clone());
        self.policy = outcome.record.as_ref().and_then(|record| {
            let policies = record.policies()?;
            Some(Policy {
                sp: Some(asked(policies.subdomains)),
                np: Some(asked(policies.nonexistent)),
                testing: record.testing,
                pct: record.percentage.unwrap_or(100),
                ..Policy::of(asked(policies.domain))
            })
        });
        self.judged.clear();
        for (index, sender) in senders.iter().enumerate() {
            let (signatures, dkim_aligned) = self.signatures(sender, senders).await;
            let envelope_from = sender.bounces.unwrap_or(self.domain);
            let mut known = None;
            for address in sender.addresses() {
                // No record names any of the machines of forgers.
                let spf = match known.filter(|_| sender.role == Role::Forged) {
                    Some(spf) => spf,
                    None => self.spf(envelope_from, address).await,
                };
                known = Some(spf);
                let is_own = organisation(envelope_from) == self.domain;
                let judged = Judged {
                    spf,
                    spf_aligned: spf == "pass" && is_own,
                    envelope_from: envelope_from.to_owned(),
                    signatures: signatures.clone(),
                    dkim_aligned,
                };
                self.judged.insert((index, address), judged);
            }
        }
    }

    /// The policy that receivers find.
    pub fn policy(&self) -> Option<Disposition> {
        self.policy.map(|policy| policy.p)
    }

    /// Receives a day's mail. Gives the reports about it, and what became of it. `index` counts the days of the story.
    pub fn receive(&self, senders: &[Sender], index: i64, day: Day, seed: u64) -> (Vec<Mail>, Fates) {
        let mut fates = Fates::new();
        let mut records: [Vec<Record>; REPORTERS.len()] = Default::default();
        let mut random = Random::named(seed, &format!("mail of {} {index}", self.domain));
        let policy = self.policy.unwrap_or(Policy::of(Disposition::None));
        for (place, sender) in senders.iter().enumerate() {
            let total = sender.messages(index, day.weekday(), &mut random);
            let addresses: Vec<_> = sender.addresses().collect();
            for (records, (label, share)) in records.iter_mut().zip(REPORTERS) {
                let Some(reporter) = reporter(label) else { continue };
                let counts =
                    spread(random.around(total as f64 * share), &addresses, sender.role, &mut random);
                for (source, count) in counts {
                    let Some(judged) = self.judged.get(&(place, source)) else { continue };
                    let record =
                        judged.record(self.domain, source, count, &policy, sender, reporter, &mut random);
                    fates.entry((sender.role, sender.name)).or_default().add(&record);
                    records.push(record);
                }
            }
        }
        let mut mails = Vec::new();
        for (records, (label, _)) in records.into_iter().zip(REPORTERS) {
            if let (Some(reporter), Some(mailbox), false) =
                (reporter(label), &self.mailbox, records.is_empty())
            {
                mails.push(self.report(reporter, mailbox, policy, day, records, seed));
            }
        }
        (mails, fates)
    }

    fn report(
        &self,
        reporter: &'static Reporter,
        mailbox: &str,
        policy: Policy,
        day: Day,
        records: Vec<Record>,
        seed: u64,
    ) -> Mail {
        let mut random = Random::named(seed, &format!("{} {} {day}", self.domain, reporter.label));
        let sent = Moment(day.plus(1).begin() + reporter.hour.min(10) * 3_600 + random.below(3_600) as i64);
        let report = Report {
            reporter,
            domain: self.domain,
            policy,
            day,
            id: (reporter.id)(self.domain, day, &mut random),
            records,
            sent,
            recipient: mailbox.to_owned(),
        };
        let draft = (reporter.write)(&report, &mut random);
        draft.send(reporter.label, reporter.origin, mailbox, sent)
    }

    async fn spf(&self, envelope_from: &str, address: IpAddr) -> &'static str {
        let sender = format!("bounce@{envelope_from}");
        let client =
            Client { address, helo: envelope_from, sender: &sender, receiver: "mx.receiver.test", time: 0 };
        spf::check_host(&self.resolver, envelope_from, &client).await.verdict.name()
    }

    /// The signatures that receivers verify, and whether one of them passes for the domain.
    async fn signatures(&self, sender: &Sender, senders: &[Sender]) -> (Vec<Signature>, bool) {
        // What is sent on was written in a mailbox first.
        let author = match sender.role {
            Role::Forwarded | Role::List => senders.first().unwrap_or(sender),
            Role::Own | Role::Forged => sender,
        };
        let mut signatures = Vec::new();
        let mut is_aligned = false;
        if let (Some(selector), true) = (author.selector, author.is_signing) {
            let result = match sender.role {
                Role::List => "fail",
                _ if self.has_key(selector).await => "pass",
                _ => "permerror",
            };
            is_aligned = result == "pass";
            let (domain, selector) = (self.domain.to_owned(), selector.to_owned());
            signatures.push(Signature { domain, selector, result });
        }
        for signs_as in [sender.signs_as, author.signs_as.filter(|_| sender.role == Role::Forwarded)] {
            signatures.extend(signs_as.map(|(domain, selector)| Signature {
                domain: domain.to_owned(),
                selector: selector.to_owned(),
                result: "pass",
            }));
        }
        (signatures, is_aligned)
    }

    async fn has_key(&self, selector: &str) -> bool {
        let answer = self.resolver.txt(&format!("{selector}._domainkey.{}", self.domain)).await;
        answer
            .records()
            .iter()
            .any(|text| matches!(KeyRecord::parse(&text.joined()).content, Content::Key(_)))
    }
}

impl Judged {
    #[expect(clippy::too_many_arguments, reason = "a record is what all of these come to")]
    fn record(
        &self,
        domain: &str,
        source: IpAddr,
        count: u64,
        policy: &Policy,
        sender: &Sender,
        reporter: &Reporter,
        random: &mut Random,
    ) -> Record {
        let case = Case {
            aligned: self.dkim_aligned || self.spf_aligned,
            subdomain: false,
            list: sender.role == Role::List,
            forwarded: sender.role == Role::Forwarded,
        };
        let (disposition, reason) = policy.apply(case, reporter, random);
        Record {
            source,
            count,
            disposition,
            reason,
            dkim_aligned: self.dkim_aligned,
            spf_aligned: self.spf_aligned,
            header_from: domain.to_owned(),
            envelope_from: self.envelope_from.clone(),
            envelope_to: random.pick(reporter.recipients).copied(),
            signatures: self.signatures.clone(),
            spf: self.spf,
        }
    }
}

impl Fate {
    fn add(&mut self, record: &Record) {
        self.messages += record.count;
        self.passed += if record.aligned() { record.count } else { 0 };
        match record.disposition {
            Disposition::Quarantine => self.quarantined += record.count,
            Disposition::Reject => self.rejected += record.count,
            Disposition::None | Disposition::Pass => {}
        }
    }

    /// Both together.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            messages: self.messages + other.messages,
            passed: self.passed + other.passed,
            quarantined: self.quarantined + other.quarantined,
            rejected: self.rejected + other.rejected,
        }
    }

    /// What was not delivered as usual.
    pub fn lost(self) -> u64 {
        self.quarantined + self.rejected
    }
}

/// Which addresses sent how much: machines of forgers a message or two each, servers their share.
fn spread(count: u64, addresses: &[IpAddr], role: Role, random: &mut Random) -> Vec<(IpAddr, u64)> {
    let pieces = match role {
        Role::Forged => count.min(12),
        _ => count.min(2),
    };
    let mut counts: BTreeMap<IpAddr, u64> = BTreeMap::new();
    for piece in 0..pieces {
        let part = count / pieces + u64::from(piece < count % pieces);
        if let Some(address) = random.pick(addresses) {
            *counts.entry(*address).or_default() += part;
        }
    }
    counts.into_iter().collect()
}

fn asked(policy: Asked) -> Disposition {
    match policy {
        Asked::None => Disposition::None,
        Asked::Quarantine => Disposition::Quarantine,
        Asked::Reject => Disposition::Reject,
    }
}

fn reporter(label: &str) -> Option<&'static Reporter> {
    Reporter::ALL.iter().copied().find(|reporter| reporter.label == label)
}

/// Who reports, and which share of the mail each receives.
const REPORTERS: [(&str, f64); 4] =
    [("google", 0.5), ("enterprise outlook", 0.25), ("yahoo", 0.15), ("gmx", 0.1)];
