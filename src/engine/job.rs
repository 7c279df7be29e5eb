//! One request's statement, run to its end on a blocking thread, on a connection of its own.
//!
//! A connection costs a tenth of a millisecond, so every request gets a fresh one: no setting, current
//! database or temporary table can leak from one request into another.

use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use chdb::{Connection, Exception, Statistics};
use tokio_util::sync::CancellationToken;

use super::exception;
use super::instance::Instance;
use super::pipe::{Gone, Input};
use super::reply::Reply;
use super::request::Request;
use super::select::Plan;
use super::statement::{self, Insert, Scan};

/// Everything one request brings to its blocking thread.
pub(super) struct Job {
    pub(super) instance: Arc<Instance>,
    pub(super) request: Request,
    pub(super) input: Input,
    /// Stands at the head of the statement's `log_comment`, so that it can be found and killed.
    pub(super) mark: String,
    /// The client is gone, or the engine stops.
    pub(super) cancelled: CancellationToken,
    /// Set when the statement has ended: nobody needs to kill it any more.
    pub(super) done: Arc<AtomicBool>,
}

/// Why a statement did not come to its end.
pub(super) enum Stop {
    Exception(Exception),
    Gone,
}

/// The text of a statement and what of the body has been read beyond it.
enum Text {
    Insert(Insert, Vec<u8>),
    Other(Vec<u8>),
}

impl Job {
    /// Runs the statement and writes the answer. Returns the exception's code when there was one.
    pub(super) fn run(self, mut reply: Reply) -> Option<i32> {
        let Self { instance, mut request, input, mark, cancelled, done } = self;
        let mut body = request.decoding.reader(input);
        let outcome = execute(&instance, &mut request, &mut *body, &mark, &cancelled, &mut reply);
        // Before the answer ends, because its end is taken for the client's going away otherwise.
        done.store(true, Ordering::Relaxed);
        match outcome {
            Ok(()) => {
                drop(reply.finish());
                None
            }
            Err(Stop::Gone) => None,
            Err(Stop::Exception(exception)) => {
                let code = fail(reply, exception);
                // Many clients only look at the answer after they have sent everything.
                drop(io::copy(&mut body.take(LARGEST_DRAIN), &mut io::sink()));
                code
            }
        }
    }
}

fn fail(reply: Reply, exception: Exception) -> Option<i32> {
    drop(reply.fail(&exception));
    Some(exception.code)
}

fn execute(
    instance: &Instance,
    request: &mut Request,
    body: &mut dyn Read,
    mark: &str,
    cancelled: &CancellationToken,
    reply: &mut Reply,
) -> Result<(), Stop> {
    let text = read_statement(request, body)?;
    let plan = match &text {
        Text::Insert(..) => None,
        Text::Other(text) => Some(Plan::of(text, request)?),
    };
    if cancelled.is_cancelled() {
        return Err(Stop::Gone);
    }
    let mut connection = instance.connect()?;
    if let Some(statement) = request.database_statement() {
        connection.query(&statement, "Null", &[])?;
    }
    let limit = plan.as_ref().and_then(Plan::limit);
    connection.query(&request.settings_statement(mark, limit)?, "Null", &[])?;
    match (text, plan) {
        (Text::Other(text), Some(plan)) => plan.run(&mut connection, &text, request, cancelled, reply),
        (Text::Other(_), None) => Ok(()),
        (Text::Insert(insert, first), _) => {
            let statistics = run_insert(&mut connection, request, &insert, &first, body, cancelled)?;
            reply.begin(None, &statistics)?;
            Ok(())
        }
    }
}

