use std::fmt;

use base64::{Engine as _, prelude::BASE64_STANDARD};

use super::{PublicKey, SigningKey, Statement};

/// A signed statement. There is none whose signature is wrong.
///
/// Its text stands between two lines that begin with `-----`, alone or anywhere in a document:
///
/// ```text
/// -----BEGIN DMARC CERTIFICATE-----
/// ruad-certificate: 1
/// …
/// -----BEGIN SIGNATURE-----
/// <64 bytes in base64>
/// <the key that verifies them, 32 bytes in base64>
/// -----END DMARC CERTIFICATE-----
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Certificate {
    statement: Statement,
    signature: [u8; 64],
    key: PublicKey,
}

/// Why a text is no certificate.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Forged {
    /// There is nothing that could be one.
    #[error("there is no certificate in it")]
    Missing,
    /// Two of them: what a reader sees may be the other one.
    #[error("there is more than one certificate in it")]
    Several,
    /// It is not as this program writes it.
    #[error("the certificate in it cannot be read: something was changed, or a newer program wrote it")]
    Unreadable,
    /// What it says is not what was signed.
    #[error("the signature does not match: something was changed, or somebody made it up")]
    Signature,
}

impl Certificate {
    /// Signs a statement.
    pub fn sign(statement: Statement, key: &SigningKey) -> Self {
        let signature = key.sign(&statement.to_string());
        Self { statement, signature, key: key.public_key() }
    }

    /// Takes it from its parts as they are stored, and verifies it.
    ///
    /// # Errors
    ///
    /// [`Forged`]
    pub fn verify(statement: &str, signature: &str, key: &str) -> Result<Self, Forged> {
        // The decoder takes no other spelling of the same bytes.
        let bytes = |text| BASE64_STANDARD.decode(text).map_err(|_| Forged::Unreadable);
        let signature = bytes(signature)?.try_into().map_err(|_| Forged::Unreadable)?;
        let key = PublicKey::parse(key).map_err(|_| Forged::Unreadable)?;
        let read = Statement::parse(statement).ok_or(Forged::Unreadable)?;
        match key.verifies(statement, &signature) {
            true => Ok(Self { statement: read, signature, key }),
            false => Err(Forged::Signature),
        }
    }

    /// Finds it in a document, and verifies it. That says nothing about who has the key.
    ///
    /// # Errors
    ///
    /// [`Forged`]
    pub fn find(document: &str) -> Result<Self, Forged> {
        // What a mail program or an editor on Windows does to line ends changes nothing.
        let document = document.replace("\r\n", "\n");
        let mut blocks = document.split(BEGIN).skip(1);
        let block = blocks.next().ok_or(Forged::Missing)?;
        if blocks.next().is_some() {
            return Err(Forged::Several);
        }
        let (block, _) = block.split_once(END).ok_or(Forged::Unreadable)?;
        let (statement, signed) = block.split_once(SIGNATURE).ok_or(Forged::Unreadable)?;
        let statement = statement.strip_prefix('\n').ok_or(Forged::Unreadable)?;
        let mut lines = signed.strip_prefix('\n').ok_or(Forged::Unreadable)?.split('\n');
        match [lines.next(), lines.next(), lines.next(), lines.next()] {
            [Some(signature), Some(key), Some(""), None] => Self::verify(statement, signature, key),
            _ => Err(Forged::Unreadable),
        }
    }

    /// What it says.
    pub fn statement(&self) -> &Statement {
        &self.statement
    }

    /// The signature in base64.
    pub fn signature(&self) -> String {
        BASE64_STANDARD.encode(self.signature)
    }

    /// The key that verifies it. Whether it is that of the issuer is another question.
    pub fn key(&self) -> PublicKey {
        self.key
    }
}

impl fmt::Display for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { statement, key, .. } = self;
        writeln!(f, "{BEGIN}\n{statement}{SIGNATURE}\n{}\n{key}\n{END}", self.signature())
    }
}

const BEGIN: &str = "-----BEGIN DMARC CERTIFICATE-----";
const SIGNATURE: &str = "-----BEGIN SIGNATURE-----";
const END: &str = "-----END DMARC CERTIFICATE-----";

#[cfg(test)]
pub(super) mod tests {
    use proptest::prelude::*;

    use super::{
        super::statement::tests::{any_statement, statement},
        *,
    };

    /// One that is as it should be.
    pub(in crate::certificate) fn certificate() -> Certificate {
        Certificate::sign(statement(), &SigningKey::random().unwrap())
    }

    #[test]
    fn it_is_found_wherever_it_stands() {
        let certificate = certificate();
        let text = certificate.to_string();
        let windows = text.replace('\n', "\r\n");
        for document in
            [&text, &windows, &format!("<html><pre>{text}</pre></html>"), &format!("> \n\n{text}\n--")]
        {
            assert_eq!(Certificate::find(document), Ok(certificate.clone()), "{document}");
        }
    }

    #[test]
    fn what_is_missing_or_doubled_is_told() {
        let text = certificate().to_string();
        assert_eq!(Certificate::find(""), Err(Forged::Missing));
        assert_eq!(Certificate::find(&format!("{text}{text}")), Err(Forged::Several));
        assert_eq!(Certificate::find(&text.replace("-----END", "")), Err(Forged::Unreadable));
        assert_eq!(
            Certificate::find(&text.replace("\n-----END", "\nmore\n-----END")),
            Err(Forged::Unreadable)
        );
    }

    #[test]
    fn another_key_did_not_sign_it() {
        let (one, other) = (certificate(), certificate());
        let (text, signature) = (one.statement().to_string(), one.signature());
        assert!(Certificate::verify(&text, &signature, &one.key().to_string()).is_ok());
        let wrong = Certificate::verify(&text, &signature, &other.key().to_string());
        assert_eq!(wrong, Err(Forged::Signature));
        assert_eq!(
            Certificate::verify(&text, &other.signature(), &one.key().to_string()),
            Err(Forged::Signature)
        );
    }

    proptest! {
        #[test]
        fn every_changed_byte_is_noticed(
            statement in any_statement(),
            at in any::<prop::sample::Index>(),
            change in 1_u8..=255,
        ) {
            let key = SigningKey::random().unwrap();
            let certificate = Certificate::sign(statement, &key);
            let text = certificate.to_string();
            prop_assert_eq!(Certificate::find(&text), Ok(certificate.clone()));
            // All but the lines around it and the key: another key is another issuer.
            let key_line = text.find(&certificate.key().to_string()).unwrap();
            let first = BEGIN.len() + 1;
            let place = first + at.index(key_line - 1 - first);
            let mut bytes = text.into_bytes();
            bytes[place] ^= change;
            let found = Certificate::find(&String::from_utf8_lossy(&bytes));
            prop_assert!(found.is_err(), "byte {} of {:?}", place, String::from_utf8_lossy(&bytes));
        }

        #[test]
        fn a_changed_key_is_noticed(at in 0_usize..44, to in proptest::char::range('!', '~')) {
            let certificate = certificate();
            let mut key: Vec<char> = certificate.key().to_string().chars().collect();
            prop_assume!(key[at] != to);
            key[at] = to;
            let key: String = key.into_iter().collect();
            let text = certificate.statement().to_string();
            prop_assert!(Certificate::verify(&text, &certificate.signature(), &key).is_err());
        }

        #[test]
        fn anything_can_be_looked_through(text in "(\\PC|\n|-----BEGIN DMARC CERTIFICATE-----|-----BEGIN SIGNATURE-----|-----END DMARC CERTIFICATE-----){0,20}") {
            prop_assert!(Certificate::find(&text).is_err());
        }
    }
}
