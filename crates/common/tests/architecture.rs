//! Imports go one way: crates and modules use only what comes before them in `ARCHITECTURE.md`.
#![allow(clippy::panic, clippy::string_slice, clippy::unwrap_used)]

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

#[test]
fn crates_use_only_what_the_table_allows() {
    let table = rows("## Crates");
    assert!(table.len() >= 9, "{table:?}");
    let mut before = BTreeSet::new();
    for row in &table {
        let [name, folder, .., uses] = row.as_slice() else { panic!("{row:?}") };
        let path =
            if name == "ruad" { root().join("Cargo.toml") } else { root().join(folder).join("Cargo.toml") };
        let manifest: toml::Table = fs::read_to_string(&path).unwrap().parse().unwrap();
        let used = manifest["dependencies"].as_table().unwrap().keys();
        let used: BTreeSet<_> =
            used.filter(|name| name.starts_with("ruad-") || *name == "chdb").cloned().collect();
        assert!(used.is_subset(&before), "{name} uses {used:?}, but only {before:?} come before it");
        let allowed: BTreeSet<_> = match uses.as_str() {
            "–" => BTreeSet::new(),
            "all" => used.clone(),
            names => names
                .split(", ")
                .map(|one| if one == "chdb" { one.to_owned() } else { format!("ruad-{one}") })
                .collect(),
        };
        assert_eq!(used, allowed, "{name}: the table and {} differ", path.display());
        before.insert(name.clone());
    }
    let folders = fs::read_dir(root().join("crates")).unwrap().count();
    assert_eq!(table.len(), folders + 1, "the table names every crate");
}

#[test]
fn modules_use_only_those_before_them() {
    let order: Vec<_> = rows("## Modules of `ruad`").into_iter().map(|row| row[0].clone()).collect();
    let place = |module: &str| order.iter().position(|one| one == module);
    let mut faults = BTreeSet::new();
    let mut seen = BTreeSet::new();
    for file in sources(&root().join("src")) {
        let inside = file.strip_prefix(root().join("src")).unwrap().to_owned();
        let module = inside.iter().next().unwrap().to_string_lossy().trim_end_matches(".rs").to_owned();
        if matches!(module.as_str(), "lib" | "main") || inside.iter().any(|part| part == "tests") {
            continue;
        }
        seen.insert(module.clone());
        let here = place(&module).unwrap_or_else(|| panic!("ARCHITECTURE.md does not name src/{module}"));
        let text = fs::read_to_string(&file).unwrap();
        // Tests at a file's end may use anything.
        let code = text.split("\n#[cfg(test)]\nmod ").next().unwrap();
        for used in imports(code) {
            let Some(there) = place(&used) else { continue };
            if there > here {
                faults.insert(format!("{}: {module} uses {used}", inside.display()));
            }
        }
    }
    assert!(faults.is_empty(), "{faults:#?}");
    let named: BTreeSet<_> = order.into_iter().collect();
    assert_eq!(seen, named, "the table names every module");
}

/// The modules of the own crate that code names: `crate::NAME`, and each NAME of `crate::{NAME…, NAME…}`.
fn imports(code: &str) -> BTreeSet<String> {
    let code: String =
        code.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n");
    let mut names = BTreeSet::new();
    for rest in code.split("crate::").skip(1) {
        let Some(list) = rest.strip_prefix('{') else {
            names.insert(word(rest));
            continue;
        };
        let mut depth = 0;
        let mut at_start = true;
        for (at, c) in list.char_indices() {
            match c {
                '{' => depth += 1,
                '}' if depth == 0 => break,
                '}' => depth -= 1,
                ',' if depth == 0 => at_start = true,
                c if at_start && c.is_alphabetic() => {
                    names.insert(word(&list[at..]));
                    at_start = false;
                }
                _ => {}
            }
        }
    }
    names
}

fn word(text: &str) -> String {
    text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
}

/// The cells of the first table behind a heading, without back quotes.
fn rows(heading: &str) -> Vec<Vec<String>> {
    let text = fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    let (_, behind) = text.split_once(heading).unwrap();
    let table =
        behind.lines().skip_while(|line| !line.starts_with('|')).take_while(|line| line.starts_with('|'));
    let cells =
        |line: &str| line.trim_matches('|').split('|').map(|cell| cell.trim().replace('`', "")).collect();
    table.skip(2).map(cells).collect()
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => files.extend(sources(&path)),
            false if path.extension().is_some_and(|ending| ending == "rs") => files.push(path),
            false => {}
        }
    }
    files
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}
