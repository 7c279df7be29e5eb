//! What a client asks for: query parameters, headers and form fields, as ClickHouse's HTTP interface reads
//! them.

use axum::http::{HeaderMap, Method, Uri, header};
use chdb::{Exception, Parameter};

use super::encoding::{Decoding, Encoding};
use super::{exception, multipart};

/// A request without its body.
#[derive(Clone, Debug, Default)]
pub(super) struct Request {
    /// The `query` parameter; the body follows it after a line break.
    pub(super) query: Option<String>,
    pub(super) query_id: Option<String>,
    pub(super) database: Option<String>,
    /// The format of results whose statement names none.
    pub(super) format: Option<String>,
    /// Values for `{name:Type}` placeholders.
    pub(super) parameters: Vec<Parameter>,
    /// Every other parameter is a setting for this statement.
    pub(super) settings: Vec<(String, String)>,
    /// What the client understands of the `Native` format.
    pub(super) protocol_version: u64,
    /// Answer only when the whole result is known.
    pub(super) wait_end_of_query: bool,
    /// The body is a form.
    pub(super) boundary: Option<String>,
    /// How the body is packed.
    pub(super) decoding: Decoding,
    /// How the client wants the answer packed.
    pub(super) encoding: Encoding,
    pub(super) credentials: Option<Credentials>,
    /// ClickHouse's own block compression was asked for; it is not spoken here.
    native_compression: bool,
    role: bool,
}

/// A name and a password.
#[derive(Clone, Default)]
pub(super) struct Credentials {
    pub(super) user: String,
    pub(super) password: String,
}

impl Request {
    /// Reads everything but the body.
    pub(super) fn read(method: &Method, uri: &Uri, headers: &HeaderMap) -> Result<Self, Exception> {
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let mut request = Self {
            database: text("x-clickhouse-database"),
            format: text("x-clickhouse-format"),
            boundary: text("content-type").and_then(|value| multipart::boundary(&value).map(str::to_owned)),
            decoding: Decoding::of(headers)?,
            encoding: Encoding::wanted(headers),
            ..Self::default()
        };
        let mut credentials = Credentials::of(headers)?;
        for (name, value) in form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes()) {
            match &*name {
                "user" => credentials.get_or_insert_default().user = value.into_owned(),
                "password" => credentials.get_or_insert_default().password = value.into_owned(),
                _ => request.take(&name, value.as_bytes())?,
            }
        }
        request.credentials = credentials;
        // ClickHouse: a GET must not change anything, or every link would be dangerous.
        if method != Method::POST && !request.settings.iter().any(|(name, _)| name == "readonly") {
            request.settings.push(("readonly".to_owned(), "2".to_owned()));
        }
        Ok(request)
    }

    /// Adds what a form says. Returns the statement's text when the form carries it.
    pub(super) fn read_form(&mut self, body: &[u8]) -> Result<(), Exception> {
        let boundary = self.boundary.as_deref().unwrap_or_default();
        let fields = multipart::parse(body, boundary).ok_or_else(|| {
            exception::new(
                exception::BAD_REQUEST_PARAMETER,
                "The multipart/form-data body is malformed or cut off",
            )
        })?;
        for field in fields {
            if field.is_file || field.name.ends_with("_structure") || field.name.ends_with("_format") {
                return Err(exception::new(
                    exception::NOT_IMPLEMENTED,
                    "External tables in multipart/form-data are not supported by the embedded engine",
                ));
            }
            self.take(&field.name, &field.value)?;
        }
        Ok(())
    }

    /// The statement that gives this request's connection its settings. `limit` bounds the result, unless the
    /// client does.
    pub(super) fn settings_statement(
        &self,
        log_comment: &str,
        limit: Option<u64>,
    ) -> Result<Vec<u8>, Exception> {
        let mut statement = b"SET log_comment = ".to_vec();
        let own = self.settings.iter().rev().find(|(name, _)| name == "log_comment");
        push_quoted(&mut statement, &format!("{log_comment}{}", own.map_or("", |(_, value)| value)), b'\'');
        if let Some(limit) = limit
            && !self.settings.iter().any(|(name, _)| name == "max_result_bytes")
        {
            statement.extend_from_slice(format!(", max_result_bytes = {limit}").as_bytes());
        }
        // `readonly` comes last, because nothing can be changed after it.
        let (last, first): (Vec<_>, Vec<_>) = self.settings.iter().partition(|(name, _)| name == "readonly");
        for (name, value) in first.into_iter().chain(last) {
            let is_name = !name.is_empty()
                && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'.');
            if !is_name {
                let text = format!("Unknown setting '{name}'.");
                return Err(exception::new(exception::UNKNOWN_SETTING, &text));
            }
            if name != "log_comment" {
                statement.extend_from_slice(format!(", {name} = ").as_bytes());
                push_quoted(&mut statement, value, b'\'');
            }
        }
        Ok(statement)
    }

    /// The statement that makes the request's database the current one.
    pub(super) fn database_statement(&self) -> Option<Vec<u8>> {
        let database = self.database.as_deref().filter(|database| !database.is_empty())?;
        let mut statement = b"USE ".to_vec();
        push_quoted(&mut statement, database, b'`');
        Some(statement)
    }

    /// What is asked for and cannot be had.
    pub(super) fn check(&self) -> Result<(), Exception> {
        if self.native_compression {
            let text = "The parameters compress=1 and decompress=1 (ClickHouse's own block compression) are not \
                        supported by the embedded engine; use Accept-Encoding and Content-Encoding";
            return Err(exception::new(exception::NOT_IMPLEMENTED, text));
        }
        if self.role {
            return Err(exception::new(exception::UNKNOWN_ROLE, "The embedded engine has no roles"));
        }
        Ok(())
    }

    fn take(&mut self, name: &str, value: &[u8]) -> Result<(), Exception> {
        if let Some(name) = name.strip_prefix("param_") {
            // The last value wins, as in ClickHouse.
            self.parameters.retain(|parameter| parameter.name != name);
            self.parameters.push(Parameter { name: name.to_owned(), value: value.to_vec() });
            return Ok(());
        }
        let value = String::from_utf8(value.to_vec()).map_err(|_| {
            let text = format!("The value of '{name}' is not UTF-8");
            exception::new(exception::BAD_REQUEST_PARAMETER, &text)
        })?;
        let is_on = !matches!(value.as_str(), "" | "0" | "false");
        match name {
            "query" => match &mut self.query {
                Some(query) => query.push_str(&value),
                None => self.query = Some(value),
            },
            "query_id" => self.query_id = Some(value),
            "database" => self.database = Some(value),
            "default_format" => self.format = Some(value),
            "wait_end_of_query" => self.wait_end_of_query = is_on,
            "enable_http_compression" if !is_on => self.encoding = Encoding::Identity,
            "compress" | "decompress" => self.native_compression |= is_on,
            "client_protocol_version" => self.protocol_version = value.parse().unwrap_or_default(),
            "role" => self.role = true,
            "session_check" if is_on => {
                // Nothing is kept between requests, so no session was ever there before.
                return Err(exception::new(exception::SESSION_NOT_FOUND, "Session not found"));
            }
            // They mean nothing here, but clients send them.
            "session_id"
            | "session_timeout"
            | "session_check"
            | "close_session"
            | "quota_key"
            | "stacktrace"
            | "buffer_size"
            | "enable_http_compression"
            | "http_zlib_compression_level"
            | "send_progress_in_http_headers"
            | "http_headers_progress_interval_ms"
            | "add_http_cors_header"
            | "cancel_http_readonly_queries_on_client_close" => {}
            _ => self.settings.push((name.to_owned(), value)),
        }
        Ok(())
    }
}

