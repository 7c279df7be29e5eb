//! The PROXY protocol, versions 1 and 2, as HAProxy specifies it: who the client behind a proxy is.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use memchr::memmem;

/// A complete header.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Header {
    /// Its length in bytes.
    pub(super) length: usize,
    /// The client; `None` when the proxy speaks for itself (a health check) or does not know.
    pub(super) client: Option<IpAddr>,
}

impl Header {
    /// Reads the header at the start of a connection; `None` when more is needed.
    ///
    /// # Errors
    ///
    /// When these bytes are no header and will not become one.
    pub(super) fn parse(input: &[u8]) -> Result<Option<Self>, ProxyError> {
        if starts_like(input, V2_SIGNATURE) {
            version_2(input)
        } else if starts_like(input, V1_START) {
            version_1(input)
        } else {
            Err(ProxyError::Missing)
        }
    }
}

/// Why a connection from a proxy was dropped.
#[derive(Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub(super) enum ProxyError {
    /// The connection does not begin with a header.
    #[error("no PROXY protocol header")]
    Missing,
    /// The header is longer than any that carries addresses.
    #[error("PROXY protocol header longer than {limit} bytes")]
    TooLong { limit: usize },
    /// The header is not as specified.
    #[error("malformed PROXY protocol header")]
    Malformed,
}

/// `PROXY TCP4 192.0.2.1 192.0.2.2 56324 25` and a line end.
fn version_1(input: &[u8]) -> Result<Option<Header>, ProxyError> {
    let start = input.get(..input.len().min(V1_LIMIT)).unwrap_or_default();
    let Some(at) = memmem::find(start, b"\r\n") else {
        let full = start.len() == V1_LIMIT;
        return if full { Err(ProxyError::TooLong { limit: V1_LIMIT }) } else { Ok(None) };
    };
    let text =
        start.get(..at).and_then(|line| std::str::from_utf8(line).ok()).ok_or(ProxyError::Malformed)?;
    let mut words = text.split(' ').skip(1);
    let family = words.next();
    let words: Vec<_> = words.collect();
    let client = match (family, words.as_slice()) {
        (Some("UNKNOWN"), _) => None,
        (Some("TCP4"), [source, destination, from, to]) => {
            let (source, _) = (address::<Ipv4Addr>(source)?, address::<Ipv4Addr>(destination)?);
            ports(from, to)?;
            Some(source.into())
        }
        (Some("TCP6"), [source, destination, from, to]) => {
            let (source, _) = (address::<Ipv6Addr>(source)?, address::<Ipv6Addr>(destination)?);
            ports(from, to)?;
            Some(source.into())
        }
        _ => return Err(ProxyError::Malformed),
    };
    Ok(Some(Header { length: at + 2, client }))
}

/// Twelve fixed bytes, version and command, family, length, addresses, then extensions nobody here needs.
fn version_2(input: &[u8]) -> Result<Option<Header>, ProxyError> {
    let Some(&[version_and_command, family, high, low]) = input.get(12..16) else {
        return Ok(None);
    };
    let length = 16 + usize::from(u16::from_be_bytes([high, low]));
    if length > V2_LIMIT {
        return Err(ProxyError::TooLong { limit: V2_LIMIT });
    }
    let is_local = match version_and_command {
        0x20 => true,
        0x21 => false,
        _ => return Err(ProxyError::Malformed),
    };
    let Some(body) = input.get(16..length) else {
        return Ok(None);
    };
    let client = match family {
        _ if is_local => None,
        // Source and destination address, two ports.
        0x11 => {
            let (source, _) = body
                .first_chunk::<12>()
                .and_then(|body| body.split_first_chunk::<4>())
                .ok_or(ProxyError::Malformed)?;
            Some(Ipv4Addr::from(*source).into())
        }
        0x21 => {
            let (source, _) = body
                .first_chunk::<36>()
                .and_then(|body| body.split_first_chunk::<16>())
                .ok_or(ProxyError::Malformed)?;
            Some(Ipv6Addr::from(*source).into())
        }
        // Unspecified: the specification wants the connection's own address to be used.
        0x00 => None,
        _ => return Err(ProxyError::Malformed),
    };
    Ok(Some(Header { length, client }))
}

fn starts_like(input: &[u8], start: &[u8]) -> bool {
    let both = input.len().min(start.len());
    input.get(..both) == start.get(..both)
}

fn address<A: std::str::FromStr>(text: &str) -> Result<A, ProxyError> {
    text.parse().map_err(|_| ProxyError::Malformed)
}

