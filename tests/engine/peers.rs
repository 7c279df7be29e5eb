//! Clients of other languages.

use std::process::Command;

use crate::engine::Engine;

#[test]
fn clickhouse_connect_works() {
    let engine = Engine::shared();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/clients/run.sh");
    let output = Command::new(script)
        .arg(engine.address().ip().to_string())
        .arg(engine.address().port().to_string())
        .arg(env!("CARGO_TARGET_TMPDIR"))
        .env("CLICKHOUSE_USER", "ruad")
        .env("CLICKHOUSE_PASSWORD", engine.password("ruad"))
        .output()
        .unwrap();
    let words = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}{words}", String::from_utf8_lossy(&output.stdout));
}
