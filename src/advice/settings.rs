use std::time::Duration;

use ruad_registry::MIN_INTERVAL;

/// When a domain may go on, and what a certificate takes.
#[derive(Clone, Debug, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Whether plans are drawn at all.
    pub enabled: bool,
    /// How often every plan is drawn anew; seconds.
    #[serde(with = "ruad_common::seconds")]
    pub interval: Duration,
    /// Days with reports under the present policy before it is raised. RFC 9989 section 7 asks for a month each.
    pub days_at_policy: u32,
    /// How much of the legitimate mail must pass, from 0 to 1.
    pub aligned_share: f64,
    /// How much of each approved sender's mail must pass.
    pub sender_share: f64,
    /// How much of all mail may come from one sender about whom nothing is decided.
    pub undecided_share: f64,
    /// Messages that a window must hold. It grows until it does, up to `longest_window`.
    pub messages: u64,
    /// The longest window; days.
    pub longest_window: u32,
    /// A term of SPF from which nobody sent for so long is superfluous; days.
    pub unused_days: u32,
    /// How long a perfect score and the wanted policy must have stood before there is a certificate; days.
    pub certificate_days: u32,
    /// Where reports reach this installation: `health.reports_to`.
    #[serde(skip)]
    pub reports_to: Vec<String>,
}

impl Settings {
    /// Says what cannot be used as it is: the key, its value and what it should be.
    pub(crate) fn mistake(&self) -> Option<(&'static str, String, &'static str)> {
        if self.interval < MIN_INTERVAL {
            return Some(("advice.interval", self.interval.as_secs_f64().to_string(), "1 second or more"));
        }
        let shares = [
            ("advice.aligned_share", self.aligned_share),
            ("advice.sender_share", self.sender_share),
            ("advice.undecided_share", self.undecided_share),
        ];
        let share = shares.into_iter().find(|(_, share)| !(0.0..=1.0).contains(share));
        share.map(|(key, share)| (key, share.to_string(), "from 0 to 1"))
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            enabled: true,
            interval: Duration::from_secs(3_600),
            days_at_policy: 30,
            aligned_share: 0.98,
            sender_share: 0.95,
            undecided_share: 0.01,
            messages: 100,
            longest_window: 180,
            unused_days: 90,
            certificate_days: 30,
            reports_to: Vec::new(),
        }
    }
}
