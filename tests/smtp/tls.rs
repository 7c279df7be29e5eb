//! STARTTLS.

use std::fs;

use ruad_smtp::{Server, SmtpError};

use crate::support::{Certificate, Receiver, settings};

#[tokio::test]
async fn stores_over_tls_and_says_so() {
    let certificate = Certificate::new();
    let receiver = Receiver::with_tls(&certificate);
    let mut client = receiver.connect().await;
    assert!(client.say("EHLO plain.example").await.contains("250-STARTTLS"));
    client.expect("MAIL FROM:<before@tls.example>", "250 2.1.0").await;
    client.expect("RCPT TO:<rua@reports.example>", "250 2.1.5").await;

    let mut client = client.start_tls(&certificate, "").await;
    // Nothing said in plain text counts any more.
    client.expect("DATA", "503 5.5.1").await;
    client.expect("MAIL FROM:<>", "503 5.5.1 say EHLO").await;
    assert!(!client.say("EHLO secret.example").await.contains("STARTTLS"));
    client.expect("STARTTLS", "503 5.5.1").await;
    client.transaction().await;
    client.expect("DATA", "354 ").await;
    client.expect("within\r\n.", "250 2.6.0").await;
    client.expect("QUIT", "221 2.0.0").await;
    assert_eq!(client.rest().await, "");

    let stored = receiver.stored().await;
    assert_eq!(stored.len(), 1);
    assert_eq!(stored[0].0.helo, "secret.example");
    assert_eq!(stored[0].0.mail_from, "noreply@sender.example");
    let tls = stored[0].0.tls.as_deref().unwrap();
    assert!(tls.starts_with("TLSv1.3 TLS13_AES_"), "{tls}");
}

#[tokio::test]
async fn commands_injected_before_the_handshake_are_thrown_away() {
    let certificate = Certificate::new();
    let receiver = Receiver::with_tls(&certificate);
    let mut client = receiver.connect().await;
    client.expect("EHLO client.example", "250-").await;
    let injected = "EHLO evil.example\r\nMAIL FROM:<evil@b.example>\r\nRCPT TO:<rua@reports.example>\r\n";
    let mut client = client.start_tls(&certificate, injected).await;
    // Were they executed within TLS, their answers would come first.
    client.expect("RSET", "250 2.0.0 forgotten").await;
    client.expect("DATA", "503 5.5.1").await;
    client.expect("EHLO client.example", "250-").await;
    client.expect("RCPT TO:<rua@reports.example>", "503 5.5.1").await;
    assert!(receiver.stored().await.is_empty());
}

#[tokio::test]
async fn a_failed_handshake_ends_the_session() {
    let certificate = Certificate::new();
    let receiver = Receiver::with_tls(&certificate);
    let mut client = receiver.connect().await;
    client.expect("EHLO client.example", "250-").await;
    client.expect("STARTTLS", "220 2.0.0").await;
    client.send(b"MAIL FROM:<>\r\nRCPT TO:<rua@reports.example>\r\nDATA\r\n").await;
    let mut client = receiver.connect().await;
    client.expect("NOOP", "250 2.0.0").await;
}

#[tokio::test]
async fn a_new_certificate_is_used_without_ending_sessions() {
    let mut certificate = Certificate::new();
    let receiver = Receiver::with_tls(&certificate);
    let mut old = receiver.connect().await.start_tls(&certificate, "").await;
    let first = old.peer_certificate();
    assert_eq!(&first, certificate.der());

    certificate.renew();
    receiver.handle.reload_tls().unwrap();
    let mut new = receiver.connect().await.start_tls(&certificate, "").await;
    assert_ne!(new.peer_certificate(), first);
    new.expect("NOOP", "250 2.0.0").await;
    old.expect("NOOP", "250 2.0.0").await;

    // A file that is no certificate changes nothing, and is said.
    fs::write(certificate.settings().certificate, "broken").unwrap();
    let error = receiver.handle.reload_tls().unwrap_err();
    assert!(error.to_string().contains("cert.pem"), "{error}");
    let mut still = receiver.connect().await.start_tls(&certificate, "").await;
    still.expect("NOOP", "250 2.0.0").await;
}

#[tokio::test]
async fn a_key_of_another_certificate_is_refused() {
    let (certificate, other) = (Certificate::new(), Certificate::new());
    let mut tls = certificate.settings();
    tls.key = other.settings().key;
    let receiver = Receiver::start();
    let settings = ruad_smtp::Settings { tls: Some(tls), ..settings() };
    let error = Server::bind(settings, receiver.spool.clone(), Vec::new()).err().unwrap();
    assert!(matches!(error, SmtpError::Certificate { .. }), "{error}");
}

#[tokio::test]
async fn no_session_is_ever_resumed() {
    let certificate = Certificate::new();
    let receiver = Receiver::with_tls(&certificate);
    let mut client = receiver.connect().await.start_tls(&certificate, "").await;
    client.expect("NOOP", "250 2.0.0").await;
    client.expect("NOOP", "250 2.0.0").await;
    assert_eq!(client.tickets(), 0);
}
