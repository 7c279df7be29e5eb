//! DATA: where a message ends, and what is stored of it.

use crate::support::Receiver;

/// Looks like an end of data to somebody.
const LOOKALIKES: [&str; 8] =
    ["\n.\n", "\r\n.\n", "\n.\r\n", "\r.\r", "\r.\r\n", "\r\n.\r\r\n", "\r\n.\r.\r\n", "\r\n\0.\r\n"];

#[tokio::test]
async fn no_second_message_is_smuggled_in() {
    let receiver = Receiver::start();
    let mut expected = Vec::new();
    for lookalike in LOOKALIKES {
        let mut client = receiver.connect().await;
        client.begin().await;
        client.expect("DATA", "354 ").await;
        let smuggled = "MAIL FROM:<evil@b.example>\r\nRCPT TO:<rua@reports.example>\r\nDATA\r\nevil";
        client.send(format!("good{lookalike}{smuggled}\r\n.\r\nNOOP\r\n").as_bytes()).await;
        assert!(client.reply().await.starts_with("250 2.6.0"), "{lookalike:?}");
        // Had the look-alike ended the message, the answers to MAIL, RCPT and DATA would come now.
        assert_eq!(client.reply().await, "250 2.0.0 ok", "{lookalike:?}");
        // Only the dot that RFC 5321 section 4.5.2 takes off every line is gone.
        let stored = lookalike.replace("\r\n.", "\r\n");
        expected.push(format!("good{stored}{smuggled}\r\n"));
    }
    assert_eq!(receiver.bodies().await, expected);
}

#[tokio::test]
async fn chunking_of_the_network_does_not_matter() {
    let receiver = Receiver::start();
    let message = b"a\r\n..b\r\n.\r\r\n.c\r\n.\n\r\n.\r\n";
    let expected = "a\r\n.b\r\n\r\r\nc\r\n\n\r\n";
    let mut client = receiver.connect().await;
    client.expect("EHLO client.example", "250-").await;
    for at in 1..message.len() {
        client.transaction().await;
        client.expect("DATA", "354 ").await;
        let (head, tail) = message.split_at(at);
        client.send(head).await;
        tokio::task::yield_now().await;
        client.send(tail).await;
        assert!(client.reply().await.starts_with("250 2.6.0"));
    }
    let bodies = receiver.bodies().await;
    assert_eq!(bodies.len(), message.len() - 1);
    assert!(bodies.iter().all(|body| body == expected));
}

#[tokio::test]
async fn keeps_large_messages_and_long_lines_as_they_are() {
    let receiver = Receiver::start();
    let mut client = receiver.connect().await;
    client.begin().await;
    client.expect("DATA", "354 ").await;
    let line = "0123456789abcdef".repeat(20_000);
    let body = format!("{line}\r\n{line}\n{line}\r\n");
    client.send(body.as_bytes()).await;
    client.expect(".", "250 2.6.0").await;
    client.transaction().await;
    client.expect("DATA", "354 ").await;
    client.expect(".", "250 2.6.0").await;
    assert!(receiver.bodies().await == [body.as_str(), ""]);
}

#[tokio::test]
async fn a_message_without_its_end_is_not_stored() {
    let receiver = Receiver::start();
    for sent in ["half\r\n", "half\r\n.\r", "half\r\n.\n"] {
        let mut client = receiver.connect().await;
        client.begin().await;
        client.expect("DATA", "354 ").await;
        client.send(sent.as_bytes()).await;
        drop(client);
    }
    let mut client = receiver.connect().await;
    client.begin().await;
    client.expect("DATA", "354 ").await;
    client.expect("whole\r\n.", "250 2.6.0").await;
    assert_eq!(receiver.bodies().await, ["whole\r\n"]);
}

#[tokio::test]
async fn a_full_spool_is_said_before_the_message() {
    let receiver = Receiver::with_spool(|spool| spool.min_free_bytes = u64::MAX, |_| {});
    let mut client = receiver.connect().await;
    client.expect("EHLO client.example", "250-").await;
    for _ in 0..30 {
        // Not the client's error, so it is never counted as one.
        client.expect("MAIL FROM:<a@b.example>", "452 4.3.1").await;
    }
    client.expect("RCPT TO:<rua@reports.example>", "503 5.5.1").await;
    assert!(receiver.stored().await.is_empty());
}

#[tokio::test]
async fn a_spool_that_fails_in_the_middle_keeps_nothing_of_the_message() {
    let receiver = Receiver::with_spool(|spool| spool.max_bytes = 1000, |_| {});
    let mut large = receiver.connect().await;
    large.begin().await;
    large.expect("DATA", "354 ").await;

    let mut other = receiver.connect().await;
    other.begin().await;
    other.expect("DATA", "354 ").await;
    other.expect(&format!("{}\r\n.", "x".repeat(2000)), "250 2.6.0").await;

    // Now the spool has as much as it may, and finds that out when the large message goes to its file.
    large.send(&b"0123456789\r\n".repeat(50_000)).await;
    large.expect(".", "452 4.3.1").await;
    large.expect("MAIL FROM:<a@b.example>", "452 4.3.1").await;
    large.expect("QUIT", "221 2.0.0").await;

    let bodies = receiver.bodies().await;
    assert_eq!(bodies, [format!("{}\r\n", "x".repeat(2000))]);
}
