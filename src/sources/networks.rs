use std::{
    fs::{File, Metadata},
    io::Read,
    net::IpAddr,
    path::{Path, PathBuf},
    sync::Arc,
    time::SystemTime,
};

use maxminddb::{MaxMindDbError, Reader};
use serde::Deserialize;

use ruad_common::text::is_invisible;

/// What databases in MaxMind's format say of addresses. The layouts of MaxMind, DB-IP and IPinfo are known.
#[derive(Clone, Default)]
pub struct Networks {
    databases: Vec<Database>,
}

impl Networks {
    /// Reads the databases. Of each piece of information the first that has it is believed.
    ///
    /// # Errors
    ///
    /// [`NetworksError`], naming the file.
    pub fn open(paths: &[PathBuf]) -> Result<Self, NetworksError> {
        let databases = paths.iter().map(|path| Database::open(path)).collect::<Result<_, _>>()?;
        Ok(Self { databases })
    }

    /// The same databases, those read again whose files were replaced; none when no file was.
    ///
    /// # Errors
    ///
    /// [`NetworksError`], naming the file.
    pub fn renewed(&self) -> Result<Option<Self>, NetworksError> {
        let mut renewed = self.clone();
        let mut is_new = false;
        for database in &mut renewed.databases {
            if database.is_replaced()? {
                *database = Database::open(&database.path)?;
                is_new = true;
            }
        }
        Ok(is_new.then_some(renewed))
    }

    /// What is known of `ip`.
    pub fn find(&self, ip: IpAddr) -> Network {
        let mut network = Network::default();
        for database in &self.databases {
            // A database that is damaged in this place says nothing of this address.
            let Ok(Some(record)) = database.reader.lookup(ip).and_then(|found| found.decode::<Entry>())
            else {
                continue;
            };
            network.asn = network.asn.or_else(|| record.asn());
            network.as_name = network.as_name.or_else(|| record.as_name());
            network.country = network.country.or_else(|| record.country());
        }
        network
    }
}

/// What is known of an address's network.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Network {
    /// The number of the autonomous system.
    pub asn: Option<u32>,
    /// Its name.
    pub as_name: Option<String>,
    /// The country, as the two letters of ISO 3166-1.
    pub country: Option<String>,
}

/// Why a database cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NetworksError {
    /// The file cannot be read.
    #[error("{}: cannot read the address database: {source}", .path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// The file is larger than is held in memory.
    #[error("{}: the address database is larger than {LARGEST} bytes", .path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
    },
    /// The file is not a database in MaxMind's format.
    #[error("{}: not an address database in MaxMind's format: {source}", .path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// What was wrong.
        source: MaxMindDbError,
    },
}

#[derive(Clone)]
struct Database {
    path: PathBuf,
    stamp: Stamp,
    reader: Arc<Reader<Vec<u8>>>,
}

impl Database {
    fn open(path: &Path) -> Result<Self, NetworksError> {
        let failed = |source| NetworksError::Io { path: path.to_owned(), source };
        let mut file = File::open(path).map_err(failed)?;
        let stamp = Stamp::of(&file.metadata().map_err(failed)?);
        let mut bytes = Vec::new();
        file.by_ref().take(LARGEST + 1).read_to_end(&mut bytes).map_err(failed)?;
        if bytes.len() as u64 > LARGEST {
            return Err(NetworksError::TooLarge { path: path.to_owned() });
        }
        Self::parse(path, stamp, bytes)
    }

    fn parse(path: &Path, stamp: Stamp, bytes: Vec<u8>) -> Result<Self, NetworksError> {
        let reader = Reader::from_source(bytes)
            .map_err(|source| NetworksError::Format { path: path.to_owned(), source })?;
        Ok(Self { path: path.to_owned(), stamp, reader: Arc::new(reader) })
    }

    fn is_replaced(&self) -> Result<bool, NetworksError> {
        let metadata = std::fs::metadata(&self.path)
            .map_err(|source| NetworksError::Io { path: self.path.clone(), source })?;
        Ok(Stamp::of(&metadata) != self.stamp)
    }
}

/// By what a file is recognised as the one that was read.
#[derive(Clone, Debug, Eq, PartialEq)]
struct Stamp {
    modified: Option<SystemTime>,
    bytes: u64,
    #[cfg(unix)]
    inode: u64,
}

impl Stamp {
    fn of(metadata: &Metadata) -> Self {
        Self {
            modified: metadata.modified().ok(),
            bytes: metadata.len(),
            #[cfg(unix)]
            inode: std::os::unix::fs::MetadataExt::ino(metadata),
        }
    }
}

/// A record in any of the layouts.
///
/// | | MaxMind, DB-IP | IPinfo |
/// |---|---|---|
/// | number | `autonomous_system_number: 64496` | `asn: "AS64496"` |
/// | name | `autonomous_system_organization` | `as_name`, or `name` |
/// | country | `country.iso_code`, else `registered_country.iso_code` | `country_code`, or `country` of two letters |
#[derive(Default, Deserialize)]
#[serde(default)]
struct Entry {
    autonomous_system_number: Option<Asn>,
    autonomous_system_organization: Option<String>,
    asn: Option<Asn>,
    as_name: Option<String>,
    name: Option<String>,
    country: Option<Country>,
    registered_country: Option<Country>,
    country_code: Option<String>,
}

impl Entry {
    fn asn(&self) -> Option<u32> {
        match self.autonomous_system_number.as_ref().or(self.asn.as_ref())? {
            Asn::Number(number) => Some(*number),
            Asn::Text(text) => text.trim_start_matches(['A', 'S', 'a', 's']).parse().ok(),
        }
    }

