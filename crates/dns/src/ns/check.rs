//! What can be wrong with name servers.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
};

use super::{Asked, SERVERS, Server, Told};
use crate::{Check, Trouble, finding::codes, special, versioned::shorten};

codes! {
    /// One server, or several names for one (RFC 1034 section 4.1).
    SINGLE = "ns.single", Warning;
    /// More servers than anybody needs.
    TOO_MANY = "ns.too_many", Info;
    /// A server that does not exist.
    SERVER_MISSING = "ns.server_missing", Error;
    /// A server without an address.
    SERVER_WITHOUT_ADDRESS = "ns.server_without_address", Warning;
    /// A server whose name is an alias (RFC 2181 section 10.3).
    ALIAS = "ns.alias", Warning;
    /// An address nobody outside can reach.
    PRIVATE_ADDRESS = "ns.private_address", Error;
    /// All servers in one network (RFC 2182 section 3.1).
    ONE_NETWORK = "ns.one_network", Info;
    /// Fewer than two servers with an IPv6 address.
    NO_IPV6 = "ns.no_ipv6", Info;
    /// A server that does not answer for the zone.
    LAME = "ns.lame", Warning;
    /// A server that does not answer.
    SILENT = "ns.silent", Warning;
    /// Servers with different versions of the zone.
    SERIALS_DIFFER = "ns.serials_differ", Info;
    /// Servers that name different servers.
    SERVERS_DIFFER = "ns.servers_differ", Warning;
    /// The zone above names other servers than the zone itself.
    DELEGATION_DIFFERS = "ns.delegation_differs", Warning;
    /// Servers that send the domain's mail to different hosts.
    MX_DIFFERS = "ns.mx_differs", Warning;
    /// Servers with the same version of the zone and different TXT records.
    TEXTS_DIFFER = "ns.texts_differ", Warning;
    /// Servers of which some sign their answers and others do not, or of which one keeps older signatures.
    SIGNATURES_DIFFER = "ns.signatures_differ", Warning;
}

/// What the names show by themselves.
pub(super) fn names(check: &mut Check, zone: &str, names: &[String]) {
    if let [name] = names {
        check.find(SINGLE.at(zone, Some(name), format!("{zone} has one name server, {name}.")));
    }
    if names.len() > SERVERS {
        let detail = format!("{zone} has {} name servers; the first {SERVERS} were looked at.", names.len());
        check.find(TOO_MANY.at(zone, None, detail));
    }
}

/// What the addresses show.
pub(super) fn addresses(check: &mut Check, zone: &str, servers: &[Server]) {
    for server in servers {
        let name = &server.name;
        if let Some(trouble) = server.trouble {
            check.unanswered(name, trouble);
        } else if server.is_missing {
            check.find(SERVER_MISSING.at(
                zone,
                Some(name),
                format!("The name server {name} does not exist."),
            ));
        } else if server.addresses.is_empty() {
            let detail = format!("The name server {name} has neither an IPv4 nor an IPv6 address.");
            check.find(SERVER_WITHOUT_ADDRESS.at(zone, Some(name), detail));
        }
        if let Some(target) = &server.alias {
            check.find(ALIAS.at(
                zone,
                Some(name),
                format!("The name server {name} is an alias (CNAME) of {target}."),
            ));
        }
        for (address, kind) in server.addresses.iter().filter_map(|ip| Some((ip, special(*ip)?))) {
            let detail = format!("The name server {name} has the {kind} address {address}.");
            check.find(PRIVATE_ADDRESS.at(zone, Some(name), detail));
        }
    }
    if servers.len() > 1 && servers.iter().all(|server| server.trouble.is_none()) {
        together(check, zone, servers);
    }
}

/// What the addresses show when all are known.
fn together(check: &mut Check, zone: &str, servers: &[Server]) {
    let working: Vec<_> = servers.iter().filter(|server| !server.addresses.is_empty()).collect();
    let sets: BTreeSet<_> = working.iter().map(|server| &server.addresses).collect();
    let networks: BTreeSet<_> = sets.iter().flat_map(|set| set.iter()).map(|ip| network(*ip)).collect();
    let of_ipv4 = networks.iter().filter(|network| network.is_ipv4()).count();
    if let [server] = working.as_slice() {
        let detail = format!("Only one name server of {zone} has an address, {}.", server.name);
        check.find(SINGLE.at(zone, None, detail));
    } else if sets.len() == 1 {
        let detail = format!("All name servers of {zone} have the same addresses, so that they are one.");
        check.find(SINGLE.at(zone, None, detail));
    } else if of_ipv4 <= 1 && networks.len() - of_ipv4 <= 1 && !networks.is_empty() {
        let networks: Vec<_> =
            networks.iter().map(|ip| format!("{ip}/{}", if ip.is_ipv4() { 24 } else { 48 })).collect();
        let detail = format!("All name servers of {zone} are in {}.", networks.join(" and "));
        check.find(ONE_NETWORK.at(zone, None, detail));
    }
    let with_ipv6 = servers.iter().filter(|server| server.has_ipv6()).count();
    if with_ipv6 < 2 {
        let detail = format!("{with_ipv6} of {} name servers of {zone} have an IPv6 address.", servers.len());
        check.find(NO_IPV6.at(zone, None, detail));
    }
}

