//! Colours and weights.

use anstyle::Style;

/// Words in a style; the stream takes the style off where nobody sees colours.
pub(super) struct Painted<'a>(pub(super) &'a str, pub(super) Style);

impl std::fmt::Display for Painted<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}{}{}", self.1.render(), self.0, self.1.render_reset())
    }
}

pub(super) const BOLD: Style = Style::new().bold();
pub(super) const DIM: Style = Style::new().dimmed();
