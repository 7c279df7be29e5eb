//! Made-up aggregate reports, as large as real ones: about 750 bytes of XML a record.

use std::{
    fmt::Write as _,
    fs,
    io::{self, BufWriter, Write},
    path::Path,
};

use data_encoding::BASE64;
use flate2::{Compression, GzBuilder};

/// Writes the set; gives its bytes of XML.
pub(crate) fn write(folder: &Path, reports: u64, records: u64, as_mail: bool) -> io::Result<u64> {
    fs::create_dir_all(folder)?;
    let mut bytes = 0;
    for number in 0..reports {
        let report = Report::new(number, records);
        let name =
            format!("{}!{}!{}!{}!{number}.xml", report.reporter, report.domain, report.begin, report.end());
        bytes += if as_mail {
            let mut packed = GzBuilder::new().write(Vec::new(), Compression::default());
            let bytes = report.write(&mut packed)?;
            fs::write(folder.join(format!("{number}.eml")), report.mail(&name, &packed.finish()?))?;
            bytes
        } else {
            report.write(&mut BufWriter::new(fs::File::create(folder.join(name))?))?
        };
    }
    Ok(bytes)
}

struct Report {
    random: Random,
    number: u64,
    records: u64,
    reporter: &'static str,
    domain: String,
    begin: u64,
}

impl Report {
    fn new(number: u64, records: u64) -> Self {
        let mut random = Random(number.wrapping_mul(0x9e37_79b9).wrapping_add(7));
        let reporter = pick(&REPORTERS, random.next());
        let domain = format!("customer{}.example", random.next() % 50);
        Self { random, number, records, reporter, domain, begin: FIRST_DAY + number % 30 * 86_400 }
    }

    fn end(&self) -> u64 {
        self.begin + 86_399
    }

    fn write(&self, out: &mut impl Write) -> io::Result<u64> {
        let Self { reporter, domain, begin, number, .. } = self;
        let end = self.end();
        let head = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\" ?>\n<feedback>\n  <version>1.0</version>\n  <report_metadata>\n    \
             <org_name>{reporter}</org_name>\n    <email>dmarc@{reporter}</email>\n    <report_id>{begin}{number:09}\
             </report_id>\n    <date_range>\n      <begin>{begin}</begin>\n      <end>{end}</end>\n    </date_range>\n  \
             </report_metadata>\n  <policy_published>\n    <domain>{domain}</domain>\n    <adkim>r</adkim>\n    \
             <aspf>r</aspf>\n    <p>reject</p>\n    <sp>reject</sp>\n    <pct>100</pct>\n  </policy_published>\n"
        );
        out.write_all(head.as_bytes())?;
        let mut bytes = head.len();
        let mut random = Random(self.random.0);
        let mut text = String::new();
        for _ in 0..self.records {
            text.clear();
            record(&mut random, domain, &mut text);
            out.write_all(text.as_bytes())?;
            bytes += text.len();
        }
        out.write_all(TAIL)?;
        out.flush()?;
        Ok((bytes + TAIL.len()) as u64)
    }

    fn mail(&self, name: &str, packed: &[u8]) -> Vec<u8> {
        let Self { reporter, domain, begin, number, .. } = self;
        let mut mail = format!(
            "From: dmarc@{reporter}\r\nTo: rua@reports.example\r\nSubject: Report Domain: {domain} Submitter: {reporter} \
             Report-ID: <{begin}{number:09}>\r\nMessage-ID: <{begin}{number:09}@{reporter}>\r\nMIME-Version: 1.0\r\n\
             Content-Type: application/gzip; name=\"{name}.gz\"\r\nContent-Transfer-Encoding: base64\r\n\
             Content-Disposition: attachment; filename=\"{name}.gz\"\r\n\r\n"
        )
        .into_bytes();
        for line in packed.chunks(57) {
            mail.extend_from_slice(BASE64.encode(line).as_bytes());
            mail.extend_from_slice(b"\r\n");
        }
        mail
    }
}

fn record(random: &mut Random, domain: &str, out: &mut String) {
    let passes = random.next() % 10 < 8;
    let result = if passes { "pass" } else { "fail" };
    let service = random.next() % 12;
    let count = 1 + 20 / (1 + random.next() % 20);
    let address = address(random);
    let selector = 1 + random.next() % 3;
    // Writing to a string does not fail.
    write!(
        out,
        "  <record>\n    <row>\n      <source_ip>{address}</source_ip>\n      <count>{count}</count>\n      \
         <policy_evaluated>\n        <disposition>none</disposition>\n        <dkim>{result}</dkim>\n        \
         <spf>{result}</spf>\n      </policy_evaluated>\n    </row>\n    <identifiers>\n      \
         <envelope_from>bounce.service{service}.example</envelope_from>\n      <header_from>{domain}</header_from>\n    \
         </identifiers>\n    <auth_results>\n      <dkim>\n        <domain>{domain}</domain>\n        \
         <selector>s{selector}</selector>\n        <result>{result}</result>\n      </dkim>\n      <spf>\n        \
         <domain>bounce.service{service}.example</domain>\n        <scope>mfrom</scope>\n        \
         <result>{result}</result>\n      </spf>\n    </auth_results>\n  </record>\n"
    )
    .unwrap_or_default();
}

/// Two thirds from three thousand busy addresses, the rest from anywhere; some IPv6.
fn address(random: &mut Random) -> String {
    let value = random.next();
    match value % 20 {
        0..13 => {
            let pool = (value >> 8) % 3_000;
            format!("198.{}.{}.{}", 18 + pool % 2, pool / 16 % 256, 1 + pool % 254)
        }
        13..16 => format!("2001:db8:{:x}::{:x}", (value >> 8) % 300, (value >> 24) % 65_536),
        _ => format!(
            "{}.{}.{}.{}",
            1 + (value >> 8) % 222,
            (value >> 16) % 256,
            (value >> 24) % 256,
            1 + (value >> 32) % 254
        ),
    }
}

/// splitmix64.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut value = self.0;
        value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        value ^ (value >> 31)
    }
}

fn pick(names: &[&'static str], value: u64) -> &'static str {
    names.get(usize::try_from(value).unwrap_or(0) % names.len()).copied().unwrap_or_default()
}

const REPORTERS: [&str; 6] = [
    "big-mail.example",
    "office-mail.example",
    "old-portal.example",
    "gateway.example",
    "campus.example",
    "isp.example",
];

/// 2026-10-01.
const FIRST_DAY: u64 = 1_790_812_800;

const TAIL: &[u8] = b"</feedback>\n";
