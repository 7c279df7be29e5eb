//! Limits.

use std::time::Duration;

use crate::support::{Receiver, soon};

#[tokio::test]
async fn sessions_and_sessions_per_address() {
    let receiver = Receiver::with(|settings| settings.sessions = 2);
    let first = receiver.connect().await;
    let _second = receiver.connect().await;
    let third = receiver.connect_silently().await;
    assert!(third.rest().await.starts_with("421 4.7.0"));
    drop(first);
    let again = async {
        loop {
            let mut client = receiver.connect_silently().await;
            if client.reply().await.starts_with("220 ") {
                break;
            }
        }
    };
    soon(again).await;

    let receiver = Receiver::with(|settings| settings.sessions_per_address = 1);
    let _first = receiver.connect().await;
    let second = receiver.connect_silently().await;
    let rest = second.rest().await;
    assert!(rest.starts_with("421 4.7.0") && rest.contains("your address"), "{rest}");
}

#[tokio::test]
async fn a_long_line_is_skipped_not_kept() {
    let receiver = Receiver::with(|settings| settings.line_bytes = 100);
    let mut client = receiver.connect().await;
    let fits = format!("NOOP {}", "x".repeat(93));
    client.expect(&fits, "250 2.0.0").await;
    client.expect(&format!("{fits}x"), "500 5.5.2").await;
    client.expect(&format!("NOOP {}", "QUIT ".repeat(100_000)), "500 5.5.2").await;
    client.expect("NOOP", "250 2.0.0").await;
}

#[tokio::test]
async fn errors_are_counted_over_tls_and_transactions() {
    let receiver = Receiver::with(|settings| settings.errors_per_session = 3);
    let mut client = receiver.connect().await;
    client.begin().await;
    client.expect("RCPT TO:<a@elsewhere.example>", "550 5.7.1").await;
    client.expect("RSET", "250 2.0.0").await;
    client.expect("FOO", "500 5.5.1").await;
    client.expect("BAR", "500 5.5.1").await;
    assert!(client.rest().await.starts_with("421 4.7.0"));
}

#[tokio::test]
async fn recipients_of_a_message() {
    let receiver = Receiver::with(|settings| {
        settings.recipients_per_message = 3;
        settings.errors_per_session = 2;
    });
    let mut client = receiver.connect().await;
    client.expect("EHLO client.example", "250-").await;
    client.expect("MAIL FROM:<>", "250 2.1.0").await;
    for _ in 0..4 {
        client.expect("RCPT TO:<a@whole.example>", "250 2.1.5").await;
    }
    client.expect("RCPT TO:<b@whole.example>", "250 2.1.5").await;
    client.expect("RCPT TO:<c@whole.example>", "250 2.1.5").await;
    // The sixth of up to six: put off. Beyond that it is a flood.
    client.expect("DATA", "354 ").await;
    client.expect("x\r\n.", "250 2.6.0").await;

    client.expect("MAIL FROM:<>", "250 2.1.0").await;
    for (local, start) in [
        ("a", "250 "),
        ("b", "250 "),
        ("c", "250 "),
        ("d", "452 4.5.3"),
        ("e", "452 4.5.3"),
        ("f", "452 4.5.3"),
    ] {
        client.expect(&format!("RCPT TO:<{local}@whole.example>"), start).await;
    }
    client.expect("RCPT TO:<g@whole.example>", "452 4.5.3").await;
    client.expect("RCPT TO:<h@whole.example>", "452 4.5.3").await;
    assert!(client.rest().await.starts_with("421 4.7.0"));

    let stored = receiver.stored().await;
    assert_eq!(stored.len(), 1);
    assert_eq!(stored[0].0.rcpt_to, ["a@whole.example", "b@whole.example", "c@whole.example"]);
}

