use std::time::Duration;

/// When a domain may go on, and what a certificate takes.
#[derive(Clone, Debug, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Whether plans are drawn at all.
    pub enabled: bool,
    /// How often every plan is drawn anew; seconds.
    #[serde(with = "crate::config::seconds")]
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
        }
    }
}
