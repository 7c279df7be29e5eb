//! The certificate behind STARTTLS, which can be exchanged while sessions run.

use std::{
    path::Path,
    sync::{Arc, PoisonError, RwLock},
};

use rustls::{
    ProtocolVersion, ServerConfig, ServerConnection,
    crypto::ring,
    pki_types::{
        CertificateDer, PrivateKeyDer,
        pem::{self, PemObject},
    },
    server::NoServerSessionStorage,
};
use tokio_rustls::TlsAcceptor;

use super::{SmtpError, certificate::not_after, settings::TlsSettings};
use crate::telemetry;

/// The current certificate; clones share it.
#[derive(Clone, Debug)]
pub(super) struct Tls {
    settings: Arc<TlsSettings>,
    current: Arc<RwLock<Arc<ServerConfig>>>,
}

impl Tls {
    /// Reads certificate and key.
    pub(super) fn load(settings: TlsSettings) -> Result<Self, SmtpError> {
        let current = Arc::new(RwLock::new(config(&settings)?));
        Ok(Self { settings: Arc::new(settings), current })
    }

    /// Reads both files again. On an error the old certificate stays in use. Running sessions keep what they have.
    pub(super) fn reload(&self) -> Result<(), SmtpError> {
        let config = config(&self.settings);
        telemetry::certificate_reloaded(config.as_ref().err());
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = config?;
        Ok(())
    }

    /// What the next handshake is made with.
    pub(super) fn acceptor(&self) -> TlsAcceptor {
        TlsAcceptor::from(self.current.read().unwrap_or_else(PoisonError::into_inner).clone())
    }
}

/// Version and cipher suite of a session, as the envelope records them: `TLSv1.3 TLS13_AES_256_GCM_SHA384`.
pub(super) fn description(connection: &ServerConnection) -> String {
    let version = match connection.protocol_version() {
        Some(ProtocolVersion::TLSv1_3) => "TLSv1.3",
        Some(ProtocolVersion::TLSv1_2) => "TLSv1.2",
        _ => "TLS",
    };
    let suite = connection.negotiated_cipher_suite();
    let suite = suite.and_then(|suite| suite.suite().as_str()).unwrap_or("unknown");
    format!("{version} {suite}")
}

fn config(settings: &TlsSettings) -> Result<Arc<ServerConfig>, SmtpError> {
    let pem_error = |path: &Path, what, source| match source {
        pem::Error::NoItemsFound => SmtpError::EmptyPem { path: path.to_owned(), what },
        source => SmtpError::Pem { path: path.to_owned(), source: Box::new(source) },
    };
    let chain = CertificateDer::pem_file_iter(&settings.certificate)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .and_then(|chain| if chain.is_empty() { Err(pem::Error::NoItemsFound) } else { Ok(chain) })
        .map_err(|source| pem_error(&settings.certificate, "certificate", source))?;
    let key = PrivateKeyDer::from_pem_file(&settings.key)
        .map_err(|source| pem_error(&settings.key, "private key", source))?;
    let expiry = chain.first().and_then(not_after);
    let unusable = |source| SmtpError::Certificate { path: settings.certificate.clone(), source };
    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(unusable)?
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .map_err(unusable)?;
    // No resumption of any kind: senders come once a day, and some of Microsoft's have failed on session tickets.
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    telemetry::certificate_loaded(expiry);
    Ok(Arc::new(config))
}
