use crate::advice::{
    PolicyDays, Settings, Traffic, Window, store::senders::ReportedPolicies, unusual::Daily,
};
use ruad_dns::dmarc::Policy;

/// The days of which there are reports of a domain.
pub(super) struct Reported(Vec<Day>);

#[derive(Clone, Copy)]
struct Day {
    day: u32,
    policy: Option<Policy>,
    messages: u64,
}

impl Reported {
    pub(super) fn new(row: &ReportedPolicies) -> Self {
        let days = row.days.iter().zip(&row.policies).zip(&row.messages);
        let day = |((day, policy), messages): ((&u16, &u8), &u64)| Day {
            day: u32::from(*day),
            policy: POLICIES.get(usize::from(*policy)).copied(),
            messages: *messages,
        };
        Self(days.map(day).collect())
    }

    /// Fills in what is known from the reports as wholes.
    pub(super) fn tell(&self, traffic: &mut Traffic, today: u32, settings: &Settings) {
        traffic.reported = self.0.first().zip(self.0.last()).map(|(first, last)| (first.day, last.day));
        traffic.window = self.window(today, settings);
        traffic.policies = self.policies();
    }

    /// Messages day by day.
    pub(super) fn daily(&self) -> Daily {
        Daily(self.0.iter().map(|day| (day.day, day.messages)).collect())
    }

    /// Grows by its own length, which people understand better than odd numbers of days, until it holds enough or there
    /// is nothing more.
    fn window(&self, today: u32, settings: &Settings) -> Window {
        let step = settings.days_at_policy.max(1);
        let longest = settings.longest_window.max(step);
        let first = self.0.first().map_or(today, |day| day.day);
        let mut length = step;
        loop {
            let from = (today + 1).saturating_sub(length);
            let days = || self.0.iter().filter(|day| (from..=today).contains(&day.day));
            let messages = days().map(|day| day.messages).fold(0, u64::saturating_add);
            if messages >= settings.messages || length >= longest || from <= first {
                let days = u32::try_from(days().count()).unwrap_or(u32::MAX);
                return Window { from, to: today, days, messages, is_grown: length > step };
            }
            length = (length + step).min(longest);
        }
    }

    /// How long each policy was shown since it was last another one, the newest first.
    fn policies(&self) -> Vec<PolicyDays> {
        let mut runs: Vec<PolicyDays> = Vec::new();
        let known = self.0.iter().filter_map(|day| Some((day.day, day.policy?)));
        for (day, policy) in known {
            match runs.last_mut() {
                Some(run) if run.policy == policy => (run.days, run.last) = (run.days + 1, day),
                _ => runs.push(PolicyDays { policy, days: 1, first: day, last: day }),
            }
            join_around_a_stray_day(&mut runs);
        }
        let mut newest: Vec<PolicyDays> = Vec::new();
        for run in runs.into_iter().rev() {
            if newest.iter().all(|other| other.policy != run.policy) {
                newest.push(run);
            }
        }
        newest
    }
}

/// A receiver with an old answer in its cache is alone on some day of a small domain. One day of another policy between days of
/// the same is that, and does not begin the count anew.
fn join_around_a_stray_day(runs: &mut Vec<PolicyDays>) {
    let [.., before, stray, after] = runs.as_slice() else { return };
    if stray.days == 1 && before.policy == after.policy && after.days == 1 && before.days > 1 {
        let joined = PolicyDays { days: before.days + 1, last: after.last, ..*before };
        runs.truncate(runs.len() - 3);
        runs.push(joined);
    }
}

const POLICIES: [Policy; 3] = [Policy::None, Policy::Quarantine, Policy::Reject];

#[cfg(test)]
mod tests {
    use super::*;

    const TODAY: u32 = 20_000;

    fn reported(days: impl IntoIterator<Item = (u32, u8, u64)>) -> Reported {
        let mut row = ReportedPolicies::default();
        for (ago, policy, messages) in days {
            row.days.push((TODAY - ago) as u16);
            row.policies.push(policy);
            row.messages.push(messages);
        }
        Reported::new(&row)
    }

    fn window(days: impl IntoIterator<Item = (u32, u8, u64)>) -> (u32, u32, u64, bool) {
        let Window { from, to, days, messages, is_grown } =
            reported(days).window(TODAY, &Settings::default());
        assert_eq!(to, TODAY);
        (TODAY + 1 - from, days, messages, is_grown)
    }

    #[test]
    fn the_window_grows_until_it_holds_enough() {
        let each_day = |days: u32, messages| (0..days).rev().map(move |ago| (ago, 0, messages));
        assert_eq!(window(each_day(365, 10)), (30, 30, 300, false));
        assert_eq!(window(each_day(365, 2)), (60, 60, 120, true));
        // A message a week: as long as allowed, and no longer.
        assert_eq!(window((0..52).rev().map(|week| (week * 7, 0, 1))), (180, 26, 26, true));
        // There is nothing before: a longer window would hold no more.
        assert_eq!(window(each_day(10, 1)), (30, 10, 10, false));
        assert_eq!(window([(45, 0, 1), (3, 0, 1)]), (60, 2, 2, true));
        // Without reports for a month it reaches back to those before.
        assert_eq!(window((35..300).rev().map(|ago| (ago, 0, 10))), (60, 25, 250, true));
    }

    #[test]
    fn a_policy_counts_since_it_was_last_another_one() {
        let days = [(9, 0), (8, 0), (7, 1), (6, 1), (5, 0), (4, 0), (2, 1), (1, 1), (0, 3)];
        let policies = reported(days.map(|(ago, policy)| (ago, policy, 1))).policies();
        let first = PolicyDays { policy: Policy::Quarantine, days: 2, first: TODAY - 2, last: TODAY - 1 };
        let second = PolicyDays { policy: Policy::None, days: 2, first: TODAY - 5, last: TODAY - 4 };
        assert_eq!(policies, [first, second]);
        assert_eq!(reported([]).policies(), []);
    }

    #[test]
    fn a_stray_day_does_not_begin_the_count_anew() {
        let days = [(5, 1), (4, 1), (3, 0), (2, 1), (1, 1)];
        let policies = reported(days.map(|(ago, policy)| (ago, policy, 1))).policies();
        assert_eq!(
            policies,
            [PolicyDays { policy: Policy::Quarantine, days: 4, first: TODAY - 5, last: TODAY - 1 }]
        );
        let raised = [(5, 0), (4, 0), (3, 1)];
        let policies = reported(raised.map(|(ago, policy)| (ago, policy, 1))).policies();
        assert_eq!(
            policies[0],
            PolicyDays { policy: Policy::Quarantine, days: 1, first: TODAY - 3, last: TODAY - 3 }
        );
    }
}
