//! The queries of the dashboards as they are checked in, expanded as Grafana and the data source do.

use std::{fs, path::Path};

use anyhow::Context;
use serde_json::Value;

/// A query that a dashboard asks when it is opened.
pub(crate) struct Query {
    pub(crate) dashboard: String,
    pub(crate) panel: String,
    pub(crate) statement: String,
}

/// All queries of all dashboards to ClickHouse, at a moment in seconds since 1970. Every variable is All, but for the pages
/// that are about one domain.
pub(crate) fn read(folder: &Path, now: u64, domain: &str) -> anyhow::Result<Vec<Query>> {
    let mut files: Vec<_> =
        fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<std::io::Result<_>>()?;
    files.sort_unstable();
    let mut queries = Vec::new();
    for file in files {
        let name = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let page: Value = serde_json::from_str(&fs::read_to_string(&file)?).with_context(|| name.clone())?;
        let span = Span { from: now - seconds_back(&page)?, to: now };
        let variables = page.pointer("/templating/list").and_then(Value::as_array).context("no variables")?;
        let is_about_one =
            variables.iter().any(|one| text(one, "name") == "domain" && one["includeAll"] != true);
        let chosen = if is_about_one { format!("'{domain}'") } else { "''".to_owned() };
        let mut add = |panel: String, statement: &str| -> anyhow::Result<()> {
            let statement = expand(statement, span, &chosen).with_context(|| format!("{name}: {panel}"))?;
            queries.push(Query { dashboard: name.clone(), panel, statement });
            Ok(())
        };
        for panel in page["panels"].as_array().context("no panels")? {
            for target in panel["targets"].as_array().into_iter().flatten() {
                if let Some(statement) = target["rawSql"].as_str() {
                    add(text(panel, "title").to_owned(), statement)?;
                }
            }
        }
        for annotation in page.pointer("/annotations/list").and_then(Value::as_array).into_iter().flatten() {
            if let Some(statement) = annotation.pointer("/target/rawSql").and_then(Value::as_str) {
                add("(marks on the graphs)".to_owned(), statement)?;
            }
        }
        for variable in variables.iter().filter(|one| one["type"] == "query") {
            let query = &variable["query"];
            let statement = query.as_str().or_else(|| query["rawSql"].as_str()).context("no query")?;
            add(format!("(list of {}s)", text(variable, "name")), statement)?;
        }
    }
    Ok(queries)
}

#[derive(Clone, Copy)]
struct Span {
    from: u64,
    to: u64,
}

/// How far back a dashboard looks when it is opened: `now-30d`.
fn seconds_back(page: &Value) -> anyhow::Result<u64> {
    let from = page.pointer("/time/from").and_then(Value::as_str).context("no time range")?;
    let days = from.strip_prefix("now-").and_then(|from| from.strip_suffix('d')).context("not in days")?;
    Ok(days.parse::<u64>()? * 86_400)
}

fn expand(statement: &str, span: Span, domain: &str) -> anyhow::Result<String> {
    let mut text = statement.replace("${domain:singlequote}", domain);
    for (variable, value) in [
        ("${group:singlequote}", "''"),
        ("${reporter:singlequote}", "''"),
        ("${source:sqlstring}", "''"),
        ("${genuine}", "all"),
        ("$__interval_s", "3600"),
    ] {
        text = text.replace(variable, value);
    }
    let (from, to) = (format!("toDateTime({})", span.from), format!("toDateTime({})", span.to));
    text = macros(&text, "$__dateFilter", |column| {
        format!("{column} >= toDate({}) AND {column} <= toDate({})", span.from / 86_400, span.to / 86_400)
    })?;
    text = macros(&text, "$__timeInterval", |column| {
        format!("toStartOfInterval(toDateTime({column}), INTERVAL 3600 second)")
    })?;
    text = macros(&text, "$__timeFilter", |column| format!("{column} >= {from} AND {column} <= {to}"))?;
    text = text.replace("$__fromTime", &from).replace("$__toTime", &to);
    anyhow::ensure!(!text.contains("$__") && !text.contains("${"), "something is not expanded: {text}");
    Ok(text)
}

/// Replaces each call of a macro with one argument.
fn macros(text: &str, name: &str, with: impl Fn(&str) -> String) -> anyhow::Result<String> {
    let mut parts = text.split(name);
    let mut expanded = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let call = part.strip_prefix('(').and_then(|part| part.split_once(')'));
        let (argument, rest) = call.with_context(|| format!("{name} without an argument"))?;
        expanded.push_str(&with(argument.trim()));
        expanded.push_str(rest);
    }
    Ok(expanded)
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_default()
}