    fn as_name(&self) -> Option<String> {
        let name =
            self.autonomous_system_organization.as_ref().or(self.as_name.as_ref()).or(self.name.as_ref())?;
        let name: String = name.chars().filter(|char| !is_invisible(*char)).take(LONGEST_AS_NAME).collect();
        (!name.is_empty()).then_some(name)
    }

    fn country(&self) -> Option<String> {
        [self.country_code.as_deref(), Country::code(&self.country), Country::code(&self.registered_country)]
            .into_iter()
            .flatten()
            .find(|code| code.len() == 2 && code.bytes().all(|byte| byte.is_ascii_alphabetic()))
            .map(str::to_ascii_uppercase)
    }
}

/// A number of any width: the reader itself insists on the one that was asked for, and writers differ.
#[derive(Deserialize)]
#[serde(untagged)]
enum Asn {
    Number(u32),
    Text(String),
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Country {
    Text(String),
    Table {
        #[serde(default)]
        iso_code: Option<String>,
    },
}

impl Country {
    fn code(country: &Option<Self>) -> Option<&str> {
        match country.as_ref()? {
            Self::Text(text) => Some(text),
            Self::Table { iso_code } => iso_code.as_deref(),
        }
    }
}

const LARGEST: u64 = 1 << 30;
const LONGEST_AS_NAME: usize = 200;

#[cfg(test)]
mod tests {
    use super::*;

    fn fixture(name: &str) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/mmdb").join(name)
    }

    fn network(asn: u32, as_name: &str, country: &str) -> Network {
        Network {
            asn: (asn != 0).then_some(asn),
            as_name: (!as_name.is_empty()).then(|| as_name.to_owned()),
            country: (!country.is_empty()).then(|| country.to_owned()),
        }
    }

    #[test]
    fn every_layout() {
        for (files, v4, v6) in [
            (
                &["maxmind-asn.mmdb"][..],
                network(64_496, "Example Networks", ""),
                network(64_497, "Example Six", ""),
            ),
            (&["maxmind-country.mmdb"], network(0, "", "NL"), network(0, "", "BE")),
            (
                &["maxmind-country.mmdb", "maxmind-asn.mmdb"],
                network(64_496, "Example Networks", "NL"),
                network(64_497, "Example Six", "BE"),
            ),
            (
                &["dbip-asn.mmdb", "dbip-country.mmdb"],
                network(64_496, "Example Networks", "NL"),
                network(64_497, "Example Six", "BE"),
            ),
            (
                &["ipinfo-lite.mmdb"],
                network(64_496, "Example Networks", "NL"),
                network(64_497, "Example Six", "BE"),
            ),
            (
                &["ipinfo-country-asn.mmdb"],
                network(64_496, "Example Networks", "NL"),
                network(64_497, "Example Six", "BE"),
            ),
            (
                &["ipinfo-asn.mmdb"],
                network(64_496, "Example Networks", ""),
                network(64_497, "Example Six", ""),
            ),
        ] {
            let paths: Vec<_> = files.iter().map(|file| fixture(file)).collect();
            let networks = Networks::open(&paths).unwrap();
            assert_eq!(networks.find("192.0.2.1".parse().unwrap()), v4, "{files:?}");
            assert_eq!(networks.find("2001:db8::1".parse().unwrap()), v6, "{files:?}");
            assert_eq!(networks.find("198.51.100.1".parse().unwrap()), Network::default(), "{files:?}");
        }
    }

    #[test]
    fn without_databases_nothing_is_known() {
        assert_eq!(Networks::default().find("192.0.2.1".parse().unwrap()), Network::default());
    }

    #[test]
    fn a_bad_file_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("asn.mmdb");
        let error = Networks::open(std::slice::from_ref(&path)).err().unwrap().to_string();
        assert!(error.contains("asn.mmdb: cannot read"), "{error}");
        let whole = std::fs::read(fixture("maxmind-asn.mmdb")).unwrap();
        for bytes in [&b""[..], b"no database", &whole[..whole.len() / 2]] {
            std::fs::write(&path, bytes).unwrap();
            let error = Networks::open(std::slice::from_ref(&path)).err().unwrap().to_string();
            assert!(error.contains("asn.mmdb: not an address database"), "{error}");
        }
    }

    #[test]
    fn damage_is_survived() {
        let path = fixture("ipinfo-lite.mmdb");
        let stamp = Stamp::of(&std::fs::metadata(&path).unwrap());
        let whole = std::fs::read(&path).unwrap();
        for at in 0..whole.len() {
            let mut damaged = whole.clone();
            damaged[at] ^= 0xff;
            if let Ok(database) = Database::parse(&path, stamp.clone(), damaged) {
                let networks = Networks { databases: vec![database] };
                networks.find("192.0.2.1".parse().unwrap());
                networks.find("2001:db8::1".parse().unwrap());
            }
        }
    }

    #[test]
    fn a_replaced_file_is_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("country.mmdb");
        std::fs::copy(fixture("maxmind-country.mmdb"), &path).unwrap();
        let networks = Networks::open(std::slice::from_ref(&path)).unwrap();
        assert!(networks.renewed().unwrap().is_none());
        let next = folder.path().join("next.mmdb");
        std::fs::copy(fixture("ipinfo-lite.mmdb"), &next).unwrap();
        std::fs::rename(&next, &path).unwrap();
        let renewed = networks.renewed().unwrap().unwrap();
        assert_eq!(renewed.find("192.0.2.1".parse().unwrap()).asn, Some(64_496));
        std::fs::write(&path, b"no database").unwrap();
        assert!(renewed.renewed().is_err());
    }
}
