//! `scripts/install-engine.sh` with a downloader that brings the wrong thing, or nothing.
#![expect(clippy::unwrap_used, reason = "the helpers are tests, too")]

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output};

use ruad::engine::VERSION;
use tempfile::TempDir;

/// A folder for a fake `npm` and `curl`, and for the cache.
struct Machine {
    folder: TempDir,
}

impl Machine {
    fn new(npm: &str, curl: &str) -> Self {
        let folder = TempDir::new().unwrap();
        for (name, script) in [("npm", npm), ("curl", curl)] {
            let path = folder.path().join(name);
            std::fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        }
        Self { folder }
    }

    fn cache(&self) -> std::path::PathBuf {
        self.folder.path().join("cache/ruad")
    }

    fn run(&self, arguments: &[&str], library: Option<&Path>) -> Output {
        let path = std::env::var("PATH").unwrap();
        let mut command = Command::new(concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/install-engine.sh"));
        command
            .args(arguments)
            .env("PATH", format!("{}:{path}", self.folder.path().display()))
            .env("XDG_CACHE_HOME", self.folder.path().join("cache"))
            .env_remove("RUAD_ENGINE_LIB")
            .env_remove("LD_LIBRARY_PATH");
        if let Some(library) = library {
            command.env("RUAD_ENGINE_LIB", library);
        }
        command.output().unwrap()
    }
}

#[track_caller]
fn check(output: &Output, code: i32, words: &str) {
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{said}");
    assert!(said.contains(words), "{said}");
}

/// Packs a library of ten bytes as the package does.
const WRONG_PACKAGE: &str = "cd \"$4\" && mkdir package && echo not-it-at >package/libchdb.so && \
                             tar -czf p.tgz package && rm -r package && echo p.tgz";

#[test]
fn refuses_a_wrong_checksum() {
    let machine = Machine::new(WRONG_PACKAGE, "exit 22");
    check(&machine.run(&[], None), 4, "is pinned");
    assert_eq!(std::fs::read_dir(machine.cache()).unwrap().count(), 0, "nothing is left behind");
}

#[test]
fn says_what_to_do_without_a_network() {
    let machine = Machine::new("echo offline >&2; exit 1", "echo also offline >&2; exit 6");
    let output = machine.run(&[], None);
    check(&output, 1, "npm could not get it: offline");
    check(&output, 1, "curl could not get it: also offline");
    check(&output, 1, "RUAD_ENGINE_LIB");
    assert_eq!(output.stdout, b"");
    assert_eq!(std::fs::read_dir(machine.cache()).unwrap().count(), 0, "nothing is left behind");
}

#[test]
fn takes_what_is_there() {
    let machine = Machine::new("exit 99", "exit 99");
    check(&machine.run(&["--print"], None), 1, "make engine");
    check(&machine.run(&["--force"], None), 2, "--force");
    std::fs::create_dir_all(machine.cache()).unwrap();
    let library = machine.cache().join(format!("libchdb-{VERSION}.so"));
    std::fs::write(&library, "cached").unwrap();
    for arguments in [&[][..], &["--print"]] {
        let output = machine.run(arguments, None);
        check(&output, 0, "");
        assert_eq!(String::from_utf8(output.stdout).unwrap(), format!("{}\n", library.display()));
    }
    let named = machine.folder.path().join("mine.so");
    check(&machine.run(&[], Some(&named)), 1, "no such file");
    std::fs::write(&named, "mine").unwrap();
    let output = machine.run(&[], Some(&named));
    assert_eq!(String::from_utf8(output.stdout).unwrap(), format!("{}\n", named.display()));
}
