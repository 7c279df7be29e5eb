//! Forward-confirmed reverse names: an address has a name, and that name has the address. Large receivers refuse mail
//! from addresses without one.

use std::{collections::BTreeSet, net::IpAddr};

use futures_util::future::join_all;
use serde::Serialize;

use super::{Answer, Check, Code, Mechanism, Resolver, Trouble, finding::codes, mx, special};

/// How it stands.
#[derive(Clone, Debug, Serialize)]
pub struct Outcome {
    /// The findings and what they rest on.
    #[serde(flatten)]
    pub check: Check,
    /// The addresses that were looked at, those that send in front.
    pub addresses: Vec<Address>,
}

/// An address and its names.
#[derive(Clone, Debug, Serialize)]
pub struct Address {
    /// The address.
    pub address: IpAddr,
    /// Whether it sends as the domain; otherwise it is one of a mail server that receives.
    pub sends: bool,
    /// Its names, sorted.
    pub names: Vec<String>,
    /// The first of the names that has this address.
    pub confirmed: Option<String>,
    #[serde(skip)]
    trouble: Option<(String, Trouble)>,
}

codes! {
    /// A sending address without a name.
    NO_NAME = "reverse.no_name", Error;
    /// A sending address none of whose names has it.
    UNCONFIRMED = "reverse.unconfirmed", Error;
    /// More than one name.
    SEVERAL_NAMES = "reverse.several_names", Info;
    /// A name made of the address, as providers give to lines and rented machines.
    GENERIC_NAME = "reverse.generic_name", Info;
    /// The address of a mail server that receives, without a name.
    MX_NO_NAME = "reverse.mx_no_name", Info;
    /// The address of a mail server that receives, none of whose names has it.
    MX_UNCONFIRMED = "reverse.mx_unconfirmed", Info;
}

/// Examines the addresses that send as a domain, and those of its mail servers.
pub async fn examine(resolver: &Resolver, addresses: &[IpAddr], mx: &mx::Outcome) -> Outcome {
    let mut seen = BTreeSet::new();
    let mut is_new = |address: &IpAddr| special(*address).is_none() && seen.insert(*address);
    let sending: Vec<_> = addresses.iter().copied().filter(&mut is_new).take(SENDING).collect();
    let receiving: Vec<_> =
        mx.hosts.iter().flat_map(mx::Host::addresses).filter(&mut is_new).take(RECEIVING).collect();
    let sending = sending.into_iter().map(|address| Address::resolve(resolver, address, true));
    let receiving = receiving.into_iter().map(|address| Address::resolve(resolver, address, false));
    let addresses = join_all(sending.chain(receiving)).await;
    let mut check = Check::new(Mechanism::Reverse);
    for address in &addresses {
        address.judge(&mut check);
    }
    Outcome { check, addresses }
}

impl Address {
    async fn resolve(resolver: &Resolver, address: IpAddr, sends: bool) -> Self {
        let mut this = Self { address, sends, names: Vec::new(), confirmed: None, trouble: None };
        match resolver.ptr(address).await {
            Answer::Found(mut found) => {
                found.records.truncate(MOST_NAMES);
                this.names = found.records;
            }
            Answer::Unknown(trouble) => this.trouble = Some((address.to_string(), trouble)),
            Answer::NoData | Answer::NoName => {}
        }
        this.names.sort();
        this.names.dedup();
        for name in this.names.iter().take(NAMES) {
            match has(resolver, name, address).await {
                Ok(true) => {
                    this.confirmed = Some(name.clone());
                    break;
                }
                Ok(false) => {}
                Err(trouble) => this.trouble = Some((name.clone(), trouble)),
            }
        }
        this
    }

