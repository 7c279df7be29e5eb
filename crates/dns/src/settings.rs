//! Who is asked.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr, SocketAddrV4},
    path::PathBuf,
    time::Duration,
};

use hickory_resolver::{
    TokioResolver,
    config::{ConnectionConfig, NameServerConfig, ResolveHosts, ResolverConfig, ResolverOpts},
    net::{NetError, runtime::TokioRuntimeProvider},
    proto::serialize::txt::ParseError,
    system_conf::read_system_conf,
};

/// Who is asked, and for how long.
#[derive(Clone, Debug, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Recursive name servers to ask, as `address:port`; none means those of `/etc/resolv.conf`.
    pub servers: Vec<SocketAddr>,
    /// How long one question to one server may take; seconds.
    #[serde(with = "ruad_common::seconds")]
    pub timeout: Duration,
    /// How often a question that was not answered is asked again.
    pub retries: usize,
    /// Answers kept in memory, negative ones included. Most are small, but whoever wants to can make one of
    /// 64 KiB.
    pub cache_entries: u64,
    /// An answer is never kept longer than this, whatever its TTL says; seconds.
    #[serde(with = "ruad_common::seconds")]
    pub cache_longest: Duration,
    /// "There is no such record" is never kept longer than this; seconds. Short, because a wrong negative
    /// answer turns a genuine report into a forged one.
    #[serde(with = "ruad_common::seconds")]
    pub cache_longest_negative: Duration,
    /// A file of DNSKEY records that are trusted in place of the root zone's keys which come with the program; for
    /// a private root.
    pub trust_anchor: Option<PathBuf>,
}

impl Settings {
    /// A resolver with a cache of its own of `cache_entries` answers.
    ///
    /// # Errors
    ///
    /// [`ResolverError`] when no server is configured and the system's configuration cannot be used.
    pub fn resolver(&self, cache_entries: u64) -> Result<TokioResolver, ResolverError> {
        self.build(cache_entries, true)
    }

    /// The same for servers that do not know EDNS.
    pub(super) fn resolver_without_edns(&self, cache_entries: u64) -> Result<TokioResolver, ResolverError> {
        self.build(cache_entries, false)
    }

    fn build(&self, cache_entries: u64, edns: bool) -> Result<TokioResolver, ResolverError> {
        let (config, mut options) = self.upstream()?;
        options.cache_size = cache_entries;
        options.edns0 = edns;
        TokioResolver::builder_with_config(config, TokioRuntimeProvider::default())
            .with_options(options)
            .build()
            .map_err(|source| ResolverError::Resolver { source })
    }

    /// Who is asked, and how.
    pub(super) fn upstream(&self) -> Result<(ResolverConfig, ResolverOpts), ResolverError> {
        let (config, mut options) = if self.servers.is_empty() { system()? } else { nobody() };
        let config = match (self.servers.as_slice(), config.name_servers()) {
            ([], []) => only(&[LOCAL_SERVER]),
            ([], _) => config,
            (servers, _) => only(servers),
        };
        options.timeout = self.timeout;
        options.attempts = self.retries;
        options.positive_max_ttl = Some(self.cache_longest);
        options.negative_max_ttl = Some(self.cache_longest_negative);
        // An answer without an SOA has no TTL of its own; it is remembered for a moment all the same.
        options.negative_min_ttl = Some(NEGATIVE_SHORTEST.min(self.cache_longest_negative));
        // What the world publishes is asked for, not what this host's files say.
        options.use_hosts_file = ResolveHosts::Never;
        Ok((config, options))
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            servers: Vec::new(),
            timeout: Duration::from_secs(2),
            retries: 1,
            cache_entries: 2_048,
            cache_longest: Duration::from_secs(3_600),
            cache_longest_negative: Duration::from_secs(300),
            trust_anchor: None,
        }
    }
}

/// Why there is no resolver.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ResolverError {
    /// `/etc/resolv.conf` cannot be read or understood.
    #[error("cannot read the system's resolver configuration: {source}; set dns.servers")]
    SystemConfiguration {
        /// What was wrong.
        source: NetError,
    },
    /// The resolver could not be made from its configuration.
    #[error("cannot set up the resolver: {source}")]
    Resolver {
        /// What was wrong.
        source: NetError,
    },
    /// The file of trust anchors cannot be read.
    #[error("dns.trust_anchor: cannot read {}: {source}", path.display())]
    TrustAnchorFile {
        /// The file.
        path: PathBuf,
        /// What was wrong.
        source: io::Error,
    },
    /// The file of trust anchors is none.
    #[error("dns.trust_anchor: {} is no file of DNSKEY records: {source}", path.display())]
    TrustAnchor {
        /// The file.
        path: PathBuf,
        /// What was wrong.
        source: Box<ParseError>,
    },
    /// The file of trust anchors holds none.
    #[error("dns.trust_anchor: {} holds no DNSKEY record", path.display())]
    NoTrustAnchor {
        /// The file.
        path: PathBuf,
    },
}

/// What the system asks. Without a file, or with none in it, that is this host (resolv.conf(5)).
fn system() -> Result<(ResolverConfig, ResolverOpts), ResolverError> {
    match read_system_conf() {
        Ok(system) => Ok(system),
        Err(NetError::Io(error)) if error.kind() == io::ErrorKind::NotFound => Ok(nobody()),
        Err(source) => Err(ResolverError::SystemConfiguration { source }),
    }
}

fn nobody() -> (ResolverConfig, ResolverOpts) {
    (only(&[]), ResolverOpts::default())
}

fn only(servers: &[SocketAddr]) -> ResolverConfig {
    ResolverConfig::from_name_servers(servers.iter().map(|server| name_server(*server)).collect())
}

fn name_server(address: SocketAddr) -> NameServerConfig {
    let connections = [ConnectionConfig::udp(), ConnectionConfig::tcp()].map(|mut connection| {
        connection.port = address.port();
        connection
    });
    NameServerConfig::new(address.ip(), true, connections.into())
}

const LOCAL_SERVER: SocketAddr = SocketAddr::V4(SocketAddrV4::new(Ipv4Addr::LOCALHOST, 53));
const NEGATIVE_SHORTEST: Duration = Duration::from_secs(30);

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn there_is_always_somebody_to_ask() {
        Settings::default().resolver(100).unwrap();
        let servers = vec!["127.0.0.1:5353".parse().unwrap(), "[::1]:53".parse().unwrap()];
        Settings { servers, ..Settings::default() }.resolver(100).unwrap();
    }

    #[test]
    fn settings_are_seconds_and_addresses() {
        let text = "servers = [\"192.0.2.53:53\"]\ntimeout = 0.5\ncache_longest_negative = 60\n";
        let settings: Settings = toml::from_str(text).unwrap();
        assert_eq!(settings.timeout, Duration::from_millis(500));
        assert_eq!(settings.servers, ["192.0.2.53:53".parse().unwrap()]);
        assert!(toml::from_str::<Settings>("server = []").is_err());
    }
}
