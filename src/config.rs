//! Settings: one TOML file, overridden by `RUAD__…` environment variables. Each room defines its own; they are only
//! put together here.

use std::{net::SocketAddr, path::Path};

use config::{Config, Environment, File, FileFormat};
use serde::Deserialize;
use thiserror::Error;

use crate::{advice, certificate, health, http, intake, provenance, signing, sources, store};
use ruad_dns as dns;
use ruad_engine as engine;
use ruad_smtp as smtp;
use ruad_spool as spool;

/// Everything that can be set. Every key has a default, so that `ruad serve` runs without a file.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// When a domain may go on.
    pub advice: advice::Settings,
    /// Certificates of domains that have reached everything.
    pub certificate: certificate::Settings,
    /// The store: a ClickHouse server, or the embedded engine when no URL is set.
    pub clickhouse: store::Settings,
    /// The resolver that provenance and sources ask.
    pub dns: dns::Settings,
    /// Where the registry of groups and their domains is.
    pub domains: ruad_registry::Settings,
    /// The embedded engine.
    pub engine: engine::Settings,
    /// How the domains of the registry are watched.
    pub health: health::Settings,
    /// The daemon's own web server.
    pub http: http::Settings,
    /// How reports are taken in.
    pub intake: intake::Settings,
    /// How log lines are written.
    pub log: ruad_common::log::Settings,
    /// How the senders of reports are examined.
    pub provenance: provenance::Settings,
    /// Where private keys go.
    pub signing: signing::Settings,
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

    /// What follows from other settings.
    fn complete(&mut self) -> Result<(), ConfigError> {
        self.complete_recipients()?;
        self.clickhouse.validate().map_err(|error| ConfigError::Clickhouse { source: Box::new(error) })?;
        if self.health.reports_to.is_empty() {
            self.health.reports_to.clone_from(&self.smtp.recipients);
        }
        self.advice.reports_to.clone_from(&self.health.reports_to);
        match self.health.mistake().or_else(|| self.advice.mistake()) {
            Some((key, value, wanted)) => Err(ConfigError::OutOfRange { key, value, wanted }),
            None => Ok(()),
        }
    }

    /// A receiver that only this machine can reach may be tried out without naming recipients; any other may not.
    fn complete_recipients(&mut self) -> Result<(), ConfigError> {
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
        .with_list_parse_key("health.dnsbl.addresses")
        .with_list_parse_key("health.dnsbl.domains")
        .with_list_parse_key("health.reports_to")
        .with_list_parse_key("health.rpki.routes")
        .with_list_parse_key("http.hosts")
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
    /// ClickHouse can never be reached like this.
    #[error("{source}")]
    Clickhouse {
        /// The key and what is wrong with it.
        source: Box<store::StoreError>,
    },
    /// A value that makes no sense.
    #[error("{key} is {value}; it has to be {wanted}")]
    OutOfRange {
        /// The key.
        key: &'static str,
        /// Its value.
        value: String,
        /// What it may be.
        wanted: &'static str,
    },
}

#[cfg(test)]
mod tests {
    use std::{collections::HashMap, fs};

    use super::*;

    /// The commented reference of the repository.
    const REFERENCE: &str = include_str!("../config/ruad.toml");

