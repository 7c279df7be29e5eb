//! What `ruad tenants sql --apply` sends: to something that answers as a server does, and to the embedded engine, whose users are not made
//! by statements.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on should fail")]

#[path = "support/engine.rs"]
#[allow(dead_code, reason = "shared by several tests, each of which needs a part of it")]
mod engine;

use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    process::{Command, Output},
    sync::mpsc,
};

use engine::launch;

#[test]
fn what_is_there_keeps_its_password() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (sender, statements) = mpsc::channel();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Some(statement) = answer(stream.unwrap()) else { continue };
            sender.send(statement).unwrap();
        }
    });
    let output =
        apply(&format!("http://{address}"), "globex correct horse battery\nacme battery staple horse\n", "");
    let (out, told) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{told}");
    assert!(out.ends_with(" statements for 3 groups were run.\n"), "{out}");
    let sent: Vec<_> = statements.try_iter().collect();
    assert!(sent[0].starts_with("SELECT name FROM system.users"), "{}", sent[0]);
    let users: Vec<_> = sent.iter().filter(|one| one.contains("`tenant_") && one.contains(" IDENTIFIED ")).collect();
    assert_eq!(users.len(), 2, "{users:?}");
    assert!(users[0].starts_with("CREATE USER IF NOT EXISTS `tenant_globex` "), "{users:?}");
    assert!(users[1].starts_with("CREATE USER IF NOT EXISTS `tenant_initech` "), "{users:?}");
    assert!(sent.iter().any(|one| one.starts_with("ALTER USER `tenant_acme` DEFAULT DATABASE")));
    for group in ["acme", "globex", "initech"] {
        let grant = format!("GRANT ruad_tenants TO `tenant_{group}`");
        assert_eq!(sent.iter().filter(|one| **one == grant).count(), 1);
    }
    // The one that nobody named a password for, and that was not there.
    assert_eq!(told.matches("Password of ").count(), 1, "{told}");
    assert!(told.starts_with("Password of tenant_initech, shown only now: "), "{told}");
    assert!(!sent.iter().any(|one| one.contains("battery")));
}

#[test]
fn the_embedded_engine_refuses() {
    let folder = tempfile::tempdir().unwrap();
    let (mut engine, address) = launch(folder.path(), "127.0.0.1:0", &[]);
    let password = engine::password(folder.path(), "ruad");
    let output = apply(&format!("http://{address}"), "", password.reveal());
    let told = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{told}");
    // Before anything was made.
    assert!(
        told.contains("cannot ask which users there are; clickhouse.user needs access management"),
        "{told}"
    );
    assert!(!told.contains("Password of"), "{told}");
    drop(engine.stdin.take());
    assert!(engine.wait().unwrap().success());
}

fn apply(url: &str, passwords: &str, password: &str) -> Output {
    let folder = tempfile::tempdir().unwrap();
    let (domains, file) = (folder.path().join("domains.toml"), folder.path().join("passwords"));
    let group = |name: &str| format!("[[group]]\nname = \"{name}\"\ndomains = [\"{name}.example\"]\n");
    fs::write(&domains, ["acme", "globex", "initech"].map(group).concat()).unwrap();
    fs::write(&file, passwords).unwrap();
    Command::new(env!("CARGO_BIN_EXE_ruad"))
        .args(["tenants", "sql", "--apply", "--password-file"])
        .arg(&file)
        .env_clear()
        .env("RUAD__CLICKHOUSE__URL", url)
        .env("RUAD__CLICKHOUSE__USER", "ruad")
        .env("RUAD__CLICKHOUSE__PASSWORD", password)
        .env("RUAD__DOMAINS__FILE", &domains)
        .output()
        .unwrap()
}

/// Reads a statement and answers it; for the users, that one of them is there.
fn answer(stream: TcpStream) -> Option<String> {
    let mut reader = BufReader::new(stream);
    let mut length = 0;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        if line == "\r\n" {
            break;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let statement = String::from_utf8(body).unwrap();
    // RowBinaryWithNamesAndTypes: one column, its name, its type, and a row.
    let rows: &[u8] =
        if statement.contains("system.users") { b"\x01\x04name\x06String\x0btenant_acme" } else { b"" };
    let mut stream = reader.into_inner();
    write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", rows.len()).unwrap();
    stream.write_all(rows).unwrap();
    // The client adds what format it wants.
    Some(statement.split(" FORMAT RowBinary").next().unwrap().to_owned())
}
