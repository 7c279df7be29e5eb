//! `ruad certificate` as people run it.

use std::{fs, path::Path, process::Stdio};

use ruad::certificate::SigningKey;
use tokio::process::Command;

use crate::world::{DOMAIN, Domain, World};

/// Exit code and output.
async fn ruad(world: &World, arguments: &[&str]) -> (i32, String) {
    let settings = world.store.settings();
    let folder = world.folder.path();
    let output = Command::new(env!("CARGO_BIN_EXE_ruad"))
        .arg("certificate")
        .args(arguments)
        .env("RUAD__CLICKHOUSE__URL", settings.url())
        .env("RUAD__CLICKHOUSE__DATABASE", &settings.database)
        .envs(crate::engine::login(settings))
        .env("RUAD__CERTIFICATE__KEY", folder.join("certificate.pem"))
        .env("RUAD__DOMAINS__FILE", folder.join("domains.toml"))
        .stdin(Stdio::null())
        .output()
        .await
        .unwrap();
    let text = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    (output.status.code().unwrap(), text)
}

fn text(path: &Path) -> String {
    path.to_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn documents_are_made_and_verified() {
    let world = World::new().await;
    let issued = world.run(&Domain::perfect(DOMAIN, world.now)).await;
    let serial = issued[0].statement().serial.grouped();
    world.plan(DOMAIN, 60, Some(5.0), "reject").await;

    let (code, list) = ruad(&world, &["list"]).await;
    assert_eq!(code, 0, "{list}");
    assert!(
        list.contains(&serial.replace('-', "")) && list.contains("valid  ") && list.contains(DOMAIN),
        "{list}"
    );
    let (_, lines) = ruad(&world, &["list", "--json", DOMAIN]).await;
    let line: serde_json::Value = serde_json::from_str(&lines).unwrap();
    assert_eq!((&line["state"], &line["group"]), (&"valid".into(), &"acme".into()));
    assert_eq!(ruad(&world, &["list", "else.example"]).await, (0, String::new()));
    let (code, shown) = ruad(&world, &["show", &serial]).await;
    assert!(code == 0 && shown.contains("-----BEGIN DMARC") && shown.contains("<a href="), "{shown}");

    for (name, language) in [("c.html", "en"), ("d.html", "nl"), ("c.svg", "nl"), ("c.txt", "en")] {
        let path = world.folder.path().join(name);
        let (code, words) = ruad(&world, &["show", &serial, "--out", &text(&path), "--lang", language]).await;
        assert_eq!((code, &*words), (0, ""));
        let (code, words) = ruad(&world, &["verify", &text(&path)]).await;
        assert_eq!(code, 0, "{words}");
        assert!(
            words.contains("Genuine")
                && words.contains("Valid:")
                && words.contains("domain: customer.example")
        );

        // One letter of the statement, wherever the document shows it beside that.
        let document = fs::read_to_string(&path).unwrap();
        let forged = document.replace("domain: customer.example", "domain: customer.examples");
        assert_ne!(forged, document);
        fs::write(&path, forged).unwrap();
        let (code, words) = ruad(&world, &["verify", &text(&path)]).await;
        assert_eq!(code, 1, "{words}");
        assert!(words.contains("Not genuine"), "{words}");
    }
    let wrong = text(&world.folder.path().join("c.pdf"));
    assert_eq!(ruad(&world, &["show", &serial, "--out", &wrong]).await.0, 2);
    assert_eq!(ruad(&world, &["show", "0000-0000-0000-0000"]).await.0, 2);
    assert_eq!(ruad(&world, &["show", "../etc"]).await.0, 2);
    assert_eq!(ruad(&world, &["verify", "/does/not/exist"]).await.0, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn whose_key_it_is_and_whether_it_holds_are_told_apart() {
    let world = World::new().await;
    let issued = world.run(&Domain::perfect(DOMAIN, world.now)).await;
    let file = world.folder.path().join("c.txt");
    fs::write(&file, issued[0].to_string()).unwrap();
    let file = text(&file);

    let (code, words) = ruad(&world, &["verify", &file]).await;
    assert!(code == 3 && words.contains("Genuine") && words.contains("no recent result"), "{words}");
    world.plan(DOMAIN, 60, Some(3.0), "reject").await;
    let (code, words) = ruad(&world, &["verify", &file]).await;
    assert!(code == 1 && words.contains("Genuine") && words.contains("No longer valid"), "{words}");
    let (code, words) = ruad(&world, &["verify", "--offline", &file]).await;
    assert!(code == 0 && words.contains("Genuine") && !words.contains("No longer"), "{words}");

    let other = SigningKey::random().unwrap().public_key();
    let (code, words) = ruad(&world, &["verify", "--key", &other.to_string(), &file]).await;
    assert!(code == 1 && words.contains("another key"), "{words}");
    let pem = world.folder.path().join("key.pem");
    fs::write(&pem, world.get("/c/key.pem").body).unwrap();
    let (code, words) = ruad(&world, &["verify", "--key", &text(&pem), &file]).await;
    assert!(code == 0 && words.contains("Genuine"), "{words}");

    fs::remove_file(world.folder.path().join("certificate.pem")).unwrap();
    let (code, words) = ruad(&world, &["verify", &file]).await;
    assert!(
        code == 3 && words.contains("the owner of that key is unknown") && !words.contains("Genuine"),
        "{words}"
    );
    assert!(!world.folder.path().join("certificate.pem").exists(), "verifying makes no key");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_the_database_does_not_have_is_not_valid() {
    let world = World::new().await;
    let issued = world.run(&Domain::perfect(DOMAIN, world.now)).await;
    world.plan(DOMAIN, 60, Some(5.0), "reject").await;
    let file = world.folder.path().join("c.txt");
    fs::write(&file, issued[0].to_string()).unwrap();
    assert_eq!(ruad(&world, &["verify", &text(&file)]).await.0, 0);
    world.execute("TRUNCATE TABLE certificates").await;
    let (code, words) = ruad(&world, &["verify", &text(&file)]).await;
    assert!(code == 1 && words.contains("does not have it"), "{words}");
}
