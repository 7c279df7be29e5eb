//! SPF (RFC 7208): the record, the tree of includes, what it costs.

mod macros;
mod network;
mod problem;
mod record;
mod term;

pub use macros::{MacroFault, MacroProblem, MacroString, Place, Values};
pub use network::{Addresses, Network};
pub use problem::Problem;
pub use record::{Fault, Meaning, Mechanism as RecordMechanism, Prefixes, Qualifier, Record, Term, is_record};

use super::{Check, Mechanism, Resolver, finding::codes};

/// How it stands.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Outcome {
    /// The findings and what they rest on.
    pub check: Check,
}

/// Examines `domain`.
pub async fn examine(_resolver: &Resolver, _domain: &str) -> Outcome {
    Outcome { check: Check::new(Mechanism::Spf) }
}

codes! {}
