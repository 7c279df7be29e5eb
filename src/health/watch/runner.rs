//! The loop that examines domains when they are due.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    future::pending,
    net::IpAddr,
    pin::pin,
    sync::Arc,
    time::Duration,
};

use tokio::{
    select,
    task::{Id, JoinError, JoinSet},
    time::{Instant, sleep_until, timeout},
};
use tokio_util::sync::CancellationToken;

use super::{
    Inner, Watch,
    entry::{About, Answered, Entry},
    schedule::{Pause, Schedule},
};
use crate::health::{Snapshot, keys::KeyHistory, telemetry, telemetry::Examined};
use ruad_dns::dkim::Published;

impl Watch {
    /// Examines until `stop`. What is stored begins to be so when [`Watch::keep`] runs.
    pub async fn run(self, stop: CancellationToken) {
        let Some(mut requests) = self.0.requests.take_receiver() else { return };
        let mut registry = self.0.registry.changes();
        let mut runner = Runner::new(self.0.clone());
        select! {
            // What was known before makes the first look tell a change; but nobody waits for a database for long.
            () = restored(&self.0) => {}
            () = stop.cancelled() => return,
        }
        runner.follow_registry();
        let mut routing = pin!(self.0.routing.clone().follow());
        let mut is_following = self.0.routing.is_configured();
        loop {
            let next = runner.next();
            let is_due = async {
                match next {
                    Some(at) => sleep_until(at).await,
                    None => pending().await,
                }
            };
            select! {
                () = stop.cancelled() => return,
                Ok(()) = registry.changed() => runner.follow_registry(),
                Some(domain) = requests.recv() => runner.hurry(&domain),
                Some(done) = runner.running.join_next_with_id() => runner.finish(done),
                () = is_due => runner.begin(),
                () = &mut routing, if is_following => is_following = false,
            }
            telemetry::watched(runner.schedule.len() + runner.domains.len(), runner.domains.len());
        }
    }
}

async fn restored(inner: &Inner) {
    let mut restored = inner.restored.subscribe();
    // The sender lives as long as the watch.
    drop(timeout(PATIENCE, restored.wait_for(|restored| *restored)).await);
}

struct Runner {
    inner: Arc<Inner>,
    schedule: Schedule,
    running: JoinSet<Option<Done>>,
    /// Which domain each task examines.
    domains: HashMap<Id, Arc<str>>,
    /// Domains to be examined with answers that nobody remembers.
    fresh: HashSet<Arc<str>>,
    /// Domains that were asked for while they were being examined.
    again: HashSet<Arc<str>>,
    /// Examinations in a row in which nothing was answered.
    silent: u32,
    /// Whether it has just begun to answer again.
    is_back: bool,
}

struct Done {
    snapshot: Snapshot,
    asked: BTreeSet<String>,
    addresses: Vec<IpAddr>,
    took: Duration,
}

impl Runner {
    fn new(inner: Arc<Inner>) -> Self {
        Self {
            inner,
            schedule: Schedule::default(),
            running: JoinSet::new(),
            domains: HashMap::new(),
            fresh: HashSet::new(),
            again: HashSet::new(),
            silent: 0,
            is_back: false,
        }
    }

    /// When to begin the next examination; none while as many run as may.
    fn next(&self) -> Option<Instant> {
        // A resolver that answers nothing is not asked more by asking it about everybody.
        let most = if self.is_silent() { 1 } else { self.inner.settings.concurrency };
        self.schedule.next().filter(|_| self.running.len() < most)
    }

