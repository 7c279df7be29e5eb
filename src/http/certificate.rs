//! `/c/…`: what everybody may see of certificates. These pages are the only ones made for the internet.

use std::sync::LazyLock;

use axum::{
    Router,
    extract::{
        Path, Query, State,
        rejection::{PathRejection, QueryRejection},
    },
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use serde::Deserialize;

use crate::certificate::{self, Found, Notice, Register, Serial, Sign};
use ruad_common::texts::Language;
use ruad_common::time::unix_seconds;

/// The routes, for a register.
pub(super) fn routes(register: Register) -> Router {
    Router::new().route("/c/{name}", get(show)).with_state(register)
}

#[derive(Deserialize)]
struct Wishes {
    lang: Option<String>,
}

/// What is asked for about a certificate.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Form {
    Page,
    Badge,
    Text,
}

async fn show(
    State(register): State<Register>,
    name: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
    wishes: Result<Query<Wishes>, QueryRejection>,
) -> Response {
    let wanted = wishes.ok().and_then(|Query(wishes)| wishes.lang?.parse().ok());
    let language = wanted.unwrap_or_else(|| spoken(&headers));
    let name = name.map(|Path(name)| name).unwrap_or_default();
    if name == "key.pem" {
        return answer(StatusCode::OK, TEXT, register.public_key().to_pem());
    }
    let (serial, form) = match name.rsplit_once('.') {
        Some((serial, "svg")) => (serial, Form::Badge),
        Some((serial, "txt")) => (serial, Form::Text),
        _ => (name.as_str(), Form::Page),
    };
    let found = match serial.parse::<Serial>() {
        Ok(serial) => register.look_up(serial, unix_seconds()).await,
        Err(_) => Found::Unknown,
    };
    let status = match found {
        Found::Certificate(..) => StatusCode::OK,
        Found::Unknown => StatusCode::NOT_FOUND,
        Found::Away => StatusCode::SERVICE_UNAVAILABLE,
    };
    let (kind, body) = match form {
        Form::Page => (HTML, page(&found, language)),
        Form::Badge => (SVG, badge(&found, language)),
        Form::Text => (TEXT, text(&found)),
    };
    answer(status, kind, body)
}

fn page(found: &Found, language: Language) -> String {
    match found {
        Found::Certificate(entry, standing) => {
            certificate::page(&entry.certificate, Some(*standing), language)
        }
        Found::Unknown => certificate::notice(Notice::Unknown, language),
        Found::Away => certificate::notice(Notice::Away, language),
    }
}

fn badge(found: &Found, language: Language) -> String {
    let sign = match found {
        Found::Certificate(entry, standing) => Sign::Of(&entry.certificate.statement().domain, *standing),
        Found::Unknown => Sign::Unknown,
        Found::Away => Sign::Away,
    };
    certificate::badge(sign, language)
}

fn text(found: &Found) -> String {
    match found {
        Found::Certificate(entry, standing) => {
            format!("standing: {}\n\n{}", standing.name(), entry.certificate)
        }
        Found::Unknown => "no such certificate\n".to_owned(),
        Found::Away => "status temporarily unavailable\n".to_owned(),
    }
}

/// An answer that a browser takes for nothing else than it is, and that nobody shows in a frame.
fn answer(status: StatusCode, kind: &'static str, body: String) -> Response {
    let mut response = (status, body).into_response();
    let headers = response.headers_mut();
    let is_away = status == StatusCode::SERVICE_UNAVAILABLE;
    for (name, value) in [
        (header::CONTENT_TYPE, kind),
        (header::CACHE_CONTROL, if is_away { "no-store" } else { "public, max-age=60" }),
        (header::VARY, "accept-language"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_FRAME_OPTIONS, "DENY"),
        // The badge stands on the pages of others.
        (header::HeaderName::from_static("cross-origin-resource-policy"), "cross-origin"),
        (header::HeaderName::from_static("x-robots-tag"), "noindex"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.insert(header::CONTENT_SECURITY_POLICY, POLICY.clone());
    if is_away {
        headers.insert(header::RETRY_AFTER, HeaderValue::from_static("60"));
    }
    response
}

/// The language that a browser asks for first among those there are (RFC 9110 section 12.5.4).
fn spoken(headers: &HeaderMap) -> Language {
    let accepted =
        headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let mut best = (0.0, Language::default());
    for range in accepted.split(',').take(MOST_RANGES) {
        let mut parts = range.split(';').map(str::trim);
        let tag = parts.next().unwrap_or_default();
        let primary = tag.split('-').next().unwrap_or_default().to_ascii_lowercase();
        let quality = parts.find_map(|part| part.strip_prefix("q=")).map_or(Ok(1.0), str::parse::<f32>);
        if let (Ok(language), Ok(quality)) = (primary.parse(), quality)
            && quality > best.0
            && quality <= 1.0
        {
            best = (quality, language);
        }
    }
    best.1
}

const HTML: &str = "text/html; charset=utf-8";
const SVG: &str = "image/svg+xml; charset=utf-8";
const TEXT: &str = "text/plain; charset=utf-8";

/// More languages than anybody speaks.
const MOST_RANGES: usize = 20;

static POLICY: LazyLock<HeaderValue> = LazyLock::new(|| {
    let policy = format!("{}; frame-ancestors 'none'", certificate::policy());
    // Without one a page may do everything: then rather one that may do nothing.
    HeaderValue::from_str(&policy)
        .unwrap_or(HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'"))
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_language_is_that_of_the_browser() {
        for (accepted, language) in [
            ("", Language::En),
            ("nl", Language::Nl),
            ("nl-NL,nl;q=0.9,en;q=0.8", Language::Nl),
            ("en;q=0.5, nl;q=0.7", Language::Nl),
            ("de-DE,de;q=0.9,en;q=0.8,nl;q=0.7", Language::En),
            ("nl;q=0", Language::En),
            ("NL-be", Language::Nl),
            ("nl;q=many", Language::En),
            ("nl;q=NaN", Language::En),
            (";;;,,,", Language::En),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT_LANGUAGE, accepted.parse().unwrap());
            assert_eq!(spoken(&headers), language, "{accepted}");
        }
    }

    #[test]
    fn the_policy_is_a_header() {
        let policy = POLICY.to_str().unwrap();
        assert!(
            policy.contains("style-src 'sha256-") && policy.contains("frame-ancestors 'none'"),
            "{policy}"
        );
    }
}
