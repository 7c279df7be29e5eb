//! An SMTP client that lets messages through byte for byte: several connections, pipelined, with retries.

mod session;

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::mail::Mail;
use session::{Answer, Session};

pub use session::SmtpError;

/// What became of a mail.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Sent {
    /// Answered `250`.
    Accepted,
    /// Answered with a permanent error; the reply.
    Refused(String),
}

/// Sends all of `mails` to `server` over `connections` connections and tells `each` about every one of them.
///
/// A connection carries up to [`BATCH`] mails of one origin, from its address. Temporary errors and lost
/// connections are tried again for [`PATIENCE`].
///
/// # Errors
///
/// [`SmtpError`] when a mail is still not answered for good after that.
pub async fn send(
    server: SocketAddr,
    mails: &[Mail],
    connections: usize,
    mut each: impl FnMut(&Mail, &Sent),
) -> Result<(), SmtpError> {
    let queue = Arc::new(Mutex::new(batches(mails)));
    let (told, mut outcomes) = mpsc::channel(64);
    let mut workers = JoinSet::new();
    for _ in 0..connections.max(1) {
        let (queue, told) = (queue.clone(), told.clone());
        workers.spawn(async move {
            // The lock is held for a pop only.
            while let Some(batch) = { queue.lock().unwrap_or_else(PoisonError::into_inner).pop_front() } {
                deliver(server, batch, &told).await?;
            }
            Ok(())
        });
    }
    drop(told);
    while let Some((index, sent)) = outcomes.recv().await {
        if let Some(mail) = mails.get(index) {
            each(mail, &sent);
        }
    }
    while let Some(worker) = workers.join_next().await {
        worker.unwrap_or_else(|stopped| Err(SmtpError::Stopped { reason: stopped.to_string() }))?;
    }
    Ok(())
}

/// Mails of one origin, with their places in the month.
type Batch = VecDeque<(usize, Mail)>;

/// Batches in the order of their first mails.
fn batches(mails: &[Mail]) -> VecDeque<Batch> {
    let mut batches: VecDeque<Batch> = VecDeque::new();
    for (index, mail) in mails.iter().enumerate() {
        let open = |batch: &&mut Batch| {
            batch.len() < BATCH && batch.front().is_some_and(|(_, first)| first.client == mail.client)
        };
        match batches.iter_mut().find(open) {
            Some(batch) => batch.push_back((index, mail.clone())),
            None => batches.push_back(VecDeque::from([(index, mail.clone())])),
        }
    }
    batches
}

/// Delivers a batch, over as many connections as it takes one after the other.
async fn deliver(
    server: SocketAddr,
    mut batch: Batch,
    told: &mpsc::Sender<(usize, Sent)>,
) -> Result<(), SmtpError> {
    let deadline = tokio::time::Instant::now() + PATIENCE;
    let mut pause = FIRST_PAUSE;
    while let Some((_, first)) = batch.front() {
        let trouble = match Session::open(server, first.client, first.helo).await {
            Ok(session) => match run(session, &mut batch, told, &mut pause).await {
                Ok(()) => continue,
                Err(trouble) => trouble,
            },
            Err(trouble) => trouble,
        };
        if tokio::time::Instant::now() + pause > deadline {
            return Err(trouble);
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
    Ok(())
}

/// Sends what it can of `batch` over one connection; an answered mail is taken off.
async fn run(
    mut session: Session,
    batch: &mut Batch,
    told: &mpsc::Sender<(usize, Sent)>,
    pause: &mut Duration,
) -> Result<(), SmtpError> {
    while let Some((index, mail)) = batch.front() {
        let sent = match session.send(mail).await? {
            Answer::Accepted => Sent::Accepted,
            Answer::Refused(reply) => Sent::Refused(reply),
            Answer::Later(reply) => return Err(SmtpError::Temporary { reply }),
        };
        // Nobody listens any more: the caller gave up.
        if told.send((*index, sent)).await.is_err() {
            return Ok(());
        }
        batch.pop_front();
        *pause = FIRST_PAUSE;
    }
    session.quit().await;
    Ok(())
}

/// Mails in one connection.
pub const BATCH: usize = 50;
/// How long a batch is tried again without an end.
pub const PATIENCE: Duration = Duration::from_secs(60);
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);
