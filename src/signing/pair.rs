use std::fmt;

use ring::{
    rand::{SecureRandom, SystemRandom},
    signature::{
        Ed25519KeyPair, KeyPair as _, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256, RsaKeyPair,
        UnparsedPublicKey,
    },
};
use zeroize::Zeroizing;

use super::{der, pem};

/// How mail is signed.
#[derive(Clone, Copy, Debug, Eq, PartialEq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Algorithm {
    /// RSA with 2048 bits: what every receiver can verify (RFC 8301 section 3.2).
    Rsa2048,
    /// RSA with 4096 bits: receivers have to be able to verify it, and its record does not fit into a single string.
    Rsa4096,
    /// Ed25519 (RFC 8463). Many receivers cannot verify it, so it is only ever a second signature.
    Ed25519,
}

/// A pair of keys.
pub struct KeyPair {
    algorithm: Algorithm,
    pkcs8: Zeroizing<Vec<u8>>,
    public: Vec<u8>,
}

/// Why there is no pair.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PairError {
    /// The code for RSA's arithmetic is made for newer processors.
    #[error(
        "this machine's processor lacks instructions that making an RSA key needs; `openssl genrsa` makes one"
    )]
    Processor,
    /// The system gave no random numbers, or the key failed its test.
    #[error("no key could be made: {step} failed")]
    Failed {
        /// What failed.
        step: &'static str,
    },
}

impl Algorithm {
    /// The word in `k=`.
    pub fn kind(self) -> &'static str {
        match self {
            Self::Rsa2048 | Self::Rsa4096 => "rsa",
            Self::Ed25519 => "ed25519",
        }
    }

    /// What people call it.
    pub fn title(self) -> &'static str {
        match self {
            Self::Rsa2048 => "RSA, 2048 bits",
            Self::Rsa4096 => "RSA, 4096 bits",
            Self::Ed25519 => "Ed25519",
        }
    }
}

impl KeyPair {
    /// Makes a pair, which has proven that it can sign and be verified.
    ///
    /// # Errors
    ///
    /// [`PairError`].
    pub fn generate(algorithm: Algorithm) -> Result<Self, PairError> {
        match algorithm {
            Algorithm::Rsa2048 | Algorithm::Rsa4096 => Self::rsa(algorithm),
            Algorithm::Ed25519 => Self::ed25519(),
        }
    }

    /// How it signs.
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The public key as `p=` has it, before base64: of RSA a `SubjectPublicKeyInfo` (erratum 3017 of RFC 6376), of Ed25519
    /// the key's 32 bytes (RFC 8463 section 4).
    pub fn public(&self) -> &[u8] {
        &self.public
    }

    /// The private key as a PEM file has it (PKCS#8).
    pub fn private_pem(&self) -> Zeroizing<String> {
        pem::private(&self.pkcs8)
    }

    fn rsa(algorithm: Algorithm) -> Result<Self, PairError> {
        let pkcs8 = rsa::generate(algorithm)?;
        // Another library reads the key, checks that its numbers belong together, and signs with it.
        let pair = RsaKeyPair::from_pkcs8(&pkcs8).map_err(|_| failed("reading the key"))?;
        let mut signature = vec![0; pair.public().modulus_len()];
        pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), PROBE, &mut signature)
            .map_err(|_| failed("signing"))?;
        let key = pair.public().as_ref();
        UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, key)
            .verify(PROBE, &signature)
            .map_err(|_| failed("verifying"))?;
        let public = der::rsa_public(key);
        Ok(Self { algorithm, pkcs8, public })
    }

    fn ed25519() -> Result<Self, PairError> {
        let mut seed = Zeroizing::new([0; 32]);
        SystemRandom::new().fill(seed.as_mut_slice()).map_err(|_| failed("asking for random numbers"))?;
        let pair =
            Ed25519KeyPair::from_seed_unchecked(seed.as_slice()).map_err(|_| failed("reading the key"))?;
        let public = pair.public_key().as_ref().to_vec();
        let signature = pair.sign(PROBE);
        UnparsedPublicKey::new(&ring::signature::ED25519, &public)
            .verify(PROBE, signature.as_ref())
            .map_err(|_| failed("verifying"))?;
        Ok(Self { algorithm: Algorithm::Ed25519, pkcs8: der::ed25519_private(seed.as_slice()), public })
    }
}

