//! What somebody who looks at a dashboard may have chosen.

use ruad_demo::grafana::{Choice, Range};
use serde_json::Value;

use crate::dashboard::Dashboard;
use crate::database::Database;

/// Everything there is to choose from.
pub(crate) struct Views {
    pub(crate) range: Range,
    groups: Vec<String>,
    domains: Vec<String>,
}

/// One choice.
#[derive(Clone, Debug)]
pub(crate) struct View {
    pub(crate) name: String,
    pub(crate) choices: Vec<(&'static str, Choice)>,
}

impl Views {
    pub(crate) async fn of(database: &Database, range: Range) -> Self {
        let names = async |column: &str| -> Vec<String> {
            let sql = format!(
                "SELECT DISTINCT toString({column}) FROM daily_domains ORDER BY sum(messages) OVER (PARTITION BY {column}) DESC"
            );
            let table = database.ask(&sql).await.unwrap();
            table
                .rows
                .iter()
                .filter_map(|row| row.first().and_then(Value::as_str))
                .map(str::to_owned)
                .collect()
        };
        let (groups, domains) = (names("group_name").await, names("policy_domain").await);
        assert!(groups.len() > 2 && domains.len() > 10);
        Self { range, groups, domains }
    }

    /// Everything, once with every report and once with those of believed reporters alone.
    pub(crate) fn all(&self, dashboard: &Dashboard) -> Vec<View> {
        let domain = match dashboard.is_of_one_domain {
            true => Choice::Some(self.domains.clone()),
            false => ALL,
        };
        let view = |trust: &str| View::new(&format!("all, reports: {trust}"), ALL, domain.clone(), trust);
        vec![view("all"), view("believed")]
    }

    /// One group; the largest first.
    pub(crate) fn groups(&self, dashboard: &Dashboard) -> Vec<View> {
        let domain = || match dashboard.is_of_one_domain {
            true => Choice::Some(self.domains.clone()),
            false => ALL,
        };
        self.groups.iter().map(|group| View::new(group, one(group), domain(), "believed")).collect()
    }

    /// One domain.
    pub(crate) fn domains(&self) -> Vec<View> {
        self.domains.iter().map(|domain| View::new(domain, ALL, one(domain), "believed")).collect()
    }

    /// A name that is not there, and values with which strangers would leave the literal of a variable: each alone, with another one, and as a
    /// variable that has one value only. Anyone can put them into a link to a dashboard.
    pub(crate) fn hostile() -> (View, Vec<View>) {
        let harmless = View::everywhere("no-such-name.example", false);
        let views =
            HOSTILE.iter().flat_map(|value| [false, true].map(|several| View::everywhere(value, several)));
        (harmless, views.collect())
    }

    /// What is shown in a picture.
    pub(crate) fn pictured(&self, dashboard: &Dashboard) -> View {
        match dashboard.name.as_str() {
            "domain" => View::new("", ALL, one(PICTURED_DOMAIN), "believed"),
            "customer" => View::new("", one(PICTURED_GROUP), ALL, "believed"),
            _ => View::new("", ALL, ALL, "believed"),
        }
    }
}

impl View {
    fn new(name: &str, group: Choice, domain: Choice, trust: &str) -> Self {
        let choices = vec![
            ("group", group),
            ("domain", domain),
            ("reporter", ALL),
            ("trust", Choice::One(trust.to_owned())),
            ("source", Choice::One(String::new())),
        ];
        Self { name: name.to_owned(), choices }
    }

    /// The value in every variable.
    fn everywhere(value: &str, several: bool) -> Self {
        let values = if several { vec![value.to_owned(), value.to_owned()] } else { vec![value.to_owned()] };
        let names = ["group", "domain", "reporter"].map(|name| (name, Choice::Some(values.clone())));
        let single = ["trust", "source"].map(|name| (name, Choice::One(value.to_owned())));
        Self { name: format!("{value:?}"), choices: names.into_iter().chain(single).collect() }
    }

    /// What is chosen for a variable, as people read it.
    pub(crate) fn chosen(&self, variable: &str) -> String {
        match self.choices.iter().find(|(name, _)| *name == variable) {
            Some((_, Choice::Some(values))) => values.join(", "),
            Some((_, Choice::One(value))) if value == "all" => "All but forged".to_owned(),
            Some((_, Choice::One(value))) if value == "believed" => "Believed reporters".to_owned(),
            Some((_, Choice::One(value))) => value.clone(),
            _ => "All".to_owned(),
        }
    }
}

fn one(value: &str) -> Choice {
    Choice::Some(vec![value.to_owned()])
}

/// As `allValue` of the variables has it.
const ALL: Choice = Choice::All("*");
const PICTURED_DOMAIN: &str = "oakfield-exams.test";
const PICTURED_GROUP: &str = "lumen-retail";

/// Each would give rows or an error where it is not kept within its literal.
const HOSTILE: [&str; 14] = [
    "x\\') OR 1 = 1 --",
    "x') OR 1 = 1 --",
    "x\\",
    "x''",
    "x\\'') OR throwIf(1) --",
    "x\" OR \"1\" = \"1",
    "*",
    "{*}') UNION ALL SELECT 1 --",
    "$__timeFilter(day)",
    "x\u{0}\n\u{202e}${domain}`",
    // Were it decoded twice, it would be All.
    "%2A",
    "%27) OR 1 = 1 --",
    "x,*}",
    "\u{1f600}%",
];
