//! What is known of a message besides its bytes.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::{MessageId, SpoolError};

/// From where and for whom a message came. Stored as JSON: a field added later reads as its default in older segments.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Envelope {
    /// When its last byte arrived, in milliseconds since the epoch.
    pub received_at: u64,
    /// The client's address.
    pub client_ip: IpAddr,
    /// What the client called itself.
    pub helo: String,
    /// Protocol and cipher, when the session was encrypted.
    pub tls: Option<String>,
    /// The reverse-path; empty for the null reverse-path.
    pub mail_from: String,
    /// The recipients that were accepted.
    pub rcpt_to: Vec<String>,
}

impl Envelope {
    pub(super) fn encode(&self) -> Result<Vec<u8>, SpoolError> {
        self.encode_from(None)
    }

    /// The same, for a message that was in quarantine under that name.
    pub(super) fn encode_from(&self, requeued_from: Option<MessageId>) -> Result<Vec<u8>, SpoolError> {
        let requeued_from = requeued_from.map(|id| id.to_string());
        // Serialising strings and numbers cannot fail; were it to, an envelope of no bytes is refused when read.
        let bytes = serde_json::to_vec(&Stored { envelope: self, requeued_from }).unwrap_or_default();
        if bytes.len() > MAX_ENVELOPE_BYTES {
            return Err(SpoolError::EnvelopeTooLarge { bytes: bytes.len(), limit: MAX_ENVELOPE_BYTES });
        }
        Ok(bytes)
    }

    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        serde_json::from_slice(bytes).ok()
    }
}

/// The name an encoded envelope's message had in quarantine, if it was put back from there.
pub(super) fn requeued_from(bytes: &[u8]) -> Option<MessageId> {
    #[derive(Deserialize)]
    struct Origin {
        requeued_from: Option<String>,
    }
    serde_json::from_slice::<Origin>(bytes).ok()?.requeued_from?.parse().ok()
}

#[derive(Serialize)]
struct Stored<'a> {
    #[serde(flatten)]
    envelope: &'a Envelope,
    #[serde(skip_serializing_if = "Option::is_none")]
    requeued_from: Option<String>,
}

/// More than an SMTP session can make: 1,000 recipients of 254 characters and then some.
pub(super) const MAX_ENVELOPE_BYTES: usize = 1024 * 1024;
