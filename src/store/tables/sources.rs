use super::timestamp;
use crate::{
    sources::SourceRow,
    store::{
        block::table,
        column::{Address, Fixed, Push, Text, Timestamp, Words},
    },
};

table! {
    /// Rows of `sources`.
    Sources in "sources" {
        source_ip: Fixed<Address>,
        reverse_name: Text,
        reverse_confirmed: Fixed<bool>,
        asn: Fixed<u32>,
        as_name: Words<false>,
        country: Words<false>,
        service: Words<false>,
        category: Words<false>,
        checked_at: Fixed<Timestamp>,
        recheck_at: Fixed<Timestamp>,
    }
}

impl Sources {
    /// Adds what is known of an address.
    pub fn add(&mut self, row: &SourceRow) {
        self.source_ip.push(Address(row.ip));
        self.reverse_name.push(row.reverse_name.as_deref().unwrap_or_default());
        self.reverse_confirmed.push(row.reverse_confirmed);
        self.asn.push(row.asn.unwrap_or_default());
        self.as_name.push(row.as_name.as_deref().unwrap_or_default());
        self.country.push(row.country.as_deref().unwrap_or_default());
        self.service.push(row.service.as_deref().unwrap_or_default());
        self.category.push(row.category.map(|category| category.as_str()).unwrap_or_default());
        self.checked_at.push(timestamp(row.checked_at));
        self.recheck_at.push(timestamp(row.recheck_at));
    }
}
