//! What a server showed when it was asked for TLS, and what of it its records and its name allow.

use std::{net::IpAddr, sync::Arc, time::Duration};

use rustls::{
    RootCertStore,
    client::{WebPkiServerVerifier, danger::ServerCertVerifier, verify_server_name},
    pki_types::{CertificateDer, ServerName, UnixTime},
    server::ParsedCertificate,
};
use serde::Serialize;

use super::{Record, certificate::Certificate};
use crate::Trouble;

/// What came of asking a server for TLS.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case", tag = "result")]
#[non_exhaustive]
pub enum Session {
    /// There was no conversation.
    Unreachable {
        /// Why.
        trouble: Trouble,
    },
    /// The server does not talk to us.
    Refused {
        /// What it said.
        reply: String,
    },
    /// The server does not offer STARTTLS.
    NoStarttls,
    /// The server offers STARTTLS and then does not do it.
    StarttlsRefused {
        /// What it said.
        reply: String,
    },
    /// TLS could not be agreed on.
    HandshakeFailed {
        /// Why.
        reason: String,
        /// Whether that is because the server knows no version that is safe (1.2, 1.3).
        old: bool,
    },
    /// There is TLS.
    Tls {
        /// `TLSv1.3`.
        version: String,
        /// The certificates that the server sent, its own first, in DER.
        #[serde(skip)]
        chain: Vec<Vec<u8>>,
    },
}

/// A server's address and what it showed there.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Served {
    /// Where it was asked.
    pub address: IpAddr,
    /// What it showed.
    pub session: Session,
    /// What of its certificate holds, when there was one.
    pub certificate: Option<Validity>,
}

/// What of a certificate holds.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Validity {
    /// When it ends; seconds since 1970.
    pub expires: Option<u64>,
    /// How long it is valid in all; seconds.
    #[serde(skip)]
    pub lifetime: u64,
    /// Whether it is valid at the time of the examination.
    pub in_time: bool,
    /// Whether it has the server's name.
    pub has_name: bool,
    /// Whether a public certification authority vouches for it by way of the certificates that the server sent,
    /// name and time included; not known without a list of authorities.
    pub trusted: Option<bool>,
    /// Whether one of the usable TLSA records matches it; not known when there are none.
    pub matches: Option<bool>,
}

impl Validity {
    /// What holds at the time `now` for a server that is known as `names`, the first of which is the host's.
    pub(super) fn of(
        chain: &[Vec<u8>],
        names: &[&str],
        records: &[&Record],
        authorities: Option<&Arc<RootCertStore>>,
        now: u64,
    ) -> Self {
        let own = chain.first().and_then(|own| Certificate::read(own));
        let host: &[&str] = names.get(..1).unwrap_or_default();
        Self {
            expires: own.map(|own| own.to),
            lifetime: own.map_or(0, |own| own.to.saturating_sub(own.from)),
            in_time: own.is_some_and(|own| (own.from..=own.to).contains(&now)),
            has_name: chain.first().is_some_and(|own| has_name(own, host)),
            trusted: authorities.map(|authorities| is_issued(chain, authorities.clone(), host, now)),
            matches: (!records.is_empty()).then(|| is_allowed(chain, names, records, now)),
        }
    }
}

/// Whether one of the records allows the chain (RFC 7671 section 5).
fn is_allowed(chain: &[Vec<u8>], names: &[&str], records: &[&Record], now: u64) -> bool {
    let certificates: Vec<_> = chain.iter().filter_map(|one| Certificate::read(one)).collect();
    let Some(own) = certificates.first() else { return false };
    records.iter().any(|record| match record.usage {
        // The name, the time and the issuer do not matter (section 5.1).
        3 => record.is(own),
        2 => {
            let sent = certificates.iter().filter(|one| record.is(one)).map(|one| one.whole.to_vec());
            // A whole certificate in the record need not be sent (section 5.2.2).
            let given = (record.selector == 0 && record.matching == 0).then(|| record.data.clone());
            sent.chain(given).any(|issuer| {
                let mut issuers = RootCertStore::empty();
                issuers.add(CertificateDer::from(issuer)).is_ok()
                    && is_issued(chain, Arc::new(issuers), names, now)
            })
        }
        _ => false,
    })
}

/// Whether the chain leads to one of the issuers and is valid for one of the names now.
fn is_issued(chain: &[Vec<u8>], issuers: Arc<RootCertStore>, names: &[&str], now: u64) -> bool {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let Ok(verifier) = WebPkiServerVerifier::builder_with_provider(issuers, provider).build() else {
        return false;
    };
    let chain: Vec<_> = chain.iter().map(|one| CertificateDer::from(one.as_slice())).collect();
    let Some((own, others)) = chain.split_first() else { return false };
    let now = UnixTime::since_unix_epoch(Duration::from_secs(now));
    names
        .iter()
        .filter_map(|name| ServerName::try_from(*name).ok())
        .any(|name| verifier.verify_server_cert(own, others, &name, &[], now).is_ok())
}

fn has_name(own: &[u8], names: &[&str]) -> bool {
    let own = CertificateDer::from(own);
    let Ok(own) = ParsedCertificate::try_from(&own) else { return false };
    let mut names = names.iter().filter_map(|name| ServerName::try_from(*name).ok());
    names.any(|name| verify_server_name(&own, &name).is_ok())
}
