//! Exceptions as ClickHouse's HTTP interface tells them.

use std::io;

use axum::http::StatusCode;
use chdb::Exception;

pub(super) const BAD_ARGUMENTS: i32 = 36;
pub(super) const NOT_IMPLEMENTED: i32 = 48;
pub(super) const CANNOT_WRITE_TO_FILE_DESCRIPTOR: i32 = 75;
pub(super) const SYNTAX_ERROR: i32 = 62;
pub(super) const UNKNOWN_SETTING: i32 = 115;
pub(super) const QUERY_IS_TOO_LARGE: i32 = 229;
pub(super) const TIMEOUT_EXCEEDED: i32 = 159;
pub(super) const SOCKET_TIMEOUT: i32 = 209;
pub(super) const TOO_MANY_SIMULTANEOUS_QUERIES: i32 = 202;
pub(super) const NETWORK_ERROR: i32 = 210;
pub(super) const QUERY_WITH_SAME_ID_IS_ALREADY_RUNNING: i32 = 216;
pub(super) const INTO_OUTFILE_NOT_ALLOWED: i32 = 358;
pub(super) const SESSION_NOT_FOUND: i32 = 372;
pub(super) const ACCESS_DENIED: i32 = 497;
pub(super) const UNKNOWN_ROLE: i32 = 511;
pub(super) const AUTHENTICATION_FAILED: i32 = 516;
pub(super) const BAD_REQUEST_PARAMETER: i32 = 408;
pub(super) const UNSUPPORTED_MEDIA_TYPE: i32 = 779;
pub(super) const UNKNOWN_EXCEPTION: i32 = 1002;

/// An exception of this front's own, with the name that ClickHouse gives the code.
pub(super) fn new(code: i32, text: &str) -> Exception {
    let name = match code {
        BAD_ARGUMENTS => "BAD_ARGUMENTS",
        NOT_IMPLEMENTED => "NOT_IMPLEMENTED",
        SYNTAX_ERROR => "SYNTAX_ERROR",
        CANNOT_WRITE_TO_FILE_DESCRIPTOR => "CANNOT_WRITE_TO_FILE_DESCRIPTOR",
        UNKNOWN_SETTING => "UNKNOWN_SETTING",
        QUERY_IS_TOO_LARGE => "QUERY_IS_TOO_LARGE",
        TIMEOUT_EXCEEDED => "TIMEOUT_EXCEEDED",
        SOCKET_TIMEOUT => "SOCKET_TIMEOUT",
        TOO_MANY_SIMULTANEOUS_QUERIES => "TOO_MANY_SIMULTANEOUS_QUERIES",
        NETWORK_ERROR => "NETWORK_ERROR",
        QUERY_WITH_SAME_ID_IS_ALREADY_RUNNING => "QUERY_WITH_SAME_ID_IS_ALREADY_RUNNING",
        INTO_OUTFILE_NOT_ALLOWED => "INTO_OUTFILE_NOT_ALLOWED",
        SESSION_NOT_FOUND => "SESSION_NOT_FOUND",
        ACCESS_DENIED => "ACCESS_DENIED",
        UNKNOWN_ROLE => "UNKNOWN_ROLE",
        AUTHENTICATION_FAILED => "AUTHENTICATION_FAILED",
        BAD_REQUEST_PARAMETER => "BAD_REQUEST_PARAMETER",
        UNSUPPORTED_MEDIA_TYPE => "UNSUPPORTED_MEDIA_TYPE",
        _ => "UNKNOWN_EXCEPTION",
    };
    Exception { code, text: text.to_owned(), name: name.to_owned() }
}

/// The binding's error as an exception.
pub(super) fn of(error: chdb::Error) -> Exception {
    match error {
        chdb::Error::Exception(exception) => exception,
        other => new(UNKNOWN_EXCEPTION, &other.to_string()),
    }
}

/// What is said when a request's body cannot be read to its end.
pub(super) fn of_input(error: &io::Error) -> Exception {
    match error.kind() {
        io::ErrorKind::TimedOut => new(SOCKET_TIMEOUT, "Timeout exceeded while reading the request's body"),
        io::ErrorKind::UnexpectedEof => new(NETWORK_ERROR, "The request's body ended too early"),
        _ => new(NETWORK_ERROR, &format!("Cannot read the request's body: {error}")),
    }
}

/// What is said when a result cannot be kept until its end.
pub(super) fn of_disk(error: &io::Error) -> Exception {
    new(CANNOT_WRITE_TO_FILE_DESCRIPTOR, &format!("Cannot buffer the result: {error}"))
}

/// The status that ClickHouse gives an exception which comes before the answer has begun
/// (`exceptionCodeToHTTPStatus` of its sources).
pub(super) fn status(code: i32) -> StatusCode {
    match code {
        // REQUIRED_PASSWORD
        194 => StatusCode::UNAUTHORIZED,
        // UNKNOWN_USER, WRONG_PASSWORD, SET_NON_GRANTED_ROLE
        192 | 193 | ACCESS_DENIED | 512 | AUTHENTICATION_FAILED => StatusCode::FORBIDDEN,
        // What the statement or its values are to blame for: texts, dates, numbers, addresses, UUIDs and
        // regular expressions that cannot be parsed; columns; trees too deep or too big; values out of range.
        6 | 8 | 15 | 25 | 26 | 27 | BAD_ARGUMENTS | 37 | 38 | 41 | 44 | 53 | SYNTAX_ERROR | 72 | 117
        | 123 | 167 | 168 | 223 | 321 | 376 | 427 | 441 | 675 | 676 => StatusCode::BAD_REQUEST,
        // Unknown function, identifier, type, storage, table, aggregate function, format, kind of query,
        // database, setting, direction of sorting, database engine, role.
        46 | 47 | 50 | 56 | 60 | 63 | 73 | 78 | 81 | UNKNOWN_SETTING | 152 | 336 | UNKNOWN_ROLE => {
            StatusCode::NOT_FOUND
        }
        QUERY_IS_TOO_LARGE => StatusCode::PAYLOAD_TOO_LARGE,
        NOT_IMPLEMENTED => StatusCode::NOT_IMPLEMENTED,
        // CANNOT_OPEN_FILE, CANNOT_SCHEDULE_TASK
        76 | SOCKET_TIMEOUT | 439 => StatusCode::SERVICE_UNAVAILABLE,
        // HTTP_LENGTH_REQUIRED
        381 => StatusCode::LENGTH_REQUIRED,
        TIMEOUT_EXCEEDED => StatusCode::REQUEST_TIMEOUT,
        UNSUPPORTED_MEDIA_TYPE => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    }
}
