//! The name servers of the zone a domain is in (RFC 1034 section 4.1, RFC 2182).

pub mod check;
mod direct;
mod parent;
mod server;

use std::time::Duration;

use futures_util::future::join_all;
use serde::Serialize;

use super::{Answer, Check, Mechanism, Resolver};
use ruad_common::domain_name::parents;

pub use check::CODES;
pub use server::{Asked, Server, Told};

/// How it stands.
#[derive(Clone, Debug, Serialize)]
pub struct Outcome {
    /// The findings and what they rest on.
    #[serde(flatten)]
    pub check: Check,
    /// The zone: the domain, or the first name above it that has name servers.
    pub zone: Option<String>,
    /// Its name servers, by name.
    pub servers: Vec<Server>,
}

/// Whether and how each name server is asked by itself.
#[derive(Clone, Debug, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Whether it is. Needs a way to port 53 of everybody; where there is none, nothing is said about servers that do
    /// not answer.
    pub ask_each: bool,
    /// How long one question may take, repetitions included; seconds.
    #[serde(with = "ruad_common::seconds")]
    pub timeout: Duration,
    /// The port they answer at.
    pub port: u16,
    /// Whether servers with private and loopback addresses are asked.
    pub private_addresses: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self { ask_each: true, timeout: Duration::from_secs(3), port: 53, private_addresses: false }
    }
}

/// Examines the zone `domain` is in.
pub async fn examine(resolver: &Resolver, domain: &str, settings: &Settings) -> Outcome {
    let mut outcome = Outcome { check: Check::new(Mechanism::Ns), zone: None, servers: Vec::new() };
    let Some((zone, mut names)) = outcome.find_zone(resolver, domain).await else { return outcome };
    names.sort();
    names.dedup();
    for name in &names {
        outcome.check.observe(&zone, "NS", name);
    }
    outcome.check.fact("servers", names.join(", "));
    check::names(&mut outcome.check, &zone, &names);
    names.truncate(SERVERS);
    let mut servers = join_all(names.into_iter().map(|name| Server::resolve(resolver, name))).await;
    check::addresses(&mut outcome.check, &zone, &servers);
    if settings.ask_each {
        let mut asked = Vec::new();
        for server in &mut servers {
            asked.push(server.ask(resolver, &zone, domain, settings));
        }
        join_all(asked).await;
        check::answers(&mut outcome.check, &zone, domain, &servers);
        let delegation = parent::delegation(resolver, &zone, settings).await;
        check::delegation(&mut outcome.check, &zone, &servers, delegation.as_deref());
    }
    outcome.zone = Some(zone);
    outcome.servers = servers;
    outcome
}

impl Outcome {
    /// The zone and the names of its servers. A domain that does not exist has none; neither does one below which only
    /// a top-level domain answers.
    async fn find_zone(&mut self, resolver: &Resolver, domain: &str) -> Option<(String, Vec<String>)> {
        for name in parents(domain) {
            if name != domain && !name.contains('.') {
                break;
            }
            match resolver.ns(name).await {
                // The name servers of what a name is an alias of are somebody else's.
                Answer::Found(found) if found.alias.is_none() => {
                    return Some((name.to_owned(), found.records));
                }
                Answer::NoName if name == domain => return None,
                Answer::Found(_) | Answer::NoData | Answer::NoName => {}
                Answer::Unknown(trouble) => {
                    self.check.unanswered(name, trouble);
                    self.check.unknown_fact("servers");
                    return None;
                }
            }
        }
        None
    }
}

/// More servers than this are not looked at.
const SERVERS: usize = 16;
