//! What is wrong with a zone's signatures.

use super::{
    BOGUS, Check, DENIAL_UNPROVEN, EXPIRES_SOON, Host, MX_BOGUS, MX_UNSIGNED, NO_CHAIN, NO_MATCHING_KEY,
    NSEC3_ITERATIONS, Proof, SHA1_DS, SIGNATURES_EXPIRED, SIGNATURES_MISSING, STALE_DS, UNKNOWN_ALGORITHM,
    UNSIGNED, WEAK_ALGORITHM,
    zone::{Delegation, Denial, Zone, algorithm, begins, ends},
};
use crate::Finding;
use ruad_common::domain_name::is_within;
use ruad_common::time::DAY;

/// Says what is wrong, and what holds for the domain as a whole.
pub(super) fn judge(check: &mut Check, domain: &str, zone: &Zone) -> Proof {
    for delegation in zone.delegation() {
        check.observe(&zone.name, "DS", text(&delegation));
    }
    let proof = zone.proof();
    // The keys of another's zone are not this domain's matter when there is no such domain.
    if zone.is_absent() && matches!(proof, Proof::Secure | Proof::Insecure) {
        check.fact("secure", if proof.is_secure() { "yes" } else { "no" });
        return proof;
    }
    let denied = zone.denial.as_ref().map(|(name, judged)| (name.as_str(), judged.proof));
    match proof {
        Proof::Unknown(trouble) => {
            check.unanswered(domain, trouble);
            check.unknown_fact("secure");
            return proof;
        }
        Proof::Insecure => {
            insecure(check, domain, zone);
            check.fact("secure", "no");
        }
        Proof::Bogus => {
            check.find(reason(domain, zone));
            check.fact("secure", "bogus");
        }
        Proof::Secure => {
            expiry(check, zone);
            match denied {
                Some((name, Proof::Bogus)) => {
                    let detail = format!(
                        "no valid signed proof is given that {name} does not exist, so that it cannot be told from a \
                         suppressed answer"
                    );
                    check.find(DENIAL_UNPROVEN.at(name, None, detail));
                    check.fact("secure", "bogus");
                }
                Some((name, Proof::Unknown(trouble))) => {
                    check.unanswered(name, trouble);
                    check.unknown_fact("secure");
                }
                _ => check.fact("secure", "yes"),
            }
        }
    }
    keys(check, zone);
    match denied {
        Some((_, denial @ (Proof::Bogus | Proof::Unknown(_)))) => proof.and(denial),
        _ => proof,
    }
}

/// Says which hosts cannot have DANE, and which cannot be found by those who validate.
pub(super) fn judge_hosts(check: &mut Check, domain: Proof, zone: &str, hosts: &[Host]) {
    for host in hosts {
        match host.proof {
            // What is wrong with the zone has been said.
            Proof::Bogus if domain == Proof::Bogus && is_within(&host.name, zone) => {}
            Proof::Bogus => {
                let detail = format!(
                    "the addresses of {} do not validate; whoever validates cannot deliver to it",
                    host.name
                );
                check.find(MX_BOGUS.at(&host.name, None, detail));
            }
            Proof::Insecure if domain == Proof::Secure => {
                let detail = format!("{} is in a zone that is not signed", host.name);
                check.find(MX_UNSIGNED.at(&host.name, None, detail));
            }
            Proof::Unknown(trouble) if domain == Proof::Secure => check.unanswered(&host.name, trouble),
            Proof::Secure | Proof::Insecure | Proof::Unknown(_) => {}
        }
    }
}

fn insecure(check: &mut Check, domain: &str, zone: &Zone) {
    let name = &zone.name;
    let has_keys = zone.keys().next().is_some();
    let delegation = zone.delegation();
    if !has_keys {
        let detail = if name == domain {
            format!("{name} has no keys, and the zone above proves that it is not signed")
        } else {
            format!("{domain} is in the zone {name}, which has no keys")
        };
        check.find(UNSIGNED.at(domain, None, detail));
    } else if delegation.is_empty() {
        let detail = format!("{name} has keys, but the zone above has no DS record for it");
        check.find(NO_CHAIN.at(name, None, detail));
    } else if zone.ds.proof.is_secure() && delegation.iter().any(|ds| ds.is_known) {
        // Too many iterations of NSEC3, of which there is a finding of its own: what is not there is taken for unsigned.
    } else if zone.ds.proof.is_secure() {
        let numbers: Vec<_> = delegation.iter().map(|ds| ds.algorithm.to_string()).collect();
        let detail = format!(
            "{name} is signed with algorithm {}, which cannot be validated here and not everywhere",
            numbers.join(", ")
        );
        check.find(UNKNOWN_ALGORITHM.at(name, None, detail));
    } else {
        let detail = format!("{name} has keys and a DS record, but a zone above it is not signed");
        check.find(NO_CHAIN.at(name, None, detail));
    }
}

