//! What the watch holds about one domain.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    net::IpAddr,
    sync::Arc,
    time::Duration,
};

use xxhash_rust::xxh3::xxh3_64;

use super::{keeper::Rows, learned::Known, posture::Held, sightings::Sightings};
use crate::health::{
    Settings, Snapshot, Subject, events,
    keys::{self, KeyHistory, Thresholds},
    posture::Posture,
    rows::{CheckRow, EventRow, RecordRow},
    state::{FINDINGS, Fact, State},
    telemetry::Changed,
};
use ruad_common::time::DAY;
use ruad_dns::profile::{Profile, Score};
use ruad_dns::{
    Check, Code, Finding, Mechanism, Status,
    dkim::{Origin, Selector},
};
use ruad_registry::Watched;

#[derive(Debug, Default)]
pub(super) struct Entry {
    pub group: Arc<str>,
    pub interval: Duration,
    pub(super) state: State,
    pub(super) thresholds: Thresholds,
    pub(super) sightings: Sightings,
    /// What advice rests on.
    pub(super) posture: Held,
    /// How each mechanism stood last.
    pub(super) statuses: Vec<(Mechanism, Status)>,
    /// What costs points.
    pub(super) profile: &'static Profile,
    /// What the ages and the use of its keys last gave; these rest on facts that are certain.
    pub(super) of_keys: Vec<Code>,
    /// When it was examined last, and when with any answer; seconds since 1970.
    pub(super) last_checked: Option<u64>,
    pub(super) last_success: Option<u64>,
    /// Examinations in a row with questions that were not answered.
    pub(super) failures: u32,
    /// The day on which each record was written down last.
    pub(super) written: HashMap<u64, u64>,
}

/// What is known about a domain that its own examination does not tell.
pub(super) struct About<'a> {
    /// The facts that were asked for on purpose.
    pub(super) asked: &'a BTreeSet<String>,
    /// The sending addresses that were looked at.
    pub(super) addresses: &'a [IpAddr],
    /// The names of the block lists that were asked.
    pub(super) lists: &'a [String],
    /// What reports tell.
    pub(super) known: Option<&'a Known>,
    /// Keys of other domains of the same group that may be the same.
    pub(super) copies: &'a [KeyHistory],
}

/// How much was answered.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Answered {
    All,
    Partly,
    Nothing,
}

impl Entry {
    pub(super) fn new(watched: &Watched<'_>, settings: &Settings) -> Self {
        let mut entry = Self::default();
        entry.follow(watched, settings);
        entry
    }

    /// Takes over what the registry says now; whether the interval is another.
    pub(super) fn follow(&mut self, watched: &Watched<'_>, settings: &Settings) -> bool {
        if *self.group != *watched.group {
            self.group = watched.group.into();
        }
        self.thresholds = Thresholds {
            warning_days: watched.key_age_warning.unwrap_or(settings.key_age_warning),
            error_days: watched.key_age_error.unwrap_or(settings.key_age_error),
            ..Thresholds::default()
        };
        // Both have been checked where they were read.
        self.profile = Profile::named(watched.profile.unwrap_or(&settings.profile)).unwrap_or_default();
        let interval = watched.check_every.unwrap_or(settings.interval);
        std::mem::replace(&mut self.interval, interval) != interval
    }

    /// What is to be examined, and the facts that are asked for on purpose.
    pub(super) fn subject(
        &self,
        domain: &str,
        selectors: &[String],
        known: Option<&Known>,
        now: u64,
    ) -> (Subject, BTreeSet<String>) {
        let mut named: BTreeMap<&str, Origin> = BTreeMap::new();
        for (selector, used) in known.into_iter().flat_map(|known| &known.selectors) {
            let newest = known.and_then(|known| known.days.as_ref()).map_or(used.last, |days| days.last);
            let quiet_days = newest.saturating_sub(used.last).into();
            named.insert(selector, Origin::Report { passed: used.messages > 0, quiet_days });
        }
        named.extend(selectors.iter().map(|selector| (selector.as_str(), Origin::Registry)));
        let asked = named.keys().map(|selector| format!("key:{selector}")).collect();
        // A key that is known is looked for as long as it is there: it has not gone because nobody speaks of it any more.
        for (selector, _) in self.facts(Mechanism::Dkim, "key:") {
            named.entry(selector).or_insert(Origin::Report { passed: true, quiet_days: u32::MAX });
        }
        // A hundred questions that find nothing new are not asked every time, but a second look sees all that the first did.
        let has_keys = self.facts(Mechanism::Dkim, "key:").next().is_some();
        let is_first_today = self.last_checked.is_none_or(|last| last / DAY != now / DAY);
        let addresses = known.map(|known| known.senders.clone()).unwrap_or_default();
        let subject = Subject {
            domain: domain.to_owned(),
            selectors: named.into_iter().map(|(name, origin)| Selector::new(name, origin)).collect(),
            try_common_selectors: is_first_today || !has_keys || self.state.is_pending(),
            addresses,
        };
        (subject, asked)
    }

