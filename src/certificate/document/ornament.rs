//! What makes it look like a certificate: lines of the kind that bank notes have, and a seal.

use std::fmt::Write as _;

/// Ellipses turned around a middle, `width` and `height` being their half axes.
pub(super) fn rosette(x: f64, y: f64, width: f64, height: f64, count: u32) -> String {
    let mut out = String::new();
    for number in 0..count {
        let angle = 180.0 * f64::from(number) / f64::from(count);
        // Writing to a string does not fail.
        write!(
            out,
            "<ellipse cx=\"{x}\" cy=\"{y}\" rx=\"{width}\" ry=\"{height}\" transform=\"rotate({angle:.2} {x} {y})\"/>"
        )
        .unwrap_or_default();
    }
    out
}

/// A seal in a square of 120, around its middle. Its parts have classes, which say what colours they have.
pub(super) fn seal() -> String {
    let edge: String = (0..72)
        .map(|number| {
            let angle = f64::from(number) * std::f64::consts::TAU / 72.0;
            let radius = if number % 2 == 0 { 58.0 } else { 54.5 };
            let letter = if number == 0 { 'M' } else { 'L' };
            format!("{letter}{:.1} {:.1}", radius * angle.sin(), -radius * angle.cos())
        })
        .collect();
    format!(
        "<path class=\"edge\" d=\"{edge}Z\"/><circle class=\"ring\" r=\"49\"/><circle class=\"ring thin\" r=\"45.5\"/>\
         <path class=\"shield\" d=\"M0 -33 L25 -24 V-3 C25 14 13 26 0 33 C-13 26 -25 14 -25 -3 V-24 Z\"/>\
         <path class=\"tick\" d=\"M-11.5 -1.5 L-3.5 7 L12 -10\"/>"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn turns_go_half_around() {
        let text = rosette(10.0, 20.0, 5.0, 2.0, 4);
        let angles: Vec<_> =
            text.split("rotate(").skip(1).filter_map(|rest| rest.split(' ').next()).collect();
        assert_eq!(angles, ["0.00", "45.00", "90.00", "135.00"]);
    }
}
