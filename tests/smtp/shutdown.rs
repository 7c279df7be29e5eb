//! Stopping.

use std::time::Duration;

use tokio::net::TcpStream;

use crate::support::{Receiver, soon};

#[tokio::test]
async fn a_running_message_is_finished_and_everybody_else_hears_421() {
    let receiver = Receiver::start();
    let mut idle = receiver.connect().await;
    let mut halfway = receiver.connect().await;
    halfway.begin().await;
    let mut chunks = receiver.connect().await;
    chunks.begin().await;
    chunks.send(b"BDAT 2\r\nab").await;
    assert!(chunks.reply().await.starts_with("250 2.0.0"));
    let mut data = receiver.connect().await;
    data.begin().await;
    data.expect("DATA", "354 ").await;
    data.send(b"first\r\n").await;

    receiver.stop.cancel();
    assert!(idle.reply().await.starts_with("421 4.3.2"));
    assert_eq!(idle.rest().await, "");
    assert!(halfway.reply().await.starts_with("421 4.3.2"));
    // The socket is closed before the sessions are.
    let refused = async {
        while TcpStream::connect(receiver.address).await.is_ok() {
            tokio::task::yield_now().await;
        }
    };
    soon(refused).await;

    data.expect("second\r\n.", "250 2.6.0").await;
    assert!(data.reply().await.starts_with("421 4.3.2"));
    chunks.send(b"BDAT 1 LAST\r\nc").await;
    assert!(chunks.reply().await.starts_with("250 2.6.0"));
    assert!(chunks.rest().await.starts_with("421 4.3.2"));
    drop((halfway, data));
    let mut bodies = receiver.bodies().await;
    bodies.sort_unstable();
    assert_eq!(bodies, ["abc", "first\r\nsecond\r\n"]);
}

#[tokio::test]
async fn a_message_that_does_not_end_is_cut_at_the_deadline() {
    let receiver = Receiver::with(|settings| settings.shutdown_timeout = Duration::from_millis(200));
    let mut data = receiver.connect().await;
    data.begin().await;
    data.expect("DATA", "354 ").await;
    data.send(b"never ends\r\n").await;
    receiver.stop.cancel();
    assert!(data.rest().await.starts_with("421 4.3.2"));
    assert!(receiver.stored().await.is_empty());
}
