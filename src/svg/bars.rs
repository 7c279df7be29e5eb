use maud::{Markup, html};

use super::{Px, Scale, Words, drawing, ratio};

/// Bars of several parts each, side by side: amounts by day.
#[derive(Clone, Copy)]
pub struct StackedBars<'a> {
    /// What stands under the bars; an empty text leaves the place free.
    pub labels: &'a [String],
    /// The parts, from the ground upwards.
    pub series: &'a [Series<'a>],
    /// How values are written at the axis.
    pub number: &'a dyn Fn(u64) -> String,
}

/// One part of all bars.
#[derive(Clone, Copy, Debug)]
pub struct Series<'a> {
    /// The class of its shapes.
    pub class: &'a str,
    /// A value for each bar; what is missing is 0.
    pub values: &'a [u64],
}

impl StackedBars<'_> {
    /// Draws them.
    pub fn draw(&self, words: Words<'_>) -> Markup {
        let scale = Scale::over((0..self.labels.len()).map(|bar| self.total(bar)).max().unwrap_or(0));
        let shapes = html! {
            g class="axis" {
                @for tick in scale.ticks() {
                    @let y = Self::y(tick, scale);
                    line x1=(Px(LEFT)) x2=(Px(WIDTH)) y1=(Px(y)) y2=(Px(y)) {}
                    text x=(Px(LEFT - 8.0)) y=(Px(y + 4.0)) text-anchor="end" { ((self.number)(tick)) }
                }
                @for (bar, label) in self.labels.iter().enumerate().filter(|(_, label)| !label.is_empty()) {
                    text x=(Px(self.x(bar) + self.slot() / 2.0)) y=(Px(HEIGHT - 6.0)) text-anchor="middle" { (label) }
                }
            }
            @for bar in 0..self.labels.len() {
                @for (class, y, height) in self.parts(bar, scale) {
                    rect class=(class) x=(Px(self.x(bar) + self.slot() * GAP / 2.0)) y=(Px(y))
                        width=(Px(self.slot() * (1.0 - GAP))) height=(Px(height)) {}
                }
            }
        };
        drawing(words, "chart", WIDTH, HEIGHT, &shapes)
    }

    /// The parts of a bar that can be seen: class, upper end and height.
    fn parts(&self, bar: usize, scale: Scale) -> Vec<(&str, f64, f64)> {
        let mut ground = BOTTOM;
        let mut parts = Vec::new();
        for series in self.series {
            let value = series.value(bar);
            if value > 0 {
                // The smallest amount is still an amount.
                let height = (BOTTOM - Self::y(value, scale)).max(THINNEST).min(ground);
                ground -= height;
                parts.push((series.class, ground, height));
            }
        }
        parts
    }

    fn total(&self, bar: usize) -> u64 {
        self.series.iter().fold(0, |sum, series| sum.saturating_add(series.value(bar)))
    }

    fn slot(&self) -> f64 {
        (WIDTH - LEFT) / self.labels.len().max(1) as f64
    }

    fn x(&self, bar: usize) -> f64 {
        LEFT + self.slot() * bar as f64
    }

    fn y(value: u64, scale: Scale) -> f64 {
        BOTTOM - (BOTTOM - TOP) * ratio(value as f64, scale.top() as f64)
    }
}

impl Series<'_> {
    fn value(&self, bar: usize) -> u64 {
        self.values.get(bar).copied().unwrap_or(0)
    }
}

const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 210.0;
const LEFT: f64 = 58.0;
const TOP: f64 = 12.0;
const BOTTOM: f64 = 184.0;
/// How much of its place a bar leaves free.
const GAP: f64 = 0.26;
const THINNEST: f64 = 0.75;
