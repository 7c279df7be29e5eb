//! DKIM keys (RFC 6376, RFC 8301, RFC 8463): which are published, and what is wrong with them.
//!
//! DNS cannot list selectors. They come from reports, from the registry, and from a list of common ones.

mod absence;
mod base64;
mod check;
mod codes;
mod common;
mod der;
mod key;
mod look_up;
mod record;
mod selector;

use std::{cmp::Reverse, time::Duration};

use serde::Serialize;

use self::look_up::Looked;
use super::{Check, Resolver};

pub use codes::*;
pub use common::common;
pub use key::{Kind, PublicKey};
pub use look_up::is_same_service;
pub use record::{Content, Fault, Record};
pub use selector::{Origin, Selector};

/// How it stands.
#[derive(Clone, Debug, Serialize)]
pub struct Outcome {
    /// The findings and what they rest on.
    #[serde(flatten)]
    pub check: Check,
    /// Every selector with a record, in alphabetical order.
    pub keys: Vec<Published>,
    /// What is published for selectors that nobody set up (`*._domainkey`), if anything; the selector is `*`.
    pub wildcard: Option<Published>,
    /// Whether `_domainkey.<domain>` exists, as far as that could be told. It must when there are keys below it
    /// (RFC 8020), and a receiver may stop there when it does not.
    pub domainkey_exists: Option<bool>,
}

/// A record at a selector.
#[derive(Clone, Debug, Serialize)]
pub struct Published {
    /// The selector.
    pub selector: String,
    /// How it is known.
    pub origin: Origin,
    /// The name that was asked for.
    pub name: String,
    /// The name that holds the record, when the selector is an alias (CNAME) of it: then somebody else, usually
    /// the service that signs, keeps the key.
    pub alias: Option<String>,
    /// The record as it was found; the first one when there are several.
    pub text: String,
    /// What it says.
    #[serde(flatten)]
    pub record: Record,
    /// How long the answer may be remembered.
    // What is left of it changes from moment to moment.
    #[serde(skip)]
    pub ttl: Duration,
}

impl Published {
    /// The key, when it can be read.
    pub fn key(&self) -> Option<&PublicKey> {
        match &self.record.content {
            Content::Key(key) => Some(key),
            Content::Revoked | Content::Broken => None,
        }
    }
}

/// Examines the selectors of `domain`, of which those from the registry come first when there are too many.
///
/// The common selectors are asked for when the caller puts them into `selectors`, but only where something can be
/// below `_domainkey` (RFC 8020), or where it would be a fault that there is nothing.
pub async fn examine(resolver: &Resolver, domain: &str, selectors: &[Selector]) -> Outcome {
    let mut looked = Looked::up(resolver, domain, selectors).await;
    if looked.has_skipped() && matches!(absence::sends(resolver, domain).await, Ok(true)) {
        looked.ask_skipped(resolver).await;
    }
    let mut outcome = check::Examination::of(domain, &looked);
    absence::examine(resolver, domain, &looked, &mut outcome).await;
    outcome.keys.sort_by(|a, b| a.selector.cmp(&b.selector));
    outcome.check.findings.sort_by_key(|finding| Reverse(finding.code.severity));
    outcome
}

/// The value of the fact `key:<selector>` when the key is revoked.
pub const REVOKED_KEY: &str = "revoked";
