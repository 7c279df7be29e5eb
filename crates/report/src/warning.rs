//! What a parser repaired, skipped or could not read.
//!
//! The codes, by what they mean for the values of a report:
//!
//! - a record was skipped: `source_ip_missing`, `source_ip_invalid`, `count_missing`, `count_invalid`;
//! - a value is missing: `org_name_missing`, `report_id_missing`, `begin_missing`, `end_missing`,
//!   `policy_domain_missing`, `policy_missing`, `header_from_missing`, `reason_type_missing`, `reason_empty`,
//!   `no_records`, `organization_name_missing`, `no_policies`;
//! - a value could not be read: `begin_invalid`, `end_invalid`, `pct_invalid`, `time_invalid`,
//!   `value_ignored`;
//! - something was left out: `repeated`, `dkim_result_left_out`, `spf_result_left_out`, `reason_left_out`,
//!   `list_cut`, `fraction_dropped`, `stray_text`, `trailing_junk`, `leading_junk`;
//! - something was repaired: `broken_declaration`, `broken_end_tag`, `mismatched_end_tag`, `stray_end_tag`,
//!   `unclosed_element`, `feedback_unclosed`, `schema_ignored`, `markup_in_value`, `bare_ampersand`,
//!   `unknown_entity`, `reason_is_text`, `list_unpacked`, `leading_white_space`;
//! - a value cannot be right: `date_implausible`, `date_range_too_long`, `control_character` (a name that had one is
//!   left out);
//! - something was assumed: `encoding_guessed`, `encoding_mismatch`, `encoding_unknown`,
//!   `invalid_bytes_replaced`, `time_without_zone`, `date_range_reversed`;
//! - and `more_warnings`, when there were too many.

use serde::Serialize;

/// One remark about a report that was read all the same.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Warning {
    /// What it is about: a word from a fixed set, such as `count_missing`.
    pub code: &'static str,
    /// Where: a path of element names with records and the like counted from 1, such as
    /// `record[3]/row/count`. Empty for the report as a whole.
    pub at: String,
}

/// The warnings of one report, of which only the first so many are kept.
#[derive(Debug)]
pub(crate) struct Warnings {
    list: Vec<Warning>,
    limit: usize,
}

impl Warnings {
    pub(crate) fn new(limit: usize) -> Self {
        Self { list: Vec::new(), limit }
    }

    /// Notes one; `at` is only asked for when there is room.
    pub(crate) fn add(&mut self, code: &'static str, at: impl FnOnce() -> String) {
        match self.list.len() {
            have if have < self.limit => self.list.push(Warning { code, at: at() }),
            have if have == self.limit => {
                self.list.push(Warning { code: "more_warnings", at: String::new() });
            }
            _ => {}
        }
    }

    /// Notes one about the report as a whole, unless the same was noted before.
    pub(crate) fn add_once(&mut self, code: &'static str) {
        if !self.list.iter().any(|warning| warning.code == code && warning.at.is_empty()) {
            self.add(code, String::new);
        }
    }

    /// Notes that something is missing, unless there is a word about that place already: it was there, but
    /// invalid.
    pub(crate) fn add_missing(&mut self, code: &'static str, at: &str) {
        if self.list.len() > self.limit || !self.list.iter().any(|warning| warning.at == at) {
            self.add(code, || at.to_owned());
        }
    }

    pub(crate) fn into_list(self) -> Vec<Warning> {
        self.list
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_ends_with_a_word_that_there_were_more() {
        let mut warnings = Warnings::new(2);
        for number in 0..9 {
            warnings.add("odd", || number.to_string());
        }
        let codes: Vec<_> = warnings.into_list().into_iter().map(|w| (w.code, w.at)).collect();
        let odd = |at: &str| ("odd", at.to_owned());
        assert_eq!(codes, [odd("0"), odd("1"), ("more_warnings", String::new())]);
    }
}
