//! `ruad report` as people run it.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Output,
};

use ruad::store::Store;
use tokio::process::Command;

use crate::{
    engine::Engine,
    sample::{self, keep_sample},
};

#[tokio::test]
async fn a_document_in_both_languages() {
    let desk = Desk::new(true).await;
    for (language, words) in [("en", "October 2026"), ("nl", "oktober 2026")] {
        let file = desk.folder.path().join(format!("report-{language}.html"));
        let out = file.to_str().unwrap();
        let arguments =
            ["--group", "lindenhof", "--month", "2026-10", "--lang", language, "--by", sample::MADE_BY];
        let output = desk.report(&[&arguments[..], &["--out", out]].concat()).await;
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        let html = fs::read_to_string(&file).unwrap();
        for text in [words, "Lindenhof Zorggroep", sample::MADE_BY, "lindenhof-fonds.example"] {
            assert!(html.contains(text), "{text}");
        }
        assert_eq!(html.matches("<section class=\"domain").count(), 4);
        let body = html.split("</style>").nth(1).unwrap();
        assert!(!body.contains("review.") && !body.contains('{'), "a text is missing");
        keep_for_pictures(&format!("report-{language}.html"), html.as_bytes());
    }
}

#[tokio::test]
async fn one_domain_on_standard_output() {
    let desk = Desk::new(true).await;
    let output = desk.report(&["--domain", "Zorgthuis.example.", "--month", "2026-10", "--out", "-"]).await;
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let html = String::from_utf8(output.stdout).unwrap();
    assert!(html.starts_with("<!DOCTYPE html>") && html.contains("RUAD-2026-0047"));
    assert!(!html.contains("lindenhof"));
}

#[tokio::test]
async fn a_month_of_which_nothing_is_known() {
    let desk = Desk::new(false).await;
    let output = desk.report(&["--group", "quiet", "--month", "2025-02", "--lang", "nl", "--out", "-"]).await;
    assert_eq!(output.status.code(), Some(3), "{output:?}");
    let html = String::from_utf8(output.stdout).unwrap();
    assert!(html.contains("geen rapporten binnengekomen"), "{html}");
    assert!(String::from_utf8(output.stderr).unwrap().contains("nothing is known"));
}

#[tokio::test]
async fn a_wrong_command_line_says_what_is_right() {
    let desk = Desk::new(false).await;
    for (arguments, words) in [
        (["--group", "nobody", "--out", "-"], "lindenhof, quiet"),
        (["--domain", "nobody.example", "--out", "-"], "not in the registry"),
        (["--group", "quiet", "--out", "a.docx"], ".html"),
    ] {
        let output = desk.report(&arguments).await;
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains(words), "{said}");
    }
    for month in ["2148-01", "2026-13"] {
        let output = desk.report(&["--group", "quiet", "--month", month, "--out", "-"]).await;
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains(month), "{said}");
    }
}

#[tokio::test]
async fn a_store_that_does_not_answer_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let desk = Desk { config: configuration(folder.path(), "http://127.0.0.1:1", "nowhere"), folder };
    let output = desk.report(&["--group", "quiet", "--out", "-"]).await;
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("http://127.0.0.1:1"), "{said}");
}

#[tokio::test]
async fn without_a_browser_it_says_what_to_install() {
    let desk = Desk::new(true).await;
    let file = desk.folder.path().join("report.pdf");
    let arguments = ["--group", "lindenhof", "--month", "2026-10", "--out", file.to_str().unwrap()];
    let output = desk.command(&arguments).env("PATH", desk.folder.path()).output().await.unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("install chromium"), "{said}");
    assert!(!file.exists());
}

#[tokio::test]
async fn a_pdf_when_there_is_a_browser() {
    if ruad::review::pdf::browser().is_none() {
        eprintln!("no browser: not tested");
        return;
    }
    let desk = Desk::new(true).await;
    let file = desk.folder.path().join("report.pdf");
    let arguments = ["--group", "lindenhof", "--month", "2026-10", "--by", sample::MADE_BY];
    let output = desk.report(&[&arguments[..], &["--out", file.to_str().unwrap()]].concat()).await;
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let pdf = fs::read(&file).unwrap();
    assert!(pdf.starts_with(b"%PDF-") && pdf.len() > 20_000, "{}", pdf.len());
    keep_for_pictures("report.pdf", &pdf);
}

/// A configuration and a registry, with a database of its own.
struct Desk {
    config: PathBuf,
    folder: tempfile::TempDir,
}

impl Desk {
    async fn new(with_sample: bool) -> Self {
        let settings = Engine::shared().settings();
        let store = Store::connect(&settings).unwrap();
        store.migrate().await.unwrap();
        if with_sample {
            keep_sample(&store).await;
        }
        let folder = tempfile::tempdir().unwrap();
        let login = settings.user.as_deref().zip(settings.password.as_ref());
        let config = configuration(folder.path(), settings.url.as_ref().unwrap(), &settings.database);
        let (user, password) = login.unwrap();
        let text = fs::read_to_string(&config).unwrap();
        let login = format!("[clickhouse]\nuser = {user:?}\npassword = {:?}\n", password.reveal());
        fs::write(&config, text.replace("[clickhouse]\n", &login)).unwrap();
        Self { config, folder }
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ruad"));
        command.arg("report").arg("--config").arg(&self.config).args(arguments);
        command
    }

    async fn report(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().await.unwrap()
    }
}

fn configuration(folder: &Path, url: &str, database: &str) -> PathBuf {
    let registry = folder.join("domains.toml");
    fs::write(&registry, sample::REGISTRY).unwrap();
    let config = folder.join("ruad.toml");
    let text =
        format!("[clickhouse]\nurl = {url:?}\ndatabase = {database:?}\n[domains]\nfile = {registry:?}\n");
    fs::write(&config, text).unwrap();
    config
}

/// With `RUAD_SAMPLES=folder` the documents stay, to be looked at.
fn keep_for_pictures(name: &str, document: &[u8]) {
    if let Some(folder) = std::env::var_os("RUAD_SAMPLES") {
        fs::create_dir_all(&folder).unwrap();
        fs::write(Path::new(&folder).join(name), document).unwrap();
    }
}
