//! How serde is led through objects and lists.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::{context::Context, object::Object};
use crate::ReportError;

/// What is neither list nor object where one of them belongs: `null` says nothing, and the rest is told.
macro_rules! ignore_scalars {
    ($nothing:expr) => {
        fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
            Ok($nothing)
        }

        fn visit_bool<E: Error>(self, _: bool) -> Result<Self::Value, E> {
            self.context.warn("value_ignored", "");
            Ok($nothing)
        }

        fn visit_i64<E: Error>(self, _: i64) -> Result<Self::Value, E> {
            self.visit_bool(false)
        }

        fn visit_u64<E: Error>(self, _: u64) -> Result<Self::Value, E> {
            self.visit_bool(false)
        }

        fn visit_f64<E: Error>(self, _: f64) -> Result<Self::Value, E> {
            self.visit_bool(false)
        }

        fn visit_str<E: Error>(self, _: &str) -> Result<Self::Value, E> {
            self.visit_bool(false)
        }
    };
}

/// Reads one object and says whether it was one; everything else leaves it empty.
pub(super) struct Item<'c, 'l, T> {
    pub(super) context: &'c mut Context<'l>,
    pub(super) into: &'c mut T,
}

impl<'de, T: Object> DeserializeSeed<'de> for Item<'_, '_, T> {
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<bool, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de, T: Object> Visitor<'de> for Item<'_, '_, T> {
    type Value = bool;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<bool, A::Error> {
        while let Some(name) = map.next_key::<String>()? {
            let name = name.trim().to_ascii_lowercase().replace('_', "-");
            self.into.member(&name, &mut map, self.context)?;
        }
        Ok(true)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<bool, A::Error> {
        self.context.warn("value_ignored", "");
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(false)
    }

    ignore_scalars!(false);
}

/// Reads a list of objects; an object alone is a list of one, anything else an empty one.
pub(super) struct Items<'c, 'l, T> {
    pub(super) context: &'c mut Context<'l>,
    pub(super) into: &'c mut Vec<T>,
    pub(super) member: &'static str,
    /// Which item it is, counted from 1.
    pub(super) number: usize,
}

impl<T: Object> Items<'_, '_, T> {
    fn enter(&mut self) {
        self.number += 1;
        self.context.at.push((self.member, self.number));
    }

    fn leave<E: Error>(&mut self, item: Option<T>) -> Result<(), E> {
        self.context.at.pop();
        let Some(item) = item else { return Ok(()) };
        self.context.entries += 1;
        let limit = self.context.limits.tls_entries;
        if self.context.entries > limit {
            return Err(self.context.refuse(ReportError::LimitTlsEntries { limit }));
        }
        self.into.push(item);
        Ok(())
    }
}

impl<'de, T: Object> DeserializeSeed<'de> for Items<'_, '_, T> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de, T: Object> Visitor<'de> for Items<'_, '_, T> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a list of objects")
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut list: A) -> Result<(), A::Error> {
        loop {
            self.enter();
            let mut item = T::default();
            let read = list.next_element_seed(Item { context: &mut *self.context, into: &mut item })?;
            self.leave((read == Some(true)).then_some(item))?;
            if read.is_none() {
                return Ok(());
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(mut self, map: A) -> Result<(), A::Error> {
        self.enter();
        let mut item = T::default();
        Item { context: &mut *self.context, into: &mut item }.visit_map(map)?;
        self.leave(Some(item))
    }

    ignore_scalars!(());
}
