//! The documents that are made from the program's own tables. `make docs` writes them; this test fails when
//! somebody forgot to.

#![allow(clippy::unwrap_used, reason = "helpers of tests are tests too")]

use std::{env, fmt::Write as _, fs, path::Path};

use ruad::advice::{COSTS, Class, Gate, StepCode, classify::RULES};
use ruad_common::texts::Language;
use ruad_dns::profile::Profile;
use ruad_dns::{Code, Mechanism, Severity};

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
        gives no score then, and the daemon keeps the last known state of that check. What this installation has no data for\n\
        (RPKI without a file of payloads) is unknown and keeps no score back.\n\n\
        The daemon counts a finding, and the end of one, once two examinations agree whose answers cannot be copies of one\n\
        answer. Resolvers keep answers for their TTL, and the answer that there is no record for the negative TTL of the zone\n\
        (RFC 2308): the second look comes after that time, and an earlier one confirms nothing. Scores, `score.fell`,\n\
        certificates, alerts and the other events wait for it. Both TTLs are taken from the answers\n\
        themselves and waited for in full, up to a day. Only the first state of a new domain is believed sooner: after an hour at\n\
        most for records that were found, and after the negative TTL. Until a change is confirmed, `dns_checks` keeps the last\n\
        confirmed status and leaves out findings that cost points and are not confirmed.\n\n\
        ## Where RPKI's data come from\n\n\
        `health.rpki.payloads` is the JSON of validated ROA payloads that rpki-client or Routinator writes. Both keep\n\
        such a file up to date; a client of the RTR protocol (RFC 8210) is not built in, and without a file the check is unknown,\n\
        never a fault. Which routes there\n\
        are (prefix and origin, which RFC 6811 needs) is not in DNS and not in address databases, which cut and merge\n\
        prefixes: `health.rpki.routes` are RIPE's `riswhoisdump.IPv4` and `.IPv6`, unpacked; routes that fewer than ten of its\n\
        peers see are left out. Without routes it is told only that no ROA covers an address. Files older than two days are not\n\
        believed. Both are read at the start, and again within ten minutes when they are replaced.\n\n\
        ## Profiles\n\n\
        A profile is the table of what each code costs; the score can be reproduced from the findings by adding up. `ruad\n\
        check --profile NAME` takes one; the registry sets one for a group or a domain.\n\n\
        This page is made from `crates/dns/src/profile/` by `make docs`.\n"
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
        for (code, covered) in &profile.covers {
            let covered: Vec<_> = covered.iter().map(|code| format!("`{code}`")).collect();
            writeln!(text, "\nWith `{code}`, these cost nothing: {}.", covered.join(", ")).unwrap();
        }
    }
    text += "\n## What reports take off\n\n\
        A plan (`ruad advise`) starts with the points that the findings leave and takes off what reports show, because a perfect\n\
        record whose senders fail is no 5. The owner's mail is that of senders that are known or were approved; shares are those of\n\
        the window that the plan looks at, and the limits are those of `[advice]`. Of the first three only one is due at a time.\n\n\
        | what | when | costs |\n|---|---|---:|\n";
    for cost in COSTS {
        writeln!(text, "| {} | {} | {:.1} |", cost.name, cost.when, f64::from(cost.tenths) / 10.0).unwrap();
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

#[test]
fn steps() {
    let mut text = STEPS.to_owned();
    for gate in Gate::ALL {
        let words = Language::En.find(&format!("stage.gate.{gate}")).unwrap();
        writeln!(text, "| {gate} | {} |", words.replace(['{', '}'], "*")).unwrap();
    }
    text += "\n## The steps, in the order in which they are best done\n\n\
        Words in italics stand for values of the case at hand.\n";
    let word =
        |kind: &str, name: &str| Language::En.find(&format!("stage.{kind}.{name}")).unwrap().to_owned();
    for code in StepCode::ALL {
        let step = Language::En.step(code.as_str()).unwrap();
        let [title, why, how, verified] = [&step.title, &step.why, &step.how, &step.verified]
            .map(|words| words.trim().replace('<', "\\<").replace(['{', '}'], "*"));
        write!(text, "\n### {}\n\n**{title}**\n\n{why}\n\n*How:* {how}\n\n", code.as_str()).unwrap();
        let who = word("who", code.who().name());
        let (effort, risk) = (word("effort", code.effort().name()), word("risk", code.risk().name()));
        write!(text, "*Verified:* {verified}\n\nWho: {who}. Effort: {effort}. Risk: {risk}.\n").unwrap();
    }
    agrees("docs/steps.md", &text);
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

const STEPS: &str = "\
# Steps

What `ruad advise` asks for, and when. A step is *open* when somebody has to do it now, *blocked* when something else comes
first, *done* once DNS or reports show it, *regressed* when it was done and is not any more, and *obsolete* when it does not matter
any more. Who does the open steps one after the other, or all at once, never has to take one back: steps that change the
same record ask for the same new value, or wait for each other.

Advice about a record rests on what DNS says now. What was not answered leads to no advice. Missing reports hold a policy
where it is: no step ever lowers one, and no stage falls because nobody reports.

This page is made from `texts/en/steps.toml` by `make docs`.

## Stages and progress

| stage | when | progress |
|---|---|---|
| unprotected | no policy is in force, or it is `none` and its reports do not come here | 0 % |
| monitoring | `p=none`, and reports come here | 10 %, and 10 % more over the first seven days of reports |
| aligning | `p=none`, and seven days of reports have told who sends | 20 %, and up to 30 % more by the conditions below |
| quarantine | `p=quarantine` is in force | 50 %, and up to 30 % more by the conditions below; at the goal as for reject |
| reject | `p=reject` is in force | 80 %, and up to 15 % more over `days_at_policy` |
| maintained | the goal has stood for `days_at_policy` and nothing is left but upkeep | 100 % |

A policy in force is what receivers apply: with `t=y` one step less than the record says. Each kind of condition counts the
same; of several senders the worst counts. A domain without mail has 80 % in as many parts as there are things to say, and
goes from there to reject and maintained without any report. A domain leaves maintained only when its policy falls below the
goal or the records that protect it need work: a new sender or an old key is upkeep.

## Before a policy is raised

All of these must be met, and the step says which are not. A policy that was reached here once and fell is put back without
waiting for days, messages and recent reports. Where there is little mail the window grows, and days between reports count as
well; once reports reach back `longest_window` days, what was seen has to do if none of the owner's mail fails. The condition
dkim is only for reject, on domains from whose addresses people write (RFC 9989 section 7.4); subdomains only for their
policy. Subdomains whose mail fails keep their policy when that of the domain is raised.

| condition | meaning |
|---|---|
";
