//! The daemon's own web server: `/metrics`, `/healthz`, `/readyz`, `/check` and the public pages below `/c/`.

use std::{
    convert::Infallible,
    future::Future,
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use axum::{
    Router,
    body::Body,
    extract::{DefaultBodyLimit, State},
    http::{StatusCode, header},
    middleware,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use futures_util::stream;
use metrics_exporter_prometheus::PrometheusHandle;
use serde::Deserialize;
use thiserror::Error;
use tokio::net::TcpListener;

use crate::{advice::Adviser, certificate::Register, health::Watch, recent::Recent};
pub use health::{Health, Part};
use hosts::Hosts;
use ruad_web::{ConnectionLimits, serve};

mod certificate;
mod check;
mod health;
mod hosts;

/// Where the web server listens.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Address and port. The pages name customers' domains: keep them off the internet.
    pub listen: SocketAddr,
    /// Names by which this server is asked, besides IP addresses and `localhost`. A request for any other is refused.
    pub hosts: Vec<String>,
}

impl Default for Settings {
    fn default() -> Self {
        Self { listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 9025)), hosts: Vec::new() }
    }
}

/// The web server, bound to its address.
pub struct Server {
    listener: TcpListener,
    hosts: Hosts,
    shared: Shared,
    register: Option<Register>,
}

impl Server {
    /// Binds the address; nothing is answered before [`Server::run`]. Without a watch there is nothing about
    /// domains.
    ///
    /// # Errors
    ///
    /// When the address cannot be bound, or a name in `hosts` is not one.
    pub async fn bind(
        settings: &Settings,
        metrics: PrometheusHandle,
        health: Health,
        watch: Option<Watch>,
    ) -> Result<Self, HttpError> {
        let hosts = Hosts::new(&settings.hosts)?;
        let listen = settings.listen;
        let listener =
            TcpListener::bind(listen).await.map_err(|source| HttpError::Bind { address: listen, source })?;
        Ok(Self {
            listener,
            hosts,
            shared: Shared { metrics, health, watch, advice: None, recent: None },
            register: None,
        })
    }

    /// Shows how the domains of the registry stand on their way, too.
    #[must_use]
    pub fn with_advice(mut self, adviser: Adviser, registry: ruad_registry::Shared) -> Self {
        self.shared.advice = Some((adviser, registry));
        self
    }

    /// Shows who wrote and what happened lately, too.
    #[must_use]
    pub fn with_recent(mut self, recent: Recent) -> Self {
        self.shared.recent = Some(recent);
        self
    }

    /// Shows certificates to everybody, too.
    #[must_use]
    pub fn with_certificates(mut self, register: Register) -> Self {
        self.hosts = self.hosts.public(register.host());
        self.register = Some(register);
        self
    }

    /// The address that was bound, with the port the system chose where the settings said 0.
    ///
    /// # Errors
    ///
    /// When the system does not tell.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Serves until `shutdown` is ready, then lets running requests finish.
    ///
    /// # Errors
    ///
    /// When the listener fails.
    pub async fn run(self, shutdown: impl Future<Output = ()> + Send + 'static) -> io::Result<()> {
        let app = Router::new()
            .route("/", get(index))
            .route("/check", post(check::check))
            .route("/healthz", get(|| async { "ok\n" }))
            .route("/metrics", get(render_metrics))
            .route("/readyz", get(readiness))
            .with_state(Arc::new(self.shared))
            .merge(self.register.map(certificate::routes).unwrap_or_default())
            .layer(DefaultBodyLimit::max(BODY_BYTES))
            .layer(middleware::from_fn_with_state(Arc::new(self.hosts), hosts::guard));
        serve(self.listener, app, LIMITS, shutdown).await;
        Ok(())
    }
}

/// Why the web server could not start.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum HttpError {
    /// The address is taken, not ours, or needs a privilege.
    #[error("cannot listen for http on {address}")]
    Bind {
        /// `http.listen` of the settings.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// A name in the settings is not a host name.
    #[error("http.hosts has {name:?}, which is not a host name")]
    Host {
        /// The entry as configured.
        name: String,
    },
}

const LIMITS: ConnectionLimits = ConnectionLimits {
    // Prometheus, a check of health and some people; each may take the buffer and a piece of an answer.
    connections: 256,
    // Longer than Prometheus usually waits between two questions.
    header: Duration::from_secs(20),
    longest: Duration::from_secs(300),
    last_answers: Duration::from_secs(10),
    buffer: 32 * 1024,
};

/// Bytes of a request's body; no page takes any yet.
const BODY_BYTES: usize = 64 * 1024;

struct Shared {
    metrics: PrometheusHandle,
    health: Health,
    watch: Option<Watch>,
    advice: Option<(Adviser, ruad_registry::Shared)>,
    recent: Option<Recent>,
}

async fn index() -> &'static str {
    "ruad\n/metrics  for Prometheus\n/healthz  the process runs\n/readyz   it can take mail\n\
     /check    POST with ?domain=: examine a domain of the registry now\n\
     /c/NUMBER a certificate\n"
}

async fn render_metrics(State(shared): State<Arc<Shared>>) -> Response {
    let text = "text/plain; version=0.0.4; charset=utf-8";
    let domains = shared.watch.as_ref().map(Watch::metrics).into_iter().flatten();
    let advice = shared.advice.as_ref().map(|(adviser, registry)| adviser.metrics(&registry.current()));
    let recent = shared.recent.as_ref().map(Recent::metrics).into_iter().flatten();
    let pieces = std::iter::once(shared.metrics.render()).chain(domains).chain(advice.into_iter().flatten());
    let pieces = pieces.chain(recent);
    let body = Body::from_stream(stream::iter(pieces.map(Ok::<_, Infallible>)));
    ([(header::CONTENT_TYPE, text)], body).into_response()
}

async fn readiness(State(shared): State<Arc<Shared>>) -> Response {
    let status = if shared.health.is_ready() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, shared.health.to_string()).into_response()
}
