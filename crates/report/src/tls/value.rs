//! JSON values taken for what they mean.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::number::Number;

/// A value that should be a string or a number.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Scalar {
    /// `null`, or an empty string.
    Missing,
    /// A string, without surrounding white space.
    Text(String),
    /// A number.
    Number(Number),
    /// A list or an object, whose contents are of no interest.
    Other,
}

impl Scalar {
    /// The value as text; `None` when it is missing, or is of another kind.
    pub(super) fn into_text(self) -> Option<String> {
        match self {
            Self::Text(text) => Some(text),
            Self::Number(number) => Some(number.whole.to_string()),
            Self::Missing | Self::Other => None,
        }
    }

    /// The value as a number, also out of a string.
    pub(super) fn number(&self) -> Option<Number> {
        match self {
            Self::Number(number) => Some(*number),
            Self::Text(text) => Number::parse(text),
            Self::Missing | Self::Other => None,
        }
    }
}

impl<'de> Deserialize<'de> for Scalar {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ScalarVisitor)
    }
}

struct ScalarVisitor;

impl<'de> Visitor<'de> for ScalarVisitor {
    type Value = Scalar;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("any value")
    }

    fn visit_unit<E: Error>(self) -> Result<Scalar, E> {
        Ok(Scalar::Missing)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Scalar, E> {
        Ok(match text.trim() {
            "" => Scalar::Missing,
            text => Scalar::Text(text.to_owned()),
        })
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Scalar, E> {
        Ok(Scalar::Text(value.to_string()))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Scalar, E> {
        Ok(Scalar::Number(Number::from(i128::from(value))))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Scalar, E> {
        Ok(Scalar::Number(Number::from(i128::from(value))))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Scalar, E> {
        Ok(Number::parse(&value.to_string()).map_or(Scalar::Other, Scalar::Number))
    }

    /// A list of one is that one.
    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Scalar, A::Error> {
        let first = list.next_element()?.unwrap_or(Scalar::Missing);
        let more = list.next_element::<IgnoredAny>()?.is_some();
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(if more { Scalar::Other } else { first })
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Scalar, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Scalar::Other)
    }
}

/// A list of strings, or a string for a list of one. No more than [`MOST`] of them are kept.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Texts {
    pub(super) texts: Vec<String>,
    /// It was one string that holds a list, written as JSON once more (Microsoft).
    pub(super) unpacked: bool,
    /// There were more.
    pub(super) cut: bool,
}

impl<'de> Deserialize<'de> for Texts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TextsVisitor)
    }
}

struct TextsVisitor;

impl<'de> Visitor<'de> for TextsVisitor {
    type Value = Texts;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a list of strings")
    }

    fn visit_unit<E: Error>(self) -> Result<Texts, E> {
        Ok(Texts::default())
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Texts, E> {
        let text = text.trim();
        if text.starts_with('[')
            && let Ok(texts) = serde_json::from_str::<Texts>(text)
        {
            return Ok(Texts { unpacked: true, ..texts });
        }
        let texts = if text.is_empty() { Vec::new() } else { vec![text.to_owned()] };
        Ok(Texts { texts, ..Texts::default() })
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Texts, E> {
        self.visit_str(&value.to_string())
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Texts, E> {
        self.visit_str(&value.to_string())
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Texts, E> {
        self.visit_str(&value.to_string())
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Texts, E> {
        self.visit_str(&value.to_string())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Texts, A::Error> {
        let mut all = Texts::default();
        while all.texts.len() < MOST {
            match list.next_element::<Scalar>()? {
                Some(value) => all.texts.extend(value.into_text()),
                None => return self.unpack(all),
            }
        }
        while list.next_element::<IgnoredAny>()?.is_some() {
            all.cut = true;
        }
        Ok(all)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Texts, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Texts::default())
    }
}

impl TextsVisitor {
    /// Looks into a list of one string, which may hold the list itself.
    fn unpack<E: Error>(self, all: Texts) -> Result<Texts, E> {
        match all.texts.as_slice() {
            [text] if text.starts_with('[') => self.visit_str(text),
            _ => Ok(all),
        }
    }
}

/// How many strings of one list are kept. An MTA-STS policy has a line for each MX host.
const MOST: usize = 1_000;
