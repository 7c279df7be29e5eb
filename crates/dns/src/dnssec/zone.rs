//! What is known about a zone's signatures, and what of it does not fit together.

use hickory_resolver::proto::{
    dnssec::{
        Verifier,
        rdata::{DNSKEY, DNSSECRData, DS, RRSIG},
    },
    rr::{Name, RData, RecordType},
};
use serde::Serialize;

use super::{Answer, Check, Host, Judged, Outcome, Proof};

/// A key of a zone.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Key {
    /// The number by which signatures and DS records refer to it.
    pub tag: u16,
    /// Its algorithm, by IANA's number.
    pub algorithm: u8,
    /// 257 for a key that signs keys, 256 for one that signs the zone.
    pub flags: u16,
}

/// What the zone above says of a key.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Delegation {
    /// The key's number.
    pub tag: u16,
    /// The key's algorithm.
    pub algorithm: u8,
    /// How the key is hashed, by IANA's number; 1 is SHA-1.
    pub digest: u8,
    /// Whether the zone has that key.
    pub matches: bool,
    /// Whether algorithm and hash can be validated here.
    #[serde(skip)]
    pub(super) is_known: bool,
}

/// How a zone shows that there is nothing.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case", tag = "type")]
pub enum Denial {
    /// By names.
    Nsec,
    /// By hashed names.
    Nsec3 {
        /// How often more than once a name is hashed.
        iterations: u16,
    },
}

/// What was asked about a zone.
pub(super) struct Zone {
    pub(super) name: String,
    pub(super) keys: Judged,
    pub(super) ds: Judged,
    /// The domain's own answers.
    pub(super) answers: Vec<Judged>,
    /// A name that is not there, and the answer for it; not asked when nothing is signed.
    pub(super) denial: Option<(String, Judged)>,
    pub(super) now: u64,
}

/// Signatures of one set of records, of which one must hold.
pub(super) struct Signed<'a> {
    pub(super) name: &'a Name,
    pub(super) covered: RecordType,
    pub(super) signatures: Vec<&'a RRSIG>,
}

impl Zone {
    pub(super) fn into_outcome(self, check: Check, proof: Proof, hosts: Vec<Host>) -> Outcome {
        Outcome {
            check,
            proof,
            keys: self.keys().map(|key| as_key(&key)).collect(),
            delegation: self.delegation(),
            denial: self.kind_of_denial(),
            expires: self.sets().iter().filter_map(|set| set.expires(self.now)).min(),
            zone: self.name,
            hosts,
        }
    }

    /// Whether the domain does not exist.
    pub(super) fn is_absent(&self) -> bool {
        self.answers.iter().any(|judged| matches!(judged.answer(|_| Some(())), Answer::NoName))
    }

    /// What holds for all of the domain's answers.
    pub(super) fn proof(&self) -> Proof {
        self.answers.iter().fold(Proof::Secure, |proof, judged| proof.and(judged.proof))
    }

    pub(super) fn keys(&self) -> impl Iterator<Item = DNSKEY> {
        self.keys
            .answers
            .iter()
            .filter_map(|record| match &record.data {
                RData::DNSSEC(DNSSECRData::DNSKEY(key)) => Some(key.clone()),
                _ => None,
            })
            .take(MOST_KEYS)
    }

    /// The numbers of the keys.
    pub(super) fn numbers(&self) -> impl Iterator<Item = u16> {
        self.keys().filter_map(|key| key.calculate_key_tag().ok())
    }

    pub(super) fn delegation(&self) -> Vec<Delegation> {
        let owner = Name::from_ascii(&self.name).map(|mut name| {
            name.set_fqdn(true);
            name
        });
        let Ok(owner) = owner else { return Vec::new() };
        let keys: Vec<_> = self.keys().collect();
        self.ds
            .answers
            .iter()
            .take(MOST_KEYS)
            .filter_map(|record| match &record.data {
                RData::DNSSEC(DNSSECRData::DS(ds)) => Some(Delegation {
                    tag: ds.key_tag(),
                    algorithm: ds.algorithm().into(),
                    digest: ds.digest_type().into(),
                    is_known: ds.algorithm().is_supported() && ds.digest_type().is_supported(),
                    matches: keys.iter().any(|key| is_of(ds, &owner, key)),
                }),
                _ => None,
            })
            .collect()
    }

