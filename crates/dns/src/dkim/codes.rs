//! What can be wrong with DKIM keys.

use crate::finding::codes;

codes! {
    /// A piece of the record is no `name=value`.
    SYNTAX = "dkim.syntax", Error;
    /// Quotes or backslashes of a zone file or a web form became part of the record.
    STRAY_QUOTES = "dkim.stray_quotes", Error;
    /// What stands at the selector is no DKIM key at all.
    NOT_A_KEY = "dkim.not_a_key", Error;
    /// `v=` is not `DKIM1`: receivers must discard the record.
    WRONG_VERSION = "dkim.wrong_version", Error;
    /// `v=` is there, but not as the first tag.
    VERSION_NOT_FIRST = "dkim.version_not_first", Error;
    /// A tag occurs twice: the whole record is invalid.
    REPEATED_TAG = "dkim.repeated_tag", Error;
    /// There is no `p=`.
    NO_PUBLIC_KEY = "dkim.no_public_key", Error;
    /// The text in `p=` is no base64.
    BAD_BASE64 = "dkim.bad_base64", Error;
    /// The base64 in `p=` has not the `=` signs that it must end with.
    PADDING = "dkim.padding", Warning;
    /// The bytes in `p=` are no key of the type that the record says.
    UNREADABLE_KEY = "dkim.unreadable_key", Error;
    /// The bytes in `p=` are a private key.
    PRIVATE_KEY = "dkim.private_key", Error;
    /// `k=` is neither `rsa` nor `ed25519`.
    UNKNOWN_KEY_TYPE = "dkim.unknown_key_type", Error;
    /// An Ed25519 key that is not 32 bytes long.
    ED25519_LENGTH = "dkim.ed25519_length", Error;
    /// An RSA key without the envelope that most receivers expect.
    BARE_KEY = "dkim.bare_key", Warning;
    /// An RSA key below 1024 bits: receivers must not accept it (RFC 8301).
    KEY_TOO_SHORT = "dkim.key_too_short", Error;
    /// An RSA key below 2048 bits.
    KEY_SHORT = "dkim.key_short", Warning;
    /// An RSA key above 4096 bits, which receivers need not be able to use (RFC 8301).
    KEY_LONG = "dkim.key_long", Info;
    /// `h=` does not let SHA-256 be used, and everything else is forbidden (RFC 8301).
    NO_SHA256 = "dkim.no_sha256", Error;
    /// `s=` does not let the key be used for mail.
    NOT_FOR_MAIL = "dkim.not_for_mail", Error;
    /// `t=y`: signed mail must be treated as if it were not.
    TESTING = "dkim.testing", Warning;
    /// `g=`, which was removed in 2011.
    LEGACY_TAG = "dkim.legacy_tag", Info;
    /// A tag that nobody knows.
    UNKNOWN_TAG = "dkim.unknown_tag", Info;
    /// A revoked key (`p=`).
    REVOKED = "dkim.revoked", Info;
    /// A revoked key of a selector that is in use.
    REVOKED_IN_USE = "dkim.revoked_in_use", Warning;
    /// More than one TXT record at a selector.
    SEVERAL_RECORDS = "dkim.several_records", Error;
    /// A configured selector without a record.
    SELECTOR_MISSING = "dkim.selector_missing", Error;
    /// A selector in recent reports without a record.
    REPORTED_SELECTOR_MISSING = "dkim.reported_selector_missing", Warning;
    /// A selector that is an alias of a name without a record.
    DANGLING_ALIAS = "dkim.dangling_alias", Warning;
    /// The same, while another selector of the same service has its key: usually the one for the next rotation.
    STANDBY_ALIAS = "dkim.standby_alias", Info;
    /// A key for every selector there could be.
    WILDCARD_KEY = "dkim.wildcard_key", Warning;
    /// `_domainkey` is said not to exist, although there are names below it.
    DOMAINKEY_NXDOMAIN = "dkim.domainkey_nxdomain", Warning;
    /// A key at `_domainkey` itself.
    KEY_WITHOUT_SELECTOR = "dkim.key_without_selector", Warning;
    /// A policy of DomainKeys, the predecessor.
    DOMAINKEYS_POLICY = "dkim.domainkeys_policy", Info;
    /// A domain that sends mail and has no key.
    ABSENT = "dkim.absent", Warning;
    /// A domain that sends mail and may have keys, but under none of the selectors that are known.
    NO_KEY_FOUND = "dkim.no_key_found", Info;
    /// Only Ed25519 keys, which many receivers cannot use (RFC 8463).
    ONLY_ED25519 = "dkim.only_ed25519", Info;
    /// A key that should have been replaced long ago.
    KEY_OLD = "dkim.key_old", Error;
    /// A key that should be replaced.
    KEY_AGING = "dkim.key_aging", Warning;
    /// A key under several selectors or domains.
    KEY_SHARED = "dkim.key_shared", Warning;
    /// The same, because they are aliases of one name.
    KEY_SHARED_BY_ALIAS = "dkim.key_shared_by_alias", Info;
    /// A published key that no report has seen for a long time.
    KEY_UNUSED = "dkim.key_unused", Warning;
    /// A key that was taken away while mail is still signed with it.
    KEY_GONE = "dkim.key_gone", Error;
}
