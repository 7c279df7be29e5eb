//! What a customer may read: the tables of the dashboard "Customer", and of these what concerns it.

/// A table that customers read through a view of the same name.
#[derive(Clone, Copy, Debug)]
pub struct Table {
    /// The name of the table and of its view.
    pub name: &'static str,
    /// The columns of the view.
    columns: &'static [&'static str],
    rows: Rows,
    /// Whether rows replace one another: the view reads with `FINAL`, which a query on a view does not hand on.
    replacing: bool,
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

    /// Which rows the current user may read, as the condition of a row policy of the views' definer. `currentUser()` is
    /// the user who asks, not the definer.
    pub fn condition(&self, database: &str) -> String {
        let own = "concat('tenant_', group_name) = currentUser()";
        let domains = format!("(SELECT domain FROM {database}.tenant_domains WHERE {own})");
        match self.rows {
            Rows::Group => own.to_owned(),
            Rows::Domains(column) => format!("{column} IN {domains}"),
            Rows::Addresses => format!(
                "source_ip IN (SELECT source_ip FROM {database}.daily_sources WHERE policy_domain IN {domains})"
            ),
        }
    }

    /// What the view selects.
    pub fn select(&self, database: &str) -> String {
        let last = if self.replacing { " FINAL" } else { "" };
        format!("SELECT {} FROM {database}.{}{last}", self.columns(), self.name)
    }
}

/// All of them.
pub static TABLES: [Table; 9] = [
    Table { name: "tenant_domains", columns: &["domain", "group_name"], rows: Rows::Group, replacing: false },
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
        replacing: false,
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
        replacing: false,
    },
    Table {
        name: "tls_policies",
        columns: &["policy_domain", "day", "group_name"],
        rows: Rows::Domains("policy_domain"),
        replacing: true,
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
        replacing: true,
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
        replacing: true,
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
        replacing: true,
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
        replacing: true,
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
        replacing: true,
    },
];
