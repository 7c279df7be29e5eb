//! What is out of the ordinary about a domain's senders, by its own history alone: no number here fits every domain.

use serde::Serialize;

use super::{Class, Rule};
use ruad_registry::SenderId;

/// Something out of the ordinary.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Unusual {
    /// What.
    pub kind: Kind,
    /// Who.
    pub sender: SenderId,
    /// What people call it.
    pub name: String,
    /// What it is held for.
    pub class: Class,
    /// What makes it so.
    pub rule: Rule,
    /// The day it was: the sender's first one, or that of the spike; days since 1970.
    pub day: u32,
    /// Messages: all so far of a new sender, those of the day of a spike.
    pub messages: u64,
    /// Messages of the sender on a usual day of that kind.
    pub usual: f64,
    /// More than this is out of the ordinary.
    pub limit: f64,
}

/// What is out of the ordinary.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Somebody sends for the first time.
    New,
    /// Somebody sends much more than ever.
    Spike,
}

/// Messages day by day: days since 1970 in their order, and how many.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Daily(pub Vec<(u32, u64)>);

/// A day that is out of the ordinary, and by what measure.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Outlier {
    /// Which; days since 1970.
    pub day: u32,
    /// Messages.
    pub messages: u64,
    /// What is usual.
    pub usual: f64,
    /// What would still be.
    pub limit: f64,
}

impl Kind {
    /// The kind of event it is.
    pub fn name(self) -> &'static str {
        match self {
            Self::New => "sender.new",
            Self::Spike => "sender.spike",
        }
    }
}

impl Daily {
    /// The messages of a day.
    fn on(&self, day: u32) -> u64 {
        self.0
            .binary_search_by_key(&day, |(day, _)| *day)
            .ok()
            .and_then(|at| self.0.get(at))
            .map_or(0, |(_, n)| *n)
    }
}

/// Whether somebody who was first seen on `first_day` is new, and matters: the days with reports of the domain before must be
/// enough to say so, and the messages since must be a part of what the domain has on its usual days.
pub fn new_sender(domain: &Daily, sender: &Daily, first_day: u32, today: u32) -> Option<Outlier> {
    if first_day + RECENT_DAYS < today || first_day > today {
        return None;
    }
    let before: Vec<_> = domain.0.iter().filter(|(day, _)| *day < first_day).map(|(_, n)| *n).collect();
    if before.len() < ENOUGH_DAYS {
        return None;
    }
    let messages = sender
        .0
        .iter()
        .filter(|(day, _)| (first_day..=today).contains(day))
        .map(|(_, n)| *n)
        .fold(0, u64::saturating_add);
    let days = f64::from(today - first_day + 1);
    let limit = (median(before) * days * PART_OF_DOMAIN).max(FEW_MESSAGES);
    (messages as f64 > limit).then_some(Outlier { day: first_day, messages, usual: 0.0, limit })
}

/// The recent days on which somebody sent much more than is usual for them: beyond the median of such days (workdays or
/// weekends) by several times the usual deviation from it, more than on all but one of the days before, and by a part of what the
/// domain has on its usual days. Of days in a row the first. Whoever has little history has none.
pub fn spikes(domain: &Daily, sender: &Daily, first_day: u32, today: u32) -> Vec<Outlier> {
    let recent = domain
        .0
        .iter()
        .map(|(day, _)| *day)
        .filter(|day| (today.saturating_sub(RECENT_DAYS)..=today).contains(day));
    let mut found: Vec<Outlier> = Vec::new();
    let mut yesterday = None;
    for day in recent {
        let Some(outlier) = outlier(domain, sender, first_day, day) else { continue };
        if yesterday.is_none_or(|yesterday| yesterday + 1 != day) {
            found.push(outlier);
        }
        yesterday = Some(day);
    }
    found
}

