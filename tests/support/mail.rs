//! What a walk found, as text that tests compare.

use std::fmt::Write as _;
use std::io::BufRead;

use ruad_report::failure;
use ruad_report::mail::{self, Content, Found, Limits, MailError};

/// The findings in a message, a line each.
pub(crate) fn walked(mut message: impl BufRead, limits: &Limits) -> String {
    let mut lines = String::new();
    mail::walk(&mut message, limits, &mut |found| describe(&mut lines, found)).expect("a readable message");
    lines
}

/// The findings in a file, a line each.
pub(crate) fn opened(mut file: impl BufRead, limits: &Limits) -> String {
    let mut lines = String::new();
    mail::open(&mut file, "file", limits, &mut |found| describe(&mut lines, found)).expect("a readable file");
    lines
}

fn describe(lines: &mut String, found: Found<'_>) {
    let path = found.path.join(" > ");
    match found.content {
        Content::Aggregate(input) => {
            writeln!(lines, "aggregate [{path}] {}", stream(input, "<report_id>", "<"))
        }
        Content::Tls(input) => writeln!(lines, "tls [{path}] {}", stream(input, "\"report-id\":\"", "\"")),
        Content::Failure(parts) => writeln!(lines, "failure [{path}] {}", failure(parts)),
        Content::Refused(error) => writeln!(lines, "refused [{path}] {}: {error}", error.code()),
    }
    .expect("a string takes everything");
}

/// The report's id between two marks, and how the stream ended.
fn stream(input: &mut dyn BufRead, before: &str, after: &str) -> String {
    let mut bytes = Vec::new();
    let outcome = input.read_to_end(&mut bytes);
    let text = String::from_utf8_lossy(&bytes).replace('\0', "");
    let id = text.split_once(before).and_then(|(_, rest)| rest.split_once(after)).map_or("-", |(id, _)| id);
    let end = match &outcome {
        Ok(_) if text.contains("<feedback") && !text.trim_end().ends_with("</feedback>") => "cut".to_owned(),
        Ok(_) => "whole".to_owned(),
        Err(error) => {
            MailError::of(error).map_or_else(|| error.to_string(), |own| format!("{}: {own}", own.code()))
        }
    };
    format!("id={id} {end}")
}

fn failure(parts: &failure::Parts) -> String {
    match failure::read(parts, &ruad_report::Limits::default()) {
        Ok(report) => {
            let warnings: Vec<_> = report.warnings.iter().map(|warning| warning.code).collect();
            format!(
                "{}\n    warnings {warnings:?}",
                serde_json::to_string_pretty(&report).expect("it serialises")
            )
        }
        Err(error) => error.to_string(),
    }
}
