//! Asks one server, and nobody else, what it knows by itself.

use std::net::SocketAddr;

use futures_util::StreamExt;
use hickory_resolver::{
    net::{runtime::TokioRuntimeProvider, udp::UdpClientStream, xfer::DnsRequestSender},
    proto::{
        op::{DnsRequest, DnsRequestOptions, Query, ResponseCode},
        rr::{Name, RData, Record, RecordType},
    },
};

use super::Settings;
use crate::dns::{Resolver, may_connect};

/// What a server answered.
pub(super) struct Reply {
    /// The records of the name and type asked for, no others.
    pub(super) records: Vec<RData>,
    /// The same from the section in which a server says who knows more: a delegation.
    pub(super) delegated: Vec<RData>,
    pub(super) code: ResponseCode,
    pub(super) is_authoritative: bool,
    /// Not everything fitted into the answer.
    pub(super) is_truncated: bool,
}

/// Asks without recursion; `None` when no answer came, or the address is not one to ask.
pub(super) async fn ask(
    resolver: &Resolver,
    server: SocketAddr,
    settings: &Settings,
    name: &str,
    kind: RecordType,
) -> Option<Reply> {
    may_connect(server.ip(), settings.private_addresses).ok()?;
    let timeout = settings.timeout;
    let mut name = Name::from_ascii(name).ok()?;
    name.set_fqdn(true);
    let mut options = DnsRequestOptions::default();
    options.recursion_desired = false;
    options.retry_interval = timeout / 3;
    let mut stream = UdpClientStream::builder(server, TokioRuntimeProvider::default())
        .with_timeout(Some(timeout))
        .with_max_retries(RETRIES)
        .build();
    let request = DnsRequest::from_query(Query::query(name.clone(), kind), options);
    let _permit = resolver.permit().await;
    let response = stream.send_message(request).next().await?.ok()?;
    let asked_for = |records: &[Record]| -> Vec<RData> {
        let is_it = |record: &&Record| record.name == name && record.record_type() == kind;
        records.iter().filter(is_it).map(|record| record.data.clone()).collect()
    };
    Some(Reply {
        records: asked_for(&response.answers),
        delegated: asked_for(&response.authorities),
        code: response.metadata.response_code,
        is_authoritative: response.metadata.authoritative,
        is_truncated: response.metadata.truncation,
    })
}

const RETRIES: u8 = 2;
