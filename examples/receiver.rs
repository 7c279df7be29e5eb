//! The receiver and its spool without the rest of the daemon: `receiver ADDRESS FOLDER [CERTIFICATE KEY]`. It takes mail
//! for everybody at `reports.example` until it is interrupted; then it writes what it has stored to `FOLDER/mail`, each
//! message as `N.eml` and its envelope as `N.json`.

use std::{env, fs, io, path::PathBuf};

use anyhow::Context;
use ruad::{
    smtp::{Server, Settings, TlsSettings, activated_sockets},
    spool::{self, Spool},
};
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    tracing_subscriber::fmt().with_env_filter("info").with_ansi(false).with_writer(io::stderr).init();
    let mut arguments = env::args().skip(1);
    let mut next = || arguments.next().context("usage: receiver ADDRESS FOLDER [CERTIFICATE KEY]");
    let listen = next()?.parse()?;
    let folder = PathBuf::from(next()?);
    let tls = match (next(), next()) {
        (Ok(certificate), Ok(key)) => Some(TlsSettings { certificate: certificate.into(), key: key.into() }),
        _ => None,
    };
    let spool = Spool::open(&spool::Settings { path: folder.join("spool"), ..spool::Settings::default() })?;
    let settings = Settings {
        listen: vec![listen],
        hostname: Some("mx.reports.example".to_owned()),
        recipients: vec!["@reports.example".to_owned()],
        tls,
        ..Settings::default()
    };
    let server = Server::bind(settings, spool.clone(), activated_sockets()?)?;
    let stop = CancellationToken::new();
    let interrupted = stop.clone();
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        interrupted.cancel();
    });
    server.run(stop).await;
    spool.close().await?;

    let mail = folder.join("mail");
    fs::create_dir_all(&mail)?;
    let mut number = 0;
    for _ in 0..spool.backlog().segments {
        let segment = spool.segment(spool.next_closed().await)?;
        for message in segment.messages() {
            let message = message?;
            let envelope = serde_json::to_string_pretty(&message.envelope)?;
            fs::write(mail.join(format!("{number}.json")), envelope)?;
            io::copy(&mut message.open()?, &mut fs::File::create(mail.join(format!("{number}.eml")))?)?;
            number += 1;
        }
    }
    Ok(())
}
