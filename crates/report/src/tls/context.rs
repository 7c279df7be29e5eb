//! What is known while a report is read, and how its values are taken.

use serde::de::{Error, MapAccess};

use super::{
    object::Object,
    seed::{Item, Items},
    time::Time,
    value::{Scalar, Texts},
};
use crate::{Limits, MOST_A_RECORD, MOST_A_REPORT, ReportError, warning::Warnings};

/// What is known while a report is read.
pub(super) struct Context<'a> {
    pub(super) limits: &'a Limits,
    pub(super) warnings: Warnings,
    /// Where we are: names, with the place in a list counted from 1, or 0 outside of lists.
    pub(super) at: Vec<(&'static str, usize)>,
    /// Policies and failures so far.
    pub(super) entries: usize,
    /// Members at the top that a TLS report has.
    pub(super) known: usize,
    /// All counts of sessions.
    sum: u64,
    /// What to say instead of the error that ended the reading.
    pub(super) refused: Option<ReportError>,
}

impl<'a> Context<'a> {
    pub(super) fn new(limits: &'a Limits) -> Self {
        Self {
            limits,
            warnings: Warnings::new(limits.warnings),
            at: Vec::new(),
            entries: 0,
            known: 0,
            sum: 0,
            refused: None,
        }
    }

    pub(super) fn warn(&mut self, code: &'static str, member: &str) {
        let at = &self.at;
        self.warnings.add(code, || {
            let mut path = String::new();
            for (name, number) in at {
                match number {
                    0 => path.push_str(name),
                    number => path.push_str(&format!("{name}[{number}]")),
                }
                path.push('/');
            }
            (path + member).trim_end_matches('/').to_owned()
        });
    }

    /// Ends the reading with an error of ours.
    pub(super) fn refuse<E: Error>(&mut self, error: ReportError) -> E {
        let text = E::custom(&error);
        self.refused.get_or_insert(error);
        text
    }

    pub(super) fn text<'de, A: MapAccess<'de>>(
        &mut self,
        map: &mut A,
        member: &str,
    ) -> Result<Option<String>, A::Error> {
        let value: Scalar = map.next_value()?;
        if value == Scalar::Other {
            self.warn("value_ignored", member);
        }
        Ok(value.into_text())
    }

    pub(super) fn texts<'de, A: MapAccess<'de>>(
        &mut self,
        map: &mut A,
        member: &str,
    ) -> Result<Vec<String>, A::Error> {
        let Texts { texts, unpacked, cut } = map.next_value()?;
        if unpacked {
            self.warn("list_unpacked", member);
        }
        if cut {
            self.warn("list_cut", member);
        }
        Ok(texts)
    }

    /// A word of an enumeration, lower-cased if it is one of it.
    pub(super) fn word<'de, A: MapAccess<'de>>(
        &mut self,
        map: &mut A,
        member: &str,
        known: &[&str],
    ) -> Result<Option<String>, A::Error> {
        let word = self.text(map, member)?;
        Ok(word.map(|word| match known.iter().find(|known| known.eq_ignore_ascii_case(&word)) {
            Some(known) => (*known).to_owned(),
            None => word,
        }))
    }

    pub(super) fn count<'de, A: MapAccess<'de>>(
        &mut self,
        map: &mut A,
        member: &str,
    ) -> Result<Option<u64>, A::Error> {
        let value: Scalar = map.next_value()?;
        let record = self.at.first().map_or(0, |(_, number)| *number as u64);
        let count = match value.number() {
            Some(number) if number.negative => {
                let count = match &value {
                    Scalar::Text(text) => text.chars().take(40).collect(),
                    _ => number.to_string(),
                };
                return Err(self.refuse(ReportError::NegativeCount { count, record }));
            }
            Some(number) if !number.fraction => u64::try_from(number.whole).unwrap_or(u64::MAX),
            _ => {
                if value != Scalar::Missing {
                    self.warn("count_invalid", member);
                }
                return Ok(None);
            }
        };
        let sum =
            MOST_A_RECORD.check(count, record).and_then(|count| MOST_A_REPORT.add(self.sum, count, record));
        match sum {
            Ok(sum) => self.sum = sum,
            Err(implausible) => return Err(self.refuse(implausible)),
        }
        Ok(Some(count))
    }

    pub(super) fn time<'de, A: MapAccess<'de>>(
        &mut self,
        map: &mut A,
        member: &str,
    ) -> Result<Option<i64>, A::Error> {
        let Some(text) = self.text(map, member)? else { return Ok(None) };
        match Time::parse(&text) {
            Some(time) => {
                if !time.has_zone {
                    self.warn("time_without_zone", member);
                }
                Ok(Some(time.seconds))
            }
            None => {
                self.warn("time_invalid", member);
                Ok(None)
            }
        }
    }

    pub(super) fn list<'de, A: MapAccess<'de>, T: Object>(
        &mut self,
        map: &mut A,
        member: &'static str,
    ) -> Result<Vec<T>, A::Error> {
        let mut items = Vec::new();
        map.next_value_seed(Items { context: self, into: &mut items, member, number: 0 })?;
        Ok(items)
    }

    pub(super) fn object<'de, A: MapAccess<'de>>(
        &mut self,
        map: &mut A,
        member: &'static str,
        into: &mut impl Object,
    ) -> Result<(), A::Error> {
        self.at.push((member, 0));
        map.next_value_seed(Item { context: self, into })?;
        self.at.pop();
        Ok(())
    }
}
