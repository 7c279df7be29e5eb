//! One segment's way through the intake.

use std::{pin::pin, sync::Arc};

use futures_util::{StreamExt, TryStreamExt, stream};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::{
    Inner,
    decide::{Contents, decide},
    decision::{self, DecisionError, MessageDecision, Reason},
    examine::Examined,
    identity::ReportKind,
    insert::{Hopeless, Inserter, Stopped},
    ledger,
    load::{LoadError, Loader},
    read::Refusal,
    suspect::Watch,
};
use crate::{
    spool::{Message, Segment, SegmentId, SpoolError},
    store::{Batch, Known, StoreError},
    telemetry::intake as telemetry,
};

/// Takes segments until `stop`.
pub(super) async fn work(intake: Arc<Inner>, stop: CancellationToken) {
    loop {
        let segment = tokio::select! {
            segment = intake.spool.next_closed() => segment,
            () = stop.cancelled() => return,
        };
        let worker = Worker { intake: &intake, segment, stop: &stop };
        match worker.run().await {
            Ok(()) => {}
            Err(Failure::Stopped) => {
                intake.spool.give_back(segment);
                return;
            }
            Err(error) => {
                telemetry::segment_failed(segment, &error);
                tokio::select! {
                    () = tokio::time::sleep(PAUSE) => {}
                    () = stop.cancelled() => {}
                }
                intake.spool.give_back(segment);
            }
        }
    }
}

struct Worker<'a> {
    intake: &'a Arc<Inner>,
    segment: SegmentId,
    stop: &'a CancellationToken,
}

