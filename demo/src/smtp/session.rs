//! One connection.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use smtp_proto::Response;
use smtp_proto::response::parser::ResponseReceiver;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;

use crate::mail::Mail;

/// Why mails could not be sent.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SmtpError {
    /// No connection, or it was lost.
    #[error("connection to {server}")]
    Connection {
        /// The server.
        server: SocketAddr,
        /// What was wrong.
        source: io::Error,
    },
    /// The server did not answer in time.
    #[error("no answer from {server} within {} s", PATIENCE.as_secs())]
    Silent {
        /// The server.
        server: SocketAddr,
    },
    /// What the server said is not a reply.
    #[error("{server} does not speak SMTP")]
    Protocol {
        /// The server.
        server: SocketAddr,
    },
    /// The server asked to come back later, or refused the session.
    #[error("the server says: {reply}")]
    Temporary {
        /// Its words.
        reply: String,
    },
    /// A task ended early.
    #[error("sending was stopped: {reason}")]
    Stopped {
        /// Why.
        reason: String,
    },
}

/// What the server says to a mail.
pub(super) enum Answer {
    Accepted,
    Refused(String),
    Later(String),
}

/// An open session after EHLO.
pub(super) struct Session {
    server: SocketAddr,
    stream: TcpStream,
    pipelining: bool,
    /// Read, but not yet parsed.
    buffer: Vec<u8>,
}

impl Session {
    /// Connects from `client` where the system has that address, and greets as `helo`.
    pub(super) async fn open(server: SocketAddr, client: Ipv4Addr, helo: &str) -> Result<Self, SmtpError> {
        let stream = timeout(PATIENCE, connect(server, client))
            .await
            .map_err(|_| SmtpError::Silent { server })?
            .map_err(|source| SmtpError::Connection { server, source })?;
        let mut session = Self { server, stream, pipelining: false, buffer: Vec::new() };
        session.expect_positive().await?;
        session.write(format!("EHLO {helo}\r\n").as_bytes()).await?;
        let hello = session.expect_positive().await?;
        session.pipelining =
            hello.message().lines().any(|line| line.trim().eq_ignore_ascii_case("PIPELINING"));
        Ok(session)
    }

    /// Sends one mail.
    pub(super) async fn send(&mut self, mail: &Mail) -> Result<Answer, SmtpError> {
        let from = format!("MAIL FROM:<{}> SIZE={}\r\n", mail.mail_from, mail.bytes.len());
        let to = format!("RCPT TO:<{}>\r\n", mail.rcpt_to);
        let commands = [from.as_str(), &to, "DATA\r\n"];
        if self.pipelining {
            self.write(commands.concat().as_bytes()).await?;
        }
        let mut refusal = None;
        for command in commands {
            if !self.pipelining {
                self.write(command.as_bytes()).await?;
            }
            let reply = self.reply().await?;
            if command.starts_with("DATA") && reply.code() == 354 {
                self.write(&stuffed(&mail.bytes)).await?;
                let reply = self.reply().await?;
                // With every recipient refused, whatever is said after DATA does not count.
                return Ok(refusal.unwrap_or_else(|| answer(&reply)));
            }
            if !reply.is_positive_completion() && refusal.is_none() {
                refusal = Some(answer(&reply));
                if !self.pipelining {
                    break;
                }
            }
        }
        self.write(b"RSET\r\n").await?;
        self.reply().await?;
        Ok(refusal.unwrap_or_else(|| Answer::Later("DATA was not taken".to_owned())))
    }

    /// Says goodbye; the answer changes nothing any more.
    pub(super) async fn quit(mut self) {
        if self.write(b"QUIT\r\n").await.is_ok() {
            self.reply().await.ok();
        }
    }

    async fn expect_positive(&mut self) -> Result<Response<String>, SmtpError> {
        let reply = self.reply().await?;
        if reply.is_positive_completion() {
            Ok(reply)
        } else {
            Err(SmtpError::Temporary { reply: words(&reply) })
        }
    }

    async fn write(&mut self, bytes: &[u8]) -> Result<(), SmtpError> {
        let server = self.server;
        timeout(PATIENCE, self.stream.write_all(bytes))
            .await
            .map_err(|_| SmtpError::Silent { server })?
            .map_err(|source| SmtpError::Connection { server, source })
    }

    async fn reply(&mut self) -> Result<Response<String>, SmtpError> {
        let server = self.server;
        let mut receiver = ResponseReceiver::default();
        loop {
            let mut bytes = self.buffer.iter();
            let parsed = receiver.parse(&mut bytes);
            let left = bytes.as_slice().len();
            self.buffer.drain(..self.buffer.len() - left);
            match parsed {
                Ok(reply) => return Ok(reply),
                Err(smtp_proto::Error::NeedsMoreData { .. }) => {}
                Err(_) => return Err(SmtpError::Protocol { server }),
            }
            let read = timeout(PATIENCE, self.stream.read_buf(&mut self.buffer))
                .await
                .map_err(|_| SmtpError::Silent { server })?;
            match read {
                Ok(0) => {
                    return Err(SmtpError::Connection {
                        server,
                        source: io::ErrorKind::UnexpectedEof.into(),
                    });
                }
                Ok(_) => {}
                Err(source) => return Err(SmtpError::Connection { server, source }),
            }
        }
    }
}

/// Connects from `client`, or, where only one loopback address is set up (macOS), from that one.
async fn connect(server: SocketAddr, client: Ipv4Addr) -> io::Result<TcpStream> {
    if server.is_ipv4() && server.ip().is_loopback() {
        let socket = TcpSocket::new_v4()?;
        if socket.bind((client, 0).into()).is_ok() {
            let stream = socket.connect(server).await?;
            stream.set_nodelay(true)?;
            return Ok(stream);
        }
    }
    let stream = TcpStream::connect(server).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// The message as DATA carries it: dots doubled at the start of lines (RFC 5321 section 4.5.2), with the end.
fn stuffed(bytes: &[u8]) -> Vec<u8> {
    let mut data = Vec::with_capacity(bytes.len() + bytes.len() / 64 + 5);
    let mut line_starts = true;
    for byte in bytes {
        if line_starts && *byte == b'.' {
            data.push(b'.');
        }
        data.push(*byte);
        line_starts = *byte == b'\n';
    }
    if !data.ends_with(b"\r\n") {
        data.extend_from_slice(b"\r\n");
    }
    data.extend_from_slice(b".\r\n");
    data
}

fn answer(reply: &Response<String>) -> Answer {
    match reply.code() {
        200..=299 => Answer::Accepted,
        400..=499 => Answer::Later(words(reply)),
        _ => Answer::Refused(words(reply)),
    }
}

fn words(reply: &Response<String>) -> String {
    format!("{} {}", reply.code(), reply.message().trim())
}

const PATIENCE: Duration = Duration::from_secs(30);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dots_are_doubled() {
        assert_eq!(stuffed(b".a\r\n..\r\nb."), b"..a\r\n...\r\nb.\r\n.\r\n");
        assert_eq!(stuffed(b"x\r\n"), b"x\r\n.\r\n");
    }
}
