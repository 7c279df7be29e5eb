use maud::{Markup, html};

use super::{Px, Words, drawing, ratio};

/// Stations on a way, and how far somebody is.
#[derive(Clone, Copy, Debug)]
pub struct ProgressLine<'a> {
    /// The names of the stations, in their order.
    pub stations: &'a [&'a str],
    /// The place of the station that is reached; nothing when it is not known.
    pub at: Option<usize>,
}

impl ProgressLine<'_> {
    /// Draws it: what is behind is ticked, the present station marked, what is ahead empty. The last station is ticked once it is reached.
    pub fn draw(&self, words: Words<'_>) -> Markup {
        let end = self.at.map_or(EDGE, |at| self.x(at));
        let shapes = html! {
            line.ahead x1=(Px(EDGE)) x2=(Px(WIDTH - EDGE)) y1=(Px(LINE)) y2=(Px(LINE)) {}
            @if self.at.is_some() {
                line.behind x1=(Px(EDGE)) x2=(Px(end)) y1=(Px(LINE)) y2=(Px(LINE)) {}
            }
            @for (place, station) in self.stations.iter().enumerate() {
                @let x = self.x(place);
                @let class = self.class(place);
                circle class=(class) cx=(Px(x)) cy=(Px(LINE)) r=(Px(if class == "here" { 8.0 } else { 6.0 })) {}
                @if class == "behind" || class == "here" && place + 1 == self.stations.len() {
                    path.tick d={ "M" (Px(x - 2.8)) " " (Px(LINE + 0.2)) "l2 2.1 3.8 -4.4" } {}
                } @else if class == "here" {
                    circle.dot cx=(Px(x)) cy=(Px(LINE)) r="2.6" {}
                }
                text class=(class) x=(Px(x)) y=(Px(HEIGHT - 6.0)) text-anchor="middle" { (station) }
            }
        };
        drawing(words, "progress", WIDTH, HEIGHT, &shapes)
    }

    fn class(&self, place: usize) -> &'static str {
        match self.at {
            Some(at) if place < at => "behind",
            Some(at) if place == at => "here",
            _ => "ahead",
        }
    }

    fn x(&self, place: usize) -> f64 {
        let last = self.stations.len().saturating_sub(1);
        EDGE + (WIDTH - 2.0 * EDGE) * ratio(place as f64, last as f64)
    }
}

const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 48.0;
const EDGE: f64 = 56.0;
const LINE: f64 = 14.0;
