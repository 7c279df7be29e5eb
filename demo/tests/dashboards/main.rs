//! The dashboards over the demo: every query of every panel is run against what the demo leaves behind, and fails when it
//! says nothing. Needs `ruad` built beside the demo's binary, as `cargo test --workspace` does, and the embedded engine.
//!
//! With `RUAD_DASHBOARD_RESULTS` naming a file, what the queries gave is written there for the renderer.
#![allow(clippy::panic, clippy::unwrap_used, reason = "a test's way to fail")]

mod dashboard;
mod database;
mod demo;
mod judge;
#[path = "../../../tests/support/ports.rs"]
mod ports;
mod prometheus;
mod results;
mod views;

use ruad_demo::grafana::Range;

use crate::dashboard::Dashboard;
use crate::database::Database;
use crate::demo::Demo;
use crate::judge::Complaints;
use crate::prometheus::Prometheus;
use crate::results::Results;
use crate::views::Views;

#[tokio::test]
async fn every_panel_has_something_to_say() {
    let dashboards = Dashboard::all();
    let mut demo = Demo::start();
    let prometheus = Prometheus::start(demo.ready().await.http);
    demo.delivered().await;
    let delivering = prometheus.as_ref().map(Prometheus::until_now);
    demo.shown().await;

    let mut complaints = Complaints::default();
    let database = Database::at(demo.place().clickhouse, &demo.password());
    let month = Range::until_now(30 * 86_400);
    let views = Views::of(&database, month).await;
    for dashboard in &dashboards {
        for panel in &dashboard.panels {
            judge::panel(dashboard, panel, &database, &views, &mut complaints).await;
        }
        for query in dashboard.annotations.iter().chain(&dashboard.variables) {
            judge::other(dashboard, query, &database, &views, &mut complaints).await;
        }
        judge::hostile(dashboard, &database, month, &mut complaints).await;
    }
    let seen = match prometheus {
        Some(prometheus) => {
            prometheus.evaluated(&mut complaints).await;
            prometheus.seen(&dashboards, delivering.unwrap(), &mut complaints).await
        }
        None => {
            eprintln!("there is no prometheus: the panels about the daemon's metrics were not tried");
            Vec::new()
        }
    };
    let mut results = Results::new(month);
    for dashboard in &dashboards {
        // Metrics tell of the minute in which the demo ran.
        let about = seen.iter().find(|one| one.dashboard == dashboard.name);
        let range = about.map_or(month, |one| one.range);
        results.begin(dashboard, range, &views);
        judge::picture(dashboard, &database, &views, range, &mut results).await;
    }
    seen.into_iter().for_each(|one| results.add_series(one));
    demo.stop().await;
    results.write();
    complaints.assert_none();
}
