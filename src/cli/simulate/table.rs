//! What people read.

use std::io::{self, Write};

use anstyle::{AnsiColor, Style};
use ruad::advice::{
    Class,
    simulate::{Outcome, Tally, Verdict, grouped},
};

use crate::cli::style::{BOLD, DIM, Painted};

pub(super) fn write(out: &mut impl Write, outcome: &Outcome, notes: &[String]) -> io::Result<()> {
    writeln!(out, "{}   {}", Painted(&outcome.domain, BOLD), outcome.scenario)?;
    let style = match outcome.verdict {
        Verdict::NothingLost => GREEN,
        Verdict::WouldLose => RED,
        _ => YELLOW,
    };
    writeln!(out, "{}\n", Painted(&printable(&outcome.conclusion()), style))?;
    if outcome.all.messages > 0 {
        let width = width(outcome);
        head(out, width)?;
        parts(out, outcome, width)?;
        section(out, "by class")?;
        for (class, tally) in &outcome.classes {
            line(out, class.name(), class_style(*class), tally, width)?;
        }
        section(out, "by sender")?;
        senders(out, outcome, width)?;
        if !outcome.by_subdomain.is_empty() {
            section(out, "by subdomain")?;
            for one in outcome.by_subdomain.iter().take(MOST_LINES) {
                let name = if one.subdomain == "*" { "all others" } else { &one.subdomain };
                line(out, name, Style::new(), &one.tally, width)?;
            }
        }
        writeln!(out)?;
    }
    notes.iter().try_for_each(|note| writeln!(out, "{} {}", Painted("·", DIM), printable(note)))
}

fn head(out: &mut impl Write, width: usize) -> io::Result<()> {
    let above = format!("{:width$} {:>12}  {:^25}  {:^38}", "", "", "what happened", "what would have");
    let below = format!(
        "{:width$} {:>12}  {:>12} {:>12}  {:>12} {:>12} {:>12}",
        "", "messages", "quarantined", "rejected", "spared", "quarantined", "rejected"
    );
    writeln!(out, "{}\n{}", Painted(above.trim_end(), DIM), Painted(&below, DIM))
}

fn parts(out: &mut impl Write, outcome: &Outcome, width: usize) -> io::Result<()> {
    line(out, "all messages", BOLD, &outcome.all, width)?;
    line(out, "legitimate", BOLD, &outcome.legitimate, width)?;
    line(out, "From the domain itself", Style::new(), &outcome.domain_itself, width)?;
    line(out, "From subdomains", Style::new(), &outcome.subdomains, width)
}

/// Those that lose mail come first, whatever they are; who loses nothing and is none of the busiest is left out.
fn senders(out: &mut impl Write, outcome: &Outcome, width: usize) -> io::Result<()> {
    for one in outcome.senders.iter().take(MOST_LINES) {
        let label = format!("{} ({})", one.name, one.class.name());
        line(out, &label, class_style(one.class), &one.tally, width)?;
    }
    match outcome.senders.len().saturating_sub(MOST_LINES) {
        0 => Ok(()),
        more => {
            writeln!(out, "  {}", Painted(&format!("and {more} more; --json shows up to a hundred"), DIM))
        }
    }
}

fn section(out: &mut impl Write, title: &str) -> io::Result<()> {
    writeln!(out, "\n{}", Painted(title, DIM))
}

fn line(out: &mut impl Write, label: &str, style: Style, tally: &Tally, width: usize) -> io::Result<()> {
    let label = printable(label);
    let shown: String = label.chars().take(width - 2).collect();
    let pad = " ".repeat((width - 2).saturating_sub(shown.chars().count()));
    write!(out, "  {}{pad} {:>12} ", Painted(&shown, style), grouped(tally.messages))?;
    for count in [tally.was.quarantined, tally.was.rejected] {
        write!(out, " {}", Painted(&figure(count), if count == 0 { DIM } else { Style::new() }))?;
    }
    write!(out, " ")?;
    let would = tally.would;
    for (count, some) in [(would.spared, Style::new()), (would.quarantined, YELLOW), (would.rejected, RED)] {
        write!(out, " {}", Painted(&figure(count), if count == 0 { DIM } else { some }))?;
    }
    writeln!(out)
}

fn figure(count: u64) -> String {
    format!("{:>12}", if count == 0 { "-".to_owned() } else { grouped(count) })
}

/// Room for the longest label, within bounds.
fn width(outcome: &Outcome) -> usize {
    let senders = outcome.senders.iter().take(MOST_LINES);
    let labels = senders.map(|one| one.name.chars().count() + one.class.name().len() + 3);
    let names = outcome.by_subdomain.iter().map(|one| one.subdomain.chars().count());
    labels.chain(names).max().unwrap_or_default().clamp(24, LONGEST_LABEL) + 2
}

/// Names come from reports: nothing in them is for the terminal to obey.
fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

fn class_style(class: Class) -> Style {
    match class {
        Class::Aligned => GREEN,
        Class::NeedsWork => YELLOW,
        Class::Threat => RED,
        Class::Forwarder | Class::Undecided => Style::new(),
    }
}

const GREEN: Style = Style::new().fg_color(Some(anstyle::Color::Ansi(AnsiColor::Green)));
const YELLOW: Style = Style::new().fg_color(Some(anstyle::Color::Ansi(AnsiColor::Yellow)));
const RED: Style = Style::new().fg_color(Some(anstyle::Color::Ansi(AnsiColor::Red)));
const MOST_LINES: usize = 20;
const LONGEST_LABEL: usize = 44;
