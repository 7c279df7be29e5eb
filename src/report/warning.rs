//! What a parser repaired, skipped or could not read.

use serde::Serialize;

/// One remark about a report that was read all the same.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Warning {
    /// What it is about: a word from a fixed set, such as `count_missing`.
    pub code: &'static str,
    /// Where: a path of element names with records and the like counted from 1, such as `record[3]/row/count`.
    /// Empty for the report as a whole.
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
