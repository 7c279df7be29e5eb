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
