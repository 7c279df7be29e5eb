//! Ports for programs that must be told one.

use std::{
    net::{Ipv4Addr, SocketAddr, TcpListener, UdpSocket},
    process,
    sync::atomic::{AtomicU16, Ordering},
};

/// A loopback address that nobody has, for TCP and UDP, and that nobody is given until the program listens there: those that
/// ask for any port, and those that connect, get others (`net.ipv4.ip_local_port_range` begins at 32768), and this process
/// gives each out once.
pub(crate) fn free() -> SocketAddr {
    static GIVEN: AtomicU16 = AtomicU16::new(0);
    let start = u16::try_from(process::id() * 97 % u32::from(PORTS)).unwrap();
    for _ in 0..PORTS {
        let port = FIRST + start.wrapping_add(GIVEN.fetch_add(1, Ordering::Relaxed)) % PORTS;
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        if TcpListener::bind(address).is_ok() && UdpSocket::bind(address).is_ok() {
            return address;
        }
    }
    panic!("no port from {FIRST} on is free");
}

const FIRST: u16 = 20_000;
const PORTS: u16 = 12_000;
