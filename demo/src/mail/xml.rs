//! Aggregate reports as XML. Reporters differ in the order of elements, in what they leave out and in white
//! space, so each builds its tree and says how it is laid out.

use crate::report::{Policy, Record, Report, Signature};

/// An element.
pub(super) enum Node {
    /// With text.
    Leaf(&'static str, String),
    /// Written as `<name/>`.
    Empty(&'static str),
    /// With elements.
    Branch(&'static str, Vec<Self>),
}

/// White space of a document.
pub(super) struct Layout {
    /// First line.
    pub(super) declaration: &'static str,
    /// What stands after `feedback` in its start tag.
    pub(super) attributes: &'static str,
    /// One level.
    pub(super) indent: &'static str,
    /// What ends a line.
    pub(super) newline: &'static str,
}

impl Layout {
    /// The document with these elements in its root.
    pub(super) fn document(&self, nodes: &[Node]) -> String {
        let mut text =
            format!("{}{}<feedback{}>{}", self.declaration, self.newline, self.attributes, self.newline);
        for node in nodes {
            self.write(node, 1, &mut text);
        }
        text.push_str("</feedback>");
        text.push_str(self.newline);
        text
    }

    fn write(&self, node: &Node, depth: usize, text: &mut String) {
        let indent = self.indent.repeat(depth);
        text.push_str(&indent);
        match node {
            Node::Leaf(name, value) => text.push_str(&format!("<{name}>{}</{name}>", escaped(value))),
            Node::Empty(name) => text.push_str(&format!("<{name}/>")),
            Node::Branch(name, nodes) => {
                text.push_str(&format!("<{name}>{}", self.newline));
                for node in nodes {
                    self.write(node, depth + 1, text);
                }
                text.push_str(&format!("{indent}</{name}>"));
            }
        }
        text.push_str(self.newline);
    }
}

/// What a reporter writes into a record.
pub(super) struct Columns {
    /// `envelope_to`
    pub(super) envelope_to: bool,
    /// `envelope_from`
    pub(super) envelope_from: bool,
    /// The SPF `scope`.
    pub(super) scope: bool,
    /// `selector` comes before `result`, after it, or not at all.
    pub(super) selector: Selector,
    /// An empty `human_result` in every signature.
    pub(super) human_result: bool,
}

/// Place of a signature's selector.
#[derive(Clone, Copy, Eq, PartialEq)]
pub(super) enum Selector {
    /// Before the result, as in the schema.
    Before,
    /// After the result, as Google writes it.
    After,
    /// Left out.
    Absent,
}

impl Columns {
    /// The `record` elements of `report`.
    pub(super) fn records<'a>(&'a self, report: &'a Report) -> impl Iterator<Item = Node> + 'a {
        report.records.iter().map(|record| self.record(record))
    }

    fn record(&self, record: &Record) -> Node {
        let mut evaluated = vec![
            leaf("disposition", record.disposition.as_str()),
            leaf("dkim", verdict(record.dkim_aligned)),
            leaf("spf", verdict(record.spf_aligned)),
        ];
        if let Some(reason) = record.reason {
            let comment = reason.comment.map(|comment| leaf("comment", comment));
            evaluated.push(Node::Branch(
                "reason",
                [leaf("type", reason.kind)].into_iter().chain(comment).collect(),
            ));
        }
        let mut identifiers = Vec::new();
        if self.envelope_to {
            identifiers.extend(record.envelope_to.map(|domain| leaf("envelope_to", domain)));
        }
        if self.envelope_from {
            identifiers.push(leaf("envelope_from", &record.envelope_from));
        }
        identifiers.push(leaf("header_from", &record.header_from));

        let mut results: Vec<Node> = record.signatures.iter().map(|signature| self.dkim(signature)).collect();
        let mut spf = vec![leaf("domain", &record.envelope_from)];
        if self.scope {
            spf.push(leaf("scope", "mfrom"));
        }
        spf.push(leaf("result", record.spf));
        results.push(Node::Branch("spf", spf));

        Node::Branch(
            "record",
            vec![
                Node::Branch(
                    "row",
                    vec![
                        leaf("source_ip", record.source.to_string()),
                        leaf("count", record.count.to_string()),
                        Node::Branch("policy_evaluated", evaluated),
                    ],
                ),
                Node::Branch("identifiers", identifiers),
                Node::Branch("auth_results", results),
            ],
        )
    }

    fn dkim(&self, signature: &Signature) -> Node {
        let mut nodes = vec![leaf("domain", &signature.domain)];
        if self.selector == Selector::Before {
            nodes.push(leaf("selector", &signature.selector));
        }
        nodes.push(leaf("result", signature.result));
        if self.selector == Selector::After {
            nodes.push(leaf("selector", &signature.selector));
        }
        if self.human_result {
            nodes.push(Node::Empty("human_result"));
        }
        Node::Branch("dkim", nodes)
    }
}

/// An element with text.
pub(super) fn leaf(name: &'static str, text: impl Into<String>) -> Node {
    Node::Leaf(name, text.into())
}

/// `report_metadata` in the usual order.
pub(super) fn metadata(report: &Report, contact: Option<&str>) -> Node {
    let mut nodes = vec![leaf("org_name", report.reporter.org_name), leaf("email", report.reporter.email)];
    nodes.extend(contact.map(|contact| leaf("extra_contact_info", contact)));
    nodes.push(leaf("report_id", &report.id));
    nodes.push(Node::Branch(
        "date_range",
        vec![leaf("begin", report.day.begin().to_string()), leaf("end", report.end().to_string())],
    ));
    Node::Branch("report_metadata", nodes)
}

/// `adkim` and `aspf`, always written out.
pub(super) fn alignment(policy: &Policy) -> [Node; 2] {
    let word = |strict| if strict { "s" } else { "r" };
    [leaf("adkim", word(policy.strict_dkim)), leaf("aspf", word(policy.strict_spf))]
}

/// `policy_published` of RFC 7489 with everything in it.
pub(super) fn policy(report: &Report, fo: bool) -> Node {
    let policy = &report.policy;
    let mut nodes = vec![leaf("domain", report.domain)];
    nodes.extend(alignment(policy));
    nodes.push(leaf("p", policy.p.as_str()));
    nodes.push(leaf("sp", policy.effective_sp().as_str()));
    nodes.push(leaf("pct", policy.pct.to_string()));
    if fo {
        nodes.push(leaf("fo", "1"));
    }
    Node::Branch("policy_published", nodes)
}

fn verdict(aligned: bool) -> &'static str {
    if aligned { "pass" } else { "fail" }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layout() {
        let layout = Layout { declaration: "<?xml?>", attributes: " a='b'", indent: "\t", newline: "\n" };
        let nodes = [Node::Branch("row", vec![leaf("x", "<&>"), Node::Empty("y")])];
        assert_eq!(
            layout.document(&nodes),
            "<?xml?>\n<feedback a='b'>\n\t<row>\n\t\t<x>&lt;&amp;&gt;</x>\n\t\t<y/>\n\t</row>\n</feedback>\n"
        );
    }
}
