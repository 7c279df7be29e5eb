use ruad_common::domain_name::is_within;

/// Whether a name is one that DNS does not have (RFC 6761 and its registry). Resolvers answer for these by themselves and
/// without proof, so that nothing can be told from what they say. `example` is not among them: it is asked for as any other.
pub(crate) fn is_special_use(name: &str) -> bool {
    NAMES.iter().any(|special| is_within(name, special))
}

const NAMES: [&str; 8] = ["alt", "home.arpa", "internal", "invalid", "local", "localhost", "onion", "test"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_dns_does_not_have() {
        for (name, is_special) in [
            ("ms12345678.msv1.invalid", true),
            ("invalid", true),
            ("mail.acme.local", true),
            ("mx.home.arpa", true),
            ("mx.arpa", false),
            ("mx.domain.example", false),
            ("notinvalid", false),
            ("test.example.com", false),
        ] {
            assert_eq!(is_special_use(name), is_special, "{name}");
        }
    }
}
