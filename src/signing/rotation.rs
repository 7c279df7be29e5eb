/// What to do from one key to the next, in this order, so that at no time mail is signed with a key that receivers cannot
/// find. `old` is the selector in use, when it is known.
pub fn rotation(domain: &str, selector: &str, old: Option<&str>) -> Vec<String> {
    let old_name = old.map_or_else(|| "the old selector".to_owned(), |old| format!("`{old}`"));
    vec![
        format!(
            "Publish the record at {selector}._domainkey.{domain}. Leave {old_name} as it is, in DNS and in use."
        ),
        format!(
            "Wait until every name server has it: `ruad check {domain} --selector {selector}` shows the key and finds \
             nothing wrong with it. A resolver that was asked before, as yours was just now, may remember for a while that \
             there is none: the last number of your zone's SOA record says how long."
        ),
        format!(
            "Name the selector in the registry, `selectors = [\"{selector}\"]` below the domain, if `ruad serve` watches it: it \
             then sees the key before reports show it."
        ),
        format!(
            "Let your signer use {selector}. {} stays published: mail signed with it is still on its way.",
            capital(&old_name)
        ),
        format!(
            "Wait for reports: within two days they show {selector} with signatures that verify. If they show failures, go \
             back to {old_name}, which is still there."
        ),
        format!(
            "When reports have shown {selector} verify, and none of {old_name}, for more than {KEEP_DAYS} days, take the old record \
             away: empty its key (`p=`), or delete it. Delete its private key everywhere."
        ),
    ]
}

fn capital(text: &str) -> String {
    let mut characters = text.chars();
    characters.next().map(|first| first.to_uppercase().chain(characters).collect()).unwrap_or_default()
}

/// Days for which an old key stays published after reports showed it the last time: mail waits in queues for five days (RFC
/// 5321 section 4.5.4.1), and some receivers verify when it is read.
pub const KEEP_DAYS: u32 = 7;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_old_key_is_the_last_to_go() {
        let steps = rotation("example.com", "new", Some("old"));
        assert_eq!(steps.len(), 6);
        assert!(steps[0].contains("new._domainkey.example.com") && steps[0].contains("Leave `old`"));
        assert!(steps[1].contains("ruad check example.com --selector new"));
        let removal = steps.iter().position(|step| step.contains("delete it")).unwrap();
        assert_eq!(removal, 5);
        assert!(steps[5].contains("more than 7 days"));
        assert!(rotation("example.com", "new", None)[3].contains("The old selector stays published"));
    }
}
