//! Small charts as inline SVG: no script, no resource from elsewhere, and every one of them says in words what it shows.
//!
//! Colours come from the page: shapes carry classes, the style sheet of the page knows them in light, in dark and on paper.
//! What is not a finite number is drawn as nothing.

mod bars;
mod coordinate;
mod progress;
mod scale;
mod spark;

pub use bars::{Series, StackedBars};
pub use coordinate::Px;
pub use progress::ProgressLine;
pub use scale::Scale;
pub use spark::{meter, sparkline};

use maud::{Markup, html};

/// What a chart is called and what it shows, for whoever does not see it.
#[derive(Clone, Copy, Debug)]
pub struct Words<'a> {
    /// Unique in the page; letters, digits and hyphens.
    pub id: &'a str,
    /// A few words.
    pub title: &'a str,
    /// What it shows: a sentence or two.
    pub description: &'a str,
}

/// A drawing of `width` by `height` that grows with the page.
fn drawing(words: Words<'_>, class: &str, width: f64, height: f64, shapes: &Markup) -> Markup {
    let [title, description] = ["title", "desc"].map(|part| format!("{}-{part}", words.id));
    html! {
        svg class=(class) viewBox={ "0 0 " (Px(width)) " " (Px(height)) } role="img"
            aria-labelledby=(title) aria-describedby=(description) {
            title id=(title) { (words.title) }
            desc id=(description) { (words.description) }
            (shapes)
        }
    }
}

/// A part of a whole; 0 of nothing.
fn ratio(part: f64, whole: f64) -> f64 {
    let ratio = part / whole;
    if ratio.is_finite() { ratio.clamp(0.0, 1.0) } else { 0.0 }
}

#[cfg(test)]
mod tests;
