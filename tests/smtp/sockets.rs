//! Listening.

use std::{
    env,
    io::{BufRead, BufReader},
    net::TcpListener,
    os::fd::OwnedFd,
    process::{Command, Stdio},
};

use ruad_smtp::{Server, Settings, SmtpError, activated_sockets};
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;

use crate::support::{Client, Receiver, settings, soon};

#[tokio::test]
async fn listens_on_both_families_at_the_same_port() {
    let receiver = Receiver::with(|settings| settings.listen = vec!["[::]:0".parse().unwrap()]);
    let port = receiver.address.port();
    // Taken for IPv6 only, so IPv4 is still free.
    let both = Settings { listen: vec![([0, 0, 0, 0], port).into()], ..settings() };
    let server = Server::bind(both, receiver.spool.clone(), Vec::new()).unwrap();
    let stop = CancellationToken::new();
    let running = tokio::spawn(server.run(stop.clone()));
    for host in ["127.0.0.1", "::1"] {
        let mut client = Client::new(soon(TcpStream::connect((host, port))).await.unwrap());
        assert!(client.reply().await.starts_with("220 "), "{host}");
    }
    stop.cancel();
    soon(running).await.unwrap();
}

#[tokio::test]
async fn serves_sockets_that_were_handed_over() {
    let receiver = Receiver::start();
    let sockets = [TcpListener::bind("127.0.0.1:0").unwrap(), TcpListener::bind("[::1]:0").unwrap()];
    let addresses: Vec<_> = sockets.iter().map(|socket| socket.local_addr().unwrap()).collect();
    let server = Server::bind(settings(), receiver.spool.clone(), sockets.into()).unwrap();
    assert_eq!(server.local_addrs().unwrap(), addresses);
    let stop = CancellationToken::new();
    let running = tokio::spawn(server.run(stop.clone()));
    for address in addresses {
        let mut client = Client::new(soon(TcpStream::connect(address)).await.unwrap());
        assert!(client.reply().await.starts_with("220 "), "{address}");
    }
    stop.cancel();
    soon(running).await.unwrap();
}

#[tokio::test]
async fn names_what_is_wrong_with_the_settings() {
    let receiver = Receiver::start();
    let bind = |settings| Server::bind(settings, receiver.spool.clone(), Vec::new()).err().unwrap();
    let error = bind(Settings { listen: vec![receiver.address], ..settings() });
    assert!(matches!(error, SmtpError::Bind { address, .. } if address == receiver.address), "{error}");
    let error = bind(Settings { recipients: Vec::new(), ..settings() });
    assert!(matches!(error, SmtpError::NoRecipients), "{error}");
    let error = bind(Settings { recipients: vec!["reports.example".to_owned()], ..settings() });
    assert!(error.to_string().contains("reports.example"), "{error}");
    let error = bind(Settings { hostname: Some("two words\r\n".to_owned()), ..settings() });
    assert!(matches!(error, SmtpError::Hostname { .. }), "{error}");
}

/// Runs itself again, with a socket as file descriptor 3, the way systemd starts a service.
#[test]
fn takes_the_sockets_of_systemd() {
    if env::var_os("LISTEN_FDS").is_some() {
        return serve_activated();
    }
    let socket = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = socket.local_addr().unwrap();
    let mut child = Command::new("sh")
        .args(["-c", r#"exec 3<&0; exec "$0" "$@" </dev/null"#])
        .arg(env::current_exe().unwrap())
        .args(["--exact", "sockets::takes_the_sockets_of_systemd"])
        .env("LISTEN_FDS", "1")
        .stdin(Stdio::from(OwnedFd::from(socket)))
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    // The socket is open already, so this waits for the service and does not fail before it is there.
    let client = std::net::TcpStream::connect(address).unwrap();
    let mut greeting = String::new();
    BufReader::new(&client).read_line(&mut greeting).unwrap();
    drop(client);
    assert!(greeting.starts_with("220 mx.reports.example"), "{greeting:?}");
    assert!(child.wait().unwrap().success());
}

#[tokio::main(flavor = "current_thread")]
async fn serve_activated() {
    let sockets = activated_sockets().unwrap();
    assert_eq!(sockets.len(), 1);
    assert!(activated_sockets().unwrap().is_empty());
    let receiver = Receiver::start();
    let server = Server::bind(settings(), receiver.spool.clone(), sockets).unwrap();
    let address = server.local_addrs().unwrap()[0];
    let stop = CancellationToken::new();
    let running = tokio::spawn(server.run(stop.clone()));
    // The parent is the first in the queue of the socket.
    let mut client = Client::new(soon(TcpStream::connect(address)).await.unwrap());
    assert!(client.reply().await.starts_with("220 "));
    stop.cancel();
    soon(running).await.unwrap();
}
