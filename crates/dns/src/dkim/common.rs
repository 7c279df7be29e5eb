//! Selectors that many domains use, because a service or a program prescribes or proposes them.

use super::{Origin, Selector};

/// The common selectors, those that are met most often first.
pub fn common() -> impl Iterator<Item = Selector> {
    ALIASES.iter().chain(OTHERS).map(|name| Selector::new(*name, Origin::Common))
}

/// Whether the selector is usually an alias of a name of the service that signs; such an alias is easily left behind,
/// or set up without ever being switched on.
pub(super) fn is_often_alias(name: &str) -> bool {
    ALIASES.contains(&name)
}

/// Set up as aliases (CNAME).
const ALIASES: &[&str] = &[
    // Microsoft 365
    "selector1",
    "selector2",
    // SendGrid; Tuta
    "s1",
    "s2",
    // Mailchimp and its transactional service
    "k1",
    "k2",
    "k3",
    "mte1",
    "mte2",
    // Proton Mail, Fastmail, iCloud Mail
    "protonmail",
    "protonmail2",
    "protonmail3",
    "fm1",
    "fm2",
    "fm3",
    "sig1",
];

/// Set up as TXT records, or either way.
#[rustfmt::skip]
const OTHERS: &[&str] = &[
    // Google Workspace proposes `google`; Google's own domains use dates
    "google", "20230601", "20161025",
    // cPanel, Plesk, OpenDKIM, Rspamd, Mailcow, Mail-in-a-Box, DirectAdmin and people's own choice
    "default", "dkim", "mail", "email", "smtp", "x", "mx", "mta", "dkim1", "dkim2", "key1", "key2", "key3", "s3", "dk",
    "selector", "s1024", "s2048", "sig", "ed25519", "rsa",
    // Mailgun
    "krs", "pic", "mailo", "mg",
    // Mandrill, Postmark, Brevo, Mailjet, SendGrid of old, Amazon SES with own keys, Elastic Email, SMTP providers
    "mandrill", "pm", "brevo1", "brevo2", "mailjet", "smtpapi", "amazonses", "ses", "api", "turbo-smtp", "resend",
    // Newsletters and marketing
    "cm", "litesrv", "mlsend", "kl", "kl2", "ctct1", "ctct2", "dk1", "dk2", "acdkim1", "acdkim2", "aweber_key_a",
    "aweber_key_b", "aweber_key_c", "m1", "200608", "cka", "cka2", "mailpoet1", "mailpoet2",
    // Everlytic, Global Micro
    "everlytickey1", "everlytickey2", "eversrv", "mxvault",
    // Help desks and business software
    "zendesk1", "zendesk2", "intercom", "strong1", "strong2", "odoo",
    // Mail hosters
    "zoho", "zmail", "mesmtp", "mailru", "gm1", "gm2", "gm3", "mbo0001", "mbo0002", "startmail1", "titan1", "titan2",
    "transip-a", "transip-b", "transip-c", "rsa1", "rsa2", "ed1", "ed2", "s1-ionos", "s2-ionos", "strato-dkim-0002",
    "strato-dkim-0003",
    "hostingermail-a", "hostingermail-b", "hostingermail-c", "unoeuro", "purelymail1", "purelymail2", "cf2024-1",
    "dkimprovmx1", "dkim02", "dkim03",
];

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use ruad_common::domain_name::normalize;

    #[test]
    fn every_selector_stands_there_once_and_is_a_name() {
        let mut seen = HashSet::new();
        for selector in common() {
            assert_eq!(normalize(&selector.name).as_deref(), Some(selector.name.as_str()));
            assert!(seen.insert(selector.name.clone()), "{} stands there twice", selector.name);
        }
        assert!((60..=140).contains(&seen.len()), "{}", seen.len());
    }
}
