//! Statements that bring a result: how it is made, and how it leaves.

use std::io::{Read, Seek, SeekFrom, Write};

use chdb::{Answer, Connection, Exception, Statistics};
use tempfile::SpooledTempFile;
use tokio_util::sync::CancellationToken;

use super::exception;
use super::format::Shape;
use super::job::Stop;
use super::native;
use super::reply::Reply;
use super::request::Request;
use super::statement::{self, Refused};

/// How a statement is going to be run.
pub(super) struct Plan {
    /// The format of results whose statement names none.
    default: String,
    /// The format of this one's.
    format: String,
    shape: Shape,
    /// The library makes the whole result before the first byte of it leaves.
    is_collected: bool,
}

impl Plan {
    /// Looks at a statement; refuses those that must not reach the library.
    pub(super) fn of(text: &[u8], request: &Request) -> Result<Self, Exception> {
        let traits = statement::traits(text);
        if let Some(refused) = traits.refused {
            return Err(refusal(refused));
        }
        let default = request.format.clone().unwrap_or_else(|| DEFAULT_FORMAT.to_owned());
        let format = traits.format.unwrap_or_else(|| default.clone());
        let shape = Shape::of(&format);
        let is_collected = shape == Shape::Document
            || traits.needs_whole
            || request.settings.iter().any(|(name, _)| statement::NEED_WHOLE.contains(&name.as_str()));
        Ok(Self { default, format, shape, is_collected })
    }

    /// How large the result may be, in the engine's own representation: what is collected must fit into
    /// memory.
    pub(super) fn limit(&self) -> Option<u64> {
        self.is_collected.then_some(LARGEST_COLLECTED)
    }

    /// Runs the statement and writes its result.
    pub(super) fn run(
        &self,
        connection: &mut Connection,
        text: &[u8],
        request: &Request,
        cancelled: &CancellationToken,
        reply: &mut Reply,
    ) -> Result<(), Stop> {
        let streamed = if self.is_collected {
            Err(chdb::Error::NotStreamable)
        } else {
            connection.stream(text, &self.default, &request.parameters)
        };
        if matches!(streamed, Err(chdb::Error::NotStreamable)) {
            drop(streamed);
            let answer = connection.query(text, &self.default, &request.parameters)?;
            return whole(self.finish(answer, request)?, &self.format, reply);
        }
        let mut chunks = Chunks { stream: streamed?, shape: self.shape, head: None };
        if request.wait_end_of_query {
            let mut total = Statistics::default();
            let mut spooled = SpooledTempFile::new(IN_MEMORY);
            while let Some(answer) = chunks.next()? {
                let answer = self.finish(answer, request)?;
                add(&mut total, &answer.statistics);
                spooled.write_all(&answer.bytes).map_err(|error| exception::of_disk(&error))?;
                if cancelled.is_cancelled() {
                    return Err(Stop::Gone);
                }
            }
            reply.begin(Some(&self.format), &total)?;
            return replay(spooled, reply);
        }
        let mut next = chunks.next()?.map(|answer| self.finish(answer, request)).transpose()?;
        reply
            .begin(Some(&self.format), &next.as_ref().map(|answer| answer.statistics).unwrap_or_default())?;
        while let Some(answer) = next {
            reply.chunk(answer.bytes)?;
            next = chunks.next()?.map(|answer| self.finish(answer, request)).transpose()?;
        }
        Ok(())
    }

    /// Adds what the library leaves out.
    fn finish(&self, mut answer: Answer, request: &Request) -> Result<Answer, Exception> {
        if request.protocol_version > 0 && self.format.eq_ignore_ascii_case("Native") {
            let bytes = native::with_version(&answer.bytes, request.protocol_version);
            answer.bytes = bytes.ok_or_else(|| {
                let text = "The result has a column whose type is not supported in the Native format with \
                            client_protocol_version";
                exception::new(exception::NOT_IMPLEMENTED, text)
            })?;
        }
        Ok(answer)
    }
}

/// A streamed result without the heads that the library repeats.
struct Chunks<'connection> {
    stream: chdb::Stream<'connection>,
    shape: Shape,
    /// The head of the first chunk.
    head: Option<Vec<u8>>,
}

impl Chunks<'_> {
    fn next(&mut self) -> Result<Option<Answer>, chdb::Error> {
        let Some(mut answer) = self.stream.fetch()? else { return Ok(None) };
        if let Shape::Headed(head) = self.shape {
            match &self.head {
                None => {
                    let length = head.length(&answer.bytes);
                    self.head = answer.bytes.get(..length).map(<[u8]>::to_vec);
                }
                Some(head) if answer.bytes.starts_with(head) => {
                    answer.bytes.drain(..head.len());
                }
                Some(_) => {}
            }
        }
        Ok(Some(answer))
    }
}

fn whole(answer: Answer, format: &str, reply: &mut Reply) -> Result<(), Stop> {
    let format = (!answer.bytes.is_empty()).then_some(format);
    reply.begin(format, &answer.statistics)?;
    if format.is_some() {
        reply.chunk(answer.bytes)?;
    }
    Ok(())
}

fn replay(mut spooled: SpooledTempFile, reply: &mut Reply) -> Result<(), Stop> {
    spooled.seek(SeekFrom::Start(0)).map_err(|error| exception::of_disk(&error))?;
    let mut chunk = vec![0; CHUNK];
    loop {
        let count = spooled.read(&mut chunk).map_err(|error| exception::of_disk(&error))?;
        if count == 0 {
            return Ok(());
        }
        reply.chunk(chunk.get(..count).unwrap_or_default().to_vec())?;
    }
}

fn add(total: &mut Statistics, part: &Statistics) {
    total.elapsed += part.elapsed;
    total.result_rows += part.result_rows;
    total.result_bytes += part.result_bytes;
    total.read_rows += part.read_rows;
    total.read_bytes += part.read_bytes;
    total.written_rows += part.written_rows;
    total.written_bytes += part.written_bytes;
}

fn refusal(refused: Refused) -> Exception {
    let (code, text) = match refused {
        Refused::Shutdown => (
            exception::ACCESS_DENIED,
            "SYSTEM SHUTDOWN and SYSTEM KILL are not allowed: end the process `ruad engine` instead",
        ),
        Refused::IntoOutfile => (exception::INTO_OUTFILE_NOT_ALLOWED, "INTO OUTFILE is not allowed"),
        Refused::FromInfile => {
            (exception::BAD_ARGUMENTS, "FROM INFILE is not allowed: send the data in the body")
        }
        Refused::Several => (exception::SYNTAX_ERROR, "Syntax error (Multi-statements are not allowed)"),
        Refused::Empty => {
            (exception::SYNTAX_ERROR, "Syntax error: nothing, or a single word, is no statement")
        }
    };
    exception::new(code, text)
}

const DEFAULT_FORMAT: &str = "TabSeparated";
/// Text is larger than this representation, but not by much.
const LARGEST_COLLECTED: u64 = 512 << 20;
/// Results that wait for their end stay in memory up to this size.
const IN_MEMORY: usize = 4 << 20;
const CHUNK: usize = 256 << 10;
