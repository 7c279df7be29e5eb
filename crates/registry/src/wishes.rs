use std::collections::BTreeMap;

use serde::Deserialize;
use toml::Spanned;

use super::{Listed, RegistryError, file::Builder};
use crate::{Decision, Goal, SenderId};

/// `[[domain.source]]`
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SourceTable {
    sender: Spanned<String>,
    decision: Spanned<String>,
    /// For whoever reads the file.
    #[serde(rename = "note", default)]
    _note: Option<String>,
}

/// What a `[[domain]]` table says of how far the domain is to go.
pub(super) struct Written {
    pub(super) goal: Option<Spanned<String>>,
    pub(super) parked: Option<bool>,
    pub(super) people: Option<bool>,
    pub(super) source: Vec<SourceTable>,
}

impl Builder {
    pub(super) fn wishes(&self, written: Written) -> Result<Listed, RegistryError> {
        Ok(Listed {
            goal: self.goal(written.goal)?,
            parked: written.parked,
            people: written.people.unwrap_or(true),
            decisions: self.decisions(written.source)?,
        })
    }

    fn goal(&self, written: Option<Spanned<String>>) -> Result<Goal, RegistryError> {
        let Some(written) = written else { return Ok(Goal::default()) };
        Goal::named(written.get_ref())
            .ok_or_else(|| self.not_one_of(&written, "domain.goal", "quarantine or reject"))
    }

    fn decisions(&self, tables: Vec<SourceTable>) -> Result<BTreeMap<SenderId, Decision>, RegistryError> {
        let mut decisions = BTreeMap::new();
        for table in tables {
            let written = table.sender.get_ref();
            let sender = SenderId::parse(written).or_else(|| SenderId::parse(&format!("service:{written}")));
            let sender = sender.ok_or_else(|| {
                self.not_one_of(
                    &table.sender,
                    "domain.source.sender",
                    "service:<id>, net:<network> or a service's id",
                )
            })?;
            let decision = Decision::named(table.decision.get_ref()).ok_or_else(|| {
                self.not_one_of(&table.decision, "domain.source.decision", "approved or rejected")
            })?;
            if decisions.insert(sender, decision).is_some() {
                let wanted = "decided about once in a domain's tables";
                return Err(self.not_one_of(&table.sender, "domain.source.sender", wanted));
            }
        }
        Ok(decisions)
    }

    fn not_one_of(
        &self,
        written: &Spanned<String>,
        key: &'static str,
        wanted: &'static str,
    ) -> RegistryError {
        self.out_of_range(self.lines.of(written.span()), key, format!("{:?}", written.get_ref()), wanted)
    }
}
