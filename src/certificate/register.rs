use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, OnceLock, PoisonError},
    time::{Duration, Instant},
};

use tokio::{sync::Semaphore, time::timeout};

use super::{Address, Certificate, Issuer, Latest, PublicKey, Serial, Standing};
use crate::{
    certificate::{store::StoredCertificate, telemetry},
    store::{Store, StoreError},
};

/// Knows how every certificate stands; cheap to clone. What it was told it remembers for a minute, and it asks the store
/// only so much at a time, so that strangers may ask it.
#[derive(Clone)]
pub struct Register(Arc<Inner>);

/// What the register knows of a number.
#[derive(Clone, Debug, PartialEq)]
pub enum Found {
    /// This certificate, and how it stands.
    Certificate(Arc<Entry>, Standing),
    /// There is no such certificate.
    Unknown,
    /// The store cannot be asked now.
    Away,
}

/// A certificate with the latest plan of its domain.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// The certificate; signed with our key.
    pub certificate: Certificate,
    /// What the latest plan of its domain says.
    pub latest: Option<Latest>,
}

struct Inner {
    address: Address,
    key: PublicKey,
    registry: ruad_registry::Shared,
    store: OnceLock<Store>,
    patience: Duration,
    remembered: Mutex<HashMap<Serial, Remembered>>,
    questions: Semaphore,
}

/// An answer of the store: nothing when there is no such certificate.
#[derive(Debug)]
struct Remembered {
    at: Instant,
    entry: Option<Arc<Entry>>,
}

impl Register {
    /// The host under which the internet reaches certificates.
    pub(crate) fn host(&self) -> &str {
        self.0.address.host()
    }

    /// That of an issuer. It knows nothing before [`Register::open`].
    pub fn new(issuer: &Issuer, registry: ruad_registry::Shared) -> Self {
        Self::remembering(issuer, registry, REMEMBERED)
    }

    /// One that remembers for so long.
    pub fn remembering(issuer: &Issuer, registry: ruad_registry::Shared, patience: Duration) -> Self {
        Self(Arc::new(Inner {
            address: issuer.address().clone(),
            key: issuer.public_key(),
            registry,
            store: OnceLock::new(),
            patience,
            remembered: Mutex::default(),
            questions: Semaphore::new(QUESTIONS),
        }))
    }

    /// The store can be asked from now on.
    pub fn open(&self, store: Store) {
        // There is one store in the life of a process.
        drop(self.0.store.set(store));
    }

    /// The key that verifies certificates.
    pub fn public_key(&self) -> PublicKey {
        self.0.key
    }

    /// Where certificates can be checked.
    pub fn address(&self) -> &Address {
        &self.0.address
    }

    /// How a certificate stands at `now`, seconds since 1970.
    pub async fn look_up(&self, serial: Serial, now: u64) -> Found {
        let found = match self.recall(serial) {
            Some(entry) => self.judge(entry, now),
            None => match timeout(LONGEST_QUESTION, self.ask(serial)).await {
                Ok(Ok(Some(entry))) => {
                    self.remember(serial, entry.clone());
                    self.judge(entry, now)
                }
                Ok(Ok(None)) => Found::Away,
                Ok(Err(error)) => {
                    telemetry::store_failed(&error);
                    Found::Away
                }
                Err(elapsed) => {
                    telemetry::store_failed(&elapsed);
                    Found::Away
                }
            },
        };
        telemetry::asked(found.name());
        found
    }

    /// The outer option is for a store that is not there yet.
    async fn ask(&self, serial: Serial) -> Result<Option<Option<Arc<Entry>>>, StoreError> {
        let Some(store) = self.0.store.get() else { return Ok(None) };
        // It is never closed.
        let Ok(_permit) = self.0.questions.acquire().await else { return Ok(None) };
        let Some(stored) = store.certificate(serial).await? else { return Ok(Some(None)) };
        let Some(certificate) = genuine(&stored, self.0.key) else { return Ok(Some(None)) };
        let latest = store.latest_plans(&[&certificate.statement().domain]).await?.pop();
        Ok(Some(Some(Arc::new(Entry { certificate, latest }))))
    }

    fn judge(&self, entry: Option<Arc<Entry>>, now: u64) -> Found {
        let Some(entry) = entry else { return Found::Unknown };
        let standing = entry.standing(&self.0.registry.current(), now);
        Found::Certificate(entry, standing)
    }

    fn recall(&self, serial: Serial) -> Option<Option<Arc<Entry>>> {
        let remembered = self.0.remembered.lock().unwrap_or_else(PoisonError::into_inner);
        let Remembered { at, entry } = remembered.get(&serial)?;
        (at.elapsed() < self.0.patience).then(|| entry.clone())
    }

    fn remember(&self, serial: Serial, entry: Option<Arc<Entry>>) {
        let mut remembered = self.0.remembered.lock().unwrap_or_else(PoisonError::into_inner);
        if remembered.len() >= MOST_REMEMBERED {
            remembered.retain(|_, known| known.at.elapsed() < self.0.patience);
        }
        if remembered.len() >= MOST_REMEMBERED {
            // Somebody tries numbers. Those that exist are soon learned again.
            remembered.clear();
        }
        remembered.insert(serial, Remembered { at: Instant::now(), entry });
    }
}

impl Entry {
    /// How it stands at `now`, seconds since 1970.
    pub fn standing(&self, registry: &ruad_registry::Registry, now: u64) -> Standing {
        Standing::of(self.latest.as_ref(), registry.is_active(&self.certificate.statement().domain), now)
    }
}

impl Found {
    fn name(&self) -> &'static str {
        match self {
            Self::Certificate(_, standing) => standing.name(),
            Self::Unknown => "unknown",
            Self::Away => "away",
        }
    }
}

impl fmt::Debug for Register {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Register").field("address", &self.0.address).finish_non_exhaustive()
    }
}

/// The certificate of a row, when this key has signed it.
fn genuine(stored: &StoredCertificate, key: PublicKey) -> Option<Certificate> {
    match Certificate::verify(&stored.statement, &stored.signature, &stored.public_key) {
        Ok(certificate) if certificate.key() != key => {
            telemetry::not_ours(&stored.serial, &"another key has signed it");
            None
        }
        Ok(certificate) if certificate.statement().serial.as_str() != stored.serial => {
            telemetry::not_ours(&stored.serial, &"it has another number");
            None
        }
        Ok(certificate) => Some(certificate),
        Err(forged) => {
            telemetry::not_ours(&stored.serial, &forged);
            None
        }
    }
}

const REMEMBERED: Duration = Duration::from_secs(60);
const MOST_REMEMBERED: usize = 1_000;

/// Questions to the store at the same time.
const QUESTIONS: usize = 4;
const LONGEST_QUESTION: Duration = Duration::from_secs(10);