/// What the servers said when each was asked by itself. A way of reaching them (IPv4, IPv6) by which nobody answers for
/// the zone is closed on this side, or somebody between answers in their place: nothing can be told by it then.
pub(super) fn answers(check: &mut Check, zone: &str, domain: &str, servers: &[Server]) {
    let is_open = |is_ipv4: bool| {
        let mut told = servers.iter().flat_map(|server| &server.told);
        told.any(|asked| asked.address.is_ipv4() == is_ipv4 && matches!(asked.told, Told::Zone { .. }))
    };
    let open = [is_open(true), is_open(false)];
    if open == [false, false] {
        if servers.iter().any(|server| !server.told.is_empty()) {
            check.unanswered(zone, Trouble::Network);
        }
        return;
    }
    let mut answers = Vec::new();
    let mut versions: BTreeMap<u32, Vec<_>> = BTreeMap::new();
    let mut signed = Vec::new();
    for server in servers {
        for Asked { address, told } in &server.told {
            if !open[usize::from(address.is_ipv6())] {
                continue;
            }
            let name = &server.name;
            match told {
                Told::Zone { serial, servers, mx, texts, signed_until } => {
                    answers.push((name.as_str(), serial, servers, mx));
                    versions.entry(*serial).or_default().push((name.as_str(), texts));
                    signed.push((name.as_str(), *serial, *signed_until));
                }
                Told::Lame { reason } => {
                    let detail =
                        format!("The name server {name} ({address}) does not answer for {zone}: {reason}.");
                    check.find(LAME.at(zone, Some(name), detail));
                }
                Told::Silent => {
                    let detail = format!("The name server {name} ({address}) does not answer.");
                    check.find(SILENT.at(zone, Some(name), detail));
                }
            }
        }
    }
    let serials = answers.iter().map(|(name, serial, ..)| (*name, Some(serial.to_string())));
    if let Some(detail) = difference(serials) {
        let detail = format!("The name servers have different versions of {zone}: {detail}.");
        check.find(SERIALS_DIFFER.at(zone, None, detail));
    }
    let sets = answers.iter().map(|(name, _, servers, _)| (*name, servers.as_ref().map(|set| set.join(" "))));
    if let Some(detail) = difference(sets) {
        let detail = format!("The name servers name different servers for {zone}: {detail}.");
        check.find(SERVERS_DIFFER.at(zone, None, detail));
    }
    let hosts = answers.iter().map(|(name, _, _, mx)| (*name, mx.as_ref().map(|set| set.join(", "))));
    if let Some(detail) = difference(hosts) {
        let detail = format!("The name servers have different MX records for {domain}: {detail}.");
        check.find(MX_DIFFERS.at(domain, None, detail));
    }
    for (serial, answers) in &versions {
        if let Some(detail) = text_difference(answers) {
            let detail =
                format!("Under the same serial {serial} of {zone} the TXT records differ: {detail}.");
            check.find(TEXTS_DIFFER.at(domain, None, detail));
        }
    }
    if let Some(detail) = signature_difference(&signed) {
        let detail = format!("The name servers of {zone} differ in their signatures: {detail}.");
        check.find(SIGNATURES_DIFFER.at(zone, None, detail));
    }
}

/// Two servers of which one has a TXT record that the other does not have, and the record.
fn text_difference(answers: &[(&str, &Option<Vec<String>>)]) -> Option<String> {
    let mut answers = answers.iter().filter_map(|(name, texts)| Some((*name, texts.as_ref()?)));
    let (first, texts) = answers.next()?;
    let (other, different) = answers.find(|(_, other)| *other != texts)?;
    let only = |these: &[String], those: &[String]| these.iter().find(|text| !those.contains(text)).cloned();
    let (has, lacks, text) = match only(texts, different) {
        Some(text) => (first, other, text),
        None => (other, first, only(different, texts)?),
    };
    Some(format!("{has} has `{}`, {lacks} does not", shorten(&text)))
}

