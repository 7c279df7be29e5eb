use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::{
    catalog::{Catalog, Clues},
    category::Category,
    networks::Network,
    reverse::Reverse,
};

/// What is known of one address: a row of the dimension `sources`.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct SourceRow {
    /// The address; never an IPv4 address written as IPv6.
    pub ip: IpAddr,
    /// Its reverse name, normalized.
    pub reverse_name: Option<String>,
    /// Whether that name leads back to the address. One that does not may be anybody's invention.
    pub reverse_confirmed: bool,
    /// The number of its autonomous system.
    pub asn: Option<u32>,
    /// The name of its autonomous system.
    pub as_name: Option<String>,
    /// Its country, as the two letters of ISO 3166-1.
    pub country: Option<String>,
    /// The id of the service it belongs to.
    pub service: Option<String>,
    /// What that service does.
    pub category: Option<Category>,
    /// When this was found out; seconds since the epoch.
    pub checked_at: u64,
    /// When to find it out again; seconds since the epoch. A name that is missing, and above all a question
    /// that was not answered, must not stay in the store for good.
    pub recheck_at: u64,
}

impl SourceRow {
    pub(super) fn new(ip: IpAddr, reverse: Reverse, network: Network, catalog: &Catalog) -> Self {
        let clues = Clues {
            dkim_domain: None,
            reverse_name: reverse.name.as_deref().filter(|_| reverse.confirmed),
            asn: network.asn,
        };
        let service = catalog.identify(&clues);
        Self {
            ip,
            service: service.map(|service| service.id.clone()),
            category: service.map(|service| service.category),
            reverse_name: reverse.name,
            reverse_confirmed: reverse.confirmed,
            asn: network.asn,
            as_name: network.as_name,
            country: network.country,
            checked_at: 0,
            recheck_at: 0,
        }
    }
}
