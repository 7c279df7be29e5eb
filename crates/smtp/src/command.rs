//! One command line, read strictly.

use std::borrow::Cow;

use super::{
    foreign::is_foreign,
    path::{Path, PathError},
    recipients::POSTMASTER,
    reply::Reply,
};

/// What a client asked for.
#[derive(Debug, Eq, PartialEq)]
pub(super) enum Command<'a> {
    Helo {
        name: &'a str,
    },
    Ehlo {
        name: &'a str,
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
    /// The client speaks another protocol.
    Foreign,
}

impl<'a> Command<'a> {
    /// Reads one line with its line end.
    pub(super) fn parse(line: &'a [u8]) -> Result<Self, Refusal> {
        if is_foreign(line) {
            return Err(Refusal::Foreign);
        }
        let Some(text) = line.strip_suffix(b"\r\n") else {
            return Err(Refusal::Reply(Reply::BAD_LINE));
        };
        let text = match std::str::from_utf8(text) {
            Ok(text) if !text.contains(char::is_control) => text,
            _ => return Err(Refusal::Reply(Reply::BAD_LINE)),
        };
        let text = text.trim();
        let (verb, argument) = text.split_once(' ').unwrap_or((text, ""));
        let argument = argument.trim_start();
        match verb.to_ascii_uppercase().as_str() {
            "BDAT" => bdat(argument).ok_or(Refusal::Lost),
            verb => Self::read(verb, argument).map_err(Refusal::Reply),
        }
    }

    /// Whether a client may send nothing behind it before it has read the reply (RFC 2920 section 3.2).
    pub(super) fn ends_batch(&self) -> bool {
        matches!(
            self,
            Self::Helo { .. } | Self::Ehlo { .. } | Self::Noop | Self::Vrfy | Self::Expn | Self::Help
        )
    }

    /// Whether one message may need many of it, so that it has a bound of its own.
    pub(super) fn is_of_message(&self) -> bool {
        matches!(self, Self::Rcpt { .. } | Self::Data | Self::Bdat { size: 1.., .. } | Self::Quit)
    }

    fn read(verb: &str, argument: &'a str) -> Result<Self, Reply> {
        Ok(match verb {
            "HELO" => Self::Helo { name: host(argument)? },
            "EHLO" => Self::Ehlo { name: host(argument)? },
            "MAIL" => return mail(after_keyword(argument, "FROM:")?),
            "RCPT" => return rcpt(after_keyword(argument, "TO:")?),
            "DATA" | "STARTTLS" if !argument.is_empty() => return Err(Reply::BAD_SYNTAX),
            "DATA" => Self::Data,
            "STARTTLS" => Self::StartTls,
            "VRFY" | "EXPN" if argument.is_empty() => return Err(Reply::BAD_SYNTAX),
            "VRFY" => Self::Vrfy,
            "EXPN" => Self::Expn,
            "RSET" => Self::Rset,
            "NOOP" => Self::Noop,
            "HELP" => Self::Help,
            "QUIT" => Self::Quit,
            "LHLO" | "AUTH" | "ETRN" | "ATRN" | "BURL" | "TURN" | "SEND" | "SOML" | "SAML" => {
                return Err(Reply::NOT_IMPLEMENTED);
            }
            _ => return Err(Reply::UNKNOWN_COMMAND),
        })
    }
}

/// What the client calls itself. Spelling is not looked at: names that are no host names are common.
fn host(argument: &str) -> Result<&str, Reply> {
    let name = argument.split(' ').next().unwrap_or_default();
    if name.is_empty() || name.len() > HOST_BYTES { Err(Reply::BAD_SYNTAX) } else { Ok(name) }
}

/// What follows `FROM:` or `TO:`.
fn after_keyword<'a>(argument: &'a str, keyword: &str) -> Result<&'a str, Reply> {
    let (start, rest) = argument.split_at_checked(keyword.len()).ok_or(Reply::BAD_SYNTAX)?;
    if start.eq_ignore_ascii_case(keyword) { Ok(rest) } else { Err(Reply::BAD_SYNTAX) }
}

fn mail(argument: &str) -> Result<Command<'_>, Reply> {
    let path = Path::parse(argument).map_err(|error| refusal(error, Reply::BAD_SENDER))?;
    let mut size = None;
    let (mut is_utf8, mut has_body) = (false, false);
    for parameter in path.parameters() {
        let parameter = parameter.ok_or(Reply::BAD_SYNTAX)?;
        match (parameter.keyword.to_ascii_uppercase().as_str(), parameter.value) {
            ("SIZE", Some(value)) if size.is_none() => size = Some(message_size(value)?),
            ("SMTPUTF8", None) if !is_utf8 => is_utf8 = true,
            ("BODY", Some(value)) if !has_body => {
                has_body = true;
                match value.to_ascii_uppercase().as_str() {
                    "7BIT" | "8BITMIME" => {}
                    "BINARYMIME" => return Err(Reply::BAD_PARAMETER),
                    _ => return Err(Reply::BAD_SYNTAX),
                }
            }
            ("SIZE" | "SMTPUTF8" | "BODY", _) => return Err(Reply::BAD_SYNTAX),
            _ => return Err(Reply::BAD_PARAMETER),
        }
    }
    if !path.mailbox.is_ascii() && !is_utf8 {
        return Err(Reply::NOT_ASCII);
    }
    Ok(Command::Mail { from: path.mailbox, size: size.unwrap_or(0) })
}

