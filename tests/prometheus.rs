//! The alert rules, held against made-up series by Prometheus's own tool, and Alertmanager's example, by its own. Without `promtool` and
//! `amtool` they are not tested, and that is said.
#![allow(clippy::unwrap_used, reason = "helpers of tests are tests too")]

use std::{
    collections::{BTreeMap, BTreeSet},
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

#[test]
fn alerts_find_their_way() {
    let file = manifest().join("dashboards/prometheus/alertmanager.example.yml");
    let amtool = |arguments: &[&str]| {
        let output = Command::new("amtool").args(arguments).output().ok()?;
        let said = |bytes| String::from_utf8_lossy(bytes).into_owned();
        assert!(output.status.success(), "{arguments:?}\n{}{}", said(&output.stdout), said(&output.stderr));
        Some(said(&output.stdout))
    };
    let file = file.to_str().unwrap();
    if amtool(&["check-config", file]).is_none() {
        println!("amtool is not installed: the example of Alertmanager was not tried");
        return;
    }
    let config = format!("--config.file={file}");
    for (labels, receiver) in [
        (&["alertname=RuadDown", "severity=critical", "instance=a"][..], "on-call"),
        (&["alertname=RuadBacklogGrowing", "severity=warning", "instance=a"], "operators"),
        (&["alertname=RuadDmarcRecordGone", "severity=critical", "group=acme"], "acme-desk"),
        (&["alertname=RuadNewSource", "severity=info", "group=globex"], "globex-desk"),
        (&["alertname=RuadDmarcRecordGone", "severity=critical", "group=other"], "operators"),
    ] {
        let arguments = [&["config", "routes", "test", &config], labels].concat();
        assert_eq!(amtool(&arguments).as_deref().map(str::trim), Some(receiver), "{labels:?}");
    }
}

#[test]
fn what_is_asked_for_is_exported() {
    let mut exported = BTreeSet::new();
    let mut histograms = BTreeSet::new();
    for file in ["src", "crates"].into_iter().flat_map(|folder| tree(folder, ".rs")) {
        let text = fs::read_to_string(&file).unwrap();
        exported.extend(text.split('"').filter(|word| is_name(word, "ruad_")).map(str::to_owned));
        for rest in text.split("describe_histogram!(").skip(1) {
            let name = rest.split(',').next().unwrap().trim();
            // Some names are constants of the file.
            let (_, value) = values(&text, &format!("const {name}: &str = ")).next().unwrap_or(("", name));
            histograms.insert(value.trim_matches(['"', ';']).to_owned());
        }
    }
    assert!(exported.len() > 80, "{exported:?}");
    for name in &histograms {
        exported.extend(["_bucket", "_sum", "_count"].map(|end| format!("{name}{end}")));
    }
    let rules = files("dashboards/prometheus", ".rules.yml");
    for file in &rules {
        let text = fs::read_to_string(file).unwrap();
        exported.extend(values(&text, "- record: ").map(|(_, name)| name.to_owned()));
    }
    // Roles and policies of ClickHouse have such names, too.
    let documents = tree("docs", ".md").into_iter().filter(|file| !file.ends_with("tenants.md"));
    let dashboards = files("dashboards/grafana", ".json");
    for file in rules.into_iter().chain(dashboards).chain(documents).chain([manifest().join("README.md")]) {
        let text = fs::read_to_string(&file).unwrap();
        let name_ends = |c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == ':');
        for word in text.split(name_ends).map(|word| word.trim_end_matches(':')) {
            // `ruad:9025` is a host and its port.
            let is_metric = is_name(word, "ruad_") || (is_name(word, "ruad:") && word != "ruad:9025");
            assert!(!is_metric || exported.contains(word), "{}: {word} is not exported", file.display());
        }
    }
}

#[test]
fn kinds_and_steps_that_are_asked_for_exist() {
    let (events, steps) = (read("docs/events.md"), read("docs/steps.md"));
    let mut found = 0;
    for file in files("dashboards/prometheus", ".rules.yml") {
        let text = fs::read_to_string(&file).unwrap();
        for (asked, is_known) in [
            ("{kind=\"", (|kind: &str| format!("| `{kind}` |")) as fn(&str) -> String),
            ("{code=\"", |code| format!("### {code}\n")),
        ] {
            for name in text.split(asked).skip(1).map(|rest| rest.split('"').next().unwrap()) {
                let line = is_known(name);
                assert!(events.contains(&line) || steps.contains(&line), "{}: {name}", file.display());
                found += 1;
            }
        }
    }
    assert!(found >= 7, "{found}");
}

