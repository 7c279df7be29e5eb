//! Examines every active domain of the registry again and again.

mod clock;
mod entry;
mod keep;
mod keeper;
mod learned;
mod page;
mod posture;
mod runner;
mod schedule;
mod sightings;

use ruad_common::domain_name;
use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use rustls::RootCertStore;
use tokio::{
    sync::{mpsc, watch},
    time::Instant,
};

use self::{clock::Clock, entry::Entry, keeper::Keeper, learned::Learned, page::Row};
use super::{
    Examiner, Routing, Settings,
    probe::{self, Https},
};
use crate::health::{posture::Posture, telemetry::asked};
use ruad_dns as dns;
use ruad_dns::{Resolver, ResolverError, Validator, ns};

/// The watch over all domains. Cheap to clone.
#[derive(Clone)]
pub struct Watch(Arc<Inner>);

/// What came of asking for an examination.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Asked {
    /// It is about to begin.
    Queued,
    /// The domain is not watched.
    Unknown,
    /// It was asked for a moment ago, or too many are waiting.
    Busy,
}

struct Inner {
    settings: Settings,
    /// The names of the block lists that are asked.
    lists: Vec<String>,
    registry: ruad_registry::Shared,
    routing: Routing,
    /// Remembers answers, which domains share.
    regular: Examiner,
    /// Remembers nothing: for second looks, and for people who have just changed something.
    fresh: Examiner,
    clock: Clock,
    entries: Mutex<BTreeMap<Arc<str>, Entry>>,
    learned: Mutex<Learned>,
    keeper: Keeper,
    requests: Requests,
    /// Whether what an earlier run knew has been read.
    restored: watch::Sender<bool>,
}

/// Examinations that somebody asked for.
struct Requests {
    sender: mpsc::Sender<Arc<str>>,
    receiver: Mutex<Option<mpsc::Receiver<Arc<str>>>>,
    recent: Mutex<HashMap<Arc<str>, Instant>>,
}

impl Watch {
    /// A watch over the active domains of `registry`; nothing is asked before [`Watch::run`]. Policies are fetched from
    /// servers with a certificate of one of `roots`; mail hosts hear `hostname` as who asks.
    ///
    /// # Errors
    ///
    /// When no name server is configured and the system's configuration cannot be used.
    pub fn new(
        settings: &Settings,
        dns: &dns::Settings,
        roots: RootCertStore,
        registry: ruad_registry::Shared,
        hostname: &str,
    ) -> Result<Self, WatchError> {
        // Most of the questions there may be belong to the regular rounds.
        let share = settings.outstanding() / 5;
        let roots = Arc::new(roots);
        let routing = Routing::new(&settings.rpki);
        let examiner = |answers, questions, validated| {
            let resolver = Resolver::new(dns, answers, questions)?;
            let validator = Validator::new(dns, answers, validated)?;
            let examiner = examiner(settings, resolver, validator, roots.clone(), hostname)?;
            Ok::<_, WatchError>(examiner.with_routing(routing.clone()))
        };
        let (regular, fresh) = (examiner(ANSWERS, 2 * share, share), examiner(0, share, share));
        let (sender, receiver) = mpsc::channel(MOST_REQUESTS);
        Ok(Self(Arc::new(Inner {
            settings: settings.clone(),
            lists: settings.list_names(),
            registry,
            routing: routing.clone(),
            regular: regular?,
            fresh: fresh?,
            clock: Clock::new(),
            entries: Mutex::default(),
            learned: Mutex::default(),
            keeper: Keeper::default(),
            requests: Requests { sender, receiver: Mutex::new(Some(receiver)), recent: Mutex::default() },
            restored: watch::Sender::new(false),
        })))
    }

    /// Asks for an examination of a domain at once, with answers that nobody remembers.
    pub fn ask(&self, domain: &str) -> Asked {
        let answer = self.0.requests.ask(domain, &self.0.registry.current());
        asked(match answer {
            Asked::Queued => "queued",
            Asked::Unknown => "unknown",
            Asked::Busy => "busy",
        });
        answer
    }

    /// What DNS says about each domain as far as it is certain, by domain, and the group of each.
    pub fn postures(&self) -> Vec<(Arc<str>, Arc<Posture>)> {
        let entries = self.0.entries();
        let known = |entry: &Entry| Some((entry.group.clone(), entry.posture.posture()?.clone()));
        entries.values().filter_map(known).collect()
    }

    /// Seconds since 1970; none as long as the clock has not been set.
    pub fn now(&self) -> Option<u64> {
        self.0.clock.now()
    }

    /// The health of all domains in Prometheus's text format, in pieces.
    pub fn metrics(&self) -> impl Iterator<Item = String> + Send + use<> {
        let now = self.0.clock.now().unwrap_or_default();
        let learned = self.0.learned();
        let entries = self.0.entries();
        let rows = entries.iter().map(|(domain, entry)| {
            let histories = entry.histories(domain, learned.about(domain));
            Row::new(domain, entry, &histories, now)
        });
        page::pieces(rows.collect())
    }
}

impl Inner {
    fn entries(&self) -> MutexGuard<'_, BTreeMap<Arc<str>, Entry>> {
        // A panic while the lock was held leaves what was known before.
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn learned(&self) -> MutexGuard<'_, Learned> {
        self.learned.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Requests {
    fn ask(&self, domain: &str, registry: &ruad_registry::Registry) -> Asked {
        let Some(domain) = domain_name::normalize(domain) else { return Asked::Unknown };
        if registry.watched(&domain).is_none() {
            return Asked::Unknown;
        }
        let domain: Arc<str> = domain.into();
        let now = Instant::now();
        let mut recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        recent.retain(|_, asked| now.saturating_duration_since(*asked) < REQUEST_PAUSE);
        if recent.contains_key(&domain) || self.sender.try_send(domain.clone()).is_err() {
            return Asked::Busy;
        }
        recent.insert(domain, now);
        Asked::Queued
    }

    fn take_receiver(&self) -> Option<mpsc::Receiver<Arc<str>>> {
        self.receiver.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// Why domains cannot be watched.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WatchError {
    /// There is nobody to ask.
    #[error(transparent)]
    Resolver(#[from] ResolverError),
    /// Nothing can be asked over TLS.
    #[error("cannot set up TLS for probes: {0}")]
    Tls(#[from] rustls::Error),
}

fn examiner(
    settings: &Settings,
    resolver: Resolver,
    validator: Validator,
    roots: Arc<RootCertStore>,
    hostname: &str,
) -> Result<Examiner, WatchError> {
    let private_addresses = settings.private_addresses;
    let policies = probe::https::Settings { private_addresses, ..Default::default() };
    let https = Https::new(roots.clone(), resolver.clone(), policies)?;
    let name_servers =
        ns::Settings { ask_each: settings.ask_name_servers, private_addresses, ..Default::default() };
    let examiner = Examiner::new(resolver, validator);
    let examiner = match settings.probe_smtp {
        true => {
            let mut probe = probe::Smtp::new(hostname.to_owned(), Some(roots))?;
            probe.private_addresses = private_addresses;
            examiner.with_smtp_probe(probe)
        }
        false => examiner,
    };
    Ok(examiner
        .expecting_reports_at(&settings.reports_to)
        .with_https(https)
        .with_lists(&settings.dnsbl)
        .with_name_servers(name_servers))
}

/// A domain is not examined again for whoever asks within this time.
const REQUEST_PAUSE: Duration = Duration::from_secs(10);
const MOST_REQUESTS: usize = 100;

/// What domains have in common: the records of the large mail providers, and the way to them.
const ANSWERS: u64 = 4_096;
