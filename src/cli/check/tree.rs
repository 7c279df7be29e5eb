//! The tree of an SPF record: what each branch costs, and how many addresses it lets send.

use std::io::{self, Write};

use ruad_common::text::Shown;
use ruad_dns::spf::{Branch, Node};

use super::super::style::{BOLD, DIM, Painted};

/// The whole tree, a term a line.
pub(super) fn spf(out: &mut impl Write, tree: &Branch) -> io::Result<()> {
    let cost = &tree.cost;
    let voids = cost.voids_ipv4.max(cost.voids_ipv6);
    let sum = format!(
        "{} of 10 lookups, {voids} of 2 without an answer, {}",
        cost.lookups,
        addresses(tree.addresses.ipv4, tree.addresses.ipv6)
    );
    writeln!(out, "{:9}{}  {sum}", "", Painted(&tree.domain, BOLD))?;
    branch(out, tree, "")
}

fn branch(out: &mut impl Write, tree: &Branch, indent: &str) -> io::Result<()> {
    let count = tree.terms.len();
    for (index, node) in tree.terms.iter().enumerate() {
        let is_last = index + 1 == count;
        let (fork, below) = if is_last { ("└─ ", "   ") } else { ("├─ ", "│  ") };
        let term = format!("{}{}", Shown(&node.term), if node.is_reached { "" } else { "  (never reached)" });
        write!(out, "{:9}{indent}{}{term}", "", Painted(fork, DIM))?;
        let cost = cost(node);
        if cost.is_empty() {
            writeln!(out)?;
        } else {
            writeln!(out, "  {}", Painted(&cost, DIM))?;
        }
        if let Some(below_it) = &node.branch {
            branch(out, below_it, &format!("{indent}{below}"))?;
        }
    }
    Ok(())
}

fn cost(node: &Node) -> String {
    let mut words = Vec::new();
    match node.cost.lookups {
        0 => {}
        1 => words.push("1 lookup".to_owned()),
        lookups => words.push(format!("{lookups} lookups")),
    }
    let voids = node.cost.voids_ipv4.max(node.cost.voids_ipv6);
    if voids > 0 {
        words.push(format!("{voids} without an answer"));
    }
    if node.addresses.ipv4 > 0 || node.addresses.ipv6 > 0 {
        words.push(addresses(node.addresses.ipv4, node.addresses.ipv6));
    }
    words.join(", ")
}

/// IPv6 networks are too large for their addresses to be counted by people.
fn addresses(ipv4: u64, ipv6: u128) -> String {
    let ipv4 = match ipv4 {
        1 => "1 address".to_owned(),
        count => format!("{} addresses", thousands(count)),
    };
    match ipv6 {
        0 => ipv4,
        count => format!("{ipv4}, IPv6 about a /{}", u128::BITS - count.ilog2()),
    }
}

fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_can_be_read() {
        assert_eq!(thousands(0), "0");
        assert_eq!(thousands(999), "999");
        assert_eq!(thousands(1_000), "1,000");
        assert_eq!(thousands(1_234_567), "1,234,567");
        assert_eq!(addresses(1, 0), "1 address");
        assert_eq!(addresses(256, 1 << 64), "256 addresses, IPv6 about a /64");
        assert_eq!(addresses(0, (1 << 80) + 1), "0 addresses, IPv6 about a /48");
        assert_eq!(addresses(0, 1), "0 addresses, IPv6 about a /128");
    }
}
