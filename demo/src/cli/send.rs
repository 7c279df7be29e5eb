use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Instant;

use ruad_demo::Month;
use ruad_demo::smtp::{self, Sent};

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
        let refused = deliver(self.to, month, self.connections).await?;
        Ok(if refused == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

/// Sends the month with a progress bar and says how fast it went; how many mails were refused.
pub(super) async fn deliver(to: SocketAddr, month: &Month, connections: usize) -> anyhow::Result<u64> {
    let started = Instant::now();
    let mut meter = Meter::new("sending", month.mails.len() as u64);
    let mut refused = Vec::new();
    let each = |mail: &ruad_demo::Mail, sent: &Sent| {
        if let Sent::Refused(reply) = sent {
            refused.push(format!("{} to {}: {reply}", mail.label, mail.rcpt_to));
        }
        meter.add();
    };
    smtp::send(to, &month.mails, connections, each).await?;
    meter.finish();
    for line in refused.iter().take(5) {
        eprintln!("refused: {line}");
    }
    let (sent, refused) = (month.mails.len() as u64, refused.len() as u64);
    let seconds = started.elapsed().as_secs_f64();
    println!(
        "{} mails accepted, {} refused, over {connections} connections in {seconds:.1} s",
        thousands(sent - refused),
        thousands(refused),
    );
    Ok(refused)
}

pub(super) const CONNECTIONS: usize = 8;
