//! Small aggregate reports with known contents.

/// A mail with one uncompressed report of two records, 3 + `count` messages in all.
pub(crate) fn mail(id: &str, domain: &str, count: u64) -> Vec<u8> {
    let xml = xml(id, domain, count);
    let mail = format!(
        "From: reports@reporter.example\r\nTo: rua@reports.example\r\n\
         Subject: Report Domain: {domain} Submitter: reporter.example Report-ID: <{id}>\r\n\
         Message-ID: <{id}@reporter.example>\r\nMIME-Version: 1.0\r\nContent-Type: text/xml\r\n\r\n{xml}"
    );
    mail.into_bytes()
}

fn xml(id: &str, domain: &str, count: u64) -> String {
    let (begin, end) = yesterday();
    let record = |ip: &str, count: u64, result: &str| {
        format!(
            "<record><row><source_ip>{ip}</source_ip><count>{count}</count><policy_evaluated>\
             <disposition>none</disposition><dkim>{result}</dkim><spf>{result}</spf></policy_evaluated></row>\
             <identifiers><header_from>{domain}</header_from></identifiers><auth_results><dkim>\
             <domain>{domain}</domain><selector>s1</selector><result>{result}</result></dkim><spf>\
             <domain>{domain}</domain><result>{result}</result></spf></auth_results></record>\r\n"
        )
    };
    format!(
        "<?xml version=\"1.0\"?>\r\n<feedback><report_metadata><org_name>Reporter</org_name>\
         <email>reports@reporter.example</email><report_id>{id}</report_id><date_range><begin>{begin}</begin>\
         <end>{end}</end></date_range></report_metadata><policy_published><domain>{domain}</domain>\
         <p>none</p></policy_published>\r\n{}{}</feedback>\r\n",
        record("192.0.2.1", count, "pass"),
        record("2001:db8::25", 3, "fail"),
    )
}

/// The last whole UTC day: reports from long ago or from the future are stored, but flagged.
fn yesterday() -> (u64, u64) {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    let begin = now / 86_400 * 86_400 - 86_400;
    (begin, begin + 86_399)
}
