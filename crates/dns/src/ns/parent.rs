//! What the zone above says: resolvers begin with the servers it names.

use std::net::SocketAddr;

use hickory_resolver::proto::{op::ResponseCode, rr::RecordType};

use super::{Server, Settings, direct, server};
use crate::{Answer, Resolver};
use ruad_common::domain_name::parents;

/// The name servers of `zone` as the zone above names them, sorted; `None` when that could not be told.
pub(super) async fn delegation(resolver: &Resolver, zone: &str, settings: &Settings) -> Option<Vec<String>> {
    for name in servers_above(resolver, zone).await?.into_iter().take(SERVERS) {
        let server = Server::resolve(resolver, name).await;
        for address in server.addresses.iter().take(ADDRESSES) {
            let asked = SocketAddr::new(*address, settings.port);
            let reply = direct::ask(resolver, asked, settings, zone, RecordType::NS).await;
            let Some(reply) =
                reply.filter(|reply| reply.code == ResponseCode::NoError && !reply.is_truncated)
            else {
                continue;
            };
            // A server of both zones answers from the lower one.
            let servers = if reply.records.is_empty() { reply.delegated } else { reply.records };
            return Some(server::texts(&servers)).filter(|servers| !servers.is_empty());
        }
    }
    None
}

async fn servers_above(resolver: &Resolver, zone: &str) -> Option<Vec<String>> {
    for name in parents(zone).skip(1) {
        match resolver.ns(name).await {
            Answer::Found(found) if found.alias.is_none() => return Some(found.records),
            Answer::Unknown(_) => return None,
            _ => {}
        }
    }
    None
}

/// Servers of the zone above that are tried, and addresses of each.
const SERVERS: usize = 3;
const ADDRESSES: usize = 2;
