//! Duplicates, conflicts, forgeries, failure reports, and what is no report at all.

use super::Maker;
use crate::day::{Day, Moment};
use crate::mail::trouble::{self, BROKEN, FORGER, SLOPPY, SPAMMER};
use crate::mail::{FAILURE_STYLES, Failure, Reporter};
use crate::random::Random;
use crate::report::{Disposition, Record, Report};
use crate::world::pools::{BULLETPROOF, SCATTERED};
use crate::world::{DAYS, Domain};

impl Maker {
    /// What happens to some reports besides being sent once.
    pub(super) fn extras(&mut self, domain: &Domain, report: &Report) {
        let mut random = self.named(report, "fate");
        let label = report.reporter.label;
        // Google often sends a report twice, everybody else sometimes.
        let twice = if label == "google" { 0.03 } else { 0.005 };
        if random.chance(twice) {
            self.truth.mails.duplicates += 1;
            self.mail(report, Moment(report.sent.0 + 1_800 + random.below(7_200) as i64), "again");
        }
        // rspamd once sent the same identifier with other rows.
        if label == "rspamd" && random.chance(0.1) {
            let mut other = report.clone();
            other.records.iter_mut().for_each(|record| record.count += 1);
            other.sent = Moment(report.sent.0 + 3_600);
            self.truth.add(&other, domain.group, domain.policy(DAYS - 1));
            self.truth.mails.stored += 1;
            self.truth.mails.conflicts += 1;
            self.mail(&other, other.sent, "other");
        }
        // A mail server that started without a clock reports about 1970.
        if label == "rspamd" && self.named(report, "clock").chance(0.05) {
            let mut early = report.clone();
            early.id = format!("{}-boot", report.id);
            early.day = Day::from_number(0);
            early.sent = Moment(report.sent.0 + 7_200);
            self.truth.add(&early, domain.group, domain.policy(DAYS - 1));
            self.truth.mails.stored += 1;
            self.mail(&early, early.sent, "clock");
        }
        // Whoever attacks the shop also tells it that all is well.
        if label == "google" && domain.name == "lumen-shop.example" && random.chance(0.4) {
            self.forge(report, &mut random);
        }
    }

    fn forge(&mut self, report: &Report, random: &mut Random) {
        let mut forged = report.clone();
        forged.id = random.decimal(19);
        forged.records = (0..20).map(|_| whitewashed(report.domain, random)).collect();
        forged.sent = Moment(report.sent.0 + 600);
        self.truth.forged.add(&forged);
        self.truth.mails.stored += 1;
        let draft = trouble::forge(&forged, random);
        self.mails.push(draft.send("forged", &FORGER, &forged.recipient, forged.sent));
    }

    /// Failure reports about the abuse.
    pub(super) fn failures(&mut self, domains: &[Domain]) {
        let abused = [
            ("oldmeridian.example", 0..DAYS, &SCATTERED, 0.3),
            ("lumen-shop.example", 15..21, &SCATTERED, 3.5),
            ("lumen-pay.example", 8..DAYS, &BULLETPROOF, 0.5),
        ];
        let wanted = |name: &str| domains.iter().any(|domain| domain.name == name);
        for (domain, days, pool, per_day) in abused.into_iter().filter(|(name, ..)| wanted(name)) {
            for index in days {
                let mut random = Random::named(self.seed, &format!("failures {domain} {index}"));
                for _ in 0..random.around(per_day) {
                    let arrived = Moment(self.first.plus(index).begin() + random.below(86_400) as i64);
                    let source = pool.address(random.below(pool.size()));
                    let Some(style) = random.pick(FAILURE_STYLES) else { continue };
                    let draft = (style.write)(&Failure { domain, source, arrived }, RUF, &mut random);
                    self.mails.push(draft.send(style.label, style.origin, RUF, arrived));
                    self.truth.failures += 1;
                    self.truth.mails.stored += 1;
                }
            }
        }
    }

    /// Broken attachments and spam.
    pub(super) fn unusable(&mut self, domains: &[Domain]) {
        let mut random = Random::named(self.seed, "unusable");
        for nth in 0..24 {
            let index = random.below(DAYS as u64) as i64;
            let sent = Moment(self.first.plus(index + 1).begin() - 1 - random.below(80_000) as i64);
            let domain = domains.get(nth % domains.len());
            let reporter = Reporter::ALL.first().copied();
            let broken = BROKEN.get(nth % (BROKEN.len() + 1));
            let report =
                domain.zip(reporter).and_then(|(domain, reporter)| self.report(domain, reporter, index));
            let mail = match broken.zip(report) {
                Some((broken, report)) => {
                    let draft = broken.write(&Report { sent, ..report.clone() }, &mut random);
                    draft.send(broken.label, &SLOPPY, &report.recipient, sent)
                }
                None => {
                    trouble::spam(&sent.mail_date(-5), RUA, &mut random).send("spam", &SPAMMER, RUA, sent)
                }
            };
            self.mails.push(mail);
            self.truth.mails.unusable += 1;
        }
    }
}

/// A row that says spoofed mail was fine.
fn whitewashed(domain: &str, random: &mut Random) -> Record {
    Record {
        source: SCATTERED.address(random.below(SCATTERED.size())),
        count: 80 + random.below(900),
        disposition: Disposition::None,
        reason: None,
        dkim_aligned: true,
        spf_aligned: true,
        header_from: domain.to_owned(),
        envelope_from: domain.to_owned(),
        envelope_to: None,
        signatures: Vec::new(),
        spf: "pass",
    }
}

const RUA: &str = "rua@reports.example";
const RUF: &str = "ruf@reports.example";
