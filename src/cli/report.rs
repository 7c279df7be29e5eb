//! `ruad report`: the customer's document.

use ruad_common::domain_name;
use ruad_common::time::unix_seconds;
use std::{
    io::{self, Write},
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context, bail};
use clap::Args;
use ruad::{
    config::Settings,
    review::{Month, Request, Review, pdf},
};
use ruad_common::{text, texts::Language};
use ruad_registry::Registry;

use super::CANNOT_RUN;

/// Write the monthly report for a customer.
///
/// Exit status: 0 = written, 2 = could not run, 3 = written, but there is no data for the month.
#[derive(Args, Debug)]
pub(crate) struct Report {
    /// The group (customer) of the registry.
    #[arg(long, value_name = "NAME", required_unless_present = "domain", conflicts_with = "domain")]
    group: Option<String>,

    /// One domain of the registry instead of a group.
    #[arg(long)]
    domain: Option<String>,

    /// The month, such as 2026-10; last month by default.
    #[arg(long, value_name = "YYYY-MM")]
    month: Option<Month>,

    /// The language: en or nl.
    #[arg(long = "lang", value_name = "CODE", default_value = "en")]
    language: Language,

    /// The name of your company, for the first page.
    #[arg(long, value_name = "NAME")]
    by: Option<String>,

    /// The output file, ending in .html or .pdf, or `-` for HTML on standard output.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,

    /// The browser that renders the PDF; chromium or google-chrome by default.
    #[arg(long, value_name = "PROGRAM")]
    browser: Option<PathBuf>,

    #[command(flatten)]
    configuration: super::Configuration,
}

/// What is written.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Form {
    Html,
    Pdf,
}

impl Report {
    pub(crate) fn run(self) -> anyhow::Result<ExitCode> {
        let settings = self.configuration.load()?;
        let today = today();
        let asked = self.asked(&settings, today);
        let (form, registry, month, title, domains) = match asked {
            Ok(asked) => asked,
            Err(error) => {
                super::complain(&format_args!("{error:#}"));
                return Ok(ExitCode::from(CANNOT_RUN));
            }
        };
        let names: Vec<_> = domains.iter().map(String::as_str).collect();
        let request = Request { title: &title, domains: &names, month, today, made_by: self.by.as_deref() };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let review = runtime.block_on(async {
            let store = super::store::connect(&settings).await?;
            anyhow::Ok(Review::gather(&store, &registry, &request).await?)
        })?;
        let html = review.html(self.language);
        let document = match form {
            Form::Html => html.into_bytes(),
            Form::Pdf => runtime.block_on(pdf::print(&html, self.browser.as_deref()))?,
        };
        self.write(&document)?;
        if review.domains.iter().all(ruad::review::Domain::is_blank) {
            super::complain(&format_args!("nothing is known about {title} in {month}; the document says so"));
            return Ok(ExitCode::from(NOTHING_KNOWN));
        }
        Ok(ExitCode::SUCCESS)
    }

    /// What the command line asks for, when it makes sense.
    fn asked(
        &self,
        settings: &Settings,
        today: u32,
    ) -> anyhow::Result<(Form, Registry, Month, String, Vec<String>)> {
        let form = form(&self.out)?;
        let month = self.month.unwrap_or_else(|| Month::of(today).before());
        if month > Month::of(today) {
            bail!("{month} has not begun yet");
        }
        let Some(file) = &settings.domains.file else {
            bail!("domains.file is not set: a document is made for a group or a domain of the registry");
        };
        let registry = Registry::load(file).with_context(|| file.display().to_string())?;
        let (title, domains) = match (&self.group, &self.domain) {
            (Some(group), _) => group_of(&registry, group)?,
            (None, Some(domain)) => domain_of(&registry, domain)?,
            (None, None) => bail!("a document is made for a --group or a --domain"),
        };
        Ok((form, registry, month, title, domains))
    }

