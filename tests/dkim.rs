//! `ruad dkim` as people run it, against a real name server.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests are tests too")]

#[allow(dead_code, reason = "shared by several tests, each of which needs a part of it")]
#[path = "support/dns.rs"]
mod server;

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Output, Stdio},
};

use ring::{
    rand::SystemRandom,
    signature::{
        ED25519, Ed25519KeyPair, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256, RsaKeyPair, UnparsedPublicKey,
    },
};
use ruad_dns::dkim::{Content, Kind, Record};
use rustls::pki_types::{PrivatePkcs8KeyDer, pem::PemObject};
use serde_json::Value;
use server::Dns;
use tokio::process::Command;

const DOMAIN: &str = "domain.example";

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn the_published_key_verifies_what_the_private_key_signs() {
    let dns = Dns::serve("").await;
    let folder = tempfile::tempdir().unwrap();
    for (arguments, kind, bits) in [
        (&["--selector", "a"][..], Kind::Rsa, 2048),
        (&["--selector", "b", "--bits", "4096"], Kind::Rsa, 4096),
        (&["--selector", "c", "--ed25519"], Kind::Ed25519, 256),
    ] {
        let output = new(&dns, folder.path(), &[arguments, &["--json"]].concat()).await;
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        let made: Value = serde_json::from_slice(&output.stdout).unwrap();
        let value = made["record"]["value"].as_str().unwrap();
        let record = Record::parse(value);
        assert_eq!(record.faults, []);
        let Content::Key(key) = record.content else { panic!("{value}") };
        assert_eq!((key.kind, key.bits), (kind, bits));

        let path = PathBuf::from(made["private_key"].as_str().unwrap());
        assert_eq!(path.parent(), Some(folder.path()));
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o7777, 0o600);
        let pem = fs::read_to_string(&path).unwrap();
        assert_signs(&pem, value, kind);
        assert!(is_kept_secret(&pem, &output), "the private key was printed");

        // What was printed can be published as it is, and then our own examination finds it.
        let line = made["zone_line"].as_str().unwrap();
        let published = Dns::serve(&format!("@ IN TXT \"v=spf1 -all\"\n{line}\n")).await;
        let command: Vec<_> = made["check"].as_str().unwrap().split(' ').skip(1).collect();
        let checked = run(&published, &[&command[..], &["--json", "--only-selectors"]].concat()).await;
        let report: Value = serde_json::from_slice(&checked.stdout).unwrap();
        let keys = report["dkim"]["keys"].as_array().unwrap();
        assert_eq!(keys.len(), 1, "{report}");
        assert_eq!(keys[0]["fingerprint"], key.fingerprint.as_str());
        let findings = report["dkim"]["findings"].as_array().unwrap();
        let codes: Vec<_> = findings.iter().map(|finding| finding["code"].as_str().unwrap()).collect();
        // Alone it is not enough, and we say so before and after.
        let expected: &[&str] = if kind == Kind::Ed25519 { &["dkim.only_ed25519"] } else { &[] };
        assert_eq!(codes, expected, "{report}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_selector_in_use_is_left_alone() {
    let zone =
        "taken._domainkey IN TXT \"v=DKIM1; p=\"\nelsewhere._domainkey IN CNAME key.service.example.\n";
    let dns = Dns::serve(zone).await;
    let folder = tempfile::tempdir().unwrap();
    for (selector, words) in [
        ("taken", "taken._domainkey.domain.example has a record already: v=DKIM1; p="),
        ("elsewhere", "elsewhere._domainkey.domain.example is an alias of key.service.example already"),
    ] {
        let output = new(&dns, folder.path(), &["--selector", selector]).await;
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        let error = String::from_utf8(output.stderr).unwrap();
        assert!(error.contains(words) && output.stdout.is_empty(), "{error}");
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "no file is left behind");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn what_a_wildcard_says_does_not_take_every_selector() {
    let folder = tempfile::tempdir().unwrap();
    let text = Dns::serve("*._domainkey IN TXT \"v=DKIM1; p=\"\n").await;
    let output = new(&text, folder.path(), &["--selector", "one", "--ed25519"]).await;
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let alias = Dns::serve("*._domainkey IN CNAME nothing.example.\n").await;
    let output = new(&alias, folder.path(), &["--selector", "two", "--ed25519"]).await;
    assert_eq!(output.status.code(), Some(0), "{output:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn without_an_answer_there_is_no_key() {
    let dns = Dns::serve("; servfail: domain.example\n").await;
    let folder = tempfile::tempdir().unwrap();
    let output = new(&dns, folder.path(), &["--selector", "s1"]).await;
    assert_eq!(output.status.code(), Some(3), "{output:?}");
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(error.contains("s1._domainkey.domain.example") && error.contains("no key was made"), "{error}");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_folder_that_is_missing_is_no_refusal() {
    let dns = Dns::serve("").await;
    let folder = tempfile::tempdir().unwrap();
    let output = new(&dns, &folder.path().join("missing"), &["--selector", "s1"]).await;
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    assert!(String::from_utf8(output.stderr).unwrap().contains("missing"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_key_is_never_replaced() {
    let dns = Dns::serve("").await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("domain.example.s1.key");
    fs::write(&path, "the key in use").unwrap();
    let output = new(&dns, folder.path(), &["--selector", "s1"]).await;
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(String::from_utf8(output.stderr).unwrap().contains("domain.example.s1.key"));
    assert_eq!(fs::read_to_string(&path).unwrap(), "the key in use");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn standard_output_gets_the_key_and_nothing_else() {
    let dns = Dns::serve("").await;
    let output = new(&dns, Path::new("-"), &["--selector", "s1", "--ed25519"]).await;
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let (pem, words) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    assert!(PrivatePkcs8KeyDer::from_pem_slice(pem.as_bytes()).is_ok(), "{pem}");
    assert_eq!(pem.lines().count(), 3);
    assert!(words.contains("s1._domainkey.domain.example") && !words.contains("BEGIN PRIVATE"), "{words}");
    assert!(words.contains("cannot verify Ed25519"), "{words}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn the_selector_is_the_month_and_the_text_says_what_to_do() {
    let dns = Dns::serve("").await;
    let folder = tempfile::tempdir().unwrap();
    let output = run_with(&dns, &["dkim", "new", DOMAIN], Some(folder.path())).await;
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    // However the lines fall.
    let text = String::from_utf8(output.stdout).unwrap().split_whitespace().collect::<Vec<_>>().join(" ");
    let file = fs::read_dir(folder.path()).unwrap().next().unwrap().unwrap().file_name();
    let selector =
        file.to_str().unwrap().strip_prefix("domain.example.").unwrap().strip_suffix(".key").unwrap();
    assert!(selector.starts_with("ruad-20") && selector.len() == "ruad-202611".len(), "{selector}");
    assert!(dns.questions().contains(&format!("{selector}._domainkey.domain.example TXT")));
    for words in [
        "v=DKIM1; k=rsa; p=",
        &format!("ruad check domain.example --selector {selector}"),
        "OpenDKIM",
        "rspamd",
        "Exim",
        "Microsoft 365",
        "Google Workspace",
        "for more than 7 days",
        folder.path().to_str().unwrap(),
    ] {
        assert!(text.contains(words), "{words}: {text}");
    }
    assert!(!text.contains('\x1b'), "colours in a pipe");
    let one = new(&dns, folder.path(), &["--selector", "s2", "--ed25519", "--snippet", "exim"]).await;
    let text = String::from_utf8(one.stdout).unwrap();
    assert!(text.contains("dkim_private_key") && !text.contains("OpenDKIM"), "{text}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn mistakes_of_the_command_line() {
    let dns = Dns::serve("").await;
    let folder = tempfile::tempdir().unwrap();
    for arguments in [
        &["not a domain"][..],
        &[DOMAIN, "--selector", "../etc"],
        &[DOMAIN, "--selector", "_x"],
        &[DOMAIN, "--bits", "1024"],
        &[DOMAIN, "--bits", "4096", "--ed25519"],
        &[DOMAIN, "--snippet", "sendmail"],
    ] {
        let output = run_with(&dns, &[&["dkim", "new"], arguments].concat(), Some(folder.path())).await;
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {output:?}");
        assert!(!output.stderr.is_empty() && output.stdout.is_empty());
    }
    let output = run(&dns, &["dkim", "new", DOMAIN]).await;
    assert_eq!(output.status.code(), Some(2), "nobody said where the key goes: {output:?}");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    assert!(dns.questions().is_empty(), "nothing is asked before the command line is right");
}

/// OpenSSL, where it is installed, reads the keys that others have to read.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn openssl_reads_the_keys() {
    let dns = Dns::serve("").await;
    let folder = tempfile::tempdir().unwrap();
    for (selector, more) in [("a", &[][..]), ("b", &["--ed25519"])] {
        let output = new(&dns, folder.path(), &[&["--selector", selector], more].concat()).await;
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        let path = folder.path().join(format!("domain.example.{selector}.key"));
        let checked =
            Command::new("openssl").args(["pkey", "-check", "-noout", "-in"]).arg(&path).output().await;
        match checked {
            Ok(checked) => assert!(checked.status.success(), "{checked:?}"),
            Err(_) => eprintln!("openssl is not installed: not compared"),
        }
    }
}

fn assert_signs(pem: &str, record: &str, kind: Kind) {
    const MAIL: &[u8] = b"from:somebody@domain.example\r\n";
    let private = PrivatePkcs8KeyDer::from_pem_slice(pem.as_bytes()).unwrap();
    let private = private.secret_pkcs8_der();
    let (_, public) = record.split_once("p=").unwrap();
    let public = unbase64(public);
    match kind {
        Kind::Rsa => {
            let key = RsaKeyPair::from_pkcs8(private).unwrap();
            let mut signature = vec![0; key.public().modulus_len()];
            key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), MAIL, &mut signature).unwrap();
            // The RSAPublicKey is at the end of its envelope, whose header has 24 bytes.
            let bare = &public[24..];
            UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, bare).verify(MAIL, &signature).unwrap();
        }
        Kind::Ed25519 => {
            let signature = Ed25519KeyPair::from_pkcs8_maybe_unchecked(private).unwrap().sign(MAIL);
            UnparsedPublicKey::new(&ED25519, public).verify(MAIL, signature.as_ref()).unwrap();
        }
    }
}

fn unbase64(text: &str) -> Vec<u8> {
    let lines =
        text.as_bytes().chunks(64).map(|line| str::from_utf8(line).unwrap()).collect::<Vec<_>>().join("\n");
    let pem = format!("-----BEGIN PRIVATE KEY-----\n{lines}\n-----END PRIVATE KEY-----\n");
    PrivatePkcs8KeyDer::from_pem_slice(pem.as_bytes()).unwrap().secret_pkcs8_der().to_vec()
}

fn is_kept_secret(pem: &str, output: &Output) -> bool {
    let printed = [&output.stdout[..], &output.stderr[..]].concat();
    let printed = String::from_utf8(printed).unwrap();
    pem.lines().filter(|line| !line.starts_with('-')).all(|line| !printed.contains(line))
}

async fn new(dns: &Dns, folder: &Path, arguments: &[&str]) -> Output {
    let out = folder.to_str().unwrap();
    run(dns, &[&["dkim", "new", DOMAIN, "--out", out], arguments].concat()).await
}

async fn run(dns: &Dns, arguments: &[&str]) -> Output {
    run_with(dns, arguments, None).await
}

async fn run_with(dns: &Dns, arguments: &[&str], directory: Option<&Path>) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ruad"));
    command
        .args(arguments)
        .args(["--resolver", &dns.address().to_string()])
        .env("RUAD__DNS__TIMEOUT", "0.3")
        .env("RUAD__DNS__RETRIES", "0")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    if let Some(directory) = directory {
        command.env("RUAD__SIGNING__DIRECTORY", directory);
    }
    command.output().await.unwrap()
}
