//! What is printed about a new key: everything but the key.

use std::{
    io::{self, Write},
    path::{Path, PathBuf},
};

use ruad::signing::{Algorithm, KEEP_DAYS, KeyRecord, Signer, Snippet, rotation};
use serde::Serialize;

use crate::cli::style::{BOLD, DIM, Painted};

#[derive(Serialize)]
pub(super) struct Document {
    domain: String,
    selector: String,
    algorithm: Algorithm,
    /// Where the private key is; nothing when it went to standard output.
    private_key: Option<PathBuf>,
    record: KeyRecord,
    /// The value in pieces of at most 255 bytes.
    strings: Vec<String>,
    zone_line: String,
    check: String,
    signers: Vec<Snippet>,
    steps: Vec<String>,
    keep_days: u32,
}

impl Document {
    pub(super) fn new(
        domain: &str,
        selector: &str,
        algorithm: Algorithm,
        record: KeyRecord,
        path: Option<&Path>,
        signers: &[Signer],
    ) -> Self {
        // A program that runs elsewhere needs a whole path.
        let path = path.map(|path| std::path::absolute(path).unwrap_or_else(|_| path.to_owned()));
        let shown =
            path.clone().unwrap_or_else(|| PathBuf::from(format!("/path/to/{domain}.{selector}.key")));
        Self {
            domain: domain.to_owned(),
            selector: selector.to_owned(),
            algorithm,
            private_key: path,
            strings: record.strings().map(str::to_owned).collect(),
            zone_line: record.zone_line(),
            record,
            check: format!("ruad check {domain} --selector {selector}"),
            signers: signers
                .iter()
                .map(|signer| signer.snippet(domain, selector, algorithm, &shown))
                .collect(),
            steps: rotation(domain, selector, None),
            keep_days: KEEP_DAYS,
        }
    }

    pub(super) fn write(&self, out: &mut impl Write) -> io::Result<()> {
        let title = format!("{}: a new key, selector {}", self.domain, self.selector);
        writeln!(out, "{} ({})\n", Painted(&title, BOLD), self.algorithm.title())?;
        self.key(out)?;
        self.publish(out)?;
        writeln!(out, "{}", Painted("Check that it can be seen", BOLD))?;
        writeln!(out, "  {}\n", self.check)?;
        for snippet in &self.signers {
            sign(out, snippet)?;
        }
        writeln!(out, "{}", Painted("From the old key to the new", BOLD))?;
        for (number, step) in (1..).zip(&self.steps) {
            wrapped(out, &format!("  {number}. "), step)?;
        }
        Ok(())
    }

    fn key(&self, out: &mut impl Write) -> io::Result<()> {
        writeln!(out, "{}", Painted("The private key", BOLD))?;
        match &self.private_key {
            Some(path) => {
                writeln!(out, "  {}", path.display())?;
                wrapped(
                    out,
                    "  ",
                    "Only its owner can read it, and there is no other copy. Only the signer needs it.",
                )?;
            }
            None => {
                wrapped(
                    out,
                    "  ",
                    "It went to standard output, and there is no other copy. Only the signer needs it.",
                )?;
            }
        }
        if self.algorithm == Algorithm::Ed25519 {
            wrapped(
                out,
                "  ",
                "Many receivers cannot verify Ed25519 yet and take such a signature for none: sign with an RSA key as well.",
            )?;
        }
        writeln!(out)
    }

    fn publish(&self, out: &mut impl Write) -> io::Result<()> {
        let KeyRecord { name, kind, ttl, value } = &self.record;
        writeln!(out, "{}", Painted("Publish this record", BOLD))?;
        writeln!(out, "  {}\n", self.zone_line)?;
        wrapped(
            out,
            "  ",
            "Where there is a form in place of a zone file (many forms add the domain to the name by themselves):",
        )?;
        for (label, text) in
            [("name", name.as_str()), ("type", kind), ("TTL", &ttl.to_string()), ("value", value)]
        {
            writeln!(out, "  {} {text}", Painted(&format!("{label:<6}"), DIM))?;
        }
        writeln!(out)
    }
}

fn sign(out: &mut impl Write, snippet: &Snippet) -> io::Result<()> {
    writeln!(out, "{}", Painted(&format!("Sign with it: {}", snippet.signer.title()), BOLD))?;
    wrapped(out, "  ", &snippet.words)?;
    for (file, text) in &snippet.files {
        writeln!(out, "  {}", Painted(file, DIM))?;
        text.lines().try_for_each(|line| writeln!(out, "    {line}"))?;
    }
    if !snippet.commands.is_empty() {
        writeln!(out, "  {}", Painted("then", DIM))?;
        snippet.commands.iter().try_for_each(|command| writeln!(out, "    {command}"))?;
    }
    writeln!(out)
}

/// Words in lines that a terminal holds, the first one after `first`.
fn wrapped(out: &mut impl Write, first: &str, text: &str) -> io::Result<()> {
    let indent = " ".repeat(first.len());
    let mut line = first.to_owned();
    for word in text.split_whitespace() {
        if line.chars().count() + word.chars().count() > WIDTH && line.trim() != first.trim() {
            writeln!(out, "{}", line.trim_end())?;
            line.clone_from(&indent);
        }
        line.push_str(word);
        line.push(' ');
    }
    writeln!(out, "{}", line.trim_end())
}

const WIDTH: usize = 96;
