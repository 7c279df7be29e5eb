//! Block lists (RFC 5782).

use super::{Check, Mechanism, Resolver, finding::codes};

/// How it stands.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Outcome {
    /// The findings and what they rest on.
    #[serde(flatten)]
    pub check: Check,
}

/// Examines `domain`.
pub async fn examine(_resolver: &Resolver, _domain: &str) -> Outcome {
    Outcome { check: Check::new(Mechanism::Dnsbl) }
}

codes! {}
