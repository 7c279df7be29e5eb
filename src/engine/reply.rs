//! An answer as ClickHouse's HTTP interface gives it: headers, body, and exceptions before and after it has
//! begun.

use axum::body::Body;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::Response;
use chdb::{Exception, Statistics};
use tokio::sync::oneshot;
use uuid::Uuid;

use super::encoding::{Encoder, Encoding};
use super::exception;
use super::format::{TEXT, content_type};
use super::pipe::{Gone, Sender};

/// Status and headers.
#[derive(Debug)]
pub(super) struct Head {
    status: StatusCode,
    headers: HeaderMap,
}

/// Writes one answer, from the blocking side.
pub(super) struct Reply {
    head: Option<oneshot::Sender<Head>>,
    sender: Sender,
    encoding: Encoding,
    encoder: Encoder,
    /// What every answer of this engine says.
    server: ServerLine,
    query_id: String,
    /// Frames an exception inside the body, so that no data can be taken for one.
    tag: String,
}

/// What every answer says of the engine.
#[derive(Clone, Debug, Default)]
pub(super) struct ServerLine {
    /// Ends every exception: `(version 26.7.2.1 (libchdb 26.7.3))`.
    pub(super) version: String,
}

impl Head {
    pub(super) fn with(self, body: Body) -> Response {
        let mut response = Response::new(body);
        *response.status_mut() = self.status;
        *response.headers_mut() = self.headers;
        response
    }
}

impl Reply {
    pub(super) fn new(
        head: oneshot::Sender<Head>,
        sender: Sender,
        encoding: Encoding,
        server: ServerLine,
        query_id: &str,
    ) -> Self {
        let query_id = query_id.to_owned();
        Self { head: Some(head), sender, encoding, encoder: encoding.encoder(), server, query_id, tag: tag() }
    }

    /// Sends the headers of a success; nothing happens when that was done before.
    pub(super) fn begin(&mut self, format: Option<&str>, statistics: &Statistics) -> Result<(), Gone> {
        let Some(sender) = self.head.take() else { return Ok(()) };
        let mut headers = headers(&self.query_id, statistics);
        if let Some(format) = format {
            insert(&mut headers, "x-clickhouse-format", format);
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type(format)));
            headers.extend(self.encoding.header().map(|value| (header::CONTENT_ENCODING, value)));
        } else {
            // Nothing follows, so nothing is packed.
            self.encoder = Encoder::Identity;
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(TEXT));
        }
        insert(&mut headers, "x-clickhouse-exception-tag", &self.tag);
        sender.send(Head { status: StatusCode::OK, headers }).map_err(|_| Gone)
    }

    /// Sends a part of the body.
    pub(super) fn chunk(&mut self, bytes: Vec<u8>) -> Result<(), Gone> {
        let packed = self.encoder.chunk(bytes).map_err(|_| Gone)?;
        self.sender.send(packed)
    }

    /// Ends the body.
    pub(super) fn finish(self) -> Result<(), Gone> {
        let rest = self.encoder.finish().map_err(|_| Gone)?;
        self.sender.send(rest)
    }

    /// Tells of an exception: as the whole answer while that has not begun, marked at the end of the body and
    /// with the transfer broken off when it has.
    pub(super) fn fail(mut self, exception: &Exception) -> Result<(), Gone> {
        let message = message(exception, &self.server);
        let Some(head) = self.head.take() else {
            let tag = &self.tag;
            let marked = format!(
                "\r\n{MARK}\r\n{tag}\r\n{message}{length} {tag}\r\n{MARK}\r\n",
                length = message.len()
            );
            self.chunk(marked.into_bytes())?;
            // The end of the packed stream is left out as well: the transfer is to look as broken as it is.
            self.sender.abort();
            return Ok(());
        };
        head.send(failure_head(exception, &self.query_id)).map_err(|_| Gone)?;
        self.sender.send(message.into_bytes())
    }
}

/// A whole answer that only tells of an exception.
pub(super) fn failure(exception: &Exception, server: &ServerLine, query_id: &str) -> Response {
    failure_head(exception, query_id).with(message(exception, server).into())
}

fn failure_head(exception: &Exception, query_id: &str) -> Head {
    let mut headers = headers(query_id, &Statistics::default());
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(TEXT));
    insert(&mut headers, "x-clickhouse-exception-code", &exception.code.to_string());
    let mut status = exception::status(exception.code);
    if exception.code == exception::AUTHENTICATION_FAILED {
        status = StatusCode::UNAUTHORIZED;
        insert(&mut headers, "www-authenticate", "Basic realm=\"ClickHouse server HTTP API\"");
    }
    Head { status, headers }
}

fn message(exception: &Exception, server: &ServerLine) -> String {
    format!("{exception} {}\n", server.version)
}

fn headers(query_id: &str, statistics: &Statistics) -> HeaderMap {
    let mut headers = HeaderMap::new();
    insert(&mut headers, "x-clickhouse-server-display-name", "ruad");
    insert(&mut headers, "x-clickhouse-timezone", "UTC");
    insert(&mut headers, "x-clickhouse-query-id", query_id);
    insert(&mut headers, "x-clickhouse-summary", &summary(statistics));
    headers
}

fn insert(headers: &mut HeaderMap, name: &'static str, value: &str) {
    // A query id that is no header value is not echoed.
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(HeaderName::from_static(name), value);
    }
}

fn summary(statistics: &Statistics) -> String {
    let Statistics { elapsed, result_rows, result_bytes, read_rows, read_bytes, written_rows, written_bytes } =
        statistics;
    format!(
        "{{\"read_rows\":\"{read_rows}\",\"read_bytes\":\"{read_bytes}\",\"written_rows\":\"{written_rows}\",\
         \"written_bytes\":\"{written_bytes}\",\"total_rows_to_read\":\"0\",\"result_rows\":\"{result_rows}\",\
         \"result_bytes\":\"{result_bytes}\",\"elapsed_ns\":\"{}\"}}",
        elapsed.as_nanos()
    )
}

/// Sixteen letters that nobody can know before.
fn tag() -> String {
    let (random, _) = Uuid::now_v7().as_u64_pair();
    let (_, other) = Uuid::now_v7().as_u64_pair();
    let mut number = u128::from(other) << 32 | u128::from(random & 0xffff_ffff);
    std::iter::repeat_with(|| {
        let letter = u8::try_from(number % 26).unwrap_or_default();
        number /= 26;
        char::from(b'a' + letter)
    })
    .take(16)
    .collect()
}

/// As ClickHouse 25.11 and later mark an exception inside a body.
const MARK: &str = "__exception__";
