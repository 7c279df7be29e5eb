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
            line(out, &Label::of(*class, class.name()), tally, width)?;
        }
        section(out, "by sender")?;
        senders(out, outcome, width)?;
        if !outcome.by_subdomain.is_empty() {
            section(out, "by subdomain")?;
            for one in &outcome.by_subdomain {
                let name = if one.subdomain == "*" { "all others" } else { &one.subdomain };
                line(out, &Label::plain(name), &one.tally, width)?;
            }
        }
        writeln!(out)?;
    }
    notes.iter().try_for_each(|note| writeln!(out, "{} {}", Painted("·", DIM), printable(note)))
}

fn head(out: &mut impl Write, width: usize) -> io::Result<()> {
    let above = format!("{:width$} {:>11}  {:^32}  {:^41}", "", "", "what happened", "what would have");
    let below = format!(
        "{:width$} {:>11}  {:>10} {:>11} {:>9}  {:>10} {:>8} {:>11} {:>9}",
        "",
        "messages",
        "delivered",
        "quarantined",
        "rejected",
        "delivered",
        "spared",
        "quarantined",
        "rejected"
    );
    writeln!(out, "{}\n{}", Painted(above.trim_end(), DIM), Painted(&below, DIM))
}

fn parts(out: &mut impl Write, outcome: &Outcome, width: usize) -> io::Result<()> {
    line(out, &Label { style: BOLD, ..Label::plain("all messages") }, &outcome.all, width)?;
    let ours = Label { text: "legitimate", style: BOLD, is_ours: true };
    line(out, &ours, &outcome.legitimate, width)?;
    line(out, &Label::plain("From the domain itself"), &outcome.domain_itself, width)?;
    line(out, &Label::plain("From subdomains"), &outcome.subdomains, width)
}

fn senders(out: &mut impl Write, outcome: &Outcome, width: usize) -> io::Result<()> {
    for one in outcome.senders.iter().take(MOST_LINES) {
        let label = format!("{} ({})", one.name, one.class.name());
        line(out, &Label::of(one.class, &label), &one.tally, width)?;
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

fn line(out: &mut impl Write, label: &Label<'_>, tally: &Tally, width: usize) -> io::Result<()> {
    let shown: String = printable(label.text).chars().take(width - 2).collect();
    let pad = " ".repeat((width - 2).saturating_sub(shown.chars().count()));
    write!(out, "  {}{pad} {:>11} ", Painted(&shown, label.style), grouped(tally.messages))?;
    let Tally { was, would, .. } = tally;
    for (count, room) in [(was.delivered, 10), (was.quarantined, 11), (was.rejected, 9)] {
        write!(out, " {}", Painted(&figure(count, room), DIM))?;
    }
    write!(out, " ")?;
    let (some, most) = if label.is_ours { (YELLOW, RED) } else { (Style::new(), Style::new()) };
    let columns = [
        (would.delivered, 10, Style::new()),
        (would.spared, 8, Style::new()),
        (would.quarantined, 11, some),
        (would.rejected, 9, most),
    ];
    for (count, room, style) in columns {
        write!(out, " {}", Painted(&figure(count, room), if count == 0 { DIM } else { style }))?;
    }
    writeln!(out)
}

/// What a line is about.
struct Label<'a> {
    text: &'a str,
    style: Style,
    /// Whether it hurts when these messages are lost.
    is_ours: bool,
}

impl<'a> Label<'a> {
    fn plain(text: &'a str) -> Self {
        Self { text, style: Style::new(), is_ours: false }
    }

    fn of(class: Class, text: &'a str) -> Self {
        Self { text, style: class_style(class), is_ours: class.is_legitimate() }
    }
}

fn figure(count: u64, room: usize) -> String {
    format!("{:>room$}", if count == 0 { "-".to_owned() } else { grouped(count) })
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
    text.chars().map(ruad_common::text::visible).collect()
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
const LONGEST_LABEL: usize = 36;
