//! Where the demo's servers listen, and where they keep what they keep.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};

use anyhow::Context;
use ruad_engine as engine;

/// The addresses and the folder of one run.
#[derive(Clone, Debug)]
pub(super) struct Place {
    pub(super) smtp: SocketAddr,
    pub(super) http: SocketAddr,
    pub(super) clickhouse: SocketAddr,
    pub(super) dns: SocketAddr,
    pub(super) data: PathBuf,
}

impl Place {
    /// Where `config/demo.toml` has everything but the folder.
    pub(super) fn usual(data: &Path) -> Self {
        Self {
            smtp: loopback(2525),
            http: loopback(9025),
            clickhouse: loopback(8123),
            dns: loopback(5354),
            data: data.to_owned(),
        }
    }

    /// On ports that nobody uses now.
    pub(super) fn free(data: &Path) -> anyhow::Result<Self> {
        // All are held until all are known, or two would be the same.
        let held: Vec<_> = (0..4).map(|_| TcpListener::bind(loopback(0))).collect::<Result<_, _>>()?;
        let mut ports = held.iter().map(TcpListener::local_addr);
        let mut next = || ports.next().context("there are four")?.context("a listener has an address");
        Ok(Self { smtp: next()?, http: next()?, clickhouse: next()?, dns: next()?, data: data.to_owned() })
    }

    /// What the configuration is told of it.
    pub(super) fn variables(&self) -> Vec<(&'static str, String)> {
        vec![
            ("RUAD__SMTP__LISTEN", self.smtp.to_string()),
            ("RUAD__HTTP__LISTEN", self.http.to_string()),
            ("RUAD__ENGINE__LISTEN", self.clickhouse.to_string()),
            ("RUAD__ENGINE__PATH", self.engine().display().to_string()),
            ("RUAD__SPOOL__PATH", self.spool().display().to_string()),
            ("RUAD__DNS__SERVERS", self.dns.to_string()),
            ("RUAD__DNS__TRUST_ANCHOR", self.anchor().display().to_string()),
            ("RUAD__SMTP__TLS__CERTIFICATE", self.certificate().display().to_string()),
            ("RUAD__SMTP__TLS__KEY", self.key().display().to_string()),
        ]
    }

    /// The folder of the embedded engine.
    pub(super) fn engine(&self) -> PathBuf {
        self.data.join("clickhouse")
    }

    /// The password of a user of the engine.
    pub(super) fn password(&self, user: &str) -> Result<String, engine::Error> {
        let settings = engine::Settings { path: self.engine(), ..engine::Settings::default() };
        engine::Passwords::of(&settings).read(user)
    }

    /// The key of the root of the demo's DNS.
    pub(super) fn anchor(&self) -> PathBuf {
        self.data.join("root.key")
    }

    /// The spool.
    pub(super) fn spool(&self) -> PathBuf {
        self.data.join("spool")
    }

    /// The receiver's certificate.
    pub(super) fn certificate(&self) -> PathBuf {
        self.data.join("certificate.pem")
    }

    /// Its key.
    pub(super) fn key(&self) -> PathBuf {
        self.data.join("key.pem")
    }
}

fn loopback(port: u16) -> SocketAddr {
    SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port)
}
