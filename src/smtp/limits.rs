//! How many sessions there may be, in all and from one address.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr},
    sync::{Arc, Mutex, PoisonError},
};

/// Counts the sessions of each client: an IPv4 address, or a whole IPv6 /64, which one customer has to himself.
#[derive(Clone, Debug)]
pub(super) struct PerAddress {
    limit: usize,
    sessions: Arc<Mutex<HashMap<IpAddr, usize>>>,
}

impl PerAddress {
    pub(super) fn new(limit: usize) -> Self {
        Self { limit, sessions: Arc::default() }
    }

    /// Counts a session until the guard is dropped; `None` when the client has as many as it may.
    pub(super) fn enter(&self, client: IpAddr) -> Option<Entered> {
        let key = key(client);
        let mut sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        let count = sessions.get(&key).copied().unwrap_or(0);
        if count >= self.limit {
            return None;
        }
        sessions.insert(key, count + 1);
        Some(Entered { limits: self.clone(), key })
    }
}

/// One counted session.
#[derive(Debug)]
pub(super) struct Entered {
    limits: PerAddress,
    key: IpAddr,
}

impl Drop for Entered {
    fn drop(&mut self) {
        let mut sessions = self.limits.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        match sessions.get_mut(&self.key) {
            Some(count) if *count > 1 => *count -= 1,
            _ => {
                sessions.remove(&self.key);
            }
        }
    }
}

fn key(client: IpAddr) -> IpAddr {
    match client.to_canonical() {
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).into(),
        address => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_each_client_apart_and_forgets_it() {
        let limits = PerAddress::new(2);
        let enter = |client: &str| limits.enter(client.parse().unwrap());
        let first = enter("192.0.2.1").unwrap();
        let _second = enter("::ffff:192.0.2.1").unwrap();
        assert!(enter("192.0.2.1").is_none());
        let _other = enter("192.0.2.2").unwrap();
        drop(first);
        let again = enter("192.0.2.1");
        assert!(again.is_some());

        let six = [enter("2001:db8:0:1::1"), enter("2001:db8:0:1:ffff::2")];
        assert!(six.iter().all(Option::is_some));
        assert!(enter("2001:db8:0:1::3").is_none());
        assert!(enter("2001:db8:0:2::1").is_some());

        drop((again, _second, _other, six));
        assert!(limits.sessions.lock().unwrap().is_empty());
    }
}
