//! Real reports of many reporters, where the corpus is there: it holds other people's mail and is not part of the
//! project. `RUAD_CORPUS` names its folder; by default it is looked for beside the checkout.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on should fail")]

use std::{
    collections::BTreeSet,
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

#[test]
fn every_payload_of_the_corpus_comes_out_as_expected() {
    let Some(corpus) = corpus() else {
        println!("no corpus here: nothing was compared");
        return;
    };
    let checker = corpus.join("../tools/check_corpus.py");
    let output = Command::new("python3")
        .arg(checker)
        .args([env!("CARGO_BIN_EXE_ruad")])
        .arg(&corpus)
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    println!("{}", text.lines().last().unwrap_or_default());
}

#[test]
fn no_file_of_the_corpus_goes_unchecked() {
    let Some(corpus) = corpus() else { return };
    let table = fs::read(corpus.join("expected.tsv")).unwrap();
    let table = String::from_utf8_lossy(&table);
    let expected: BTreeSet<_> = table.lines().skip(1).filter_map(|line| line.split('\t').next()).collect();
    let files: Vec<_> =
        ["aggregate", "failure", "mail", "tls"].iter().flat_map(|folder| names(&corpus, folder)).collect();
    assert!(files.len() > 100, "{} holds only {} files", corpus.display(), files.len());
    let unchecked: Vec<_> = files.iter().filter(|name| !expected.contains(name.as_str())).collect();
    assert!(unchecked.is_empty(), "not in expected.tsv: {unchecked:?}");
}

fn names(corpus: &Path, folder: &str) -> Vec<String> {
    let entries = fs::read_dir(corpus.join(folder)).unwrap().map(Result::unwrap);
    entries
        .flat_map(|entry| {
            let name = format!("{folder}/{}", entry.file_name().to_string_lossy());
            if entry.path().is_dir() { names(corpus, &name) } else { vec![name] }
        })
        .collect()
}

fn corpus() -> Option<PathBuf> {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus");
    let folder = env::var_os("RUAD_CORPUS").map_or_else(beside, PathBuf::from);
    folder.join("expected.tsv").is_file().then_some(folder)
}
