use std::net::IpAddr;

use super::Scalar;

/// Days since the epoch.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Day(pub u16);

/// Milliseconds since the epoch.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Millis(pub i64);

/// Seconds since the epoch, of any size a reporter can write.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Seconds(pub i64);

/// Seconds since the epoch, of our own clock.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Timestamp(pub u32);

/// A 128-bit identity, written as a UUID: the only 16-byte type that can be put into a query as plain text.
#[derive(Clone, Copy, Debug, Default)]
pub struct Identity(pub u128);

/// An address; IPv4 is mapped into IPv6.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Address(pub IpAddr);

impl Seconds {
    /// None for what DateTime64 has no place for: it goes from 1900 to 2299, and shows anything else as a time of its own.
    pub(crate) fn representable(seconds: i64) -> Option<Self> {
        (-2_208_988_800..10_413_792_000).contains(&seconds).then_some(Self(seconds))
    }
}

impl Default for Address {
    fn default() -> Self {
        Self(IpAddr::from([0_u8; 16]))
    }
}

macro_rules! scalar {
    ($type:ty, $name:literal, $width:literal, |$value:ident| $bytes:expr) => {
        impl Scalar for $type {
            const TYPE: &'static str = $name;
            const WIDTH: usize = $width;

            fn put(self, out: &mut Vec<u8>) {
                let $value = self;
                out.extend_from_slice(&$bytes);
            }
        }
    };
}

scalar!(bool, "Bool", 1, |value| [u8::from(value)]);
scalar!(u32, "UInt32", 4, |value| value.to_le_bytes());
scalar!(u64, "UInt64", 8, |value| value.to_le_bytes());
scalar!(f32, "Float32", 4, |value| value.to_le_bytes());
scalar!(f64, "Float64", 8, |value| value.to_le_bytes());
scalar!(i64, "Int64", 8, |value| value.to_le_bytes());
scalar!(Day, "Date", 2, |value| value.0.to_le_bytes());
scalar!(Millis, "DateTime64(3, 'UTC')", 8, |value| value.0.to_le_bytes());
scalar!(Seconds, "DateTime64(0, 'UTC')", 8, |value| value.0.to_le_bytes());
scalar!(Timestamp, "DateTime('UTC')", 4, |value| value.0.to_le_bytes());

impl Scalar for Identity {
    const TYPE: &'static str = "UUID";
    const WIDTH: usize = 16;

    /// The high half first, each little-endian.
    fn put(self, out: &mut Vec<u8>) {
        out.extend_from_slice(&((self.0 >> 64) as u64).to_le_bytes());
        out.extend_from_slice(&(self.0 as u64).to_le_bytes());
    }
}

impl Scalar for Address {
    const TYPE: &'static str = "IPv6";
    const WIDTH: usize = 16;

    fn put(self, out: &mut Vec<u8>) {
        let address = match self.0 {
            IpAddr::V4(address) => address.to_ipv6_mapped(),
            IpAddr::V6(address) => address,
        };
        out.extend_from_slice(&address.octets());
    }
}
