//! DANE for SMTP (RFC 7672): records that say which certificate a host that receives mail has, so that its senders
//! insist on TLS with exactly that host. They count only when every answer on the way to them is signed.

mod certificate;
mod check;
mod record;
mod session;

use std::{net::IpAddr, sync::Arc};

use futures_util::future::join_all;
use hickory_resolver::proto::rr::{RData, RecordType};
use rustls::RootCertStore;
use serde::Serialize;
use tokio::join;

use super::{Answer, Check, Found, Mechanism, Mx, Proof, Validator, finding::codes, is_special_use};

pub use record::Record;
pub use session::{Served, Session, Validity};

/// How it stands.
#[derive(Clone, Debug, Serialize)]
pub struct Outcome {
    /// The findings and what they rest on.
    #[serde(flatten)]
    pub check: Check,
    /// What validation says about the list of hosts.
    pub mx: Proof,
    /// The hosts that receive mail.
    pub hosts: Vec<Host>,
    #[serde(skip)]
    domain: String,
}

/// A host that receives mail.
#[derive(Clone, Debug, Serialize)]
pub struct Host {
    /// Its name, as the domain's MX record has it.
    pub name: String,
    /// The name under which its records were looked for last: its own, or the one it is an alias of.
    pub base: String,
    /// Where it is.
    pub addresses: Vec<IpAddr>,
    /// What validation says about the addresses.
    pub address_proof: Proof,
    /// What validation says about the TLSA records, or about there being none.
    pub proof: Proof,
    /// The TLSA records.
    pub records: Vec<Record>,
    /// What its servers showed when they were asked for TLS.
    pub served: Vec<Served>,
}

/// An address to ask for TLS.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Target {
    /// The name of the host.
    pub host: String,
    /// The name to ask for in the handshake (RFC 7672 section 3.2.1).
    pub server_name: String,
    /// Where it is.
    pub address: IpAddr,
}

/// Examines `domain` by what DNS says. What the servers themselves show is added by [`Outcome::serve`].
pub async fn examine(validator: &Validator, domain: &str) -> Outcome {
    let (answer, mx) = validator.mx(domain).await;
    let names = hosts_of(&answer, domain);
    let hosts = match mx {
        Proof::Secure | Proof::Insecure => {
            join_all(names.into_iter().map(async |name| Host::examine(validator, name).await)).await
        }
        Proof::Bogus | Proof::Unknown(_) => Vec::new(),
    };
    // Without an MX record the domain receives its mail itself, if it is anywhere (RFC 5321 section 5.1).
    let hosts = hosts
        .into_iter()
        .filter(|host| answer.trouble().is_some() || !answer.is_none() || host.is_anywhere());
    let mut outcome =
        Outcome { check: Check::new(Mechanism::Dane), mx, hosts: hosts.collect(), domain: domain.to_owned() };
    check::judge(&mut outcome);
    outcome
}

impl Outcome {
    /// The addresses to ask for TLS.
    pub fn targets(&self) -> Vec<Target> {
        let target = |host: &Host, address| Target {
            host: host.name.clone(),
            server_name: host.base.clone(),
            address,
        };
        self.hosts
            .iter()
            .flat_map(|host| {
                let (v4, v6): (Vec<IpAddr>, Vec<IpAddr>) =
                    host.addresses.iter().partition(|address| address.is_ipv4());
                let some = v4.into_iter().take(ADDRESSES).chain(v6.into_iter().take(ADDRESSES));
                some.map(|address| target(host, address))
            })
            .collect()
    }

    /// Adds what the servers showed at the time `now`, in seconds since 1970, and what is wrong with it. `authorities`
    /// are those the public trusts.
    pub fn serve(
        &mut self,
        sessions: Vec<(Target, Session)>,
        authorities: Option<&Arc<RootCertStore>>,
        now: u64,
    ) {
        for (target, session) in sessions {
            let Some(host) = self.hosts.iter_mut().find(|host| host.name == target.host) else { continue };
            let certificate = match &session {
                Session::Tls { chain, .. } => {
                    let mut names = vec![host.name.as_str(), host.base.as_str()];
                    // The next-hop domain counts as well when it is sure which hosts are its (section 3.2.2).
                    if self.mx.is_secure() {
                        names.push(&self.domain);
                    }
                    Some(Validity::of(chain, &names, &host.usable(), authorities, now))
                }
                _ => None,
            };
            host.served.push(Served { address: target.address, session, certificate });
        }
        for host in &self.hosts {
            check::judge_served(&mut self.check, host, now);
        }
    }
}

