use std::collections::BTreeSet;

use super::{Subject, ranges::allow};
use crate::{
    advice::{
        Counts, Recent, Sender, Settings, Setup, Traffic,
        classify::{Evidence, Surroundings, classify},
        store::senders::SenderSums,
        unusual::{Daily, Kind, Outlier, Unusual, new_sender, spikes},
    },
    sources::{Catalog, Category, Clues},
};
use ruad_registry::SenderId;

/// One sender of a domain, as the sums tell of it.
#[derive(Clone, Debug)]
pub(super) struct Line {
    sums: SenderSums,
    first: u16,
    addresses_before: u64,
}

/// The senders of a domain, and all that is needed to say what they are.
pub(super) struct Lines<'a> {
    pub(super) lines: Vec<Line>,
    pub(super) catalog: &'a Catalog,
    pub(super) subject: Subject<'a>,
    pub(super) settings: &'a Settings,
}

impl Line {
    pub(super) fn new(sums: SenderSums) -> Self {
        let first = sums.days.first().copied().unwrap_or(sums.last);
        Self { sums, first, addresses_before: 0 }
    }

    /// It sent before, too. It can have several keys.
    pub(super) fn was_there(&mut self, first: u16, addresses: u64) {
        self.first = self.first.min(first);
        self.addresses_before = self.addresses_before.saturating_add(addresses);
    }

    pub(super) fn keys(&self) -> &[u64] {
        &self.sums.keys
    }

    fn days_ever(&self) -> u32 {
        let was_before = self.sums.days.first().is_some_and(|day| self.first < *day);
        u32::try_from(self.sums.days.len()).unwrap_or(u32::MAX).saturating_add(u32::from(was_before))
    }

    fn counts(&self) -> Counts {
        let sums = &self.sums;
        Counts {
            messages: positive(sums.messages),
            spf_aligned: positive(sums.spf_aligned),
            dkim_aligned: positive(sums.dkim_aligned),
            passed: positive(sums.passed),
            forwarded: positive(sums.forwarded),
            foreign_spf: positive(sums.foreign_spf),
            quarantined: positive(sums.quarantined),
            rejected: positive(sums.rejected),
            subdomain: positive(sums.subdomain),
            subdomain_passed: positive(sums.subdomain_passed),
        }
    }

    fn recent(&self) -> Recent {
        let sums = &self.sums;
        Recent {
            messages: positive(sums.recent_messages),
            passed: positive(sums.recent_passed),
            dkim_aligned: positive(sums.recent_dkim_aligned),
            foreign_spf: positive(sums.recent_foreign_spf),
        }
    }

    fn daily(&self) -> Daily {
        let days = self.sums.days.iter().zip(&self.sums.counts);
        let positive = days.filter_map(|(day, count)| Some((u32::from(*day), u64::try_from(*count).ok()?)));
        Daily(positive.collect())
    }
}

