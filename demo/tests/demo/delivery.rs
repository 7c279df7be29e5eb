//! The SMTP client against a server that follows a script.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use ruad_demo::Mail;
use ruad_demo::smtp::{Sent, send};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

use crate::read::month;

/// What the server has taken: reverse-path, recipient, message with the dots unstuffed.
type Taken = Arc<Mutex<Vec<(String, String, Vec<u8>)>>>;

/// Messages that servers have been offered.
static OFFERED: AtomicUsize = AtomicUsize::new(0);

/// How the server behaves.
#[derive(Clone, Copy)]
struct Habits {
    pipelining: bool,
    /// It puts off every fifth message and hangs up in the face of every seventh.
    moody: bool,
    /// It refuses this recipient.
    refuses: &'static str,
}

async fn server(habits: Habits) -> (SocketAddr, Taken) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (address, taken) = (listener.local_addr().unwrap(), Taken::default());
    let kept = taken.clone();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream, habits, kept.clone()));
        }
    });
    (address, taken)
}

async fn serve(stream: TcpStream, habits: Habits, taken: Taken) -> Option<()> {
    let mut stream = BufReader::new(stream);
    let (mut from, mut to) = (String::new(), String::new());
    stream.write_all(b"220-one moment\r\n220 ready\r\n").await.ok()?;
    loop {
        let line = line(&mut stream).await?;
        let text = String::from_utf8_lossy(&line).trim_end().to_owned();
        let reply = match text.get(..4)? {
            "EHLO" if habits.pipelining => "250-x\r\n250-PIPELINING\r\n250 8BITMIME",
            "MAIL" => {
                from = between(&text);
                "250 2.1.0 ok"
            }
            "RCPT" if between(&text) == habits.refuses => "550 5.7.1 not here",
            "RCPT" => {
                to = between(&text);
                "250 2.1.5 ok"
            }
            "DATA" if to.is_empty() => "503 5.5.1 no recipient",
            "DATA" => {
                stream.write_all(b"354 go on\r\n").await.ok()?;
                let message = message(&mut stream).await?;
                let offered = OFFERED.fetch_add(1, Ordering::Relaxed);
                if habits.moody && offered % 7 == 3 {
                    return None;
                }
                let later = habits.moody && offered % 5 == 2;
                if !later {
                    taken.lock().unwrap().push((from.clone(), to.clone(), message));
                }
                to.clear();
                if later { "451 4.3.0 later" } else { "250 2.0.0 kept" }
            }
            "RSET" => {
                to.clear();
                "250 2.0.0 ok"
            }
            "QUIT" => "221 2.0.0 bye",
            _ => "250 ok",
        };
        stream.write_all(format!("{reply}\r\n").as_bytes()).await.ok()?;
    }
}

async fn line(stream: &mut BufReader<TcpStream>) -> Option<Vec<u8>> {
    let mut line = Vec::new();
    (stream.read_until(b'\n', &mut line).await.ok()? > 0).then_some(line)
}

async fn message(stream: &mut BufReader<TcpStream>) -> Option<Vec<u8>> {
    let mut message = Vec::new();
    loop {
        let line = line(stream).await?;
        if line == b".\r\n" {
            return Some(message);
        }
        message.extend_from_slice(line.strip_prefix(b".").unwrap_or(&line));
    }
}

fn between(text: &str) -> String {
    text.split(['<', '>']).nth(1).unwrap_or_default().to_owned()
}

/// Spam among them: its lines start with dots.
fn some() -> Vec<Mail> {
    let month = month();
    let spam = month.mails.iter().filter(|mail| mail.label == "spam").take(2);
    month.mails.iter().take(120).chain(spam).cloned().collect()
}

fn sorted(mut mails: Vec<(String, String, Vec<u8>)>) -> Vec<(String, String, Vec<u8>)> {
    mails.sort();
    mails
}

fn expected(mails: &[Mail]) -> Vec<(String, String, Vec<u8>)> {
    sorted(
        mails.iter().map(|mail| (mail.mail_from.clone(), mail.rcpt_to.clone(), mail.bytes.clone())).collect(),
    )
}

#[tokio::test]
async fn every_byte_arrives_once() {
    for pipelining in [true, false] {
        let (address, taken) = server(Habits { pipelining, moody: false, refuses: "" }).await;
        let mails = some();
        let mut told = 0;
        let each = |_: &Mail, sent: &Sent| {
            assert_eq!(sent, &Sent::Accepted);
            told += 1;
        };
        send(address, &mails, 8, each).await.unwrap();
        assert_eq!(told, mails.len());
        assert!(
            sorted(std::mem::take(&mut *taken.lock().unwrap())) == expected(&mails),
            "pipelining {pipelining}"
        );
    }
}

#[tokio::test]
async fn temporary_errors_and_lost_connections_are_tried_again() {
    let (address, taken) = server(Habits { pipelining: true, moody: true, refuses: "" }).await;
    let mut mails = some();
    mails.truncate(40);
    send(address, &mails, 4, |_, sent| assert_eq!(sent, &Sent::Accepted)).await.unwrap();
    assert!(sorted(std::mem::take(&mut *taken.lock().unwrap())) == expected(&mails));
}

#[tokio::test]
async fn refusals_are_told_and_the_others_go_on() {
    for pipelining in [true, false] {
        let (address, taken) =
            server(Habits { pipelining, moody: false, refuses: "tls@reports.example" }).await;
        let mails = some();
        let mut refused = 0;
        let each = |mail: &Mail, sent: &Sent| {
            let expected = mail.rcpt_to == "tls@reports.example";
            assert_eq!(
                matches!(sent, Sent::Refused(reply) if reply.starts_with("550 ")),
                expected,
                "{sent:?}"
            );
            refused += usize::from(expected);
        };
        send(address, &mails, 3, each).await.unwrap();
        assert!(refused > 0);
        assert_eq!(taken.lock().unwrap().len(), mails.len() - refused);
    }
}
