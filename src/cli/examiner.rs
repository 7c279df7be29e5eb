//! What the commands that ask DNS by themselves have in common.

use std::net::SocketAddr;

use ruad::{
    config::Settings,
    health::{
        Examiner, Routing, RoutingSettings,
        probe::{Https, https, roots},
    },
};
use ruad_dns::{Resolver, Validator, ns};

/// An examiner that asks the name servers of the settings, with answers remembered for the length of a command.
pub(super) fn examiner(settings: &Settings) -> anyhow::Result<Examiner> {
    let (dns, private_addresses) = (&settings.dns, settings.health.private_addresses);
    let resolver = Resolver::new(dns, CACHE_ENTRIES, OUTSTANDING)?;
    let validator = Validator::new(dns, CACHE_ENTRIES, OUTSTANDING_VALIDATED)?;
    let policies = https::Settings { private_addresses, ..Default::default() };
    let https = Https::new(roots(None)?, resolver.clone(), policies)?;
    let name_servers = ns::Settings { private_addresses, ..Default::default() };
    Ok(Examiner::new(resolver, validator).with_https(https).with_name_servers(name_servers))
}

/// The routes of the settings, read.
pub(super) fn routing(settings: &RoutingSettings) -> anyhow::Result<Routing> {
    let routing = Routing::new(settings);
    routing.renew()?;
    Ok(routing)
}

/// A name server on the command line; the port may be left out.
pub(super) fn server(text: &str) -> Result<SocketAddr, String> {
    let address = text.parse().or_else(|_| text.parse().map(|ip| SocketAddr::new(ip, 53)));
    address.map_err(|_| "not an address, with or without a port".to_owned())
}

/// Domains examined at once; they share the 200 questions that may be open.
pub(super) const AT_ONCE: usize = 300;
const OUTSTANDING: usize = 150;
const OUTSTANDING_VALIDATED: usize = 50;
/// What several domains share is in few answers; within one nothing is asked twice.
const CACHE_ENTRIES: u64 = 5_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_may_be_named_without_a_port() {
        assert_eq!(server("192.0.2.53").unwrap(), "192.0.2.53:53".parse().unwrap());
        assert_eq!(server("::1").unwrap(), "[::1]:53".parse().unwrap());
        assert_eq!(server("[::1]:5353").unwrap(), "[::1]:5353".parse().unwrap());
        assert!(server("dns.example").is_err());
    }
}
