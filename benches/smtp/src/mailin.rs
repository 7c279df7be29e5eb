//! mailin-embedded, given the least that makes its `250` mean the same as ours.

use std::{
    fs::{self, File},
    io::{self, Write},
    net::SocketAddr,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use anyhow::anyhow;
use mailin_embedded::{Handler, Response, Server, SslConfig, response};

#[derive(Clone)]
struct Store {
    folder: Arc<PathBuf>,
    next: Arc<AtomicU64>,
    file: Option<Arc<File>>,
}

impl Handler for Store {
    fn data_start(&mut self, _domain: &str, _from: &str, _is8bit: bool, _to: &[String]) -> Response {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        self.file = File::create(self.folder.join(number.to_string())).ok().map(Arc::new);
        response::OK
    }

    fn data(&mut self, buf: &[u8]) -> io::Result<()> {
        self.file.as_deref().map_or(Ok(()), |mut file| file.write_all(buf))
    }

    fn data_end(&mut self) -> Response {
        match self.file.take().map(|file| file.sync_all()) {
            Some(Ok(())) => response::OK,
            _ => response::INTERNAL_ERROR,
        }
    }
}

pub(crate) fn run(listen: SocketAddr, folder: PathBuf) -> anyhow::Result<()> {
    fs::create_dir_all(&folder)?;
    let store = Store { folder: Arc::new(folder), next: Arc::default(), file: None };
    let mut server = Server::new(store);
    server
        .with_name("mailin.example")
        .with_num_threads(32)
        .with_ssl(SslConfig::None)
        .and_then(|server| server.with_addr(listen))
        .map_err(|error| anyhow!("{error}"))?;
    server.serve().map_err(|error| anyhow!("{error}"))
}
