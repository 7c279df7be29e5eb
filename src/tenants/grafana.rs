//! The data source and the dashboard of a customer's organisation in Grafana, as its provisioning reads them.

use super::{user, views};

/// An organisation in Grafana and the group that it is for.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Organisation {
    /// The group of the registry.
    pub group: String,
    /// The number of the organisation; 1 is the one that is there from the start, which sees everything.
    pub id: u32,
}

impl Organisation {
    /// The name of the variable of Grafana's environment that has the password of its user.
    pub fn variable(&self) -> String {
        format!("RUAD_TENANT_{}", self.group.replace('-', "__").to_ascii_uppercase())
    }

    /// A file for `provisioning/datasources`; `database` is ruad's.
    pub fn data_sources(all: &[Self], database: &str) -> String {
        let database = views(database);
        let head = "apiVersion: 1\ndatasources:\n".to_owned();
        all.iter().fold(head, |text, one| {
            let (id, user, variable) = (one.id, user(&one.group), one.variable());
            text + &format!(
                "  - name: ruad ClickHouse\n    uid: ruad-clickhouse\n    orgId: {id}\n    \
                 type: grafana-clickhouse-datasource\n    isDefault: true\n    jsonData:\n      \
                 host: $CLICKHOUSE_HOST\n      port: 8123\n      protocol: http\n      secure: false\n      \
                 username: {user}\n      defaultDatabase: {database}\n      dialTimeout: '10'\n      \
                 queryTimeout: '30'\n      validateSql: false\n    secureJsonData:\n      \
                 password: ${variable}\n"
            )
        })
    }

    /// A file for `provisioning/dashboards`: of the dashboards, the one for customers.
    pub fn dashboards(all: &[Self]) -> String {
        let head = "apiVersion: 1\nproviders:\n".to_owned();
        all.iter().fold(head, |text, Self { group, id }| {
            text + &format!(
                "  - name: ruad {group}\n    orgId: {id}\n    folder: ''\n    type: file\n    \
                 disableDeletion: true\n    allowUiUpdates: false\n    options:\n      \
                 path: /var/lib/grafana/dashboards/ruad-customer\n"
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_organisation_has_its_own_user() {
        let all = [
            Organisation { group: "acme".to_owned(), id: 2 },
            Organisation { group: "big-corp".to_owned(), id: 3 },
        ];
        let text = Organisation::data_sources(&all, "ruad");
        for line in [
            "orgId: 2\n",
            "username: tenant_acme\n",
            "password: $RUAD_TENANT_ACME\n",
            "orgId: 3\n",
            "username: tenant_big-corp\n",
            "password: $RUAD_TENANT_BIG__CORP\n",
        ] {
            assert_eq!(text.matches(line).count(), 1, "{line} in\n{text}");
        }
        assert_eq!(text.matches("defaultDatabase: ruad_tenants\n").count(), 2);
        assert!(Organisation::dashboards(&all).contains("name: ruad big-corp\n    orgId: 3\n"));
    }
}
