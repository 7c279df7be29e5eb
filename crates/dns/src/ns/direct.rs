//! Asks one server, and nobody else, what it knows by itself.

use std::{net::SocketAddr, time::Duration};

use futures_util::StreamExt;
use hickory_resolver::{
    net::{
        runtime::TokioRuntimeProvider,
        tcp::TcpClientStream,
        udp::UdpClientStream,
        xfer::{DnsHandle, DnsRequestSender, FirstAnswer},
    },
    proto::{
        dnssec::rdata::DNSSECRData,
        op::{DnsRequest, DnsRequestOptions, DnsResponse, Query, ResponseCode},
        rr::{Name, RData, Record, RecordType},
    },
};
use tokio::time::timeout;

use super::Settings;
use crate::{Resolver, may_connect, resolver::knows_no_edns};

/// What a server answered.
pub(super) struct Reply {
    /// The records of the name and type asked for, no others.
    pub(super) records: Vec<RData>,
    /// The same from the section in which a server says who knows more: a delegation.
    pub(super) delegated: Vec<RData>,
    /// When each signature of the records ends, as RFC 4034 section 3.1.5 writes it.
    pub(super) signed_until: Vec<u32>,
    pub(super) code: ResponseCode,
    pub(super) is_authoritative: bool,
    /// Not everything fitted into the answer.
    pub(super) is_truncated: bool,
}

/// Asks without recursion, for signatures too; `None` when no answer came, or the address is not one to ask. A server that does not know
/// EDNS is asked again without (RFC 6891 section 7).
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
    let reply = send(resolver, server, timeout, &name, kind, true).await?;
    match knows_no_edns(reply.code) {
        true => send(resolver, server, timeout, &name, kind, false).await,
        false => Some(reply),
    }
}

async fn send(
    resolver: &Resolver,
    server: SocketAddr,
    timeout: Duration,
    name: &Name,
    kind: RecordType,
    edns: bool,
) -> Option<Reply> {
    let mut options = DnsRequestOptions::default();
    options.recursion_desired = false;
    options.use_edns = edns;
    options.edns_set_dnssec_ok = edns;
    options.retry_interval = timeout / 3;
    let mut stream = UdpClientStream::builder(server, TokioRuntimeProvider::default())
        .with_timeout(Some(timeout))
        .with_max_retries(RETRIES)
        .build();
    let request = || DnsRequest::from_query(Query::query(name.clone(), kind), options);
    let _permit = resolver.permit().await;
    let mut response = stream.send_message(request()).next().await?.ok()?;
    if response.metadata.truncation {
        // What does not come by TCP either stays as it is.
        if let Some(whole) = by_tcp(server, timeout, request()).await {
            response = whole;
        }
    }
    let asked_for = |records: &[Record]| -> Vec<RData> {
        let is_it = |record: &&Record| record.name == *name && record.record_type() == kind;
        records.iter().filter(is_it).map(|record| record.data.clone()).collect()
    };
    let signatures = response.answers.iter().filter(|record| record.name == *name);
    let signatures = signatures.filter_map(|record| match &record.data {
        RData::DNSSEC(DNSSECRData::RRSIG(signature)) if signature.input().type_covered == kind => {
            Some(signature.input().sig_expiration.get())
        }
        _ => None,
    });
    Some(Reply {
        signed_until: signatures.collect(),
        records: asked_for(&response.answers),
        delegated: asked_for(&response.authorities),
        code: response.metadata.response_code,
        is_authoritative: response.metadata.authoritative,
        is_truncated: response.metadata.truncation,
    })
}

async fn by_tcp(server: SocketAddr, time: Duration, request: DnsRequest) -> Option<DnsResponse> {
    // What carries the connection ends with the last clone of the provider.
    let provider = TokioRuntimeProvider::default();
    let answer = async {
        let exchange = TcpClientStream::exchange(server, None, time, Some(1), provider.clone()).await.ok()?;
        exchange.send(request).first_answer().await.ok()
    };
    timeout(time, answer).await.ok()?
}

const RETRIES: u8 = 2;
