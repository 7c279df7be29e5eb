//! Metrics that are written from what is known at the moment, so that a domain's series go when it does; a metrics registry
//! would keep them.

use std::{fmt::Display, fmt::Write as _, sync::Arc};

use ruad_common::text::is_invisible;

/// All series of one metric, of rows of one kind.
pub(crate) struct Family<R: 'static> {
    /// Its name.
    pub(crate) name: &'static str,
    /// What it tells.
    pub(crate) help: &'static str,
    /// Writes the series of one row.
    pub(crate) write: fn(&R, &mut Series<'_>),
}

/// Where the series of one row of one metric go.
pub(crate) struct Series<'a> {
    name: &'static str,
    out: &'a mut String,
}

/// The page in pieces: all series of one metric stand together, as the format wants it.
pub(crate) fn pieces<R: Send + Sync>(
    families: &'static [Family<R>],
    rows: Vec<R>,
) -> impl Iterator<Item = String> + Send {
    let rows: Arc<[R]> = rows.into();
    families.iter().flat_map(move |family| {
        let rows = rows.clone();
        let head = format!("# HELP {} {}\n# TYPE {} gauge\n", family.name, family.help, family.name);
        let count = rows.len().div_ceil(ROWS_AT_ONCE);
        let pieces = (0..count).map(move |piece| {
            let mut text = String::new();
            for row in rows.iter().skip(piece * ROWS_AT_ONCE).take(ROWS_AT_ONCE) {
                (family.write)(row, &mut Series { name: family.name, out: &mut text });
            }
            text
        });
        std::iter::once(head).chain(pieces)
    })
}

/// `domain="…",group="…"`.
pub(crate) fn labels(domain: &str, group: &str) -> String {
    format!("domain=\"{}\",group=\"{}\"", escaped(domain), escaped(group))
}

/// A label's value that somebody else wrote: without control characters, cut where it gets long, and escaped.
pub(crate) fn foreign(value: &str) -> String {
    let short: String = value.chars().filter(|c| !is_invisible(*c)).take(LONGEST).collect();
    escaped(&short)
}

/// As a label's value has to be written.
pub(crate) fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

impl Series<'_> {
    /// Adds a sample with the labels of its domain, and these.
    pub(crate) fn add(&mut self, labels: &str, rest: &str, value: impl Display) {
        let separator = if rest.is_empty() { "" } else { "," };
        // Writing to a string does not fail.
        writeln!(self.out, "{}{{{labels}{separator}{rest}}} {value}", self.name).unwrap_or_default();
    }

    /// Adds a sample when there is a value.
    pub(crate) fn number(&mut self, labels: &str, value: Option<impl Display>) {
        if let Some(value) = value {
            self.add(labels, "", value);
        }
    }
}

const ROWS_AT_ONCE: usize = 100;
const LONGEST: usize = 120;
