//! What people read.

use std::{
    cmp::Reverse,
    io::{self, Write},
};

use anstyle::{AnsiColor, Style};
use ruad_common::text::{Shown, visible};
use ruad_dns::{Check, Finding, Mechanism, Severity, Status, dkim::Published};

use super::{
    super::style::{BOLD, DIM, Painted, WIDTH, wrapped},
    report::{Report, is_without_data},
    tree,
};

/// One line: the score and which mechanisms are not well.
pub(super) fn line(out: &mut impl Write, report: &Report) -> io::Result<()> {
    write!(out, "{}  ", Painted(&format!("{:>8}", score(report)), status_style(report.status)))?;
    write!(out, "{:<40}", report.snapshot.domain)?;
    let mut bad: Vec<_> = report.snapshot.checks().into_iter().collect();
    bad.retain(|check| !matches!(check.status(), Status::Ok | Status::Info) && !is_without_data(check));
    for check in bad {
        let codes: Vec<_> = check
            .findings
            .iter()
            .filter(|finding| finding.code.severity > Severity::Info)
            .map(|finding| finding.code.name)
            .collect();
        let words = if codes.is_empty() {
            format!("{} {}", check.mechanism.name(), check.status().name())
        } else {
            codes.join(" ")
        };
        write!(out, " {}", Painted(&words, status_style(check.status())))?;
    }
    writeln!(out)
}

/// Everything: what each mechanism says, what is wrong with it and what to change.
pub(super) fn full(out: &mut impl Write, report: &Report) -> io::Result<()> {
    let snapshot = &report.snapshot;
    let title = Style::new().bold();
    write!(out, "{}", Painted(&snapshot.domain, title))?;
    let profile = if report.profile == "default" { String::new() } else { format!(" ({})", report.profile) };
    writeln!(out, "   score {}{profile}\n", Painted(&score(report), status_style(report.status)))?;
    for check in snapshot.checks() {
        block(out, check, report)?;
    }
    summary(out, report)
}

fn block(out: &mut impl Write, check: &Check, report: &Report) -> io::Result<()> {
    let status = check.status();
    let word = format!("{:<8}", status.name());
    writeln!(out, "{} {}", Painted(&word, status_style(status)), Painted(check.mechanism.title(), BOLD))?;
    match (check.mechanism, &report.snapshot.spf.tree) {
        (Mechanism::Spf, Some(tree)) => tree::spf(out, tree)?,
        (Mechanism::Dkim, _) => keys(out, &report.snapshot.dkim.keys)?,
        _ => records(out, check)?,
    }
    let mut findings: Vec<_> = check.findings.iter().collect();
    findings.sort_by_key(|finding| Reverse(finding.code.severity));
    for finding in findings {
        explain(out, finding, &report.snapshot.domain)?;
    }
    for question in &check.unknown {
        let words = format!("could not be told: {} ({})", question.name, question.trouble);
        writeln!(out, "{:9}{}", "", Painted(&words, status_style(Status::Unknown)))?;
    }
    Ok(())
}

fn records(out: &mut impl Write, check: &Check) -> io::Result<()> {
    for record in &check.records {
        // Where a fault is pointed at, the record is shown again.
        let is_pointed_at = check.findings.iter().any(|finding| {
            finding.evidence.position.is_some() && finding.evidence.record.as_ref() == Some(&record.text)
        });
        if !is_pointed_at {
            writeln!(out, "{:9}{} {}", "", Painted(&record.name, DIM), clipped(&record.text))?;
        }
    }
    Ok(())
}

fn keys(out: &mut impl Write, keys: &[Published]) -> io::Result<()> {
    for published in keys {
        let alias = published.alias.as_ref().map(|alias| format!(" at {}", Shown(alias))).unwrap_or_default();
        let key = match published.key() {
            Some(key) => format!("{:?} of {} bits", key.kind, key.bits),
            None => "no key".to_owned(),
        };
        writeln!(out, "{:9}{} {key}{alias}", "", Painted(&published.name, DIM))?;
    }
    Ok(())
}

