//! What people see: the page, the drawing and the badge.

mod badge;
mod drawing;
mod ornament;
mod page;
mod words;

pub use badge::{Sign, badge};
pub use drawing::drawing;
pub use page::{Notice, notice, page, policy};

/// A text as it stands in HTML or SVG.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            _ => out.push(ruad_common::text::visible(character)),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_is_text() {
        assert_eq!(escape("<a href=\"x\">'&'"), "&lt;a href=&quot;x&quot;&gt;&#39;&amp;&#39;");
        assert_eq!(escape("bücher"), "bücher");
    }
}