fn outlier(domain: &Daily, sender: &Daily, first_day: u32, day: u32) -> Option<Outlier> {
    let before = || domain.0.iter().map(|(other, _)| *other).filter(|other| *other < day);
    let like: Vec<_> = before().filter(|other| is_weekend(*other) == is_weekend(day)).collect();
    let is_known = first_day + ENOUGH_DAYS as u32 <= day;
    if !is_known || before().count() < ENOUGH_DAYS || like.len() < ENOUGH_DAYS_ALIKE {
        return None;
    }
    let usual = median(like.iter().map(|day| sender.on(*day)).collect());
    let deviations = like.iter().map(|day| (sender.on(*day) as f64 - usual).abs().round() as u64).collect();
    // Counts scatter by their root even when the days seen so far happen to be alike.
    let deviation = (median(deviations) * TO_SIGMA).max(usual.sqrt()).max(1.0);
    let mut all: Vec<_> = before().map(|day| sender.on(day)).collect();
    all.sort_unstable_by(|one, other| other.cmp(one));
    let second = all.get(1).copied().unwrap_or_default() as f64;
    let part = median(like.iter().map(|day| domain.on(*day)).collect()) * PART_OF_DOMAIN;
    // Who does not send on most days, like a weekly letter, is measured by the days on which it does.
    let sent: Vec<_> = all.iter().copied().take_while(|messages| *messages > 0).collect();
    let letter = if usual == 0.0 { median(sent) } else { usual };
    let limit =
        (usual + deviation * DEVIATIONS).max(letter * 2.0).max(second * ABOVE_SECOND).max(usual + part);
    let messages = sender.on(day);
    (messages as f64 > limit.max(FEW_MESSAGES)).then_some(Outlier { day, messages, usual, limit })
}

fn median(mut values: Vec<u64>) -> f64 {
    values.sort_unstable();
    let middle = values.len() / 2;
    let at = |index: usize| values.get(index).copied().unwrap_or_default() as f64;
    if values.len() % 2 == 1 { at(middle) } else { (at(middle) + at(middle.saturating_sub(1))) / 2.0 }
}

/// Day 0 was a Thursday.
fn is_weekend(day: u32) -> bool {
    (day + 3) % 7 >= 5
}

/// Days with messages that are looked at, before those that are judged and with them.
pub const HISTORY_DAYS: u32 = 69;
/// Reports come late: so many days are judged again and again.
const RECENT_DAYS: u32 = 7;
/// With fewer days of reports before it nothing is out of the ordinary.
const ENOUGH_DAYS: usize = 28;
/// The same for workdays or weekends alone: eight weekend days are four weeks.
const ENOUGH_DAYS_ALIKE: usize = 8;
/// Of what a domain has on its usual days.
const PART_OF_DOMAIN: f64 = 0.05;
/// So few messages are never worth an event.
const FEW_MESSAGES: f64 = 3.0;
/// What the median deviation is to be multiplied with to be a standard deviation.
const TO_SIGMA: f64 = 1.4826;
const DEVIATIONS: f64 = 6.0;
/// Who sends a monthly letter has sent as much before, if only once or twice in the days looked at.
const ABOVE_SECOND: f64 = 1.25;

#[cfg(test)]
mod tests {
    use super::*;

    const TODAY: u32 = 20_770;

    /// So many messages on each of the last days: `count(days before today)`.
    fn daily(days: u32, count: impl Fn(u32) -> u64) -> Daily {
        Daily((0..days).rev().map(|ago| (TODAY - ago, count(ago))).filter(|(_, n)| *n > 0).collect())
    }

    /// A count that scatters around `mean`, always the same for a day.
    fn about(mean: u64, ago: u32) -> u64 {
        mean * 4 / 5 + u64::from(ago.wrapping_mul(2_654_435_761) >> 16) % (mean * 2 / 5 + 1)
    }

