//! DNSSEC (RFC 4033 to 4035): whether the answers about a mail domain are signed, and whether the signatures hold.

mod check;
mod zone;

use futures_util::future::join_all;
use hickory_resolver::proto::rr::RecordType;
use serde::Serialize;
use tokio::join;

use super::{Answer, Check, Judged, Mechanism, Proof, Validator, finding::codes, is_special_use, resolver};
use zone::Zone;

pub use zone::{Delegation, Denial, Key};

/// How it stands.
#[derive(Clone, Debug, Serialize)]
pub struct Outcome {
    /// The findings and what they rest on.
    #[serde(flatten)]
    pub check: Check,
    /// What validation says about the domain's answers, denials included.
    pub proof: Proof,
    /// The zone that holds the domain.
    pub zone: String,
    /// Its keys (DNSKEY).
    pub keys: Vec<Key>,
    /// What the zone above says of its keys (DS).
    pub delegation: Vec<Delegation>,
    /// How it shows that there is nothing.
    pub denial: Option<Denial>,
    /// When the first of its signatures ends; seconds since 1970.
    pub expires: Option<u64>,
    /// What validation says about the addresses of the hosts that receive mail.
    pub hosts: Vec<Host>,
}

/// A host that receives mail.
#[derive(Clone, Debug, Serialize)]
pub struct Host {
    /// Its name.
    pub name: String,
    /// What validation says about its addresses.
    pub proof: Proof,
}

/// Examines `domain`; `now` is in seconds since 1970.
pub async fn examine(validator: &Validator, domain: &str, now: u64) -> Outcome {
    let (soa, mx) = join!(validator.ask(domain, RecordType::SOA), validator.ask(domain, RecordType::MX));
    let name = soa.zone().or_else(|| mx.zone()).unwrap_or_else(|| domain.to_owned());
    let is_signed = soa.proof.and(mx.proof).is_secure();
    let (denial, keys, delegation, hosts) = join!(
        deny(validator, domain, is_signed),
        validator.ask(&name, RecordType::DNSKEY),
        validator.ask(&name, RecordType::DS),
        join_all(hosts_of(&mx).into_iter().map(async |host| host_of(validator, host).await)),
    );
    let zone = Zone { name, keys, ds: delegation, answers: vec![soa, mx], denial, now };
    let mut check = Check::new(Mechanism::Dnssec);
    let proof = check::judge(&mut check, domain, &zone);
    check::judge_hosts(&mut check, proof, &zone.name, &hosts);
    zone.into_outcome(check, proof, hosts)
}

/// Asks for a name that nobody has. Only who signs can prove that.
async fn deny(validator: &Validator, domain: &str, is_signed: bool) -> Option<(String, Judged)> {
    let name = format!("{NOBODY}.{domain}");
    let judged = if is_signed { validator.ask(&name, RecordType::A).await } else { return None };
    Some((name, judged))
}

fn hosts_of(mx: &Judged) -> Vec<String> {
    let hosts = mx.answer(resolver::as_mx);
    let hosts = hosts.records().iter().map(|mx| mx.exchange.clone());
    let hosts = hosts.filter(|host| !host.is_empty() && !is_special_use(host));
    let mut hosts: Vec<_> = hosts.collect();
    hosts.sort();
    hosts.dedup();
    hosts.truncate(HOSTS);
    hosts
}

async fn host_of(validator: &Validator, name: String) -> Host {
    let (v4, v6) = join!(validator.ask(&name, RecordType::A), validator.ask(&name, RecordType::AAAA));
    Host { proof: v4.both_addresses(&v6), name }
}

/// A name that nobody has, to see whether the zone can prove that.
const NOBODY: &str = "_dnssec-denial";
/// Hosts examined at most; internet.nl looks at as many.
const HOSTS: usize = 10;

codes! {
    /// The domain is not signed.
    UNSIGNED = "dnssec.unsigned", Info;
    /// The zone is signed, but nothing above it vouches for its keys.
    NO_CHAIN = "dnssec.no_chain", Warning;
    /// The zone above names keys that the zone does not have.
    NO_MATCHING_KEY = "dnssec.no_matching_key", Error;
    /// One of the DS records names a key that is not there.
    STALE_DS = "dnssec.stale_ds", Info;
    /// The zone above says that the zone is signed, and it is not.
    SIGNATURES_MISSING = "dnssec.signatures_missing", Error;
    /// Every signature of an answer is over.
    SIGNATURES_EXPIRED = "dnssec.signatures_expired", Error;
    /// The signatures do not hold for another reason.
    BOGUS = "dnssec.bogus", Error;
    /// Answers are signed, but that there is nothing cannot be proven.
    DENIAL_UNPROVEN = "dnssec.denial_unproven", Error;
    /// Signatures end soon and nobody seems to renew them.
    EXPIRES_SOON = "dnssec.expires_soon", Warning;
    /// A key uses an algorithm that is weak or no longer validated.
    WEAK_ALGORITHM = "dnssec.weak_algorithm", Warning;
    /// A DS record is a SHA-1 hash.
    SHA1_DS = "dnssec.sha1_ds", Warning;
    /// NSEC3 with additional iterations.
    NSEC3_ITERATIONS = "dnssec.nsec3_iterations", Warning;
    /// The keys are of an algorithm that is not known here.
    UNKNOWN_ALGORITHM = "dnssec.unknown_algorithm", Info;
    /// A host that receives mail is in an unsigned zone, while the domain is signed.
    MX_UNSIGNED = "dnssec.mx_unsigned", Info;
    /// The addresses of a host that receives mail do not validate.
    MX_BOGUS = "dnssec.mx_bogus", Error;
}
