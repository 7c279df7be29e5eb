//! Whose an element is: the report's, or that of an extension (RFC 9990 section 5).
//!
//! The report's own are elements in the namespace of the root element, in any that DMARC has had, and in none: children of
//! RFC 7489 are unqualified, and .NET writes `xmlns=""` on them. Where the root's namespace is not one of DMARC's, its default
//! namespace is the report's, too.

use std::borrow::Cow;

use quick_xml::{escape::unescape, events::BytesStart};

use super::element::prefix;

/// Whose an element is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Owner {
    /// The report's own.
    Report,
    /// That of another vocabulary.
    Other,
    /// Its prefix is not declared, and is not that of the root.
    Undeclared,
}

/// The namespace declarations in force.
#[derive(Debug, Default)]
pub(super) struct Namespaces {
    /// With the depth of the element that declares them, the outermost first.
    declared: Vec<(usize, Declaration)>,
    /// Depth of the element that declared last; 0 when none did.
    innermost: usize,
    /// Elements without a prefix are in a foreign namespace.
    default_is_foreign: bool,
    /// Of the root element.
    root_prefix: String,
    /// Namespaces that are the report's own besides DMARC's.
    own: Vec<String>,
}

/// What one tag declares.
#[derive(Debug, Default)]
pub(super) struct Declared(Vec<Declaration>);

#[derive(Debug)]
struct Declaration {
    /// Empty for the default namespace.
    prefix: String,
    /// Empty where it takes a default namespace back.
    namespace: String,
}

impl Declared {
    pub(super) fn of(tag: &BytesStart<'_>) -> Self {
        let mut declared = Vec::new();
        if memchr::memmem::find(tag.attributes_raw().as_bytes(), b"xmlns").is_none() {
            return Self(declared);
        }
        for attribute in tag.attributes().with_checks(false).filter_map(Result::ok) {
            let prefix = match attribute.key.into_inner() {
                "xmlns" => "",
                key => match key.strip_prefix("xmlns:") {
                    Some(prefix) => prefix,
                    None => continue,
                },
            };
            // Namespaces are compared after references are replaced (Namespaces in XML 1.0 section 2.3).
            let namespace = unescape(&attribute.value).unwrap_or(Cow::Borrowed(&attribute.value));
            declared.push(Declaration { prefix: prefix.to_owned(), namespace: namespace.trim().to_owned() });
        }
        Self(declared)
    }

    fn find(&self, prefix: &str) -> Option<&str> {
        let found = self.0.iter().rev().find(|declaration| declaration.prefix == prefix);
        found.map(|declaration| declaration.namespace.as_str())
    }
}

impl Namespaces {
    /// Takes the root's namespaces for the report's own; gives that of the root element.
    pub(super) fn root(&mut self, name: &str, declared: &Declared) -> Option<String> {
        let prefix = prefix(name);
        prefix.clone_into(&mut self.root_prefix);
        let named = |prefix| declared.find(prefix).filter(|name| !name.is_empty()).map(str::to_owned);
        let namespace = named(prefix);
        let default = named("").filter(|_| !namespace.as_deref().is_some_and(is_dmarc));
        self.own = namespace.iter().cloned().chain(default).collect();
        namespace
    }

    /// Keeps what an element at this depth declares; false when more than `most` are in force.
    #[must_use]
    pub(super) fn enter(&mut self, declared: Declared, depth: usize, most: usize) -> bool {
        if !declared.0.is_empty() {
            self.declared.extend(declared.0.into_iter().map(|declaration| (depth, declaration)));
            self.settle();
        }
        self.declared.len() <= most
    }

    /// Forgets what was declared below this depth.
    #[inline]
    pub(super) fn leave(&mut self, depth: usize) {
        if self.innermost > depth {
            self.forget(depth);
        }
    }

    #[inline]
    pub(super) fn is_default_foreign(&self) -> bool {
        self.default_is_foreign
    }

    pub(super) fn owner(&self, name: &str, declared: &Declared) -> Owner {
        let prefix = prefix(name);
        match self.of(prefix, declared) {
            Some(namespace) if self.is_own(namespace) => Owner::Report,
            Some(_) => Owner::Other,
            None if prefix.is_empty() || prefix == self.root_prefix => Owner::Report,
            None => Owner::Undeclared,
        }
    }

    /// The namespace of a prefix; empty where a default namespace was taken back.
    pub(super) fn of<'a>(&'a self, prefix: &str, declared: &'a Declared) -> Option<&'a str> {
        declared.find(prefix).or_else(|| {
            let found = self.declared.iter().rev().find(|(_, declaration)| declaration.prefix == prefix);
            found.map(|(_, declaration)| declaration.namespace.as_str())
        })
    }

    #[cold]
    fn forget(&mut self, depth: usize) {
        self.declared.retain(|(declared_at, _)| *declared_at <= depth);
        self.settle();
    }

    fn settle(&mut self) {
        self.innermost = self.declared.last().map_or(0, |(depth, _)| *depth);
        let nothing = Declared::default();
        let default = self.of("", &nothing);
        self.default_is_foreign = default.is_some_and(|namespace| !self.is_own(namespace));
    }

    fn is_own(&self, namespace: &str) -> bool {
        namespace.is_empty() || self.own.iter().any(|own| own == namespace) || is_dmarc(namespace)
    }
}

fn is_dmarc(namespace: &str) -> bool {
    let starts_with =
        |start: &str| namespace.get(..start.len()).is_some_and(|found| found.eq_ignore_ascii_case(start));
    DMARC.iter().any(|start| starts_with(start))
}

/// How the namespaces of RFC 7489 appendix C and RFC 9990 appendix A begin, of every version and draft.
const DMARC: [&str; 3] =
    ["http://dmarc.org/dmarc-xml/", "https://dmarc.org/dmarc-xml/", "urn:ietf:params:xml:ns:dmarc-"];
