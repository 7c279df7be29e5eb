use mail_auth::{
    common::{
        crypto::{Ed25519Key, RsaKey, Sha256},
        headers::HeaderWriter,
    },
    dkim::{DkimSigner, Done},
};
use rustls::pki_types::{PrivateKeyDer, pem::PemObject};

pub(crate) const PUBLIC_2048: &str = include_str!("../fixtures/dkim/rsa2048.pub");
pub(crate) const PUBLIC_768: &str = include_str!("../fixtures/dkim/rsa768.pub");

/// The key record of the key that [`rsa`] signs with.
pub(crate) fn key_record(tags: &str) -> String {
    format!("v=DKIM1; {tags}p={}", PUBLIC_2048.trim())
}

pub(crate) fn rsa(domain: &str, selector: &str) -> DkimSigner<RsaKey<Sha256>, Done> {
    signer(include_bytes!("../fixtures/dkim/rsa2048.pem"), domain, selector)
}

/// A signer whose key nobody has published.
pub(crate) fn forger(domain: &str, selector: &str) -> DkimSigner<RsaKey<Sha256>, Done> {
    signer(include_bytes!("../fixtures/dkim/rsa2048-other.pem"), domain, selector)
}

fn signer(pem: &[u8], domain: &str, selector: &str) -> DkimSigner<RsaKey<Sha256>, Done> {
    let key = RsaKey::from_key_der(PrivateKeyDer::from_pem_slice(pem).unwrap()).unwrap();
    DkimSigner::from_key(key).domain(domain).selector(selector).headers(["From", "To", "Subject"])
}

pub(crate) fn ed25519() -> (Ed25519Key, Vec<u8>) {
    let key = Ed25519Key::from_pkcs8_der(&Ed25519Key::generate_pkcs8().unwrap()).unwrap();
    let public = key.public_key();
    (key, public)
}

/// A message from `from` with some text.
pub(crate) fn message(from: &str) -> Vec<u8> {
    message_of(from, b"Dear all,\r\n\r\n  here is a report.  \r\nRegards\r\n\r\n\r\n")
}

pub(crate) fn message_of(from: &str, body: &[u8]) -> Vec<u8> {
    let header = format!(
        "From: Reports <{from}>\r\nTo: rua@customer.example\r\nSubject: Report Domain: customer.example\r\n\r\n"
    );
    [header.as_bytes(), body].concat()
}

/// `message` with the signature of `signer` before it.
pub(crate) fn signed<T>(message: &[u8], signer: &DkimSigner<T, Done>) -> Vec<u8>
where
    T: mail_auth::common::crypto::SigningKey,
{
    let header = signer.sign(message).unwrap().to_header();
    [header.as_bytes(), message].concat()
}

pub(crate) fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for group in bytes.chunks(3) {
        let word =
            group.iter().fold(0_u32, |word, byte| word << 8 | u32::from(*byte)) << (8 * (3 - group.len()));
        for place in 0..4 {
            let sextet = usize::try_from(word >> (18 - 6 * place) & 63).unwrap();
            text.push(if place <= group.len() { char::from(ALPHABET[sextet]) } else { '=' });
        }
    }
    text
}
