//! What makes a panel empty or wrong.

use std::collections::BTreeSet;

use ruad_demo::grafana::{Range, expand};
use serde_json::Value;

use crate::dashboard::{Dashboard, Panel, Query, Text};
use crate::database::{Column, Database, Kind, Table, is_empty};
use crate::results::Results;
use crate::views::{View, Views};

/// Everything that is wrong, each once.
#[derive(Default)]
pub(crate) struct Complaints(BTreeSet<String>);

impl Complaints {
    pub(crate) fn add(&mut self, complaint: String) {
        if self.0.insert(complaint.clone()) {
            println!("✗ {complaint}");
        }
    }

    pub(crate) fn assert_none(&self) {
        let list: Vec<_> = self.0.iter().map(|complaint| format!("- {complaint}")).collect();
        assert!(list.is_empty(), "{} complaints:\n{}", list.len(), list.join("\n"));
    }
}

/// Runs the queries of a panel for every choice that somebody may have made.
pub(crate) async fn panel(
    dashboard: &Dashboard,
    panel: &Panel,
    database: &Database,
    views: &Views,
    complaints: &mut Complaints,
) {
    for query in &panel.queries {
        let Text::Sql(sql) = &query.text else { continue };
        let about = format!("{} / {} ({})", dashboard.name, panel.title, query.name);
        for view in views.all(dashboard) {
            match ask(sql, &view, views.range, panel.points, database).await {
                Ok(table) => {
                    wrong(panel, &table)
                        .into_iter()
                        .for_each(|what| complaints.add(format!("{about}: {what}")));
                    if let Some(what) = empty(panel, &table) {
                        complaints.add(format!("{about}, {}: {what}", view.name));
                    }
                }
                Err(error) => complaints.add(format!("{about}, {}: {error}", view.name)),
            }
        }
        for (kind, narrowed) in [("group", views.groups(dashboard)), ("domain", views.domains())] {
            let mut is_filled = false;
            for view in narrowed {
                match ask(sql, &view, views.range, panel.points, database).await {
                    Ok(table) if fills(panel, &table) => {
                        is_filled = true;
                        break;
                    }
                    Ok(_) => {}
                    Err(error) => complaints.add(format!("{about}, {}: {error}", view.name)),
                }
            }
            if !is_filled {
                complaints.add(format!("{about}: there is no {kind} for which it is not empty"));
            }
        }
    }
}

/// Runs every query of a dashboard with values that try to leave their literal: each must give what a harmless name gives
/// that is not there.
pub(crate) async fn hostile(
    dashboard: &Dashboard,
    database: &Database,
    range: Range,
    complaints: &mut Complaints,
) {
    let (harmless, views) = Views::hostile();
    let of_panels = dashboard.panels.iter().flat_map(|panel| &panel.queries);
    for query in of_panels.chain(&dashboard.annotations).chain(&dashboard.variables) {
        let Text::Sql(sql) = &query.text else { continue };
        let expected = ask(sql, &harmless, range, 30, database).await.map(|table| table.rows);
        for view in &views {
            let found = ask(sql, view, range, 30, database).await.map(|table| table.rows);
            if found != expected || found.is_err() {
                complaints
                    .add(format!("{} / {}, {}: gives {found:?}", dashboard.name, query.name, view.name));
            }
        }
    }
}

/// Runs the query of an annotation or a variable.
pub(crate) async fn other(
    dashboard: &Dashboard,
    query: &Query,
    database: &Database,
    views: &Views,
    complaints: &mut Complaints,
) {
    let Text::Sql(sql) = &query.text else { return };
    let about = format!("{} / {}", dashboard.name, query.name);
    let is_annotation = sql.contains("AS tags");
    for view in views.all(dashboard) {
        match ask(sql, &view, views.range, 1, database).await {
            Ok(table) if table.rows.is_empty() => complaints.add(format!("{about}, {}: no rows", view.name)),
            Ok(table) => {
                let kinds: Vec<_> = table.columns.iter().map(|column| column.kind).collect();
                let wanted: &[Kind] =
                    if is_annotation { &[Kind::Time, Kind::Text, Kind::Text] } else { &[Kind::Text] };
                if kinds != wanted {
                    complaints.add(format!("{about}: columns are {kinds:?}"));
                }
            }
            Err(error) => complaints.add(format!("{about}, {}: {error}", view.name)),
        }
    }
}

/// What is in the picture of a dashboard.
pub(crate) async fn picture(
    dashboard: &Dashboard,
    database: &Database,
    views: &Views,
    range: Range,
    results: &mut Results,
) {
    let view = views.pictured(dashboard);
    for panel in &dashboard.panels {
        for query in &panel.queries {
            let Text::Sql(sql) = &query.text else { continue };
            if let Ok(table) = ask(sql, &view, range, panel.points, database).await {
                results.add(&panel.id.to_string(), &query.name, &table);
            }
        }
    }
    for query in &dashboard.annotations {
        let Text::Sql(sql) = &query.text else { continue };
        if let Ok(table) = ask(sql, &view, range, 1, database).await {
            results.add_annotation(&query.name, &table);
        }
    }
}

