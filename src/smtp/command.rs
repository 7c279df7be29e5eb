//! One command line, read strictly.
//!
//! smtp-proto does the parsing. It is lenient where a server that faces the world should not be (it skips bare CRs,
//! takes LF for a line end, drops source routes, lets `BDAT` sizes beyond 64 bits wrap, takes any extension's
//! parameters and turns `<postmaster>` into the empty address), so the line is checked before and after.

use std::borrow::Cow;

use smtp_proto::{Error, MAIL_BODY_BINARYMIME, MAIL_SMTPUTF8, MailFrom, RcptTo, Request};

use super::{recipients::POSTMASTER, reply::Reply};

/// What a client asked for.
#[derive(Debug, Eq, PartialEq)]
pub(super) enum Command<'a> {
    Helo {
        name: Cow<'a, str>,
    },
    Ehlo {
        name: Cow<'a, str>,
    },
    /// The reverse-path, empty for `<>`, and the announced size, 0 for none.
    Mail {
        from: Cow<'a, str>,
        size: u64,
    },
    Rcpt {
        to: Cow<'a, str>,
    },
    Data,
    Bdat {
        size: u64,
        last: bool,
    },
    StartTls,
    Rset,
    Noop,
    Vrfy,
    Expn,
    Help,
    Quit,
}

/// Why a line is no command of ours.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Refusal {
    /// Say this and go on.
    Reply(Reply),
    /// A `BDAT` whose length is not known: nobody can tell where the next command begins.
    Lost,
}

impl<'a> Command<'a> {
    /// Reads one line with its line end.
    pub(super) fn parse(line: &'a [u8]) -> Result<Self, Refusal> {
        let Some(text) = line.strip_suffix(b"\r\n") else {
            return Err(Refusal::Reply(Reply::BAD_LINE));
        };
        let text = match std::str::from_utf8(text) {
            Ok(text) if !text.contains(char::is_control) => text,
            _ => return Err(Refusal::Reply(Reply::BAD_LINE)),
        };
        if let Some(argument) = after_verb(text, "BDAT") {
            return bdat(argument).ok_or(Refusal::Lost);
        }
        let request =
            Request::parse(&mut line.iter()).map_err(|error| Refusal::Reply(refusal(&error, text)))?;
        Self::from_request(request, text).map_err(Refusal::Reply)
    }

    fn from_request(request: Request<Cow<'a, str>>, text: &'a str) -> Result<Self, Reply> {
        Ok(match request {
            Request::Helo { host } => Self::Helo { name: host },
            Request::Ehlo { host } => Self::Ehlo { name: host },
            Request::Mail { from } => mail(from, text)?,
            Request::Rcpt { to } => rcpt(to, text)?,
            Request::Data if after_verb(text, "DATA") != Some("") => return Err(Reply::BAD_SYNTAX),
            Request::Data => Self::Data,
            Request::StartTls if after_verb(text, "STARTTLS") != Some("") => return Err(Reply::BAD_SYNTAX),
            Request::StartTls => Self::StartTls,
            Request::Rset => Self::Rset,
            Request::Noop { .. } => Self::Noop,
            Request::Vrfy { .. } => Self::Vrfy,
            Request::Expn { .. } => Self::Expn,
            Request::Help { .. } => Self::Help,
            Request::Quit => Self::Quit,
            Request::Lhlo { .. }
            | Request::Auth { .. }
            | Request::Bdat { .. }
            | Request::Etrn { .. }
            | Request::Atrn { .. }
            | Request::Burl { .. } => return Err(Reply::NOT_IMPLEMENTED),
        })
    }
}

fn mail<'a>(from: MailFrom<Cow<'a, str>>, text: &str) -> Result<Command<'a>, Reply> {
    for (name, value) in parameters(text) {
        let known = match name.to_ascii_uppercase().as_str() {
            "SIZE" | "BODY" => value.is_some(),
            "SMTPUTF8" => value.is_none(),
            _ => false,
        };
        if !known {
            return Err(Reply::BAD_PARAMETER);
        }
        if name.eq_ignore_ascii_case("SIZE") && !is_size((name, value)) {
            return Err(Reply::BAD_SYNTAX);
        }
    }
    if from.flags & MAIL_BODY_BINARYMIME != 0 {
        return Err(Reply::BAD_PARAMETER);
    }
    if !from.address.is_ascii() && from.flags & MAIL_SMTPUTF8 == 0 {
        return Err(Reply::NOT_ASCII);
    }
    Ok(Command::Mail { from: from.address, size: from.size as u64 })
}

