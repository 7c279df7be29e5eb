//! Keys with which mail is signed (RFC 6376, RFC 8463): a pair is made, its public half becomes a record, and the way from
//! one selector to the next is written down.
//!
//! A private key is handed out once, as text, and written to a file of the operator's; it is never logged and never
//! stored. Buffers that held it are overwritten as far as they are ours.

mod der;
mod file;
mod pair;
mod pem;
mod record;
mod rotation;
mod selector;
mod snippet;

use std::path::PathBuf;

pub use file::{KeyFile, KeyFileError};
pub use pair::{Algorithm, KeyPair, PairError};
pub use record::KeyRecord;
pub use rotation::{KEEP_DAYS, rotation};
pub use selector::{Occupied, SelectorError, default_selector, is_free, is_selector};
pub use snippet::{Signer, Snippet};

/// Where private keys go.
#[derive(Clone, Debug, Default, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// The folder that `ruad dkim new` writes private keys to when it is not told another one.
    pub directory: Option<PathBuf>,
}
