//! More clients than places.

use std::time::Duration;

use ruad_smtp::{Settings, raise_open_files};

use crate::support::Receiver;

/// A thousand connections from fifty networks, which send a byte now and then, and senders of reports among them.
#[tokio::test]
async fn slow_clients_keep_nobody_out() {
    raise_open_files();
    let receiver = Receiver::with(|settings| settings.sessions = 1000);
    let mut slow = Vec::new();
    for host in 1..=20 {
        for network in 1..=50 {
            let mut client = receiver.connect_from([127, 0, network, host]).await;
            client.send(b"E").await;
            slow.push(client);
        }
    }
    for round in 0..20 {
        let mut genuine = receiver.connect().await;
        genuine.begin().await;
        genuine.expect("DATA", "354 ").await;
        // Those that lost their place come back at once.
        slow.push(receiver.connect_from([127, 0, 1 + round, 21]).await);
        genuine.expect("report\r\n.", "250 2.6.0").await;
        if round % 2 == 0 {
            genuine.expect("QUIT", "221 2.0.0").await;
        }
    }
    drop(slow);
    assert_eq!(receiver.bodies().await, vec!["report\r\n"; 20]);
}

#[tokio::test]
async fn a_newcomer_takes_the_place_of_the_slowest_of_the_largest_crowd() {
    let receiver = Receiver::with(|settings| settings.sessions = 5);
    let mut busy = receiver.connect_from([127, 0, 1, 1]).await;
    assert!(busy.reply().await.starts_with("220 "));
    busy.begin().await;
    busy.expect("DATA", "354 ").await;
    busy.send(&[b'x'; 50_000]).await;
    let mut idle = receiver.connect_from([127, 0, 1, 2]).await;
    assert!(idle.reply().await.starts_with("220 "));
    let mut third = receiver.connect_from([127, 0, 1, 3]).await;
    assert!(third.reply().await.starts_with("220 "));
    let mut others = Vec::new();
    for network in [2, 3] {
        let mut other = receiver.connect_from([127, 0, network, 1]).await;
        assert!(other.reply().await.starts_with("220 "));
        others.push(other);
    }
    let mut newcomer = receiver.connect_from([127, 0, 4, 1]).await;
    assert!(newcomer.reply().await.starts_with("220 "));
    assert!(idle.reply().await.starts_with("421 4.4.2"));
    assert_eq!(idle.rest().await, "");
    busy.expect("\r\n.", "250 2.6.0").await;
    third.expect("NOOP", "250 2.0.0").await;
    for mut other in others {
        other.expect("NOOP", "250 2.0.0").await;
    }
    newcomer.begin().await;
}

#[tokio::test]
async fn places_are_kept_for_those_who_sent_genuine_reports() {
    let receiver = Receiver::with(|settings| settings.sessions = 8);
    receiver.handle.known_networks().remember([127, 0, 0, 1].into());
    let mut strangers = Vec::new();
    for network in 1..=7 {
        let mut stranger = receiver.connect_from([127, 0, network, 1]).await;
        assert!(stranger.reply().await.starts_with("220 "));
        strangers.push(stranger);
    }
    assert!(receiver.connect_from([127, 0, 8, 1]).await.rest().await.starts_with("421 4.7.0"));
    for _ in 0..3 {
        receiver.connect().await.begin().await;
    }
}

#[test]
fn idle_clients_have_five_minutes_while_there_is_room() {
    // RFC 5321 section 4.5.3.2.7; that there is room is what `Slots` decides.
    let settings = Settings::default();
    assert_eq!(settings.command_timeout, Duration::from_secs(300));
    assert!(settings.session_timeout > settings.command_timeout && settings.sessions >= 4000);
}
