//! A document for a ticket.

use std::io::{self, Write};

use ruad_common::text::visible;

use super::{
    super::style::words,
    document::{Mark, Part},
};

/// Writes it.
pub(super) fn write(out: &mut impl Write, document: &[Part]) -> io::Result<()> {
    let mut was_item = false;
    for part in document {
        let is_item = matches!(part, Part::Item(..));
        if was_item && !is_item {
            writeln!(out)?;
        }
        was_item = is_item;
        match part {
            Part::Title(domain, group, score) => {
                writeln!(out, "# {}\n\n{}, {score}\n", escaped(domain), escaped(group))?;
            }
            Part::Progress(_, words) => writeln!(out, "**{}**\n", escaped(words))?,
            Part::Heading(words) => writeln!(out, "## {}\n", escaped(words))?,
            Part::Text(words) => writeln!(out, "{}\n", escaped(words))?,
            Part::Item(mark, words) => {
                let mark = match mark {
                    Mark::Good => "[x] ",
                    Mark::Bad => "[ ] ",
                    Mark::Neutral => "",
                };
                writeln!(out, "- {mark}{}", escaped(words))?;
            }
            Part::Table(names, rows) => {
                writeln!(out, "| {} |", cells(names))?;
                let lines =
                    names.iter().enumerate().map(|(column, _)| if column < 2 { "---" } else { "---:" });
                writeln!(out, "|{}|", lines.collect::<Vec<_>>().join("|"))?;
                for (_, row) in rows {
                    writeln!(out, "| {} |", cells(row))?;
                }
                writeln!(out)?;
            }
            Part::Step(number, title, facts) => {
                writeln!(out, "### {number}. {}\n\n*{}*\n", escaped(title), escaped(facts))?;
            }
            Part::Code(what, lines) => {
                // Longer than any row of backticks inside.
                let lines: Vec<String> =
                    lines.iter().map(|line| line.chars().map(visible).collect()).collect();
                let text = lines.join("\n");
                let fence = "`".repeat(longest_run(&text).max(2) + 1);
                writeln!(out, "{}:\n\n{fence}\n{text}\n{fence}\n", escaped(what))?;
            }
            Part::Note(words) => writeln!(out, "{}\n", escaped(words))?,
        }
    }
    if was_item {
        writeln!(out)?;
    }
    Ok(())
}

fn cells(row: &[String]) -> String {
    row.iter().map(|cell| escaped(cell).replace('|', "\\|")).collect::<Vec<_>>().join(" | ")
}

/// Names of senders and records are somebody else's words: they are not to become links, pictures or lists.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in words(text).collect::<Vec<_>>().join(" ").chars().map(visible) {
        if matches!(c, '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '#' | '!') {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

fn longest_run(text: &str) -> usize {
    text.split(|c| c != '`').map(str::len).max().unwrap_or(0)
}
