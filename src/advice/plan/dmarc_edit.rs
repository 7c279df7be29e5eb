//! Changes of a DMARC record that leave everything else in it as it is.

use ruad_dns::{dmarc::Policy, tags::Tags};

/// The tags of a record in their order.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Edited {
    tags: Vec<(String, String)>,
}

impl Edited {
    /// A record that says nothing but `p`.
    pub(super) fn fresh(policy: Policy) -> Self {
        Self { tags: vec![("v".into(), "DMARC1".into()), ("p".into(), policy.name().into())] }
    }

    /// A record that is there, as it stands.
    pub(super) fn of(text: &str) -> Self {
        let tags = Tags::parse(text).tags;
        Self { tags: tags.iter().map(|tag| (tag.name.to_owned(), tag.value.to_owned())).collect() }
    }

    /// What can be understood of a record that is not as it should be. `p` is left out when it says nothing.
    pub(super) fn repaired(text: &str) -> Self {
        // Backslashes and quotation marks of a zone file or a web form.
        let text = text.replace(['\\', '"'], "");
        let mut edited = Self { tags: vec![("v".to_owned(), "DMARC1".to_owned())] };
        for tag in Tags::parse(&text).tags {
            let name = tag.name.to_ascii_lowercase();
            let is_new = edited.find(&name).is_none();
            if let Some(value) = valid(&name, tag.value).filter(|_| is_new) {
                edited.tags.push((name, value));
            }
        }
        if let Some(policy) = edited.find("p").map(str::to_owned) {
            edited.remove("p");
            edited.tags.insert(1, ("p".to_owned(), policy));
        }
        edited
    }

    pub(super) fn policy(&self) -> Option<Policy> {
        Policy::named(self.find("p")?)
    }

    pub(super) fn find(&self, name: &str) -> Option<&str> {
        let tag = self.tags.iter().find(|(tag, _)| tag.eq_ignore_ascii_case(name));
        tag.map(|(_, value)| value.as_str())
    }

    /// Says a policy: in its place when it is there, else where one expects it.
    pub(super) fn set_policy(&mut self, name: &str, policy: Policy) {
        let value = policy.name().to_owned();
        if let Some((_, old)) = self.tags.iter_mut().find(|(tag, _)| tag.eq_ignore_ascii_case(name)) {
            *old = value;
            return;
        }
        let before: &[&str] = match name {
            "p" => &["v"],
            "sp" => &["v", "p"],
            _ => &["v", "p", "sp"],
        };
        let is_before = |tag: &String| before.iter().any(|name| tag.eq_ignore_ascii_case(name));
        let place = self.tags.iter().rposition(|(tag, _)| is_before(tag)).map_or(0, |at| at + 1);
        self.tags.insert(place, (name.to_owned(), value));
    }

    pub(super) fn remove(&mut self, name: &str) {
        self.tags.retain(|(tag, _)| !tag.eq_ignore_ascii_case(name));
    }

    /// Adds an address that gets aggregate reports.
    pub(super) fn add_address(&mut self, uri: &str) {
        match self.tags.iter_mut().find(|(tag, _)| tag.eq_ignore_ascii_case("rua")) {
            Some((_, value)) if value.trim().is_empty() => uri.clone_into(value),
            Some((_, value)) => {
                let is_there = value.split(',').any(|one| one.trim().eq_ignore_ascii_case(uri));
                if !is_there {
                    value.push(',');
                    value.push_str(uri);
                }
            }
            None => self.tags.push(("rua".to_owned(), uri.to_owned())),
        }
    }

    /// Adds the addresses of another record.
    pub(super) fn add_addresses_of(&mut self, other: &Self) {
        for uri in other.find("rua").into_iter().flat_map(|uris| uris.split(',')) {
            self.add_address(uri.trim());
        }
    }

    pub(super) fn text(&self) -> String {
        let tags: Vec<_> = self.tags.iter().map(|(name, value)| format!("{name}={value}")).collect();
        tags.join("; ")
    }
}

/// The value when it says something, in its usual form.
fn valid(name: &str, value: &str) -> Option<String> {
    let one_of = |values: &[&str]| {
        let value = value.to_ascii_lowercase();
        values.contains(&value.as_str()).then_some(value)
    };
    match name {
        "p" | "sp" | "np" => Policy::named(value).map(|policy| policy.name().to_owned()),
        "adkim" | "aspf" => one_of(&["r", "s"]).or_else(|| match value.to_ascii_lowercase().as_str() {
            "relaxed" => Some("r".to_owned()),
            "strict" => Some("s".to_owned()),
            _ => None,
        }),
        "psd" => one_of(&["y", "n", "u"]),
        "t" => one_of(&["y", "n"]),
        "fo" => {
            let mut options: Vec<_> =
                value.split([':', ',']).map(|option| option.trim().to_lowercase()).collect();
            options.retain(|option| matches!(option.as_str(), "0" | "1" | "d" | "s"));
            options.dedup();
            if options.iter().any(|option| option == "1") {
                options.retain(|option| option != "0");
            }
            (!options.is_empty()).then(|| options.join(":"))
        }
        "rua" | "ruf" => {
            let mut uris: Vec<String> = Vec::new();
            for uri in value.split([',', ' ']).filter_map(address) {
                if !uris.iter().any(|other| other.eq_ignore_ascii_case(&uri)) {
                    uris.push(uri);
                }
            }
            (!uris.is_empty()).then(|| uris.join(","))
        }
        // Some receivers go by it still, so it is taken out by a step of its own.
        "pct" => value.parse::<u8>().ok().filter(|share| *share < 100).map(|share| share.to_string()),
        _ => None,
    }
}

