use serde::{Deserialize, Serialize};

/// How a customer sets a service up for a domain of their own.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct Setup {
    /// What of its mail can be aligned.
    pub aligns: Aligns,
    /// The term that the domain's SPF record needs, as it is written there; none when it needs none, or one that is each
    /// customer's own.
    pub spf: Option<String>,
    /// Where DKIM with the customer's domain is switched on; sentences in English.
    pub dkim: String,
    /// Where that is written down: an address of the service's own pages.
    pub link: Option<String>,
}

/// What of a service's mail can be aligned with a customer's domain (RFC 9989 section 4.4).
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Aligns {
    /// SPF and DKIM, once it is set up.
    Both,
    /// DKIM alone: the return path stays the service's.
    Dkim,
    /// DKIM, and SPF as well once a return path of the customer's own is set up.
    ReturnPath,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sources::{Catalog, Category, Service};

    #[test]
    fn the_largest_senders_say_how_they_are_set_up() {
        let catalog = Catalog::built_in().unwrap();
        let known: Vec<_> =
            catalog.services().iter().filter_map(|one| Some((one, one.setup.as_ref()?))).collect();
        assert!(known.len() >= 40, "{}", known.len());
        for (Service { id, category, .. }, setup) in known {
            let Setup { spf, dkim, link, aligns: _ } = setup;
            assert!(dkim.len() > 40 && dkim.ends_with('.') && dkim.trim() == dkim, "{id}: {dkim:?}");
            assert!(link.as_ref().is_none_or(|link| link.starts_with("https://")), "{id}: {link:?}");
            // What customers add is what customers of the service are known by.
            if let Some(spf) = spf {
                let included = spf.strip_prefix("include:").and_then(|domain| catalog.included(domain));
                assert_eq!(included.map(|service| &service.id), Some(id), "{spf}");
            }
            assert!(!matches!(category, Category::Forwarder | Category::List), "{id} cannot be set up");
        }
        for id in ["google", "microsoft-365", "sendgrid", "mailchimp", "amazon-ses", "zendesk", "mimecast"] {
            assert!(catalog.service(id).unwrap().setup.is_some(), "{id}");
        }
    }
}
