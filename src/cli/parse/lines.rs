//! The JSON lines that `ruad parse` prints.

use std::{
    io::{self, Seek, Write},
    process::ExitCode,
};

use ruad::intake::read::{Refusal, Visitor};
use ruad_report::{
    Warning,
    aggregate::{Aggregate, Format, Record},
    failure::FailureReport,
    tls::TlsReport,
};
use serde::Serialize;
use tempfile::SpooledTempFile;

use crate::cli::CANNOT_RUN;

/// Writes one line for everything a file holds, and remembers whether every input gave a report.
///
/// The records of an aggregate report arrive before it is known whether the report is whole, so they wait
/// beside the output, beyond [`IN_MEMORY`] on disk.
pub(super) struct Lines<W> {
    output: W,
    redact: bool,
    file: String,
    message: Option<u64>,
    records: SpooledTempFile,
    record_count: u64,
    /// The record being written: a serializer writes it in small pieces, and a file should get it in one.
    record: Vec<u8>,
    gave_report: bool,
    all_gave_reports: bool,
    all_could_be_read: bool,
    /// The first failure to write; a [`Visitor`] has no way to stop its caller.
    failed: io::Result<()>,
}

impl<W: Write> Lines<W> {
    pub(super) fn new(output: W, redact: bool) -> Self {
        Self {
            output,
            redact,
            file: String::new(),
            message: None,
            records: SpooledTempFile::new(IN_MEMORY),
            record_count: 0,
            record: Vec::new(),
            gave_report: false,
            all_gave_reports: true,
            all_could_be_read: true,
            failed: Ok(()),
        }
    }

    /// What follows comes from `file`, and there from its `message`-th mail where it is an mbox.
    pub(super) fn begin(&mut self, file: &str, message: Option<u64>) {
        file.clone_into(&mut self.file);
        self.message = message;
        self.gave_report = false;
    }

    /// The input that [`Lines::begin`] announced is read.
    pub(super) fn end(&mut self) -> io::Result<()> {
        self.all_gave_reports &= self.gave_report;
        std::mem::replace(&mut self.failed, Ok(()))
    }

    /// `file` could not be opened, listed or read to its end.
    pub(super) fn unreadable(&mut self, file: &str, error: &io::Error) -> io::Result<()> {
        self.all_could_be_read = false;
        self.begin(file, None);
        self.refused(&[], Refusal { code: "unreadable", message: error.to_string() });
        std::mem::replace(&mut self.failed, Ok(()))
    }

    /// The folder `file` has nothing in it.
    pub(super) fn empty(&mut self, file: &str) -> io::Result<()> {
        self.begin(file, None);
        self.refused(&[], Refusal { code: "not_a_report", message: "the folder holds no file".to_owned() });
        self.end()
    }

    /// Flushes; gives the exit status. That an input is not a report is certain and outweighs one that cannot be read.
    pub(super) fn finish(mut self) -> io::Result<ExitCode> {
        self.output.flush()?;
        Ok(match (self.all_gave_reports, self.all_could_be_read) {
            (false, _) => ExitCode::from(NOT_A_REPORT),
            (true, false) => ExitCode::from(CANNOT_RUN),
            (true, true) => ExitCode::SUCCESS,
        })
    }

    fn write_line(&mut self, path: &[String], kind: &'static str, rest: impl Serialize) {
        let line = self.line(path, kind, rest);
        self.attempt(|this| writeln!(this.output, "{}", line?));
    }

    fn write_aggregate(&mut self, path: &[String], report: &Aggregate) -> io::Result<()> {
        let Aggregate { format, namespace, warnings, .. } = report;
        let head =
            self.line(path, "aggregate", AggregateHead { format: *format, namespace: namespace.as_deref() })?;
        let body = serde_json::to_string(report)?;
        // Both are objects with something in them, so each can be opened at its closing brace.
        let head = head.strip_suffix('}').unwrap_or(&head);
        let body = body.strip_suffix('}').unwrap_or(&body);
        write!(self.output, "{head},\"report\":{body},\"records\":[")?;
        self.records.rewind()?;
        io::copy(&mut self.records, &mut self.output)?;
        writeln!(self.output, "]}},\"warnings\":{}}}", serde_json::to_string(warnings)?)
    }

    fn line(&self, path: &[String], kind: &'static str, rest: impl Serialize) -> serde_json::Result<String> {
        serde_json::to_string(&Line { file: &self.file, message: self.message, path, kind, rest })
    }

    fn forget_records(&mut self) {
        self.record_count = 0;
        self.attempt(|this| {
            this.records.rewind()?;
            this.records.set_len(0)
        });
    }

    fn attempt(&mut self, step: impl FnOnce(&mut Self) -> io::Result<()>) {
        if self.failed.is_ok() {
            self.failed = step(self);
        }
    }
}

impl<W: Write> Visitor for Lines<W> {
    fn record(&mut self, _: &[String], record: &Record) {
        self.attempt(|this| {
            this.record.clear();
            if this.record_count > 0 {
                this.record.push(b',');
            }
            this.record_count += 1;
            serde_json::to_writer(&mut this.record, record)?;
            this.records.write_all(&this.record)
        });
    }

    fn aggregate(&mut self, path: &[String], report: Aggregate) {
        self.gave_report = true;
        self.attempt(|this| this.write_aggregate(path, &report));
        self.forget_records();
    }

    fn tls(&mut self, path: &[String], report: TlsReport) {
        self.gave_report = true;
        self.write_line(path, "tls", Whole { report: &report, warnings: &report.warnings });
    }

    fn failure(&mut self, path: &[String], mut report: FailureReport) {
        self.gave_report = true;
        if self.redact {
            report.redact();
        }
        self.write_line(path, "failure", Whole { report: &report, warnings: &report.warnings });
    }

    fn refused(&mut self, path: &[String], refusal: Refusal) {
        self.forget_records();
        let error = ErrorText { code: refusal.code, message: &refusal.message };
        self.write_line(path, "error", Failed { error });
    }
}

#[derive(Serialize)]
struct Line<'a, R> {
    file: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<u64>,
    path: &'a [String],
    kind: &'static str,
    #[serde(flatten)]
    rest: R,
}

#[derive(Serialize)]
struct AggregateHead<'a> {
    format: Format,
    namespace: Option<&'a str>,
}

#[derive(Serialize)]
struct Whole<'a, R> {
    report: &'a R,
    warnings: &'a [Warning],
}

#[derive(Serialize)]
struct Failed<'a> {
    error: ErrorText<'a>,
}

#[derive(Serialize)]
struct ErrorText<'a> {
    code: &'static str,
    message: &'a str,
}

/// Room for the JSON of some 20,000 records; a larger report's wait on disk.
/// An input is not a report.
const NOT_A_REPORT: u8 = 1;
const IN_MEMORY: usize = 8 * 1024 * 1024;
