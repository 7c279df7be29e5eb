//! `POST /check?domain=…`: examine a domain now.

use std::sync::Arc;

use axum::{
    extract::{Query, State, rejection::QueryRejection},
    http::{StatusCode, header},
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
    wanted: Result<Query<Wanted>, QueryRejection>,
) -> Response {
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
