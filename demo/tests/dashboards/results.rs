//! What the queries gave, for the renderer; dashboards/README.md describes the file.

use std::fs;
use std::path::Path;

use ruad_demo::day::Moment;
use ruad_demo::grafana::Range;
use serde_json::{Map, Value, json};

use crate::dashboard::Dashboard;
use crate::database::Table;
use crate::prometheus::Seen;
use crate::views::Views;

pub(crate) struct Results {
    range: Value,
    dashboards: Map<String, Value>,
    current: String,
}

impl Results {
    /// Of this time, unless a dashboard has its own.
    pub(crate) fn new(range: Range) -> Self {
        Self { range: span(range), dashboards: Map::new(), current: String::new() }
    }

    /// What follows is about this dashboard.
    pub(crate) fn begin(&mut self, dashboard: &Dashboard, range: Range, views: &Views) {
        self.current.clone_from(&dashboard.name);
        let view = views.pictured(dashboard);
        let variables = ["group", "domain", "reporter", "trust"].map(|name| (name, view.chosen(name)));
        let variables: Map<_, _> =
            variables.map(|(name, value)| (name.to_owned(), value.into())).into_iter().collect();
        self.dashboards.insert(
            dashboard.name.clone(),
            json!({ "range": span(range), "variables": variables, "panels": {}, "annotations": {} }),
        );
    }

    pub(crate) fn add(&mut self, panel: &str, query: &str, table: &Table) {
        let current = self.current.clone();
        self.put(&current, "panels", panel)[query] = rows(table);
    }

    pub(crate) fn add_annotation(&mut self, query: &str, table: &Table) {
        let current = self.current.clone();
        *self.put(&current, "annotations", query) = rows(table);
    }

    pub(crate) fn add_series(&mut self, seen: Seen) {
        self.put(&seen.dashboard, "panels", &seen.panel)[&seen.query] = json!({ "series": seen.series });
    }

    /// Writes the file, if one is wanted.
    pub(crate) fn write(self) {
        let Some(path) = std::env::var_os("RUAD_DASHBOARD_RESULTS") else { return };
        let json = json!({ "range": self.range, "dashboards": self.dashboards });
        fs::write(Path::new(&path), serde_json::to_vec(&json).unwrap()).unwrap();
    }

    fn put(&mut self, dashboard: &str, part: &str, key: &str) -> &mut Value {
        &mut self.dashboards.get_mut(dashboard).unwrap()[part][key]
    }
}

fn rows(table: &Table) -> Value {
    let columns: Vec<_> =
        table.columns.iter().map(|column| json!({ "name": column.name, "type": column.r#type })).collect();
    json!({ "columns": columns, "rows": table.rows })
}

fn span(range: Range) -> Value {
    json!({ "from": Moment(range.from).internet(), "to": Moment(range.to).internet() })
}
