//! Which requests are answered: a web page can make the browser of a person who reaches this server send requests here,
//! and, once the name of its own server leads to our address (DNS rebinding), read the answers too.

use std::{net::IpAddr, sync::Arc, time::Duration};

use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, StatusCode, Uri, Version, header, uri::Authority},
    middleware::Next,
    response::{IntoResponse, Response},
};
use tokio::time::timeout;

use super::HttpError;

/// The names this server answers to.
#[derive(Clone, Debug, Default)]
pub(super) struct Hosts {
    names: Vec<String>,
    /// The name under which the internet reaches the pages below `/c/`, and nothing else.
    public: Option<String>,
}

/// Why a request is not answered.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
enum Refusal {
    #[error("unknown Host: use an IP address, localhost or a name in http.hosts")]
    Host,
    #[error("the Host header is missing or invalid")]
    Malformed,
    #[error("cross-site requests are refused")]
    OtherPage,
}

impl Hosts {
    /// Those of the settings.
    pub(super) fn new(names: &[String]) -> Result<Self, HttpError> {
        let read = |name: &String| {
            let host = name.parse::<Authority>().ok().map(|authority| normalized(authority.host()));
            host.filter(|host| host == &normalized(name))
                .ok_or_else(|| HttpError::Host { name: name.clone() })
        };
        Ok(Self { names: names.iter().map(read).collect::<Result<_, _>>()?, public: None })
    }

    /// The same, with the name of the pages for the internet.
    pub(super) fn public(self, host: &str) -> Self {
        Self { public: Some(normalized(host)), ..self }
    }

    fn judge(&self, uri: &Uri, version: Version, headers: &HeaderMap) -> Result<(), Refusal> {
        let mut hosts = headers.get_all(header::HOST).iter();
        let host = match (hosts.next(), hosts.next()) {
            (Some(host), None) => Some(host.to_str().ok().and_then(parse).ok_or(Refusal::Malformed)?),
            // Browsers always send it; HTTP/1.0 knew none.
            (None, _) if version == Version::HTTP_10 => None,
            _ => return Err(Refusal::Malformed),
        };
        let is_public = uri.path().starts_with("/c/");
        // The authority of an absolute URI goes before the field (RFC 9112 section 3.2.2): neither may be foreign.
        for authority in uri.authority().into_iter().chain(&host) {
            if !self.is_ours(authority.host(), is_public) {
                return Err(Refusal::Host);
            }
        }
        if is_public || is_of_our_page(headers, host.as_ref()) { Ok(()) } else { Err(Refusal::OtherPage) }
    }

    /// No name of an attacker is an address, `localhost` or in the settings, so that none can be made to lead here.
    fn is_ours(&self, host: &str, is_public: bool) -> bool {
        let host = normalized(host);
        let address = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(&host);
        address.parse::<IpAddr>().is_ok()
            || host == "localhost"
            || host.ends_with(".localhost")
            || self.names.contains(&host)
            || is_public && self.public.as_ref() == Some(&host)
    }
}

