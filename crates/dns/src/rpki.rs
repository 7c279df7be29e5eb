//! RPKI: whether the routes to mail servers and name servers are those that the holders of the addresses authorised
//! (RFC 6811).
//!
//! Two things are needed that DNS does not have: the validated payloads of ROAs, as a validator (rpki-client, Routinator)
//! writes them, and the routes that there are, as RIPE's routing information service publishes them. Without the first
//! nothing can be told; without the second it can be told that there is no ROA, but not whether a route is valid.

mod payloads;
mod prefix;
mod routes;

use std::{collections::BTreeSet, net::IpAddr};

use serde::Serialize;

use super::{Check, Mechanism, Trouble, finding::codes, mx, ns, special};

pub use payloads::{Payload, Payloads, State};
pub use prefix::Prefix;
pub use routes::{Route, Routes};

/// How it stands.
#[derive(Clone, Debug, Serialize)]
pub struct Outcome {
    /// The findings and what they rest on.
    #[serde(flatten)]
    pub check: Check,
    /// The addresses that were looked at.
    pub addresses: Vec<Address>,
}

/// An address of a server.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Address {
    /// The server.
    pub host: String,
    /// Its address.
    pub address: IpAddr,
    /// Whether a ROA is there for it.
    pub has_roa: bool,
    /// The routes to it, and what the ROAs say of each; none when the routes are not known.
    pub routes: Vec<Judged>,
}

/// A route and what the ROAs say of it.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Judged {
    /// The route.
    #[serde(flatten)]
    pub route: Route,
    /// What the ROAs say.
    pub state: State,
}

/// What is needed beside DNS.
#[derive(Clone, Debug, Default)]
pub struct Tables {
    /// The validated payloads of all ROAs.
    pub payloads: Payloads,
    /// The routes; empty when they are not known.
    pub routes: Routes,
}

codes! {
    /// An address of a mail server without a ROA.
    MX_MISSING = "rpki.mx_missing", Info;
    /// A route to a mail server that its ROAs do not allow.
    MX_INVALID = "rpki.mx_invalid", Error;
    /// An address of a name server without a ROA.
    NS_MISSING = "rpki.ns_missing", Info;
    /// A route to a name server that its ROAs do not allow.
    NS_INVALID = "rpki.ns_invalid", Error;
}

/// Looks the addresses of the servers up, without a question. `tables` are missing for a reason.
pub fn examine(
    domain: &str,
    mx: &mx::Outcome,
    ns: &ns::Outcome,
    tables: Result<&Tables, Trouble>,
) -> Outcome {
    let mut outcome = Outcome { check: Check::new(Mechanism::Rpki), addresses: Vec::new() };
    let tables = match tables {
        Ok(tables) => tables,
        Err(trouble) => {
            outcome.check.unanswered(domain, trouble);
            return outcome;
        }
    };
    outcome.check.unknown.extend(mx.check.unknown.iter().chain(&ns.check.unknown).cloned());
    let of_mx =
        mx.hosts.iter().flat_map(|host| host.addresses().map(|address| (host.name.as_str(), address)));
    let of_ns = ns.servers.iter();
    let of_ns =
        of_ns.flat_map(|server| server.addresses.iter().map(|address| (server.name.as_str(), *address)));
    outcome.look(of_mx, tables, [MX_MISSING, MX_INVALID]);
    outcome.look(of_ns, tables, [NS_MISSING, NS_INVALID]);
    outcome
}

impl Outcome {
    fn look<'a>(
        &mut self,
        servers: impl Iterator<Item = (&'a str, IpAddr)>,
        tables: &Tables,
        [missing, invalid]: [super::Code; 2],
    ) {
        let servers: BTreeSet<_> = servers.filter(|(_, address)| special(*address).is_none()).collect();
        let mut bare: Vec<String> = Vec::new();
        let mut name = "";
        for (host, address) in servers.into_iter().take(MOST_ADDRESSES) {
            let found = tables.look_up(host, address);
            let wrong = found.routes.iter().find(|judged| matches!(judged.state, State::Invalid { .. }));
            if let Some(Judged { route, state }) = wrong {
                let detail = format!("The route to {host} ({address}) is invalid: {route} {state}.");
                self.check.find(invalid.at(host, None, detail));
            } else if !found.has_roa {
                name = if bare.is_empty() { host } else { name };
                bare.push(format!("{host} ({address})"));
            }
            self.addresses.push(found);
        }
        if !bare.is_empty() {
            let detail = format!("No ROA covers {}.", bare.join(", "));
            self.check.find(missing.at(name, None, detail));
        }
    }
}

impl Tables {
    fn look_up(&self, host: &str, address: IpAddr) -> Address {
        let routes: Vec<_> = self
            .routes
            .to(address)
            .map(|route| Judged { state: self.payloads.state(&route), route })
            .collect();
        // Which route leads there decides which ROA is for it; where no route is known, any that holds the address may be.
        let has_roa = match routes.is_empty() {
            true => self.payloads.covers(Prefix::host(address)),
            false => routes.iter().all(|judged| judged.state != State::NotFound),
        };
        Address { host: host.to_owned(), address, has_roa, routes }
    }
}

/// A domain can name hundreds of servers.
const MOST_ADDRESSES: usize = 64;

#[cfg(test)]
mod tests;
