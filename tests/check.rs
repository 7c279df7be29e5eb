//! `ruad check` as people run it, against a real name server.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests are tests too")]

#[allow(dead_code, reason = "shared by several tests, each of which needs a part of it")]
#[path = "support/dns.rs"]
mod server;

use std::{
    io::Write,
    process::{Output, Stdio},
};

use serde_json::Value;
use server::Dns;
use tokio::{io::AsyncWriteExt, process::Command};

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_domain_without_a_policy_is_broken_and_says_what_to_publish() {
    let dns = Dns::serve("@ IN TXT \"v=spf1 -all\"\n").await;
    let output = check(&dns, &["domain.example"]).await;
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("dmarc.missing") && text.contains("_dmarc.domain.example"), "{text}");
    assert!(!text.contains('\x1b'), "colours in a pipe: {text}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_silent_name_server_is_no_missing_record() {
    let dns = Dns::serve("; silent: domain.example\n").await;
    let output = check(&dns, &["--json", "domain.example"]).await;
    assert_eq!(output.status.code(), Some(3), "{output:?}");
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["score"], Value::Null);
    assert!(report["score_at_most"].is_f64());
    assert_eq!(report["dmarc"]["status"], "unknown");
    assert_eq!(report["spf"]["findings"], Value::Array(Vec::new()));
    assert_eq!(report["spf"]["unknown"][0]["name"], "domain.example");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_fault_is_shown_with_its_place() {
    let dns = Dns::serve("_dmarc IN TXT \"v=DMARC1; p=nune\"\n").await;
    let output = check(&dns, &["--json", "domain.example"]).await;
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let findings = report["dmarc"]["findings"].as_array().unwrap();
    let fault = findings.iter().find(|finding| finding["code"] == "dmarc.bad_policy").unwrap();
    assert_eq!(fault["severity"], "error");
    assert_eq!(fault["evidence"]["name"], "_dmarc.domain.example");
    let position = &fault["evidence"]["position"];
    let record = fault["evidence"]["record"].as_str().unwrap();
    let range = position["start"].as_u64().unwrap() as usize..position["end"].as_u64().unwrap() as usize;
    assert_eq!(record.get(range), Some("p=nune"));
    assert!(fault["change"].as_str().unwrap().len() > 10);
    let text = String::from_utf8(check(&dns, &["domain.example"]).await.stdout).unwrap();
    assert!(text.contains("v=DMARC1; p=nune\n") && text.contains("          ^^^^^^\n"), "{text}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn many_domains_come_from_a_file() {
    let dns = Dns::serve("@ IN TXT \"v=spf1 -all\"\n").await;
    let mut file = tempfile::NamedTempFile::new().unwrap();
    let mut names: Vec<_> = (0..250).map(|number| format!("d{number}.domain.example")).collect();
    writeln!(file, "# a customer\n{}\n", names.join("  # why\n")).unwrap();
    let path = file.path().to_str().unwrap();
    let output = check(&dns, &["--only-selectors", "--json", "--file", path]).await;
    let text = String::from_utf8(output.stdout).unwrap();
    let mut read: Vec<_> = text
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["domain"].as_str().unwrap().to_owned())
        .collect();
    read.sort();
    names.sort();
    assert_eq!(read, names);
    let lines = check(&dns, &["--only-selectors", "--file", path]).await.stdout;
    assert_eq!(String::from_utf8(lines).unwrap().lines().count(), 250);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn what_is_no_domain_is_a_mistake_of_the_command_line() {
    let dns = Dns::serve("").await;
    for arguments in
        [&["not a domain"][..], &[], &["--profile", "none", "a.example"], &["--file", "/does/not/exist"]]
    {
        let output = check(&dns, arguments).await;
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {output:?}");
        assert!(!output.stderr.is_empty() && output.stdout.is_empty());
    }
    let mut child = command(&dns, &["--file", "-"]).stdin(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(b"a.example\nnot a domain\n").await.unwrap();
    let output = child.wait_with_output().await.unwrap();
    assert_eq!(output.status.code(), Some(1), "what is broken is certain");
    let words = String::from_utf8(output.stderr).unwrap();
    assert!(words.contains("-:2: \"not a domain\" is not a domain name; skipped"), "{words}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_bad_line_is_named_and_skipped_and_a_domain_is_examined_once() {
    let dns = Dns::serve("; silent: domain.example\n").await;
    let mut file = tempfile::NamedTempFile::new().unwrap();
    let lines = "\u{feff}domain.example\r\nDOMAIN.example.\n192.0.2.1\n[2001:db8::1]\nrua@domain.example\n# none\n\ndomain.example # again\n";
    file.write_all(lines.as_bytes()).unwrap();
    file.write_all(b"not \xff utf-8\n\x1b[2J.example\n").unwrap();
    let path = file.path().to_str().unwrap();
    let output = check(&dns, &["--only-selectors", "--json", "--file", path]).await;
    assert_eq!(
        output.status.code(),
        Some(2),
        "lines were skipped, and nothing is known to be broken: {output:?}"
    );
    assert_eq!(String::from_utf8(output.stdout).unwrap().lines().count(), 1);
    let words = String::from_utf8(output.stderr).unwrap();
    let numbers: Vec<_> =
        words.lines().filter_map(|line| line.split(path).nth(1)?.split(':').nth(1)).collect();
    assert_eq!(numbers, ["3", "4", "5", "9", "10"], "{words}");
    assert!(!words.contains('\x1b'), "{words:?}");
    for nothing in ["", "# none\n", "192.0.2.1\n"] {
        std::fs::write(path, nothing).unwrap();
        let output = check(&dns, &["--file", path]).await;
        assert_eq!(output.status.code(), Some(2), "{output:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn what_cannot_run_is_not_what_is_broken() {
    let dns = Dns::serve("@ IN TXT \"v=spf1 -all\"\n").await;
    for (name, value) in [("RUAD__DNS__TIMEOUT", "soon"), ("RUAD__CLICKHOUSE__URL", "tcp://db.example:9000")]
    {
        let output = command(&dns, &["domain.example"]).env(name, value).output().await.unwrap();
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        assert!(output.stdout.is_empty());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn the_same_answers_give_the_same_json() {
    let zone = |turn: usize| {
        let mut records = [
            "@ IN MX 10 a.mx.example.",
            "@ IN MX 10 b.mx.example.",
            "@ IN TXT \"v=spf1 a:one.domain.example a:two.domain.example -all\"",
            "@ IN TXT \"site-verification=2\"",
            "@ IN TXT \"site-verification=1\"",
            "one IN A 192.0.2.7",
            "one IN A 192.0.2.3",
            "s1._domainkey IN TXT \"v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\"",
            "_dmarc IN TXT \"v=DMARC1; p=none\"",
            "_dmarc IN TXT \"v=DMARC1; p=reject\"",
        ];
        records.rotate_left(turn);
        records.join("\n") + "\n"
    };
    let dns = Dns::serve(&zone(0)).await;
    let mut seen = std::collections::BTreeSet::new();
    for turn in 0..4 {
        dns.replace(&zone(turn));
        let output = check(&dns, &["--only-selectors", "--selector", "s1", "--json", "domain.example"]).await;
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(!text.contains("checked_at") && !text.contains("ttl"), "{text}");
        seen.insert(text);
    }
    assert_eq!(seen.len(), 1, "{seen:#?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn nothing_a_terminal_obeys_is_printed() {
    // Raw: the parser of zones has escapes of its own.
    let hostile = "\x1b]0;owned\x07\x1b[2J\x1b[31m\u{9b}31m\u{202e}\u{2066}\u{200b}\u{e0041}";
    let zone = format!(
        "@ IN TXT \"v=spf1 include:a{hostile}.example exists:{hostile} a:%{{i}}{hostile} x{hostile}=y {hostile} -all\"\n\
         @ IN TXT \"{hostile}\"\n\
         _dmarc IN TXT \"v=DMARC1; p={hostile}; rua=mailto:{hostile}@a.example; {hostile}=1\"\n\
         s1._domainkey IN TXT \"v=DKIM1; k={hostile}; p={hostile}\"\n\
         _mta-sts IN TXT \"v=STSv1; id={hostile}\"\n\
         _smtp._tls IN TXT \"v=TLSRPTv1; rua=mailto:{hostile}\"\n\
         default._bimi IN TXT \"v=BIMI1; l=https://{hostile}/\"\n"
    );
    let dns = Dns::serve(&zone).await;
    let mut file = tempfile::NamedTempFile::new().unwrap();
    writeln!(file, "domain.example").unwrap();
    let path = file.path().to_str().unwrap();
    for arguments in [&["domain.example"][..], &["--json", "domain.example"], &["--file", path]] {
        // As on a terminal with colours: they pass, and nothing else.
        for colours in ["0", "1"] {
            let mut command = command(&dns, arguments);
            command
                .args(["--selector", "s1", "--only-selectors"])
                .env("CLICOLOR_FORCE", colours)
                .env("RUAD__DNS__TIMEOUT", "10");
            let output = command.output().await.unwrap();
            for text in [&output.stdout, &output.stderr] {
                let text = str::from_utf8(text).unwrap();
                let plain = anstream::adapter::strip_str(text).to_string();
                let ours = text.matches("\x1b[").count() == text.matches('\x1b').count();
                assert!(ours && !text.contains("\x1b[2J") && !text.contains("\x1b]"), "{text:?}");
                let found = plain.chars().find(|c| ruad_common::text::is_invisible(*c) && *c != '\n');
                assert_eq!(found, None, "{text:?}");
            }
            let text = String::from_utf8(output.stdout).unwrap();
            if arguments.contains(&"--json") {
                let report: Value = serde_json::from_str(&text).unwrap();
                let spf = report["spf"]["records"][0]["text"].as_str().unwrap();
                assert!(
                    spf.contains("\x1b]0;owned\x07") && spf.contains('\u{202e}'),
                    "the text stays exact: {spf:?}"
                );
            } else if !arguments.contains(&"--file") {
                assert!(
                    text.contains("\\u{1b}]0;owned\\u{7}"),
                    "the tree of SPF shows what stands there: {text}"
                );
            }
        }
    }
}

async fn check(dns: &Dns, arguments: &[&str]) -> Output {
    command(dns, arguments).output().await.unwrap()
}

fn command(dns: &Dns, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ruad"));
    command
        .args(["check", "--resolver", &dns.address().to_string()])
        .args(arguments)
        .env("RUAD__DNS__TIMEOUT", "0.3")
        .env("RUAD__DNS__RETRIES", "0")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    command
}