/// Answers what may be answered, within [`LONGEST_ANSWER`].
pub(super) async fn guard(State(hosts): State<Arc<Hosts>>, request: Request, next: Next) -> Response {
    if let Err(refusal) = hosts.judge(request.uri(), request.version(), request.headers()) {
        let status = match refusal {
            Refusal::Malformed => StatusCode::BAD_REQUEST,
            Refusal::Host | Refusal::OtherPage => StatusCode::FORBIDDEN,
        };
        return (status, format!("{refusal}\n")).into_response();
    }
    let is_public = request.uri().path().starts_with("/c/");
    let Ok(mut response) = timeout(LONGEST_ANSWER, next.run(request)).await else {
        return (StatusCode::REQUEST_TIMEOUT, "the request took too long\n").into_response();
    };
    if !is_public {
        let headers = response.headers_mut();
        for (name, value) in [
            (header::CACHE_CONTROL, "no-store"),
            (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
            (header::X_FRAME_OPTIONS, "DENY"),
            (header::HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
        ] {
            headers.entry(name).or_insert(HeaderValue::from_static(value));
        }
    }
    response
}

/// Whether nothing says that a page of another site sent the request.
fn is_of_our_page(headers: &HeaderMap, host: Option<&Authority>) -> bool {
    let is_ours = |origin: &HeaderValue| {
        let origin = origin.to_str().ok().and_then(|origin| parse(origin.split_once("://")?.1));
        origin.is_some() && origin.as_ref() == host
    };
    let is_direct =
        |site: &HeaderValue| DIRECT.iter().any(|direct| site.as_bytes().eq_ignore_ascii_case(direct));
    headers.get_all(header::ORIGIN).iter().all(is_ours)
        && headers.get_all("sec-fetch-site").iter().all(is_direct)
}

/// A host with or without a port. The library takes anything for a port.
fn parse(text: &str) -> Option<Authority> {
    let authority: Authority = text.parse().ok()?;
    let port = authority.as_str().strip_prefix(authority.host())?;
    let is_port = |port: &str| port.bytes().all(|byte| byte.is_ascii_digit());
    (port.is_empty() || port.strip_prefix(':').is_some_and(is_port)).then_some(authority)
}

fn normalized(host: &str) -> String {
    host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase()
}

/// What `Sec-Fetch-Site` says of a request of our own page, and of one that a person typed.
const DIRECT: [&[u8]; 2] = [b"same-origin", b"none"];

/// The longest answer is `/metrics` of some thousand domains, a second.
const LONGEST_ANSWER: Duration = Duration::from_secs(30);

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn judge(path: &str, fields: &[(&str, &str)]) -> Result<(), Refusal> {
        let hosts = Hosts::new(&["ruad".to_owned(), "Metrics.msp.example".to_owned()]).unwrap();
        let hosts = hosts.public("dmarc.msp.example");
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            headers.append(name.parse::<header::HeaderName>().unwrap(), value.parse().unwrap());
        }
        hosts.judge(&path.parse().unwrap(), Version::HTTP_11, &headers)
    }

    #[test]
    fn answers_to_its_own_names_alone() {
        for host in [
            "127.0.0.1:9025",
            "127.0.0.1",
            "192.0.2.1:80",
            "[::1]:9025",
            "[2001:db8::1]",
            "localhost:9025",
            "LOCALHOST",
            "x.localhost",
            "ruad:9025",
            "Ruad.",
            "metrics.MSP.example:443",
        ] {
            assert_eq!(judge("/metrics", &[("host", host)]), Ok(()), "{host}");
        }
        for host in [
            "evil.example",
            "evil.example:9025",
            "127.0.0.1.evil.example",
            "localhost.evil.example",
            "xlocalhost",
            "ruad.evil.example",
            "dmarc.msp.example",
        ] {
            assert_eq!(judge("/metrics", &[("host", host)]), Err(Refusal::Host), "{host}");
            assert_eq!(judge("/", &[("host", host)]), Err(Refusal::Host), "{host}");
        }
        for fields in [
            &[][..],
            &[("host", "")],
            &[("host", "a b")],
            &[("host", "x@127.0.0.1")],
            &[("host", "127.0.0.1:9025.evil.example")],
            &[("host", "127.0.0.1"), ("host", "127.0.0.1")],
        ] {
            assert_eq!(judge("/metrics", fields), Err(Refusal::Malformed), "{fields:?}");
        }
        let absolute = "http://evil.example/metrics";
        assert_eq!(judge(absolute, &[("host", "127.0.0.1")]), Err(Refusal::Host));
    }

    #[test]
    fn certificates_have_a_name_of_their_own() {
        let elsewhere = ("sec-fetch-site", "cross-site");
        assert_eq!(judge("/c/key.pem", &[("host", "dmarc.msp.example"), elsewhere]), Ok(()));
        assert_eq!(judge("/c/key.pem", &[("host", "127.0.0.1:9025"), elsewhere]), Ok(()));
        assert_eq!(judge("/c/key.pem", &[("host", "evil.example")]), Err(Refusal::Host));
        assert_eq!(judge("/cx", &[("host", "dmarc.msp.example")]), Err(Refusal::Host));
    }

    #[test]
    fn pages_of_others_are_turned_away() {
        for (name, value, expected) in [
            ("origin", "http://127.0.0.1:9025", Ok(())),
            ("origin", "https://evil.example", Err(Refusal::OtherPage)),
            ("origin", "http://127.0.0.1:9026", Err(Refusal::OtherPage)),
            ("origin", "null", Err(Refusal::OtherPage)),
            ("sec-fetch-site", "none", Ok(())),
            ("sec-fetch-site", "same-origin", Ok(())),
            ("sec-fetch-site", "same-site", Err(Refusal::OtherPage)),
            ("sec-fetch-site", "cross-site", Err(Refusal::OtherPage)),
            ("origin", "HTTP://127.0.0.1:9025", Ok(())),
            ("origin", "", Err(Refusal::OtherPage)),
            ("origin", "http://127.0.0.1:9025, https://evil.example", Err(Refusal::OtherPage)),
            ("origin", "http://127.0.0.1:9025@evil.example", Err(Refusal::OtherPage)),
            ("origin", "http://127.0.0.1:9025/", Err(Refusal::OtherPage)),
            ("sec-fetch-site", "None", Ok(())),
            ("sec-fetch-site", "SAME-ORIGIN", Ok(())),
            ("sec-fetch-site", "CROSS-SITE", Err(Refusal::OtherPage)),
            ("sec-fetch-site", "Same-Site", Err(Refusal::OtherPage)),
            ("sec-fetch-site", "none, cross-site", Err(Refusal::OtherPage)),
            ("sec-fetch-site", "none,none", Err(Refusal::OtherPage)),
            ("sec-fetch-site", "none;x", Err(Refusal::OtherPage)),
            ("sec-fetch-site", "nonesuch", Err(Refusal::OtherPage)),
            ("sec-fetch-site", "", Err(Refusal::OtherPage)),
        ] {
            for path in ["/metrics", "/check", "/", "/healthz"] {
                assert_eq!(judge(path, &[("host", "127.0.0.1:9025"), (name, value)]), expected, "{value}");
            }
        }
    }

    #[test]
    fn every_field_of_the_name_counts() {
        let of = |first: &'static str, second: &'static str| {
            let fields = [("host", "127.0.0.1:9025"), ("sec-fetch-site", first), ("sec-fetch-site", second)];
            judge("/metrics", &fields)
        };
        assert_eq!(of("none", "cross-site"), Err(Refusal::OtherPage));
        assert_eq!(of("cross-site", "none"), Err(Refusal::OtherPage));
        let origins = [("origin", "http://127.0.0.1:9025"), ("origin", "https://evil.example")];
        let fields = [&[("host", "127.0.0.1:9025")][..], &origins].concat();
        assert_eq!(judge("/metrics", &fields), Err(Refusal::OtherPage));
    }

    #[test]
    fn a_name_that_can_never_match_is_a_mistake() {
        for name in ["ruad:9025", "http://ruad", "", "a b", "x@ruad"] {
            assert!(Hosts::new(&[name.to_owned()]).is_err(), "{name}");
        }
    }

    proptest! {
        #[test]
        fn no_foreign_name_passes(name in "[a-z0-9.\\[\\]:@_-]{0,30}evil[.]example[.]?(:[0-9]{0,6})?") {
            prop_assert!(judge("/metrics", &[("host", &name)]).is_err());
        }
    }
}
