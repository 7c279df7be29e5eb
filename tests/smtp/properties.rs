//! Whatever is sent, and however it is cut: sessions in memory.

use std::net::{IpAddr, Ipv4Addr};

use proptest::prelude::*;
use ruad_smtp::{Server, Settings};
use ruad_spool as spool;
use ruad_spool::Spool;
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    runtime::Runtime,
};
use tokio_util::sync::CancellationToken;

use crate::support::{settings, soon};

/// A server without sockets.
struct Memory {
    runtime: Runtime,
    server: Server,
    spool: Spool,
    _folder: TempDir,
}

impl Memory {
    fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let spool = spool::Settings {
            path: folder.path().join("spool"),
            min_free_bytes: 0,
            segment_age: std::time::Duration::from_secs(600),
            ..spool::Settings::default()
        };
        let spool = Spool::open(&spool).unwrap();
        let settings = Settings {
            listen: Vec::new(),
            message_bytes: 4000,
            discard_bytes: 8000,
            line_bytes: 256,
            ..settings()
        };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let server = Server::bind(settings, spool.clone(), Vec::new()).unwrap();
        Self { runtime, server, spool, _folder: folder }
    }

    /// Sends these pieces without ever waiting for an answer; all that is answered.
    fn converse<'a>(&self, pieces: impl IntoIterator<Item = &'a [u8]>, buffer: usize) -> String {
        let (near, far) = tokio::io::duplex(buffer);
        let (mut reading, mut writing) = tokio::io::split(near);
        let peer = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let mut said = Vec::new();
        let client = async {
            for piece in pieces {
                // The server may have closed already.
                if writing.write_all(piece).await.is_err() {
                    break;
                }
                tokio::task::yield_now().await;
            }
            drop(writing.shutdown().await);
        };
        let conversation = async {
            tokio::join!(
                self.server.converse(far, peer, CancellationToken::new()),
                client,
                reading.read_to_end(&mut said),
            )
            .2
        };
        self.runtime.block_on(soon(conversation)).unwrap();
        String::from_utf8(said).unwrap()
    }

    fn stored(self) -> Vec<Vec<u8>> {
        self.runtime.block_on(async {
            self.spool.close().await.unwrap();
            let mut bodies = Vec::new();
            for _ in 0..self.spool.backlog().segments {
                let id = soon(self.spool.next_closed()).await;
                for message in self.spool.segment(id).unwrap().messages() {
                    let mut body = Vec::new();
                    std::io::Read::read_to_end(&mut message.unwrap().open().unwrap(), &mut body).unwrap();
                    bodies.push(body);
                }
            }
            bodies
        })
    }
}

/// Every line is a reply, and every `250` after a message stands for one in the spool.
fn check_replies(said: &str) -> usize {
    assert!(said.is_empty() || said.ends_with("\r\n"));
    for line in said.lines() {
        let (code, rest) = line.split_at(3);
        assert!(code.parse::<u16>().is_ok_and(|code| (214..=555).contains(&code)), "{line:?}");
        assert!(rest.starts_with([' ', '-']), "{line:?}");
    }
    said.lines().filter(|line| line.starts_with("250 2.6.0")).count()
}

/// Two messages with everything in them that depends on where a piece ends.
const CONVERSATION: &[u8] = b"EHLO client.example\r\nMAIL FROM:<a@b.example> SIZE=10\r\n\
    RCPT TO:<rua@reports.example>\r\nRCPT TO:<x@elsewhere.example>\r\nDATA\r\n\
    a\r\n..b\r\n.\r\r\n\n.\n.\r\nMAIL FROM:<>\r\n\r.\r\r\n.\n\r\n.\r\n\
    MAIL FROM: <>\r\nRCPT TO:<postmaster>\r\nBDAT 7\r\n\r\n.\r\nab\
    BDAT 0\r\nBDAT 3 LAST\r\n..\nNOOP\r\nbare\nNO\rOP\r\nQUIT\r\n";

fn expected() -> [&'static [u8]; 2] {
    [b"a\r\n.b\r\n\r\r\n\n.\n.\r\nMAIL FROM:<>\r\n\r.\r\r\n\n\r\n", b"\r\n.\r\nab..\n"]
}

#[test]
fn any_cut_of_a_conversation_gives_the_same() {
    let memory = Memory::new();
    let whole = memory.converse([CONVERSATION], 4096);
    assert_eq!(check_replies(&whole), 2);
    let mut conversations = 1;
    for at in 1..CONVERSATION.len() {
        let (head, tail) = CONVERSATION.split_at(at);
        assert_eq!(memory.converse([head, tail], 4096), whole, "cut at {at}");
        conversations += 1;
    }
    for size in [1, 2, 3, 5, 7, 11] {
        assert_eq!(memory.converse(CONVERSATION.chunks(size), 4096), whole, "pieces of {size}");
        assert_eq!(memory.converse([CONVERSATION], size), whole, "a buffer of {size}");
        conversations += 2;
    }
    let stored = memory.stored();
    assert_eq!(stored.len(), 2 * conversations);
    assert!(stored.chunks(2).all(|pair| pair == expected()));
}

/// Pieces of conversations, well-formed and otherwise.
fn fragment() -> impl Strategy<Value = Vec<u8>> {
    let line = prop::sample::select(vec![
        "EHLO a.example\r\n",
        "HELO a\r\n",
        "MAIL FROM:<>\r\n",
        "MAIL FROM: <a@b.example> SIZE=9\r\n",
        "RCPT TO:<rua@reports.example>\r\n",
        "RCPT TO:<x@y.example>\r\n",
        "RCPT TO:<postmaster>\r\n",
        "DATA\r\n",
        "\r\n.\r\n",
        ".\r\n",
        "\n.\n",
        "\r\n.\r\r\n",
        ".",
        "\r",
        "\n",
        "BDAT 0\r\n",
        "BDAT 4\r\nabcd",
        "BDAT 4 LAST\r\nefgh",
        "BDAT 9000\r\n",
        "BDAT x\r\n",
        "RSET\r\n",
        "NOOP\r\n",
        "VRFY a\r\n",
        "EXPN a\r\n",
        "HELP\r\n",
        "STARTTLS\r\n",
        "AUTH LOGIN\r\n",
        "QUIT\r\n",
        "MAIL FROM:<\r\n",
        "RCPT TO:<\"\\\r\n",
    ]);
    prop_oneof![
        8 => line.prop_map(|line| line.as_bytes().to_vec()),
        2 => prop::collection::vec(any::<u8>(), 0..300),
        1 => (0usize..6000).prop_map(|length| vec![b'x'; length]),
    ]
}

#[test]
fn nothing_that_is_sent_does_harm() {
    let memory = Memory::new();
    let mut stored = 0;
    let config = ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() };
    let mut runner = proptest::test_runner::TestRunner::new(config);
    let fragments = prop::collection::vec(fragment(), 0..40);
    let counted = std::cell::Cell::new(0);
    runner
        .run(&(fragments, 1usize..5000), |(fragments, buffer)| {
            let said = memory.converse(fragments.iter().map(Vec::as_slice), buffer);
            counted.set(counted.get() + check_replies(&said));
            Ok(())
        })
        .unwrap();
    stored += memory.stored().len();
    assert_eq!(stored, counted.get());
}