/// Why answers do not validate: the first fault from the top that explains it.
fn reason(domain: &str, zone: &Zone) -> Finding {
    let name = &zone.name;
    let delegation = zone.delegation();
    let tags = |all: &[Delegation]| all.iter().map(|ds| ds.tag.to_string()).collect::<Vec<_>>().join(", ");
    if zone.ds.proof.is_secure() && !delegation.is_empty() && !delegation.iter().any(|ds| ds.matches) {
        let detail = if zone.keys().next().is_none() {
            format!(
                "the zone above has DS records for {name} (key {}), but {name} has no keys",
                tags(&delegation)
            )
        } else {
            let found: Vec<_> = zone.numbers().map(|tag| tag.to_string()).collect();
            match delegation.iter().find_map(|ds| mismatch(zone, ds)) {
                Some(what) => format!("the DS record for key {what}"),
                None => format!(
                    "the zone above has DS records for key {} of {name}, but its keys are {}",
                    tags(&delegation),
                    found.join(", ")
                ),
            }
        };
        return NO_MATCHING_KEY.at(name, delegation.first().map(text).as_deref(), detail);
    }
    let sets = zone.sets();
    let of = |set: &super::zone::Signed<'_>| format!("the {} records of {}", set.covered, host(set.name));
    if let Some(set) = sets.iter().find(|set| set.signatures.is_empty()) {
        let detail = format!("{} have no signature, though {name} should be signed", of(set));
        return SIGNATURES_MISSING.at(&host(set.name), None, detail);
    }
    let over = |set: &&super::zone::Signed<'_>| set.expires(zone.now).is_some_and(|end| end < zone.now);
    if let Some(set) = sets.iter().find(over) {
        let days = set.expires(zone.now).map_or(0, |end| (zone.now - end) / DAY);
        let detail = match days {
            0 => format!("the signatures of {} expired within the last day", of(set)),
            1 => format!("the signatures of {} expired a day ago", of(set)),
            _ => format!("the signatures of {} expired {days} days ago", of(set)),
        };
        return SIGNATURES_EXPIRED.at(&host(set.name), None, detail);
    }
    let early =
        |signature: &&hickory_resolver::proto::dnssec::rdata::RRSIG| begins(signature, zone.now) > zone.now;
    if let Some(set) = sets.iter().find(|set| set.signatures.iter().all(early)) {
        let detail = format!("the signatures of {} are not valid yet; is the signer's clock right?", of(set));
        return BOGUS.at(&host(set.name), None, detail);
    }
    let detail = match (zone.ds.proof, zone.keys.proof) {
        (Proof::Bogus, _) => format!("what the zone above says about the keys of {name} does not validate"),
        (_, Proof::Bogus) => format!("the keys of {name} are not signed by a key that the zone above names"),
        _ => format!("answers about {domain} have signatures that do not match them"),
    };
    BOGUS.at(domain, None, detail)
}

/// In what a DS record differs from the key whose number it has: the end of a sentence. None when there is no such key.
fn mismatch(zone: &Zone, ds: &Delegation) -> Option<String> {
    let (name, tag) = (&zone.name, ds.tag);
    let key = zone.keys().find(|key| key.calculate_key_tag().ok() == Some(tag))?;
    let own = algorithm(&key);
    Some(match own == ds.algorithm {
        true => format!(
            "{tag} of {name} has another digest than that key: it is of an earlier key, or was copied wrongly"
        ),
        false => {
            format!("{tag} of {name} says algorithm {}, but that key is of algorithm {own}", ds.algorithm)
        }
    })
}

/// Signatures that live for less than a week are made while somebody asks, or by a machine that never sleeps; of the
/// others, most signers renew when a quarter of the time is left, OpenDNSSEC when three days of fourteen are.
fn expiry(check: &mut Check, zone: &Zone) {
    let due = zone.sets().into_iter().filter_map(|set| {
        let signature = set.last(zone.now)?;
        let (from, to) = (begins(signature, zone.now), ends(signature, zone.now));
        let validity = to.saturating_sub(from);
        let left = to.saturating_sub(zone.now);
        let is_due = validity >= WEEK && left < SOON.min(validity / 5);
        is_due.then(|| (left, format!("the {} records of {}", set.covered, host(set.name)), host(set.name)))
    });
    if let Some((left, what, name)) = due.min_by_key(|(left, ..)| *left) {
        let detail = format!("the signature of {what} ends in {} hours and was not renewed", left / 3_600);
        check.find(EXPIRES_SOON.at(&name, None, detail));
    }
}

fn keys(check: &mut Check, zone: &Zone) {
    let name = &zone.name;
    let mut weak: Vec<u8> = zone.keys().filter(|key| !key.revoke()).map(|key| algorithm(&key)).collect();
    weak.retain(|algorithm| WEAK.contains(algorithm));
    weak.sort_unstable();
    weak.dedup();
    if !weak.is_empty() {
        let numbers: Vec<_> = weak.iter().map(u8::to_string).collect();
        let detail = format!("{name} has keys of algorithm {}", numbers.join(", "));
        check.find(WEAK_ALGORITHM.at(name, None, detail));
    }
    let delegation = zone.delegation();
    if let Some(ds) = delegation.iter().find(|ds| ds.digest == SHA1) {
        let detail = format!("the DS record for key {} of {name} is a SHA-1 hash", ds.tag);
        check.find(SHA1_DS.at(name, Some(&text(ds)), detail));
    }
    if delegation.iter().any(|ds| ds.matches) {
        for ds in delegation.iter().filter(|ds| !ds.matches) {
            let detail = match mismatch(zone, ds) {
                Some(what) => format!("the DS record for key {what}"),
                None => format!("a DS record names key {}, which {name} does not have", ds.tag),
            };
            check.find(STALE_DS.at(name, Some(&text(ds)), detail));
        }
    }
    if let Some(Denial::Nsec3 { iterations: iterations @ 1.. }) = zone.kind_of_denial() {
        let detail = format!("{name} hashes names {iterations} more times");
        check.find(NSEC3_ITERATIONS.at(name, None, detail));
    }
}

fn text(ds: &Delegation) -> String {
    format!("{} {} {}", ds.tag, ds.algorithm, ds.digest)
}

fn host(name: &hickory_resolver::proto::rr::Name) -> String {
    crate::resolver::host(name)
}

/// RFC 8624 section 3.1, RFC 9905, RFC 9906: must not be used to sign, or not be validated.
const WEAK: [u8; 6] = [1, 3, 5, 6, 7, 12];
const SHA1: u8 = 1;
const SOON: u64 = 3 * DAY;
const WEEK: u64 = 7 * DAY;