fn ports(from: &str, to: &str) -> Result<(), ProxyError> {
    match (from.parse::<u16>(), to.parse::<u16>()) {
        (Ok(_), Ok(_)) => Ok(()),
        _ => Err(ProxyError::Malformed),
    }
}

const V1_START: &[u8] = b"PROXY ";

/// The longest header of version 1, line end included, by its specification.
const V1_LIMIT: usize = 107;

const V2_SIGNATURE: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";

/// Addresses need 52 bytes; the rest is for extensions such as TLS details.
const V2_LIMIT: usize = 1024;

#[cfg(test)]
mod tests {
    use super::*;

    fn v2(version_and_command: u8, family: u8, body: &[u8]) -> Vec<u8> {
        let length = u16::try_from(body.len()).unwrap().to_be_bytes();
        [V2_SIGNATURE, &[version_and_command, family], &length, body].concat()
    }

    fn whole(header: &[u8], client: Option<&str>) {
        let parsed = Header { length: header.len(), client: client.map(|client| client.parse().unwrap()) };
        let shown = String::from_utf8_lossy(header);
        for length in 0..header.len() {
            assert_eq!(Header::parse(&header[..length]), Ok(None), "{shown:?} cut to {length}");
        }
        let followed = [header, b"EHLO a\r\n"].concat();
        assert_eq!(Header::parse(&followed), Ok(Some(parsed)), "{shown:?}");
    }

    #[test]
    fn reads_both_versions() {
        whole(b"PROXY TCP4 192.0.2.1 192.0.2.2 56324 25\r\n", Some("192.0.2.1"));
        whole(b"PROXY TCP6 2001:db8::1 2001:db8::2 56324 25\r\n", Some("2001:db8::1"));
        whole(b"PROXY UNKNOWN\r\n", None);
        whole(b"PROXY UNKNOWN ff ff 1 2\r\n", None);
        let four = [192, 0, 2, 1, 192, 0, 2, 2, 1, 2, 0, 25];
        whole(&v2(0x21, 0x11, &four), Some("192.0.2.1"));
        whole(&v2(0x21, 0x11, &[&four[..], &[4; 100]].concat()), Some("192.0.2.1"));
        whole(&v2(0x20, 0x11, &four), None);
        whole(&v2(0x20, 0x00, &[]), None);
        whole(&v2(0x21, 0x00, &[]), None);
        let mut six = [0; 36];
        six[15] = 1;
        whole(&v2(0x21, 0x21, &six), Some("::1"));
    }

    #[test]
    fn refuses_everything_else() {
        let long = [b"PROXY TCP4 ".as_slice(), &[b'1'; 200]].concat();
        for (input, error) in [
            (b"EHLO a\r\n".as_slice(), ProxyError::Missing),
            (b"proxy tcp4", ProxyError::Missing),
            (b"\r\n\r\nQUIT", ProxyError::Missing),
            (b"PROXY\r\n", ProxyError::Missing),
            (b"PROXY TCP4\r\n", ProxyError::Malformed),
            (b"PROXY TCP4 192.0.2.1 192.0.2.2 1\r\n", ProxyError::Malformed),
            (b"PROXY TCP4 192.0.2.1 192.0.2.2 1 2 3\r\n", ProxyError::Malformed),
            (b"PROXY TCP4 192.0.2.1 192.0.2.2 1 65536\r\n", ProxyError::Malformed),
            (b"PROXY TCP4 ::1 ::1 1 2\r\n", ProxyError::Malformed),
            (b"PROXY TCP6 192.0.2.1 ::1 1 2\r\n", ProxyError::Malformed),
            (b"PROXY UDP4 192.0.2.1 192.0.2.2 1 2\r\n", ProxyError::Malformed),
            (&long, ProxyError::TooLong { limit: V1_LIMIT }),
            (&v2(0x31, 0x11, &[0; 12]), ProxyError::Malformed),
            (&v2(0x22, 0x11, &[0; 12]), ProxyError::Malformed),
            (&v2(0x21, 0x11, &[0; 11]), ProxyError::Malformed),
            (&v2(0x21, 0x21, &[0; 35]), ProxyError::Malformed),
            (&v2(0x21, 0x31, &[0; 216]), ProxyError::Malformed),
            (&v2(0x21, 0x11, &[0; 60_000]), ProxyError::TooLong { limit: V2_LIMIT }),
        ] {
            assert_eq!(Header::parse(input), Err(error), "{:?}", String::from_utf8_lossy(input));
        }
    }
}
