//! Log events and metrics of the registry.

use std::path::Path;

use metrics::{counter, describe_counter, describe_gauge, gauge};

use crate::RegistryError;

/// The registry's file was read again.
#[derive(Debug)]
pub struct Reloaded<'a> {
    /// The file.
    pub file: &'a Path,
    /// How many domains it lists, or why it was not taken.
    pub domains: Result<usize, &'a RegistryError>,
}

impl Reloaded<'_> {
    /// Logs and counts.
    pub fn record(&self) {
        let file = self.file.display();
        match self.domains {
            Ok(domains) => {
                tracing::info!(%file, domains, "Domain registry reloaded.");
                counter!("ruad_domains_reloads_total", "outcome" => "taken").increment(1);
                listed(domains);
            }
            Err(error) => {
                tracing::error!(%file, %error, "Failed to reload the domain registry; keeping the previous one.");
                counter!("ruad_domains_reloads_total", "outcome" => "refused").increment(1);
            }
        }
    }
}

/// Tells how many domains the registry in use lists.
pub fn listed(domains: usize) {
    gauge!("ruad_domains_listed").set(domains as f64);
}

/// Registers the help texts.
pub fn describe() {
    describe_counter!("ruad_domains_reloads_total", "Reloads of the domain registry, by outcome.");
    describe_gauge!("ruad_domains_listed", "Domains in the registry.");
}
