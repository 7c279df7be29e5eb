//! Just enough of an HTTP client to see every byte of an answer.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// A request to be sent.
pub(crate) struct Request {
    address: SocketAddr,
    method: &'static str,
    target: String,
    headers: String,
    body: Vec<u8>,
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    /// The body came to its end as HTTP says it does.
    pub(crate) complete: bool,
}

impl Request {
    pub(crate) fn new(address: SocketAddr) -> Self {
        Self { address, method: "POST", target: "/".to_owned(), headers: String::new(), body: Vec::new() }
    }

    pub(crate) fn get(mut self) -> Self {
        self.method = "GET";
        self
    }

    pub(crate) fn path(mut self, path: &str) -> Self {
        self.target = path.to_owned();
        self
    }

    /// Adds a query parameter.
    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.target.push(if self.target.contains('?') { '&' } else { '?' });
        self.target.extend(form_urlencoded::byte_serialize(name.as_bytes()));
        self.target.push('=');
        self.target.extend(form_urlencoded::byte_serialize(value.as_bytes()));
        self
    }

    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push_str(&format!("{name}: {value}\r\n"));
        self
    }

    pub(crate) fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    /// Sends it whole and reads the whole answer.
    pub(crate) fn send(self) -> Reply {
        let body = self.body.clone();
        let mut stream =
            self.header("Connection", "close").open(&format!("Content-Length: {}\r\n", body.len()));
        // An engine that refuses the request may close before it has read everything.
        drop(stream.write_all(&body));
        read(stream)
    }

    /// Sends the head; what follows, chunk by chunk, is up to the caller.
    pub(crate) fn chunked(self) -> Upload {
        Upload { stream: self.header("Connection", "close").open("Transfer-Encoding: chunked\r\n") }
    }

    /// Sends it whole and leaves the answer to the caller.
    pub(crate) fn start(self) -> TcpStream {
        let body = self.body.clone();
        let mut stream = self.open(&format!("Content-Length: {}\r\n", body.len()));
        stream.write_all(&body).unwrap();
        stream
    }

    fn open(self, framing: &str) -> TcpStream {
        let Self { address, method, target, headers, .. } = self;
        let mut stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(120))).unwrap();
        let host = if headers.contains("Host: ") { String::new() } else { format!("Host: {address}\r\n") };
        let head = format!("{method} {target} HTTP/1.1\r\n{host}{headers}{framing}\r\n");
        stream.write_all(head.as_bytes()).unwrap();
        stream
    }
}

/// A body that is being sent.
pub(crate) struct Upload {
    stream: TcpStream,
}

impl Upload {
    pub(crate) fn chunk(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        write!(self.stream, "{:x}\r\n", bytes.len())?;
        self.stream.write_all(bytes)?;
        self.stream.write_all(b"\r\n")
    }

    pub(crate) fn finish(mut self) -> Reply {
        self.stream.write_all(b"0\r\n\r\n").unwrap();
        read(self.stream)
    }
}

impl Reply {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(other, _)| other.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    /// The body of a success.
    #[track_caller]
    pub(crate) fn assert_ok(&self) -> &str {
        assert_eq!(self.status, 200, "{}", String::from_utf8_lossy(&self.body));
        assert!(self.complete, "broken off: {}", String::from_utf8_lossy(&self.body));
        self.text()
    }

    /// The code of the exception that the answer is, or breaks off with.
    pub(crate) fn exception(&self) -> Option<u32> {
        let text = String::from_utf8_lossy(&self.body);
        let (_, code) = text.rsplit_once("Code: ")?;
        code.split('.').next()?.parse().ok()
    }
}

/// Reads an answer to its end, or as far as it goes.
pub(crate) fn read(stream: TcpStream) -> Reply {
    let mut stream = BufReader::new(stream);
    let mut line = String::new();
    stream.read_line(&mut line).unwrap();
    let status = line.split(' ').nth(1).and_then(|status| status.parse().ok());
    let status = status.unwrap_or_else(|| panic!("no status: {line:?}"));
    let mut headers = Vec::new();
    loop {
        line.clear();
        stream.read_line(&mut line).unwrap();
        let Some((name, value)) = line.trim().split_once(':') else { break };
        headers.push((name.to_owned(), value.trim().to_owned()));
    }
    let mut reply = Reply { status, headers, body: Vec::new(), complete: false };
    reply.complete = match reply.header("content-length").map(|length| length.parse::<usize>().unwrap()) {
        Some(length) => {
            reply.body.resize(length, 0);
            stream.read_exact(&mut reply.body).is_ok()
        }
        None => read_chunks(&mut stream, &mut reply.body).is_some(),
    };
    reply
}

fn read_chunks(stream: &mut impl BufRead, body: &mut Vec<u8>) -> Option<()> {
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).ok()?;
        let length = usize::from_str_radix(line.trim(), 16).ok()?;
        let start = body.len();
        body.resize(start + length, 0);
        stream.read_exact(&mut body[start..]).ok()?;
        line.clear();
        stream.read_line(&mut line).ok()?;
        if length == 0 {
            return Some(());
        }
    }
}