    fn parse(text: &str, variables: &[(&str, &str)]) -> Result<Settings, String> {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), text).unwrap();
        let variables: HashMap<_, _> =
            variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Settings::merge(Some(file.path()), environment().source(Some(variables)))
            .map_err(|error| error.to_string())
    }

    #[test]
    fn the_reference_can_be_used_as_it_is() {
        let settings = parse(REFERENCE, &[]).unwrap();
        assert_eq!(format!("{settings:?}"), format!("{:?}", parse("", &[]).unwrap()));
    }

    #[test]
    fn the_reference_shows_every_default() {
        let is_setting = |line: &&str| {
            let name = line.split([' ', '.', ']']).next().unwrap_or_default();
            line.starts_with('[')
                || !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
        };
        let text: String = REFERENCE
            .lines()
            .map(|line| line.strip_prefix('#').filter(is_setting).unwrap_or(line))
            .filter(|line| line.starts_with('[') || line.contains('='))
            .filter(|line| !line.starts_with('#'))
            .map(|line| format!("{line}\n"))
            .collect();
        let mut shown = parse(&text, &[]).unwrap();
        // These have no default, so the reference shows an example.
        assert!(shown.smtp.tls.take().is_some() && shown.smtp.hostname.take().is_some());
        assert!(shown.clickhouse.url.take().is_some() && shown.clickhouse.user.take().is_some());
        assert!(shown.clickhouse.password.take().is_some() && shown.clickhouse.cluster.take().is_some());
        assert!(shown.engine.library.take().is_some() && shown.engine.password_file.take().is_some());
        assert!(shown.engine.memory_bytes.take().is_some() && shown.domains.file.take().is_some());
        assert!(shown.signing.directory.take().is_some());
        assert!(shown.sources.catalogue.take().is_some() && shown.dns.trust_anchor.take().is_some());
        assert!(shown.certificate.url.take().is_some() && shown.health.rpki.payloads.take().is_some());
        assert_eq!(format!("{shown:#?}"), format!("{:#?}", parse("", &[]).unwrap()));
    }

    #[test]
    fn the_reference_shows_every_setting() {
        // The names of all fields, as the debug form of the defaults has them.
        let fields = format!("{:#?}", Settings::default());
        let missing: Vec<_> = fields
            .lines()
            .filter_map(|line| line.trim().split_once(": "))
            .map(|(name, _)| name)
            .filter(|name| {
                !REFERENCE.contains(&format!("#{name} = ")) && !REFERENCE.contains(&format!("{name}]"))
            })
            .filter(|name| !["limits"].contains(name))
            .collect();
        assert!(missing.is_empty(), "not in config/ruad.toml: {missing:?}");
    }

    #[test]
    fn the_environment_wins() {
        let settings = parse(
            "[smtp]\nmessage_bytes = 5\n",
            &[("RUAD__SMTP__MESSAGE_BYTES", "7"), ("RUAD__SMTP__RECIPIENTS", "@a.example,b@c.example")],
        );
        let smtp = settings.unwrap().smtp;
        assert_eq!(smtp.message_bytes, 7);
        assert_eq!(smtp.recipients, ["@a.example", "b@c.example"]);
    }

    #[test]
    fn our_own_addresses_are_the_recipients() {
        let text = "[smtp]\nrecipients = [\"rua@a.example\"]\n";
        assert_eq!(parse(text, &[]).unwrap().health.reports_to, ["rua@a.example"]);
        let text = format!("{text}[health]\nreports_to = [\"@b.example\"]\n");
        assert_eq!(parse(&text, &[]).unwrap().health.reports_to, ["@b.example"]);
    }

    #[test]
    fn a_mistake_is_named() {
        for (text, words) in [
            ("[smtp]\nmesage_bytes = 5\n", ["mesage_bytes", "smtp"]),
            ("[smtp]\nmessage_bytes = \"many\"\n", ["many", "smtp.message_bytes"]),
            ("[spool]\nsegment_age = -1\n", ["-1", "spool.segment_age"]),
            ("[smtp]\nlisten = [\"0.0.0.0:25\"]\n", ["0.0.0.0:25", "smtp.recipients"]),
            ("[health]\nquestions = 500\n", ["health.questions is 500", "10 to 200"]),
            ("[health]\nprofile = \"strict\"\n", ["health.profile is \"strict\"", "nl-gov"]),
            ("[certificate]\nurl = \"http://a.example\"\n", ["http://a.example", "certificate"]),
            ("[clickhouse]\nurl = \"tcp://db.example:9000\"\n", ["clickhouse.url is \"tcp://", "http://"]),
            ("[clickhouse]\ndatabase = \"a b\"\n", ["clickhouse.database", "a b"]),
            ("[smtp\n", ["line 1", "["]),
        ] {
            let error = parse(text, &[]).unwrap_err();
            assert!(words.iter().all(|word| error.contains(word)), "{text:?}: {error}");
        }
    }
}