    /// New domains are due at once, others that are gone are forgotten.
    fn follow_registry(&mut self) {
        let inner = self.inner.clone();
        let registry = inner.registry.current();
        let mut entries = inner.entries();
        entries.retain(|domain, _| {
            registry.watched(domain).is_some() || {
                self.schedule.remove(domain);
                self.fresh.remove(domain);
                false
            }
        });
        let now = Instant::now();
        let wall = inner.clock.now();
        for (name, _, _) in registry.domains().filter(|(_, _, is_active)| *is_active) {
            let Some(watched) = registry.watched(name) else { continue };
            let domain: Arc<str> = name.into();
            let entry =
                entries.entry(domain.clone()).or_insert_with(|| Entry::new(&watched, &inner.settings));
            let is_other = entry.follow(&watched, &inner.settings);
            let pause = Pause::new(entry.interval);
            let is_waiting = self.schedule.due(name).is_some();
            if self.domains.values().any(|running| *running == domain) {
                continue;
            }
            match (is_waiting, is_other, entry.last_checked) {
                (true, true, _) => self.schedule.set(&domain, now + pause.any()),
                (true, false, _) => {}
                (false, _, None) => self.schedule.set(&domain, now),
                (false, _, Some(last)) => {
                    let ago = wall.map_or(0, |wall| wall.saturating_sub(last));
                    self.schedule.set(&domain, now + pause.resume(Duration::from_secs(ago)));
                }
            }
        }
    }

    /// Somebody wants to know now.
    fn hurry(&mut self, domain: &Arc<str>) {
        if self.schedule.due(domain).is_some() {
            self.fresh.insert(domain.clone());
            self.schedule.set(domain, Instant::now());
        } else if self.domains.values().any(|running| running == domain) {
            self.again.insert(domain.clone());
        }
    }

    fn begin(&mut self) {
        let now = Instant::now();
        let Some(domain) = self.schedule.pop(now) else { return };
        let registry = self.inner.registry.current();
        let Some(watched) = registry.watched(&domain) else { return };
        let Some(wall) = self.inner.clock.now() else {
            self.schedule.set(&domain, now + CLOCK_PAUSE);
            return;
        };
        let (subject, asked, is_pending, at) = {
            let learned = self.inner.learned();
            let entries = self.inner.entries();
            let Some(entry) = entries.get(&domain) else { return };
            let known = learned.about(&domain);
            let (subject, asked) = entry.subject(&domain, watched.selectors, known, wall);
            (subject, asked, entry.state.is_pending(), entry.stamp(wall))
        };
        let is_fresh = self.fresh.remove(&domain) || is_pending;
        let examiner = if is_fresh { &self.inner.fresh } else { &self.inner.regular };
        let examiner = examiner.clone();
        let task = self.running.spawn(async move {
            let began = Instant::now();
            let snapshot = timeout(LONGEST, examiner.examine(&subject, at)).await.ok()?;
            Some(Done { snapshot, asked, addresses: subject.addresses, took: began.elapsed() })
        });
        self.domains.insert(task.id(), domain);
    }

    fn finish(&mut self, done: Result<(Id, Option<Done>), JoinError>) {
        let (id, done) = match done {
            Ok((id, done)) => (id, done),
            Err(error) => (error.id(), None),
        };
        let Some(domain) = self.domains.remove(&id) else { return };
        let inner = self.inner.clone();
        let learned = inner.learned();
        let mut entries = inner.entries();
        let copies = done.as_ref().map(|done| copies(&entries, &domain, &done.snapshot)).unwrap_or_default();
        // It may be gone from the registry, and come back as another since.
        let Some(entry) = entries.get_mut(&domain) else { return };
        let pause = Pause::new(entry.interval);
        let wait = match done {
            Some(mut done) => {
                let (asked, addresses) =
                    (std::mem::take(&mut done.asked), std::mem::take(&mut done.addresses));
                let about = About {
                    asked: &asked,
                    addresses: &addresses,
                    lists: &inner.lists,
                    known: learned.about(&domain),
                    copies: &copies,
                };
                self.take(&domain, entry, &mut done, &about, pause)
            }
            None => {
                entry.failures = entry.failures.saturating_add(1);
                Examined { domain: &domain, outcome: "failed", took: LONGEST }.record();
                pause.retry(entry.failures)
            }
        };
        drop((entries, learned));
        let wait = if self.again.remove(&domain) {
            self.fresh.insert(domain.clone());
            Duration::ZERO
        } else {
            wait
        };
        self.schedule.set(&domain, Instant::now() + wait);
        if std::mem::take(&mut self.is_back) {
            self.catch_up();
        }
    }