impl Credentials {
    /// `X-ClickHouse-User` and `-Key`, or basic authentication.
    fn of(headers: &HeaderMap) -> Result<Option<Self>, Exception> {
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let (user, password) = (text("x-clickhouse-user"), text("x-clickhouse-key"));
        if user.is_some() || password.is_some() {
            return Ok(Some(Self {
                user: user.unwrap_or_default().to_owned(),
                password: password.unwrap_or_default().to_owned(),
            }));
        }
        let Some(authorization) = text(header::AUTHORIZATION.as_str()) else { return Ok(None) };
        let refused = || {
            let text = "Invalid authentication: only HTTP Basic is supported";
            exception::new(exception::AUTHENTICATION_FAILED, text)
        };
        let (scheme, value) = authorization.split_once(' ').ok_or_else(refused)?;
        if !scheme.eq_ignore_ascii_case("basic") {
            return Err(refused());
        }
        let decoded =
            base64(value.trim()).and_then(|bytes| String::from_utf8(bytes).ok()).ok_or_else(refused)?;
        let (user, password) = decoded.split_once(':').ok_or_else(refused)?;
        Ok(Some(Self { user: user.to_owned(), password: password.to_owned() }))
    }

    /// Compares in a time that does not tell how much was right.
    pub(super) fn are(&self, user: &str, password: &str) -> bool {
        let user_is_right = same(or_default(&self.user), user);
        let password_is_right = same(&self.password, password);
        user_is_right && password_is_right
    }
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Credentials").field("user", &self.user).finish_non_exhaustive()
    }
}

fn or_default(user: &str) -> &str {
    if user.is_empty() { "default" } else { user }
}

fn same(given: &str, right: &str) -> bool {
    let difference = given.bytes().zip(right.bytes()).fold(0, |sum, (one, other)| sum | (one ^ other));
    difference == 0 && given.len() == right.len()
}

/// Appends `text` in quotes; backslash and the quote are the only bytes that mean something inside.
fn push_quoted(statement: &mut Vec<u8>, text: &str, quote: u8) {
    statement.push(quote);
    for byte in text.bytes() {
        if byte == quote || byte == b'\\' {
            statement.push(b'\\');
        }
        statement.push(byte);
    }
    statement.push(quote);
}

/// Standard base64 (RFC 4648, section 4), with or without padding.
fn base64(text: &str) -> Option<Vec<u8>> {
    let mut decoded = Vec::with_capacity(text.len() * 3 / 4);
    let (mut bits, mut count) = (0_u32, 0_u32);
    for byte in text.trim_end_matches('=').bytes() {
        let value = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        bits = (bits << 6) | u32::from(value);
        count += 6;
        if count >= 8 {
            count -= 8;
            decoded.push(u8::try_from((bits >> count) & 0xff).ok()?);
        }
    }
    Some(decoded)
}
