//! SPF (RFC 7208): the record, the tree of includes, what it costs.
//!
//! [`examine`] gives a domain's whole [tree](Branch), also when a receiver would give up, and says what is wrong with it;
//! [`check_host`] says what the record says of one sender. Both read the same [`Record`].

mod check;
mod evaluate;
mod gather;
mod grow;
mod limits;
mod macros;
mod modifier;
mod network;
mod overlap;
mod problem;
mod record;
mod select;
mod term;
mod tree;
mod walk;

pub use check::*;
pub use evaluate::{Client, Evaluation, Verdict, check_host};
pub use macros::{MacroFault, MacroProblem, MacroString, Place, Values};
pub use network::{Addresses, Network};
pub use problem::Problem;
pub use record::{Fault, Meaning, Mechanism, Prefixes, Qualifier, Record, Term, is_record};
pub use select::{Selection, Source, Stray, StrayReason};
pub use tree::{Branch, Cost, Kind, Node, TermTrouble};

use tokio::task::yield_now;

use super::{Check, Resolver};

/// How it stands.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Outcome {
    /// The findings and what they rest on.
    #[serde(flatten)]
    pub check: Check,
    /// The record with all it includes; nothing when there is none, or several.
    pub tree: Option<Branch>,
}

/// Examines `domain`.
pub async fn examine(resolver: &Resolver, domain: &str) -> Outcome {
    let (gathered, obsolete) = tokio::join!(gather::Gathered::ask(resolver, domain), resolver.spf(domain));
    let mut check = Check::new(super::Mechanism::Spf);
    // The work grows with what was gathered, and others wait for this thread.
    yield_now().await;
    let tree = grow::grow(&gathered, domain);
    yield_now().await;
    check::report(&mut check, &gathered, domain, tree.as_ref());
    if !obsolete.records().is_empty() {
        let detail = format!("{domain} has records of the type SPF (99), which nobody asks for.");
        check.find(check::TYPE_99.at(domain, None, detail));
    }
    Outcome { check, tree }
}
