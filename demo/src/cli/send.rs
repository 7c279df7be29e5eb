use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use ruad_demo::smtp::{self, Sent};
use ruad_demo::{Mail, Month};
use tokio::time::interval;

use super::meter::Meter;
use super::number::thousands;

#[derive(Debug, clap::Args)]
pub(super) struct Send {
    /// The server.
    #[arg(long, default_value = "127.0.0.1:2525")]
    to: SocketAddr,
    /// Connections at the same time.
    #[arg(long, default_value_t = CONNECTIONS)]
    connections: usize,
}

impl Send {
    pub(super) async fn run(self, month: &Month) -> anyhow::Result<ExitCode> {
        let refused = deliver(self.to, &month.mails, self.connections, None).await?;
        Ok(if refused == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

/// Sends the month with a progress bar and says how fast it went; how many mails were refused. With a `pace` it sends no
/// more than so many mails a second.
pub(super) async fn deliver(
    to: SocketAddr,
    mails: &[Mail],
    connections: usize,
    pace: Option<NonZeroU32>,
) -> anyhow::Result<u64> {
    let started = Instant::now();
    let mut meter = Meter::new("sending", mails.len() as u64);
    let mut refused = Vec::new();
    let mut each = |mail: &Mail, sent: &Sent| {
        if let Sent::Refused(reply) = sent {
            refused.push(format!("{} to {}: {reply}", mail.label, mail.rcpt_to));
        }
        meter.add();
    };
    let mut tick = interval(PART);
    let most = pace.map_or(usize::MAX, |pace| (f64::from(pace.get()) * PART.as_secs_f64()).ceil() as usize);
    for part in mails.chunks(most) {
        tick.tick().await;
        smtp::send(to, part, connections, &mut each).await?;
    }
    meter.finish();
    for line in refused.iter().take(5) {
        eprintln!("refused: {line}");
    }
    let (sent, refused) = (mails.len() as u64, refused.len() as u64);
    let seconds = started.elapsed().as_secs_f64();
    println!(
        "{} mails accepted, {} refused, over {connections} connections in {seconds:.1} s",
        thousands(sent - refused),
        thousands(refused),
    );
    Ok(refused)
}

/// How often a part of the mail is sent when there is a pace.
const PART: Duration = Duration::from_millis(250);
pub(super) const CONNECTIONS: usize = 8;