fn rcpt(argument: &str) -> Result<Command<'_>, Reply> {
    // The one address without a domain (RFC 5321 section 4.1.1.3).
    let bare = argument.trim().strip_prefix('<').and_then(|inner| inner.split_once('>'));
    if let Some((inner, parameters)) = bare
        && inner.trim().eq_ignore_ascii_case(POSTMASTER)
    {
        return match parameters.trim() {
            "" => Ok(Command::Rcpt { to: POSTMASTER.into() }),
            _ => Err(Reply::BAD_PARAMETER),
        };
    }
    let path = Path::parse(argument).map_err(|error| refusal(error, Reply::BAD_RECIPIENT))?;
    match path.parameters().next() {
        None => {}
        Some(None) => return Err(Reply::BAD_SYNTAX),
        Some(Some(_)) => return Err(Reply::BAD_PARAMETER),
    }
    if path.mailbox.is_empty() {
        return Err(Reply::BAD_RECIPIENT);
    }
    // A source route asks for relaying (RFC 5321 section 3.3 lets us refuse), even one that ends here.
    if path.has_route {
        return Err(Reply::NOT_FOR_US);
    }
    Ok(Command::Rcpt { to: path.mailbox })
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

/// At most 20 digits (RFC 1870 section 5), which may be more than 64 bits hold.
fn message_size(value: &str) -> Result<u64, Reply> {
    if value.len() > 20 || !value.bytes().all(|digit| digit.is_ascii_digit()) {
        return Err(Reply::BAD_SYNTAX);
    }
    value.parse().map_err(|_| Reply::TOO_BIG)
}

fn refusal(error: PathError, mailbox: Reply) -> Reply {
    match error {
        PathError::Syntax => Reply::BAD_SYNTAX,
        PathError::Mailbox => mailbox,
    }
}

/// RFC 5321 section 4.5.3.1.2.
const HOST_BYTES: usize = 255;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

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
            (r#"MAIL FROM:<"a> SIZE=5"@b.example>"#, r#"Mail { from: "\"a> SIZE=5\"@b.example", size: 0 }"#),
            ("MAIL FROM:<root@[192.0.2.1]>", r#"Mail { from: "root@[192.0.2.1]", size: 0 }"#),
            ("MAIL FROM:<a@[IPv6:2001:db8::1]> SIZE=1", r#"Mail { from: "a@[IPv6:2001:db8::1]", size: 1 }"#),
            (r#"MAIL FROM:<""@b.example>"#, r#"Mail { from: "\"\"@b.example", size: 0 }"#),
            ("MAIL FROM:<@relay.example:a@b.example>", r#"Mail { from: "a@b.example", size: 0 }"#),
            (r#"RCPT TO:<"rua"@b.example>"#, r#"Rcpt { to: "rua@b.example" }"#),
            ("RCPT TO:< postmaster >", r#"Rcpt { to: "postmaster" }"#),
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
            ("MAIL FROM:<> SIZE=18446744073709551616", Reply::TOO_BIG),
            ("MAIL FROM:<> SIZE=99999999999999999999", Reply::TOO_BIG),
            ("MAIL FROM:<> SIZE=", Reply::BAD_SYNTAX),
            ("MAIL FROM:<> SIZE", Reply::BAD_SYNTAX),
            ("MAIL FROM:<> SIZE=1 SIZE=2", Reply::BAD_SYNTAX),
            ("MAIL FROM:<> SIZE=+1", Reply::BAD_SYNTAX),
            ("MAIL FROM:<> BODY", Reply::BAD_SYNTAX),
            ("MAIL FROM:<> BODY=", Reply::BAD_SYNTAX),
            ("MAIL FROM:<> SMTPUTF8=", Reply::BAD_SYNTAX),
            ("MAIL FROM:<> SMTPUTF8=1", Reply::BAD_SYNTAX),
            ("MAIL FROM:<> X-UNKNOWN=", Reply::BAD_SYNTAX),
            ("MAIL FROM:<> =5", Reply::BAD_SYNTAX),
            ("MAIL FROM:<a@b.example>SIZE=1", Reply::BAD_SYNTAX),
            ("MAIL FROM:<a@[192.0.2.256]>", Reply::BAD_SENDER),
            ("RCPT TO:<a@b.example> NOTIFY=", Reply::BAD_SYNTAX),
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
        for line in ["GET / HTTP/1.1", "POST /", "Host: a.example", "\x16\x03\x01\x02"] {
            assert_eq!(parse(line), Err(Refusal::Foreign), "{line:?}");
        }
    }

    proptest! {
        #[test]
        fn no_line_makes_it_panic(line in prop::collection::vec(any::<u8>(), 0..200)) {
            drop(Command::parse(&line));
        }

        #[test]
        fn what_it_takes_has_no_control_characters(line in "(MAIL FROM|RCPT TO):<[ -~\\x00-\\x1f\"@]{0,20}>( SIZE=[0-9]{0,22})?\r\n") {
            if let Ok(Command::Mail { from, .. } | Command::Rcpt { to: from }) = Command::parse(line.as_bytes()) {
                prop_assert!(!from.contains(char::is_control));
                prop_assert!(from.is_empty() || from == POSTMASTER || from.contains('@'));
            }
        }
    }
}
