//! One list: whether it works, and what it has.

use std::{
    fmt::Write,
    net::{IpAddr, Ipv4Addr},
    time::Duration,
};

use tokio::{sync::Mutex, time::Instant};

use crate::{Answer, Resolver, Text, Trouble};

/// Which lists are asked: `zone`, or `name=zone` to show a name in place of a zone that holds a secret key. None by
/// default: most lists forbid questions through public resolvers, or want to know who asks.
#[derive(Clone, Debug, Default, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Lists {
    /// Lists of addresses, such as `zen.spamhaus.org`.
    pub addresses: Vec<String>,
    /// Lists of domains, such as `dbl.spamhaus.org`.
    pub domains: Vec<String>,
}

/// Lists of which is known whether they work: a list is tried with its test points first, once for a while.
#[derive(Debug, Default)]
pub struct Proven {
    lists: Vec<List>,
}

#[derive(Debug)]
pub(super) struct List {
    pub(super) name: String,
    pub(super) is_of_addresses: bool,
    zone: String,
    verdict: Mutex<Option<(Instant, Result<(), Trouble>)>>,
}

/// What a list has on somebody.
pub(super) struct Listed {
    pub(super) codes: String,
    pub(super) reason: Option<String>,
}

impl Proven {
    /// These lists, none of them tried yet.
    pub fn new(lists: &Lists) -> Self {
        let addresses = lists.addresses.iter().map(|entry| List::new(entry, true));
        Self { lists: addresses.chain(lists.domains.iter().map(|entry| List::new(entry, false))).collect() }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &List> {
        self.lists.iter()
    }
}

impl List {
    fn new(entry: &str, is_of_addresses: bool) -> Self {
        let (name, zone) = entry.split_once('=').unwrap_or((entry, entry));
        let [name, zone] = [name, zone].map(|text| text.trim().trim_matches('.').to_ascii_lowercase());
        Self { name, is_of_addresses, zone, verdict: Mutex::default() }
    }

    /// Whether the list works: it has what every list has to have, and has not what no list may have (RFC 5782 section
    /// 5). Whoever comes while it is being tried waits for the verdict.
    pub(super) async fn prove(&self, resolver: &Resolver) -> Result<(), Trouble> {
        let mut verdict = self.verdict.lock().await;
        if let Some((until, verdict)) = *verdict
            && Instant::now() < until
        {
            return verdict;
        }
        let result = self.test_points(resolver).await;
        let lasts = if result.is_ok() { PROVEN } else { FAILED };
        *verdict = Some((Instant::now() + lasts, result));
        result
    }

    async fn test_points(&self, resolver: &Resolver) -> Result<(), Trouble> {
        let (absent, present): (_, &[_]) = match self.is_of_addresses {
            true => ("1.0.0.127", &["2.0.0.127"]),
            // Some lists of domains are tried by the address alone.
            false => ("invalid", &["test", "2.0.0.127"]),
        };
        if !self.codes(resolver, absent).await?.is_empty() {
            return Err(Trouble::Untrusted);
        }
        for point in present {
            if !self.codes(resolver, point).await?.is_empty() {
                return Ok(());
            }
        }
        Err(Trouble::Untrusted)
    }

    /// What the list has on `key`.
    pub(super) async fn look_up(&self, resolver: &Resolver, key: String) -> Result<Option<Listed>, Trouble> {
        let codes = self.codes(resolver, &key).await?;
        if codes.is_empty() {
            return Ok(None);
        }
        let codes = codes.iter().map(Ipv4Addr::to_string).collect::<Vec<_>>().join(", ");
        let texts = resolver.txt(&self.question(&key)).await;
        let reason = texts
            .records()
            .iter()
            .map(Text::joined)
            .map(|text| shortened(&text))
            .find(|text| !text.is_empty());
        Ok(Some(Listed { codes, reason }))
    }

    /// The list's codes, sorted; none when it does not have the key. Anything that is no code of a list is trouble.
    async fn codes(&self, resolver: &Resolver, key: &str) -> Result<Vec<Ipv4Addr>, Trouble> {
        let mut codes = match resolver.a(&self.question(key)).await {
            Answer::Found(found) => found.records,
            Answer::NoData | Answer::NoName => return Ok(Vec::new()),
            Answer::Unknown(trouble) => return Err(trouble),
        };
        codes.sort_unstable();
        codes.dedup();
        for code in &codes {
            match code.octets() {
                // Not a listing but "you may not ask": through a public resolver, too often, or without a key. Some
                // lists answer with 127.0.0.1 then.
                [127, 255, 255, _] | [127, 0, 0, 1] => return Err(Trouble::Refused),
                [127, ..] => {}
                // The list's domain was given up, and whoever has it now answers to every name.
                _ => return Err(Trouble::Untrusted),
            }
        }
        Ok(codes)
    }

    fn question(&self, key: &str) -> String {
        format!("{key}.{}", self.zone)
    }
}

/// An address as it is asked for: its bytes in decimal, or its nibbles, in reverse order.
pub(super) fn reversed(address: IpAddr) -> String {
    match address {
        IpAddr::V4(address) => {
            let [a, b, c, d] = address.octets();
            format!("{d}.{c}.{b}.{a}")
        }
        IpAddr::V6(address) => {
            let mut text = String::with_capacity(64);
            for octet in address.octets().iter().rev() {
                let separator = if text.is_empty() { "" } else { "." };
                // Writing to a string does not fail.
                _ = write!(text, "{separator}{:x}.{:x}", octet & 0xf, octet >> 4);
            }
            text
        }
    }
}

fn shortened(text: &str) -> String {
    text.chars()
        .map(|c| if ruad_common::text::is_invisible(c) { ' ' } else { c })
        .take(REASON)
        .collect::<String>()
        .trim()
        .to_owned()
}

/// How long a verdict holds.
const PROVEN: Duration = Duration::from_secs(600);
const FAILED: Duration = Duration::from_secs(60);
/// Characters of a reason that are kept.
const REASON: usize = 200;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_asked_for_backwards() {
        assert_eq!(reversed("192.0.2.99".parse().unwrap()), "99.2.0.192");
        // The example of RFC 5782 section 2.4.
        assert_eq!(
            reversed("2001:db8:1:2:3:4:567:89ab".parse().unwrap()),
            "b.a.9.8.7.6.5.0.4.0.0.0.3.0.0.0.2.0.0.0.1.0.0.0.8.b.d.0.1.0.0.2"
        );
    }

    #[test]
    fn a_name_hides_a_key() {
        let list = List::new("Spamhaus = secret.zen.dq.example. ", true);
        assert_eq!((list.name.as_str(), list.zone.as_str()), ("spamhaus", "secret.zen.dq.example"));
        assert_eq!(list.question("2.0.0.127"), "2.0.0.127.secret.zen.dq.example");
        assert_eq!(List::new("zen.example", true).name, "zen.example");
    }
}
