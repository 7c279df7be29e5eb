//! `ruad zone`: the records that let customers' reports come here.

use std::{collections::BTreeSet, io::Write, process::ExitCode};

use anyhow::{Context, bail};
use ruad::config::Settings;
use ruad_common::{domain_name::normalize, text};
use ruad_dns::dmarc::authorization;
use ruad_registry::Registry;

/// Print the DNS records that authorize reports for the registry's domains.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Zone {
    #[command(flatten)]
    configuration: super::Configuration,
    /// Print one wildcard record instead of one record per domain.
    #[arg(long)]
    wildcard: bool,
}

impl Zone {
    /// Writes lines of a zone file to standard output.
    pub(crate) fn run(self) -> anyhow::Result<ExitCode> {
        let settings = self.configuration.load()?;
        self.print(&settings, &mut text::exact_stdout())?;
        Ok(ExitCode::SUCCESS)
    }

    fn print(&self, settings: &Settings, out: &mut dyn Write) -> anyhow::Result<()> {
        let hosts = hosts(&settings.smtp.recipients);
        if hosts.is_empty() {
            bail!("smtp.recipients names no address that others can send to");
        }
        let domains = match &settings.domains.file {
            _ if self.wildcard => BTreeSet::new(),
            Some(file) => Registry::load(file)
                .with_context(|| file.display().to_string())?
                .domains()
                .map(|(name, _, _)| name.to_owned())
                .collect(),
            None => bail!("domains.file is not set: name the registry, or ask for a --wildcard"),
        };
        writeln!(out, "; Permission to send DMARC reports here (RFC 9990 section 4).")?;
        let note: &[&str] = if self.wildcard { &WILDCARD } else { &OFFLINE };
        note.iter().try_for_each(|line| writeln!(out, "; {line}"))?;
        for line in authorization::zone_lines(&domains, &hosts, self.wildcard) {
            writeln!(out, "{line}")?;
        }
        Ok(())
    }
}

/// The domains of the recipients, exact addresses and whole domains alike, that others can send to.
fn hosts(recipients: &[String]) -> BTreeSet<String> {
    let domains = recipients.iter().filter_map(|recipient| recipient.rsplit_once('@'));
    domains.filter_map(|(_, domain)| normalize(domain)).filter(|domain| domain.contains('.')).collect()
}

const OFFLINE: [&str; 3] = [
    "Made from names alone, without asking DNS: a domain is taken for the same organization's as a host when one",
    "is part of the other, and gets no record. Where that is wrong, because of psd=n, add one like the others; one",
    "too many does no harm.",
];
const WILDCARD: [&str; 2] = [
    "Delete the records of single domains, if there are any: where one ends with .com, say, the wildcard no longer",
    "answers for any domain that ends with .com.",
];

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn zone(recipients: &[&str], domains: Option<&str>, wildcard: bool) -> anyhow::Result<Vec<String>> {
        let folder = tempfile::TempDir::new()?;
        let mut settings = Settings::default();
        settings.smtp.recipients = recipients.iter().map(|recipient| (*recipient).to_owned()).collect();
        if let Some(domains) = domains {
            let file = folder.path().join("domains.toml");
            fs::write(&file, format!("[[group]]\nname = \"acme\"\ndomains = {domains}\n"))?;
            settings.domains.file = Some(file);
        }
        let configuration = super::super::Configuration { path: None };
        let mut out = Vec::new();
        Zone { configuration, wildcard }.print(&settings, &mut out)?;
        Ok(String::from_utf8(out)?.lines().map(str::to_owned).collect())
    }

    fn records(lines: &[String]) -> Vec<&str> {
        lines.iter().map(String::as_str).filter(|line| !line.starts_with(';')).collect()
    }

    const DOMAINS: Option<&str> = Some("[\"Acme.example\", \"bücher.example\", \"reports.example\"]");

    #[test]
    fn a_record_for_every_domain_and_host() {
        let recipients = ["rua@Reports.example", "ruf@reports.example", "@tls.test", "@localhost"];
        let lines = zone(&recipients, DOMAINS, false).unwrap();
        assert_eq!(
            records(&lines),
            [
                "acme.example._report._dmarc.reports.example. IN TXT \"v=DMARC1;\"",
                "xn--bcher-kva.example._report._dmarc.reports.example. IN TXT \"v=DMARC1;\"",
                "acme.example._report._dmarc.tls.test. IN TXT \"v=DMARC1;\"",
                "reports.example._report._dmarc.tls.test. IN TXT \"v=DMARC1;\"",
                "xn--bcher-kva.example._report._dmarc.tls.test. IN TXT \"v=DMARC1;\"",
            ]
        );
        assert!(lines.iter().any(|line| line.contains("without asking DNS")), "{lines:?}");
    }

    #[test]
    fn one_record_for_all() {
        let lines = zone(&["@reports.example"], None, true).unwrap();
        assert_eq!(records(&lines), ["*._report._dmarc.reports.example. IN TXT \"v=DMARC1;\""]);
    }

    #[test]
    fn what_is_missing_is_named() {
        for (recipients, domains, words) in [
            (["@localhost"], DOMAINS, "smtp.recipients"),
            (["@reports.example"], None, "domains.file"),
            (["@reports.example"], Some("[\"a b\"]"), "a b"),
        ] {
            let error = format!("{:#}", zone(&recipients, domains, false).unwrap_err());
            assert!(error.contains(words), "{error}");
        }
    }
}