#[tokio::test]
async fn a_message_beyond_the_limit_is_refused_at_its_end() {
    let receiver = Receiver::with(|settings| {
        settings.message_bytes = 1000;
        settings.discard_bytes = 100_000;
    });
    let mut client = receiver.connect().await;
    client.begin().await;
    client.expect("DATA", "354 ").await;
    let exactly = format!("{}\r\n", "x".repeat(998));
    client.expect(&format!("{exactly}."), "250 2.6.0").await;
    client.transaction().await;
    client.expect("DATA", "354 ").await;
    client.expect(&format!("x{exactly}."), "552 5.3.4").await;
    client.transaction().await;
    client.expect("DATA", "354 ").await;
    client.expect(&format!("{}\r\n.", "QUIT\r\n".repeat(15_000)), "552 5.3.4").await;
    client.expect("NOOP", "250 2.0.0").await;

    // Far beyond it there is no reading to the end.
    client.transaction().await;
    client.expect("DATA", "354 ").await;
    client.send(&[b'x'; 120_000]).await;
    assert!(client.rest().await.starts_with("552 5.3.4"));
    assert_eq!(receiver.bodies().await, [exactly]);
}

#[tokio::test]
async fn silence_is_cut() {
    let receiver = Receiver::with(|settings| settings.command_timeout = Duration::from_millis(100));
    let client = receiver.connect().await;
    assert!(client.rest().await.starts_with("421 4.4.2"));

    let mut client = receiver.connect().await;
    client.begin().await;
    client.expect("DATA", "354 ").await;
    client.send(b"and then\r\n.\r").await;
    assert!(client.rest().await.starts_with("421 4.4.2"));
    assert!(receiver.stored().await.is_empty());
}

/// A byte now and then, each well within `command_timeout`.
#[tokio::test]
async fn slowness_is_cut() {
    let short = Duration::from_millis(300);
    for in_data in [false, true] {
        let receiver = Receiver::with(|settings| {
            if in_data {
                settings.session_timeout = short;
            } else {
                settings.command_timeout = short;
            }
        });
        let mut client = receiver.connect().await;
        if in_data {
            client.begin().await;
            client.expect("DATA", "354 ").await;
        }
        let drip = async {
            let mut ticks = tokio::time::interval(Duration::from_millis(20));
            loop {
                ticks.tick().await;
                client.send(b"x").await;
            }
        };
        // It cannot end before the receiver has said its word, and longer nobody needs to wait.
        drop(tokio::time::timeout(3 * short, drip).await);
        let rest = client.rest().await;
        assert!(rest.starts_with("421 4.4.2"), "{rest}");
        assert_eq!(rest.contains("session"), in_data, "{rest}");
    }
}

/// A client that never makes us wait is cut too, and so is one that does not read what we say.
#[tokio::test]
async fn eagerness_is_cut() {
    let receiver = Receiver::with(|settings| {
        settings.session_timeout = Duration::from_millis(300);
        settings.command_timeout = Duration::from_millis(300);
    });
    let client = receiver.connect().await;
    let stream = client.into_stream();
    let (mut reading, mut writing) = stream.into_split();
    let noops = b"NOOP\r\n".repeat(1000);
    let writer = tokio::spawn(async move {
        while tokio::io::AsyncWriteExt::write_all(&mut writing, &noops).await.is_ok() {}
    });
    let mut replies = Vec::new();
    drop(soon(tokio::io::AsyncReadExt::read_to_end(&mut reading, &mut replies)).await);
    soon(writer).await.unwrap();

    let deaf = receiver.connect().await.into_stream();
    let noops = b"HELP\r\n".repeat(1000);
    let flood = async {
        loop {
            deaf.writable().await.unwrap();
            if deaf.try_write(&noops).is_err_and(|error| error.kind() != std::io::ErrorKind::WouldBlock) {
                break;
            }
        }
    };
    soon(flood).await;
}

#[tokio::test]
async fn a_session_sends_so_many_messages() {
    let receiver = Receiver::start();
    let mut client = receiver.connect().await;
    client.expect("EHLO client.example", "250-").await;
    for _ in 0..1000 {
        client.expect("MAIL FROM:<>", "250 2.1.0").await;
        client.expect("RCPT TO:<a@whole.example>", "250 2.1.5").await;
        client.expect("BDAT 0 LAST", "250 2.6.0").await;
    }
    client.expect("MAIL FROM:<>", "421 4.7.0").await;
    assert_eq!(client.rest().await, "");
    let mut again = receiver.connect().await;
    again.expect("EHLO client.example", "250-").await;
    again.expect("MAIL FROM:<>", "250 2.1.0").await;
}
