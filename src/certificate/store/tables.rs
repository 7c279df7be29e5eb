//! Columns of the tables that certificate writes.

use crate::store::tables::timestamp;
use crate::{
    certificate::store::CertificateRow,
    store::{
        block::table,
        column::{Fixed, Push, Text, Timestamp, Words},
    },
};

table! {
    /// Rows of `certificates`.
    Certificates in "certificates" {
        serial: Text,
        domain: Words<false>,
        group_name: Words<false>,
        issued_at: Fixed<Timestamp>,
        statement: Text,
        signature: Text,
        public_key: Text,
    }
}

impl Certificates {
    /// Adds a certificate.
    pub fn add(&mut self, row: &CertificateRow) {
        self.serial.push(row.serial.as_str());
        self.domain.push(row.domain.as_str());
        self.group_name.push(row.group.as_str());
        self.issued_at.push(timestamp(row.issued_at));
        self.statement.push(row.statement.as_str());
        self.signature.push(row.signature.as_str());
        self.public_key.push(row.public_key.as_str());
    }
}
