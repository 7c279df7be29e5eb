use std::{fmt, path::Path};

use serde::Serialize;

use super::Algorithm;

/// Programs and services that sign mail.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Signer {
    /// OpenDKIM, a milter.
    Opendkim,
    /// rspamd with its module `dkim_signing`.
    Rspamd,
    /// Exim, which signs by itself.
    Exim,
    /// Postfix, which lets a milter sign: OpenDKIM or rspamd.
    PostfixMilter,
    /// Microsoft 365, which keeps its keys to itself.
    Microsoft365,
    /// Google Workspace, which does, too.
    Google,
    /// Any other service that sends in the domain's name.
    Service,
}

/// What a signer has to be told.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Snippet {
    /// Which signer.
    pub signer: Signer,
    /// What to do, in a sentence or two.
    pub words: String,
    /// Files and what to put into them.
    pub files: Vec<(String, String)>,
    /// Commands to run, in this order.
    pub commands: Vec<String>,
}

impl Signer {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Opendkim,
        Self::Rspamd,
        Self::Exim,
        Self::PostfixMilter,
        Self::Microsoft365,
        Self::Google,
        Self::Service,
    ];

    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Opendkim => "opendkim",
            Self::Rspamd => "rspamd",
            Self::Exim => "exim",
            Self::PostfixMilter => "postfix-milter",
            Self::Microsoft365 => "microsoft365",
            Self::Google => "google",
            Self::Service => "service",
        }
    }

    /// The signer of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|signer| signer.name() == name)
    }

    /// What people call it.
    pub fn title(self) -> &'static str {
        match self {
            Self::Opendkim => "OpenDKIM",
            Self::Rspamd => "rspamd",
            Self::Exim => "Exim",
            Self::PostfixMilter => "Postfix (through a milter)",
            Self::Microsoft365 => "Microsoft 365",
            Self::Google => "Google Workspace",
            Self::Service => "Other services",
        }
    }

    /// What it has to be told in order to sign for a domain with the key at `path`.
    pub fn snippet(self, domain: &str, selector: &str, algorithm: Algorithm, path: &Path) -> Snippet {
        let key = Key { domain, selector, algorithm, path: path.display().to_string() };
        let (words, files, commands) = match self {
            Self::Opendkim => key.opendkim(),
            Self::Rspamd => key.rspamd(),
            Self::Exim => key.exim(),
            Self::PostfixMilter => key.postfix(),
            Self::Microsoft365 | Self::Google | Self::Service => (self.own_keys().to_owned(), vec![], vec![]),
        };
        Snippet { signer: self, words, files, commands }
    }

    fn own_keys(self) -> &'static str {
        match self {
            Self::Microsoft365 => {
                "Makes and keeps its own keys; this one is of no use to it. In the Microsoft Defender portal: Email & \
                 collaboration > Policies & rules > Threat policies > Email authentication settings > DKIM; choose the \
                 domain. The first time, publish the two CNAME records it shows (selector1 and selector2 below \
                 _domainkey) and switch signing on; after that, `Rotate DKIM keys` changes keys by itself behind them."
            }
            Self::Google => {
                "Makes and keeps its own keys; this one is of no use to it. In the Google Admin console: Apps > Google \
                 Workspace > Gmail > Authenticate email; choose the domain, then `Generate new record` with 2048 bits and \
                 a selector prefix that is not in use. Publish the record it shows, wait until it can be seen, then \
                 `Start authentication`. A new key with another prefix takes the old one's place the same way."
            }
            _ => {
                "Newsletter, shop and desk services make their own keys: look for domain authentication in their settings \
                 and publish the CNAME records they name. `ruad check` shows which of them are there. Give this private \
                 key to none of them."
            }
        }
    }
}

impl fmt::Display for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

struct Key<'a> {
    domain: &'a str,
    selector: &'a str,
    algorithm: Algorithm,
    path: String,
}

