//! `POST /check?domain=…`: examine a domain now.

use std::sync::Arc;

use axum::{
    extract::{Query, State, rejection::QueryRejection},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Deserialize;

use super::Shared;
use crate::health::Asked;

#[derive(Deserialize)]
pub(super) struct Wanted {
    domain: String,
}

pub(super) async fn check(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
    wanted: Result<Query<Wanted>, QueryRejection>,
) -> Response {
    if is_from_elsewhere(&headers) {
        return (StatusCode::FORBIDDEN, "requests of other web pages are not answered\n").into_response();
    }
    let Ok(Query(Wanted { domain })) = wanted else {
        return (StatusCode::BAD_REQUEST, "name a domain: /check?domain=…\n").into_response();
    };
    match shared.watch.as_ref().map_or(Asked::Unknown, |watch| watch.ask(&domain)) {
        Asked::Queued => (StatusCode::ACCEPTED, "it is examined now\n").into_response(),
        Asked::Unknown => {
            (StatusCode::NOT_FOUND, "this is no active domain of the registry\n").into_response()
        }
        Asked::Busy => {
            let wait = [(header::RETRY_AFTER, "10")];
            (StatusCode::TOO_MANY_REQUESTS, wait, "it was asked for just now, or too many wait\n")
                .into_response()
        }
    }
}

/// Whether a browser says that a page of somebody else sent it: any page may send such a request, and the browser of
/// somebody who reaches this server would carry it here.
fn is_from_elsewhere(headers: &HeaderMap) -> bool {
    let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
    let origin = text("origin").map(|origin| origin.split_once("://").map_or(origin, |(_, host)| host));
    text("sec-fetch-site").is_some_and(|site| !["same-origin", "none"].contains(&site))
        || origin.is_some_and(|origin| Some(origin) != text("host"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_of_others_are_turned_away() {
        for (headers, refused) in [
            (&[("host", "127.0.0.1:9025")][..], false),
            (&[("host", "127.0.0.1:9025"), ("origin", "http://127.0.0.1:9025")], false),
            (&[("host", "127.0.0.1:9025"), ("origin", "https://evil.example")], true),
            (&[("host", "127.0.0.1:9025"), ("origin", "null")], true),
            (&[("host", "127.0.0.1:9025"), ("sec-fetch-site", "cross-site")], true),
            (&[("host", "127.0.0.1:9025"), ("sec-fetch-site", "none")], false),
        ] {
            let headers: HeaderMap = headers
                .iter()
                .map(|(name, value)| (name.parse::<header::HeaderName>().unwrap(), value.parse().unwrap()))
                .collect();
            assert_eq!(is_from_elsewhere(&headers), refused, "{headers:?}");
        }
    }
}
