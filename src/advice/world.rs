//! Small worlds for tests: what DNS says and what reports tell about one domain, made by hand.

use super::*;
use crate::health::posture::{Entry, Key, Posture};
use crate::sources::Category;
use ruad_common::time::DAY;
use ruad_dns::profile::Profile;
use ruad_dns::{
    Code, Finding, Mechanism, dkim,
    dmarc::{self, Policy},
    spf,
};
use ruad_registry::{Preferences, SenderId};

/// A domain, all that is known about it, and the time.
#[derive(Clone, Debug)]
pub(crate) struct World {
    pub(crate) posture: Posture,
    pub(crate) traffic: Traffic,
    pub(crate) wishes: Preferences,
    pub(crate) memory: Memory,
    pub(crate) settings: Settings,
    pub(crate) now: u64,
}

/// The domain.
pub(crate) const DOMAIN: &str = "a.example";
/// Where this installation takes reports.
pub(crate) const OURS: &str = "rua@reports.example";
/// The day it is; days since 1970.
pub(crate) const TODAY: u32 = 20_800;
impl World {
    /// A domain that receives mail and has no record but its MX; nothing was reported about it.
    pub(crate) fn new() -> Self {
        let now = u64::from(TODAY) * DAY + 3_600;
        let mut posture = Posture::empty(DOMAIN, now);
        posture.receives = Some(true);
        posture.mail_hosts = vec!["mx.a.example".to_owned()];
        posture.organization = Some(DOMAIN.to_owned());
        posture.reports_to_us = Some(false);
        let wishes = Preferences { reports_to: vec![OURS.to_owned()], ..Preferences::default() };
        Self {
            posture,
            traffic: Traffic::default(),
            wishes,
            memory: Memory::default(),
            settings: Settings::default(),
            now,
        }
        .scored()
    }

    /// A domain with everything as it should be at `policy`, a month of reports under it, and one sender that passes.
    pub(crate) fn at(policy: &str) -> Self {
        Self::new()
            .dmarc(&format!("v=DMARC1; p={policy}; rua=mailto:{OURS}"))
            .spf("v=spf1 include:_spf.google.example ~all")
            .entry("include:_spf.google.example", Some("_spf.google.example"))
            .key("s1", 2_048, 30)
            .receiving()
            .reported(40, policy)
            .sender(sender("service:google", Class::Aligned, 1_000, 1_000))
    }

    /// Its own DMARC record.
    pub(crate) fn dmarc(mut self, text: &str) -> Self {
        let record = dmarc::Record::parse(text).unwrap();
        self.posture.policies = record.in_force();
        self.posture.reports_to_us = Some(record.rua.iter().any(|uri| uri.is_in(&[OURS.to_owned()])));
        self.posture.findings.retain(|finding| !finding.code.name.starts_with("dmarc."));
        let mut found = Vec::new();
        let in_force = record.in_force();
        if in_force.is_some_and(|policies| policies.domain == Policy::None) {
            found.push(dmarc::codes::POLICY_NONE);
        }
        if record.testing {
            found.push(dmarc::codes::TEST_MODE);
        }
        if record.percentage.is_some_and(|share| share < 100) {
            found.push(dmarc::codes::PARTIAL_POLICY);
        }
        if in_force.is_some_and(|policies| policies.subdomains < policies.domain) {
            found.push(dmarc::codes::SUBDOMAIN_POLICY_NONE);
        }
        self.posture.dmarc = Some((DOMAIN.to_owned(), record));
        found.into_iter().fold(self, |world, code| world.found(code, &format!("_dmarc.{DOMAIN}"))).scored()
    }

    /// A DMARC record of a domain above it, whose subdomain policy is in force.
    pub(crate) fn inherited(mut self, text: &str) -> Self {
        self = self.dmarc(text);
        self.posture.organization = Some("example".to_owned());
        if let Some((at, record)) = &mut self.posture.dmarc {
            "example".clone_into(at);
            let policies = record.in_force().unwrap();
            self.posture.policies = Some(dmarc::Policies { domain: policies.subdomains, ..policies });
        }
        self
    }

    pub(crate) fn spf(mut self, text: &str) -> Self {
        self.posture.spf = Some(text.to_owned());
        self.posture.spf_all = spf::Record::parse(text).unwrap().all().map(|(_, qualifier)| qualifier);
        self.scored()
    }

    /// A term of SPF that can be judged, from which mail came today.
    pub(crate) fn entry(self, term: &str, domain: Option<&str>) -> Self {
        self.entry_seen(term, domain, Some(TODAY - 1))
    }

    /// A term of SPF that can be judged, and when mail last came from it.
    pub(crate) fn entry_seen(mut self, term: &str, domain: Option<&str>, last: Option<u32>) -> Self {
        let lookups = u32::from(domain.is_some());
        let domain = domain.map(str::to_owned);
        let networks = vec!["192.0.2.1".parse().map(|address| spf::Network::new(address, 32)).unwrap()];
        let entry = Entry { term: term.to_owned(), domain, networks, is_complete: true, lookups };
        self.posture.entries.push(entry);
        self.traffic.entries.push((term.to_owned(), last));
        self
    }

