use maud::{Markup, html};

use super::{Px, Words, drawing, ratio};

/// A line as small as a word: how something went, without axes.
pub fn sparkline(values: &[u64], words: Words<'_>) -> Markup {
    let most = values.iter().copied().max().unwrap_or(0);
    let last = values.len().saturating_sub(1);
    let x = |place: usize| EDGE + (SPARK_WIDTH - 2.0 * EDGE) * ratio(place as f64, last as f64);
    let y = |value: u64| SPARK_HEIGHT - EDGE - (SPARK_HEIGHT - 2.0 * EDGE) * ratio(value as f64, most as f64);
    let mut points = String::new();
    for (place, &value) in values.iter().enumerate() {
        let separator = if points.is_empty() { "" } else { " " };
        points += &format!("{separator}{},{}", Px(x(place)), Px(y(value)));
    }
    let shapes = html! { polyline points=(points) {} };
    drawing(words, "spark", SPARK_WIDTH, SPARK_HEIGHT, &shapes)
}

/// How much of something there is, from 0 to 1, as a bar that fills. The number itself stands beside it.
pub fn meter(share: f64, class: &str) -> Markup {
    let filled = METER_WIDTH * ratio(share, 1.0);
    html! {
        svg.meter viewBox={ "0 0 " (Px(METER_WIDTH)) " " (Px(METER_HEIGHT)) } aria-hidden="true"
            preserveAspectRatio="none" {
            rect.ground x="0" y="0" width=(Px(METER_WIDTH)) height=(Px(METER_HEIGHT)) {}
            rect class=(class) x="0" y="0" width=(Px(filled)) height=(Px(METER_HEIGHT)) {}
        }
    }
}

const EDGE: f64 = 1.5;
const SPARK_WIDTH: f64 = 96.0;
const SPARK_HEIGHT: f64 = 22.0;
const METER_WIDTH: f64 = 100.0;
const METER_HEIGHT: f64 = 8.0;
