//! From the adviser's run to the page that everybody sees.

use ruad::certificate::{Certificate, SigningKey};

use crate::world::{DAY, DOMAIN, Domain, URL, World};

#[tokio::test(flavor = "multi_thread")]
async fn it_holds_as_long_as_its_domain_does() {
    let world = World::new().await;
    let good = Domain::perfect(DOMAIN, world.now);
    let issued = world.run(&good).await;
    let [certificate] = issued.as_slice() else { panic!("{issued:?}") };
    let serial = certificate.statement().serial;
    let path = format!("/c/{serial}");
    let standing = || {
        let text = world.get(&format!("{path}.txt"));
        assert_eq!(text.status, 200, "{}", text.body);
        assert_eq!(Certificate::find(&text.body).as_ref(), Ok(certificate));
        text.body.lines().next().unwrap().to_owned()
    };
    assert_eq!(standing(), "standing: unconfirmed", "there is no plan yet");

    world.plan(DOMAIN, 3 * DAY, Some(5.0), "reject").await;
    assert_eq!(standing(), "standing: unconfirmed", "the plan is three days old");

    world.plan(DOMAIN, 900, Some(5.0), "reject").await;
    assert_eq!(standing(), "standing: valid");
    let page = world.get(&path);
    assert_eq!(page.status, 200);
    assert!(page.body.contains("<strong>Valid</strong>") && page.body.contains(DOMAIN), "{}", page.body);
    assert_eq!(Certificate::find(&page.body).as_ref(), Ok(certificate));
    assert!(world.get(&format!("{path}.svg")).body.contains("DMARC 5/5"));

    world.plan(DOMAIN, 600, Some(4.2), "reject").await;
    assert_eq!(standing(), "standing: void");
    let page = world.get(&path);
    let today = world.now / DAY;
    let day = (world.now - 600) / DAY;
    assert!(page.body.contains("<strong>No longer valid</strong>"), "{}", page.body);
    assert!(page.body.contains("cannot be relied on since") || day != today, "{}", page.body);
    assert!(!page.body.contains("4.2"), "what is wrong is nobody's business");
    assert!(world.get(&format!("{path}.svg")).body.contains("No longer valid"));

    world.plan(DOMAIN, 500, None, "reject").await;
    assert_eq!(standing(), "standing: unconfirmed", "a score that is not known is not the one before it");

    world.plan(DOMAIN, 400, Some(5.0), "reject").await;
    assert_eq!(standing(), "standing: valid");

    for policy in ["quarantine", "none", ""] {
        world.plan(DOMAIN, 300, Some(5.0), policy).await;
        assert_eq!(standing(), "standing: void", "{policy}");
        world.execute("TRUNCATE TABLE domain_stages").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn since_when_it_does_not_hold_is_told() {
    let world = World::new().await;
    let issued = world.run(&Domain::perfect(DOMAIN, world.now)).await;
    for (days, score) in
        [(9, 4.0), (8, 5.0), (7, 5.0), (6, 3.0), (5, 5.0), (4, 4.9), (3, 2.0), (2, 4.9), (0, 1.0)]
    {
        world.plan(DOMAIN, days * DAY, Some(score), "reject").await;
    }
    let path = format!("/c/{}", issued[0].statement().serial);
    let lost = ruad::certificate::Date::of(world.now - 4 * DAY);
    let page = world.get(&format!("{path}?lang=en")).body;
    let day = lost.parts().2;
    assert!(page.contains(&format!("cannot be relied on since {day} ")), "{lost}: {page}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_domain_that_nobody_looks_after_has_none() {
    let world = World::new().await;
    let gone = "gone.example";
    let issued = world.run(&Domain::perfect(gone, world.now)).await;
    world.plan(gone, 60, Some(5.0), "reject").await;
    let page = world.get(&format!("/c/{}", issued[0].statement().serial));
    assert!(page.body.contains("No longer valid"), "it is not in the registry: {}", page.body);
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_issued_once_and_every_change_is_an_event() {
    let world = World::new().await;
    let good = Domain::perfect(DOMAIN, world.now);
    assert_eq!(world.run(&good).await.len(), 1);
    assert_eq!(world.run(&good).await.len(), 0);
    assert_eq!(world.events().await, ["certificate.issued"]);

    let mut later = world;
    let mut hour = async |domain: &Domain| {
        later.now += 3_600;
        assert_eq!(later.run(domain).await, []);
        later.events().await.len()
    };
    let bad = Domain::perfect(DOMAIN, good.plan.at).worse();
    assert_eq!(hour(&bad).await, 2);
    assert_eq!(hour(&bad).await, 2);
    assert_eq!(hour(&good).await, 3);
    assert_eq!(hour(&good).await, 3);
    let events = later.events().await;
    assert_eq!(events, ["certificate.issued", "certificate.void", "certificate.restored"]);
    let stored = later.store.certificates().await.unwrap();
    assert_eq!(stored.len(), 1);
    assert_eq!((&*stored[0].group, &*stored[0].domain), ("acme", DOMAIN));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_our_key_did_not_sign_is_unknown() {
    let world = World::new().await;
    let issued = world.run(&Domain::perfect(DOMAIN, world.now)).await;
    world.plan(DOMAIN, 60, Some(5.0), "reject").await;
    let statement = issued[0].statement();
    let path = format!("/c/{}", statement.serial);
    assert_eq!(world.get(&path).status, 200);

    // Somebody who can write to the database says another domain has it.
    let later = world.now + 10;
    let forge = |change: &str| {
        format!(
            "INSERT INTO certificates SELECT * REPLACE ({change}, toDateTime({later}, 'UTC') AS issued_at) \
             FROM certificates FINAL WHERE serial = '{}'",
            statement.serial
        )
    };
    world.execute(&forge("replaceOne(statement, 'customer.example', 'attacker.example') AS statement")).await;
    let page = world.get(&path);
    assert_eq!(page.status, 404);
    assert!(!page.body.contains("attacker.example") && !page.body.contains(DOMAIN), "{}", page.body);

    // Or signs it with a key of their own.
    let other = Certificate::sign(statement.clone(), &SigningKey::random().unwrap());
    let forged = format!(
        "INSERT INTO certificates SELECT serial, domain, group_name, issued_at + 10, '{}', '{}', '{}' \
         FROM certificates FINAL WHERE serial = '{}'",
        statement.to_string().replace('\n', "\\n"),
        other.signature(),
        other.key(),
        statement.serial
    );
    world.execute(&forged).await;
    assert_eq!(world.get(&path).status, 404);
    // Then the domain gets one that is genuine.
    assert_eq!(world.run(&Domain::perfect(DOMAIN, world.now)).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_key_can_be_fetched() {
    let world = World::new().await;
    let issued = world.run(&Domain::perfect(DOMAIN, world.now)).await;
    let pem = world.get("/c/key.pem");
    assert_eq!(pem.status, 200);
    assert_eq!(ruad::certificate::PublicKey::parse(&pem.body).unwrap(), issued[0].key());
    assert_eq!(issued[0].statement().url(), format!("{URL}/c/{}", issued[0].statement().serial));
}