    /// The stamp of an examination that begins at `wall`: later than the one before, or nobody could tell which of two in the
    /// same second knew more.
    pub(super) fn stamp(&self, wall: u64) -> u64 {
        match self.last_checked {
            Some(last) if (wall..wall + DAY).contains(&last) => last + 1,
            _ => wall,
        }
    }

    /// Takes in what an examination found; gives what is to be stored, and how much was answered.
    pub(super) fn take(
        &mut self,
        domain: &Arc<str>,
        snapshot: &mut Snapshot,
        about: &About<'_>,
    ) -> (Rows, Answered) {
        let at = snapshot.checked_at;
        let answered = answered(&snapshot.checks());
        self.forget_listings(snapshot, about);
        for check in snapshot.checks_mut() {
            match check.is_told() {
                true => check.fact(FINDINGS, costly(check.findings.iter().map(|finding| finding.code))),
                false => check.unknown_fact(FINDINGS),
            }
        }
        let changes = self.state.observe(snapshot.checks(), about.asked, at);
        self.sightings.see(&self.state, &snapshot.dkim, at);
        let mut histories = self.histories(domain, about.known);
        histories.extend_from_slice(about.copies);
        let days = about.known.and_then(Known::days);
        let findings = keys::findings(domain, &histories, days, at, &self.thresholds);
        self.of_keys = findings.iter().map(|finding| finding.code).collect();
        snapshot.dkim.check.findings.extend(findings);
        let checks = snapshot.checks();
        let events = events::events(domain, &changes, &self.state);
        self.take_statuses(&checks);
        let posture = Posture::of(snapshot, &histories, self.score());
        self.posture.take(posture, &self.state);
        self.last_checked = Some(at);
        match answered {
            Answered::All => self.failures = 0,
            Answered::Partly | Answered::Nothing => self.failures = self.failures.saturating_add(1),
        }
        if answered != Answered::Nothing {
            self.last_success = Some(at);
        }
        let group = &self.group;
        let events =
            events.into_iter().map(|event| EventRow { group: group.clone(), event, confirmed_at: at });
        let events: Vec<_> = events.inspect(|row| Changed { event: &row.event, group }.record()).collect();
        let rows = Rows {
            events,
            records: self.records(domain, &checks, at),
            keys: self.sightings.rows(domain, &self.group, at),
            checks: checks.iter().map(|check| self.check(domain, check, at)).collect(),
        };
        self.written.retain(|_, day| *day + 1 >= at / DAY);
        (rows, answered)
    }

    /// When each key was seen. `known` says when its selector was used.
    pub(super) fn histories(&self, domain: &str, known: Option<&Known>) -> Vec<KeyHistory> {
        self.sightings.histories(domain, &self.state, known)
    }

    pub(super) fn spf_lookups(&self) -> Option<u32> {
        self.state.value(Mechanism::Spf, "lookups")?.parse().ok()
    }

    /// What is left of five points, from what is certain to be found; none while a mechanism was never told.
    pub(super) fn score(&self) -> Option<Score> {
        let mut codes = self.of_keys.clone();
        for mechanism in Mechanism::ALL {
            let findings = self.state.confirmed(mechanism, FINDINGS)?.value.as_deref()?;
            codes.extend(findings.split(' ').filter_map(Code::named));
        }
        Some(self.profile.score(codes))
    }

