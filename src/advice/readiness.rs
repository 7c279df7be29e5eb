mod measure;

use serde::Serialize;

use super::step::percent;
use ruad_common::texts::{Language, fill};
use ruad_dns::dmarc::Policy;

pub(in crate::advice) use measure::{Shares, gates, is_recent, subdomain_gate};

/// Whether the policy can be raised, and what that rests on.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Readiness {
    /// To which policy.
    pub target: Policy,
    /// Every condition, those that are met too.
    pub gates: Vec<Gate>,
}

/// A condition for raising the policy. `wanted` and `found` are in the unit of the gate: days, messages, or shares from 0 to
/// 1.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Gate {
    /// Its stable name; texts explain it.
    pub name: &'static str,
    /// Whom it is about, when it is not the domain as a whole: a sender's name.
    pub subject: String,
    /// What there must be.
    pub wanted: f64,
    /// What there is.
    pub found: f64,
    /// Whether that is enough.
    pub is_met: bool,
    /// What else is to be said: `window_grown` (there is little mail, so more days are looked at), `longest_window` (there is
    /// so little that what there is has to do), `nothing_seen` (no mail of that kind was seen).
    pub note: Option<&'static str>,
}

impl Readiness {
    /// Whether every condition is met.
    pub fn is_ready(&self) -> bool {
        self.gates.iter().all(|gate| gate.is_met)
    }
}

impl Gate {
    /// Days with reports under the present policy.
    pub const DAYS: &'static str = "days";
    /// Days since the newest report: at most so many.
    pub const RECENT: &'static str = "recent";
    /// Messages in the window.
    pub const MESSAGES: &'static str = "messages";
    /// The share of the owner's mail that passes.
    pub const LEGITIMATE: &'static str = "legitimate";
    /// The share of one sender's mail that passes.
    pub const SENDER: &'static str = "sender";
    /// The share of all mail that is from one sender about whom nothing is decided: at most so much.
    pub const UNDECIDED: &'static str = "undecided";
    /// The share of the owner's mail that has an aligned signature.
    pub const DKIM: &'static str = "dkim";
    /// The share of the owner's mail from subdomains that passes.
    pub const SUBDOMAINS: &'static str = "subdomains";
    /// All of them.
    pub const ALL: [&'static str; 8] = [
        Self::DAYS,
        Self::RECENT,
        Self::MESSAGES,
        Self::LEGITIMATE,
        Self::SENDER,
        Self::UNDECIDED,
        Self::DKIM,
        Self::SUBDOMAINS,
    ];

    /// One sentence with the exact numbers.
    pub fn text(&self, language: Language) -> String {
        let is_share = !matches!(self.name, Self::DAYS | Self::RECENT | Self::MESSAGES);
        let number = |value: f64| if is_share { percent(value, language) } else { format!("{value:.0}") };
        let (wanted, found) = (number(self.wanted), number(self.found));
        let value = |name: &str| match name {
            "wanted" => Some(wanted.as_str()),
            "found" => Some(found.as_str()),
            "subject" => Some(self.subject.as_str()),
            _ => None,
        };
        let key = match self.name {
            Self::UNDECIDED if self.subject.is_empty() => "undecided_nobody",
            Self::RECENT if self.found >= measure::NEVER.into() => "recent_never",
            name => name,
        };
        let mut text = fill(language.find(&format!("stage.gate.{key}")).unwrap_or(self.name), value);
        if let Some(note) = self.note.and_then(|note| language.find(&format!("stage.note.{note}"))) {
            text.extend([" ", note]);
        }
        text
    }

    /// How much of it there is, from 0 to 1.
    pub(in crate::advice) fn fraction(&self) -> f64 {
        if self.is_met {
            return 1.0;
        }
        let is_limit = matches!(self.name, Self::RECENT | Self::UNDECIDED);
        let (part, whole) = if is_limit { (self.wanted, self.found) } else { (self.found, self.wanted) };
        if whole > 0.0 { (part / whole).clamp(0.0, 0.99) } else { 0.0 }
    }
}