fn explain(out: &mut impl Write, finding: &Finding, domain: &str) -> io::Result<()> {
    let style = status_style(match finding.code.severity {
        Severity::Info => Status::Info,
        Severity::Warning => Status::Warning,
        Severity::Error => Status::Error,
    });
    let mark = match finding.code.severity {
        Severity::Info => "·",
        Severity::Warning => "!",
        Severity::Error => "✗",
    };
    let text = finding.code.text();
    let title = text.map_or(finding.code.name, |text| &text.title);
    let code = format!("[{}]", finding.code.name);
    writeln!(out, "{:7}{} {} {}", "", Painted(mark, style), Painted(title, style), Painted(&code, DIM))?;
    wrapped(out, 9, &finding.detail)?;
    if let (Some(record), Some(position)) = (&finding.evidence.record, &finding.evidence.position) {
        let (shown, under) = pointed(record, position.start, position.end);
        writeln!(out, "{:9}{shown}\n{:9}{}", "", "", Painted(&under, style))?;
    }
    if let Some(text) = text
        && finding.code.severity > Severity::Info
    {
        wrapped(out, 9, &format!("→ {}", text.change.replace("<domain>", domain)))?;
    }
    Ok(())
}

fn summary(out: &mut impl Write, report: &Report) -> io::Result<()> {
    let of = |status| {
        let checks = report.snapshot.checks();
        checks.iter().filter(|check| check.status() == status).map(|check| check.mechanism.title()).collect()
    };
    let named: [(&str, Status, Vec<&str>); 3] = [
        ("broken", Status::Error, of(Status::Error)),
        ("weak", Status::Warning, of(Status::Warning)),
        ("unknown", Status::Unknown, of(Status::Unknown)),
    ];
    writeln!(out)?;
    let mut is_fine = true;
    for (word, status, titles) in named {
        if !titles.is_empty() {
            is_fine = false;
            let word = format!("{word:<8}");
            writeln!(out, "{} {}", Painted(&word, status_style(status)), titles.join(", "))?;
        }
    }
    if is_fine {
        writeln!(out, "{}", Painted("Nothing needs to be changed.", status_style(Status::Ok)))?;
    }
    writeln!(out)
}

fn score(report: &Report) -> String {
    match report.score {
        Some(score) => format!("{score} / 5"),
        None => format!("≤ {} / 5", report.score_at_most),
    }
}

/// The part of a record around a fault, and the marks to put under it.
fn pointed(record: &str, start: usize, end: usize) -> (String, String) {
    let before = record.get(..start).map_or(0, |text| text.chars().count());
    let length = record.get(start..end).map_or(1, |text| text.chars().count()).clamp(1, WIDTH / 2);
    let characters: Vec<_> = record.chars().map(visible).collect();
    let from = (before + length).saturating_sub(WIDTH - 4);
    let cut = if from > 0 { "…" } else { "" };
    let rest = characters.len().saturating_sub(from);
    let shown: String = characters.iter().skip(from).take(WIDTH).collect();
    let tail = if rest > WIDTH { "…" } else { "" };
    let indent = before.saturating_sub(from) + cut.chars().count();
    (format!("{cut}{shown}{tail}"), format!("{}{}", " ".repeat(indent), "^".repeat(length)))
}

/// A record on one line, without what a terminal would obey.
fn clipped(text: &str) -> String {
    let clean: String = text.chars().map(visible).collect();
    if clean.chars().count() <= 2 * WIDTH {
        return clean;
    }
    clean.chars().take(2 * WIDTH).chain(['…']).collect()
}

fn status_style(status: Status) -> Style {
    let color = match status {
        Status::Ok => AnsiColor::Green,
        Status::Info => AnsiColor::Blue,
        Status::Warning => AnsiColor::Yellow,
        Status::Error => AnsiColor::Red,
        Status::Unknown => AnsiColor::Magenta,
    };
    Style::new().fg_color(Some(color.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_is_pointed_at_wherever_it_is() {
        assert_eq!(
            pointed("v=DMARC1; p=nune", 12, 16),
            ("v=DMARC1; p=nune".into(), format!("{}^^^^", " ".repeat(12)))
        );
        let long = format!("{}FAULT{}", "a".repeat(300), "b".repeat(300));
        let (shown, under) = pointed(&long, 300, 305);
        let at = under.find('^').unwrap();
        assert_eq!(shown.chars().skip(at).take(5).collect::<String>(), "FAULT");
        assert!(shown.chars().count() <= WIDTH + 2);
        assert_eq!(pointed("ab", 7, 9).1, " ".repeat(0) + "^");
    }
}
