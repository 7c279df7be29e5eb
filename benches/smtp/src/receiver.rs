//! ruad: the receiver and the spool of the daemon, without what comes after.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use ruad_smtp::{Server, Settings};
use ruad_spool as spool;
use ruad_spool::Spool;
use tokio_util::sync::CancellationToken;

#[tokio::main]
pub(crate) async fn run(listen: SocketAddr, folder: PathBuf) -> anyhow::Result<()> {
    // As the daemon does by default: a line for each message.
    tracing_subscriber::fmt().with_env_filter("info").with_ansi(false).with_writer(std::io::stderr).init();
    let spool = Spool::open(&spool::Settings { path: folder, ..spool::Settings::default() })?;
    let settings = Settings {
        listen: vec![listen],
        recipients: vec!["@reports.example".to_owned()],
        sessions_per_address: 1000,
        ..Settings::default()
    };
    let server = Server::bind(settings, spool.clone(), Vec::new())?;
    let stop = CancellationToken::new();
    let intake = async {
        loop {
            let id = spool.next_closed().await;
            if let Err(error) = spool.finish(id) {
                eprintln!("segment {id} not deleted: {error}");
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        }
    };
    tokio::select! {
        () = server.run(stop) => {}
        () = intake => {}
        interrupted = tokio::signal::ctrl_c() => interrupted?,
    }
    spool.close().await?;
    Ok(())
}
