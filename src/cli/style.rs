//! Colours, weights and lines of what is printed for people.

use std::io::{self, Write};

use anstyle::{AnsiColor, Style};
use ruad_common::text::Shown;

/// Words in a style; the stream takes the style off where nobody sees colours.
pub(super) struct Painted<'a>(pub(super) &'a str, pub(super) Style);

impl std::fmt::Display for Painted<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}{}{}", self.1.render(), Shown(self.0), self.1.render_reset())
    }
}

/// A style that is a colour and nothing else.
pub(super) const fn colored(color: AnsiColor) -> Style {
    Style::new().fg_color(Some(anstyle::Color::Ansi(color)))
}

/// Words in lines of [`WIDTH`], so far from the left edge, without what a terminal would obey.
pub(super) fn wrapped(out: &mut impl Write, indent: usize, text: &str) -> io::Result<()> {
    let mut column = 0;
    for word in words(text) {
        let word = clean(word);
        let length = word.chars().count();
        if column == 0 {
            write!(out, "{:indent$}{word}", "")?;
        } else if column + 1 + length > WIDTH {
            write!(out, "\n{:indent$}{word}", "")?;
            column = 0;
        } else {
            write!(out, " {word}")?;
            column += 1;
        }
        column += length;
    }
    writeln!(out)
}

/// The same, with a mark before the first line that takes the place of so many spaces.
pub(super) fn hanging(out: &mut impl Write, indent: usize, mark: &str, text: &str) -> io::Result<()> {
    let mut lines = Vec::new();
    wrapped(&mut lines, indent, text)?;
    write!(out, "{mark}")?;
    out.write_all(lines.get(indent..).unwrap_or(b"\n"))
}

/// The words of a text; a no-break space is part of one.
pub(super) fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| c.is_whitespace() && c != '\u{a0}').filter(|word| !word.is_empty())
}

/// A text on one line, with what a terminal would obey written out.
pub(super) fn clean(text: &str) -> String {
    Shown(text).to_string()
}

pub(super) const BOLD: Style = Style::new().bold();
pub(super) const DIM: Style = Style::new().dimmed();
pub(super) const WIDTH: usize = 96;
