//! Stand-in for the spool room until it is merged: every message is a file, written and synced by itself.
#![allow(missing_docs)]

use std::{
    fs::File,
    io::Write,
    net::IpAddr,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

#[derive(Clone, Debug, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    pub directory: PathBuf,
}

impl Default for Settings {
    fn default() -> Self {
        Self { directory: PathBuf::from("spool") }
    }
}

#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SpoolError {
    #[error("spool: {0}")]
    Io(#[from] std::io::Error),
    #[error("the spool is full")]
    Full,
}

#[derive(Clone, Debug)]
pub struct Envelope {
    pub received_at: u64,
    pub client_ip: IpAddr,
    pub helo: String,
    pub tls: Option<String>,
    pub mail_from: String,
    pub rcpt_to: Vec<String>,
}

#[derive(Clone, Debug)]
pub struct Spool {
    directory: Arc<PathBuf>,
    next: Arc<AtomicU64>,
}

impl Spool {
    pub fn open(settings: &Settings) -> Result<Self, SpoolError> {
        std::fs::create_dir_all(&settings.directory)?;
        Ok(Self { directory: Arc::new(settings.directory.clone()), next: Arc::default() })
    }

    pub fn has_room(&self) -> Result<(), SpoolError> {
        if self.directory.join("full").exists() { Err(SpoolError::Full) } else { Ok(()) }
    }

    pub fn incoming(&self) -> Incoming {
        Incoming { spool: self.clone(), bytes: Vec::new() }
    }
}

#[derive(Debug)]
pub struct Incoming {
    spool: Spool,
    bytes: Vec<u8>,
}

impl Incoming {
    pub async fn write(&mut self, bytes: &[u8]) -> Result<(), SpoolError> {
        self.bytes.extend_from_slice(bytes);
        Ok(())
    }

    pub fn len(&self) -> u64 {
        self.bytes.len() as u64
    }

    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    pub async fn commit(self, envelope: Envelope) -> Result<(), SpoolError> {
        tokio::task::spawn_blocking(move || {
            let number = self.spool.next.fetch_add(1, Ordering::Relaxed);
            std::fs::write(self.spool.directory.join(format!("{number:08}.env")), format!("{envelope:?}"))?;
            let mut file = File::create_new(self.spool.directory.join(format!("{number:08}.eml")))?;
            file.write_all(&self.bytes)?;
            file.sync_data()?;
            Ok(())
        })
        .await
        .map_err(std::io::Error::other)?
    }
}