    /// A key that is in use.
    pub(crate) fn key(mut self, selector: &str, bits: u32, age_days: u32) -> Self {
        self.posture.keys.push(key(selector, bits, age_days));
        self.traffic.selectors.push((selector.to_owned(), TODAY - 1));
        self
    }

    /// MTA-STS in force and TLS reports to us.
    pub(crate) fn receiving(mut self) -> Self {
        self.posture.mta_sts_mode = Some("enforce".to_owned());
        self.posture.tls_rpt = Some(format!("v=TLSRPTv1; rua=mailto:{OURS}"));
        self.posture.has_tls_rpt = true;
        self
    }

    /// Reports of so many days until yesterday, all of which show `policy`.
    pub(crate) fn reported(mut self, days: u32, policy: &str) -> Self {
        let (first, last) = (TODAY - days, TODAY - 1);
        self.traffic.reported = Some((first, last));
        let policy = Policy::named(policy).unwrap();
        self.traffic.policies = vec![PolicyDays { policy, days, first, last }];
        let from = first.max(TODAY - 30);
        self.traffic.window = Window { from, to: last, days: last - from + 1, messages: 0, is_grown: false };
        self
    }

    pub(crate) fn sender(mut self, sender: Sender) -> Self {
        self.traffic.window.messages += sender.counts.messages;
        self.traffic.senders.push(sender);
        let all = self.traffic.window.messages.max(1) as f64;
        for sender in &mut self.traffic.senders {
            sender.share = sender.counts.messages as f64 / all;
        }
        self
    }

    pub(crate) fn found(mut self, code: Code, name: &str) -> Self {
        self.posture.findings.push(code.at(name, None, format!("{} was found.", code.name)));
        self.scored()
    }

    pub(crate) fn finding(mut self, finding: Finding) -> Self {
        self.posture.findings.push(finding);
        self.scored()
    }

    pub(crate) fn unknown(mut self, mechanism: Mechanism) -> Self {
        self.posture.unknown.insert(mechanism);
        self
    }

    pub(crate) fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    /// A domain whose owner says that it sends no mail.
    pub(crate) fn parked(mut self) -> Self {
        self.wishes.parked = Some(true);
        self
    }

    /// So many days later: nothing happened, but reports went on.
    pub(crate) fn later(mut self, days: u32) -> Self {
        self.now += u64::from(days) * DAY;
        let moved = |day: &mut u32| *day += days;
        self.traffic.reported.iter_mut().for_each(|(_, last)| moved(last));
        self.traffic.selectors.iter_mut().for_each(|(_, last)| moved(last));
        self.traffic.policies.iter_mut().take(1).for_each(|policy| {
            policy.days += days;
            moved(&mut policy.last);
        });
        self
    }

    /// The same after a run: what that run found is remembered.
    pub(crate) fn remembering(mut self, plan: &Plan) -> Self {
        self.memory = remember(&self.memory, plan);
        self
    }

    pub(crate) fn plan(&self) -> Plan {
        Plan::draw(&self.posture, &self.traffic, &self.wishes, &self.memory, &self.settings, self.now)
    }

    /// The score by the findings.
    fn scored(mut self) -> Self {
        let codes = self.posture.findings.iter().map(|finding| finding.code);
        self.posture.score = Some(<&Profile>::default().score(codes));
        self
    }
}

/// A sender whose mail passes by both or fails in both.
pub(crate) fn sender(id: &str, class: Class, messages: u64, passed: u64) -> Sender {
    let name = id.split_once(':').map_or(id, |(_, name)| name);
    Sender {
        id: SenderId::parse(id).unwrap(),
        name: name.to_owned(),
        category: id.starts_with("service:").then_some(Category::Mailbox),
        counts: Counts { messages, spf_aligned: passed, dkim_aligned: passed, passed, ..Counts::default() },
        recent: Recent::default(),
        share: 0.0,
        addresses: 1,
        active_days: 30,
        first_day: TODAY - 40,
        last_day: TODAY - 1,
        class,
        rule: classify::NOTHING_KNOWN,
        setup: Setup::default(),
    }
}

/// A key of one's own.
pub(crate) fn key(selector: &str, bits: u32, age_days: u32) -> Key {
    Key {
        selector: selector.to_owned(),
        fingerprint: Some(format!("{selector}-{bits}")),
        kind: dkim::Kind::Rsa,
        bits,
        alias: None,
        age_days: Some(age_days),
        text: "v=DKIM1; p=MIIB".to_owned(),
    }
}

/// What is kept of a plan for the next run: steps that it does not speak of stay as they were.
pub(crate) fn remember(before: &Memory, plan: &Plan) -> Memory {
    let mut steps = before.steps.clone();
    for step in &plan.steps {
        let kept = Remembered {
            code: step.code,
            subject: step.subject.clone(),
            state: step.state,
            opened_at: step.opened_at,
            done_at: step.done_at,
        };
        match steps.iter_mut().find(|known| known.code == step.code && known.subject == step.subject) {
            Some(known) => *known = kept,
            None => steps.push(kept),
        }
    }
    Memory {
        stage: Some((plan.stage, plan.stage_since)),
        score: plan.score.map(ruad_dns::profile::Score::tenths),
        perfect_since: plan.perfect_since,
        steps,
    }
}
