use std::{borrow::Borrow, collections::HashMap, hash::Hash, sync::Arc, time::Instant};

use hickory_resolver::{
    TokioResolver,
    net::{DnsError, NetError},
    proto::rr::{Name, RData},
};
use mail_auth::{
    Error, ResolverCache, Txt,
    common::{parse::TxtRecordParser, verify::DomainKey},
};

/// The key records of one message's signatures, by the name they were asked for under: `s._domainkey.d.`.
///
/// They are fetched before the signatures are verified, so that it is known which names did not answer, and
/// because the verifier does not tell what services a key allows (`s=`).
#[derive(Default)]
pub(super) struct Keys(HashMap<Box<str>, Key>);

impl Keys {
    pub(super) fn insert(&mut self, name: &str, key: Key) {
        self.0.insert(name.into(), key);
    }

    pub(super) fn find(&self, name: &str) -> Option<&Key> {
        self.0.get(name)
    }
}

impl ResolverCache<Box<str>, Txt> for Keys {
    fn get<Q: Eq + Hash + ?Sized>(&self, name: &Q) -> Option<Txt>
    where
        Box<str>: Borrow<Q>,
    {
        self.0.get(name).map(Key::as_txt)
    }

    fn remove<Q: Eq + Hash + ?Sized>(&self, _: &Q) -> Option<Txt>
    where
        Box<str>: Borrow<Q>,
    {
        None
    }

    fn insert(&self, _: Box<str>, _: Txt, _: Instant) {}
}

/// What was found under a key's name.
pub(super) struct Key {
    record: Result<Arc<DomainKey>, Error>,
    allows_tls_rpt: bool,
}

impl Key {
    /// Asks for the key record `name`.
    pub(super) async fn look_up(resolver: &TokioResolver, name: &str) -> Self {
        let Ok(query) = Name::from_str_relaxed(name) else { return Self::none(Error::ParseError) };
        let answer = match resolver.txt_lookup(query).await {
            Ok(answer) => answer,
            Err(NetError::Dns(DnsError::NoRecordsFound(none))) => {
                return Self::none(Error::Dns(mail_auth::DnsError::RecordNotFound(none.response_code)));
            }
            Err(error) => return Self::unreachable(&error.to_string()),
        };
        let mut key = Self::none(Error::Dns(mail_auth::DnsError::InvalidRecordType));
        for record in answer.answers() {
            let RData::TXT(text) = &record.data else { continue };
            key = Self::parse(&text.txt_data.concat());
            if key.record.is_ok() {
                break;
            }
        }
        key
    }

    /// No answer was had.
    pub(super) fn unreachable(reason: &str) -> Self {
        Self::none(Error::Dns(mail_auth::DnsError::Resolver(reason.to_owned())))
    }

    pub(super) fn is_unreachable(&self) -> bool {
        matches!(self.record, Err(Error::Dns(mail_auth::DnsError::Resolver(_))))
    }

    /// Whether the key may sign TLS reports: `s=` is absent, or lists `*` or `tlsrpt` (RFC 8460 section 3).
    pub(super) fn allows_tls_rpt(&self) -> bool {
        self.allows_tls_rpt
    }

    /// Whether it is an RSA key too short to prove anything. 0 bits is no RSA key at all.
    pub(super) fn is_short(&self) -> bool {
        self.record.as_ref().is_ok_and(|key| (1..SHORTEST_RSA_BITS).contains(&key.p.public_key_bits()))
    }

    fn parse(record: &[u8]) -> Self {
        Self { record: DomainKey::parse(record).map(Arc::new), allows_tls_rpt: allows_tls_rpt(record) }
    }

    fn none(error: Error) -> Self {
        Self { record: Err(error), allows_tls_rpt: false }
    }

    fn as_txt(&self) -> Txt {
        match &self.record {
            Ok(key) => Txt::DomainKey(key.clone()),
            Err(error) => Txt::Error(error.clone()),
        }
    }
}

fn allows_tls_rpt(record: &[u8]) -> bool {
    let services = record.split(|byte| *byte == b';').find_map(|tag| {
        let equals = memchr::memchr(b'=', tag)?;
        let (name, value) = tag.split_at_checked(equals)?;
        name.trim_ascii().eq_ignore_ascii_case(b"s").then_some(value.get(1..)?)
    });
    services.is_none_or(|services| {
        services
            .split(|byte| *byte == b':')
            .map(<[u8]>::trim_ascii)
            .any(|service| service == b"*" || service.eq_ignore_ascii_case(b"tlsrpt"))
    })
}

// RFC 8301 section 3.2.
const SHORTEST_RSA_BITS: usize = 1_024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn services() {
        for (record, allowed) in [
            ("v=DKIM1; p=AAAA", true),
            ("v=DKIM1; s=*; p=AAAA", true),
            ("v=DKIM1; s=tlsrpt; p=AAAA", true),
            ("v=DKIM1; s = email : TLSRPT ; p=AAAA", true),
            ("v=DKIM1; s=email; p=AAAA", false),
            ("v=DKIM1; s=other; p=AAAA", false),
            ("v=DKIM1; p=AAAA; n=s", true),
        ] {
            assert_eq!(allows_tls_rpt(record.as_bytes()), allowed, "{record}");
        }
    }
}
