//! Every fixture under `tests/fixtures/report` against what it should come out as, kept beside it in
//! `expected`.
//!
//! The fixtures are written for this project; each shows one thing reporters do. After a change that is meant
//! to be seen: `INSTA_UPDATE=always cargo test --test report_fixtures`, and read the difference.

#![allow(clippy::unwrap_used, reason = "a test")]

use std::{fs, path::Path};

use ruad_report::{Limits, ReportError, Warning, aggregate, tls};
use serde::Serialize;
use serde_json::{Value, json};

#[test]
fn aggregate_reports() {
    each_fixture("aggregate", |bytes| {
        let mut records = Vec::new();
        let report = aggregate::read(bytes, &Limits::default(), |record| records.push(value(record)))?;
        let count = records.len() as u64;
        assert_eq!(report.records, count);
        let mut members = value(&report);
        members["records"] = records.into();
        Ok(output(
            json!({ "format": report.format, "namespace": report.namespace }),
            members,
            &report.warnings,
            report.content_hash,
        ))
    });
}

#[test]
fn tls_reports() {
    each_fixture("tls", |bytes| {
        let report = tls::read(bytes, &Limits::default())?;
        Ok(output(json!({}), value(&report), &report.warnings, report.content_hash()))
    });
}

fn each_fixture(kind: &str, read: impl Fn(&[u8]) -> Result<Value, ReportError>) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/report").join(kind);
    let mut names: Vec<_> = fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.retain(|name| name.contains('.'));
    names.sort();
    assert!(names.len() > 20, "{kind} has no fixtures");
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(folder.join("expected"));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    for name in names {
        let bytes = fs::read(folder.join(&name)).unwrap();
        let output = read(&bytes).unwrap_or_else(
            |error| json!({ "error": { "code": error.code(), "message": error.to_string() } }),
        );
        settings.bind(|| insta::assert_json_snapshot!(name.as_str(), output));
    }
}

fn output(mut head: Value, report: Value, warnings: &[Warning], hash: u128) -> Value {
    head["report"] = report;
    head["warnings"] = value(warnings);
    head["content_hash"] = format!("{hash:032x}").into();
    head
}

fn value<T: Serialize + ?Sized>(of: &T) -> Value {
    serde_json::to_value(of).unwrap()
}
