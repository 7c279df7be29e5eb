//! What ClickHouse refuses, and whether it is worth another try.

use clickhouse::error::Error as ClientError;

/// Why the store could not do something.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// ClickHouse answered with an exception.
    #[error("ClickHouse refuses: {message}")]
    Refused {
        /// ClickHouse's number for it, 0 when the answer carries none.
        code: u32,
        /// What ClickHouse said.
        message: String,
    },
    /// There was no answer, or not a whole one; whether the request took effect is not known.
    #[error("no answer from ClickHouse: {message}")]
    Unreachable {
        /// What went wrong on the way.
        message: String,
    },
    /// The answer took too long; whether the request took effect is not known.
    #[error("no answer from ClickHouse in {seconds} s")]
    Timeout {
        /// The limit.
        seconds: u64,
    },
    /// The answer is not what was asked for.
    #[error("cannot read ClickHouse's answer: {message}")]
    Answer {
        /// What is wrong with it.
        message: String,
    },
    /// A name that cannot stand in a statement.
    #[error("{setting}: '{value}' is not a name of letters, digits and underscores")]
    Setting {
        /// The setting's key.
        setting: &'static str,
        /// Its value.
        value: String,
    },
    /// An address that can never be connected to.
    #[error("clickhouse.url is {url:?}: {problem}")]
    Url {
        /// The address, without a password.
        url: String,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// A newer program has changed the schema.
    #[error("the database has schema version {found}, this program knows versions up to {known}")]
    NewerSchema {
        /// The database's version.
        found: u32,
        /// The last version this program has.
        known: u32,
    },
}

/// What to do about an error.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Kind {
    /// Wait and try again.
    Transient,
    /// These rows will never go in; others may.
    Data,
    /// No rows of this table will go in, whatever they say.
    Schema,
}

impl StoreError {
    /// What to do about it. Everything that is not known to be hopeless is tried again: what waits is not lost.
    pub fn kind(&self) -> Kind {
        let Self::Refused { code, .. } = self else {
            return Kind::Transient;
        };
        CODES.iter().find(|(known, _, _)| known == code).map_or(Kind::Transient, |(_, _, kind)| *kind)
    }

    /// ClickHouse's number for it, if it was ClickHouse that refused.
    pub fn code(&self) -> Option<u32> {
        match self {
            Self::Refused { code, .. } => Some(*code),
            _ => None,
        }
    }
}

impl From<ClientError> for StoreError {
    fn from(error: ClientError) -> Self {
        match error {
            ClientError::BadResponse(message) => {
                let code = code_of(&message);
                Self::Refused { code, message: shorten(message) }
            }
            ClientError::Network(source) => Self::Unreachable { message: chain(source.as_ref()) },
            ClientError::TimedOut => Self::Unreachable { message: "timeout expired".to_owned() },
            other => Self::Answer { message: chain(&other) },
        }
    }
}

/// The number in "Code: 252. DB::Exception: …": the header that has it too does not get past the client.
fn code_of(message: &str) -> u32 {
    message
        .split_once("Code: ")
        .and_then(|(_, rest)| rest.split(|c: char| !c.is_ascii_digit()).next())
        .and_then(|digits| digits.parse().ok())
        .unwrap_or(0)
}

/// An error with what caused it.
fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}

/// The server repeats whole statements and rows; what matters comes first.
fn shorten(mut message: String) -> String {
    if message.len() > MAX_MESSAGE {
        let end = message.floor_char_boundary(MAX_MESSAGE);
        message.truncate(end);
        message.push('…');
    }
    message
}

const MAX_MESSAGE: usize = 1000;

