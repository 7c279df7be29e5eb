//! A document on a terminal.

use std::io::{self, Write};

use anstyle::{AnsiColor, Style};

use super::{
    super::style::{BOLD, DIM, Painted, clean, colored, hanging, wrapped},
    document::{Mark, Part},
};

/// Writes it.
pub(super) fn write(out: &mut impl Write, document: &[Part]) -> io::Result<()> {
    for part in document {
        match part {
            Part::Title(domain, group, score) => {
                writeln!(
                    out,
                    "{}   {}   {}",
                    Painted(domain, BOLD),
                    Painted(group, DIM),
                    Painted(score, BOLD)
                )?;
            }
            Part::Progress(ratio, words) => {
                let (full, rest) = bar(*ratio);
                let (full, rest) = (Painted(&full, colored(AnsiColor::Green)), Painted(&rest, DIM));
                writeln!(out, "{full}{rest}  {words}")?;
            }
            Part::Heading(words) => writeln!(out, "\n{}", Painted(words, BOLD))?,
            Part::Text(words) => wrapped(out, 5, words)?,
            Part::Item(mark, words) => hanging(out, 4, &format!("  {} ", marked(*mark)), words)?,
            Part::Table(names, rows) => table(out, names, rows)?,
            Part::Step(number, title, facts) => {
                writeln!(out, "\n {number:>2}. {}", Painted(title, BOLD))?;
                writeln!(out, "     {}", Painted(facts, DIM))?;
            }
            Part::Code(what, lines) => {
                writeln!(out, "     {}", Painted(&format!("{what}:"), DIM))?;
                for line in lines {
                    writeln!(out, "       {}", Painted(line, colored(AnsiColor::Cyan)))?;
                }
            }
            Part::Note(words) => {
                let mut lines = Vec::new();
                wrapped(&mut lines, 5, words)?;
                for line in String::from_utf8_lossy(&lines).lines() {
                    writeln!(out, "{}", Painted(line, DIM))?;
                }
            }
        }
    }
    writeln!(out)
}

fn table(out: &mut impl Write, names: &[String], rows: &[(Mark, Vec<String>)]) -> io::Result<()> {
    let length = |text: &String| text.chars().count();
    let short = |cell: &String| -> String { clean(cell).chars().take(LONGEST_CELL).collect() };
    let rows: Vec<(Mark, Vec<String>)> =
        rows.iter().map(|(mark, row)| (*mark, row.iter().map(short).collect())).collect();
    let widths: Vec<usize> = names
        .iter()
        .enumerate()
        .map(|(column, name)| {
            let cells = rows.iter().filter_map(|(_, row)| row.get(column)).map(length);
            cells.chain([length(name)]).max().unwrap_or(0)
        })
        .collect();
    let line = |cells: &[String], style: Style| {
        let mut line = String::new();
        for (column, (cell, width)) in cells.iter().zip(&widths).enumerate() {
            let space = " ".repeat(width - length(cell).min(*width));
            let (cell, gap) = (Painted(cell, if column == CLASS { style } else { Style::new() }), "  ");
            // Words stand on the left, numbers on the right.
            line +=
                &if column <= CLASS { format!("{cell}{space}{gap}") } else { format!("{space}{cell}{gap}") };
        }
        line.trim_end().to_owned()
    };
    writeln!(out, "     {}", Painted(&line(names, Style::new()), DIM))?;
    for (mark, row) in &rows {
        writeln!(out, "     {}", line(row, style(*mark)))?;
    }
    Ok(())
}

/// The filled and the empty part.
fn bar(ratio: f64) -> (String, String) {
    let full = (ratio.clamp(0.0, 1.0) * BAR as f64).floor() as usize;
    ("█".repeat(full), "░".repeat(BAR - full))
}

fn marked(mark: Mark) -> String {
    let sign = match mark {
        Mark::Good => "✓",
        Mark::Bad => "✗",
        Mark::Neutral => "·",
    };
    Painted(sign, style(mark)).to_string()
}

fn style(mark: Mark) -> Style {
    colored(match mark {
        Mark::Good => AnsiColor::Green,
        Mark::Bad => AnsiColor::Red,
        Mark::Neutral => AnsiColor::Yellow,
    })
}

const BAR: usize = 30;
const CLASS: usize = 1;
const LONGEST_CELL: usize = 40;
