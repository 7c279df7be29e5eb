//! What a TLSA record says (RFC 6698, RFC 7671).

use std::fmt;

use hickory_resolver::proto::rr::rdata::TLSA;
use ring::digest::{SHA256, SHA512, digest};
use serde::{Serialize, Serializer};

use super::certificate::Certificate;

/// A TLSA record.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Record {
    /// Which certificate is meant: 2 one that issues, 3 the server's own; 0 and 1 the same within the public PKI.
    pub usage: u8,
    /// 0 the whole certificate, 1 its public key.
    pub selector: u8,
    /// 0 as it is, 1 its SHA-256, 2 its SHA-512.
    pub matching: u8,
    /// What it must be.
    pub data: Vec<u8>,
}

impl Record {
    /// Why senders leave it out, if they do (RFC 7672 section 3.1).
    pub fn fault(&self) -> Option<String> {
        let length = match self.matching {
            1 => 32,
            2 => 64,
            _ => self.data.len(),
        };
        match (self.usage, self.selector, self.matching) {
            (usage @ (0 | 1), ..) => Some(format!("usage {usage} is not for mail")),
            (usage @ 4.., ..) => Some(format!("there is no usage {usage}")),
            (_, selector @ 2.., _) => Some(format!("there is no selector {selector}")),
            (.., matching @ 3..) => Some(format!("there is no matching type {matching}")),
            _ if self.data.is_empty() => Some("it has no data".to_owned()),
            _ if self.data.len() != length => {
                Some(format!("matching type {} takes {length} bytes, not {}", self.matching, self.data.len()))
            }
            _ => None,
        }
    }

    /// Whether it is this certificate that is meant.
    pub(super) fn is(&self, certificate: &Certificate<'_>) -> bool {
        let content = match self.selector {
            0 => certificate.whole,
            1 => certificate.public_key,
            _ => return false,
        };
        match self.matching {
            0 => content == self.data,
            1 => digest(&SHA256, content).as_ref() == self.data,
            2 => digest(&SHA512, content).as_ref() == self.data,
            _ => false,
        }
    }
}

impl From<&TLSA> for Record {
    fn from(tlsa: &TLSA) -> Self {
        Self {
            usage: tlsa.cert_usage.into(),
            selector: tlsa.selector.into(),
            matching: tlsa.matching.into(),
            data: tlsa.cert_data.clone(),
        }
    }
}

/// As it stands in a zone file.
impl fmt::Display for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {} ", self.usage, self.selector, self.matching)?;
        self.data.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl Serialize for Record {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_senders_use_is_without_fault() {
        for (usage, selector, matching, length, usable) in [
            (3, 1, 1, 32, true),
            (3, 1, 2, 64, true),
            (2, 0, 1, 32, true),
            (2, 0, 0, 900, true),
            (3, 1, 1, 64, false),
            (3, 1, 2, 32, false),
            (3, 1, 0, 0, false),
            (0, 0, 1, 32, false),
            (1, 1, 1, 32, false),
            (4, 1, 1, 32, false),
            (255, 1, 1, 32, false),
            (3, 2, 1, 32, false),
            (3, 1, 3, 32, false),
        ] {
            let record = Record { usage, selector, matching, data: vec![1; length] };
            assert_eq!(record.fault().is_none(), usable, "{record}");
        }
    }
}
