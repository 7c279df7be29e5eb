use std::{
    net::IpAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::sync::mpsc;

use super::{Inner, Sources};
use crate::sources::telemetry::queue_full;

impl Sources {
    /// The way in for addresses: whoever meets them gets the first, [`Sources::run`] the second.
    pub fn queue(&self) -> (Seen, Inbox) {
        let (sender, receiver) = mpsc::channel(self.0.settings.queue.max(1));
        (Seen { inner: self.0.clone(), sender }, Inbox(receiver))
    }
}

/// Where addresses are offered. Cheap to clone.
#[derive(Clone)]
pub struct Seen {
    inner: Arc<Inner>,
    sender: mpsc::Sender<IpAddr>,
}

impl Seen {
    /// Offers an address to be identified. Never waits: an address that was offered a while ago, or for which
    /// there is no room, is passed over.
    pub fn offer(&self, ip: IpAddr) {
        let ip = ip.to_canonical();
        let recent = &self.inner.recent;
        if recent.contains(&ip) {
            return;
        }
        let Ok(place) = self.sender.try_reserve() else { return queue_full() };
        recent.insert(ip, Instant::now() + WAITING);
        place.send(ip);
    }
}

/// Where [`Sources::run`] takes addresses from. It ends when every [`Seen`] is gone.
#[derive(Debug)]
pub struct Inbox(pub(super) mpsc::Receiver<IpAddr>);

// Longer than a full queue takes by default; after that the address may be offered again, which does no harm.
const WAITING: Duration = Duration::from_secs(600);