fn rcpt<'a>(to: RcptTo<Cow<'a, str>>, text: &str) -> Result<Command<'a>, Reply> {
    if parameters(text).next().is_some() {
        return Err(Reply::BAD_PARAMETER);
    }
    let path = text.split_once('<').map_or("", |(_, path)| path.trim_start());
    if to.address.is_empty() {
        // smtp-proto gives the same for `<>`, which is nobody, and for `<postmaster>`.
        let is_postmaster =
            path.get(..POSTMASTER.len()).is_some_and(|start| start.eq_ignore_ascii_case(POSTMASTER));
        return if is_postmaster {
            Ok(Command::Rcpt { to: POSTMASTER.into() })
        } else {
            Err(Reply::BAD_RECIPIENT)
        };
    }
    // A source route asks for relaying (RFC 5321 section 3.3 lets us refuse), even one that ends here.
    if path.starts_with('@') {
        return Err(Reply::NOT_FOR_US);
    }
    Ok(Command::Rcpt { to: to.address })
}

/// `BDAT size [LAST]` (RFC 3030).
fn bdat(argument: &str) -> Option<Command<'static>> {
    let mut words = argument.split_ascii_whitespace();
    let size = words.next().filter(|size| size.bytes().all(|digit| digit.is_ascii_digit()))?;
    let size = size.parse().ok()?;
    let last = match words.next() {
        None => false,
        Some(word) if word.eq_ignore_ascii_case("LAST") => true,
        Some(_) => return None,
    };
    words.next().is_none().then_some(Command::Bdat { size, last })
}

/// What follows the verb, trimmed; `None` when the line begins with another word.
fn after_verb<'a>(text: &'a str, verb: &str) -> Option<&'a str> {
    let text = text.trim_start();
    let (start, rest) = text.split_at_checked(verb.len())?;
    let ends = rest.is_empty() || rest.starts_with(char::is_whitespace);
    (ends && start.eq_ignore_ascii_case(verb)).then_some(rest.trim())
}

/// The parameters behind the path of a MAIL or RCPT line: names, and values where there are any.
fn parameters(text: &str) -> impl Iterator<Item = (&str, Option<&str>)> {
    let mut quoted = false;
    let mut escaped = false;
    let end = text.find(|c| {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            '>' if !quoted => return true,
            _ => {}
        }
        false
    });
    let behind = end.and_then(|at| text.get(at + 1..)).unwrap_or("");
    behind.split_ascii_whitespace().map(|word| match word.split_once('=') {
        Some((name, value)) => (name, Some(value)),
        None => (word, None),
    })
}

/// RFC 1870 section 5: at most 20 digits. Beyond them smtp-proto's number would wrap.
fn is_size((name, value): (&str, Option<&str>)) -> bool {
    let is_number = |text: &str| text.len() <= 20 && text.bytes().all(|digit| digit.is_ascii_digit());
    name.eq_ignore_ascii_case("SIZE") && value.is_some_and(is_number)
}

