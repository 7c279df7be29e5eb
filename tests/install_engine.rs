//! `scripts/install-engine.sh`: where it looks, in which order, and what it makes of what downloaders bring.
#![expect(clippy::unwrap_used, reason = "the helpers are tests, too")]

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::thread;

use ruad_engine::VERSION;
use tempfile::TempDir;

/// A folder for a fake `npm` and `curl`, and for the cache.
struct Machine {
    folder: TempDir,
    variables: Vec<(&'static str, String)>,
}

impl Machine {
    fn new(npm: &str, curl: &str) -> Self {
        let folder = TempDir::new().unwrap();
        let machine = Self { folder, variables: Vec::new() };
        machine.program("npm", npm);
        machine.program("curl", curl);
        machine
    }

    /// One for which no checksum is pinned, so that the right library can be any: this one.
    fn unpinned(library: &str, npm: &str, curl: &str) -> Self {
        let mut machine = Self::new(npm, curl);
        machine.program("uname", "case $1 in -s) echo Linux ;; -m) echo aarch64 ;; esac");
        let path = machine.folder.path().join("right");
        std::fs::write(&path, library).unwrap();
        let sum = Command::new("sha256sum").arg(path).output().unwrap().stdout;
        let sum = String::from_utf8(sum).unwrap().split(' ').next().unwrap().to_owned();
        machine.variables.push(("RUAD_ENGINE_SHA256", sum));
        machine
    }

    fn program(&self, name: &str, script: &str) {
        let path = self.folder.path().join(name);
        std::fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    }

    fn cache(&self) -> PathBuf {
        self.folder.path().join("cache/ruad")
    }

    /// Where it keeps the library.
    fn cached(&self) -> PathBuf {
        self.cache().join(format!("libchdb-{VERSION}.so"))
    }

    fn run(&self, arguments: &[&str], library: Option<&Path>) -> Output {
        let path = std::env::var("PATH").unwrap();
        let mut command = Command::new(concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/install-engine.sh"));
        command
            .args(arguments)
            .env("PATH", format!("{}:{path}", self.folder.path().display()))
            .env("XDG_CACHE_HOME", self.folder.path().join("cache"))
            .env_remove("RUAD_ENGINE_LIB")
            .env_remove("LD_LIBRARY_PATH")
            .envs(self.variables.iter().map(|(name, value)| (name, value)));
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

/// Checks that a library was found or installed here.
#[track_caller]
fn check_found(output: &Output, library: &Path) {
    check(output, 0, "");
    assert_eq!(String::from_utf8_lossy(&output.stdout), format!("{}\n", library.display()));
}

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
    let library = machine.cached();
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

#[test]
fn looks_in_the_named_place_the_cache_and_the_loaders_folders_in_this_order() {
    let mut machine = Machine::new("exit 99", "exit 99");
    let [named, system] = ["named", "system"].map(|name| machine.folder.path().join(name).join("libchdb.so"));
    for library in [&named, &system, &machine.cached()] {
        std::fs::create_dir_all(library.parent().unwrap()).unwrap();
        std::fs::write(library, "a library").unwrap();
    }
    let loader = system.parent().unwrap().display().to_string();
    machine.variables.push(("LD_LIBRARY_PATH", loader));
    check_found(&machine.run(&[], Some(&named)), &named);
    check_found(&machine.run(&[], None), &machine.cached());
    std::fs::remove_file(machine.cached()).unwrap();
    check_found(&machine.run(&[], None), &system);
    check_found(&machine.run(&["--print"], None), &system);
    std::fs::remove_file(system).unwrap();
    check(&machine.run(&[], None), 1, "npm could not get it");
}

#[test]
fn takes_the_npm_package_before_the_release() {
    let npm = "echo \"$*\" >\"$0.said\"; cd \"$4\" && mkdir package && printf right >package/libchdb.so && \
               tar -czf p.tgz package && rm -r package && echo p.tgz";
    let machine = Machine::unpinned("right", npm, "exit 99");
    check_found(&machine.run(&[], None), &machine.cached());
    assert_eq!(std::fs::read_to_string(machine.cached()).unwrap(), "right");
    let said = std::fs::read_to_string(machine.folder.path().join("npm.said")).unwrap();
    assert!(said.starts_with("pack "), "{said}");
    assert!(said.trim_end().ends_with(&format!("@chdb/lib-linux-arm64-gnu@{VERSION}")), "{said}");
    assert_eq!(std::fs::read_dir(machine.cache()).unwrap().count(), 1, "nothing else is left behind");
}

#[test]
fn takes_the_release_with_curl_when_npm_fails() {
    let folder = TempDir::new().unwrap();
    std::fs::write(folder.path().join("libchdb.so"), "right").unwrap();
    std::fs::write(folder.path().join("chdb.h"), "beside it").unwrap();
    let mut tar = Command::new("tar");
    tar.args(["-czf", "-", "-C"]).arg(folder.path()).args(["libchdb.so", "chdb.h"]);
    let server = serve(tar.output().unwrap().stdout);

    let machine =
        Machine::unpinned("right", "echo offline >&2; exit 1", &real_curl(server, "libchdb.tar.gz"));
    let output = machine.run(&[], None);
    check(&output, 0, "npm could not get it: offline");
    check_found(&output, &machine.cached());
    assert_eq!(std::fs::read_to_string(machine.cached()).unwrap(), "right");
    assert_eq!(std::fs::read_dir(machine.cache()).unwrap().count(), 1, "nothing else is left behind");

    let wrong = Machine::unpinned("wrong", "exit 1", &real_curl(server, "libchdb.tar.gz"));
    check(&wrong.run(&[], None), 4, "is pinned");
    let missing = Machine::unpinned("right", "exit 1", &real_curl(server, "nothing-here"));
    check(&missing.run(&[], None), 1, "404");
    for machine in [wrong, missing] {
        assert_eq!(std::fs::read_dir(machine.cache()).unwrap().count(), 0, "nothing is left behind");
    }
}

/// The real curl, with the script's options, but sent to a server of the test's own, which speaks no TLS.
fn real_curl(server: SocketAddr, path: &str) -> String {
    let path_variable = std::env::var("PATH").unwrap();
    format!(
        "for last; do :; done
         case $last in https://*/linux-aarch64-libchdb.tar.gz) ;; *) echo \"no: $last\" >&2; exit 98 ;; esac
         for word; do
             shift
             case $word in https://*) word=http://{server}/{path} ;; =https) word==http ;; esac
             set -- \"$@\" \"$word\"
         done
         PATH='{path_variable}' exec curl \"$@\""
    )
}

/// Answers requests for `/libchdb.tar.gz` with this, and all others with 404, as long as the test runs.
fn serve(archive: Vec<u8>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = BufReader::new(stream.unwrap());
            let mut request = String::new();
            stream.read_line(&mut request).unwrap();
            let mut line = String::new();
            while stream.read_line(&mut line).unwrap() > 2 {
                line.clear();
            }
            let (status, body) = match request.starts_with("GET /libchdb.tar.gz ") {
                true => ("200 OK", &archive[..]),
                false => ("404 Not Found", &b"no such file"[..]),
            };
            let head =
                format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
            let stream = stream.get_mut();
            stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body)).unwrap();
        }
    });
    address
}