impl Worker<'_> {
    async fn run(&self) -> Result<(), Failure> {
        let began = std::time::Instant::now();
        let spool = &self.intake.spool;
        let segment = Arc::new(spool.segment(self.segment)?);
        let mut watch = Watch::begin(spool, self.segment)?;
        let decisions = match spool.read_side(self.segment, decision::SIDE_FILE)? {
            Some(bytes) => decision::decode(&bytes)?,
            None => {
                let examined = self.examine(&segment, &mut watch).await?;
                self.decide(examined).await?
            }
        };
        let decisions = Arc::new(decisions);
        let mut hopeless = Hopeless::new();
        self.load(&segment, &decisions, watch, &mut hopeless).await?;
        self.settle(&segment, &decisions, &hopeless).await?;
        self.quarantine(&segment, &decisions, &hopeless)?;
        spool.finish(self.segment)?;
        telemetry::segment_done(self.segment, segment.count(), began.elapsed());
        Ok(())
    }

    /// First pass: reads every message, several at a time unless one of them is under suspicion.
    async fn examine(&self, segment: &Segment, watch: &mut Watch) -> Result<Vec<Examined>, Failure> {
        let settings = &self.intake.settings;
        let examine = async |message: Result<Message, SpoolError>| {
            let Inner { provenance, authenticator, .. } = &**self.intake;
            Examined::of(message?, &settings.limits, provenance, authenticator).await
        };
        if !watch.is_careful() {
            let examined = stream::iter(self.messages(segment)).map(examine);
            return Ok(examined.buffered(settings.concurrency.get()).try_collect().await?);
        }
        let mut examined = Vec::new();
        for message in self.messages(segment) {
            let message = message?;
            if watch.is_culprit(message.number) {
                examined.push(Examined::refused(message.number, Refusal::deadly()));
                continue;
            }
            watch.reading(message.number)?;
            examined.push(examine(Ok(message)).await?);
        }
        watch.passed()?;
        Ok(examined)
    }

    /// Settles which reports are stored, and writes that down. One segment at a time: two that hold the same report
    /// must not both find it new.
    async fn decide(&self, examined: Vec<Examined>) -> Result<Vec<MessageDecision>, Failure> {
        let Inner { store, registry, settings, in_flight, established, deciding, spool, .. } = &**self.intake;
        let mut keys: Vec<_> = examined
            .iter()
            .flat_map(|message| &message.reports)
            .map(|report| report.identity.key.as_u128())
            .collect();
        keys.sort_unstable();
        keys.dedup();
        let _alone = deciding.lock().await;
        let segment = self.segment.uuid();
        let stored =
            self.inserter().until_done("deliveries", async || store.known(&keys, segment).await).await?;
        let mut known = Contents::new();
        for report in stored {
            let contents = known.entry(uuid::Uuid::from_u128(report.report_key)).or_default();
            contents.push(uuid::Uuid::from_u128(report.content_hash));
        }
        in_flight.add_to(&mut known, self.segment);
        let established = established.current(store).await;
        let decisions = decide(examined, &mut known, &registry.current(), &established, settings.require);
        spool.write_side(self.segment, decision::SIDE_FILE, &decision::encode(&decisions)?)?;
        in_flight.insert(self.segment, &decisions);
        Ok(decisions)
    }

    /// Second pass: the rows of the reports that are stored.
    async fn load(
        &self,
        segment: &Arc<Segment>,
        decisions: &Arc<Vec<MessageDecision>>,
        mut watch: Watch,
        hopeless: &mut Hopeless,
    ) -> Result<(), Failure> {
        let holds_reports = |decision: &&MessageDecision| decision.stored().next().is_some();
        for decision in decisions.iter().filter(holds_reports) {
            if watch.is_culprit(decision.number) {
                hopeless.insert(decision.number, Refusal::deadly().into());
            }
        }
        let (batches, mut formed) = mpsc::channel(BATCHES_AHEAD);
        let loader = Loader {
            limits: self.intake.settings.limits.clone(),
            registry: self.intake.registry.current(),
            sources: self.intake.sources.clone(),
            batches,
        };
        let (segment, read) = (segment.clone(), decisions.clone());
        let forming = tokio::task::spawn_blocking(move || loader.run(&segment, &read, &mut watch));
        let inserter = self.inserter();
        let insert = async |batch: Batch| {
            let mut refused = Hopeless::new();
            inserter.insert(&batch, &mut refused).await.map(|()| refused)
        };
        // Blocks carry their names, so they may arrive in any order.
        let blocks = stream::poll_fn(|context| formed.poll_recv(context));
        let mut inserted = pin!(blocks.map(insert).buffer_unordered(INSERTS_AT_ONCE));
        while let Some(refused) = inserted.try_next().await? {
            hopeless.extend(refused);
        }
        forming.await.map_err(|_| Failure::Panicked)??;
        self.withdraw(decisions, hopeless).await
    }

    /// Nothing of a message stays that ClickHouse did not take whole: it goes to quarantine, and when it
    /// comes from there it must not meet, or be counted beside, what is left of it.
    async fn withdraw(&self, decisions: &[MessageDecision], hopeless: &Hopeless) -> Result<(), Failure> {
        if hopeless.is_empty() {
            return Ok(());
        }
        let given_up = decisions.iter().filter(|decision| hopeless.contains_key(&decision.number));
        let reports = given_up.flat_map(MessageDecision::stored).map(|report| {
            let identity = &report.identity;
            Known { report_key: identity.key.as_u128(), content_hash: identity.content.as_u128() }
        });
        let reports: Vec<_> = reports.collect();
        let (store, segment) = (&self.intake.store, self.segment.uuid());
        self.inserter().until_done("withdrawal", async || store.withdraw(&reports, segment).await).await?;
        Ok(())
    }

    /// What the ledger and the list of messages say; then the segment's reports are known to everybody.
    async fn settle(
        &self,
        segment: &Arc<Segment>,
        decisions: &Arc<Vec<MessageDecision>>,
        hopeless: &Hopeless,
    ) -> Result<(), Failure> {
        let (segment, read) = (segment.clone(), decisions.clone());
        let given_up = hopeless.clone();
        let forming = tokio::task::spawn_blocking(move || ledger::batches(&segment, &read, &given_up));
        let batches = forming.await.map_err(|_| Failure::Panicked)??;
        let inserter = self.inserter();
        for batch in &batches {
            inserter.insert_surely(batch).await?;
        }
        self.intake.in_flight.remove(self.segment);
        let keys: Vec<_> = decisions
            .iter()
            .flat_map(MessageDecision::stored)
            .filter(|report| report.identity.kind == ReportKind::Aggregate)
            .map(|report| report.identity.key.as_u128())
            .collect();
        let store = &self.intake.store;
        inserter.until_done("collisions", async || store.settle_collisions(&keys).await).await?;
        Ok(())
    }

    /// Keeps a copy of every message that was not used whole.
    fn quarantine(
        &self,
        segment: &Segment,
        decisions: &[MessageDecision],
        hopeless: &Hopeless,
    ) -> Result<(), SpoolError> {
        for decision in decisions {
            let number = decision.number;
            let reason = hopeless.get(&number).or(decision.reason.as_ref());
            let Some(Reason { code, text }) = reason else { continue };
            self.intake.spool.quarantine(segment, number, code, text)?;
        }
        Ok(())
    }

    /// The messages that can be read. A damaged one is in quarantine by the time it is found; any other error is
    /// about the disk, and the segment has to wait.
    fn messages<'s>(&self, segment: &'s Segment) -> impl Iterator<Item = Result<Message, SpoolError>> + 's {
        let id = self.segment;
        segment.messages().filter(move |message| match message {
            Err(error) if error.is_set_aside() => {
                telemetry::unreadable(id, error);
                false
            }
            _ => true,
        })
    }

    fn inserter(&self) -> Inserter<'_> {
        Inserter { store: &self.intake.store, segment: self.segment, stop: self.stop }
    }
}

/// Why a segment could not be done now.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error("the daemon stops")]
    Stopped,
    #[error(transparent)]
    Spool(#[from] SpoolError),
    #[error(transparent)]
    Decision(#[from] DecisionError),
    #[error(transparent)]
    Load(#[from] LoadError),
    #[error("forming its rows failed in the program")]
    Panicked,
}

impl From<Stopped> for Failure {
    fn from(Stopped: Stopped) -> Self {
        Self::Stopped
    }
}

impl Refusal {
    fn deadly() -> Self {
        Self { code: "deadly", message: "the program died three times while it read this message".to_owned() }
    }
}

impl From<Refusal> for Reason {
    fn from(Refusal { code, message }: Refusal) -> Self {
        Self { code: code.to_owned(), text: message }
    }
}

impl Reason {
    pub(super) fn refused_by_store(error: &StoreError) -> Self {
        Self { code: "refused_by_store".to_owned(), text: error.to_string() }
    }
}

/// ClickHouse feeds the rollups of one insert on one thread, so two inserts keep two of its cores busy.
const INSERTS_AT_ONCE: usize = 2;

/// Batches that wait beside those being inserted and the one that is being filled; each has at most a few megabytes.
const BATCHES_AHEAD: usize = 1;

const PAUSE: std::time::Duration = std::time::Duration::from_secs(5);
