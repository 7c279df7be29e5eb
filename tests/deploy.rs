//! What is written down for whoever deploys ruad: the program takes the settings, and the files that are named exist. Containers
//! are started nowhere.
#![allow(clippy::unwrap_used, reason = "helpers of tests are tests too")]

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

#[test]
fn the_program_takes_the_settings_of_the_containers() {
    let example = read("deploy/example.env");
    let values: BTreeMap<_, _> = example.lines().filter_map(|line| line.split_once('=')).collect();
    let compose = read("deploy/compose.yaml");
    let mut keys = 0;
    let mut program = zone();
    for line in compose.lines().map(str::trim) {
        let Some((key, value)) = line.split_once(": ").filter(|(key, _)| key.starts_with("RUAD__")) else {
            continue;
        };
        let value = match value.strip_prefix("${") {
            Some(rest) => {
                let name = rest.split([':', '}']).next().unwrap();
                values.get(name).unwrap_or_else(|| unreachable!("{name} is not in deploy/example.env"))
            }
            None => value,
        };
        program.env(key, value);
        keys += 1;
    }
    assert!(keys >= 9, "{keys}");
    let output = program.env("RUAD__DOMAINS__FILE", path("config/domains.toml")).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    assert!(String::from_utf8_lossy(&output.stdout).contains("._report._dmarc.reports.example. "));
}

#[test]
fn the_program_takes_the_settings_of_the_documentation() {
    let page = read("docs/install.md");
    let settings = page.split("```toml\n").nth(1).unwrap().split("```").next().unwrap();
    assert!(settings.contains("[smtp.tls]") && settings.contains("[clickhouse]"), "{settings}");
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ruad.toml");
    fs::write(&file, settings).unwrap();
    let mut program = zone();
    program.env("RUAD__DOMAINS__FILE", path("config/domains.toml")).arg("--config").arg(&file);
    let output = program.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn what_is_mounted_is_there() {
    // These are the operator's own; the comment at the head of the file says how to come by them.
    let own = ["./domains.toml", "./alertmanager.yml"];
    let compose = read("deploy/compose.yaml");
    let head = compose.split("name: ruad").next().unwrap();
    let mut mounted = 0;
    for line in compose.lines().filter_map(|line| line.trim().strip_prefix("- ")) {
        let Some(source) = line.split(':').next().filter(|source| source.starts_with('.')) else { continue };
        mounted += 1;
        match own.contains(&source) {
            true => assert!(head.contains(&source.replace("./", "deploy/")), "{source}"),
            false => assert!(path("deploy").join(source).exists(), "{source}"),
        }
    }
    assert!(mounted >= 6, "{mounted}");
}

#[test]
fn files_are_yaml() {
    let files = [
        "dashboards/prometheus/alertmanager.example.yml",
        "dashboards/provisioning/dashboards/ruad.yaml",
        "dashboards/provisioning/datasources/ruad.yaml",
        "deploy/compose.yaml",
        "deploy/prometheus.yml",
    ];
    let script = "import sys\ntry:\n import yaml\nexcept ImportError:\n sys.exit(9)\nfor f in sys.argv[1:]: yaml.safe_load(open(f))";
    let outcome = Command::new("python3").arg("-c").arg(script).args(files.map(path)).output();
    match outcome {
        Ok(output) if output.status.code() != Some(9) => {
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        }
        _ => println!("python3 with yaml is not installed: {files:?} were not read"),
    }
}

/// A command that reads all settings and talks to nobody.
fn zone() -> Command {
    let mut program = Command::new(env!("CARGO_BIN_EXE_ruad"));
    program.arg("zone").env_clear();
    program
}

fn read(file: &str) -> String {
    fs::read_to_string(path(file)).unwrap()
}

fn path(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(file)
}
