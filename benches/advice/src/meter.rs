//! What a process takes, as Linux tells.

use std::fs;

use anyhow::Context;

/// What a process has taken so far.
pub(crate) struct Meter {
    /// Resident memory now, in megabytes.
    pub(crate) resident: u64,
    /// The most resident memory so far, in megabytes.
    pub(crate) peak: u64,
    /// Processor time, in seconds.
    pub(crate) processor: f64,
}

impl Meter {
    pub(crate) fn read(process: u32) -> anyhow::Result<Self> {
        let status = fs::read_to_string(format!("/proc/{process}/status"))?;
        let field = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name));
            let kilobytes: u64 = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse().ok())?;
            Some(kilobytes * 1_024 / 1_000_000)
        };
        let stat = fs::read_to_string(format!("/proc/{process}/stat"))?;
        // After the program's name come the state and, as the 12th and 13th field from there, user and system time.
        let fields: Vec<_> = stat.rsplit_once(')').context("no name")?.1.split_whitespace().collect();
        let ticks = |at: usize| fields.get(at).and_then(|field| field.parse::<u64>().ok());
        Ok(Self {
            resident: field("VmRSS:").context("no VmRSS")?,
            peak: field("VmHWM:").context("no VmHWM")?,
            processor: (ticks(11).context("no times")? + ticks(12).context("no times")?) as f64 / 100.0,
        })
    }
}
