use std::io::{self, BufRead, Seek};

use tempfile::SpooledTempFile;
use zip::read::{Config, ZipFileEntry};
use zip::result::ZipError;
use zip::unstable::read::ZipIterable;
use zip::{CompressionMethod, ZipReadOptions};

use super::MailError;
use super::content::Hint;
use super::unpack::{Counted, is_of_system};
use super::walk::{Level, Walk};

impl Walk<'_> {
    /// Looks into every entry of a zip archive.
    ///
    /// The directory is at the end, so the archive is written to a temporary file first, which stays in memory while it is
    /// small. The directory is read entry by entry: its size costs no memory.
    pub(super) fn zip(&mut self, input: &mut dyn BufRead, hint: &Hint, at: Level) -> io::Result<()> {
        let mut spooled = SpooledTempFile::new(IN_MEMORY);
        let length = io::copy(input, &mut spooled)?;
        spooled.rewind()?;
        let mut archive = ZipIterable::try_new(&mut spooled, Config::default()).map_err(explain)?;
        if archive.len() > self.limits.entries {
            return Err(MailError::LimitEntries { entries: archive.len(), limit: self.limits.entries }.into());
        }
        let entries = archive.files().map_err(explain)?;
        let mut first = true;
        while let Some(entry) = entries.next() {
            let entry = entry.map_err(explain)?;
            let name = entry.name().unwrap_or_else(|_| String::from_utf8_lossy(entry.name_raw()));
            let name: String = name.chars().filter(|c| !c.is_control()).take(MAX_NAME).collect();
            if std::mem::take(&mut first) && is_document(&name) {
                return Ok(());
            }
            if entry.is_dir() || is_junk(&name) {
                continue;
            }
            if !self.count_part() {
                return Ok(());
            }
            if !at.packed {
                self.budget.packed(entry.compressed_size().min(length));
            }
            self.path.push(name);
            let outcome = self.entry(entry, entries.reader_mut(), hint, at);
            let told = outcome.or_else(|error| self.own_fault(error));
            self.path.pop();
            told?;
        }
        Ok(())
    }

    fn entry(
        &mut self,
        entry: ZipFileEntry<'_>,
        archive: &mut &mut SpooledTempFile,
        hint: &Hint,
        at: Level,
    ) -> io::Result<()> {
        if entry.encrypted() {
            return Err(MailError::UnsupportedArchive { format: "an encrypted zip entry".to_owned() }.into());
        }
        let method = entry.compression();
        if !matches!(method, CompressionMethod::Deflated | CompressionMethod::Stored) {
            let format = format!("zip compression {method}");
            return Err(MailError::UnsupportedArchive { format }.into());
        }
        let file = entry.with_reader(archive, ZipReadOptions::new()).map_err(explain)?;
        self.content(
            &mut Counted::new(file, "zip", self.budget),
            &hint.inside(),
            Level { packed: true, ..at },
            None,
        )
    }
}

/// Office documents and Java archives are zip files too, full of XML that is no report.
fn is_document(name: &str) -> bool {
    name == "[Content_Types].xml" || name == "mimetype" || name.starts_with("META-INF/")
}

/// What macOS and Windows leave in archives.
fn is_junk(name: &str) -> bool {
    let file = name.rsplit(['/', '\\']).next().unwrap_or_default();
    name.starts_with("__MACOSX/")
        || file.starts_with("._")
        || file.eq_ignore_ascii_case(".ds_store")
        || file.eq_ignore_ascii_case("thumbs.db")
        || file.eq_ignore_ascii_case("desktop.ini")
}

fn explain(error: ZipError) -> io::Error {
    let corrupt = |reason: String| MailError::CorruptArchive { format: "zip", reason };
    match error {
        ZipError::Io(error) if MailError::of(&error).is_some() || is_of_system(&error) => error,
        ZipError::Io(error) => corrupt(error.to_string()).into(),
        ZipError::UnsupportedArchive(what) => {
            MailError::UnsupportedArchive { format: format!("this zip archive ({what})") }.into()
        }
        other => corrupt(other.to_string()).into(),
    }
}

/// Archives up to this size are kept in memory; reports of big senders are far below.
const IN_MEMORY: usize = 1024 * 1024;
const MAX_NAME: usize = 255;
