//! Where mail comes from. Only addresses reserved for documentation (RFC 5737, RFC 3849), each block of them
//! with one role throughout the demo, so that dashboards show the same service at the same addresses.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// A set of addresses with one role.
#[derive(Debug)]
pub struct Pool {
    /// First of the IPv4 addresses.
    v4: [u8; 4],
    /// How many of them, counting up in the last octet.
    v4_len: u8,
    /// Third group of the IPv6 addresses, `2001:db8:GROUP::1` and on.
    v6: u16,
    /// How many of them.
    v6_len: u16,
    /// What their reverse names end in; empty when they have none.
    reverse: &'static str,
}

impl Pool {
    const fn v4(v4: [u8; 4], v4_len: u8, reverse: &'static str) -> Self {
        Self { v4, v4_len, v6: 0, v6_len: 0, reverse }
    }

    const fn and_v6(self, v6: u16, v6_len: u16) -> Self {
        Self { v6, v6_len, ..self }
    }

    /// How many addresses it has; never 0.
    pub fn size(&self) -> u64 {
        u64::from(self.v4_len) + u64::from(self.v6_len)
    }

    /// Address number `index`, counted round.
    pub fn address(&self, index: u64) -> IpAddr {
        let index = index % self.size().max(1);
        let [a, b, c, d] = self.v4;
        if index < u64::from(self.v4_len) {
            return Ipv4Addr::new(a, b, c, d.wrapping_add(index as u8)).into();
        }
        let host = (index - u64::from(self.v4_len)) as u16 + 1;
        Ipv6Addr::new(0x2001, 0xdb8, self.v6, 0, 0, 0, 0, host).into()
    }

    /// All addresses with the names their reverse records give; none for a pool without.
    pub fn reverse_names(&self) -> Vec<(IpAddr, String)> {
        if self.reverse.is_empty() {
            return Vec::new();
        }
        (0..self.size())
            .map(|index| (self.address(index), format!("{}{}", index + 1, self.reverse)))
            .collect()
    }
}

/// Every pool, for the reverse zones.
pub const ALL: &[&Pool] = &[
    &MERIDIAN,
    &FREIGHT,
    &PARCELS,
    &OAKFIELD,
    &LUMEN,
    &LUMEN_TILLS,
    &FORWARDERS,
    &TERP,
    &LISTS,
    &OFFICE,
    &WORKSPACE,
    &MAILCHIMP,
    &SENDGRID,
    &SES,
    &ZENDESK,
    &MONEYBIRD,
    &TULIP,
    &SCATTERED,
    &BULLETPROOF,
];

/// Own mail servers of a customer.
pub const MERIDIAN: Pool = Pool::v4([192, 0, 2, 10], 2, ".mx.meridian.example").and_v6(0x10, 2);
/// Own mail server of a customer.
pub const FREIGHT: Pool = Pool::v4([192, 0, 2, 16], 1, ".mail.meridian-freight.test");
/// The machines that send a customer's tracking messages.
pub const PARCELS: Pool = Pool::v4([192, 0, 2, 24], 4, ".track.meridian-parcels.example").and_v6(0x24, 4);
/// Own mail servers of a customer.
pub const OAKFIELD: Pool = Pool::v4([192, 0, 2, 40], 2, ".mta.oakfield.example");
/// Own mail server of a customer.
pub const LUMEN: Pool = Pool::v4([192, 0, 2, 60], 1, ".post.lumen.example").and_v6(0x60, 1);
/// Tills and printers in shops, which send by themselves through the shops' access lines.
pub const LUMEN_TILLS: Pool = Pool::v4([192, 0, 2, 80], 40, ".dyn.access-net.test");
/// Servers that pass mail on to another mailbox.
pub const FORWARDERS: Pool = Pool::v4([192, 0, 2, 200], 12, ".fwd.alumni-mail.test").and_v6(0x200, 4);
/// A web hoster whose servers pass mail on with envelopes of their own.
pub const TERP: Pool = Pool::v4([192, 0, 2, 214], 4, ".out.terp-hosting.test");
/// A host of mailing lists.
pub const LISTS: Pool = Pool::v4([192, 0, 2, 230], 4, ".lists.coopnet.test");
/// Microsoft 365.
pub const OFFICE: Pool =
    Pool::v4([198, 51, 100, 1], 28, ".outbound.protection.outlook.com").and_v6(0x365, 12);
/// Google Workspace.
pub const WORKSPACE: Pool = Pool::v4([198, 51, 100, 32], 16, ".mail-wr1.google.com").and_v6(0x486, 10);
/// Mailchimp.
pub const MAILCHIMP: Pool = Pool::v4([198, 51, 100, 64], 24, ".atl81.mcsv.net");
/// SendGrid.
pub const SENDGRID: Pool = Pool::v4([198, 51, 100, 96], 24, ".outbound-mail.sendgrid.net");
/// Amazon SES.
pub const SES: Pool = Pool::v4([198, 51, 100, 128], 24, ".smtp-out.amazonses.com");
/// Zendesk.
pub const ZENDESK: Pool = Pool::v4([198, 51, 100, 184], 12, ".pod13.zdsys.com");
/// Moneybird.
pub const MONEYBIRD: Pool = Pool::v4([198, 51, 100, 200], 8, ".mta.moneybird.com");
/// The server of a customer's web shop.
pub const TULIP: Pool = Pool::v4([192, 0, 2, 130], 2, ".shop.tulip-bikes.example").and_v6(0x71, 1);
/// Taken-over machines all over the place.
pub const SCATTERED: Pool = Pool::v4([203, 0, 113, 1], 190, "").and_v6(0xbad, 400);
/// A hoster that does not answer complaints.
pub const BULLETPROOF: Pool = Pool::v4([203, 0, 113, 200], 20, ".vps.cheap-hosting.test");

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn pools_are_disjoint_and_reserved() {
        let mut seen = HashSet::new();
        for pool in ALL {
            for index in 0..pool.size() {
                let address = pool.address(index);
                assert!(seen.insert(address), "{address} is in two pools");
                match address {
                    IpAddr::V4(v4) => assert!(v4.is_documentation(), "{v4}"),
                    IpAddr::V6(v6) => assert_eq!(v6.segments()[..2], [0x2001, 0xdb8], "{v6}"),
                }
            }
            assert_eq!(pool.address(pool.size()), pool.address(0));
        }
    }
}
