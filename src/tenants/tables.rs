//! What a customer may read: the tables of the dashboard "Customer", and of these what concerns it.

/// A table that customers may read.
#[derive(Clone, Copy, Debug)]
pub struct Table {
    /// Its name.
    pub name: &'static str,
    /// The columns that may be read, with those that `FINAL` needs.
    columns: &'static [&'static str],
    rows: Rows,
}

/// Which rows are whose.
#[derive(Clone, Copy, Debug)]
enum Rows {
    /// Those of its domains, which stand in this column.
    Domains(&'static str),
    /// Those of the group.
    Group,
    /// Those about addresses that sent as its domains: reverse names would tell of other customers.
    Addresses,
}

impl Table {
    /// The columns, as a statement lists them.
    pub fn columns(&self) -> String {
        self.columns.join(", ")
    }

    /// What is true of the rows of a group. Group names need no quoting: they are lower-case letters, digits, `-` and `_`.
    pub fn condition(&self, database: &str, group: &str) -> String {
        let domains = format!("(SELECT domain FROM {database}.tenant_domains WHERE group_name = '{group}')");
        match self.rows {
            Rows::Group => format!("group_name = '{group}'"),
            Rows::Domains(column) => format!("{column} IN {domains}"),
            Rows::Addresses => format!(
                "source_ip IN (SELECT source_ip FROM {database}.daily_sources WHERE policy_domain IN {domains})"
            ),
        }
    }
}

/// All of them.
pub static TABLES: [Table; 8] = [
    Table { name: "tenant_domains", columns: &["domain", "group_name"], rows: Rows::Group },
    Table {
        name: "daily_domains",
        columns: &[
            "policy_domain",
            "day",
            "group_name",
            "reporter",
            "verdict",
            "standing",
            "believed",
            "disposition",
            "dkim_aligned",
            "spf_aligned",
            "received_month",
            "messages",
            "records",
        ],
        rows: Rows::Domains("policy_domain"),
    },
    Table {
        name: "daily_sources",
        columns: &[
            "policy_domain",
            "day",
            "group_name",
            "source_ip",
            "verdict",
            "standing",
            "believed",
            "received_month",
            "messages",
            "passed",
            "dkim_aligned",
            "spf_aligned",
            "quarantined",
            "rejected",
            "forwarded",
            "foreign_spf",
            "subdomain",
            "subdomain_passed",
            "records",
        ],
        rows: Rows::Domains("policy_domain"),
    },
    Table {
        name: "domain_stages",
        columns: &[
            "domain",
            "day",
            "computed_at",
            "group_name",
            "stage",
            "stage_since",
            "progress",
            "score",
            "perfect_since",
            "policy",
            "parked",
            "ready_for",
            "window_from",
            "window_to",
            "messages",
            "legitimate",
            "legitimate_passed",
            "threats",
            "open_steps",
        ],
        rows: Rows::Domains("domain"),
    },
    Table {
        name: "domain_steps",
        columns: &[
            "domain",
            "code",
            "subject",
            "computed_at",
            "group_name",
            "position",
            "state",
            "opened_at",
            "done_at",
            "who",
            "effort",
            "risk",
            "title",
            "why",
            "how",
        ],
        rows: Rows::Domains("domain"),
    },
    Table {
        name: "domain_senders",
        columns: &[
            "domain",
            "sender",
            "computed_at",
            "group_name",
            "name",
            "category",
            "class",
            "messages",
            "passed",
            "spf_aligned",
            "dkim_aligned",
            "forwarded",
            "quarantined",
            "rejected",
            "share",
            "active_days",
            "first_day",
            "last_day",
        ],
        rows: Rows::Domains("domain"),
    },
    Table {
        name: "domain_events",
        columns: &[
            "domain",
            "id",
            "seen_at",
            "confirmed_at",
            "group_name",
            "check",
            "kind",
            "severity",
            "subject",
            "old",
            "new",
            "text",
        ],
        rows: Rows::Domains("domain"),
    },
    Table {
        name: "sources",
        columns: &[
            "source_ip",
            "reverse_name",
            "reverse_confirmed",
            "asn",
            "as_name",
            "country",
            "service",
            "category",
            "checked_at",
            "sender",
            "sender_key",
            "mail_server",
        ],
        rows: Rows::Addresses,
    },
];
