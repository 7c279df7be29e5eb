//! BIMI.

use ruad_dns::{bimi, dmarc};

use crate::cases;

#[tokio::test]
async fn cases() {
    cases::run("bimi", async |resolver, domain| {
        let dmarc = dmarc::examine(&resolver, domain, &[]).await;
        bimi::examine(&resolver, domain, &dmarc).await.check
    })
    .await;
}
