//! BDAT (RFC 3030).

use crate::support::{Client, Receiver};
use tokio::net::TcpStream;

async fn chunk(client: &mut Client<TcpStream>, bytes: &str, last: bool, start: &str) {
    let last = if last { " LAST" } else { "" };
    client.send(format!("BDAT {}{last}\r\n{bytes}", bytes.len()).as_bytes()).await;
    let reply = client.reply().await;
    assert!(reply.starts_with(start), "{bytes:?}: {reply:?}");
}

#[tokio::test]
async fn stores_chunks_as_they_are() {
    let receiver = Receiver::start();
    let mut client = receiver.connect().await;
    client.begin().await;
    chunk(&mut client, "..a\r\n.\r\n", false, "250 2.0.0").await;
    chunk(&mut client, "", false, "250 2.0.0").await;
    client.expect("NOOP", "250 2.0.0").await;
    chunk(&mut client, "\n.\nBDAT 3\r\n", false, "250 2.0.0").await;
    chunk(&mut client, "", true, "250 2.6.0").await;
    client.transaction().await;
    chunk(&mut client, "one chunk", true, "250 2.6.0").await;
    client.transaction().await;
    client.send(b"BDAT 2\r\nabBDAT 2\r\ncdbdat 2 last\r\nefNOOP\r\n").await;
    for start in ["250 2.0.0", "250 2.0.0", "250 2.6.0", "250 2.0.0"] {
        assert!(client.reply().await.starts_with(start));
    }
    client.transaction().await;
    chunk(&mut client, "", true, "250 2.6.0").await;
    let bodies = receiver.bodies().await;
    assert_eq!(bodies, ["..a\r\n.\r\n\n.\nBDAT 3\r\n", "one chunk", "abcdef", ""]);
}

#[tokio::test]
async fn a_refused_chunk_is_read_and_thrown_away() {
    let receiver = Receiver::start();
    let mut client = receiver.connect().await;
    chunk(&mut client, "QUIT\r\n", true, "503 5.5.1").await;
    client.expect("EHLO client.example", "250-").await;
    chunk(&mut client, "QUIT\r\n", true, "503 5.5.1").await;
    client.expect("MAIL FROM:<>", "250 2.1.0").await;
    chunk(&mut client, "QUIT\r\n", true, "503 5.5.1").await;
    client.expect("RCPT TO:<x@elsewhere.example>", "550 5.7.1").await;
    chunk(&mut client, "QUIT\r\n", true, "554 5.5.1").await;
    client.expect("RCPT TO:<rua@reports.example>", "250 2.1.5").await;
    chunk(&mut client, "kept", true, "250 2.6.0").await;
    chunk(&mut client, "QUIT\r\n", true, "503 5.5.1").await;
    assert_eq!(receiver.bodies().await, ["kept"]);
}

#[tokio::test]
async fn does_not_mix_with_data() {
    let receiver = Receiver::start();
    let mut client = receiver.connect().await;
    client.begin().await;
    chunk(&mut client, "a", false, "250 2.0.0").await;
    client.expect("DATA", "503 5.5.1").await;
    client.expect("MAIL FROM:<>", "503 5.5.1").await;
    client.expect("RCPT TO:<rua@reports.example>", "503 5.5.1").await;
    chunk(&mut client, "b", true, "250 2.6.0").await;

    client.transaction().await;
    chunk(&mut client, "lost", false, "250 2.0.0").await;
    client.expect("RSET", "250 2.0.0").await;
    client.transaction().await;
    chunk(&mut client, "c", true, "250 2.6.0").await;
    assert_eq!(receiver.bodies().await, ["ab", "c"]);
}

#[tokio::test]
async fn keeps_to_the_size_limit() {
    let receiver = Receiver::with(|settings| {
        settings.message_bytes = 10;
        settings.discard_bytes = 100;
    });
    let mut client = receiver.connect().await;
    client.begin().await;
    chunk(&mut client, "01234567", false, "250 2.0.0").await;
    chunk(&mut client, "890", false, "552 5.3.4").await;
    // The message is gone, and with it the transaction.
    chunk(&mut client, "0", true, "503 5.5.1").await;
    client.transaction().await;
    chunk(&mut client, "0123456789", true, "250 2.6.0").await;

    client.transaction().await;
    client.send(b"BDAT 101 LAST\r\n").await;
    assert!(client.rest().await.starts_with("552 5.3.4"));

    let mut client = receiver.connect().await;
    client.send(b"BDAT 101\r\n").await;
    assert!(client.rest().await.starts_with("552 5.3.4"));
    assert_eq!(receiver.bodies().await, ["0123456789"]);
}

#[tokio::test]
async fn a_chunk_of_unknown_length_ends_the_session() {
    let receiver = Receiver::start();
    for size in ["", "x", "-1", "1x", "18446744073709551616", "99999999999999999999999", "1 NEXT"] {
        let mut client = receiver.connect().await;
        client.begin().await;
        client.send(format!("BDAT {size}\r\nNOOP\r\n").as_bytes()).await;
        let rest = client.rest().await;
        assert!(rest.starts_with("501 5.5.4") && rest.lines().count() == 1, "{size:?}: {rest:?}");
    }
    assert!(receiver.stored().await.is_empty());
}
