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
        Asked::Queued => (StatusCode::ACCEPTED, "examination queued\n").into_response(),
        Asked::Unknown => {
            (StatusCode::NOT_FOUND, "domain not found in the registry, or not active\n").into_response()
        }
        Asked::Busy => {
            let wait = [(header::RETRY_AFTER, "10")];
            (StatusCode::TOO_MANY_REQUESTS, wait, "already requested, or the queue is full; retry in 10 s\n")
                .into_response()
        }
    }
}
