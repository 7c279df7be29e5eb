use serde::Serialize;

/// How far a domain is.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Stage {
    /// No DMARC record in force, or its reports do not reach us.
    Unprotected,
    /// `p=none`, and reports arrive.
    Monitoring,
    /// `p=none`, reports have told who sends, and senders are being set up.
    Aligning,
    /// `p=quarantine`.
    Quarantine,
    /// `p=reject`.
    Reject,
    /// The policy the owner wants has stood for the configured time and nothing is left to do but to keep it so.
    Maintained,
}

impl Stage {
    /// All of them, in their order.
    pub const ALL: [Self; 6] = [
        Self::Unprotected,
        Self::Monitoring,
        Self::Aligning,
        Self::Quarantine,
        Self::Reject,
        Self::Maintained,
    ];

    /// Its stable name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Unprotected => "unprotected",
            Self::Monitoring => "monitoring",
            Self::Aligning => "aligning",
            Self::Quarantine => "quarantine",
            Self::Reject => "reject",
            Self::Maintained => "maintained",
        }
    }

    /// The stage of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|stage| stage.name() == name)
    }
}
