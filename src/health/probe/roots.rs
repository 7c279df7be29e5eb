use std::path::{Path, PathBuf};

use rustls::{
    RootCertStore,
    pki_types::{CertificateDer, pem, pem::PemObject},
};

/// The certificate authorities this machine trusts, and those of an `extra` PEM file. None at all is no error: a container
/// may have no such files, and most can be examined without.
///
/// # Errors
///
/// [`RootsError`] when the extra file cannot be read, or holds none.
pub fn roots(extra: Option<&Path>) -> Result<RootCertStore, RootsError> {
    let mut roots = RootCertStore::empty();
    // What the system has is often partly unreadable; what can be read is used.
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    let Some(path) = extra else { return Ok(roots) };
    let certificates =
        CertificateDer::pem_file_iter(path)
            .and_then(Iterator::collect::<Result<Vec<_>, _>>)
            .map_err(|source| RootsError::Unreadable { path: path.to_owned(), source: Box::new(source) })?;
    match roots.add_parsable_certificates(certificates) {
        (0, _) => Err(RootsError::Empty { path: path.to_owned() }),
        _ => Ok(roots),
    }
}

/// Why there are no certificate authorities.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RootsError {
    /// The file cannot be read.
    #[error("cannot read certificate authorities from {}: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What was wrong.
        source: Box<pem::Error>,
    },
    /// The file holds none.
    #[error("no certificate authority in {}", path.display())]
    Empty {
        /// The file.
        path: PathBuf,
    },
}
