//! Any bytes from an SMTP client: the session ends, and nothing but replies comes back.
#![no_main]

use std::{net::Ipv4Addr, sync::LazyLock};

use libfuzzer_sys::fuzz_target;
use ruad_smtp as smtp;
use ruad_smtp::Server;
use ruad_spool as spool;
use ruad_spool::Spool;
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, duplex},
    runtime::{Builder, Runtime},
};
use tokio_util::sync::CancellationToken;

struct House {
    runtime: Runtime,
    server: Server,
    _folder: TempDir,
}

static HOUSE: LazyLock<House> = LazyLock::new(|| {
    let folder = tempfile::tempdir().unwrap();
    let spool = spool::Settings { path: folder.path().join("spool"), ..Default::default() };
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    let settings = smtp::Settings {
        listen: vec![(Ipv4Addr::LOCALHOST, 0).into()],
        hostname: Some("mx.example".to_owned()),
        recipients: vec!["@reports.example".to_owned()],
        ..Default::default()
    };
    let server = {
        let _inside = runtime.enter();
        Server::bind(settings, Spool::open(&spool).unwrap(), Vec::new()).unwrap()
    };
    House { runtime, server, _folder: folder }
});

fuzz_target!(|bytes: &[u8]| {
    let House { runtime, server, .. } = &*HOUSE;
    let (mut client, stream) = duplex(64 * 1024);
    runtime.block_on(async {
        let talk = async {
            drop(client.write_all(bytes).await);
            drop(client.shutdown().await);
            let mut replies = Vec::new();
            drop(client.read_to_end(&mut replies).await);
            replies
        };
        let serve = server.converse(stream, Ipv4Addr::LOCALHOST.into(), CancellationToken::new());
        let (replies, ()) = tokio::join!(talk, serve);
        for line in replies.split_inclusive(|byte| *byte == b'\n') {
            assert!(line.len() > 4 && line[..3].iter().all(u8::is_ascii_digit), "not a reply");
        }
    });
});
