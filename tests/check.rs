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
    assert_eq!(output.status.code(), Some(2));
    let words = String::from_utf8(output.stderr).unwrap();
    assert!(words.contains("-:2: \"not a domain\" is not a domain name"), "{words}");
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