impl fmt::Debug for KeyPair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyPair").field("algorithm", &self.algorithm).finish_non_exhaustive()
    }
}

fn failed(step: &'static str) -> PairError {
    PairError::Failed { step }
}

/// ring makes no RSA keys, so graviola does. It only knows two kinds of processors, and panics on old ones of these.
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
mod rsa {
    use graviola::signing::rsa::{KeySize, SigningKey};
    use zeroize::Zeroizing;

    use super::{Algorithm, PairError, failed};

    pub(super) fn generate(algorithm: Algorithm) -> Result<Zeroizing<Vec<u8>>, PairError> {
        if !is_possible() {
            return Err(PairError::Processor);
        }
        let size = if algorithm == Algorithm::Rsa4096 { KeySize::Rsa4096 } else { KeySize::Rsa2048 };
        let key = SigningKey::generate(size).map_err(|_| failed("generating primes"))?;
        let mut buffer = Zeroizing::new([0; LONGEST_PKCS8]);
        let pkcs8 = key.to_pkcs8_der(buffer.as_mut_slice()).map_err(|_| failed("writing the key"))?;
        Ok(Zeroizing::new(pkcs8.to_vec()))
    }

    #[cfg(target_arch = "x86_64")]
    fn is_possible() -> bool {
        use std::arch::is_x86_feature_detected as has;
        has!("aes")
            && has!("pclmulqdq")
            && has!("bmi1")
            && has!("bmi2")
            && has!("adx")
            && has!("avx")
            && has!("avx2")
    }

    #[cfg(target_arch = "aarch64")]
    fn is_possible() -> bool {
        use std::arch::is_aarch64_feature_detected as has;
        has!("neon") && has!("aes") && has!("pmull") && has!("sha2")
    }

    /// A key of 4096 bits takes 2,375 bytes or so.
    const LONGEST_PKCS8: usize = 4096;
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
mod rsa {
    use zeroize::Zeroizing;

    use super::{Algorithm, PairError};

    pub(super) fn generate(_: Algorithm) -> Result<Zeroizing<Vec<u8>>, PairError> {
        Err(PairError::Processor)
    }
}

/// What a new key signs to show that it can.
const PROBE: &[u8] = b"from:\r\n";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pair_is_another_and_shows_nothing() {
        let algorithms = [Algorithm::Rsa2048, Algorithm::Ed25519];
        for algorithm in algorithms {
            let (one, other) = (KeyPair::generate(algorithm).unwrap(), KeyPair::generate(algorithm).unwrap());
            assert_ne!(one.public(), other.public());
            assert_ne!(one.private_pem(), other.private_pem());
            let shown = format!("{one:?}");
            assert_eq!(shown, format!("KeyPair {{ algorithm: {algorithm:?}, .. }}"));
        }
    }

    /// The private key in the file signs what the public key in the record verifies, read by others than who made them.
    #[test]
    fn the_two_halves_belong_together() {
        for algorithm in [Algorithm::Rsa2048, Algorithm::Rsa4096, Algorithm::Ed25519] {
            let pair = KeyPair::generate(algorithm).unwrap();
            let pem = pair.private_pem();
            let key = rustls_pem(&pem);
            match algorithm {
                Algorithm::Ed25519 => {
                    let signer = Ed25519KeyPair::from_pkcs8_maybe_unchecked(&key).unwrap();
                    assert_eq!(signer.public_key().as_ref(), pair.public());
                }
                _ => {
                    let signer = RsaKeyPair::from_pkcs8(&key).unwrap();
                    assert_eq!(der::rsa_public(signer.public().as_ref()), pair.public());
                    let bits = if algorithm == Algorithm::Rsa2048 { 2048 } else { 4096 };
                    assert_eq!(signer.public().modulus_len() * 8, bits);
                }
            }
        }
    }

    fn rustls_pem(pem: &str) -> Vec<u8> {
        use rustls::pki_types::{PrivatePkcs8KeyDer, pem::PemObject};
        PrivatePkcs8KeyDer::from_pem_slice(pem.as_bytes()).unwrap().secret_pkcs8_der().to_vec()
    }
}
