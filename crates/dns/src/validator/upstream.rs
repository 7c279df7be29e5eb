//! What the validation of answers asks: the configured servers, whose own opinion is switched off.

use std::{
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    time::Instant,
};

use futures_util::{Stream, stream};
use hickory_resolver::{
    NameServerPool, PoolContext, ResponseCache, TlsConfig, TtlConfig,
    config::{ResolverConfig, ResolverOpts},
    net::{
        DnsError, NetError,
        runtime::TokioRuntimeProvider,
        xfer::{DnsHandle, FirstAnswer, RetryDnsHandle},
    },
    proto::{
        dnssec::rdata::DNSSECRData,
        op::{DnsRequest, DnsResponse, Message},
        rr::{RData, Record, RecordType},
    },
};
use tokio::sync::Semaphore;

use super::{Trouble, trouble};
use crate::{
    ResolverError,
    bounds::{REMEMBERED, weight},
};

/// Asks the configured servers for signed answers, never too many at once, and remembers what they say.
#[derive(Clone)]
pub(super) struct Upstream {
    servers: RetryDnsHandle<NameServerPool<TokioRuntimeProvider>>,
    cache: ResponseCache,
    times: TtlConfig,
    outstanding: Arc<Semaphore>,
    /// The first question that was not answered.
    trouble: Arc<Mutex<Option<Trouble>>>,
}

impl Upstream {
    pub(super) fn new(
        config: ResolverConfig,
        options: ResolverOpts,
        cache_entries: u64,
        outstanding: usize,
    ) -> Result<Self, ResolverError> {
        let times = TtlConfig::from_opts(&options);
        let attempts = options.attempts;
        let tls = TlsConfig::new().map_err(|source| ResolverError::Resolver { source })?;
        let context = Arc::new(PoolContext::new(options, tls));
        let servers = config.name_servers().to_vec();
        let pool = NameServerPool::from_config(servers, context, TokioRuntimeProvider::default());
        Ok(Self {
            servers: RetryDnsHandle::new(pool, attempts),
            cache: ResponseCache::new(cache_entries, times.clone()),
            times,
            outstanding: Arc::new(Semaphore::new(outstanding)),
            trouble: Arc::default(),
        })
    }

    /// The same servers and the same bound, with nothing remembered.
    pub(super) fn afresh(&self) -> Self {
        let cache = ResponseCache::new(AFRESH, self.times.clone());
        Self { cache, trouble: Arc::default(), ..self.clone() }
    }

    /// Why a question was not answered, if one was not since this was made.
    pub(super) fn trouble(&self) -> Option<Trouble> {
        *self.trouble.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn ask(self, mut request: DnsRequest) -> Result<DnsResponse, NetError> {
        let Some(query) = request.queries.first().cloned() else { return Err(NetError::from("no question")) };
        if let Some(known) = self.cache.get(&query, Instant::now()) {
            return known.and_then(as_response);
        }
        // Without CD a server that validates keeps from us what it holds for forged (RFC 4035 section 3.2.2).
        request.metadata.checking_disabled = true;
        // The semaphore is never closed.
        let permit = self.outstanding.acquire().await;
        let answer = self.servers.send(request).first_answer().await;
        drop(permit);
        let answer = match answer {
            Ok(response) => Ok(useful(response.into_message(), query.query_type())),
            Err(NetError::Dns(DnsError::NoRecordsFound(mut none))) => {
                none.authorities = none.authorities.map(|records| {
                    records.iter().filter(|record| is_proof(record, query.query_type())).cloned().collect()
                });
                none.ns = None;
                Err(NetError::Dns(DnsError::NoRecordsFound(none)))
            }
            Err(error) => {
                self.note(&error);
                return Err(error);
            }
        };
        if answer.as_ref().map_or(true, |message| weight(message.all_sections()) <= REMEMBERED) {
            self.cache.insert(query, answer.clone(), Instant::now());
        }
        answer.and_then(as_response)
    }

    fn note(&self, error: &NetError) {
        let mut noted = self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        noted.get_or_insert(trouble(error));
    }
}

impl DnsHandle for Upstream {
    type Response = Pin<Box<dyn Stream<Item = Result<DnsResponse, NetError>> + Send>>;
    type Runtime = TokioRuntimeProvider;

    fn send(&self, request: DnsRequest) -> Self::Response {
        Box::pin(stream::once(self.clone().ask(request)))
    }
}

/// An answer without what nobody asked for: every set of records in it would be validated, at the price of more
/// questions.
fn useful(mut message: Message, kind: RecordType) -> Message {
    message.additionals.clear();
    message.authorities.retain(|record| is_proof(record, kind));
    message
}

/// Whether a record of the authority section proves something. NS is needed by those who ask for it: that is how a
/// zone's end is found.
fn is_proof(record: &Record, asked: RecordType) -> bool {
    let kind = match &record.data {
        RData::DNSSEC(DNSSECRData::RRSIG(signature)) => signature.input().type_covered,
        _ => record.record_type(),
    };
    match kind {
        RecordType::SOA | RecordType::NSEC | RecordType::NSEC3 | RecordType::DS => true,
        RecordType::NS => asked == RecordType::NS,
        _ => false,
    }
}

fn as_response(message: Message) -> Result<DnsResponse, NetError> {
    DnsResponse::from_message(message).map_err(NetError::from)
}

/// A chain has about four answers a zone.
const AFRESH: u64 = 128;