    /// Takes checks that came with this version of the program for passed until they were made: they must not take a domain's
    /// score away for hours.
    pub(super) fn accept_new_checks(&mut self) {
        let Some(last) = self.last_checked else { return };
        for mechanism in Mechanism::ALL {
            if self.state.knows(mechanism) {
                continue;
            }
            let passed = Fact { value: Some(String::new()), since: last };
            self.state.restore(mechanism, false, [(FINDINGS.to_owned(), passed)].into());
        }
    }

    /// One answer does not make an alert: how a mechanism stood holds until what was found is confirmed.
    fn take_statuses(&mut self, checks: &[&Check]) {
        let old = std::mem::take(&mut self.statuses);
        let pending: Vec<_> = self.state.pending().collect();
        self.statuses = checks
            .iter()
            .map(|check| {
                let mechanism = check.mechanism;
                let held = old.iter().find(|(known, _)| *known == mechanism && pending.contains(known));
                (mechanism, held.map_or_else(|| check.status(), |(_, status)| *status))
            })
            .collect();
    }

    /// How the mechanism stands as far as it is certain.
    fn status(&self, check: &Check) -> Status {
        let is_known = self.state.confirmed(check.mechanism, FINDINGS).is_some();
        let held = self.statuses.iter().find(|(mechanism, _)| is_known && *mechanism == check.mechanism);
        held.map_or_else(|| check.status(), |(_, status)| *status)
    }

    /// The findings without those that cost points and that nothing has confirmed. Before the first state is known, all.
    fn certain_findings(&self, check: &Check) -> Vec<Finding> {
        let known = self.state.confirmed(check.mechanism, FINDINGS).and_then(|fact| fact.value.as_deref());
        let is_certain = |code: Code| {
            known.is_none_or(|known| known.split(' ').any(|name| name == code.name))
                || keys::is_of_history(&code)
                || costly([code]).is_empty()
        };
        check.findings.iter().filter(|finding| is_certain(finding.code)).cloned().collect()
    }

    fn facts(&self, mechanism: Mechanism, prefix: &'static str) -> impl Iterator<Item = (&str, &str)> {
        let present = self.state.values(mechanism);
        present.filter_map(move |(name, fact)| Some((name.strip_prefix(prefix)?, fact.value.as_deref()?)))
    }

    /// Listings that were not asked for this time: the address neither sends nor receives any more, or the list is not
    /// configured any more. That is not the same as being taken off the list.
    fn forget_listings(&mut self, snapshot: &Snapshot, about: &About<'_>) {
        if !snapshot.mx.check.unknown.is_empty() {
            return;
        }
        let hosts = snapshot.mx.hosts.iter();
        let receiving = hosts.flat_map(|host| {
            host.ipv4.iter().copied().map(IpAddr::from).chain(host.ipv6.iter().copied().map(IpAddr::from))
        });
        let addresses: BTreeSet<_> = receiving.chain(about.addresses.iter().copied()).collect();
        self.state.forget(Mechanism::Dnsbl, |name| {
            let listing = name.strip_prefix("listed:").and_then(|listing| listing.split_once(':'));
            listing.is_some_and(|(list, subject)| {
                let is_asked = subject.parse().map_or(true, |address| addresses.contains(&address));
                !is_asked || !about.lists.iter().any(|asked| asked == list)
            })
        });
    }

    fn check(&self, domain: &Arc<str>, check: &Check, at: u64) -> CheckRow {
        let mechanism = check.mechanism;
        let facts = self.state.certain(mechanism).map(|(name, fact)| (name.to_owned(), fact.clone()));
        CheckRow {
            domain: domain.clone(),
            group: self.group.clone(),
            mechanism,
            checked_at: at,
            status: self.status(check),
            findings: self.certain_findings(check),
            unknown: check.unknown.clone(),
            settled: self.state.is_settled(mechanism),
            facts: facts.collect(),
            spf_lookups: self.spf_lookups().filter(|_| mechanism == Mechanism::Spf),
            score: self.score().map(|score| score.value() as f32),
        }
    }

    /// Records that are new, or were not written down today.
    fn records(&mut self, domain: &Arc<str>, checks: &[&Check], at: u64) -> Vec<RecordRow> {
        let mut rows = Vec::new();
        for record in checks.iter().flat_map(|check| &check.records) {
            if self.is_due(&[&record.name, record.kind, &record.text], at) {
                rows.push(RecordRow {
                    domain: domain.clone(),
                    group: self.group.clone(),
                    name: record.name.clone(),
                    kind: record.kind,
                    text: record.text.clone(),
                    seen_at: at,
                });
            }
        }
        rows
    }

