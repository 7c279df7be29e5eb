use std::fmt;

use serde::Serialize;

/// Who sends as a domain: a known service, or else a network with the end of its reverse names.
///
/// The text is stable, is stored, and is what owners write in the registry: `service:google`, `net:AS64500/mail.example`,
/// `net:AS64500`, `net:unknown`.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(transparent)]
pub struct SenderId(String);

impl SenderId {
    /// A known service.
    pub fn service(id: &str) -> Self {
        Self(format!("service:{id}"))
    }

    /// Reads the stored form; none when it is not one.
    pub fn parse(text: &str) -> Option<Self> {
        let (kind, rest) = text.split_once(':')?;
        let is_one =
            matches!(kind, "service" | "net") && !rest.is_empty() && !rest.contains(char::is_whitespace);
        is_one.then(|| Self(text.to_owned()))
    }

    /// Everybody who is not worth a line of their own.
    pub fn is_others(&self) -> bool {
        self.0 == OTHERS
    }

    /// What people may call a network: the end of its reverse names, else whose it is (`owner`), else its number or addresses.
    pub fn network_name(&self, owner: &str) -> String {
        let rest = self.0.strip_prefix("net:").unwrap_or(&self.0);
        match rest.split_once('/') {
            _ if self.is_others() => "Others".to_owned(),
            Some((number, ending)) if number.starts_with("AS") => match owner {
                "" => format!("{ending} ({number})"),
                owner => format!("{ending} ({owner})"),
            },
            None if rest.starts_with("AS") && !owner.is_empty() => format!("{owner} ({rest})"),
            _ => rest.to_owned(),
        }
    }

    /// The id of the service, when it is one.
    pub fn as_service(&self) -> Option<&str> {
        self.0.strip_prefix("service:")
    }

    /// The stored form.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for SenderId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// As the question about senders writes it.
const OTHERS: &str = "net:others";