    #[test]
    fn a_spike_is_found_and_noise_is_not() {
        let domain = daily(70, |ago| about(200, ago));
        let quiet = daily(70, |ago| about(50, ago));
        assert_eq!(spikes(&domain, &quiet, 0, TODAY), []);
        let loud = daily(70, |ago| if ago == 2 { 150 } else { about(50, ago) });
        let found = spikes(&domain, &loud, 0, TODAY);
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].day, found[0].messages), (TODAY - 2, 150));
        assert!((40.0..60.0).contains(&found[0].usual) && found[0].limit < 150.0, "{found:?}");
    }

    #[test]
    fn days_in_a_row_are_one_spike() {
        let domain = daily(70, |_| 200);
        let loud = daily(70, |ago| if (1..4).contains(&ago) { 300 } else { 50 });
        let found = spikes(&domain, &loud, 0, TODAY);
        assert_eq!(found.iter().map(|outlier| outlier.day).collect::<Vec<_>>(), [TODAY - 3]);
    }

    #[test]
    fn workdays_are_not_measured_by_weekends() {
        let week = |ago: u32| if is_weekend(TODAY - ago) { 5 } else { 200 };
        let domain = daily(70, week);
        assert_eq!(spikes(&domain, &domain, 0, TODAY), []);
        // As much as on a workday, but on a weekend.
        let saturday = (0..7).find(|ago| is_weekend(TODAY - ago)).unwrap();
        let odd = daily(70, |ago| if ago == saturday { 260 } else { week(ago) });
        assert_eq!(spikes(&domain, &odd, 0, TODAY).len(), 1);
    }

    #[test]
    fn a_monthly_letter_is_usual_once_it_came_twice() {
        let domain = daily(70, |_| 100);
        let letter = |days: &'static [u32]| daily(70, move |ago| if days.contains(&ago) { 800 } else { 0 });
        assert_eq!(spikes(&domain, &letter(&[1, 31, 61]), 0, TODAY), []);
        assert_eq!(spikes(&domain, &letter(&[1]), 0, TODAY).len(), 1);
    }

    #[test]
    fn little_history_gives_none() {
        let domain = daily(20, |_| 100);
        let loud = daily(20, |ago| if ago == 1 { 1000 } else { 10 });
        assert_eq!(spikes(&domain, &loud, 0, TODAY), []);
        assert_eq!(new_sender(&domain, &loud, TODAY - 1, TODAY), None);
        let domain = daily(70, |_| 100);
        assert_eq!(spikes(&domain, &loud, TODAY - 19, TODAY), [], "the sender is new itself");
        assert_eq!(spikes(&Daily::default(), &Daily::default(), 0, TODAY), []);
    }

    #[test]
    fn a_trifle_is_no_spike_at_a_large_domain() {
        let domain = daily(70, |_| 10_000);
        let small = daily(70, |ago| if ago == 1 { 60 } else { 1 });
        assert_eq!(spikes(&domain, &small, 0, TODAY), []);
        assert_eq!(spikes(&daily(70, |_| 100), &small, 0, TODAY).len(), 1);
    }

    #[test]
    fn a_new_sender_matters_by_the_domains_own_measure() {
        let newcomer = daily(3, |_| 10);
        let found = new_sender(&daily(70, |_| 100), &newcomer, TODAY - 2, TODAY).unwrap();
        assert_eq!((found.day, found.messages), (TODAY - 2, 30));
        assert_eq!(new_sender(&daily(70, |_| 1000), &newcomer, TODAY - 2, TODAY), None, "too little mail");
        assert_eq!(new_sender(&daily(70, |_| 100), &newcomer, TODAY - 40, TODAY), None, "not new");
        let tiny = daily(2, |_| 1);
        assert_eq!(new_sender(&daily(70, |_| 2), &tiny, TODAY - 1, TODAY), None, "two messages");
    }

    #[test]
    fn medians() {
        assert_eq!(median(vec![]), 0.0);
        assert_eq!(median(vec![7, 1, 3]), 3.0);
        assert_eq!(median(vec![4, 1, 3, 10]), 3.5);
    }

    #[test]
    fn weekends() {
        // 2026-11-21 is a Saturday.
        assert_eq!([20_777, 20_778, 20_779, 20_780].map(is_weekend), [false, true, true, false]);
    }
}