impl Key<'_> {
    fn opendkim(&self) -> (String, Vec<(String, String)>, Vec<String>) {
        let Self { domain, selector, path, .. } = self;
        let words = match self.algorithm {
            Algorithm::Ed25519 => {
                "OpenDKIM 2.10, which distributions have, signs with RSA only: use another signer for this key.".into()
            }
            _ => "Add a line to each table. The file has to belong to the user it runs as.".into(),
        };
        let name = format!("{selector}._domainkey.{domain}");
        let files = vec![
            ("/etc/opendkim/KeyTable".to_owned(), format!("{name} {domain}:{selector}:{path}")),
            ("/etc/opendkim/SigningTable".to_owned(), format!("*@{domain} {name}")),
            (
                "/etc/opendkim.conf".to_owned(),
                "KeyTable file:/etc/opendkim/KeyTable\nSigningTable refile:/etc/opendkim/SigningTable"
                    .to_owned(),
            ),
        ];
        let commands = vec![
            format!("chown opendkim: {}", quoted(path)),
            format!("opendkim-testkey -d {domain} -s {selector} -k {} -vvv", quoted(path)),
            "systemctl reload opendkim".to_owned(),
        ];
        match self.algorithm {
            Algorithm::Ed25519 => (words, vec![], vec![]),
            _ => (words, files, commands),
        }
    }

    fn rspamd(&self) -> (String, Vec<(String, String)>, Vec<String>) {
        let Self { domain, selector, path, .. } = self;
        let is_ed25519 = self.algorithm == Algorithm::Ed25519;
        // It takes a PEM file for RSA whatever is in it, and Ed25519 as the base64 of the seed.
        let place = if is_ed25519 { format!("{path}.rspamd") } else { path.clone() };
        let mut words =
            "A domain that is listed already gets one more entry in `selectors`: mail is then signed with each of them."
                .to_owned();
        let mut commands = Vec::new();
        if is_ed25519 {
            words += " rspamd reads Ed25519 keys in a form of its own, which the first command makes.";
            let (from, to) = (quoted(path), quoted(&place));
            commands.push(format!(
                "(umask 077; openssl pkey -in {from} -outform DER | tail -c 32 | base64 > {to})"
            ));
        }
        commands.push(format!("chown _rspamd: {}", quoted(&place)));
        commands.push("systemctl reload rspamd".to_owned());
        let text = format!(
            "domain {{\n  \"{domain}\" {{\n    selectors [\n      {{ selector = \"{selector}\"; path = \"{place}\"; }}\n    \
             ]\n  }}\n}}"
        );
        (words, vec![("/etc/rspamd/local.d/dkim_signing.conf".to_owned(), text)], commands)
    }

    fn exim(&self) -> (String, Vec<(String, String)>, Vec<String>) {
        let Self { domain, selector, path, .. } = self;
        let words = "In the transport that delivers to other hosts. Two selectors with a colon between them sign twice; \
                     dkim_private_key can then name the file with $dkim_selector in it."
            .to_owned();
        let text = format!(
            "remote_smtp:\n  driver = smtp\n  dkim_domain = {domain}\n  dkim_selector = {selector}\n  dkim_private_key = \
             {path}\n  dkim_canon = relaxed"
        );
        let commands = vec![
            format!("chown root:Debian-exim {0} && chmod 640 {0}", quoted(path)),
            "systemctl reload exim4".to_owned(),
        ];
        (words, vec![("Exim's configuration, section transports".to_owned(), text)], commands)
    }

    fn postfix(&self) -> (String, Vec<(String, String)>, Vec<String>) {
        let words = "Postfix does not sign: a milter does. Set up OpenDKIM or rspamd as shown, and let Postfix ask it. These \
                     are the usual ports of rspamd's proxy (11332) and of OpenDKIM (8891)."
            .to_owned();
        let text = "smtpd_milters = inet:localhost:11332\nnon_smtpd_milters = $smtpd_milters\nmilter_default_action = accept";
        (
            words,
            vec![("/etc/postfix/main.cf".to_owned(), text.to_owned())],
            vec!["systemctl reload postfix".to_owned()],
        )
    }
}

/// A path as a shell takes it.
fn quoted(path: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/._-".contains(c);
    match path.chars().all(is_plain) {
        true => path.to_owned(),
        false => format!("'{}'", path.replace('\'', "'\\''")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_signer_is_told_domain_selector_and_file() {
        let path = Path::new("/keys/example.com.s1.key");
        for signer in Signer::ALL {
            assert_eq!(Signer::named(signer.name()), Some(signer));
            assert!(serde_json::to_string(&signer).unwrap().len() > 4);
            for algorithm in [Algorithm::Rsa2048, Algorithm::Ed25519] {
                let snippet = signer.snippet("example.com", "s1", algorithm, path);
                let text: String = snippet.files.iter().map(|(_, text)| text.as_str()).collect();
                assert!(snippet.words.len() > 20);
                let has_key = matches!(signer, Signer::Rspamd | Signer::Exim)
                    || signer == Signer::Opendkim && algorithm != Algorithm::Ed25519;
                for part in ["example.com", "s1", "/keys/example.com.s1.key"] {
                    assert_eq!(text.contains(part), has_key, "{signer} {part}: {text}");
                }
            }
        }
        let snippet = Signer::Rspamd.snippet("example.com", "s1", Algorithm::Ed25519, path);
        assert!(snippet.files[0].1.contains("/keys/example.com.s1.key.rspamd"));
        assert!(snippet.commands[0].contains("tail -c 32"));
    }

    #[test]
    fn paths_are_safe_in_a_shell() {
        assert_eq!(quoted("/etc/a-b_c.key"), "/etc/a-b_c.key");
        assert_eq!(quoted("/my keys/it's"), "'/my keys/it'\\''s'");
    }
}
