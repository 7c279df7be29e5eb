use std::{fmt, io};

use serde::{
    Deserialize, Deserializer, Serialize,
    de::{self, SeqAccess, Visitor},
};

use super::{Prefix, Route, prefix::Table};

/// The validated payloads of all ROAs.
#[derive(Clone, Debug, Default)]
pub struct Payloads(Table<(u8, u32)>);

/// The validated payload of a ROA (RFC 6811 section 2): the system `asn` may announce the prefix and parts of it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Payload {
    /// The prefix.
    pub prefix: Prefix,
    /// How long the prefix of a part may be.
    pub max_length: u8,
    /// Who may; nobody when it is 0 (RFC 7607).
    pub asn: u32,
}

/// What the ROAs say of a route (RFC 6811 section 2).
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// One allows it.
    Valid,
    /// None is about it.
    NotFound,
    /// There are some, and none allows it.
    Invalid {
        /// Whether one allows the system, but not a prefix that long.
        too_long: bool,
    },
}

impl Payloads {
    /// Reads the JSON that rpki-client and Routinator write: `{"roas": [{"asn": 64496, "prefix": "192.0.2.0/24",
    /// "maxLength": 24}, …]}`, the number with `AS` before it or without.
    ///
    /// # Errors
    ///
    /// What is wrong with it. Entries that cannot be are left out.
    pub fn read(json: impl io::Read) -> Result<Self, serde_json::Error> {
        #[derive(Deserialize)]
        struct Export {
            roas: Payloads,
        }
        let Export { mut roas } = serde_json::from_reader(json)?;
        roas.0.finish();
        Ok(roas)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether one is about the prefix.
    pub fn covers(&self, prefix: Prefix) -> bool {
        self.0.covering(prefix).next().is_some()
    }

    /// What they say of a route.
    pub fn state(&self, route: &Route) -> State {
        let mut state = State::NotFound;
        for (_, (max_length, asn)) in self.0.covering(route.prefix) {
            // System 0 stands for nobody (RFC 6483 section 4).
            let is_origin = asn == route.origin && asn != 0;
            if is_origin && route.prefix.length() <= max_length {
                return State::Valid;
            }
            let was_too_long = state == State::Invalid { too_long: true };
            state = State::Invalid { too_long: is_origin || was_too_long };
        }
        state
    }
}

impl FromIterator<Payload> for Payloads {
    fn from_iter<I: IntoIterator<Item = Payload>>(payloads: I) -> Self {
        let mut table = Table::default();
        for Payload { prefix, max_length, asn } in payloads {
            table.push(prefix, (max_length, asn));
        }
        table.finish();
        Self(table)
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Valid => "is allowed by a ROA",
            Self::NotFound => "has no ROA",
            Self::Invalid { too_long: true } => "is longer than its ROAs allow",
            Self::Invalid { too_long: false } => "is announced by a network that its ROAs do not allow",
        })
    }
}

impl<'de> Deserialize<'de> for Payloads {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries;
        impl<'de> Visitor<'de> for Entries {
            type Value = Payloads;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of payloads")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut entries: A) -> Result<Payloads, A::Error> {
                let mut table = Table::default();
                while let Some(entry) = entries.next_element::<Entry>()? {
                    let Some(Payload { prefix, max_length, asn }) = entry.payload() else { continue };
                    if table.len() == MOST {
                        return Err(de::Error::custom(format_args!("there are more than {MOST} payloads")));
                    }
                    table.push(prefix, (max_length, asn));
                }
                Ok(Payloads(table))
            }
        }
        deserializer.deserialize_seq(Entries)
    }
}

/// As it is written.
#[derive(Deserialize)]
struct Entry {
    asn: Asn,
    prefix: String,
    #[serde(rename = "maxLength")]
    max_length: u8,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Asn {
    Number(u32),
    Text(String),
}

impl Entry {
    fn payload(&self) -> Option<Payload> {
        let prefix = Prefix::parse(&self.prefix)?;
        let asn = match &self.asn {
            Asn::Number(number) => *number,
            Asn::Text(text) => super::routes::system(text)?,
        };
        (self.max_length >= prefix.length()).then_some(Payload { prefix, max_length: self.max_length, asn })
    }
}

/// Several times as many as there were in 2026.
const MOST: usize = 4_000_000;
