//! A blocking SMTP client: what it costs is taken from the daemon's share of the machine.

use std::{
    fs,
    io::{BufRead, BufReader, Write},
    net::{SocketAddr, TcpStream},
    path::PathBuf,
    sync::atomic::{AtomicUsize, Ordering},
    thread,
};

use anyhow::{Context, ensure};

/// Sends every file over `connections` kept connections.
pub(crate) fn send(server: SocketAddr, files: &[PathBuf], connections: usize) -> anyhow::Result<()> {
    let next = AtomicUsize::new(0);
    thread::scope(|scope| {
        let clients: Vec<_> =
            (0..connections).map(|_| scope.spawn(|| deliver_all(server, files, &next))).collect();
        clients
            .into_iter()
            .try_for_each(|client| client.join().map_err(|_| anyhow::anyhow!("a client died"))?)
    })
}

fn deliver_all(server: SocketAddr, files: &[PathBuf], next: &AtomicUsize) -> anyhow::Result<()> {
    while deliver(server, files, next)? {}
    Ok(())
}

/// One session; whether there may be more files.
fn deliver(server: SocketAddr, files: &[PathBuf], next: &AtomicUsize) -> anyhow::Result<bool> {
    let mut stream = BufReader::new(TcpStream::connect(server).context("cannot connect")?);
    stream.get_ref().set_nodelay(true)?;
    expect(&mut stream, "220")?;
    stream.get_mut().write_all(b"EHLO bench.example\r\n")?;
    expect(&mut stream, "250")?;
    for _ in 0..MESSAGES_PER_SESSION {
        let Some(file) = files.get(next.fetch_add(1, Ordering::Relaxed)) else { return Ok(false) };
        let mut mail = fs::read(file)?;
        // Lines of base64 and of these headers never begin with a dot, so nothing has to be stuffed.
        mail.extend_from_slice(b".\r\n");
        stream
            .get_mut()
            .write_all(b"MAIL FROM:<dmarc@reporter.example>\r\nRCPT TO:<rua@reports.example>\r\nDATA\r\n")?;
        for code in ["250", "250", "354"] {
            expect(&mut stream, code)?;
        }
        stream.get_mut().write_all(&mail)?;
        expect(&mut stream, "250")?;
    }
    Ok(true)
}

fn expect(stream: &mut BufReader<TcpStream>, code: &str) -> anyhow::Result<()> {
    let mut line = String::new();
    loop {
        line.clear();
        ensure!(stream.read_line(&mut line)? > 0, "the server hung up");
        ensure!(line.starts_with(code), "expected {code}, got {line}");
        if line.as_bytes().get(3) == Some(&b' ') {
            return Ok(());
        }
    }
}

/// The receiver takes a thousand.
const MESSAGES_PER_SESSION: u32 = 900;
