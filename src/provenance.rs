//! Is a report's message from who it says: SPF, DKIM and DMARC of the message itself.
//!
//! [`Letter::read`] takes from a message what is needed of it, in one pass and little memory: its header, and
//! the hashes of its body. [`Authenticator::check`] asks DNS and gives the [`Evidence`], one for each message,
//! [`Evidence::verdict`] says what that means for one report in it, and [`Evidence::standing`] whether decisions may
//! rest on it. The rules are with [`Verdict`] and [`Standing`], and in `docs/provenance.md`.

mod alignment;
mod authenticator;
mod disguise;
mod evidence;
mod judged;
mod keys;
mod letter;
mod organizations;
mod results;
mod standing;
pub mod telemetry;

use std::{net::IpAddr, time::Duration};

pub use authenticator::Authenticator;
pub use evidence::{Claim, Evidence, Kind, Verdict};
pub use letter::Letter;
pub use results::{Dkim, DkimReason, DkimResult, DmarcResult, Doubt, Spf, SpfResult, SpfScope};
pub use standing::Standing;

/// How messages are examined.
#[derive(Clone, Debug, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Whether messages are examined at all; when not, every verdict is `unknown` and every report is believed.
    pub enabled: bool,
    /// How long the examination of one message may take; seconds.
    #[serde(with = "ruad_common::seconds")]
    pub timeout: Duration,
    /// How many signatures of one message are verified.
    pub signatures: usize,
    /// The largest header that is examined; bytes. A message with a larger one is `unknown`.
    pub header_bytes: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self { enabled: true, timeout: Duration::from_secs(5), signatures: 10, header_bytes: 256 * 1_024 }
    }
}

/// How a message was delivered.
#[derive(Clone, Copy, Debug)]
pub struct Delivery<'a> {
    /// When it was received; milliseconds since the epoch.
    pub received_at: u64,
    /// The client's address.
    pub client_ip: IpAddr,
    /// What it called itself.
    pub helo: &'a str,
    /// MAIL FROM; empty for the null reverse-path.
    pub mail_from: &'a str,
}
