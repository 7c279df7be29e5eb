//! A document as PDF, printed by a Chromium without a window.
//!
//! The document needs nothing from elsewhere, and the browser is kept from asking: it gets a profile of its own that is thrown
//! away, and no name resolves for it.

use std::{
    env, io,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use thiserror::Error;
use tokio::{process::Command, time::timeout};

/// Why there is no PDF.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum PdfError {
    /// There is no browser.
    #[error(
        "no browser to print with: install chromium or google-chrome (on Debian: apt install chromium), or write an HTML \
         file and print it from any browser"
    )]
    NoBrowser,
    /// A file cannot be written or read, or the browser not be started.
    #[error("cannot print with {}", browser.display())]
    Io {
        /// The browser.
        browser: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The browser does not come to an end.
    #[error("{} did not print within {seconds} s", browser.display())]
    Timeout {
        /// The browser.
        browser: PathBuf,
        /// The limit.
        seconds: u64,
    },
    /// It ended without a document.
    #[error("{} printed nothing: {said}", browser.display())]
    Nothing {
        /// The browser.
        browser: PathBuf,
        /// The end of what it said.
        said: String,
    },
}

/// The first browser in `PATH` that can print.
pub fn browser() -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    let folders: Vec<_> = env::split_paths(&path).collect();
    BROWSERS
        .iter()
        .find_map(|name| folders.iter().map(|folder| folder.join(name)).find(|file| file.is_file()))
}

/// Prints a document; the answer is the PDF.
///
/// # Errors
///
/// [`PdfError`].
pub async fn print(html: &str, browser: Option<&Path>) -> Result<Vec<u8>, PdfError> {
    let browser = browser.map(Path::to_owned).or_else(self::browser).ok_or(PdfError::NoBrowser)?;
    let failed = |source| PdfError::Io { browser: browser.clone(), source };
    let folder = tempfile::tempdir().map_err(failed)?;
    let [page, pdf, profile] = ["page.html", "page.pdf", "profile"].map(|name| folder.path().join(name));
    std::fs::write(&page, html).map_err(failed)?;
    let mut command = Command::new(&browser);
    command.args(ARGUMENTS);
    // Chromium's sandbox refuses to run as root. The page is our own and has no script.
    if rustix::process::geteuid().is_root() {
        command.arg("--no-sandbox");
    }
    command
        .arg(argument("--user-data-dir=", &profile))
        .arg(argument("--print-to-pdf=", &pdf))
        .arg(argument("file://", &page))
        .env("HOME", folder.path())
        .current_dir(folder.path())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    let child = command.spawn().map_err(failed)?;
    let output = match timeout(PATIENCE, child.wait_with_output()).await {
        Ok(output) => output.map_err(failed)?,
        Err(_) => return Err(PdfError::Timeout { browser, seconds: PATIENCE.as_secs() }),
    };
    match std::fs::read(&pdf) {
        Ok(bytes) if bytes.starts_with(b"%PDF-") => Ok(bytes),
        _ => {
            let said = String::from_utf8_lossy(&output.stderr);
            let last = said.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("and said nothing");
            Err(PdfError::Nothing { browser, said: last.trim().chars().take(LONGEST_LINE).collect() })
        }
    }
}

fn argument(name: &str, path: &Path) -> std::ffi::OsString {
    let mut argument = std::ffi::OsString::from(name);
    argument.push(path);
    argument
}

const BROWSERS: [&str; 5] =
    ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome-headless-shell"];

const ARGUMENTS: [&str; 11] = [
    "--headless",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-extensions",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--no-default-browser-check",
    "--host-resolver-rules=MAP * ~NOTFOUND",
    "--no-pdf-header-footer",
];

const PATIENCE: Duration = Duration::from_secs(90);
const LONGEST_LINE: usize = 300;

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_browser_that_prints_nothing_is_named() {
        let error = print("<p>", Some(Path::new("/bin/false"))).await.unwrap_err();
        assert!(matches!(error, PdfError::Nothing { .. }), "{error}");
        assert!(error.to_string().contains("/bin/false"), "{error}");
        let error = print("<p>", Some(Path::new("/nowhere/chromium"))).await.unwrap_err();
        assert!(matches!(error, PdfError::Io { .. }), "{error}");
    }
}