#[test]
fn every_alert_says_what_to_do_and_is_tested() {
    let alerts = alerts();
    assert!(alerts.len() >= 25, "{}", alerts.len());
    let contents = read("docs/runbooks/README.md");
    let mut pages = BTreeSet::new();
    for (name, text) in &alerts {
        assert!(name.starts_with("Ruad"), "{name} has not the prefix of its kind");
        for key in ["expr:", "labels: {severity: ", "summary: \"", "description: \"", "runbook_url: \""] {
            assert_eq!(text.matches(key).count(), 1, "{name}: {key}");
        }
        let url = values(text, "runbook_url: ").next().unwrap().1.trim_matches('"');
        let page = url.strip_prefix("{{ $externalLabels.runbooks }}").unwrap();
        let runbook = read(page);
        assert!(runbook.starts_with(&format!("# {name}\n")), "{page} is not that of {name}");
        assert!(
            runbook.contains("**What it means for mail.**") && runbook.contains("**What to do**"),
            "{page}"
        );
        let file = page.strip_prefix("docs/runbooks/").unwrap();
        assert!(
            contents.contains(&format!("| `{name}` | [{}]({file}) |\n", file.trim_end_matches(".md"))),
            "{name}"
        );
        assert!(pages.insert(manifest().join(page)), "{page} is that of two alerts");
    }
    for page in files("docs/runbooks", ".md") {
        assert!(page.ends_with("README.md") || pages.contains(&page), "{} has no alert", page.display());
    }

    // Once firing with all that it says, and once not.
    let (mut firing, mut silent) = (BTreeSet::new(), BTreeSet::new());
    for file in files("dashboards/prometheus/tests", ".test.yml") {
        let text = fs::read_to_string(&file).unwrap();
        for (rest, name) in values(&text, "alertname: ") {
            assert!(alerts.contains_key(name), "{}: there is no {name}", file.display());
            let case = rest.split("eval_time:").next().unwrap();
            if case.contains("exp_alerts: []") {
                silent.insert(name.to_owned());
            } else if ["summary:", "description:", "runbook_url:"].iter().all(|key| case.contains(key)) {
                firing.insert(name.to_owned());
            }
        }
    }
    for name in alerts.keys() {
        assert!(firing.contains(name), "{name} is never seen to fire");
        assert!(silent.contains(name), "{name} is never seen not to fire");
    }
}

/// Every alert by its name, and its text in the rules.
fn alerts() -> BTreeMap<String, String> {
    let mut alerts = BTreeMap::new();
    for file in files("dashboards/prometheus", ".rules.yml") {
        let text = fs::read_to_string(file).unwrap();
        for (rest, name) in values(&text, "- alert: ") {
            let text = rest.split("\n      - ").next().unwrap().to_owned();
            assert!(alerts.insert(name.to_owned(), text).is_none(), "{name} is there twice");
        }
    }
    alerts
}

/// What stands behind a key to the end of its line, after all that follows it.
fn values<'a>(text: &'a str, key: &str) -> impl Iterator<Item = (&'a str, &'a str)> {
    let parts: Vec<_> = text.split(key).skip(1).collect();
    parts.into_iter().map(|rest| (rest, rest.lines().next().unwrap_or_default()))
}

fn is_name(word: &str, start: &str) -> bool {
    let is_plain =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'_' | b':');
    word.strip_prefix(start).is_some_and(|rest| !rest.is_empty()) && word.bytes().all(is_plain)
}

fn read(path: &str) -> String {
    fs::read_to_string(manifest().join(path)).unwrap_or_else(|error| unreachable!("{path}: {error}"))
}

fn manifest() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn tree(folder: &str, end: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![manifest().join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => folders.push(path),
                false if path.to_str().is_some_and(|path| path.ends_with(end)) => found.push(path),
                false => {}
            }
        }
    }
    assert!(!found.is_empty());
    found
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
    let folder = manifest().join(folder);
    let all = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let files: Vec<_> = all.filter(|path| path.to_str().is_some_and(|path| path.ends_with(end))).collect();
    assert!(!files.is_empty());
    files
}
