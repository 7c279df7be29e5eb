//! Colours and weights.

use anstyle::Style;

/// Words in a style; the stream takes the style off where nobody sees colours.
pub(in crate::cli) struct Painted<'a>(pub(in crate::cli) &'a str, pub(in crate::cli) Style);

impl std::fmt::Display for Painted<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}{}{}", self.1.render(), self.0, self.1.render_reset())
    }
}

pub(in crate::cli) const BOLD: Style = Style::new().bold();
pub(in crate::cli) const DIM: Style = Style::new().dimmed();
