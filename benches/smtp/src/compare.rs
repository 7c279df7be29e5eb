//! Rounds of load against each receiver in turn.

use std::{
    fs,
    net::{SocketAddr, TcpStream},
    path::PathBuf,
    process::Command,
    str::FromStr,
    time::{Duration, Instant},
};

use anyhow::{Context, bail, ensure};

/// What to measure.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Rounds; the median of each receiver's figures counts.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Connections at the same time.
    #[arg(long, default_value_t = 20)]
    sessions: u32,
    /// Bytes of each message.
    #[arg(long, default_value_t = 8192)]
    length: u32,
    /// `NAME=ADDRESS=MESSAGES[=FOLDER]`: a receiver, how many messages it gets in each round, and a folder whose files
    /// are deleted after it. The first one is compared with the others.
    #[arg(required = true)]
    receivers: Vec<Receiver>,
}

#[derive(Clone, Debug)]
struct Receiver {
    name: String,
    address: SocketAddr,
    messages: u32,
    folder: Option<PathBuf>,
}

/// How `smtp-source` uses its connections.
const MODES: [(&str, &[&str]); 2] = [("one message per connection", &[]), ("kept connections", &["-d"])];

impl Options {
    pub(crate) fn run(&self) -> anyhow::Result<()> {
        for receiver in &self.receivers {
            receiver.wait_until_ready()?;
        }
        for (mode, flags) in MODES {
            let mut rates: Vec<Vec<f64>> = vec![Vec::new(); self.receivers.len()];
            // The first round warms up and is not counted.
            for round in 0..=self.rounds {
                for (receiver, rates) in self.receivers.iter().zip(&mut rates) {
                    let rate = self.load(receiver, flags)?;
                    if round > 0 {
                        rates.push(rate);
                    }
                }
            }
            self.print(mode, &rates);
        }
        Ok(())
    }

    /// Messages a second.
    fn load(&self, receiver: &Receiver, flags: &[&str]) -> anyhow::Result<f64> {
        let began = Instant::now();
        let output = Command::new("smtp-source")
            .args(["-s", &self.sessions.to_string(), "-l", &self.length.to_string()])
            .args(["-m", &receiver.messages.to_string()])
            .args(["-f", "load@sender.example", "-t", "rua@reports.example"])
            .args(flags)
            .arg(receiver.address.to_string())
            .output()
            .context("cannot run smtp-source (Debian: postfix)")?;
        let seconds = began.elapsed().as_secs_f64();
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success() && said.is_empty(), "{}: {said}", receiver.name);
        receiver.empty_folder()?;
        Ok(f64::from(receiver.messages) / seconds)
    }

    fn print(&self, mode: &str, rates: &[Vec<f64>]) {
        println!("\n{mode}: {} connections, {} bytes, {} rounds", self.sessions, self.length, self.rounds);
        let Some((first, ours)) = self.receivers.first().zip(rates.first()) else { return };
        println!("| receiver | median, messages/s | least – most | {} is |", first.name);
        println!("|---|---:|---:|---:|");
        for (receiver, theirs) in self.receivers.iter().zip(rates) {
            let (least, most) = theirs
                .iter()
                .fold((f64::MAX, 0.0_f64), |(least, most), &rate| (least.min(rate), most.max(rate)));
            // Round by round, because whatever else the machine does changes from round to round.
            let ratios: Vec<_> = ours.iter().zip(theirs).map(|(ours, theirs)| ours / theirs).collect();
            println!(
                "| {} | {:.0} | {least:.0} – {most:.0} | {:.2} × |",
                receiver.name,
                median(theirs),
                median(&ratios)
            );
        }
    }
}

impl Receiver {
    fn wait_until_ready(&self) -> anyhow::Result<()> {
        let deadline = Instant::now() + Duration::from_secs(30);
        while TcpStream::connect_timeout(&self.address, Duration::from_secs(1)).is_err() {
            if Instant::now() > deadline {
                bail!("{} does not listen on {}", self.name, self.address);
            }
            std::thread::yield_now();
        }
        Ok(())
    }

    fn empty_folder(&self) -> anyhow::Result<()> {
        let Some(folder) = &self.folder else { return Ok(()) };
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            if entry.file_type()?.is_file() {
                fs::remove_file(entry.path())?;
            }
        }
        Ok(())
    }
}

impl FromStr for Receiver {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut parts = text.splitn(4, '=');
        let mut next = || parts.next().context("expected NAME=ADDRESS=MESSAGES[=FOLDER]");
        Ok(Self {
            name: next()?.to_owned(),
            address: next()?.parse()?,
            messages: next()?.parse()?,
            folder: parts.next().map(PathBuf::from),
        })
    }
}

fn median(rates: &[f64]) -> f64 {
    let mut sorted = rates.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN)
}
