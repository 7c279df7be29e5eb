//! How much of what strangers publish is kept, and how many questions one examination may ask.

use std::sync::atomic::{AtomicUsize, Ordering};

use hickory_resolver::proto::rr::{RData, Record};
use xxhash_rust::xxh3::xxh3_64;

/// What is left of the questions and the memory of one examination. Enough for a large domain: some 500 questions and
/// 500 kB; what a hostile domain makes us ask and hold ends here.
#[derive(Debug)]
pub(super) struct Budget {
    questions: AtomicUsize,
    bytes: AtomicUsize,
}

impl Budget {
    /// Whether nothing is left.
    pub(super) fn is_spent(&self) -> bool {
        self.questions.load(Ordering::Relaxed) >= MOST_QUESTIONS
            || self.bytes.load(Ordering::Relaxed) >= MOST_BYTES
    }

    /// Takes note of a question that is asked.
    pub(super) fn ask(&self) {
        self.questions.fetch_add(1, Ordering::Relaxed);
    }

    /// Takes note of an answer that is held. Whether there is room for it.
    pub(super) fn hold(&self, bytes: usize) -> bool {
        self.bytes.fetch_add(bytes, Ordering::Relaxed).saturating_add(bytes) <= MOST_BYTES
    }
}

impl Default for Budget {
    fn default() -> Self {
        Self { questions: AtomicUsize::new(0), bytes: AtomicUsize::new(0) }
    }
}

/// About how many bytes records take in memory. A TXT record of 64 KiB can be made of 32,000 strings.
pub(super) fn weight<'a>(records: impl IntoIterator<Item = &'a Record>) -> usize {
    let of = |record: &Record| {
        let data = match &record.data {
            RData::TXT(text) => text.txt_data.iter().map(|string| string.len() + STRING).sum(),
            _ => 0,
        };
        RECORD + data
    };
    records.into_iter().map(of).sum()
}

/// A text with no more bytes than `most`, and a word about those that are left out.
pub(super) fn clipped(mut text: String, most: usize) -> String {
    let length = text.len();
    if length <= most {
        return text;
    }
    text.truncate(text.floor_char_boundary(most));
    text.push_str(&format!("… ({} more bytes)", length - text.len()));
    text.shrink_to_fit();
    text
}

/// A text with no more bytes than `most`, which still differs from every other text.
pub(super) fn fingerprinted(text: String, most: usize) -> String {
    if text.len() <= most {
        return text;
    }
    let hash = xxh3_64(text.as_bytes());
    format!("{} {hash:016x}", clipped(text, most))
}

/// Findings of one mechanism.
pub(super) const MOST_FINDINGS: usize = 60;
/// Findings of one mechanism with the same code.
pub(super) const MOST_OF_A_CODE: usize = 20;
/// Records of one mechanism that are kept.
pub(super) const MOST_RECORDS: usize = 200;
/// Unanswered questions of one mechanism that are named.
pub(super) const MOST_UNANSWERED: usize = 100;
/// Bytes of a record that are kept: sixteen times what SPF recommends (RFC 7208 section 3.4).
pub(super) const LONGEST_RECORD: usize = 8 * 1_024;
/// Bytes of all records of one mechanism that are kept.
pub(super) const RECORDS_BYTES: usize = 128 * 1_024;
/// Bytes of the record that a finding shows, of which most findings show the same.
pub(super) const LONGEST_EVIDENCE: usize = 4 * 1_024;
/// Bytes of all records that the findings of one mechanism show.
pub(super) const EVIDENCE_BYTES: usize = 64 * 1_024;
/// Bytes of a finding's sentence.
pub(super) const LONGEST_DETAIL: usize = 1_000;
/// Bytes of a record that may be remembered for other domains. A cache counts answers, not bytes.
pub(super) const REMEMBERED: usize = 8 * 1_024;

/// Answers that are remembered of the domains which mail claims to come from. The cache counts answers, not bytes, and
/// strangers choose what is in it: each may be a TXT record of 64 KiB in strings of one byte.
pub const SENDER_ANSWERS: u64 = 64;

const MOST_QUESTIONS: usize = 2_000;
const MOST_BYTES: usize = 2 * 1_024 * 1_024;
/// A record with its names, on a heap.
const RECORD: usize = 256;
/// A string of a TXT record, on a heap.
const STRING: usize = 48;

#[cfg(test)]
mod tests {
    use hickory_resolver::proto::rr::{Name, rdata::TXT};

    use super::*;

    #[test]
    fn answers_about_senders_fill_no_more_than_128_megabytes() {
        // As many strings as a message of 64 KiB has room for.
        let strings = vec!["a".to_owned(); 65_535 / 2];
        let largest = Record::from_rdata(Name::root(), 60, RData::TXT(TXT::new(strings)));
        assert!(weight([&largest]) * usize::try_from(SENDER_ANSWERS).unwrap() <= 128 << 20);
    }
}