    /// A file is there as a whole or not at all.
    fn write(&self, document: &[u8]) -> anyhow::Result<()> {
        if self.out.as_os_str() == "-" {
            let mut out = text::exact_stdout();
            return match out.write_all(document).and_then(|()| out.flush()) {
                Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
                outcome => Ok(outcome?),
            };
        }
        let folder =
            self.out.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let write = || {
            let mut file = tempfile::NamedTempFile::new_in(folder)?;
            file.write_all(document)?;
            // A temporary file is for its owner alone; a document is as others of the user are.
            #[cfg(unix)]
            {
                use std::os::unix::fs::PermissionsExt;
                file.as_file().set_permissions(std::fs::Permissions::from_mode(0o644))?;
            }
            file.persist(&self.out).map_err(|error| error.error)?;
            io::Result::Ok(())
        };
        write().with_context(|| format!("cannot write {}", self.out.display()))
    }
}

fn form(out: &Path) -> anyhow::Result<Form> {
    if out.as_os_str() == "-" {
        return Ok(Form::Html);
    }
    let end = out.extension().map(|end| end.to_string_lossy().to_ascii_lowercase());
    match end.as_deref() {
        Some("html" | "htm") => Ok(Form::Html),
        Some("pdf") => Ok(Form::Pdf),
        _ => bail!("--out {} ends neither in .html nor in .pdf", out.display()),
    }
}

fn group_of(registry: &Registry, name: &str) -> anyhow::Result<(String, Vec<String>)> {
    let Some((_, title)) = registry.groups().find(|(known, _)| *known == name) else {
        let groups: Vec<_> = registry.groups().map(|(known, _)| known).collect();
        bail!("there is no group {name:?}; there are {}", few(&groups));
    };
    let mut domains: Vec<_> = registry
        .domains()
        .filter(|(_, group, _)| *group == name)
        .map(|(domain, _, _)| domain.to_owned())
        .collect();
    if domains.is_empty() {
        bail!("the group {name:?} has no domains");
    }
    domains.sort();
    Ok((title.to_owned(), domains))
}

fn domain_of(registry: &Registry, name: &str) -> anyhow::Result<(String, Vec<String>)> {
    let Some(domain) = domain_name::normalize(name) else { bail!("{name:?} is not a domain name") };
    if !registry.domains().any(|(listed, _, _)| listed == domain) {
        bail!("{domain} is not in the registry");
    }
    Ok((domain.clone(), vec![domain]))
}

/// Names for an error; not hundreds of them.
fn few(names: &[&str]) -> String {
    match names {
        [] => "none".to_owned(),
        [.., _] if names.len() <= MOST_NAMES => names.join(", "),
        _ => format!(
            "{} and {} more",
            names.iter().take(MOST_NAMES).copied().collect::<Vec<_>>().join(", "),
            names.len() - MOST_NAMES
        ),
    }
}

fn today() -> u32 {
    let seconds = unix_seconds();
    u32::try_from(seconds / 86_400).unwrap_or(u32::MAX)
}

const NOTHING_KNOWN: u8 = 3;
const MOST_NAMES: usize = 30;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_name_says_what_is_written() {
        for (name, wanted) in [("-", Form::Html), ("a.html", Form::Html), ("b/a.PDF", Form::Pdf)] {
            assert_eq!(form(Path::new(name)).unwrap(), wanted);
        }
        for name in ["a", "a.docx", "pdf"] {
            assert!(form(Path::new(name)).unwrap_err().to_string().contains(name));
        }
    }

    #[test]
    fn what_is_unknown_is_named_with_what_there_is() {
        let text = "[[group]]\nname = \"acme\"\ntitle = \"Acme B.V.\"\ndomains = [\"b.example\", \"a.example\"]\n\
                    [[group]]\nname = \"globex\"\ndomains = []\n";
        let registry = Registry::parse(text, "domains.toml").unwrap();
        let (title, domains) = group_of(&registry, "acme").unwrap();
        assert_eq!(
            (title.as_str(), domains),
            ("Acme B.V.", vec!["a.example".to_owned(), "b.example".to_owned()])
        );
        let error = group_of(&registry, "acne").unwrap_err().to_string();
        assert!(error.contains("\"acne\"") && error.contains("acme, globex"), "{error}");
        assert!(domain_of(&registry, "A.example.").is_ok());
        assert!(domain_of(&registry, "c.example").unwrap_err().to_string().contains("c.example"));
        let many: Vec<_> = std::iter::repeat_n("g", 40).collect();
        assert!(few(&many).ends_with("and 10 more"));
    }
}