/// Two servers whose signatures of the SOA record differ as those of one signer cannot: one has none, or, with the same
/// version of the zone, they end more than a day apart. Signers that work side by side (RFC 8901) have serials of their own.
fn signature_difference(signed: &[(&str, u32, Option<u32>)]) -> Option<String> {
    let with = signed.iter().find(|(.., until)| until.is_some());
    let without = signed.iter().find(|(.., until)| until.is_none());
    if let (Some((with, ..)), Some((without, ..))) = (with, without) {
        return Some(format!("{with} signs its answers, {without} does not"));
    }
    for (index, (name, serial, until)) in signed.iter().enumerate() {
        for (other, _, others) in signed.iter().skip(index + 1).filter(|(_, other, _)| other == serial) {
            // The 32 bits of a time repeat every 136 years; the difference does not mind.
            let difference = (*until)?.wrapping_sub((*others)?).cast_signed();
            let days = difference.unsigned_abs() / DAY;
            let (early, late) = if difference < 0 { (name, other) } else { (other, name) };
            if days > 0 {
                let unit = if days == 1 { "day" } else { "days" };
                return Some(format!("those of {early} end {days} {unit} before those of {late}"));
            }
        }
    }
    None
}

/// What the zone above says, against what the zone says of itself.
pub(super) fn delegation(check: &mut Check, zone: &str, servers: &[Server], delegation: Option<&[String]>) {
    let own = servers.iter().flat_map(|server| &server.told).find_map(|asked| match &asked.told {
        Told::Zone { servers, .. } => servers.as_ref(),
        _ => None,
    });
    let (Some(own), Some(above)) = (own, delegation) else { return };
    let only = |these: &[String], others: &[String]| {
        let names = these.iter().filter(|name| !others.contains(name)).map(|name| name.trim_end_matches('.'));
        names.collect::<Vec<_>>().join(", ")
    };
    let missing = match (only(above, own), only(own, above)) {
        (above, own) if above.is_empty() && own.is_empty() => return,
        (above, own) if own.is_empty() => format!("{above} only at the registry"),
        (above, own) if above.is_empty() => format!("{own} only in the zone"),
        (above, own) => format!("{above} only at the registry, and {own} only in the zone"),
    };
    let detail =
        format!("The name servers of {zone} are not the same at the registry and in the zone: {missing}.");
    check.find(DELEGATION_DIFFERS.at(zone, None, detail));
}

/// Two servers whose answers differ, and what they are; `None` when all that answered agree.
fn difference<'a>(answers: impl Iterator<Item = (&'a str, Option<String>)>) -> Option<String> {
    let mut answers = answers.filter_map(|(name, answer)| Some((name, answer?)));
    let (first, value) = answers.next()?;
    let (other, different) = answers.find(|(_, answer)| *answer != value)?;
    let [value, different] =
        [value, different].map(|text| if text.is_empty() { "none".to_owned() } else { text });
    Some(format!("{first} has {value}, {other} has {different}"))
}

/// The /24 or /48 an address is in.
fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(ip) => IpAddr::V4((u32::from(ip) & !0xff).into()),
        IpAddr::V6(ip) => IpAddr::V6((u128::from(ip) & !(u128::MAX >> 48)).into()),
    }
}

const DAY: u32 = 86_400;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_that_differ_in_signatures() {
        let until = 1_796_083_200;
        for (signed, words) in [
            (vec![("a", 7, None), ("b", 7, None)], None),
            (vec![("a", 7, Some(until)), ("b", 7, Some(until))], None),
            (vec![("a", 7, Some(until)), ("b", 7, None)], Some("a signs its answers, b does not")),
            (vec![("a", 7, None), ("b", 8, Some(until))], Some("b signs its answers, a does not")),
            // Who signs while being asked begins each time anew.
            (vec![("a", 7, Some(until)), ("b", 7, Some(until + 80_000))], None),
            (
                vec![("a", 7, Some(until)), ("b", 7, Some(until - 3 * DAY))],
                Some("those of b end 3 days before those of a"),
            ),
            // Two signers with keys and versions of their own (RFC 8901).
            (vec![("a", 7, Some(until)), ("b", 2_026_120_101, Some(until - 9 * DAY))], None),
            (
                vec![("a", 7, Some(u32::MAX)), ("b", 7, Some(DAY))],
                Some("those of a end 1 day before those of b"),
            ),
        ] {
            assert_eq!(signature_difference(&signed).as_deref(), words, "{signed:?}");
        }
    }
}
