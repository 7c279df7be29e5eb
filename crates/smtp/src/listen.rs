//! Sockets: bound here, or handed over by systemd.

use std::net::SocketAddr;

use listenfd::ListenFd;
use rustix::{
    net::sockopt::{set_ipv6_v6only, set_socket_send_buffer_size},
    process::{Resource, getrlimit, setrlimit},
    system::uname,
};
use tokio::net::{TcpListener, TcpSocket};

use super::SmtpError;

/// The listening sockets that systemd handed over (`LISTEN_FDS`); none when it did not. To be called once, early: the
/// environment variables are removed, so that child processes do not take the sockets for theirs.
///
/// # Errors
///
/// When one of them is not a listening TCP socket.
pub fn activated_sockets() -> Result<Vec<std::net::TcpListener>, SmtpError> {
    let mut passed = ListenFd::from_env();
    let mut sockets = Vec::with_capacity(passed.len());
    for index in 0..passed.len() {
        let socket = passed.take_tcp_listener(index).map_err(|source| SmtpError::Socket { source })?;
        sockets.extend(socket);
    }
    Ok(sockets)
}

/// Lets this process open as many files and connections as it may: with the usual soft limit of 1,024 the sessions alone
/// would use it up. The number that may be open from now on; `None` when there is no limit.
pub fn raise_open_files() -> Option<u64> {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    // Raising to the hard limit needs no privilege; where it is refused all the same, things stay as they are.
    match setrlimit(Resource::Nofile, limit) {
        Ok(()) => limit.current,
        Err(_) => getrlimit(Resource::Nofile).current,
    }
}

pub(super) fn bind(address: SocketAddr) -> Result<TcpListener, SmtpError> {
    let bound = || {
        let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
        if address.is_ipv6() {
            // So that `[::]:25` can stand beside `0.0.0.0:25`, whatever the system's default is.
            set_ipv6_v6only(&socket, true)?;
        }
        socket.set_reuseaddr(true)?;
        set_socket_send_buffer_size(&socket, SEND_BUFFER)?;
        socket.bind(address)?;
        socket.listen(BACKLOG)
    };
    bound().map_err(|source| SmtpError::Bind { address, source })
}

pub(super) fn adopt(socket: std::net::TcpListener) -> Result<TcpListener, SmtpError> {
    set_socket_send_buffer_size(&socket, SEND_BUFFER)
        .map_err(Into::into)
        .and_then(|()| socket.set_nonblocking(true))
        .and_then(|()| TcpListener::from_std(socket))
        .map_err(|source| SmtpError::Socket { source })
}

/// The configured name, or the machine's.
pub(super) fn hostname(configured: Option<&str>) -> Result<String, SmtpError> {
    let system = uname();
    let name = configured.unwrap_or_else(|| system.nodename().to_str().unwrap_or_default());
    let is_word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_' | '[' | ']' | ':');
    if name.is_empty() || !name.chars().all(is_word) {
        return Err(SmtpError::Hostname { name: name.to_owned() });
    }
    Ok(name.to_owned())
}

/// Replies are short: a client that does not read them need not hold megabytes of the kernel's memory. Connections
/// inherit it.
const SEND_BUFFER: usize = 32 * 1024;

/// Connections that wait to be accepted.
const BACKLOG: u32 = 1024;
