//! What was read, as metrics.

use std::collections::HashSet;

use crate::{
    exposition::{self, Family, foreign, labels},
    recent::store::{RecentEvent, SteadyReporter},
};

/// A reporter, and when it wrote last.
pub(super) struct Reporter {
    labels: String,
    last: u32,
}

/// An event of a domain, and when it happened last.
pub(super) struct Happened {
    /// `domain="…",group="…"`.
    labels: String,
    rest: String,
    at: u32,
}

impl Reporter {
    pub(super) fn new(read: &SteadyReporter) -> Self {
        Self { labels: format!("reporter=\"{}\"", foreign(&read.reporter)), last: read.last }
    }
}

impl Happened {
    pub(super) fn new(read: &RecentEvent, group: &str) -> Self {
        let rest = format!("kind=\"{}\",subject=\"{}\"", foreign(&read.kind), foreign(&read.subject));
        Self { labels: labels(&read.domain, group), rest, at: read.at }
    }
}

/// The page in pieces. Long names are cut, so that two may be the same afterwards: the first of them, the newest, is shown, for
/// Prometheus takes no series twice.
pub(super) fn pieces(
    mut reporters: Vec<Reporter>,
    mut events: Vec<Happened>,
) -> impl Iterator<Item = String> + Send {
    let mut seen = HashSet::new();
    reporters.retain(|row| seen.insert(row.labels.clone()));
    let mut seen = HashSet::new();
    events.retain(|row| seen.insert((row.labels.clone(), row.rest.clone())));
    exposition::pieces(&REPORTERS, reporters).chain(exposition::pieces(&EVENTS, events))
}

static REPORTERS: [Family<Reporter>; 1] = [Family {
    name: "ruad_reporter_last_report_timestamp_seconds",
    help: "When the last genuine report of a reporter arrived that writes on most days. The 50 largest.",
    write: |row, series| series.add(&row.labels, "", row.last),
}];

static EVENTS: [Family<Happened>; 1] = [Family {
    name: "ruad_domain_event_timestamp_seconds",
    help: "When something happened to a domain the last time, for a week. At most 50 a domain.",
    write: |row, series| series.add(&row.labels, &row.rest, row.at),
}];
