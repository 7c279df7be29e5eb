//! What is printed in the end; fits in 100 columns.

use std::io::{IsTerminal, stdout};
use std::path::Path;

use super::check::Findings;
use super::number::{percent, thousands};
use super::place::Place;
use super::sql;

/// Colours, where they can be seen.
#[derive(Clone, Copy)]
pub(super) struct Style {
    colours: bool,
}

impl Style {
    pub(super) fn of_stdout() -> Self {
        Self { colours: stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none() }
    }

    pub(super) fn good(self, text: &str) -> String {
        self.paint(text, "32")
    }

    pub(super) fn bad(self, text: &str) -> String {
        self.paint(text, "31")
    }

    fn strong(self, text: &str) -> String {
        self.paint(text, "1")
    }

    fn weak(self, text: &str) -> String {
        self.paint(text, "2")
    }

    fn paint(self, text: &str, code: &str) -> String {
        if self.colours { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }
}

/// One domain: group, domain, policy, messages, aligned, quarantined, rejected.
pub(super) type DomainRow = (String, String, String, u64, u64, u64, u64);

/// The table, under a heading for each group.
pub(super) fn domains(rows: &[DomainRow], sources: &[(String, String, u64)], style: Style) {
    println!();
    let head =
        line(["  domain and largest sources", "policy", "messages", "aligned", "quarantined", "rejected"]);
    println!("{}", style.weak(&head));
    let mut heading = "";
    for (group, domain, policy, messages, aligned, quarantined, rejected) in rows {
        if group != heading {
            println!("{}", style.strong(group));
            heading = group;
        }
        let text = line([
            &format!("  {domain}"),
            policy,
            &thousands(*messages),
            &percent(*aligned, *messages),
            &thousands(*quarantined),
            &thousands(*rejected),
        ]);
        println!("{text}");
        let shares: Vec<String> = sources
            .iter()
            .filter(|(name, _, _)| name == domain)
            .map(|(_, source, count)| format!("{source} {}", percent(*count, *messages)))
            .collect();
        println!("{}", style.weak(&format!("      {}", shares.join(", "))));
    }
}

/// What else there is to say about the month.
pub(super) fn summary(findings: &Findings, left_out: &[(String, String, u64)], sent: u64) {
    let [aggregate, records, tls, failed, failures] = findings.kinds().map(thousands);
    let (forged, claimed) = findings.forged();
    println!();
    println!("{} messages were taken. In them:", thousands(sent));
    println!("  {aggregate:>6} aggregate reports with {records} rows");
    println!("  {tls:>6} TLS reports ({failed} sessions failed), {failures} failure reports");
    let [genuine, authenticated, unknown] =
        ["genuine", "authenticated", "unknown"].map(|verdict| thousands(findings.judged(verdict)));
    println!(
        "  {genuine:>6} from whom they say, {authenticated} authenticated by another, {unknown} not to tell"
    );
    println!(
        "  {:>6} forged, claiming {} messages that the table leaves out",
        thousands(forged),
        thousands(claimed)
    );
    println!("  {:>6} duplicates, counted once", thousands(findings.decided("duplicate")));
    println!(
        "  {:>6} with an id that was used before for other content, kept and flagged",
        thousands(findings.decided("conflict"))
    );
    for (outcome, code, messages) in left_out {
        println!("  {:>6} {outcome}: {code}", thousands(*messages));
    }
    println!();
}

/// Where to look next.
pub(super) fn further(place: &Place, ruad: &Path, config: &Path) {
    let Place { http, clickhouse, .. } = place;
    println!("\nLook further:");
    println!(
        "  http://{http}/metrics   http://{http}/readyz   http://{clickhouse} (ClickHouse's HTTP interface)"
    );
    let engine = place.engine();
    let password = format!("{} engine password reader --path {}", ruad.display(), engine.display());
    println!("  {password}   # the password of the user reader, for Grafana and for the queries below");
    println!("  {} spool list --config {}", ruad.display(), config.display());
    for (about, query) in sql::EXAMPLES {
        println!("  # {about}");
        println!("  curl -s -u reader:$({password}) http://{clickhouse}/?database=ruad -d \"{query}\"");
    }
}

fn line(cells: [&str; 6]) -> String {
    let [domain, policy, messages, aligned, quarantined, rejected] = cells;
    format!("{domain:<29}  {policy:<10}  {messages:>11}  {aligned:>8}  {quarantined:>11}  {rejected:>9}")
}
