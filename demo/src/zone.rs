//! What the reporters' DNS zones say, for a resolver that must not leave the machine.

use std::collections::BTreeSet;
use std::net::IpAddr;

use crate::mail::{dkim, origins};
use crate::world::{organisation, pools};

/// The data of a record.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Data {
    /// TXT; longer than one character-string if need be.
    Txt(String),
    /// A or AAAA.
    Address(IpAddr),
    /// PTR.
    Name(String),
}

/// All records as (name without a trailing dot, data), each once.
pub fn records() -> BTreeSet<(String, Data)> {
    let mut records = BTreeSet::new();
    for origin in origins() {
        for key in origin.keys {
            let name = format!("{}._domainkey.{}", key.selector, key.domain);
            records.insert((name, Data::Txt(dkim::record(key.algorithm))));
        }
        if let Some(dmarc) = origin.dmarc {
            records.insert((format!("_dmarc.{}", organisation(origin.from)), Data::Txt(dmarc.to_owned())));
        }
        records.insert((origin.helo.to_owned(), Data::Address(origin.client.into())));
        records.insert((reverse(origin.client.into()), Data::Name(origin.helo.to_owned())));
    }
    for (domain, record) in spf() {
        records.insert((domain.to_owned(), Data::Txt(record)));
    }
    for pool in pools::ALL {
        for (address, name) in pool.reverse_names() {
            records.insert((reverse(address), Data::Name(name.clone())));
            records.insert((name, Data::Address(address)));
        }
    }
    records
}

/// One SPF record for every domain that appears in a reverse-path.
fn spf() -> Vec<(&'static str, String)> {
    let domains: BTreeSet<&'static str> = origins().into_iter().map(|origin| origin.bounces).collect();
    domains
        .into_iter()
        .map(|domain| {
            let clients: BTreeSet<_> = origins()
                .into_iter()
                .filter(|origin| origin.bounces == domain)
                .map(|origin| format!("ip4:{} ", origin.client))
                .collect();
            (domain, format!("v=spf1 {}-all", clients.into_iter().collect::<String>()))
        })
        .collect()
}

/// The name that an address's PTR record stands at.
fn reverse(address: IpAddr) -> String {
    match address {
        IpAddr::V4(v4) => {
            let [a, b, c, d] = v4.octets();
            format!("{d}.{c}.{b}.{a}.in-addr.arpa")
        }
        IpAddr::V6(v6) => {
            let digits = format!("{:032x}", u128::from(v6));
            let labels: Vec<String> = digits.chars().rev().map(String::from).collect();
            format!("{}.ip6.arpa", labels.join("."))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_policy_a_name() {
        let records = records();
        for start in ["v=spf1", "v=DMARC1"] {
            let names: Vec<_> = records
                .iter()
                .filter(|(_, data)| matches!(data, Data::Txt(text) if text.starts_with(start)))
                .map(|(name, _)| name)
                .collect();
            let distinct: BTreeSet<_> = names.iter().collect();
            assert_eq!(names.len(), distinct.len(), "{names:?}");
        }
    }

    #[test]
    fn reverse_names() {
        assert_eq!(reverse("192.0.2.1".parse().unwrap()), "1.2.0.192.in-addr.arpa");
        assert!(reverse("2001:db8::1".parse().unwrap()).ends_with("8.b.d.0.1.0.0.2.ip6.arpa"));
    }
}
