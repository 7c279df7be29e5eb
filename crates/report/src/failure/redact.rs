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
    let quoted = before.strip_suffix('"').map(|inside| inside.rfind('"').unwrap_or(inside.len()));
    let (unquoted, _) = before.split_at(quoted.unwrap_or(before.len()));
    let start = unquoted.char_indices().rfind(|(_, c)| !is_local(*c)).map_or(0, |(at, c)| at + c.len_utf8());
    // `smtp.mailfrom=somebody@…`: the property's name says what the address is.
    let local = before.split_at(start).1;
    let label = local.split_once('=').map_or("", |(label, _)| label);
    let is_label = ["smtp.", "header.", "policy."].iter().any(|class| label.starts_with(class))
        || ["envelope-from", "mailfrom", "from", "sender"].contains(&label);
    let start = if is_label { start + label.len() + 1 } else { start };
    (start < before.len()).then_some(start)
}

fn is_local(c: char) -> bool {
    c.is_alphanumeric() || "!#$%&'*+-/=?^_`{|}~.".contains(c) || (!c.is_ascii() && !c.is_whitespace())
}

/// Whether what follows an `@` may be a domain: anything but a gap, as in prose.
fn is_domain(after: &str) -> bool {
    after.starts_with(|c: char| !c.is_whitespace())
}

/// Takes the place of every local part.
const MARKER: &str = "redacted";

#[cfg(test)]
mod tests {
    #[test]
    fn local_parts_go_and_domains_stay() {
        for (before, after) in [
            ("", ""),
            ("joe@shop.example", "redacted@shop.example"),
            (
                "Invoice for joe.doe+x@shop.example, ann@b.example!",
                "Invoice for redacted@shop.example, redacted@b.example!",
            ),
            ("bounces+17-joe=b.example@shop.example", "redacted@shop.example"),
            ("\"joe doe\"@shop.example", "redacted@shop.example"),
            ("<joe@[192.0.2.1]>", "<redacted@[192.0.2.1]>"),
            ("joe\" doe\"@shop.example, joe\"@shop.example", "redacted@shop.example, redacted@shop.example"),
            ("jöe@müller.example", "redacted@müller.example"),
            ("mailto:joe@shop.example", "mailto:redacted@shop.example"),
            (
                "spf=fail smtp.mailfrom=joe@shop.example; dkim=pass header.i=@shop.example",
                "spf=fail smtp.mailfrom=redacted@shop.example; dkim=pass header.i=@shop.example",
            ),
            ("a@b@shop.example", "redacted@redacted@shop.example"),
            ("@shop.example", "@shop.example"),
            ("see you @ noon", "see you @ noon"),
            ("5 pcs @", "5 pcs @"),
        ] {
            let mut text = before.to_owned();
            super::text(&mut text);
            assert_eq!(text, after);
            super::text(&mut text);
            assert_eq!(text, after, "twice is as once");
        }
    }

    #[test]
    fn an_address_without_domain_goes_whole() {
        for (before, after) in
            [("joe", "redacted"), ("", ""), ("shop.example", "shop.example"), ("joe@x", "redacted@x")]
        {
            let mut address = before.to_owned();
            super::address(&mut address);
            assert_eq!(address, after);
        }
    }
}
