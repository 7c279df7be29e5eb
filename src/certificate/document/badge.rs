use super::{
    escape,
    words::{Words, display},
};
use crate::certificate::Standing;
use ruad_common::texts::Language;

/// What a badge says.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Sign<'a> {
    /// How the certificate of a domain stands.
    Of(&'a str, Standing),
    /// There is no such certificate.
    Unknown,
    /// Nobody can tell now.
    Away,
}

/// A small SVG for a website. It needs no style of the page around it and looks the same on light and dark ones.
pub fn badge(sign: Sign<'_>, language: Language) -> String {
    let words = Words(language);
    let (state, is_valid) = match sign {
        Sign::Of(_, Standing::Valid { .. }) => ("certificate.badge_valid", true),
        Sign::Of(_, Standing::Void { .. }) => ("certificate.badge_void", false),
        Sign::Of(_, Standing::Unconfirmed) | Sign::Away => ("certificate.badge_unconfirmed", false),
        Sign::Unknown => ("certificate.badge_unknown", false),
    };
    let state = words.say(state);
    let domain = match sign {
        Sign::Of(domain, _) => display(domain),
        _ => String::new(),
    };
    let label = match domain.as_str() {
        "" => format!("{}: {state}", words.say("certificate.badge")),
        domain => words.tell("certificate.badge_label", &[("domain", domain), ("state", state)]),
    };
    let (size, shown) = fit(&domain);
    let [field, light, mark, ink, line] = if is_valid { VALID } else { OTHER };
    let sign = if is_valid { TICK } else { DASH };
    let [kind, domain, state, label] = [words.say("certificate.badge"), &shown, state, &label].map(escape);
    let heading = match domain.is_empty() {
        true => format!(
            "<text x=\"78\" y=\"33\" font-size=\"13\" font-weight=\"600\" fill=\"{ink}\">{kind}</text>"
        ),
        false => format!(
            "<text x=\"78\" y=\"22\" font-size=\"10.5\" fill=\"#56616c\">{kind}</text>\
             <text x=\"78\" y=\"41\" font-size=\"{size}\" font-weight=\"600\" fill=\"{ink}\">{domain}</text>"
        ),
    };
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"264\" height=\"72\" viewBox=\"0 0 264 72\" role=\"img\" \
         aria-label=\"{label}\" lang=\"{language}\" font-family=\"'Segoe UI',Roboto,Helvetica,Arial,sans-serif\">\
         <title>{label}</title>\
         <rect x=\".5\" y=\".5\" width=\"263\" height=\"71\" rx=\"9\" fill=\"#fffdf8\" stroke=\"{line}\"/>\
         <path d=\"M9.5 .5H64V71.5H9.5A9 9 0 0 1 .5 62.5V9.5A9 9 0 0 1 9.5 .5Z\" fill=\"{field}\"/>\
         <g transform=\"translate(32.5 36)\"><g fill=\"none\" stroke=\"{light}\" stroke-width=\".7\" opacity=\".55\">{rosette}</g>\
         <path d=\"M0 -21 L16 -15.5 V-2 C16 9 8.5 16.5 0 21 C-8.5 16.5 -16 9 -16 -2 V-15.5 Z\" fill=\"{field}\" \
         stroke=\"{light}\" stroke-width=\"1.8\" stroke-linejoin=\"round\"/>\
         <path d=\"{sign}\" fill=\"none\" stroke=\"#fff\" stroke-width=\"3.2\" stroke-linecap=\"round\" \
         stroke-linejoin=\"round\"/></g>\
         {heading}\
         <circle cx=\"82\" cy=\"55.5\" r=\"4\" fill=\"{mark}\"/>\
         <text x=\"92\" y=\"59.5\" font-size=\"11.5\" fill=\"{ink}\">{state}</text></svg>\n",
        rosette = super::ornament::rosette(0.0, 0.0, 30.0, 17.0, 8),
    )
}

/// How large a name can be written, and what of it when it is too long for that: its end tells whose it is.
fn fit(domain: &str) -> (f64, String) {
    let length = domain.chars().count();
    if length <= LONGEST {
        let size = (WIDTH / (length.max(1) as f64 * WIDE)).clamp(9.0, 15.5);
        return ((size * 2.0).floor() / 2.0, domain.to_owned());
    }
    let end: String = domain.chars().skip(length - LONGEST + 1).collect();
    (9.0, format!("…{end}"))
}

/// Field, lines on it, the dot, text and edge.
const VALID: [&str; 5] = ["#16324a", "#d9bd77", "#1c7a4c", "#16263a", "#c9b27c"];
const OTHER: [&str; 5] = ["#6a7078", "#c3c7cc", "#7d838b", "#434a52", "#c3c7cc"];

const TICK: &str = "M-7.5 -1 L-2.2 4.7 L8 -6.5";
const DASH: &str = "M-7 -1 H7";

/// Room for the name, the width of a letter in parts of its size, and how many of the smallest have room.
const WIDTH: f64 = 174.0;
const WIDE: f64 = 0.56;
const LONGEST: usize = 34;

#[cfg(test)]
mod tests {
    use super::*;

    const VALID_NOW: Standing = Standing::Valid { confirmed_at: 0 };

    #[test]
    fn it_says_how_it_stands() {
        let says = |sign, text| {
            let badge = badge(sign, Language::En);
            assert!(badge.contains(text), "{badge}");
            badge.contains(VALID[2])
        };
        assert!(says(Sign::Of("a.example", VALID_NOW), "DMARC 5/5"));
        assert!(!says(Sign::Of("a.example", Standing::Void { since: None }), "No longer valid"));
        assert!(!says(Sign::Of("a.example", Standing::Unconfirmed), "Not confirmed"));
        assert!(!says(Sign::Unknown, "No such certificate"));
        assert!(!says(Sign::Away, "Not confirmed"));
        assert!(badge(Sign::Of("a.example", VALID_NOW), Language::Nl).contains("E-mailauthenticatie"));
    }

    #[test]
    fn a_long_name_fits_and_keeps_its_end() {
        assert_eq!(fit("a.example"), (15.5, "a.example".to_owned()));
        let (size, name) = fit("department.customer.example.com");
        assert!(size < 11.0 && name.len() == 31, "{size}");
        let (size, name) = fit(&format!("{}.customer.example", "a".repeat(200)));
        assert!(size == 9.0 && name.chars().count() == LONGEST && name.ends_with(".customer.example"));
    }
}
