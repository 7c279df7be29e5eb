use std::{fmt, net::IpAddr};

use serde::{Serialize, Serializer};

/// A range of addresses, as routes and ROAs name it.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Prefix {
    /// The first address.
    address: IpAddr,
    /// How many of its bits are the same for all.
    length: u8,
}

/// Values by prefix. Each address family is kept in as few bytes as it needs: there are a million routes.
#[derive(Clone, Debug)]
pub(super) struct Table<T> {
    v4: Vec<(u32, u8, T)>,
    v6: Vec<(u128, u8, T)>,
}

impl Prefix {
    /// `192.0.2.0/24`; `None` for what is not a prefix, or has bits set behind its length.
    pub fn parse(text: &str) -> Option<Self> {
        let (address, length) = text.split_once('/')?;
        let (address, length) = (address.parse().ok()?, length.parse().ok()?);
        Self { address, length }.is_valid().then_some(Self { address, length })
    }

    /// One address.
    pub fn host(address: IpAddr) -> Self {
        Self { address, length: if address.is_ipv4() { 32 } else { 128 } }
    }

    /// How many bits are the same for all its addresses.
    pub fn length(self) -> u8 {
        self.length
    }

    fn is_valid(self) -> bool {
        match self.address {
            IpAddr::V4(address) => {
                self.length <= 32 && masked_v4(address.into(), self.length) == u32::from(address)
            }
            IpAddr::V6(address) => {
                self.length <= 128 && masked_v6(address.into(), self.length) == u128::from(address)
            }
        }
    }
}

impl fmt::Display for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.length)
    }
}

impl Serialize for Prefix {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<T: Copy + Ord> Table<T> {
    pub(super) fn push(&mut self, prefix: Prefix, value: T) {
        match prefix.address {
            IpAddr::V4(address) => self.v4.push((address.into(), prefix.length, value)),
            IpAddr::V6(address) => self.v6.push((address.into(), prefix.length, value)),
        }
    }

    /// Must come after the last value.
    pub(super) fn finish(&mut self) {
        self.v4.sort_unstable();
        self.v4.dedup();
        self.v4.shrink_to_fit();
        self.v6.sort_unstable();
        self.v6.dedup();
        self.v6.shrink_to_fit();
    }

    pub(super) fn len(&self) -> usize {
        self.v4.len() + self.v6.len()
    }

    /// The values of the prefixes that hold all of `prefix`, the longest first, with their lengths.
    pub(super) fn covering(&self, prefix: Prefix) -> impl Iterator<Item = (Prefix, T)> {
        (0..=prefix.length).rev().flat_map(move |length| match prefix.address {
            IpAddr::V4(address) => {
                let start = masked_v4(address.into(), length);
                let found = same(&self.v4, start, length);
                let prefix = Prefix { address: IpAddr::V4(start.into()), length };
                found.iter().map(|(.., value)| *value).map(move |value| (prefix, value)).collect::<Vec<_>>()
            }
            IpAddr::V6(address) => {
                let start = masked_v6(address.into(), length);
                let found = same(&self.v6, start, length);
                let prefix = Prefix { address: IpAddr::V6(start.into()), length };
                found.iter().map(|(.., value)| *value).map(move |value| (prefix, value)).collect::<Vec<_>>()
            }
        })
    }
}

impl<T> Default for Table<T> {
    fn default() -> Self {
        Self { v4: Vec::new(), v6: Vec::new() }
    }
}

fn same<A: Copy + Ord, T>(sorted: &[(A, u8, T)], start: A, length: u8) -> &[(A, u8, T)] {
    let from = sorted.partition_point(|(address, long, _)| (*address, *long) < (start, length));
    let to = sorted.partition_point(|(address, long, _)| (*address, *long) <= (start, length));
    sorted.get(from..to).unwrap_or_default()
}

fn masked_v4(address: u32, length: u8) -> u32 {
    address & u32::MAX.checked_shl(32 - u32::from(length.min(32))).unwrap_or_default()
}

fn masked_v6(address: u128, length: u8) -> u128 {
    address & u128::MAX.checked_shl(128 - u32::from(length.min(128))).unwrap_or_default()
}
