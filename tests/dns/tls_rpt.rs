//! TLS-RPT.

use ruad_dns::tls_rpt;

use crate::{cases, server::Dns};

#[tokio::test]
async fn cases() {
    cases::run("tls_rpt", async |resolver, domain| tls_rpt::examine(&resolver, domain, &[]).await.check)
        .await;
}

#[tokio::test]
async fn whether_the_reports_come_here() {
    let zone = "@ IN MX 10 mx\n_smtp._tls IN TXT \"v=TLSRPTv1; rua=mailto:tls@domain.example\"\n";
    let dns = Dns::serve(zone).await;
    for (own, expected) in [("@domain.example", vec![]), ("x@domain.example", vec!["tls_rpt.not_to_us"])] {
        let check = tls_rpt::examine(&dns.resolver(), "domain.example", &[own.to_owned()]).await.check;
        assert_eq!(check.facts["record"].as_deref(), Some("v=TLSRPTv1; rua=mailto:tls@domain.example"));
        let codes: Vec<_> = check.findings.iter().map(|finding| finding.code.name).collect();
        assert_eq!(codes, expected);
    }
}