    /// Takes in what was found; gives how long to wait.
    fn take(
        &mut self,
        domain: &Arc<str>,
        entry: &mut Entry,
        done: &mut Done,
        about: &About<'_>,
        pause: Pause,
    ) -> Duration {
        let is_first = entry.last_success.is_none();
        let (rows, answered) = entry.take(domain, &mut done.snapshot, about);
        self.inner.keeper.put(rows);
        let outcome = match answered {
            Answered::All => "answered",
            Answered::Partly => "partly",
            Answered::Nothing => "unanswered",
        };
        Examined { domain, outcome, took: done.took }.record();
        self.listen(answered);
        let ended = done.snapshot.checked_at + done.took.as_secs();
        let second_look = entry
            .state
            .confirmable_at()
            .map(|at| pause.second_look(Duration::from_secs(at.saturating_sub(ended))));
        let regular = match answered {
            Answered::All if is_first => pause.any(),
            Answered::All => pause.regular(),
            _ => pause.retry(entry.failures),
        };
        match (answered, second_look) {
            // Whoever does not answer is not asked more often because something is to be confirmed.
            (Answered::Nothing, _) | (_, None) => regular,
            (_, Some(second_look)) => second_look.min(regular),
        }
    }

    /// Notices when the resolver dies and when it comes back; then what was missed is made up for.
    fn listen(&mut self, answered: Answered) {
        let was_silent = self.is_silent();
        self.silent = if answered == Answered::Nothing { self.silent.saturating_add(1) } else { 0 };
        if self.is_silent() == was_silent {
            return;
        }
        telemetry::resolver_answers(was_silent);
        self.is_back |= was_silent;
    }

    /// Domains about which nothing was answered are due soon, and not when their patience of hours ends.
    fn catch_up(&mut self) {
        let inner = self.inner.clone();
        let now = Instant::now();
        for (domain, entry) in inner.entries().iter().filter(|(_, entry)| entry.failures > 0) {
            let at = now + Pause::new(entry.interval.min(CATCH_UP)).any();
            if self.schedule.due(domain).is_some_and(|due| due > at) {
                self.schedule.set(domain, at);
            }
        }
    }

    fn is_silent(&self) -> bool {
        self.silent >= SILENT
    }
}

/// Keys of other domains of the same group with the fingerprint of one that was found. Of those of other groups a
/// customer is not told.
fn copies(entries: &BTreeMap<Arc<str>, Entry>, domain: &Arc<str>, snapshot: &Snapshot) -> Vec<KeyHistory> {
    let found: Vec<_> = snapshot.dkim.keys.iter().filter_map(Published::key).collect();
    let Some(group) = entries.get(domain).map(|entry| &entry.group).filter(|_| !found.is_empty()) else {
        return Vec::new();
    };
    let others = entries.iter().filter(|(other, entry)| *other != domain && entry.group == *group);
    others
        .flat_map(|(other, entry)| entry.histories(other, None))
        .filter(|history| found.iter().any(|key| key.fingerprint == history.key.fingerprint))
        .collect()
}

/// How long the first examinations wait for what an earlier run knew.
const PATIENCE: Duration = Duration::from_secs(30);

/// No examination takes longer: each of its questions has its own time, and it asks a limited number of them.
const LONGEST: Duration = Duration::from_secs(300);

/// Examinations without any answer, in a row, after which the resolver is taken for dead.
const SILENT: u32 = 8;

/// In what time domains that were not answered about are asked for again once the resolver answers.
const CATCH_UP: Duration = Duration::from_secs(300);

const CLOCK_PAUSE: Duration = Duration::from_secs(10);
