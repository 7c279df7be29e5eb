use std::fmt;
use std::path::PathBuf;

/// What can go wrong between this process and the library.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The file is no shared library that this process can load.
    #[error("cannot load {}", path.display())]
    Load {
        /// The file.
        path: PathBuf,
        /// The loader's words.
        source: libloading::Error,
    },
    /// The library lacks a function: it is another library, or another version.
    #[error("the library has no function {name}: it is not libchdb, or too old")]
    MissingFunction {
        /// The C function's name.
        name: &'static str,
        /// The loader's words.
        source: libloading::Error,
    },
    /// A connection argument holds a NUL byte.
    #[error("a connection argument holds a NUL byte: {argument:?}")]
    NulByte {
        /// The argument.
        argument: String,
    },
    /// The engine refused to open a connection; its log has the reason.
    #[error("the engine opened no connection")]
    Connect,
    /// The library returned a null pointer where it promises none.
    #[error("the library returned no result")]
    NoResult,
    /// Only a `SELECT` can be streamed; nothing was run.
    #[error("the statement's result cannot be streamed")]
    NotStreamable,
    /// The engine stopped taking data; finishing the insert tells why.
    #[error("the engine takes no more data for this insert")]
    InsertEnded,
    /// The engine's own error.
    #[error(transparent)]
    Exception(#[from] Exception),
}

/// An exception as ClickHouse words it: `Code: 60. DB::Exception: Unknown table … (UNKNOWN_TABLE)`.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub struct Exception {
    /// ClickHouse's error code; 1002 (`UNKNOWN_EXCEPTION`) when the text has none.
    pub code: i32,
    /// The description, without code, name and version.
    pub text: String,
    /// The code's name, such as `UNKNOWN_TABLE`; may be empty.
    pub name: String,
}

impl Exception {
    /// Parses the library's words. They may be nested (`Code: 108. DB::Exception: Code: 108. DB::Exception:
    /// …`) and may or may not end in a version.
    pub fn parse(message: &str) -> Self {
        let mut text = message.trim();
        let mut code = None;
        let mut name = String::new();
        loop {
            text = without_version(text);
            if let Some((rest, last)) = split_name(text) {
                text = rest;
                name = last.to_owned();
            }
            let Some((inner, rest)) = split_code(text) else { break };
            code = Some(inner);
            text = rest;
        }
        Self { code: code.unwrap_or(UNKNOWN_EXCEPTION), text: text.to_owned(), name }
    }
}

impl fmt::Display for Exception {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Code: {}. DB::Exception: {}", self.code, self.text)?;
        if !self.name.is_empty() {
            // The description usually brings its own full stop.
            let stop = if self.text.ends_with('.') { "" } else { "." };
            write!(formatter, "{stop} ({})", self.name)?;
        }
        Ok(())
    }
}

/// `Code: 60. DB::Exception: text` into 60 and the text.
fn split_code(text: &str) -> Option<(i32, &str)> {
    let text = text.strip_prefix("Error: ").unwrap_or(text);
    let (code, rest) = text.strip_prefix("Code: ")?.split_once(". ")?;
    let rest = rest.strip_prefix("DB::").and_then(|rest| rest.split_once(": "))?.1;
    Some((code.parse().ok()?, rest.trim_start()))
}

/// `text (NAME)` into the text and the name.
fn split_name(text: &str) -> Option<(&str, &str)> {
    let (rest, name) = text.strip_suffix(')')?.rsplit_once(" (")?;
    let is_name = !name.is_empty()
        && name.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_');
    is_name.then_some((rest, name))
}

/// Cuts a final ` (version 26.7.2.1)` or ` (version 26.7.2.1 (official build))`, with or without a full stop.
fn without_version(text: &str) -> &str {
    let Some((rest, version)) = text.rsplit_once(" (version ") else { return text };
    let version = version.trim_end_matches(['.', ')']);
    let number = version.split_once(" (").map_or(version, |(number, _)| number);
    let is_version = number.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    if is_version { rest } else { text }
}

const UNKNOWN_EXCEPTION: i32 = 1002;

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(message: &str, code: i32, text: &str, name: &str) {
        let expected = Exception { code, text: text.to_owned(), name: name.to_owned() };
        assert_eq!(Exception::parse(message), expected);
    }

    #[test]
    fn parses_plain_nested_and_versioned_messages() {
        check(
            "Code: 60. DB::Exception: Table a.b does not exist. (UNKNOWN_TABLE)",
            60,
            "Table a.b does not exist.",
            "UNKNOWN_TABLE",
        );
        check(
            "Code: 108. DB::Exception: Code: 108. DB::Exception: No data to insert. (NO_DATA_TO_INSERT) \
             (version 26.7.2.1). (NO_DATA_TO_INSERT)",
            108,
            "No data to insert.",
            "NO_DATA_TO_INSERT",
        );
        check(
            "Code: 210. DB::NetException: broken (pipe). (NETWORK_ERROR) (version 23.8 (official build))",
            210,
            "broken (pipe).",
            "NETWORK_ERROR",
        );
        check("Invalid or closed connection", 1002, "Invalid or closed connection", "");
        check("Error: something (or other)", 1002, "Error: something (or other)", "");
    }

    #[test]
    fn displays_one_code_and_one_name() {
        let exception = Exception::parse(
            "Code: 33. DB::Exception: Cannot read all data\n: While executing X. (CANNOT_READ_ALL_DATA) (version 1)",
        );
        assert_eq!(
            exception.to_string(),
            "Code: 33. DB::Exception: Cannot read all data\n: While executing X. (CANNOT_READ_ALL_DATA)"
        );
    }
}
