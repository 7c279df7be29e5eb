/// Redacts a field that holds one address.
pub(super) fn address(address: &mut String) {
    if address.contains('@') {
        text(address);
    } else if !address.contains('.') && !address.is_empty() {
        // A local part alone: a host name would have a dot.
        MARKER.clone_into(address);
    }
}

/// Redacts the local part of every address in a text.
pub(super) fn text(text: &mut String) {
    if !text.contains('@') {
        return;
    }
    let mut redacted = String::with_capacity(text.len());
    let mut rest = text.as_str();
    while let Some((before, after)) = rest.split_once('@') {
        match local_start(before).filter(|_| is_domain(after)) {
            Some(start) => {
                redacted.push_str(before.split_at(start).0);
                redacted.push_str(MARKER);
            }
            None => redacted.push_str(before),
        }
        redacted.push('@');
        rest = after;
    }
    redacted.push_str(rest);
    *text = redacted;
}

/// Where the local part begins that ends a text; `None` when there is none (RFC 5322 section 3.4.1, RFC 6532).
fn local_start(before: &str) -> Option<usize> {
    if let Some(quoted) = before.strip_suffix('"') {
        let start = quoted.rfind('"')?;
        return Some(start);
    }
    let start = before
        .char_indices()
        .rev()
        .take_while(|(_, c)| {
            c.is_alphanumeric()
                || "!#$%&'*+-/=?^_`{|}~.".contains(*c)
                || (!c.is_ascii() && !c.is_whitespace())
        })
        .last()
        .map(|(at, _)| at)?;
    // `smtp.mailfrom=somebody@…`: the property's name says what the address is.
    let local = before.split_at(start).1;
    let label = local.split_once('=').map_or("", |(label, _)| label);
    let is_label = ["smtp.", "header.", "policy."].iter().any(|class| label.starts_with(class))
        || ["envelope-from", "mailfrom", "from", "sender"].contains(&label);
    Some(if is_label { start + label.len() + 1 } else { start }).filter(|start| *start < before.len())
}

fn is_domain(after: &str) -> bool {
    after.starts_with(|c: char| c.is_alphanumeric() || c == '[' || !c.is_ascii())
}

/// Takes the place of every local part.
const MARKER: &str = "redacted";
