use std::fmt;

use maud::Render;

/// A coordinate or a length: at most two decimals, and 0 when it is not a number.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Px(pub f64);

impl fmt::Display for Px {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rounded = if self.0.is_finite() { (self.0 * 100.0).round() / 100.0 } else { 0.0 };
        // A zero has no sign here.
        write!(f, "{}", if rounded == 0.0 { 0.0 } else { rounded })
    }
}

impl Render for Px {
    fn render_to(&self, out: &mut String) {
        use fmt::Write as _;
        // Writing to a string does not fail.
        write!(out, "{self}").unwrap_or_default();
    }
}
