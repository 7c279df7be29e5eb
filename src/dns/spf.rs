//! SPF (RFC 7208): the record, the tree of includes, what it costs.

mod evaluate;
mod macros;
mod network;
mod problem;
mod record;
mod select;
mod term;

pub use evaluate::{Client, Evaluation, Verdict, check_host};
pub use macros::{MacroFault, MacroProblem, MacroString, Place, Values};
pub use network::{Addresses, Network};
pub use problem::Problem;
pub use record::{Fault, Meaning, Mechanism, Prefixes, Qualifier, Record, Term, is_record};
pub use select::{Selection, Source, Stray, StrayReason};

use super::{Check, Resolver, finding::codes};

/// How it stands.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Outcome {
    /// The findings and what they rest on.
    pub check: Check,
}

/// Examines `domain`.
pub async fn examine(_resolver: &Resolver, _domain: &str) -> Outcome {
    Outcome { check: Check::new(super::Mechanism::Spf) }
}

codes! {}
