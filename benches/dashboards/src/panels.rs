//! The queries of the dashboards as they are checked in, expanded as Grafana and the data source do.

use std::{fs, path::Path};

use anyhow::Context;
use ruad_demo::grafana::{Choice, Range, expand};
use serde_json::Value;

/// A query that a dashboard asks when it is opened.
pub(crate) struct Query {
    pub(crate) dashboard: String,
    pub(crate) panel: String,
    pub(crate) statement: String,
}

/// All queries of all dashboards to ClickHouse, at a moment in seconds since 1970. Every variable is All, but for the pages
/// that are about one domain.
pub(crate) fn read(folder: &Path, now: i64, domain: &str) -> anyhow::Result<Vec<Query>> {
    let mut files: Vec<_> =
        fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<std::io::Result<_>>()?;
    files.sort_unstable();
    let mut queries = Vec::new();
    for file in files {
        let name = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let page: Value = serde_json::from_str(&fs::read_to_string(&file)?).with_context(|| name.clone())?;
        let range = Range { from: now - seconds_back(&page)?, to: now };
        let variables = page.pointer("/templating/list").and_then(Value::as_array).context("no variables")?;
        let is_about_one =
            variables.iter().any(|one| text(one, "name") == "domain" && one["includeAll"] != true);
        let domain = if is_about_one { Choice::Some(vec![domain.to_owned()]) } else { ALL };
        let choices = [
            ("group", ALL),
            ("domain", domain),
            ("reporter", ALL),
            ("trust", Choice::One("all".to_owned())),
            ("source", Choice::One(String::new())),
        ];
        let mut add = |panel: String, statement: &str, points: u64| -> anyhow::Result<()> {
            let statement = expand(statement, &choices, range, points);
            let statement = statement.with_context(|| format!("{name}: {panel}"))?;
            queries.push(Query { dashboard: name.clone(), panel, statement });
            Ok(())
        };
        for panel in page["panels"].as_array().context("no panels")? {
            let points = panel["maxDataPoints"].as_u64().unwrap_or(POINTS);
            for target in panel["targets"].as_array().into_iter().flatten() {
                if let Some(statement) = target["rawSql"].as_str() {
                    add(text(panel, "title").to_owned(), statement, points)?;
                }
            }
        }
        for annotation in page.pointer("/annotations/list").and_then(Value::as_array).into_iter().flatten() {
            if let Some(statement) = annotation.pointer("/target/rawSql").and_then(Value::as_str) {
                add("(marks on the graphs)".to_owned(), statement, POINTS)?;
            }
        }
        for variable in variables.iter().filter(|one| one["type"] == "query") {
            let query = &variable["query"];
            let statement = query.as_str().or_else(|| query["rawSql"].as_str()).context("no query")?;
            add(format!("(list of {}s)", text(variable, "name")), statement, POINTS)?;
        }
    }
    Ok(queries)
}

/// How far back a dashboard looks when it is opened: `now-30d`.
fn seconds_back(page: &Value) -> anyhow::Result<i64> {
    let from = page.pointer("/time/from").and_then(Value::as_str).context("no time range")?;
    let days = from.strip_prefix("now-").and_then(|from| from.strip_suffix('d')).context("not in days")?;
    Ok(days.parse::<i64>()? * 86_400)
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_default()
}

/// As `allValue` of the variables has it.
const ALL: Choice = Choice::All("*");
/// For what does not say how many points it wants: about the width of a panel in pixels.
const POINTS: u64 = 800;
