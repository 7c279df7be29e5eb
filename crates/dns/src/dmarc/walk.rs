//! The tree walk (RFC 9989 section 4.10): which records govern a name, and which domain is its organization's.

use super::record::{PublicSuffix, Record, VERSION};
use crate::{Answer, Resolver, Text, Trouble, check::Unanswered, versioned::Texts};
use ruad_common::domain_name::parents;

/// The records on the way from a name to the top, which is at most eight questions long.
#[derive(Clone, Debug)]
pub(super) struct Walk {
    /// Every name that was asked for, in this order, the longest first.
    pub(super) steps: Vec<Step>,
    /// The question that ended the walk because nobody answered it.
    pub(super) unanswered: Option<Unanswered>,
}

/// What one name answered.
#[derive(Clone, Debug)]
pub(super) struct Step {
    pub(super) domain: String,
    pub(super) texts: Texts,
    /// The record, when there is exactly one: several are all discarded.
    pub(super) record: Option<Record>,
    /// The name that holds the records, when `_dmarc` is an alias of it.
    pub(super) alias: Option<String>,
}

/// The organizational domain of `name` (RFC 9989 section 4.10.2): the name itself when no record is found.
///
/// # Errors
///
/// The question that nobody answered.
pub async fn organization(resolver: &Resolver, name: &str) -> Result<String, Unanswered> {
    let walk = Walk::from(resolver, name).await;
    match walk.unanswered {
        Some(unanswered) => Err(unanswered),
        None => Ok(walk.organization(name)),
    }
}

impl Walk {
    /// Walks up from `name`, which is asked for itself.
    pub(super) async fn from(resolver: &Resolver, name: &str) -> Self {
        Self::through(resolver, route(name)).await
    }

    /// Walks up from a name below `domain` that has no record of its own.
    pub(super) async fn from_below(resolver: &Resolver, domain: &str) -> Self {
        let below = format!("x.{domain}");
        Self::through(resolver, route(&below).skip(1)).await
    }

    async fn through(resolver: &Resolver, route: impl Iterator<Item = &str>) -> Self {
        let mut walk = Self { steps: Vec::new(), unanswered: None };
        for domain in route {
            let name = format!("_dmarc.{domain}");
            let answer = resolver.txt(&name).await;
            // Where no name fits there is no record either.
            if let Some(trouble) = answer.trouble().filter(|trouble| *trouble != Trouble::BadName) {
                walk.unanswered = Some(Unanswered { name, trouble });
                break;
            }
            let step = Step::new(domain, &answer);
            let is_last = step.psd() != PublicSuffix::Undetermined;
            walk.steps.push(step);
            if is_last {
                break;
            }
        }
        walk
    }

    /// The organizational domain of `name`, from which the walk began or would have.
    pub(super) fn organization(&self, name: &str) -> String {
        let Some(last) = self.found().next_back() else { return name.to_owned() };
        match last.psd() {
            PublicSuffix::Yes if last.domain != name => {
                let labels = label_count(&last.domain) + 1;
                parents(name).find(|parent| label_count(parent) == labels).unwrap_or(name).to_owned()
            }
            _ => last.domain.clone(),
        }
    }

    /// The step whose record governs the names below the first step: that of the organizational domain, else that of
    /// the public suffix (RFC 9989 section 4.10.1).
    pub(super) fn governing(&self) -> Option<&Step> {
        let last = self.found().next_back()?;
        if last.psd() != PublicSuffix::Yes {
            return Some(last);
        }
        let labels = label_count(&last.domain) + 1;
        self.found().find(|step| label_count(&step.domain) == labels).or(Some(last))
    }

    fn found(&self) -> impl DoubleEndedIterator<Item = &Step> {
        self.steps.iter().filter(|step| step.record.is_some())
    }
}

impl Step {
    fn new(domain: &str, answer: &Answer<Text>) -> Self {
        let texts = VERSION.sort(answer.records());
        let record = match texts.records.as_slice() {
            [text] => Record::parse(text),
            _ => None,
        };
        let alias = match answer {
            Answer::Found(found) => found.alias.clone(),
            _ => None,
        };
        Self { domain: domain.to_owned(), texts, record, alias }
    }

    /// The name of the records.
    pub(super) fn name(&self) -> String {
        format!("_dmarc.{}", self.domain)
    }

    fn psd(&self) -> PublicSuffix {
        self.record.as_ref().map(|record| record.psd).unwrap_or_default()
    }
}

pub(super) fn label_count(name: &str) -> usize {
    name.split('.').count()
}

/// The names that are asked for: a long one is cut to seven labels after the first question.
fn route(name: &str) -> impl Iterator<Item = &str> {
    let above = parents(name).skip(1).filter(|parent| label_count(parent) <= MOST_LABELS_ABOVE);
    std::iter::once(name).chain(above)
}

pub(super) const MOST_LABELS_ABOVE: usize = 7;

#[cfg(test)]
mod tests {
    use super::*;

    /// A walk that found these records.
    fn walk(found: &[(&str, &str)]) -> Walk {
        let step = |(domain, text): &(&str, &str)| Step {
            domain: (*domain).to_owned(),
            texts: Texts::default(),
            record: Record::parse(text),
            alias: None,
        };
        Walk { steps: found.iter().map(step).collect(), unanswered: None }
    }

    #[test]
    fn at_most_eight_questions() {
        let long = "a.b.c.d.e.f.g.h.i.j.mail.example.com";
        let asked: Vec<_> = route(long).collect();
        assert_eq!(asked.len(), 8);
        assert_eq!(asked[..2], [long, "g.h.i.j.mail.example.com"]);
        assert_eq!(asked[7], "com");
        assert_eq!(route("a.b.c.d.e.f.g.com").nth(1), Some("b.c.d.e.f.g.com"));
        assert_eq!(route("b.c.d.e.f.g.com").count(), 7);
        assert_eq!(route("com").collect::<Vec<_>>(), ["com"]);
    }

    #[test]
    fn whose_organization() {
        const PLAIN: &str = "v=DMARC1; p=none";
        const SUFFIX: &str = "v=DMARC1; p=none; psd=y";
        const OWN: &str = "v=DMARC1; p=none; psd=n";
        for (name, found, organization, governing) in [
            ("a.b.example", vec![], "a.b.example", None),
            ("a.b.example", vec![("b.example", PLAIN)], "b.example", Some("b.example")),
            (
                "a.b.example",
                vec![("a.b.example", PLAIN), ("b.example", PLAIN)],
                "b.example",
                Some("b.example"),
            ),
            ("a.b.example", vec![("a.b.example", OWN)], "a.b.example", Some("a.b.example")),
            ("a.b.example", vec![("example", SUFFIX)], "b.example", Some("example")),
            ("a.b.example", vec![("a.b.example", PLAIN), ("example", SUFFIX)], "b.example", Some("example")),
            ("a.b.example", vec![("b.example", PLAIN), ("example", SUFFIX)], "b.example", Some("b.example")),
            ("b.example", vec![("b.example", SUFFIX)], "b.example", Some("b.example")),
        ] {
            let walk = walk(&found);
            assert_eq!(walk.organization(name), organization, "{name} {found:?}");
            assert_eq!(walk.governing().map(|step| step.domain.as_str()), governing, "{name} {found:?}");
        }
    }
}