    fn is_due(&mut self, parts: &[&str], at: u64) -> bool {
        let today = at / DAY;
        self.written.insert(xxh3_64(parts.join("\0").as_bytes()), today) != Some(today)
    }
}

/// The codes that cost points by any profile, so that another profile finds them too.
pub(super) fn costly(codes: impl IntoIterator<Item = Code>) -> String {
    let costs = |code: &Code| Profile::all().iter().any(|profile| profile.points(*code) > 0.0);
    let codes: BTreeSet<_> = codes.into_iter().filter(costs).map(|code| code.name).collect();
    codes.into_iter().collect::<Vec<_>>().join(" ")
}

fn answered(checks: &[&Check]) -> Answered {
    let mut unknown = checks.iter().flat_map(|check| &check.unknown);
    if !unknown.any(|question| question.trouble.may_pass()) {
        Answered::All
    } else if checks.iter().any(|check| !check.records.is_empty()) {
        Answered::Partly
    } else {
        Answered::Nothing
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ruad_dns::Copies;

    /// Every mechanism was examined, DMARC with these findings, by answers that may be given again for ten minutes.
    fn look(entry: &mut Entry, at: u64, dmarc: &str) -> Option<String> {
        let checks = Mechanism::ALL.map(|mechanism| {
            let mut check = Check::new(mechanism);
            check.fact(FINDINGS, if mechanism == Mechanism::Dmarc { dmarc } else { "" });
            check.copies = Copies { absent: Duration::from_secs(600), ..Copies::default() };
            check
        });
        entry.state.observe(&checks, &BTreeSet::new(), at);
        entry.score().map(|score| score.to_string())
    }

    #[test]
    fn one_answer_moves_no_score() {
        let mut entry = Entry::default();
        for (at, dmarc, score) in [
            (1_000, "", None),
            (1_599, "", None),
            (1_600, "", Some("5.0")),
            (2_000, "dmarc.missing", Some("5.0")),
            (2_599, "dmarc.missing", Some("5.0")),
            (2_600, "dmarc.missing", Some("1.0")),
            (3_000, "", Some("1.0")),
            (3_600, "", Some("5.0")),
        ] {
            assert_eq!(look(&mut entry, at, dmarc).as_deref(), score, "{at}");
        }
    }

    #[test]
    fn rows_hold_no_finding_that_nothing_confirmed() {
        let mut entry = Entry::default();
        look(&mut entry, 1_000, "");
        look(&mut entry, 1_600, "");
        entry.statuses = vec![(Mechanism::Dmarc, Status::Ok)];
        let mut check = Check::new(Mechanism::Dmarc);
        for code in ["dmarc.missing", "dmarc.inherited"] {
            check.find(Code::named(code).unwrap().at("a.example", None, String::new()));
        }
        let row = |entry: &Entry| {
            let row = entry.check(&"a.example".into(), &check, 2_000);
            (row.status, row.findings.iter().map(|finding| finding.code.name).collect::<Vec<_>>())
        };
        look(&mut entry, 2_000, "dmarc.missing");
        entry.take_statuses(&[&check]);
        assert_eq!(row(&entry), (Status::Ok, vec!["dmarc.inherited"]));
        look(&mut entry, 2_600, "dmarc.missing");
        entry.take_statuses(&[&check]);
        assert_eq!(row(&entry), (Status::Error, vec!["dmarc.missing", "dmarc.inherited"]));
    }

    #[test]
    fn checks_that_came_with_an_update_take_no_score_away() {
        let mut entry = Entry::default();
        let known = || [(FINDINGS.to_owned(), Fact { value: Some(String::new()), since: 1 })].into();
        let new = [Mechanism::Caa, Mechanism::Rpki];
        for mechanism in Mechanism::ALL.into_iter().filter(|mechanism| !new.contains(mechanism)) {
            entry.state.restore(mechanism, true, known());
        }
        assert_eq!(entry.score(), None);
        entry.last_checked = Some(1);
        entry.accept_new_checks();
        assert_eq!(entry.score(), Some(Score::BEST));
    }
}
