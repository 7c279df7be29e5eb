//! Commands, their order, recipients.

use crate::support::Receiver;

#[tokio::test]
async fn stores_a_message_with_its_envelope() {
    let receiver = Receiver::start();
    let mut client = receiver.connect().await;
    client.expect("EHLO client.example", "250-").await;
    client.expect("MAIL FROM:<noreply@sender.example> SIZE=20 BODY=8BITMIME", "250 2.1.0").await;
    client.expect("RCPT TO:<RUA+x@Reports.example>", "250 2.1.5").await;
    client.expect("RCPT TO:<rua+x@reports.example>", "250 2.1.5").await;
    client.expect("RCPT TO:<postmaster>", "250 2.1.5").await;
    client.expect("DATA", "354 ").await;
    client.expect("Subject: x\r\n\r\nbödy\r\n.", "250 2.6.0").await;
    client.expect("QUIT", "221 2.0.0").await;
    assert_eq!(client.rest().await, "");

    let stored = receiver.stored().await;
    assert_eq!(stored.len(), 1);
    let (envelope, bytes) = &stored[0];
    assert_eq!(bytes, "Subject: x\r\n\r\nbödy\r\n".as_bytes());
    assert_eq!(envelope.client_ip.to_string(), "127.0.0.1");
    assert_eq!(envelope.helo, "client.example");
    assert_eq!(envelope.tls, None);
    assert_eq!(envelope.mail_from, "noreply@sender.example");
    assert_eq!(envelope.rcpt_to, ["rua+x@reports.example", "postmaster"]);
    assert!(envelope.received_at > 1_700_000_000_000);
}

#[tokio::test]
async fn offers_its_extensions() {
    let receiver = Receiver::with(|settings| settings.message_bytes = 12_345);
    let mut client = receiver.connect().await;
    let reply = client.say("EHLO client.example").await;
    let mut offered: Vec<_> = reply.lines().filter_map(|line| line.get(4..)).collect();
    offered.sort_unstable();
    assert_eq!(
        offered,
        [
            "8BITMIME",
            "CHUNKING",
            "ENHANCEDSTATUSCODES",
            "PIPELINING",
            "SIZE 12345",
            "SMTPUTF8",
            "mx.reports.example"
        ]
    );
    assert_eq!(client.say("HELO client.example").await, "250 mx.reports.example");
}

#[tokio::test]
async fn answers_each_command_in_each_state() {
    let receiver = Receiver::start();
    for conversation in [
        &[
            ("MAIL FROM:<>", "503 5.5.1"),
            ("RCPT TO:<rua@reports.example>", "503 5.5.1"),
            ("DATA", "503 5.5.1"),
            ("NOOP", "250 2.0.0"),
            ("RSET", "250 2.0.0"),
            ("VRFY rua", "252 2."),
            ("EXPN rua", "502 5."),
            ("HELP", "214 2.0.0"),
            ("STARTTLS", "502 5.5.1"),
            ("AUTH PLAIN", "502 5.5.1"),
            ("WHATEVER", "500 5.5.1"),
            ("", "500 5.5.1"),
            ("EHLO", "501 5.5.4"),
            ("QUIT", "221 2.0.0"),
        ][..],
        &[
            ("HELO client.example", "250 "),
            ("DATA", "503 5.5.1"),
            ("MAIL FROM: <>", "250 2.1.0"),
            ("MAIL FROM:<>", "503 5.5.1"),
            ("DATA", "503 5.5.1"),
            ("RCPT TO:<>", "501 5.1.3"),
            ("RCPT TO:<nobody@reports.example>", "550 5.7.1"),
            ("DATA", "554 5.5.1"),
            ("RCPT TO:<rua@reports.example>", "250 2.1.5"),
            ("RSET", "250 2.0.0"),
            ("DATA", "503 5.5.1"),
            ("MAIL FROM:<a@b.example>", "250 2.1.0"),
            ("EHLO again.example", "250-"),
            ("RCPT TO:<rua@reports.example>", "503 5.5.1"),
        ],
        &[
            ("EHLO client.example", "250-"),
            ("MAIL FROM:<a@b.example> SIZE=52428801", "552 5.3.4"),
            ("MAIL FROM:<a@b.example> SIZE=99999999999999999999", "552 5.3.4"),
            ("MAIL FROM:<a@b.example> FOO=BAR", "555 5.5.4"),
            ("MAIL FROM:<a@b.example> BODY=7BIT SMTPUTF8 SIZE=52428800", "250 2.1.0"),
            ("RCPT TO:<rua@reports.example> NOTIFY=NEVER", "555 5.5.4"),
            ("RCPT TO:<rua@elsewhere.example>", "550 5.7.1"),
            ("RCPT TO:<@whole.example:rua@reports.example>", "550 5.7.1"),
            ("RCPT TO:<rua%elsewhere.example@whole.example>", "550 5.7.1"),
            ("RCPT TO:<\"rua@elsewhere.example\"@whole.example>", "550 5.7.1"),
            ("RCPT TO:<elsewhere.example!rua@whole.example>", "550 5.7.1"),
            ("RCPT TO:<rua@elsewhere.example@whole.example>", "501 5.1.3"),
            ("RCPT TO:<postmaster@elsewhere.example>", "550 5.7.1"),
            ("RCPT TO:<anybody@Whole.Example>", "250 2.1.5"),
        ],
    ] {
        let mut client = receiver.connect().await;
        for (command, start) in conversation {
            client.expect(command, start).await;
        }
    }
    assert!(receiver.stored().await.is_empty());
}

