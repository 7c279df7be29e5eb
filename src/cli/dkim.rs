//! `ruad dkim`: keys with which mail is signed.

use ruad_common::domain_name;
use ruad_common::time::unix_seconds;
use std::{
    io::{self, Write},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::{Args, Subcommand};
use ruad::{
    config::Settings,
    signing::{
        Algorithm, KeyFile, KeyFileError, KeyPair, KeyRecord, Occupied, Signer, default_selector, is_free,
        is_selector,
    },
};
use ruad_common::text;
use ruad_dns::Resolver;

use super::{CANNOT_RUN, UNKNOWN};
use document::Document;

mod document;

/// Create and replace DKIM keys.
#[derive(Args, Debug)]
pub(crate) struct Dkim {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    New(New),
}

/// Create a key pair; show how to publish it, use it and retire the old key.
///
/// Writes the private key once, readable by its owner only, and stores it nowhere else. Exit status: 0 = key created,
/// 1 = refused (the selector or the file exists), 2 = could not run, 3 = DNS did not answer.
#[derive(Args, Debug)]
struct New {
    /// The signing domain.
    #[arg(value_name = "DOMAIN")]
    domain: String,

    /// The selector; `ruad-` with year and month by default.
    #[arg(long, value_name = "NAME")]
    selector: Option<String>,

    /// Create an Ed25519 key, in addition to an RSA key: many receivers cannot verify it yet.
    #[arg(long, conflicts_with = "bits")]
    ed25519: bool,

    /// The size of the RSA key. All receivers verify 2048 bits; some DNS panels cannot store the record of 4096.
    #[arg(long, value_name = "2048|4096", default_value = "2048", value_parser = ["2048", "4096"])]
    bits: String,

    /// The folder for the private key, or `-` for standard output (other output then goes to standard error);
    /// signing.directory by default.
    #[arg(long, value_name = "DIR|-")]
    out: Option<PathBuf>,

    /// Show the settings of this signer only: opendkim, rspamd, exim, postfix-milter, microsoft365, google, service.
    #[arg(long = "snippet", value_name = "SIGNER", value_parser = signer)]
    snippets: Vec<Signer>,

    /// Use this resolver instead of the system's.
    #[arg(long, value_name = "IP:PORT", value_parser = super::examiner::server)]
    resolver: Option<SocketAddr>,

    /// Print one JSON object.
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    configuration: super::Configuration,
}

/// Why there is no key.
struct Refusal {
    code: u8,
    words: String,
}

impl Dkim {
    pub(crate) fn run(self) -> anyhow::Result<ExitCode> {
        let Command::New(new) = self.command;
        new.run()
    }
}

impl New {
    fn run(self) -> anyhow::Result<ExitCode> {
        let mut settings = self.configuration.load()?;
        if let Some(server) = self.resolver {
            settings.dns.servers = vec![server];
        }
        match self.make(&settings) {
            Ok(()) => Ok(ExitCode::SUCCESS),
            Err(Refusal { code, words }) => {
                super::complain(&words);
                Ok(ExitCode::from(code))
            }
        }
    }

    fn make(&self, settings: &Settings) -> Result<(), Refusal> {
        let algorithm = self.algorithm();
        let domain = domain_name::domain(&self.domain)
            .ok_or_else(|| refuse(CANNOT_RUN, format!("{:?} is not a domain name", self.domain)))?;
        let selector = self.selector.clone().unwrap_or_else(|| default_selector(algorithm, unix_seconds()));
        let selector = is_selector(&selector, &domain).map_err(|error| refuse(CANNOT_RUN, error))?;
        let place = self.place(settings)?;
        self.look(settings, &domain, &selector)?;
        let file = match place {
            Place::Folder(folder) => Some(KeyFile::create(folder, &domain, &selector).map_err(not_created)?),
            Place::Output => None,
        };
        let pair = KeyPair::generate(algorithm).map_err(|error| refuse(CANNOT_RUN, error))?;
        let record = KeyRecord::new(&domain, &selector, &pair);
        let pem = pair.private_pem();
        let path = match file {
            Some(file) => Some(file.write(&pem).map_err(|error| refuse(CANNOT_RUN, error))?),
            None => {
                let mut out = text::exact_stdout();
                out.write_all(pem.as_bytes())
                    .and_then(|()| out.flush())
                    .map_err(|error| refuse(CANNOT_RUN, error))?;
                None
            }
        };
        let signers: Vec<_> = match self.snippets.as_slice() {
            [] => Signer::ALL.to_vec(),
            chosen => chosen.to_vec(),
        };
        let document = Document::new(&domain, &selector, algorithm, record, path.as_deref(), &signers);
        // The key is there; whether anybody reads what is to be done with it does not change that.
        drop(self.print(&document, path.is_none()));
        Ok(())
    }

    fn algorithm(&self) -> Algorithm {
        match (self.ed25519, self.bits.as_str()) {
            (true, _) => Algorithm::Ed25519,
            (false, "4096") => Algorithm::Rsa4096,
            (false, _) => Algorithm::Rsa2048,
        }
    }

    fn place<'a>(&'a self, settings: &'a Settings) -> Result<Place<'a>, Refusal> {
        match self.out.as_deref().or(settings.signing.directory.as_deref()) {
            Some(path) if path == Path::new("-") => Ok(Place::Output),
            Some(path) => Ok(Place::Folder(path)),
            None => Err(refuse(
                CANNOT_RUN,
                "where is the private key to go? Name a folder with --out, or standard output with `--out -`, or set \
                 signing.directory",
            )),
        }
    }

    /// Whether the selector is free. A key that is in use would be lost for whoever signs with it.
    fn look(&self, settings: &Settings, domain: &str, selector: &str) -> Result<(), Refusal> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| refuse(CANNOT_RUN, error))?;
        let found = runtime.block_on(async {
            let resolver =
                Resolver::new(&settings.dns, 0, OUTSTANDING).map_err(|error| refuse(CANNOT_RUN, error))?;
            is_free(&resolver, domain, selector).await.map_err(|unanswered| {
                let words = format!(
                    "DNS could not tell whether the selector {selector} is free: {} ({}); no key was made",
                    unanswered.name, unanswered.trouble
                );
                refuse(UNKNOWN, words)
            })
        });
        runtime.shutdown_background();
        let name = format!("{selector}._domainkey.{domain}");
        let what = match found? {
            None => return Ok(()),
            Some(Occupied::Record(text)) => format!("{name} has a record already: {}", shortened(&text)),
            Some(Occupied::Alias(target)) => format!("{name} is an alias of {} already", shortened(&target)),
        };
        Err(refuse(
            REFUSED,
            format!("{what}. Every key needs a name of its own; choose another with --selector"),
        ))
    }

    fn print(&self, document: &Document, to_error: bool) -> io::Result<()> {
        if self.json {
            let mut line = serde_json::to_vec(document)?;
            line.push(b'\n');
            return match to_error {
                true => text::json_stderr().write_all(&line),
                false => text::json_stdout().write_all(&line),
            };
        }
        let mut lines = Vec::new();
        document.write(&mut lines)?;
        match to_error {
            true => text::stderr().write_all(&lines),
            false => text::stdout().write_all(&lines),
        }
    }
}

enum Place<'a> {
    Folder(&'a Path),
    Output,
}

fn refuse(code: u8, words: impl ToString) -> Refusal {
    Refusal { code, words: words.to_string() }
}

fn signer(name: &str) -> Result<Signer, String> {
    Signer::named(name).ok_or_else(|| {
        let names: Vec<_> = Signer::ALL.iter().map(|signer| signer.name()).collect();
        format!("there is no such signer; there are {}", names.join(", "))
    })
}

/// A key that is there already is in use; anything else is about the disk.
fn not_created(error: KeyFileError) -> Refusal {
    let code = if matches!(error, KeyFileError::Exists { .. }) { REFUSED } else { CANNOT_RUN };
    refuse(code, error)
}

/// The beginning of what a stranger's record says.
fn shortened(record: &str) -> String {
    record.chars().map(text::visible).take(LONGEST_SHOWN).collect()
}

const REFUSED: u8 = 1;
const OUTSTANDING: usize = 10;
const LONGEST_SHOWN: usize = 200;
