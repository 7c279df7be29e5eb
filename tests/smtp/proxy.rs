//! The PROXY protocol.

use crate::support::Receiver;

fn version_2(address: [u8; 4]) -> Vec<u8> {
    let mut header = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c".to_vec();
    header.extend_from_slice(&address);
    header.extend_from_slice(&[127, 0, 0, 1, 0x12, 0x34, 0, 25]);
    header
}

#[tokio::test]
async fn a_listed_proxy_names_the_client() {
    let receiver = Receiver::with(|settings| settings.proxy_from = vec!["127.0.0.0/8".parse().unwrap()]);
    let headers = [
        b"PROXY TCP4 192.0.2.9 127.0.0.1 4660 25\r\n".to_vec(),
        b"PROXY TCP6 2001:db8::9 ::1 4660 25\r\n".to_vec(),
        b"PROXY UNKNOWN\r\n".to_vec(),
        version_2([192, 0, 2, 10]),
        b"\r\n\r\n\0\r\nQUIT\n\x20\x00\0\0".to_vec(),
    ];
    for header in &headers {
        let mut client = receiver.connect_silently().await;
        // The header may come in pieces, and with the first command right behind it.
        let (head, tail) = header.split_at(header.len() / 2);
        client.send(head).await;
        tokio::task::yield_now().await;
        client.send(tail).await;
        assert!(client.reply().await.starts_with("220 "));
        client.begin().await;
        client.expect("DATA", "354 ").await;
        client.expect("x\r\n.", "250 2.6.0").await;
    }
    let stored = receiver.stored().await;
    let clients: Vec<_> = stored.iter().map(|(envelope, _)| envelope.client_ip.to_string()).collect();
    assert_eq!(clients, ["192.0.2.9", "2001:db8::9", "127.0.0.1", "192.0.2.10", "127.0.0.1"]);
}

#[tokio::test]
async fn a_listed_proxy_without_a_header_is_not_served() {
    let receiver = Receiver::with(|settings| settings.proxy_from = vec!["127.0.0.1".parse().unwrap()]);
    let long = format!("PROXY TCP4 {}", "1".repeat(200));
    for sent in ["EHLO client.example\r\n", "PROXY TCP4 x y 1 2\r\n", &long] {
        let mut client = receiver.connect_silently().await;
        client.send(sent.as_bytes()).await;
        assert_eq!(client.rest().await, "", "{sent:?}");
    }
}

#[tokio::test]
async fn nobody_else_may_name_a_client() {
    let receiver = Receiver::with(|settings| settings.proxy_from = vec!["192.0.2.1".parse().unwrap()]);
    let mut client = receiver.connect().await;
    client.expect("PROXY TCP4 192.0.2.9 127.0.0.1 4660 25", "500 5.5.1").await;
    let mut client = receiver.connect().await;
    client.send(&version_2([192, 0, 2, 9])).await;
    assert!(client.reply().await.starts_with("500 5.5."));
}

#[tokio::test]
async fn the_limit_per_address_is_the_clients() {
    let receiver = Receiver::with(|settings| {
        settings.proxy_from = vec!["127.0.0.1".parse().unwrap()];
        settings.sessions_per_address = 1;
    });
    let header = |address: &str| format!("PROXY TCP4 {address} 127.0.0.1 4660 25\r\n");
    let mut one = receiver.connect_silently().await;
    one.send(header("192.0.2.1").as_bytes()).await;
    assert!(one.reply().await.starts_with("220 "));
    let mut two = receiver.connect_silently().await;
    two.send(header("192.0.2.2").as_bytes()).await;
    assert!(two.reply().await.starts_with("220 "));
    let mut again = receiver.connect_silently().await;
    again.send(header("192.0.2.1").as_bytes()).await;
    assert!(again.reply().await.starts_with("421 4.7.0"));
}