/// The exceptions that another try does not heal, by ClickHouse's `ErrorCodes.cpp`. All others are transient, above all
/// 3 `UNEXPECTED_END_OF_FILE`, 60 `UNKNOWN_TABLE` and 81 `UNKNOWN_DATABASE` (a server being restored), 159
/// `TIMEOUT_EXCEEDED`, 164 `READONLY`, 202 `TOO_MANY_SIMULTANEOUS_QUERIES`, 209 `SOCKET_TIMEOUT`, 210 `NETWORK_ERROR`,
/// 236 `ABORTED`, 241 `MEMORY_LIMIT_EXCEEDED`, 242 `TABLE_IS_READ_ONLY`, 243 `NOT_ENOUGH_SPACE`, 252 `TOO_MANY_PARTS`,
/// 285 `TOO_FEW_LIVE_REPLICAS`, 319 `UNKNOWN_STATUS_OF_INSERT`, 497 `ACCESS_DENIED`, 516 `AUTHENTICATION_FAILED`, 999 `KEEPER_EXCEPTION`.
const CODES: &[(u32, &str, Kind)] = &[
    (6, "CANNOT_PARSE_TEXT", Kind::Data),
    (8, "THERE_IS_NO_COLUMN", Kind::Schema),
    (10, "NOT_FOUND_COLUMN_IN_BLOCK", Kind::Schema),
    (15, "DUPLICATE_COLUMN", Kind::Schema),
    (16, "NO_SUCH_COLUMN_IN_TABLE", Kind::Schema),
    (20, "NUMBER_OF_COLUMNS_DOESNT_MATCH", Kind::Schema),
    (27, "CANNOT_PARSE_INPUT_ASSERTION_FAILED", Kind::Data),
    (32, "ATTEMPT_TO_READ_AFTER_EOF", Kind::Data),
    (33, "CANNOT_READ_ALL_DATA", Kind::Data),
    (38, "CANNOT_PARSE_DATE", Kind::Data),
    (41, "CANNOT_PARSE_DATETIME", Kind::Data),
    (44, "ILLEGAL_COLUMN", Kind::Schema),
    (47, "UNKNOWN_IDENTIFIER", Kind::Schema),
    (50, "UNKNOWN_TYPE", Kind::Schema),
    (53, "TYPE_MISMATCH", Kind::Schema),
    (69, "ARGUMENT_OUT_OF_BOUND", Kind::Data),
    (70, "CANNOT_CONVERT_TYPE", Kind::Data),
    (72, "CANNOT_PARSE_NUMBER", Kind::Data),
    (117, "INCORRECT_DATA", Kind::Data),
    (128, "TOO_LARGE_ARRAY_SIZE", Kind::Data),
    (131, "TOO_LARGE_STRING_SIZE", Kind::Data),
    (190, "SIZES_OF_ARRAYS_DONT_MATCH", Kind::Data),
    (321, "VALUE_IS_OUT_OF_RANGE_OF_DATA_TYPE", Kind::Data),
    (349, "CANNOT_INSERT_NULL_IN_ORDINARY_COLUMN", Kind::Data),
    (395, "FUNCTION_THROW_IF_VALUE_IS_NON_ZERO", Kind::Data),
    (407, "DECIMAL_OVERFLOW", Kind::Data),
    (469, "VIOLATED_CONSTRAINT", Kind::Data),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(answer: &str) -> Kind {
        StoreError::from(ClientError::BadResponse(answer.to_owned())).kind()
    }

    #[test]
    fn refusals_are_told_apart_by_their_code() {
        assert_eq!(kind("Code: 252. DB::Exception: Too many parts (TOO_MANY_PARTS)"), Kind::Transient);
        assert_eq!(kind("Code: 16. DB::Exception: No such column x (NO_SUCH_COLUMN_IN_TABLE)"), Kind::Schema);
        assert_eq!(kind("Code: 469. DB::Exception: Constraint `c` is violated"), Kind::Data);
        assert_eq!(kind("Code: 469"), Kind::Data);
        assert_eq!(kind("502 Bad Gateway"), Kind::Transient);
        assert_eq!(kind("Code: 99999999999999. DB::Exception"), Kind::Transient);
    }

    #[test]
    fn a_long_message_is_cut_between_characters() {
        let error = StoreError::from(ClientError::BadResponse("é".repeat(2000)));
        assert!(error.to_string().len() < 1100);
    }
}
