//! The documents that are made from the program's own tables. `make docs` writes them; this test fails when
//! somebody forgot to.

#![allow(clippy::unwrap_used, reason = "helpers of tests are tests too")]

use std::{env, fmt::Write as _, fs, path::Path};

use ruad::{
    advice::{Class, classify::RULES},
    dns::{Code, Mechanism, Severity},
    health::Profile,
    texts::Language,
};

#[test]
fn findings() {
    let mut text = "# Findings\n\n\
        What `ruad check` and the scheduled checks can find, by mechanism. The codes are stable: metrics, tables and\n\
        alerts refer to them. An **error** means that mail is lost or can be forged, or that what was meant is not in\n\
        force; a **warning** that something is weak or about to break; **info** is worth knowing.\n\n\
        A question that no name server answered is never a finding: the check is `unknown` then, and the last known state\n\
        holds.\n\n\
        This page is made from `texts/en/findings/` by `make docs`.\n"
        .to_owned();
    for mechanism in Mechanism::ALL {
        write!(text, "\n## {}\n", mechanism.title()).unwrap();
        for code in codes(mechanism) {
            let words = code.text().unwrap();
            write!(text, "\n### {}\n\n**{}** ({})\n\n", code.name, words.title, severity(code)).unwrap();
            let [why, change] = [&words.why, &words.change].map(|words| words.trim().replace('<', "\\<"));
            write!(text, "{why}\n\n*What to change:* {change}\n").unwrap();
        }
    }
    agrees("docs/findings.md", &text);
}

#[test]
fn score() {
    let mut text = "# The score\n\n\
        A domain's score is what is left of 5 points after each finding's cost, in steps of a tenth and never below 0. A code costs\n\
        its points once, however often it was found. What could not be told costs nothing and improves nothing: `ruad check`\n\
        gives no score then, and the daemon keeps the last known state of that check.\n\n\
        A profile is the table of what each code costs; the score can be reproduced from the findings by adding up. `ruad\n\
        check --profile NAME` takes one; the registry sets one for a group or a domain.\n\n\
        This page is made from `src/health/profile/` by `make docs`.\n"
        .to_owned();
    for profile in Profile::all() {
        write!(text, "\n## {}\n\nFor {}.\n\n", profile.name, profile.title).unwrap();
        text += "| finding | severity | costs |\n|---|---|---:|\n";
        for mechanism in Mechanism::ALL {
            for code in codes(mechanism) {
                let points = profile.points(code);
                if points > 0.0 {
                    let name = code.name;
                    writeln!(
                        text,
                        "| [{name}](findings.md#{}) | {} | {points:.1} |",
                        anchor(name),
                        severity(code)
                    )
                    .unwrap();
                }
            }
        }
    }
    agrees("docs/score.md", &text);
}

#[test]
fn senders() {
    let mut text = "# Senders\n\n\
        Everybody who sends in a domain's name is held for one of five things, by the first of the rules below that fits. The\n\
        names are stable: tables and metrics refer to them. To take an owner's mail for forged is the error that does harm, so\n\
        whoever ever passes, or comes back from the same few addresses, is never held for a forger; what is left over is\n\
        undecided, which stops nothing but the rise of the policy. The owner's word, in the registry or by `ruad source`, comes\n\
        before every rule.\n\n\
        A sender is a known service (`service:<id>` of `config/sources.toml`) or a network: `net:AS<number>/<end of its confirmed\n\
        reverse names>`, `net:AS<number>`, `net:<end of its reverse names>` or `net:<addresses>`, as far as is known. Networks of\n\
        hosters, providers and universities have many customers and are told as networks. A domain has at most 100; the least\n\
        of those about whom nothing is known are `net:others`.\n\n\
        This page is made from `texts/en/sender.toml` by `make docs`.\n\n## Classes\n\n"
        .to_owned();
    for class in Class::ALL {
        writeln!(
            text,
            "- `{}` ({}): {}",
            class.name(),
            class.title(Language::En),
            class.meaning(Language::En)
        )
        .unwrap();
    }
    text += "\n## Rules, in their order\n\n";
    for rule in RULES {
        writeln!(text, "1. `{}`: {}", rule.0, rule.sentence(Language::En)).unwrap();
    }
    agrees("docs/senders.md", &text);
}

fn codes(mechanism: Mechanism) -> impl Iterator<Item = Code> {
    Code::all().filter(move |code| code.name.split('.').next() == Some(mechanism.name()))
}

fn severity(code: Code) -> &'static str {
    match code.severity {
        Severity::Info => "info",
        Severity::Warning => "warning",
        Severity::Error => "error",
    }
}

/// The name that a heading has in a link.
fn anchor(heading: &str) -> String {
    heading.replace('.', "")
}

fn agrees(file: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    if env::var_os("RUAD_WRITE_DOCS").is_some() {
        fs::write(&path, text).unwrap();
    }
    let there = fs::read_to_string(&path).unwrap_or_default();
    assert!(there == text, "{file} is out of date: run `make docs`");
}
