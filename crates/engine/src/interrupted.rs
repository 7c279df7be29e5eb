//! Inserts that a kill or a crash cut short.
//!
//! A table without replicas writes the identity of a block to its deduplication log first, and then renames the part from
//! its temporary name (ClickHouse 26.7, `MergeTreeSink`). A process that ends in between leaves an identity without rows:
//! whoever sends the block again is told that it is there, and its rows are lost. ClickHouse does one at a time, so it can
//! only be the log's last part; no part has its number then, and a temporary part of its partition is left. The folder is
//! not in use: this runs before ClickHouse starts.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

/// Takes the identities of blocks whose rows were never stored out of the deduplication logs below this data folder; gives
/// the parts' names.
///
/// # Errors
///
/// The file or folder that cannot be read or written.
pub(super) fn forget(data: &Path) -> Result<Vec<String>, (PathBuf, io::Error)> {
    let mut forgotten = Vec::new();
    for shelf in folders(&data.join("store"))? {
        for table in folders(&shelf)? {
            forgotten.extend(forget_in(&table)?);
        }
    }
    Ok(forgotten)
}

/// The same for one table.
fn forget_in(table: &Path) -> Result<Option<String>, (PathBuf, io::Error)> {
    let Some(log) = last_log(&table.join(LOGS))? else { return Ok(None) };
    let failed = |error| (log.clone(), error);
    let mut file = OpenOptions::new().read(true).write(true).open(&log).map_err(failed)?;
    drop_torn_line(&mut file).map_err(failed)?;
    let names: Vec<String> = folders(table)?.iter().filter_map(|folder| name(folder)).collect();
    let mut temporary = names.iter().filter_map(|name| Part::parse(name.strip_prefix(TEMPORARY)?)).peekable();
    if temporary.peek().is_none() {
        return Ok(None);
    }
    let mut text = String::new();
    file.seek(SeekFrom::Start(0)).and_then(|_| file.read_to_string(&mut text)).map_err(failed)?;
    let Some((part, blocks)) = last_part(&text) else { return Ok(None) };
    let Some(last) = Part::parse(part) else { return Ok(None) };
    let is_stored = names.iter().filter_map(|name| Part::parse(name)).any(|stored| stored.covers(&last));
    if is_stored || !temporary.any(|left| left.partition == last.partition) {
        return Ok(None);
    }
    let lines: String = blocks.iter().map(|block| format!("{DROP}\t{part}\t{block}\n")).collect();
    file.seek(SeekFrom::End(0))
        .and_then(|_| file.write_all(lines.as_bytes()))
        .and_then(|()| file.sync_all())
        .map_err(failed)?;
    Ok(Some(part.to_owned()))
}

/// The last part in a log with its blocks, unless it was dropped.
fn last_part(log: &str) -> Option<(&str, Vec<&str>)> {
    let mut records = log.lines().rev().map(|line| {
        let mut fields = line.splitn(3, '\t');
        Some((fields.next()?, fields.next()?, fields.next()?))
    });
    let (ADD, part, block) = records.next()?? else { return None };
    let mut blocks = vec![block];
    while let Some(Some((ADD, other, block))) = records.next()
        && other == part
    {
        blocks.push(block);
    }
    Some((part, blocks))
}

/// What the name of a part says, such as `202612_5_9_1`.
struct Part<'a> {
    partition: &'a str,
    first: u64,
    last: u64,
}

impl<'a> Part<'a> {
    fn parse(name: &'a str) -> Option<Self> {
        let mut fields = name.split('_');
        let partition = fields.next()?;
        let first = fields.next()?.parse().ok()?;
        let last = fields.next()?.parse().ok()?;
        Some(Self { partition, first, last })
    }

    fn covers(&self, other: &Self) -> bool {
        self.partition == other.partition && self.first <= other.first && other.last <= self.last
    }
}

/// Cuts off what the last write left without its end. ClickHouse would read nothing of what it appends behind it.
fn drop_torn_line(file: &mut File) -> io::Result<()> {
    let length = file.seek(SeekFrom::End(0))?;
    let tail = length.min(LONGEST_LINE);
    file.seek(SeekFrom::Start(length - tail))?;
    let mut bytes = Vec::new();
    file.take(tail).read_to_end(&mut bytes)?;
    let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end as u64 + 1);
    // A longer line than can be is not one of ClickHouse's.
    if whole < tail && (whole > 0 || tail == length) { file.set_len(length - tail + whole) } else { Ok(()) }
}

