//! How every command ends when it cannot do what it was asked to: `docs/exit-status.md`, and words that name the culprit.

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
};

#[test]
fn every_command_says_how_it_ended_and_names_the_culprit() {
    let folder = tempfile::tempdir().unwrap();
    files(folder.path());
    let rows: &[(&str, i32, &str)] = &[
        ("--help", 0, ""),
        ("--version", 0, ""),
        ("", 2, "Usage"),
        ("nonsense", 2, "nonsense"),
        ("serve --nonsense", 2, "--nonsense"),
        ("serve -c missing.toml", 2, "missing.toml"),
        ("serve -c syntax.toml", 2, "syntax.toml"),
        ("serve -c unknown.toml", 2, "nonsense"),
        ("serve -c scheme.toml", 2, "clickhouse.url"),
        ("serve -c registry.toml", 2, "no-registry.toml"),
        ("serve -c emptied.toml", 2, "empty.toml"),
        ("serve -c certificate.toml", 2, "empty.pem holds no certificate"),
        ("serve -c key.toml", 2, "empty.pem holds no private key"),
        ("check", 2, "Usage"),
        ("check no.file/here", 2, "no.file/here"),
        ("check 192.0.2.1", 2, "192.0.2.1"),
        ("check --file missing.txt", 2, "missing.txt"),
        ("check --resolver 127.0.0.1:9 customer.example", 3, ""),
        ("parse missing.xml", 2, "missing.xml"),
        ("parse good.toml", 1, "good.toml"),
        ("spool -c good.toml list", 0, ""),
        ("spool -c unknown.toml list", 2, "nonsense"),
        ("spool -c good.toml show 01900000-0000-7000-8000-000000000000-3", 2, "01900000"),
        ("reports -c good.toml list", 2, "clickhouse.url"),
        ("reports -c good.toml show 01900000-0000-7000-8000-000000000000", 2, "clickhouse.url"),
        ("migrate -c good.toml", 2, "http://127.0.0.1:9"),
        ("advise -c good.toml customer.example", 3, "clickhouse.url"),
        ("simulate -c good.toml --policy reject customer.example", 3, "clickhouse.url"),
        ("source -c good.toml list customer.example", 2, "clickhouse.url"),
        ("report -c good.toml --group a --month 2026-13 --lang en --by x --out o.html", 2, "2026-13"),
        ("tenants -c good.toml sql", 2, "domains.file"),
        ("zone -c good.toml", 2, "domains.file"),
        ("certificate -c good.toml list", 2, "clickhouse.url"),
        ("certificate -c good.toml verify missing.svg", 2, "missing.svg"),
        ("certificate -c good.toml verify good.toml", 1, ""),
        ("dkim new customer.example --out keys --resolver 127.0.0.1:9", 3, "no key was made"),
        ("engine --path good.toml", 2, "good.toml"),
        ("engine password --path missing", 2, "missing"),
    ];
    let wrong: Vec<_> = rows.iter().filter_map(|row| wrong(folder.path(), row)).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What is not as in this row: arguments, status, a part of what is said.
fn wrong(folder: &Path, (arguments, status, culprit): &(&str, i32, &str)) -> Option<String> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ruad"));
    command.args(arguments.split_whitespace()).current_dir(folder).stdin(Stdio::null());
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    let is_right = output.status.code() == Some(*status) && said.contains(culprit);
    (!is_right)
        .then(|| format!("ruad {arguments}: {} instead of {status} and {culprit:?}: {said}", output.status))
}

fn files(folder: &Path) {
    let write = |name: &str, text: &str| fs::write(folder.join(name), text).unwrap();
    let base =
        "[smtp]\nlisten = [\"127.0.0.1:0\"]\n[http]\nlisten = \"127.0.0.1:0\"\n[spool]\npath = \"spool\"\n";
    let store = "[clickhouse]\nurl = \"http://127.0.0.1:9\"\npassword = \"x\"\n";
    let with = |more: &str| format!("{base}{store}{more}");
    write("good.toml", &with(""));
    write("syntax.toml", "[smtp\n");
    write("unknown.toml", &with("[nonsense]\na = 1\n"));
    write("scheme.toml", &format!("{base}[clickhouse]\nurl = \"ftp://127.0.0.1:9\"\n"));
    write("registry.toml", &with("[domains]\nfile = \"no-registry.toml\"\n"));
    write("emptied.toml", &with("[domains]\nfile = \"empty.toml\"\n"));
    let tls = |certificate: &str, key: &str| {
        with(&format!("[smtp.tls]\ncertificate = \"{certificate}\"\nkey = \"{key}\"\n"))
    };
    write("certificate.toml", &tls("empty.pem", "key.pem"));
    write("key.toml", &tls("certificate.pem", "empty.pem"));
    write("empty.pem", "");
    write("empty.toml", "");
    let made = rcgen::generate_simple_self_signed(vec!["mail.example".to_owned()]).unwrap();
    write("certificate.pem", &made.cert.pem());
    write("key.pem", &made.signing_key.serialize_pem());
}
