//! The whole month: every mail in the order in which it is sent, and the truth about it.

mod extras;
mod tls;

use crate::day::{Day, Moment};
use crate::mail::{Mail, Reporter};
use crate::random::Random;
use crate::report::Report;
use crate::truth::Truth;
use crate::world::{DAYS, Domain};

/// A month of reports.
#[derive(Clone, Debug)]
pub struct Month {
    /// The mails, oldest first.
    pub mails: Vec<Mail>,
    /// What they amount to.
    pub truth: Truth,
}

impl Month {
    /// The month that ends the day before `today`, for all domains.
    pub fn make(seed: u64, today: Day) -> Self {
        Self::make_for(seed, today, &Domain::all())
    }

    /// The month of these domains only. Each has the same mails as in the whole.
    pub fn make_for(seed: u64, today: Day, domains: &[Domain]) -> Self {
        let mut maker = Maker { seed, first: today.plus(-DAYS), mails: Vec::new(), truth: Truth::default() };
        for domain in domains {
            maker.aggregate(domain);
            maker.tls(domain);
        }
        maker.failures(domains);
        maker.unusable(domains);
        maker.finish()
    }

    /// The mails of the reporter that went silent: they came days ago, or it would not be silent.
    pub fn waiting(&self) -> impl Iterator<Item = &Mail> {
        self.mails.iter().filter(|mail| mail.label == SILENT.0)
    }

    /// All others, which come today.
    pub fn coming(&self) -> Vec<Mail> {
        self.mails.iter().filter(|mail| mail.label != SILENT.0).cloned().collect()
    }
}

/// The reporter that stops writing, and the day of the month from which on it says nothing.
const SILENT: (&str, i64) = ("mail.ru", 20);

/// Whether a reporter still writes about that day.
fn is_heard(reporter: &Reporter, index: i64) -> bool {
    reporter.label != SILENT.0 || index < SILENT.1
}

/// A month in the making.
struct Maker {
    seed: u64,
    first: Day,
    mails: Vec<Mail>,
    truth: Truth,
}

impl Maker {
    /// All aggregate reports about `domain`, with what goes wrong among them.
    fn aggregate(&mut self, domain: &Domain) {
        for index in 0..DAYS {
            for reporter in Reporter::ALL.iter().filter(|reporter| is_heard(reporter, index)) {
                if let Some(report) = self.report(domain, reporter, index) {
                    self.deliver(domain, &report);
                }
            }
        }
    }

    /// What `reporter` has to say about `domain` and the day; `None` if it saw nothing.
    fn report(&self, domain: &Domain, reporter: &'static Reporter, index: i64) -> Option<Report> {
        let day = self.first.plus(index);
        let mut random = Random::named(self.seed, &format!("{} {} {index}", domain.name, reporter.label));
        let heard = random.chance(reporter.reach);
        let records = domain.seen(reporter, index, day.is_weekend(), &mut random);
        if !heard || records.is_empty() {
            return None;
        }
        Some(Report {
            reporter,
            domain: domain.name,
            policy: domain.policy(index),
            day,
            id: (reporter.id)(domain.name, day, &mut random),
            records,
            sent: Moment(day.plus(1).begin() + reporter.hour * 3_600 + random.below(3_600) as i64),
            recipient: domain.recipient(),
        })
    }

    fn deliver(&mut self, domain: &Domain, report: &Report) {
        self.truth.add(report, domain.group, domain.policy(DAYS - 1));
        self.truth.mails.stored += 1;
        self.mail(report, report.sent, "");
        self.extras(domain, report);
    }

    /// Puts `report` in the post; `copy` tells one rendering of it from another.
    fn mail(&mut self, report: &Report, sent: Moment, copy: &str) {
        let mut random = self.named(report, copy);
        let draft = (report.reporter.write)(report, &mut random);
        self.mails.push(draft.send(report.reporter.label, report.reporter.origin, &report.recipient, sent));
    }

    fn named(&self, report: &Report, purpose: &str) -> Random {
        let Report { reporter, domain, day, .. } = report;
        Random::named(self.seed, &format!("{} {domain} {day} {purpose}", reporter.label))
    }

    fn finish(mut self) -> Month {
        self.truth.mails.sent = self.mails.len() as u64;
        for mail in self.mails.iter().filter(|mail| !mail.verdict.is_empty()) {
            *self.truth.verdicts.entry(mail.verdict).or_default() += 1;
        }
        // Stable, so that a duplicate sent in the same second stays behind its original.
        self.mails.sort_by_key(|mail| mail.sent);
        Month { mails: self.mails, truth: self.truth }
    }
}