/// The log that is written to, if there is one.
fn last_log(logs: &Path) -> Result<Option<PathBuf>, (PathBuf, io::Error)> {
    let number = |path: &PathBuf| {
        let name = path.file_name()?.to_str()?;
        name.strip_prefix("deduplication_log_")?.strip_suffix(".txt")?.parse::<u64>().ok()
    };
    Ok(entries(logs)?.into_iter().filter_map(|path| Some((number(&path)?, path))).max().map(|(_, path)| path))
}

fn name(folder: &Path) -> Option<String> {
    Some(folder.file_name()?.to_str()?.to_owned())
}

fn folders(path: &Path) -> Result<Vec<PathBuf>, (PathBuf, io::Error)> {
    Ok(entries(path)?.into_iter().filter(|entry| entry.is_dir()).collect())
}

/// None where there is no such folder.
fn entries(path: &Path) -> Result<Vec<PathBuf>, (PathBuf, io::Error)> {
    let failed = |error| (path.to_owned(), error);
    match fs::read_dir(path) {
        Ok(entries) => entries.map(|entry| entry.map(|entry| entry.path()).map_err(failed)).collect(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(failed(error)),
    }
}

const TEMPORARY: &str = "tmp_insert_";
const LOGS: &str = "deduplication_logs";
/// Operations of the log.
const ADD: &str = "1";
const DROP: &str = "2";
/// Bytes.
const LONGEST_LINE: u64 = 64 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_that_never_got_its_name_is_forgotten() {
        let (data, table) = table("1\tall_1_1_0\ta_1\n1\tall_2_2_0\ta_2\n1\tall_2_2_0\ta_2b\n");
        fs::create_dir(table.join("all_1_1_0")).unwrap();
        // Temporary parts are numbered for themselves.
        fs::create_dir(table.join("tmp_insert_all_7_7_0")).unwrap();
        assert_eq!(forget(data.path()).unwrap(), ["all_2_2_0"]);
        assert!(log(&table).ends_with("2\tall_2_2_0\ta_2b\n2\tall_2_2_0\ta_2\n"), "{}", log(&table));
        assert!(forget(data.path()).unwrap().is_empty(), "what was dropped is not dropped again");
    }

    #[test]
    fn what_may_be_stored_is_left_alone() {
        let text = "1\t202611_1_1_0\ta_1\n1\t202612_2_2_0\ta_2\n";
        for folders in [
            // Stored, merged, mutated.
            ["202612_2_2_0", "tmp_insert_202612_3_3_0"],
            ["202612_1_9_1", "tmp_insert_202612_3_3_0"],
            ["202612_2_2_0_4", "tmp_insert_202612_3_3_0"],
            // Nothing was cut short in its partition: it was removed.
            ["202611_1_1_0", "tmp_insert_202611_3_3_0"],
            ["202611_1_1_0", "tmp_merge_202612_1_2_1"],
        ] {
            let (data, table) = table(text);
            for folder in folders {
                fs::create_dir(table.join(folder)).unwrap();
            }
            assert!(forget(data.path()).unwrap().is_empty(), "{folders:?}");
            assert_eq!(log(&table), text);
        }
    }

    #[test]
    fn a_torn_line_is_cut_off() {
        for torn in ["1", "1\tall_2", "1\tall_2_2_0\ta_"] {
            let (data, table) = table(&format!("1\tall_1_1_0\ta_1\n{torn}"));
            assert!(forget(data.path()).unwrap().is_empty());
            assert_eq!(log(&table), "1\tall_1_1_0\ta_1\n");
        }
        let (data, table) = table("1\tall");
        assert!(forget(data.path()).unwrap().is_empty());
        assert_eq!(log(&table), "");
    }

    #[test]
    fn an_empty_folder_has_nothing_to_forget() {
        assert!(forget(tempfile::tempdir().unwrap().path()).unwrap().is_empty());
    }

    fn table(text: &str) -> (tempfile::TempDir, PathBuf) {
        let data = tempfile::tempdir().unwrap();
        let table = data.path().join("store/a0b/a0b1");
        fs::create_dir_all(table.join(LOGS)).unwrap();
        fs::write(table.join(LOGS).join("deduplication_log_9.txt"), "1\tall_0_0_0\told\n").unwrap();
        fs::write(table.join(LOGS).join("deduplication_log_10.txt"), text).unwrap();
        (data, table)
    }

    fn log(table: &Path) -> String {
        fs::read_to_string(table.join(LOGS).join("deduplication_log_10.txt")).unwrap()
    }
}
