//! `ruad certificate`: what was issued, as documents, and whether one is genuine.

use std::{
    fs,
    io::{self, Read, Write},
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context, bail};
use clap::{Args, Subcommand};
use ruad::{
    certificate::{
        self, Certificate, Date, Entry, Forged, PublicKey, Serial, SigningKey, Standing,
        store::StoredCertificate,
    },
    config::Settings,
};
use ruad_common::time::unix_seconds;
use ruad_common::{text, texts::Language};
use ruad_registry::Registry;

use super::UNKNOWN;

/// List, show and verify the certificates of domains with a score of 5/5 and p=reject.
#[derive(Debug, Args)]
pub(crate) struct CertificateArgs {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    configuration: super::Configuration,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List issued certificates and their status.
    List {
        /// Those of this domain alone
        #[arg(value_name = "DOMAIN")]
        domain: Option<String>,
        /// Print one JSON object a certificate
        #[arg(long)]
        json: bool,
    },
    /// Show a certificate, or write it to a file.
    Show {
        /// Its number
        #[arg(value_name = "SERIAL")]
        serial: Serial,
        /// The document: .html to read and print, .svg as a picture, .txt for the signed statement alone
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
        /// The language of the document: en or nl
        #[arg(long, default_value = "en", value_name = "LANGUAGE")]
        lang: Language,
    },
    /// Check whether a certificate is genuine and still valid.
    ///
    /// Exit status: 0 = genuine and valid, 1 = forged or no longer valid, 2 = could not run, 3 = undecided.
    Verify {
        /// An HTML page, an SVG or a text file; `-` reads standard input.
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// The issuer's public key: the file /c/key.pem from its web server, or the key in base64. The default is the
        /// key of this installation.
        #[arg(long, value_name = "FILE|KEY")]
        key: Option<String>,
        /// Do not query the database for its current status.
        #[arg(long)]
        offline: bool,
    },
}

impl CertificateArgs {
    pub(crate) fn run(self) -> anyhow::Result<ExitCode> {
        let settings = self.configuration.load()?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let as_json = matches!(self.command, Command::List { json: true, .. });
        let mut out: Box<dyn Write> =
            if as_json { Box::new(text::json_stdout()) } else { Box::new(text::stdout()) };
        let outcome = match self.command {
            Command::List { domain, json } => runtime
                .block_on(list(&settings, domain.as_deref(), json, &mut out))
                .map(|()| ExitCode::SUCCESS),
            Command::Show { serial, out: file, lang } => runtime
                .block_on(show(&settings, serial, file.as_deref(), lang, &mut out))
                .map(|()| ExitCode::SUCCESS),
            Command::Verify { file, key, offline } => {
                let document = read(&file)?;
                let verified = verify(&settings, &document, key.as_deref(), offline, &mut out);
                runtime.block_on(verified)
            }
        };
        match outcome {
            Err(error) if super::is_broken_pipe(&error) => Ok(ExitCode::SUCCESS),
            outcome => outcome,
        }
    }
}

async fn list(
    settings: &Settings,
    domain: Option<&str>,
    json: bool,
    out: &mut dyn Write,
) -> anyhow::Result<()> {
    let store = super::store::connect(settings).await?;
    let registry = registry(settings)?;
    let mut stored = store.certificates().await?;
    stored.retain(|row| domain.is_none_or(|name| row.domain == name));
    let domains: Vec<_> = stored.iter().map(|row| row.domain.as_str()).collect();
    let plans = store.latest_plans(&domains).await?;
    for row in &stored {
        let certificate = genuine(row);
        let url = certificate.as_ref().ok().map(|certificate| certificate.statement().url());
        let state = match certificate {
            Ok(certificate) => {
                let latest = plans.iter().find(|plan| plan.domain == row.domain).cloned();
                Entry { certificate, latest }.standing(&registry, unix_seconds()).name()
            }
            Err(_) => "forged",
        };
        let StoredCertificate { serial, domain, group, .. } = row;
        let issued = Date::of(row.issued_at.into()).to_string();
        if json {
            let line = serde_json::json!({
                "serial": serial, "domain": domain, "group": group, "issued": issued, "state": state, "url": url,
            });
            writeln!(out, "{line}")?;
        } else {
            writeln!(out, "{serial}  {issued}  {state:<11}  {domain}")?;
        }
    }
    Ok(())
}

async fn show(
    settings: &Settings,
    serial: Serial,
    file: Option<&Path>,
    language: Language,
    out: &mut dyn Write,
) -> anyhow::Result<()> {
    let stored = super::store::connect(settings).await?.certificate(serial).await?;
    let certificate = genuine(&stored.with_context(|| format!("there is no certificate {serial}"))?)?;
    let Some(file) = file else {
        let url = certificate.statement().url();
        write!(out, "{certificate}")?;
        writeln!(out, "\nFor a website:\n")?;
        writeln!(
            out,
            "<a href=\"{url}\"><img src=\"{url}.svg\" width=\"264\" height=\"72\" alt=\"DMARC 5/5\"></a>"
        )?;
        return Ok(());
    };
    let document = match file.extension().and_then(|extension| extension.to_str()) {
        Some("html") => certificate::page(&certificate, None, language),
        Some("svg") => certificate::drawing(&certificate, language),
        Some("txt") => certificate.to_string(),
        _ => bail!("{}: the name has to end with .html, .svg or .txt", file.display()),
    };
    fs::write(file, document).with_context(|| format!("cannot write {}", file.display()))
}