impl Lines<'_> {
    /// Fills in the senders, and what is unusual about them.
    pub(super) fn tell(&self, traffic: &mut Traffic, domain: &Daily, today: u32) {
        let used = self.used();
        let messages: u64 = self.lines.iter().map(|line| line.counts().messages).fold(0, u64::saturating_add);
        // What is counted is what the senders' rows say: a report that arrived twice is in there once.
        traffic.window.messages = messages;
        let from = traffic.window.from;
        let lines: Vec<_> = self
            .lines
            .iter()
            .filter_map(|line| Some((SenderId::parse(&line.sums.sender)?, line)))
            .map(|(id, line)| (self.evidence(&id, line, &used, messages, from), id, line))
            .collect();
        let evidence = lines.iter().map(|(evidence, _, _)| evidence);
        let around = Surroundings::of(evidence, self.settings.sender_share, today, self.sends_nothing());
        for (evidence, id, line) in lines {
            let sender = self.sender(id, line, &evidence, &around);
            let (of_sender, first) = (line.daily(), sender.first_day);
            if !evidence.is_others {
                let new = new_sender(domain, &of_sender, first, today);
                traffic.unusual.extend(new.map(|outlier| unusual(Kind::New, &sender, outlier)));
            }
            let spikes = spikes(domain, &of_sender, first, today);
            traffic.unusual.extend(spikes.into_iter().map(|outlier| unusual(Kind::Spike, &sender, outlier)));
            traffic.senders.push(sender);
        }
        traffic.senders.sort_by(|one, other| {
            other.counts.messages.cmp(&one.counts.messages).then_with(|| one.id.cmp(&other.id))
        });
    }

    fn evidence(&self, id: &SenderId, line: &Line, used: &BTreeSet<&str>, all: u64, from: u32) -> Evidence {
        let service = id.as_service();
        let counts = line.counts();
        let sums = &line.sums;
        let active = sums.days.iter().filter(|day| u32::from(**day) >= from).count();
        Evidence {
            decision: self.subject.wishes.decisions.get(id).copied(),
            is_service: service.is_some(),
            is_others: id.is_others(),
            category: self.category(id).or_else(|| Category::named(&sums.category)),
            is_used: service.is_some_and(|service| used.contains(service)),
            is_in_spf: allow(&self.subject.posture.entries, &sums.sample),
            counts,
            recent: line.recent(),
            share: counts.messages as f64 / all.max(1) as f64,
            addresses: sums.addresses,
            addresses_ever: sums.addresses.max(line.addresses_before),
            own_names: sums.own,
            mail_servers: sums.mail_servers,
            active_days: u32::try_from(active).unwrap_or(u32::MAX),
            days_ever: line.days_ever(),
            first_day: u32::from(line.first),
            last_day: u32::from(sums.last),
        }
    }

    fn sender(&self, id: SenderId, line: &Line, evidence: &Evidence, around: &Surroundings) -> Sender {
        let (class, rule) = classify(evidence, around);
        let service = id.as_service().and_then(|id| self.catalog.service(id));
        Sender {
            name: service.map_or_else(|| id.network_name(&line.sums.network), |service| service.name.clone()),
            category: self.category(&id),
            counts: evidence.counts,
            recent: evidence.recent,
            share: evidence.share,
            addresses: evidence.addresses,
            active_days: evidence.active_days,
            first_day: evidence.first_day,
            last_day: evidence.last_day,
            class,
            rule,
            setup: service.map(Setup::of).unwrap_or_default(),
            id,
        }
    }

    /// Whether the owner says that the domain sends no mail, here or by its SPF record.
    fn sends_nothing(&self) -> bool {
        self.subject.wishes.parked.unwrap_or_else(|| self.subject.posture.allows_nobody())
    }

    fn category(&self, id: &SenderId) -> Option<Category> {
        self.catalog.service(id.as_service()?).map(|service| service.category)
    }

    /// The services that the domain's records name.
    fn used(&self) -> BTreeSet<&str> {
        let posture = self.subject.posture;
        let included =
            posture.entries.iter().filter_map(|entry| self.catalog.included(entry.domain.as_deref()?));
        let signing = posture.keys.iter().filter_map(|key| {
            let clues = Clues { dkim_domain: Some(key.alias.as_deref()?), ..Clues::default() };
            self.catalog.identify(&clues).or_else(|| self.catalog.included(clues.dkim_domain?))
        });
        included.chain(signing).map(|service| service.id.as_str()).collect()
    }
}

/// Sums are negative only while what was counted twice is taken out.
fn positive(sum: i64) -> u64 {
    u64::try_from(sum).unwrap_or_default()
}

fn unusual(kind: Kind, sender: &Sender, outlier: Outlier) -> Unusual {
    Unusual {
        kind,
        sender: sender.id.clone(),
        name: sender.name.clone(),
        class: sender.class,
        rule: sender.rule,
        day: outlier.day,
        messages: outlier.messages,
        usual: outlier.usual,
        limit: outlier.limit,
    }
}
