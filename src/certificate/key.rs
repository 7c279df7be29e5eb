use std::{
    fmt,
    fs::{self, File},
    io::{self, Write as _},
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use ring::{
    rand::SystemRandom,
    signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey},
};
use rustls::pki_types::{PrivatePkcs8KeyDer, pem::PemObject as _};

/// The key that signs certificates. It never shows.
pub struct SigningKey(Ed25519KeyPair);

/// The key that verifies them (Ed25519, RFC 8032).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct PublicKey([u8; 32]);

/// Why there is no key.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// The file cannot be read or written.
    #[error("cannot use the certificates' key {}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Whoever reads the file can sign certificates.
    #[error("everybody can read the certificates' key {}: take that away (chmod 600)", path.display())]
    Exposed {
        /// The file.
        path: PathBuf,
    },
    /// The file holds something else.
    #[error("{} holds no Ed25519 private key (PKCS#8 in PEM)", path.display())]
    NoKey {
        /// The file.
        path: PathBuf,
    },
    /// A text is no public key.
    #[error("not an Ed25519 public key: neither PEM nor 32 bytes in base64")]
    NoPublicKey,
    /// The system gives no random numbers.
    #[error("the system gives no random numbers")]
    Random,
}

impl SigningKey {
    /// Reads the key from its file, which is made when it is not there. A file that is there is never changed.
    ///
    /// # Errors
    ///
    /// [`KeyError`]
    pub fn open(path: &Path) -> Result<Self, KeyError> {
        match Self::load(path) {
            Err(KeyError::File { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
                make(path)?;
                Self::load(path)
            }
            loaded => loaded,
        }
    }

    /// Reads the key from its file.
    ///
    /// # Errors
    ///
    /// [`KeyError`], when there is no file as well.
    pub fn load(path: &Path) -> Result<Self, KeyError> {
        let failed = |source| KeyError::File { path: path.to_owned(), source };
        let metadata = fs::metadata(path).map_err(failed)?;
        if metadata.permissions().mode() & EVERYBODY != 0 {
            return Err(KeyError::Exposed { path: path.to_owned() });
        }
        let text = fs::read(path).map_err(failed)?;
        let no_key = || KeyError::NoKey { path: path.to_owned() };
        let der = PrivatePkcs8KeyDer::from_pem_slice(&text).map_err(|_| no_key())?;
        // That of openssl does not have the public key in it.
        let pair =
            Ed25519KeyPair::from_pkcs8_maybe_unchecked(der.secret_pkcs8_der()).map_err(|_| no_key())?;
        Ok(Self(pair))
    }

    /// A key that is nowhere kept.
    ///
    /// # Errors
    ///
    /// [`KeyError::Random`]
    pub fn random() -> Result<Self, KeyError> {
        let document = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).map_err(|_| KeyError::Random)?;
        Ed25519KeyPair::from_pkcs8(document.as_ref()).map(Self).map_err(|_| KeyError::Random)
    }

    /// What verifies its signatures.
    pub fn public_key(&self) -> PublicKey {
        let mut bytes = [0; 32];
        bytes.copy_from_slice(self.0.public_key().as_ref());
        PublicKey(bytes)
    }

    pub(super) fn sign(&self, text: &str) -> [u8; 64] {
        let mut bytes = [0; 64];
        bytes.copy_from_slice(self.0.sign(text.as_bytes()).as_ref());
        bytes
    }
}

