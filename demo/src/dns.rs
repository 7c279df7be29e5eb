//! An authoritative name server for the demo's whole internet: it owns the root, so every question is
//! answered here, and what it does not know does not exist.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use hickory_server::Server;
use hickory_server::net::runtime::TokioRuntimeProvider;
use hickory_server::proto::rr::rdata::{A, AAAA, PTR, SOA, TXT};
use hickory_server::proto::rr::{Name, RData, Record};
use hickory_server::store::in_memory::InMemoryZoneHandler;
use hickory_server::zone_handler::{AxfrPolicy, Catalog, ZoneType};
use tokio::net::{TcpListener, UdpSocket};

use crate::zone::{self, Data};

/// A running name server; it stops when this is dropped.
pub struct NameServer {
    address: SocketAddr,
    _server: Server<Catalog>,
}

impl NameServer {
    /// Answers on `address`, over UDP and TCP.
    ///
    /// # Errors
    ///
    /// [`DnsError`] when the address is taken, or a record of the zone is not one.
    pub async fn start(address: SocketAddr) -> Result<Self, DnsError> {
        let bind = |source| DnsError::Bind { address, source };
        let (udp, tcp) = sockets(address).await.map_err(bind)?;
        let address = udp.local_addr().map_err(bind)?;
        let mut catalog = Catalog::new();
        catalog.upsert(Name::root().into(), vec![Arc::new(internet()?)]);
        let mut server = Server::new(catalog);
        server.register_socket(udp);
        server.register_listener(tcp, TIMEOUT, RESPONSE_BYTES);
        Ok(Self { address, _server: server })
    }

    /// Where it answers.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

/// Why there is no name server.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DnsError {
    /// The address cannot be had.
    #[error("cannot answer DNS on {address}")]
    Bind {
        /// The address.
        address: SocketAddr,
        /// What was wrong.
        source: io::Error,
    },
    /// A name of the zone is not one.
    #[error("{name} is not a name for a record")]
    Name {
        /// The name.
        name: String,
    },
}

/// Both on one port. Port 0 is given out by the first of the two, and may be in use for the second: then another is asked
/// for.
pub(crate) async fn sockets(address: SocketAddr) -> io::Result<(UdpSocket, TcpListener)> {
    let mut tries = if address.port() == 0 { PORTS_TRIED } else { 1 };
    loop {
        tries -= 1;
        let udp = UdpSocket::bind(address).await?;
        match TcpListener::bind(udp.local_addr()?).await {
            Ok(tcp) => return Ok((udp, tcp)),
            Err(error) if tries > 0 && error.kind() == io::ErrorKind::AddrInUse => {}
            Err(error) => return Err(error),
        }
    }
}

fn internet() -> Result<InMemoryZoneHandler, DnsError> {
    let mut zone = InMemoryZoneHandler::<TokioRuntimeProvider>::empty(
        Name::root(),
        ZoneType::Primary,
        AxfrPolicy::Deny,
        None,
    );
    let start =
        SOA::new(name("ns.reports.example")?, name("root.reports.example")?, 1, 7_200, 900, 86_400, TTL);
    zone.upsert_mut(Record::from_rdata(Name::root(), TTL, RData::SOA(start)), 0);
    for (owner, data) in zone::records() {
        let data = match data {
            Data::Address(IpAddr::V4(v4)) => RData::A(A(v4)),
            Data::Address(IpAddr::V6(v6)) => RData::AAAA(AAAA(v6)),
            Data::Name(target) => RData::PTR(PTR(name(&target)?)),
            Data::Txt(text) => RData::TXT(TXT::new(strings(&text))),
        };
        zone.upsert_mut(Record::from_rdata(name(&owner)?, TTL, data), 0);
    }
    Ok(zone)
}

fn name(text: &str) -> Result<Name, DnsError> {
    let mut name = Name::from_str(text).map_err(|_| DnsError::Name { name: text.to_owned() })?;
    name.set_fqdn(true);
    Ok(name)
}

/// Pieces of at most 255 bytes. The zone's texts are ASCII.
fn strings(text: &str) -> Vec<String> {
    text.as_bytes().chunks(255).map(|piece| String::from_utf8_lossy(piece).into_owned()).collect()
}

const TTL: u32 = 3_600;
const PORTS_TRIED: usize = 16;
const TIMEOUT: Duration = Duration::from_secs(5);
/// Answers that a slow TCP client may have waiting.
const RESPONSE_BYTES: usize = 64 * 1024;
