//! Records and bytes a second of XML, one thread, for several parsers of aggregate reports in turn.
//!
//! `ruad-bench-parse FILE-OR-FOLDER…` reads each argument as one set: the `.xml` files of a folder, or one
//! file. All parsers get the same bytes in memory, in turn, several times over; printed are medians of the
//! processor time the thread took, and the ratio of the first parser to each of the others. `ruad-bench-parse
//! --rss PARSER FILE` reads one file with one parser and prints the process's peak of resident memory; the
//! parser that can stream does.

use std::{
    fs::{self, File},
    io::BufReader,
    path::Path,
    time::Duration,
};

use anyhow::{Context, bail};
use quick_xml::{Reader, events::Event};
use ruad_report::{Limits, aggregate};
use rustix::time::{ClockId, clock_gettime};

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["--rss", parser, file] => resident(parser, Path::new(file)),
        [] => bail!("usage: ruad-bench-parse FILE-OR-FOLDER… | --rss PARSER FILE"),
        sets => sets.iter().try_for_each(|set| race(Path::new(set))),
    }
}

/// A parser under test: gives the number of records.
struct Parser {
    name: &'static str,
    run: fn(&[u8]) -> anyhow::Result<u64>,
}

const PARSERS: &[Parser] = &[
    Parser { name: "ruad", run: ruad },
    Parser { name: "mail-auth", run: mail_auth },
    Parser { name: "quick-xml slice loop", run: bare_slice },
    Parser { name: "quick-xml buffered loop", run: bare_buffered },
];

fn ruad(xml: &[u8]) -> anyhow::Result<u64> {
    let mut messages = 0;
    let report = aggregate::read(xml, &Limits::default(), |record| messages += record.count())?;
    anyhow::ensure!(messages == report.messages, "counts differ");
    Ok(report.records)
}

fn mail_auth(xml: &[u8]) -> anyhow::Result<u64> {
    let report = mail_auth::report::Report::parse_xml(xml).map_err(anyhow::Error::msg)?;
    Ok(report.records().len() as u64)
}

/// Nothing but finding the tags: what every parser on quick-xml pays. Counts records to have a result.
fn bare_slice(xml: &[u8]) -> anyhow::Result<u64> {
    let mut reader = Reader::from_reader(xml);
    let mut records = 0;
    loop {
        match reader.read_event()? {
            Event::Start(tag) if tag.name().into_inner() == "record" => records += 1,
            Event::Eof => return Ok(records),
            _ => {}
        }
    }
}

/// The same through a buffer, as for input that does not lie in memory.
fn bare_buffered(xml: &[u8]) -> anyhow::Result<u64> {
    let mut reader = Reader::from_reader(BufReader::with_capacity(64 * 1024, xml));
    let mut buffer = Vec::new();
    let mut records = 0;
    loop {
        match reader.read_event_into(&mut buffer)? {
            Event::Start(tag) if tag.name().into_inner() == "record" => records += 1,
            Event::Eof => return Ok(records),
            _ => {}
        }
        buffer.clear();
    }
}

/// Lets the parsers take turns over one set and prints what they did.
fn race(set: &Path) -> anyhow::Result<()> {
    let files = load(set)?;
    let bytes: usize = files.iter().map(Vec::len).sum();
    let mut times = vec![Vec::new(); PARSERS.len()];
    let mut records = vec![0; PARSERS.len()];
    // The first round only warms up.
    for round in 0..=ROUNDS {
        for ((parser, times), records) in PARSERS.iter().zip(&mut times).zip(&mut records) {
            let started = processor_time();
            *records = files.iter().map(|xml| (parser.run)(xml)).sum::<anyhow::Result<u64>>()?;
            if round > 0 {
                times.push(processor_time().saturating_sub(started));
            }
        }
    }
    println!("{}: {} reports, {} records, {bytes} bytes of XML", set.display(), files.len(), records[0]);
    let medians: Vec<Duration> = times.iter_mut().map(|times| median(times)).collect();
    for ((parser, &median), &count) in PARSERS.iter().zip(&medians).zip(&records) {
        anyhow::ensure!(count == records[0], "{} saw {count} records", parser.name);
        let seconds = median.as_secs_f64();
        println!(
            "  {:<24} {:>9.0} records/s {:>6.0} MB/s   ruad is {:.2} times as fast",
            parser.name,
            count as f64 / seconds,
            bytes as f64 / seconds / 1e6,
            seconds / medians[0].as_secs_f64(),
        );
    }
    Ok(())
}

/// Reads one file with one parser and prints the peak of resident memory.
fn resident(parser: &str, file: &Path) -> anyhow::Result<()> {
    let started = processor_time();
    let records = match parser {
        "ruad" => {
            let input = BufReader::new(File::open(file)?);
            aggregate::read(input, &Limits::default(), |_| {})?.records
        }
        name => {
            let parser = PARSERS.iter().find(|parser| parser.name == name).context("no such parser")?;
            (parser.run)(&fs::read(file)?)?
        }
    };
    let seconds = processor_time().saturating_sub(started).as_secs_f64();
    let status = fs::read_to_string("/proc/self/status")?;
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).context("no VmHWM")?;
    println!("{parser}: {records} records in {seconds:.2} s, peak resident {}", peak.trim());
    Ok(())
}

fn load(set: &Path) -> anyhow::Result<Vec<Vec<u8>>> {
    if set.is_file() {
        return Ok(vec![fs::read(set)?]);
    }
    let mut paths: Vec<_> = fs::read_dir(set)
        .with_context(|| format!("cannot read {}", set.display()))?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<_, _>>()?;
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "xml"));
    paths.sort();
    paths.iter().map(|path| fs::read(path).map_err(Into::into)).collect()
}

/// What this thread has had of a processor; waiting for others does not count.
fn processor_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap_or_default())
}

fn median(times: &mut [Duration]) -> Duration {
    times.sort();
    times[times.len() / 2]
}

const ROUNDS: usize = 9;
