//! The dashboards as they are checked in.

use std::fs;
use std::path::Path;

use serde_json::Value;

/// One file.
pub(crate) struct Dashboard {
    /// The file's name without its ending.
    pub(crate) name: String,
    pub(crate) panels: Vec<Panel>,
    pub(crate) annotations: Vec<Query>,
    pub(crate) variables: Vec<Query>,
    /// Whether a domain has to be chosen, because there is no "All".
    pub(crate) is_of_one_domain: bool,
}

/// One panel with its queries.
pub(crate) struct Panel {
    pub(crate) id: u64,
    pub(crate) title: String,
    /// `stat`, `timeseries`, ...
    pub(crate) kind: String,
    pub(crate) queries: Vec<Query>,
    /// How many points a query is asked for.
    pub(crate) points: u64,
    pub(crate) options: Value,
    pub(crate) defaults: Value,
    /// Properties by the name of the field they are for.
    pub(crate) overrides: Vec<(String, Value)>,
}

/// A query, to ClickHouse or to Prometheus.
pub(crate) struct Query {
    /// `A`, ...; the name of a variable.
    pub(crate) name: String,
    pub(crate) text: Text,
}

/// What is asked.
pub(crate) enum Text {
    Sql(String),
    Promql(String),
}

impl Dashboard {
    /// All that are checked in.
    pub(crate) fn all() -> Vec<Self> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../dashboards/grafana");
        let paths = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path());
        let mut paths: Vec<_> =
            paths.filter(|path| path.extension().is_some_and(|end| end == "json")).collect();
        paths.sort();
        let dashboards: Vec<_> = paths.iter().map(|path| Self::read(path)).collect();
        assert_eq!(dashboards.len(), 8, "{}", folder.display());
        dashboards
    }

    fn read(path: &Path) -> Self {
        let json: Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
        let variables = list(&json, "/templating/list").filter(|variable| variable["type"] == "query");
        let domain = variables.clone().find(|variable| variable["name"] == "domain");
        let sql = |variable: &Value| Text::Sql(variable["query"].as_str().unwrap().to_owned());
        Self {
            name: path.file_stem().unwrap().to_str().unwrap().to_owned(),
            panels: list(&json, "/panels").filter(|panel| panel["type"] != "row").map(Panel::read).collect(),
            annotations: list(&json, "/annotations/list").map(|one| Query::read(&one["target"])).collect(),
            variables: variables
                .clone()
                .map(|variable| Query { name: text(variable, "name"), text: sql(variable) })
                .collect(),
            is_of_one_domain: domain.unwrap()["includeAll"] != true,
        }
    }
}

impl Panel {
    fn read(json: &Value) -> Self {
        let overrides = list(json, "/fieldConfig/overrides");
        let by_name = overrides.filter(|one| one["matcher"]["id"] == "byName");
        Self {
            id: json["id"].as_u64().unwrap(),
            title: text(json, "title"),
            kind: text(json, "type"),
            // Without a word of the panel it is its width in pixels.
            points: json["maxDataPoints"].as_u64().unwrap_or(800),
            queries: list(json, "/targets").map(Query::read).collect(),
            options: json["options"].clone(),
            defaults: json["fieldConfig"]["defaults"].clone(),
            overrides: by_name
                .map(|one| (text(&one["matcher"], "options"), one["properties"].clone()))
                .collect(),
        }
    }

    /// The value of a property that an override sets for a field.
    pub(crate) fn property(&self, field: &str, id: &str) -> Option<&Value> {
        let (_, properties) = self.overrides.iter().find(|(name, _)| name == field)?;
        properties.as_array()?.iter().find(|property| property["id"] == id).map(|property| &property["value"])
    }
}

impl Query {
    fn read(json: &Value) -> Self {
        let asked = |key| json[key].as_str().map(str::to_owned);
        let query = asked("rawSql").map(Text::Sql).or_else(|| asked("expr").map(Text::Promql));
        Self { name: text(json, "refId"), text: query.unwrap() }
    }
}

fn list<'a>(json: &'a Value, pointer: &str) -> impl Clone + Iterator<Item = &'a Value> + use<'a> {
    json.pointer(pointer).and_then(Value::as_array).into_iter().flatten()
}

fn text(json: &Value, key: &str) -> String {
    json[key].as_str().unwrap_or_default().to_owned()
}
