//! Values for placeholders never become SQL.

use crate::engine::Engine;

/// Values that would break out of a careless quotation.
const HOSTILE: [&str; 14] = [
    "",
    "'",
    "''",
    "\\",
    "\\'",
    "x'; DROP TABLE t; --",
    "\") OR 1=1",
    "{x:String}",
    "a\nb\tc\rd",
    "\0",
    "/* ' */",
    "é☃𝄞",
    "\\N",
    "`",
];

/// A text as ClickHouse wants it in `param_…`: escaped as in a TSV cell.
fn escaped(text: &str) -> String {
    let escape = |character: char| match character {
        '\\' => "\\\\".to_owned(),
        '\n' => "\\n".to_owned(),
        '\t' => "\\t".to_owned(),
        '\r' => "\\r".to_owned(),
        '\0' => "\\0".to_owned(),
        other => other.to_string(),
    };
    text.chars().map(escape).collect()
}

#[test]
fn hostile_values_stay_values() {
    let engine = Engine::shared();
    for value in HOSTILE {
        let request = engine.request().with("default_format", "RawBLOB").body("SELECT {x:String}");
        let reply = request.with("param_x", &escaped(value)).send();
        assert_eq!(reply.assert_ok(), value, "{value:?} as a query parameter");
        let boundary = "b0undary";
        let body = format!(
            "--{boundary}\r\nContent-Disposition: form-data; name=\"query\"\r\n\r\nSELECT {{x:String}}\r\n\
             --{boundary}\r\nContent-Disposition: form-data; name=\"param_x\"\r\n\r\n{}\r\n--{boundary}--\r\n",
            escaped(value)
        );
        let reply = engine
            .request()
            .with("default_format", "RawBLOB")
            .header("Content-Type", &format!("multipart/form-data; boundary={boundary}"))
            .body(body)
            .send();
        assert_eq!(reply.assert_ok(), value, "{value:?} as a form field");
    }
}

#[test]
fn hostile_settings_stay_settings() {
    let engine = Engine::shared();
    for value in HOSTILE.iter().filter(|value| !value.is_empty()) {
        let select = "SELECT getSetting('format_csv_null_representation')";
        let request = engine.request().with("default_format", "RawBLOB").body(select);
        let reply = request.with("format_csv_null_representation", value).send();
        assert_eq!(reply.assert_ok(), *value, "{value:?}");
    }
    for name in ["max_threads = 1, readonly", "a b", "'", "", "readonly--"] {
        let reply = engine.request().with(name, "1").body("SELECT 1").send();
        reply.assert_exception(404, 115, "UNKNOWN_SETTING");
    }
    let comment =
        engine.request().with("log_comment", "mine").body("SELECT getSetting('log_comment')").send();
    assert!(comment.assert_ok().ends_with(":mine\n"), "{}", comment.text());
}

#[test]
fn placeholders_have_types() {
    let engine = Engine::shared();
    engine.database("placeholders");
    engine.run("CREATE TABLE placeholders.t (a Int32, b Nullable(String)) ENGINE = Memory");
    let insert = engine
        .request()
        .with("param_t", "t")
        .with("param_a", "-7")
        .with("param_b", "\\N")
        .body("INSERT INTO placeholders.{t:Identifier} SELECT {a:Int32}, {b:Nullable(String)}")
        .send();
    insert.assert_ok();
    let insert = engine
        .request()
        .with("param_t", "t")
        .with("query", "INSERT INTO placeholders.{t:Identifier} FORMAT TSV")
        .body("8\teight\n")
        .send();
    insert.assert_ok();
    let select = "SELECT * FROM {d:Identifier}.{t:Identifier} WHERE a IN {list:Array(Int32)} ORDER BY a";
    let reply = engine
        .request()
        .with("param_d", "placeholders")
        .with("param_t", "t")
        .with("param_list", "[-7, 8]")
        .body(select)
        .send();
    assert_eq!(reply.assert_ok(), "-7\t\\N\n8\teight\n");
    let wrong = engine.request().with("param_n", "seven").body("SELECT {n:Int32}").send();
    wrong.assert_exception(500, 457, "BAD_QUERY_PARAMETER");
}

#[test]
fn broken_forms_are_refused() {
    let engine = Engine::shared();
    let form = |body: &str| {
        engine.request().header("Content-Type", "multipart/form-data; boundary=b").body(body).send()
    };
    form("--b\r\nContent-Disposition: form-data; name=\"query\"\r\n\r\nSELECT 1").assert_exception(
        500,
        408,
        "malformed",
    );
    form("").assert_exception(500, 408, "malformed");
    let file = "--b\r\nContent-Disposition: form-data; name=\"t\"; filename=\"t\"\r\n\r\n1\r\n--b--\r\n";
    form(file).assert_exception(501, 48, "External tables");
}
