//! The alert rules, held against made-up series by Prometheus's own tool. Without `promtool` they are not tested, and that is
//! said.
#![allow(clippy::unwrap_used, reason = "helpers of tests are tests too")]

use std::{
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

#[test]
fn rules_are_well_formed() {
    for file in files("dashboards/prometheus", ".rules.yml") {
        promtool(["check".as_ref(), "rules".as_ref(), file.as_os_str()]);
    }
}

#[test]
fn alerts_fire_when_they_should_and_only_then() {
    let tests = files("dashboards/prometheus/tests", ".test.yml");
    for rules in files("dashboards/prometheus", ".rules.yml") {
        let name = rules.file_name().unwrap().to_str().unwrap().replace(".rules.yml", ".test.yml");
        assert!(tests.iter().any(|test| test.ends_with(&name)), "{} has no test", rules.display());
    }
    for file in tests {
        promtool(["test".as_ref(), "rules".as_ref(), file.as_os_str()]);
    }
}

fn promtool(arguments: [&OsStr; 3]) {
    let Ok(output) = Command::new("promtool").args(arguments).output() else {
        println!("promtool is not installed: {arguments:?} was not tried");
        return;
    };
    let said = |bytes| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "{arguments:?}\n{}{}", said(&output.stdout), said(&output.stderr));
}

fn files(folder: &str, end: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let all = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let files: Vec<_> = all.filter(|path| path.to_str().is_some_and(|path| path.ends_with(end))).collect();
    assert!(!files.is_empty());
    files
}
