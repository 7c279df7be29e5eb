//! `ruad parse`: reports in, one JSON object a line out.

use std::{
    fs::File,
    io::{self, BufRead, BufReader, BufWriter, Write},
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::Args;
use ruad::intake::read::{self, Limits};
use ruad_common::text;

use lines::Lines;

mod input;
mod lines;

/// Read DMARC and TLS reports and print one JSON object for each.
///
/// Reads mails, mbox files, maildir and other folders, and plain or packed reports (XML, JSON, gzip, zip). Without
/// FILE, or with `-`, reads standard input. Exit status: 0 = every input holds a report, 1 = one does not, 2 = one
/// cannot be read.
#[derive(Args, Debug)]
pub(crate) struct Parse {
    /// Keep the local parts of addresses in failure reports.
    #[arg(long)]
    no_redact: bool,

    /// Files and folders to read.
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,
}

impl Parse {
    pub(crate) fn run(self) -> anyhow::Result<ExitCode> {
        let mut lines = Lines::new(BufWriter::new(text::json_stdout()), !self.no_redact);
        let outcome = self.read_all(&mut lines);
        match outcome.and_then(|()| lines.finish().map_err(Into::into)) {
            Ok(code) => Ok(code),
            // `ruad parse … | head` is no fault of anybody.
            Err(error) if super::is_broken_pipe(&error) => Ok(ExitCode::SUCCESS),
            Err(error) => Err(error),
        }
    }

    fn read_all(&self, lines: &mut Lines<impl Write>) -> anyhow::Result<()> {
        let limits = Limits::default();
        if self.files.is_empty() {
            return read_stream(&mut io::stdin().lock(), "-", &limits, lines);
        }
        for path in &self.files {
            if path.as_os_str() == "-" {
                read_stream(&mut io::stdin().lock(), "-", &limits, lines)?;
                continue;
            }
            let files = input::files_below(path);
            if files.is_empty() {
                lines.empty(&path.display().to_string())?;
            }
            for file in files {
                match file {
                    Ok(file) => read_file(&file, &limits, lines)?,
                    Err(error) => lines.unreadable(&error.path.display().to_string(), &error.source)?,
                }
            }
        }
        Ok(())
    }
}

fn read_file(path: &Path, limits: &Limits, lines: &mut Lines<impl Write>) -> anyhow::Result<()> {
    let name = path.display().to_string();
    match File::open(path) {
        Ok(file) => read_stream(&mut BufReader::with_capacity(64 * 1024, file), &name, limits, lines),
        Err(error) => Ok(lines.unreadable(&name, &error)?),
    }
}

fn read_stream(
    mut input: &mut dyn BufRead,
    name: &str,
    limits: &Limits,
    lines: &mut Lines<impl Write>,
) -> anyhow::Result<()> {
    if input::is_mbox(input.fill_buf().unwrap_or_default()) {
        let mut mbox = input::Mbox::new(input);
        for number in 1.. {
            let mut message = match mbox.next_message() {
                Ok(Some(message)) => message,
                Ok(None) => break,
                Err(error) => {
                    lines.unreadable(name, &error)?;
                    break;
                }
            };
            lines.begin(name, Some(number));
            read::message(&mut message, limits, lines);
            lines.end()?;
        }
    } else {
        let base = Path::new(name)
            .file_name()
            .map_or_else(|| name.to_owned(), |base| base.to_string_lossy().into_owned());
        lines.begin(name, None);
        read::file(&mut input, &base, limits, lines);
        lines.end()?;
    }
    Ok(())
}