    pub(super) fn kind_of_denial(&self) -> Option<Denial> {
        let denial = self.denial.iter().map(|(_, judged)| judged);
        let authorities = self.answers.iter().chain(denial).flat_map(|judged| &judged.authorities);
        authorities
            .filter_map(|record| match &record.data {
                RData::DNSSEC(DNSSECRData::NSEC(_)) => Some(Denial::Nsec),
                RData::DNSSEC(DNSSECRData::NSEC3(nsec3)) => {
                    Some(Denial::Nsec3 { iterations: nsec3.iterations() })
                }
                _ => None,
            })
            .next()
    }

    /// The sets of records that were seen, with the signatures that this zone made for each.
    pub(super) fn sets(&self) -> Vec<Signed<'_>> {
        let mut sets: Vec<Signed<'_>> = Vec::new();
        let denial = self.denial.iter().map(|(_, judged)| judged);
        for judged in self.answers.iter().chain([&self.keys]).chain(denial) {
            for record in judged.answers.iter().chain(&judged.authorities) {
                let (name, covered) = (&record.name, record.record_type());
                let is_known = sets.iter().any(|set| set.name == name && set.covered == covered);
                if covered != RecordType::RRSIG && self.is_ours(name) && !is_known && sets.len() < MOST_SETS {
                    sets.push(Signed { name, covered, signatures: judged.signatures_of(name, covered) });
                }
            }
        }
        sets
    }

    fn is_ours(&self, name: &Name) -> bool {
        Name::from_ascii(&self.name).is_ok_and(|zone| zone.zone_of(name))
    }
}

impl Signed<'_> {
    /// When the last of them ends; seconds since 1970.
    pub(super) fn expires(&self, now: u64) -> Option<u64> {
        self.signatures.iter().map(|signature| ends(signature, now)).max()
    }

    /// The signature that is valid longest.
    pub(super) fn last(&self, now: u64) -> Option<&RRSIG> {
        self.signatures.iter().copied().max_by_key(|signature| ends(signature, now))
    }
}

/// When a signature begins.
pub(super) fn begins(signature: &RRSIG, now: u64) -> u64 {
    near(signature.input().sig_inception.get(), now)
}

/// When a signature ends.
pub(super) fn ends(signature: &RRSIG, now: u64) -> u64 {
    near(signature.input().sig_expiration.get(), now)
}

/// The moment that a time in a signature means: the 32 bits repeat every 136 years, and the one nearest to now is
/// meant (RFC 4034 section 3.1.5).
fn near(time: u32, now: u64) -> u64 {
    let low = u32::try_from(now & u64::from(u32::MAX)).unwrap_or_default();
    let distance = i64::from(time.wrapping_sub(low).cast_signed());
    now.saturating_add_signed(distance)
}

/// A key's algorithm, by IANA's number.
pub(super) fn algorithm(key: &DNSKEY) -> u8 {
    key.algorithm().into()
}

fn as_key(key: &DNSKEY) -> Key {
    Key { tag: key.calculate_key_tag().unwrap_or_default(), algorithm: algorithm(key), flags: key.flags() }
}

fn is_of(ds: &DS, owner: &Name, key: &DNSKEY) -> bool {
    key.algorithm() == ds.algorithm()
        && key.calculate_key_tag().is_ok_and(|tag| tag == ds.key_tag())
        // A digest of a kind that is not known cannot be compared; the number must do.
        && ds.covers(owner, key).unwrap_or(!ds.digest_type().is_supported())
}

/// Keys, and digests of keys, that are compared with each other. Nobody has a tenth of them.
const MOST_KEYS: usize = 64;
/// Sets of signed records that are looked at.
const MOST_SETS: usize = 200;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_go_on_after_2106() {
        let late = u64::from(u32::MAX) + 100;
        assert_eq!(near(u32::MAX, late), late - 100);
        assert_eq!(near(150, late), late + 51);
        assert_eq!(near(1_700_000_000, 1_700_000_100), 1_700_000_000);
        assert_eq!(near(u32::MAX, 0), 0);
    }
}