    fn judge(&self, check: &mut Check) {
        let text = self.address.to_string();
        let unanswered = self.trouble.as_ref().filter(|_| self.confirmed.is_none());
        // A provider's mail servers have other addresses every few minutes, which is not a change of the domain's.
        if self.sends {
            let fact = format!("name:{text}");
            for name in &self.names {
                check.observe(&text, "PTR", name);
            }
            match self.confirmed.as_ref().or(self.names.first()) {
                _ if unanswered.is_some() => check.unknown_fact(fact),
                Some(name) => check.fact(fact, name),
                None => {}
            }
        }
        if let Some((name, trouble)) = unanswered {
            return check.unanswered(name, *trouble);
        }
        let names = self.names.iter().take(NAMES).map(String::as_str).collect::<Vec<_>>().join(", ");
        let record = Some(names.as_str()).filter(|names| !names.is_empty());
        let mut find = |code: Code, detail: String| check.find(code.at(&text, record, detail));
        let (no_name, unconfirmed, role) = match self.sends {
            true => (NO_NAME, UNCONFIRMED, "sending address"),
            false => (MX_NO_NAME, MX_UNCONFIRMED, "mail server's address"),
        };
        if self.names.is_empty() {
            find(no_name, format!("The {role} {text} has no reverse name (PTR)."));
        } else if self.confirmed.is_none() {
            find(
                unconfirmed,
                format!("The {role} {text} is called {names}, which does not lead back to it."),
            );
        }
        if !self.sends {
            return;
        }
        if self.names.len() > 1 {
            find(
                SEVERAL_NAMES,
                format!("The sending address {text} has {} names: {names}.", self.names.len()),
            );
        }
        if let Some(name) = self.confirmed.as_ref().filter(|name| is_generic(name, self.address)) {
            find(
                GENERIC_NAME,
                format!("The name {name} of the sending address {text} is made of the address."),
            );
        }
    }
}

async fn has(resolver: &Resolver, name: &str, address: IpAddr) -> Result<bool, Trouble> {
    let (has, trouble) = match address {
        IpAddr::V4(address) => {
            let answer = resolver.a(name).await;
            (answer.records().contains(&address), answer.trouble())
        }
        IpAddr::V6(address) => {
            let answer = resolver.aaaa(name).await;
            (answer.records().contains(&address), answer.trouble())
        }
    };
    match trouble {
        // What cannot be a name of a host has no address.
        Some(trouble) if trouble != Trouble::BadName => Err(trouble),
        _ => Ok(has),
    }
}

/// Whether the four bytes of an address stand in its name, forwards or backwards, in decimal or as one hexadecimal
/// number.
fn is_generic(name: &str, address: IpAddr) -> bool {
    let IpAddr::V4(address) = address else { return false };
    let octets = address.octets();
    if name.contains(&format!("{:08x}", u32::from(address))) {
        return true;
    }
    let numbers: Vec<u8> =
        name.split(|c: char| !c.is_ascii_digit()).filter_map(|digits| digits.parse().ok()).collect();
    let mut backwards = octets;
    backwards.reverse();
    numbers.windows(4).any(|window| window == octets || window == backwards)
}

/// Addresses that are looked at: of senders, and of mail servers.
const SENDING: usize = 32;
const RECEIVING: usize = 8;
/// Names of one address that are kept.
const MOST_NAMES: usize = 256;
/// Names of one address that are followed.
const NAMES: usize = 5;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_lines_and_of_mail_servers() {
        let address = "192.0.2.55".parse().unwrap();
        for (name, expected) in [
            ("host-192-0-2-55.dyn.provider.example", true),
            ("static.55.2.0.192.provider.example", true),
            ("ip192.0.2.055.provider.example", true),
            ("c0000237.provider.example", true),
            ("mail.domain.example", false),
            ("mail-wr1-f55.provider.example", false),
            ("a27-55.smtp-out.provider.example", false),
            ("o2.ptr1920.provider.example", false),
        ] {
            assert_eq!(is_generic(name, address), expected, "{name}");
        }
        assert!(!is_generic("2001-db8--1.provider.example", "2001:db8::1".parse().unwrap()));
    }
}
