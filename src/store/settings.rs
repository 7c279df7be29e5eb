use std::{
    net::{Ipv4Addr, Ipv6Addr},
    num::NonZeroU16,
    time::Duration,
};

use serde::Deserialize;

use super::StoreError;
use ruad_common::domain_name::{domain, is_within};
use ruad_common::password::Password;

/// Where ClickHouse is and how things are kept there.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Address of ClickHouse's HTTP interface. Without one the daemon runs the embedded engine.
    pub url: Option<String>,
    /// User.
    pub user: Option<String>,
    /// Password.
    pub password: Option<Password>,
    /// Database; it is created when it does not exist.
    pub database: String,
    /// Cluster as ClickHouse's configuration names it: tables become replicated and distributed.
    pub cluster: Option<String>,
    /// Months that data is kept, counted from its arrival; 0 keeps it for ever.
    pub retention_months: u32,
    /// Time a query may take.
    #[serde(with = "ruad_common::seconds")]
    pub query_timeout: Duration,
    /// Time the insert of one block may take.
    #[serde(with = "ruad_common::seconds")]
    pub insert_timeout: Duration,
}

impl Settings {
    /// The address, or the one the embedded engine listens on by default.
    pub fn url(&self) -> &str {
        self.url.as_deref().unwrap_or("http://127.0.0.1:8123")
    }

    /// Whether it can be used at all.
    ///
    /// # Errors
    ///
    /// [`StoreError::Url`] or [`StoreError::Setting`], naming the key.
    pub fn validate(&self) -> Result<(), StoreError> {
        if let Some(url) = &self.url {
            check_url(url).map_err(|problem| StoreError::Url { url: hidden(url), problem })?;
        }
        name("clickhouse.database", &self.database)?;
        self.cluster.as_deref().map_or(Ok(()), |cluster| name("clickhouse.cluster", cluster))
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            url: None,
            user: None,
            password: None,
            database: "ruad".to_owned(),
            cluster: None,
            retention_months: 25,
            query_timeout: Duration::from_secs(60),
            insert_timeout: Duration::from_secs(300),
        }
    }
}

/// What is wrong with an address that can never be connected to, whatever the network does.
fn check_url(text: &str) -> Result<(), &'static str> {
    // The host as it was written: a parser mends some of what is wrong, and says "localhost" is a scheme.
    let (scheme, rest) = text.split_once("://").ok_or("it has to begin with http:// or https://")?;
    if !matches!(scheme.to_ascii_lowercase().as_str(), "http" | "https") {
        return Err("it has to begin with http:// or https://: ruad speaks ClickHouse's HTTP interface");
    }
    if rest.contains(|c: char| c.is_whitespace() || c.is_control() || c == '\\') {
        return Err("it has a character that no address has");
    }
    let (authority, _) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    if rest.contains(['?', '#']) {
        return Err("what stands behind ? or # would be ignored: database, user and password are settings");
    }
    if authority.contains('@') {
        return Err("user and password belong into clickhouse.user and clickhouse.password");
    }
    let (host, port) = match authority.strip_prefix('[') {
        Some(rest) => {
            let (host, port) = rest.split_once(']').ok_or("the address in brackets has no end")?;
            let address: Ipv6Addr = host.parse().map_err(|_| "what is in brackets is not an IPv6 address")?;
            if address.is_multicast() {
                return Err("a multicast address cannot be connected to");
            }
            (None, port.strip_prefix(':').or(port.is_empty().then_some("")))
        }
        None => match authority.split_once(':') {
            Some((host, port)) => (Some(host), Some(port).filter(|port| !port.is_empty())),
            None => (Some(authority), Some("")),
        },
    };
    if !port.is_some_and(|port| port.is_empty() || port.parse::<NonZeroU16>().is_ok()) {
        return Err("the port is not a number from 1 to 65535");
    }
    host.map_or(Ok(()), check_host)
}

fn check_host(host: &str) -> Result<(), &'static str> {
    if let Ok(address) = host.parse::<Ipv4Addr>() {
        return match address.is_multicast() || address.is_broadcast() {
            true => Err("a multicast or broadcast address cannot be connected to"),
            false => Ok(()),
        };
    }
    match domain(host) {
        None => Err("the host is neither a name nor an address"),
        // RFC 6761 section 6.4: no resolver ever finds one.
        Some(name) if is_within(&name, "invalid") => Err("names below .invalid never exist"),
        Some(_) => Ok(()),
    }
}

/// The address without what may be a password.
fn hidden(url: &str) -> String {
    match (url.find("://"), url.rfind('@')) {
        (Some(start), Some(end)) if start + 3 < end => {
            let (scheme, _) = url.split_at(start + 3);
            let (_, host) = url.split_at(end);
            format!("{scheme}…{host}")
        }
        _ => url.to_owned(),
    }
}

/// Names stand in statements unquoted, so they have to be plain.
fn name(setting: &'static str, value: &str) -> Result<(), StoreError> {
    let first = value.bytes().next().is_some_and(|byte| byte.is_ascii_alphabetic() || byte == b'_');
    let plain = value.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if first && plain && value.len() <= 64 {
        return Ok(());
    }
    Err(StoreError::Setting { setting, value: value.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_plain() {
        for (value, fine) in
            [("ruad", true), ("_x9", true), ("9x", false), ("", false), ("a-b", false), ("a;b", false)]
        {
            assert_eq!(name("clickhouse.database", value).is_ok(), fine, "{value}");
        }
    }

    #[test]
    fn an_address_that_can_never_work_is_refused() {
        for url in [
            "http://127.0.0.1:8123",
            "http://localhost:8123/",
            "HTTPS://click_house.example",
            "https://clickhouse.example.:8443/path/",
            "http://[::1]:8123",
            "http://[2001:db8::1]",
            "http://bücher.example",
            "http://0.0.0.0:8123",
        ] {
            assert_eq!(check_url(url), Ok(()), "{url}");
        }
        for url in [
            "",
            "localhost:8123",
            "127.0.0.1",
            "tcp://127.0.0.1:9000",
            "clickhouse://localhost",
            "htp://localhost",
            "http:/localhost",
            "http://",
            "http:///path",
            "http://:8123",
            "http://a..b",
            "http://.",
            "http://a b",
            "http://a\nb",
            "http://-host name",
            "http://-.:1",
            "http://_:8123",
            "http://-a.example",
            "http://xn--zzzz--.example",
            "http://127.0.0.0x1",
            "http://exam\u{ad}ple.com",
            "http://localhost:0",
            "http://localhost:",
            "http://localhost:65536",
            "http://localhost:http",
            "http://[::1",
            "http://[::g]:8123",
            "http://[::1]8123",
            "http://::1:8123",
            "http://256.1.1.1",
            "http://1.2.3",
            "http://224.0.0.1",
            "http://255.255.255.255",
            "http://[ff02::1]",
            "http://clickhouse.invalid:8123",
            "http://user:secret@localhost",
            "http://localhost/?user=a",
        ] {
            let settings = Settings { url: Some(url.to_owned()), ..Settings::default() };
            let error = settings.validate().unwrap_err().to_string();
            assert!(error.starts_with("clickhouse.url is ") && !error.contains("secret"), "{url}: {error}");
        }
    }

    #[test]
    fn a_password_does_not_show() {
        let settings = Settings { password: Some("secret".to_owned().into()), ..Settings::default() };
        assert!(!format!("{settings:?}").contains("secret"));
    }
}
