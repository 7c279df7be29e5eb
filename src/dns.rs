//! The resolver that [`crate::provenance`] and [`crate::sources`] ask, and a bounded memory with an expiry.

mod expiring;

use std::{net::SocketAddr, time::Duration};

use hickory_resolver::{
    TokioResolver,
    config::{ConnectionConfig, NameServerConfig, ResolveHosts, ResolverConfig},
    net::{NetError, runtime::TokioRuntimeProvider},
    system_conf::read_system_conf,
};

pub use expiring::Expiring;

/// Who is asked, and for how long.
#[derive(Clone, Debug, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Recursive name servers to ask, as `address:port`; none means those of `/etc/resolv.conf`.
    pub servers: Vec<SocketAddr>,
    /// How long one question to one server may take; seconds.
    #[serde(with = "crate::config::seconds")]
    pub timeout: Duration,
    /// How often a question that was not answered is asked again.
    pub retries: usize,
    /// Answers kept in memory, negative ones included.
    pub cache_entries: u64,
    /// An answer is never kept longer than this, whatever its TTL says; seconds.
    #[serde(with = "crate::config::seconds")]
    pub cache_longest: Duration,
    /// "There is no such record" is never kept longer than this; seconds. Short, because a wrong negative answer
    /// turns a genuine report into a forged one.
    #[serde(with = "crate::config::seconds")]
    pub cache_longest_negative: Duration,
}

impl Settings {
    /// A resolver with a cache of its own of `cache_entries` answers.
    ///
    /// # Errors
    ///
    /// [`DnsError`] when no server is configured and the system's configuration cannot be used.
    pub fn resolver(&self, cache_entries: u64) -> Result<TokioResolver, DnsError> {
        let (config, mut options) = if self.servers.is_empty() {
            read_system_conf().map_err(|source| DnsError::SystemConfiguration { source })?
        } else {
            let servers = self.servers.iter().map(|server| name_server(*server)).collect();
            (ResolverConfig::from_parts(None, vec![], servers), Default::default())
        };
        options.timeout = self.timeout;
        options.attempts = self.retries;
        options.cache_size = cache_entries;
        options.positive_max_ttl = Some(self.cache_longest);
        options.negative_max_ttl = Some(self.cache_longest_negative);
        // An answer without an SOA has no TTL of its own; it is remembered for a moment all the same.
        options.negative_min_ttl = Some(NEGATIVE_SHORTEST.min(self.cache_longest_negative));
        // What the world publishes is asked for, not what this host's files say.
        options.use_hosts_file = ResolveHosts::Never;
        TokioResolver::builder_with_config(config, TokioRuntimeProvider::default())
            .with_options(options)
            .build()
            .map_err(|source| DnsError::Resolver { source })
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            servers: Vec::new(),
            timeout: Duration::from_secs(2),
            retries: 1,
            cache_entries: 8_192,
            cache_longest: Duration::from_secs(3_600),
            cache_longest_negative: Duration::from_secs(300),
        }
    }
}

/// Why there is no resolver.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DnsError {
    /// `/etc/resolv.conf` is missing or cannot be read.
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
}

fn name_server(address: SocketAddr) -> NameServerConfig {
    let connections = [ConnectionConfig::udp(), ConnectionConfig::tcp()].map(|mut connection| {
        connection.port = address.port();
        connection
    });
    NameServerConfig::new(address.ip(), true, connections.into())
}

const NEGATIVE_SHORTEST: Duration = Duration::from_secs(30);