async fn verify(
    settings: &Settings,
    document: &str,
    key: Option<&str>,
    offline: bool,
    out: &mut dyn Write,
) -> anyhow::Result<ExitCode> {
    let certificate = match Certificate::find(document) {
        Ok(certificate) => certificate,
        Err(forged) => {
            writeln!(out, "Not genuine: {forged}.")?;
            return Ok(NO);
        }
    };
    let statement = certificate.statement();
    let host = statement.address.host();
    let wanted = match key {
        Some(key) => Some(public_key(key)?),
        None => SigningKey::load(&settings.certificate.key).ok().map(|key| key.public_key()),
    };
    let code = match wanted {
        None => {
            writeln!(
                out,
                "The signature matches the key in the document, but the owner of that key is unknown: compare it with {}.",
                statement.address.of_key()
            )?;
            UNKNOWN.into()
        }
        Some(wanted) if wanted != certificate.key() => {
            writeln!(out, "Not genuine: the signature is that of another key than the one of {host}.")?;
            return Ok(NO);
        }
        Some(_) => {
            writeln!(out, "Genuine: signed with the key of {host}.")?;
            match offline || key.is_some() {
                true => {
                    writeln!(out, "Whether it still holds is shown at {}.", statement.url())?;
                    ExitCode::SUCCESS
                }
                false => stands(settings, &certificate, out).await?,
            }
        }
    };
    writeln!(out, "\nThis is what was signed; it counts, whatever else the document shows:\n")?;
    statement.to_string().lines().try_for_each(|line| writeln!(out, "  {line}"))?;
    Ok(code)
}

/// Says whether a genuine certificate holds now.
async fn stands(
    settings: &Settings,
    certificate: &Certificate,
    out: &mut dyn Write,
) -> anyhow::Result<ExitCode> {
    let statement = certificate.statement();
    let asked = async {
        let store = super::store::connect(settings).await?;
        let stored = store.certificate(statement.serial).await?;
        let latest = store.latest_plans(&[&statement.domain]).await?.pop();
        anyhow::Ok((stored, latest))
    };
    let (stored, latest) = match asked.await {
        Ok(answer) => answer,
        Err(error) => {
            writeln!(out, "Its current status is unknown: {error:#}.")?;
            return Ok(UNKNOWN.into());
        }
    };
    if stored.is_none_or(|stored| genuine(&stored).as_ref() != Ok(certificate)) {
        writeln!(out, "No longer valid: the database does not have it.")?;
        return Ok(NO);
    }
    let entry = Entry { certificate: certificate.clone(), latest };
    match entry.standing(&registry(settings)?, unix_seconds()) {
        Standing::Valid { confirmed_at } => {
            writeln!(out, "Valid: confirmed on {}.", Date::of(confirmed_at))?;
            Ok(ExitCode::SUCCESS)
        }
        Standing::Void { since: Some(since) } => {
            writeln!(out, "No longer valid since {since}.")?;
            Ok(NO)
        }
        Standing::Void { since: None } => {
            writeln!(out, "No longer valid.")?;
            Ok(NO)
        }
        Standing::Unconfirmed => {
            writeln!(out, "Its current status is unknown: there is no recent result.")?;
            Ok(UNKNOWN.into())
        }
    }
}

fn genuine(stored: &StoredCertificate) -> Result<Certificate, Forged> {
    Certificate::verify(&stored.statement, &stored.signature, &stored.public_key)
}

/// A key as it was given, or that of a file.
fn public_key(key: &str) -> anyhow::Result<PublicKey> {
    match PublicKey::parse(key) {
        Ok(key) => Ok(key),
        Err(_) => {
            let text = fs::read_to_string(key).with_context(|| format!("cannot read the key {key}"))?;
            PublicKey::parse(&text).with_context(|| key.to_owned())
        }
    }
}

/// The text of a document. Bytes that are no text cannot be part of a certificate.
fn read(path: &Path) -> anyhow::Result<String> {
    let failed = || format!("cannot read {}", path.display());
    let input: Box<dyn Read> = match path.as_os_str() == "-" {
        true => Box::new(io::stdin()),
        false => Box::new(fs::File::open(path).with_context(failed)?),
    };
    let mut bytes = Vec::new();
    input.take(LONGEST_DOCUMENT).read_to_end(&mut bytes).with_context(failed)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn registry(settings: &Settings) -> anyhow::Result<Registry> {
    let file = settings.domains.file.as_deref();
    Ok(file.map(Registry::load).transpose()?.unwrap_or_default())
}

/// Certificates take some tens of kilobytes.
const LONGEST_DOCUMENT: u64 = 16 * 1024 * 1024;

const NO: ExitCode = ExitCode::FAILURE;
