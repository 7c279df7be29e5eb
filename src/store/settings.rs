use std::{fmt, time::Duration};

use serde::Deserialize;

use super::StoreError;

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
    #[serde(with = "crate::config::seconds")]
    pub query_timeout: Duration,
    /// Time the insert of one block may take.
    #[serde(with = "crate::config::seconds")]
    pub insert_timeout: Duration,
}

/// A password, which never shows.
#[derive(Clone, Deserialize)]
#[serde(transparent)]
pub struct Password(String);

impl Settings {
    /// The address, or the one the embedded engine listens on by default.
    pub fn url(&self) -> &str {
        self.url.as_deref().unwrap_or("http://127.0.0.1:8123")
    }

    pub(super) fn validate(&self) -> Result<(), StoreError> {
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

impl Password {
    /// The password itself.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl From<String> for Password {
    fn from(password: String) -> Self {
        Self(password)
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(…)")
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
    fn a_password_does_not_show() {
        let settings = Settings { password: Some("secret".to_owned().into()), ..Settings::default() };
        assert!(!format!("{settings:?}").contains("secret"));
    }
}