/// Reads as much of the body as it takes to know the statement.
fn read_statement(request: &mut Request, body: &mut dyn Read) -> Result<Text, Stop> {
    let mut text = Vec::new();
    if request.boundary.is_some() {
        read_some(body, &mut text, LONGEST_STATEMENT)?;
        request.read_form(&text)?;
        text.clear();
    }
    if let Some(query) = request.query.take() {
        text = query.into_bytes();
        text.push(b'\n');
    }
    let is_form = request.boundary.is_some();
    let mut ended = is_form;
    loop {
        match statement::scan(&text, ended) {
            Scan::Insert(insert) => {
                let first = text.split_off(insert.data.min(text.len()));
                return Ok(Text::Insert(insert, first));
            }
            Scan::Other if ended => return Ok(Text::Other(text)),
            Scan::Other => {
                read_some(body, &mut text, LONGEST_STATEMENT)?;
                return Ok(Text::Other(text));
            }
            Scan::Unfinished => {
                // Twice as much before the next look keeps the looking linear.
                let wanted = text.len().max(FIRST_LOOK);
                ended = !read_some_more(body, &mut text, wanted)?;
            }
        }
    }
}

/// Reads to the end, which must come before `limit`.
fn read_some(body: &mut dyn Read, text: &mut Vec<u8>, limit: usize) -> Result<(), Stop> {
    let room = u64::try_from(limit.saturating_sub(text.len())).unwrap_or(u64::MAX);
    body.take(room.saturating_add(1)).read_to_end(text).map_err(|error| exception::of_input(&error))?;
    check_length(text)
}

/// Reads up to `wanted` bytes, but returns with fewer when no more are here yet. False at the end.
fn read_some_more(body: &mut dyn Read, text: &mut Vec<u8>, wanted: usize) -> Result<bool, Stop> {
    let mut chunk = vec![0; wanted];
    let count = body.read(&mut chunk).map_err(|error| exception::of_input(&error))?;
    text.extend_from_slice(chunk.get(..count).unwrap_or_default());
    check_length(text)?;
    Ok(count > 0)
}

fn check_length(text: &[u8]) -> Result<(), Stop> {
    if text.len() <= LONGEST_STATEMENT {
        return Ok(());
    }
    let message = format!("The statement is longer than {LONGEST_STATEMENT} bytes");
    Err(exception::new(exception::QUERY_IS_TOO_LARGE, &message).into())
}

fn run_insert(
    connection: &mut Connection,
    request: &Request,
    insert: &Insert,
    first: &[u8],
    body: &mut dyn Read,
    cancelled: &CancellationToken,
) -> Result<Statistics, Stop> {
    let mut stream = connection.insert(&insert.head, &insert.format, &request.parameters)?;
    let mut chunk = vec![0; CHUNK];
    let mut data = first;
    loop {
        // An engine that takes no more has a reason, and `finish` tells it.
        if stream.append(data).is_err() {
            break;
        }
        match body.read(&mut chunk) {
            Ok(0) => break,
            Ok(count) if !cancelled.is_cancelled() => data = chunk.get(..count).unwrap_or_default(),
            Ok(_) => {
                stream.cancel();
                return Err(Stop::Gone);
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => data = &[],
            Err(error) => {
                // A broken upload must not leave a part of its rows behind.
                stream.cancel();
                return Err(exception::of_input(&error).into());
            }
        }
    }
    Ok(stream.finish()?)
}

impl From<Exception> for Stop {
    fn from(exception: Exception) -> Self {
        Self::Exception(exception)
    }
}

impl From<chdb::Error> for Stop {
    fn from(error: chdb::Error) -> Self {
        Self::Exception(exception::of(error))
    }
}

impl From<Gone> for Stop {
    fn from(_: Gone) -> Self {
        Self::Gone
    }
}

/// Far above the engine's own `max_query_size` (256 KiB by default), which clients may raise.
const LONGEST_STATEMENT: usize = 16 << 20;
const FIRST_LOOK: usize = 16 << 10;
/// What is handed to the engine at once; it keeps up to 16 of them.
const CHUNK: usize = 256 << 10;
/// How much of a refused upload is read to its end.
const LARGEST_DRAIN: u64 = 1 << 30;
