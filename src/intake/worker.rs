//! One segment's way through the intake.

use std::{collections::HashMap, net::IpAddr, pin::pin, sync::Arc};

use futures_util::{StreamExt, TryStreamExt, stream};
use tokio::{
    runtime::Handle,
    sync::mpsc,
    task::{Id, JoinSet},
};
use tokio_util::sync::CancellationToken;

use super::{
    Inner,
    decide::{Contents, decide},
    decision::{self, DecisionError, MessageDecision, Reason},
    examine::{Examined, Read},
    insert::{Hopeless, Inserter, Stopped},
    ledger,
    load::{LoadError, Loader},
    read::Refusal,
    stranger::StrangerQuota,
    suspect::Watch,
    verify::{ask, verify},
};
use crate::{
    intake::telemetry,
    store::{Batch, StoreError},
};
use ruad_smtp::network_of;
use ruad_spool::{Message, Rank, Refused, Segment, SegmentId, SpoolError};

/// Takes segments until `stop`. While DNS is asked about the senders of some, others are read: a segment with senders whose
/// name servers do not answer holds up no later one.
pub(super) async fn work(intake: Arc<Inner>, stop: CancellationToken) {
    let mut verifying = JoinSet::new();
    let mut begun = HashMap::new();
    loop {
        let (segment, outcome) = tokio::select! {
            biased;
            () = stop.cancelled() => break,
            Some(verified) = verifying.join_next_with_id() => {
                let (task, examined) = match verified {
                    Ok((task, examined)) => (task, Ok(examined)),
                    Err(error) => (error.id(), Err(Failure::Panicked)),
                };
                let Some((segment, attempt)) = begun.remove(&task) else { continue };
                let worker = Worker { intake: &intake, segment, stop: &stop };
                let outcome = match examined {
                    Ok(examined) => worker.finish(attempt, Settled::Examined(examined)).await,
                    Err(failure) => Err(failure),
                };
                (segment, outcome)
            }
            segment = intake.spool.next_closed(), if has_room(&begun) => {
                let worker = Worker { intake: &intake, segment, stop: &stop };
                let outcome = match worker.begin().await {
                    Ok((attempt, Begun::Read(read))) => {
                        let runtime = intake.verifying_on.clone().unwrap_or_else(Handle::current);
                        let verify = verify(intake.clone(), runtime.clone(), read);
                        let task = verifying.spawn_on(verify, &runtime);
                        begun.insert(task.id(), (segment, attempt));
                        continue;
                    }
                    Ok((attempt, Begun::Settled(known))) => worker.finish(attempt, known).await,
                    Err(failure) => Err(failure),
                };
                (segment, outcome)
            }
        };
        match outcome {
            Ok(()) => {}
            Err(Failure::Stopped) => intake.spool.give_back(segment),
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
    verifying.shutdown().await;
    for (segment, _) in begun.into_values() {
        intake.spool.give_back(segment);
    }
}

/// Whether another segment may be read while those that were wait for DNS.
fn has_room(begun: &HashMap<Id, (SegmentId, Attempt)>) -> bool {
    let messages = begun.values().map(|(_, attempt)| attempt.segment.count()).fold(0, u32::saturating_add);
    begun.len() < VERIFYING && messages < MESSAGES_VERIFYING
}

/// One attempt at a segment.
struct Attempt {
    segment: Arc<Segment>,
    watch: Watch,
    began: std::time::Instant,
}

/// How far an attempt comes before DNS is asked.
enum Begun {
    /// The messages were read, and who sent them is not known.
    Read(Vec<Read>),
    /// There is nothing to ask.
    Settled(Settled),
}

/// What the rest of an attempt begins with.
enum Settled {
    /// What the messages hold, and who sent them.
    Examined(Vec<Examined>),
    /// What an earlier attempt decided.
    Decided(Vec<MessageDecision>),
}

struct Worker<'a> {
    intake: &'a Arc<Inner>,
    segment: SegmentId,
    stop: &'a CancellationToken,
}

impl Worker<'_> {
    async fn begin(&self) -> Result<(Attempt, Begun), Failure> {
        let began = std::time::Instant::now();
        let spool = &self.intake.spool;
        let segment = Arc::new(spool.segment(self.segment)?);
        let mut watch = Watch::begin(spool, self.segment)?;
        let begun = match spool.read_side(self.segment, decision::SIDE_FILE)? {
            Some(bytes) => Begun::Settled(Settled::Decided(decision::decode(&bytes)?)),
            None if watch.is_careful() => {
                Begun::Settled(Settled::Examined(self.examine_carefully(&segment, &mut watch).await?))
            }
            None if self.intake.provenance.enabled => Begun::Read(self.read(&segment).await?),
            None => Begun::Settled(Settled::Examined(self.examine(&segment).await?)),
        };
        Ok((Attempt { segment, watch, began }, begun))
    }

    async fn finish(&self, attempt: Attempt, settled: Settled) -> Result<(), Failure> {
        let Attempt { segment, watch, began } = attempt;
        let decisions = match settled {
            Settled::Decided(decisions) => decisions,
            Settled::Examined(examined) => self.decide(examined).await?,
        };
        let decisions = Arc::new(decisions);
        let mut hopeless = self.refused_before()?;
        self.load(&segment, &decisions, watch, &mut hopeless).await?;
        self.settle(&segment, &decisions, &hopeless).await?;
        self.quarantine(&segment, &decisions, &hopeless)?;
        self.intake.spool.finish(self.segment)?;
        telemetry::segment_done(self.segment, segment.count(), began.elapsed());
        Ok(())
    }

    /// First pass: reads every message, several at a time.
    async fn read(&self, segment: &Segment) -> Result<Vec<Read>, Failure> {
        let Inner { settings, provenance, .. } = &**self.intake;
        let read = async |message: Result<Message, SpoolError>| {
            Read::of(message?, &settings.limits, provenance).await
        };
        let read = stream::iter(self.messages(segment)).map(read);
        Ok(read.buffered(settings.concurrency.get()).try_collect().await?)
    }

    /// The same when senders are not asked after: nothing waits, and of a message only what it holds is kept.
    async fn examine(&self, segment: &Segment) -> Result<Vec<Examined>, Failure> {
        let Inner { settings, provenance, authenticator, .. } = &**self.intake;
        let examine = async |message: Result<Message, SpoolError>| {
            let read = Read::of(message?, &settings.limits, provenance).await?;
            let evidence = ask(authenticator, &read).await;
            Ok::<_, SpoolError>(read.with(evidence))
        };
        let examined = stream::iter(self.messages(segment)).map(examine);
        Ok(examined.buffered(settings.concurrency.get()).try_collect().await?)
    }

    /// The same with one message after the other, and who sent it: one of them makes the program die.
    async fn examine_carefully(
        &self,
        segment: &Segment,
        watch: &mut Watch,
    ) -> Result<Vec<Examined>, Failure> {
        let Inner { settings, provenance, authenticator, .. } = &**self.intake;
        let until = tokio::time::Instant::now() + CAREFUL;
        let mut examined = Vec::new();
        for message in self.messages(segment) {
            let message = message?;
            let number = message.number;
            if watch.is_culprit(number) {
                examined.push(
                    Read::refused(number, message.envelope.clone(), Refusal::parser_crash()).with(None),
                );
                continue;
            }
            watch.reading(number)?;
            let read = Read::of(message, &settings.limits, provenance).await?;
            let evidence = match tokio::time::timeout_at(until, ask(authenticator, &read)).await {
                Ok(evidence) => evidence,
                Err(_) => read.letter.as_ref().map(|letter| authenticator.give_up(letter)),
            };
            examined.push(read.with(evidence));
        }
        watch.passed()?;
        Ok(examined)
    }

    /// Settles which reports are stored, and writes that down. One segment at a time: two that hold the same report
    /// must not both find it new.
    async fn decide(&self, examined: Vec<Examined>) -> Result<Vec<MessageDecision>, Failure> {
        let Inner { store, registry, settings, in_flight, established, deciding, spool, .. } = &**self.intake;
        let mut quota = deciding.lock().await;
        // Asking for both keys of each report takes twice as long.
        let earlier = self.intake.earlier.get_or_try_init(async || {
            let inserter = self.inserter();
            inserter.until_done("deliveries", async || store.has_earlier_deliveries().await).await
        });
        let earlier = *earlier.await?;
        let mut keys: Vec<_> = examined
            .iter()
            .flat_map(|message| &message.reports)
            .flat_map(|report| [Some(report.identity.key), earlier.then_some(report.earlier.key)])
            .flatten()
            .map(|key| key.as_u128())
            .collect();
        keys.sort_unstable();
        keys.dedup();
        let segment = self.segment.uuid();
        let stored =
            self.inserter().until_done("deliveries", async || store.known(&keys, segment).await).await?;
        let mut known: Contents = stored.into_iter().collect();
        in_flight.add_to(&mut known, self.segment);
        // On a copy: a decision that could not be written down is made again.
        let mut counted = match &*quota {
            Some(quota) => quota.clone(),
            None => self.recall_clients().await?,
        };
        let clients: Vec<_> = examined.iter().map(|message| message.origin.client_ip).collect();
        let established = established.current(store).await;
        let registry = registry.current();
        let decisions = decide(examined, &mut known, &registry, &established, settings.require, &mut counted);
        spool.write_side(self.segment, decision::SIDE_FILE, &decision::encode(&decisions)?)?;
        in_flight.insert(self.segment, &decisions);
        *quota = Some(counted);
        for (decision, client) in decisions.iter().zip(clients) {
            if decision.reports.iter().any(|report| report.standing.is_believed()) {
                self.intake.known.remember(client);
            }
        }
        Ok(decisions)
    }

    /// Who delivered what in the last days, as far as the store knows: how much strangers have stored, and from which
    /// networks genuine reports come.
    async fn recall_clients(&self) -> Result<StrangerQuota, Failure> {
        let Inner { store, settings, known, .. } = &**self.intake;
        let segment = self.segment.uuid();
        let clients = self
            .inserter()
            .until_done("reporting clients", async || store.reporting_clients(segment).await)
            .await?;
        let mut quota = StrangerQuota::new(settings.stranger_rows);
        for client in clients {
            if client.is_believed {
                known.remember(client.client);
            } else {
                quota.recall(client.client, client.day, client.records);
            }
        }
        Ok(quota)
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
                hopeless.insert(decision.number, Refusal::parser_crash().into());
            }
        }
        let (batches, mut formed) = mpsc::channel(BATCHES_AHEAD);
        let loader = Loader {
            limits: self.intake.settings.limits.clone(),
            registry: self.intake.registry.current(),
            sources: self.intake.sources.clone(),
            batches,
        };
        let (forms, read) = (segment.clone(), decisions.clone());
        let forming = tokio::task::spawn_blocking(move || loader.run(&forms, &read, &mut watch));
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
        self.take_out(segment, decisions, hopeless).await
    }

    /// Nothing of a message stays that ClickHouse did not take whole: it goes to quarantine, and when it
    /// comes from there it must not meet, or be counted beside, what is left of it.
    async fn take_out(
        &self,
        segment: &Segment,
        decisions: &[MessageDecision],
        hopeless: &Hopeless,
    ) -> Result<(), Failure> {
        if hopeless.is_empty() {
            return Ok(());
        }
        // What is taken out does not come back under the same token: a later attempt must not think it is stored.
        let note = serde_json::to_vec(hopeless).unwrap_or_default();
        self.intake.spool.write_side(self.segment, REFUSED_FILE, &note)?;
        let mut copies = Vec::new();
        for message in self.messages(segment) {
            let message = message?;
            let given_up = decisions.iter().find(|decision| decision.number == message.number);
            let given_up = given_up.filter(|decision| hopeless.contains_key(&decision.number));
            let stored = given_up.into_iter().flat_map(MessageDecision::stored);
            copies.extend(stored.map(|report| {
                report.copy(self.segment.uuid(), message.number, message.envelope.received_at)
            }));
        }
        let store = &self.intake.store;
        self.inserter().until_done("withdrawal", async || store.take_out_refused(&copies).await).await?;
        Ok(())
    }

    /// The messages that an attempt before this one found refused.
    fn refused_before(&self) -> Result<Hopeless, Failure> {
        let note = self.intake.spool.read_side(self.segment, REFUSED_FILE)?;
        let note = note.map(|bytes| serde_json::from_slice(&bytes).map_err(DecisionError::Malformed));
        Ok(note.transpose()?.unwrap_or_default())
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
        let ledger::Written { batches, replaced } = forming.await.map_err(|_| Failure::Panicked)??;
        let inserter = self.inserter();
        let store = &self.intake.store;
        // A mail has one row: that of its last time through.
        inserter.until_done("requeued messages", async || store.forget_messages(&replaced).await).await?;
        for batch in &batches {
            inserter.insert_surely(batch).await?;
        }
        self.intake.in_flight.remove(self.segment);
        let keys: Vec<_> = decisions
            .iter()
            .flat_map(MessageDecision::stored)
            .map(|report| report.identity.key.as_u128())
            .collect();
        inserter.until_done("report_corrections", async || store.settle(&keys).await).await?;
        Ok(())
    }

    /// Keeps a copy of every message that was not used whole. Later segments wait meanwhile, so of what is no report at all only a
    /// sample of each network is kept, and a bounded number of a segment.
    fn quarantine(
        &self,
        segment: &Segment,
        decisions: &[MessageDecision],
        hopeless: &Hopeless,
    ) -> Result<(), SpoolError> {
        let mut networks: HashMap<IpAddr, u32> = HashMap::new();
        let (mut junk, mut left_out) = (0, 0);
        let mut refused = Vec::new();
        for decision in decisions {
            let (number, rank) = (decision.number, decision.rank());
            if rank == Rank::Junk && !hopeless.contains_key(&number) {
                junk += 1;
                let kept = decision.client.map(|client| networks.entry(network_of(client)).or_default());
                let is_sampled = kept.is_none_or(|kept| {
                    *kept += 1;
                    *kept <= JUNK_KEPT
                });
                if !is_sampled || junk - left_out > JUNK_KEPT_OF_SEGMENT {
                    left_out += 1;
                    continue;
                }
            }
            let reason = hopeless.get(&number).or(decision.reason.as_ref());
            let Some(Reason { code, text }) = reason else { continue };
            refused.push(Refused { number, code, reason: text, rank });
        }
        self.intake.spool.quarantine(segment, &refused)?;
        if junk > 0 {
            telemetry::junk(self.segment, junk, left_out);
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
    fn parser_crash() -> Self {
        Self {
            code: "parser_crash",
            message: "the program died three times while it read this message".to_owned(),
        }
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

/// Copies that are kept of the messages without a report that one network (IPv4 /24, IPv6 /48) has in a segment.
const JUNK_KEPT: u32 = 10;

/// The same of all networks together.
const JUNK_KEPT_OF_SEGMENT: u64 = 100;

/// The side file with the messages that ClickHouse refused.
const REFUSED_FILE: &str = "refused";
/// Segments whose senders DNS is asked about, for each worker. In the time that takes with silent name servers, that many
/// may close.
const VERIFYING: usize = 8;

/// The same in messages, which take some kilobytes of memory each: from here on no other segment is read.
const MESSAGES_VERIFYING: u32 = 3_000;

/// How long DNS may be asked about all senders of a segment whose messages are read one after the other.
const CAREFUL: std::time::Duration = std::time::Duration::from_secs(30);

const PAUSE: std::time::Duration = std::time::Duration::from_secs(5);