impl PublicKey {
    /// Reads the PEM form (RFC 8410) or the bytes in base64.
    ///
    /// # Errors
    ///
    /// [`KeyError::NoPublicKey`]
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        let lines: String = text.lines().map(str::trim).filter(|line| !line.starts_with("-----")).collect();
        let bytes = BASE64_STANDARD.decode(lines).map_err(|_| KeyError::NoPublicKey)?;
        let bytes = bytes.strip_prefix(&PREFIX).unwrap_or(&bytes);
        bytes.try_into().map(Self).map_err(|_| KeyError::NoPublicKey)
    }

    /// The PEM form, which openssl reads too.
    pub fn to_pem(self) -> String {
        let der = [&PREFIX[..], &self.0].concat();
        format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", BASE64_STANDARD.encode(der))
    }

    pub(super) fn verifies(self, text: &str, signature: &[u8; 64]) -> bool {
        UnparsedPublicKey::new(&ED25519, self.0).verify(text.as_bytes(), signature).is_ok()
    }
}

impl fmt::Display for PublicKey {
    /// The bytes in base64.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&BASE64_STANDARD.encode(self.0))
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({}, …)", self.public_key())
    }
}

/// Makes a key in a file that appears whole, readable by its owner alone, or not at all.
fn make(path: &Path) -> Result<(), KeyError> {
    let failed = |source| KeyError::File { path: path.to_owned(), source };
    let document = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).map_err(|_| KeyError::Random)?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::create_dir_all(folder).map_err(failed)?;
    // Such a file has the mode 0600.
    let mut file = tempfile::NamedTempFile::new_in(folder).map_err(failed)?;
    let text = BASE64_STANDARD.encode(document.as_ref());
    writeln!(file, "-----BEGIN PRIVATE KEY-----").map_err(failed)?;
    for line in text.as_bytes().chunks(64) {
        file.write_all(line).and_then(|()| file.write_all(b"\n")).map_err(failed)?;
    }
    writeln!(file, "-----END PRIVATE KEY-----").map_err(failed)?;
    file.as_file().sync_all().map_err(failed)?;
    match file.persist_noclobber(path) {
        Ok(_) => File::open(folder).and_then(|folder| folder.sync_all()).map_err(failed),
        // Somebody else made one in the meantime: that is the key then.
        Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(failed(error.error)),
    }
}

/// What a public key's DER form begins with (RFC 8410 section 4).
const PREFIX: [u8; 12] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];

/// The bits of a mode that are for those who are neither owner nor in the group.
const EVERYBODY: u32 = 0o007;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_made_once_for_its_owner_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deeper/certificate.pem");
        assert!(SigningKey::load(&path).is_err());
        let key = SigningKey::open(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let text = fs::read(&path).unwrap();
        assert_eq!(SigningKey::open(&path).unwrap().public_key(), key.public_key());
        make(&path).unwrap();
        assert_eq!(fs::read(&path).unwrap(), text, "a file that is there is never changed");
        assert_eq!(fs::read_dir(folder.path().join("deeper")).unwrap().count(), 1, "nothing is left behind");
        assert!(!format!("{key:?}").contains(std::str::from_utf8(&text).unwrap().lines().nth(1).unwrap()));
    }

    #[test]
    fn what_is_no_key_stays_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("certificate.pem");
        let refused = |text: &str| {
            fs::write(&path, text).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
            let error = SigningKey::open(&path).unwrap_err();
            assert_eq!(fs::read_to_string(&path).unwrap(), text);
            error.to_string()
        };
        assert!(refused("").contains("certificate.pem"));
        assert!(
            refused("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n").contains("Ed25519")
        );
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        assert!(matches!(SigningKey::open(&path), Err(KeyError::Exposed { .. })));
    }

    #[test]
    fn a_key_of_openssl_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("certificate.pem");
        // The key of RFC 8410 section 10.3, whose public key is given in section 10.1.
        let text = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n\
                    -----END PRIVATE KEY-----\n";
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        let key = SigningKey::load(&path).unwrap().public_key();
        let pem = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n\
                   -----END PUBLIC KEY-----\n";
        assert_eq!(key.to_pem(), pem);
        assert_eq!(PublicKey::parse(pem).unwrap(), key);
        assert_eq!(PublicKey::parse(&key.to_string()).unwrap(), key);
        assert!(PublicKey::parse("AAAA").is_err() && PublicKey::parse(text).is_err());
    }
}
