use std::fmt::Write as _;

use super::{
    escape,
    ornament::{rosette, seal},
    words::{Words, display},
};
use crate::certificate::{Certificate, Statement};
use ruad_common::texts::{Language, fill};

/// The certificate as a picture of A4 across: one file without anything around it, the signed statement inside.
pub fn drawing(certificate: &Certificate, language: Language) -> String {
    let words = Words(language);
    let statement = certificate.statement();
    let domain = display(&statement.domain);
    let size = (ROOM / (domain.chars().count().max(1) as f64 * WIDE)).clamp(SMALLEST, LARGEST).floor();
    let values = [
        ("title", escape(&words.tell("certificate.title", &[("domain", &domain)]))),
        ("block", certificate.to_string()),
        ("guilloche", guilloche()),
        ("seal", seal()),
        ("kind", escape(&words.kind().to_uppercase())),
        ("size", size.to_string()),
        ("domain", escape(&shortened(&domain, MOST_LETTERS))),
        ("lead", lead(&words.lead(statement, &shortened(&domain, MOST_IN_SENTENCE)))),
        ("facts", facts(words, statement)),
        ("foot", foot(words, statement)),
    ];
    fill(DRAWING, |name| match name {
        "lang" => Some(language.code()),
        "style" => Some(STYLE.trim_end()),
        _ => values.iter().find(|(known, _)| *known == name).map(|(_, value)| value.as_str()),
    })
}

/// The longest names there can be do not fit on a page in any size; the statement has them whole.
fn shortened(domain: &str, most: usize) -> String {
    let length = domain.chars().count();
    match length > most {
        // The end tells more: it says whose it is.
        true => {
            domain.chars().take(most / 4).chain(['…']).chain(domain.chars().skip(length - most / 2)).collect()
        }
        false => domain.to_owned(),
    }
}

fn lead(text: &str) -> String {
    let lines = wrap(text, LINE);
    let mut out = String::new();
    for (number, line) in lines.iter().enumerate() {
        let y = 346 + 30 * number;
        // Writing to a string does not fail.
        writeln!(out, "<text class=\"lead\" x=\"594\" y=\"{y}\">{}</text>", escape(line)).unwrap_or_default();
    }
    out
}

/// Two columns, side by side.
fn facts(words: Words, statement: &Statement) -> String {
    let mut out = String::new();
    for (number, (name, value)) in words.facts(statement).into_iter().enumerate() {
        let (left, y) = (if number % 2 == 0 { 110 } else { 614 }, 502 + 42 * (number / 2));
        let (right, line) = (left + 464, y + 14);
        let [name, value] = [name, &value].map(escape);
        writeln!(
            out,
            "<text class=\"name\" x=\"{left}\" y=\"{y}\">{name}</text>\
             <text class=\"value\" x=\"{right}\" y=\"{y}\">{value}</text>\
             <path class=\"line\" d=\"M{left} {line}H{right}\"/>"
        )
        .unwrap_or_default();
    }
    out
}

fn foot(words: Words, statement: &Statement) -> String {
    let [number, issued, issuer, check] =
        ["certificate.number", "certificate.issued", "certificate.issuer", "certificate.check"]
            .map(|key| escape(words.say(key)));
    let (serial, date) = (statement.serial.grouped(), words.date(statement.issued));
    let (host, url) = (statement.address.host(), statement.url());
    format!(
        "<text class=\"name\" x=\"110\" y=\"694\">{number}</text><text class=\"small serial\" x=\"110\" y=\"717\">{serial}</text>\n\
         <text class=\"name\" x=\"614\" y=\"694\">{check}</text><text class=\"small\" x=\"614\" y=\"717\">{url}</text>\n\
         <text class=\"name\" x=\"110\" y=\"746\">{issued}</text><text class=\"small\" x=\"110\" y=\"769\">{date}</text>\n\
         <text class=\"name\" x=\"614\" y=\"746\">{issuer}</text><text class=\"small\" x=\"614\" y=\"769\">{host}</text>\n"
    )
}

fn wrap(text: &str, width: usize) -> Vec<String> {
    // Lines of about the same length look better in the middle than full ones and a rest.
    let length = text.chars().count();
    let wanted = length.div_ceil(length.div_ceil(width).max(1)) + 3;
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.is_empty() => line.push_str(word),
            Some(line) if line.chars().count() + 1 + word.chars().count() <= wanted => {
                line.extend([" ", word]);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

fn guilloche() -> String {
    let corners = [(30.0, 30.0), (1158.0, 30.0), (30.0, 810.0), (1158.0, 810.0)];
    let corners = corners.map(|(x, y)| rosette(x, y, 170.0, 108.0, 16));
    [rosette(594.0, 420.0, 390.0, 224.0, 30), corners.concat()].concat()
}

const DRAWING: &str = include_str!("drawing.svg");
const STYLE: &str = include_str!("drawing.css");

/// Room for the name, the width of a letter in parts of its size, and the sizes there are.
const ROOM: f64 = 960.0;
const WIDE: f64 = 0.56;
const SMALLEST: f64 = 22.0;
const LARGEST: f64 = 60.0;
const MOST_LETTERS: usize = 78;
const MOST_IN_SENTENCE: usize = 50;

/// Letters in a line of the sentence.
const LINE: usize = 92;

#[cfg(test)]
mod tests {
    use super::{super::super::seal::tests::certificate, *};

    #[test]
    fn the_certificate_is_in_it_and_no_placeholder() {
        let certificate = certificate();
        for language in Language::ALL {
            let drawing = drawing(&certificate, language);
            assert_eq!(Certificate::find(&drawing), Ok(certificate.clone()));
            let text = drawing.replace(STYLE.trim_end(), "");
            assert!(!text.contains(['{', '}']) && !text.contains("certificate."), "{text}");
            for word in ["<script", "<image", "href", "url(", "style=", "http://"] {
                let text = text.replace("xmlns=\"http://www.w3.org/2000/svg\"", "");
                assert!(!text.contains(word), "{word}");
            }
        }
    }

    #[test]
    fn it_can_be_read_as_xml() {
        let drawing = drawing(&certificate(), Language::Nl);
        let mut reader = quick_xml::Reader::from_str(&drawing);
        let (mut depth, mut elements) = (0_i32, 0);
        loop {
            match reader.read_event().unwrap() {
                quick_xml::events::Event::Start(_) => (depth, elements) = (depth + 1, elements + 1),
                quick_xml::events::Event::End(_) => depth -= 1,
                quick_xml::events::Event::Empty(_) => elements += 1,
                quick_xml::events::Event::Eof => break,
                _ => {}
            }
        }
        assert!(depth == 0 && elements > 50);
    }

    #[test]
    fn lines_are_of_about_the_same_length() {
        let text = "word ".repeat(50);
        let lines = wrap(&text, 92);
        assert_eq!(lines.len(), 3);
        assert!(lines.iter().all(|line| line.len() > 70 && line.len() <= 92), "{lines:?}");
        assert_eq!(wrap(&"a".repeat(300), 92).len(), 1);
        assert_eq!(wrap("", 92), [""]);
    }
}
