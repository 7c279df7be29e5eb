use ruad_registry::MIN_INTERVAL;
use std::time::Duration;

use serde::Deserialize;

use ruad_dns::dnsbl::Lists;
use ruad_dns::profile::Profile;

/// How the domains of the registry are watched.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Whether they are.
    pub enabled: bool,
    /// How often each domain is examined; seconds. A group may say otherwise.
    #[serde(with = "ruad_common::seconds")]
    pub interval: Duration,
    /// Domains that are examined at the same time.
    pub concurrency: usize,
    /// Questions to name servers that may be open at the same time, up to 200.
    pub questions: usize,
    /// Addresses (`rua@reports.example`) and whole domains (`@reports.example`) at which reports reach this
    /// installation; none means `smtp.recipients`.
    pub reports_to: Vec<String>,
    /// Age of a DKIM key that is worth a warning; days. A group may say otherwise.
    pub key_age_warning: u32,
    /// Age of a DKIM key that is an error; days. A group may say otherwise.
    pub key_age_error: u32,
    /// What counts how much for the score: `default` or `nl-gov`. A group or a domain may say otherwise.
    pub profile: String,
    /// Whether mail hosts are connected to, to compare their certificates with what DNS says.
    pub probe_smtp: bool,
    /// Whether every name server of a domain is asked by itself, beside the resolver.
    pub ask_name_servers: bool,
    /// Whether mail hosts, name servers and hosts of policies with private and loopback addresses are connected to. Whoever
    /// owns a domain that is examined chooses these addresses, so that this lets them knock on doors of this network.
    pub private_addresses: bool,
    /// Block lists that are asked about sending addresses, mail hosts and domains.
    pub dnsbl: Lists,
    /// What RPKI needs beside DNS.
    pub rpki: super::RoutingSettings,
}

impl Settings {
    /// Questions that may be open at the same time.
    pub fn outstanding(&self) -> usize {
        self.questions.clamp(LEAST_QUESTIONS, MOST_QUESTIONS)
    }

    /// The names of the block lists, as facts have them.
    pub(super) fn list_names(&self) -> Vec<String> {
        let entries = self.dnsbl.addresses.iter().chain(&self.dnsbl.domains);
        let name = |entry: &String| entry.split_once('=').map_or(entry.as_str(), |(name, _)| name).to_owned();
        entries.map(name).map(|name| name.trim().trim_matches('.').to_ascii_lowercase()).collect()
    }

    /// Says what cannot be used as it is: the key, its value and what it should be.
    pub(crate) fn mistake(&self) -> Option<(&'static str, String, &'static str)> {
        if self.interval < MIN_INTERVAL {
            return Some(("health.interval", self.interval.as_secs_f64().to_string(), "1 second or more"));
        }
        if !(LEAST_QUESTIONS..=MOST_QUESTIONS).contains(&self.questions) {
            return Some(("health.questions", self.questions.to_string(), "10 to 200"));
        }
        if self.concurrency == 0 {
            return Some(("health.concurrency", "0".to_owned(), "1 or more"));
        }
        if self.key_age_warning > self.key_age_error {
            let days = format!("{} days", self.key_age_warning);
            return Some(("health.key_age_warning", days, "no more than health.key_age_error"));
        }
        if Profile::named(&self.profile).is_none() {
            return Some(("health.profile", format!("{:?}", self.profile), "default or nl-gov"));
        }
        None
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            enabled: true,
            interval: Duration::from_secs(6 * 3_600),
            concurrency: 20,
            questions: 100,
            reports_to: Vec::new(),
            key_age_warning: 180,
            key_age_error: 365,
            profile: "default".to_owned(),
            probe_smtp: false,
            ask_name_servers: true,
            private_addresses: false,
            dnsbl: Lists::default(),
            rpki: super::RoutingSettings::default(),
        }
    }
}

const LEAST_QUESTIONS: usize = 10;
const MOST_QUESTIONS: usize = 200;
