use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use serde::Serialize;
use tokio::join;

use crate::{Answer, Found, Resolver, Trouble};
use ruad_common::domain_name;

/// A host that receives mail.
#[derive(Clone, Debug, Serialize)]
pub struct Host {
    /// Its name.
    pub name: String,
    /// Its lowest preference; lower is tried first.
    pub preference: u16,
    /// The name it is an alias (CNAME) of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alias: Option<String>,
    /// Its IPv4 addresses.
    pub ipv4: Vec<Ipv4Addr>,
    /// Its IPv6 addresses.
    pub ipv6: Vec<Ipv6Addr>,
    /// What kind of name it is, and whether it exists.
    #[serde(skip)]
    pub(super) kind: Kind,
    /// Why its IPv4 or IPv6 addresses could not be told.
    #[serde(skip)]
    trouble: [Option<Trouble>; 2],
}

/// What the name of a host is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Kind {
    /// A name that exists, as far as could be told.
    Name,
    /// A name that does not exist.
    Missing,
    /// A name no host can have.
    NoHostName,
    /// An address where a name has to be.
    Address,
    /// What Microsoft has published to prove that a domain is one's own; it never exists.
    Verification,
}

impl Host {
    /// Asks for the addresses of `name`, unless it is one that cannot have any.
    pub(super) async fn resolve(resolver: &Resolver, name: &str, preference: u16) -> Self {
        let mut host = Self {
            name: name.to_owned(),
            preference,
            alias: None,
            ipv4: Vec::new(),
            ipv6: Vec::new(),
            kind: Kind::of(name),
            trouble: [None, None],
        };
        if !matches!(host.kind, Kind::Name | Kind::NoHostName) {
            return host;
        }
        let (ipv4, ipv6) = join!(resolver.a(name), resolver.aaaa(name));
        if [matches!(ipv4, Answer::NoName), matches!(ipv6, Answer::NoName)] == [true, true] {
            host.kind = Kind::Missing;
        }
        // A name that cannot be asked for has no address for certain.
        host.trouble = [ipv4.trouble(), ipv6.trouble()]
            .map(|trouble| trouble.filter(|trouble| *trouble != Trouble::BadName));
        host.ipv4 = host.take(ipv4);
        host.ipv6 = host.take(ipv6);
        host
    }

    /// Every address.
    pub fn addresses(&self) -> impl Iterator<Item = IpAddr> {
        self.ipv4.iter().map(|ip| IpAddr::V4(*ip)).chain(self.ipv6.iter().map(|ip| IpAddr::V6(*ip)))
    }

    /// Whether it has an address.
    pub fn has_address(&self) -> bool {
        !self.ipv4.is_empty() || !self.ipv6.is_empty()
    }

    /// Whether both questions for addresses were answered.
    pub fn is_settled(&self) -> bool {
        self.trouble == [None, None]
    }

    /// What was asked without an answer: the name, once.
    pub(super) fn unanswered(&self) -> Option<(&str, Trouble)> {
        let trouble = self.trouble.iter().flatten().next();
        trouble.map(|trouble| (self.name.as_str(), *trouble))
    }

    fn take<T>(&mut self, answer: Answer<T>) -> Vec<T> {
        let Answer::Found(Found { mut records, alias, .. }) = answer else { return Vec::new() };
        records.truncate(ADDRESSES);
        self.alias = self.alias.take().or(alias);
        records
    }
}

impl Kind {
    fn of(name: &str) -> Self {
        // A name is shown with its odd characters escaped: `\[192.0.2.1\]`.
        let bare: String = name.chars().filter(|character| !matches!(character, '\\' | '[' | ']')).collect();
        let literal = bare.strip_prefix("ipv6:").unwrap_or(&bare);
        if literal.parse::<IpAddr>().is_ok() {
            return Self::Address;
        }
        if name.ends_with(".msv1.invalid") {
            return Self::Verification;
        }
        match domain_name::normalize(name) {
            // RFC 1123 section 2.1: letters, digits and hyphens.
            Some(normal) if !normal.contains('_') => Self::Name,
            _ => Self::NoHostName,
        }
    }
}

const ADDRESSES: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_what_is_put_in_their_place() {
        for (name, kind) in [
            ("mx.example", Kind::Name),
            ("localhost", Kind::Name),
            ("192.0.2.1", Kind::Address),
            ("\\[192.0.2.1\\]", Kind::Address),
            ("2001:db8::25", Kind::Address),
            ("\\[ipv6:2001:db8::25\\]", Kind::Address),
            ("ms12345678.msv1.invalid", Kind::Verification),
            ("mx_1.example", Kind::NoHostName),
            ("mx\\0321.example", Kind::NoHostName),
            ("1.2.3.4.example", Kind::Name),
        ] {
            assert_eq!(Kind::of(name), kind, "{name}");
        }
    }
}