impl Host {
    async fn examine(validator: &Validator, name: String) -> Self {
        let (v4, v6) = join!(validator.ask(&name, RecordType::A), validator.ask(&name, RecordType::AAAA));
        let address_proof = v4.both_addresses(&v6);
        let address = |data: &RData| match data {
            RData::A(address) => Some(IpAddr::V4(address.0)),
            RData::AAAA(address) => Some(IpAddr::V6(address.0)),
            _ => None,
        };
        let mut addresses = Vec::new();
        let mut alias = None;
        for answer in [v4.answer(address), v6.answer(address)] {
            if let Answer::Found(found) = answer {
                addresses.extend(found.records);
                alias = alias.or(found.alias);
            }
        }
        addresses.truncate(MOST_ADDRESSES);
        let mut host = Self {
            base: name.clone(),
            proof: address_proof,
            records: Vec::new(),
            served: Vec::new(),
            name,
            addresses,
            address_proof,
        };
        // The name at the end of signed aliases comes first, then the host's own (section 2.2.2).
        let alias = alias.filter(|_| address_proof.is_secure());
        for base in alias.into_iter().chain([host.name.clone()]) {
            let (answer, proof) = validator.tlsa(&format!("_25._tcp.{base}")).await;
            (host.base, host.proof) = (base, proof);
            if let Answer::Found(Found { records, .. }) = answer {
                host.records = records.iter().map(Record::from).collect();
                host.records.sort();
                host.records.dedup();
                host.records.truncate(MOST_TLSA);
            }
            if proof == Proof::Bogus || proof.trouble().is_some() || !host.records.is_empty() {
                break;
            }
        }
        host
    }

    /// Whether senders that know DANE insist on TLS: the addresses and the records are signed.
    pub fn is_in_force(&self) -> bool {
        self.address_proof.is_secure() && self.proof.is_secure() && !self.records.is_empty()
    }

    /// The records that senders check the certificate with.
    pub fn usable(&self) -> Vec<&Record> {
        let usable = self.records.iter().filter(|record| record.fault().is_none());
        usable.filter(|_| self.is_in_force()).collect()
    }

    fn is_anywhere(&self) -> bool {
        !self.addresses.is_empty()
    }
}

/// The hosts by the domain's MX records. A null MX (RFC 7505) has none.
fn hosts_of(mx: &Answer<Mx>, domain: &str) -> Vec<String> {
    match mx {
        Answer::Found(found) => {
            let mut names: Vec<_> = found.records.iter().collect();
            names.sort();
            let mut hosts: Vec<String> = Vec::new();
            for mx in names {
                let is_anywhere = !mx.exchange.is_empty() && !is_special_use(&mx.exchange);
                if is_anywhere && !hosts.contains(&mx.exchange) {
                    hosts.push(mx.exchange.clone());
                }
            }
            hosts.truncate(HOSTS);
            hosts
        }
        Answer::NoData => vec![domain.to_owned()],
        Answer::NoName | Answer::Unknown(_) => Vec::new(),
    }
}

/// Hosts examined at most, the preferred ones first.
const HOSTS: usize = 10;
/// Addresses of each kind that are asked for TLS at most.
const ADDRESSES: usize = 2;

/// Addresses and TLSA records of a host that are kept.
const MOST_ADDRESSES: usize = 32;
const MOST_TLSA: usize = 32;

codes! {
    /// The hosts could have TLSA records and have none.
    MISSING = "dane.missing", Info;
    /// Some of the hosts have usable TLSA records and others do not.
    SOME_HOSTS = "dane.some_hosts", Warning;
    /// There are TLSA records in a zone that is not signed.
    NOT_SIGNED = "dane.not_signed", Warning;
    /// The hosts have signed TLSA records, but the domain that names the hosts is not signed.
    DOMAIN_UNSIGNED = "dane.domain_unsigned", Info;
    /// The domain's own answers do not validate, which is DNSSEC's matter.
    DOMAIN_BOGUS = "dane.domain_bogus", Info;
    /// What says whether there are TLSA records does not validate.
    LOOKUP_BOGUS = "dane.lookup_bogus", Error;
    /// The name servers fail to answer whether there are TLSA records.
    LOOKUP_FAILS = "dane.lookup_fails", Warning;
    /// A TLSA record cannot be used.
    RECORD_UNUSABLE = "dane.record_unusable", Warning;
    /// None of a host's TLSA records can be used.
    NO_USABLE_RECORD = "dane.no_usable_record", Error;
    /// A record names a whole certificate of a server, which every renewal changes.
    WHOLE_CERTIFICATE = "dane.whole_certificate", Info;
    /// A record holds data that is not hashed.
    NOT_HASHED = "dane.not_hashed", Info;
    /// A host has records with SHA-512 alone.
    ONLY_SHA512 = "dane.only_sha512", Info;
    /// There is no second record for the next key.
    NO_ROLLOVER = "dane.no_rollover", Info;
    /// The certificate that is served matches no record.
    MISMATCH = "dane.mismatch", Error;
    /// There are TLSA records and TLS is not offered.
    STARTTLS_REQUIRED = "dane.starttls_required", Error;
    /// TLS is not offered.
    STARTTLS_MISSING = "dane.starttls_missing", Warning;
    /// The server knows only versions of TLS that are no longer safe.
    TLS_OLD = "dane.tls_old", Warning;
    /// TLS is offered and cannot be agreed on.
    TLS_FAILED = "dane.tls_failed", Warning;
    /// The certificate is over, or not yet valid.
    CERTIFICATE_EXPIRED = "dane.certificate_expired", Warning;
    /// The certificate is over soon.
    CERTIFICATE_EXPIRES_SOON = "dane.certificate_expires_soon", Warning;
    /// The certificate is for other names.
    CERTIFICATE_NAME = "dane.certificate_name", Info;
    /// No public authority vouches for the certificate.
    CERTIFICATE_UNTRUSTED = "dane.certificate_untrusted", Info;
}
