//! Whether mail to a domain can be delivered at all.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::future::join_all;
use tokio::join;

use super::{Resolver, Trouble};

/// Where mail to a domain goes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Delivery {
    /// To its MX hosts.
    Mx,
    /// To the host of that name, because there is no MX record (RFC 5321 section 5.1).
    Address,
    /// Nowhere: a null MX (RFC 7505), or neither MX nor address.
    Nowhere,
    /// Nobody could tell.
    Unknown(Trouble),
}

/// Where mail to each of `domains` goes.
pub(super) async fn deliveries<'a>(
    resolver: &Resolver,
    domains: &BTreeSet<&'a str>,
) -> BTreeMap<&'a str, Delivery> {
    join_all(domains.iter().map(async |domain| (*domain, delivery(resolver, domain).await)))
        .await
        .into_iter()
        .collect()
}

async fn delivery(resolver: &Resolver, domain: &str) -> Delivery {
    let mx = resolver.mx(domain).await;
    if let Some(trouble) = mx.trouble() {
        return Delivery::Unknown(trouble);
    }
    match mx.records() {
        [] => {}
        hosts if hosts.iter().all(|mx| mx.exchange.is_empty()) => return Delivery::Nowhere,
        _ => return Delivery::Mx,
    }
    let (v4, v6) = join!(resolver.a(domain), resolver.aaaa(domain));
    if !v4.records().is_empty() || !v6.records().is_empty() {
        return Delivery::Address;
    }
    v4.trouble().or(v6.trouble()).map_or(Delivery::Nowhere, Delivery::Unknown)
}
