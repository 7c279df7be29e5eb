//! What listens where clients come. ClickHouse's own HTTP server listens on loopback behind it: it aborts the whole process
//! when a connection ends within the head of a request, which a stranger needs no password for, and connections without a
//! request take its threads. So a request goes on when its head is complete, and connections are bounded.

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};

use ruad_web::{ConnectionLimits, serve};

/// Hands requests to ClickHouse at `server`, for ever.
pub(super) async fn run(listener: TcpListener, server: SocketAddr) {
    let app = Router::new().fallback(forward).with_state(server);
    serve(listener, app, LIMITS, std::future::pending()).await;
}

async fn forward(State(server): State<SocketAddr>, request: Request) -> Response {
    let failed = |error: &dyn std::error::Error| {
        (StatusCode::BAD_GATEWAY, format!("ClickHouse does not answer: {error}\n")).into_response()
    };
    match ask(server, request).await {
        Ok(response) => response,
        Err(error) => failed(&*error),
    }
}

/// A connection for each request: it costs little on loopback, and when the client goes away, so does the connection,
/// which ends the statement.
async fn ask(
    server: SocketAddr,
    mut request: Request,
) -> Result<Response, Box<dyn std::error::Error + Send + Sync>> {
    let stream = TcpStream::connect(server).await?;
    stream.set_nodelay(true)?;
    let mut builder = http1::Builder::new();
    builder.preserve_header_case(true).max_buf_size(LIMITS.buffer);
    let (mut sender, connection) = builder.handshake::<_, Body>(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str()).parse()?;
    *request.uri_mut() = path;
    *request.version_mut() = axum::http::Version::HTTP_11;
    keep_to_one_connection(request.headers_mut());
    let mut response = sender.send_request(request).await?.map(Body::new);
    keep_to_one_connection(response.headers_mut());
    Ok(response)
}

/// Fields that are about one connection (RFC 9110 section 7.6.1).
fn keep_to_one_connection(headers: &mut HeaderMap) {
    for name in [header::CONNECTION, header::TE, header::TRAILER, header::TRANSFER_ENCODING, header::UPGRADE]
    {
        headers.remove(name);
    }
    headers.remove("keep-alive");
    headers.remove("proxy-connection");
}

const LIMITS: ConnectionLimits = ConnectionLimits {
    // Fewer than ClickHouse has.
    connections: 512,
    header: Duration::from_secs(20),
    // Time-outs of statements and of clients that pause are ClickHouse's.
    longest: Duration::from_secs(24 * 3_600),
    last_answers: Duration::from_secs(10),
    // ClickHouse takes a URI of 1 MiB.
    buffer: (1 << 20) + (128 << 10),
};
