use clickhouse::Row;
use serde::Deserialize;

use super::Date;

/// What the latest plan of a domain says, and what came before it.
#[derive(Clone, Debug, Deserialize, PartialEq, Row)]
pub struct Latest {
    /// The domain.
    pub domain: String,
    /// When the plan was drawn; seconds since 1970.
    pub computed_at: u32,
    /// The score; negative while something was never told.
    pub score: f32,
    /// The DMARC policy in force; empty without one.
    pub policy: String,
    /// The first day on which it was not perfect any more, since the last on which it was; 0 for none. Days since 1970.
    pub lost_day: u16,
}

/// Whether a certificate holds now.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Standing {
    /// What it asks for is so.
    Valid {
        /// When that was seen; seconds since 1970.
        confirmed_at: u64,
    },
    /// What it asks for is not so any more, or nobody looks after the domain here any more.
    Void {
        /// Since when, when that is known.
        since: Option<Date>,
    },
    /// Nobody can tell: there is no recent examination, or it could not tell.
    Unconfirmed,
}

impl Standing {
    /// How a certificate stands at `now`, seconds since 1970, by the latest plan of its domain; `is_active` says whether the
    /// registry still has it.
    pub fn of(latest: Option<&Latest>, is_active: bool, now: u64) -> Self {
        if !is_active {
            return Self::Void { since: None };
        }
        let Some(latest) = latest else { return Self::Unconfirmed };
        let confirmed_at = u64::from(latest.computed_at);
        // A plan from the future is that of a clock that was wrong.
        if now.saturating_sub(confirmed_at) > STALE || confirmed_at > now.saturating_add(CLOCKS_DIFFER) {
            return Self::Unconfirmed;
        }
        match latest.has_all() {
            Some(true) => Self::Valid { confirmed_at },
            Some(false) => {
                let since = Some(latest.lost_day).filter(|day| *day > 0);
                Self::Void { since: since.map(|day| Date::from_days(day.into())) }
            }
            None => Self::Unconfirmed,
        }
    }

    /// Its stable name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Valid { .. } => "valid",
            Self::Void { .. } => "void",
            Self::Unconfirmed => "unconfirmed",
        }
    }
}

impl Latest {
    /// Whether score and policy are what a certificate asks for; none when that could not be told.
    fn has_all(&self) -> Option<bool> {
        let is_known = self.score >= 0.0;
        match self.policy.as_str() {
            REJECT if self.score >= BEST => Some(true),
            REJECT | "" if !is_known => None,
            _ => Some(false),
        }
    }
}

pub(super) const REJECT: &str = "reject";
const BEST: f32 = 5.0;

/// Plans are drawn every hour; a weekend's trouble with them is no reason to doubt a domain, but a longer one is; seconds.
const STALE: u64 = 2 * 86_400;
const CLOCKS_DIFFER: u64 = 3_600;

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_795_219_200;

    fn latest(score: f32, policy: &str) -> Latest {
        let computed_at = u32::try_from(NOW).unwrap() - 600;
        Latest { domain: "a.example".into(), computed_at, score, policy: policy.into(), lost_day: 0 }
    }

    #[test]
    fn the_latest_plan_decides() {
        let valid = Standing::Valid { confirmed_at: NOW - 600 };
        let void = Standing::Void { since: None };
        for (score, policy, standing) in [
            (5.0, "reject", valid),
            (4.9, "reject", void),
            (5.0, "quarantine", void),
            (5.0, "", void),
            (4.0, "", void),
            (0.0, "reject", void),
            (-1.0, "reject", Standing::Unconfirmed),
            (-1.0, "", Standing::Unconfirmed),
            (-1.0, "none", void),
            (-1.0, "quarantine", void),
        ] {
            assert_eq!(Standing::of(Some(&latest(score, policy)), true, NOW), standing, "{score} {policy}");
        }
        assert_eq!(Standing::of(None, true, NOW), Standing::Unconfirmed);
    }

    #[test]
    fn who_is_not_looked_after_any_more_has_none() {
        let good = latest(5.0, "reject");
        assert_eq!(Standing::of(Some(&good), false, NOW), Standing::Void { since: None });
        assert_eq!(Standing::of(None, false, NOW), Standing::Void { since: None });
    }

    #[test]
    fn an_old_plan_tells_nothing() {
        let good = latest(5.0, "reject");
        let bad = Latest { lost_day: 20_000, ..latest(1.0, "none") };
        let drawn = u64::from(good.computed_at);
        for (now, is_known) in
            [(drawn, true), (drawn + STALE, true), (drawn + STALE + 1, false), (drawn - 3_601, false)]
        {
            for plan in [&good, &bad] {
                assert_eq!(Standing::of(Some(plan), true, now) != Standing::Unconfirmed, is_known, "{now}");
            }
        }
    }

    #[test]
    fn it_is_told_since_when() {
        let bad = Latest { lost_day: 20_770, ..latest(3.0, "reject") };
        let since = Some(Date::from_days(20_770));
        assert_eq!(Standing::of(Some(&bad), true, NOW), Standing::Void { since });
    }
}