async fn ask(
    sql: &str,
    view: &View,
    range: Range,
    points: u64,
    database: &Database,
) -> Result<Table, String> {
    let statement = expand(sql, &view.choices, range, points).map_err(|error| error.to_string())?;
    database.ask(&statement).await
}

/// Columns that are missing or of a type that the panel cannot draw.
fn wrong(panel: &Panel, table: &Table) -> Vec<String> {
    let mut complaints = Vec::new();
    let mut want = |column: &str, kind: Kind| match table.column(column) {
        None => complaints.push(format!("there is no column {column:?}")),
        Some(found) if found.kind != kind => {
            complaints.push(format!("{column:?} is a {:?} ({}), not a {kind:?}", found.kind, found.r#type));
        }
        Some(_) => {}
    };
    match panel.kind.as_str() {
        "timeseries" => want("time", Kind::Time),
        "geomap" => {
            want(path(&panel.options, "/layers/0/location/lookup"), Kind::Text);
            want(path(&panel.options, "/layers/0/config/style/size/field"), Kind::Number);
        }
        _ => {}
    }
    // Overrides of series that are named by a label are for its values.
    let is_by_label = panel.defaults.get("displayName").is_some();
    for (column, _) in panel.overrides.iter().filter(|_| !is_by_label) {
        let value = |id: &str| panel.property(column, id);
        let is_number = ["decimals", "min", "max", "thresholds"].iter().any(|id| value(id).is_some());
        let unit = value("unit").and_then(Value::as_str);
        let is_list = value("custom.cellOptions").is_some_and(|cell| cell["type"] == "sparkline");
        match unit {
            _ if is_list => want(column, Kind::List),
            Some(unit) if unit.starts_with("time:") => want(column, Kind::Time),
            _ if is_number || unit.is_some() => want(column, Kind::Number),
            _ if table.column(column).is_none() => want(column, Kind::Text),
            _ => {}
        }
    }
    let count = |kind: Kind| table.columns.iter().filter(|column| column.kind == kind).count();
    let is_labelled = count(Kind::Text) > 0;
    match panel.kind.as_str() {
        "timeseries" if count(Kind::Time) != 1 || count(Kind::Number) == 0 => {
            complaints.push(format!("no time series: {}", types(table)));
        }
        "timeseries" if is_labelled != is_by_label => {
            complaints
                .push(format!("series are named by a label or by the column, not both: {}", types(table)));
        }
        "bargauge" if table.columns.len() != 2 || count(Kind::Text) != 1 || count(Kind::Number) != 1 => {
            complaints.push(format!("bars want a name and a number: {}", types(table)));
        }
        "stat" if shown(panel, table).is_none() => {
            complaints.push(format!("there is nothing to show: {}", types(table)));
        }
        _ => {}
    }
    complaints
}

/// Whether there is something to see, if not in every column.
fn fills(panel: &Panel, table: &Table) -> bool {
    if panel.kind == "stat" { empty(panel, table).is_none() } else { !table.rows.is_empty() }
}

/// Why a panel would show its text for no data, or columns without anything in them.
fn empty(panel: &Panel, table: &Table) -> Option<String> {
    if table.rows.is_empty() {
        return Some("no rows".to_owned());
    }
    if panel.kind == "stat" {
        let column = shown(panel, table)?;
        let has_value = table.values(&column.name)?.any(|value| !value.is_null());
        return (!has_value).then(|| format!("{:?} has no value", column.name));
    }
    let vacant: Vec<_> = table
        .columns
        .iter()
        .filter(|column| table.values(&column.name).is_some_and(|mut values| values.all(is_empty)))
        .map(|column| column.name.as_str())
        .collect();
    (!vacant.is_empty()).then(|| format!("nothing in {}", vacant.join(", ")))
}

/// The column whose value a stat panel shows: the one it names, else the last number.
fn shown<'a>(panel: &Panel, table: &'a Table) -> Option<&'a Column> {
    let field = path(&panel.options, "/reduceOptions/fields").trim_matches(['/', '^', '$']);
    match field {
        "" => table.columns.iter().rev().find(|column| column.kind == Kind::Number),
        field => table.column(field),
    }
}

fn path<'a>(json: &'a Value, pointer: &str) -> &'a str {
    json.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

fn types(table: &Table) -> String {
    let columns = table.columns.iter().map(|column| format!("{} {}", column.name, column.r#type));
    columns.collect::<Vec<_>>().join(", ")
}