fn address(text: &str) -> Option<String> {
    let text = text.trim().trim_matches(['<', '>', '\'', '`']);
    let rest = match text.split_once(':') {
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case("mailto") => rest.trim_start_matches('/'),
        Some((scheme, _)) if scheme.eq_ignore_ascii_case("https") => return Some(text.to_owned()),
        Some(_) => return None,
        None => text,
    };
    let rest = rest.split('!').next().unwrap_or_default();
    let (local, domain) = rest.rsplit_once('@')?;
    let is_one =
        !local.is_empty() && domain.contains('.') && ruad_common::domain_name::normalize(domain).is_some();
    is_one.then(|| format!("mailto:{rest}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use ruad_dns::dmarc::Record;

    #[test]
    fn everything_else_stays_where_it_is() {
        let mut edited = Edited::of("v=DMARC1;p=none ;adkim=s; sp=none; rua=mailto:a@b.example;x=y");
        edited.set_policy("p", Policy::Quarantine);
        edited.add_address("mailto:r@c.example");
        assert_eq!(
            edited.text(),
            "v=DMARC1; p=quarantine; adkim=s; sp=none; rua=mailto:a@b.example,mailto:r@c.example; x=y"
        );
        edited.add_address("mailto:R@c.example");
        edited.remove("sp");
        edited.set_policy("np", Policy::Reject);
        edited.set_policy("sp", Policy::Quarantine);
        assert_eq!(
            edited.text(),
            "v=DMARC1; p=quarantine; sp=quarantine; np=reject; adkim=s; rua=mailto:a@b.example,mailto:r@c.example; x=y"
        );
    }

    #[test]
    fn addresses_go_where_there_were_none() {
        let mut edited = Edited::fresh(Policy::Reject);
        edited.add_address("mailto:a@b.example");
        assert_eq!(edited.text(), "v=DMARC1; p=reject; rua=mailto:a@b.example");
        let mut edited = Edited::of("v=DMARC1; rua=; p=none");
        edited.add_address("mailto:a@b.example");
        assert_eq!(edited.text(), "v=DMARC1; rua=mailto:a@b.example; p=none");
        edited.remove("p");
        edited.set_policy("p", Policy::None);
        assert_eq!(edited.text(), "v=DMARC1; p=none; rua=mailto:a@b.example");
    }

    #[test]
    fn what_can_be_understood_is_kept() {
        for (broken, repaired) in [
            ("v=dmarc1; p=Reject; sp=none", "v=DMARC1; p=reject; sp=none"),
            (" v=DMARC1; rua=a@b.example; p=none", "v=DMARC1; p=none; rua=mailto:a@b.example"),
            ("v=DMARC1\\; p=none\\; rua=mailto:a@b.example\\;", "v=DMARC1; p=none; rua=mailto:a@b.example"),
            ("p=none; v=DMARC1; p=reject", "v=DMARC1; p=none"),
            ("v=DMARC1; p=none; adkim=strict; rau=x; pct=50; rf=afrf", "v=DMARC1; p=none; adkim=s; pct=50"),
            ("v=DMARC1; p=deny; sp=quarantine", "v=DMARC1; sp=quarantine"),
            ("v=DMARC1; p=none; sp=no; fo=0:1:d", "v=DMARC1; p=none; fo=1:d"),
            (
                "v=DMARC1; p=none; rua=mailto:a@b.example mailto://c@d.example,junk,mailto:a@b.example!10m",
                "v=DMARC1; p=none; rua=mailto:a@b.example,mailto:c@d.example",
            ),
        ] {
            let text = Edited::repaired(broken).text();
            assert_eq!(text, repaired, "{broken}");
            assert!(Record::parse(&text).is_some(), "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn a_repaired_record_needs_no_repair(rest in "[a-z=;:,@ .%ä0-9]{0,80}") {
            let once = Edited::repaired(&format!("v=DMARC1;{rest}")).text();
            proptest::prop_assert_eq!(&Edited::repaired(&once).text(), &once);
            proptest::prop_assert_eq!(Edited::of(&once).text(), once);
        }
    }
}