#[tokio::test]
async fn takes_lines_that_end_with_cr_lf_only() {
    let receiver = Receiver::start();
    for line in ["NOOP\n", "NO\rOP\r\n", "NOOP \r\r\n", "NOOP \0\r\n", "NOOP \u{7f}\r\n"] {
        let mut client = receiver.connect().await;
        client.send(line.as_bytes()).await;
        assert!(client.reply().await.starts_with("500 5.5.2"), "{line:?}");
        client.expect("NOOP", "250 2.0.0").await;
    }
    let mut client = receiver.connect().await;
    client.send(b"EHLO \xff\xfe\r\n").await;
    assert!(client.reply().await.starts_with("500 5.5.2"));
}

#[tokio::test]
async fn answers_a_pipelined_conversation_in_order() {
    let receiver = Receiver::start();
    let mut client = receiver.connect().await;
    let commands = "EHLO client.example\r\n\
        MAIL FROM:<a@b.example>\r\nRCPT TO:<x@elsewhere.example>\r\nRCPT TO:<rua@reports.example>\r\nDATA\r\n\
        one\r\n.\r\n\
        MAIL FROM:<>\r\nRCPT TO:<rua@reports.example>\r\nDATA\r\n\
        two\r\n.\r\nNOOP\r\nQUIT\r\n";
    client.send(commands.as_bytes()).await;
    assert!(client.reply().await.starts_with("250-"));
    for start in [
        "250 2.1.0",
        "550 5.7.1",
        "250 2.1.5",
        "354 ",
        "250 2.6.0",
        "250 2.1.0",
        "250 2.1.5",
        "354 ",
        "250 2.6.0",
        "250 2.0.0",
        "221 2.0.0",
    ] {
        let reply = client.reply().await;
        assert!(reply.starts_with(start), "{reply:?} is not {start:?}");
    }
    assert_eq!(client.rest().await, "");
    assert_eq!(receiver.bodies().await, ["one\r\n", "two\r\n"]);
}

/// A web page can make a browser send this, a message in the body of a request included.
#[tokio::test]
async fn what_is_not_smtp_ends_the_session() {
    let receiver = Receiver::start();
    let mail = "EHLO client.example\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<rua@reports.example>\r\nDATA\r\n\
        evil\r\n.\r\nQUIT\r\n";
    let long = format!("POST /{} HTTP/1.1", "x".repeat(5000));
    let unknown = format!("BREW /{} HTTP/1.1\r\nHost: a", "x".repeat(5000));
    for first in [
        "GET / HTTP/1.1",
        "POST / HTTP/1.1",
        "post /",
        "CONNECT a:25 HTTP/1.0",
        "BREW / HTTP/1.1",
        "PRI * HTTP/2.0",
        "Host: mx.reports.example",
        "Content-Length: 5",
        "\u{1}\0binary",
        &long,
        &unknown,
    ] {
        let mut client = receiver.connect().await;
        client.send(format!("{first}\r\nHost: mx\r\n\r\n{mail}").as_bytes()).await;
        let rest = client.rest().await;
        assert!(rest.contains("554 5.5.1 ") && !rest.contains("250"), "{first:.40}: {rest:?}");
        // Later too, and in the midst of commands.
        let mut client = receiver.connect().await;
        client.send(format!("EHLO a\r\nMAIL FROM:<>\r\n{first}\r\nHost: mx\r\n{mail}").as_bytes()).await;
        let rest = client.rest().await;
        assert!(rest.contains("554 5.5.1 ") && !rest.contains("354"), "{first:.40}: {rest:?}");
    }
    // TLS from the first byte on, without any line end.
    let mut client = receiver.connect().await;
    client.send(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03").await;
    assert!(client.rest().await.starts_with("554 5.5.1"));
    assert!(receiver.stored().await.is_empty());
}

#[tokio::test]
async fn takes_every_valid_mailbox() {
    let receiver = Receiver::start();
    let senders = [
        "root@[192.0.2.1]",
        "root@[IPv6:2001:db8::1]",
        r#"""@b.example"#,
        r#""a b"@b.example"#,
        r#""a\"@b"@c.example"#,
    ];
    for sender in senders {
        let mut client = receiver.connect().await;
        client.expect("EHLO client.example", "250-").await;
        client.expect(&format!("MAIL FROM:<{sender}> SIZE="), "501 5.5.4").await;
        client.expect(&format!("MAIL FROM:<{sender}> SIZE=2"), "250 2.1.0").await;
        client.expect("RCPT TO:<\"rua\"@reports.example>", "250 2.1.5").await;
        client.expect("DATA", "354 ").await;
        client.expect("x\r\n.", "250 2.6.0").await;
    }
    let stored = receiver.stored().await;
    let from: Vec<_> = stored.iter().map(|(envelope, _)| envelope.mail_from.as_str()).collect();
    assert_eq!(from, senders);
    assert!(stored.iter().all(|(envelope, _)| envelope.rcpt_to == ["rua@reports.example"]));
}
