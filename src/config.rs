//! Settings: one TOML file, overridden by `RUAD__…` environment variables. Each room defines its own; they are only
//! put together here.

use std::{net::SocketAddr, path::Path};

use config::{Config, Environment, File, FileFormat};
use serde::Deserialize;
use thiserror::Error;

use crate::{dns, domains, engine, http, intake, provenance, smtp, sources, spool, store, telemetry};

/// Everything that can be set. Every key has a default, so that `ruad serve` runs without a file.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// The store: a ClickHouse server, or the embedded engine when no URL is set.
    pub clickhouse: store::Settings,
    /// The resolver that provenance and sources ask.
    pub dns: dns::Settings,
    /// Where the registry of groups and their domains is.
    pub domains: domains::Settings,
    /// The embedded engine.
    pub engine: engine::Settings,
    /// The daemon's own web server.
    pub http: http::Settings,
    /// How reports are taken in.
    pub intake: intake::Settings,
    /// How log lines are written.
    pub log: telemetry::Settings,
    /// How the senders of reports are examined.
    pub provenance: provenance::Settings,
    /// The receiver.
    pub smtp: smtp::Settings,
    /// Who sending addresses are.
    pub sources: sources::Settings,
    /// The durable queue.
    pub spool: spool::Settings,
}

impl Settings {
    /// Reads the file, when one is named, and the environment.
    ///
    /// # Errors
    ///
    /// [`ConfigError`], naming the file or variable, the key and the value.
    pub fn load(path: Option<&Path>) -> Result<Self, ConfigError> {
        Self::merge(path, environment())
    }

    fn merge(path: Option<&Path>, environment: Environment) -> Result<Self, ConfigError> {
        let mut builder = Config::builder();
        if let Some(path) = path {
            builder = builder.add_source(File::from(path).format(FileFormat::Toml));
        }
        let read = builder.add_source(environment).build().and_then(Config::try_deserialize);
        let mut settings: Self = read.map_err(ConfigError::Unreadable)?;
        settings.complete()?;
        Ok(settings)
    }

    /// A receiver that only this machine can reach may be tried out without naming recipients; any other may not.
    fn complete(&mut self) -> Result<(), ConfigError> {
        if !self.smtp.recipients.is_empty() {
            return Ok(());
        }
        if let Some(&address) = self.smtp.listen.iter().find(|address| !address.ip().is_loopback()) {
            return Err(ConfigError::NoRecipients { address });
        }
        self.smtp.recipients = RECIPIENTS_TO_TRY.map(str::to_owned).to_vec();
        Ok(())
    }
}

/// `RUAD__SMTP__MESSAGE_BYTES=1000000` is `smtp.message_bytes`.
fn environment() -> Environment {
    Environment::with_prefix("RUAD")
        .prefix_separator("__")
        .separator("__")
        .try_parsing(true)
        .list_separator(",")
        .with_list_parse_key("dns.servers")
        .with_list_parse_key("smtp.listen")
        .with_list_parse_key("smtp.proxy_from")
        .with_list_parse_key("smtp.recipients")
}

/// Reserved names (RFC 2606, RFC 6761), so that nobody's mail is ever meant.
const RECIPIENTS_TO_TRY: [&str; 2] = ["@localhost", "@reports.example"];

/// Why the settings cannot be used.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The file cannot be read, or a key or value is wrong; the text names it.
    #[error("{0}")]
    Unreadable(config::ConfigError),
    /// A receiver on a public address that takes no mail is a mistake.
    #[error(
        "smtp.listen has {address}, but smtp.recipients is empty: name the addresses that receive reports"
    )]
    NoRecipients {
        /// The first address that others can reach.
        address: SocketAddr,
    },
}

/// A [`std::time::Duration`] written as a number of seconds; fractions are allowed.
pub mod seconds {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, de::Error};

    /// Reads a number of seconds.
    ///
    /// # Errors
    ///
    /// When the value is not a number, or is negative, not finite or too large for a duration.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
        let seconds = f64::deserialize(deserializer)?;
        Duration::try_from_secs_f64(seconds)
            .map_err(|_| D::Error::custom(format_args!("{seconds} is not a duration in seconds")))
    }
}
