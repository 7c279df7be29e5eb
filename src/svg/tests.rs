#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use proptest::prelude::*;

use super::*;

const WORDS: Words<'static> = Words { id: "c", title: "Mail by day", description: "Three days." };

#[test]
fn bars_stand_on_each_other() {
    let labels = ["1", "", "3"].map(str::to_owned);
    let series = [
        Series { class: "passed", values: &[10, 0, 4] },
        Series { class: "forged", values: &[2, 0, 1_000_000] },
    ];
    let number = |number: u64| number.to_string();
    let bars = StackedBars { labels: &labels, series: &series, number: &number };
    insta::assert_snapshot!(pretty(&bars.draw(WORDS).into_string()));
}

#[test]
fn a_way_has_stations_behind_and_ahead() {
    let line = ProgressLine { stations: &["Start", "Middle", "End"], at: Some(1) };
    insta::assert_snapshot!(pretty(&line.draw(WORDS).into_string()));
    let nowhere = ProgressLine { stations: &["Start", "End"], at: None }.draw(WORDS).into_string();
    assert!(!nowhere.contains("here") && !nowhere.contains("behind"), "{nowhere}");
}

#[test]
fn a_line_of_one_word() {
    insta::assert_snapshot!(pretty(&sparkline(&[0, 5, 10], WORDS).into_string()));
    insta::assert_snapshot!(pretty(&meter(0.5, "passed").into_string()));
}

#[test]
fn axes_are_round() {
    for (most, step, top) in
        [(0, 1, 1), (1, 1, 1), (5, 1, 5), (6, 2, 6), (14, 5, 15), (48_213, 10_000, 50_000)]
    {
        let scale = Scale::over(most);
        assert_eq!((scale.step, scale.top()), (step, top), "{most}");
    }
    assert!(Scale::over(u64::MAX).top() >= u64::MAX - 1);
}

proptest! {
    #[test]
    fn every_axis_holds_its_values(most in any::<u64>()) {
        let scale = Scale::over(most);
        prop_assert!(scale.top() >= most);
        prop_assert!((1..=5).contains(&scale.steps));
    }

    #[test]
    fn words_never_become_markup(text in any::<String>()) {
        let words = Words { id: "c", title: &text, description: &text };
        let labels = [text.clone()];
        let number = |_: u64| text.clone();
        let series = [Series { class: "passed", values: &[1] }];
        let charts = [
            StackedBars { labels: &labels, series: &series, number: &number }.draw(words),
            ProgressLine { stations: &[&text], at: Some(0) }.draw(words),
            sparkline(&[1, 2], words),
        ];
        for chart in charts {
            let chart = chart.into_string();
            for (_, rest) in chart.match_indices('<').filter_map(|(at, _)| chart.split_at_checked(at)) {
                let known = ["svg", "title", "desc", "g ", "g>", "line", "text", "rect", "circle", "path", "polyline"];
                let name = rest.trim_start_matches(['<', '/']);
                prop_assert!(known.iter().any(|known| name.starts_with(known)), "{}", chart);
            }
        }
    }

    #[test]
    fn every_coordinate_is_finite(
        values in prop::collection::vec(prop_oneof![any::<u64>(), 0u64..100], 0..40),
        share in any::<f64>(),
        at in any::<Option<usize>>(),
    ) {
        let labels: Vec<_> = values.iter().map(u64::to_string).collect();
        let number = |number: u64| number.to_string();
        let series = [Series { class: "passed", values: &values }, Series { class: "forged", values: &values }];
        let charts = [
            StackedBars { labels: &labels, series: &series, number: &number }.draw(WORDS),
            ProgressLine { stations: &["a", "b"], at }.draw(WORDS),
            ProgressLine { stations: &[], at }.draw(WORDS),
            sparkline(&values, WORDS),
            meter(share, "passed"),
        ];
        for chart in charts {
            let chart = chart.into_string();
            prop_assert!(!chart.contains("NaN") && !chart.contains("inf"), "{}", chart);
            for name in [" x=\"", " y=\"", "width=\"", "height=\"", "cx=\"", "y1=\"", "x2=\""] {
                for rest in chart.split(name).skip(1) {
                    let value: f64 = rest.split('"').next().unwrap().parse().unwrap();
                    prop_assert!((-1.0..=800.0).contains(&value), "{} {}", name, value);
                }
            }
        }
    }
}

/// One element a line.
fn pretty(markup: &str) -> String {
    markup.replace("><", ">\n<")
}
