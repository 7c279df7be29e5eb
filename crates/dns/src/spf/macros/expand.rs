//! What a macro stands for.

use std::{fmt::Write, net::IpAddr};

use super::{MacroProblem, Place};

/// What macros stand for.
#[derive(Clone, Debug)]
pub struct Values<'a> {
    /// The address of the client.
    pub address: IpAddr,
    /// What stands before the `@` of the sender.
    pub local_part: &'a str,
    /// The domain of the sender.
    pub sender_domain: &'a str,
    /// The domain whose record is evaluated.
    pub domain: &'a str,
    /// What the client said its name is.
    pub helo: &'a str,
    /// The validated name of the client, or `unknown`.
    pub client_name: &'a str,
    /// The receiver that checks.
    pub receiver: &'a str,
    /// Seconds since 1970.
    pub time: u64,
}

/// A letter, and what becomes of what it stands for.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Macro {
    /// In lower case.
    letter: char,
    /// Whether the letter was a capital: what it stands for is written as in a URL.
    is_escaped: bool,
    /// How many parts are kept, from the right.
    keep: Option<usize>,
    is_reversed: bool,
    delimiters: String,
}

impl Macro {
    pub(super) fn parse(text: &str, place: Place) -> Result<Self, MacroProblem> {
        let unknown = |letter: &str| MacroProblem::UnknownLetter { letter: letter.to_owned() };
        let given = text.chars().next().ok_or_else(|| unknown(""))?;
        let letter = given.to_ascii_lowercase();
        if "crt".contains(letter) {
            if place == Place::Record {
                return Err(MacroProblem::ExplanationOnly { letter: given });
            }
        } else if !"slodiphv".contains(letter) {
            return Err(unknown(&given.to_string()));
        }
        let rest = text.get(given.len_utf8()..).unwrap_or_default();
        let wrong = || MacroProblem::Transformer { text: rest.to_owned() };
        let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let (digits, after) = rest.split_at(digits);
        // More parts than a number can say are all of them.
        let keep = (!digits.is_empty()).then(|| digits.parse().unwrap_or(usize::MAX));
        if keep == Some(0) {
            return Err(wrong());
        }
        let reversed = after.strip_prefix(['r', 'R']);
        let delimiters = reversed.unwrap_or(after);
        if !delimiters.chars().all(|c| ".-+,/_=".contains(c)) {
            return Err(wrong());
        }
        let is_reversed = reversed.is_some();
        let is_escaped = given.is_ascii_uppercase();
        Ok(Self { letter, is_escaped, keep, is_reversed, delimiters: delimiters.to_owned() })
    }

    /// Whether it stands for the name of the client.
    pub(super) fn is_client_name(&self) -> bool {
        self.letter == 'p'
    }

    pub(super) fn expand(&self, values: &Values<'_>, out: &mut String) {
        let value = self.value(values);
        let transformed = if self.keep.is_none() && !self.is_reversed && self.delimiters.is_empty() {
            value
        } else {
            let delimiters = if self.delimiters.is_empty() { "." } else { &self.delimiters };
            let mut parts: Vec<_> = value.split(|c: char| delimiters.contains(c)).collect();
            if self.is_reversed {
                parts.reverse();
            }
            let skipped = parts.len().saturating_sub(self.keep.unwrap_or(usize::MAX));
            parts.get(skipped..).unwrap_or_default().join(".")
        };
        if !self.is_escaped {
            return out.push_str(&transformed);
        }
        for byte in transformed.bytes() {
            if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
                out.push(byte.into());
            } else {
                // Writing to a text cannot fail.
                _ = write!(out, "%{byte:02X}");
            }
        }
    }

    fn value(&self, values: &Values<'_>) -> String {
        match self.letter {
            's' => format!("{}@{}", values.local_part, values.sender_domain),
            'l' => values.local_part.to_owned(),
            'o' => values.sender_domain.to_owned(),
            'd' => values.domain.to_owned(),
            'i' => dotted(values.address),
            'p' => values.client_name.to_owned(),
            'v' => if values.address.is_ipv4() { "in-addr" } else { "ip6" }.to_owned(),
            'h' => values.helo.to_owned(),
            'c' => values.address.to_string(),
            'r' => values.receiver.to_owned(),
            // Only letters that `parse` knows are kept, and this is the last of them.
            _ => values.time.to_string(),
        }
    }
}

/// `192.0.2.1`, or the 32 digits of an IPv6 address with dots between them. Those are capitals, as in the RFC's
/// examples.
fn dotted(address: IpAddr) -> String {
    match address {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => {
            let digits = format!("{:032X}", address.to_bits());
            let mut dotted = String::with_capacity(63);
            for digit in digits.chars() {
                if !dotted.is_empty() {
                    dotted.push('.');
                }
                dotted.push(digit);
            }
            dotted
        }
    }
}