fn refusal(error: &Error, text: &str) -> Reply {
    match error {
        // A number of the allowed length that is more than 64 bits can hold.
        Error::InvalidParameter { param: "SIZE" } if parameters(text).any(is_size) => Reply::TOO_BIG,
        Error::UnknownCommand => Reply::UNKNOWN_COMMAND,
        Error::InvalidSenderAddress => Reply::BAD_SENDER,
        Error::InvalidRecipientAddress => Reply::BAD_RECIPIENT,
        Error::UnsupportedParameter { .. } => Reply::BAD_PARAMETER,
        Error::SyntaxError { .. }
        | Error::InvalidParameter { .. }
        | Error::NeedsMoreData { .. }
        | Error::ResponseTooLong
        | Error::InvalidResponse { .. } => Reply::BAD_SYNTAX,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<String, Refusal> {
        Command::parse(format!("{text}\r\n").as_bytes()).map(|command| format!("{command:?}"))
    }

    #[test]
    fn reads_commands_in_every_spelling() {
        for (line, command) in [
            ("HELO a.example", r#"Helo { name: "a.example" }"#),
            ("ehlo [192.0.2.1]", r#"Ehlo { name: "[192.0.2.1]" }"#),
            ("MAIL FROM:<>", r#"Mail { from: "", size: 0 }"#),
            ("MAIL FROM: <a@b.example>", r#"Mail { from: "a@b.example", size: 0 }"#),
            ("mail from:<a@b.example> size=10 BODY=8BITMIME", r#"Mail { from: "a@b.example", size: 10 }"#),
            ("MAIL FROM:<ü@b.example> SMTPUTF8", r#"Mail { from: "ü@b.example", size: 0 }"#),
            (r#"MAIL FROM:<"a> SIZE=5"@b.example>"#, r#"Mail { from: "a> SIZE=5@b.example", size: 0 }"#),
            ("RCPT TO:<a@b.example>", r#"Rcpt { to: "a@b.example" }"#),
            ("rcpt to: <a+c@b.example> ", r#"Rcpt { to: "a+c@b.example" }"#),
            ("RCPT TO:<PostMaster>", r#"Rcpt { to: "postmaster" }"#),
            ("DATA", "Data"),
            ("data ", "Data"),
            ("BDAT 5", "Bdat { size: 5, last: false }"),
            ("bdat 0 last", "Bdat { size: 0, last: true }"),
            ("STARTTLS", "StartTls"),
            ("NOOP whatever", "Noop"),
            ("HELP", "Help"),
            ("HELP MAIL", "Help"),
            ("VRFY a", "Vrfy"),
            ("EXPN a", "Expn"),
            ("RSET", "Rset"),
            ("QUIT", "Quit"),
        ] {
            assert_eq!(parse(line).as_deref(), Ok(command), "{line:?}");
        }
    }

    #[test]
    fn refuses_by_name() {
        for (line, reply) in [
            ("", Reply::UNKNOWN_COMMAND),
            ("HELLO", Reply::UNKNOWN_COMMAND),
            ("MAILFROM:<>", Reply::UNKNOWN_COMMAND),
            ("DA\rTA", Reply::BAD_LINE),
            ("DATA\n", Reply::BAD_LINE),
            ("NOOP\0", Reply::BAD_LINE),
            ("EHLO", Reply::BAD_SYNTAX),
            ("EHLO a\x1b[31m", Reply::BAD_LINE),
            ("MAIL", Reply::BAD_SYNTAX),
            ("MAIL TO:<a@b.example>", Reply::BAD_SYNTAX),
            ("MAIL FROM:a@b.example", Reply::BAD_SYNTAX),
            ("MAIL FROM:<a@b.example", Reply::BAD_SYNTAX),
            ("MAIL FROM:<a@b@c.example>", Reply::BAD_SENDER),
            ("MAIL FROM:<ü@b.example>", Reply::NOT_ASCII),
            ("MAIL FROM:<> SIZE=x", Reply::BAD_SYNTAX),
            ("MAIL FROM:<> SIZE=184467440737095516159", Reply::BAD_SYNTAX),
            ("MAIL FROM:<> SIZE=18446744073709551615", Reply::TOO_BIG),
            ("MAIL FROM:<> SIZE=99999999999999999999", Reply::TOO_BIG),
            ("MAIL FROM:<> BODY=BINARYMIME", Reply::BAD_PARAMETER),
            ("MAIL FROM:<> BODY=9BIT", Reply::BAD_SYNTAX),
            ("MAIL FROM:<> AUTH=<>", Reply::BAD_PARAMETER),
            ("MAIL FROM:<> RET=FULL", Reply::BAD_PARAMETER),
            ("MAIL FROM:<> MT-PRIORITY=0", Reply::BAD_PARAMETER),
            ("MAIL FROM:<> X-UNKNOWN=1", Reply::BAD_PARAMETER),
            ("RCPT TO:<>", Reply::BAD_RECIPIENT),
            ("RCPT TO:<a>", Reply::BAD_RECIPIENT),
            ("RCPT TO:<a@b@c.example>", Reply::BAD_RECIPIENT),
            ("RCPT TO:<@relay.example:a@b.example>", Reply::NOT_FOR_US),
            ("RCPT TO: < @relay.example,@two.example:a@b.example>", Reply::NOT_FOR_US),
            ("RCPT TO:<a@b.example> NOTIFY=NEVER", Reply::BAD_PARAMETER),
            ("DATA now", Reply::BAD_SYNTAX),
            ("STARTTLS now", Reply::BAD_SYNTAX),
            ("AUTH PLAIN AGEAYg==", Reply::NOT_IMPLEMENTED),
            ("ETRN a.example", Reply::NOT_IMPLEMENTED),
            ("LHLO a.example", Reply::NOT_IMPLEMENTED),
        ] {
            assert_eq!(parse(line), Err(Refusal::Reply(reply)), "{line:?}");
        }
        for line in [
            "BDAT",
            "BDAT x",
            "BDAT -1",
            "BDAT +1",
            "BDAT 1 FIRST",
            "BDAT 1 LAST 2",
            "bdat 18446744073709551616",
        ] {
            assert_eq!(parse(line), Err(Refusal::Lost), "{line:?}");
        }
        assert_eq!(Command::parse(b"NOOP\n"), Err(Refusal::Reply(Reply::BAD_LINE)));
    }
}
