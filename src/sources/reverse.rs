use std::{net::IpAddr, time::Duration};

use hickory_resolver::{
    TokioResolver,
    net::{DnsError, NetError},
    proto::rr::{Name, RData},
};
use tokio::time::timeout;

use ruad_common::domain_name::normalize;

/// What DNS says of an address's name.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct Reverse {
    /// The first name that leads back to the address, else the first one.
    pub(super) name: Option<String>,
    /// Whether the name leads back to the address. Anybody can give an address any name.
    pub(super) confirmed: bool,
    /// Whether every question was answered. If not, it is asked again soon, whatever was learnt.
    pub(super) is_certain: bool,
}

impl Reverse {
    /// Asks for the name of `ip`, for no longer than `longest`.
    pub(super) async fn look_up(resolver: &TokioResolver, ip: IpAddr, longest: Duration) -> Self {
        timeout(longest, Self::ask(resolver, ip)).await.unwrap_or_default()
    }

    /// Addresses that have no name in the world's DNS.
    pub(super) fn none() -> Self {
        Self { is_certain: true, ..Self::default() }
    }

    async fn ask(resolver: &TokioResolver, ip: IpAddr) -> Self {
        let names = match resolver.reverse_lookup(ip).await {
            Ok(answer) => answer,
            Err(error) => return Self { is_certain: is_answer(&error), ..Self::default() },
        };
        let names = names.answers().iter().filter_map(|record| match &record.data {
            RData::PTR(name) => normalize(&name.to_ascii()).filter(|name| name.contains('.')),
            _ => None,
        });
        let mut reverse = Self::none();
        for name in names.take(MOST_NAMES) {
            match leads_to(resolver, &name, ip).await {
                Some(true) => return Self { name: Some(name), confirmed: true, is_certain: true },
                Some(false) => {}
                None => reverse.is_certain = false,
            }
            reverse.name.get_or_insert(name);
        }
        reverse
    }
}

/// Whether `name` has the address `ip`; none when there was no answer.
async fn leads_to(resolver: &TokioResolver, name: &str, ip: IpAddr) -> Option<bool> {
    let question = Name::from_ascii(format!("{name}.")).ok()?;
    let answer = match ip {
        IpAddr::V4(_) => resolver.ipv4_lookup(question).await,
        IpAddr::V6(_) => resolver.ipv6_lookup(question).await,
    };
    match answer {
        Ok(answer) => Some(answer.answers().iter().any(|record| record.data.ip_addr() == Some(ip))),
        Err(error) => is_answer(&error).then_some(false),
    }
}

fn is_answer(error: &NetError) -> bool {
    matches!(error, NetError::Dns(DnsError::NoRecordsFound(_)))
}

// An address with more names than this has none that means something.
const MOST_NAMES: usize = 4;
