use std::{fmt, path::PathBuf, str::FromStr};

use serde::{Deserialize, Deserializer, de};

use super::Serial;

/// Where certificates can be checked, and what signs them.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// The address under which the internet reaches `/c/` of the daemon's web server. Without one there are no certificates,
    /// because nobody could check them.
    pub url: Option<Address>,
    /// The file of the key that signs; made when it is needed first.
    pub key: PathBuf,
}

impl Default for Settings {
    fn default() -> Self {
        Self { url: None, key: PathBuf::from("ruad-data/certificate.pem") }
    }
}

/// A public address: `https://`, a host, maybe a port and a path. It holds nothing that would have to be escaped anywhere.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Address(String);

/// A text is no such address.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("not an address such as https://dmarc.msp.example, with nothing behind host, port and path")]
pub struct NoAddress;

impl Address {
    /// The host, without its port.
    pub fn host(&self) -> &str {
        let rest = self.0.strip_prefix(SCHEME).unwrap_or_default();
        rest.split(['/', ':']).next().unwrap_or_default()
    }

    /// Where a certificate can be checked.
    pub fn of(&self, serial: Serial) -> String {
        format!("{}/c/{serial}", self.0)
    }

    /// Where the key is that signs.
    pub fn of_key(&self) -> String {
        format!("{}/c/key.pem", self.0)
    }

    /// As it was written, without a slash at its end.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Address {
    type Err = NoAddress;

    fn from_str(text: &str) -> Result<Self, NoAddress> {
        let text = text.trim_end_matches('/');
        let rest = text.strip_prefix(SCHEME).ok_or(NoAddress)?;
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        let (host, port) = authority.split_once(':').unwrap_or((authority, "443"));
        let port: u16 = port.parse().map_err(|_| NoAddress)?;
        let (authority, rest) =
            (authority.to_ascii_lowercase(), rest.get(authority.len()..).unwrap_or_default());
        let is_label = |label: &str| {
            !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        };
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte);
        // What a number can also be written like: +443, 0443.
        let is_port = authority == host.to_ascii_lowercase() || authority.ends_with(&format!(":{port}"));
        if text.len() > LONGEST || !host.split('.').all(is_label) || !is_port || !path.bytes().all(is_plain) {
            return Err(NoAddress);
        }
        Ok(Self(format!("{SCHEME}{authority}{rest}")))
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Address {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(|error| de::Error::custom(format_args!("{text:?}: {error}")))
    }
}

const SCHEME: &str = "https://";
const LONGEST: usize = 200;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        for (text, written, host) in [
            ("https://dmarc.msp.example", "https://dmarc.msp.example", "dmarc.msp.example"),
            ("https://DMARC.msp.example/", "https://dmarc.msp.example", "dmarc.msp.example"),
            ("https://msp.example:8443/Mail/", "https://msp.example:8443/Mail", "msp.example"),
        ] {
            let address: Address = text.parse().unwrap();
            assert_eq!((address.as_str(), address.host()), (written, host));
            assert_eq!(written.parse(), Ok(address));
        }
    }

    #[test]
    fn what_is_none() {
        for text in [
            "",
            "dmarc.msp.example",
            "http://dmarc.msp.example",
            "https://",
            "https:///c",
            "https://msp..example",
            "https://user@msp.example",
            "https://msp.example:0x1bb",
            "https://msp.example:+443",
            "https://msp.example:65536",
            "https://msp.example/?a=b",
            "https://msp.example/#a",
            "https://msp.example/<b>",
            "https://msp.example/a b",
            "https://[::1]",
            "https://msp.example/\u{e9}",
        ] {
            assert_eq!(text.parse::<Address>(), Err(NoAddress), "{text}");
        }
        assert!(format!("https://{}.example", "a".repeat(200)).parse::<Address>().is_err());
    }
}
