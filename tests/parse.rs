//! `ruad parse` from outside: what it takes, what it prints, how it ends.
#![allow(clippy::unwrap_used, reason = "the helpers are tests, too")]

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use serde_json::Value;
use tempfile::TempDir;

const AGGREGATE: &str = "report/aggregate/rfc7489.xml";
const FAILURE: &str = "mail/arf-rfc9991.eml";
const MAIL: &str = "mail/google-whole-message-zip.eml";
const NO_REPORT: &str = "mail/ordinary-html.eml";
const TLS: &str = "mail/google-tls-report.eml";

#[test]
fn one_line_for_each_report_and_zero_when_every_input_gave_one() {
    let run = run(&[&fixture(AGGREGATE), &fixture(MAIL), &fixture(TLS), &fixture(FAILURE)], None);
    assert_eq!(run.code, 0);
    assert_eq!(run.kinds(), ["aggregate", "aggregate", "tls", "failure"]);
    assert_eq!(run.lines[0]["file"], fixture(AGGREGATE).display().to_string());
    assert_eq!(run.lines[1]["path"][0], "1", "the part of the mail comes first");
}

#[test]
fn one_when_an_input_gave_none() {
    for faulty in [fixture(NO_REPORT), fixture("report/aggregate/empty.xml")] {
        let run = run(&[&fixture(AGGREGATE), &faulty, &fixture(TLS)], None);
        assert_eq!((run.code, run.kinds()), (1, vec!["aggregate", "error", "tls"]), "{faulty:?}");
        let error = &run.lines[1]["error"];
        assert!(!error["code"].as_str().unwrap().contains(' '), "{error}");
        assert!(!error["message"].as_str().unwrap().is_empty(), "{error}");
    }
}

#[test]
fn two_for_wrong_usage() {
    let run = run(&[Path::new("--no-such-option")], None);
    assert_eq!((run.code, run.lines.len()), (2, 0));
}

#[test]
fn standard_input_is_read_without_a_file_and_for_a_dash() {
    for arguments in [&[][..], &[Path::new("-")]] {
        let run = run(arguments, Some(&fixture(MAIL)));
        assert_eq!((run.code, run.kinds()), (0, vec!["aggregate"]));
        assert_eq!(run.lines[0]["file"], "-");
    }
}

#[test]
fn every_message_of_an_mbox_counts() {
    let folder = TempDir::new().unwrap();
    let mbox = folder.path().join("reports.mbox");
    let mut bytes = Vec::new();
    for name in [MAIL, NO_REPORT, TLS] {
        bytes.extend_from_slice(b"From reporter@example.org Mon Nov  2 10:00:00 2026\n");
        bytes.extend_from_slice(&fs::read(fixture(name)).unwrap());
        bytes.extend_from_slice(b"\n\n");
    }
    fs::write(&mbox, &bytes).unwrap();
    for run in [run(&[&mbox], None), run(&[], Some(&mbox))] {
        assert_eq!((run.code, run.kinds()), (1, vec!["aggregate", "error", "tls"]));
        let numbers: Vec<_> = run.lines.iter().map(|line| line["message"].as_u64()).collect();
        assert_eq!(numbers, [Some(1), Some(2), Some(3)]);
    }
}

#[test]
fn a_maildir_is_read_but_not_what_is_still_being_written() {
    let folder = TempDir::new().unwrap();
    for (name, source) in [
        ("cur/1.host:2,S", MAIL),
        ("new/2.host", TLS),
        (".Archive/cur/3.host:2,S", FAILURE),
        ("tmp/4.host", AGGREGATE),
    ] {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::copy(fixture(source), path).unwrap();
    }
    let run = run(&[folder.path()], None);
    assert_eq!((run.code, run.kinds()), (0, vec!["aggregate", "tls"]));
}

#[test]
fn an_empty_folder_gave_no_report() {
    let folder = TempDir::new().unwrap();
    let run = run(&[folder.path()], None);
    assert_eq!((run.code, run.kinds()), (1, vec!["error"]));
}

#[test]
fn local_parts_are_kept_on_request_only() {
    let sender = |arguments: &[&Path]| {
        let run = run(arguments, None);
        run.lines[0]["report"]["original_mail_from"].as_str().unwrap().to_owned()
    };
    assert!(sender(&[&fixture(FAILURE)]).starts_with("redacted@"));
    let kept = sender(&[Path::new("--no-redact"), &fixture(FAILURE)]);
    assert!(kept.contains('@') && !kept.starts_with("redacted@"), "{kept}");
}

struct Run {
    code: i32,
    lines: Vec<Value>,
}

impl Run {
    fn kinds(&self) -> Vec<&str> {
        self.lines.iter().map(|line| line["kind"].as_str().unwrap()).collect()
    }
}

fn run(arguments: &[&Path], input: Option<&Path>) -> Run {
    let input = input.map_or(Stdio::null(), |path| File::open(path).unwrap().into());
    let output =
        Command::new(env!("CARGO_BIN_EXE_ruad")).arg("parse").args(arguments).stdin(input).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let lines = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    Run { code: output.status.code().unwrap(), lines }
}

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)
}

/// 1 says that something is not a report; what cannot be read is nothing that a report says.
#[test]
fn what_cannot_be_read_is_not_called_broken() {
    let folder = tempfile::tempdir().unwrap();
    let (report, junk) = (folder.path().join("report.xml"), folder.path().join("junk.xml"));
    fs::copy(
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/report/aggregate/rfc7489.xml"),
        &report,
    )
    .unwrap();
    fs::write(&junk, "a song").unwrap();
    let missing = folder.path().join("missing.xml");
    for (files, status) in [
        (&[&report][..], 0),
        (&[&missing], 2),
        (&[&report, &missing], 2),
        (&[&junk], 1),
        (&[&missing, &junk], 1),
        (&[&junk, &missing], 1),
    ] {
        let output = Command::new(env!("CARGO_BIN_EXE_ruad")).arg("parse").args(files).output().unwrap();
        assert_eq!(output.status.code(), Some(status), "{files:?}: {output:?}");
    }
}
